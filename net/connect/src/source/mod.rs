//! Rows from outside.
//!
//! Invariants of every source:
//! - the rows, their positions and the rejects are a function of the input alone; how many come in
//!   one chunk, and how the bytes arrived, changes nothing else;
//! - memory is bounded by the longest record, one block, and [`CHUNK_BYTES_MAX`] of input for a chunk;
//! - a record that cannot be read is a [`Reject`]; the records around it are rows.

mod byte_source;
mod dead_letter;
mod generator;
mod input;
mod open;
mod records;
pub(crate) mod reject;
mod rows;
mod timer;
pub(crate) mod window;

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;

use crate::ConnectError;

pub use dead_letter::dead_letter_batch;
pub use open::{open_source, open_source_columns, reader_source};
pub use records::Records;
pub use reject::{OVERSIZED_KEPT_BYTES, Position, Reject, RejectReason};
pub(crate) use rows::Rows;

/// Input bytes after which a chunk is handed out even if it has few rows.
pub const CHUNK_BYTES_MAX: usize = 4 * 1024 * 1024;

/// A connector that makes rows.
pub trait Source: Send {
    /// The schema of the batches: the stream's columns, of which those not wanted are nullable
    /// and NULL throughout.
    fn schema(&self) -> &SchemaRef;

    /// The next rows, at most `rows_max` of them (at least 1) and as many rejects, in input order.
    /// `now_ns` is the caller's wall clock, nanoseconds since 1970, which only a timer reads.
    ///
    /// A chunk may be empty without being the last: standard input was interrupted, or no tick of
    /// a timer is due.
    ///
    /// # Errors
    /// What stops the source; rows before the error have been returned. After
    /// [`ConnectError::Read`] the next call tries to read on, unless the data itself is damaged.
    fn next(&mut self, rows_max: usize, now_ns: i64) -> Result<SourceChunk, ConnectError>;

    /// How far it has come.
    fn progress(&self) -> Progress;

    /// Wall-clock time before which [`next`](Source::next) has nothing to give; `None`: now.
    fn due_ns(&self) -> Option<i64> {
        None
    }

    /// Whether the input is known to end, so that a progress bar makes sense.
    fn is_bounded(&self) -> bool;
}

/// Rows, and the records that could not become rows, of one stretch of the input.
#[derive(Debug)]
pub struct SourceChunk {
    /// The rows.
    pub batch: RecordBatch,
    /// When each row happened, nanoseconds since 1970: from `event.time`, or a timer's tick.
    /// `None` when the stream does not say.
    pub event_time_ns: Option<Vec<i64>>,
    /// Position of each row, strictly increasing: the byte where its record starts in the
    /// unpacked input, or the number of the row for a timer or generator. With the source's name
    /// it identifies the event (R-PART-4).
    pub row_positions: Vec<u64>,
    /// The records of the rows; `None` for a timer or generator, whose rows are made.
    pub records: Option<Records>,
    /// The stretch of input the chunk covers.
    pub span: Span,
    /// Records that could not become rows.
    pub rejects: Vec<Reject>,
    /// Lines left out as asked (`regex.no-match` = 'skip').
    pub skipped: u64,
    /// Nothing follows.
    pub end: bool,
}

/// A stretch of input: bytes of the unpacked input and lines. Timers and generators count rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// First byte, from 0.
    pub byte_start: u64,
    /// Byte behind the last.
    pub byte_end: u64,
    /// Line of the first byte, from 1.
    pub line_start: u64,
    /// Line of the byte behind the last.
    pub line_end: u64,
}

/// How far a source has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Progress {
    /// Bytes taken from the file as it lies there (packed or not); rows of a generator.
    pub done: u64,
    /// The same at the end, when it is known.
    pub total: Option<u64>,
    /// Rows handed out.
    pub rows: u64,
    /// Rejects handed out.
    pub rejects: u64,
}
