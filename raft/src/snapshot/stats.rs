//! Numbers of snapshots, for metrics and states.

use crate::types::LogPosition;

/// Upper bounds of the classes of [`Slices`], ns; what is above the last one is in a class of its own.
pub const SLICE_BOUNDS_NS: [u64; 6] = [100_000, 250_000, 500_000, 1_000_000, 5_000_000, 25_000_000];

/// For how long the machine was held by snapshots, at a time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Slices {
    /// How often, in each class of [`SLICE_BOUNDS_NS`], and above.
    pub counts: [u64; SLICE_BOUNDS_NS.len() + 1],
    /// All of it, ns.
    pub sum_ns: u64,
    /// The longest, ns.
    pub max_ns: u64,
}

impl Slices {
    /// Counts one.
    pub fn add(&mut self, ns: u64) {
        let class = SLICE_BOUNDS_NS.partition_point(|bound| *bound < ns);
        self.counts[class] += 1;
        self.sum_ns += ns;
        self.max_ns = self.max_ns.max(ns);
    }
}

/// A snapshot in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Linked {
    /// The last entry in it.
    pub last: Option<LogPosition>,
    /// Its chunks.
    pub chunks: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Bytes of the state that it is of.
    pub state_bytes: u64,
}

/// Numbers of a group's snapshots in this life.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CheckpointStats {
    /// Full ones made.
    pub fulls: u64,
    /// Links made.
    pub links: u64,
    /// Links made that took the place of all before them.
    pub merges: u64,
    /// Bytes written of all of them.
    pub bytes_written: u64,
    /// Bytes of the state when the last one was made.
    pub state_bytes: u64,
    /// The newest chain: the full one first.
    pub chain: Vec<Linked>,
    /// The full one before it, if it is kept.
    pub older: Option<Linked>,
    /// Why a start could not use the newest one; until a full one is made.
    pub degraded: Option<String>,
    /// For how long the machine was held.
    pub slices: Slices,
}
