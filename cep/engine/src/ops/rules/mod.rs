//! Rules of a bundle: conditions in CEL over rows with their metrics, and the events they emit.
//!
//! Here the operator (`operator`), values of a row's slots (`slots`), which rules a row can meet (`index`), and what an
//! event consists of (`event`).
//!
//! Invariants:
//! - Events come out row by row, and of one row in the order of the rules.
//! - The index leaves out only rules that do not hold for the row: it changes neither events nor errors.
//! - A rule that fails for a row is an error of that row's record, once a row; the other rules go on.

mod event;
mod index;
mod operator;
mod slots;
#[cfg(test)]
mod tests;

pub use event::derived_event_id;
pub use operator::RulesOp;
