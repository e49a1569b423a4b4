//! Event-time windows against a slow reference: every row is put into every window that the
//! definition says, unless that window has closed; results are sorted at the end.

mod harness;

use std::collections::BTreeMap;

use harness::{Feed, Outcome, Row, Rows, SECOND, Step, play_all_ways, refusal, row, run, stream};
use proptest::prelude::*;

const LATENESS: i64 = SECOND;

/// Windows `(start, end)` that hold a time.
type WindowsOf = fn(i64) -> Vec<(i64, i64)>;

#[derive(Default)]
struct Group {
    first: usize,
    rows: Vec<Row>,
}

/// Count, sum, average, least and greatest of each group of each window, in order of close.
fn reference(rows: &Rows, windows_of: WindowsOf, grouped: bool) -> Vec<String> {
    let mut groups: BTreeMap<(i64, i64, Option<String>), Group> = BTreeMap::new();
    let mut watermark = i64::MIN;
    for (seq, row) in rows.iter().enumerate() {
        for (start, end) in windows_of(row.0) {
            if end > watermark {
                let key = grouped.then(|| row.1.clone()).flatten();
                let group = groups.entry((end, start, key)).or_default();
                if group.rows.is_empty() {
                    group.first = seq;
                }
                group.rows.push(row.clone());
            }
        }
        watermark = watermark.max(row.0 - LATENESS);
    }
    let mut out: Vec<_> = groups.into_iter().collect();
    out.sort_by_key(|((end, _, _), group)| (*end, group.first));
    out.into_iter().map(|((end, start, key), group)| line(start, end, key, &group.rows, grouped)).collect()
}

fn line(start: i64, end: i64, key: Option<String>, rows: &[Row], grouped: bool) -> String {
    let values: Vec<f64> = rows.iter().filter_map(|r| r.2).collect();
    let numbers: Vec<i64> = rows.iter().filter_map(|r| r.3).collect();
    let shown = |v: Option<String>| v.unwrap_or_else(|| "∅".to_string());
    let (sum, mean) = exact(&values);
    let mut fields = Vec::new();
    if grouped {
        fields.push(shown(key));
    }
    fields.extend([
        rows.len().to_string(),
        shown(sum.map(|v| format!("{v:?}"))),
        shown(mean.map(|v| format!("{v:?}"))),
        shown(numbers.iter().min().map(ToString::to_string)),
        shown(numbers.iter().max().map(ToString::to_string)),
        start.to_string(),
        end.to_string(),
    ]);
    fields.join(" | ")
}

/// Sum and average, each rounded once. The values are eighths, so sums are exact in i128.
fn exact(values: &[f64]) -> (Option<f64>, Option<f64>) {
    if values.is_empty() {
        return (None, None);
    }
    if values.iter().any(|v| v.is_nan()) {
        return (Some(f64::NAN), Some(f64::NAN));
    }
    let eighths: i128 = values.iter().map(|v| (v * 8.0) as i128).sum();
    (Some(divide(eighths, 8)), Some(divide(eighths, 8 * values.len() as i128)))
}

/// `a / b` rounded to nearest, ties to even; `b > 0`, |a| < 2^64.
fn divide(a: i128, b: i128) -> f64 {
    let (sign, a) = (if a < 0 { -1.0 } else { 1.0 }, a.unsigned_abs());
    if a == 0 {
        return 0.0;
    }
    // Sixty-three more bits of quotient than the integer part, with the rest as a sticky bit.
    let mut shift = 0;
    let mut scaled = a;
    while scaled < (1 << 118) {
        scaled <<= 1;
        shift += 1;
    }
    let b = b.unsigned_abs();
    let quotient = (scaled / b) | u128::from(scaled % b != 0);
    sign * (quotient as f64) * 2f64.powi(-shift)
}

const COLUMNS: &str =
    "count(*) AS c, sum(v) AS s, avg(v) AS a, min(n) AS lo, max(n) AS hi, window_start, window_end";

fn agrees(window: &str, rows: &Rows, windows_of: WindowsOf) -> Result<(), TestCaseError> {
    for grouped in [true, false] {
        let query = if grouped {
            format!("SELECT k, {COLUMNS} FROM s WINDOW {window} GROUP BY k")
        } else {
            format!("SELECT {COLUMNS} FROM s WINDOW {window}")
        };
        let found: Vec<String> = run(&query, rows, &Feed::Whole)
            .output
            .iter()
            .map(|line| line.split_once("  ").expect("no change mark").1.to_string())
            .collect();
        // Integer nanoseconds: the engine's columns are printed raw.
        prop_assert_eq!(found, reference(rows, windows_of, grouped), "{}", query);
    }
    Ok(())
}

fn hops(time: i64, size: i64, slide: i64) -> Vec<(i64, i64)> {
    let last = time.div_euclid(slide) * slide;
    (0..).map(|k| last - k * slide).take_while(|s| s + size > time).map(|s| (s, s + size)).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(harness::cases(48)))]

    #[test]
    fn tumbling(rows in harness::rows_on_edges(0..120)) {
        agrees("TUMBLING (SIZE 5 SECONDS)", &rows, |t| hops(t, 5 * SECOND, 5 * SECOND))?;
    }

    #[test]
    fn hop(rows in harness::rows_on_edges(0..120)) {
        agrees("HOP (SIZE 10 SECONDS, SLIDE 4 SECONDS)", &rows, |t| hops(t, 10 * SECOND, 4 * SECOND))?;
    }

    #[test]
    fn hop_of_many_panes(rows in harness::rows(0..200)) {
        agrees("HOP (SIZE 40 SECONDS, SLIDE 500 MILLISECONDS)", &rows, |t| hops(t, 40 * SECOND, SECOND / 2))?;
    }

    #[test]
    fn cumulate_of_many_panes(rows in harness::rows(0..200)) {
        agrees("CUMULATE (STEP 500 MILLISECONDS, SIZE 40 SECONDS)", &rows, |t| {
            let base = t.div_euclid(40 * SECOND) * 40 * SECOND;
            (1..=80).map(|k| (base, base + k * SECOND / 2)).filter(|w| w.1 > t).collect()
        })?;
    }

    #[test]
    fn hop_with_gaps(rows in harness::rows_on_edges(0..120)) {
        agrees("HOP (SIZE 2 SECONDS, SLIDE 5 SECONDS)", &rows, |t| hops(t, 2 * SECOND, 5 * SECOND))?;
    }

    #[test]
    fn cumulate(rows in harness::rows_on_edges(0..120)) {
        agrees("CUMULATE (STEP 3 SECONDS, SIZE 9 SECONDS)", &rows, |t| {
            let base = t.div_euclid(9 * SECOND) * 9 * SECOND;
            (1..=3).map(|k| (base, base + k * 3 * SECOND)).filter(|w| w.1 > t).collect()
        })?;
    }

    /// Sessions: the reference joins rows of one key by distance, after leaving out late rows.
    #[test]
    fn sessions(rows in harness::rows_on_edges(0..120)) {
        let query = "SELECT k, count(*) AS c, window_start, window_end FROM s WINDOW SESSION (GAP 2 SECONDS, KEY k) GROUP BY k";
        let found: Vec<String> = run(query, &rows, &Feed::Whole)
            .output.iter().map(|l| l.split_once("  ").expect("no change mark").1.to_string()).collect();
        prop_assert_eq!(found, session_reference(&rows, 2 * SECOND));
    }

    /// Permuting rows within the lateness changes no result of event-time windows.
    #[test]
    fn order_within_the_lateness_does_not_matter(
        gaps in proptest::collection::vec(1i64..400, 1..80),
        swaps in proptest::collection::vec(0usize..80, 0..80),
    ) {
        let mut time = 1_700_000_000 * SECOND;
        let sorted: Rows = gaps.iter().enumerate().map(|(i, gap)| {
            time += gap * 1_000_000;
            (time, Some(format!("k{}", i % 3)), Some(i as f64 / 8.0), Some(i as i64))
        }).collect();
        let mut shuffled = sorted.clone();
        for at in swaps {
            // Neighbours may change places if that keeps everything within the lateness.
            if at + 1 < shuffled.len() {
                let mut tried = shuffled.clone();
                tried.swap(at, at + 1);
                let mut high = i64::MIN;
                if tried.iter().all(|r| { let ok = high.saturating_sub(r.0) < LATENESS; high = high.max(r.0); ok }) {
                    shuffled = tried;
                }
            }
        }
        for window in ["TUMBLING (SIZE 2 SECONDS)", "HOP (SIZE 3 SECONDS, SLIDE 1 SECOND)", "SESSION (GAP 200 MILLISECONDS, KEY k)"] {
            let query = format!(
                "SELECT k, count(*) AS c, sum(v) AS s, first(n) AS f, last(n) AS l, window_end FROM s WINDOW {window} GROUP BY k ORDER BY k"
            );
            let sort = |mut v: Vec<String>| { v.sort(); v };
            let expected = sort(run(&query, &sorted, &Feed::Whole).output);
            prop_assert_eq!(sort(run(&query, &shuffled, &Feed::Whole).output), expected, "{}", query);
        }
    }
}

fn session_reference(rows: &Rows, gap: i64) -> Vec<String> {
    struct Session {
        key: Option<String>,
        start: i64,
        last: i64,
        first: usize,
        rows: usize,
    }
    let mut open: Vec<Session> = Vec::new();
    let mut closed: Vec<Session> = Vec::new();
    let mut watermark = i64::MIN;
    for (seq, (time, key, _, _)) in rows.iter().enumerate() {
        let (near, far): (Vec<_>, Vec<_>) =
            open.into_iter().partition(|s| s.key == *key && *time < s.last + gap && s.start < time + gap);
        open = far;
        if !near.is_empty() || time + gap > watermark {
            let mut joined = Session { key: key.clone(), start: *time, last: *time, first: seq, rows: 1 };
            for s in near {
                joined.start = joined.start.min(s.start);
                joined.last = joined.last.max(s.last);
                joined.first = joined.first.min(s.first);
                joined.rows += s.rows;
            }
            open.push(joined);
        }
        watermark = watermark.max(time - LATENESS);
        let (done, rest): (Vec<_>, Vec<_>) = open.into_iter().partition(|s| s.last + gap <= watermark);
        open = rest;
        closed.extend(done);
    }
    closed.extend(open);
    closed.sort_by_key(|s| (s.last + gap, s.first));
    let shown = |k: &Option<String>| k.clone().unwrap_or_else(|| "∅".to_string());
    closed
        .iter()
        .map(|s| format!("{} | {} | {} | {}", shown(&s.key), s.rows, s.start, s.last + gap))
        .collect()
}

fn run_all_ways(query: &str, with: &str, rows: Rows) -> Outcome {
    let script = format!("{}{query};", stream("s", with));
    play_all_ways(&script, &[Step::Rows("s", rows)])
}

const PATIENT: &str = "\"watermark.lateness\" = '60 seconds'";

#[test]
fn sessions_are_joined_in_order_of_opening_after_a_restore_too() {
    // Two sessions of `a`, the later one opened first, then a row between them.
    let rows = vec![
        row(10, "a", 1.0, 1),
        row(3, "a", 2.0, 2),
        row(4, "a", 3.0, 1),
        row(6, "a", 4.0, 1),
        row(5, "a", 8.0, 3),
    ];
    let query = "SELECT n, count(*) AS c, ewma(v, 0.25) AS e, approx_percentile_kll(v, 0.5) AS q \
         FROM s WINDOW SESSION (GAP 6 SECONDS, KEY k) GROUP BY n";
    let out = run_all_ways(query, PATIENT, rows);
    assert_eq!(out.rows(), ["1 | 3 | 2.125 | 3.0", "2 | 1 | 2.0 | 2.0", "3 | 1 | 8.0 | 8.0"]);
}

#[test]
fn moving_averages_go_by_arrival_whatever_the_panes() {
    let rows =
        vec![row(9, "a", 1.0, 1), row(1, "a", 2.0, 1), row(8, "a", f64::INFINITY, 1), row(2, "a", 8.0, 1)];
    for window in
        ["TUMBLING (SIZE 12 SECONDS)", "HOP (SIZE 12 SECONDS, SLIDE 12 SECONDS)", "SESSION (GAP 9 SECONDS)"]
    {
        let query = format!("SELECT ewma(v, 0.5) AS e, count(*) AS c FROM s WINDOW {window}");
        assert_eq!(run_all_ways(&query, PATIENT, rows.clone()).rows(), ["inf | 4"], "{window}");
        let finite = vec![rows[0].clone(), rows[1].clone(), rows[3].clone()];
        assert_eq!(run_all_ways(&query, PATIENT, finite).rows(), ["4.75 | 3"], "{window}");
    }
    let hop = "SELECT ewma(v, 0.5) AS e FROM s WINDOW HOP (SIZE 12 SECONDS, SLIDE 4 SECONDS)";
    let finite = vec![rows[0].clone(), rows[1].clone(), rows[3].clone()];
    assert_eq!(run_all_ways(hop, PATIENT, finite).rows(), ["5.0", "5.0", "4.75", "1.0", "1.0"]);
}

#[test]
fn rows_without_an_external_time_are_errors_of_their_own() {
    let rows = vec![row(1, "a", 0.0, 1), row(2, "b", 0.0, -1), row(3, "c", 0.0, 2), row(12, "d", 0.0, 1)];
    let query = "SELECT count(*) AS c, window_start FROM (SELECT n, CASE WHEN n > 0 THEN ts END AS t FROM s) \
         WINDOW EXTERNALTIMEBATCH (t, 10 SECONDS)";
    let out = run_all_ways(query, "", rows);
    assert_eq!(out.rows(), ["2 | 1000000000", "1 | 11000000000"]);
    assert_eq!(out.errors.len(), 1, "{:?}", out.errors);
    assert!(out.errors[0].starts_with("1 E1006 "), "{:?}", out.errors);
}

#[test]
fn a_condition_that_fails_for_a_row_leaves_the_row_out() {
    let rows = vec![row(1, "a", 0.0, 1), row(2, "b", 0.0, 0), row(3, "c", 0.0, 2), row(4, "d", 0.0, 5)];
    for (flag, expected) in [("", ["2 | a", "1 | d"]), (", TRUE", ["3 | a", ""])] {
        let query = format!(
            "SELECT count(*) AS c, first(k) AS f FROM s WINDOW EXPRESSIONBATCH (sum(10 / n) < 17{flag})"
        );
        let out = run_all_ways(&query, "", rows.clone());
        let expected: Vec<&str> = expected.into_iter().filter(|line| !line.is_empty()).collect();
        assert_eq!(out.rows(), expected, "{query}");
        assert_eq!(out.errors.len(), 1, "{:?}", out.errors);
        assert!(out.errors[0].starts_with("1 E1001 "), "{:?}", out.errors);
    }
}

#[test]
fn a_row_in_error_is_in_no_batch() {
    let rows = vec![row(1, "a", 0.0, 1), row(2, "b", 0.0, 0), row(3, "c", 0.0, 2), row(4, "d", 0.0, 5)];
    let out = run_all_ways("SELECT count(10 / n) AS c, last(k) AS l FROM s WINDOW LENGTHBATCH (2)", "", rows);
    assert_eq!(out.rows(), ["2 | c", "1 | d"]);
    assert_eq!(out.errors.len(), 1, "{:?}", out.errors);
}

#[test]
fn a_batch_condition_sees_the_stamp_as_now() {
    let rows = vec![row(20, "a", 0.0, 1), row(5, "b", 0.0, 1), row(6, "c", 0.0, 1)];
    let query =
        "SELECT count(*) AS c FROM s WINDOW EXPRESSIONBATCH (now() >= TIMESTAMP '1970-01-01 00:00:15')";
    assert_eq!(run_all_ways(query, PATIENT, rows).rows(), ["3"]);
}

#[test]
fn a_range_of_days_over_dates_counts_days() {
    let day = 86_400;
    let rows = vec![
        row(0, "a", 0.0, 1),
        row(day, "b", 0.0, 1),
        row(3 * day, "c", 0.0, 1),
        row(4 * day, "d", 0.0, 1),
    ];
    for (order, expected) in
        [("", ["a | 1", "b | 2", "c | 1", "d | 2"]), (" DESC", ["a | 2", "b | 1", "c | 2", "d | 1"])]
    {
        let query = format!(
            "SELECT k, count(*) OVER (ORDER BY CAST(ts AS DATE){order} \
             RANGE BETWEEN INTERVAL '1' DAY PRECEDING AND CURRENT ROW) AS c FROM s WINDOW TUMBLING (SIZE 30 DAYS)"
        );
        assert_eq!(run_all_ways(&query, "", rows.clone()).rows(), expected, "{query}");
    }
}

#[test]
fn forever_is_over_all_rows_that_windows_took_in() {
    let rows = || {
        vec![
            row(1, "a", 5.0, 3),
            row(2, "b", 1.0, 9),
            row(3, "a", 0.0, 1),
            row(12, "a", 7.0, 5),
            row(13, "b", 7.0, 4),
            row(25, "a", 2.0, 8),
        ]
    };
    let exact = "\"watermark.lateness\" = '0 seconds'";
    let query = |window: &str| {
        format!(
            "SELECT k, min_forever(n) AS lo, count(*) AS c, max_forever(n) AS hi, min(n) AS m FROM s WINDOW {window} \
             WHERE v > 0 GROUP BY k"
        )
    };
    // The row of 12 closes the first window after it was taken in.
    let tumbling = [
        "a | 3 | 1 | 5 | 3",
        "b | 9 | 1 | 9 | 9",
        "a | 3 | 1 | 8 | 5",
        "b | 4 | 1 | 9 | 4",
        "a | 3 | 1 | 8 | 8",
    ];
    assert_eq!(run_all_ways(&query("TUMBLING (SIZE 10 SECONDS)"), exact, rows()).rows(), tumbling);
    assert_eq!(run_all_ways(&query("SESSION (GAP 5 SECONDS)"), exact, rows()).rows(), tumbling);
    let hop = run_all_ways(&query("HOP (SIZE 20 SECONDS, SLIDE 10 SECONDS)"), exact, rows());
    assert_eq!(
        hop.rows(),
        [
            "a | 3 | 1 | 5 | 3",
            "b | 9 | 1 | 9 | 9",
            "a | 3 | 2 | 8 | 3",
            "b | 4 | 2 | 9 | 4",
            "a | 3 | 2 | 8 | 5",
            "b | 4 | 1 | 9 | 4",
            "a | 3 | 1 | 8 | 8"
        ]
    );
    // The row that fails WHERE counts as a row of the batch.
    let batch = ["a | 3 | 1 | 3 | 3", "b | 9 | 1 | 9 | 9", "a | 3 | 2 | 8 | 5", "b | 4 | 1 | 9 | 4"];
    assert_eq!(run_all_ways(&query("LENGTHBATCH (3)"), exact, rows()).rows(), batch);
    let all =
        run_all_ways("SELECT max_forever(n) AS hi FROM s WINDOW TUMBLING (SIZE 10 SECONDS)", exact, rows());
    assert_eq!(all.rows(), ["9", "9", "9"]);
}

#[test]
fn forever_keeps_no_more_groups_than_it_may() {
    let rows = vec![row(1, "a", 0.0, 1), row(2, "b", 0.0, 2), row(3, "c", 0.0, 3), row(4, "a", 0.0, 4)];
    for window in ["TUMBLING (SIZE 10 SECONDS)", "SESSION (GAP 10 SECONDS)", "LENGTHBATCH (3)"] {
        let query =
            format!("SELECT k, max_forever(n) AS hi, count(*) AS c FROM s WINDOW {window} GROUP BY k");
        let out = run_all_ways(&query, "\"state.keys.max\" = 2", rows.clone());
        assert_eq!(out.rows(), ["a | 4 | 2", "b | 2 | 1"], "{window}");
        assert_eq!(out.errors.len(), 1, "{:?}", out.errors);
        assert!(out.errors[0].starts_with("2 E1010 "), "{:?}", out.errors);
    }
}

#[test]
fn forever_is_refused_where_it_would_have_no_meaning() {
    let corrected = stream("s", "\"late.policy\" = 'retract'");
    let plain = stream("s", "");
    let refused = [
        (&corrected, "SELECT min_forever(n) AS m FROM s WINDOW TUMBLING (SIZE 10 SECONDS)"),
        (
            &plain,
            "SELECT max_forever(c) AS m FROM (SELECT k, count(*) AS c FROM s WINDOW TUMBLING (SIZE 10 SECONDS) GROUP BY k)",
        ),
        (
            &plain,
            "CREATE AGGREGATION g AS SELECT k, max_forever(n) AS m FROM s GROUP BY k AGGREGATE BY ts EVERY SECONDS",
        ),
        (&plain, "SELECT count(*) AS c FROM s WINDOW EXPRESSIONBATCH (max_forever(n) < 3)"),
        (&plain, "SELECT count(*) AS c FROM s WINDOW EXPRESSION (max_forever(n) < 3)"),
    ];
    for (declared, query) in refused {
        let found = refusal(&format!("{declared}{query};"));
        assert!(found.contains("use max") || found.contains("use min"), "{query}: {found}");
    }
}
