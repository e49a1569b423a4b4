//! Sliding windows: for every row let in, the row and the aggregates over its group's rows in the
//! window (R-SQL-3).
//!
//! Rooms: [`operator`] which rows are let in, and their output · [`rows`] the rows in the window ·
//! [`place`] which rows leave, by kind of window ([`queue`], [`external`], [`sort`], [`unique`],
//! [`expression`]) · [`content`] aggregates by adding and removing · [`groups`] group numbers ·
//! [`running`] aggregates that nothing leaves · [`counted`] FREQUENT and LOSSYFREQUENT.
//!
//! Invariants:
//! - A row in error (of its keys, arguments or the window's own expressions) is not let in and
//!   takes no place. A row that fails WHERE takes its place and is neither aggregated nor output.
//! - Nothing is emitted when rows leave. Rows leave at the latest when a step ends, so that the
//!   state is a function of the rows and the stamp reached.
//! - minForever and maxForever belong to the group, not to the window: they are kept apart and
//!   bounded by `state.keys.max`.
//! - All orders among rows are orders of arrival.

mod content;
mod counted;
mod expression;
mod external;
mod groups;
mod operator;
mod place;
mod queue;
mod rows;
mod running;
mod sort;
mod unique;

pub use operator::SlidingWindowOp;

/// Code of a row of one key more than `state.keys.max`.
const KEYS_CODE: &str = cep_lang::diag::codes::TOO_MANY_KEYS;
