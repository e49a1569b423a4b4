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
    a_filter_and_a_projection: "SELECT symbol, price * 2 AS p FROM trades WHERE price > 10 AND symbol LIKE 'A%'" => expect![[r#""#]];
    a_tumbling_window: "SELECT window_start, symbol, avg(price) AS mean, count(*) FILTER (WHERE volume > 1) AS n
        FROM trades WINDOW TUMBLING (SIZE 1 HOUR) WHERE price > 0 GROUP BY symbol HAVING avg(price) > 5 ORDER BY mean DESC LIMIT 3" => expect![[r#""#]];
    three_spellings_of_one_window: "
        SELECT count(*) AS n FROM trades WINDOW TUMBLING (SIZE 1 MINUTE);
        SELECT count(*) AS n FROM trades WINDOW('tumbling', 1 MINUTE);
        SELECT count(*) AS n FROM TABLE(TUMBLE(TABLE trades, DESCRIPTOR(ts), INTERVAL '1' MINUTE))" => expect![[r#""#]];
    a_filter_before_the_window: "SELECT count(*) AS n FROM trades WHERE price > 1 WINDOW TUMBLING (SIZE 1 DAY, ZONE 'Europe/Berlin') WHERE volume > 2" => expect![[r#""#]];
    a_hop_window: "SELECT window_end, max(price) AS high FROM trades WINDOW HOP (SIZE 1 HOUR, SLIDE 15 MINUTES) GROUP BY window_end" => expect![[r#""#]];
    a_cumulate_window: "SELECT sum(volume) AS v FROM trades WINDOW CUMULATE (STEP 1 HOUR, SIZE 1 DAY)" => expect![[r#""#]];
    a_session_window: "SELECT symbol, count(*) AS n FROM trades WINDOW SESSION (GAP 5 MINUTES, KEY symbol) GROUP BY symbol" => expect![[r#""#]];
    a_key_of_the_window_only: "SELECT date_trunc('day', window_start) AS day, count(*) AS n FROM trades WINDOW TUMBLING (SIZE 1 HOUR) GROUP BY date_trunc('day', window_start)" => expect![[r#""#]];
    a_key_that_mixes_window_and_row: "SELECT ts - window_start AS since, count(*) AS n FROM trades WINDOW TUMBLING (SIZE 1 HOUR) GROUP BY ts - window_start" => expect![[r#""#]];
    the_rows_of_a_window: "SELECT symbol, price FROM trades WINDOW LENGTHBATCH (10) WHERE price > 1 ORDER BY price LIMIT 2 OFFSET 1" => expect![[r#""#]];
    over_the_rows_of_a_window: "SELECT symbol, rank() OVER (ORDER BY price DESC) AS r, sum(price) OVER () AS total, lead(price) OVER (ORDER BY price DESC) AS next
        FROM trades WINDOW TUMBLING (SIZE 1 MINUTE) QUALIFY r <= 3" => expect![[r#""#]];
    over_groups_of_a_window: "SELECT symbol, sum(price) / sum(sum(price)) OVER () AS share FROM trades WINDOW TUMBLING (SIZE 1 MINUTE) GROUP BY symbol" => expect![[r#""#]];
    distinct_in_a_window: "SELECT DISTINCT symbol FROM trades WINDOW TUMBLING (SIZE 1 MINUTE)" => expect![[r#""#]];
    an_outer_query_stays_within_the_window: "WITH w AS (SELECT symbol, price * 2 AS p FROM trades WINDOW TUMBLING (SIZE 1 MINUTE))
        SELECT symbol, max(p) AS m FROM w WHERE p > 1 GROUP BY symbol ORDER BY m LIMIT 1" => expect![[r#""#]];
    a_window_on_a_window: "WITH w AS (SELECT window_start AS minute, sum(price) AS p FROM trades WINDOW TUMBLING (SIZE 1 MINUTE))
        SELECT avg(p) AS m FROM w WINDOW TUMBLING (SIZE 1 HOUR)" => expect![[r#""#]];
    time_batches: "SELECT count(*) AS n FROM trades WINDOW TIMEBATCH (1 MINUTE, START TIMESTAMP '2024-01-01 00:00:30');
        SELECT count(*) AS n FROM trades WINDOW EXTERNALTIMEBATCH (volume, 1 MINUTE);
        SELECT count(*) AS n FROM trades WINDOW BATCH;
        SELECT count(*) AS n FROM trades WINDOW CRON ('0 * * * *')" => expect![[r#""#]];
    sliding_windows: "
        SELECT symbol, avg(price) AS a, price FROM trades WINDOW LENGTH (5) WHERE volume > 1 GROUP BY symbol HAVING count(*) > 2;
        SELECT sum(price) AS s FROM trades WINDOW TIME (1 MINUTE);
        SELECT sum(price) AS s FROM trades WINDOW TIMELENGTH (1 MINUTE, 9);
        SELECT sum(price) AS s FROM trades WINDOW EXTERNALTIME (ts, 1 MINUTE);
        SELECT symbol FROM trades WINDOW SORT (3, price DESC, ts);
        SELECT symbol FROM trades WINDOW UNIQUE (symbol);
        SELECT symbol FROM trades WINDOW FIRSTUNIQUE (upper(symbol));
        SELECT symbol FROM trades WINDOW FREQUENT (3, symbol);
        SELECT symbol FROM trades WINDOW LOSSYFREQUENT (0.1, 0.01, symbol)" => expect![[r#""#]];
    expression_windows: "
        SELECT count(*) AS n FROM trades WINDOW EXPRESSION ('count() <= 20 AND last.price - first.price < 5');
        SELECT count(*) AS n FROM trades WINDOW EXPRESSIONBATCH (sum(volume) < 100 OR symbol = first.symbol, INCLUDE_TRIGGERING TRUE)" => expect![[r#""#]];
    a_delay: "SELECT symbol FROM trades WINDOW DELAY (5 SECONDS)" => expect![[r#""#]];
    groups_without_a_window: "SELECT symbol, count(*) AS n, max(price) AS m FROM trades GROUP BY symbol HAVING count(*) > 1" => expect![[r#""#]];
    distinct_without_a_window: "SELECT DISTINCT symbol, volume > 1 AS big FROM trades" => expect![[r#""#]];
    over_a_stream: "SELECT symbol, price - lag(price, 2, 0) OVER w AS step, avg(price) OVER (PARTITION BY symbol ORDER BY ts ROWS BETWEEN 5 PRECEDING AND 1 PRECEDING) AS m,
        sum(volume) OVER (PARTITION BY symbol ORDER BY ts RANGE BETWEEN INTERVAL '1' HOUR PRECEDING AND CURRENT ROW) AS v
        FROM trades WINDOW w AS (PARTITION BY symbol ORDER BY ts)" => expect![[r#""#]];
    over_in_arrival_order: "SELECT n, row_number() OVER () AS i, sum(n) OVER (PARTITION BY k) AS s FROM arrivals QUALIFY i > 1" => expect![[r#""#]];
    a_union_of_different_types: "SELECT k, n FROM arrivals UNION ALL SELECT symbol, price FROM trades" => expect![[r#""#]];
    views_and_ctes_are_inlined: "CREATE VIEW v (s, p) AS SELECT symbol, price FROM trades WHERE price > 1;
        WITH big AS (SELECT s, p FROM v WHERE p > 100) SELECT s FROM big" => expect![[r#""#]];
    output_rates: "
        SELECT symbol, sum(price) AS s FROM trades WINDOW LENGTH (10) GROUP BY symbol OUTPUT LAST EVERY 5 EVENTS;
        SELECT symbol FROM trades OUTPUT ALL EVERY 1 SECOND;
        SELECT symbol, count(*) AS n FROM trades GROUP BY symbol OUTPUT SNAPSHOT EVERY 1 MINUTE" => expect![[r#""#]];
    expressions: "SELECT CASE symbol WHEN 'A' THEN 1 ELSE 2 END AS c, coalesce(symbol, 'none') AS s, price BETWEEN 1 AND 2 AS b, symbol IN ('A', 'B') AS i,
        symbol NOT LIKE 'A%' AS l, symbol SIMILAR TO 'A%' AS r, NOT (price > 1 OR volume IS NULL) AS n, -price AS m, TRY_CAST(symbol AS INT) AS t,
        extract(hour FROM ts) AS h, ts + INTERVAL '1' DAY AS d, nullif(volume, 0) AS z FROM trades" => expect![[r#""#]];
    aggregates_with_clauses: "SELECT count(DISTINCT symbol) AS a, sum(DISTINCT volume) AS b, array_agg(symbol ORDER BY price DESC) AS c, last(symbol) IGNORE NULLS AS d,
        percentile_cont(0.9) WITHIN GROUP (ORDER BY price) AS e, count_if(price > 1) AS f, string_agg(symbol, '; ') AS g, regr_slope(price, volume) AS h
        FROM trades WINDOW TUMBLING (SIZE 1 MINUTE)" => expect![[r#""#]];
}

#[test]
fn a_stream_made_by_a_query_takes_its_columns() {
    let program = program("INSERT INTO big SELECT symbol, price FROM trades WHERE price > 5; SELECT * FROM big");
    assert_eq!(program.streams[2].name, "big");
    assert_eq!(program.queries[0].name, "big");
    assert_eq!(program.queries[0].target, Target::Stream(program.streams[2].id));
    assert_eq!(program.queries[1].name, "query_1");
}

#[test]
fn what_rows_mean_is_known_downstream() {
    let program = program("CREATE STREAM totals AS SELECT symbol, sum(volume) AS v FROM trades GROUP BY symbol; SELECT v FROM totals");
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
    expect![[r#""#]].assert_eq(&explain_program(&program(
        "CREATE STREAM s (ts TIMESTAMP, n INT NOT NULL, j JSON) WITH (\"event.time\" = 'ts', \"late.stream\" = 'late', \"watermark.lateness\" = '5 seconds');
         CREATE AGGREGATION a AS SELECT n, count(*) AS c, avg(n) AS m FROM s WHERE n > 0 GROUP BY n AGGREGATE BY ts EVERY SECONDS … DAYS;
         SELECT AGG_TIMESTAMP, m FROM a WITHIN '2024-05-** **:**:**' PER 'hours' WHERE n = 1 ORDER BY m LIMIT 5;
         INSERT INTO arrivals VALUES ('a', 1);
         SELECT n FROM late",
    )));
}

#[test]
fn explain_shows_a_plan_and_changes_nothing() {
    expect![[r#""#]].assert_eq(&rows("EXPLAIN CREATE STREAM hot AS SELECT symbol FROM trades WHERE price > 100"));
    expect![[r#""#]].assert_eq(&rows("EXPLAIN CREATE VIEW v AS SELECT count(*) AS n FROM trades WINDOW TUMBLING (SIZE 1 MINUTE)"));
    assert_eq!(rows("EXPLAIN SELECT symbol FROM trades; SHOW QUERIES"), "name | target | rows | reads\n");
}
