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
fn two_queries_that_print_the_same_stream_both_print_it() {
    expect![[r#"
        {"_stream":"query_1","v":1}
        {"_stream":"query_2","v":1}
        {"_stream":"query_1","v":2}
        {"_stream":"query_2","v":2}
    "#]]
    .assert_eq(
        &app("CREATE VIEW two AS SELECT v FROM s WHERE v < 3; CREATE STREAM t AS SELECT v FROM two;
              SELECT * FROM t; SELECT * FROM t;")
        .run(&["--output", "json"])
        .expect_code(0)
        .stdout,
    );
    let sources = app("SELECT * FROM s; SELECT * FROM s;").run(&["--output", "json"]).expect_code(0).stdout;
    assert_eq!(sources.lines().count(), 8, "{sources}");
}

/// The third row is late for the window that the second one closed.
const LATE: &str = "ts,k,v\n2024-05-01 00:00:01,a,1\n2024-05-01 00:00:12,a,2\n\
     2024-05-01 00:00:03,b,5\n2024-05-01 00:00:24,c,7\n";

fn late_app(options: &str, declared: &str, queries: &str) -> App {
    let source = SOURCE.replace("WITH (", &format!("WITH (\"watermark.lateness\" = '1s', {options}"));
    let window = "SELECT window_start, sum(v) AS total FROM s WINDOW TUMBLING (SIZE 10 SECONDS) \
                  GROUP BY window_start, window_end;";
    App::new(&format!("{declared}{source}{window}{queries}")).file("in.csv", LATE.as_bytes())
}

#[test]
fn a_late_row_is_counted_and_goes_to_the_late_stream() {
    let app = late_app(
        "\"late.stream\" = 'tardy', ",
        "CREATE STREAM tardy (ts TIMESTAMP, k STRING, v BIGINT);\n",
        "SELECT k, v FROM tardy;",
    );
    let outcome = app.run(&["--output", "json"]).expect_code(0).says(&["late 1,"]);
    expect![[r#"
        {"_stream":"query_1","window_start":"2024-05-01T00:00:00Z","total":1}
        {"_stream":"query_2","k":"b","v":5}
        {"_stream":"query_1","window_start":"2024-05-01T00:00:10Z","total":2}
        {"_stream":"query_1","window_start":"2024-05-01T00:00:20Z","total":7}
    "#]]
    .assert_eq(&outcome.stdout);
}

#[test]
fn rows_that_go_nowhere_are_warned_of() {
    let late = late_app("\"late.stream\" = 'tardy', ", "", "");
    let warning = "no query reads stream 'tardy', and it is no sink: late rows of stream 's' are lost";
    late.run(&["--output", "json"]).expect_code(0).says(&[warning, "add `SELECT * FROM tardy;`"]);
    late.check().expect_code(0).says(&[warning]);
    let fed = App::new(&format!("{SOURCE}CREATE STREAM big AS SELECT k, v FROM s WHERE v > 10;"));
    fed.check().expect_code(0).says(&["no query reads stream 'big', and it is no sink: its rows are lost"]);
}

#[test]
fn a_late_row_corrects_its_window_by_retraction() {
    let outcome = late_app("\"late.policy\" = 'retract', ", "", "").run(&["--output", "csv"]).expect_code(0);
    expect![[r#"
        _op,window_start,total
        +I,2024-05-01T00:00:00Z,1
        -U,2024-05-01T00:00:00Z,1
        +U,2024-05-01T00:00:00Z,6
        +I,2024-05-01T00:00:10Z,2
        +I,2024-05-01T00:00:20Z,7
    "#]]
    .assert_eq(&outcome.stdout);
}

#[test]
fn reads_of_an_aggregation_are_answered_at_the_end() {
    let app = app("CREATE AGGREGATION per_key AS SELECT k, sum(v) AS total FROM s GROUP BY k
             AGGREGATE BY ts EVERY SECONDS ... HOURS;
         SELECT k, total FROM per_key WITHIN '2024-05-01 00:00:00', '2024-05-02 00:00:00' PER 'hours';");
    assert_eq!(app.run(&["--output", "csv"]).expect_code(0).stdout, "k,total\na,4\nb,2\nc,4\n");
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
