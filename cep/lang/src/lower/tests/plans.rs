//! Golden plans: one for each construct.

use expect_test::expect;

use super::{plan, program, rows};
use crate::plan::{Changelog, Target, explain_program};

macro_rules! golden {
    ($($name:ident: $sql:expr => $expected:expr;)*) => {
        $(
            #[test]
            fn $name() {
                $expected.assert_eq(&plan($sql));
            }
        )*
    };
}

golden! {
    a_filter_and_a_projection: "SELECT symbol, price * 2 AS p FROM trades WHERE price > 10 AND symbol LIKE 'A%'" => expect![[r#"
        query query_1 → print, append
          project symbol, price * 2.0 AS p
            filter price > 10.0 AND symbol LIKE 'A%'
              scan trades
    "#]];
    a_tumbling_window: "SELECT window_start, symbol, avg(price) AS mean, count(*) FILTER (WHERE volume > 1) AS n
        FROM trades WINDOW TUMBLING (SIZE 1 HOUR) WHERE price > 0 GROUP BY symbol HAVING avg(price) > 5 ORDER BY mean DESC LIMIT 3" => expect![[r#"
            query query_1 → print, append
              window tumbling, size 1h
                rows: price > 0.0
                keys: symbol, window_start, window_end
                aggregates: avg(price), count(*) FILTER (WHERE volume > 1)
                then filter avg(price) > 5.0
                then sort by avg(price) DESC
                then project window_start, symbol, avg(price) AS mean, count(*) FILTER (WHERE volume > 1) AS n
                then keep 3 rows
                state: one entry a group and open window
                scan trades
        "#]];
    three_spellings_of_one_window: "
        SELECT count(*) AS n FROM trades WINDOW TUMBLING (SIZE 1 MINUTE);
        SELECT count(*) AS n FROM trades WINDOW('tumbling', 1 MINUTE);
        SELECT count(*) AS n FROM TABLE(TUMBLE(TABLE trades, DESCRIPTOR(ts), INTERVAL '1' MINUTE))" => expect![[r#"
            query query_1 → print, append
              window tumbling, size 1m
                keys: window_start, window_end
                aggregates: count(*)
                then project count(*) AS n
                state: one entry a group and open window
                scan trades
            query query_2 → print, append
              window tumbling, size 1m
                keys: window_start, window_end
                aggregates: count(*)
                then project count(*) AS n
                state: one entry a group and open window
                scan trades
            query query_3 → print, append
              window tumbling, size 1m
                keys: window_start, window_end
                aggregates: count(*)
                then project count(*) AS n
                state: one entry a group and open window
                scan trades
        "#]];
    a_filter_before_the_window: "SELECT count(*) AS n FROM trades WHERE price > 1 WINDOW TUMBLING (SIZE 1 DAY, ZONE 'Europe/Berlin') WHERE volume > 2" => expect![[r#"
        query query_1 → print, append
          window tumbling, size 1d, zone Europe/Berlin
            rows: volume > 2
            keys: window_start, window_end
            aggregates: count(*)
            then project count(*) AS n
            state: one entry a group and open window
            filter price > 1.0
              scan trades
    "#]];
    a_hop_window: "SELECT window_end, max(price) AS high FROM trades WINDOW HOP (SIZE 1 HOUR, SLIDE 15 MINUTES) GROUP BY window_end" => expect![[r#"
        query query_1 → print, append
          window hop, size 1h, slide 15m
            keys: window_end, window_start
            aggregates: max(price)
            then project window_end, max(price) AS high
            state: one entry a group and open window
            scan trades
    "#]];
    a_cumulate_window: "SELECT sum(volume) AS v FROM trades WINDOW CUMULATE (STEP 1 HOUR, SIZE 1 DAY)" => expect![[r#"
        query query_1 → print, append
          window cumulate, step 1h, size 1d
            keys: window_start, window_end
            aggregates: sum(volume)
            then project sum(volume) AS v
            state: one entry a group and open window
            scan trades
    "#]];
    a_session_window: "SELECT symbol, count(*) AS n FROM trades WINDOW SESSION (GAP 5 MINUTES, KEY symbol) GROUP BY symbol" => expect![[r#"
        query query_1 → print, append
          window session, gap 5m, key symbol
            keys: symbol, window_start, window_end
            aggregates: count(*)
            then project symbol, count(*) AS n
            state: one entry a group and open window
            scan trades
    "#]];
    a_key_of_the_window_only: "SELECT date_trunc('day', window_start) AS day, count(*) AS n FROM trades WINDOW TUMBLING (SIZE 1 HOUR) GROUP BY date_trunc('day', window_start)" => expect![[r#"
        query query_1 → print, append
          window tumbling, size 1h
            keys: date_trunc('day', window_start), window_start, window_end
            aggregates: count(*)
            then project date_trunc('day', window_start) AS day, count(*) AS n
            state: one entry a group and open window
            scan trades
    "#]];
    a_key_that_mixes_window_and_row: "SELECT ts - window_start AS since, count(*) AS n FROM trades WINDOW TUMBLING (SIZE 1 HOUR) GROUP BY ts - window_start" => expect![[r#"
        query query_1 → print, append
          window tumbling, size 1h
            then group
              keys: ts - window_start, window_start, window_end
              aggregates: count(*)
            then project CAST(ts - window_start AS INTERVAL) AS since, count(*) AS n
            state: the rows of each open window
            scan trades
    "#]];
    the_rows_of_a_window: "SELECT symbol, price FROM trades WINDOW LENGTHBATCH (10) WHERE price > 1 ORDER BY price LIMIT 2 OFFSET 1" => expect![[r#"
        query query_1 → print, append
          window lengthBatch, 10 rows
            rows: price > 1.0
            then sort by price
            then project symbol, price
            then keep 2 rows behind 1
            state: the rows of each open window
            scan trades
    "#]];
    over_the_rows_of_a_window: "SELECT symbol, rank() OVER (ORDER BY price DESC) AS r, sum(price) OVER () AS total, lead(price) OVER (ORDER BY price DESC) AS next
        FROM trades WINDOW TUMBLING (SIZE 1 MINUTE) QUALIFY r <= 3" => expect![[r#"
            query query_1 → print, append
              window tumbling, size 1m
                then over (ORDER BY price DESC) rank(), lead(price, 1)
                then over () sum(price) ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
                then filter rank() <= 3
                then project symbol, rank() AS r, sum(price) ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING AS total, lead(price, 1) AS next
                state: the rows of each open window
                scan trades
        "#]];
    over_groups_of_a_window: "SELECT symbol, sum(price) / sum(sum(price)) OVER () AS share FROM trades WINDOW TUMBLING (SIZE 1 MINUTE) GROUP BY symbol" => expect![[r#"
        query query_1 → print, append
          window tumbling, size 1m
            keys: symbol, window_start, window_end
            aggregates: sum(price)
            then over () sum(sum(price)) ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
            then project symbol, sum(price) / sum(sum(price)) ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING AS share
            state: one entry a group and open window
            scan trades
    "#]];
    distinct_in_a_window: "SELECT DISTINCT symbol FROM trades WINDOW TUMBLING (SIZE 1 MINUTE)" => expect![[r#"
        query query_1 → print, append
          window tumbling, size 1m
            keys: symbol
            state: one entry a group and open window
            scan trades
    "#]];
    an_outer_query_stays_within_the_window: "WITH w AS (SELECT symbol, price * 2 AS p FROM trades WINDOW TUMBLING (SIZE 1 MINUTE))
        SELECT symbol, max(p) AS m FROM w WHERE p > 1 GROUP BY symbol ORDER BY m LIMIT 1" => expect![[r#"
            query query_1 → print, append
              window tumbling, size 1m
                rows: price * 2.0 > 1.0
                keys: symbol
                aggregates: max(price * 2.0)
                then sort by max(p)
                then project symbol, max(p) AS m
                then keep 1 rows
                state: one entry a group and open window
                scan trades
        "#]];
    a_window_on_a_window: "WITH w AS (SELECT window_start AS minute, sum(price) AS p FROM trades WINDOW TUMBLING (SIZE 1 MINUTE))
        SELECT avg(p) AS m FROM w WINDOW TUMBLING (SIZE 1 HOUR)" => expect![[r#"
            query query_1 → print, append
              window tumbling, size 1h
                keys: window_start, window_end
                aggregates: avg(p)
                then project avg(p) AS m
                state: one entry a group and open window
                window tumbling, size 1m
                  keys: window_start, window_end
                  aggregates: sum(price)
                  then project window_start AS minute, sum(price) AS p
                  state: one entry a group and open window
                  scan trades
        "#]];
    time_batches: "SELECT count(*) AS n FROM trades WINDOW TIMEBATCH (1 MINUTE, START TIMESTAMP '2024-01-01 00:00:30');
        SELECT count(*) AS n FROM trades WINDOW EXTERNALTIMEBATCH (volume, 1 MINUTE);
        SELECT count(*) AS n FROM trades WINDOW BATCH;
        SELECT count(*) AS n FROM trades WINDOW CRON ('0 * * * *')" => expect![[r#"
            query query_1 → print, append
              window timeBatch, size 1m, start 2024-01-01T00:00:30Z
                keys: window_start, window_end
                aggregates: count(*)
                then project count(*) AS n
                state: one entry a group and open window
                scan trades
            query query_2 → print, append
              window externalTimeBatch by CAST(CAST(volume AS TIMESTAMP) AS TIMESTAMP), size 1m
                keys: window_start, window_end
                aggregates: count(*)
                then project count(*) AS n
                state: one entry a group and open window
                scan trades
            query query_3 → print, append
              window batch of one stamp
                keys: window_start, window_end
                aggregates: count(*)
                then project count(*) AS n
                state: one entry a group and open window
                scan trades
            query query_4 → print, append
              window cron '0 * * * *'
                keys: window_start, window_end
                aggregates: count(*)
                then project count(*) AS n
                state: one entry a group and open window
                scan trades
        "#]];
    sliding_windows: "
        SELECT symbol, avg(price) AS a, price FROM trades WINDOW LENGTH (5) WHERE volume > 1 GROUP BY symbol HAVING count(*) > 2;
        SELECT sum(price) AS s FROM trades WINDOW TIME (1 MINUTE);
        SELECT sum(price) AS s FROM trades WINDOW TIMELENGTH (1 MINUTE, 9);
        SELECT sum(price) AS s FROM trades WINDOW EXTERNALTIME (ts, 1 MINUTE);
        SELECT symbol FROM trades WINDOW SORT (3, price DESC, ts);
        SELECT symbol FROM trades WINDOW UNIQUE (symbol);
        SELECT symbol FROM trades WINDOW FIRSTUNIQUE (upper(symbol));
        SELECT symbol FROM trades WINDOW FREQUENT (3, symbol);
        SELECT symbol FROM trades WINDOW LOSSYFREQUENT (0.1, 0.01, symbol)" => expect![[r#"
            query query_1 → print, append
              project symbol, avg(price) AS a, price
                filter count(*) > 2
                  sliding window length, 5 rows
                    rows: volume > 1
                    keys: symbol
                    aggregates: avg(price), count(*)
                    state: the last 5 rows
                    scan trades
            query query_2 → print, append
              project sum(price) AS s
                sliding window time, size 1m
                  aggregates: sum(price)
                  state: the rows of the last 1m
                  scan trades
            query query_3 → print, append
              project sum(price) AS s
                sliding window timeLength, size 1m, 9 rows
                  aggregates: sum(price)
                  state: the last 9 rows, none older than 1m
                  scan trades
            query query_4 → print, append
              project sum(price) AS s
                sliding window externalTime by ts, size 1m
                  aggregates: sum(price)
                  state: the rows of the last 1m
                  scan trades
            query query_5 → print, append
              project symbol
                sliding window sort, first 3 by price DESC, ts
                  state: 3 rows
                  scan trades
            query query_6 → print, append
              project symbol
                sliding window unique by symbol
                  state: the last row of each key
                  scan trades
            query query_7 → print, append
              project symbol
                sliding window firstUnique by upper(symbol)
                  state: the first row of each key
                  scan trades
            query query_8 → print, append
              project symbol
                sliding window frequent, 3 counters by symbol
                  state: one row for each of 3 keys
                  scan trades
            query query_9 → print, append
              project symbol
                sliding window lossyFrequent, support 0.1, error 0.01 by symbol
                  state: one row for each key above the error
                  scan trades
        "#]];
    expression_windows: "
        SELECT count(*) AS n FROM trades WINDOW EXPRESSION ('count() <= 20 AND last.price - first.price < 5');
        SELECT count(*) AS n FROM trades WINDOW EXPRESSIONBATCH (sum(volume) < 100 OR symbol = first.symbol, INCLUDE_TRIGGERING TRUE)" => expect![[r#"
            query query_1 → print, append
              project count(*) AS n
                sliding window expression while count(*) <= 20 AND last.price - first.price < 5.0
                  aggregates: count(*)
                  state: the rows for which the condition holds
                  scan trades
            query query_2 → print, append
              window expressionBatch while sum(volume) < 100 OR last.symbol = first.symbol, with the row that ends it
                keys: window_start, window_end
                aggregates: count(*)
                then project count(*) AS n
                state: one entry a group and open window
                scan trades
        "#]];
    a_delay: "SELECT symbol FROM trades WINDOW DELAY (5 SECONDS)" => expect![[r#"
        query query_1 → print, append
          project symbol
            delay 5s
              state: the rows of that time
              scan trades
    "#]];
    groups_without_a_window: "SELECT symbol, count(*) AS n, max(price) AS m FROM trades GROUP BY symbol HAVING count(*) > 1" => expect![[r#"
        query query_1 → print, upsert
          project symbol, count(*) AS n, max(price) AS m
            group, one row replaces another
              keys: symbol
              aggregates: count(*), max(price)
              having count(*) > 1
              state: at most 1000000 keys
              scan trades
    "#]];
    distinct_without_a_window: "SELECT DISTINCT symbol, volume > 1 AS big FROM trades" => expect![[r#"
        query query_1 → print, append
          distinct
            keys: symbol, big
            state: at most 1000000 keys
            project symbol, volume > 1 AS big
              scan trades
    "#]];
    over_a_stream: "SELECT symbol, price - lag(price, 2, 0) OVER w AS step, avg(price) OVER (PARTITION BY symbol ORDER BY ts ROWS BETWEEN 5 PRECEDING AND 1 PRECEDING) AS m,
        sum(volume) OVER (PARTITION BY symbol ORDER BY ts RANGE BETWEEN INTERVAL '1' HOUR PRECEDING AND CURRENT ROW) AS v
        FROM trades WINDOW w AS (PARTITION BY symbol ORDER BY ts)" => expect![[r#"
            query query_1 → print, append
              project symbol, price - lag(price, 2, 0.0) AS step, avg(price) ROWS BETWEEN 5 PRECEDING AND 1 PRECEDING AS m, sum(volume) RANGE BETWEEN 1h PRECEDING AND CURRENT ROW AS v
                over (PARTITION BY symbol ORDER BY ts) in event-time order
                  lag(price, 2, 0.0)
                  avg(price) ROWS BETWEEN 5 PRECEDING AND 1 PRECEDING
                  sum(volume) RANGE BETWEEN 1h PRECEDING AND CURRENT ROW
                  state: the frames of at most 1000000 partitions
                  scan trades
        "#]];
    over_in_arrival_order: "SELECT n, row_number() OVER () AS i, sum(n) OVER (PARTITION BY k) AS s FROM arrivals QUALIFY i > 1" => expect![[r#"
        query query_1 → print, append
          project n, row_number() AS i, sum(n) ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW AS s
            filter row_number() > 1
              over (PARTITION BY k) in arrival order
                sum(n) ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
                state: the frames of at most 1000000 partitions
                over () in arrival order
                  row_number()
                  state: the frames of at most 1000000 partitions
                  scan arrivals
    "#]];
    a_union_of_different_types: "SELECT k, n FROM arrivals UNION ALL SELECT symbol, price FROM trades" => expect![[r#"
        query query_1 → print, append
          union
            project k, CAST(n AS DOUBLE) AS n
              scan arrivals
            project symbol AS k, price AS n
              scan trades
    "#]];
    views_and_ctes_are_inlined: "CREATE VIEW v (s, p) AS SELECT symbol, price FROM trades WHERE price > 1;
        WITH big AS (SELECT s, p FROM v WHERE p > 100) SELECT s FROM big" => expect![[r#"
            query query_1 → print, append
              project s
                filter p > 100.0
                  project symbol AS s, price AS p
                    filter price > 1.0
                      scan trades
        "#]];
    output_rates: "
        SELECT symbol, sum(price) AS s FROM trades WINDOW LENGTH (10) GROUP BY symbol OUTPUT LAST EVERY 5 EVENTS;
        SELECT symbol FROM trades OUTPUT ALL EVERY 1 SECOND;
        SELECT symbol, count(*) AS n FROM trades GROUP BY symbol OUTPUT SNAPSHOT EVERY 1 MINUTE" => expect![[r#"
            query query_1 → print, append
              output last of each symbol every 5 rows
                project symbol, sum(price) AS s
                  sliding window length, 10 rows
                    keys: symbol
                    aggregates: sum(price)
                    state: the last 10 rows
                    scan trades
            query query_2 → print, append
              output all every 1s
                project symbol
                  scan trades
            query query_3 → print, upsert
              output snapshot of each symbol every 1m
                project symbol, count(*) AS n
                  group, one row replaces another
                    keys: symbol
                    aggregates: count(*)
                    state: at most 1000000 keys
                    scan trades
        "#]];
    expressions: "SELECT CASE symbol WHEN 'A' THEN 1 ELSE 2 END AS c, coalesce(symbol, 'none') AS s, price BETWEEN 1 AND 2 AS b, symbol IN ('A', 'B') AS i,
        symbol NOT LIKE 'A%' AS l, symbol ~ '^A' AS r, NOT (price > 1 OR volume IS NULL) AS n, -price AS m, TRY_CAST(symbol AS INT) AS t,
        extract(hour FROM ts) AS h, ts + INTERVAL '1' DAY AS d, nullif(volume, 0) AS z FROM trades" => expect![[r#"
            query query_1 → print, append
              project CASE WHEN symbol = 'A' THEN 1 ELSE 2 END AS c, CASE WHEN symbol IS NOT NULL THEN symbol ELSE 'none' END AS s, price >= 1.0 AND price <= 2.0 AS b, symbol IN ('A', 'B') AS i, symbol NOT LIKE 'A%' AS l, symbol ~ '^A' AS r, NOT (price > 1.0 OR volume IS NULL) AS n, -price AS m, TRY_CAST(symbol AS INT) AS t, date_part('HOUR', ts) AS h, ts + INTERVAL '1 days' AS d, nullif(volume, 0) AS z
                scan trades
        "#]];
    aggregates_with_clauses: "SELECT count(DISTINCT symbol) AS a, sum(DISTINCT volume) AS b, array_agg(symbol ORDER BY price DESC) AS c, last(symbol) IGNORE NULLS AS d,
        percentile_cont(0.9) WITHIN GROUP (ORDER BY price) AS e, count_if(price > 1) AS f, string_agg(symbol, '; ') AS g, max_by(symbol, price) AS h
        FROM trades WINDOW TUMBLING (SIZE 1 MINUTE)" => expect![[r#"
            query query_1 → print, append
              window tumbling, size 1m
                keys: window_start, window_end
                aggregates: count(DISTINCT symbol), sum(DISTINCT volume), array_agg(symbol ORDER BY price DESC), last(symbol) IGNORE NULLS, percentile(price, 0.9), count(*) FILTER (WHERE price > 1.0), string_agg(symbol, '; '), arg_max(symbol, price)
                then project count(DISTINCT symbol) AS a, sum(DISTINCT volume) AS b, array_agg(symbol ORDER BY price DESC) AS c, last(symbol) IGNORE NULLS AS d, percentile(price, 0.9) AS e, count(*) FILTER (WHERE price > 1.0) AS f, string_agg(symbol, '; ') AS g, arg_max(symbol, price) AS h
                state: one entry a group and open window
                scan trades
        "#]];
}

#[test]
fn a_stream_made_by_a_query_takes_its_columns() {
    let program =
        program("CREATE STREAM big AS SELECT symbol, price FROM trades WHERE price > 5; SELECT * FROM big");
    assert_eq!(program.streams[2].name, "big");
    assert_eq!(program.queries[0].name, "big");
    assert_eq!(program.queries[0].target, Target::Stream(program.streams[2].id));
    assert_eq!(program.queries[1].name, "query_1");
}

#[test]
fn what_rows_mean_is_known_downstream() {
    let program = program(
        "CREATE STREAM totals AS SELECT symbol, sum(volume) AS v FROM trades GROUP BY symbol; SELECT v FROM totals",
    );
    assert_eq!(program.streams[2].changelog, Changelog::Upsert);
    assert_eq!(program.queries[1].changelog, Changelog::Upsert);
}

#[test]
fn late_rows_can_correct_windows() {
    let program = program(
        "CREATE STREAM s (ts TIMESTAMP, n INT) WITH (\"event.time\" = 'ts', \"late.policy\" = 'retract');
         SELECT count(*) AS n FROM s WINDOW TUMBLING (SIZE 1 MINUTE); SELECT n FROM s WHERE n > 1",
    );
    assert_eq!(program.queries[0].changelog, Changelog::Retract);
    assert_eq!(program.queries[1].changelog, Changelog::Append);
}

#[test]
fn a_whole_program_explains_itself() {
    expect![[r#"
        stream trades (ts TIMESTAMP, symbol STRING, price DOUBLE, volume BIGINT)
          external, append, clock event, event time ts, lateness 2s, late rows dropped
        stream arrivals (k STRING, n INT)
          external, append, clock ingest, event time of the row, lateness 2s, late rows dropped
        stream s (ts TIMESTAMP, n INT NOT NULL, j JSON)
          external, append, clock event, event time ts, lateness 5s, late rows copied to late
        stream late (ts TIMESTAMP, n INT NOT NULL, j JSON)
          derived, append, clock ingest, event time of the row, lateness 2s, late rows dropped
        aggregation a every second, minute, hour, day
          keys: n
          aggregates: count(*), avg(n)
          select: AGG_TIMESTAMP, n, count(*) AS c, avg(n) AS m
          state: one entry a group and bucket of each grain
          filter CAST(n AS BIGINT) > 0
          scan s
        query query_2 → print, append
          project n
            scan late
        read query_1 → print
          then filter CAST(n AS BIGINT) = 1
          then sort by m
          then project AGG_TIMESTAMP, m
          then keep 5 rows
          aggregation a from 2024-05-01T00:00:00Z to 2024-06-01T00:00:00Z per hour
        constants → stream arrivals: 1 rows
    "#]].assert_eq(&explain_program(&program(
        "CREATE STREAM s (ts TIMESTAMP, n INT NOT NULL, j JSON) WITH (\"event.time\" = 'ts', \"late.stream\" = 'late', \"watermark.lateness\" = '5 seconds');
         CREATE AGGREGATION a AS SELECT n, count(*) AS c, avg(n) AS m FROM s WHERE n > 0 GROUP BY n AGGREGATE BY ts EVERY SECONDS … DAYS;
         SELECT AGG_TIMESTAMP, m FROM a WITHIN '2024-05-** **:**:**' PER 'hours' WHERE n = 1 ORDER BY m LIMIT 5;
         INSERT INTO arrivals VALUES ('a', 1);
         SELECT n FROM late",
    )));
}

#[test]
fn explain_shows_a_plan_and_changes_nothing() {
    expect![[r#"
        plan
        stream hot (symbol STRING)
          derived, append, clock event, event time of the row, lateness 2s, late rows dropped
        query hot → stream hot, append
          project symbol
            filter price > 100.0
              scan trades
    "#]]
    .assert_eq(&rows("EXPLAIN CREATE STREAM hot AS SELECT symbol FROM trades WHERE price > 100"));
    expect![[r#"
        plan
        view v, in place of its name
          window tumbling, size 1m
            keys: window_start, window_end
            aggregates: count(*)
            then project count(*) AS n
            state: one entry a group and open window
            scan trades
    "#]]
    .assert_eq(&rows(
        "EXPLAIN CREATE VIEW v AS SELECT count(*) AS n FROM trades WINDOW TUMBLING (SIZE 1 MINUTE)",
    ));
    assert_eq!(rows("EXPLAIN SELECT symbol FROM trades; SHOW QUERIES"), "name | target | rows | reads\n");
}
