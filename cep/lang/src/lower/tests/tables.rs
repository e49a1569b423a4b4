//! Tables, triggers and functions: plans, and an error for each thing that is refused.

use expect_test::expect;

use super::{errors, plan, program};
use crate::plan::explain_program;

const TABLES: &str = "
CREATE TABLE names (symbol STRING, name STRING NOT NULL, lot BIGINT, PRIMARY KEY (symbol), INDEX (lot, name));
CREATE TABLE log (symbol STRING, n BIGINT);
";

macro_rules! golden {
    ($($name:ident: $sql:expr => $expected:expr;)*) => {
        $(
            #[test]
            fn $name() {
                $expected.assert_eq(&plan(&format!("{TABLES}{}", $sql)));
            }
        )*
    };
}

macro_rules! refused {
    ($($name:ident: $sql:expr => $expected:expr;)*) => {
        $(
            #[test]
            fn $name() {
                $expected.assert_eq(&errors(&format!("{TABLES}{}", $sql)));
            }
        )*
    };
}

golden! {
    a_join_by_key: "SELECT t.symbol, name FROM trades AS t JOIN names AS n ON t.symbol = n.symbol AND n.lot < t.volume" => expect![[r#"
        query query_1 → print, append
          project t.symbol AS symbol, n.name AS name
            join table names by key (symbol)
              where: names.lot < volume
              sees: what statements before this one wrote for the row, and earlier rows
              scan trades
    "#]];
    a_join_by_index: "SELECT * FROM trades LEFT JOIN names ON names.name = trades.symbol AND trades.volume = lot" => expect![[r#"
        query query_1 → print, append
          project trades.ts AS ts, trades.symbol AS trades_symbol, trades.price AS price, trades.volume AS volume, names.symbol AS names_symbol, names.name AS name, names.lot AS lot
            left join table names by index (volume, symbol)
              sees: what statements before this one wrote for the row, and earlier rows
              scan trades
    "#]];
    a_join_by_where: "SELECT trades.symbol FROM trades, names WHERE trades.symbol = names.symbol AND price > lot" => expect![[r#"
        query query_1 → print, append
          project trades.symbol AS symbol
            filter trades.symbol = names.symbol AND trades.price > CAST(names.lot AS DOUBLE)
              join table names by key (symbol)
                sees: what statements before this one wrote for the row, and earlier rows
                scan trades
    "#]];
    a_join_by_looking: "SELECT price FROM trades JOIN log ON log.n < volume" => expect![[r#"
        query query_1 → print, append
          project trades.price AS price
            join table log looking at every row
              where: log.n < volume
              sees: what statements before this one wrote for the row, and earlier rows
              scan trades
    "#]];
    a_table_in_front: "SELECT * FROM names AS n RIGHT JOIN arrivals AS a ON a.k = n.symbol AND a.n = n.lot" => expect![[r#"
        query query_1 → print, append
          project n.symbol AS symbol, n.name AS name, n.lot AS lot, a.k AS k, a.n AS n
            left join table names by key (k)
              where: CAST(n AS BIGINT) = names.lot
              sees: what statements before this one wrote for the row, and earlier rows
              scan arrivals
    "#]];
    several_tables: "SELECT a.k, names.name, log.n FROM arrivals AS a JOIN names ON a.k = names.symbol LEFT JOIN log ON log.symbol = names.name" => expect![[r#"
        query query_1 → print, append
          project a.k AS k, names.name AS name, log.n AS n
            left join table log looking at every row
              where: log.symbol = names.name
              sees: what statements before this one wrote for the row, and earlier rows
              join table names by key (k)
                sees: what statements before this one wrote for the row, and earlier rows
                scan arrivals
    "#]];
    membership: "SELECT symbol IN (SELECT symbol FROM names WHERE lot > 3) AS known FROM trades
        WHERE symbol NOT IN (SELECT symbol FROM log) AND EXISTS (SELECT 1 FROM names AS n WHERE n.symbol = trades.symbol)" => expect![[r#"
            query query_1 → print, append
              project is2 AS known
                filter NOT is0 AND is1
                  in (names.symbol = symbol) table names by key (symbol)
                    where: names.lot > 3
                    sees: what statements before this one wrote for the row, and earlier rows
                    exists in table names by key (symbol)
                      sees: what statements before this one wrote for the row, and earlier rows
                      in (log.symbol = symbol) table log looking at every row
                        sees: what statements before this one wrote for the row, and earlier rows
                        scan trades
        "#]];
    writes: "INSERT INTO log SELECT symbol, volume FROM trades; UPSERT INTO names (symbol, name) SELECT k, 'new' FROM arrivals WHERE k IS NOT NULL;
        UPDATE names AS x SET lot = coalesce(lot, 0) + 1 FROM trades AS t WHERE t.symbol = x.symbol;
        DELETE FROM log USING trades WHERE log.symbol = trades.symbol AND log.n = 3" => expect![[r#"
            query log → table, append
              insert into table log
                project symbol, volume AS n
                  scan trades
            query names → table, append
              upsert into table names by key
                project not_null(k, 'column `symbol`, which is NOT NULL,') AS symbol, 'new' AS name, NULL AS lot
                  filter k IS NOT NULL
                    scan arrivals
            query names → table, append
              update table names set lot = CASE WHEN names.lot IS NOT NULL THEN names.lot ELSE 0 END + 1 by key (symbol)
                scan trades
            query log → table, append
              delete from table log looking at every row
                where: log.symbol = symbol AND log.n = 3
                scan trades
        "#]];
    functions: "CREATE FUNCTION twice(x DOUBLE, factor DOUBLE DEFAULT 2) AS x * factor;
        CREATE FUNCTION four(x DOUBLE) RETURNS DOUBLE AS twice(twice(x));
        SELECT four(price) AS a, twice(volume, 3) AS b FROM trades" => expect![[r#"
            query query_1 → print, append
              project price * 2.0 * 2.0 AS a, CAST(volume AS DOUBLE) * 3.0 AS b
                scan trades
        "#]];
}

#[test]
fn tables_and_triggers_are_explained() {
    let text = "CREATE TABLE t (k STRING PRIMARY KEY, n INT) WITH (\"table.rows.max\" = 10, \"table.full\" = 'reject',
            \"state.ttl\" = '1 hour', \"insert.conflict\" = 'ignore'); CREATE INDEX ON t (n); INSERT INTO t VALUES ('a', 1);
        CREATE TRIGGER e AT EVERY 5 SECONDS; CREATE TRIGGER c CRON '0 * * * *'; CREATE TRIGGER a AT START;
        CREATE TABLE gone (a INT); DROP TABLE gone; DROP TRIGGER a";
    let explained = explain_program(&program(text));
    let ours: Vec<&str> = explained.lines().skip_while(|line| !line.starts_with("trigger")).collect();
    expect![[r#"
        trigger e every 5s, in log time
          state: when it is due next
        trigger c at '0 * * * *' UTC, in log time
          state: when it is due next
        table t (k STRING NOT NULL, n INT)
          key (k), index (n), INSERT of a key that is there: kept
          state: at most 10 rows, others are left out, forgotten 1h after the last write, begins with 1 rows"#]].assert_eq(&ours.join("\n"));
}

refused! {
    a_table_as_a_stream: "SELECT symbol FROM names UNION ALL SELECT symbol FROM trades" => expect![[r#"
        E0208: an aggregation or a table is read by a query of its own, once at «SELECT symbol FROM names»
          help: select from it with WHERE, GROUP BY, ORDER BY and LIMIT; windows, UNION ALL and OUTPUT need a stream, and rows of a table come into one by a join: FROM s JOIN t ON s.k = t.k
    "#]];
    two_tables: "SELECT * FROM names JOIN log ON names.symbol = log.symbol" => expect![[r#"
        E0601: both sides are tables, and rows of a table come out when a row of a stream asks for them at «JOIN log ON names.symbol = log.symbol»
          help: begin with the stream: FROM s JOIN a ON … JOIN b ON …
    "#]];
    an_outer_table: "SELECT * FROM trades RIGHT JOIN names ON trades.symbol = names.symbol" => expect![[r#"
        E0601: a row of the table without a row of the stream has no moment at which to come out at «RIGHT JOIN names ON trades.symbol = names.symbol»
          help: keep the rows of the stream: FROM s LEFT JOIN t ON …
    "#]];
    a_window_beside_a_table: "SELECT * FROM trades WINDOW TIME (1 SECOND) JOIN names ON trades.symbol = names.symbol" => expect![[r#"
        E0601: rows of the stream look at the table as they come, so a window has no effect on them at «trades WINDOW TIME (1 SECOND)»
          help: leave the window out, or put it into a query of its own: FROM (SELECT … FROM s WINDOW …) AS w JOIN t ON …
    "#]];
    corrections_beside_a_table: "SELECT * FROM (SELECT symbol, count(*) AS c FROM trades GROUP BY symbol) AS x JOIN names USING (symbol)" => expect![[r#"
        E0701: a join takes rows that are new facts, and these are upsert rows, which are replaced or taken back later at «(SELECT symbol, count(*) AS c FROM trades GROUP BY symbol) AS x»
          help: put a window below the join, then its results are final: (SELECT … FROM s WINDOW TUMBLING (SIZE 1 MINUTE) GROUP BY …) AS x; or join the row in force at a time: JOIN x FOR SYSTEM_TIME AS OF a.ts
    "#]];
    an_ambiguous_column: "SELECT symbol FROM trades JOIN names ON TRUE" => expect![[r#"
        E0203: several relations of FROM have a column `symbol` at «symbol»
          help: write trades.symbol
    "#]];
    corrections_inserted: "INSERT INTO log SELECT symbol, count(*) FROM trades GROUP BY symbol" => expect![[r#"
        E0701: these rows are upsert: later ones correct them, and INSERT only adds at «log»
          help: write UPSERT INTO log SELECT …
    "#]];
    upsert_without_a_key: "UPSERT INTO log SELECT symbol, volume FROM trades" => expect![[r#"
        E0306: `log` has no PRIMARY KEY, by which UPSERT could replace a row at «log»
          help: declare it with PRIMARY KEY (…), or write INSERT INTO
    "#]];
    upsert_by_another_key: "CREATE TABLE t (n BIGINT PRIMARY KEY, symbol STRING); UPSERT INTO t SELECT count(*), symbol FROM trades GROUP BY symbol" => expect![[r#"
        E0701: these rows correct each other by (symbol), and the PRIMARY KEY of `t` is (n) at «t»
          help: give the table that key, or put a window on the stream, whose rows are final
    "#]];
    upsert_of_a_stream: "UPSERT INTO arrivals SELECT symbol, 1 FROM trades" => expect![[r#"
        E0208: `arrivals` is no table, and only rows of a table are replaced at «arrivals»
          help: write INSERT INTO
    "#]];
    the_key_is_set: "UPDATE names SET symbol = 'x' FROM trades WHERE TRUE" => expect![[r#"
        E0306: `symbol` is in the PRIMARY KEY, by which the row is known at «symbol»
          help: DELETE the row and INSERT one with the other key
    "#]];
    a_value_of_another_type: "UPDATE names SET lot = trades.symbol FROM trades WHERE TRUE" => expect![[r#"
        E0704: column `trades.symbol` is STRING, and `lot` is BIGINT at «trades.symbol»
          help: convert it: CAST(trades.symbol AS BIGINT)
    "#]];
    a_type_no_table_keeps: "CREATE TABLE t (a ARRAY<INT>)" => expect![[r#"
        E0704: `a` is ARRAY<INT>, which a table does not keep at «a»
          help: a table keeps numbers, texts, times, BOOL, BYTES and JSON; keep its parts in columns, or it as JSON
    "#]];
    an_option_of_no_table: "CREATE TABLE t (a INT) WITH (\"event.tim\" = 'a')" => expect![[r#"
        E0501: `event.tim` is not an option of a table at «"event.tim"»
          help: a table has table.rows.max, table.full, state.ttl, insert.conflict, and those of the file it begins with
    "#]];
    a_policy_that_is_none: "CREATE TABLE t (a INT) WITH (\"table.full\" = 'evict')" => expect![[r#"
        E0504: option `table.full`: 'evict' is not one of reject, evict-oldest, fail at «'evict'»
          help: write one of them
    "#]];
    a_conflict_without_a_key: "CREATE TABLE t (a INT) WITH (\"insert.conflict\" = 'replace')" => expect![[r#"
        E0506: option `insert.conflict` has no effect on a table without PRIMARY KEY at «"insert.conflict"»
          help: add PRIMARY KEY (column), or leave the option out
    "#]];
    a_table_from_a_timer: "CREATE TABLE t (a INT) WITH (type = 'source', extension = 'stdin', format = 'csv')" => expect![[r#"
        E0504: a table begins with the rows of a file, and takes others from streams at «type»
          help: write 'type' = 'source', 'extension' = 'file', and INSERT INTO for the rows of a stream
    "#]];
    two_keys: "CREATE TABLE t (a INT PRIMARY KEY, b INT, PRIMARY KEY (b))" => expect![[r#"
        E0306: `t` has a PRIMARY KEY already at «PRIMARY KEY (b)»
          help: one key has several columns: PRIMARY KEY (a, b); others are INDEX (c)
    "#]];
    a_key_of_no_column: "CREATE TABLE t (a INT, PRIMARY KEY (b))" => expect![[r#"
        E0202: `t` has no column `b` at «b»
          help: name one of its columns
    "#]];
    a_table_that_is_used: "INSERT INTO log SELECT symbol, 1 FROM trades; DROP TABLE log" => expect![[r#"
        E0209: `log` is used by the query `log`, which writes it at «log»
          help: nothing that is used can be dropped; views can be dropped first, queries run until the program ends
    "#]];
    a_query_of_a_stream_in_an_expression: "SELECT symbol IN (SELECT k FROM arrivals) AS x FROM trades" => expect![[r#"
        E0604: `arrivals` is a stream, and a query inside an expression reads a table at «arrivals»
          help: keep its rows in a table: CREATE TABLE t (…); INSERT INTO t SELECT …
    "#]];
    a_query_as_a_value: "SELECT (SELECT name FROM names) AS x FROM trades" => expect![[r#"
        E0604: a query inside an expression is the right side of IN or EXISTS, and reads a table at «(»
          help: write x IN (SELECT c FROM t WHERE …) or EXISTS (SELECT * FROM t WHERE …); compute other values in a stream or view of their own
    "#]];
    a_query_behind_a_window: "SELECT symbol FROM trades WINDOW LENGTH (3) WHERE symbol IN (SELECT symbol FROM names)" => expect![[r#"
        E0405: IN (SELECT …) looks at rows as they come, and a window holds them back at «symbol IN (SELECT symbol FROM names)»
          help: put the window into a query of its own: FROM (SELECT … FROM s WINDOW …) AS w JOIN t ON …
    "#]];
    a_query_in_an_order: "SELECT count(*) AS c FROM trades WINDOW LENGTHBATCH (3) HAVING EXISTS (SELECT * FROM log)" => expect![[r#"
        E0604: a query inside an expression stands in the SELECT of a stream, before any window at «log»
          help: put it into WHERE or the select list of FROM (SELECT … FROM s WHERE x IN (SELECT …)), and the window behind
    "#]];
    several_columns_of_in: "SELECT symbol IN (SELECT * FROM names) AS x FROM trades" => expect![[r#"
        E0604: IN compares with one column at «symbol IN (SELECT * FROM names)»
          help: name it: IN (SELECT symbol FROM names)
    "#]];
    rows_for_a_trigger: "CREATE TRIGGER e AT EVERY 1 SECOND; INSERT INTO e SELECT ts FROM trades" => expect![[r#"
        E0707: `e` is a trigger, and time makes its rows at «e»
          help: insert into a stream of your own
    "#]];
    a_trigger_of_no_time: "CREATE TRIGGER e AT EVERY 1 MONTH" => expect![[r#"
        E0403: a trigger needs a fixed length of time above 0 at «1 MONTH»
          help: count in days, or name the days of a month: CRON '0 0 1 * *'
    "#]];
    a_cron_that_is_none: "CREATE TRIGGER e AT CRON 'often'" => expect![[r#"
        E0407: 'often' is no cron expression: Invalid pattern: Pattern must have between 5 and 7 fields. at «CRON 'often'»
          help: five fields (minute hour day month weekday), or six with seconds first
    "#]];
    a_function_of_itself: "CREATE FUNCTION f(x INT) AS f(x)" => expect![[r#"
        E0207: `f` calls itself at «f(x)»
          help: a function is spelled out where it is called; write it without recursion
    "#]];
    a_function_that_is_there: "CREATE FUNCTION abs(x INT) AS x" => expect![[r#"
        E0204: there is a function `abs` already at «abs»
          help: choose another name
    "#]];
    an_argument_of_another_type: "CREATE FUNCTION f(x BIGINT) AS x; SELECT f(symbol) AS y FROM trades" => expect![[r#"
        E0304: f: `x` is BIGINT, and this is STRING at «SELECT f(symbol) AS y FROM trades»
          help: convert it: CAST(… AS BIGINT)
    "#]];
    too_many_arguments: "CREATE FUNCTION f(x BIGINT, y BIGINT DEFAULT 1) AS x; SELECT f(1, 2, volume) AS z FROM trades" => expect![[r#"
        E0902: `f` takes 1 to 2 arguments, and gets 3 at «f(1, 2, volume»
          help: it is called f(x BIGINT, y BIGINT DEFAULT 1)
    "#]];
    a_body_of_another_type: "CREATE FUNCTION f(x DOUBLE) RETURNS BIGINT AS x / 2" => expect![[r#"
        E0304: the expression of `f` is DOUBLE, and it RETURNS BIGINT at «x / 2»
          help: convert it with CAST, or return its type
    "#]];
    a_column_in_a_function: "CREATE FUNCTION f(x DOUBLE) AS price" => expect![[r#"
        E0202: there is no column `price` at «price»
          help: columns are x; text takes single quotes
    "#]];
}
