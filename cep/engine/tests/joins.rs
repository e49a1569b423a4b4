//! Joins against nested loops straight from the definition: random conditions, bounds and rows; rows
//! grouped in entries in several ways; rows in other orders within the lateness.

mod harness;

use harness::{Random, Row, SECOND, Step, each, play_all_ways};

/// Lateness of both streams, ns.
const LATENESS: i64 = 2 * SECOND;

const STREAMS: &str = "CREATE STREAM s (ts TIMESTAMP, k STRING, v DOUBLE, n BIGINT) WITH (\"event.time\" = 'ts', \
     clock = 'event', \"watermark.lateness\" = '2 seconds', \"watermark.idle\" = '1 day'); \
     CREATE STREAM u (ts TIMESTAMP, k STRING, v DOUBLE, n BIGINT) WITH (\"event.time\" = 'ts', clock = 'event', \
     \"watermark.lateness\" = '2 seconds', \"watermark.idle\" = '1 day'); ";

/// A row of one of the two streams.
#[derive(Clone, Debug)]
struct Event {
    /// 0: `s`, 1: `u`.
    stream: usize,
    row: Row,
}

/// A condition on a pair: SQL, and whether it is TRUE.
type Condition = (&'static str, fn(&Row, &Row) -> bool);

fn less(a: Option<f64>, b: Option<f64>) -> bool {
    matches!((a, b), (Some(a), Some(b)) if a < b)
}

const SAME_KEY: Condition = ("l.k = r.k", |l, r| l.1.is_some() && l.1 == r.1);

const CONDITIONS: &[Condition] = &[
    ("TRUE", |_, _| true),
    ("l.v < r.v", |l, r| less(l.2, r.2)),
    ("r.v IS NULL OR l.v >= r.v", |l, r| match (l.2, r.2) {
        (_, None) => true,
        (Some(l), Some(r)) => l >= r,
        (None, Some(_)) => false,
    }),
    ("NOT (l.v = r.v)", |l, r| matches!((l.2, r.2), (Some(a), Some(b)) if a != b)),
    ("l.k || 'x' = r.k || 'x'", |l, r| l.1.is_some() && l.1 == r.1),
    ("(l.n + r.n) % 3 <> 0", |l, r| (l.3.unwrap_or(0) + r.3.unwrap_or(0)) % 3 != 0),
];

/// How the rows of a side are kept: SQL behind the stream, and what it means.
#[derive(Clone, Copy, Debug)]
enum Kept {
    Passing,
    Length(usize),
    Time(i64),
    TimeLength(i64, usize),
    External(i64),
}

impl Kept {
    fn sql(self) -> String {
        match self {
            Kept::Passing => "UNIDIRECTIONAL".to_owned(),
            Kept::Length(n) => format!("WINDOW LENGTH ({n})"),
            Kept::Time(d) => format!("WINDOW TIME ({d} MILLISECONDS)"),
            Kept::TimeLength(d, n) => format!("WINDOW TIMELENGTH ({d} MILLISECONDS, {n})"),
            Kept::External(d) => format!("WINDOW EXTERNALTIME (ts, {d} MILLISECONDS)"),
        }
    }

    fn any(random: &mut Random) -> Kept {
        let (d, n) = (250 * (1 + random.below(16) as i64), 1 + random.below(5));
        *random.pick(&[Kept::Length(n), Kept::Time(d), Kept::TimeLength(d, n), Kept::External(d)])
    }
}

/// INNER, LEFT, RIGHT, FULL: which sides are outer.
const KINDS: &[(&str, [bool; 2])] = &[
    ("JOIN", [false, false]),
    ("LEFT JOIN", [true, false]),
    ("RIGHT OUTER JOIN", [false, true]),
    ("FULL JOIN", [true, true]),
];

struct Query {
    sql: String,
    outer: [bool; 2],
    conditions: Vec<Condition>,
    /// Streams of the sides.
    streams: [usize; 2],
}

impl Query {
    fn stands(&self, left: &Row, right: &Row) -> bool {
        self.conditions.iter().all(|(_, holds)| holds(left, right))
    }
}

/// `FROM l … JOIN r … ON …`; `time` is one more condition.
fn query(random: &mut Random, sides: [String; 2], time: Option<String>) -> Query {
    let (kind, outer) = *random.pick(KINDS);
    let mut conditions: Vec<Condition> = Vec::new();
    if !random.one_in(4) {
        conditions.push(SAME_KEY);
    }
    if !random.one_in(3) {
        conditions.push(*random.pick(CONDITIONS));
    }
    let streams = *random.pick(&[[0, 1], [0, 1], [1, 0], [0, 0]]);
    let mut terms: Vec<String> = conditions.iter().map(|(sql, _)| format!("({sql})")).collect();
    terms.extend(time);
    let is_inner = outer == [false, false];
    // An inner join may have its condition, or a part of it, in WHERE.
    let split = if is_inner && random.one_in(3) { random.below(terms.len() + 1) } else { terms.len() };
    let (on, filter) = terms.split_at(split);
    let on = if on.is_empty() { "TRUE".to_owned() } else { on.join(" AND ") };
    let filter = if filter.is_empty() { String::new() } else { format!(" WHERE {}", filter.join(" AND ")) };
    let name = |at: usize| ["s", "u"][streams[at]];
    let sql = format!(
        "SELECT l.n AS a, r.n AS b, l.v, r.k FROM {} AS l {} {kind} {} AS r {} ON {on}{filter}",
        name(0),
        sides[0],
        name(1),
        sides[1],
    );
    Query { sql, outer, conditions, streams }
}

fn line(left: Option<&Row>, right: Option<&Row>) -> String {
    let number = |row: Option<&Row>| row.and_then(|r| r.3).map_or("∅".to_owned(), |n| n.to_string());
    let value = left.and_then(|r| r.2).map_or("∅".to_owned(), |v| format!("{v:?}"));
    let key = right.and_then(|r| r.1.clone()).unwrap_or_else(|| "∅".to_owned());
    format!("{} | {} | {value} | {key}", number(left), number(right))
}

/// Random rows of both streams; times within `spread` behind the latest.
fn events(random: &mut Random, count: usize, spread: i64) -> Vec<Event> {
    let mut latest = 1_700_000_000 * SECOND;
    (0..count)
        .map(|at| {
            latest += random.below(4) as i64 * SECOND / 4;
            let back = if random.one_in(3) { random.below(9) as i64 * spread / 8 } else { 0 };
            let key = (!random.one_in(8)).then(|| format!("k{}", random.below(3)));
            let value = (!random.one_in(8)).then(|| random.below(5) as f64);
            Event { stream: random.below(2), row: (latest - back, key, value, Some(at as i64)) }
        })
        .collect()
}

fn steps(events: &[Event]) -> Vec<Step> {
    let runs = events.chunk_by(|a, b| a.stream == b.stream);
    runs.map(|run| Step::Rows(["s", "u"][run[0].stream], run.iter().map(|e| e.row.clone()).collect()))
        .collect()
}

/// A row kept by a window.
struct Held {
    row: Row,
    stamp: i64,
    matched: bool,
}

/// Windows, row by row: what is kept is looked through for every row.
fn by_windows(query: &Query, kept: [Kept; 2], events: &[Event]) -> Vec<String> {
    let mut out = Vec::new();
    let mut held: [Vec<Held>; 2] = [Vec::new(), Vec::new()];
    let mut stamp = i64::MIN;
    let alone =
        |side: usize, row: &Row| if side == 0 { line(Some(row), None) } else { line(None, Some(row)) };
    for event in events {
        stamp = stamp.max(event.row.0);
        // Rows leave by stamp before the row comes: the earliest first, of the left side first.
        loop {
            let due = |side: usize| {
                let size = match kept[side] {
                    Kept::Time(ms) | Kept::TimeLength(ms, _) => ms * 1_000_000,
                    _ => return None,
                };
                let first = held[side].first()?;
                (first.stamp + size <= stamp).then_some(side)
            };
            let Some(side) = due(0).or_else(|| due(1)) else { break };
            let left = held[side].remove(0);
            if query.outer[side] && !left.matched {
                out.push(alone(side, &left.row));
            }
        }
        for side in [0, 1] {
            if query.streams[side] != event.stream {
                continue;
            }
            let mut gone = Vec::new();
            match kept[side] {
                Kept::Length(n) | Kept::TimeLength(_, n) if held[side].len() == n => gone.push(0),
                Kept::External(ms) => {
                    let limit = event.row.0 - ms * 1_000_000;
                    let mut old: Vec<usize> =
                        (0..held[side].len()).filter(|&at| held[side][at].row.0 <= limit).collect();
                    old.sort_by_key(|&at| held[side][at].row.0);
                    gone = old;
                }
                _ => {}
            }
            for &at in &gone {
                if query.outer[side] && !held[side][at].matched {
                    out.push(alone(side, &held[side][at].row));
                }
            }
            let mut at = 0;
            held[side].retain(|_| {
                at += 1;
                !gone.contains(&(at - 1))
            });
            let mut matched = false;
            let passes = |side: usize| matches!(kept[side], Kept::Passing);
            if !passes(1 - side) {
                for other in &mut held[1 - side] {
                    let (l, r) = if side == 0 { (&event.row, &other.row) } else { (&other.row, &event.row) };
                    if query.stands(l, r) {
                        out.push(line(Some(l), Some(r)));
                        (matched, other.matched) = (true, true);
                    }
                }
            }
            if !passes(side) {
                held[side].push(Held { row: event.row.clone(), stamp, matched });
            } else if query.outer[side] && !matched {
                out.push(alone(side, &event.row));
            }
        }
    }
    for side in [0, 1] {
        let left = held[side].iter().filter(|held| query.outer[side] && !held.matched);
        out.extend(left.map(|held| alone(side, &held.row)));
    }
    out
}

/// All pairs of rows that are not late, then the rows without one; how many are late.
fn by_interval(query: &Query, range: (i64, i64), events: &[Event]) -> (Vec<String>, Vec<String>, u64) {
    let mut sides: [Vec<(Row, bool)>; 2] = [Vec::new(), Vec::new()];
    let mut latest = [i64::MIN; 2];
    let (mut pairs, mut late) = (Vec::new(), 0);
    let read = |stream: usize| query.streams.contains(&stream);
    let mut watermark = i64::MIN;
    for event in events {
        // A stream that had no row yet holds nothing back; a watermark never goes back.
        let seen = (0..2).filter(|&s| read(s) && latest[s] > i64::MIN);
        let least = seen.map(|s| latest[s].saturating_sub(LATENESS)).min();
        watermark = watermark.max(least.unwrap_or(watermark));
        for side in [0, 1] {
            if query.streams[side] != event.stream {
                continue;
            }
            if event.row.0 < watermark {
                late += 1;
                continue;
            }
            let mut matched = false;
            for (other, found) in &mut sides[1 - side] {
                let (l, r) = if side == 0 { (&event.row, &*other) } else { (&*other, &event.row) };
                if (range.0..=range.1).contains(&(r.0 - l.0)) && query.stands(l, r) {
                    pairs.push(line(Some(l), Some(r)));
                    (matched, *found) = (true, true);
                }
            }
            sides[side].push((event.row.clone(), matched));
        }
        latest[event.stream] = latest[event.stream].max(event.row.0);
    }
    let mut alone = Vec::new();
    for side in [0, 1] {
        for (row, _) in sides[side].iter().filter(|(_, matched)| query.outer[side] && !matched) {
            alone.push(if side == 0 { line(Some(row), None) } else { line(None, Some(row)) });
        }
    }
    (pairs, alone, late)
}

/// The same bounds, written in one of many ways.
fn bounds(random: &mut Random, (low, high): (i64, i64)) -> String {
    let length = |ns: i64| format!("INTERVAL '{}' MILLISECOND", ns / 1_000_000);
    let (lo, hi) = (length(low), length(high));
    match random.below(6) {
        0 => format!("r.ts BETWEEN l.ts + {lo} AND l.ts + {hi}"),
        1 => format!("l.ts <= r.ts - {lo} AND l.ts >= r.ts - {hi}"),
        2 => format!("r.ts - l.ts >= {lo} AND {hi} >= r.ts - l.ts"),
        3 => format!("l.ts - r.ts BETWEEN {} AND {}", length(-high), length(-low)),
        4 => format!("r.ts + {} > l.ts AND r.ts - {hi} <= l.ts", length(-low + 1_000_000)).replace(
            &format!("r.ts + {} > l.ts", length(-low + 1_000_000)),
            &format!("NOT (r.ts < l.ts + {lo}) AND r.ts >= l.ts + {lo}"),
        ),
        _ => format!("l.ts + {lo} <= r.ts AND NOT (l.ts IS NULL) AND r.ts <= {hi} + l.ts"),
    }
}

fn sorted(lines: impl IntoIterator<Item = impl ToString>) -> Vec<String> {
    let mut all: Vec<String> = lines.into_iter().map(|line| line.to_string()).collect();
    all.sort();
    all
}

#[test]
fn windows_agree_with_nested_loops() {
    each(40, |random| {
        let mut kept = [Kept::any(random), Kept::any(random)];
        if random.one_in(4) {
            kept[random.below(2)] = Kept::Passing;
        }
        let query = query(random, kept.map(Kept::sql), None);
        let script = format!("{STREAMS}{}", query.sql);
        for _ in 0..30 {
            let count = random.below(30);
            let events = events(random, count, 3 * SECOND);
            let expected = by_windows(&query, kept, &events);
            let found = play_all_ways(&script, &steps(&events));
            assert_eq!(found.rows(), expected, "{}\n{kept:?}\n{events:#?}", query.sql);
            assert_eq!(found.late, 0, "windows by stamp have no late rows");
            assert!(found.errors.is_empty(), "{:?}", found.errors);
        }
    });
}

#[test]
fn intervals_agree_with_nested_loops() {
    each(40, |random| {
        let low = (random.below(17) as i64 - 8) * SECOND / 4;
        let range = (low, low + random.below(12) as i64 * SECOND / 4);
        let time = bounds(random, range);
        let query = query(random, [String::new(), String::new()], Some(time));
        let script = format!("{STREAMS}{}", query.sql);
        for _ in 0..30 {
            let count = random.below(30);
            let events = events(random, count, 4 * SECOND);
            let (pairs, alone, late) = by_interval(&query, range, &events);
            let found = play_all_ways(&script, &steps(&events));
            let context = || format!("{}\n{range:?}\n{events:#?}", query.sql);
            // Pairs come in the order in which their later rows arrive.
            let in_order: Vec<&str> =
                found.rows().into_iter().filter(|line| pairs.iter().any(|pair| pair == line)).collect();
            assert_eq!(in_order, pairs, "{}", context());
            assert_eq!(sorted(found.rows()), sorted(pairs.iter().chain(&alone)), "{}", context());
            assert_eq!(found.late, late, "{}", context());
            assert!(found.errors.is_empty(), "{:?}", found.errors);
        }
    });
}

#[test]
fn the_order_of_rows_within_the_lateness_does_not_matter() {
    each(40, |random| {
        let low = (random.below(17) as i64 - 8) * SECOND / 4;
        let range = (low, low + random.below(12) as i64 * SECOND / 4);
        let time = bounds(random, range);
        let query = query(random, [String::new(), String::new()], Some(time));
        let script = format!("{STREAMS}{}", query.sql);
        let count = random.below(40);
        let in_order = events(random, count, 0);
        let expected = sorted(play_all_ways(&script, &steps(&in_order)).rows());
        for _ in 0..10 {
            // Nobody is overtaken by a row that is so much later that it would be late.
            let mut moved: Vec<(i64, Event)> = in_order
                .iter()
                .map(|event| (event.row.0 + random.below(LATENESS as usize) as i64, event.clone()))
                .collect();
            moved.sort_by_key(|(at, _)| *at);
            let moved: Vec<Event> = moved.into_iter().map(|(_, event)| event).collect();
            let found = play_all_ways(&script, &steps(&moved));
            assert_eq!(found.late, 0, "{}", query.sql);
            assert_eq!(sorted(found.rows()), expected, "{}\n{moved:#?}", query.sql);
        }
    });
}

/// TUMBLING and HOP: the rows of each window, all of them with all.
fn by_closes(query: &Query, (size, slide): (i64, i64), events: &[Event]) -> Vec<String> {
    let mut out = Vec::new();
    let times = || events.iter().map(|event| event.row.0);
    let (Some(first), Some(last)) = (times().min(), times().max()) else { return out };
    let mut start = (first - size).div_euclid(slide) * slide;
    while start <= last {
        let inside = |side: usize| {
            let rows = events.iter().filter(move |event| query.streams[side] == event.stream);
            rows.filter(|event| (start..start + size).contains(&event.row.0)).map(|event| &event.row)
        };
        let mut matched = [Vec::new(), Vec::new()];
        for l in inside(0) {
            for r in inside(1).filter(|r| query.stands(l, r)) {
                out.push(line(Some(l), Some(r)));
                matched[0].push(l.3);
                matched[1].push(r.3);
            }
        }
        for side in [0, 1] {
            for row in inside(side).filter(|row| query.outer[side] && !matched[side].contains(&row.3)) {
                out.push(if side == 0 { line(Some(row), None) } else { line(None, Some(row)) });
            }
        }
        start += slide;
    }
    out
}

#[test]
fn windows_that_close_agree_with_nested_loops() {
    each(20, |random| {
        let slide = 250 * (1 + random.below(8) as i64);
        let size = slide * *random.pick(&[1, 1, 2, 3]);
        let window = match size == slide {
            true => format!("WINDOW TUMBLING (SIZE {size} MILLISECONDS)"),
            false => format!("WINDOW HOP (SIZE {size} MILLISECONDS, SLIDE {slide} MILLISECONDS)"),
        };
        let query = query(random, [window.clone(), window], None);
        let script = format!("{STREAMS}{}", query.sql);
        for _ in 0..20 {
            let count = random.below(30);
            // Nothing is late: a stream before its first row holds nothing back, but its rows are in order.
            let events = events(random, count, 0);
            let found = play_all_ways(&script, &steps(&events));
            let expected = by_closes(&query, (size * 1_000_000, slide * 1_000_000), &events);
            assert_eq!(found.rows(), expected, "{}\n{events:#?}", query.sql);
            assert_eq!(found.late, 0);
        }
    });
}

#[test]
fn a_join_that_keeps_too_many_rows_says_so() {
    let rows =
        |from: i64, n: i64| (from..from + n).map(|i| harness::row(1_700_000_000 + i, "a", 1.0, i)).collect();
    for (over, pairs, errors) in [("fail", 2, 1), ("reject", 2, 0), ("evict", 2, 0)] {
        let script = format!(
            "CREATE STREAM s (ts TIMESTAMP, k STRING, v DOUBLE, n BIGINT) WITH (\"event.time\" = 'ts', clock = 'event', \
             \"join.rows.max\" = '2', \"join.rows.over\" = '{over}'); \
             CREATE STREAM u (ts TIMESTAMP, k STRING, v DOUBLE, n BIGINT) WITH (\"event.time\" = 'ts', clock = 'event', \
             \"join.rows.over\" = '{over}'); \
             SELECT l.n AS a, r.n AS b FROM s WINDOW TIME (1 HOUR) AS l JOIN u AS r UNIDIRECTIONAL ON l.k = r.k"
        );
        let found = play_all_ways(&script, &[Step::Rows("s", rows(0, 3)), Step::Rows("u", rows(10, 1))]);
        assert_eq!(found.rows().len(), pairs, "{over}: {:?}", found.output);
        assert_eq!(found.errors.len(), errors, "{over}: {:?}", found.errors);
        let first = if over == "evict" { "1 | 10" } else { "0 | 10" };
        assert_eq!(found.rows()[0], first, "{over}");
    }
}

#[test]
fn rows_without_a_partner_are_not_late_for_a_window_below() {
    each(20, |random| {
        let low = (random.below(17) as i64 - 8) * SECOND / 4;
        let range = (low, low + random.below(12) as i64 * SECOND / 4);
        let time = bounds(random, range);
        let join = query(random, [String::new(), String::new()], Some(time)).sql;
        let script =
            format!("{STREAMS}{join}; SELECT count(*) AS c FROM ({join}) WINDOW TUMBLING (SIZE 1 SECOND)");
        for _ in 0..10 {
            let count = random.below(40);
            let in_order = events(random, count, 0);
            let found = play_all_ways(&script, &steps(&in_order));
            let of = |query: &'static str| found.output.iter().filter(move |line| line.starts_with(query));
            let counted: usize = of("Query(QueryId(1))")
                .map(|line| line.rsplit(' ').next().expect("a count").parse::<usize>().expect("a count"))
                .sum();
            assert_eq!(counted, of("Query(QueryId(0))").count(), "{join}");
            assert_eq!(found.late, 0, "{join}");
        }
    });
}
