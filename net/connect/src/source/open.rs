//! Options becoming sources.

use std::io::Read;
use std::path::Path;

use arrow_schema::SchemaRef;
use cep_types::options::{
    Compression, ErrorStrategy, Format, OptionError, Role, SourceConnector, StreamOptions,
};

use super::byte_source::ByteSource;
use super::generator::Generator;
use super::input::Input;
use super::timer::Timer;
use super::window::BLOCK_BYTES;
use super::{Rows, Source};
use crate::ConnectError;
use crate::decode::{CsvDecoder, Decoder, JsonDecoder, RegexDecoder};

/// Opens the source of a stream with these options and columns. Relative paths start at `base_dir`,
/// the folder of the app file.
///
/// # Errors
/// The file cannot be opened, or the options are not those of a source.
pub fn open_source(
    options: &StreamOptions,
    schema: &SchemaRef,
    base_dir: &Path,
) -> Result<Box<dyn Source>, ConnectError> {
    open_source_columns(options, schema, &vec![true; schema.fields().len()], base_dir)
}

/// As [`open_source`], reading only the columns whose flag in `wanted` is set, and the event time.
/// The others are NULL and not checked, which is faster.
///
/// # Errors
/// As [`open_source`].
pub fn open_source_columns(
    options: &StreamOptions,
    schema: &SchemaRef,
    wanted: &[bool],
    base_dir: &Path,
) -> Result<Box<dyn Source>, ConnectError> {
    let Role::Source(connector) = &options.role else {
        return Err(OptionError::new("type", "the stream is not a source").into());
    };
    let rows = Rows::new(schema, wanted, options.event_time.as_ref())?;
    match connector {
        SourceConnector::File { path, compression } => {
            let input = Input::file(path, base_dir, *compression)?;
            byte_source(options, input, rows, BLOCK_BYTES)
        }
        SourceConnector::Stdin { compression } => {
            byte_source(options, Input::stdin(*compression), rows, BLOCK_BYTES)
        }
        SourceConnector::Timer { interval_ns } => Ok(Box::new(Timer::new(schema, *interval_ns))),
        SourceConnector::Generator(generator) => Ok(Box::new(Generator::new(generator.clone(), rows))),
    }
}

/// A source over any reader, for embedding and tests. `options` must be those of a file or standard
/// input; `name` stands for the path in messages; `block_bytes` is read at a time.
///
/// # Errors
/// The options are not those of a decoded input.
pub fn reader_source(
    options: &StreamOptions,
    schema: &SchemaRef,
    name: &str,
    reader: Box<dyn Read + Send>,
    block_bytes: usize,
) -> Result<Box<dyn Source>, ConnectError> {
    let rows = Rows::new(schema, &[], options.event_time.as_ref())?;
    let compression = match &options.role {
        Role::Source(SourceConnector::File { compression, .. } | SourceConnector::Stdin { compression }) => {
            *compression
        }
        _ => Compression::Auto,
    };
    let input = Input::reader(name, reader, compression);
    byte_source(options, input, rows, block_bytes)
}

fn byte_source(
    options: &StreamOptions,
    input: Input,
    rows: Rows,
    block_bytes: usize,
) -> Result<Box<dyn Source>, ConnectError> {
    let mut rows = rows;
    rows.remember_records(matches!(options.errors.strategy, ErrorStrategy::DeadLetter { .. }));
    let bytes_max = options.record_bytes_max;
    let decoder: Box<dyn Decoder> = match &options.format {
        Some(Format::Csv(csv)) => Box::new(CsvDecoder::new(csv.clone(), input.name.clone(), bytes_max)),
        Some(Format::Json(json)) => Box::new(JsonDecoder::new(json, &rows, bytes_max)),
        Some(Format::Regex(regex)) => Box::new(RegexDecoder::new(regex, &rows, bytes_max)?),
        Some(Format::Table) | None => {
            let reason = "the source has no format that can be read";
            return Err(OptionError::new("format", reason).into());
        }
    };
    Ok(Box::new(ByteSource::new(input, decoder, rows, block_bytes)))
}
