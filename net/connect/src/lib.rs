//! Sources and sinks: rows from and to the outside.
//!
//! - [`open_source`] makes a [`Source`] of a stream's options: a file or standard input decoded as
//!   CSV, JSON or lines with a pattern; a timer; a seeded generator.
//! - [`open_sink`] makes a [`Sink`]: standard output, a file, a log line for each row, or nothing.
//! - [`dead_letter_batch`] makes rows of the records that could not be read.
//!
//! Edge code: it does I/O, blocks, and holds no state of a query. It reads no clock; a timer is
//! told the time.

mod column;
mod decode;
mod encode;
mod error;
mod sink;
mod source;
mod text;

pub use encode::{OutputFormat, Printing};
pub use error::ConnectError;
pub use sink::{Sink, open_sink, stdout_sink, writer_sink};
pub use source::{
    CHUNK_BYTES_MAX, OVERSIZED_KEPT_BYTES, Position, Progress, Reject, RejectReason, Source, SourceChunk,
    Span, dead_letter_batch, open_source, open_source_columns, reader_source,
};
