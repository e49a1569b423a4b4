//! The interactive session, driven through a pipe.

use expect_test::expect;

use crate::harness::{App, Outcome, ROWS, SOURCE, ceptra, ceptra_alone};

fn repl(input: &str) -> Outcome {
    ceptra_alone(&["repl", "--output", "json"], input.as_bytes())
}

#[test]
fn a_query_over_a_stream_fed_by_hand_sees_rows_before_and_after_it() {
    let outcome = repl(
        "CREATE STREAM s (k STRING, v BIGINT);
         INSERT INTO s VALUES ('a', 1);
         SELECT k, v * 10 AS w
           FROM s WHERE v > 0;
         INSERT INTO s VALUES ('b', 2), ('c', -1);
         INSERT INTO s VALUES ('d', 4);",
    )
    .expect_code(0);
    expect![[r#"
        {"_stream":"query_1","k":"a","w":10}
        {"_stream":"query_1","k":"b","w":20}
        {"_stream":"query_1","k":"d","w":40}
    "#]]
    .assert_eq(&outcome.stdout);
}

#[test]
fn rows_flow_through_connected_streams_and_windows_close_at_the_end() {
    let outcome = repl(
        "CREATE STREAM s (k STRING, v BIGINT);
         CREATE STREAM doubled AS SELECT k, v * 2 AS v FROM s;
         SELECT sum(v) AS total FROM doubled WINDOW LENGTHBATCH(2);
         INSERT INTO s VALUES ('a', 1);
         INSERT INTO s VALUES ('b', 2);
         INSERT INTO s VALUES ('c', 3);
         \\stop",
    )
    .expect_code(0);
    assert!(outcome.stdout.starts_with("{\"_stream\":\"query_1\",\"total\":6}\n"), "{}", outcome.stdout);
}

#[test]
fn a_query_over_a_file_runs_to_its_end() {
    let app = App::new("").file("in.csv", ROWS.as_bytes());
    let input = format!("{SOURCE} SELECT k FROM s WHERE v > 2;\nSELECT v FROM s WHERE k = 'a';");
    let outcome = ceptra(&app.path(""), &["repl", "--output", "csv"], input.as_bytes()).expect_code(0);
    assert_eq!(outcome.stdout, "k\na\nc\nv\n1\n3\n");
    outcome.says(&["done in", "4 rows in"]);
}

#[test]
fn a_wrong_statement_is_explained_and_changes_nothing() {
    let outcome = repl(
        "CREATE STREAM s (v BIGINT);
         SELECT w FROM s;
         CREATE STREAM s (v BIGINT);
         SELEKT 1;
         \\dance
         SELECT v FROM s;
         INSERT INTO s VALUES (7);",
    )
    .expect_code(2)
    .says(&["w", "already", "\\help"]);
    assert_eq!(outcome.stdout, "{\"_stream\":\"query_1\",\"v\":7}\n");
}

#[test]
fn objects_can_be_listed_described_explained_and_dropped() {
    let outcome = repl(
        "CREATE STREAM s (k STRING, v BIGINT);
         CREATE VIEW big AS SELECT k FROM s WHERE v > 9;
         SHOW STREAMS; SHOW VIEWS;
         \\d
         DESCRIBE s; \n\\d big
         DROP VIEW big; SHOW VIEWS;",
    )
    .expect_code(0);
    expect![[r#"
        {"name":"s","role":"internal","rows":"append","columns":"k STRING, v BIGINT","options":""}
        {"name":"big","columns":"k STRING"}
        {"name":"s","kind":"stream"}
        {"name":"big","kind":"view"}
        {"column":"k","type":"STRING","null":"NULL","note":""}
        {"column":"v","type":"BIGINT","null":"NULL","note":""}
        {"column":"k","type":"STRING","null":"NULL","note":""}
    "#]]
    .assert_eq(&outcome.stdout);
    let explained = repl("CREATE STREAM s (v BIGINT); EXPLAIN SELECT v FROM s WHERE v > 3;").expect_code(0);
    assert!(explained.stdout.contains('s') && explained.stdout.contains('3'), "{}", explained.stdout);
}

#[test]
fn functions_and_windows_are_listed() {
    let outcome = repl("SHOW FUNCTIONS; SHOW WINDOWS;").expect_code(0);
    for name in ["\"name\":\"abs\"", "\"name\":\"TUMBLING\"", "\"kind\":\"aggregate\""] {
        assert!(outcome.stdout.contains(name), "no {name}");
    }
}

#[test]
fn an_app_gives_its_declarations_or_runs_apart() {
    let app = App::new(&format!("{SOURCE}CREATE VIEW big AS SELECT k FROM s WHERE v > 2; SELECT k FROM s;"))
        .file("in.csv", ROWS.as_bytes());
    let dir = app.path("");
    let outcome = ceptra(&dir, &["repl", "app.sql", "--output", "csv"], b"SELECT k FROM big;").expect_code(0);
    assert_eq!(outcome.stdout, "k\na\nc\n");
    let outcome =
        ceptra(&dir, &["repl", "--output", "csv"], b"\\run app.sql\n\\q\nSELECT nothing;").expect_code(0);
    assert_eq!(outcome.stdout, "k\na\nb\na\nc\n");
}

#[test]
fn help_is_data() {
    for help in ["\\help", "help", " HELP ;"] {
        assert!(repl(help).expect_code(0).stdout.contains("INSERT INTO s VALUES"), "{help}");
    }
}

#[test]
fn words_that_leave_need_no_backslash() {
    for word in ["quit", "exit;", "Quit"] {
        let outcome = repl(&format!("{word}\nSELECT 1 AS a;")).expect_code(0);
        assert_eq!(outcome.stdout, "", "{word}");
    }
    // Within a statement they are words like others.
    let outcome = repl("SELECT 1 AS\nquit\n;").expect_code(0);
    assert_eq!(outcome.stdout, "{\"quit\":1}\n");
}
