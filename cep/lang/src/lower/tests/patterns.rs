//! PATTERN, SEQUENCE and MATCH_RECOGNIZE: golden plans and types.

use std::fmt::Write as _;

use expect_test::{Expect, expect};

use super::{columns, errors, plan};

/// The streams of tests of patterns.
pub(super) const MORE: &str = "
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
                sequence in event-time order: EVERY e -> f+ -> g
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
fn every_at_the_head_of_a_sequence_is_of_what_it_stands_before() {
    golden(
        "SELECT x.v FROM SEQUENCE (EVERY x = a, a[v > x.v]+, a WITHIN 5 SECONDS); SELECT x.v FROM SEQUENCE (EVERY (x = a, a), a)",
        &expect![[r#"
            query query_1 → print, append
              project x.v AS v
                sequence in log order: EVERY x -> a+ -> a_2
                  x: any row
                  a: v > x.v
                  a_2: any row
                  within: 5s
                  next match: as EVERY says
                  rows: one a match
                  columns: x.v
                  state: at most 100000 partial matches of all keys; a row begins no more of them then
                  scan a
            query query_2 → print, append
              project x.v AS v
                sequence in log order: EVERY (x -> a) -> a_2
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
