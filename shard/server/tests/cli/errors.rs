//! Error strategies: drop, dead letters, fail, retry (R-SQL-9).

use crate::harness::{App, SOURCE};

const BAD: &str = "ts,k,v\n2024-05-01 00:00:00,a,1\n2024-05-01 00:00:01,b,x\n2024-05-01 00:00:02,c,3\n2024-05-01 00:00:03,d,-\n";

fn source(options: &str) -> String {
    SOURCE.replace("WITH (", &format!("WITH ({options}, "))
}

#[test]
fn dead_letters_reach_their_stream_between_the_rows_around_them() {
    let sql = format!(
        "CREATE STREAM bad (stream STRING, reason STRING, \"column\" STRING, line BIGINT, position BIGINT, original STRING);
         {}SELECT k FROM s; SELECT stream, \"column\", line, position, original FROM bad;",
        source("\"error.strategy\" = 'dlq', \"error.dlq.stream\" = 'bad'")
    );
    let outcome = App::new(&sql).file("in.csv", BAD.as_bytes()).run(&["--output", "json"]).expect_code(0);
    let expected = r#"{"_stream":"query_1","k":"a"}
{"_stream":"query_2","stream":"s","column":"v","line":3,"position":31,"original":"2024-05-01 00:00:01,b,x"}
{"_stream":"query_1","k":"c"}
{"_stream":"query_2","stream":"s","column":"v","line":5,"position":79,"original":"2024-05-01 00:00:03,d,-"}
"#;
    assert_eq!(outcome.stdout, expected);
    outcome.says(&["rejected 2", "dead letters 2"]);
}

#[test]
fn rows_that_a_query_cannot_process_become_dead_letters() {
    let sql = format!(
        "CREATE STREAM bad (reason STRING, original STRING);
         {}SELECT 6 / (v - 1) AS q FROM s; SELECT reason, original FROM bad;",
        source("\"error.strategy\" = 'dlq', \"error.dlq.stream\" = 'bad'")
    );
    let csv = "ts,k,v\n2024-05-01 00:00:00,a,1\n2024-05-01 00:00:01,b,2\n";
    let outcome = App::new(&sql).file("in.csv", csv.as_bytes()).run(&["--output", "json"]).expect_code(0);
    let expected = r#"{"_stream":"query_1","q":6}
{"_stream":"query_2","reason":"query 'query_1': E1001: division by zero","original":"2024-05-01 00:00:00,a,1"}
"#;
    assert_eq!(outcome.stdout, expected);
    outcome.says(&["errors 1", "dead letters 1"]);
}

#[test]
fn a_dead_letter_is_the_record_as_it_came_whatever_its_format() {
    let bad = "CREATE STREAM bad (line BIGINT, position BIGINT, original STRING);";
    let dlq = "\"error.strategy\" = 'dlq', \"error.dlq.stream\" = 'bad'";
    let tail = "INSERT INTO derived SELECT v * 2 AS w FROM s; SELECT 10 / (w - 14) AS q FROM derived; SELECT * FROM bad;";
    let run = |format: &str, text: &str| {
        let sql = format!(
            "{bad} CREATE STREAM s (v BIGINT) WITH (type = 'source', extension = 'file', {format}, {dlq}, \
             \"file.path\" = 'in'); CREATE STREAM derived (w BIGINT); {tail}"
        );
        let outcome = App::new(&sql).file("in", text.as_bytes()).run(&["--output", "json"]).expect_code(0);
        let dead = |line: &&str| line.contains("\"original\"");
        outcome.stdout.lines().filter(dead).map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(
        run("format = 'csv'", "v,x\n1,\"two\nlines\"\n7,\"o, k\"\r\n2,\n"),
        [r#"{"_stream":"query_2","line":4,"position":18,"original":"7,\"o, k\""}"#]
    );
    assert_eq!(
        run("format = 'json'", "{\"v\":1}\n\n  {\"v\" : 7, \"other\":[]}\n"),
        [r#"{"_stream":"query_2","line":3,"position":9,"original":"{\"v\" : 7, \"other\":[]}"}"#]
    );
    assert_eq!(
        run("format = 'regex', \"regex.pattern\" = '^.*v=(?P<v>[0-9]+)'", "a v=1\nnothing\nb v=7 c\n"),
        [r#"{"_stream":"query_2","line":3,"position":14,"original":"b v=7 c"}"#]
    );
}

#[test]
fn a_made_row_is_dead_as_its_values() {
    let sql = "CREATE STREAM bad (line BIGINT, position BIGINT, original STRING);
        CREATE STREAM s (i BIGINT) WITH (type = 'source', extension = 'generator', \"generator.rows\" = 3,
        \"error.strategy\" = 'dlq', \"error.dlq.stream\" = 'bad');
        SELECT 1 / (i - 1) AS q FROM s; SELECT * FROM bad;";
    let outcome = App::new(sql).run(&["--output", "json"]).expect_code(0);
    let expected = r#"{"_stream":"query_2","line":0,"position":1,"original":"{\"i\":1}"}"#;
    assert!(outcome.stdout.contains(expected), "{}", outcome.stdout);
}

#[test]
fn a_failing_result_blames_no_record() {
    let csv = "ts,k,v\n2024-05-01 00:00:00,a,3\n2024-05-01 00:00:01,a,4\n2024-05-01 00:02:00,b,1\n";
    let query = "SELECT k, 1 / (sum(v) - 7) AS q FROM s WINDOW TUMBLING (SIZE 1 MINUTE) GROUP BY k;";
    let app = |strategy: &str, query: &str| {
        let bad = "CREATE STREAM bad (reason STRING, original STRING);";
        App::new(&format!("{bad}{}{query} SELECT * FROM bad;", source(strategy)))
            .file("in.csv", csv.as_bytes())
    };
    let dlq = "\"error.strategy\" = 'dlq', \"error.dlq.stream\" = 'bad'";
    let why = "a result of query 'query_1' cannot be computed: E1001: window 2024-05-01T00:00:00Z to \
               2024-05-01T00:01:00Z: k = 'a', sum(v) = 7: division by zero";
    let outcome = app(dlq, query).run(&["--output", "json"]).expect_code(0);
    assert_eq!(outcome.stdout, "{\"_stream\":\"query_1\",\"k\":\"b\",\"q\":0}\n");
    outcome.says(&["warning", why, "errors 1"]);
    let stopped = app("\"error.strategy\" = 'fail'", query).run(&["--output", "json"]).expect_code(1);
    assert_eq!(stopped.stdout, "");
    stopped.says(&["error: stream 's'", why, "no record is at fault"]);
    // Further down, the row is named: it is made of a window, too.
    let below =
        "CREATE STREAM totals AS SELECT k, sum(v) AS total FROM s WINDOW TUMBLING (SIZE 1 MINUTE) GROUP BY k;
                 SELECT 1 / (total - 7) AS q FROM totals;";
    let outcome = app(dlq, below).run(&["--output", "json"]).expect_code(0);
    assert_eq!(outcome.stdout, "{\"_stream\":\"query_1\",\"q\":0}\n");
    outcome.says(&[
        "a result of query 'query_1' cannot be computed: E1001: k = 'a', total = 7: division by zero",
    ]);
}

#[test]
fn fail_stops_at_the_record_however_rows_are_grouped() {
    let generator = |rows: &str| {
        format!(
            "CREATE STREAM s (i BIGINT, w BIGINT) WITH (type = 'source', extension = 'generator', \
             \"generator.rows\" = {rows}, \"error.strategy\" = 'fail');"
        )
    };
    for (failing, rows) in
        [(0, "100000"), (10, "100000"), (1_023, "1024"), (1_024, "5000"), (9_000, "100000")]
    {
        let sql = format!("{}SELECT i, 1 / (i - {failing}) AS q FROM s;", generator(rows));
        let outcome = App::new(&sql).run(&["--output", "csv"]).expect_code(1);
        let printed = outcome.stdout.lines().count().saturating_sub(1);
        assert_eq!(printed, failing, "rows before row {failing} of {rows}");
        outcome.says(&[&format!("record at row {failing}:"), "division by zero", "errors 1"]);
    }
    // Other queries stop there too, and so do windows that a later row would have closed.
    let sql = format!(
        "{}SELECT 1 / (i - 10) AS q FROM s; SELECT i FROM s; SELECT count(*) AS c FROM s WINDOW LENGTHBATCH(4);",
        generator("100000")
    );
    let outcome = App::new(&sql).run(&["--output", "json"]).expect_code(1);
    let of = |query: &str| outcome.stdout.lines().filter(|line| line.contains(query)).count();
    assert_eq!((of("query_1"), of("query_2"), of("query_3")), (10, 10, 2));
    // A limit that comes before the error ends the run in peace.
    let sql = format!("{}SELECT i, 1 / (i - 10) AS q FROM s;", generator("100000"));
    App::new(&sql).run(&["--output", "csv", "--limit", "10"]).expect_code(0).says(&["stopped at the limit"]);
}

#[test]
fn the_error_of_a_record_names_its_line() {
    let sql = format!("{SOURCE}SELECT 6 / (v - 2) AS q FROM s;");
    let app = App::new(&sql).file("in.csv", crate::harness::ROWS.as_bytes());
    app.run(&[])
        .expect_code(0)
        .says(&["record at line 3 (byte 31): query 'query_1': E1001: division by zero"]);
}

#[test]
fn fail_stops_behind_the_rows_before_it_and_gives_the_place() {
    let sql = format!("{}SELECT k, v FROM s;", source("\"error.strategy\" = 'fail'"));
    let outcome = App::new(&sql).file("in.csv", BAD.as_bytes()).run(&["--output", "csv"]).expect_code(1);
    assert_eq!(outcome.stdout, "k,v\na,1\n");
    outcome.says(&["error: stream 's'", "line 3", "column 'v'", "help:", "failed"]);
}

#[test]
fn many_bad_records_are_counted_and_few_are_shown() {
    let mut csv = "ts,k,v\n".to_owned();
    for _ in 0..1_000 {
        csv.push_str("2024-05-01 00:00:00,a,x\n");
    }
    let sql = format!("{SOURCE}SELECT v FROM s;");
    let outcome =
        App::new(&sql).file("in.csv", csv.as_bytes()).run(&[]).expect_code(0).says(&["rejected 1,000"]);
    assert!(outcome.stderr.lines().count() < 20, "{}", outcome.stderr);
    assert!(outcome.stderr.contains("995 more messages were not shown"), "{}", outcome.stderr);
}

#[test]
fn the_log_level_of_a_stream_silences_its_messages_but_not_the_count() {
    let sql = format!("{}SELECT v FROM s;", source("\"error.log-level\" = 'off'"));
    let outcome = App::new(&sql).file("in.csv", BAD.as_bytes()).run(&[]).expect_code(0).says(&["rejected 2"]);
    assert!(!outcome.stderr.contains("warning"), "{}", outcome.stderr);
}

#[test]
fn retry_tries_again_with_growing_delays_and_then_fails() {
    let sql = format!(
        "{}SELECT v FROM s;",
        source(
            "\"error.strategy\" = 'retry', \"error.retry.max-attempts\" = 2, \"error.retry.initial-delay\" = '10ms'"
        )
    );
    let outcome = App::new(&sql).run(&[]).expect_code(1);
    outcome.says(&["try 1 of 2 in 10ms", "try 2 of 2 in 20ms", "error: stream 's': cannot open 'in.csv'"]);
}

#[test]
fn a_sink_that_cannot_be_opened_fails_the_run() {
    let sql = format!(
        "{SOURCE}CREATE STREAM o (v BIGINT) WITH (type = 'sink', extension = 'file', \"file.path\" = 'no/such/out.csv');
         INSERT INTO o SELECT v FROM s;"
    );
    App::new(&sql)
        .file("in.csv", BAD.as_bytes())
        .run(&[])
        .expect_code(1)
        .says(&["stream 'o'", "no/such/out.csv"]);
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_loses_rows_with_a_count_or_stops_as_asked() {
    let sink = |strategy: &str| {
        format!(
            "{SOURCE}CREATE STREAM o (v BIGINT) WITH (type = 'sink', extension = 'file', format = 'csv', \
             \"file.path\" = '/dev/full', \"file.mode\" = 'append', \"error.strategy\" = '{strategy}');
             INSERT INTO o SELECT v FROM s;"
        )
    };
    let run = |strategy| App::new(&sink(strategy)).file("in.csv", crate::harness::ROWS.as_bytes()).run(&[]);
    run("drop").expect_code(0).says(&["not written 4"]);
    run("fail").expect_code(1).says(&["error: stream 'o'"]);
}

#[test]
fn a_file_is_not_written_while_it_is_read_nor_by_two_streams() {
    let sink = |name: &str, path: &str| {
        format!(
            "CREATE STREAM {name} (v BIGINT) WITH (type = 'sink', extension = 'file', format = 'csv', \
             \"file.path\" = '{path}'); INSERT INTO {name} SELECT v FROM s;\n"
        )
    };
    let onto_itself = format!("{SOURCE}{}", sink("o", "./in.csv"));
    let app = App::new(&onto_itself).file("in.csv", BAD.as_bytes());
    app.run(&[]).expect_code(2).says(&["'o' writes the file of stream 's'"]);
    assert_eq!(app.read("in.csv"), BAD, "the input is untouched");
    let twice = format!("{SOURCE}{}{}", sink("o", "out.csv"), sink("p", "./out.csv"));
    App::new(&twice)
        .file("in.csv", BAD.as_bytes())
        .run(&[])
        .expect_code(2)
        .says(&["'p' writes the file of stream 'o'"]);
}

#[cfg(unix)]
#[test]
fn a_file_is_one_file_under_all_its_names() {
    let sink = |name: &str, path: &str| {
        format!(
            "CREATE STREAM {name} (v BIGINT) WITH (type = 'sink', extension = 'file', format = 'csv', \
             \"file.path\" = '{path}'); INSERT INTO {name} SELECT v FROM s;\n"
        )
    };
    let app = App::new(&format!("{SOURCE}{}", sink("o", "other.csv"))).file("in.csv", BAD.as_bytes());
    std::fs::hard_link(app.path("in.csv"), app.path("other.csv")).unwrap();
    app.run(&[]).expect_code(2).says(&["'o' writes the file of stream 's'"]);
    assert_eq!(app.read("in.csv"), BAD, "the input is untouched");
    let app = App::new(&format!("{SOURCE}{}{}", sink("o", "out.csv"), sink("p", "link.csv")));
    let app = app.file("in.csv", BAD.as_bytes());
    // The link leads to a file that is not there yet.
    std::os::unix::fs::symlink("out.csv", app.path("link.csv")).unwrap();
    app.run(&[]).expect_code(2).says(&["'p' writes the file of stream 'o'"]);
}

#[cfg(target_os = "linux")]
#[test]
fn a_device_takes_rows_without_a_warning() {
    let sql = format!(
        "{SOURCE}CREATE STREAM o (v BIGINT) WITH (type = 'sink', extension = 'file', format = 'csv', \
         \"file.path\" = '/dev/null'); INSERT INTO o SELECT v FROM s;"
    );
    let outcome = App::new(&sql).file("in.csv", crate::harness::ROWS.as_bytes()).run(&[]).expect_code(0);
    assert!(!outcome.stderr.contains("warning"), "{}", outcome.stderr);
}

#[test]
fn standard_input_has_one_reader() {
    let stream = |name: &str| {
        format!("CREATE STREAM {name} (v BIGINT) WITH (extension = 'stdin', format = 'json');\n")
    };
    let sql = format!("{}{}SELECT v FROM a; SELECT v FROM b;", stream("a"), stream("b"));
    App::new(&sql).run(&[]).expect_code(2).says(&["'a' and 'b' both read standard input"]);
}
