//! Options becoming sinks.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::Path;

use cep_types::options::{FileMode, Format, OptionError, Role, SinkConnector, StreamOptions};

use super::log::LogSink;
use super::writer::{Target, WriterSink};
use super::{Blackhole, Sink};
use crate::ConnectError;
use crate::encode::{Printing, encoder};

/// Opens the sink of the stream called `stream`. Relative paths start at `base_dir`, the folder of
/// the app file. `printing` says how a stream prints that has no format of its own; `_stream` is
/// written on standard output only, a file and a log belonging to one stream.
///
/// Several streams that print in one format should share one [`stdout_sink`], so that their rows
/// come in the order they are written.
///
/// # Errors
/// The file cannot be made, or the options are not those of a sink.
pub fn open_sink(
    options: &StreamOptions,
    stream: &str,
    base_dir: &Path,
    printing: Printing,
) -> Result<Box<dyn Sink>, ConnectError> {
    open(options, stream, base_dir, printing, None)
}

/// As [`open_sink`], going on where an earlier sink of the stream settled: its file is cut to `length`
/// bytes, whatever its mode. Other sinks have no length.
///
/// # Errors
/// As [`open_sink`]; also if the file is shorter than that, or gone.
pub fn open_sink_at(
    options: &StreamOptions,
    stream: &str,
    base_dir: &Path,
    printing: Printing,
    length: u64,
) -> Result<Box<dyn Sink>, ConnectError> {
    open(options, stream, base_dir, printing, Some(length))
}

fn open(
    options: &StreamOptions,
    stream: &str,
    base_dir: &Path,
    printing: Printing,
    length: Option<u64>,
) -> Result<Box<dyn Sink>, ConnectError> {
    let Role::Sink(connector) = &options.role else {
        return Err(OptionError::new("type", "the stream is not a sink").into());
    };
    Ok(match connector {
        SinkConnector::Stdout => stdout_sink(options.format.as_ref(), printing),
        SinkConnector::Blackhole => Box::new(Blackhole::default()),
        SinkConnector::Log { prefix } => {
            let prefix = prefix.clone().unwrap_or_else(|| format!("{stream}: "));
            Box::new(LogSink::new(prefix, Box::new(io::stderr())))
        }
        SinkConnector::File { path, mode, gzip } => {
            let printing = Printing { tag_streams: false, ..printing };
            let start = length.map_or(Start::Mode(*mode), Start::Length);
            open_file(path, base_dir, start, *gzip, options.format.as_ref(), printing)?
        }
    })
}

/// Standard output in a stream's format, or in the program's.
pub fn stdout_sink(format: Option<&Format>, printing: Printing) -> Box<dyn Sink> {
    writer_sink("stdout", Box::new(io::stdout()), format, printing)
}

/// Anything that takes bytes, for embedding and tests; `name` stands for it in messages.
pub fn writer_sink(
    name: &str,
    writer: Box<dyn Write + Send>,
    format: Option<&Format>,
    printing: Printing,
) -> Box<dyn Sink> {
    let target = Target::Other(writer);
    Box::new(WriterSink::new(name, target, encoder(format, printing)))
}

/// Where writing begins in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Start {
    /// As the options say.
    Mode(FileMode),
    /// At this length of a file that is there.
    Length(u64),
}

fn open_file(
    path: &str,
    base_dir: &Path,
    start: Start,
    gzip: bool,
    format: Option<&Format>,
    printing: Printing,
) -> Result<Box<dyn Sink>, ConnectError> {
    let failed = |error| ConnectError::Open { path: path.to_owned(), error };
    let file = OpenOptions::new()
        .create(matches!(start, Start::Mode(_) | Start::Length(0)))
        .write(true)
        .append(start != Start::Mode(FileMode::Truncate))
        .truncate(start == Start::Mode(FileMode::Truncate))
        .open(base_dir.join(path))
        .map_err(failed)?;
    if let Start::Length(length) = start {
        let metadata = file.metadata().map_err(failed)?;
        if metadata.is_file() && metadata.len() < length {
            let text = format!("it has {} bytes, and {length} were written to it", metadata.len());
            return Err(failed(std::io::Error::other(text)));
        }
        if metadata.is_file() {
            file.set_len(length).map_err(failed)?;
        }
    }
    let mut encoder = encoder(format, printing);
    if file.metadata().map_err(failed)?.len() > 0 {
        encoder.skip_header();
    }
    let target = if gzip { Target::gzip(file) } else { Target::File(file) };
    Ok(Box::new(WriterSink::new(path, target, encoder)))
}
