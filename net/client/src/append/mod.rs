//! Rows in: what a user appends, split by partition, numbered, sent within credits, sent again until
//! it is answered.
//!
//! Invariants:
//! - A row keeps its id and the time it was first sent for as long as it may have been applied under
//!   them. It gets another number only when the server said that it did not take it (`SequenceGap`) and
//!   never will under the old one.
//! - The rows of one partition reach its log in the order in which they were appended.
//! - What is taken and not answered is bounded, in bytes, by the producer.

mod fit;
mod lane;
mod numbers;
mod part;
mod pending;
mod producer;
mod receipt;
mod split;

pub(crate) use lane::Lane;
pub use numbers::ProducerPosition;
pub use pending::Pending;
pub use producer::{Producer, ProducerOptions};
pub use receipt::{AppendError, Receipt, RowOutcome};
