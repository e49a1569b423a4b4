//! PATTERN, SEQUENCE and MATCH_RECOGNIZE: golden plans, types, and what is refused.

use std::fmt::Write as _;

use expect_test::{Expect, expect};

use super::{columns, errors, plan};

/// The streams of these tests.
const MORE: &str = "
CREATE STREAM a (ts TIMESTAMP, k STRING, v INT) WITH (\"event.time\" = 'ts');
CREATE STREAM b (ts TIMESTAMP, k STRING, v INT, s STRUCT<x INT, y STRING>) WITH (\"event.time\" = 'ts', \"pattern.runs.max\" = 50, \"pattern.runs.over\" = 'evict');
CREATE STREAM c (k BIGINT, w DOUBLE NOT NULL, j JSON);
";

#[track_caller]
fn golden(sql: &str, expected: &Expect) {
    expected.assert_eq(&plan(&format!("{MORE}{sql}")));
}

#[test]
fn the_pattern_of_the_specification() {
    golden(
        "SELECT e1.symbol, e1.price AS from_price, e2[last].price AS to_price, count(e2) AS n, avg(e2.price) AS mean
         FROM PATTERN (EVERY e1 = trades[price > 90] -> e2 = trades[symbol = e1.symbol]{2,5} -> NOT trades[volume = 0] FOR 10 SECONDS)
         WITHIN 1 MINUTE PARTITION BY symbol
         WHERE e2.price > e1.price HAVING mean > 10",
        &expect![[r#"
            query query_1 → print, append
              project e1.symbol AS symbol, e1.price AS from_price, e2[last].price AS to_price, count(e2) AS n, avg(e2.price) AS mean
                filter e2.price > e1.price AND avg(e2.price) > 10.0
                  pattern in log order: EVERY e1 -> e2{2,5} -> NOT trades FOR 10s
                    e1: price > 90.0
                    e2: symbol = e1.symbol
                    trades: volume = 0
                    keys: symbol
                    within: 1m
                    next match: as EVERY says
                    rows: one a match
                    columns: e1.symbol, e1.price, e2.price AS e2[last].price, count(*) of e2 AS count(e2), avg(price) of e2 AS avg(e2.price), e2.price
                    state: at most 100000 partial matches of all keys; a row begins no more of them then
                    scan trades
        "#]],
    );
}

#[test]
fn several_streams_are_one_input() {
    golden(
        "SELECT a.v, b.s.y AS y, c.w FROM PATTERN (EVERY a -> b[v > a.v AND s.x = 1] AND NOT c[w > a.v] -> c) PARTITION BY CAST(k AS STRING) WITHIN 10 EVENTS",
        &expect![[r#"
            query query_1 → print, append
              project a.v AS v, b.s.y AS y, c.w AS w
                pattern in log order: EVERY a -> (b & NOT c_2) -> c
                  a of a: any row
                  b of b: v > a.v AND CAST(get_field(s, 'x') AS BIGINT) = 1
                  c_2 of c: w > CAST(a.v AS DOUBLE)
                  c of c: any row
                  keys: _key8
                  within: 10 events
                  next match: as EVERY says
                  rows: one a match
                  columns: a.v, get_field(b.s, 'y') AS b.s.y, c.w
                  state: at most 50 partial matches of all keys; the oldest is given up then
                  union
                    project 0 AS _stream, ts, k, v, NULL AS s, NULL AS k, NULL AS w, NULL AS j, k AS _key8
                      scan a
                    project 1 AS _stream, ts, k, v, s, NULL AS k, NULL AS w, NULL AS j, k AS _key8
                      scan b
                    project 2 AS _stream, NULL AS ts, NULL AS k, NULL AS v, NULL AS s, k, w, j, CAST(k AS STRING) AS _key8
                      scan c
        "#]],
    );
}

#[test]
fn a_key_of_one_type_is_a_column_of_the_union() {
    golden(
        "SELECT e.v FROM SEQUENCE (EVERY e = a, f = b+, g = a) PARTITION BY k ORDER BY ts",
        &expect![[r#"
            query query_1 → print, append
              project e.v AS v
                sequence in event-time order: EVERY (e -> f+ -> g)
                  e of a: any row
                  f of b: any row
                  g of a: any row
                  keys: k
                  next match: as EVERY says
                  rows: one a match
                  columns: e.v
                  state: at most 50 partial matches of all keys; the oldest is given up then, nothing else bounds how long one is kept
                  union
                    project 0 AS _stream, ts, k, v, NULL AS s
                      scan a
                    project 1 AS _stream, ts, k, v, s
                      scan b
        "#]],
    );
}

#[test]
fn rows_of_an_element() {
    golden(
        "SELECT e[0].v AS first_v, e[1].v AS second_v, e[last].v AS last_v, e[last - 1].v AS before_v, e.v AS same, first(e.v) AS f, last(e.v, 2) AS l, sum(e.v) FILTER (WHERE e.v > 0) AS s, f.*, match_start, match_end
         FROM PATTERN (EVERY (e = a[v > e[last].v OR e[last].v IS NULL]{3,} -> f = a[v < e[0].v AND v < avg(e.v) AND count(f) < 9]+) WITHIN 5 SECONDS)",
        &expect![[r#"
            query query_1 → print, append
              project e[0].v AS first_v, e[1].v AS second_v, e[last].v AS last_v, e[last - 1].v AS before_v, e.v AS same, first(e.v) AS f, last(e.v, 2) AS l, sum(e.v) FILTER (WHERE e.v > 0) AS s, f.ts AS ts, f.k AS k, f.v AS v, match_start, match_end
                pattern in log order: EVERY (e{3,} -> f+) WITHIN 5s
                  e: v > last(e.v, 1) OR last(e.v, 1) IS NULL
                  f: v < first(e.v) AND CAST(v AS DOUBLE) < avg(v) of e AND count(*) of f < 9
                  next match: as EVERY says
                  rows: one a match
                  columns: first(e.v) AS e[0].v, first(e.v, 1) AS e[1].v, e.v AS e[last].v, last(e.v, 1) AS e[last - 1].v, e.v, first(e.v), last(e.v, 2), sum(v) FILTER (WHERE CAST(v AS BIGINT) > 0) of e AS sum(e.v) FILTER (WHERE e.v > 0), f.ts, f.k, f.v, match_start, match_end
                  state: at most 100000 partial matches of all keys; a row begins no more of them then
                  scan a
        "#]],
    );
}

#[test]
fn its_own_rows_before() {
    golden(
        "SELECT e.v FROM PATTERN (e = a[e[0].v < 5 AND e[last - 1].v > e.v AND a.v > v AND sum(v) > 3]{2})",
        &expect![[r#"
            query query_1 → print, append
              project e.v AS v
                pattern in log order: e{2}
                  e: CAST(CASE WHEN classifier(last(e, 1)) IS NOT NULL THEN first(e.v) END AS BIGINT) < 5 AND last(e.v, 2) > v AND v > v AND sum(v) of e > 3
                  next match: as EVERY says
                  rows: one a match
                  columns: e.v
                  state: at most 100000 partial matches of all keys; a row begins no more of them then, nothing else bounds how long one is kept
                  scan a
        "#]],
    );
}

#[test]
fn groups_bounds_and_skips() {
    golden(
        "SELECT e1.v, timed_out FROM PATTERN (((EVERY (e1 = a -> e2 = a) WITHIN 5 SECONDS) OR e3 = a{2}) -> (e4 = a AND e5 = b AND NOT (a OR b)) -> NOT (a[v = 1] OR b) FOR 5 SECONDS)
         WITHIN 1 HOUR AND 100 EVENTS AND 5 SECONDS BETWEEN STEPS AFTER MATCH SKIP TO FIRST e5 WITH TIMED OUT MATCHES",
        &expect![[r#"
            query query_1 → print, append
              project e1.v AS v, timed_out
                pattern in log order: (EVERY (e1 -> e2) WITHIN 5s | e3{2}) -> (e4 & e5 & NOT a & NOT b) -> (NOT a_2 FOR 5s & NOT b_2 FOR 5s)
                  e1 of a: any row
                  e2 of a: any row
                  e3 of a: any row
                  e4 of a: any row
                  e5 of b: any row
                  a of a: any row
                  b of b: any row
                  a_2 of a: CAST(v AS BIGINT) = 1
                  b_2 of b: any row
                  within: 1h AND 100 events AND 5s between steps
                  next match: at the first row of e5
                  rows: one a match, and one a partial match that times out
                  columns: e1.v, timed_out
                  state: at most 50 partial matches of all keys; the oldest is given up then
                  union
                    project 0 AS _stream, ts, k, v, NULL AS s
                      scan a
                    project 1 AS _stream, ts, k, v, s
                      scan b
        "#]],
    );
}

#[test]
fn every_at_the_head_of_a_sequence_is_of_the_whole() {
    golden(
        "SELECT x.v FROM SEQUENCE (EVERY x = a, a[v > x.v]+, a WITHIN 5 SECONDS); SELECT x.v FROM SEQUENCE (EVERY (x = a, a), a)",
        &expect![[r#"
            query query_1 → print, append
              project x.v AS v
                sequence in log order: EVERY (x -> a+ -> a_2) WITHIN 5s
                  x: any row
                  a: v > x.v
                  a_2: any row
                  next match: as EVERY says
                  rows: one a match
                  columns: x.v
                  state: at most 100000 partial matches of all keys; a row begins no more of them then
                  scan a
            query query_2 → print, append
              project x.v AS v
                sequence in log order: EVERY ((x -> a) -> a_2)
                  x: any row
                  a: any row
                  a_2: any row
                  next match: as EVERY says
                  rows: one a match
                  columns: x.v
                  state: at most 100000 partial matches of all keys; a row begins no more of them then, nothing else bounds how long one is kept
                  scan a
        "#]],
    );
}

#[test]
fn a_window_stands_on_matches_that_come_with_their_last_row() {
    golden(
        "SELECT count(*) AS n FROM (SELECT e.v AS v, match_end FROM PATTERN (EVERY e = a -> b)) WINDOW TUMBLING (SIZE 1 MINUTE);
         SELECT v, row_number() OVER (ORDER BY match_end) AS n FROM (SELECT e.v AS v, match_end FROM PATTERN (EVERY e = a -> b))",
        &expect![[r#"
            query query_1 → print, append
              window tumbling, size 1m
                keys: window_start, window_end
                aggregates: count(*)
                then project count(*) AS n
                state: one entry a group and open window
                project e.v AS v, match_end
                  pattern in log order: EVERY e -> b
                    e of a: any row
                    b of b: any row
                    next match: as EVERY says
                    rows: one a match
                    columns: e.v, match_end
                    state: at most 50 partial matches of all keys; the oldest is given up then, nothing else bounds how long one is kept
                    union
                      project 0 AS _stream, ts, k, v, NULL AS s
                        scan a
                      project 1 AS _stream, ts, k, v, s
                        scan b
            query query_2 → print, append
              project v, row_number() AS n
                over (ORDER BY match_end) in event-time order
                  row_number()
                  state: the frames of at most 1000000 partitions
                  project e.v AS v, match_end
                    pattern in log order: EVERY e -> b
                      e of a: any row
                      b of b: any row
                      next match: as EVERY says
                      rows: one a match
                      columns: e.v, match_end
                      state: at most 50 partial matches of all keys; the oldest is given up then, nothing else bounds how long one is kept
                      union
                        project 0 AS _stream, ts, k, v, NULL AS s
                          scan a
                        project 1 AS _stream, ts, k, v, s
                          scan b
        "#]],
    );
    let refused = errors(&format!(
        "{MORE}SELECT count(*) AS n FROM (SELECT e.v AS v FROM PATTERN (EVERY e = a -> NOT b FOR 5 SECONDS)) WINDOW TUMBLING (SIZE 1 MINUTE)"
    ));
    expect![[r#"
        E0406: this pattern keeps rows back until the watermark has passed them; this window would drop them as late at «WINDOW TUMBLING (SIZE 1 MINUTE)»
          help: put the window below, or give the rows a stream with an event time of its own: CREATE STREAM d WITH ("event.time" = 'ts') AS SELECT …
    "#]].assert_eq(&refused);
}

#[test]
fn over_and_distinct_stand_above() {
    golden(
        "SELECT DISTINCT e1.k, row_number() OVER (PARTITION BY e1.k) AS n, sum(e1.v) OVER w AS s FROM PATTERN (EVERY e1 = a) WHERE v > 1 WINDOW w AS (PARTITION BY e1.k) QUALIFY n < 5",
        &expect![[r#"
            query query_1 → print, append
              distinct
                keys: k, n, s
                state: at most 1000000 keys
                project e1.k AS k, row_number() AS n, sum(e1.v) ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW AS s
                  filter row_number() < 5
                    over (PARTITION BY e1.k) in arrival order
                      row_number()
                      sum(e1.v) ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
                      state: the frames of at most 1000000 partitions
                      filter CAST(v AS BIGINT) > 1
                        pattern in log order: EVERY e1
                          e1: any row
                          next match: as EVERY says
                          rows: one a match
                          columns: e1.k, e1.v, e1.v AS v
                          state: at most 100000 partial matches of all keys; a row begins no more of them then, nothing else bounds how long one is kept
                          scan a
        "#]],
    );
}

#[test]
fn a_pattern_over_common_table_expressions() {
    golden(
        "WITH big AS (SELECT k AS id, v FROM a WHERE v > 10) SELECT x.id, y.v FROM PATTERN (EVERY x = big -> y = b[k = x.id])",
        &expect![[r#"
            query query_1 → print, append
              project x.id AS id, y.v AS v
                pattern in log order: EVERY x -> y
                  x of a: any row
                  y of b: k = x.id
                  next match: as EVERY says
                  rows: one a match
                  columns: x.id, y.v
                  state: at most 50 partial matches of all keys; the oldest is given up then, nothing else bounds how long one is kept
                  union
                    project 0 AS _stream, k AS id, v, NULL AS ts, NULL AS k, NULL AS s
                      filter CAST(v AS BIGINT) > 10
                        scan a
                    project 1 AS _stream, NULL AS id, v, ts, k, s
                      scan b
        "#]],
    );
}

#[test]
fn match_recognize_of_the_standard() {
    golden(
        "SELECT * FROM trades MATCH_RECOGNIZE (
            PARTITION BY symbol ORDER BY ts
            MEASURES A.ts AS start_ts, LAST(D.ts) AS bottom_ts, FIRST(U.price, 1) AS up, FINAL LAST(price) AS last_price, RUNNING sum(price * volume) AS turnover, count(*) AS n, count(D.*) AS falls, CLASSIFIER() AS c, MATCH_NUMBER() AS m, PREV(LAST(D.price, 1), 2) AS p, NEXT(price) AS nx, MATCH_ROWTIME() AS t
            ONE ROW PER MATCH AFTER MATCH SKIP TO LAST UD
            PATTERN (^ A D+ U+? (X | Y)* {- Z -} PERMUTE(P, Q) ()? $) WITHIN INTERVAL '1' DAY
            SUBSET UD = (U, D)
            DEFINE D AS price < PREV(price), U AS U.price > LAST(D.price) AND UD.price > 0 AND avg(U.price) > FIRST(A.price) AND CLASSIFIER() = 'U' AND PREV(U.price, 3) > 1 AND NEXT(price) > 2 AND PREV(LAST(D.price, 1)) > 0
         ) AS m",
        &expect![[r#"
            query query_1 → print, append
              match_recognize in event-time order: ^ -> A -> D+ -> U+? -> (X | Y)* -> {- Z -} -> PERMUTE(P, Q) -> ()? -> $
                A: any row
                D: price < prev(price, 1)
                U: price > D.price AND price > 0.0 AND avg(price) of U > first(A.price) AND classifier() = 'U' AND prev(price, 3) > 1.0 AND next(price, 1) > 2.0 AND prev(last(D.price, 1), 1) > 0.0
                X: any row
                Y: any row
                Z: any row
                P: any row
                Q: any row
                keys: symbol
                within: 1d
                next match: at the last row of U, D
                rows: one a match
                columns: symbol, A.ts AS start_ts, D.ts AS bottom_ts, first(U.price, 1) AS up, last(price) AS last_price, sum(price * CAST(volume AS DOUBLE)) of all rows AS turnover, count(*) of all rows AS n, count(*) of D AS falls, classifier(last()) AS c, match_number() AS m, prev(last(D.price, 1), 2) AS p, next(last(price), 1) AS nx, match_end AS t
                state: at most 100000 partial matches of all keys; a row begins no more of them then
                scan trades
        "#]],
    );
}

#[test]
fn all_rows_per_match() {
    golden(
        "SELECT * FROM trades[volume > 0] MATCH_RECOGNIZE (PARTITION BY symbol ORDER BY ts MEASURES FINAL LAST(B.price) AS f, coalesce(B.price, 0) AS r ALL ROWS PER MATCH WITH UNMATCHED ROWS PATTERN (A B*) DEFINE B AS price > A.price);
         SELECT m.num FROM (SELECT * FROM arrivals) MATCH_RECOGNIZE (MEASURES MATCH_NUMBER() AS num ALL ROWS PER MATCH OMIT EMPTY MATCHES AFTER MATCH SKIP TO NEXT ROW PATTERN (A*)) AS m WHERE m.k = 'x'",
        &expect![[r#"
            query query_1 → print, append
              match_recognize in event-time order: A -> B*
                A: any row
                B: price > A.price
                keys: symbol
                next match: past the last row
                rows: all, matched or not
                columns: symbol, ts, CASE WHEN match_number() IS NOT NULL THEN final B.price END AS f, CASE WHEN match_number() IS NOT NULL THEN CASE WHEN B.price IS NOT NULL THEN B.price ELSE 0.0 END END AS r, price, volume
                state: at most 100000 partial matches of all keys; a row begins no more of them then, nothing else bounds how long one is kept
                filter volume > 0
                  scan trades
            query query_2 → print, append
              project num
                filter k = 'x'
                  match_recognize in log order: A*
                    A: any row
                    next match: at the row after the first
                    rows: all of a match
                    columns: match_number() AS num, k, n
                    state: at most 100000 partial matches of all keys; a row begins no more of them then, nothing else bounds how long one is kept
                    scan arrivals
        "#]],
    );
}

#[test]
fn columns_have_the_types_of_what_they_read() {
    let mut out = String::new();
    for sql in [
        "SELECT e1.price, e2.volume AS v2, count(e2) AS n, e1.ts, timed_out, match_end FROM PATTERN (EVERY e1 = trades -> e2 = trades) WITHIN 1 MINUTE WITH TIMED OUT MATCHES",
        "SELECT x.j, x.w, y.s, y.s.x AS sx FROM PATTERN (EVERY x = c -> y = b)",
        "SELECT * FROM trades MATCH_RECOGNIZE (PARTITION BY symbol MEASURES MATCH_NUMBER() AS m, CLASSIFIER() AS c, avg(volume) AS a, A.price + 1 AS p PATTERN (A))",
        "SELECT * FROM c MATCH_RECOGNIZE (MEASURES j AS last_j, sum(w) AS s ALL ROWS PER MATCH PATTERN (A))",
    ] {
        let _ = writeln!(out, "{sql}\n  {}", columns(&format!("{MORE}{sql}")));
    }
    expect![[r#"
        SELECT e1.price, e2.volume AS v2, count(e2) AS n, e1.ts, timed_out, match_end FROM PATTERN (EVERY e1 = trades -> e2 = trades) WITHIN 1 MINUTE WITH TIMED OUT MATCHES
          price DOUBLE, v2 BIGINT, n BIGINT, ts TIMESTAMP, timed_out BOOL, match_end TIMESTAMP
        SELECT x.j, x.w, y.s, y.s.x AS sx FROM PATTERN (EVERY x = c -> y = b)
          j JSON, w DOUBLE, s STRUCT<x INT, y STRING>, sx INT
        SELECT * FROM trades MATCH_RECOGNIZE (PARTITION BY symbol MEASURES MATCH_NUMBER() AS m, CLASSIFIER() AS c, avg(volume) AS a, A.price + 1 AS p PATTERN (A))
          symbol STRING, m BIGINT, c STRING, a DOUBLE, p DOUBLE
        SELECT * FROM c MATCH_RECOGNIZE (MEASURES j AS last_j, sum(w) AS s ALL ROWS PER MATCH PATTERN (A))
          last_j JSON, s DOUBLE, k BIGINT, w DOUBLE, j JSON
    "#]].assert_eq(&out);
}

#[test]
fn refusals_of_patterns() {
    let mut out = String::new();
    for sql in [
        "SELECT 1 AS x FROM PATTERN (nope)",
        "SELECT e1.v FROM PATTERN (e1 = a -> e1 = b)",
        "SELECT e1.v FROM PATTERN (e1 = a -> NOT b)",
        "SELECT e1.v FROM PATTERN (e1 = a -> NOT e2 = b FOR 1 SECOND)",
        "SELECT e1.v FROM PATTERN (e1 = a -> NOT (b -> c) FOR 1 SECOND)",
        "SELECT e1.v FROM PATTERN (NOT a AND NOT b)",
        "SELECT e1.v FROM PATTERN (e1 = a* -> e2 = b?)",
        "SELECT e1.v FROM PATTERN (EVERY e1 = a*)",
        "SELECT e1.v FROM SEQUENCE (e1 = a, EVERY e2 = b)",
        "SELECT e1.v FROM PATTERN (e1 = a[v > e2.v] -> e2 = b)",
        "SELECT e1.v FROM PATTERN (e1 = a[v])",
        "SELECT e1.v FROM PATTERN (e1 = a[vv > 1])",
        "SELECT e1.v FROM PATTERN (e1 = a[prev(v) > 1])",
        "SELECT e1.v FROM PATTERN (e1 = a[last(v) > 1])",
        "SELECT e1.v FROM PATTERN (e1 = a -> a[a.v > 1] -> a)",
        "SELECT e1.vv FROM PATTERN (e1 = a)",
        "SELECT e3.v FROM PATTERN (e1 = a)",
        "SELECT nope FROM PATTERN (e1 = a)",
        "SELECT k FROM PATTERN (e1 = a -> e2 = b)",
        "SELECT e1.v, e2.v FROM PATTERN (e1 = a -> e2 = b)",
        "SELECT e1[x].v FROM PATTERN (e1 = a)",
        "SELECT e1[0] FROM PATTERN (e1 = a)",
        "SELECT sum(e1[0].v) AS s FROM PATTERN (e1 = a)",
        "SELECT sum(e1.v + e2.v) AS s FROM PATTERN (e1 = a -> e2 = b)",
        "SELECT * FROM PATTERN (e1 = a)",
        "SELECT count(*) AS n FROM PATTERN (e1 = a)",
        "SELECT e1.k, count(e1) AS n FROM PATTERN (e1 = a) GROUP BY e1.k",
        "SELECT e1.k FROM PATTERN (e1 = a) WHERE e1.v > 0 ORDER BY e1.k",
        "SELECT e1.k, timed_out FROM PATTERN (e1 = a)",
        "SELECT e1.k FROM PATTERN (e1 = a) WITH TIMED OUT",
        "SELECT e1.k FROM PATTERN (e1 = a) ORDER BY v",
        "SELECT e1.k FROM PATTERN (e1 = a) ORDER BY ts DESC",
        "SELECT e1.k FROM PATTERN (e1 = a) ORDER BY ts, v",
        "SELECT e1.k FROM PATTERN (e1 = a -> e2 = arrivals) PARTITION BY v",
        "SELECT e1.v FROM PATTERN (e1 = a -> e2 = c) PARTITION BY k",
        "SELECT e1.k FROM PATTERN (e1 = a -> e2 = arrivals) PARTITION BY k ORDER BY ts",
        "SELECT e1.k FROM PATTERN (e1 = a) AFTER MATCH SKIP TO e7",
        "SELECT classifier() AS c FROM PATTERN (e1 = a)",
        "SELECT e1.k FROM PATTERN (e1 = g)",
        "SELECT max_forever(e1.v) AS m FROM PATTERN (e1 = a)",
    ] {
        let with = "CREATE VIEW g AS SELECT k, count(*) AS n FROM a GROUP BY k;";
        let _ = write!(out, "{sql}\n  {}", errors(&format!("{MORE}{with}{sql}")));
    }
    expect![[r#"
        SELECT 1 AS x FROM PATTERN (nope)
          E0201: there is no stream, view, table or aggregation `nope` at «nope»
          help: declare it first: CREATE STREAM nope (…) WITH (…)
        SELECT e1.v FROM PATTERN (e1 = a -> e1 = b)
          E1101: two elements are called `e1` at «e1»
          help: give one of them another name
        SELECT e1.v FROM PATTERN (e1 = a -> NOT b)
          E1102: when is it certain that no such row came? NOT needs a time, or another part beside it at «NOT b»
          help: write NOT s FOR 10 SECONDS, or e2 = t AND NOT s
        SELECT e1.v FROM PATTERN (e1 = a -> NOT e2 = b FOR 1 SECOND)
          E1101: `e2` is behind NOT: it has no rows, so it needs no name at «e2»
          help: leave out the name; its own columns need none in its condition
        SELECT e1.v FROM PATTERN (e1 = a -> NOT (b -> c) FOR 1 SECOND)
          E1102: NOT is of single rows: s[condition], or one of several with OR at «(b -> c)»
          help: write NOT s FOR 10 SECONDS or NOT (s OR t) FOR 10 SECONDS
        SELECT e1.v FROM PATTERN (NOT a AND NOT b)
          E1102: nothing here says when it is over at «NOT a AND NOT b»
          help: give one NOT a time: NOT a FOR 10 SECONDS, or write a part that must come beside it
        SELECT e1.v FROM PATTERN (e1 = a* -> e2 = b?)
          E1102: no row at all would be a match: every part may be left out at «e1 = a* -> e2 = b?»
          help: let one part occur at least once: e1 = s+
        SELECT e1.v FROM PATTERN (EVERY e1 = a*)
          E1102: EVERY of something that may be left out at «EVERY e1 = a*»
          help: let it occur at least once: EVERY e1 = s+
        SELECT e1.v FROM SEQUENCE (e1 = a, EVERY e2 = b)
          E1102: EVERY stands at the beginning of a SEQUENCE at «EVERY e2 = b»
          help: write SEQUENCE (EVERY (a, b)), or PATTERN, where EVERY stands anywhere
        SELECT e1.v FROM PATTERN (e1 = a[v > e2.v] -> e2 = b)
          E1105: `e2` comes after `e1`, so it has no rows yet at «e2.v»
          help: put the condition on `e2`, which comes later
        SELECT e1.v FROM PATTERN (e1 = a[v])
          E0307: a condition is TRUE or FALSE, and this is INT at «v»
          help: compare it with something
        SELECT e1.v FROM PATTERN (e1 = a[vv > 1])
          E0202: there is no column `vv` at «vv»
          help: did you mean `v`?
        SELECT e1.v FROM PATTERN (e1 = a[prev(v) > 1])
          E1105: PREV and NEXT stand in MATCH_RECOGNIZE only at «v»
          help: take the row before of the same element: e1[last - 1].price
        SELECT e1.v FROM PATTERN (e1 = a[last(v) > 1])
          E1105: the rows of which element? `v` alone is the row that is tested at «v»
          help: name the element: LAST(e1.v)
        SELECT e1.v FROM PATTERN (e1 = a -> a[a.v > 1] -> a)
          E0203: several elements are of the stream `a` at «a.v»
          help: give them names: e1 = a
        SELECT e1.vv FROM PATTERN (e1 = a)
          E0202: `e1` has no column `vv` at «e1.vv»
          help: did you mean `v`?
        SELECT e3.v FROM PATTERN (e1 = a)
          E0202: `e3` is neither an element nor a column at «e3»
          help: columns belong to elements, as in e1.price; text takes single quotes
        SELECT nope FROM PATTERN (e1 = a)
          E0202: there is no column `nope` at «nope»
          help: columns belong to elements, as in e1.price; text takes single quotes
        SELECT k FROM PATTERN (e1 = a -> e2 = b)
          E0203: several elements have a column `k` at «k»
          help: say of which one: e1.k
        SELECT e1.v, e2.v FROM PATTERN (e1 = a -> e2 = b)
          E0205: two columns are called `v` at «e2.v»
          help: name one of them with AS
        SELECT e1[x].v FROM PATTERN (e1 = a)
          E1105: `e1[x]` is no row of `e1` at «e1»
          help: write e1[0], e1[1], e1[last] or e1[last - 1]
        SELECT e1[0] FROM PATTERN (e1 = a)
          E1105: `e1[0]` is a row, not a value at «e1»
          help: name one of its columns: e1[0].price
        SELECT sum(e1[0].v) AS s FROM PATTERN (e1 = a)
          E1105: SUM chooses the rows of `e1` itself at «e1»
          help: leave out the index, or write e1[…] without SUM
        SELECT sum(e1.v + e2.v) AS s FROM PATTERN (e1 = a -> e2 = b)
          E1105: SUM reads columns of two variables at «sum»
          help: write one SUM for each of them
        SELECT * FROM PATTERN (e1 = a)
          E0611: `*` alone has no meaning over a pattern at «*»
          help: name the columns, or all of an element: e1.*
        SELECT count(*) AS n FROM PATTERN (e1 = a)
          E1105: an aggregate in a pattern is over the rows of an element, and this one names none at «count»
          help: count rows of an element: count(e1); count matches around the pattern: SELECT count(*) FROM (SELECT … FROM PATTERN (…)) …
        SELECT e1.k, count(e1) AS n FROM PATTERN (e1 = a) GROUP BY e1.k
          E0607: GROUP BY does not stand directly over a pattern, where aggregates are over the rows of a match at «e1.k»
          help: put the pattern into a query of its own: SELECT s, count(*) FROM (SELECT e1.symbol AS s FROM PATTERN (…)) GROUP BY s
        SELECT e1.k FROM PATTERN (e1 = a) WHERE e1.v > 0 ORDER BY e1.k
          E0703: ORDER BY needs all rows first, and these never end at «SELECT e1.k FROM PATTERN (e1 = a) WHERE e1.v > 0»
          help: ORDER BY the event time stands directly behind PATTERN (…), before WHERE
        SELECT e1.k, timed_out FROM PATTERN (e1 = a)
          E1103: no partial match comes out here, so none is timed out at «timed_out»
          help: write WITH TIMED OUT MATCHES behind the pattern
        SELECT e1.k FROM PATTERN (e1 = a) WITH TIMED OUT
          E1103: no partial match ever times out: nothing bounds its time at «WITH TIMED OUT»
          help: write WITHIN 1 MINUTE behind the pattern
        SELECT e1.k FROM PATTERN (e1 = a) ORDER BY v
          E1106: a pattern is ordered by the event time of its rows, ascending at «v»
          help: write ORDER BY ts, or leave it out to take rows as they stand in the log
        SELECT e1.k FROM PATTERN (e1 = a) ORDER BY ts DESC
          E1106: a pattern is ordered by the event time of its rows, ascending at «ts»
          help: write ORDER BY ts, or leave it out to take rows as they stand in the log
        SELECT e1.k FROM PATTERN (e1 = a) ORDER BY ts, v
          E1106: rows of one event time keep the order of the log; no other column orders them at «v»
          help: leave out what stands behind the event time
        SELECT e1.k FROM PATTERN (e1 = a -> e2 = arrivals) PARTITION BY v
          E0202: `arrivals` has no column `v`, and every stream of the pattern needs the key at «v»
          help: give it one: WITH x AS (SELECT …, id AS key FROM arrivals) and use x in the pattern
        SELECT e1.v FROM PATTERN (e1 = a -> e2 = c) PARTITION BY k
          E0304: the key is STRING in `a` and BIGINT in `c` at «k»
          help: convert one of them in a common table expression: CAST(x AS type)
        SELECT e1.k FROM PATTERN (e1 = a -> e2 = arrivals) PARTITION BY k ORDER BY ts
          E1106: a pattern is ordered by the event time of its rows, ascending at «ts»
          help: write ORDER BY ts, or leave it out to take rows as they stand in the log
        SELECT e1.k FROM PATTERN (e1 = a) AFTER MATCH SKIP TO e7
          E1104: `e7` is no variable of the pattern at «e7»
          help: did you mean `e1`?
        SELECT classifier() AS c FROM PATTERN (e1 = a)
          E1105: CLASSIFIER stands in MATCH_RECOGNIZE only at «classifier»
          help: elements of PATTERN and SEQUENCE are told apart by their names
        SELECT e1.k FROM PATTERN (e1 = g)
          E0701: a pattern cannot take rows that are replaced or taken back later at «g»
          help: put a window on its input, then its rows are final: WINDOW TUMBLING (SIZE 1 MINUTE)
        SELECT max_forever(e1.v) AS m FROM PATTERN (e1 = a)
          E0904: an aggregate in a pattern is over the rows of a match, and minForever and maxForever are over more at «max_forever(e1.v)»
          help: use min or max
    "#]].assert_eq(&out);
}

#[test]
fn refusals_of_match_recognize() {
    let mut out = String::new();
    for clauses in [
        "ORDER BY price MEASURES A.price AS p PATTERN (A)",
        "ORDER BY ts DESC MEASURES A.price AS p PATTERN (A)",
        "ORDER BY ts, price MEASURES A.price AS p PATTERN (A)",
        "PATTERN (A)",
        "MEASURES A.price AS p PATTERN (A) DEFINE B AS price > 1",
        "MEASURES A.price AS p PATTERN (A) DEFINE A AS price > 1, a AS price > 2",
        "MEASURES A.price AS p PATTERN (A) DEFINE A AS FINAL LAST(A.price) > 1",
        "MEASURES A.price AS p PATTERN (A) DEFINE A AS price",
        "MEASURES B.price AS p PATTERN (A)",
        "MEASURES A.pryce AS p PATTERN (A)",
        "MEASURES A.price AS p PATTERN (A) SUBSET U = (A, B)",
        "MEASURES A.price AS p PATTERN (A) SUBSET A = (A)",
        "MEASURES A.price AS p PATTERN (A B) SUBSET U = (A, A)",
        "MEASURES A.price AS p AFTER MATCH SKIP TO LAST B PATTERN (A)",
        "MEASURES A.price AS p ALL ROWS PER MATCH WITH UNMATCHED ROWS PATTERN (A {- B -})",
        "MEASURES A.price AS p PATTERN (A {- B {- C -} -})",
        "MEASURES A.price AS p, A.volume AS p PATTERN (A)",
        "MEASURES A.price AS volume ALL ROWS PER MATCH PATTERN (A)",
        "PARTITION BY lower(symbol) MEASURES A.price AS p PATTERN (A)",
        "MEASURES PREV(A.price + B.price) AS p PATTERN (A B)",
        "MEASURES PREV(1) AS p PATTERN (A B)",
        "MEASURES PREV(PREV(A.price)) AS p PATTERN (A B)",
        "MEASURES FIRST(PREV(A.price)) AS p PATTERN (A B)",
        "MEASURES sum(LAST(A.price)) AS p PATTERN (A B)",
        "MEASURES LAST(A.price, volume) AS p PATTERN (A B)",
        "MEASURES LAST(A.price, 1, 2) AS p PATTERN (A B)",
        "MEASURES FINAL abs(A.price) AS p PATTERN (A B)",
        "MEASURES count(C.*) AS p PATTERN (A B)",
        "MEASURES CLASSIFIER(C) AS p PATTERN (A B)",
        "MEASURES array_agg(CLASSIFIER()) AS p PATTERN (A B)",
        "MEASURES A.price AS p PATTERN (PERMUTE(A, B, C, D, E, F, G, H, I))",
        "MEASURES A.price AS p PATTERN (A) DEFINE A AS MATCH_ROWTIME() > ts",
    ] {
        let _ = write!(
            out,
            "{clauses}\n  {}",
            errors(&format!("SELECT * FROM trades MATCH_RECOGNIZE ({clauses})"))
        );
    }
    expect![[r#"
        ORDER BY price MEASURES A.price AS p PATTERN (A)
          E1106: a pattern is ordered by the event time of its rows, ascending at «price»
          help: write ORDER BY ts, or leave it out to take rows as they stand in the log
        ORDER BY ts DESC MEASURES A.price AS p PATTERN (A)
          E1106: a pattern is ordered by the event time of its rows, ascending at «ts»
          help: write ORDER BY ts, or leave it out to take rows as they stand in the log
        ORDER BY ts, price MEASURES A.price AS p PATTERN (A)
          E1106: rows of one event time keep the order of the log; no other column orders them at «price»
          help: leave out what stands behind the event time
        PATTERN (A)
          E0607: ONE ROW PER MATCH without PARTITION BY and MEASURES has no columns at «SELECT * FROM trades MATCH_RECOGNIZE (PATTERN (A))»
          help: add MEASURES, such as MATCH_NUMBER() AS number
        MEASURES A.price AS p PATTERN (A) DEFINE B AS price > 1
          E1101: `B` is no variable of the pattern at «B»
          help: there are A
        MEASURES A.price AS p PATTERN (A) DEFINE A AS price > 1, a AS price > 2
          E1101: `a` is defined twice at «a»
          help: combine the conditions with AND
        MEASURES A.price AS p PATTERN (A) DEFINE A AS FINAL LAST(A.price) > 1
          E1105: FINAL is about a match that is complete, and a condition decides whether it will be at «A.price»
          help: leave out FINAL
        MEASURES A.price AS p PATTERN (A) DEFINE A AS price
          E0307: a condition is TRUE or FALSE, and this is DOUBLE at «price»
          help: compare it with something
        MEASURES B.price AS p PATTERN (A)
          E0202: `B` is neither a stream nor a column of this query at «B»
          help: columns belong to `A` here
        MEASURES A.pryce AS p PATTERN (A)
          E0202: `A` has no column `pryce` at «A.pryce»
          help: did you mean `price`?
        MEASURES A.price AS p PATTERN (A) SUBSET U = (A, B)
          E1101: `B` is no variable of the pattern at «B»
          help: there are A
        MEASURES A.price AS p PATTERN (A) SUBSET A = (A)
          E1101: `A` is a variable or subset already at «A»
          help: give the subset another name
        MEASURES A.price AS p PATTERN (A B) SUBSET U = (A, A)
          E1101: `A` is in the subset twice at «A»
          help: name it once
        MEASURES A.price AS p AFTER MATCH SKIP TO LAST B PATTERN (A)
          E1104: `B` is no variable of the pattern at «B»
          help: there are A
        MEASURES A.price AS p ALL ROWS PER MATCH WITH UNMATCHED ROWS PATTERN (A {- B -})
          E1102: rows left out by {- … -} are matched, and WITH UNMATCHED ROWS could not tell them from others at «A {- B -}»
          help: write SHOW EMPTY MATCHES or OMIT EMPTY MATCHES, or leave out {- and -}
        MEASURES A.price AS p PATTERN (A {- B {- C -} -})
          E1102: what is left out cannot be left out again at «C»
          help: keep the outer {- … -}
        MEASURES A.price AS p, A.volume AS p PATTERN (A)
          E0205: two columns are called `p` at «p»
          help: give the measure another name
        MEASURES A.price AS volume ALL ROWS PER MATCH PATTERN (A)
          E0205: two columns are called `volume` at «volume»
          help: give the measure another name
        PARTITION BY lower(symbol) MEASURES A.price AS p PATTERN (A)
          E0608: PARTITION BY of MATCH_RECOGNIZE takes columns, which come out under their names at «lower(symbol)»
          help: compute it below: FROM (SELECT *, lower(symbol) AS key FROM s) MATCH_RECOGNIZE (PARTITION BY key …)
        MEASURES PREV(A.price + B.price) AS p PATTERN (A B)
          E1105: PREV reads columns of two variables at «PREV»
          help: write one PREV for each of them
        MEASURES PREV(1) AS p PATTERN (A B)
          E1105: PREV needs a column of a row at «PREV»
          help: write PREV(A.price)
        MEASURES PREV(PREV(A.price)) AS p PATTERN (A B)
          E1105: PREV cannot stand inside PREV at «PREV»
          help: PREV and NEXT stand around FIRST and LAST: PREV(LAST(A.price, 1), 2); aggregates take columns
        MEASURES FIRST(PREV(A.price)) AS p PATTERN (A B)
          E1105: PREV cannot stand inside FIRST at «PREV»
          help: PREV and NEXT stand around FIRST and LAST: PREV(LAST(A.price, 1), 2); aggregates take columns
        MEASURES sum(LAST(A.price)) AS p PATTERN (A B)
          E1105: LAST cannot stand inside SUM at «LAST»
          help: PREV and NEXT stand around FIRST and LAST: PREV(LAST(A.price, 1), 2); aggregates take columns
        MEASURES LAST(A.price, volume) AS p PATTERN (A B)
          E0902: the number of rows in LAST is a whole number, written out at «volume»
          help: for example LAST(A.price, 2)
        MEASURES LAST(A.price, 1, 2) AS p PATTERN (A B)
          E0902: LAST takes 1 to 2 arguments, not 3 at «LAST»
          help: for example PREV(A.price, 2), LAST(A.price), CLASSIFIER()
        MEASURES FINAL abs(A.price) AS p PATTERN (A B)
          E1105: FINAL stands before FIRST, LAST and aggregates at «FINAL»
          help: write FINAL LAST(A.price)
        MEASURES count(C.*) AS p PATTERN (A B)
          E1101: `C` is no variable of the pattern at «count»
          help: count(a.*) takes a variable or a subset
        MEASURES CLASSIFIER(C) AS p PATTERN (A B)
          E1101: `C` is no variable of the pattern at «CLASSIFIER»
          help: CLASSIFIER takes a variable or a subset
        MEASURES array_agg(CLASSIFIER()) AS p PATTERN (A B)
          E1105: CLASSIFIER inside an aggregate is not supported at «CLASSIFIER»
          help: count the rows of each variable: count(A.*)
        MEASURES A.price AS p PATTERN (PERMUTE(A, B, C, D, E, F, G, H, I))
          E1102: PERMUTE of 9 parts has too many orders; 8 is the most at «PERMUTE(A, B, C, D, E, F, G, H, I)»
          help: match them with one variable and count kinds in its condition
        MEASURES A.price AS p PATTERN (A) DEFINE A AS MATCH_ROWTIME() > ts
          E1105: MATCH_ROWTIME is about a match that is complete at «MATCH_ROWTIME»
          help: compare the time of rows: LAST(A.ts)
    "#]].assert_eq(&out);
}

#[test]
fn outside_of_a_pattern_its_functions_are_unknown() {
    let mut out = String::new();
    for sql in [
        "SELECT FINAL last(price) FROM trades",
        "SELECT classifier() FROM trades",
        "SELECT prev(price) FROM trades",
        "SELECT e1[0].price FROM trades",
        "SELECT * FROM (SELECT price FROM trades) WHERE count(x.*) > 1",
    ] {
        let _ = write!(out, "{sql}\n  {}", errors(sql));
    }
    expect![[r#"
        SELECT FINAL last(price) FROM trades
          E0901: there is no function `FINAL` at «FINAL»
          help: SHOW FUNCTIONS lists the library
        SELECT classifier() FROM trades
          E0901: there is no function `classifier` at «classifier»
          help: SHOW FUNCTIONS lists the library
        SELECT prev(price) FROM trades
          E0907: `prev` looks at other rows and needs an OVER clause at «prev»
          help: write prev(…) OVER (ORDER BY ts)
        SELECT e1[0].price FROM trades
          E0202: `e1` is neither a stream nor a column of this query at «e1»
          help: columns belong to `trades` here
        SELECT * FROM (SELECT price FROM trades) WHERE count(x.*) > 1
          E0612: `x.*` is not supported in a function call at «count(x»
          help: write count(*), or name the columns
    "#]]
    .assert_eq(&out);
}
