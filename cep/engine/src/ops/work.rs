//! Tests that count the work of operators: it grows with what comes in and goes out, not with what
//! is open.

use std::sync::Arc;

use arrow_array::{ArrayRef, Int64Array, RecordBatch, StringArray, TimestampNanosecondArray};
use cep_lang::lower::{CompileOptions, compile};
use cep_types::{Entry, EntryKind, Events, LogIndex, StampNs, StreamId};

use super::Operator;
use crate::{Actions, Budget, Partition, Progress};

const SECOND: i64 = 1_000_000_000;
const START: i64 = 1_700_000_000 * SECOND;

/// Runs `query` over rows at `times`; the partition and its rows of output.
fn run(query: &str, times: &[i64]) -> (Partition, usize) {
    run_with(query, times, "")
}

/// The same with further options of the stream.
fn run_with(query: &str, times: &[i64], options: &str) -> (Partition, usize) {
    let script = format!(
        "CREATE STREAM s (ts TIMESTAMP, n BIGINT) WITH (\"event.time\" = 'ts', clock = 'event', \
         \"watermark.lateness\" = '1 second'{options}); {query};"
    );
    let program = compile(&script, &CompileOptions::default()).expect("it compiles");
    let mut partition = Partition::new(Arc::new(program), &[]).expect("it can be built");
    let mut actions = Actions::new();
    let mut rows = 0;
    for (nth, times) in times.chunks(4096).enumerate() {
        let columns: [(&str, ArrayRef, bool); 2] = [
            ("ts", Arc::new(TimestampNanosecondArray::from(times.to_vec())), true),
            ("n", Arc::new(Int64Array::from_iter_values(times.iter().map(|t| t / SECOND % 97))), true),
        ];
        let batch = RecordBatch::try_from_iter_with_nullable(columns).expect("columns of one length");
        let kind = EntryKind::Events(Events { stream: StreamId(0), rows: batch, times: None });
        let entry = Entry { index: LogIndex(nth as u64 + 1), stamp: StampNs(0), kind };
        assert_eq!(partition.apply(&entry, &mut { Budget::UNLIMITED }, &mut actions), Progress::Done);
        rows += actions.rows();
        actions.clear();
    }
    (partition, rows)
}

#[test]
fn a_row_without_room_for_its_text_is_an_error_wherever_entries_end() {
    let script = |window: &str| {
        format!(
            "CREATE STREAM s (ts TIMESTAMP, k STRING) WITH (\"event.time\" = 'ts', clock = 'event'); \
             SELECT k FROM s WINDOW {window} ORDER BY ts LIMIT 3;"
        )
    };
    let columns: [(&str, ArrayRef, bool); 2] = [
        (
            "ts",
            Arc::new(TimestampNanosecondArray::from_iter_values((0..300).map(|i| START + i * SECOND))),
            true,
        ),
        ("k", Arc::new(StringArray::from_iter_values((0..300).map(|i| i.to_string().repeat(3_000)))), true),
    ];
    let rows = RecordBatch::try_from_iter_with_nullable(columns).expect("columns of one length");
    for window in [
        "TUMBLING (SIZE 1 DAY)",
        "HOP (SIZE 2 DAYS, SLIDE 1 DAY)",
        "SESSION (GAP 1 HOUR)",
        "LENGTHBATCH (300)",
    ] {
        let outcome = |pieces: usize| {
            let program = compile(&script(window), &CompileOptions::default()).expect("it compiles");
            let mut partition = Partition::new(Arc::new(program), &[]).expect("it can be built");
            let mut actions = Actions::new();
            for (nth, from) in (0..300).step_by(300 / pieces).enumerate() {
                let rows = rows.slice(from, 300 / pieces);
                let kind = EntryKind::Events(Events { stream: StreamId(0), rows, times: None });
                let entry = Entry { index: LogIndex(nth as u64), stamp: StampNs(0), kind };
                assert_eq!(partition.apply(&entry, &mut { Budget::UNLIMITED }, &mut actions), Progress::Done);
            }
            assert!(actions.errors.iter().all(|e| e.code == cep_lang::diag::codes::NO_ROOM), "{window}");
            (actions.errors.len(), partition.state_hash())
        };
        let whole = outcome(1);
        assert!((100..250).contains(&whole.0), "{window}: {} rows refused", whole.0);
        assert_eq!(outcome(30), whole, "{window}");
    }
}

#[test]
fn windows_by_key_keep_as_many_keys_as_they_may() {
    let times: Vec<i64> = (0..97).map(|i| START + i * SECOND).collect();
    for (query, kept) in [
        ("SELECT n, count(*) AS c FROM s WINDOW UNIQUE (n)", 10),
        ("SELECT n, count(*) AS c FROM s WINDOW FIRSTUNIQUE (n)", 10),
        ("SELECT n, minForever(n) AS m FROM s WINDOW LENGTH (3) GROUP BY n", 10),
        ("SELECT n, count(*) AS c FROM s WINDOW FREQUENT (1000, n) GROUP BY n", 10),
    ] {
        let (_, rows) = run_with(query, &times, ", \"state.keys.max\" = '10'");
        assert_eq!(rows, kept, "{query}");
    }
}

/// Work of the only operator that counts it.
fn work(partition: &Partition) -> u64 {
    let count = |op: &Operator| match op {
        Operator::Aligned(op) => op.merges(),
        Operator::Over(op) => op.moved(),
        Operator::Pattern(op) => op.work(),
        _ => 0,
    };
    partition.operators().map(count).sum()
}

#[test]
fn a_window_of_many_panes_merges_few_contents() {
    let rows = 20_000;
    for (shift, late) in [(0, "in order"), (40 * SECOND, "some rows far behind")] {
        let times: Vec<i64> =
            (0..rows).map(|i| START + i * SECOND - if i % 5 == 0 { shift } else { 0 }).collect();
        let (partition, closes) =
            run("SELECT count(*) AS c, sum(n) AS t FROM s WINDOW HOP (SIZE 1 HOUR, SLIDE 1 SECOND)", &times);
        assert!(closes as i64 > rows - 10, "{closes} closes");
        let merges = work(&partition) / closes as u64;
        assert!(merges <= 64, "{late}: {merges} merges a close");
    }
}

#[test]
fn frames_of_over_add_and_remove_each_row_once() {
    let times: Vec<i64> = (0..20_000).map(|i| START + i * SECOND / 10).collect();
    for frame in [
        "ORDER BY ts RANGE BETWEEN INTERVAL '10' MINUTE PRECEDING AND CURRENT ROW",
        "ORDER BY ts ROWS BETWEEN 5000 PRECEDING AND 10 PRECEDING",
        "ORDER BY ts RANGE BETWEEN UNBOUNDED PRECEDING AND INTERVAL '1' SECOND PRECEDING",
        "ROWS BETWEEN 5000 PRECEDING AND CURRENT ROW",
    ] {
        for call in ["sum(n)", "min(n)", "approx_count_distinct(n)"] {
            let (partition, rows) = run(&format!("SELECT {call} OVER ({frame}) AS x FROM s"), &times);
            assert!(rows > 19_000, "{rows} rows");
            assert!(work(&partition) <= 2 * 20_000, "{call} {frame}: {} moves", work(&partition));
        }
    }
}

#[test]
fn what_a_call_cannot_reach_is_not_kept() {
    let times: Vec<i64> = (0..50_000).map(|i| START + i * SECOND / 10).collect();
    for call in [
        "first_value(n) OVER (ORDER BY ts)",
        "last_value(n) OVER (ORDER BY ts)",
        "nth_value(n, 3) OVER (ORDER BY ts)",
        "first_value(n) OVER (ORDER BY ts ROWS UNBOUNDED PRECEDING)",
        "lag(n, 2) IGNORE NULLS OVER (ORDER BY ts)",
        "last_value(n) IGNORE NULLS OVER (ORDER BY ts)",
    ] {
        let (partition, _) = run(&format!("SELECT {call} AS x FROM s"), &times);
        let bytes = partition.checkpoint().len();
        assert!(bytes < 5_000, "{call}: a state of {bytes} bytes");
    }
}

/// The pattern of a partition.
fn pattern(partition: &Partition) -> &super::PatternOp {
    let patterns = partition.operators().filter_map(|op| match op {
        Operator::Pattern(op) => Some(op.as_ref()),
        _ => None,
    });
    patterns.last().expect("a pattern")
}

#[test]
fn a_row_of_a_pattern_costs_what_waits_for_it_and_not_what_came_before() {
    let steps = |rows: i64| (0..rows).map(|i| START + i * SECOND / 10).collect::<Vec<i64>>();
    for query in [
        "SELECT e1.n AS x, count(e2) AS c FROM PATTERN (e1 = s -> e2 = s[n >= 0 AND n <= e2[last].n + 100]+ -> e3 = s[n > e1.n + 1000])",
        "SELECT x FROM s MATCH_RECOGNIZE (MEASURES A.n AS x PATTERN (A (B | C)* D) DEFINE B AS n < 50, C AS n >= 50, D AS n > 1000)",
        "SELECT e1.n AS x FROM PATTERN (e1 = s -> e2 = s+ -> e3 = s[n = 1000] -> e4 = s -> e5 = s -> e6 = s -> e7 = s -> e8 = s -> e9 = s -> e10 = s)",
    ] {
        let costs = [2_000, 8_000].map(|rows| work(&run(query, &steps(rows)).0));
        assert!(costs[1] <= 4 * costs[0] + 100, "{query}: {costs:?}");
        assert!(costs[1] <= 8 * 8_000, "{query}: {costs:?}");
    }
}

#[test]
fn a_hundred_thousand_keys_leave_nothing_behind() {
    let mut times: Vec<i64> = (0..100_000).map(|i| START + i * 1_000).collect();
    let query = "SELECT e1.n AS x FROM PATTERN (EVERY e1 = s[n >= 0] -> e2 = s[n < 0]) WITHIN 1 SECOND PARTITION BY ts";
    let (full, _) = run(query, &times);
    let op = pattern(&full);
    assert_eq!((op.live(), op.keys()), (100_000, 100_000));
    assert!(op.bytes() < 64 << 20, "{} bytes", op.bytes());
    // Time ends them all, without a row of their keys.
    times.push(START + 100 * SECOND);
    times.push(START + 200 * SECOND);
    let (empty, rows) = run(query, &times);
    let op = pattern(&empty);
    assert_eq!((op.live(), op.keys(), rows), (1, 1, 0));
    assert!(op.bytes() < 20_000, "{} bytes are left of {}", op.bytes(), pattern(&full).bytes());
    assert!(empty.checkpoint().len() < 2_000, "{} bytes", empty.checkpoint().len());
}
