//! Output rates (R-SQL-8) against a slow reference: the rows of the query without its rate are kept
//! with the entry in which they came, and each period is cut out of them anew.

mod harness;

use std::collections::{BTreeMap, BTreeSet};

use harness::{Feed, Outcome, Rows, SECOND, Stamped, run, run_stamped};
use proptest::prelude::*;

/// A row of output: entry, change mark, group, columns.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Line {
    entry: u64,
    op: String,
    group: String,
    columns: String,
}

/// The first column is the group if there is one.
fn lines(outcome: &Outcome, grouped: bool) -> Vec<Line> {
    let line = |(text, &entry): (&String, &u64)| {
        let mut parts = text.splitn(3, ' ').skip(1).map(str::to_string);
        let (op, columns) = (parts.next().expect("op"), parts.next().expect("columns"));
        let group = columns.split(" | ").next().filter(|_| grouped).unwrap_or_default().to_string();
        Line { entry, op, group, columns }
    };
    outcome.output.iter().zip(&outcome.entries).map(line).collect()
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Every {
    Rows(usize),
    Ns(i64),
}

/// Rows of one period, those of `all[from..to]`, and the entry in which it ends.
struct Period {
    from: usize,
    to: usize,
    end: u64,
}

/// Cuts `all` into periods. `stamps` are those of entries 1, 2, …; the entry after them is the end of
/// input. A period by time ends when a stamp reaches its end, before the rows of that entry.
fn periods(all: &[Line], stamps: &[i64], every: Every) -> Vec<Period> {
    let last = stamps.len() as u64 + 1;
    let mut out = Vec::new();
    match every {
        Every::Rows(n) => {
            for from in (0..all.len()).step_by(n) {
                let to = from + n;
                let end = all.get(to - 1).map_or(last, |line| line.entry);
                out.push(Period { from, to: to.min(all.len()), end });
            }
        }
        Every::Ns(ns) => {
            let Some(first) = all.first() else { return out };
            let stamp_of = |entry: u64| stamps[(entry as usize - 1).min(stamps.len() - 1)];
            let start = stamp_of(first.entry);
            let (mut from, mut k) = (0, 1);
            while let Some(reached) = stamps.iter().position(|&s| s >= start + k * ns) {
                let end = reached as u64 + 1;
                let to = all.partition_point(|line| line.entry < end);
                out.push(Period { from, to, end });
                (from, k) = (to, k + 1);
            }
            out.push(Period { from, to: all.len(), end: last });
        }
    }
    out
}

/// Groups of `lines` in order of their first row.
fn groups(lines: &[Line]) -> Vec<&str> {
    let mut seen = BTreeSet::new();
    lines.iter().map(|l| l.group.as_str()).filter(|g| seen.insert(*g)).collect()
}

/// Whether the group has a row in the table that the changes make.
fn is_there(lines: &[Line], group: &str) -> bool {
    lines.iter().rfind(|l| l.group == group).is_some_and(|l| l.op != "-D")
}

/// `line` at another entry.
fn at(entry: u64, line: &Line) -> Line {
    Line { entry, ..line.clone() }
}

fn reference(kind: &str, all: &[Line], stamps: &[i64], every: Every) -> Vec<Line> {
    let mut out = Vec::new();
    for Period { from, to, end } in periods(all, stamps, every) {
        let period = &all[from..to];
        match kind {
            "ALL" => out.extend(period.iter().map(|l| at(end, l))),
            "FIRST" => {
                let mut seen = BTreeSet::new();
                out.extend(period.iter().filter(|l| seen.insert(&l.group)).cloned());
            }
            "LAST" => {
                for group in groups(period) {
                    let last = period.iter().rfind(|l| l.group == group).expect("it has a row");
                    let op = match (is_there(&all[..from], group), last.op.as_str()) {
                        (_, "") => "",
                        (false, "-D") => continue,
                        (true, "-D") => "-D",
                        (false, _) => "+I",
                        (true, _) => "+U",
                    };
                    out.push(Line { op: op.to_string(), ..at(end, last) });
                }
            }
            "SNAPSHOT" => {
                // A deleted group is forgotten: when it comes back it is the newest.
                let all = &all[..to];
                let since =
                    |g: &str| all.iter().rposition(|l| l.group == g && l.op == "-D").map_or(0, |d| d + 1);
                let first = |g: &str| (since(g)..to).find(|&l| all[l].group == g);
                let mut there: Vec<&str> = groups(all).into_iter().filter(|g| is_there(all, g)).collect();
                there.sort_by_key(|g| first(g));
                for group in there {
                    let last = all[..to].iter().rfind(|l| l.group == group).expect("it has a row");
                    let op = if last.op.is_empty() { "" } else { "+I" };
                    out.push(Line { op: op.to_string(), ..at(end, last) });
                }
            }
            _ => unreachable!("the four kinds"),
        }
    }
    out
}

/// Queries with the marks that matter to a rate: groups or none, plain rows, changes, deletions,
/// several rows at once, rows at the end of input.
const QUERIES: &[(&str, bool)] = &[
    ("SELECT k, v, n FROM s", false),
    ("SELECT k, v FROM s WHERE n > 2", false),
    ("SELECT k, n, count(*) AS c FROM s WINDOW LENGTH (4) GROUP BY k", true),
    ("SELECT k, count(*) AS c, sum(n) AS t FROM s GROUP BY k", true),
    ("SELECT k, sum(n) AS t FROM s GROUP BY k HAVING sum(n) % 3 <> 0", true),
    ("SELECT sum(n) AS t, count(*) AS c FROM s HAVING sum(n) % 2 = 0", false),
    ("SELECT k, count(*) AS c, window_end FROM s WINDOW TUMBLING (SIZE 3 SECONDS) GROUP BY k", true),
    ("SELECT k, n FROM s WINDOW LENGTHBATCH (5)", false),
];

const RATES: &[(&str, &str, Every)] = &[
    ("ALL", "1 EVENTS", Every::Rows(1)),
    ("ALL", "4 EVENTS", Every::Rows(4)),
    ("FIRST", "5 EVENTS", Every::Rows(5)),
    ("LAST", "5 EVENTS", Every::Rows(5)),
    ("LAST", "1 EVENTS", Every::Rows(1)),
    ("ALL", "3 SECONDS", Every::Ns(3 * SECOND)),
    ("FIRST", "4 SECONDS", Every::Ns(4 * SECOND)),
    ("LAST", "4 SECONDS", Every::Ns(4 * SECOND)),
    ("LAST", "100 MILLISECONDS", Every::Ns(SECOND / 10)),
    ("SNAPSHOT", "5 SECONDS", Every::Ns(5 * SECOND)),
    ("SNAPSHOT", "900 MILLISECONDS", Every::Ns(9 * SECOND / 10)),
];

fn stamps(rows: &Rows) -> Vec<i64> {
    let later = |stamp: &mut i64, row: &harness::Row| {
        *stamp = row.0.max(*stamp);
        Some(*stamp)
    };
    rows.iter().scan(i64::MIN, later).collect()
}

fn check(rows: &Rows, cuts: &[usize]) -> Result<(), TestCaseError> {
    for &(query, grouped) in QUERIES {
        let all = lines(&run(query, rows, &Feed::Cut(vec![1])), grouped);
        for &(kind, text, every) in RATES {
            let limited = format!("{query} OUTPUT {kind} EVERY {text}");
            let single = run(&limited, rows, &Feed::Cut(vec![1]));
            let expected = reference(kind, &all, &stamps(rows), every);
            prop_assert_eq!(&lines(&single, grouped), &expected, "{}", limited);
            for feed in [Feed::Cut(cuts.to_vec()), Feed::Restore(cuts.to_vec())] {
                let pieces = run(&limited, rows, &feed);
                prop_assert_eq!(&pieces.output, &single.output, "regrouped: {}", limited);
                prop_assert_eq!(pieces.hash, single.hash, "state hash: {}", limited);
            }
        }
    }
    Ok(())
}

/// The same by the wall clock, with ticks between the rows.
fn check_stamped(entries: &[Stamped]) -> Result<(), TestCaseError> {
    let stamps: Vec<i64> = entries.iter().map(|(stamp, _)| *stamp).collect();
    for &(query, grouped) in QUERIES {
        let all = lines(&run_stamped(query, entries, false), grouped);
        for &(kind, text, every) in RATES {
            let limited = format!("{query} OUTPUT {kind} EVERY {text}");
            let found = run_stamped(&limited, entries, false);
            prop_assert_eq!(lines(&found, grouped), reference(kind, &all, &stamps, every), "{}", limited);
            let restored = run_stamped(&limited, entries, true);
            prop_assert_eq!(&restored.output, &found.output, "restored: {}", limited);
            prop_assert_eq!(restored.hash, found.hash, "state hash after restore: {}", limited);
        }
    }
    Ok(())
}

/// The table that changes make; a change that does not fit the table is a failure.
fn folded(changes: &[Line]) -> Result<BTreeMap<String, String>, TestCaseError> {
    let mut table = BTreeMap::new();
    for Line { op, group, columns, .. } in changes {
        let before = match op.as_str() {
            "-D" => table.remove(group),
            _ => table.insert(group.clone(), columns.clone()),
        };
        prop_assert_eq!(op == "+I", before.is_none(), "{} {}", op, columns);
    }
    Ok(table)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(harness::cases(16)))]

    #[test]
    fn rates_let_through_what_the_reference_lets_through(
        rows in harness::rows_on_edges(0..50),
        cuts in proptest::collection::vec(1usize..9, 1..12),
    ) {
        check(&rows, &cuts)?;
    }

    #[test]
    fn rates_by_the_wall_clock_pass_with_its_ticks(entries in harness::stamped(1..50)) {
        check_stamped(&entries)?;
    }

    /// Changes thinned out by LAST make the same table as all of them.
    #[test]
    fn the_last_changes_make_the_table_of_all_changes(rows in harness::rows_on_edges(0..50), n in 1usize..9) {
        for (query, grouped) in QUERIES.iter().filter(|(q, _)| q.contains("sum(n)")) {
            let all = lines(&run(query, &rows, &Feed::Whole), *grouped);
            let last = lines(&run(&format!("{query} OUTPUT LAST EVERY {n} EVENTS"), &rows, &Feed::Whole), *grouped);
            prop_assert_eq!(folded(&last)?, folded(&all)?, "{}", query);
        }
    }
}

#[test]
fn periods_longer_than_a_step_are_cut_as_the_reference_cuts_them() {
    let rows = harness::many(2_500);
    check(&rows, &[1, 1023, 700, 5]).expect("the same");
}
