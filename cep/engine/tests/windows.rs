//! Event-time windows against a slow reference: every row is put into every window that the
//! definition says, unless that window has closed; results are sorted at the end.

mod harness;

use std::collections::BTreeMap;

use harness::{Feed, Row, Rows, SECOND, run};
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
    fn hop_of_many_panes(rows in harness::rows_on_edges(0..200)) {
        agrees("HOP (SIZE 40 SECONDS, SLIDE 500 MILLISECONDS)", &rows, |t| hops(t, 40 * SECOND, SECOND / 2))?;
    }

    #[test]
    fn cumulate_of_many_panes(rows in harness::rows_on_edges(0..200)) {
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
