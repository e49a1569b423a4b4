//! Names: any case, declared spelling, who hides whom.

use expect_test::expect;

use super::{columns, errors, plan, rows};

#[test]
fn names_match_in_any_case_and_keep_the_declared_one() {
    let sql = "SELECT SYMBOL, Trades.PRICE, \"Volume\", price * 2 AS Twice FROM TRADES";
    assert_eq!(columns(sql), "symbol STRING, price DOUBLE, volume BIGINT, Twice DOUBLE");
    assert_eq!(columns("CREATE STREAM S (Aa INT); SELECT aA FROM s"), "Aa INT");
    assert_eq!(columns("SELECT T.price FROM trades AS t"), "price DOUBLE");
}

#[test]
fn an_alias_hides_the_name_of_its_stream() {
    expect![[r#"
        E0202: `trades` is neither a stream nor a column of this query at «trades»
          help: columns belong to `t` here
    "#]]
    .assert_eq(&errors("SELECT trades.price FROM trades AS t"));
}

#[test]
fn wildcards_expand_in_place() {
    assert_eq!(columns("SELECT * FROM arrivals"), "k STRING, n INT");
    assert_eq!(columns("SELECT *, n + 1 AS m FROM arrivals"), "k STRING, n INT, m BIGINT");
    assert_eq!(columns("SELECT a.* EXCLUDE (k) FROM arrivals a"), "n INT");
    assert_eq!(columns("SELECT * REPLACE (n * 2 AS n) FROM arrivals"), "k STRING, n BIGINT");
    assert_eq!(
        columns("SELECT * FROM arrivals WINDOW LENGTHBATCH (2)"),
        "k STRING, n INT, window_start TIMESTAMP, window_end TIMESTAMP"
    );
    assert_eq!(columns("SELECT * FROM arrivals WINDOW LENGTH (2)"), "k STRING, n INT");
}

#[test]
fn expressions_without_an_alias_are_named_as_written() {
    assert_eq!(
        columns(
            "SELECT count(*), avg(price), sum(volume) / 60.0, CASE WHEN max(price) > 1 THEN 'a' END FROM trades WINDOW TUMBLING (SIZE 1 MINUTE)"
        ),
        "count(*) BIGINT, avg(price) DOUBLE, sum(volume) / 60.0 DOUBLE, CASE WHEN max(price) > 1 THEN 'a' END STRING"
    );
}

#[test]
fn columns_hide_aliases_except_in_order_by() {
    expect![[r#"
        query query_1 → print, append
          window tumbling, size 1m
            keys: price, window_start, window_end
            aggregates: count(*)
            then filter price > 1.0
            then sort by -price
            then project -price AS price, count(*) AS n
            state: one entry a group and open window
            scan trades
    "#]]
    .assert_eq(&plan(
        "SELECT -price AS price, count(*) AS n FROM trades WINDOW TUMBLING (SIZE 1 MINUTE)
         GROUP BY price HAVING price > 1 ORDER BY price",
    ));
}

#[test]
fn fields_of_structs_match_in_any_case() {
    let sql = "CREATE STREAM s (p STRUCT<Lat DOUBLE, Name STRUCT<First STRING>>); SELECT p.lat, s.p.name.FIRST AS f FROM s";
    assert_eq!(columns(sql), "lat DOUBLE, f STRING");
}

#[test]
fn misspelt_names_are_recognised() {
    expect![[r#"
        E0202: there is no column `prize` at «prize»
          help: did you mean `price`?
    "#]]
    .assert_eq(&errors("SELECT prize FROM trades"));
    expect![[r#"
        E0201: there is no stream, view, table or aggregation `trade` at «trade»
          help: did you mean `trades`?
    "#]]
    .assert_eq(&errors("SELECT price FROM trade"));
    expect![[r#"
        E0901: there is no function `uper` at «uper»
          help: did you mean `upper`?
    "#]]
    .assert_eq(&errors("SELECT uper(symbol) FROM trades"));
}

#[test]
fn describe_and_show_tell_what_is_there() {
    expect![[r#"
        column | type | null | note
        ts | TIMESTAMP | NULL | event time, clock event, lateness 2s
        symbol | STRING | NULL | 
        price | DOUBLE | NULL | 
        volume | BIGINT | NULL | 
    "#]]
    .assert_eq(&rows("DESCRIBE Trades"));
    expect![[r#"
        name | target | rows | reads
        big | stream big | append | trades
        query_1 | print | append | big
    "#]]
    .assert_eq(&rows(
        "CREATE STREAM big AS SELECT * FROM trades WHERE volume > 9; SELECT symbol FROM big; SHOW QUERIES",
    ));
    expect![[r#"
        name | role | rows | columns | options
        trades | internal | append | ts TIMESTAMP, symbol STRING, price DOUBLE, volume BIGINT | event.time = 'ts'
        arrivals | internal | append | k STRING, n INT | 
    "#]]
    .assert_eq(&rows("SHOW STREAMS"));
    assert!(rows("SHOW FUNCTIONS").lines().count() > 100);
    assert!(rows("SHOW WINDOWS").contains("TUMBLING"));
}
