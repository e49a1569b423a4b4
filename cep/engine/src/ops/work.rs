//! Tests that count the work of operators: it grows with what comes in and goes out, not with what
//! is open.

use std::sync::Arc;

use arrow_array::{ArrayRef, Int64Array, RecordBatch, TimestampNanosecondArray};
use cep_lang::lower::{CompileOptions, compile};
use cep_types::{Entry, EntryKind, Events, LogIndex, StampNs, StreamId};

use super::Operator;
use crate::{Actions, Budget, Partition, Progress};

const SECOND: i64 = 1_000_000_000;
const START: i64 = 1_700_000_000 * SECOND;

/// Runs `query` over rows at `times`; the partition and its rows of output.
fn run(query: &str, times: &[i64]) -> (Partition, usize) {
    let script = format!(
        "CREATE STREAM s (ts TIMESTAMP, n BIGINT) WITH (\"event.time\" = 'ts', clock = 'event', \
         \"watermark.lateness\" = '1 second'); {query};"
    );
    let program = compile(&script, &CompileOptions::default()).expect("it compiles");
    let mut partition = Partition::new(Arc::new(program), &[]).expect("it can be built");
    let mut actions = Actions::new();
    let mut rows = 0;
    let times = times.to_vec();
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

/// Work of the only operator that counts it.
fn work(partition: &Partition) -> u64 {
    let count = |op: &Operator| match op {
        Operator::Aligned(op) => op.merges(),
        Operator::Over(op) => op.moved(),
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
