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
}
