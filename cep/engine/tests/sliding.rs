//! Sliding windows and DELAY against slow references: the window is a list of rows, and every
//! value is computed from the list.

mod harness;

use std::collections::BTreeMap;

use harness::{Feed, Row, Rows, SECOND, run};
use proptest::prelude::*;

/// A row in the window.
#[derive(Debug, Clone)]
struct Entry {
    row: Row,
    stamp: i64,
    /// Passes WHERE.
    passes: bool,
}

/// What happens to the window when a row comes: whether it is let in. The new entry is not in the
/// list yet.
type Step = Box<dyn FnMut(&mut Vec<Entry>, &Entry) -> bool>;

fn shown<T: ToString>(value: Option<T>) -> String {
    value.map_or_else(|| "∅".to_string(), |v| v.to_string())
}

fn double(value: Option<f64>) -> String {
    shown(value.map(|v| format!("{v:?}")))
}

const CALLS: &str = "count(*) AS c, sum(n) AS sn, avg(n) AS an, sum(v) AS sv, avg(v) AS av, count(v) AS cv, \
     min(n) AS lo, max(n) AS hi, max(v) AS hv";

/// The values of [`CALLS`]. Values are eighths below 2^40: sums are exact in a double.
fn values(rows: &[&Row]) -> String {
    let numbers: Vec<i64> = rows.iter().filter_map(|r| r.3).collect();
    let doubles: Vec<f64> = rows.iter().filter_map(|r| r.2).collect();
    let sum_n = (!numbers.is_empty()).then(|| numbers.iter().sum::<i64>());
    let sum_v = (!doubles.is_empty()).then(|| doubles.iter().sum::<f64>() + 0.0);
    let largest = doubles
        .iter()
        .copied()
        .max_by(|a, b| a.partial_cmp(b).unwrap_or_else(|| a.is_nan().cmp(&b.is_nan())));
    [
        rows.len().to_string(),
        shown(sum_n),
        double(sum_n.map(|s| s as f64 / numbers.len() as f64)),
        double(sum_v),
        double(sum_v.map(|s| s / doubles.len() as f64)),
        doubles.len().to_string(),
        shown(numbers.iter().min()),
        shown(numbers.iter().max()),
        double(largest),
    ]
    .join(" | ")
}

/// Output of `SELECT k, n, CALLS … GROUP BY k` (or without GROUP BY).
fn reference(rows: &Rows, mut step: Step, passes: fn(&Row) -> bool, grouped: bool) -> Vec<String> {
    let mut window: Vec<Entry> = Vec::new();
    let mut stamp = i64::MIN;
    let mut out = Vec::new();
    for row in rows {
        stamp = stamp.max(row.0);
        let entry = Entry { row: row.clone(), stamp, passes: passes(row) };
        let let_in = step(&mut window, &entry);
        if let_in && entry.passes {
            let of_group = |e: &&Entry| e.passes && (!grouped || e.row.1 == row.1);
            let inside: Vec<&Row> = window.iter().filter(of_group).map(|e| &e.row).collect();
            out.push(format!("{} | {} | {}", shown(row.1.clone()), shown(row.3), values(&inside)));
        }
    }
    out
}

fn length(max: usize) -> Step {
    Box::new(move |window, entry| {
        window.push(entry.clone());
        if window.len() > max {
            window.remove(0);
        }
        true
    })
}

fn time(size: i64) -> Step {
    Box::new(move |window, entry| {
        window.push(entry.clone());
        window.retain(|e| e.stamp > entry.stamp - size);
        true
    })
}

fn time_length(size: i64, max: usize) -> Step {
    let (mut by_time, mut by_length) = (time(size), length(max));
    Box::new(move |window, entry| {
        by_length(window, entry);
        let last = window.pop().expect("just added");
        by_time(window, &last)
    })
}

fn external(size: i64) -> Step {
    Box::new(move |window, entry| {
        window.retain(|e| e.row.0 > entry.row.0 - size);
        window.push(entry.clone());
        true
    })
}

/// The three smallest by n descending, NULLs first, then k ascending, NULLs last.
fn sorted() -> Step {
    Box::new(|window, entry| {
        window.push(entry.clone());
        let key = |e: &Entry| {
            let n = e.row.3.map_or((0, 0), |n| (1, -n));
            (n, e.row.1.is_none(), e.row.1.clone())
        };
        window.sort_by_key(key);
        window.truncate(3);
        true
    })
}

fn unique(first: bool) -> Step {
    let mut seen: Vec<Option<i64>> = Vec::new();
    Box::new(move |window, entry| {
        if first && seen.contains(&entry.row.3) {
            return false;
        }
        seen.push(entry.row.3);
        window.retain(|e| e.row.3 != entry.row.3);
        window.push(entry.clone());
        true
    })
}

/// While sum(n) > 12 or the first row's n is above the last one's by more than 4 (with NULLs: not
/// TRUE) the oldest leaves.
fn expression() -> Step {
    Box::new(|window, entry| {
        window.push(entry.clone());
        let holds = |window: &[Entry]| {
            let numbers: Vec<i64> = window.iter().filter_map(|e| e.row.3).collect();
            !numbers.is_empty() && numbers.iter().sum::<i64>() <= 12
        };
        while window.len() > 1 && !holds(window) {
            window.remove(0);
        }
        true
    })
}

fn frequent(counters: usize) -> Step {
    let mut counts: BTreeMap<Option<i64>, u64> = BTreeMap::new();
    Box::new(move |window, entry| {
        let key = entry.row.3;
        if counts.contains_key(&key) || counts.len() < counters {
            *counts.entry(key).or_default() += 1;
            window.push(entry.clone());
            return true;
        }
        counts.values_mut().for_each(|c| *c -= 1);
        counts.retain(|_, c| *c > 0);
        window.retain(|e| counts.contains_key(&e.row.3));
        false
    })
}

/// LOSSYFREQUENT (0.3, 0.1, n): buckets of ten. Rows of dropped keys leave once their row is done.
fn lossy() -> Step {
    let mut counts: BTreeMap<Option<i64>, (u64, u64)> = BTreeMap::new();
    let mut total = 0u64;
    Box::new(move |window, entry| {
        if total > 0 && total.is_multiple_of(10) {
            counts.retain(|_, (count, missed)| *count + *missed > total / 10);
            window.retain(|e| counts.contains_key(&e.row.3));
        }
        total += 1;
        let count = counts.entry(entry.row.3).or_insert((0, (total - 1) / 10));
        count.0 += 1;
        let passes = count.0 as f64 >= (0.3 - 0.1) * total as f64;
        if passes {
            window.push(entry.clone());
        }
        passes
    })
}

type Kind = (&'static str, fn() -> Step);

const KINDS: &[Kind] = &[
    ("LENGTH (7)", || length(7)),
    ("LENGTH (1)", || length(1)),
    ("TIME (5 SECONDS)", || time(5 * SECOND)),
    ("TIMELENGTH (6 SECONDS, 5)", || time_length(6 * SECOND, 5)),
    ("EXTERNALTIME (ts, 4 SECONDS)", || external(4 * SECOND)),
    ("SORT (3, n DESC NULLS FIRST, k ASC NULLS LAST)", sorted),
    ("UNIQUE (n)", || unique(false)),
    ("FIRSTUNIQUE (n)", || unique(true)),
    ("EXPRESSION (sum(n) <= 12)", expression),
    ("FREQUENT (3, n)", || frequent(3)),
    ("LOSSYFREQUENT (0.3, 0.1, n)", lossy),
];

/// Random rows whose sums are exact in a double.
fn plain_rows(count: std::ops::Range<usize>) -> impl Strategy<Value = Rows> {
    harness::rows_on_edges(count).prop_map(|mut rows| {
        rows.iter_mut().for_each(|r| r.2 = r.2.filter(|v| *v != 1e16));
        rows
    })
}

fn output_of(query: &str, rows: &Rows) -> Vec<String> {
    let outcome = run(query, rows, &Feed::Whole);
    assert!(outcome.errors.is_empty(), "{query}: {:?}", outcome.errors);
    let columns = |line: &String| line.split_once("  ").expect("no change mark").1.to_string();
    outcome.output.iter().map(columns).collect()
}

fn check_all(rows: &Rows) -> Result<(), TestCaseError> {
    for &(window, step) in KINDS {
        for grouped in [true, false] {
            for filtered in [false, true] {
                let filter = if filtered { "WHERE n > 1" } else { "" };
                let group = if grouped { "GROUP BY k" } else { "" };
                let query = format!("SELECT k, n, {CALLS} FROM s WINDOW {window} {filter} {group}");
                let passes: fn(&Row) -> bool =
                    if filtered { |r| r.3.is_some_and(|n| n > 1) } else { |_| true };
                prop_assert_eq!(
                    output_of(&query, rows),
                    reference(rows, step(), passes, grouped),
                    "{}",
                    query
                );
            }
        }
    }
    Ok(())
}

fn check_pieces(query: &str, rows: &Rows, cuts: &[usize]) -> Result<(), TestCaseError> {
    let whole = run(query, rows, &Feed::Whole);
    let pieces = run(query, rows, &Feed::Cut(cuts.to_vec()));
    prop_assert_eq!(&pieces.output, &whole.output, "regrouped: {}", query);
    prop_assert_eq!(&pieces.errors, &whole.errors, "errors: {}", query);
    prop_assert_eq!(&pieces.hash, &whole.hash, "state hash: {}", query);
    let restored = run(query, rows, &Feed::Restore(cuts.to_vec()));
    prop_assert_eq!(&restored.output, &whole.output, "restored: {}", query);
    prop_assert_eq!(&restored.hash, &whole.hash, "state hash after restore: {}", query);
    Ok(())
}

/// Aggregates of every way to be removed, not to be removed, and to last.
const MIXED: &str = "count(*) AS c, avg(v) AS a, stddev(v) AS d, min(v) AS lo, first(n) AS f, last(v) AS l, \
     collect(n) AS all_n, count(DISTINCT n) AS dn, ewma(v, 0.5) AS e, approx_distinct(n) AS ad, \
     minForever(n) AS least, maxForever(v) AS most";

/// The same where no order among keys is kept.
const MERGED: &str = "count(*) AS c, avg(v) AS a, stddev(v) AS d, min(v) AS lo, first(n) AS f, \
     count(DISTINCT n) AS dn, approx_distinct(n) AS ad, minForever(n) AS least, maxForever(v) AS most";

fn mixed(window: &str) -> &'static str {
    if window.contains("FREQUENT") { MERGED } else { MIXED }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(harness::cases(24)))]

    #[test]
    fn windows_hold_what_the_reference_holds(rows in plain_rows(0..70)) {
        check_all(&rows)?;
    }

    #[test]
    fn regrouping_and_restoring_change_nothing(
        rows in harness::rows(0..60),
        cuts in proptest::collection::vec(1usize..9, 1..12),
    ) {
        for &(window, _) in KINDS {
            let calls = mixed(window);
            check_pieces(&format!("SELECT k, n, {calls} FROM s WINDOW {window} GROUP BY k"), &rows, &cuts)?;
            check_pieces(&format!("SELECT k, {calls} FROM s WINDOW {window} WHERE n > 1 AND 6 / (n - 3) < 5"), &rows, &cuts)?;
        }
        for query in ["SELECT k, v FROM s WINDOW DELAY (3 SECONDS)", "SELECT k, n, sum(10 / n) AS q FROM s WINDOW LENGTH (5) GROUP BY k"] {
            check_pieces(query, &rows, &cuts)?;
        }
    }

    #[test]
    fn aggregates_made_anew_are_those_of_the_rows_left(rows in plain_rows(0..60)) {
        for (window, step) in [("LENGTH (6)", length(6)), ("UNIQUE (n)", unique(false)), ("TIME (5 SECONDS)", time(5 * SECOND))] {
            let query = format!("SELECT k, n, ewma(v, 0.5) AS e, {CALLS} FROM s WINDOW {window} GROUP BY k");
            let (mut found, mut averages) = (Vec::new(), Vec::new());
            for line in output_of(&query, &rows) {
                let mut fields: Vec<&str> = line.split(" | ").collect();
                averages.push(fields.remove(2).to_string());
                found.push(fields.join(" | "));
            }
            prop_assert_eq!(found, reference(&rows, step, |_| true, true), "{}", query);
            if window == "LENGTH (6)" {
                prop_assert_eq!(averages, moving_averages(&rows, 6));
            }
        }
    }

    #[test]
    fn delay_passes_rows_when_the_stamp_reaches_them(rows in plain_rows(0..60), delay in 1i64..8) {
        let mut expected: Vec<(usize, String)> = Vec::new();
        let mut stamps: Vec<i64> = Vec::new();
        for row in &rows {
            stamps.push(stamps.last().map_or(row.0, |s: &i64| row.0.max(*s)));
        }
        for (at, row) in rows.iter().enumerate() {
            let due = stamps.iter().position(|&s| s >= stamps[at] + delay * SECOND).unwrap_or(rows.len());
            expected.push((due, format!("{} | {}", shown(row.1.clone()), double(row.2))));
        }
        // One row an entry: the entry in which a row comes out is the one whose stamp it waited for.
        let query = format!("SELECT k, v FROM s WINDOW DELAY ({delay} SECONDS)");
        let found = output_of(&query, &rows);
        prop_assert_eq!(&found, &expected.iter().map(|(_, line)| line.clone()).collect::<Vec<_>>());
        for upto in 0..=rows.len() {
            let shown = harness::run_unfinished(&query, &rows[..upto].to_vec());
            prop_assert_eq!(shown, expected.iter().filter(|(due, _)| *due < upto).count(), "after {} rows", upto);
        }
    }
}

/// ewma(v, 0.5) of the last `max` rows of all, per group.
fn moving_averages(rows: &Rows, max: usize) -> Vec<String> {
    (0..rows.len())
        .map(|at| {
            let window = &rows[(at + 1).saturating_sub(max)..=at];
            let values = window.iter().filter(|r| r.1 == rows[at].1).filter_map(|r| r.2);
            double(values.fold(None, |mean: Option<f64>, v| Some(mean.map_or(v, |m| m + 0.5 * (v - m)))))
        })
        .collect()
}

#[test]
fn windows_larger_than_a_chunk_hold_what_the_reference_holds() {
    let rows = harness::many(6_000);
    for (window, step) in [
        ("LENGTH (1500)", length(1500)),
        ("TIME (3 SECONDS)", time(3 * SECOND)),
        ("EXTERNALTIME (ts, 2 SECONDS)", external(2 * SECOND)),
        ("UNIQUE (n)", unique(false)),
        ("SORT (3, n DESC NULLS FIRST, k ASC NULLS LAST)", sorted()),
        ("FREQUENT (3, n)", frequent(3)),
        ("LOSSYFREQUENT (0.3, 0.1, n)", lossy()),
    ] {
        let query = format!("SELECT k, n, {CALLS} FROM s WINDOW {window} GROUP BY k");
        assert!(output_of(&query, &rows) == reference(&rows, step, |_| true, true), "{query}");
        for calls in [CALLS, mixed(window)] {
            let query = format!("SELECT k, n, {calls} FROM s WINDOW {window} GROUP BY k");
            check_pieces(&query, &rows, &[700, 1, 900]).expect(window);
        }
    }
}

#[test]
fn groups_without_rows_in_the_window_are_forgotten() {
    let mut rows = harness::many(40_000);
    for (at, row) in rows.iter_mut().enumerate() {
        row.1 = Some(format!("key {}", at / 3));
    }
    let query = "SELECT k, n, count(*) AS c, avg(v) AS a FROM s WINDOW LENGTH (2) GROUP BY k";
    let counts: Vec<String> =
        output_of(query, &rows).iter().map(|l| l.split(" | ").nth(2).expect("c").to_string()).collect();
    let expected: Vec<String> = (0..rows.len()).map(|at| (at % 3 + 1).min(2).to_string()).collect();
    assert!(counts == expected);
    check_pieces(query, &rows, &[1000, 300]).expect(query);
}

#[test]
fn a_null_time_and_an_overflowing_sum_are_errors_of_their_rows() {
    let start = 1_700_000_000 * SECOND;
    let row = |at: i64, n: Option<i64>| (start + at * SECOND, Some("k1".to_string()), Some(1.0), n);
    let rows = vec![row(0, Some(i64::MAX)), row(1, Some(1)), row(2, None), row(3, Some(2)), row(4, Some(3))];
    let outcome = run("SELECT n, sum(n) AS t FROM s WINDOW LENGTH (2)", &rows, &Feed::Whole);
    assert_eq!(outcome.output.len(), 4);
    assert!(outcome.errors.len() == 1 && outcome.errors[0].starts_with("1 E1002"), "{:?}", outcome.errors);
    let rows = vec![row(0, Some(5)), row(1, Some(6)), row(2, None), row(3, Some(7)), row(4, Some(12))];
    let outcome =
        run("SELECT n, count(*) AS c FROM s WINDOW EXTERNALTIME (n, 3 MILLISECONDS)", &rows, &Feed::Whole);
    let counts: Vec<&str> = outcome.output.iter().map(|l| l.rsplit(' ').next().expect("c")).collect();
    assert_eq!(counts, ["1", "2", "3", "1"]);
    assert!(outcome.errors.len() == 1 && outcome.errors[0].starts_with("2 E1006"), "{:?}", outcome.errors);
}
