//! Types of results and of what goes into streams.

use arrow_array::Array;
use expect_test::expect;

use super::{columns, errors, program, rows};

#[test]
fn results_have_the_types_of_the_dialect() {
    let cases = [
        ("n + 1", "BIGINT"),
        ("n * 1.5", "DOUBLE"),
        ("n / 2", "BIGINT"),
        ("length(k)", "INT"),
        ("CAST(n AS DECIMAL(10, 2))", "DECIMAL(10, 2)"),
        ("k || 'x'", "STRING"),
        ("n > 1", "BOOL"),
        ("now()", "TIMESTAMP"),
        ("now() - event_time()", "INTERVAL"),
        ("CAST(now() AS DATE)", "DATE"),
        ("NULL", "STRING"),
        ("[n, 2]", "ARRAY<BIGINT>"),
        ("INTERVAL '5' MINUTE", "INTERVAL"),
        ("TIMESTAMP '2024-05-01 12:00:00'", "TIMESTAMP"),
        ("coalesce(n, 0)", "BIGINT"),
        ("CAST(now() AS DATE) - DATE '2024-01-01'", "BIGINT"),
        ("now() AT TIME ZONE 'Europe/Berlin'", "TIMESTAMP"),
    ];
    for (expr, expected) in cases {
        assert_eq!(columns(&format!("SELECT {expr} AS x FROM arrivals")), format!("x {expected}"), "{expr}");
    }
}

#[test]
fn aggregates_have_the_types_of_the_dialect() {
    let cases = [
        ("count(*)", "BIGINT"),
        ("count(DISTINCT symbol)", "BIGINT"),
        ("sum(volume)", "BIGINT"),
        ("sum(price)", "DOUBLE"),
        ("avg(volume)", "DOUBLE"),
        ("avg(CAST(price AS DECIMAL(10, 2)))", "DECIMAL(14, 6)"),
        ("min(ts)", "TIMESTAMP"),
        ("stddev(volume)", "DOUBLE"),
        ("median(volume)", "DOUBLE"),
        ("percentile(price, 0.95)", "DOUBLE"),
        ("first(symbol)", "STRING"),
        ("nth(volume, 2)", "BIGINT"),
        ("array_agg(symbol)", "ARRAY<STRING>"),
        ("string_agg(symbol, '-')", "STRING"),
        ("topk(symbol, 3)", "ARRAY<STRUCT<value STRING, count BIGINT>>"),
        ("bool_and(price > 1)", "BOOL"),
        ("mode(symbol)", "STRING"),
        ("covar_pop(price, volume)", "DOUBLE"),
        ("arg_max(symbol, price)", "STRING"),
        ("ewma(price, 0.5)", "DOUBLE"),
        ("max(ts) - min(ts)", "INTERVAL"),
    ];
    for (expr, expected) in cases {
        let sql = format!("SELECT {expr} AS x FROM trades WINDOW TUMBLING (SIZE 1 MINUTE)");
        assert_eq!(columns(&sql), format!("x {expected}"), "{expr}");
    }
}

#[test]
fn an_insert_widens_but_never_narrows() {
    let wide = "CREATE STREAM wide (a DOUBLE, b DECIMAL(20, 2), c STRING); ";
    program(&format!("{wide} INSERT INTO wide SELECT n, n AS m, k FROM arrivals"));
    program(&format!("{wide} INSERT INTO wide (c, a) SELECT k, 1 FROM arrivals"));
    program("CREATE STREAM t (n INT, f FLOAT); INSERT INTO t SELECT 1, 0.1 FROM arrivals");
    expect![[r#"
        E0704: column `price` is DOUBLE, and `n` is INT at «SELECT symbol, price FROM trades»
          help: convert it: CAST(price AS INT)
    "#]]
    .assert_eq(&errors("INSERT INTO arrivals SELECT symbol, price FROM trades"));
    expect![[r#"
        E0210: 1 columns for the 2 of `arrivals` at «SELECT symbol FROM trades»
          help: `arrivals` has k STRING, n INT
    "#]]
    .assert_eq(&errors("INSERT INTO arrivals SELECT symbol FROM trades"));
}

#[test]
fn values_are_computed_and_checked() {
    let program = program(
        "INSERT INTO arrivals VALUES ('a' || 'b', 1 + 1), (upper('c'), NULL); INSERT INTO arrivals (n) VALUES (3)",
    );
    assert_eq!(program.constants.len(), 2);
    let rows = &program.constants[0].rows;
    assert_eq!((rows.num_rows(), rows.column(1).null_count()), (2, 1));
    expect![[r#"
        E0304: `1.5` is DOUBLE, and no value of INT at «1.5»
          help: write a value of INT, or CAST it
    "#]]
    .assert_eq(&errors("INSERT INTO arrivals VALUES ('a', 1.5)"));
    expect![[r#"
        E0108: `now()` is not constant at «now»
          help: write the value out; rows that depend on time or other rows come from SELECT
    "#]]
    .assert_eq(&errors("INSERT INTO trades VALUES (now(), 'a', 1, 1)"));
}

#[test]
fn constants_are_rows_of_their_own() {
    assert_eq!(rows("SELECT 1 + 1 AS two, upper('a') AS a, NULL AS n"), "two | a | n\n2 | A | NULL\n");
}

#[test]
fn types_that_do_not_fit_are_told_apart_in_sql() {
    expect![[r#"
        E0304: STRING + BOOL is not defined at «symbol + TRUE»
          help: convert one side: CAST(x AS type)
    "#]]
    .assert_eq(&errors("SELECT price, 1 + (symbol + TRUE) FROM trades"));
    expect![[r#"
        E0307: a condition is TRUE or FALSE, and this is DOUBLE at «price + 1»
          help: compare it with something
    "#]]
    .assert_eq(&errors("SELECT price FROM trades WHERE price + 1"));
    expect![[r#"
        E0902: `abs` does not take (STRING) at «abs(symbol)»
          help: it takes abs(numeric_expression)
    "#]]
    .assert_eq(&errors("SELECT abs(symbol) FROM trades"));
    expect![[r#"
        E0305: STRING cannot be converted to MAP<STRING, INT> at «symbol»
          help: convert by way of STRING, or use a function that says how
    "#]]
    .assert_eq(&errors("SELECT CAST(symbol AS MAP<STRING, INT>) FROM trades"));
}
