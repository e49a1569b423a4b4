//! GROUP BY and DISTINCT without a window (R-SQL-3a) against a slow reference: for every row its group
//! is computed from all rows of its key that have not been forgotten.

mod harness;

use harness::{Feed, Row, Rows, SECOND, run};
use proptest::prelude::*;

/// Bounds of the state. Not both at once: when forgotten keys make room for others is not promised.
#[derive(Debug, Clone, Copy)]
struct Limits {
    ttl: Option<i64>,
    keys: usize,
}

/// A key with its rows since it was last forgotten.
struct Group {
    key: Option<String>,
    rows: Vec<Row>,
    touched: i64,
    /// Its row in the output.
    shown: Option<String>,
}

fn shown<T: ToString>(value: Option<T>) -> String {
    value.map_or_else(|| "∅".to_string(), |v| v.to_string())
}

/// Output of `SELECT k, count(*), sum(n), first(n), last(n) … GROUP BY k` of the groups for which
/// `having` holds, and the numbers of the rows for which there was no room.
fn reference(rows: &Rows, limits: Limits, having: fn(&[Row]) -> bool) -> (Vec<String>, Vec<usize>) {
    let mut groups: Vec<Group> = Vec::new();
    let (mut out, mut refused) = (Vec::new(), Vec::new());
    let mut stamp = i64::MIN;
    for (at, row) in rows.iter().enumerate() {
        stamp = stamp.max(row.0);
        groups.retain(|g| limits.ttl.is_none_or(|ttl| stamp - g.touched <= ttl));
        let known = groups.iter().position(|g| g.key == row.1);
        if known.is_none() && groups.len() == limits.keys {
            refused.push(at);
            continue;
        }
        let nth = known.unwrap_or(groups.len());
        if known.is_none() {
            groups.push(Group { key: row.1.clone(), rows: Vec::new(), touched: stamp, shown: None });
        }
        let group = &mut groups[nth];
        group.rows.push(row.clone());
        group.touched = stamp;
        let holds = having(&group.rows);
        let numbers: Vec<i64> = group.rows.iter().filter_map(|r| r.3).collect();
        let columns = [
            shown(group.key.as_ref()),
            group.rows.len().to_string(),
            shown((!numbers.is_empty()).then(|| numbers.iter().sum::<i64>())),
            shown(group.rows[0].3),
            shown(row.3),
        ];
        let now = holds.then(|| columns.join(" | "));
        // What is deleted is the row that was there.
        out.extend(match (group.shown.take(), &now) {
            (None, Some(row)) => Some(format!("+I {row}")),
            (Some(_), Some(row)) => Some(format!("+U {row}")),
            (Some(row), None) => Some(format!("-D {row}")),
            (None, None) => None,
        });
        group.shown = now;
    }
    (out, refused)
}

fn is_odd(rows: &[Row]) -> bool {
    rows.iter().filter_map(|r| r.3).sum::<i64>() % 2 != 0
}

fn script(query: &str, limits: Limits) -> String {
    let ttl = limits
        .ttl
        .map_or(String::new(), |ttl| format!(", \"state.ttl\" = '{} milliseconds'", ttl / 1_000_000));
    format!(
        "CREATE STREAM s (ts TIMESTAMP, k STRING, v DOUBLE, n BIGINT) WITH (\"event.time\" = 'ts', \
         clock = 'event', \"state.keys.max\" = {}{ttl}); {query}",
        limits.keys
    )
}

fn check(rows: &Rows, cuts: &[usize], limits: Limits) -> Result<(), TestCaseError> {
    let query = "SELECT k, count(*) AS c, sum(n) AS t, first(n) AS f, last(n) AS l FROM s GROUP BY k";
    let all: fn(&[Row]) -> bool = |_| true;
    for (having, holds) in [("", all), ("HAVING sum(n) % 2 <> 0", is_odd as fn(&[Row]) -> bool)] {
        let query = script(&format!("{query} {having}"), limits);
        let single = run(&query, rows, &Feed::Cut(vec![1]));
        let (expected, refused) = reference(rows, limits, holds);
        let found: Vec<&str> = single.output.iter().map(|l| l.split_once(' ').expect("output").1).collect();
        prop_assert_eq!(found, expected, "{}", query);
        let errors: Vec<String> =
            single.errors.iter().map(|e| e.split(' ').take(2).collect::<Vec<_>>().join(" ")).collect();
        prop_assert_eq!(
            errors,
            refused.iter().map(|r| format!("{r} E1010")).collect::<Vec<_>>(),
            "{}",
            query
        );
        for feed in [Feed::Whole, Feed::Cut(cuts.to_vec()), Feed::Restore(cuts.to_vec())] {
            let pieces = run(&query, rows, &feed);
            prop_assert_eq!(&pieces.output, &single.output, "regrouped: {}", query);
            prop_assert_eq!(&pieces.errors, &single.errors, "regrouped: {}", query);
            prop_assert_eq!(pieces.hash, single.hash, "state hash: {}", query);
        }
    }
    let query = script("SELECT DISTINCT k FROM s", limits);
    let found = run(&query, rows, &Feed::Cut(cuts.to_vec()));
    let (changes, _) = reference(rows, limits, all);
    let new = changes.iter().filter_map(|l| l.strip_prefix("+I ")).map(|l| l.split(" | ").next().expect("k"));
    let found: Vec<&str> =
        found.output.iter().map(|l| l.split_once("  ").expect("no change mark").1).collect();
    prop_assert_eq!(found, new.collect::<Vec<_>>(), "{}", query);
    Ok(())
}

/// Rows of five keys and some of many keys.
fn rows() -> impl Strategy<Value = Rows> {
    (harness::rows_on_edges(0..60), proptest::collection::vec(0u8..20, 60)).prop_map(|(mut rows, keys)| {
        for (row, key) in rows.iter_mut().zip(keys).filter(|(_, key)| *key > 10) {
            row.1 = Some(format!("k{key}"));
        }
        rows
    })
}

fn limits() -> impl Strategy<Value = Limits> {
    prop_oneof![
        (2usize..8).prop_map(|keys| Limits { ttl: None, keys }),
        (1i64..12).prop_map(|halves| Limits { ttl: Some(halves * SECOND / 2), keys: 1_000_000 }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(harness::cases(64)))]

    #[test]
    fn groups_change_as_the_reference_says(
        rows in rows(),
        cuts in proptest::collection::vec(1usize..9, 1..12),
        limits in limits(),
    ) {
        check(&rows, &cuts, limits)?;
    }
}

#[test]
fn groups_of_many_steps_change_as_the_reference_says() {
    let rows = harness::many(3_000);
    for limits in [Limits { ttl: Some(SECOND / 5), keys: 100 }, Limits { ttl: None, keys: 6 }] {
        check(&rows, &[1, 1023, 700, 5], limits).expect("the same");
    }
}
