//! Rows becoming bytes.
//!
//! All formats write a value the same way (see [`cells`]) and differ in what stands around it.

mod cells;
mod csv;
mod json;
mod quote;
mod table;
mod time;

use arrow_array::RecordBatch;
use arrow_schema::{ArrowError, SchemaRef};
use cep_types::op::Op;
use cep_types::options::{CsvOptions, Format};

pub(crate) use csv::CsvEncoder;
pub(crate) use json::JsonEncoder;
pub(crate) use table::TableEncoder;

/// How rows are printed when a stream does not say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OutputFormat {
    /// Aligned columns for people.
    Table,
    /// One JSON object a line.
    #[default]
    Json,
    /// Comma-separated values with a header.
    Csv,
}

/// How rows of several streams are printed to one place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Printing {
    /// The format when a stream does not say.
    pub format: OutputFormat,
    /// More than one stream prints: every row starts with `_stream`.
    pub tag_streams: bool,
}

/// Rows to be written.
pub(crate) struct Output<'a> {
    pub(crate) batch: &'a RecordBatch,
    /// One for each row, when the stream is not append-only.
    pub(crate) ops: Option<&'a [Op]>,
    pub(crate) stream: &'a str,
}

/// Turns rows into bytes. Keeps what it must know of earlier rows, such as that a header has been
/// written.
pub(crate) trait Encoder: Send {
    /// Appends the rows to `out`.
    fn encode(&mut self, rows: &Output<'_>, out: &mut Vec<u8>) -> Result<(), ArrowError>;

    /// The header has been written by somebody else: a file is being appended to.
    fn skip_header(&mut self) {}
}

/// Rows as JSON objects, one a line.
///
/// # Errors
/// If a column has a type that no stream has.
pub fn json_lines(rows: &RecordBatch) -> Result<Vec<u8>, ArrowError> {
    let mut out = Vec::new();
    JsonEncoder::new(false).encode(&Output { batch: rows, ops: None, stream: "" }, &mut out)?;
    Ok(out)
}

/// The encoder of a stream's format, or of the program's when the stream does not say.
pub(crate) fn encoder(format: Option<&Format>, printing: Printing) -> Box<dyn Encoder> {
    let tag_streams = printing.tag_streams;
    match (format, printing.format) {
        (Some(Format::Csv(options)), _) => Box::new(CsvEncoder::new(options.clone(), tag_streams)),
        (Some(Format::Table), _) | (None, OutputFormat::Table) => Box::new(TableEncoder::new(tag_streams)),
        (None, OutputFormat::Csv) => Box::new(CsvEncoder::new(CsvOptions::default(), tag_streams)),
        // A pattern takes lines apart and cannot put them together; options refuse it for sinks.
        (Some(Format::Json(_) | Format::Regex(_)), _) | (None, OutputFormat::Json) => {
            Box::new(JsonEncoder::new(tag_streams))
        }
    }
}

/// What a header depends on.
#[derive(Debug, Clone, PartialEq)]
struct HeaderKey {
    stream: String,
    schema: SchemaRef,
    has_ops: bool,
}

impl HeaderKey {
    /// Whether `rows` stand under this header.
    fn covers(&self, rows: &Output<'_>, by_stream: bool) -> bool {
        let same_schema = std::sync::Arc::ptr_eq(&self.schema, &rows.batch.schema_ref().clone())
            || self.schema.fields() == rows.batch.schema_ref().fields();
        same_schema && self.has_ops == rows.ops.is_some() && (!by_stream || self.stream == rows.stream)
    }

    fn of(rows: &Output<'_>) -> HeaderKey {
        HeaderKey { stream: rows.stream.to_owned(), schema: rows.batch.schema(), has_ops: rows.ops.is_some() }
    }
}
