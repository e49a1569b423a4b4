//! The engine with what a log would give it: indices and stamps.

use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_buffer::ScalarBuffer;
use cep_engine::{Actions, Budget, Partition, Progress, RecordError};
use cep_lang::plan::{Clock, Program, Read, StreamOrigin};
use cep_types::options::Role;
use cep_types::{Entry, EntryKind, Events, LogIndex, StampNs, StreamId};

use super::outputs::Outputs;
use super::strict::Strict;
use crate::failure::{Failure, Result};

/// Input and output rows of one call of apply: bounds what waits to be written.
const BUDGET_ROWS: usize = 16_384;
/// Stamp of what comes before the first row when time is the rows' own.
const FIRST_STAMP_NS: i64 = 0;

/// One partition, fed entry by entry; what it emits goes to the outputs at once.
#[derive(Debug)]
pub struct Engine {
    partition: Partition,
    actions: Actions,
    index: u64,
    clock: StampClock,
    strict: Strict,
}

/// What stamps entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum StampClock {
    /// The wall clock: some source has `clock = 'ingest'`, or there is no source.
    Wall,
    /// The event time reached: all sources bring their own time, and the wall clock must not jump
    /// ahead of it in internal streams (R-DET-2).
    Events,
}

impl Engine {
    /// An engine that has seen nothing; rows of `watched` streams leave it.
    ///
    /// # Errors
    /// If an operator cannot be built.
    pub fn new(program: Arc<Program>, watched: &[StreamId]) -> Result<Self> {
        let source = |s: &&cep_lang::plan::Stream| {
            s.origin == StreamOrigin::External && matches!(s.options.role, Role::Source(_))
        };
        let mut sources = program.streams.iter().filter(source).peekable();
        let events = sources.peek().is_some() && sources.all(|s| s.time.clock == Clock::Event);
        let strict = Strict::of(&program);
        // Scripts are built when they are compiled: an error here has been told with its place.
        let partition = Partition::new(program, watched).map_err(|error| Failure::run(error.to_string()))?;
        let clock = if events { StampClock::Events } else { StampClock::Wall };
        Ok(Engine { partition, actions: Actions::new(), index: 0, clock, strict })
    }

    /// What tables did not keep, one sentence each.
    pub fn not_kept(&self) -> Vec<String> {
        let told = self.partition.tables().iter().filter_map(|table| {
            let counts = table.counts();
            let told = |rows: u64, what: &str| (rows > 0).then(|| format!("{rows} rows {what}"));
            let parts =
                [told(counts.rejected, "were left out"), told(counts.evicted, "made room for others")];
            let parts: Vec<String> = parts.into_iter().flatten().collect();
            (!parts.is_empty()).then(|| format!("table '{}' was full: {}", table.name(), parts.join(", ")))
        });
        told.collect()
    }

    /// Rows that came too late.
    pub fn late_rows(&self) -> u64 {
        self.partition.late_total()
    }

    /// Answers a read of an aggregation or a table from what it holds now.
    ///
    /// # Errors
    /// If a step on the answer fails.
    pub fn read(&mut self, read: &Read) -> Result<RecordBatch> {
        self.partition.read(read).map_err(|error| Failure::run(format!("'{}': {error}", read.name)))
    }

    /// Whether the wall clock moves it while no row comes.
    pub fn wants_ticks(&self) -> bool {
        self.clock == StampClock::Wall
    }

    /// Rows of a stream. An error that stops the run is the last one: nothing at or behind its
    /// place has gone out.
    pub fn rows(
        &mut self,
        stream: StreamId,
        rows: RecordBatch,
        times: Option<ScalarBuffer<i64>>,
        now_ns: i64,
        outputs: &mut Outputs,
    ) -> Result<Vec<RecordError>> {
        self.apply(EntryKind::Events(Events { stream, rows, times }), now_ns, outputs)
    }

    /// Time has passed.
    pub fn tick(&mut self, now_ns: i64, outputs: &mut Outputs) -> Result<Vec<RecordError>> {
        self.apply(EntryKind::Tick, now_ns, outputs)
    }

    /// No more rows of a stream.
    pub fn end(&mut self, stream: StreamId, now_ns: i64, outputs: &mut Outputs) -> Result<Vec<RecordError>> {
        self.apply(EntryKind::EndOfInput(stream), now_ns, outputs)
    }

    fn apply(&mut self, kind: EntryKind, now_ns: i64, outputs: &mut Outputs) -> Result<Vec<RecordError>> {
        self.index += 1;
        let stream = match &kind {
            EntryKind::Events(events) => Some(events.stream),
            EntryKind::EndOfInput(stream) => Some(*stream),
            EntryKind::Tick => None,
        };
        let reached_ns = self.partition.stamp_ns();
        let stamp = match self.clock {
            StampClock::Wall => now_ns.max(reached_ns),
            StampClock::Events if reached_ns == i64::MIN => FIRST_STAMP_NS,
            StampClock::Events => reached_ns,
        };
        let entry = Entry { index: LogIndex(self.index), stamp: StampNs(stamp), kind };
        let mut errors = Vec::new();
        loop {
            let mut budget = Budget { rows: BUDGET_ROWS };
            let progress = self.partition.apply(&entry, &mut budget, &mut self.actions);
            let stop = self.actions.errors.iter().position(|e| self.strict.stops(stream, e).is_some());
            if let Some(stop) = stop {
                self.actions.truncate(stop);
            }
            outputs.deliver(&self.actions)?;
            if stop.is_some() && outputs.limit_reached() {
                // The run was over before it came to the error.
                self.actions.errors.pop();
            }
            errors.append(&mut self.actions.errors);
            self.actions.clear();
            if progress == Progress::Done || stop.is_some() {
                return Ok(errors);
            }
        }
    }
}
