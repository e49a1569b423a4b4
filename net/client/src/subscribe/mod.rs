//! Rows out: the rows of a stream, partition by partition, from a position on.
//!
//! Invariants:
//! - A partition's rows come in order, and each once: a new connection goes on behind the last row that
//!   was delivered, and one that repeats rows is refused.
//! - What lies in memory and was not taken is bounded by the allowance of each partition.

mod attempt;
mod decode;
mod flow;
mod partition;
mod sink;
mod subscription;

use std::collections::BTreeMap;

use arrow_array::RecordBatch;
use cep_types::{Op, PartitionId};
use net_wire::{Position, Window};

pub use subscription::Subscription;

/// Rows of a partition that may be in memory and not taken.
const ALLOWED_ROWS_DEFAULT: u64 = 16_384;
/// The same in bytes of frames.
const ALLOWED_BYTES_DEFAULT: u64 = 8 << 20;

/// Where a subscription begins.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum SubscribeStart {
    /// With the oldest rows that are kept.
    #[default]
    Earliest,
    /// With the first rows after the subscription was made.
    Latest,
    /// With the first row of each partition after the position given; with the oldest of a partition
    /// that is not there.
    After(BTreeMap<PartitionId, Position>),
}

/// What to subscribe to, and how much at a time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubscribeOptions {
    /// These partitions of the stream's space; all when `None`.
    pub partitions: Option<Vec<PartitionId>>,
    /// Where to begin.
    pub start: SubscribeStart,
    /// Rows, and bytes of frames, of each partition that may be in memory and not taken. A single
    /// message may go beyond the bytes.
    pub allowance: Window,
}

impl Default for SubscribeOptions {
    fn default() -> Self {
        SubscribeOptions {
            partitions: None,
            start: SubscribeStart::Earliest,
            allowance: Window { events: ALLOWED_ROWS_DEFAULT, bytes: ALLOWED_BYTES_DEFAULT },
        }
    }
}

/// Rows of one partition; or none, when there is only news of the watermark.
#[derive(Debug, Clone, PartialEq)]
pub struct Delivered {
    /// The partition.
    pub partition: PartitionId,
    /// The rows.
    pub rows: RecordBatch,
    /// Where each row is in the output of the partition. The last one is what to subscribe after.
    pub positions: Vec<Position>,
    /// Id of each row, the same whenever the row is derived again (R-IDEM-2).
    pub derived_ids: Vec<u64>,
    /// What each row does.
    pub ops: Vec<Op>,
    /// No row with an earlier event time will come, late ones apart. Nanoseconds since
    /// 1970-01-01T00:00:00 UTC.
    pub watermark_ns: Option<i64>,
}
