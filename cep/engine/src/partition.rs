//! A partition: the one way into the engine.

use std::sync::Arc;

use arrow_array::RecordBatch;
use cep_lang::plan::{AggregationRead, Clock, Program, QueryId};
use cep_types::hash::SpaceSeed;
use cep_types::{Entry, EntryKind, Events, LogIndex, StreamId};

use crate::actions::{Actions, RecordError};
use crate::chunk::{Chunk, Phase, STEP_ROWS_MAX, position, step_row};
use crate::codec::{DecodeError, Reader, Writer};
use crate::column::Values;
use crate::graph::{BuildError, Graph, NodeKind, QueryError};
use crate::ops::Operator;
use crate::time::{StreamClock, Watermarks};

/// Version of the checkpoint format.
const CHECKPOINT_VERSION: u32 = 1;
const CHECKPOINT_MAGIC: u32 = 0x4345_5054;

/// How much one call of [`Partition::apply`] may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budget {
    /// Input and output rows left; the step that exhausts it is finished.
    pub rows: usize,
}

impl Budget {
    /// Everything at once.
    pub const UNLIMITED: Budget = Budget { rows: usize::MAX };
}

/// Whether an entry has been applied wholly.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Progress {
    /// It has. Checkpoints, queries and hashes are taken now.
    Done,
    /// Call apply again with the same entry.
    More,
}

/// State and definitions of a partition: a pure function of the entries applied (R-DET-1).
///
/// ```
/// use std::sync::Arc;
///
/// use arrow_array::{Float64Array, RecordBatch, TimestampNanosecondArray};
/// use cep_engine::{Actions, Budget, Partition, Progress};
/// use cep_lang::lower::{CompileOptions, compile};
/// use cep_types::{Entry, EntryKind, Events, LogIndex, StampNs, StreamId};
///
/// let script = "
///     CREATE STREAM readings (ts TIMESTAMP NOT NULL, value DOUBLE NOT NULL)
///         WITH (clock = 'event', \"event.time\" = 'ts');
///     SELECT avg(value) AS mean FROM readings WINDOW TUMBLING (SIZE 1 MINUTE);
/// ";
/// let program = compile(script, &CompileOptions::default()).expect("a valid script");
/// let mut partition = Partition::new(Arc::new(program), &[])?;
///
/// let rows = RecordBatch::try_from_iter([
///     ("ts", Arc::new(TimestampNanosecondArray::from(vec![0, 1_000_000_000])) as _),
///     ("value", Arc::new(Float64Array::from(vec![20.0, 22.0])) as _),
/// ])?;
/// let events = EntryKind::Events(Events { stream: StreamId(0), rows, times: None });
/// let end = EntryKind::EndOfInput(StreamId(0));
///
/// let mut actions = Actions::new();
/// for (index, kind) in [events, end].into_iter().enumerate() {
///     let entry = Entry { index: LogIndex(index as u64 + 1), stamp: StampNs(0), kind };
///     assert_eq!(partition.apply(&entry, &mut Budget::UNLIMITED, &mut actions), Progress::Done);
/// }
/// assert_eq!(actions.rows(), 1);
/// assert_eq!(actions.emits()[0].chunk.columns[0].text_at(0), "21.0");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Partition {
    program: Arc<Program>,
    graph: Graph,
    index: LogIndex,
    /// Stamp reached so far.
    stamp: i64,
    ended: Vec<bool>,
    /// Rows of the current entry that are done.
    cursor: usize,
    scratch: Scratch,
}

#[derive(Debug, Default)]
struct Scratch {
    stamps: Vec<i64>,
    /// Entry row of each step row, when rows were refused.
    entry_rows: Vec<u32>,
    errors: Vec<QueryError>,
}

impl Partition {
    /// An empty partition that runs `program`. Rows of the streams in `watched` are emitted as
    /// [`Output::Stream`](crate::Output::Stream), those of bare SELECTs always.
    ///
    /// # Errors
    /// If an operator cannot be built.
    pub fn new(program: Arc<Program>, watched: &[StreamId]) -> Result<Self, BuildError> {
        let graph = Graph::build(&program, watched)?;
        Ok(Partition {
            ended: vec![false; program.streams.len()],
            graph,
            index: LogIndex(0),
            stamp: i64::MIN,
            cursor: 0,
            scratch: Scratch::default(),
            program,
        })
    }

    /// What it runs.
    pub fn program(&self) -> &Arc<Program> {
        &self.program
    }

    /// Last entry applied.
    pub fn index(&self) -> LogIndex {
        self.index
    }

    /// Stamp reached, ns; `i64::MIN` before the first.
    pub fn stamp_ns(&self) -> i64 {
        self.stamp
    }

    /// Watermark of a stream, ns; `None` for streams made by queries and before the first row.
    pub fn watermark_ns(&self, stream: StreamId) -> Option<i64> {
        self.graph.clocks[stream.index()].as_ref().map(StreamClock::watermark).filter(|&w| w != i64::MIN)
    }

    /// Rows that came too late for an operator so far (R-LATE-2): those of each query, by number.
    pub fn late_rows(&self) -> Vec<(QueryId, u64)> {
        let late = self.graph.nodes.iter().filter_map(|node| match &node.kind {
            NodeKind::Operator { operator, .. } => Some((node.query, operator.late_rows())),
            NodeKind::Merge { .. } | NodeKind::Retime { .. } => None,
        });
        late.filter(|(_, rows)| *rows > 0).collect()
    }

    /// Applies an entry, or the part of it that the budget allows; actions are appended.
    ///
    /// # Panics
    /// If the rows do not have the stream's columns: entries are verified at the door.
    pub fn apply(&mut self, entry: &Entry, budget: &mut Budget, actions: &mut Actions) -> Progress {
        self.index = entry.index;
        match &entry.kind {
            EntryKind::Events(events) => return self.apply_events(events, entry, budget, actions),
            EntryKind::Tick => {
                self.scratch.stamps.clear();
                self.stamp = self.stamp.max(entry.stamp.0);
                self.scratch.stamps.push(self.stamp);
                self.silence(None);
                self.run(None, actions);
            }
            EntryKind::EndOfInput(stream) => {
                self.ended[stream.index()] = true;
                self.scratch.stamps.clear();
                self.scratch.stamps.push(self.stamp);
                self.silence(Some(*stream));
                let mut slot = self.graph.slot_of(*stream).take();
                if let Some(clock) = &mut self.graph.clocks[stream.index()] {
                    clock.end(&mut slot);
                }
                *self.graph.slot_of(*stream) = slot;
                self.run(None, actions);
            }
        }
        Progress::Done
    }

    fn apply_events(
        &mut self,
        events: &Events,
        entry: &Entry,
        budget: &mut Budget,
        actions: &mut Actions,
    ) -> Progress {
        let total = events.rows.num_rows();
        while self.cursor < total {
            let from = self.cursor;
            let count = (total - from).min(STEP_ROWS_MAX);
            let before = actions.rows();
            self.step(events, from, count, entry, actions);
            self.cursor += count;
            let work = count + actions.rows() - before;
            budget.rows = budget.rows.saturating_sub(work);
            if budget.rows == 0 && self.cursor < total {
                return Progress::More;
            }
        }
        self.cursor = 0;
        Progress::Done
    }

    fn step(&mut self, events: &Events, from: usize, count: usize, entry: &Entry, actions: &mut Actions) {
        let program = Arc::clone(&self.program);
        let stream = &program.streams[events.stream.index()];
        let first_error = actions.errors.len();
        let mut chunk = std::mem::take(self.graph.input(events.stream));
        load(&events.rows, from, count, &mut chunk);
        self.scratch.stamps.clear();
        self.scratch.entry_rows.clear();
        self.take_times(events, from, count, entry, &mut chunk, actions);
        match stream.time.clock {
            Clock::Event => {
                let mut stamp = self.stamp;
                self.scratch.stamps.extend(chunk.time.iter().map(|&t| {
                    stamp = stamp.max(t);
                    stamp
                }));
            }
            Clock::Ingest => {
                let stamp = self.stamp.max(entry.stamp.0);
                let limit = stamp.saturating_add(stream.time.future_skew_ns);
                if chunk.time.iter().any(|&t| t > limit) {
                    let message = "the event time is too far ahead of the clock; the row was refused";
                    self.refuse(&mut chunk, |c, r| c.time[r] > limit, "E1007", message, from, actions);
                }
                self.scratch.stamps.resize(chunk.time.len(), stamp);
            }
        }
        let rows = chunk.time.len();
        chunk.pos.extend((0..rows).map(|r| position(r, Phase::Row)));
        if rows == 0 {
            chunk.clear();
            *self.graph.input(events.stream) = chunk;
            return;
        }
        let mut slot = self.graph.slot_of(events.stream).take();
        if let Some(clock) = &mut self.graph.clocks[events.stream.index()] {
            clock.dense_rows(&stream.time, &chunk.time, &self.scratch.stamps, &mut slot);
        }
        *self.graph.slot_of(events.stream) = slot;
        *self.graph.input(events.stream) = chunk;
        self.silence(Some(events.stream));
        self.run(Some(from), actions);
        // Rows refused at the stream are told among those that failed in a query, row by row.
        actions.errors[first_error..].sort_by_key(|error| error.row);
    }

    /// Event times of the step's rows; rows without one are refused.
    fn take_times(
        &mut self,
        events: &Events,
        from: usize,
        count: usize,
        entry: &Entry,
        chunk: &mut Chunk,
        actions: &mut Actions,
    ) {
        if let Some(times) = &events.times {
            chunk.time.extend_from_slice(&times[from..from + count]);
            return;
        }
        let column = self.program.streams[events.stream.index()].time.column;
        let Some((column, Values::I64(times))) = column.map(|c| (c, &chunk.columns[c].values)) else {
            chunk.time.resize(count, entry.stamp.0.max(self.stamp));
            return;
        };
        chunk.time.extend_from_slice(times);
        if chunk.columns[column].valid.is_some() {
            let refused = |c: &Chunk, r: usize| !c.columns[column].is_valid(r);
            self.refuse(
                chunk,
                refused,
                "E1006",
                "the event time is NULL; the row was left out",
                from,
                actions,
            );
        }
    }

    /// Removes rows from the step and reports each as an error of the stream's readers.
    fn refuse(
        &mut self,
        chunk: &mut Chunk,
        refused: impl Fn(&Chunk, usize) -> bool,
        code: &'static str,
        message: &str,
        from: usize,
        actions: &mut Actions,
    ) {
        let rows = chunk.time.len();
        let earlier: Vec<u32> = if self.scratch.entry_rows.is_empty() {
            (0..rows as u32).collect()
        } else {
            std::mem::take(&mut self.scratch.entry_rows)
        };
        let keep: Vec<u32> = (0..rows as u32).filter(|&r| !refused(chunk, r as usize)).collect();
        for row in (0..rows).filter(|&r| refused(chunk, r)) {
            actions.errors.push(RecordError {
                index: self.index,
                row: (from + earlier[row] as usize) as u64,
                query: None,
                code,
                message: message.to_string(),
            });
        }
        for column in &mut chunk.columns {
            let source = std::mem::replace(column, column.empty_like());
            column.gather_from(&source, &keep);
        }
        chunk.time = keep.iter().map(|&r| chunk.time[r as usize]).collect();
        self.scratch.entry_rows = keep.iter().map(|&r| earlier[r as usize]).collect();
    }

    /// Moves the clocks of the streams that have no rows in this step.
    fn silence(&mut self, active: Option<StreamId>) {
        for stream in &self.program.streams {
            if Some(stream.id) == active {
                continue;
            }
            let at = stream.id.index();
            let Some(mut clock) = self.graph.clocks[at].take() else { continue };
            let mut slot: Watermarks = self.graph.slot_of(stream.id).take();
            clock.silence(&stream.time, &self.scratch.stamps, &mut slot);
            *self.graph.slot_of(stream.id) = slot;
            self.graph.clocks[at] = Some(clock);
        }
    }

    fn run(&mut self, from: Option<usize>, actions: &mut Actions) {
        let Scratch { stamps, entry_rows, errors } = &mut self.scratch;
        self.graph.step(stamps, &self.ended, actions, errors);
        self.stamp = *stamps.last().expect("a step has a row");
        errors.sort_by_key(|(query, e)| (e.pos, *query));
        for (query, error) in errors.drain(..) {
            let row = step_row(error.pos);
            let row = if entry_rows.is_empty() { row } else { entry_rows[row] as usize };
            actions.errors.push(RecordError {
                index: self.index,
                row: (from.unwrap_or(0) + row) as u64,
                query: Some(query),
                code: error.code,
                message: error.message,
            });
        }
    }

    /// Answers a read of an aggregation from its roll-ups. Call only after [`Progress::Done`].
    ///
    /// # Errors
    /// The reason why it cannot be answered, for the user.
    pub fn read(&mut self, read: &AggregationRead) -> Result<RecordBatch, String> {
        let node = self.graph.aggregations[read.aggregation];
        let NodeKind::Operator { operator: Operator::Aggregation(op), .. } = &mut self.graph.nodes[node].kind
        else {
            unreachable!("the builder puts aggregations there")
        };
        let relation = op.read(read)?;
        let columns = relation
            .columns
            .iter()
            .zip(read.schema.fields())
            .map(|(c, f)| c.to_arrow(f.data_type()))
            .collect();
        RecordBatch::try_new(Arc::clone(&read.schema), columns).map_err(|e| e.to_string())
    }

    /// The whole state as bytes (R-CKP-1): [`Partition::restore`] in a partition of the same
    /// program goes on exactly where this one is. Call only after [`Progress::Done`].
    pub fn checkpoint(&self) -> Vec<u8> {
        let mut out = Writer::default();
        out.u32(CHECKPOINT_MAGIC);
        out.u32(CHECKPOINT_VERSION);
        out.u64(self.index.0);
        self.encode_state(&mut out);
        out.bytes
    }

    fn encode_state(&self, out: &mut Writer) {
        debug_assert_eq!(self.cursor, 0, "state is taken between entries");
        out.i64(self.stamp);
        self.ended.iter().for_each(|&e| out.bool(e));
        self.graph.encode(out);
    }

    /// Restores what [`Partition::checkpoint`] wrote.
    ///
    /// # Errors
    /// If the bytes are damaged or of another program; this partition must then be thrown away.
    pub fn restore(&mut self, bytes: &[u8]) -> Result<(), DecodeError> {
        let mut input = Reader::new(bytes);
        if input.u32()? != CHECKPOINT_MAGIC {
            return Err(DecodeError("it does not begin with a checkpoint's mark".into()));
        }
        let version = input.u32()?;
        if version != CHECKPOINT_VERSION {
            return Err(DecodeError(format!("version {version} is not version {CHECKPOINT_VERSION}")));
        }
        self.index = LogIndex(input.u64()?);
        self.stamp = input.i64()?;
        for ended in &mut self.ended {
            *ended = input.bool()?;
        }
        self.graph.decode(&mut input)?;
        input.finish()
    }

    /// Hash of the state, without log positions (R-DET-1): equal states, equal hashes.
    pub fn state_hash(&self) -> u64 {
        let mut out = Writer::default();
        self.encode_state(&mut out);
        SpaceSeed(0).hash(&out.bytes)
    }

    /// Name of a query, for messages.
    pub fn query_name(&self, query: QueryId) -> &str {
        &self.program.queries[query.0 as usize].name
    }
}

/// Fills the columns of `chunk` from rows of a batch.
fn load(rows: &RecordBatch, from: usize, count: usize, chunk: &mut Chunk) {
    assert_eq!(rows.num_columns(), chunk.columns.len(), "rows have the stream's columns");
    for (column, array) in chunk.columns.iter_mut().zip(rows.columns()) {
        if count == rows.num_rows() {
            column.load(array);
        } else {
            column.load(&array.slice(from, count));
        }
    }
}
