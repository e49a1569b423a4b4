//! Sources and sinks: rows from and to the outside.
//!
//! - [`open_source`] makes a [`Source`] of a stream's options: a file or standard input decoded as
//!   CSV, JSON or lines with a pattern; a timer; a seeded generator.
//! - [`open_sink`] makes a [`Sink`]: standard output, a file, a log line for each row, or nothing.
//! - [`dead_letter_batch`] makes rows of the records that could not be read.
//!
//! Edge code: it does I/O, blocks, and holds no state of a query. It reads no clock; a timer is
//! told the time.
//!
//! ```
//! use std::{io::Cursor, sync::Arc};
//! use arrow_schema::{DataType, Field, Schema};
//! use cep_types::options::{OptionValue, StreamOptions};
//! use net_connect::{Printing, reader_source, stdout_sink};
//!
//! let schema = Arc::new(Schema::new(vec![Field::new("n", DataType::Int64, true)]));
//! let text = |key: &str, value: &str| (key.to_owned(), OptionValue::Str(value.to_owned()));
//! let with = [text("extension", "stdin"), text("format", "csv")];
//! let options = StreamOptions::from_pairs(&with, schema.fields())?;
//!
//! let bytes = Box::new(Cursor::new("n\n1\nnot a number\n3\n"));
//! let mut source = reader_source(&options, &schema, "example", bytes, 4096)?;
//! let chunk = source.next(1024, 0)?;
//! assert_eq!(chunk.batch.num_rows(), 2);
//! assert_eq!(
//!     chunk.rejects[0].message(&schema),
//!     "line 3 (byte 4): column 'n': 'not a number' is not BIGINT"
//! );
//!
//! let mut sink = stdout_sink(None, Printing::default());
//! sink.write(&chunk.batch, None, "numbers")?; // {"n":1} and {"n":3}
//! sink.close()?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod column;
mod decode;
mod encode;
mod error;
mod sink;
mod source;
mod text;

pub use encode::{OutputFormat, Printing, json_lines};
pub use error::ConnectError;
pub use sink::{Sink, open_sink, open_sink_at, stdout_sink, writer_sink};
pub use source::{
    CHUNK_BYTES_MAX, OVERSIZED_KEPT_BYTES, Position, Progress, Records, Reject, RejectReason, Source,
    SourceChunk, Span, dead_letter_batch, open_source, open_source_columns, reader_source,
};
