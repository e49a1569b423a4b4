//! Joins: plans with their state bounds, and the error for each that cannot be done.

use expect_test::{Expect, expect};

const MORE: &str = "
CREATE STREAM quotes (ts TIMESTAMP, symbol STRING, bid DOUBLE, venue STRING) WITH (\"event.time\" = 'ts');
CREATE STREAM kept (k STRING, n INT) WITH (\"state.ttl\" = '1 minute', \"join.rows.max\" = '10', \"join.rows.over\" = 'evict');
CREATE STREAM fixed (ts TIMESTAMP, symbol STRING) WITH (\"event.time\" = 'ts', \"late.policy\" = 'retract');
CREATE STREAM side (ts TIMESTAMP, symbol STRING) WITH (\"event.time\" = 'ts', \"late.stream\" = 'late');
";

fn check(sql: &str, expected: Expect) {
    expected.assert_eq(&super::plan(&format!("{MORE}{sql}")));
}

fn refuse(sql: &str, expected: Expect) {
    expected.assert_eq(&super::errors(&format!("{MORE}{sql}")));
}

#[test]
fn bounds_of_time() {
    check(
        "SELECT t.price, q.bid FROM trades AS t JOIN quotes AS q ON t.symbol = q.symbol AND q.ts BETWEEN t.ts - INTERVAL '5' SECOND AND t.ts + INTERVAL '10' SECOND AND q.bid < t.price",
        expect![[r#"
            query query_1 → print, append
              project t.price AS price, q.bid AS bid
                join inner
                  keys: symbol = symbol
                  pairs: q.bid < t.price
                  time of right − time of left: -5s to 10s
                  columns kept: t.price, q.bid
                  state: left until the watermark is 10s past it; right until the watermark is 5s past it; at most 1000000 rows, rows beyond fail
                  scan trades
                  scan quotes
        "#]],
    );
    check(
        "SELECT t.price, q.bid FROM trades AS t, quotes AS q WHERE t.symbol = q.symbol AND t.ts - q.ts <= INTERVAL '1' MINUTE AND q.ts < t.ts AND q.bid > 1",
        expect![[r#"
            query query_1 → print, append
              project t.price AS price, q.bid AS bid
                filter t.symbol = q.symbol AND CAST(t.ts - q.ts AS INTERVAL) <= INTERVAL '1 mins' AND q.ts < t.ts AND q.bid > 1.0
                  join inner
                    keys: symbol = symbol
                    time of right − time of left: -1m to -1ns
                    columns kept: t.ts, t.symbol, t.price, q.ts, q.symbol, q.bid
                    state: left until the watermark is -1ns past it; right until the watermark is 1m past it; at most 1000000 rows, rows beyond fail
                    scan trades
                    scan quotes
        "#]],
    );
    check(
        "SELECT symbol, price, bid FROM trades AS t LEFT JOIN quotes AS q USING (symbol, ts)",
        expect![[r#"
            query query_1 → print, append
              project t.symbol AS symbol, t.price AS price, q.bid AS bid
                join left
                  keys: symbol = symbol, ts = ts
                  time of right − time of left: 0s to 0s
                  columns kept: t.symbol, t.price, q.bid
                  state: left until the watermark is 0s past it; right until the watermark is 0s past it; at most 1000000 rows, rows beyond fail
                  scan trades
                  scan quotes
        "#]],
    );
    check(
        "SELECT count(*) AS c FROM trades AS t FULL JOIN quotes AS q ON q.ts = t.ts + INTERVAL '2' DAY",
        expect![[r#"
            query query_1 → print, upsert
              project count(*) AS c
                group, one row replaces another
                  aggregates: count(*)
                  state: at most 1000000 keys
                  join full
                    keys: ts + INTERVAL '2 days' = ts
                    time of right − time of left: 2d to 2d
                    columns kept: 
                    state: left until the watermark is 2d past it; right until the watermark is -2d past it; at most 1000000 rows, rows beyond fail
                    scan trades
                    scan quotes
        "#]],
    );
    check(
        "SELECT a.price, b.price AS p, c.price AS r FROM trades AS a JOIN trades AS b ON a.symbol = b.symbol AND b.ts BETWEEN a.ts AND a.ts + INTERVAL '1' SECOND JOIN trades AS c ON c.volume = b.volume AND c.ts BETWEEN a.ts AND a.ts + INTERVAL '3' SECOND",
        expect![[r#"
            query query_1 → print, append
              project a.price AS price, b.price AS p, c.price AS r
                join inner
                  keys: b.volume = volume
                  pairs: c.ts >= a.ts AND c.ts <= a.ts + INTERVAL '3.000000000 secs'
                  time of right − time of left: -1s to 3s
                  columns kept: a.ts, a.price, b.price, c.ts, c.price
                  state: left until the watermark is 3s past it; right until the watermark is 1s past it; at most 1000000 rows, rows beyond fail
                  join inner
                    keys: symbol = symbol
                    time of right − time of left: 0s to 1s
                    columns kept: a.ts, a.price, b.price, b.volume
                    state: left until the watermark is 1s past it; right until the watermark is 0s past it; at most 1000000 rows, rows beyond fail
                    scan trades
                    scan trades
                  scan trades
        "#]],
    );
}

#[test]
fn windows_and_ttl() {
    check(
        "SELECT * FROM trades WINDOW TIME (10 SECONDS) AS t LEFT JOIN quotes[bid > 0] WINDOW LENGTH (100) AS q ON t.symbol = q.symbol",
        expect![[r#"
            query query_1 → print, append
              project t.ts AS t_ts, t.symbol AS t_symbol, t.price AS price, t.volume AS volume, q.ts AS q_ts, q.symbol AS q_symbol, q.bid AS bid, q.venue AS venue
                join left
                  keys: symbol = symbol
                  columns kept: t.ts, t.symbol, t.price, t.volume, q.ts, q.symbol, q.bid, q.venue
                  state: left rows of 10s; right the last 100 rows; at most 1000000 rows, rows beyond fail
                  scan trades
                  filter bid > 0.0
                    scan quotes
        "#]],
    );
    check(
        "SELECT t.price, q.bid FROM trades AS t UNIDIRECTIONAL JOIN quotes WINDOW EXTERNALTIME (ts, 5 SECONDS) AS q ON t.symbol = q.symbol",
        expect![[r#"
            query query_1 → print, append
              project t.price AS price, q.bid AS bid
                join inner
                  keys: symbol = symbol
                  columns kept: t.price, q.bid
                  state: left none: its rows pass; right rows of 5s by ts; at most 1000000 rows, rows beyond fail
                  scan trades
                  scan quotes
        "#]],
    );
    check(
        "SELECT a.n FROM kept AS a JOIN kept AS b ON a.k = b.k AND a.n <> b.n",
        expect![[r#"
        query query_1 → print, append
          project a.n AS n
            join inner
              keys: k = k
              pairs: a.n <> b.n
              columns kept: a.n, b.n
              state: left rows of 1m; right rows of 1m; at most 10 rows, the oldest row leaves for one beyond
              scan kept
              scan kept
    "#]],
    );
    check(
        "SELECT a.n FROM kept AS a JOIN arrivals WINDOW TIMELENGTH (1 SECOND, 5) AS b ON lower(a.k) = lower(b.k)",
        expect![[r#"
            query query_1 → print, append
              project a.n AS n
                join inner
                  keys: lower(k) = lower(k)
                  columns kept: a.n
                  state: left rows of 1m; right the last 5 rows of 1s; at most 10 rows, rows beyond fail
                  scan kept
                  scan arrivals
        "#]],
    );
}

#[test]
fn joins_without_a_bound() {
    refuse(
        "SELECT t.price FROM trades AS t JOIN quotes AS q ON t.symbol = q.symbol",
        expect![[r#"
        E0601: the join would keep the rows of both sides for ever at «JOIN quotes AS q ON t.symbol = q.symbol»
          help: bound the time: AND q.ts BETWEEN t.ts - INTERVAL '5' SECOND AND t.ts + INTERVAL '10' SECOND; or keep a window of each side: t WINDOW TIME (10 SECONDS) JOIN q WINDOW TIME (10 SECONDS) ON …; or set "state.ttl" on both streams
    "#]],
    );
    refuse(
        "SELECT t.price FROM trades AS t JOIN quotes AS q ON t.symbol = q.symbol AND q.ts >= t.ts",
        expect![[r#"
            E0601: the join would keep its rows for ever: it says how much earlier a row of the right side may be, but not how much later at «JOIN quotes AS q ON t.symbol = q.symbol AND q.ts >= t.ts»
              help: bound the time: AND q.ts BETWEEN t.ts - INTERVAL '5' SECOND AND t.ts + INTERVAL '10' SECOND; or keep a window of each side: t WINDOW TIME (10 SECONDS) JOIN q WINDOW TIME (10 SECONDS) ON …; or set "state.ttl" on both streams
        "#]],
    );
    refuse(
        "SELECT t.price FROM trades AS t LEFT JOIN quotes AS q ON t.symbol = q.symbol WHERE q.ts BETWEEN t.ts AND t.ts + INTERVAL '1' SECOND",
        expect![[r#"
            E0601: the join would keep the rows of both sides for ever at «LEFT JOIN quotes AS q ON t.symbol = q.symbol»
              help: bound the time: AND q.ts BETWEEN t.ts - INTERVAL '5' SECOND AND t.ts + INTERVAL '10' SECOND; or keep a window of each side: t WINDOW TIME (10 SECONDS) JOIN q WINDOW TIME (10 SECONDS) ON …; or set "state.ttl" on both streams
        "#]],
    );
    refuse(
        "SELECT t.price FROM trades AS t JOIN quotes AS q ON q.ts BETWEEN t.ts AND t.ts + INTERVAL '1' MONTH",
        expect![[r#"
            E0601: the join would keep its rows for ever: it says how much earlier a row of the right side may be, but not how much later at «JOIN quotes AS q ON q.ts BETWEEN t.ts AND t.ts + INTERVAL '1' MONTH»
              help: bound the time: AND q.ts BETWEEN t.ts - INTERVAL '5' SECOND AND t.ts + INTERVAL '10' SECOND; or keep a window of each side: t WINDOW TIME (10 SECONDS) JOIN q WINDOW TIME (10 SECONDS) ON …; or set "state.ttl" on both streams
        "#]],
    );
    refuse(
        "SELECT t.price FROM trades AS t JOIN quotes AS q ON q.ts BETWEEN t.ts + INTERVAL '2' SECOND AND t.ts",
        expect![[r#"
            E0601: no two rows can be so far apart: the bounds of time contradict each other at «JOIN quotes AS q ON q.ts BETWEEN t.ts + INTERVAL '2' SECOND AND t.ts»
              help: write the earlier bound first: b.ts BETWEEN a.ts - INTERVAL '5' SECOND AND a.ts + INTERVAL '10' SECOND
        "#]],
    );
    refuse(
        "SELECT a.n FROM arrivals AS a CROSS JOIN arrivals AS b",
        expect![[r#"
        E0601: the join would keep the rows of both sides for ever at «CROSS JOIN arrivals AS b»
          help: keep a window of each side: a WINDOW TIME (10 SECONDS) JOIN b WINDOW TIME (10 SECONDS) ON …; or set "state.ttl" on both streams; with "event.time" on both streams the time can be bounded in ON
    "#]],
    );
    refuse(
        "SELECT a.n FROM arrivals WINDOW LENGTH (5) AS a JOIN arrivals AS b ON a.k = b.k",
        expect![[r#"
        E0601: a has a window and the other side has none at «arrivals AS b»
          help: give it one as well; or mark it UNIDIRECTIONAL, then its rows look for partners when they arrive and are not kept
    "#]],
    );
    refuse(
        "SELECT t.price FROM trades AS t UNIDIRECTIONAL JOIN quotes AS q ON t.symbol = q.symbol",
        expect![[r#"
            E0601: the rows of q would be kept for ever at «quotes AS q»
              help: give it a window: a UNIDIRECTIONAL JOIN b WINDOW TIME (10 SECONDS) ON …; or set "state.ttl" on its stream
        "#]],
    );
    refuse(
        "SELECT a.n FROM arrivals WINDOW LENGTH (5) AS a JOIN arrivals WINDOW LENGTH (5) AS b ON a.k = b.k JOIN arrivals WINDOW LENGTH (5) AS c ON a.k = c.k",
        expect![[r#"
            E0601: c has a window and the other side has none at «arrivals WINDOW LENGTH (5) AS a JOIN arrivals WINDOW LENGTH (5) AS b ON a.k = b.k»
              help: give the inner join a window as a query of its own: FROM (SELECT … FROM a … JOIN b …) AS ab WINDOW TIME (10 SECONDS) JOIN c WINDOW …
        "#]],
    );
}

#[test]
fn other_refusals() {
    refuse(
        "SELECT a.n FROM arrivals UNIDIRECTIONAL AS a JOIN arrivals WINDOW LENGTH (5) AS b ON a.k = b.k",
        expect![[r#"
            E0101: expected the end of the statement, found `AS` at «AS»
        "#]],
    );
    refuse(
        "SELECT a.n FROM arrivals AS a UNIDIRECTIONAL JOIN arrivals AS b UNIDIRECTIONAL ON a.k = b.k",
        expect![[r#"
            E0601: both sides are UNIDIRECTIONAL, so that no row would be kept for the other side at «UNIDIRECTIONAL»
              help: mark the side whose rows look for partners, or none
        "#]],
    );
    refuse(
        "SELECT a.n FROM arrivals WINDOW LENGTH (2) AS a UNIDIRECTIONAL JOIN arrivals WINDOW LENGTH (5) AS b ON a.k = b.k",
        expect![[r#"
            E0601: rows of the UNIDIRECTIONAL side look for partners when they arrive and are not kept, so a window has no effect on them at «arrivals WINDOW LENGTH (2) AS a UNIDIRECTIONAL»
              help: leave its window out, or leave out UNIDIRECTIONAL
        "#]],
    );
    refuse(
        "SELECT n FROM arrivals UNIDIRECTIONAL",
        expect![[r#"
        E0601: UNIDIRECTIONAL marks a side of a join, and nothing is joined here at «UNIDIRECTIONAL»
          help: leave it out
    "#]],
    );
    refuse(
        "SELECT n FROM arrivals WINDOW LENGTH (5) AS a JOIN arrivals WINDOW LENGTH (5) AS b ON a.k = b.k",
        expect![[r#"
            E0203: several relations of FROM have a column `n` at «n»
              help: write a.n
        "#]],
    );
    refuse(
        "SELECT a.n FROM arrivals WINDOW LENGTH (5) AS a JOIN arrivals WINDOW LENGTH (5) AS b ON k = 'x'",
        expect![[r#"
            E0203: several relations of FROM have a column `k` at «k»
              help: write a.k
        "#]],
    );
    refuse(
        "SELECT a.n FROM arrivals WINDOW LENGTH (5) AS a JOIN arrivals WINDOW LENGTH (5) AS b USING (symbol)",
        expect![[r#"
            E0202: the left side has no column `symbol` at «symbol»
              help: USING names columns of both sides; write ON where they are called otherwise
        "#]],
    );
    refuse(
        "SELECT a.n FROM arrivals WINDOW LENGTH (5) AS a FULL JOIN arrivals WINDOW LENGTH (5) AS b USING (k)",
        expect![[r#"
            E0601: USING in a FULL JOIN is not supported at «k»
              help: write ON a.k = b.k, and coalesce(a.k, b.k) AS k in the select list
        "#]],
    );
    refuse(
        "SELECT * FROM arrivals WINDOW LENGTH (5) JOIN arrivals WINDOW LENGTH (5) ON TRUE",
        expect![[r#"
        E0204: FROM reads `arrivals` twice at «arrivals WINDOW LENGTH (5)»
          help: tell them apart: arrivals AS a JOIN arrivals AS b ON a.id = b.id
    "#]],
    );
    refuse(
        "SELECT a.n FROM arrivals WINDOW LENGTH (5) AS a JOIN arrivals WINDOW SORT (5, n) AS b ON a.k = b.k",
        expect![[r#"
            E0601: a side of a join cannot have a SORT window at «WINDOW SORT (5, n)»
              help: use TIME, LENGTH, TIMELENGTH or EXTERNALTIME
        "#]],
    );
    refuse(
        "SELECT a.price FROM trades WINDOW TUMBLING (SIZE 1 MINUTE) AS a JOIN trades WINDOW TUMBLING (SIZE 2 MINUTES) AS b ON a.symbol = b.symbol",
        expect![[r#"
            E0601: the sides of a join have different windows that emit when they close at «trades WINDOW TUMBLING (SIZE 2 MINUTES) AS b»
              help: give both the same window; or join what the windows give: FROM (SELECT …, window_end FROM a WINDOW TUMBLING … GROUP BY …) AS x JOIN (…) AS y ON …
        "#]],
    );
    refuse(
        "SELECT a.price FROM trades WINDOW TUMBLING (SIZE 1 MINUTE) AS a JOIN trades WINDOW TIME (2 MINUTES) AS b ON a.symbol = b.symbol",
        expect![[r#"
            E0601: a has a window that emits when it closes, and the other side has not at «trades WINDOW TIME (2 MINUTES) AS b»
              help: give both sides the same window; or join what the window gives: FROM (SELECT …, window_end FROM a WINDOW TUMBLING … GROUP BY …) AS x JOIN …
        "#]],
    );
    refuse(
        "SELECT a.n FROM arrivals WINDOW LENGTH (5) AS a JOIN (SELECT k, count(*) AS c FROM arrivals GROUP BY k) AS b ON a.k = b.k",
        expect![[r#"
            E0701: a join takes rows that are new facts, and these are upsert rows, which are replaced or taken back later at «(SELECT k, count(*) AS c FROM arrivals GROUP BY k) AS b»
              help: put a window below the join, then its results are final: (SELECT … FROM s WINDOW TUMBLING (SIZE 1 MINUTE) GROUP BY …) AS x; or join the row in force at a time: JOIN x FOR SYSTEM_TIME AS OF a.ts
        "#]],
    );
    refuse(
        "SELECT t.price FROM trades AS t JOIN fixed AS f ON t.symbol = f.symbol AND t.ts = f.ts",
        expect![[r#"
            E0803: a join cannot be corrected by late rows, and `fixed` asks for it at «JOIN fixed AS f ON t.symbol = f.symbol AND t.ts = f.ts»
              help: set late.policy = 'drop' on the stream
        "#]],
    );
    refuse(
        "SELECT t.price FROM trades AS t JOIN (SELECT upper(symbol) AS symbol, ts FROM side) AS f ON t.symbol = f.symbol AND t.ts = f.ts",
        expect![[r#"
            E0803: late rows of `side` go to another stream as they came, so a join by event time must stand directly on it at «(SELECT upper(symbol) AS symbol, ts FROM side) AS f»
              help: join the stream itself, filters allowed, and project behind the join
        "#]],
    );
    refuse(
        "SELECT t.price FROM trades AS t JOIN (SELECT symbol, ts FROM quotes OUTPUT ALL EVERY 5 SECONDS) AS f ON t.symbol = f.symbol AND t.ts = f.ts",
        expect![[r#"
            E0601: the join would keep the rows of both sides for ever at «JOIN (SELECT symbol, ts FROM quotes OUTPUT ALL EVERY 5 SECONDS) AS f ON t.symbol = f.symbol AND t.ts = f.ts»
              help: keep a window of each side: t WINDOW TIME (10 SECONDS) JOIN f WINDOW TIME (10 SECONDS) ON …; or set "state.ttl" on both streams; with "event.time" on both streams the time can be bounded in ON
        "#]],
    );
    refuse(
        "SELECT a.n FROM arrivals WINDOW LENGTH (5) AS a JOIN arrivals WINDOW LENGTH (5) AS b ON a.n",
        expect![[r#"
            E0307: a condition is TRUE or FALSE, and this is INT at «a.n»
              help: compare it with something
        "#]],
    );
    refuse(
        "SELECT * EXCLUDE (k) FROM arrivals WINDOW LENGTH (5) AS a JOIN arrivals WINDOW LENGTH (5) AS b ON TRUE",
        expect![[r#"
            E0611: `*` over a join takes no EXCLUDE, EXCEPT or REPLACE at «*»
              help: write it behind one relation: a.* EXCLUDE (x), b.*
        "#]],
    );
    refuse(
        "CREATE AGGREGATION g AS SELECT a.n FROM arrivals WINDOW LENGTH (5) AS a JOIN arrivals WINDOW LENGTH (5) AS b ON TRUE AGGREGATE EVERY SECONDS",
        expect![[r#"
            E0607: a join has no meaning in the definition of an aggregation at «JOIN arrivals WINDOW LENGTH (5) AS b ON TRUE»
              help: declare a stream that joins the inputs
        "#]],
    );
}

#[test]
fn one_window_for_both_sides() {
    check(
        "SELECT a.symbol, count(*) AS c, window_end FROM trades WINDOW TUMBLING (SIZE 1 MINUTE) AS a LEFT JOIN quotes WINDOW TUMBLING (SIZE 1 MINUTE) AS b ON a.symbol = b.symbol AND b.bid < a.price WHERE a.price > 1 GROUP BY a.symbol",
        expect![[r#"
            query query_1 → print, append
              window tumbling, size 1m
                then join left
                  keys: a.symbol = b.symbol
                  pairs: b.bid < a.price
                then filter a.price > 1.0
                then group
                  keys: a.symbol, window_start, window_end
                  aggregates: count(*)
                then project a.symbol AS symbol, count(*) AS c, window_end
                state: the rows of each open window
                union
                  project ts AS a.ts, symbol AS a.symbol, price AS a.price, volume AS a.volume, NULL AS b.ts, NULL AS b.symbol, NULL AS b.bid, NULL AS b.venue, 0 AS side:
                    scan trades
                  project NULL AS a.ts, NULL AS a.symbol, NULL AS a.price, NULL AS a.volume, ts AS b.ts, symbol AS b.symbol, bid AS b.bid, venue AS b.venue, 1 AS side:
                    scan quotes
        "#]],
    );
}
