//! Identifiers and units that must not mix.

/// Number of a stream within its program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StreamId(pub u32);

impl StreamId {
    /// As an index.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// Position in a partition's log (R-PART-2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct LogIndex(pub u64);

/// Time of a log entry: nanoseconds since 1970-01-01T00:00:00 UTC (R-DET-2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct StampNs(pub i64);
