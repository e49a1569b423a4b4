//! Names and types resolved: the statement tree becomes the plan.
//!
//! `session` statement by statement · `catalog` what has been declared · `stream`, `insert`,
//! `aggregation`, `drop`, `show` one file a statement · `table` tables · `trigger` triggers · `function` user functions · `query`, `from`, `select` a query from the
//! outside in · `relation`, `projection` what each clause makes of rows · `window`, `condition`, `batch` streaming
//! windows · `pattern` PATTERN, SEQUENCE and MATCH_RECOGNIZE · `question` a bounded SELECT of what runs · `group`, `aggregate`, `over`, `over_groups` aggregates and OVER ·
//! `planner`, `columns`, `expr` expressions through DataFusion's planner · `sqlast` everything that
//! takes `sqlparser`'s trees apart · `error`, `places` what went wrong and where · `order` the
//! program's queries in order.
//!
//! Invariants:
//! - Nothing is evaluated but constants that must be known: a row's error comes with the row.
//! - A statement that fails changes nothing.
//! - No internal name of a type or column reaches a message.

mod aggregate;
mod aggregation;
mod batch;
mod catalog;
mod coerce;
mod columns;
mod condition;
mod context;
mod door;
mod drop;
mod error;
mod expr;
mod from;
mod function;
mod group;
mod held;
mod insert;
mod join;
mod order;
mod over;
mod over_groups;
mod pattern;
mod places;
mod planner;
mod projection;
mod query;
mod question;
mod relation;
mod result;
mod select;
mod session;
mod show;
pub mod sqlast;
mod stream;
mod table;
mod trigger;
mod types;
mod window;
mod within;

#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::Arc;

use crate::diag::Diagnostic;
use crate::plan::{Clock, Program};

pub(crate) use door::Feed;
pub use question::{Askable, QUESTION_BYTES_MAX, Question, QuestionError, QuestionPlan};
pub use result::StatementResult;
pub use session::Session;

/// Answers the name of a variable with its value.
pub type Environment = Arc<dyn Fn(&str) -> Option<String> + Send + Sync>;

/// What a script is compiled for.
#[derive(Clone)]
pub struct CompileOptions {
    /// The clock of streams that clients feed and that say when their rows happened, when the
    /// script does not set `clock`: `event` for files and replay, `ingest` for a live server.
    pub default_clock: Clock,
    /// Answers for `${VAR}` and `${VAR:default}` in WITH options.
    pub environment: Environment,
}

impl Default for CompileOptions {
    /// Event clock, no variables.
    fn default() -> Self {
        Self { default_clock: Clock::Event, environment: Arc::new(|_| None) }
    }
}

impl fmt::Debug for CompileOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CompileOptions").field("default_clock", &self.default_clock).finish_non_exhaustive()
    }
}

/// Compiles a whole script, or a bundle.
///
/// # Errors
/// Every error found, at most [`crate::sql::ERRORS_MAX`]; errors that only follow from an earlier
/// one are left out.
pub fn compile(text: &str, options: &CompileOptions) -> Result<Program, Vec<Diagnostic>> {
    if crate::bundle::is_bundle(text) {
        return crate::bundle::compile(text, options).map(|compiled| compiled.program);
    }
    let mut session = Session::new(options.clone());
    session.run(text)?;
    Ok(session.program())
}
