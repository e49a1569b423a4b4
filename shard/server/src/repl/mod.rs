//! The interactive session: statements typed one by one, results at once.
//!
//! `editor` lines from a person or a pipe · `statements` cutting them at `;` · `session` what has
//! been declared, and what a statement does · `live` continuous queries fed by INSERT … VALUES ·
//! `backslash` commands that are not SQL.
//!
//! Invariants: a statement that fails changes nothing; a query sees the rows inserted before it
//! and those inserted later, in order, because it is a function of the session's statements.

mod backslash;
mod editor;
mod live;
mod session;
mod statements;

pub use editor::{Editor, Line};
pub use session::{Next, Session};
pub use statements::Statements;
