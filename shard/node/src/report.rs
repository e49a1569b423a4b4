//! What a node says about itself: for `/readyz`, `/metrics`, `/v1/state` and `ceptra-ctl`.

use cep_types::{Epoch, LogIndex, StampNs};
pub use raft::{CheckpointStats, Linked, SLICE_BOUNDS_NS, Slices};
use shard_control::PartitionRef;

/// One shard.
#[derive(Debug, Clone, Default)]
pub struct ShardReport {
    /// Its number.
    pub shard: u32,
    /// Its partitions.
    pub partitions: Vec<PartitionReport>,
    /// Connections of clients.
    pub connections: u64,
    /// Connections refused because there were too many.
    pub connections_refused: u64,
    /// What its log did.
    pub log: LogReport,
    /// Polls of a task that took too long.
    pub stalls: u64,
    /// Why the log takes nothing any more.
    pub poisoned: Option<String>,
    /// Monotone time of the report, ns.
    pub now_ns: u64,
}

/// What a log did since the start.
#[derive(Debug, Clone, Copy, Default)]
pub struct LogReport {
    /// Records appended.
    pub records: u64,
    /// Bytes written.
    pub bytes: u64,
    /// Writes.
    pub writes: u64,
    /// Flushes.
    pub flushes: u64,
    /// Segments that are there.
    pub segments: u64,
}

/// One partition.
#[derive(Debug, Clone)]
pub struct PartitionReport {
    /// Which.
    pub partition: PartitionRef,
    /// Whether it takes rows (R-READY-1).
    pub ready: bool,
    /// What is missing.
    pub reasons: Vec<String>,
    /// The last entry applied.
    pub applied: LogIndex,
    /// The last entry in the newest checkpoint.
    pub checkpoint: Option<LogIndex>,
    /// Its checkpoints.
    pub checkpoints: CheckpointReport,
    /// Its time.
    pub stamp: StampNs,
    /// What it did since the start.
    pub counts: Counts,
    /// Rows and bytes that wait.
    pub queued: (u64, u64),
    /// Its definitions.
    pub definitions: Vec<DefinitionReport>,
    /// Hash of its state (R-DET-1).
    pub state_hash: Option<u64>,
}

/// Checkpoints of a partition.
#[derive(Debug, Clone, Default)]
pub struct CheckpointReport {
    /// How old the newest is that this process ordered, ns; `None` if there is none.
    pub age_ns: Option<u64>,
    /// How far apart full ones are, as the pace of the shard allows, ns.
    pub full_interval_ns: u64,
    /// How far apart those of what changed are, ns.
    pub incremental_interval_ns: u64,
    /// Numbers.
    pub stats: CheckpointStats,
}

/// Counts of a partition since the start of the process.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Entries applied.
    pub entries: u64,
    /// Rows applied.
    pub applied: u64,
    /// Rows that had been applied before.
    pub duplicates: u64,
    /// Rows that came too late for everyone.
    pub late: u64,
    /// Rows that were rejected.
    pub rejected: u64,
    /// Rows of outputs.
    pub outputs: u64,
    /// Rows of outputs that their sinks never got, because they fell behind.
    pub shed: u64,
    /// Errors of definitions.
    pub errors: u64,
    /// Appends refused because too much waited.
    pub backpressured: u64,
}

/// A definition in a partition.
#[derive(Debug, Clone)]
pub struct DefinitionReport {
    /// Its name.
    pub name: String,
    /// Its version; `None` when it was stopped.
    pub version: Option<u32>,
    /// Why it does not run although it should.
    pub fenced: Option<String>,
    /// Rows that were late.
    pub late: u64,
    /// Rows and partial matches refused or given up because a join, a pattern or a table was full.
    pub over_bound: u64,
}

/// The control group.
#[derive(Debug, Clone, Default)]
pub struct ControlReport {
    /// Whether it can be asked.
    pub ready: bool,
    /// Its last change.
    pub epoch: Epoch,
    /// What partitions are still owed.
    pub owed: u64,
}
