//! The words CEPtra's rooms share: identifiers, log entries, event frames, stable hashes, limits.
//!
//! Invariants: pure data, no I/O, no clock, no threads; every format that reaches disk or wire has
//! a version and a golden file.

pub mod codec;
mod entry;
pub mod frame;
pub mod hash;
mod id;
pub mod log;
pub mod op;
pub mod options;
pub mod sql_type;

pub use entry::{Entry, EntryKind, Events};
pub use id::{Epoch, EventId, LogIndex, PartitionId, ProducerId, SpaceId, StampNs, StreamId};
pub use op::Op;
