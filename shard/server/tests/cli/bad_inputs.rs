//! Bad input: a clear error or a counted reject, never a panic, nothing else lost.

use crate::harness::{App, ROWS, SOURCE, ceptra_alone, gzip};

const ALL: &str = "SELECT k, v FROM s;";

fn app(csv: &[u8]) -> App {
    App::new(&format!("{SOURCE}{ALL}")).file("in.csv", csv)
}

#[test]
fn a_missing_app_is_a_usage_error_that_names_it() {
    let outcome = ceptra_alone(&["run", "gone.sql"], b"").expect_code(2);
    assert!(outcome.stderr.starts_with("error: cannot read 'gone.sql'"), "{}", outcome.stderr);
}

#[test]
fn a_missing_source_file_fails_the_run_and_names_stream_and_path() {
    let app = App::new(&format!("{SOURCE}{ALL}"));
    app.run(&[]).expect_code(1).says(&["stream 's'", "in.csv"]);
}

#[test]
fn an_app_that_is_not_utf_8_is_refused_with_the_byte() {
    let app = App::new("").file("app.sql", b"SELECT 1\xff;");
    app.run(&[]).expect_code(2).says(&["not UTF-8", "byte 8"]);
}

#[test]
fn an_unknown_column_is_a_script_error_with_a_suggestion() {
    let app = App::new(&format!("{SOURCE}SELECT vv FROM s;")).file("in.csv", ROWS.as_bytes());
    app.run(&[]).expect_code(2).says(&["vv", "did you mean"]);
}

#[test]
fn a_column_that_the_header_lacks_fails_before_the_first_row() {
    let outcome = app(b"ts,k\n2024-05-01 00:00:00,a\n").run(&[]).expect_code(1).says(&["stream 's'", "'v'"]);
    assert_eq!(outcome.stdout, "");
}

#[test]
fn wrong_types_are_counted_and_the_rows_around_them_come_out() {
    let csv =
        "ts,k,v\n2024-05-01 00:00:00,a,1\n2024-05-01 00:00:01,b,x\nnever,c,3\n2024-05-01 00:00:03,d,4\n";
    let outcome = app(csv.as_bytes()).run(&["--output", "csv"]).expect_code(0);
    assert_eq!(outcome.stdout, "k,v\na,1\nd,4\n");
    outcome.says(&["warning: stream 's': line 3", "column 'v'", "line 4", "rejected 2"]);
}

#[test]
fn a_truncated_csv_loses_only_its_last_record() {
    let csv = "ts,k,v\n2024-05-01 00:00:00,a,1\n2024-05-01 00:00:01,\"b";
    let outcome = app(csv.as_bytes()).run(&["--output", "csv"]).expect_code(0).says(&["rejected 1"]);
    assert_eq!(outcome.stdout, "k,v\na,1\n");
}

#[test]
fn invalid_utf_8_is_one_reject() {
    let csv = b"ts,k,v\n2024-05-01 00:00:00,\xff\xfe,1\n2024-05-01 00:00:01,b,2\n";
    let outcome = app(csv).run(&["--output", "csv"]).expect_code(0).says(&["UTF-8", "rejected 1"]);
    assert_eq!(outcome.stdout, "k,v\nb,2\n");
}

#[test]
fn a_line_of_10_mb_is_one_reject() {
    let mut csv = b"ts,k,v\n2024-05-01 00:00:00,a,1\n2024-05-01 00:00:01,".to_vec();
    csv.resize(csv.len() + 10_000_000, b'x');
    csv.extend_from_slice(b",2\n2024-05-01 00:00:02,c,3\n");
    let outcome = app(&csv).run(&["--output", "csv"]).expect_code(0).says(&["longer than", "rejected 1"]);
    assert_eq!(outcome.stdout, "k,v\na,1\nc,3\n");
}

#[test]
fn an_empty_file_is_an_empty_result_or_an_error_that_says_why() {
    let outcome = app(b"").run(&["--output", "csv"]);
    assert_eq!(outcome.stdout, "");
    assert!(outcome.code == 0 || outcome.stderr.contains("header"), "{outcome:?}");
    let header_only = app(b"ts,k,v\n").run(&["--output", "csv"]).expect_code(0).says(&["0 rows in"]);
    assert_eq!(header_only.stdout, "");
}

#[test]
fn gzip_is_read_as_it_is_and_damaged_gzip_fails() {
    let packed = gzip(ROWS.as_bytes());
    let whole = app(&packed).run(&["--output", "csv"]).expect_code(0);
    assert_eq!(whole.stdout, "k,v\na,1\nb,2\na,3\nc,4\n");
    let cut = app(&packed[..packed.len() - 9]).run(&["--output", "csv"]).expect_code(1);
    cut.says(&["stream 's'", "in.csv"]);
}

#[test]
fn a_duplicate_stream_and_a_recursive_view_are_script_errors() {
    App::new(&format!("{SOURCE}{SOURCE}{ALL}")).run(&[]).expect_code(2).says(&["already"]);
    let recursive = App::new(&format!("{SOURCE}CREATE VIEW w AS SELECT * FROM w; SELECT * FROM w;"));
    recursive.run(&[]).expect_code(2).says(&["w"]);
}

#[test]
fn a_division_by_zero_loses_only_its_row() {
    let app =
        App::new(&format!("{SOURCE}SELECT k, 12 / (v - 2) AS q FROM s;")).file("in.csv", ROWS.as_bytes());
    let outcome = app.run(&["--output", "csv"]).expect_code(0).says(&["zero", "errors 1"]);
    assert_eq!(outcome.stdout, "k,q\na,-12\na,12\nc,6\n");
}

#[test]
fn a_deeply_nested_expression_is_refused_or_runs_and_never_crashes() {
    let deep = format!("{SOURCE}SELECT {}v{} AS d FROM s;", "(".repeat(1000), ")".repeat(1000));
    let outcome = App::new(&deep).file("in.csv", ROWS.as_bytes()).run(&["--output", "csv"]);
    assert!(outcome.code == 2 || outcome.code == 0, "{outcome:?}");
}

#[test]
fn ten_megabytes_of_sql_are_refused_at_once() {
    let text = format!("{SOURCE}SELECT {} FROM s;", vec!["v"; 5_000_000].join(","));
    App::new(&text).run(&[]).expect_code(2).says(&["bytes"]);
}

#[cfg(target_os = "linux")]
#[test]
fn a_script_without_end_is_refused() {
    ceptra_alone(&["check", "/dev/zero"], b"").expect_code(2).says(&["'/dev/zero' has more than", "bytes"]);
    let many = vec![b' '; 5 << 20];
    ceptra_alone(&["check", "-"], &many).expect_code(2).says(&["standard input has more than"]);
}

const ENDS: &str = "ts,k,v\n\
     1677-09-21 00:12:43.145224192,first,1\n\
     1677-09-21 00:12:43.145224191,before,1\n\
     2262-04-11 23:47:16.854775807,last,1\n\
     2262-04-11 23:47:16.854775808,behind,1\n";

fn ends(query: &str) -> String {
    let app = App::new(&format!("{SOURCE}{query}")).file("in.csv", ENDS.as_bytes());
    app.run(&["--output", "csv"]).expect_code(0).says(&["rejected 2", "late 0", "errors 0"]).stdout
}

#[test]
fn rows_at_the_ends_of_time_are_in_every_window_that_has_bounds_and_errors_elsewhere() {
    assert_eq!(ends("SELECT k FROM s;"), "k\nfirst\nlast\n");
    let query = |window| format!("SELECT first(k) AS k, count(*) AS n FROM s WINDOW {window};");
    for window in ["LENGTHBATCH (1)", "BATCH", "CRON ('0 0 * * *')"] {
        assert_eq!(ends(&query(window)), "k,n\nfirst,1\nlast,1\n", "{window}");
    }
    for (window, held) in [
        ("TUMBLING (SIZE 1 DAY)", ""),
        ("TUMBLING (SIZE 1 NANOSECOND)", ""),
        ("TUMBLING (SIZE 1 DAY, OFFSET 1 HOUR)", ""),
        ("TUMBLING (SIZE 1 MONTH)", ""),
        ("TUMBLING (SIZE 1 DAY, ZONE 'Asia/Tokyo')", ""),
        ("CUMULATE (STEP 1 DAY, SIZE 1 DAY)", ""),
        ("HOP (SIZE 3 DAYS, SLIDE 1 DAY)", ""),
        ("SESSION (GAP 1 DAY)", "k,n\nfirst,1\n"),
        ("TIMEBATCH (1 DAY)", "k,n\nfirst,1\n"),
        ("EXTERNALTIMEBATCH (ts, 1 DAY)", "k,n\nfirst,1\n"),
    ] {
        let app = App::new(&format!("{SOURCE}{}", query(window))).file("in.csv", ENDS.as_bytes());
        let errors = format!("errors {}", 2 - held.matches(",1\n").count());
        let out = app.run(&["--output", "csv"]).expect_code(0).says(&["rejected 2", "late 0", &errors]);
        assert_eq!(out.stdout, held, "{window}");
    }
    for window in ["TIME (106751 DAYS)", "TIMELENGTH (106751 DAYS, 5)", "EXTERNALTIME (ts, 106751 DAYS)"] {
        let out = ends(&format!("SELECT k, count(*) AS n FROM s WINDOW {window};"));
        assert_eq!(out, "k,n\nfirst,1\nlast,1\n", "{window}");
    }
    let over = "RANGE BETWEEN INTERVAL '2' DAY PRECEDING AND INTERVAL '1' DAY PRECEDING";
    let out = ends(&format!("SELECT k, count(*) OVER (ORDER BY ts {over}) AS n FROM s;"));
    assert_eq!(out, "k,n\nfirst,0\nlast,0\n");
}

#[test]
fn a_cron_expression_that_names_no_time_is_refused() {
    let app = App::new(&format!("{SOURCE}SELECT count(*) AS n FROM s WINDOW CRON ('0 0 31 2 *');"));
    app.check().expect_code(2).says(&["'0 0 31 2 *' names no time that ever comes", "mend its days"]);
}

#[test]
fn a_leap_of_centuries_ends_short_periods_at_once() {
    for rate in ["ALL", "FIRST", "LAST"] {
        assert_eq!(
            ends(&format!("SELECT k FROM s OUTPUT {rate} EVERY 1 NANOSECOND;")),
            "k\nfirst\nlast\n",
            "{rate}"
        );
    }
    // The second period would end behind the end of time: it lasts until the end of input.
    assert_eq!(ends("SELECT k FROM s OUTPUT LAST EVERY 106751 DAYS;"), "k\nfirst\nlast\n");
}

#[test]
fn a_window_that_overlaps_itself_beyond_measure_is_refused() {
    for window in ["HOP (SIZE 365 DAYS, SLIDE 1 NANOSECOND)", "CUMULATE (STEP 1 NANOSECOND, SIZE 1 DAY)"] {
        App::new(&format!("{SOURCE}SELECT count(*) FROM s WINDOW {window};"))
            .run(&[])
            .expect_code(2)
            .says(&["a row would be in", "windows; it can be in 100000"]);
    }
    App::new(&format!("{SOURCE}SELECT count(*) AS n FROM s WINDOW HOP (SIZE 1 DAY, SLIDE 1 SECOND);"))
        .file("in.csv", b"ts,k,v\n2024-05-01 00:00:00,a,1\n")
        .run(&[])
        .expect_code(0)
        .says(&["86,400 rows"]);
}

#[test]
fn a_sum_that_fits_no_bigint_is_an_error_that_says_bigint() {
    let csv = format!("ts,k,v\n2024-05-01 00:00:00,a,{0}\n2024-05-01 00:00:01,b,{0}\n", i64::MAX);
    let app = App::new(&format!("{SOURCE}SELECT sum(v) FROM s WINDOW LENGTHBATCH (2);"));
    app.file("in.csv", csv.as_bytes())
        .run(&[])
        .expect_code(0)
        .says(&["sum is out of range of BIGINT", "errors 1"]);
}
