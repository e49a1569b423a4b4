//! The commands, one file each. A command returns the exit code of its success.

mod check;
mod explain;
mod explain_error;
mod fmt;
mod repl;
mod run;
mod schema;
mod serve;
mod write;

pub use check::check;
pub use explain::explain;
pub use explain_error::explain_error;
pub use fmt::fmt;
pub use repl::repl;
pub use run::run;
pub use schema::schema;
pub use serve::serve;
pub use write::write_stdout;
