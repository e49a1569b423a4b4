//! A program run over rows, fed in pieces.

use std::sync::Arc;

use arrow_array::RecordBatch;
use cep_engine::{Actions, Budget, BuildError, Partition, Progress};
use cep_lang::plan::{Program, StreamOrigin};
use cep_types::{Entry, EntryKind, Events, LogIndex, StampNs, StreamId};

use crate::harness::{Random, SECOND};
use crate::values::{START_NS, batch};

/// Rows of one stream that come together.
pub struct Input {
    pub stream: StreamId,
    pub rows: RecordBatch,
    pub stamp_ns: i64,
}

/// What came out.
#[derive(Debug, PartialEq, Eq)]
pub struct Outcome {
    pub output: Vec<String>,
    pub errors: Vec<String>,
    pub hash: u64,
}

/// Output rows that are looked at; a run with more is not compared.
pub const OUTPUT_ROWS_MAX: usize = 20_000;

/// Rows for every stream of the program that is fed from outside, constants first.
pub fn inputs(program: &Program, random: &mut Random) -> Vec<Input> {
    let constants = program.constants.iter();
    let mut all: Vec<Input> =
        constants.map(|c| Input { stream: c.stream, rows: c.rows.clone(), stamp_ns: START_NS }).collect();
    let fed = |s: &&cep_lang::plan::Stream| s.origin == StreamOrigin::External;
    for round in 0..3 {
        for stream in program.streams.iter().filter(fed) {
            let count = 1 + random.below(12);
            let rows = batch(&stream.schema, stream.time.column, count, random);
            all.push(Input { stream: stream.id, rows, stamp_ns: START_NS + round * 10 * SECOND });
        }
    }
    all
}

/// A partition and what it has given.
pub struct Run {
    program: Arc<Program>,
    pub partition: Partition,
    index: u64,
    pub outcome: Outcome,
    rows: usize,
}

impl Run {
    pub fn new(program: &Arc<Program>) -> Result<Self, BuildError> {
        Ok(Run {
            program: Arc::clone(program),
            partition: Partition::new(Arc::clone(program), &[])?,
            index: 0,
            outcome: Outcome { output: Vec::new(), errors: Vec::new(), hash: 0 },
            rows: 0,
        })
    }

    /// Whether more came out than is kept.
    pub fn is_too_long(&self) -> bool {
        self.rows > OUTPUT_ROWS_MAX
    }

    /// Feeds all inputs in pieces of at most `piece` rows, with a checkpoint and a restore in a
    /// fresh partition between them if asked. Ends early when too much has come out.
    pub fn feed(&mut self, inputs: &[Input], piece: usize, restores: bool) {
        let mut base = 0;
        for input in inputs {
            let mut at = 0;
            while at < input.rows.num_rows() && !self.is_too_long() {
                let count = piece.min(input.rows.num_rows() - at);
                let rows = input.rows.slice(at, count);
                let kind = EntryKind::Events(Events { stream: input.stream, rows, times: None });
                self.apply(kind, input.stamp_ns, base + at);
                at += count;
                if restores && !self.is_too_long() {
                    self.restore();
                }
            }
            base += input.rows.num_rows();
        }
    }

    /// Time passes, and every input ends.
    pub fn end(&mut self) {
        let stamp_ns = START_NS + 100 * SECOND;
        self.apply(EntryKind::Tick, stamp_ns, 0);
        let streams: Vec<StreamId> = self.program.streams.iter().map(|s| s.id).collect();
        for stream in streams {
            self.apply(EntryKind::EndOfInput(stream), stamp_ns, 0);
        }
        if self.is_too_long() {
            return;
        }
        self.outcome.hash = self.partition.state_hash();
        for read in &self.program.reads {
            match self.partition.read(read) {
                Ok(batch) => self.outcome.output.push(format!("{batch:?}")),
                Err(error) => self.outcome.errors.push(error),
            }
        }
    }

    fn restore(&mut self) {
        let bytes = self.partition.checkpoint();
        let mut fresh = Partition::new(Arc::clone(&self.program), &[]).expect("built before");
        fresh.restore(&bytes).expect("its own checkpoint");
        assert_eq!(fresh.checkpoint(), bytes, "a checkpoint of a restored state");
        self.partition = fresh;
    }

    fn apply(&mut self, kind: EntryKind, stamp_ns: i64, base: usize) {
        self.index += 1;
        let entry = Entry { index: LogIndex(self.index), stamp: StampNs(stamp_ns), kind };
        let mut actions = Actions::new();
        // A run that is too long ends amid the entry: it is not looked at.
        while !self.is_too_long() {
            let progress = self.partition.apply(&entry, &mut Budget { rows: 1 }, &mut actions);
            self.take(&actions, base);
            actions.clear();
            if progress == Progress::Done {
                return;
            }
        }
    }

    /// Keeps what came out.
    fn take(&mut self, actions: &Actions, base: usize) {
        self.rows += actions.rows();
        for run in actions.runs().iter().take(OUTPUT_ROWS_MAX) {
            let emit = &actions.emits()[run.emit];
            for row in (run.from..run.to).take(OUTPUT_ROWS_MAX) {
                let columns =
                    emit.chunk.columns.iter().map(|c| c.text_at(row)).collect::<Vec<_>>().join(" | ");
                let op = emit.chunk.ops.get(row).map(|o| o.as_str()).unwrap_or_default();
                self.outcome.output.push(format!("{:?} {op} {columns}", emit.output));
            }
        }
        let errors = actions.errors.iter();
        self.outcome.errors.extend(
            errors.map(|e| format!("{} {:?} {} {}", base as u64 + e.row, e.query, e.code, e.message)),
        );
    }
}
