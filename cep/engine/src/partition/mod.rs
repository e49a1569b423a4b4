//! A partition: the one way into the engine.
//!
//! Here what it is and how an entry is taken in steps · `step` one step · `time` how far time goes in
//! it · `due` when time alone makes it emit · `late` rows that nobody took · `read` reads of aggregations and tables · `seed` files that tables begin with · `state` checkpoints and the state hash.

mod due;
mod late;
mod read;
mod seed;
mod state;
mod step;
mod time;

pub use read::Reading;

use std::sync::Arc;

use cep_lang::plan::{LatePolicy, Program, QueryId};
use cep_types::{Entry, EntryKind, LogIndex, StreamId};

use crate::actions::{Actions, RecordError};
use crate::chunk::STEP_ROWS_MAX;
use crate::cut::Pieces;
use crate::graph::{BuildError, Graph, NodeKind, QueryError};
use crate::ops::Operator;
use crate::table::Table;
use crate::time::Watermarks;

use self::time::{is_jump, reached};

/// Rows of a step after one in which time jumped.
const STEP_ROWS_MIN: usize = 8;

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
    /// Queries and aggregations that read each stream.
    readers: Vec<Vec<QueryId>>,
    cursor: Cursor,
    scratch: Scratch,
    /// A checkpoint that is being written.
    cut: Option<Pieces<usize>>,
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
    /// Positions in the step of rows that were dropped for being far behind.
    dropped: Vec<u32>,
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
            readers: late::readers(&program),
            graph,
            index: LogIndex(0),
            stamp: i64::MIN,
            cursor: Cursor::default(),
            scratch: Scratch { stride: STEP_ROWS_MAX, ..Scratch::default() },
            program,
            cut: None,
        })
    }

    /// Says which partition of its space it is, for ids of emitted events; 0 unless said. It is no part of its state.
    pub fn set_number(&mut self, partition: u32) {
        self.graph.origin.partition = partition;
    }

    /// What it runs.
    pub fn program(&self) -> &Arc<Program> {
        &self.program
    }

    /// Its operators, in the order in which a step runs through them.
    pub fn operators(&self) -> impl Iterator<Item = &Operator> {
        self.graph.operators().map(|(_, operator)| operator)
    }

    /// Its tables, by number.
    pub fn tables(&self) -> &[Table] {
        &self.graph.tables
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
            NodeKind::Operator { operator, .. } | NodeKind::Join { operator, .. } => {
                Some((node.query, operator.late_rows()))
            }
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

    /// Rows and partial matches that joins, patterns and tables refused or gave up, since they kept as much as
    /// they may.
    pub fn over_total(&self) -> u64 {
        let of_operators = self.operators().map(Operator::over_rows).sum::<u64>();
        let of_tables = self.tables().iter().map(|table| {
            let counts = table.counts();
            counts.rejected + counts.evicted
        });
        of_operators + of_tables.sum::<u64>()
    }

    /// Applies an entry, or the part of it that the budget allows; actions are appended.
    ///
    /// # Panics
    /// If the rows do not have the stream's columns: entries are verified at the door.
    pub fn apply(&mut self, entry: &Entry, budget: &mut Budget, actions: &mut Actions) -> Progress {
        self.index = entry.index;
        self.graph.origin.index = entry.index;
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
            EntryKind::Events(events) if self.seeds(events.stream).is_some() => self.seed(events, actions),
            EntryKind::EndOfInput(stream) if self.seeds(*stream).is_some() => {
                self.ended[stream.index()] = true;
                self.cursor.done = 1;
                1
            }
            EntryKind::Events(events) => {
                let from = self.cursor.done;
                let stride = self.scratch.stride.clamp(STEP_ROWS_MIN, STEP_ROWS_MAX);
                let stride = if self.graph.row_by_row[events.stream.index()] { 1 } else { stride };
                let count = (events.rows.num_rows() - from).min(stride);
                let count = self.step(events, from, count, entry, actions);
                self.cursor.done += count;
                // Where time jumps often, steps are short anyway.
                self.scratch.stride = if self.cursor.behind.is_some() { 0 } else { stride * 2 };
                count
            }
            EntryKind::Tick => {
                let stamp = self.stamp.max(entry.stamp.0);
                let from = reached(self.stamp, self.has_begun());
                let jumps = self.graph.jump_ns.is_some_and(|jump| is_jump(from, stamp, jump));
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

    /// Whether the end of a stream has been applied.
    pub fn has_ended(&self, stream: StreamId) -> bool {
        self.ended[stream.index()]
    }
}
