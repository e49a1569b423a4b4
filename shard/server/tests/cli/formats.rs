//! What rows look like on standard output and in files.

use expect_test::expect;

use crate::harness::{App, ROWS, SOURCE};

fn app(queries: &str) -> App {
    App::new(&format!("{SOURCE}{queries}")).file("in.csv", ROWS.as_bytes())
}

#[test]
fn json_has_columns_in_order_and_values_as_documented() {
    let csv = "ts,k,v\n2024-05-01 00:00:00.5,\"a \"\"b\"\"\",1\n2024-05-01 00:00:01,,\n";
    let app = App::new(&format!("{SOURCE}SELECT v, k, ts, v / 2.0 AS half, CAST(ts AS DATE) AS day FROM s;"))
        .file("in.csv", csv.as_bytes());
    expect![[r#"
        {"v":1,"k":"a \"b\"","ts":"2024-05-01T00:00:00.500Z","half":0.5,"day":"2024-05-01"}
        {"v":null,"k":null,"ts":"2024-05-01T00:00:01Z","half":null,"day":"2024-05-01"}
    "#]]
    .assert_eq(&app.run(&["--output", "json"]).expect_code(0).stdout);
}

#[test]
fn a_table_has_one_header_when_the_rows_come_together() {
    expect![[r#"
        key   v  ts
        ---  --  --------------------
        a    10  2024-05-01T00:00:00Z
        b    20  2024-05-01T00:00:01Z
        a    30  2024-05-01T00:00:02Z
        c    40  2024-05-01T00:00:03Z
    "#]]
    .assert_eq(&app("SELECT k AS key, v * 10 AS v, ts FROM s;").run(&[]).expect_code(0).stdout);
}

#[test]
fn csv_has_a_header() {
    expect![[r#"
        k,v
        a,3
        c,4
    "#]]
    .assert_eq(&app("SELECT k, v FROM s WHERE v > 2;").run(&["--output", "csv"]).expect_code(0).stdout);
}

#[test]
fn several_queries_print_in_the_order_of_the_rows_and_say_which() {
    expect![[r#"
        {"_stream":"query_1","k":"a"}
        {"_stream":"query_2","v":1}
        {"_stream":"query_1","k":"b"}
        {"_stream":"query_1","k":"a"}
        {"_stream":"query_2","v":3}
        {"_stream":"query_1","k":"c"}
    "#]]
    .assert_eq(
        &app("SELECT k FROM s; SELECT v FROM s WHERE k = 'a';")
            .run(&["--output", "json"])
            .expect_code(0)
            .stdout,
    );
}

#[test]
fn an_output_that_is_not_append_only_says_what_each_row_does() {
    expect![[r#"
        {"_op":"+I","k":"a","total":1}
        {"_op":"+I","k":"b","total":2}
        {"_op":"+U","k":"a","total":4}
        {"_op":"+I","k":"c","total":4}
    "#]]
    .assert_eq(
        &app("SELECT k, sum(v) AS total FROM s GROUP BY k;").run(&["--output", "json"]).expect_code(0).stdout,
    );
}

#[test]
fn sinks_get_their_rows_in_their_formats() {
    let app = app(
        "CREATE STREAM csv_out (k STRING, v BIGINT) WITH (type = 'sink', extension = 'file', \"file.path\" = 'out.csv');
         CREATE STREAM json_out (v BIGINT) WITH (type = 'sink', extension = 'file', \"file.path\" = 'out.jsonl');
         CREATE STREAM told (k STRING) WITH (type = 'sink', extension = 'log', \"log.prefix\" = 'TOLD ');
         CREATE STREAM gone (k STRING) WITH (type = 'sink', extension = 'blackhole');
         CREATE STREAM shown (v BIGINT) WITH (type = 'sink', extension = 'stdout', format = 'json');
         INSERT INTO csv_out SELECT k, v FROM s;
         INSERT INTO json_out SELECT v FROM s WHERE v > 2;
         INSERT INTO told SELECT k FROM s WHERE v = 4;
         INSERT INTO gone SELECT k FROM s;
         INSERT INTO shown SELECT v FROM s WHERE v = 1;",
    );
    let outcome = app.run(&[]).expect_code(0).says(&[
        "TOLD {\"k\":\"c\"}",
        "4 rows to 'out.csv'",
        "2 rows to 'out.jsonl'",
        "4 rows to nowhere",
    ]);
    assert_eq!(outcome.stdout, "{\"v\":1}\n");
    assert_eq!(app.read("out.csv"), "k,v\na,1\nb,2\na,3\nc,4\n");
    assert_eq!(app.read("out.jsonl"), "{\"v\":3}\n{\"v\":4}\n");
}

#[test]
fn running_an_app_twice_gives_the_same_file() {
    let app =
        app("CREATE STREAM o (v BIGINT) WITH (type = 'sink', extension = 'file', \"file.path\" = 'out.csv');
         INSERT INTO o SELECT v FROM s;");
    app.run(&[]).expect_code(0);
    let once = app.read("out.csv");
    app.run(&[]).expect_code(0);
    assert_eq!(app.read("out.csv"), once);
}

#[test]
fn a_limit_ends_the_run_after_so_many_printed_rows() {
    let app = app("SELECT k FROM s;");
    let outcome =
        app.run(&["--output", "csv", "--limit", "2"]).expect_code(0).says(&["stopped at the limit"]);
    assert_eq!(outcome.stdout, "k\na\nb\n");
    let silent = App::new(&format!(
        "{SOURCE}CREATE STREAM o (v BIGINT) WITH (type = 'sink', extension = 'blackhole'); INSERT INTO o SELECT v FROM s;"
    ))
    .file("in.csv", ROWS.as_bytes());
    silent.run(&["--limit", "2"]).expect_code(2).says(&["--limit"]);
}

#[test]
fn columns_that_no_query_reads_are_not_decoded() {
    // `v` is broken in every row, and nothing reads it.
    let csv = "ts,k,v\n2024-05-01 00:00:00,a,x\n2024-05-01 00:00:01,b,y\n";
    let app = App::new(&format!("{SOURCE}SELECT k FROM s;")).file("in.csv", csv.as_bytes());
    let outcome = app.run(&["--output", "csv"]).expect_code(0).says(&["rejected 0"]);
    assert_eq!(outcome.stdout, "k\na\nb\n");
}

#[test]
fn an_unread_source_stays_closed_and_is_named() {
    let app =
        App::new(&format!("{SOURCE}CREATE STREAM t (v INT); INSERT INTO t VALUES (1); SELECT v FROM t;"));
    let outcome = app.run(&["--output", "csv"]).expect_code(0).says(&["stream 's' is read by no query"]);
    assert_eq!(outcome.stdout, "v\n1\n");
}

#[test]
fn an_app_without_output_says_so() {
    let app =
        App::new(&format!("{SOURCE}CREATE STREAM t AS SELECT k FROM s;")).file("in.csv", ROWS.as_bytes());
    app.run(&[]).expect_code(0).says(&["nothing comes out"]);
}
