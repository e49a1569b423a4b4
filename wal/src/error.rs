//! The one error of the log. Each variant says what happened, to what, and what to do.

use shard_rt::RtError;

use crate::id::{DamagedRange, Lane, PartitionId, Position};

/// What the log reports. It never logs what it returns.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WalError {
    /// TRANSIENT: no segment is ready to take this. Nothing was written.
    #[error(
        "the log has no room for {wanted} bytes more; wait for room, purge, or raise segments_max \
         or the size of the device"
    )]
    Full {
        /// Bytes that were asked for.
        wanted: u64,
    },
    /// PERMANENT: a write or flush failed. Nothing is acknowledged any more (R-DUR-2).
    #[error(
        "the log is fenced since a write or flush failed ({reason}); move leadership away and replace the device"
    )]
    Poisoned {
        /// The first failure.
        reason: String,
    },
    /// Acknowledged records of a partition cannot be read (R-DUR-3).
    #[error(
        "{partition} is damaged: {}; repair it from a peer or a backup, then remove and refill it",
        ranges(damage)
    )]
    Damaged {
        /// Which partition.
        partition: PartitionId,
        /// Where; empty if the damage is known from an earlier start alone.
        damage: Vec<DamagedRange>,
    },
    /// The log as a whole cannot be read.
    #[error("the log in {dir} cannot be read: {reason}; repair this node from its peers or a backup")]
    LogDamaged {
        /// The directory.
        dir: String,
        /// What is wrong.
        reason: String,
    },
    /// The log was written by another version.
    #[error("{file} has format version {version}, this program reads 1; use the program that wrote it")]
    Version {
        /// The file.
        file: String,
        /// Its version.
        version: u16,
    },
    /// A record is too large.
    #[error("a record of {bytes} bytes; at most {max} fit into this log: raise segment_bytes or split it")]
    TooLarge {
        /// Its bytes.
        bytes: u64,
        /// The limit.
        max: u64,
    },
    /// Indices that do not follow each other, and other defects of the caller.
    #[error("{partition} {lane}: {reason}; this is a defect of the program")]
    Misuse {
        /// Which partition.
        partition: PartitionId,
        /// Which lane.
        lane: Lane,
        /// The broken rule.
        reason: String,
    },
    /// The entries were purged.
    #[error("{partition} {lane}: entries up to {purged} are purged; start from a snapshot")]
    Purged {
        /// Which partition.
        partition: PartitionId,
        /// Which lane.
        lane: Lane,
        /// The last purged index.
        purged: u64,
    },
    /// A setting is out of its range.
    #[error("{name} = {value}: {reason}; change the setting")]
    Option {
        /// Its name.
        name: &'static str,
        /// Its value.
        value: u64,
        /// The range.
        reason: String,
    },
    /// The disk failed while the log was opened or read.
    #[error(transparent)]
    Disk(#[from] RtError),
    /// The log was closed.
    #[error("the log is closed; open it again")]
    Closed,
}

impl WalError {
    /// Whether the same call may succeed later.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Full { .. })
    }

    /// A record at `at` that was there and is not any more.
    pub(crate) fn record_lost(partition: PartitionId, at: Position, bytes: u64) -> Self {
        Self::Damaged { partition, damage: vec![DamagedRange { from: at, bytes }] }
    }
}

fn ranges(damage: &[DamagedRange]) -> String {
    let ranges: Vec<String> = damage.iter().map(ToString::to_string).collect();
    if ranges.is_empty() { "found at an earlier start".to_owned() } else { ranges.join(", ") }
}

/// The result of the log.
pub type Result<T> = std::result::Result<T, WalError>;
