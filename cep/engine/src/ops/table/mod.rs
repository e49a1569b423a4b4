//! Operators on tables: `join` reads them, `change` writes them, `lookup` finds rows for both.

mod change;
mod join;
mod lookup;
mod pairs;

pub use change::TableWriteOp;
pub use join::TableJoinOp;
