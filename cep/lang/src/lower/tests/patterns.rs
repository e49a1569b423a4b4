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
        &expect![[r#""#]],
    );
}

#[test]
fn several_streams_are_one_input() {
    golden(
        "SELECT a.v, b.s.y AS y, c.w FROM PATTERN (EVERY a -> b[v > a.v AND s.x = 1] AND NOT c[w > a.v] -> c) PARTITION BY k WITHIN 10 EVENTS",
        &expect![[r#""#]],
    );
}

#[test]
fn a_key_of_one_type_is_a_column_of_the_union() {
    golden(
        "SELECT e.v FROM SEQUENCE (EVERY e = a, f = b+, g = a) PARTITION BY k ORDER BY ts",
        &expect![[r#""#]],
    );
}

#[test]
fn rows_of_an_element() {
    golden(
        "SELECT e[0].v AS first_v, e[1].v AS second_v, e[last].v AS last_v, e[last - 1].v AS before_v, e.v AS v, first(e.v) AS f, last(e.v, 2) AS l, sum(e.v) FILTER (WHERE e.v > 0) AS s, f.*, match_start, match_end
         FROM PATTERN (EVERY (e = a[v > e[last].v OR e[last].v IS NULL]{3,} -> f = a[v < e[0].v AND v < avg(e.v) AND count(f) < 9]+) WITHIN 5 SECONDS)",
        &expect![[r#""#]],
    );
}

#[test]
fn its_own_rows_before() {
    golden(
        "SELECT e.v FROM PATTERN (e = a[e[0].v < 5 AND e[last - 1].v > e.v AND a.v > v AND sum(v) > 3]{2})",
        &expect![[r#""#]],
    );
}

#[test]
fn groups_bounds_and_skips() {
    golden(
        "SELECT e1.v, timed_out FROM PATTERN ((EVERY (e1 = a -> e2 = a) WITHIN 5 SECONDS OR e3 = a{2}) -> (e4 = a AND e5 = b AND NOT (a OR b)) -> NOT (a[v = 1] OR b) FOR 5 SECONDS)
         WITHIN 1 HOUR AND 100 EVENTS AND 5 SECONDS BETWEEN STEPS AFTER MATCH SKIP TO FIRST e5 WITH TIMED OUT MATCHES",
        &expect![[r#""#]],
    );
}

#[test]
fn over_and_distinct_stand_above() {
    golden(
        "SELECT DISTINCT e1.k, row_number() OVER (PARTITION BY e1.k) AS n, sum(e1.v) OVER w AS s FROM PATTERN (EVERY e1 = a) WHERE v > 1 WINDOW w AS (PARTITION BY e1.k) QUALIFY n < 5",
        &expect![[r#""#]],
    );
}

#[test]
fn a_pattern_over_common_table_expressions() {
    golden(
        "WITH big AS (SELECT k AS id, v FROM a WHERE v > 10) SELECT x.id, y.v FROM PATTERN (EVERY x = big -> y = b[k = x.id])",
        &expect![[r#""#]],
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
        &expect![[r#""#]],
    );
}

#[test]
fn all_rows_per_match() {
    golden(
        "SELECT * FROM trades[volume > 0] MATCH_RECOGNIZE (PARTITION BY symbol ORDER BY ts MEASURES FINAL LAST(B.price) AS f, coalesce(B.price, 0) AS r ALL ROWS PER MATCH WITH UNMATCHED ROWS PATTERN (A B*) DEFINE B AS price > A.price);
         SELECT m.n FROM (SELECT * FROM arrivals) MATCH_RECOGNIZE (MEASURES MATCH_NUMBER() AS n ALL ROWS PER MATCH OMIT EMPTY MATCHES AFTER MATCH SKIP TO NEXT ROW PATTERN (A*)) AS m WHERE m.k = 'x'",
        &expect![[r#""#]],
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
    expect![[r#""#]].assert_eq(&out);
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
        "SELECT e1.k FROM PATTERN (e1 = a -> e2 = arrivals) PARTITION BY k ORDER BY ts",
        "SELECT e1.k FROM PATTERN (e1 = a) AFTER MATCH SKIP TO e7",
        "SELECT classifier() AS c FROM PATTERN (e1 = a)",
        "SELECT e1.k FROM PATTERN (e1 = g)",
        "SELECT max_forever(e1.v) AS m FROM PATTERN (e1 = a)",
    ] {
        let with = "CREATE VIEW g AS SELECT k, count(*) AS n FROM a GROUP BY k;";
        let _ = write!(out, "{sql}\n  {}", errors(&format!("{MORE}{with}{sql}")));
    }
    expect![[r#""#]].assert_eq(&out);
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
        let _ = write!(out, "{clauses}\n  {}", errors(&format!("SELECT * FROM trades MATCH_RECOGNIZE ({clauses})")));
    }
    expect![[r#""#]].assert_eq(&out);
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
    expect![[r#""#]].assert_eq(&out);
}
