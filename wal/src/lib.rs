//! The durable log of one shard, for all its partitions (R-DUR-1, R-DUR-2, R-DUR-3).
//!
//! A log is a row of segments: files of one size, zeroed once, used again and again. Records of all
//! partitions that wait go out in one aligned write with one flush; an append is acknowledged when its
//! records are durable (strict) or written (group-fsync). What a partition has is entries in numbered
//! lanes (lane 0 is its Raft log), values in slots (vote, committed position), and the marks that
//! truncate, purge and remove.
//!
//! ```text
//! append ─► accept (index, queue) ─► writer: one batch, one write ─► acknowledge, in order
//!                                     │ tail full            ▲ spare
//!                                     ▼                       │
//!                             next segment ◄── made ahead, or freed: nothing counts in it any more
//!                                              ▲ rewriting: few live records are written once more
//! ```
//!
//! Invariants:
//! - what was acknowledged is there after any crash, once, and nothing else is, but a prefix of what
//!   was appended and not acknowledged;
//! - damage in acknowledged records is told from a torn tail: the partition is refused and the range
//!   named; other partitions of the log go on. Nothing is ever truncated silently;
//! - after a write or flush has failed nothing is acknowledged; want of space is back-pressure;
//! - a record is believed only at the place, in the generation of the file, and in the log it was
//!   written for;
//! - memory is bounded by the index of live entries, the queue, the hot tail, and at a start by the
//!   segments read at the same time.

mod error;
mod format;
pub mod fsck;
mod id;
mod index;
mod log;
mod options;
mod record;
mod replay;
mod scan;
mod stats;
mod survey;
#[cfg(test)]
mod tests;

pub use error::{Result, WalError};
pub use format::VERSION;
pub use id::{DamagedRange, Lane, PartitionId, Position, SEGMENT_BYTES_MAX, Slot, UNIT};
pub use log::{Bounds, Recovered, Wal};
#[cfg(feature = "sabotage")]
pub use options::Sabotage;
pub use options::{BatchReport, Mode, Observer, Options};
pub use record::{Entry, Record};
pub use stats::{Counters, Stats};
