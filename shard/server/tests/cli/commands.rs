//! `check`, `explain`, `fmt`, `explain-error` and the command line itself.

use crate::harness::{App, ROWS, SOURCE, ceptra, ceptra_alone};

#[test]
fn check_counts_what_a_right_script_holds_and_runs_nothing() {
    // The source file does not exist: checking does not open it.
    let app = App::new(&format!("{SOURCE}SELECT k FROM s; SELECT v FROM s;"));
    let outcome = ceptra(app.path("").as_path(), &["check", "app.sql"], b"").expect_code(0);
    assert_eq!(outcome.stdout, "ok: 1 stream, 2 queries\n");
}

#[test]
fn check_reports_every_error_with_its_place() {
    let app = App::new(&format!("{SOURCE}SELECT kk FROM s;\nSELECT w FROM ss;\n"));
    let outcome = ceptra(app.path("").as_path(), &["check", "app.sql"], b"").expect_code(2);
    assert_eq!(outcome.stdout, "");
    outcome.says(&["app.sql", "kk", "ss", "did you mean"]);
}

#[test]
fn an_error_about_the_name_being_declared_is_an_error() {
    for script in [
        "INSERT INTO nowhere VALUES (1);",
        "CREATE STREAM x AS SELECT * FROM x;",
        "CREATE STREAM s (v INT); DROP STREAM s; INSERT INTO s VALUES (1);",
    ] {
        ceptra_alone(&["check", "-"], script.as_bytes()).expect_code(2).says(&["there is no"]);
    }
}

#[test]
fn check_json_is_one_object_a_diagnostic() {
    let app = App::new("SELECT k FROM nowhere;");
    let outcome = ceptra(app.path("").as_path(), &["check", "--json", "app.sql"], b"").expect_code(2);
    let lines: Vec<serde_json::Value> =
        outcome.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 1, "{}", outcome.stdout);
    assert!(lines[0]["code"].as_str().unwrap().starts_with('E'));
    assert_eq!(lines[0]["span"]["line"], 1);
    assert_eq!(outcome.stderr, "");
}

#[test]
fn check_reads_a_script_from_standard_input() {
    let outcome = ceptra_alone(&["check", "-"], b"CREATE STREAM s (v INT); SELECT v FROM s;").expect_code(0);
    assert_eq!(outcome.stdout, "ok: 1 stream, 1 query\n");
}

#[test]
fn explain_shows_the_plan_of_every_query() {
    let app = App::new(&format!("{SOURCE}SELECT k FROM s WHERE v > 1; SELECT v FROM s;"));
    let outcome = ceptra(app.path("").as_path(), &["explain", "app.sql"], b"").expect_code(0);
    for word in ["query_1", "query_2", "s"] {
        assert!(outcome.stdout.contains(word), "no '{word}' in\n{}", outcome.stdout);
    }
}

/// Statements that the front end takes; not all of them can be run.
const HARD: &[&str] = &[
    "SELECT sum(v) FROM s WINDOW TUMBLING (SIZE 1 HOUR, ZONE 'Europe/Berlin');",
    "SELECT sum(v) FROM s WINDOW TUMBLING (SIZE 1 DAY, ZONE 'Europe/Berlin');",
    "SELECT sum(v) FROM s WINDOW TUMBLING (SIZE 1 MONTH, OFFSET 1 MONTH);",
    "SELECT k FROM s WHERE k ~ '(';",
    "SELECT k FROM s WHERE k ~ '(a|b)';",
    "SELECT sum(v) OVER (ORDER BY ts GROUPS 1 PRECEDING) AS x FROM s;",
    "SELECT sum(v) OVER (ORDER BY ts ROWS 1 PRECEDING) AS x FROM s;",
    "SELECT array_agg(DISTINCT k ORDER BY v) FROM s WINDOW TUMBLING (SIZE 1 MINUTE);",
    "SELECT ewma(v, 0.5) FROM s WINDOW FREQUENT (3, k);",
    "SELECT -ts FROM s;",
    "SELECT CAST(v AS BYTES) FROM s;",
    "SELECT b || b FROM s;",
    "SELECT sum(i) FROM s WINDOW TUMBLING (SIZE 1 MINUTE);",
    "SELECT k FROM s WINDOW SORT (3, a);",
    "SELECT k FROM s WINDOW SORT (3, m);",
    "SELECT k FROM s WINDOW SORT (3, t);",
    "SELECT k FROM s WINDOW SORT (3, i);",
    "SELECT k FROM s WINDOW LENGTHBATCH(3) ORDER BY a;",
    "SELECT a = a, m = m, t = t, i < i FROM s;",
    "SELECT max(a), min(t), max(i), min(b) FROM s WINDOW LENGTHBATCH(3);",
    "SELECT count(DISTINCT m) FROM s GROUP BY a, t;",
    "SELECT median(i), avg(i) FROM s WINDOW LENGTHBATCH(3);",
    "SELECT CAST(a AS STRING), CAST(m AS STRING), CAST(t AS STRING), CAST(i AS STRING) FROM s;",
    "SELECT k FROM s WINDOW UNIQUE (a);",
    "SELECT lag(a) OVER (ORDER BY ts) AS x, rank() OVER (ORDER BY ts) AS r FROM s;",
    "SELECT k FROM s WINDOW CRON ('0 0 31 2 *');",
    "CREATE AGGREGATION g AS SELECT k, array_agg(DISTINCT k ORDER BY v) AS x FROM s GROUP BY k AGGREGATE BY ts EVERY SECONDS … HOURS;",
];

#[test]
fn what_check_takes_runs_and_what_it_refuses_has_code_place_and_help() {
    const STREAM: &str = "CREATE STREAM s (ts TIMESTAMP, k STRING, v BIGINT, b BYTES, i INTERVAL, \
         a ARRAY<BIGINT>, m MAP<STRING, BIGINT>, t STRUCT<x BIGINT>) WITH (\"event.time\" = 'ts', clock = 'event');\n";
    let mut taken = 0;
    for statement in HARD {
        let app = App::new(&format!("{STREAM}{statement}"));
        let dir = app.path("");
        let checked = ceptra(&dir, &["check", "--json", "app.sql"], b"");
        let explained = ceptra(&dir, &["explain", "app.sql"], b"");
        let run = app.run(&[]);
        assert_eq!((checked.code, explained.code), (run.code, run.code), "{statement}\n{}", run.stderr);
        if checked.code == 0 {
            taken += 1;
            continue;
        }
        assert_eq!(checked.code, 2, "{statement}");
        for line in checked.stdout.lines() {
            let error: serde_json::Value = serde_json::from_str(line).unwrap();
            let code = error["code"].as_str().unwrap();
            assert!(error["span"]["line"].as_u64().unwrap() >= 2, "{statement}: {line}");
            assert!(error["help"].is_string(), "{statement}: {line}");
            ceptra_alone(&["explain-error", code], b"").expect_code(0);
            let message = error["message"].as_str().unwrap();
            println!("{statement}: {message}");
            for arrow in
                ["Utf8", "Int64", "Timestamp(", "Float64", "List(", "Struct(", "Map(", "Interval(", "Binary"]
            {
                assert!(!message.contains(arrow), "{statement}: {message}");
            }
        }
    }
    assert!(taken >= 5, "{taken} statements can be run");
}

#[test]
fn output_is_an_option_of_commands_that_print_rows() {
    for command in ["check", "explain", "fmt"] {
        ceptra_alone(&[command, "-", "--output", "json"], b"SELECT 1;").expect_code(2).says(&["--output"]);
    }
    ceptra_alone(&["explain-error", "E0101", "--output", "json"], b"").expect_code(2);
}

#[test]
fn csv_is_for_one_stream() {
    let app = App::new(&format!("{SOURCE}SELECT k FROM s; SELECT v FROM s;")).file("in.csv", ROWS.as_bytes());
    let outcome = app.run(&["--output", "csv"]).expect_code(2).says(&["2 streams print", "--output json"]);
    assert_eq!(outcome.stdout, "");
    app.run(&["--output", "json"]).expect_code(0);
}

#[test]
fn constants_keep_their_types() {
    let script =
        "SELECT 1 AS a, NULL AS b, TRUE AS d, 'x' AS e, 1.5 AS f, DATE '2024-05-01' AS g, [1, 2] AS h;";
    let run = |format: &str| {
        ceptra_alone(&["run", "-", "--output", format, "-q"], script.as_bytes()).expect_code(0)
    };
    assert_eq!(
        run("json").stdout,
        "{\"a\":1,\"b\":null,\"d\":true,\"e\":\"x\",\"f\":1.5,\"g\":\"2024-05-01\",\"h\":[1,2]}\n"
    );
    assert_eq!(run("csv").stdout, "a,b,d,e,f,g,h\n1,,true,x,1.5,2024-05-01,\"[1,2]\"\n");
}

#[test]
fn fmt_is_idempotent_and_keeps_comments() {
    let ugly = "-- first\ncreate stream   s (v int) ;select v -- why\n from s where v>1 ;";
    let once = ceptra_alone(&["fmt", "-"], ugly.as_bytes()).expect_code(0).stdout;
    assert!(once.contains("-- first") && once.contains("-- why"), "{once}");
    let twice = ceptra_alone(&["fmt", "-"], once.as_bytes()).expect_code(0).stdout;
    assert_eq!(once, twice);
}

#[test]
fn fmt_check_names_files_that_would_change_and_write_changes_them() {
    let app = App::new("select   v from s;");
    let dir = app.path("");
    let checked = ceptra(&dir, &["fmt", "--check", "app.sql"], b"").expect_code(1);
    assert_eq!(checked.stdout, "app.sql\n");
    ceptra(&dir, &["fmt", "--write", "app.sql"], b"").expect_code(0);
    assert_ne!(app.read("app.sql"), "select   v from s;");
    let again = ceptra(&dir, &["fmt", "--check", "app.sql"], b"").expect_code(0);
    assert_eq!(again.stdout, "");
}

#[test]
fn explain_error_tells_more_and_lists_all() {
    let list = ceptra_alone(&["explain-error", "list"], b"").expect_code(0).stdout;
    let first = list.lines().next().unwrap().split_whitespace().next().unwrap().to_owned();
    let more = ceptra_alone(&["explain-error", &first.to_lowercase()], b"").expect_code(0).stdout;
    assert!(more.starts_with(&first) && more.lines().count() > 2, "{more}");
    ceptra_alone(&["explain-error", "E9999"], b"").expect_code(2).says(&["E9999", "explain-error list"]);
}

#[test]
fn a_wrong_command_line_is_code_2() {
    ceptra_alone(&["run"], b"").expect_code(2);
    ceptra_alone(&["dance"], b"").expect_code(2);
    ceptra_alone(&["run", "a.sql", "--playback", "warp"], b"").expect_code(2).says(&["1x"]);
}

#[test]
fn colours_follow_the_option() {
    let plain = ceptra_alone(&["run", "gone.sql"], b"").expect_code(2);
    assert!(!plain.stderr.contains('\x1b'), "{}", plain.stderr);
    let coloured = ceptra_alone(&["run", "gone.sql", "--color", "always"], b"").expect_code(2);
    assert!(coloured.stderr.contains("\x1b["), "{}", coloured.stderr);
}

#[test]
fn quiet_says_nothing_when_all_is_well() {
    let app = App::new(&format!("{SOURCE}SELECT k FROM s;")).file("in.csv", ROWS.as_bytes());
    let outcome = app.run(&["-q", "--output", "csv"]).expect_code(0);
    assert_eq!((outcome.stdout.as_str(), outcome.stderr.as_str()), ("k\na\nb\na\nc\n", ""));
}

#[test]
fn variables_come_from_the_environment_or_their_default() {
    let sql = SOURCE.replace("'in.csv'", "'${CEPTRA_TEST_FILE:in.csv}'");
    let app = App::new(&format!("{sql}SELECT k FROM s;")).file("in.csv", ROWS.as_bytes());
    assert_eq!(app.run(&["--output", "csv"]).expect_code(0).stdout, "k\na\nb\na\nc\n");
    // In the strings of queries, too; `$$` is a dollar sign, and so is one before anything else.
    let query = "SELECT '${CEPTRA_TEST_NAME:x}-$$-$1' AS t FROM s WHERE k = '${CEPTRA_TEST_KEY:c}';";
    let app = App::new(&format!("{SOURCE}{query}")).file("in.csv", ROWS.as_bytes());
    assert_eq!(app.run(&["--output", "csv"]).expect_code(0).stdout, "t\nx-$-$1\n");
    let app = App::new(&format!("{SOURCE}SELECT k FROM s WHERE k = '${{CEPTRA_TEST_UNSET}}';"));
    app.run(&[]).expect_code(2).says(&["E0505", "CEPTRA_TEST_UNSET", "default"]);
}
