//! CEPtra's engine: log entries in, actions out, nothing else.
//!
//! [`Partition::apply`] is the only way in; on a node, through [`replica::Replica::apply`]. Rooms: [`mod@column`] values of a chunk · [`chunk`] rows on an
//! edge and the order of a step · [`expr`] expressions · [`keys`] groups by key · [`metrics`] samples in panes and PromQL over them · [`agg`] aggregate
//! states · [`ops`] operators · [`graph`] operators in topological order · [`time`] stamps and
//! watermarks · [`table`] tables · [`replica`] a partition of a node: new rows and definitions · [`codec`] bytes of checkpoints · `cut` those bytes in slices · [`actions`] what the host is asked to do.
//!
//! Invariants: no I/O, no clock, no threads, no randomness; state and output are a function of the
//! entries applied (R-DET-1).

pub mod actions;
pub mod agg;
pub mod cel;
pub mod chunk;
pub mod codec;
pub mod column;
mod cut;
pub mod expr;
pub mod graph;
pub mod keys;
pub mod metrics;
pub mod ops;
mod partition;
pub mod replica;
pub mod table;
pub mod time;

pub use actions::{Actions, Emit, Output, RecordError, Run, Subject};
pub use codec::DecodeError;
pub use graph::BuildError;
pub use partition::{Budget, Partition, Progress};
