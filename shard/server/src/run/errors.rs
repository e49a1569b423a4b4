//! What happens to records that could not be read, processed or written (R-SQL-9).
//!
//! Nothing is lost silently: every record is counted; messages are limited, the counts are not.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};

use arrow_array::RecordBatch;
use cep_engine::RecordError;
use cep_lang::plan::Program;
use cep_types::StreamId;
use cep_types::options::{ErrorStrategy, LogLevel};
use net_connect::{OutputFormat, Position, Printing, Reject, RejectReason, dead_letter_batch, writer_sink};

use crate::clock::Stopwatch;
use crate::failure::{Failure, Result};
use crate::talk::Talk;

/// Messages of one stream that are shown one by one.
const SHOWN_FIRST: u64 = 5;
/// After that, one in so many seconds.
const SHOWN_EVERY_S: f64 = 10.0;

/// Rows for a dead-letter stream.
#[derive(Debug)]
pub struct DeadLetters {
    /// The stream.
    pub stream: StreamId,
    /// The rows.
    pub rows: RecordBatch,
}

/// Decides, counts and says.
pub struct ErrorDesk {
    program: Arc<Program>,
    talk: Talk,
    noise: BTreeMap<String, Noise>,
    /// Records that could not be read, or were refused by their stream.
    pub rejected: u64,
    /// Rows that a query could not process.
    pub errors: u64,
    /// Records that went to dead-letter streams.
    pub dead_letters: u64,
}

#[derive(Debug)]
struct Noise {
    said: u64,
    muted: u64,
    last: Stopwatch,
}

impl ErrorDesk {
    /// Nothing has happened yet.
    pub fn new(program: Arc<Program>, talk: Talk) -> Self {
        ErrorDesk { program, talk, noise: BTreeMap::new(), rejected: 0, errors: 0, dead_letters: 0 }
    }

    /// Records of a source that could not be read.
    ///
    /// # Errors
    /// With the strategy `fail`.
    pub fn rejects(&mut self, stream: StreamId, rejects: &[Reject]) -> Result<Option<DeadLetters>> {
        let program = Arc::clone(&self.program);
        let source = &program.streams[stream.index()];
        self.rejected += rejects.len() as u64;
        match &source.options.errors.strategy {
            ErrorStrategy::Fail => {
                let Some(reject) = rejects.first() else { return Ok(None) };
                Err(stopped(&source.name, &reject.message(&source.schema)))
            }
            ErrorStrategy::DeadLetter { stream: name } => self.dead(stream, name, rejects).map(Some),
            ErrorStrategy::Drop | ErrorStrategy::Retry(_) => {
                for reject in rejects {
                    let message = format!("{}; the record is left out", reject.message(&source.schema));
                    self.say(&source.name, source.options.errors.log_level, &message);
                }
                Ok(None)
            }
        }
    }

    /// Rows that the engine could not process. `rows` is the entry they were in and `positions`
    /// where each was read; `None` for errors of a tick or of the end of input.
    ///
    /// # Errors
    /// With the strategy `fail` of the stream the rows came from.
    pub fn record_errors(
        &mut self,
        stream: Option<StreamId>,
        entry: Option<(&RecordBatch, &[u64])>,
        errors: &[RecordError],
    ) -> Result<Option<DeadLetters>> {
        if errors.is_empty() {
            return Ok(None);
        }
        let program = Arc::clone(&self.program);
        let source = stream.map(|id| &program.streams[id.index()]);
        let mut dead = Vec::new();
        for error in errors {
            let in_query = error.query.map(|id| program.queries[id.0 as usize].name.as_str());
            match in_query {
                Some(_) => self.errors += 1,
                None => self.rejected += 1,
            }
            let row = usize::try_from(error.row).unwrap_or(usize::MAX);
            let position = entry.and_then(|(_, positions)| positions.get(row).copied());
            let message = match (in_query, position) {
                (Some(query), Some(at)) => {
                    format!("query '{query}', record at {at}: {}: {}", error.code, error.message)
                }
                (Some(query), None) => format!("query '{query}': {}: {}", error.code, error.message),
                (None, Some(at)) => format!("record at {at}: {}: {}", error.code, error.message),
                (None, None) => format!("{}: {}", error.code, error.message),
            };
            let name = source.map_or("", |s| s.name.as_str());
            let level = source.map_or(LogLevel::Warn, |s| s.options.errors.log_level);
            match (source.map(|s| &s.options.errors.strategy), entry) {
                (Some(ErrorStrategy::Fail), _) => return Err(stopped(name, &message)),
                (Some(ErrorStrategy::DeadLetter { .. }), Some((rows, _))) if row < rows.num_rows() => {
                    let line = json_line(&rows.slice(row, 1));
                    dead.push(processing_reject(&message, position.unwrap_or(0), line));
                }
                _ => self.say(name, level, &message),
            }
        }
        match (dead.as_slice(), source, stream) {
            ([], _, _) | (_, None, _) | (_, _, None) => Ok(None),
            (rejects, Some(source), Some(id)) => match &source.options.errors.strategy {
                ErrorStrategy::DeadLetter { stream: name } => self.dead(id, name, rejects).map(Some),
                ErrorStrategy::Drop | ErrorStrategy::Retry(_) | ErrorStrategy::Fail => Ok(None),
            },
        }
    }

    /// Rows of a sink's stream that could not be written, as dead letters of it.
    ///
    /// # Errors
    /// If the dead-letter stream cannot hold them.
    pub fn unwritten(
        &mut self,
        stream: StreamId,
        rows: &RecordBatch,
        reason: &str,
    ) -> Result<Option<DeadLetters>> {
        let program = Arc::clone(&self.program);
        let ErrorStrategy::DeadLetter { stream: name } =
            &program.streams[stream.index()].options.errors.strategy
        else {
            return Ok(None);
        };
        let rejects: Vec<Reject> = (0..rows.num_rows())
            .map(|row| processing_reject(reason, row as u64, json_line(&rows.slice(row, 1))))
            .collect();
        self.dead(stream, name, &rejects).map(Some)
    }

    fn dead(&mut self, stream: StreamId, name: &str, rejects: &[Reject]) -> Result<DeadLetters> {
        let program = Arc::clone(&self.program);
        let source = &program.streams[stream.index()];
        let target = program.streams.iter().find(|s| s.name.eq_ignore_ascii_case(name)).ok_or_else(|| {
            Failure::usage(
                format!("stream '{}': the dead-letter stream '{name}' does not exist", source.name),
                format!("add CREATE STREAM {name} (reason STRING, original STRING)"),
            )
        })?;
        self.dead_letters += rejects.len() as u64;
        for reject in rejects {
            let message = format!("{} → {name}", reject.message(&source.schema));
            self.talk.say(LogLevel::Debug, &format!("stream '{}': {message}", source.name));
        }
        let rows = dead_letter_batch(&target.schema, &source.name, &source.schema, rejects)
            .map_err(|error| Failure::Connector { stream: target.name.clone(), error })?;
        Ok(DeadLetters { stream: target.id, rows })
    }

    fn say(&mut self, stream: &str, level: LogLevel, message: &str) {
        if !self.talk.shows(level) {
            return;
        }
        let noise = self.noise.entry(stream.to_owned()).or_insert_with(|| Noise {
            said: 0,
            muted: 0,
            last: Stopwatch::start(),
        });
        if noise.said >= SHOWN_FIRST && noise.last.seconds() < SHOWN_EVERY_S {
            noise.muted += 1;
            return;
        }
        noise.said += 1;
        noise.last = Stopwatch::start();
        let muted = match std::mem::take(&mut noise.muted) {
            0 => String::new(),
            muted => format!(" ({muted} more since the last message)"),
        };
        let text = if stream.is_empty() {
            format!("{message}{muted}")
        } else {
            format!("stream '{stream}': {message}{muted}")
        };
        self.talk.say(level, &text);
    }

    /// Says how many messages were not shown.
    pub fn finish(&mut self) {
        for (stream, noise) in std::mem::take(&mut self.noise) {
            if noise.muted > 0 {
                self.talk.warn(&format!("stream '{stream}': {} more messages were not shown", noise.muted));
            }
        }
    }
}

fn stopped(stream: &str, message: &str) -> Failure {
    Failure::Run {
        message: format!("stream '{stream}': {message}"),
        help: Some(
            "mend the record, or set 'error.strategy' to 'drop' or 'dlq' to go on without it".to_owned(),
        ),
    }
}

fn processing_reject(reason: &str, position: u64, original: Vec<u8>) -> Reject {
    Reject {
        position: Position { byte: position, line: 0 },
        reason: RejectReason::Processing(reason.into()),
        column: None,
        original,
        rows_before: 0,
    }
}

/// A row as `--output json` prints it, without its line end.
fn json_line(row: &RecordBatch) -> Vec<u8> {
    let bytes = Shared::default();
    let printing = Printing { format: OutputFormat::Json, tag_streams: false };
    let mut sink = writer_sink("dead letter", Box::new(bytes.clone()), None, printing);
    // Memory takes everything; a row whose type has no text stays empty.
    drop(sink.write(row, None, "").and_then(|()| sink.flush()));
    let mut line = std::mem::take(&mut *bytes.0.lock().unwrap_or_else(PoisonError::into_inner));
    line.pop_if(|last| *last == b'\n');
    line
}

/// Bytes written by a sink and read here.
#[derive(Debug, Clone, Default)]
struct Shared(Arc<Mutex<Vec<u8>>>);

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
