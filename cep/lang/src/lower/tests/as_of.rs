//! Joins with the version in force: plans with their state bounds, and the error for each that cannot be
//! done.

use expect_test::{Expect, expect};

const MORE: &str = "
CREATE STREAM quotes (ts TIMESTAMP, symbol STRING, bid DOUBLE) WITH (\"event.time\" = 'ts');
CREATE STREAM brief (ts TIMESTAMP, symbol STRING, bid DOUBLE)
    WITH (\"event.time\" = 'ts', \"state.ttl\" = '10 minutes', \"join.rows.max\" = '99', \"join.rows.over\" = 'evict');
CREATE STREAM fixed (ts TIMESTAMP, symbol STRING) WITH (\"event.time\" = 'ts', \"late.policy\" = 'retract');
CREATE TABLE names (symbol STRING PRIMARY KEY, name STRING);
";

fn check(sql: &str, expected: Expect) {
    expected.assert_eq(&super::plan(&format!("{MORE}{sql}")));
}

fn refuse(sql: &str, words: &str) {
    let errors = super::errors(&format!("{MORE}{sql}"));
    assert!(errors.contains(words), "{sql}\n{errors}");
}

#[test]
fn the_bound_of_the_state_is_in_the_plan() {
    check(
        "SELECT t.price, q.bid FROM trades AS t ASOF JOIN quotes AS q MATCH_CONDITION (q.ts < t.ts) ON t.symbol = q.symbol",
        expect![[r#"
            query query_1 → print, append
              project t.price AS price, q.bid AS bid
                join inner, with the version in force
                  keys: symbol = symbol
                  time of left − time of right: more than 0; the least of them
                  columns kept: t.price, q.bid
                  state: left until the watermark is past it; right the latest version of each key that the watermark is past, and those after it; at most 1000000 rows, rows beyond fail
                  scan trades
                  scan quotes
        "#]],
    );
    check(
        "SELECT t.price, b.bid FROM trades AS t LEFT JOIN brief FOR SYSTEM_TIME AS OF t.ts AS b USING (symbol)",
        expect![[r#"
            query query_1 → print, append
              project t.price AS price, b.bid AS bid
                join left, with the version in force
                  keys: symbol = symbol
                  time of left − time of right: at least 0s, at most 10m; the least of them
                  columns kept: t.price, b.bid
                  state: left until the watermark is past it; right the latest version of each key that the watermark is past, and those after it, for 10m; at most 99 rows, rows beyond fail
                  scan trades
                  scan brief
        "#]],
    );
}

#[test]
fn what_says_no_version_is_refused() {
    let asof = |rest: &str| format!("SELECT t.price FROM trades AS t ASOF JOIN quotes AS q {rest}");
    for (rest, words) in [
        ("ON t.symbol = q.symbol", "no times are compared"),
        ("MATCH_CONDITION (t.ts <= q.ts) ON t.symbol = q.symbol", "the next row, which may never come"),
        ("MATCH_CONDITION (t.ts >= q.ts - INTERVAL '1' SECOND)", "not known yet"),
        ("MATCH_CONDITION (t.ts >= q.ts AND q.ts >= t.ts + INTERVAL '1' SECOND)", "contradict each other"),
        ("MATCH_CONDITION (t.ts >= q.ts AND t.price > q.bid)", "and nothing else"),
        (
            "MATCH_CONDITION (t.ts >= q.ts) ON t.symbol = q.symbol AND t.ts < q.ts + INTERVAL '1' HOUR",
            "in MATCH_CONDITION and in ON",
        ),
        ("MATCH_CONDITION (t.ts >= q.ts) ON t.price > q.bid", "ON has another condition"),
    ] {
        refuse(&asof(rest), words);
    }
    for (sql, words) in [
        (
            "SELECT t.price FROM trades AS t JOIN quotes FOR SYSTEM_TIME AS OF now() AS q ON t.symbol = q.symbol",
            "event time of t, and this is none",
        ),
        (
            "SELECT t.price FROM trades AS t JOIN quotes FOR SYSTEM_TIME AS OF t.ts AS q ON TRUE",
            "another condition",
        ),
        (
            "SELECT t.price FROM trades AS t JOIN quotes FOR SYSTEM_TIME AS OF t.ts AS q ON t.ts = q.ts",
            "ON compares times as well",
        ),
        (
            "SELECT t.price FROM trades AS t RIGHT JOIN quotes FOR SYSTEM_TIME AS OF t.ts AS q ON t.symbol = q.symbol",
            "no moment at which to come out",
        ),
        (
            "SELECT t.price FROM trades AS t ASOF JOIN quotes FOR SYSTEM_TIME AS OF t.ts AS q ON t.symbol = q.symbol AND t.ts >= q.ts",
            "both choose the version",
        ),
        ("SELECT t.price FROM trades FOR SYSTEM_TIME AS OF ts AS t", "right side of a join"),
        (
            "SELECT t.price FROM trades AS t JOIN names FOR SYSTEM_TIME AS OF t.ts AS n ON t.symbol = n.symbol",
            "the latest",
        ),
        (
            "SELECT t.price FROM trades AS t ASOF JOIN quotes WINDOW TIME (5 SECONDS) AS q MATCH_CONDITION (t.ts >= q.ts)",
            "a window on a side has no effect",
        ),
        (
            "SELECT t.price FROM trades AS t JOIN fixed FOR SYSTEM_TIME AS OF t.ts AS f ON t.symbol = f.symbol",
            "cannot be corrected by late rows",
        ),
        (
            "SELECT t.price FROM trades AS t JOIN (SELECT symbol, bid, count(*) AS c FROM quotes GROUP BY symbol, bid) FOR SYSTEM_TIME AS OF t.ts AS f ON t.symbol = f.symbol",
            "replace each other by the key",
        ),
    ] {
        refuse(sql, words);
    }
}
