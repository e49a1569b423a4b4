//! Batch windows that are not aligned to event time, against a slow reference: rows are put into
//! batches by the definition of each kind, and every result is computed from the rows of its batch.

mod harness;

use harness::{Feed, Outcome, Row, Rows, SECOND, Stamped, run, run_stamped};
use proptest::prelude::*;

const MILLISECOND: i64 = 1_000_000;

/// What a batch holds, its bounds, and the entry in which its result comes.
#[derive(Debug)]
struct Batch {
    rows: Vec<Row>,
    start: i64,
    end: i64,
    entry: usize,
}

/// A row that enters the window: its entry, from 1, and its stamp.
#[derive(Debug, Clone)]
struct Entered {
    row: Row,
    entry: usize,
    stamp: i64,
}

/// All rows that enter, and the stamp of every entry, rows that do not enter included.
struct Input {
    rows: Vec<Entered>,
    stamps: Vec<i64>,
}

impl Input {
    fn new(entries: &[Stamped], enters: fn(&Row) -> bool) -> Self {
        let entered = entries.iter().enumerate().filter_map(|(at, (stamp, row))| {
            let row = row.clone().filter(enters)?;
            Some(Entered { row, entry: at + 1, stamp: *stamp })
        });
        Input { rows: entered.collect(), stamps: entries.iter().map(|(stamp, _)| *stamp).collect() }
    }

    /// The first entry whose stamp is at least `stamp`; else the end of input.
    fn reaches(&self, stamp: i64) -> usize {
        self.stamps.iter().position(|&s| s >= stamp).unwrap_or(self.stamps.len()) + 1
    }

    fn end(&self) -> usize {
        self.stamps.len() + 1
    }

    /// Neighbours of equal `key` as batches; bounds and entry of the close are given by `close`.
    fn runs(
        &self,
        key: impl Fn(&Entered) -> i64,
        close: impl Fn(&[Entered]) -> (i64, i64, usize),
    ) -> Vec<Batch> {
        let batch = |run: &[Entered]| {
            let (start, end, entry) = close(run);
            Batch { rows: rows_of(run), start, end, entry }
        };
        self.rows.chunk_by(|a, b| key(a) == key(b)).map(batch).collect()
    }
}

fn rows_of(entered: &[Entered]) -> Vec<Row> {
    entered.iter().map(|e| e.row.clone()).collect()
}

/// Event times of the first and last row.
fn ends(run: &[Entered]) -> (i64, i64) {
    (run[0].row.0, run[run.len() - 1].row.0)
}

fn length(input: &Input, n: usize) -> Vec<Batch> {
    let batch = |run: &[Entered]| {
        let (start, end) = ends(run);
        let entry = if run.len() == n { run[n - 1].entry } else { input.end() };
        Batch { rows: rows_of(run), start, end, entry }
    };
    input.rows.chunks(n).map(batch).collect()
}

/// By stamp, from `base` on or else from the first row's stamp.
fn time(input: &Input, size: i64, base: Option<i64>) -> Vec<Batch> {
    let Some(first) = input.rows.first() else { return Vec::new() };
    let base = base.unwrap_or(first.stamp);
    let start = |e: &Entered| base + (e.stamp - base).div_euclid(size) * size;
    input.runs(start, |run| (start(&run[0]), start(&run[0]) + size, input.reaches(start(&run[0]) + size)))
}

fn stamp(input: &Input) -> Vec<Batch> {
    input.runs(
        |e| e.stamp,
        |run| {
            let (start, end) = ends(run);
            (start, end, input.reaches(run[0].stamp + 1))
        },
    )
}

/// By a column, which every row here has. A batch lies where its first row puts it on the grid from
/// `base`, or else from the first row of all.
fn external(
    input: &Input,
    column: fn(&Row) -> i64,
    size: i64,
    base: Option<i64>,
    timeout: Option<i64>,
) -> Vec<Batch> {
    let mut out = Vec::new();
    let mut left = &input.rows[..];
    let base = base.or(left.first().map(|e| column(&e.row))).unwrap_or(0);
    while let Some(first) = left.first() {
        let start = base + (column(&first.row) - base).div_euclid(size) * size;
        let is_last = |at: usize| {
            let silence = timeout.map(|t| input.reaches(left[at].stamp + t));
            match (left.get(at + 1), silence) {
                // A row that comes when the silence is long enough comes after the close.
                (Some(next), Some(silence)) if silence <= next.entry => Some(silence),
                (Some(next), _) if column(&next.row) >= start + size => Some(next.entry),
                (Some(_), _) => None,
                (None, silence) => Some(silence.unwrap_or(input.end())),
            }
        };
        let (last, entry) = (0..).find_map(|at| Some((at, is_last(at)?))).expect("the last row is the last");
        let (batch, rest) = left.split_at(last + 1);
        out.push(Batch { rows: rows_of(batch), start, end: start + size, entry });
        left = rest;
    }
    out
}

/// While `holds`; the row that ends it belongs to it or to the next one.
fn condition(input: &Input, holds: fn(&[Row]) -> bool, include_triggering: bool) -> Vec<Batch> {
    let mut out = Vec::new();
    let mut left = &input.rows[..];
    while !left.is_empty() {
        let fails = |n: &usize| !holds(&rows_of(&left[..*n]));
        let (count, entry) = if include_triggering {
            (1..=left.len()).find(fails).map_or((left.len(), input.end()), |n| (n, left[n - 1].entry))
        } else {
            // A row alone stays, whatever the condition says.
            (2..=left.len()).find(fails).map_or((left.len(), input.end()), |n| (n - 1, left[n - 1].entry))
        };
        let (batch, rest) = left.split_at(count);
        let (start, end) = ends(batch);
        out.push(Batch { rows: rows_of(batch), start, end, entry });
        left = rest;
    }
    out
}

fn sum_at_most_12(rows: &[Row]) -> bool {
    let numbers: Vec<i64> = rows.iter().filter_map(|r| r.3).collect();
    !numbers.is_empty() && numbers.iter().sum::<i64>() <= 12
}

/// The key of the last row is that of the first, and both are known.
fn same_key(rows: &[Row]) -> bool {
    rows[0].1.is_some() && rows[0].1 == rows[rows.len() - 1].1
}

fn short(rows: &[Row]) -> bool {
    rows[rows.len() - 1].0 - rows[0].0 < 2 * SECOND && rows.len() <= 6
}

fn shown<T: ToString>(value: Option<T>) -> String {
    value.map_or_else(|| "∅".to_string(), |v| v.to_string())
}

const CALLS: &str = "count(*) AS c, sum(n) AS t, first(n) AS f, last(n) AS l, string_agg(k) AS ks, \
     window_start, window_end";

/// The values of [`CALLS`]; first, last and the texts by arrival.
fn values(rows: &[&Row], batch: &Batch) -> String {
    let numbers: Vec<i64> = rows.iter().filter_map(|r| r.3).collect();
    let keys: Vec<&str> = rows.iter().filter_map(|r| r.1.as_deref()).collect();
    [
        rows.len().to_string(),
        shown((!numbers.is_empty()).then(|| numbers.iter().sum::<i64>())),
        shown(rows[0].3),
        shown(rows[rows.len() - 1].3),
        shown((!keys.is_empty()).then(|| keys.join(","))),
        batch.start.to_string(),
        batch.end.to_string(),
    ]
    .join(" | ")
}

/// What is selected from each batch.
#[derive(Debug, Clone, Copy)]
enum Shape {
    All,
    Groups,
    Rows,
}

/// Results of `batches` as (entry, columns); only rows that `stay` count.
fn results(batches: &[Batch], stay: fn(&Row) -> bool, shape: Shape) -> Vec<(usize, String)> {
    let mut out = Vec::new();
    for batch in batches {
        let rows: Vec<&Row> = batch.rows.iter().filter(|r| stay(r)).collect();
        match shape {
            _ if rows.is_empty() => {}
            Shape::All => out.push((batch.entry, values(&rows, batch))),
            Shape::Groups => {
                let mut keys: Vec<&Option<String>> = Vec::new();
                rows.iter().for_each(|r| {
                    if !keys.contains(&&r.1) {
                        keys.push(&r.1)
                    }
                });
                for key in keys {
                    let group: Vec<&Row> = rows.iter().copied().filter(|r| r.1 == *key).collect();
                    out.push((batch.entry, format!("{} | {}", shown(key.as_ref()), values(&group, batch))));
                }
            }
            Shape::Rows => {
                let mut rows = rows;
                rows.sort_by_key(|r| (r.3.is_none(), r.3.map(|n| -n)));
                for row in rows.into_iter().take(3) {
                    let columns = [shown(row.1.as_ref()), shown(row.3), batch.start.to_string()];
                    out.push((batch.entry, columns.join(" | ")));
                }
            }
        }
    }
    out
}

fn columns(outcome: &Outcome) -> Vec<(usize, String)> {
    let line = |(text, &entry): (&String, &u64)| {
        (entry as usize, text.split_once("  ").expect("no change mark").1.to_string())
    };
    outcome.output.iter().zip(&outcome.entries).map(line).collect()
}

fn query(window: &str, shape: Shape, filter: Filter) -> String {
    let (before, after) = match filter {
        Filter::None => ("", ""),
        Filter::Before => ("WHERE n > 1", ""),
        Filter::After => ("", "WHERE n > 1"),
    };
    match shape {
        Shape::All => format!("SELECT {CALLS} FROM s {before} WINDOW {window} {after}"),
        Shape::Groups => format!("SELECT k, {CALLS} FROM s {before} WINDOW {window} {after} GROUP BY k"),
        Shape::Rows => format!(
            "SELECT k, n, window_start FROM s {before} WINDOW {window} {after} ORDER BY n DESC NULLS LAST LIMIT 3"
        ),
    }
}

/// Rows of the clock `event`: a stamp is the largest time so far.
fn by_event_time(rows: &Rows) -> Vec<Stamped> {
    let entry = |stamp: &mut i64, row: &Row| {
        *stamp = row.0.max(*stamp);
        Some((*stamp, Some(row.clone())))
    };
    rows.iter().scan(i64::MIN, entry).collect()
}

#[derive(Debug, Clone, Copy)]
enum Filter {
    None,
    Before,
    After,
}

type Kind = (&'static str, fn(&Input) -> Vec<Batch>);

/// 2023-11-14 22:13:20, when the rows begin.
const START: &str = "TIMESTAMP '2023-11-14 22:13:27'";
const START_NS: i64 = 1_700_000_007 * SECOND;

const KINDS: &[Kind] = &[
    ("LENGTHBATCH (5)", |i| length(i, 5)),
    ("LENGTHBATCH (1)", |i| length(i, 1)),
    ("TIMEBATCH (3 SECONDS)", |i| time(i, 3 * SECOND, None)),
    ("TIMEBATCH (100 MILLISECONDS)", |i| time(i, 100 * MILLISECOND, None)),
    ("TIMEBATCH (5 SECONDS, START @)", |i| time(i, 5 * SECOND, Some(START_NS))),
    ("CRON ('*/5 * * * * *')", |i| time(i, 5 * SECOND, Some(0))),
    ("CRON ('* * * * *')", |i| time(i, 60 * SECOND, Some(0))),
    ("BATCH", stamp),
    ("EXTERNALTIMEBATCH (ts, 4 SECONDS)", |i| external(i, |r| r.0, 4 * SECOND, None, None)),
    ("EXTERNALTIMEBATCH (ts, 4 SECONDS, START @)", |i| {
        external(i, |r| r.0, 4 * SECOND, Some(START_NS), None)
    }),
    ("EXTERNALTIMEBATCH (ts, 9 SECONDS, TIMEOUT 1 SECOND)", |i| {
        external(i, |r| r.0, 9 * SECOND, None, Some(SECOND))
    }),
    ("EXTERNALTIMEBATCH (coalesce(n, 3), 3 MILLISECONDS, TIMEOUT 2 SECONDS)", |i| {
        external(i, |r| r.3.unwrap_or(3) * MILLISECOND, 3 * MILLISECOND, None, Some(2 * SECOND))
    }),
    ("EXPRESSIONBATCH (sum(n) <= 12)", |i| condition(i, sum_at_most_12, false)),
    ("EXPRESSIONBATCH (sum(n) <= 12, INCLUDE_TRIGGERING TRUE)", |i| condition(i, sum_at_most_12, true)),
    ("EXPRESSIONBATCH (first.k = last.k)", |i| condition(i, same_key, false)),
    ("EXPRESSIONBATCH (last.ts - first.ts < INTERVAL '2' SECOND AND count(*) <= 6)", |i| {
        condition(i, short, false)
    }),
];

fn above_1(row: &Row) -> bool {
    row.3.is_some_and(|n| n > 1)
}

/// Every query with what it gives.
fn for_all(
    entries: &[Stamped],
    mut check: impl FnMut(&str, Vec<(usize, String)>) -> Result<(), TestCaseError>,
) -> Result<(), TestCaseError> {
    for &(window, batches_of) in KINDS {
        let window = window.replace('@', START);
        for filter in [Filter::None, Filter::Before, Filter::After] {
            let before = matches!(filter, Filter::Before);
            let batches = batches_of(&Input::new(entries, if before { above_1 } else { |_| true }));
            let stay: fn(&Row) -> bool = if matches!(filter, Filter::After) { above_1 } else { |_| true };
            for shape in [Shape::All, Shape::Groups, Shape::Rows] {
                check(&query(&window, shape, filter), results(&batches, stay, shape))?;
            }
        }
    }
    Ok(())
}

fn check(rows: &Rows, cuts: &[usize]) -> Result<(), TestCaseError> {
    for_all(&by_event_time(rows), |query, expected| {
        let single = run(query, rows, &Feed::Cut(vec![1]));
        prop_assert_eq!(&single.errors, &Vec::<String>::new(), "{}", query);
        prop_assert_eq!(columns(&single), expected, "{}", query);
        for feed in [Feed::Cut(cuts.to_vec()), Feed::Restore(cuts.to_vec())] {
            let pieces = run(query, rows, &feed);
            prop_assert_eq!(&pieces.output, &single.output, "regrouped: {}", query);
            prop_assert_eq!(pieces.hash, single.hash, "state hash: {}", query);
        }
        Ok(())
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(harness::cases(8)))]

    #[test]
    fn batches_hold_what_the_reference_holds(
        rows in harness::rows_on_edges(0..60),
        cuts in proptest::collection::vec(1usize..9, 1..12),
    ) {
        check(&rows, &cuts)?;
    }

    #[test]
    fn batches_by_the_wall_clock_close_with_its_ticks(entries in harness::stamped(1..50)) {
        for_all(&entries, |query, expected| {
            let found = run_stamped(query, &entries, false);
            prop_assert_eq!(columns(&found), expected, "{}", query);
            let restored = run_stamped(query, &entries, true);
            prop_assert_eq!(&restored.output, &found.output, "restored: {}", query);
            prop_assert_eq!(restored.hash, found.hash, "state hash after restore: {}", query);
            Ok(())
        })?;
    }

    /// A row without a time in its column is an error of that row, as in EXTERNALTIME.
    #[test]
    fn a_null_column_is_an_error_of_its_row(rows in harness::rows_on_edges(0..60)) {
        let window = "EXTERNALTIMEBATCH (n, 3 MILLISECONDS, TIMEOUT 2 SECONDS)";
        let input = Input::new(&by_event_time(&rows), |r| r.3.is_some());
        let column: fn(&Row) -> i64 = |r| r.3.expect("it entered") * MILLISECOND;
        let batches = external(&input, column, 3 * MILLISECOND, None, Some(2 * SECOND));
        for shape in [Shape::All, Shape::Groups, Shape::Rows] {
            let outcome = run(&query(window, shape, Filter::None), &rows, &Feed::Cut(vec![1]));
            prop_assert_eq!(columns(&outcome), results(&batches, |_| true, shape), "{:?}", shape);
            let codes: Vec<(usize, &str)> = outcome.errors.iter().map(|e| {
                let mut parts = e.split(' ');
                (parts.next().expect("row").parse().expect("number"), parts.next().expect("code"))
            }).collect();
            let expected: Vec<(usize, &str)> =
                (0..rows.len()).filter(|&r| rows[r].3.is_none()).map(|r| (r, "E1006")).collect();
            prop_assert_eq!(codes, expected, "{:?}", shape);
        }
    }
}

#[test]
fn batches_longer_than_a_step_hold_what_the_reference_holds() {
    check(&harness::many(1_200), &[1, 1023, 700, 5]).expect("the same");
}
