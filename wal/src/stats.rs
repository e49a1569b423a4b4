//! Counts of a log.

/// Counts since the log was opened; bytes are those of the disk, with headers and padding.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Records that were acknowledged.
    pub records: u64,
    /// Writes of records.
    pub batches: u64,
    /// Flushes; in strict mode a write and its flush are one.
    pub flushes: u64,
    /// Bytes written in batches.
    pub bytes: u64,
    /// Marks written while idle.
    pub marks: u64,
    /// Changes of segment.
    pub rotations: u64,
    /// Segments made anew.
    pub segments_made: u64,
    /// Segments freed for another use.
    pub segments_freed: u64,
    /// Records written again to free their segment.
    pub records_rewritten: u64,
    /// Appends refused for want of room.
    pub refused_full: u64,
    /// Bytes read from the disk for readers.
    pub bytes_read: u64,
}

/// The log as it is now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stats {
    /// Counts.
    pub counters: Counters,
    /// Segments with records, the one that is written included.
    pub segments: usize,
    /// Segments that are ready.
    pub segments_ready: usize,
    /// Bytes that wait to be written, at most.
    pub queue_bytes: u64,
    /// Bytes of records that count.
    pub live_bytes: u64,
    /// Acknowledged bytes that a power failure would take (R-DUR-1).
    pub unsynced_bytes: u64,
    /// How long the oldest of them has been waiting.
    pub unsynced_ns: u64,
}
