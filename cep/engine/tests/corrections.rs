//! Corrections by late rows (`late.policy = 'retract'`, R-LATE-2) against a slow reference: after
//! every row the changes so far make exactly the results of all closed windows, each computed from
//! the rows that came before the window's correction horizon.

mod harness;

use std::collections::BTreeMap;

use harness::{Feed, Outcome, Row, Rows, SECOND, run};
use proptest::prelude::*;

const LATENESS: i64 = SECOND;

/// Windows `(start, end)` that hold a time.
type WindowsOf = fn(i64) -> Vec<(i64, i64)>;

fn hops(time: i64, size: i64, slide: i64) -> Vec<(i64, i64)> {
    let last = time.div_euclid(slide) * slide;
    (0..).map(|k| last - k * slide).take_while(|s| s + size > time).map(|s| (s, s + size)).collect()
}

const WINDOWS: &[(&str, WindowsOf)] = &[
    ("TUMBLING (SIZE 3 SECONDS)", |t| hops(t, 3 * SECOND, 3 * SECOND)),
    ("HOP (SIZE 10 SECONDS, SLIDE 4 SECONDS)", |t| hops(t, 10 * SECOND, 4 * SECOND)),
    ("HOP (SIZE 2 SECONDS, SLIDE 5 SECONDS)", |t| hops(t, 2 * SECOND, 5 * SECOND)),
    ("CUMULATE (STEP 2 SECONDS, SIZE 6 SECONDS)", |t| {
        let base = t.div_euclid(6 * SECOND) * 6 * SECOND;
        (1..=3).map(|k| (base, base + k * 2 * SECOND)).filter(|w| w.1 > t).collect()
    }),
];

/// Rows of a window with the order in which they came.
type Content = Vec<(usize, Row)>;

/// Output of one window.
type Query = (&'static str, fn(i64, i64, &Content) -> Vec<String>);

const QUERIES: &[Query] = &[
    ("SELECT k, # FROM s WINDOW @ GROUP BY k", |start, end, rows| groups(start, end, rows)),
    ("SELECT # FROM s WINDOW @", |start, end, rows| vec![values(start, end, rows)]),
    ("SELECT # FROM s WINDOW @ WHERE n > 1", |start, end, rows| {
        let kept: Content = rows.iter().filter(|(_, r)| r.3.is_some_and(|n| n > 1)).cloned().collect();
        if kept.is_empty() { Vec::new() } else { vec![values(start, end, &kept)] }
    }),
    ("SELECT k, # FROM s WINDOW @ GROUP BY k HAVING count(*) % 2 = 1", |start, end, rows| {
        groups(start, end, rows).into_iter().filter(|l| count(l) % 2 == 1).collect()
    }),
    ("SELECT k, n, window_start, window_end FROM s WINDOW @", |start, end, rows| {
        rows.iter()
            .map(|(_, r)| format!("{} | {} | {start} | {end}", shown(r.1.as_ref()), shown(r.3)))
            .collect()
    }),
    ("SELECT n, window_end FROM s WINDOW @ ORDER BY n DESC NULLS LAST LIMIT 2", |_, end, rows| {
        let mut numbers: Vec<Option<i64>> = rows.iter().map(|(_, r)| r.3).collect();
        numbers.sort_by_key(|n| (n.is_none(), n.map(|n| -n)));
        numbers.into_iter().take(2).map(|n| format!("{} | {end}", shown(n))).collect()
    }),
    ("SELECT DISTINCT k, window_end FROM s WINDOW @", |_, end, rows| {
        let mut keys: Vec<_> = rows.iter().map(|(_, r)| format!("{} | {end}", shown(r.1.as_ref()))).collect();
        keys.sort();
        keys.dedup();
        keys
    }),
];

/// A second query over the changes of the first.
const DOWNSTREAM: Query = (
    "CREATE STREAM t AS SELECT k, # FROM s WINDOW @ GROUP BY k; SELECT k, c * 2 AS twice FROM t WHERE c > 2",
    |start, end, rows| {
        let lines = groups(start, end, rows);
        let key = |l: &String| l.split(" | ").next().expect("k").to_string();
        lines.iter().filter(|l| count(l) > 2).map(|l| format!("{} | {}", key(l), 2 * count(l))).collect()
    },
);

const CALLS: &str = "count(*) AS c, sum(n) AS t, min(n) AS lo, max(n) AS hi, first(n) AS f, last(n) AS l, \
     count(DISTINCT n) AS d, window_start, window_end";

/// The values of [`CALLS`]; first and last by (event time, arrival).
fn values(start: i64, end: i64, rows: &Content) -> String {
    let mut ordered = rows.clone();
    ordered.sort_by_key(|(seq, row)| (row.0, *seq));
    let numbers: Vec<i64> = rows.iter().filter_map(|(_, r)| r.3).collect();
    let mut different = numbers.clone();
    different.sort();
    different.dedup();
    [
        rows.len().to_string(),
        shown((!numbers.is_empty()).then(|| numbers.iter().sum::<i64>())),
        shown(numbers.iter().min()),
        shown(numbers.iter().max()),
        shown(ordered[0].1.3),
        shown(ordered[ordered.len() - 1].1.3),
        different.len().to_string(),
        start.to_string(),
        end.to_string(),
    ]
    .join(" | ")
}

fn groups(start: i64, end: i64, rows: &Content) -> Vec<String> {
    let mut groups: BTreeMap<&Option<String>, Content> = BTreeMap::new();
    for (seq, row) in rows {
        groups.entry(&row.1).or_default().push((*seq, row.clone()));
    }
    groups.iter().map(|(k, rows)| format!("{} | {}", shown(k.as_ref()), values(start, end, rows))).collect()
}

/// `c` of a line of [`groups`].
fn count(line: &str) -> i64 {
    line.split(" | ").nth(1).expect("c").parse().expect("a number")
}

fn shown<T: ToString>(value: Option<T>) -> String {
    value.map_or_else(|| "∅".to_string(), |v| v.to_string())
}

/// The results that hold after each entry, sorted; the last is after the end of input. Also the
/// number of rows that no window took, though there is one for their time.
fn reference(
    rows: &Rows,
    windows_of: WindowsOf,
    horizon: i64,
    result: fn(i64, i64, &Content) -> Vec<String>,
) -> (Vec<Vec<String>>, u64) {
    let mut windows: BTreeMap<(i64, i64), Content> = BTreeMap::new();
    let (mut tables, mut late) = (Vec::new(), 0);
    let mut watermark = None;
    let table = |windows: &BTreeMap<(i64, i64), Content>, upto: i64| {
        let closed = windows.iter().filter(|((_, end), _)| *end <= upto);
        let mut lines: Vec<String> = closed.flat_map(|((s, e), rows)| result(*s, *e, rows)).collect();
        lines.sort();
        lines
    };
    for (seq, row) in rows.iter().enumerate() {
        let all = windows_of(row.0);
        let open = all.iter().filter(|(_, end)| watermark.is_none_or(|w: i64| w < end + horizon));
        late += u64::from(!all.is_empty() && open.clone().next().is_none());
        for window in open {
            windows.entry(*window).or_default().push((seq, row.clone()));
        }
        watermark = watermark.max(Some(row.0 - LATENESS));
        tables.push(table(&windows, watermark.expect("a row came")));
    }
    tables.push(table(&windows, i64::MAX));
    (tables, late)
}

/// The tables that the changes make after each of `entries` entries. Every row taken back is there.
fn folded(outcome: &Outcome, entries: usize, in_pairs: bool) -> Result<Vec<Vec<String>>, TestCaseError> {
    let mut table: Vec<String> = Vec::new();
    let mut tables = Vec::new();
    let mut changes = outcome.output.iter().zip(&outcome.entries).peekable();
    let mut replaced = false;
    for entry in 1..=entries {
        while let Some((text, _)) = changes.next_if(|(_, at)| **at == entry as u64) {
            let mut parts = text.splitn(3, ' ').skip(1);
            let (op, line) = (parts.next().expect("op"), parts.next().expect("columns").to_string());
            if in_pairs {
                prop_assert_eq!(op == "+U", replaced, "+U follows -U: {}", text);
                replaced = op == "-U";
            }
            if op.starts_with('+') {
                table.push(line);
            } else {
                let at = table.iter().position(|l| *l == line);
                prop_assert!(at.is_some(), "taken back, but not there: {}", text);
                table.swap_remove(at.expect("just seen"));
            }
        }
        let mut sorted = table.clone();
        sorted.sort();
        tables.push(sorted);
    }
    prop_assert!(!replaced);
    Ok(tables)
}

fn script(query: &str, window: &str, horizon_ms: i64) -> String {
    let query = query.replace('#', CALLS).replace('@', window);
    format!(
        "CREATE STREAM s (ts TIMESTAMP, k STRING, v DOUBLE, n BIGINT) WITH (\"event.time\" = 'ts', \
         \"watermark.lateness\" = '1 second', clock = 'event', \"late.policy\" = 'retract', \
         \"correction.horizon\" = '{horizon_ms} milliseconds'); {query}"
    )
}

fn check(rows: &Rows, cuts: &[usize], horizon_ms: i64) -> Result<(), TestCaseError> {
    for &(window, windows_of) in WINDOWS {
        for &(query, result) in QUERIES.iter().chain([&DOWNSTREAM]) {
            let in_pairs = !query.starts_with("CREATE");
            let query = script(query, window, horizon_ms);
            let single = run(&query, rows, &Feed::Cut(vec![1]));
            let (expected, late) = reference(rows, windows_of, horizon_ms * 1_000_000, result);
            let found = folded(&single, rows.len() + 1, in_pairs)?;
            for (entry, (found, expected)) in found.iter().zip(&expected).enumerate() {
                prop_assert_eq!(found, expected, "after entry {} of {}", entry + 1, query);
            }
            if !query.contains("WHERE") {
                prop_assert_eq!(single.late, late, "{}", query);
            }
            for feed in [Feed::Cut(cuts.to_vec()), Feed::Restore(cuts.to_vec())] {
                let pieces = run(&query, rows, &feed);
                prop_assert_eq!(&pieces.output, &single.output, "regrouped: {}", query);
                prop_assert_eq!(pieces.hash, single.hash, "state hash: {}", query);
            }
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(harness::cases(16)))]

    #[test]
    fn corrections_make_the_results_of_all_rows_within_the_horizon(
        rows in harness::rows_on_edges(0..60),
        cuts in proptest::collection::vec(1usize..9, 1..12),
        horizon_ms in prop_oneof![Just(100i64), 100..5_000i64, Just(3_600_000)],
    ) {
        check(&rows, &cuts, horizon_ms)?;
    }

    /// Once the horizon is long enough, order does not matter to what holds at the end.
    #[test]
    fn with_a_long_horizon_the_end_is_that_of_sorted_rows(rows in harness::rows_on_edges(0..80)) {
        let mut sorted = rows.clone();
        sorted.sort_by_key(|r| r.0);
        for (window, _) in WINDOWS {
            let query = script("SELECT k, count(*) AS c, sum(n) AS t, window_end FROM s WINDOW @ GROUP BY k", window, 3_600_000);
            let last = |rows: &Rows| {
                let tables = folded(&run(&query, rows, &Feed::Cut(vec![1])), rows.len() + 1, true);
                Ok::<_, TestCaseError>(tables?.pop())
            };
            prop_assert_eq!(last(&rows)?, last(&sorted)?, "{}", query);
        }
    }
}
