//! A partition: the one way into the engine.

use std::sync::Arc;

use arrow_array::RecordBatch;
use cep_lang::diag::codes;
use cep_lang::plan::{AggregationRead, Clock, LatePolicy, Program, QueryId, Stream};
use cep_types::hash::SpaceSeed;
use cep_types::{Entry, EntryKind, Events, LogIndex, StreamId};

use crate::actions::{Actions, RecordError, Subject};
use crate::chunk::{Chunk, Phase, STEP_ROWS_MAX, position, step_row};
use crate::codec::{DecodeError, Reader, Writer};
use crate::column::Values;
use crate::graph::{BuildError, Graph, NodeKind, QueryError};
use crate::ops::Operator;
use crate::time::Watermarks;

/// Version of the checkpoint format.
const CHECKPOINT_VERSION: u32 = 2;
/// Rows of a step after one in which time jumped.
const STEP_ROWS_MIN: usize = 8;
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
///     assert_eq!(partition.apply(&entry, &mut { Budget::UNLIMITED }, &mut actions), Progress::Done);
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
    /// Rows of each stream that came far behind the clock (R-LATE-3).
    far_behind: Vec<u64>,
    cursor: Cursor,
    scratch: Scratch,
}

/// How far the current entry has come.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
struct Cursor {
    /// Its rows that are done; of an entry without rows, whether it is.
    done: usize,
    /// Time has jumped and watermarks are behind: what else the step of that row is to do.
    behind: Option<Behind>,
}

/// A step whose watermarks are catching up.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
struct Behind {
    /// Row of the entry.
    row: Option<usize>,
    /// Stream that moved by itself, not by silence.
    active: Option<StreamId>,
}

#[derive(Debug, Default)]
struct Scratch {
    stamps: Vec<i64>,
    /// Entry row of each step row, when rows were refused.
    entry_rows: Vec<u32>,
    /// Rows that were refused, before the step.
    refused: Vec<RecordError>,
    errors: Vec<QueryError>,
    /// Rows to try in the next step, 0 after a jump.
    stride: usize,
    /// Watermarks of the rows of a step, tried before it.
    tried: Watermarks,
    /// Errors of the step with their positions.
    failed: Vec<(u32, RecordError)>,
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
            far_behind: vec![0; program.streams.len()],
            graph,
            index: LogIndex(0),
            stamp: i64::MIN,
            cursor: Cursor::default(),
            scratch: Scratch { stride: STEP_ROWS_MAX, ..Scratch::default() },
            program,
        })
    }

    /// What it runs.
    pub fn program(&self) -> &Arc<Program> {
        &self.program
    }

    /// Its operators, in the order in which a step runs through them.
    pub fn operators(&self) -> impl Iterator<Item = &Operator> {
        self.graph.operators().map(|(_, operator)| operator)
    }

    /// Last entry applied.
    pub fn index(&self) -> LogIndex {
        self.index
    }

    /// Stamp reached, ns; `i64::MIN` before the first.
    pub fn stamp_ns(&self) -> i64 {
        self.stamp
    }

    /// Rows that came too late for an operator so far (R-LATE-2): those of each query, by number.
    pub fn late_rows(&self) -> Vec<(QueryId, u64)> {
        let late = self.graph.nodes.iter().filter_map(|node| match &node.kind {
            NodeKind::Operator { operator, .. } => Some((node.query, operator.late_rows())),
            NodeKind::Merge { .. } | NodeKind::Retime { .. } => None,
        });
        late.filter(|(_, rows)| *rows > 0).collect()
    }

    /// Rows that came far behind the clock (R-LATE-3): those of each stream, by number.
    pub fn behind_rows(&self) -> Vec<(StreamId, u64)> {
        let behind = self.program.streams.iter().map(|s| (s.id, self.far_behind[s.id.index()]));
        behind.filter(|(_, rows)| *rows > 0).collect()
    }

    /// Rows that were left out for being late, by queries or already at the door.
    pub fn late_total(&self) -> u64 {
        let dropped = |id: StreamId| self.program.streams[id.index()].time.late_policy == LatePolicy::Drop;
        let at_door = self.behind_rows().into_iter().filter(|(id, _)| dropped(*id));
        let of_queries = self.late_rows().into_iter().map(|(_, rows)| rows);
        of_queries.chain(at_door.map(|(_, rows)| rows)).sum()
    }

    /// Applies an entry, or the part of it that the budget allows; actions are appended.
    ///
    /// # Panics
    /// If the rows do not have the stream's columns: entries are verified at the door.
    pub fn apply(&mut self, entry: &Entry, budget: &mut Budget, actions: &mut Actions) -> Progress {
        self.index = entry.index;
        while !self.is_through(entry) {
            let before = actions.rows();
            let rows = self.advance(entry, actions);
            let work = rows.max(1) + actions.rows() - before;
            budget.rows = budget.rows.saturating_sub(work);
            if budget.rows == 0 && !self.is_through(entry) {
                return Progress::More;
            }
        }
        self.cursor = Cursor::default();
        Progress::Done
    }

    /// Whether nothing of the entry is left to do.
    fn is_through(&self, entry: &Entry) -> bool {
        let steps = match &entry.kind {
            EntryKind::Events(events) => events.rows.num_rows(),
            EntryKind::Tick | EntryKind::EndOfInput(_) => 1,
        };
        self.cursor.done == steps && self.cursor.behind.is_none()
    }

    /// Runs one step; returns how many rows of the entry it took.
    fn advance(&mut self, entry: &Entry, actions: &mut Actions) -> usize {
        if let Some(behind) = self.cursor.behind {
            self.catch_up(behind, actions);
            return 0;
        }
        match &entry.kind {
            EntryKind::Events(events) => {
                let from = self.cursor.done;
                let stride = self.scratch.stride.clamp(STEP_ROWS_MIN, STEP_ROWS_MAX);
                let count = (events.rows.num_rows() - from).min(stride);
                let count = self.step(events, from, count, entry, actions);
                self.cursor.done += count;
                // Where time jumps often, steps are short anyway.
                self.scratch.stride = if self.cursor.behind.is_some() { 0 } else { stride * 2 };
                count
            }
            EntryKind::Tick => {
                let stamp = self.stamp.max(entry.stamp.0);
                let jumps = self.graph.jump_ns.is_some_and(|jump| is_jump(self.stamp, stamp, jump));
                if jumps && self.stamp_jumps(stamp, actions) {
                    return 0;
                }
                self.timers(stamp, jumps, actions);
                self.cursor.done = 1;
                1
            }
            EntryKind::EndOfInput(stream) => {
                self.graph.hold();
                self.ended[stream.index()] = true;
                if let Some(clock) = &mut self.graph.clocks[stream.index()] {
                    clock.end(&mut self.scratch.tried);
                }
                self.cursor.done = 1;
                self.catch_up(Behind { row: None, active: Some(*stream) }, actions);
                1
            }
        }
    }

    /// A step without rows in which the stamp advances to `stamp`.
    fn timers(&mut self, stamp: i64, jumps: bool, actions: &mut Actions) {
        if jumps {
            self.graph.hold();
            self.cursor.behind = Some(Behind::default());
        } else {
            self.graph.run_freely();
        }
        self.scratch.stamps.clear();
        self.scratch.entry_rows.clear();
        self.scratch.stamps.push(stamp);
        self.silence(None);
        self.run(None, actions);
    }

    /// On the way of the stamp to `stamp`: a step up to where operators have enough to emit.
    /// Whether there was one.
    fn stamp_jumps(&mut self, stamp: i64, actions: &mut Actions) -> bool {
        let Some(horizon) = self.stamp_horizon().filter(|&h| h < stamp) else { return false };
        self.timers(self.stamp.max(horizon), true, actions);
        true
    }

    fn stamp_horizon(&self) -> Option<i64> {
        self.graph.operators().filter_map(|(_, op)| op.stamp_horizon()).min()
    }

    /// A step without rows in which the watermarks go on.
    fn catch_up(&mut self, behind: Behind, actions: &mut Actions) {
        self.graph.catch_up();
        self.scratch.stamps.clear();
        self.scratch.entry_rows.clear();
        self.scratch.stamps.push(self.stamp);
        if let Some(stream) = behind.active {
            let mut slot = self.graph.slot_of(stream).take();
            match &self.graph.clocks[stream.index()] {
                Some(clock) => clock.stay(&mut slot),
                None => slot = Watermarks::default(),
            }
            self.graph.put_slot(stream, slot);
        }
        self.silence(behind.active);
        self.run(behind.row, actions);
        self.cursor.behind = self.graph.pace.is_behind().then_some(behind);
    }

    /// Runs rows `from..from + count` of the entry, or fewer where time jumps; returns how many.
    fn step(
        &mut self,
        events: &Events,
        from: usize,
        count: usize,
        entry: &Entry,
        actions: &mut Actions,
    ) -> usize {
        let program = Arc::clone(&self.program);
        let stream = &program.streams[events.stream.index()];
        let first_error = actions.errors.len();
        let mut chunk = std::mem::take(self.graph.input(events.stream));
        load(&events.rows, from, count, &mut chunk);
        self.scratch.stamps.clear();
        self.scratch.entry_rows.clear();
        self.scratch.refused.clear();
        self.take_times(events, from, count, entry, &mut chunk);
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
                    self.refuse(&mut chunk, |c, r| c.time[r] > limit, codes::TIME_AHEAD, message, from);
                }
                self.scratch.stamps.resize(chunk.time.len(), stamp);
            }
        }
        let rows = chunk.time.len();
        chunk.pos.extend((0..rows).map(|r| position(r, Phase::Row)));
        if rows == 0 {
            chunk.clear();
            *self.graph.input(events.stream) = chunk;
            self.fail(from, actions.runs().len(), actions);
            return count;
        }
        let reach = self.reach(events.stream, &chunk.time);
        if reach != Reach::Rows(rows) {
            let stamp = self.scratch.stamps[0];
            let (last, jumps) = match reach {
                Reach::Rows(some) => (some - 1, false),
                Reach::Jump => (0, true),
            };
            let last = self.scratch.entry_rows.get(last).map_or(last, |&row| row as usize);
            let stops = jumps && self.stamp_horizon().is_some_and(|h| h < stamp);
            if stops || last + 1 < count {
                chunk.clear();
                self.scratch.refused.clear();
                *self.graph.input(events.stream) = chunk;
                if stops {
                    self.stamp_jumps(stamp, actions);
                    return 0;
                }
                return self.step(events, from, last + 1, entry, actions);
            }
            self.graph.hold();
            self.cursor.behind = Some(Behind { row: Some(from + last), active: Some(events.stream) });
        } else {
            self.graph.run_freely();
        }
        let mut slot = self.graph.slot_of(events.stream).take();
        if let Some(clock) = &mut self.graph.clocks[events.stream.index()] {
            clock.dense_rows(&stream.time, &chunk.time, &self.scratch.stamps, &mut slot);
        }
        self.graph.put_slot(events.stream, slot);
        if stream.time.clock == Clock::Ingest {
            self.set_behind_apart(stream, &mut chunk);
        }
        *self.graph.input(events.stream) = chunk;
        self.silence(Some(events.stream));
        self.run(Some(from), actions);
        // Rows refused at the stream are told among those that failed in a query, row by row.
        actions.errors[first_error..].sort_by_key(|error| error.row);
        count
    }

    /// How many rows of the step, whose stamps are known, can be run at once.
    fn reach(&mut self, stream: StreamId, times: &[i64]) -> Reach {
        let Some(jump_ns) = self.graph.jump_ns else { return Reach::Rows(times.len()) };
        let spec = &self.program.streams[stream.index()].time;
        let Scratch { stamps, tried, .. } = &mut self.scratch;
        let first = match &self.graph.clocks[stream.index()] {
            Some(clock) => {
                clock.clone().dense_rows(spec, times, stamps, tried);
                clock.watermark()
            }
            None => return Reach::Rows(times.len()),
        };
        let idle: Vec<i64> = (self.program.streams.iter().filter(|s| s.id != stream))
            .filter_map(|s| self.graph.clocks[s.id.index()].as_ref()?.idle_at(&s.time))
            .collect();
        let (mut watermark, mut stamp) = (first, self.stamp);
        for (row, &next_stamp) in stamps.iter().enumerate() {
            let next = tried.after(row);
            let jumps = is_jump(watermark, next, jump_ns)
                || is_jump(stamp, next_stamp, jump_ns)
                || idle.iter().any(|&at| stamp < at && at <= next_stamp);
            if jumps {
                return if row == 0 { Reach::Jump } else { Reach::Rows(row) };
            }
            if is_jump(first, next, jump_ns) || is_jump(self.stamp, next_stamp, jump_ns) {
                return Reach::Rows(row + 1);
            }
            (watermark, stamp) = (next, next_stamp);
        }
        Reach::Rows(times.len())
    }

    /// Rows far behind the clock are counted and late for every query: with `late.policy = drop`
    /// they leave the step for `late.stream`, with `retract` windows correct what they still can.
    fn set_behind_apart(&mut self, stream: &Stream, chunk: &mut Chunk) {
        let at = stream.id.index();
        let stamp = *self.scratch.stamps.last().expect("a step has a row");
        let limit = stamp.saturating_sub(stream.time.past_skew_ns);
        let (behind, kept): (Vec<u32>, Vec<u32>) =
            (0..chunk.rows() as u32).partition(|&row| chunk.time[row as usize] < limit);
        self.far_behind[at] += behind.len() as u64;
        if behind.is_empty() || stream.time.late_policy == LatePolicy::Retract {
            return;
        }
        if let Some(edge) = self.graph.far_behind[at] {
            self.graph.edges[edge.0].append_gather(chunk, &behind);
        }
        let mut rest = Chunk::new(&stream.schema);
        rest.append_gather(chunk, &kept);
        *chunk = rest;
    }

    /// Event times of the step's rows; rows without one are refused.
    fn take_times(&mut self, events: &Events, from: usize, count: usize, entry: &Entry, chunk: &mut Chunk) {
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
                codes::MISSING_EVENT_TIME,
                "the event time is NULL; the row was left out",
                from,
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
    ) {
        let rows = chunk.time.len();
        let earlier: Vec<u32> = if self.scratch.entry_rows.is_empty() {
            (0..rows as u32).collect()
        } else {
            std::mem::take(&mut self.scratch.entry_rows)
        };
        let keep: Vec<u32> = (0..rows as u32).filter(|&r| !refused(chunk, r as usize)).collect();
        for row in (0..rows).filter(|&r| refused(chunk, r)) {
            self.scratch.refused.push(RecordError {
                index: self.index,
                row: (from + earlier[row] as usize) as u64,
                subject: Subject::Record,
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
            self.graph.put_slot(stream.id, slot);
            self.graph.clocks[at] = Some(clock);
        }
    }

    fn run(&mut self, from: Option<usize>, actions: &mut Actions) {
        let Scratch { stamps, errors, .. } = &mut self.scratch;
        let first_run = actions.runs().len();
        self.graph.step(stamps, &self.ended, actions, errors);
        self.stamp = *stamps.last().expect("a step has a row");
        self.fail(from.unwrap_or(0), first_run, actions);
    }

    /// Reports the errors of a step whose first row is entry row `from`.
    fn fail(&mut self, from: usize, first_run: usize, actions: &mut Actions) {
        let Scratch { entry_rows, refused, errors, failed, .. } = &mut self.scratch;
        if refused.is_empty() && errors.is_empty() {
            return;
        }
        // A refused row has no place in the step: its error comes before the next row that has one.
        failed.extend(refused.drain(..).map(|error| {
            let next = entry_rows.partition_point(|&row| from as u64 + u64::from(row) < error.row);
            (position(next, Phase::Stamp), error)
        }));
        errors.sort_by_key(|(query, e)| (e.pos, *query));
        for (query, error) in errors.drain(..) {
            let row = step_row(error.pos);
            let row = if entry_rows.is_empty() { row } else { entry_rows[row] as usize };
            let record = RecordError {
                index: self.index,
                row: (from + row) as u64,
                subject: error.subject,
                query: Some(query),
                code: error.code,
                message: error.message,
            };
            failed.push((error.pos, record));
        }
        actions.fail(first_run, failed);
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
        debug_assert_eq!(self.cursor, Cursor::default(), "state is taken between entries");
        out.i64(self.stamp);
        self.ended.iter().for_each(|&e| out.bool(e));
        self.far_behind.iter().for_each(|&rows| out.u64(rows));
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
        for rows in &mut self.far_behind {
            *rows = input.u64()?;
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
}

/// How much of a step can be run at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reach {
    /// So many rows, at least one.
    Rows(usize),
    /// Time jumps with the first row: it is run alone, and what it closes after it.
    Jump,
}

/// Whether time that goes from `from` to `to` jumps; a first time does not.
fn is_jump(from: i64, to: i64, jump_ns: i64) -> bool {
    from != i64::MIN && to.saturating_sub(from) > jump_ns
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
