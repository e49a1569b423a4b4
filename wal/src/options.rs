//! Settings of the log, and whom it tells what it does.

use std::fmt;
use std::rc::Rc;
use std::time::Duration;

use shard_rt::BLOCK;

use crate::error::{Result, WalError};
use crate::id::SEGMENT_BYTES_MAX;

/// When an append is acknowledged (R-DUR-1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// When it is durable.
    Strict,
    /// When it is written; flushed at most this much later. Votes are flushed before all the same.
    GroupFsync(Duration),
}

/// What one write of the log did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BatchReport {
    /// Records in it.
    pub records: u64,
    /// Bytes written, with headers and padding.
    pub bytes: u64,
    /// From the start of the write until it was acknowledged.
    pub latency_ns: u64,
    /// Whether it was flushed.
    pub flushed: bool,
}

/// Is told what the log does; for metrics. It must not call the log.
pub trait Observer {
    /// A batch was acknowledged.
    fn batch(&self, report: BatchReport) {
        let _ = report;
    }

    /// The log was poisoned (R-DUR-2).
    fn poisoned(&self, error: &WalError) {
        let _ = error;
    }
}

/// Settings of a log.
#[derive(Clone)]
pub struct Options {
    /// Bytes of a segment: a multiple of 4,096. Those that exist keep theirs; a log cannot be opened
    /// with another value.
    pub segment_bytes: u64,
    /// Segments kept ready. Two of them are kept back: one for records that make room, one for the
    /// next start.
    pub segments_ahead: usize,
    /// Segments at most, ready ones included.
    pub segments_max: usize,
    /// Bytes of records in one write, unless one record is larger.
    pub batch_bytes_max: usize,
    /// Records in one write.
    pub batch_records_max: usize,
    /// Bytes that wait to be written before appends are refused.
    pub queue_bytes_max: u64,
    /// When an append is acknowledged.
    pub mode: Mode,
    /// Bytes of recent entries kept in memory. Entries that are not yet written come on top.
    pub hot_bytes_max: u64,
    /// After this time without work the log writes down that all before is durable, so that rot in
    /// the last records can be told from a torn tail.
    pub mark_after: Duration,
    /// A segment with at most this share of live bytes is rewritten, in percent.
    pub rewrite_live_percent_max: u8,
    /// Segments read at the same time when the log is opened; each takes its size in memory.
    pub recovery_parallel: usize,
    /// Is told what the log does.
    pub observer: Option<Rc<dyn Observer>>,
    /// A deliberate fault, for tests of tests.
    #[cfg(feature = "sabotage")]
    pub sabotage: Option<Sabotage>,
}

/// Deliberate faults of the log.
#[cfg(feature = "sabotage")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sabotage {
    /// Batches are written and not flushed.
    SkipFlush,
    /// Appends are acknowledged before they are written.
    AckEarly,
    /// Recovery believes records whatever their checksums say.
    IgnoreCrc,
    /// Recovery believes records of an earlier use of the file.
    ForgetGeneration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            segment_bytes: 64 << 20,
            segments_ahead: 4,
            segments_max: 1024,
            batch_bytes_max: 1 << 20,
            batch_records_max: 4096,
            queue_bytes_max: 64 << 20,
            mode: Mode::Strict,
            hot_bytes_max: 64 << 20,
            mark_after: Duration::from_millis(5),
            rewrite_live_percent_max: 10,
            recovery_parallel: 2,
            observer: None,
            #[cfg(feature = "sabotage")]
            sabotage: None,
        }
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("segment_bytes", &self.segment_bytes)
            .field("segments_ahead", &self.segments_ahead)
            .field("segments_max", &self.segments_max)
            .field("mode", &self.mode)
            .finish_non_exhaustive()
    }
}

impl Options {
    /// Bytes of a record at most, with its header: a segment must hold it beside its own headers.
    pub fn record_bytes_max(&self) -> u64 {
        self.segment_bytes / 2
    }

    pub(crate) fn check(&self) -> Result<()> {
        let refuse = |name, value, reason: &str| Err(WalError::Option { name, value, reason: reason.into() });
        let block = BLOCK as u64;
        let bytes = self.segment_bytes;
        if !bytes.is_multiple_of(block) || !(8 * block..=SEGMENT_BYTES_MAX).contains(&bytes) {
            return refuse("segment_bytes", bytes, "a multiple of 4,096 from 32 KiB to 1 GiB");
        }
        if self.segments_ahead < 3 {
            return refuse("segments_ahead", self.segments_ahead as u64, "at least 3: two are kept back");
        }
        if self.segments_max < self.segments_ahead + 2 || self.segments_max > 32_768 {
            return refuse("segments_max", self.segments_max as u64, "segments_ahead + 2 to 32,768");
        }
        if self.batch_records_max == 0 || self.recovery_parallel == 0 {
            return refuse("batch_records_max, recovery_parallel", 0, "at least 1");
        }
        if self.rewrite_live_percent_max > 50 {
            let value = u64::from(self.rewrite_live_percent_max);
            return refuse("rewrite_live_percent_max", value, "at most 50, or rewriting never ends");
        }
        Ok(())
    }
}
