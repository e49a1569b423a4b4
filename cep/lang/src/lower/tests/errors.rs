//! One error for each construct that is refused here.

use expect_test::expect;

use super::errors;

macro_rules! refused {
    ($($name:ident: $sql:expr => $expected:expr;)*) => {
        $(
            #[test]
            fn $name() {
                $expected.assert_eq(&errors($sql));
            }
        )*
    };
}

refused! {
    order_without_an_end: "SELECT symbol FROM trades ORDER BY price" => expect![[r#""#]];
    limit_without_an_end: "SELECT symbol FROM trades LIMIT 3" => expect![[r#""#]];
    order_of_a_sliding_window: "SELECT sum(price) AS s FROM trades WINDOW LENGTH (3) ORDER BY s" => expect![[r#""#]];
    over_a_sliding_window: "SELECT avg(price) OVER (ORDER BY ts) FROM trades WINDOW LENGTH (3)" => expect![[r#""#]];
    over_in_another_order: "SELECT sum(price) OVER (ORDER BY price) FROM trades" => expect![[r#""#]];
    over_in_descending_order: "SELECT sum(price) OVER (ORDER BY ts DESC) FROM trades" => expect![[r#""#]];
    a_frame_that_looks_ahead: "SELECT sum(price) OVER (ORDER BY ts ROWS BETWEEN 1 PRECEDING AND 1 FOLLOWING) FROM trades" => expect![[r#""#]];
    a_function_that_looks_ahead: "SELECT lead(price) OVER (ORDER BY ts) FROM trades" => expect![[r#""#]];
    a_function_without_over: "SELECT row_number() FROM trades" => expect![[r#""#]];
    an_unknown_named_window: "SELECT sum(price) OVER ww FROM trades WINDOW w AS (ORDER BY ts)" => expect![[r#""#]];
    an_aggregate_in_where: "SELECT symbol FROM trades WINDOW TUMBLING (SIZE 1 MINUTE) WHERE count(*) > 1 GROUP BY symbol" => expect![[r#""#]];
    over_in_where: "SELECT symbol FROM trades WHERE row_number() OVER () > 1" => expect![[r#""#]];
    an_aggregate_in_an_aggregate: "SELECT sum(count(*)) FROM trades WINDOW TUMBLING (SIZE 1 MINUTE)" => expect![[r#""#]];
    a_column_that_is_not_grouped: "SELECT symbol, count(*) FROM trades WINDOW TUMBLING (SIZE 1 MINUTE)" => expect![[r#""#]];
    qualify_without_over: "SELECT symbol FROM trades QUALIFY price > 1" => expect![[r#""#]];
    a_filter_over_upserts: "SELECT n FROM (SELECT symbol, count(*) AS n FROM trades GROUP BY symbol) WHERE n > 1" => expect![[r#""#]];
    a_window_over_upserts: "SELECT count(*) FROM (SELECT symbol, count(*) AS n FROM trades GROUP BY symbol) WINDOW TUMBLING (SIZE 1 MINUTE)" => expect![[r#""#]];
    an_aggregate_over_upserts: "SELECT max(n) FROM (SELECT symbol, count(*) AS n FROM trades GROUP BY symbol)" => expect![[r#""#]];
    over_upserts: "SELECT lag(n) OVER () FROM (SELECT symbol, count(*) AS n FROM trades GROUP BY symbol)" => expect![[r#""#]];
    a_union_with_upserts: "SELECT n FROM arrivals UNION ALL SELECT count(*) FROM trades" => expect![[r#""#]];
    a_union_of_other_types: "SELECT k, n FROM arrivals UNION ALL SELECT symbol, symbol FROM trades" => expect![[r#""#]];
    a_union_of_another_width: "SELECT k, n FROM arrivals UNION ALL SELECT symbol FROM trades" => expect![[r#""#]];
    two_columns_of_one_name: "SELECT price, volume AS Price FROM trades" => expect![[r#""#]];
    a_position_that_is_not_there: "SELECT symbol FROM trades WINDOW TUMBLING (SIZE 1 MINUTE) GROUP BY 2" => expect![[r#""#]];
    an_alias_in_where: "SELECT price * 2 AS double_price FROM trades WHERE double_price > 1" => expect![[r#""#]];
    a_window_by_another_column: "SELECT count(*) FROM TABLE(TUMBLE(TABLE trades, DESCRIPTOR(volume), INTERVAL '1' MINUTE))" => expect![[r#""#]];
    a_window_by_no_column: "SELECT count(*) FROM TABLE(TUMBLE(TABLE arrivals, DESCRIPTOR(n), INTERVAL '1' MINUTE))" => expect![[r#""#]];
    a_window_over_window_columns: "SELECT count(*) FROM (SELECT window_start, count(*) AS n FROM trades WINDOW TUMBLING (SIZE 1 MINUTE)) WINDOW TUMBLING (SIZE 1 HOUR)" => expect![[r#""#]];
    months_and_days_in_one_length: "SELECT count(*) FROM trades WINDOW TUMBLING (SIZE INTERVAL '1 month 2 days')" => expect![[r#""#]];
    a_size_that_is_no_multiple: "SELECT count(*) FROM trades WINDOW CUMULATE (STEP 7 MINUTES, SIZE 1 HOUR)" => expect![[r#""#]];
    a_time_that_is_text: "SELECT count(*) FROM trades WINDOW EXTERNALTIME (symbol, 1 MINUTE)" => expect![[r#""#]];
    a_cron_expression: "SELECT count(*) FROM trades WINDOW CRON ('61 * * * *')" => expect![[r#""#]];
    event_time_of_window_rows: "SELECT event_time() AS t FROM trades WINDOW LENGTHBATCH (3)" => expect![[r#""#]];
    a_volatile_function: "SELECT random() FROM trades" => expect![[r#""#]];
    a_clause_of_a_scalar_function: "SELECT upper(symbol) FILTER (WHERE price > 1) FROM trades" => expect![[r#""#]];
    a_lambda: "SELECT array_transform([1, 2], x -> x + 1) FROM trades" => expect![[r#""#]];
    a_share_out_of_range: "SELECT percentile(price, 95) FROM trades WINDOW TUMBLING (SIZE 1 MINUTE)" => expect![[r#""#]];
    a_share_that_varies: "SELECT percentile(price, volume) FROM trades WINDOW TUMBLING (SIZE 1 MINUTE)" => expect![[r#""#]];
    top_nothing: "SELECT topk(symbol, 0) FROM trades WINDOW TUMBLING (SIZE 1 MINUTE)" => expect![[r#""#]];
    the_zeroth: "SELECT nth(symbol, 0) FROM trades WINDOW TUMBLING (SIZE 1 MINUTE)" => expect![[r#""#]];
    nulls_of_a_sum: "SELECT sum(price) IGNORE NULLS FROM trades WINDOW TUMBLING (SIZE 1 MINUTE)" => expect![[r#""#]];
    an_order_that_does_not_matter: "SELECT sum(price ORDER BY ts) FROM trades WINDOW TUMBLING (SIZE 1 MINUTE)" => expect![[r#""#]];
    no_cast: "SELECT CAST(price AS DATE) FROM trades" => expect![[r#""#]];
    a_view_of_itself: "CREATE VIEW v AS SELECT * FROM v" => expect![[r#""#]];
    a_cte_of_itself: "WITH c AS (SELECT * FROM c) SELECT * FROM c" => expect![[r#""#]];
    a_name_twice: "CREATE STREAM Trades (a INT)" => expect![[r#""#]];
    a_cycle: "CREATE STREAM a (x INT); CREATE STREAM b (x INT); INSERT INTO b SELECT x FROM a; INSERT INTO a SELECT x FROM b" => expect![[r#""#]];
    an_insert_into_itself: "INSERT INTO arrivals SELECT * FROM arrivals" => expect![[r#""#]];
    an_insert_into_a_source: "CREATE STREAM f (a INT) WITH (type = 'source', extension = 'stdin', format = 'csv'); INSERT INTO f SELECT n FROM arrivals" => expect![[r#""#]];
    an_insert_into_a_view: "CREATE VIEW v AS SELECT n FROM arrivals; INSERT INTO v SELECT n FROM arrivals" => expect![[r#""#]];
    an_insert_of_another_kind: "CREATE STREAM c AS SELECT k FROM arrivals; INSERT INTO c SELECT symbol FROM trades GROUP BY symbol HAVING count(*) > 1" => expect![[r#""#]];
    a_column_left_out: "CREATE STREAM s (a INT NOT NULL, b INT); INSERT INTO s (b) SELECT n FROM arrivals" => expect![[r#""#]];
    drop_of_a_stream_in_use: "SELECT n FROM arrivals; DROP STREAM arrivals" => expect![[r#""#]];
    drop_of_a_view_in_use: "CREATE VIEW v AS SELECT n FROM arrivals; CREATE VIEW w AS SELECT n FROM v; DROP VIEW v" => expect![[r#""#]];
    drop_of_another_kind: "DROP VIEW arrivals" => expect![[r#""#]];
    an_unknown_option: "CREATE STREAM s (a INT) WITH (\"csv.delimeter\" = ';')" => expect![[r#""#]];
    a_late_stream_behind_a_projection: "CREATE STREAM s (ts TIMESTAMP, n INT) WITH (\"event.time\" = 'ts', \"late.stream\" = 'l');
        SELECT count(*) FROM (SELECT n FROM s) WINDOW TUMBLING (SIZE 1 MINUTE)" => expect![[r#""#]];
    a_sliding_window_cannot_be_corrected: "CREATE STREAM s (ts TIMESTAMP, n INT) WITH (\"event.time\" = 'ts', \"late.policy\" = 'retract');
        SELECT sum(n) FROM s WINDOW LENGTH (3)" => expect![[r#""#]];
    a_window_over_corrections: "CREATE STREAM s (ts TIMESTAMP, n INT) WITH (\"event.time\" = 'ts', \"late.policy\" = 'retract');
        SELECT count(*) FROM (SELECT window_end AS t, count(*) AS n FROM s WINDOW TUMBLING (SIZE 1 MINUTE)) WINDOW TUMBLING (SIZE 1 HOUR)" => expect![[r#""#]];
    an_aggregation_without_a_grain: "CREATE AGGREGATION a AS SELECT count(*) AS n FROM trades AGGREGATE BY ts EVERY HOURS; SELECT * FROM a" => expect![[r#""#]];
    a_grain_that_is_not_kept: "CREATE AGGREGATION a AS SELECT count(*) AS n FROM trades AGGREGATE BY ts EVERY HOURS, DAYS; SELECT * FROM a WITHIN '2024-**-** **:**:**' PER 'seconds'" => expect![[r#""#]];
    a_grain_of_a_stream: "SELECT * FROM trades WITHIN '2024-**-** **:**:**' PER 'seconds'" => expect![[r#""#]];
    stars_in_the_middle: "CREATE AGGREGATION a AS SELECT count(*) AS n FROM trades AGGREGATE BY ts EVERY HOURS; SELECT * FROM a WITHIN '2024-**-01 **:**:**' PER 'hours'" => expect![[r#""#]];
    an_aggregation_of_nothing: "CREATE AGGREGATION a AS SELECT price FROM trades AGGREGATE BY ts EVERY HOURS" => expect![[r#""#]];
    an_aggregation_as_a_stream: "CREATE AGGREGATION a AS SELECT count(*) AS n FROM trades AGGREGATE BY ts EVERY HOURS;
        SELECT n FROM a WITHIN '2024-**-** **:**:**' PER 'hours' UNION ALL SELECT n FROM arrivals" => expect![[r#""#]];
    a_rate_without_its_group: "SELECT sum(price) AS s FROM trades WINDOW LENGTH (10) GROUP BY symbol OUTPUT LAST EVERY 5 EVENTS" => expect![[r#""#]];
    a_constant_with_a_clause: "SELECT 1 WHERE TRUE" => expect![[r#""#]];
    a_constant_as_a_stream: "SELECT a FROM (SELECT 1 AS a)" => expect![[r#""#]];
    errors_are_not_repeated: "CREATE STREAM bad (a INT) WITH (nonsense = 1); SELECT a FROM bad; SELECT b FROM bad WHERE a > 1" => expect![[r#""#]];
}
