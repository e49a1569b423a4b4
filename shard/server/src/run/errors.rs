//! What happens to records that could not be read, processed or written (R-SQL-9).
//!
//! Nothing is lost silently: every record is counted; messages are limited, the counts are not.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};

use arrow_array::RecordBatch;
use cep_engine::{RecordError, Subject};
use cep_lang::plan::{Program, Stream};
use cep_types::StreamId;
use cep_types::options::{ErrorStrategy, LogLevel, Role, SourceConnector};
use net_connect::{OutputFormat, Position, Printing, Reject, RejectReason, dead_letter_batch, writer_sink};

use super::inputs::{Origins, Rows};
use super::strict::Strict;
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

/// The rows of an entry, and where they come from.
#[derive(Debug, Clone, Copy)]
pub struct EntryRows<'a> {
    rows: &'a RecordBatch,
    /// Where they were read, and the first one's index there.
    origins: Option<(&'a Origins, usize)>,
}

impl<'a> EntryRows<'a> {
    /// Rows that a source gave.
    pub fn read(rows: &'a Rows) -> Self {
        EntryRows { rows: &rows.batch, origins: Some((&rows.origins, rows.first)) }
    }

    /// Rows that were read nowhere.
    pub fn made(rows: &'a RecordBatch) -> Self {
        EntryRows { rows, origins: None }
    }

    fn position(&self, row: usize) -> Option<Position> {
        self.origins.map(|(origins, first)| origins.position(first + row))
    }

    /// A row that could not be processed: the record it was read from, or its values where it was
    /// not read from bytes.
    fn reject(&self, row: usize, reason: &str) -> Reject {
        let kept = self.origins.and_then(|(origins, first)| origins.original(first + row));
        let original = kept.map_or_else(|| json_line(&self.rows.slice(row, 1)), <[u8]>::to_vec);
        processing_reject(reason, self.position(row).unwrap_or(NOT_READ), original)
    }
}

/// Position of rows that were not read from an input.
const NOT_READ: Position = Position { byte: 0, line: 0 };

/// What is to be done about the errors of an entry.
#[derive(Debug)]
#[must_use]
pub struct Settled {
    /// Records for a dead-letter stream.
    pub dead: Option<DeadLetters>,
    /// Why the run stops, behind them.
    pub stopped: Option<Failure>,
}

impl Settled {
    /// For hosts that bury nothing.
    ///
    /// # Errors
    /// Why the run stops.
    pub fn without_dead_letters(self) -> Result<()> {
        self.stopped.map_or(Ok(()), Err)
    }
}

/// Decides, counts and says.
pub struct ErrorDesk {
    program: Arc<Program>,
    strict: Strict,
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
        let strict = Strict::of(&program);
        ErrorDesk { program, strict, talk, noise: BTreeMap::new(), rejected: 0, errors: 0, dead_letters: 0 }
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

    /// Rows that the engine could not process. `entry` is what they were in; `None` for errors of a
    /// tick or of the end of input.
    ///
    /// # Errors
    /// If the dead-letter stream cannot hold them.
    pub fn record_errors(
        &mut self,
        stream: Option<StreamId>,
        entry: Option<EntryRows<'_>>,
        errors: &[RecordError],
    ) -> Result<Settled> {
        let program = Arc::clone(&self.program);
        let source = stream.map(|id| &program.streams[id.index()]);
        let (mut dead, mut stopped) = (Vec::new(), None);
        for error in errors {
            match error.query {
                Some(_) => self.errors += 1,
                None => self.rejected += 1,
            }
            let row = usize::try_from(error.row).unwrap_or(usize::MAX);
            let entry = entry.filter(|e| error.subject == Subject::Record && row < e.rows.num_rows());
            let message = message(&program, error);
            let placed = match (entry.and_then(|e| e.position(row)), source) {
                (Some(at), Some(source)) => format!("record at {}: {message}", place(source, at)),
                _ => message.clone(),
            };
            if let Some(id) = self.strict.stops(stream, error) {
                stopped = Some(stopped_by(error.subject, &program.streams[id.index()].name, &placed));
                break;
            }
            let strategy = source.map(|s| &s.options.errors.strategy);
            match (strategy, entry) {
                (Some(ErrorStrategy::DeadLetter { .. }), Some(entry)) => {
                    dead.push(entry.reject(row, &message))
                }
                _ => {
                    let name = source.map_or("", |s| s.name.as_str());
                    let level = source.map_or(LogLevel::Warn, |s| s.options.errors.log_level);
                    self.say(name, level, &placed);
                }
            }
        }
        let dead = match (stream, source.map(|s| &s.options.errors.strategy)) {
            (Some(id), Some(ErrorStrategy::DeadLetter { stream: name })) if !dead.is_empty() => {
                Some(self.dead(id, name, &dead)?)
            }
            _ => None,
        };
        Ok(Settled { dead, stopped })
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
            .map(|row| processing_reject(reason, NOT_READ, json_line(&rows.slice(row, 1))))
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

/// Where a record stands in its input: the way of a reader's own messages.
fn place(stream: &Stream, at: Position) -> String {
    match stream.options.role {
        Role::Source(SourceConnector::File { .. } | SourceConnector::Stdin { .. }) => at.to_string(),
        Role::Source(SourceConnector::Timer { .. } | SourceConnector::Generator(_))
        | Role::Sink(_)
        | Role::Internal => format!("row {}", at.byte),
    }
}

/// What failed, where in the program, and what is lost by it.
fn message(program: &Program, error: &RecordError) -> String {
    let RecordError { index: _, row: _, subject, query, code, message } = error;
    let owner = query.and_then(|id| {
        let at = id.0 as usize;
        let query = program.queries.get(at).map(|query| format!("query '{}'", query.name));
        query.or_else(|| {
            let aggregation = program.aggregations.get(at.checked_sub(program.queries.len())?)?;
            Some(format!("aggregation '{}'", aggregation.name))
        })
    });
    match (owner, subject) {
        (Some(owner), Subject::Record) => format!("{owner}: {code}: {message}"),
        (Some(owner), Subject::Result) => {
            format!("a result of {owner} cannot be computed: {code}: {message}")
        }
        (None, _) => format!("{code}: {message}"),
    }
}

fn stopped(stream: &str, message: &str) -> Failure {
    stopped_by(Subject::Record, stream, message)
}

fn stopped_by(subject: Subject, stream: &str, message: &str) -> Failure {
    let mend = match subject {
        Subject::Record => "mend the record, or set 'error.strategy' to 'drop' or 'dlq' to go on without it",
        Subject::Result => {
            "no record is at fault: mend the query, for example with nullif(x, 0) or TRY_CAST, or set \
             'error.strategy' to 'drop' to go on without such results"
        }
    };
    Failure::Run { message: format!("stream '{stream}': {message}"), help: Some(mend.to_owned()) }
}

fn processing_reject(reason: &str, position: Position, original: Vec<u8>) -> Reject {
    Reject {
        position,
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
