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
    order_without_an_end: "SELECT symbol FROM trades ORDER BY price" => expect![[r#"
        E0703: ORDER BY needs all rows first, and these never end at «price»
          help: put a window on the stream; then it applies to each window's result: FROM s WINDOW TUMBLING (SIZE 1 MINUTE)
    "#]];
    limit_without_an_end: "SELECT symbol FROM trades LIMIT 3" => expect![[r#"
        E0703: LIMIT needs all rows first, and these never end at «3»
          help: put a window on the stream; then it applies to each window's result: FROM s WINDOW TUMBLING (SIZE 1 MINUTE)
    "#]];
    order_of_a_sliding_window: "SELECT sum(price) AS s FROM trades WINDOW LENGTH (3) ORDER BY s" => expect![[r#"
        E0703: ORDER BY needs all rows first, and these never end at «sum(price)»
          help: put a window on the stream; then it applies to each window's result: FROM s WINDOW TUMBLING (SIZE 1 MINUTE)
    "#]];
    over_a_sliding_window: "SELECT avg(price) OVER (ORDER BY ts) FROM trades WINDOW LENGTH (3)" => expect![[r#"
        E0613: OVER cannot stand over a sliding window, which is a frame itself at «avg(price)»
          help: write the aggregate without OVER, with GROUP BY for PARTITION BY; or leave out the window and give OVER a frame
    "#]];
    over_in_another_order: "SELECT sum(price) OVER (ORDER BY price) FROM trades" => expect![[r#"
        E0613: a stream can be ordered by its event time only, ascending at «price»
          help: write ORDER BY ts, leave the order out to take rows as they arrive, or put a window around the query
    "#]];
    over_in_descending_order: "SELECT sum(price) OVER (ORDER BY ts DESC) FROM trades" => expect![[r#"
        E0613: a stream can be ordered by its event time only, ascending at «ts»
          help: write ORDER BY ts, leave the order out to take rows as they arrive, or put a window around the query
    "#]];
    a_frame_that_looks_ahead: "SELECT sum(price) OVER (ORDER BY ts ROWS BETWEEN 1 PRECEDING AND 1 FOLLOWING) FROM trades" => expect![[r#"
        E0613: the frame reaches behind the current row, to rows that have not come yet at «sum»
          help: end it at CURRENT ROW, or put a window around the query: FROM s WINDOW TUMBLING (SIZE 1 MINUTE)
    "#]];
    a_function_that_looks_ahead: "SELECT lead(price) OVER (ORDER BY ts) FROM trades" => expect![[r#"
        E0613: `lead` needs rows that have not come yet at «lead(price)»
          help: put a window around it: FROM s WINDOW TUMBLING (SIZE 1 MINUTE); then it works on each window's rows
    "#]];
    a_function_without_over: "SELECT row_number() FROM trades" => expect![[r#"
        E0907: `row_number` looks at other rows and needs an OVER clause at «row_number»
          help: write row_number(…) OVER (ORDER BY ts)
    "#]];
    an_unknown_named_window: "SELECT sum(price) OVER ww FROM trades WINDOW w AS (ORDER BY ts)" => expect![[r#"
        E0613: there is no window `ww` for OVER at «ww»
          help: did you mean `w`?
    "#]];
    a_window_name_twice: "SELECT sum(price) OVER w FROM trades WINDOW w AS (ORDER BY ts), W AS (ORDER BY ts ROWS 1 PRECEDING)" => expect![[r#"
        E0613: the window `W` is defined twice at «W»
          help: give one of them another name
    "#]];
    an_unused_window_is_checked: "SELECT sum(price) OVER w FROM trades WINDOW w AS (ORDER BY ts), u AS (ORDER BY nope)" => expect![[r#"
        E0202: there is no column `nope` at «nope»
          help: columns are ts, symbol, price, volume; text takes single quotes
    "#]];
    forever_in_a_frame: "SELECT max_forever(price) OVER (ORDER BY ts) FROM trades" => expect![[r#"
        E0907: `max_forever` takes no OVER at «max_forever(price)»
          help: a frame that starts unbounded keeps everything: max(x) OVER (ORDER BY ts)
    "#]];
    a_power_that_is_none: "SELECT price ^ 2 FROM trades" => expect![[r#"
        E0304: `^` takes integers, not DOUBLE; a power is power(a, b) at «price ^ 2»
          help: convert one side: CAST(x AS type)
    "#]];
    an_insert_into_nothing: "CREATE STREAM alerts (symbol STRING); INSERT INTO alrets SELECT symbol FROM trades" => expect![[r#"
        E0201: there is no stream, view, table or aggregation `alrets` at «alrets»
          help: did you mean `alerts`?
    "#]];
    a_null_constant_for_a_column_that_is_not_null: "CREATE STREAM o (a STRING NOT NULL); INSERT INTO o SELECT NULL FROM trades" => expect![[r#"
        E0704: `a` is NOT NULL at «SELECT NULL FROM trades»
          help: write a value
    "#]];
    a_text_that_is_no_number: "SELECT symbol FROM trades WHERE volume > 'abc'" => expect![[r#"
        E0108: 'abc' is no BIGINT at «volume > 'abc'»
          help: mend the value, or compare and combine values of one type
    "#]];
    a_text_that_is_no_time: "SELECT symbol FROM trades WHERE ts > 'yesterday'" => expect![[r#"
        E0108: 'yesterday' is no TIMESTAMP at «ts > 'yesterday'»
          help: mend the value, or compare and combine values of one type
    "#]];
    a_day_that_does_not_exist: "SELECT DATE '2024-02-30' AS d FROM trades" => expect![[r#"
        E0108: '2024-02-30' is no DATE at «'2024-02-30'»
          help: mend the value, or compare and combine values of one type
    "#]];
    a_text_among_numbers: "SELECT coalesce(volume, 'none') AS v FROM trades" => expect![[r#"
        E0108: 'none' is no BIGINT at «coalesce(volume, 'none')»
          help: mend the value, or compare and combine values of one type
    "#]];
    a_default_of_another_type: "SELECT lag(volume, 1, 'x') OVER (ORDER BY ts) AS v FROM trades" => expect![[r#"
        E0108: 'x' is no BIGINT at «lag(volume, 1, 'x')»
          help: mend the value, or compare and combine values of one type
    "#]];
    arguments_of_the_wrong_type: "SELECT sum(symbol) FROM trades WINDOW TUMBLING (SIZE 1 MINUTE)" => expect![[r#"
        E0902: `sum` does not take (STRING) at «sum(symbol)»
          help: it takes sum(expression)
    "#]];
    rounding_a_time: "SELECT round(ts) FROM trades" => expect![[r#"
        E0902: `round` does not take (TIMESTAMP) at «round(ts)»
          help: it takes round(numeric_expression[, decimal_places])
    "#]];
    sum_of_everything: "SELECT sum(*) FROM trades WINDOW TUMBLING (SIZE 1 MINUTE)" => expect![[r#"
        E0902: `sum` does not take (NULL) at «sum»
          help: name the column; only count takes `*`
    "#]];
    stddev_of_times: "SELECT stddev(ts) FROM trades WINDOW TUMBLING (SIZE 1 MINUTE)" => expect![[r#"
        E0902: `stddev` does not take (TIMESTAMP) at «stddev(ts)»
          help: it takes stddev(expression)
    "#]];
    a_scaled_interval: "SELECT INTERVAL '1' DAY * 2 FROM trades" => expect![[r#"
        E0304: INTERVAL * BIGINT is not defined at «'1' DAY * 2»
          help: convert one side: CAST(x AS type)
    "#]];
    upper_of_a_number: "SELECT upper(volume) FROM trades" => expect![[r#"
        E0902: `upper` does not take (BIGINT) at «upper(volume)»
          help: it takes upper(str)
    "#]];
    a_window_in_group_by: "SELECT count(*) FROM trades GROUP BY TUMBLE(ts, INTERVAL '1' MINUTE)" => expect![[r#"
        E0903: `TUMBLE` cannot be used: windows stand in FROM at «TUMBLE»
          help: `FROM s WINDOW TUMBLING (SIZE 1 MINUTE)`; its edges are the columns `window_start` and `window_end`
    "#]];
    a_mistyped_from: "SELECT * FORM trades" => expect![[r#"
        E0101: expected the end of the statement, found `FORM` at «FORM»
          help: did you mean `FROM`?
    "#]];
    a_negative_size: "SELECT count(*) FROM trades WINDOW TUMBLING (SIZE -1 SECONDS)" => expect![[r#"
        E0403: SIZE must be longer than nothing at «-1 SECONDS»
          help: write it as 5 SECONDS, 1 HOUR 30 MINUTES or INTERVAL '5' SECOND
    "#]];
    an_unknown_type: "SELECT CAST(volume AS INTEGR) FROM trades" => expect![[r#"
        E0301: there is no type `INTEGR` at «INTEGR»
          help: did you mean `INTEGER`?
    "#]];
    an_edge_without_a_window: "SELECT window_start FROM trades" => expect![[r#"
        E0202: there is no column `window_start` at «window_start»
          help: windows that emit when they close have it: FROM s WINDOW TUMBLING (SIZE 1 MINUTE)
    "#]];
    a_window_on_delayed_rows: "CREATE STREAM d AS SELECT ts, price FROM trades WINDOW DELAY (10 SECONDS); SELECT count(*) FROM d WINDOW TUMBLING (SIZE 5 SECONDS)" => expect![[r#"
        E0406: WINDOW DELAY keeps rows back until the watermark has passed them; this window would drop them as late at «WINDOW TUMBLING (SIZE 5 SECONDS)»
          help: put the window below, or give the rows a stream with an event time of its own: CREATE STREAM d WITH ("event.time" = 'ts') AS SELECT …
    "#]];
    a_window_on_rows_at_a_rate: "SELECT count(*) FROM (SELECT ts, price FROM trades OUTPUT ALL EVERY 10 SECONDS) WINDOW TUMBLING (SIZE 5 SECONDS)" => expect![[r#"
        E0406: OUTPUT … EVERY keeps rows back until the watermark has passed them; this window would drop them as late at «WINDOW TUMBLING (SIZE 5 SECONDS)»
          help: put the window below, or give the rows a stream with an event time of its own: CREATE STREAM d WITH ("event.time" = 'ts') AS SELECT …
    "#]];
    an_order_of_rows_at_a_rate: "CREATE STREAM d AS SELECT ts, price FROM trades OUTPUT LAST EVERY 3 EVENTS; SELECT sum(price) OVER (ORDER BY ts) FROM d" => expect![[r#"
        E0613: a stream can be ordered by its event time only, ascending at «ts»
          help: leave the order out to take rows as they arrive, set "event.time" on the stream, or put a window around the query
    "#]];
    an_aggregate_in_where: "SELECT symbol FROM trades WINDOW TUMBLING (SIZE 1 MINUTE) WHERE count(*) > 1 GROUP BY symbol" => expect![[r#"
        E0904: an aggregate cannot stand in WHERE at «count(*) > 1»
          help: filter groups with HAVING and OVER results with QUALIFY
    "#]];
    over_in_where: "SELECT symbol FROM trades WHERE row_number() OVER () > 1" => expect![[r#"
        E0904: OVER cannot stand in WHERE at «row_number() OVER () > 1»
          help: filter groups with HAVING and OVER results with QUALIFY
    "#]];
    an_aggregate_in_an_aggregate: "SELECT sum(count(*)) FROM trades WINDOW TUMBLING (SIZE 1 MINUTE)" => expect![[r#"
        E0904: the aggregate `count` cannot stand here at «sum(count»
          help: compute it in a view or a common table expression first, then use its column here
    "#]];
    a_column_that_is_not_grouped: "SELECT symbol, count(*) FROM trades WINDOW TUMBLING (SIZE 1 MINUTE)" => expect![[r#"
        E0906: `symbol` is neither grouped nor inside an aggregate at «symbol»
          help: add it to GROUP BY, or take one value: last(symbol)
    "#]];
    qualify_without_over: "SELECT symbol FROM trades QUALIFY price > 1" => expect![[r#"
        E0904: QUALIFY filters the results of OVER, and there is none at «price > 1»
          help: write WHERE, or HAVING for groups
    "#]];
    a_filter_over_upserts: "SELECT n FROM (SELECT symbol, count(*) AS n FROM trades GROUP BY symbol) WHERE n > 1" => expect![[r#"
        E0701: a filter over rows that are replaced later would keep rows that are out of date at «n > 1»
          help: write the condition as HAVING of the GROUP BY, or put a window on the input stream
    "#]];
    a_window_over_upserts: "SELECT count(*) FROM (SELECT symbol, count(*) AS n FROM trades GROUP BY symbol) WINDOW TUMBLING (SIZE 1 MINUTE)" => expect![[r#"
        E0701: a window cannot take rows that are replaced or taken back later at «WINDOW TUMBLING (SIZE 1 MINUTE)»
          help: put the window on the stream below, before the GROUP BY
    "#]];
    an_aggregate_over_upserts: "SELECT max(n) FROM (SELECT symbol, count(*) AS n FROM trades GROUP BY symbol)" => expect![[r#"
        E0701: an aggregate cannot follow corrections, and its input replaces its rows by later ones at «SELECT max(n) FROM (SELECT symbol, count(*) AS n FROM trades GROUP BY symbol)»
          help: put a window on the input stream, then the result is final: WINDOW TUMBLING (SIZE 1 MINUTE)
    "#]];
    over_upserts: "SELECT lag(n) OVER () FROM (SELECT symbol, count(*) AS n FROM trades GROUP BY symbol)" => expect![[r#"
        E0701: OVER cannot follow corrections, and its input replaces its rows by later ones at «SELECT lag(n) OVER () FROM (SELECT symbol, count(*) AS n FROM trades GROUP BY symbol)»
          help: put a window on the input stream, then the result is final: WINDOW TUMBLING (SIZE 1 MINUTE)
    "#]];
    a_union_with_upserts: "SELECT n FROM arrivals UNION ALL SELECT count(*) FROM trades" => expect![[r#"
        E0701: UNION ALL cannot mix rows that are replaced or taken back later with others at «SELECT count(*) FROM trades»
          help: put a window on its input, then its rows are final
    "#]];
    a_union_of_other_types: "SELECT k, n FROM arrivals UNION ALL SELECT symbol, upper(symbol) FROM trades" => expect![[r#"
        E0304: column `n` is STRING here and INT in the first SELECT at «SELECT symbol, upper(symbol) FROM trades»
          help: convert one of them: CAST(x AS type)
    "#]];
    a_union_of_another_width: "SELECT k, n FROM arrivals UNION ALL SELECT symbol FROM trades" => expect![[r#"
        E0210: this SELECT has 1 columns, the first has 2 at «SELECT symbol FROM trades»
          help: UNION ALL joins columns by position; select as many on each side
    "#]];
    two_columns_of_one_name: "SELECT price, volume AS Price FROM trades" => expect![[r#"
        E0205: two columns are called `Price` at «volume»
          help: name one of them with AS
    "#]];
    a_position_that_is_not_there: "SELECT symbol FROM trades WINDOW TUMBLING (SIZE 1 MINUTE) GROUP BY 2" => expect![[r#"
        E0202: position 2 is not in the select list at «2»
          help: it has 1 columns, counted from 1
    "#]];
    an_alias_in_where: "SELECT price * 2 AS double_price FROM trades WHERE double_price > 1" => expect![[r#"
        E0202: there is no column `double_price` at «double_price»
          help: `double_price` is made by the select list, after WHERE; repeat its expression, or select from a subquery
    "#]];
    a_window_by_another_column: "SELECT count(*) FROM TABLE(TUMBLE(TABLE trades, DESCRIPTOR(volume), INTERVAL '1' MINUTE))" => expect![[r#"
        E0406: `volume` is not the event time of this stream, by which windows close at «volume»
          help: the event time is `ts`; or use WINDOW EXTERNALTIMEBATCH (volume, …)
    "#]];
    a_window_by_no_column: "SELECT count(*) FROM TABLE(TUMBLE(TABLE arrivals, DESCRIPTOR(n), INTERVAL '1' MINUTE))" => expect![[r#"
        E0406: `n` is not the event time of this stream, by which windows close at «n»
          help: set "event.time" = 'n' on the stream; or use WINDOW EXTERNALTIMEBATCH (n, …)
    "#]];
    a_window_over_window_columns: "SELECT count(*) FROM (SELECT window_start, count(*) AS n FROM trades WINDOW TUMBLING (SIZE 1 MINUTE)) WINDOW TUMBLING (SIZE 1 HOUR)" => expect![[r#"
        E0205: the input has a column `window_start` already, and the window adds one at «WINDOW TUMBLING (SIZE 1 HOUR)»
          help: rename it below the window: SELECT window_start AS inner_window_start, …
    "#]];
    months_and_days_in_one_length: "SELECT count(*) FROM trades WINDOW TUMBLING (SIZE INTERVAL '1 month 2 days')" => expect![[r#"
        E0402: a window's length is whole months, or days and shorter units, not both at «WINDOW TUMBLING (SIZE INTERVAL '1 month 2 days')»
          help: write 1 MONTH or 30 DAYS
    "#]];
    a_size_that_is_no_multiple: "SELECT count(*) FROM trades WINDOW CUMULATE (STEP 7 MINUTES, SIZE 1 HOUR)" => expect![[r#"
        E0402: SIZE is a multiple of STEP at «WINDOW CUMULATE (STEP 7 MINUTES, SIZE 1 HOUR)»
          help: write for example STEP 1 MINUTE, SIZE 1 HOUR
    "#]];
    a_time_that_is_text: "SELECT count(*) FROM trades WINDOW EXTERNALTIME (symbol, 1 MINUTE)" => expect![[r#"
        E0802: a time is TIMESTAMP, or BIGINT milliseconds since 1970, not STRING at «symbol»
          help: convert it: CAST(x AS TIMESTAMP)
    "#]];
    a_cron_expression: "SELECT count(*) FROM trades WINDOW CRON ('61 * * * *')" => expect![[r#"
        E0407: this is no cron expression: Component error: Number out of bounds. at «'61 * * * *'»
          help: five fields, or six with seconds first: '0 */5 * * * *' is every five minutes
    "#]];
    event_time_of_window_rows: "SELECT event_time() AS t FROM trades WINDOW LENGTHBATCH (3)" => expect![[r#"
        E0405: event_time() of single rows is not known any more when the window closes at «event_time»
          help: select the column that holds the time
    "#]];
    a_volatile_function: "SELECT random() FROM trades" => expect![[r#"
        E0903: `random` cannot be used: it gives another value on every replica and every replay at «random»
          help: sample by a hash of the event, for example `hash64(key) % 100 < 10` keeps one key in ten
    "#]];
    a_clause_of_a_scalar_function: "SELECT upper(symbol) FILTER (WHERE price > 1) FROM trades" => expect![[r#"
        E0907: `upper` is computed from one row and takes no FILTER at «upper»
          help: leave the clause out
    "#]];
    a_lambda: "SELECT array_transform([1, 2], x -> x + 1) FROM trades" => expect![[r#"
        E0901: `array_transform` takes a function, which is not supported yet at «array_transform»
          help: work on the whole list with array_… functions
    "#]];
    a_share_out_of_range: "SELECT percentile(price, 95) FROM trades WINDOW TUMBLING (SIZE 1 MINUTE)" => expect![[r#"
        E0902: the second argument of percentile is a fraction between 0 and 1, not 95; write 0.95 for the 95th percentile at «percentile(price, 95)»
    "#]];
    a_share_that_varies: "SELECT percentile(price, volume) FROM trades WINDOW TUMBLING (SIZE 1 MINUTE)" => expect![[r#"
        E0902: argument 2 of percentile must be a literal number, not volume at «percentile(price, volume)»
    "#]];
    top_nothing: "SELECT topk(symbol, 0) FROM trades WINDOW TUMBLING (SIZE 1 MINUTE)" => expect![[r#"
        E0902: k of topk is between 1 and 10000, not 0 at «topk(symbol, 0)»
    "#]];
    the_zeroth: "SELECT nth(symbol, 0) FROM trades WINDOW TUMBLING (SIZE 1 MINUTE)" => expect![[r#"
        E0902: n of nth_value counts from 1, or from −1 backwards; it is not 0 at «nth(symbol, 0)»
    "#]];
    nulls_of_a_sum: "SELECT sum(price) IGNORE NULLS FROM trades WINDOW TUMBLING (SIZE 1 MINUTE)" => expect![[r#"
        E0907: `sum` takes no IGNORE NULLS at «sum(price)»
          help: filter instead: FILTER (WHERE x IS NOT NULL)
    "#]];
    an_order_that_does_not_matter: "SELECT sum(price ORDER BY ts) FROM trades WINDOW TUMBLING (SIZE 1 MINUTE)" => expect![[r#"
        E0907: `sum` takes no ORDER BY at «sum(price ORDER BY ts)»
          help: the result does not depend on the order; leave it out
    "#]];
    no_cast: "SELECT CAST(price AS DATE) FROM trades" => expect![[r#"
        E0305: DOUBLE cannot be converted to DATE at «price»
          help: convert by way of STRING, or use a function that says how
    "#]];
    a_view_of_itself: "CREATE VIEW v AS SELECT * FROM v" => expect![[r#"
        E0207: `v` is defined by itself at «v»
          help: read streams, or views that were declared before
    "#]];
    a_cte_of_itself: "WITH c AS (SELECT * FROM c) SELECT * FROM c" => expect![[r#"
        E0207: `c` is defined by itself at «c»
          help: read streams, or views that were declared before
    "#]];
    a_name_twice: "CREATE STREAM Trades (a INT)" => expect![[r#"
        E0204: there is a stream `trades` already at «Trades»
          help: names match in any case; choose another
    "#]];
    a_cycle: "CREATE STREAM a (x INT); CREATE STREAM b (x INT); INSERT INTO b SELECT x FROM a; INSERT INTO a SELECT x FROM b" => expect![[r#"
        E0207: rows would run in a circle: a → b → a at «a»
          help: break the circle; a query cannot wait for its own results
    "#]];
    an_insert_into_itself: "INSERT INTO arrivals SELECT * FROM arrivals" => expect![[r#"
        E0207: rows would run in a circle: arrivals → arrivals at «arrivals»
          help: break the circle; a query cannot wait for its own results
    "#]];
    an_insert_into_a_source: "CREATE STREAM f (a INT) WITH (type = 'source', extension = 'stdin', format = 'csv'); INSERT INTO f SELECT n FROM arrivals" => expect![[r#"
        E0707: `f` gets its rows from a source at «f»
          help: insert into a stream without a source, and read both with UNION ALL
    "#]];
    an_insert_into_a_view: "CREATE VIEW v AS SELECT n FROM arrivals; INSERT INTO v SELECT n FROM arrivals" => expect![[r#"
        E0208: `v` is a view, and rows go into streams at «v»
          help: name a stream
    "#]];
    an_insert_of_another_kind: "CREATE STREAM c AS SELECT k FROM arrivals; INSERT INTO c SELECT symbol FROM trades GROUP BY symbol HAVING count(*) > 1" => expect![[r#"
        E0701: these rows are upsert, and `c` holds append rows at «c»
          help: write them into a stream of their own
    "#]];
    a_column_left_out: "CREATE STREAM s (a INT NOT NULL, b INT); INSERT INTO s (b) SELECT n FROM arrivals" => expect![[r#"
        E0704: `a` is NOT NULL and gets no value at «SELECT n FROM arrivals»
          help: add it to the list
    "#]];
    drop_of_a_stream_in_use: "SELECT n FROM arrivals; DROP STREAM arrivals" => expect![[r#"
        E0209: `arrivals` is used by the query `query_1` at «arrivals»
          help: nothing that is used can be dropped; views can be dropped first, queries run until the program ends
    "#]];
    drop_of_a_view_in_use: "CREATE VIEW v AS SELECT n FROM arrivals; CREATE VIEW w AS SELECT n FROM v; DROP VIEW v" => expect![[r#"
        E0209: `v` is used by the view `w` at «v»
          help: nothing that is used can be dropped; views can be dropped first, queries run until the program ends
    "#]];
    drop_of_another_kind: "DROP VIEW arrivals" => expect![[r#"
        E0208: `arrivals` is a stream at «arrivals»
          help: write DROP STREAM arrivals
    "#]];
    an_unknown_option: "CREATE STREAM s (a INT) WITH (\"csv.delimeter\" = ';')" => expect![[r#"
        E0501: option `csv.delimeter`: is not an option of a stream at «"csv.delimeter"»
          help: did you mean 'csv.delimiter'?
    "#]];
    a_late_stream_behind_a_projection: "CREATE STREAM s (ts TIMESTAMP, n INT) WITH (\"event.time\" = 'ts', \"late.stream\" = 'l');
        SELECT count(*) FROM (SELECT n FROM s) WINDOW TUMBLING (SIZE 1 MINUTE)" => expect![[r#"
            E0803: late rows of `s` go to another stream as they came, so its window must stand directly on it at «WINDOW TUMBLING (SIZE 1 MINUTE)»
              help: put the window on the stream itself, filters allowed, and project behind it
        "#]];
    a_sliding_window_cannot_be_corrected: "CREATE STREAM s (ts TIMESTAMP, n INT) WITH (\"event.time\" = 'ts', \"late.policy\" = 'retract');
        SELECT sum(n) FROM s WINDOW LENGTH (3)" => expect![[r#"
            E0803: a sliding window cannot be corrected by late rows, and `s` asks for it at «WINDOW LENGTH (3)»
              help: use TUMBLING, HOP or CUMULATE, or late.policy = 'drop'
        "#]];
    a_session_cannot_be_corrected: "CREATE STREAM s (ts TIMESTAMP, n INT) WITH (\"event.time\" = 'ts', \"late.policy\" = 'retract');
        SELECT sum(n) FROM s WINDOW SESSION (GAP 3 SECONDS)" => expect![[r#"
            E0803: a session cannot be corrected by late rows, and `s` asks for it at «WINDOW SESSION (GAP 3 SECONDS)»
              help: use TUMBLING, HOP or CUMULATE, or late.policy = 'drop'
        "#]];
    a_rate_of_half_a_correction: "CREATE STREAM s (ts TIMESTAMP, n INT) WITH (\"event.time\" = 'ts', \"late.policy\" = 'retract');
        SELECT sum(n) FROM s WINDOW TUMBLING (SIZE 3 SECONDS) OUTPUT LAST EVERY 5 EVENTS" => expect![[r#"
            E0701: OUTPUT FIRST, LAST and SNAPSHOT cannot take rows that are taken back later at «OUTPUT LAST EVERY 5 EVENTS»
              help: use OUTPUT ALL, which keeps corrections whole, or late.policy = 'drop'
        "#]];
    a_rate_over_rows_of_unknown_key: "CREATE STREAM c AS SELECT symbol, count(*) AS n FROM trades GROUP BY symbol;
        SELECT n FROM c OUTPUT LAST EVERY 5 EVENTS" => expect![[r#"
            E0701: this rate keeps one row of each key, and the key of these replaced rows is not known here at «OUTPUT LAST EVERY 5 EVENTS»
              help: write OUTPUT in the query with the GROUP BY, and select its keys
        "#]];
    an_order_of_late_rows_behind_a_projection: "CREATE STREAM s (ts TIMESTAMP, n INT) WITH (\"event.time\" = 'ts', \"late.stream\" = 'l');
        SELECT lag(n) OVER (ORDER BY ts) FROM (SELECT ts, n + 1 AS n FROM s)" => expect![[r#"
            E0803: late rows of `s` go to another stream as they came, so an OVER in order of event time must stand directly on it at «SELECT lag(n) OVER (ORDER BY ts) FROM (SELECT ts, n + 1 AS n FROM s)»
              help: put it on the stream itself, filters allowed, and project behind it; or leave out its ORDER BY
        "#]];
    forever_in_a_condition: "SELECT count(*) FROM trades WINDOW EXPRESSIONBATCH (max_forever(price) < 3)" => expect![[r#"
        E0904: a condition is over the rows of the window, and minForever and maxForever are over more at «max_forever(price) < 3»
          help: use min or max
    "#]];
    a_window_over_corrections: "CREATE STREAM s (ts TIMESTAMP, n INT) WITH (\"event.time\" = 'ts', \"late.policy\" = 'retract');
        SELECT count(*) FROM (SELECT window_end AS t, count(*) AS n FROM s WINDOW TUMBLING (SIZE 1 MINUTE)) WINDOW TUMBLING (SIZE 1 HOUR)" => expect![[r#"
            E0701: a window cannot take rows that are replaced or taken back later at «WINDOW TUMBLING (SIZE 1 HOUR)»
              help: put the window on the stream below, before the GROUP BY
        "#]];
    an_aggregation_without_a_grain: "CREATE AGGREGATION a AS SELECT count(*) AS n FROM trades AGGREGATE BY ts EVERY HOURS; SELECT * FROM a" => expect![[r#"
        E0409: `a` is an aggregation and answers for a time and a grain at «a»
          help: write FROM a WITHIN '2024-05-** **:**:**' PER 'days'
    "#]];
    a_grain_that_is_not_kept: "CREATE AGGREGATION a AS SELECT count(*) AS n FROM trades AGGREGATE BY ts EVERY HOURS, DAYS; SELECT * FROM a WITHIN '2024-**-** **:**:**' PER 'seconds'" => expect![[r#"
        E0409: `a` keeps no seconds at «WITHIN '2024-**-** **:**:**' PER 'seconds'»
          help: it keeps hours, days
    "#]];
    a_grain_of_a_stream: "SELECT * FROM trades WITHIN '2024-**-** **:**:**' PER 'seconds'" => expect![[r#"
        E0208: `trades` is no aggregation, so it takes no WITHIN … PER … at «WITHIN '2024-**-** **:**:**' PER 'seconds'»
          help: filter by time with WHERE, or put a window on the stream: WINDOW TUMBLING (SIZE 1 HOUR)
    "#]];
    stars_in_the_middle: "CREATE AGGREGATION a AS SELECT count(*) AS n FROM trades AGGREGATE BY ts EVERY HOURS; SELECT * FROM a WITHIN '2024-**-01 **:**:**' PER 'hours'" => expect![[r#"
        E0108: this is no date with stars at «'2024-**-01 **:**:**'»
          help: replace whole fields from the right: '2024-05-** **:**:**'
    "#]];
    an_aggregation_of_nothing: "CREATE AGGREGATION a AS SELECT price FROM trades AGGREGATE BY ts EVERY HOURS" => expect![[r#"
        E0607: an aggregation needs GROUP BY or an aggregate at «SELECT price FROM trades»
          help: write for example SELECT symbol, avg(price) AS mean … GROUP BY symbol
    "#]];
    an_aggregation_as_a_stream: "CREATE AGGREGATION a AS SELECT count(*) AS n FROM trades AGGREGATE BY ts EVERY HOURS;
        SELECT n FROM a WITHIN '2024-**-** **:**:**' PER 'hours' UNION ALL SELECT n FROM arrivals" => expect![[r#"
            E0208: an aggregation or a table is read by a query of its own, once at «SELECT n FROM a WITHIN '2024-**-** **:**:**' PER 'hours'»
              help: select from it with WHERE, GROUP BY, ORDER BY and LIMIT; windows, UNION ALL and OUTPUT need a stream, and rows of a table come into one by a join: FROM s JOIN t ON s.k = t.k
        "#]];
    a_rate_without_its_group: "SELECT sum(price) AS s FROM trades WINDOW LENGTH (10) GROUP BY symbol OUTPUT LAST EVERY 5 EVENTS" => expect![[r#"
        E0410: this rate works on each group, and the group key `symbol` is not selected at «OUTPUT LAST EVERY 5 EVENTS»
          help: add it to the select list
    "#]];
    a_constant_with_a_clause: "SELECT 1 WHERE TRUE" => expect![[r#"
        E0706: a SELECT without FROM is one row of constants and takes no other clause at «SELECT 1 WHERE TRUE»
          help: read a stream: SELECT … FROM s
    "#]];
    a_constant_as_a_stream: "SELECT a FROM (SELECT 1 AS a)" => expect![[r#"
        E0706: a SELECT without FROM is one row, not a stream at «(SELECT 1 AS a)»
          help: write its values where they are used
    "#]];
    errors_are_not_repeated: "CREATE STREAM bad (a INT) WITH (nonsense = 1); SELECT a FROM bad; SELECT b FROM bad WHERE a > 1" => expect![[r#"
        E0501: option `nonsense`: is not an option of a stream at «nonsense»
          help: docs/sql.md lists the options of a stream
    "#]];
}

#[test]
fn an_error_without_a_text_of_its_own_points_at_its_statement() {
    expect![[r#"
        E0307: a condition is TRUE or FALSE, and this is ARRAY<NULL> at «SELECT k FROM arrivals[[]]»
          help: compare it with something
    "#]]
    .assert_eq(&errors("SELECT k FROM arrivals[[]]"));
}
