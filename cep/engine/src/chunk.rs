//! Rows on an edge between two operators.
//!
//! A *step* is the unit of execution: up to [`STEP_ROWS_MAX`] rows of one stream, or one tick, or
//! one end of input. Semantics are row by row (R-DET-1): for row `i` of the step (a) the stamp
//! advances and stamp timers fire, (b) the row itself is processed, (c) the watermark advances and
//! what it closes is emitted. Every row on every edge therefore carries its *position*
//! `4·i + phase` ([`Phase`]), edges are ordered by it, and merges of edges are merges by position:
//! operators may work on whole chunks, and nobody can tell.

use cep_types::Op;

use crate::column::Column;

/// Rows of a step at most.
pub const STEP_ROWS_MAX: usize = 1024;

/// Where in the processing of one step row an output row was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u32)]
pub enum Phase {
    /// The stamp advanced: stamp timers.
    Stamp = 0,
    /// The row itself.
    Row = 1,
    /// The watermark advanced: event-time closes.
    Watermark = 2,
    /// The input ended: flushes.
    Flush = 3,
}

/// Positions a step row takes.
pub const PHASES: u32 = 4;

/// Position of `phase` of step row `row`.
pub fn position(row: usize, phase: Phase) -> u32 {
    row as u32 * PHASES + phase as u32
}

/// The step row of a position.
pub fn step_row(position: u32) -> usize {
    (position / PHASES) as usize
}

/// The rows of one edge in one step. All vectors have `rows` entries.
#[derive(Debug, Clone, Default)]
pub struct Chunk {
    /// Columns, by the edge's schema.
    pub columns: Vec<Column>,
    /// Event time of each row, ns.
    pub time: Vec<i64>,
    /// Position of each row, ascending.
    pub pos: Vec<u32>,
    /// Change of each row; empty when the edge is append-only.
    pub ops: Vec<Op>,
}

impl Chunk {
    /// An empty chunk for columns of these types.
    pub fn new(schema: &arrow_schema::Schema) -> Self {
        Chunk {
            columns: schema.fields().iter().map(|f| Column::new(f.data_type())).collect(),
            ..Chunk::default()
        }
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.pos.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.pos.is_empty()
    }

    /// Removes all rows, keeping allocations.
    pub fn clear(&mut self) {
        self.columns.iter_mut().for_each(Column::clear);
        self.time.clear();
        self.pos.clear();
        self.ops.clear();
    }

    /// Appends rows `rows` of `source`, which has the same columns.
    pub fn append_gather(&mut self, source: &Chunk, rows: &[u32]) {
        for (out, column) in self.columns.iter_mut().zip(&source.columns) {
            out.append_gather(column, rows);
        }
        self.time.extend(rows.iter().map(|&r| source.time[r as usize]));
        self.pos.extend(rows.iter().map(|&r| source.pos[r as usize]));
        if !source.ops.is_empty() {
            self.ops.extend(rows.iter().map(|&r| source.ops[r as usize]));
        }
    }

    /// Appends rows `from..to` of `source`, which has the same columns.
    pub fn append_range(&mut self, source: &Chunk, from: usize, to: usize) {
        for (out, column) in self.columns.iter_mut().zip(&source.columns) {
            out.append_range(column, from, to);
        }
        self.time.extend_from_slice(&source.time[from..to]);
        self.pos.extend_from_slice(&source.pos[from..to]);
        if !source.ops.is_empty() {
            self.ops.extend_from_slice(&source.ops[from..to]);
        }
    }

    /// Appends `count` rows whose columns stand in `columns`, all with one time, position and
    /// change.
    pub fn append_columns(&mut self, columns: &[Column], count: usize, time: i64, pos: u32, op: Option<Op>) {
        for (out, column) in self.columns.iter_mut().zip(columns) {
            out.append(column);
        }
        self.time.resize(self.time.len() + count, time);
        self.pos.resize(self.pos.len() + count, pos);
        if let Some(op) = op {
            self.ops.resize(self.ops.len() + count, op);
        }
    }
}
