//! One way out: a sink with its strategy for failing writes, its rate and its counts.

use arrow_array::RecordBatch;
use arrow_select::concat::concat_batches;
use cep_types::StreamId;
use cep_types::op::Op;
use cep_types::options::{ErrorPolicy, ErrorStrategy, Rate};
use net_connect::{ConnectError, Sink};

use super::gate::RateGates;
use super::inputs::next_try;
use super::signals::Signals;
use crate::clock::{park_ns, wall_ns};
use crate::failure::{Failure, Result};
use crate::talk::Talk;

/// Rows of a table that are laid out together.
const TABLE_ROWS: usize = 1_024;
/// Longest sleep between two looks at the signals, ns.
const NAP_NS: i64 = 50_000_000;
/// Messages of failed writes that are shown.
const SHOWN_MAX: u64 = 5;

/// Where a sink's bytes end up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// Standard output.
    Stdout,
    /// Standard error, which the progress bar is on too.
    Stderr,
    /// A file.
    File,
    /// Nowhere.
    Nowhere,
}

/// What a failing write leads to.
#[derive(Debug, Clone)]
pub enum WritePolicy {
    /// The run stops: printed rows have no stream that could say otherwise.
    Stop,
    /// As the stream says.
    Stream(StreamId, ErrorPolicy),
}

/// Rows that could not be written and are to become dead letters.
#[derive(Debug)]
pub struct Unwritten {
    /// The sink's stream.
    pub stream: StreamId,
    /// The rows.
    pub rows: RecordBatch,
    /// Why.
    pub reason: String,
}

/// A sink in use.
pub struct Drain {
    name: String,
    sink: Box<dyn Sink>,
    /// Where it leads.
    pub place: Place,
    policy: WritePolicy,
    gates: RateGates,
    held: Option<Held>,
    is_table: bool,
    /// Rows handed over since the last flush that succeeded.
    unflushed: u64,
    failures: u64,
    /// How long its file was when it settled last.
    length: Option<u64>,
    /// Rows given up.
    pub lost: u64,
    /// Rows for dead-letter streams.
    pub unwritten: Vec<Unwritten>,
    talk: Talk,
    signals: Signals,
}

/// Rows of one stream that wait to be laid out with those that follow.
struct Held {
    stream: String,
    batches: Vec<RecordBatch>,
    ops: Option<Vec<Op>>,
    rows: usize,
}

impl Drain {
    /// A drain over an open sink.
    pub fn new(name: &str, sink: Box<dyn Sink>, place: Place, talk: &Talk, signals: &Signals) -> Self {
        Drain {
            name: name.to_owned(),
            sink,
            place,
            policy: WritePolicy::Stop,
            gates: RateGates::default(),
            held: None,
            is_table: false,
            unflushed: 0,
            failures: 0,
            length: None,
            lost: 0,
            unwritten: Vec::new(),
            talk: talk.clone(),
            signals: signals.clone(),
        }
    }

    /// The same drain as its stream's options ask.
    #[must_use]
    pub fn with(mut self, policy: WritePolicy, rates: Vec<Rate>) -> Self {
        self.policy = policy;
        self.gates = RateGates::new(rates);
        self
    }

    /// The same drain for a sink that lays rows out in tables.
    #[must_use]
    pub fn table(mut self, is_table: bool) -> Self {
        self.is_table = is_table;
        self
    }

    /// Takes rows of a stream.
    ///
    /// # Errors
    /// If writing fails and the policy is to stop.
    pub fn write(&mut self, batch: &RecordBatch, ops: Option<&[Op]>, stream: &str) -> Result<()> {
        let mut from = 0;
        while from < batch.num_rows() {
            let left = batch.num_rows() - from;
            let (mut count, due_ns) = self.gates.allowed(left, wall_ns());
            if self.signals.taken().is_some() {
                // What has been emitted goes out before the run ends.
                count = left;
            }
            if count == 0 {
                self.flush()?;
                park_ns((due_ns - wall_ns()).min(NAP_NS));
                continue;
            }
            self.gates.take(count);
            let (rows, ops) = (batch.slice(from, count), ops.map(|ops| &ops[from..from + count]));
            from += count;
            if self.is_table { self.hold(rows, ops, stream)? } else { self.put(&rows, ops, stream)? }
        }
        Ok(())
    }

    fn hold(&mut self, batch: RecordBatch, ops: Option<&[Op]>, stream: &str) -> Result<()> {
        if self.held.as_ref().is_some_and(|held| held.stream != stream || held.rows >= TABLE_ROWS) {
            self.release()?;
        }
        let held = self.held.get_or_insert_with(|| Held {
            stream: stream.to_owned(),
            batches: Vec::new(),
            ops: ops.is_some().then(Vec::new),
            rows: 0,
        });
        held.rows += batch.num_rows();
        held.batches.push(batch);
        if let (Some(all), Some(ops)) = (&mut held.ops, ops) {
            all.extend_from_slice(ops);
        }
        Ok(())
    }

    /// Lays out what is held.
    fn release(&mut self) -> Result<()> {
        let Some(held) = self.held.take() else { return Ok(()) };
        let Some(first) = held.batches.first() else { return Ok(()) };
        let all = concat_batches(&first.schema(), &held.batches)
            .map_err(|error| Failure::run(format!("'{}': {error}", held.stream)))?;
        self.put(&all, held.ops.as_deref(), &held.stream)
    }

    fn put(&mut self, batch: &RecordBatch, ops: Option<&[Op]>, stream: &str) -> Result<()> {
        self.unflushed += batch.num_rows() as u64;
        let mut written = match self.place {
            Place::Stderr => self.talk.clone().aside(|| self.sink.write(batch, ops, stream)),
            Place::Stdout | Place::File | Place::Nowhere => self.sink.write(batch, ops, stream),
        };
        if written.is_ok() && self.dead_letters() {
            // Only rows in hand can become dead letters: each batch must be known to be written.
            written = self.sink.flush();
        }
        match written {
            Ok(()) => Ok(()),
            Err(error) => self.failed(error, Some(batch)),
        }
    }

    fn dead_letters(&self) -> bool {
        matches!(
            &self.policy,
            WritePolicy::Stream(_, ErrorPolicy { strategy: ErrorStrategy::DeadLetter { .. }, .. })
        )
    }

    /// Hands over everything taken so far.
    ///
    /// # Errors
    /// As [`Drain::write`].
    pub fn flush(&mut self) -> Result<()> {
        self.release()?;
        match self.sink.flush() {
            Ok(()) => {
                self.unflushed = 0;
                Ok(())
            }
            Err(error) => self.failed(error, None),
        }
    }

    /// Hands everything over and brings it to the disk; how long its file is then, if it has one.
    ///
    /// # Errors
    /// As [`Drain::write`].
    pub fn settle(&mut self) -> Result<Option<u64>> {
        self.flush()?;
        match self.sink.settle() {
            Ok(length) => self.length = length,
            Err(error) => self.failed(error, None)?,
        }
        Ok(self.length)
    }

    /// Hands everything over and ends the output.
    ///
    /// # Errors
    /// As [`Drain::write`].
    pub fn close(&mut self) -> Result<()> {
        self.flush()?;
        match self.sink.close() {
            Ok(()) => Ok(()),
            Err(error) => self.failed(error, None),
        }
    }

    fn failed(&mut self, error: ConnectError, batch: Option<&RecordBatch>) -> Result<()> {
        if self.place == Place::Stdout && matches!(error, ConnectError::OutputClosed) {
            return Err(Failure::OutputClosed);
        }
        let (stream, policy) = match &self.policy {
            WritePolicy::Stop => return Err(self.stopped(error)),
            WritePolicy::Stream(stream, policy) => (*stream, policy.clone()),
        };
        match &policy.strategy {
            ErrorStrategy::Fail => Err(self.stopped(error)),
            ErrorStrategy::Retry(_) => self.try_again(error, &policy),
            ErrorStrategy::Drop => {
                self.lose(self.unflushed, &policy, &format!("{error}; the rows are lost"));
                Ok(())
            }
            ErrorStrategy::DeadLetter { .. } => {
                self.sink.discard();
                match batch {
                    Some(batch) => self.unwritten.push(Unwritten {
                        stream,
                        rows: batch.clone(),
                        reason: error.to_string(),
                    }),
                    None => self.lose(self.unflushed, &policy, &error.to_string()),
                }
                self.unflushed = 0;
                Ok(())
            }
        }
    }

    fn try_again(&mut self, error: ConnectError, policy: &ErrorPolicy) -> Result<()> {
        let mut error = error;
        let mut attempt = 0;
        loop {
            let Some((at_ns, message)) = next_try(policy, &mut attempt, &error, wall_ns()) else {
                return Err(self.stopped(error));
            };
            self.talk.say(policy.log_level, &format!("stream '{}': {message}", self.name));
            while self.signals.taken().is_none() && wall_ns() < at_ns {
                park_ns((at_ns - wall_ns()).min(NAP_NS));
            }
            match self.sink.flush() {
                Ok(()) => {
                    self.unflushed = 0;
                    return Ok(());
                }
                Err(next) => error = next,
            }
        }
    }

    /// Counts rows as lost.
    pub fn lose(&mut self, rows: u64, policy: &ErrorPolicy, reason: &str) {
        self.sink.discard();
        self.lost += rows;
        self.unflushed = 0;
        self.failures += 1;
        if self.failures <= SHOWN_MAX {
            self.talk.say(policy.log_level, &format!("stream '{}': {reason}", self.name));
        }
    }

    fn stopped(&self, error: ConnectError) -> Failure {
        Failure::Connector { stream: self.name.clone(), error }
    }
}
