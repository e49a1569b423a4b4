//! A pattern with its rows, and what the engine and a reference make of them.

use std::sync::Arc;

use arrow_array::{ArrayRef, Int64Array, RecordBatch, StringArray, TimestampNanosecondArray};
use cep_engine::{Actions, Budget, Partition, Progress};
use cep_lang::plan::{AfterMatch, Matching, Pattern, Within};
use cep_types::{Entry, EntryKind, Events, LogIndex, StampNs, StreamId};

use crate::{build, followed, preferred};

pub const SECOND: i64 = 1_000_000_000;

/// The condition of an element over `n`, the number of a row.
#[derive(Debug, Clone)]
pub enum Cond {
    True,
    /// `n IN (…)`.
    In(Vec<i64>),
    /// `n > PREV(n)`, in rows of the key.
    AbovePrev,
    /// `n < NEXT(n)`.
    BelowNext,
    /// `n >= LAST(e.n)`.
    AboveLast(usize),
    /// `n <= FIRST(e.n)`.
    BelowFirst(usize),
    /// `n < PREV(LAST(e.n), 1)`.
    BelowBeforeLast(usize),
    /// `sum(n) over these elements <= c`, the row itself counted where it is one of them.
    SumAtMost(Vec<usize>, i64),
    /// `n < 3 AND n >= LAST(e.n)`.
    SmallAndAbove(usize),
}

#[derive(Clone)]
pub struct Row {
    pub time: i64,
    pub key: usize,
    pub n: Option<i64>,
    /// Which row it is.
    pub id: i64,
}

impl std::fmt::Debug for Row {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let seconds = (self.time - 1_700_000_000 * SECOND) as f64 / SECOND as f64;
        write!(f, "#{} k{} {:?} at {seconds}", self.id, self.key, self.n)
    }
}

#[derive(Debug, Clone)]
pub struct Case {
    pub matching: Matching,
    pub pattern: Pattern,
    pub conds: Vec<Cond>,
    pub within: Vec<Within>,
    pub skip: AfterMatch,
    pub event_time: bool,
    /// ALL ROWS: show empty matches, with unmatched rows; `None`: one row.
    pub all: Option<(bool, bool)>,
    pub timed_out: bool,
    pub rows: Vec<Row>,
    /// Lengths of entries, repeated.
    pub cuts: Vec<usize>,
}

/// What came out: lines in order.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    pub lines: Vec<String>,
    pub errors: usize,
    pub hash: u64,
}

fn batch(rows: &[Row]) -> RecordBatch {
    let columns: Vec<(&str, ArrayRef, bool)> = vec![
        ("ts", Arc::new(TimestampNanosecondArray::from_iter_values(rows.iter().map(|r| r.time))), true),
        ("k", Arc::new(StringArray::from_iter_values(rows.iter().map(|r| format!("k{}", r.key)))), true),
        ("n", Arc::new(Int64Array::from_iter(rows.iter().map(|r| r.n))), true),
        ("id", Arc::new(Int64Array::from_iter_values(rows.iter().map(|r| r.id))), true),
    ];
    RecordBatch::try_from_iter_with_nullable(columns).expect("columns of one length")
}

/// What the engine makes of a case; `None`: it refuses the pattern, as it must some of the random ones.
fn run(case: &Case, cuts: &[usize], restores: bool) -> Option<Outcome> {
    let program = Arc::new(build::program(case));
    let mut partition = match Partition::new(Arc::clone(&program), &[]) {
        Ok(partition) => partition,
        Err(error) => {
            let text = error.to_string();
            assert!(REFUSALS.iter().any(|known| text.contains(known)), "{text}: {case:?}");
            return None;
        }
    };
    let mut out = Outcome::default();
    let (mut at, mut nth) = (0, 0);
    let mut entry = |partition: &mut Partition, nth: usize, kind: EntryKind| {
        let entry = Entry { index: LogIndex(nth as u64 + 1), stamp: StampNs(0), kind };
        let mut actions = Actions::new();
        while partition.apply(&entry, &mut { Budget { rows: 1 } }, &mut actions) == Progress::More {}
        for run in actions.runs() {
            let emit = &actions.emits()[run.emit];
            for row in run.from..run.to {
                let columns: Vec<String> = emit.chunk.columns.iter().map(|c| c.text_at(row)).collect();
                out.lines.push(columns.join(" "));
            }
        }
        out.errors += actions.errors.len();
    };
    while at < case.rows.len() {
        let to = (at + cuts[nth % cuts.len()]).min(case.rows.len());
        let kind =
            EntryKind::Events(Events { stream: StreamId(0), rows: batch(&case.rows[at..to]), times: None });
        entry(&mut partition, nth, kind);
        if restores {
            let bytes = partition.checkpoint();
            let mut fresh = Partition::new(Arc::clone(&program), &[]).expect("built before");
            fresh.restore(&bytes).expect("its own checkpoint");
            assert_eq!(fresh.checkpoint(), bytes, "a checkpoint of a restored state: {case:?}");
            partition = fresh;
        }
        (at, nth) = (to, nth + 1);
    }
    let before = partition.state_hash();
    entry(&mut partition, nth, EntryKind::EndOfInput(StreamId(0)));
    out.hash = before ^ partition.state_hash();
    Some(out)
}

const REFUSALS: &[&str] = &[
    "matches without any row",
    "begins a part that may be left out",
    "EVERY stands before a part that may be empty",
    "EVERY stands inside of another EVERY",
    "EVENTS stands in a part of OR",
    "EVERY in a SEQUENCE stands at its beginning",
];

/// Lines by key, which each begin with.
fn by_key(lines: &[String]) -> Vec<String> {
    let mut sorted = lines.to_vec();
    sorted.sort_by_key(|line| line.split(' ').next().unwrap_or_default().to_string());
    sorted
}

/// Compares engine and reference; whether there was something to compare.
pub fn check(case: &Case) -> bool {
    let Some(whole) = run(case, &[case.rows.len().max(1)], false) else { return false };
    let cut = run(case, &case.cuts, false).expect("it was built");
    assert_eq!(cut, whole, "regrouped: {case:?}");
    let restored = run(case, &case.cuts, true).expect("it was built");
    assert_eq!(restored, whole, "restored: {case:?}");
    let expected = match case.matching {
        Matching::Preferred => preferred::outcome(case),
        Matching::Followed | Matching::Contiguous => followed::outcome(case),
    };
    let Some(expected) = expected else { return false };
    assert_eq!(
        by_key(&whole.lines),
        by_key(&expected.lines),
        "left the engine, right the reference: {case:?}"
    );
    assert_eq!(whole.errors, expected.errors, "errors: {case:?}");
    true
}

/// Rows by key as the pattern sees them: (rows, clock of each), and the clock at the end of input.
pub fn by_partition(case: &Case) -> (Vec<Vec<(Row, i64)>>, i64) {
    let mut keys: Vec<Vec<(Row, i64)>> = vec![Vec::new(); 4];
    if !case.event_time {
        let mut clock = i64::MIN;
        for row in &case.rows {
            clock = clock.max(row.time);
            keys[row.key].push((row.clone(), clock));
        }
        return (keys, clock);
    }
    let (mut largest, mut taken) = (i64::MIN, Vec::new());
    for row in &case.rows {
        // The lateness is a second.
        if largest == i64::MIN || row.time >= largest - SECOND {
            taken.push(row.clone());
        }
        largest = largest.max(row.time);
    }
    taken.sort_by_key(|row| row.time);
    for row in taken {
        let time = row.time;
        keys[row.key].push((row, time));
    }
    // At the end all rows are looked at.
    (keys, largest)
}

/// A match as lines: one, or one a row.
pub fn lines(
    case: &Case,
    key: &str,
    number: usize,
    rows: &[(usize, Row, bool)],
    timed_out: bool,
    anchor: Option<i64>,
) -> Vec<String> {
    let name = |e: usize| format!("e{e}");
    let text = |v: Option<i64>| v.map_or("∅".to_string(), |v| v.to_string());
    if let Some((empty, _)) = case.all {
        if rows.is_empty() && empty {
            return vec![format!("{key} {} ∅ {number} ∅", text(anchor))];
        }
        let shown = rows.iter().enumerate().filter(|(_, r)| !r.2);
        return shown
            .map(|(at, (e, row, _))| {
                let sum = rows[..=at].iter().filter_map(|r| r.1.n).reduce(|a, b| a + b);
                format!("{key} {} {} {number} {}", row.id, name(*e), text(sum))
            })
            .collect();
    }
    let mut line = vec![key.to_string(), number.to_string(), timed_out.to_string(), rows.len().to_string()];
    line.push(text(rows.first().map(|r| r.1.time)));
    line.push(text(rows.last().map(|r| r.1.time)));
    for e in 0..case.conds.len() {
        let own: Vec<&Row> = rows.iter().filter(|r| r.0 == e).map(|r| &r.1).collect();
        line.push(text(own.first().map(|r| r.id)));
        line.push(text(own.last().map(|r| r.id)));
        line.push(text(own.len().checked_sub(2).map(|at| own[at].id)));
        line.push(own.len().to_string());
    }
    vec![line.join(" ")]
}
