//! Joins with the version in force against a loop straight from the definition: random bounds of age, kinds
//! and rows; rows grouped in entries in several ways; rows in other orders within the lateness.

mod harness;

use harness::{Random, Row, SECOND, Step, each, play_all_ways, refusal};

/// Lateness of both streams, ns.
const LATENESS: i64 = 2 * SECOND;

/// Declares `s` and `u`; `with` are more options of `u`.
fn streams(with: &str) -> String {
    let one = |name: &str, with: &str| {
        format!(
            "CREATE STREAM {name} (ts TIMESTAMP, k STRING, v DOUBLE, n BIGINT) WITH (\"event.time\" = 'ts', \
             clock = 'event', \"watermark.lateness\" = '2 seconds', \"watermark.idle\" = '1 day'{with}); "
        )
    };
    one("s", "") + &one("u", with)
}

/// A row of one of the two streams.
#[derive(Clone, Debug)]
struct Event {
    /// 0: `s`, 1: `u`.
    stream: usize,
    row: Row,
}

/// A join with the version in force.
#[derive(Debug)]
struct Query {
    sql: String,
    with: String,
    outer: bool,
    keyed: bool,
    /// Ages of a version that counts, ns.
    least: i64,
    greatest: Option<i64>,
    /// Streams of the sides.
    streams: [usize; 2],
}

fn query(random: &mut Random) -> Query {
    let is_clause = random.one_in(3);
    let keyed = is_clause || !random.one_in(4);
    let outer = random.one_in(2);
    let streams = *random.pick(&[[0, 1], [1, 0], [0, 0]]);
    let names = streams.map(|at| ["s", "u"][at]);
    let length = |ns: i64| format!("INTERVAL '{}' MILLISECOND", ns / 1_000_000);
    let (mut least, mut greatest) = (0, None);
    let word = if outer { "LEFT JOIN" } else { "JOIN" };
    let key = *random.pick(&["ON l.k = r.k", "ON r.k || 'x' = l.k || 'x'", "USING (k)"]);
    let columns = "SELECT l.n AS a, r.n AS b FROM";
    let sql = if is_clause {
        format!("{columns} {} AS l {word} {} FOR SYSTEM_TIME AS OF l.ts AS r {key}", names[0], names[1])
    } else {
        let mut condition = match random.below(4) {
            0 => "l.ts >= r.ts".to_owned(),
            1 => {
                least = 1;
                "r.ts < l.ts".to_owned()
            }
            _ => {
                least = random.below(12) as i64 * SECOND / 4;
                format!("l.ts - {} >= r.ts", length(least))
            }
        };
        if random.one_in(2) {
            let age = least.max(random.below(16) as i64 * SECOND / 4);
            greatest = Some(age);
            condition += &format!(" AND l.ts - r.ts <= {}", length(age));
        }
        match (keyed, random.one_in(2)) {
            (true, true) if key != "USING (k)" => {
                format!("{columns} {} AS l ASOF {word} {} AS r {key} AND {condition}", names[0], names[1])
            }
            _ => {
                let key = if keyed { key } else { "" };
                let matched = format!("MATCH_CONDITION ({condition})");
                format!("{columns} {} AS l ASOF {word} {} AS r {matched} {key}", names[0], names[1])
            }
        }
    };
    let mut with = String::new();
    if random.one_in(4) {
        // `state.ttl` of the stream with the versions.
        let ttl = (1 + random.below(16) as i64) * SECOND / 4;
        with = format!(", \"state.ttl\" = '{} milliseconds'", ttl / 1_000_000);
        if streams[1] == 1 && ttl >= least {
            greatest = Some(greatest.map_or(ttl, |age| age.min(ttl)));
        } else {
            with.clear();
        }
    }
    Query { sql, with, outer, keyed, least, greatest, streams }
}

/// Random rows in the order of arrival: at most `spread` behind the latest one.
fn events(random: &mut Random, count: usize, spread: i64) -> Vec<Event> {
    let mut latest = 1_700_000_000 * SECOND;
    (0..count)
        .map(|at| {
            latest += random.below(4) as i64 * SECOND / 4;
            let back = if random.one_in(3) { random.below(9) as i64 * spread / 8 } else { 0 };
            let key = (!random.one_in(8)).then(|| format!("k{}", random.below(3)));
            Event { stream: random.below(2), row: (latest - back, key, Some(at as f64), Some(at as i64)) }
        })
        .collect()
}

fn steps(events: &[Event]) -> Vec<Step> {
    let runs = events.chunk_by(|a, b| a.stream == b.stream);
    runs.map(|run| Step::Rows(["s", "u"][run[0].stream], run.iter().map(|e| e.row.clone()).collect()))
        .collect()
}

/// For each row of the left side the last version in order of time, then arrival; how many rows are late.
fn by_definition(query: &Query, events: &[Event]) -> (Vec<String>, u64) {
    let mut sides: [Vec<&Row>; 2] = [Vec::new(), Vec::new()];
    let (mut latest, mut watermark, mut late) = ([i64::MIN; 2], i64::MIN, 0);
    for event in events {
        // A stream that had no row yet holds nothing back; a watermark never goes back.
        let seen = (0..2).filter(|&s| query.streams.contains(&s) && latest[s] > i64::MIN);
        let least = seen.map(|s| latest[s].saturating_sub(LATENESS)).min();
        watermark = watermark.max(least.unwrap_or(watermark));
        for side in [0, 1] {
            if query.streams[side] != event.stream {
                continue;
            }
            match event.row.0 < watermark {
                true => late += 1,
                false => sides[side].push(&event.row),
            }
        }
        latest[event.stream] = latest[event.stream].max(event.row.0);
    }
    let [mut left, mut right] = sides;
    left.sort_by_key(|row| row.0);
    right.sort_by_key(|row| row.0);
    let mut out = Vec::new();
    for l in left {
        let is_version = |r: &&&Row| {
            let age = l.0 - r.0;
            let same = !query.keyed || (l.1.is_some() && l.1 == r.1);
            same && age >= query.least && query.greatest.is_none_or(|greatest| age <= greatest)
        };
        match right.iter().rfind(is_version) {
            Some(r) => out.push(format!("{} | {}", l.3.expect("a number"), r.3.expect("a number"))),
            None if query.outer => out.push(format!("{} | ∅", l.3.expect("a number"))),
            None => {}
        }
    }
    (out, late)
}

#[test]
fn the_version_in_force_agrees_with_a_loop() {
    each(80, |random| {
        let query = query(random);
        let script = format!("{}{}", streams(&query.with), query.sql);
        for _ in 0..30 {
            let count = random.below(30);
            let events = events(random, count, 4 * SECOND);
            let (expected, late) = by_definition(&query, &events);
            let found = play_all_ways(&script, &steps(&events));
            assert_eq!(found.rows(), expected, "{query:?}\n{events:#?}");
            assert_eq!(found.late, late, "{query:?}\n{events:#?}");
            assert!(found.errors.is_empty(), "{:?}", found.errors);
        }
    });
}

#[test]
fn the_order_of_rows_within_the_lateness_does_not_matter() {
    each(40, |random| {
        let query = query(random);
        let script = format!("{}{}", streams(&query.with), query.sql);
        let count = random.below(40);
        let mut in_order = events(random, count, 0);
        // Of rows of one time the order is that of arrival, so let no two be of one time.
        in_order.iter_mut().enumerate().for_each(|(at, event)| event.row.0 += at as i64);
        let expected = by_definition(&query, &in_order).0;
        for _ in 0..10 {
            // Nobody is overtaken by a row that is so much later that it would be late.
            let mut moved: Vec<(i64, Event)> = in_order
                .iter()
                .map(|event| (event.row.0 + random.below(LATENESS as usize) as i64, event.clone()))
                .collect();
            moved.sort_by_key(|(at, _)| *at);
            let moved: Vec<Event> = moved.into_iter().map(|(_, event)| event).collect();
            let found = play_all_ways(&script, &steps(&moved));
            assert_eq!(found.late, 0, "{query:?}");
            assert_eq!(found.rows(), expected, "{query:?}\n{moved:#?}");
        }
    });
}

#[test]
fn no_row_is_late_for_a_window_behind_the_join() {
    each(20, |random| {
        let query = query(random);
        let script = format!(
            "{}{}; SELECT count(*) AS c FROM ({}) WINDOW TUMBLING (SIZE 1 SECOND)",
            streams(&query.with),
            query.sql,
            query.sql
        );
        for _ in 0..10 {
            let count = random.below(40);
            let found = play_all_ways(&script, &steps(&events(random, count, 0)));
            let of = |query: &'static str| found.output.iter().filter(move |line| line.starts_with(query));
            let counted: usize = of("Query(QueryId(1))")
                .map(|line| line.rsplit(' ').next().expect("a count").parse::<usize>().expect("a count"))
                .sum();
            assert_eq!(counted, of("Query(QueryId(0))").count(), "{query:?}");
            assert_eq!(found.late, 0, "{query:?}");
        }
    });
}

fn at(seconds: i64, k: &str, n: i64) -> Row {
    harness::row(1_700_000_000 + seconds, k, n as f64, n)
}

#[test]
fn rows_of_a_group_are_versions_until_it_is_gone() {
    // The sum of key a is in force from its rows on; HAVING takes it back.
    let script = streams("")
        + "SELECT l.n AS a, r.total FROM s AS l LEFT JOIN (SELECT k, sum(n) AS total FROM u GROUP BY k HAVING sum(n) < 100) \
           FOR SYSTEM_TIME AS OF l.ts AS r ON l.k = r.k";
    let found = play_all_ways(
        &script,
        &[
            // A stream without a row holds no watermark back.
            Step::Rows("s", vec![at(-1, "a", 0)]),
            Step::Rows("u", vec![at(0, "a", 10), at(10, "a", 20), at(20, "a", 90), at(30, "a", -50)]),
            Step::Rows("s", vec![at(8, "a", 1), at(10, "a", 2), at(19, "a", 3), at(25, "a", 4)]),
            Step::Rows("s", vec![at(30, "b", 5), at(31, "a", 6)]),
        ],
    );
    // Rows of `s` that come behind those of `u` are not late: the watermark is the smaller one of both.
    assert_eq!(found.rows(), ["0 | ∅", "1 | 10", "2 | 30", "3 | 30", "4 | ∅", "5 | ∅", "6 | 70"]);
    assert_eq!(found.late, 0);
}

#[test]
fn what_a_stream_of_groups_holds_has_a_key() {
    let script = streams("")
        + "CREATE STREAM totals AS SELECT k AS name, sum(n) AS total FROM u GROUP BY k; \
           SELECT l.n AS a, r.total FROM s AS l JOIN totals FOR SYSTEM_TIME AS OF l.ts AS r ON l.k = r.name";
    let rows = [
        Step::Rows("u", vec![at(0, "a", 10), at(10, "a", 20)]),
        Step::Rows("s", vec![at(9, "a", 1), at(10, "a", 2), at(11, "b", 3)]),
    ];
    assert_eq!(play_all_ways(&script, &rows).rows(), ["1 | 10", "2 | 30"]);
    let other = script.replace("l.k = r.name", "l.n = r.total");
    assert!(refusal(&other).contains("replace each other by the key"), "{}", refusal(&other));
}

#[test]
fn a_join_that_keeps_too_many_rows_says_so() {
    let rows = || {
        [
            Step::Rows("u", vec![at(0, "a", 1), at(1, "b", 2), at(2, "c", 3)]),
            Step::Rows("s", vec![at(3, "a", 4)]),
            Step::Rows("u", vec![at(50, "d", 5)]),
            Step::Rows("s", vec![at(51, "a", 6), at(60, "c", 7)]),
        ]
    };
    for (over, expected, errors) in [
        // Three are kept: a, b, c; row 4 has no room, d neither.
        ("fail", vec![], 4),
        ("reject", vec![], 0),
        // No version is in force yet when row 4 comes, so it has no room; then a and b leave for d and 6.
        ("evict", vec!["7 | 3"], 0),
    ] {
        let with = format!(", \"join.rows.max\" = '3', \"join.rows.over\" = '{over}'");
        let script = streams(&with).replace("'1 day')", &format!("'1 day', \"join.rows.over\" = '{over}')"))
            + "SELECT l.n AS a, r.n AS b FROM s AS l JOIN u FOR SYSTEM_TIME AS OF l.ts AS r ON l.k = r.k";
        let found = play_all_ways(&script, &rows());
        assert_eq!(found.rows(), expected, "{over}: {:?}", found.errors);
        assert_eq!(found.errors.len(), errors, "{over}: {:?}", found.errors);
    }
}
