//! What apply wants done: output rows, record errors, counters. Executed by the host after the
//! entry is applied, by the leader alone (DESIGN §2).

use cep_lang::plan::QueryId;
use cep_types::{LogIndex, StreamId};

use crate::chunk::Chunk;

/// Where output rows go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Output {
    /// Printed by a bare SELECT.
    Query(QueryId),
    /// Rows of a stream that the host asked for.
    Stream(StreamId),
}

/// Rows of one output made by one step.
#[derive(Debug)]
pub struct Emit {
    /// Where they go.
    pub output: Output,
    /// The rows.
    pub chunk: Chunk,
}

/// A run of rows of one emit; runs in order are the output order of R-DET-1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Run {
    /// Index into [`Actions::emits`].
    pub emit: usize,
    /// First row.
    pub from: usize,
    /// One past the last row.
    pub to: usize,
}

/// What an error is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Subject {
    /// The record itself cannot be processed.
    Record,
    /// A result of many records, or one that waited. The record only came when the result was due.
    Result,
}

/// A row that a query could not process (R-SQL-9). The row is left out of that query only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordError {
    /// The entry.
    pub index: LogIndex,
    /// Row of the entry whose processing failed.
    pub row: u64,
    /// Whether that row is at fault.
    pub subject: Subject,
    /// Query that failed, or behind the program's queries an aggregation; `None`: the row was
    /// refused at the stream.
    pub query: Option<QueryId>,
    /// Stable code, `E10xx`.
    pub code: &'static str,
    /// What and why.
    pub message: String,
}

/// Reused between entries: [`Actions::clear`] keeps the allocations.
#[derive(Debug, Default)]
pub struct Actions {
    emits: Vec<Emit>,
    runs: Vec<Run>,
    /// Rows in error: of each step by row.
    pub errors: Vec<RecordError>,
    /// Rows of the entry that no query took because they came too late: of each step ascending.
    pub late: Vec<u64>,
    /// Where in the output each error happened.
    cuts: Vec<Cut>,
    /// Cleared chunks that wait to be filled again, by output.
    spare: Vec<Emit>,
    heads: Vec<usize>,
    rows: usize,
}

/// A place in the output of a step, which made the runs `from..to`: behind its rows whose position
/// is below `limit`.
#[derive(Debug, Clone, Copy)]
struct Cut {
    from: usize,
    to: usize,
    limit: u32,
}

impl Actions {
    /// Nothing to do.
    pub fn new() -> Self {
        Self::default()
    }

    /// Forgets everything, keeping allocations.
    pub fn clear(&mut self) {
        self.runs.clear();
        self.errors.clear();
        self.late.clear();
        self.rows = 0;
        self.cuts.clear();
        for mut emit in self.emits.drain(..) {
            emit.chunk.clear();
            self.spare.push(emit);
        }
    }

    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.emits.is_empty() && self.errors.is_empty()
    }

    /// All emits; see [`Actions::runs`] for the order of their rows.
    pub fn emits(&self) -> &[Emit] {
        &self.emits
    }

    /// The output order.
    pub fn runs(&self) -> &[Run] {
        &self.runs
    }

    /// Output rows in total.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Takes the rows of `chunk` and leaves an empty chunk of the same columns there.
    pub(crate) fn take(&mut self, output: Output, chunk: &mut Chunk) {
        let mut emit = self.spare(output, chunk);
        self.rows += chunk.rows();
        std::mem::swap(&mut emit.chunk, chunk);
        self.emits.push(emit);
    }

    /// Takes a copy of the rows of `chunk`, which another output needs too.
    pub(crate) fn copy(&mut self, output: Output, chunk: &Chunk) {
        let mut emit = self.spare(output, chunk);
        self.rows += chunk.rows();
        emit.chunk.append_range(chunk, 0, chunk.rows());
        self.emits.push(emit);
    }

    /// An emit without rows for the columns of `chunk`.
    fn spare(&mut self, output: Output, chunk: &Chunk) -> Emit {
        match self.spare.iter().position(|s| s.output == output) {
            Some(at) => self.spare.swap_remove(at),
            None => Emit {
                output,
                chunk: Chunk {
                    columns: chunk.columns.iter().map(|c| c.empty_like()).collect(),
                    ..Chunk::default()
                },
            },
        }
    }

    /// Orders the rows of the emits from `first` on, all of one step: by position, ties by emit.
    pub(crate) fn order(&mut self, first: usize) {
        let emits = &self.emits[first..];
        if let [only] = emits {
            self.runs.push(Run { emit: first, from: 0, to: only.chunk.rows() });
            return;
        }
        self.heads.clear();
        self.heads.resize(emits.len(), 0);
        loop {
            let next = (0..emits.len())
                .filter(|&e| self.heads[e] < emits[e].chunk.rows())
                .min_by_key(|&e| (emits[e].chunk.pos[self.heads[e]], e));
            let Some(e) = next else { return };
            let from = self.heads[e];
            let limit = (0..emits.len())
                .filter(|&o| o != e && self.heads[o] < emits[o].chunk.rows())
                .map(|o| (emits[o].chunk.pos[self.heads[o]], o))
                .min();
            let pos = &emits[e].chunk.pos;
            let to = match limit {
                None => pos.len(),
                Some(limit) => from + pos[from..].partition_point(|&p| (p, e) < limit),
            };
            self.heads[e] = to;
            self.runs.push(Run { emit: first + e, from, to });
        }
    }

    /// Takes the errors of the step that made all runs from `first_run` on; each comes with the
    /// position at which it happened.
    pub(crate) fn fail(&mut self, first_run: usize, errors: &mut Vec<(u32, RecordError)>) {
        // Stable: of one row, the order in which it went through the step.
        errors.sort_by_key(|(_, error)| error.row);
        for (limit, error) in errors.drain(..) {
            self.errors.push(error);
            self.cuts.push(Cut { from: first_run, to: self.runs.len(), limit });
        }
    }

    /// Takes back everything that came at or after the error of this index in
    /// [`Actions::errors`], as if the entry had ended before it.
    ///
    /// # Panics
    /// If there is no such error.
    pub fn truncate(&mut self, error: usize) {
        assert_eq!(self.errors.len(), self.cuts.len(), "errors are taken together with their places");
        let Cut { from, to, limit } = self.cuts[error];
        let emits = &self.emits;
        let before = |run: &Run| emits[run.emit].chunk.pos[run.from..run.to].partition_point(|&p| p < limit);
        // Runs of a step ascend by position: at most one of them is cut in two.
        let whole = self.runs[from..to].iter().take_while(|run| before(run) == run.to - run.from).count();
        let last = from + whole;
        let part = if last < to { before(&self.runs[last]) } else { 0 };
        self.runs.truncate(last + usize::from(part > 0));
        if part > 0 {
            self.runs[last].to = self.runs[last].from + part;
        }
        self.errors.truncate(error + 1);
        self.cuts.truncate(error + 1);
    }

    pub(crate) fn emit_count(&self) -> usize {
        self.emits.len()
    }
}
