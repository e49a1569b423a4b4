//! Patterns over rows: PATTERN, SEQUENCE and MATCH_RECOGNIZE (R-SQL-4; docs/patterns.md).
//!
//! `automaton` compiles a pattern to states. `layout` and `tests` say what is kept of rows and what
//! conditions ask. `machine` holds what both ways of matching share, `followed` is PATTERN and
//! SEQUENCE with `skipped` for their AFTER MATCH SKIP, `preferred` MATCH_RECOGNIZE. `captures` keeps the
//! rows of partial matches, `emit` makes rows of matches, `waiting` puts rows in the order of event
//! time, `state` writes checkpoints.
//!
//! Invariants:
//! - What a row costs is what it changes and what waits for it, not what came before.
//! - Bounds in time end partial matches by timers, without a row of their key.
//! - A row that a condition cannot be evaluated for is left out as though it had not come.

mod automaton;
mod captures;
mod emit;
mod followed;
mod layout;
mod machine;
mod operator;
mod preferred;
mod run;
mod skipped;
mod state;
mod tests;
mod waiting;

pub use operator::PatternOp;
