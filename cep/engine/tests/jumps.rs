//! Time that jumps: what a row after a long silence closes is emitted in slices, costs as much as it
//! emits, and neither slices nor budgets change it.

mod harness;

use std::sync::Arc;

use cep_engine::{Actions, Budget, Partition, Progress};
use cep_lang::lower::{CompileOptions, compile};
use cep_types::{Entry, EntryKind, Events, LogIndex, StampNs, StreamId};
use harness::{Feed, Row, Rows, SECOND, batch, program, run};
use proptest::prelude::*;

const DAY: i64 = 86_400 * SECOND;
const START: i64 = 1_700_000_000 * SECOND;

/// Statements whose windows are many to a row, alone and one after the other.
const QUERIES: &[&str] = &[
    "SELECT k, count(*) AS c, sum(v) AS t, window_end FROM s WINDOW HOP (SIZE 100 SECONDS, SLIDE 1 SECOND) GROUP BY k",
    "SELECT count(*) AS c, first(v) AS f, window_start FROM s WINDOW HOP (SIZE 99 SECONDS, SLIDE 700 MILLISECONDS)",
    "SELECT k, min(n) AS lo, window_end FROM s WINDOW CUMULATE (STEP 1 SECOND, SIZE 200 SECONDS) GROUP BY k",
    "SELECT k, v FROM s OUTPUT SNAPSHOT EVERY 1 SECOND",
    "SELECT k, count(*) AS c FROM s GROUP BY k OUTPUT SNAPSHOT EVERY 700 MILLISECONDS",
    "SELECT k, n FROM s WINDOW HOP (SIZE 80 SECONDS, SLIDE 1 SECOND) ORDER BY n DESC, k LIMIT 2; \
     SELECT k, count(*) AS c FROM s WINDOW SESSION (GAP 30 SECONDS, KEY k) GROUP BY k; \
     SELECT count(*) AS c FROM s WINDOW TIMEBATCH (20 SECONDS)",
    "CREATE STREAM t AS SELECT k, count(*) AS c FROM s WINDOW HOP (SIZE 100 SECONDS, SLIDE 1 SECOND) GROUP BY k; \
     SELECT k, sum(c) AS t, window_end FROM t WINDOW HOP (SIZE 70 SECONDS, SLIDE 1 SECOND) GROUP BY k; \
     SELECT k, c FROM t WHERE c > 3; SELECT sum(c) AS t FROM t WINDOW LENGTHBATCH (50)",
    "CREATE STREAM t (e TIMESTAMP, c BIGINT) WITH (\"event.time\" = 'e', \"watermark.lateness\" = '1 second') AS \
     SELECT window_end AS e, count(*) AS c FROM s WINDOW HOP (SIZE 90 SECONDS, SLIDE 1 SECOND); \
     SELECT sum(c) AS t, window_end FROM t WINDOW HOP (SIZE 70 SECONDS, SLIDE 1 SECOND)",
    "SELECT a.k, a.c AS x, b.c AS y FROM (SELECT k, count(*) AS c, window_end AS e FROM s WINDOW HOP (SIZE 100 SECONDS, SLIDE 1 SECOND) GROUP BY k) AS a \
     FULL JOIN (SELECT k, count(*) AS c, window_end AS e FROM s WINDOW HOP (SIZE 70 SECONDS, SLIDE 1 SECOND) GROUP BY k) AS b ON a.k = b.k AND a.e = b.e; \
     SELECT a.n AS x, b.n AS y FROM s AS a LEFT JOIN s AS b ON a.k = b.k AND b.ts - a.ts BETWEEN INTERVAL '1' SECOND AND INTERVAL '90' SECOND; \
     SELECT a.n AS x, b.n AS y FROM s WINDOW TIME (80 SECONDS) AS a FULL JOIN s WINDOW TIME (3 SECONDS) AS b ON a.k = b.k AND a.n < b.n",
];

/// Output, errors and state hash with a budget a call; calls and the most rows of one.
fn sliced(query: &str, rows: &Rows, budgets: &[usize]) -> (Vec<String>, u64, usize) {
    let mut partition = Partition::new(program(query), &[]).expect("it can be built");
    let (mut output, mut most, mut nth) = (Vec::new(), 0, 0);
    let events = EntryKind::Events(Events { stream: StreamId(0), rows: batch(rows), times: None });
    for (index, kind) in [events, EntryKind::EndOfInput(StreamId(0))].into_iter().enumerate() {
        let entry = Entry { index: LogIndex(index as u64 + 1), stamp: StampNs(0), kind };
        loop {
            let mut actions = Actions::new();
            let mut budget = Budget { rows: budgets[nth % budgets.len()] };
            nth += 1;
            let progress = partition.apply(&entry, &mut budget, &mut actions);
            most = most.max(actions.rows());
            output.extend(lines(&actions));
            if progress == Progress::Done {
                break;
            }
        }
    }
    (output, partition.state_hash(), most)
}

fn lines(actions: &Actions) -> Vec<String> {
    let mut out = Vec::new();
    for run in actions.runs() {
        let emit = &actions.emits()[run.emit];
        for row in run.from..run.to {
            let columns = emit.chunk.columns.iter().map(|c| c.text_at(row)).collect::<Vec<_>>().join(" | ");
            let op = emit.chunk.ops.get(row).map(|o| o.as_str()).unwrap_or_default();
            out.push(format!("{:?} {op} {columns}", emit.output));
        }
    }
    out
}

/// Rows with gaps from none to ten minutes, a little out of order.
fn rows_with_gaps() -> impl Strategy<Value = Rows> {
    let gap = prop_oneof![4 => 0i64..2_000, 2 => 0i64..70_000, 1 => 60_000i64..600_000];
    proptest::collection::vec((gap, -1_500i64..1, 0u8..3, 0i64..9), 0..24).prop_map(|rows| {
        let mut time = START;
        rows.into_iter()
            .map(|(gap, back, key, n)| {
                time += gap * 1_000_000;
                (time + back * 1_000_000, Some(format!("k{key}")), Some(n as f64 / 8.0), Some(n))
            })
            .collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(harness::cases(12)))]

    #[test]
    fn budgets_and_regrouping_change_nothing(
        rows in rows_with_gaps(),
        budgets in proptest::collection::vec(1usize..4_000, 1..6),
        cuts in proptest::collection::vec(1usize..9, 1..6),
    ) {
        for query in QUERIES {
            let whole = sliced(query, &rows, &[usize::MAX]);
            let pieces = sliced(query, &rows, &budgets);
            prop_assert_eq!(&pieces.0, &whole.0, "budgets {:?}: {}", budgets, query);
            prop_assert_eq!(pieces.1, whole.1, "state hash: {}", query);
            for feed in [Feed::Cut(cuts.clone()), Feed::Restore(cuts.clone())] {
                let other = run(query, &rows, &feed);
                prop_assert_eq!(&other.output, &whole.0, "regrouped: {}", query);
                prop_assert_eq!(other.hash, whole.1, "state hash, regrouped: {}", query);
            }
        }
    }
}

fn row(time: i64) -> Row {
    (time, Some("k".to_string()), Some(1.0), Some(1))
}

#[test]
fn a_jump_over_many_windows_is_emitted_in_slices() {
    for (window, expected) in [
        ("HOP (SIZE 1 DAY, SLIDE 1 SECOND)", 2 * 86_400),
        ("CUMULATE (STEP 1 SECOND, SIZE 1 DAY)", 86_400),
        ("SESSION (GAP 1 SECOND)", 2),
    ] {
        let query = format!("SELECT count(*) AS c FROM s WINDOW {window}");
        let rows = vec![row(START - START % DAY), row(START - START % DAY + 2 * DAY)];
        let (output, _, most) = sliced(&query, &rows, &[1]);
        assert!(output.len() >= expected, "{window}: {} rows", output.len());
        assert!(most <= 1_100, "{window}: {most} rows in one slice");
    }
}

#[test]
fn the_end_of_input_closes_many_windows_in_slices() {
    let rows: Rows = (0..5_000).map(|i| (START + i * 1_000_000, Some(format!("k{i}")), None, None)).collect();
    for window in ["TUMBLING (SIZE 1 SECOND)", "SESSION (GAP 1 DAY, KEY k)"] {
        let query = format!("SELECT k, count(*) AS c FROM s WINDOW {window} GROUP BY k");
        let (output, _, most) = sliced(&query, &rows, &[1]);
        assert_eq!(output.len(), 5_000, "{window}");
        assert!(most <= 2_100, "{window}: {most} rows in one slice");
    }
}

#[test]
fn empty_periods_cost_nothing() {
    let rows: Rows = (0..2_000).map(|i| row(START + i * DAY)).collect();
    for output in ["ALL", "FIRST", "LAST"] {
        let query = format!("SELECT k, n FROM s OUTPUT {output} EVERY 1 NANOSECOND");
        assert_eq!(run(&query, &rows, &Feed::Whole).output.len(), 2_000, "{output}");
    }
    for window in ["TIMEBATCH (1 NANOSECOND)", "EXTERNALTIMEBATCH (ts, 1 NANOSECOND)", "DELAY (1 NANOSECOND)"]
    {
        let query = format!("SELECT k FROM s WINDOW {window}");
        assert_eq!(run(&query, &rows, &Feed::Whole).output.len(), 2_000, "{window}");
    }
    let deleted =
        "SELECT k, count(*) AS c FROM s GROUP BY k HAVING count(*) = 1 OUTPUT SNAPSHOT EVERY 1 NANOSECOND";
    let rows = vec![row(START), row(START + 1), row(START + DAY)];
    assert!(run(deleted, &rows, &Feed::Whole).output.len() <= 1, "there is nothing to repeat");
}

#[test]
fn snapshots_of_many_periods_come_in_slices() {
    let query = "SELECT k, n FROM s OUTPUT SNAPSHOT EVERY 1 NANOSECOND";
    let mut partition = Partition::new(program(query), &[]).expect("it can be built");
    let rows = batch(&[row(START), row(START + DAY)]);
    let kind = EntryKind::Events(Events { stream: StreamId(0), rows, times: None });
    let entry = Entry { index: LogIndex(1), stamp: StampNs(0), kind };
    for _ in 0..20 {
        let mut actions = Actions::new();
        assert_eq!(partition.apply(&entry, &mut Budget { rows: 1_000 }, &mut actions), Progress::More);
        assert!(actions.rows() <= 2_100, "{} rows in one slice", actions.rows());
    }
}

#[test]
fn a_row_is_in_a_bounded_number_of_windows() {
    for window in ["HOP (SIZE 365 DAYS, SLIDE 1 NANOSECOND)", "CUMULATE (STEP 1 MILLISECOND, SIZE 1 DAY)"] {
        let text = format!("{}SELECT count(*) AS c FROM s WINDOW {window};", harness::DECLARE);
        let errors = compile(&text, &CompileOptions::default()).expect_err("too many windows");
        let text = errors.iter().map(ToString::to_string).collect::<String>();
        assert!(text.contains("it can be in 100000"), "{text}");
    }
}

#[test]
fn many_open_panes_cost_no_more_than_few() {
    let lateness = "CREATE STREAM s (ts TIMESTAMP, k STRING, v DOUBLE, n BIGINT) \
         WITH (\"event.time\" = 'ts', \"watermark.lateness\" = '7 days', clock = 'event');\n";
    let text = format!("{lateness}SELECT count(*) AS c FROM s WINDOW TUMBLING (SIZE 1 SECOND);");
    let program = compile(&text, &CompileOptions::default()).expect("it compiles");
    let mut partition = Partition::new(Arc::new(program), &[]).expect("it can be built");
    // Back and forth over a day: panes are opened in no order.
    let rows: Rows = (0..100_000).map(|i| row(START + (i * 7_919 % 86_400) * SECOND)).collect();
    let kinds = [
        EntryKind::Events(Events { stream: StreamId(0), rows: batch(&rows), times: None }),
        EntryKind::EndOfInput(StreamId(0)),
    ];
    let mut actions = Actions::new();
    for (index, kind) in kinds.into_iter().enumerate() {
        let entry = Entry { index: LogIndex(index as u64 + 1), stamp: StampNs(0), kind };
        assert_eq!(partition.apply(&entry, &mut { Budget::UNLIMITED }, &mut actions), Progress::Done);
    }
    assert_eq!(actions.rows(), 86_400);
}

#[test]
fn rows_at_the_end_of_time_are_errors_or_results() {
    let seconds = [9_223_372_000, 9_223_372_001, 9_223_372_036].map(|s| row(s * SECOND));
    for window in [
        "TUMBLING (SIZE 1 MINUTE)",
        "HOP (SIZE 1 MINUTE, SLIDE 20 SECONDS)",
        "CUMULATE (STEP 20 SECONDS, SIZE 1 MINUTE)",
        "SESSION (GAP 20 SECONDS)",
        "TIMEBATCH (1 MINUTE)",
        "EXTERNALTIMEBATCH (ts, 1 MINUTE)",
    ] {
        let query = format!("SELECT n FROM s WINDOW {window}");
        let out = run(&query, &seconds.to_vec(), &Feed::Whole);
        let lost = 3 - out.errors.len();
        assert!(out.output.len() >= lost, "{window}: {:?} {:?}", out.output, out.errors);
        assert!(out.errors.iter().all(|e| e.contains("E1008")), "{window}: {:?}", out.errors);
    }
}
