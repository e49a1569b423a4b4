//! Runs a script over rows of streams with the columns `ts TIMESTAMP, k STRING, v DOUBLE, n BIGINT`.
#![allow(dead_code, missing_docs)] // each test uses its part

mod cases;
mod metrics;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Arc;

use arrow_array::{ArrayRef, Float64Array, Int64Array, RecordBatch, StringArray, TimestampNanosecondArray};
use cep_engine::column::Column;
use cep_engine::{Actions, Budget, Partition, Progress};
use cep_lang::diag::Diagnostic;
use cep_lang::lower::{CompileOptions, compile};
use cep_lang::plan::{Program, StreamOrigin};
use cep_types::{Entry, EntryKind, Events, LogIndex, StampNs, StreamId};
use proptest::prelude::*;

#[allow(unused_imports)] // each test uses its part
pub use cases::{Random, cases, each};
#[allow(unused_imports)] // each test uses its part
pub use metrics::{metrics_programs, rules_program};

pub const SECOND: i64 = 1_000_000_000;

/// A row: time in ns, key, value, number; `None` is NULL.
pub type Row = (i64, Option<String>, Option<f64>, Option<i64>);
pub type Rows = Vec<Row>;

/// How rows are fed.
pub enum Feed {
    /// One entry.
    Whole,
    /// Entries of these lengths, repeated.
    Cut(Vec<usize>),
    /// The same, with a checkpoint and a restore in a fresh partition after every entry.
    Restore(Vec<usize>),
    /// The same, with a checkpoint in slices while some entries are applied, each compared with one at once.
    Slices(Vec<usize>),
}

#[derive(Default)]
pub struct Outcome {
    /// Output rows in order, one text each, with where they went; then the answers of reads.
    pub output: Vec<String>,
    /// Number of the entry, from 1, in which each came out; one more than the last is the end of input.
    pub entries: Vec<u64>,
    /// Errors of records.
    pub errors: Vec<String>,
    /// State hash at the end.
    pub hash: u64,
    /// State hash after each entry, where entries are cut.
    pub hashes: Vec<u64>,
    /// Rows that came too late for a window or an OVER, or far behind the clock.
    pub late: u64,
}

impl Outcome {
    /// The output rows without where they went: change, columns.
    pub fn rows(&self) -> Vec<&str> {
        self.output.iter().map(|line| line.split_once(")) ").expect("an output in front").1.trim()).collect()
    }
}

/// What happens to a partition.
pub enum Step {
    /// Rows of a stream.
    Rows(&'static str, Rows),
    /// The same in an entry of this stamp.
    Stamped(&'static str, i64, Rows),
    /// Time passes.
    Tick(i64),
    /// The end of a stream.
    End(&'static str),
}

/// How the rows of a [`Step`] are put into entries.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Entries {
    /// One for each step.
    Whole,
    /// One for each row.
    Single,
    /// The same, with a checkpoint and a restore in a fresh partition after every entry.
    Restored,
}

/// A row at so many seconds after 1970.
pub fn row(seconds: i64, k: &str, v: f64, n: i64) -> Row {
    (seconds * SECOND, Some(k.to_string()), Some(v), Some(n))
}

/// Declares a stream with clock = event and the options `with`.
pub fn stream(name: &str, with: &str) -> String {
    let options =
        ["\"event.time\" = 'ts', clock = 'event'", with].join(if with.is_empty() { "" } else { ", " });
    format!("CREATE STREAM {name} (ts TIMESTAMP, k STRING, v DOUBLE, n BIGINT) WITH ({options}); ")
}

/// Random rows, a little out of order, with NULLs and awkward numbers.
pub fn rows(count: std::ops::Range<usize>) -> impl Strategy<Value = Rows> {
    let value = prop_oneof![
        8 => (-20i32..200).prop_map(|v| Some(f64::from(v) / 8.0)),
        1 => Just(Some(1e16)),
        1 => Just(Some(f64::NAN)),
        1 => Just(None),
    ];
    let row = (0i64..6_000, -3_000i64..1, 0u8..5, value, -3i64..9);
    proptest::collection::vec(row, count).prop_map(|rows| {
        let mut time = 1_700_000_000 * SECOND;
        rows.into_iter()
            .map(|(step, back, key, v, n)| {
                time += step * 1_000_000 / 4;
                let key = (key > 0).then(|| format!("k{key}"));
                (time + back * 1_000_000, key, v, (n > -3).then_some(n))
            })
            .collect()
    })
}

/// Rows as those of [`rows`], or with times in half seconds, which lie on edges of windows.
pub fn rows_on_edges(count: std::ops::Range<usize>) -> impl Strategy<Value = Rows> {
    (rows(count), proptest::bool::ANY).prop_map(|(mut rows, round)| {
        if round {
            rows.iter_mut().for_each(|row| row.0 -= row.0.rem_euclid(SECOND / 2));
        }
        rows
    })
}

/// Many rows from a fixed recurrence.
pub fn many(count: usize) -> Rows {
    let mut state = 1u64;
    let mut next = |n: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % n
    };
    (0..count as i64)
        .map(|i| {
            let time = 1_700_000_000 * SECOND + i * 20_000_000 - next(1_500) as i64 * 1_000_000;
            (time, Some(format!("k{}", next(7))), Some(next(1000) as f64 / 16.0), Some(next(50) as i64))
        })
        .collect()
}

pub const DECLARE: &str = "CREATE STREAM s (ts TIMESTAMP, k STRING, v DOUBLE, n BIGINT) \
     WITH (\"event.time\" = 'ts', \"watermark.lateness\" = '1 second', clock = 'event');\n";

/// The same stream with `clock = 'ingest'`.
pub const DECLARE_INGEST: &str = "CREATE STREAM s (ts TIMESTAMP, k STRING, v DOUBLE, n BIGINT) \
     WITH (\"event.time\" = 'ts', \"watermark.lateness\" = '1 second', clock = 'ingest'); ";

/// A row or, without one, a tick, with the stamp of its entry.
pub type Stamped = (i64, Option<Row>);

/// Rows and ticks with ascending stamps; rows lie up to two seconds behind their stamp.
pub fn stamped(count: std::ops::Range<usize>) -> impl Strategy<Value = Vec<Stamped>> {
    let step = (prop_oneof![3 => Just(0i64), 4 => 0i64..8, 1 => 0i64..60], 0i64..5, 0u8..4);
    (rows(count.end..count.end + 1), proptest::collection::vec(step, count)).prop_map(|(rows, steps)| {
        let mut stamp = 1_700_000_000 * SECOND;
        let entry = |(row, (step, behind, kind)): (Row, (i64, i64, u8))| {
            stamp += step * SECOND / 4;
            let row = (kind > 0).then(|| (stamp - behind * SECOND / 2, row.1, row.2, row.3));
            (stamp, row)
        };
        rows.into_iter().zip(steps).map(entry).collect()
    })
}

/// The program of `query` over [`DECLARE`], or of a script that declares `s` itself.
pub fn program(query: &str) -> Arc<Program> {
    let declare = if query.starts_with("CREATE STREAM s ") { "" } else { DECLARE };
    let text = format!("{declare}{query};");
    PROGRAMS.with_borrow_mut(|programs| {
        if programs.len() > 1_000 {
            programs.clear();
        }
        Arc::clone(programs.entry(text).or_insert_with_key(|text| compiled(query, text)))
    })
}

thread_local! {
    /// What was compiled before: a property test runs the same queries for every case.
    static PROGRAMS: RefCell<BTreeMap<String, Arc<Program>>> = const { RefCell::new(BTreeMap::new()) };
}

fn compiled(query: &str, text: &str) -> Arc<Program> {
    match compile(text, &CompileOptions::default()) {
        Ok(program) => Arc::new(program),
        Err(errors) => {
            panic!("{query}: {}", errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))
        }
    }
}

pub fn batch(rows: &[Row]) -> RecordBatch {
    let columns: Vec<ArrayRef> = vec![
        Arc::new(TimestampNanosecondArray::from_iter_values(rows.iter().map(|r| r.0))),
        Arc::new(StringArray::from_iter(rows.iter().map(|r| r.1.as_deref()))),
        Arc::new(Float64Array::from_iter(rows.iter().map(|r| r.2))),
        Arc::new(Int64Array::from_iter(rows.iter().map(|r| r.3))),
    ];
    let names = ["ts", "k", "v", "n"];
    RecordBatch::try_from_iter_with_nullable(names.into_iter().zip(columns).map(|(n, c)| (n, c, true)))
        .expect("columns of one length")
}

/// Runs `query`; if it declares a second stream `u`, some rows go there.
pub fn run(query: &str, rows: &Rows, feed: &Feed) -> Outcome {
    run_program(program(query), rows, feed)
}

/// The same for a program.
pub fn run_program(program: Arc<Program>, rows: &Rows, feed: &Feed) -> Outcome {
    let mut player = Player::new(program, matches!(feed, Feed::Restore(_)));
    let lengths: Vec<usize> = match feed {
        Feed::Whole => vec![rows.len().max(1)],
        Feed::Cut(l) | Feed::Restore(l) | Feed::Slices(l) => l.clone(),
    };
    if let Feed::Slices(_) = feed {
        player.slices = Some(Slices::default());
    }
    let streams = ["s", "u"].map(|name| player.find(name));
    let stream_of = |at: usize| match streams[1] {
        Some(second) if (at / 7) % 3 == 1 && at < 2_000 => second,
        _ => streams[0].expect("the first stream"),
    };
    let (mut at, mut nth) = (0, 0);
    while at < rows.len() {
        let longest = (at + lengths[nth % lengths.len()]).min(rows.len());
        let to = (at..longest).find(|&i| stream_of(i) != stream_of(at)).unwrap_or(longest);
        player.rows(stream_of(at), 0, &rows[at..to]);
        at = to;
        nth += 1;
    }
    player.finish()
}

/// Runs a whole script through what happens, then ends all streams: the same in one entry a step,
/// in many, and restored after each.
pub fn play_all_ways(script: &str, steps: &[Step]) -> Outcome {
    let [whole, single, restored] =
        [Entries::Whole, Entries::Single, Entries::Restored].map(|entries| play(script, steps, entries));
    for other in [&single, &restored] {
        assert_eq!(other.output, whole.output, "output: {script}");
        assert_eq!(other.errors, whole.errors, "errors: {script}");
        assert_eq!(other.late, whole.late, "late rows: {script}");
        assert_eq!(other.hash, whole.hash, "state hash: {script}");
    }
    assert_eq!(restored.hashes, single.hashes, "state hashes: {script}");
    whole
}

fn play(script: &str, steps: &[Step], entries: Entries) -> Outcome {
    let program =
        if script.starts_with("CREATE STREAM s ") { program(script) } else { compiled(script, script) };
    let mut player = Player::new(program, entries == Entries::Restored);
    for step in steps {
        match step {
            Step::Rows(name, rows) => player.feed(name, 0, rows, entries),
            Step::Stamped(name, stamp, rows) => player.feed(name, *stamp, rows, entries),
            Step::Tick(stamp) => player.entry(*stamp, EntryKind::Tick),
            Step::End(name) => {
                let stream = player.find(name).expect("a declared stream");
                player.entry(0, EntryKind::EndOfInput(stream));
            }
        }
    }
    player.finish()
}

/// Why `script` cannot be run.
pub fn refusal(script: &str) -> String {
    match compile(script, &CompileOptions::default()) {
        Ok(program) => match Partition::new(Arc::new(program), &[]) {
            Ok(_) => panic!("{script}: it can be run"),
            Err(error) => error.to_string(),
        },
        Err(errors) => {
            let help = |e: &Diagnostic| format!("{e}: {}", e.help.as_deref().unwrap_or_default());
            errors.iter().map(help).collect::<Vec<_>>().join("\n")
        }
    }
}

/// A partition and what came out of it.
struct Player {
    program: Arc<Program>,
    partition: Partition,
    restores: bool,
    index: u64,
    /// Rows so far.
    base: usize,
    out: Outcome,
    slices: Option<Slices>,
}

/// A checkpoint in slices, and what it is to be.
#[derive(Default)]
struct Slices {
    wanted: Option<Vec<u8>>,
    bytes: Vec<u8>,
    turn: usize,
}

impl Slices {
    /// Begins one, between entries, if none is under way.
    fn begin(&mut self, partition: &mut Partition) {
        if self.wanted.is_none() {
            self.wanted = Some(partition.checkpoint());
            self.bytes.clear();
            partition.cut_begin();
        }
    }

    /// Takes some bytes more; none now and then, so that many rows come in between.
    fn go_on(&mut self, partition: &mut Partition) {
        self.turn += 1;
        let bytes = [0, 0, 1, 9, 0, 70, 0, 400][self.turn % 8];
        if self.wanted.is_some() && bytes > 0 {
            let until = self.bytes.len() + bytes;
            if partition.cut_next(&mut self.bytes, until) {
                assert_eq!(Some(&self.bytes), self.wanted.as_ref(), "a checkpoint in slices");
                self.wanted = None;
            }
        }
    }

    fn end(mut self, partition: &mut Partition) {
        while self.wanted.is_some() {
            self.go_on(partition);
        }
    }
}

impl Player {
    fn new(program: Arc<Program>, restores: bool) -> Self {
        let partition = Partition::new(Arc::clone(&program), &[]).unwrap_or_else(|e| panic!("{e}"));
        Player { program, partition, restores, index: 0, base: 0, out: Outcome::default(), slices: None }
    }

    fn find(&self, name: &str) -> Option<StreamId> {
        self.program.streams.iter().find(|s| s.name == name).map(|s| s.id)
    }

    fn feed(&mut self, name: &str, stamp: i64, rows: &[Row], entries: Entries) {
        let stream = self.find(name).expect("a declared stream");
        let length = if entries == Entries::Whole { rows.len().max(1) } else { 1 };
        rows.chunks(length).for_each(|rows| self.rows(stream, stamp, rows));
    }

    fn rows(&mut self, stream: StreamId, stamp: i64, rows: &[Row]) {
        self.entry(stamp, EntryKind::Events(Events { stream, rows: batch(rows), times: None }));
        self.base += rows.len();
    }

    fn entry(&mut self, stamp: i64, kind: EntryKind) {
        self.index += 1;
        let Player { partition, slices, base, out, .. } = self;
        slices.iter_mut().for_each(|slices| slices.begin(partition));
        apply_with(partition, self.index, stamp, kind, *base, out, &mut |partition| {
            slices.iter_mut().for_each(|slices| slices.go_on(partition));
        });
        if self.restores {
            let bytes = self.partition.checkpoint();
            let mut fresh = Partition::new(Arc::clone(&self.program), &[]).expect("built before");
            fresh.restore(&bytes).expect("its own checkpoint");
            assert_eq!(fresh.checkpoint(), bytes, "a checkpoint of a restored state");
            self.partition = fresh;
        }
        self.out.hashes.push(self.partition.state_hash());
    }

    fn finish(mut self) -> Outcome {
        self.slices.take().into_iter().for_each(|slices| slices.end(&mut self.partition));
        finish(&mut self.partition, self.index + 1, self.base, &mut self.out);
        self.out
    }
}

/// Runs `query` over [`DECLARE_INGEST`], one entry each; with `restore` in a fresh partition every time.
pub fn run_stamped(query: &str, entries: &[Stamped], restore: bool) -> Outcome {
    let program = program(&format!("{DECLARE_INGEST}{query}"));
    let mut partition = Partition::new(Arc::clone(&program), &[]).unwrap_or_else(|e| panic!("{query}: {e}"));
    let mut out = Outcome::default();
    for (at, (stamp, row)) in entries.iter().enumerate() {
        let kind = match row {
            Some(row) => {
                let rows = batch(std::slice::from_ref(row));
                EntryKind::Events(Events { stream: StreamId(0), rows, times: None })
            }
            None => EntryKind::Tick,
        };
        apply(&mut partition, at as u64 + 1, *stamp, kind, at, &mut out);
        if restore {
            let bytes = partition.checkpoint();
            partition = Partition::new(Arc::clone(&program), &[]).expect("built before");
            partition.restore(&bytes).expect("its own checkpoint");
        }
    }
    finish(&mut partition, entries.len() as u64 + 1, entries.len(), &mut out);
    out
}

/// Ends the streams that have an outside, in order of declaration, and takes what is left.
fn finish(partition: &mut Partition, index: u64, base: usize, out: &mut Outcome) {
    let program = Arc::clone(partition.program());
    for stream in program.streams.iter().filter(|s| s.origin == StreamOrigin::External) {
        apply(partition, index, 0, EntryKind::EndOfInput(stream.id), base, out);
    }
    for (nth, lines) in answers(partition).into_iter().enumerate() {
        out.entries.extend(lines.iter().map(|_| index));
        out.output.extend(lines.iter().map(|line| format!("Read({nth})  {line}")));
    }
    out.hash = partition.state_hash();
    out.late = partition.late_total();
}

fn apply(partition: &mut Partition, index: u64, stamp: i64, kind: EntryKind, base: usize, out: &mut Outcome) {
    apply_with(partition, index, stamp, kind, base, out, &mut |_| ());
}

/// The same, with something in between steps and behind.
fn apply_with(
    partition: &mut Partition,
    index: u64,
    stamp: i64,
    kind: EntryKind,
    base: usize,
    out: &mut Outcome,
    between: &mut dyn FnMut(&mut Partition),
) {
    let entry = Entry { index: LogIndex(index), stamp: StampNs(stamp), kind };
    let mut actions = Actions::new();
    while partition.apply(&entry, &mut Budget { rows: 1 }, &mut actions) == Progress::More {
        between(partition);
    }
    between(partition);
    for run in actions.runs() {
        let emit = &actions.emits()[run.emit];
        for row in run.from..run.to {
            let columns = emit.chunk.columns.iter().map(|c| c.text_at(row)).collect::<Vec<_>>().join(" | ");
            let op = emit.chunk.ops.get(row).map(|o| o.as_str()).unwrap_or_default();
            out.output.push(format!("{:?} {op} {columns}", emit.output));
            out.entries.push(index);
        }
    }
    out.errors
        .extend(actions.errors.iter().map(|e| format!("{} {} {}", base as u64 + e.row, e.code, e.message)));
}

/// The answer to each read of an aggregation in the program, one text a row.
pub fn answers(partition: &mut Partition) -> Vec<Vec<String>> {
    let program = Arc::clone(partition.program());
    let text = |batch: RecordBatch| {
        let column = |array: &ArrayRef| {
            let mut column = Column::new(array.data_type());
            column.load(array);
            column
        };
        let columns: Vec<Column> = batch.columns().iter().map(column).collect();
        let line = |row| columns.iter().map(|c| c.text_at(row)).collect::<Vec<_>>().join(" | ");
        (0..batch.num_rows()).map(line).collect()
    };
    program.reads.iter().map(|read| text(partition.read(read).expect("it can be answered"))).collect()
}

/// Number of rows that come out of `query` before the end of input, one row an entry.
pub fn run_unfinished(query: &str, rows: &Rows) -> usize {
    let mut player = Player::new(program(query), false);
    let stream = player.find("s").expect("the first stream");
    rows.iter().for_each(|row| player.rows(stream, 0, std::slice::from_ref(row)));
    player.out.output.len()
}
