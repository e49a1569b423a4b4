//! Rows of a file into a stream.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::{Field, Schema, SchemaRef};
use cep_types::options::{OptionValue, StreamOptions};
use net_client::{Client, ClientError, Pending, Producer, ProducerId, ProducerOptions, RowOutcome};
use net_connect::{Source, reader_source};
use serde_json::{Value, json};
use tokio::sync::mpsc;

use crate::args::{Append, FileFormat};
use crate::client;
use crate::failure::{Failure, Result};
use crate::show::Show;

/// Appends under way before the oldest is waited for.
const UNDER_WAY_MAX: usize = 64;
/// Batches that are read ahead.
const AHEAD: usize = 4;
/// Bytes read at a time.
const BLOCK_BYTES: usize = 256 << 10;

/// What became of the records of a file. Each is counted once.
#[derive(Debug, Default)]
struct Summary {
    applied: u64,
    duplicate: u64,
    late: u64,
    rejected: u64,
    /// Records that are no rows of the stream.
    unreadable: u64,
    /// Rows without an answer, or refused with all others.
    failed: u64,
    /// Of those: it is not known whether they were applied.
    unknown: u64,
}

impl Summary {
    fn records(&self) -> u64 {
        self.applied + self.duplicate + self.late + self.rejected + self.unreadable + self.failed
    }

    fn is_clean(&self) -> bool {
        self.rejected + self.unreadable + self.failed == 0
    }
}

/// What is read of a file: rows with their lines, or records that are none.
struct Piece {
    rows: RecordBatch,
    lines: Vec<u64>,
    unreadable: Vec<String>,
}

/// Appends the rows and prints the summary; exit code 1 when a record was not taken.
///
/// # Errors
/// When the file or the stream cannot be used, or records were not taken.
pub fn run(address: &str, show: &Show, append: &Append) -> Result<()> {
    let (summary, producer, error) = client::with(address, async |client| append_all(client, append).await)?;
    let value = json!({
        "stream": append.stream,
        "records": summary.records(),
        "applied": summary.applied,
        "duplicate": summary.duplicate,
        "late": summary.late,
        "rejected": summary.rejected,
        "unreadable": summary.unreadable,
        "failed": summary.failed,
        "unknown": summary.unknown,
        "producer": producer.map(|producer| format!("{:#x}", producer.0)),
        "complete": error.is_none(),
    });
    show.value(&value, text)?;
    match error {
        Some(error) => Err(error),
        None if summary.is_clean() => Ok(()),
        None => Err(Failure::Found("some records were not taken".into())),
    }
}

/// The summary for people.
fn text(value: &Value) -> String {
    let count = |key: &str| value[key].as_u64().unwrap_or_default();
    let mut out = format!(
        "{} records: {} applied, {} duplicate",
        count("records"),
        count("applied"),
        count("duplicate")
    );
    for key in ["late", "rejected", "unreadable", "failed"] {
        if count(key) > 0 {
            out.push_str(&format!(", {} {key}", count(key)));
        }
    }
    if count("unknown") > 0 {
        out.push_str(&format!(" ({} of them may have been applied)", count("unknown")));
    }
    out.push('\n');
    out
}

type Ended = (Summary, Option<ProducerId>, Option<Failure>);

async fn append_all(client: &Client, append: &Append) -> Result<Ended> {
    let options = ProducerOptions { producer: append.producer.map(ProducerId), ..ProducerOptions::default() };
    let producer = client.producer(&append.stream, options)?;
    let routing = client.routing();
    let stream = routing.stream(&append.stream);
    let stream = stream.ok_or_else(|| ClientError::UnknownStream { name: append.stream.clone() })?;
    let fields: Vec<Field> = stream.columns.iter().map(|column| column.field.clone()).collect();
    let pieces = read_ahead(append, Arc::new(Schema::new(fields)))?;
    let mut appending =
        Appending { append, summary: Summary::default(), named: 0, under_way: VecDeque::new() };
    let error = appending.all(&producer, pieces).await.err();
    // One number for the whole run, unless the client had to take another one.
    let mut producers: Vec<ProducerId> = producer.positions().iter().map(|at| at.producer).collect();
    producers.dedup();
    let one = (producers.len() == 1).then(|| producers[0]);
    Ok((appending.summary, one, error))
}

/// Appends that are under way, and what became of those before.
struct Appending<'a> {
    append: &'a Append,
    summary: Summary,
    named: u64,
    under_way: VecDeque<(Pending, Vec<u64>)>,
}

impl Appending<'_> {
    /// Appends all pieces. Whatever ends it, what is under way is waited for and counted.
    async fn all(&mut self, producer: &Producer, mut pieces: mpsc::Receiver<Result<Piece>>) -> Result<()> {
        let mut ended = Ok(());
        while let Some(piece) = pieces.recv().await {
            ended = self.one(producer, piece).await;
            if ended.is_err() {
                break;
            }
        }
        while let Some(oldest) = self.under_way.pop_front() {
            let counted = self.count(oldest).await;
            ended = ended.and(counted);
        }
        ended
    }

    async fn one(&mut self, producer: &Producer, piece: Result<Piece>) -> Result<()> {
        let piece = piece?;
        self.summary.unreadable += piece.unreadable.len() as u64;
        for text in &piece.unreadable {
            self.name(text);
        }
        if piece.rows.num_rows() > 0 {
            let pending = match producer.append(&piece.rows).await {
                Ok(pending) => pending,
                Err(error) => {
                    self.summary.failed += piece.rows.num_rows() as u64;
                    return Err(error.into());
                }
            };
            self.under_way.push_back((pending, piece.lines));
        }
        if self.under_way.len() > UNDER_WAY_MAX
            && let Some(oldest) = self.under_way.pop_front()
        {
            self.count(oldest).await?;
        }
        Ok(())
    }

    /// Waits for an append and counts its rows.
    async fn count(&mut self, (pending, lines): (Pending, Vec<u64>)) -> Result<()> {
        let (receipt, error) = match pending.await {
            Ok(receipt) => (receipt, None),
            Err(failed) => (failed.receipt, Some(failed.error)),
        };
        for (outcome, line) in receipt.rows().iter().zip(&lines) {
            match outcome {
                RowOutcome::Applied { .. } => self.summary.applied += 1,
                RowOutcome::Duplicate => self.summary.duplicate += 1,
                RowOutcome::LateDropped => self.summary.late += 1,
                RowOutcome::Rejected { reason, text } => {
                    self.summary.rejected += 1;
                    self.name(&format!("line {line}: rejected, {reason:?} {text}"));
                }
                RowOutcome::Failed { maybe_applied, .. } => {
                    self.summary.failed += 1;
                    self.summary.unknown += u64::from(*maybe_applied);
                }
            }
        }
        // Rows that the receipt does not speak of.
        let silent = lines.len().saturating_sub(receipt.rows().len()) as u64;
        self.summary.failed += silent;
        self.summary.unknown += silent;
        error.map_or(Ok(()), |error| Err(error.into()))
    }

    /// Names a record on standard error, the first ones only.
    fn name(&mut self, text: &str) {
        self.named += 1;
        if self.named <= self.append.name_max {
            eprintln!("{text}");
        } else if self.named == self.append.name_max + 1 {
            eprintln!("… and more; --name-max says how many are named");
        }
    }
}

/// Reads the file on a thread of its own, so that the connection lives while standard input is waited for.
fn read_ahead(append: &Append, schema: SchemaRef) -> Result<mpsc::Receiver<Result<Piece>>> {
    let mut source = open(append, &schema)?;
    let (sender, pieces) = mpsc::channel(AHEAD);
    let rows_max = append.batch_rows as usize;
    let reading = std::thread::Builder::new().name("reader".into()).spawn(move || {
        loop {
            let (piece, end) = match next(source.as_mut(), &schema, rows_max) {
                Ok((piece, end)) => (Ok(piece), end),
                Err(failure) => (Err(failure), true),
            };
            if sender.blocking_send(piece).is_err() || end {
                return;
            }
        }
    });
    reading.map_err(|error| Failure::Found(format!("the system gives no thread: {error}")))?;
    Ok(pieces)
}

/// The next records, and whether they are the last.
fn next(source: &mut dyn Source, schema: &SchemaRef, rows_max: usize) -> Result<(Piece, bool)> {
    let chunk = source.next(rows_max, 0)?;
    let lines = (0..chunk.batch.num_rows())
        .map(|row| chunk.records.as_ref().map_or(0, |records| records.line(row)))
        .collect();
    let unreadable = chunk.rejects.iter().map(|reject| reject.message(schema)).collect();
    Ok((Piece { rows: chunk.batch, lines, unreadable }, chunk.end))
}

/// The decoder of the file.
fn open(append: &Append, schema: &SchemaRef) -> Result<Box<dyn Source>> {
    let is_stdin = append.file == Path::new("-");
    let name = append.file.display().to_string();
    let format = match append.format.or_else(|| format_of(&append.file)) {
        Some(FileFormat::Csv) => "csv",
        Some(FileFormat::Json) => "json",
        None => {
            let text = format!("what does '{name}' have? give --format csv or --format json");
            return Err(Failure::Usage(text));
        }
    };
    let reader: Box<dyn Read + Send> = if is_stdin {
        Box::new(io::stdin())
    } else {
        let file = File::open(&append.file);
        Box::new(file.map_err(|error| Failure::Usage(format!("cannot read '{name}': {error}")))?)
    };
    let text = |key: &str, value: &str| (key.to_owned(), OptionValue::Str(value.to_owned()));
    let pairs = [text("type", "source"), text("extension", "stdin"), text("format", format)];
    let options = StreamOptions::from_pairs(&pairs, schema.fields());
    let options = options.map_err(|error| Failure::Found(format!("rows cannot be read: {error}")))?;
    Ok(reader_source(&options, schema, if is_stdin { "standard input" } else { &name }, reader, BLOCK_BYTES)?)
}

/// What a file has by its name.
fn format_of(file: &Path) -> Option<FileFormat> {
    let name = file.file_name()?.to_str()?.to_ascii_lowercase();
    let name = name.strip_suffix(".gz").unwrap_or(&name);
    match name.rsplit_once('.')?.1 {
        "csv" => Some(FileFormat::Csv),
        "json" | "jsonl" | "ndjson" => Some(FileFormat::Json),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_tells_what_a_file_has() {
        let of = |name: &str| format_of(Path::new(name));
        assert_eq!(of("a/b.CSV"), Some(FileFormat::Csv));
        assert_eq!(of("b.jsonl.gz"), Some(FileFormat::Json));
        assert_eq!(of("-"), None);
        assert_eq!(of("rows.txt"), None);
    }

    #[test]
    fn every_record_is_in_the_summary_once() {
        let summary =
            Summary { applied: 5, duplicate: 2, rejected: 1, unreadable: 1, failed: 3, unknown: 2, late: 0 };
        assert_eq!(summary.records(), 12);
        assert!(!summary.is_clean());
        let value = json!({"records": 12, "applied": 5, "duplicate": 2, "rejected": 1, "unreadable": 1,
            "failed": 3, "unknown": 2, "late": 0});
        assert_eq!(
            text(&value),
            "12 records: 5 applied, 2 duplicate, 1 rejected, 1 unreadable, 3 failed (2 of them may have been applied)\n"
        );
    }
}
