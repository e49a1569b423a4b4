//! Joins of two streams.
//!
//! Rooms: `side` the rows kept of one side · `bound` how long they are kept · `operator` rows arrive,
//! find partners and leave · `emit` pairs that stand the residual condition, and rows that found none ·
//! `state` checkpoints · `as_of` rows with the version in force at their time.
//!
//! Invariants:
//! - Rows arrive in ascending position, those of the left side first where positions are equal. A
//!   row is paired with rows that arrived before and are still kept, in the order of their arrival.
//! - By windows: a row leaves at the stamp that ends its time, before the row that brings the stamp; or
//!   with the row of its side that takes its place, before that row finds partners.
//! - By interval: a row leaves with the first watermark that is beyond the event time of all partners
//!   it could have. A row whose event time is behind the watermark is late and left out.
//! - A row of an outer side that leaves and never had a partner comes out once. Its event time is never
//!   behind the watermark: with an interval the last time a partner could have had, with
//!   windows its own or the watermark at that moment.

mod as_of;
mod bound;
mod emit;
mod operator;
mod side;
mod state;

pub use as_of::AsOfOp;
pub use operator::{JoinContext, JoinOp};
