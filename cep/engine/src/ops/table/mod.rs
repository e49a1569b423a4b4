//! Operators on tables: `join` reads them, `change` writes them, `lookup` finds rows for both; `read` answers
//! questions.

mod change;
mod join;
mod lookup;
mod pairs;
mod read;

pub use change::TableWriteOp;
pub use join::TableJoinOp;
pub use read::TableReading;
