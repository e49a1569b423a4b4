//! One source being read: its chunk in hand, its rate, its retries.
//!
//! Invariants: at most one chunk of a source is in hand (two more wait in the channel of a source
//! that blocks); rows and rejects leave in the order of the input.

use std::collections::VecDeque;
use std::io::ErrorKind;
use std::path::Path;
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_buffer::ScalarBuffer;
use cep_lang::plan::Stream;
use cep_types::StreamId;
use cep_types::options::{ErrorPolicy, ErrorStrategy, Rate, Role, SourceConnector};
use net_connect::{ConnectError, Position, Records, Reject, Source, SourceChunk};

use super::feed::Feed;
use super::gate::RateGates;
use crate::failure::{Failure, Result};
use crate::talk::Talk;

/// Most rows of one entry.
pub const ENTRY_ROWS_MAX: usize = 8_192;

/// A source with what has been read of it and not been used.
pub struct Input {
    /// The stream it feeds.
    pub stream: StreamId,
    /// The stream's name.
    pub name: String,
    /// What happens to its bad records.
    pub policy: ErrorPolicy,
    /// What came out of it so far.
    pub counts: InputCounts,
    reads_bytes: bool,
    feed: Feed,
    gates: RateGates,
    /// Rows that pass the gates at once.
    passing: u64,
    retry: Retry,
    hand: Option<Hand>,
    ended: bool,
}

/// What came out of a source.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct InputCounts {
    /// Rows handed to the engine.
    pub rows: u64,
    /// Bytes of unpacked input read.
    pub bytes: u64,
    /// Records that could not be read.
    pub rejected: u64,
    /// Lines left out as asked.
    pub skipped: u64,
}

/// Whether an input has something to give.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Poll {
    /// Rows or rejects are in hand.
    Ready,
    /// Nothing before this wall-clock time, ns; `i64::MAX`: until the source's thread says so.
    Wait(i64),
    /// Nothing ever again.
    Ended,
}

/// A chunk and how much of it has been used.
struct Hand {
    batch: RecordBatch,
    times: Option<ScalarBuffer<i64>>,
    origins: Arc<Origins>,
    rejects: VecDeque<Reject>,
    at: usize,
    end: bool,
}

/// Rows on their way to the engine.
#[derive(Debug)]
pub struct Rows {
    /// Their stream.
    pub stream: StreamId,
    /// The rows.
    pub batch: RecordBatch,
    /// Event time of each, ns.
    pub times: Option<ScalarBuffer<i64>>,
    /// Where the rows of their chunk were read.
    pub origins: Arc<Origins>,
    /// Their first row in the chunk.
    pub first: usize,
}

/// Where the rows of a chunk were read.
#[derive(Debug)]
pub struct Origins {
    positions: Vec<u64>,
    records: Option<Records>,
}

impl Origins {
    /// Where row `row` was read: byte and line of its record; number and line 0 of a row that was
    /// made by a timer or generator.
    pub fn position(&self, row: usize) -> Position {
        let line = self.records.as_ref().map_or(0, |records| records.line(row));
        Position { byte: self.positions[row], line }
    }

    /// The record as it came, if its source keeps records.
    pub fn original(&self, row: usize) -> Option<&[u8]> {
        self.records.as_ref()?.original(row)
    }
}

/// Where a failing read stands.
#[derive(Debug, Default)]
struct Retry {
    attempt: u32,
    at_ns: Option<i64>,
}

impl Input {
    /// An input over the open source of a stream; with `blocks`, a thread reads it.
    ///
    /// # Errors
    /// If the system gives no thread.
    pub fn new(stream: &Stream, source: Box<dyn Source>, blocks: bool, rates: Vec<Rate>) -> Result<Self> {
        let decodes = matches!(
            stream.options.role,
            Role::Source(SourceConnector::File { .. } | SourceConnector::Stdin { .. })
        );
        Ok(Input {
            stream: stream.id,
            name: stream.name.clone(),
            policy: stream.options.errors.clone(),
            counts: InputCounts::default(),
            reads_bytes: decodes,
            feed: Feed::new(&stream.name, source, blocks)?,
            gates: RateGates::new(rates),
            passing: 0,
            retry: Retry::default(),
            hand: None,
            ended: false,
        })
    }

    /// The next so many rows were taken before, and pass its rate limits at once.
    pub fn catch_up(&mut self, rows: u64) {
        self.passing = rows;
    }

    /// Whether its end is known to come.
    pub fn is_bounded(&self) -> bool {
        self.feed.is_bounded()
    }

    /// Whether it decodes bytes: what it reads can be measured in them.
    pub fn reads_bytes(&self) -> bool {
        self.reads_bytes
    }

    /// Whether nothing follows.
    pub fn ended(&self) -> bool {
        self.ended
    }

    /// How much of it is done, of how much, in the source's own measure (bytes or rows).
    pub fn progress(&self) -> (u64, Option<u64>) {
        self.feed.progress()
    }

    /// Takes a chunk in hand unless there is one.
    ///
    /// # Errors
    /// When the source fails and its strategy is not to try again.
    pub fn poll(&mut self, now_ns: i64, talk: &Talk) -> Result<Poll> {
        if self.ended {
            return Ok(Poll::Ended);
        }
        if self.hand.is_some() {
            return Ok(Poll::Ready);
        }
        if let Some(at_ns) = self.retry.at_ns {
            if now_ns < at_ns {
                return Ok(Poll::Wait(at_ns));
            }
            self.retry.at_ns = None;
            self.feed.again();
        }
        let (rows_max, due_ns) = match usize::try_from(self.passing).unwrap_or(usize::MAX) {
            0 => self.gates.allowed(ENTRY_ROWS_MAX, now_ns),
            passing => (passing.min(ENTRY_ROWS_MAX), now_ns),
        };
        if rows_max == 0 {
            return Ok(Poll::Wait(due_ns));
        }
        match self.feed.next(rows_max, now_ns) {
            Ok(Some(chunk)) => Ok(self.load(chunk)),
            Ok(None) => Ok(Poll::Wait(self.feed.due_ns().unwrap_or(i64::MAX))),
            Err(error) => self.failed(error, now_ns, talk),
        }
    }

    fn load(&mut self, chunk: SourceChunk) -> Poll {
        self.retry.attempt = 0;
        let SourceChunk { batch, event_time_ns, row_positions, records, span, rejects, skipped, end } = chunk;
        self.counts.bytes = self.counts.bytes.max(span.byte_end);
        self.counts.rejected += rejects.len() as u64;
        self.counts.skipped += skipped;
        let passing = self.passing.min(batch.num_rows() as u64);
        self.passing -= passing;
        self.gates.take(batch.num_rows() - passing as usize);
        self.hand = Some(Hand {
            batch,
            times: event_time_ns.map(ScalarBuffer::from),
            origins: Arc::new(Origins { positions: row_positions, records }),
            rejects: rejects.into(),
            at: 0,
            end,
        });
        self.drop_used_hand();
        match (self.ended, &self.hand) {
            (true, _) => Poll::Ended,
            (false, Some(_)) => Poll::Ready,
            // An empty chunk: look again when the source says, or at once.
            (false, None) => Poll::Wait(self.feed.due_ns().unwrap_or(i64::MIN)),
        }
    }

    fn failed(&mut self, error: ConnectError, now_ns: i64, talk: &Talk) -> Result<Poll> {
        if let Some((at_ns, message)) = next_try(&self.policy, &mut self.retry.attempt, &error, now_ns) {
            talk.say(self.policy.log_level, &format!("stream '{}': {message}", self.name));
            self.retry.at_ns = Some(at_ns);
            return Ok(Poll::Wait(at_ns));
        }
        Err(Failure::Connector { stream: self.name.clone(), error })
    }

    /// The chunk's event times from the first unused row on; `None`: the rows have none.
    pub fn head_times(&self) -> Option<&[i64]> {
        let hand = self.hand.as_ref()?;
        hand.times.as_ref().map(|times| &times[hand.at..])
    }

    /// Unused rows in hand that come before the next reject.
    pub fn head_rows(&self) -> usize {
        self.hand.as_ref().map_or(0, |hand| {
            let limit = hand.rejects.front().map_or(hand.batch.num_rows(), |r| r.rows_before);
            limit.saturating_sub(hand.at)
        })
    }

    /// Rejects that come before the next unused row.
    pub fn take_rejects(&mut self) -> Vec<Reject> {
        let Some(hand) = &mut self.hand else { return Vec::new() };
        let due = hand.rejects.iter().take_while(|r| r.rows_before <= hand.at).count();
        let taken = hand.rejects.drain(..due).collect();
        self.drop_used_hand();
        taken
    }

    /// All rejects of the chunk in hand, for policies to which their place means nothing.
    pub fn take_all_rejects(&mut self) -> Vec<Reject> {
        let Some(hand) = &mut self.hand else { return Vec::new() };
        let taken = hand.rejects.drain(..).collect();
        self.drop_used_hand();
        taken
    }

    /// Whether rejects must leave exactly between the rows around them.
    pub fn rejects_in_place(&self) -> bool {
        match &self.policy.strategy {
            ErrorStrategy::DeadLetter { .. } | ErrorStrategy::Fail => true,
            ErrorStrategy::Drop | ErrorStrategy::Retry(_) => false,
        }
    }

    /// The next `count` rows.
    ///
    /// # Panics
    /// If fewer than `count` are in hand.
    pub fn take(&mut self, count: usize) -> Rows {
        let hand = self.hand.as_mut().expect("rows are taken after a ready poll");
        let (from, total) = (hand.at, hand.batch.num_rows());
        assert!(from + count <= total, "rows are in hand");
        hand.at += count;
        self.counts.rows += count as u64;
        let rows = Rows {
            stream: self.stream,
            batch: hand.batch.slice(from, count),
            times: hand.times.as_ref().map(|times| times.slice(from, count)),
            origins: Arc::clone(&hand.origins),
            first: from,
        };
        self.drop_used_hand();
        rows
    }

    fn drop_used_hand(&mut self) {
        if let Some(hand) = &self.hand
            && hand.at >= hand.batch.num_rows()
            && hand.rejects.is_empty()
        {
            self.ended = hand.end;
            self.hand = None;
        }
    }
}

/// When to try again after an error, with the message that says so; `None`: not at all.
pub fn next_try(
    policy: &ErrorPolicy,
    attempt: &mut u32,
    error: &ConnectError,
    now_ns: i64,
) -> Option<(i64, String)> {
    let ErrorStrategy::Retry(retry) = &policy.strategy else { return None };
    let damaged =
        |kind| matches!(kind, ErrorKind::InvalidData | ErrorKind::InvalidInput | ErrorKind::UnexpectedEof);
    let passing = match error {
        ConnectError::Read { error, .. } => !damaged(error.kind()),
        error => matches!(error, ConnectError::Open { .. } | ConnectError::Write { .. }),
    };
    if !passing {
        return None;
    }
    *attempt += 1;
    let delay_ns = retry.delay_ns(*attempt)?;
    let message = format!(
        "{error}; try {} of {} in {}",
        *attempt,
        retry.attempts_max,
        cep_types::options::format_duration(delay_ns)
    );
    Some((now_ns.saturating_add(delay_ns), message))
}

/// The folder that relative paths of an app start at.
pub fn base_dir(app: &Path) -> std::path::PathBuf {
    match app.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder.to_owned(),
        _ => std::path::PathBuf::from("."),
    }
}
