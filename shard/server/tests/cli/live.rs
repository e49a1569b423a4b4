//! Standard input as it comes, signals, a reader that goes away.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::Child;
use std::sync::mpsc;
use std::time::Duration;

use crate::harness::{App, ROWS, SOURCE};

const STDIN: &str = "CREATE STREAM s (v BIGINT) WITH (type = 'source', extension = 'stdin', format = 'csv', \"csv.has-header\" = false);\n";

/// Lines of a pipe as they come.
fn lines(pipe: impl Read + Send + 'static) -> mpsc::Receiver<String> {
    let (send, receive) = mpsc::channel();
    std::thread::Builder::new()
        .spawn(move || {
            for line in BufReader::new(pipe).lines() {
                if send.send(line.unwrap()).is_err() {
                    return;
                }
            }
        })
        .unwrap();
    receive
}

fn signal(child: &Child, name: &str) {
    let status =
        std::process::Command::new("kill").args(["-s", name, &child.id().to_string()]).status().unwrap();
    assert!(status.success());
}

const PATIENCE: Duration = Duration::from_secs(20);

#[test]
fn every_line_of_standard_input_shows_its_result_at_once() {
    let app = App::new(&format!("{STDIN}SELECT v * 2 AS w FROM s WHERE v > 0;"));
    let mut child = app.start(&["--output", "json"]);
    let mut stdin = child.stdin.take().unwrap();
    let stdout = lines(child.stdout.take().unwrap());
    for v in [1, 2, 3] {
        writeln!(stdin, "{v}").unwrap();
        assert_eq!(stdout.recv_timeout(PATIENCE).unwrap(), format!("{{\"w\":{}}}", v * 2));
    }
    drop(stdin);
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn standard_input_to_its_end_is_a_complete_run() {
    let app = App::new(&format!("{STDIN}SELECT v FROM s;"));
    let input: String = (0..20_000).map(|v| format!("{v}\n")).collect();
    let outcome =
        app.run_with(&["--output", "csv"], input.as_bytes()).expect_code(0).says(&["20,000 rows in"]);
    assert_eq!(outcome.stdout.lines().count(), 20_001);
}

fn interrupted(name: &str, code: i32) {
    let app = App::new(&format!("{STDIN}SELECT v FROM s;"));
    let mut child = app.start(&["--output", "csv"]);
    let mut stdin = child.stdin.take().unwrap();
    let stdout = lines(child.stdout.take().unwrap());
    writeln!(stdin, "7").unwrap();
    assert_eq!(stdout.recv_timeout(PATIENCE).unwrap(), "v");
    assert_eq!(stdout.recv_timeout(PATIENCE).unwrap(), "7");
    // The pipe stays open: only the signal ends the run.
    signal(&child, name);
    assert_eq!(child.wait().unwrap().code(), Some(code));
    let mut said = String::new();
    child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    assert!(said.contains("interrupted") && said.contains("1 row in"), "{said}");
}

#[test]
fn sigint_finishes_with_a_summary_and_130() {
    interrupted("INT", 130);
}

#[test]
fn sigterm_finishes_with_a_summary_and_143() {
    interrupted("TERM", 143);
}

#[test]
fn a_signal_lets_out_what_a_rate_limit_holds_back() {
    // The sink takes one row a minute: finishing must not take as long.
    let app = App::new(&format!(
        "{STDIN}CREATE STREAM o (v BIGINT) WITH (type = 'sink', extension = 'stdout', \"rate.limit\" = '1/min');
         INSERT INTO o SELECT v FROM s;"
    ));
    let mut child = app.start(&["--output", "json"]);
    let mut stdin = child.stdin.take().unwrap();
    let stdout = lines(child.stdout.take().unwrap());
    writeln!(stdin, "1\n2\n3").unwrap();
    assert_eq!(stdout.recv_timeout(PATIENCE).unwrap(), "{\"v\":1}");
    signal(&child, "INT");
    // What was emitted goes out although the rate would hold it back.
    assert_eq!(stdout.recv_timeout(PATIENCE).unwrap(), "{\"v\":2}");
    assert_eq!(stdout.recv_timeout(PATIENCE).unwrap(), "{\"v\":3}");
    assert_eq!(child.wait().unwrap().code(), Some(130));
}

#[test]
fn an_endless_source_stops_quietly_when_nobody_reads() {
    let app = App::new("CREATE STREAM g (id BIGINT) WITH (extension = 'generator'); SELECT id FROM g;");
    let mut child = app.start(&["--output", "csv"]);
    let stdout = child.stdout.take().unwrap();
    let mut first = String::new();
    BufReader::new(stdout).read_line(&mut first).unwrap();
    assert_eq!(first, "id\n");
    assert_eq!(child.wait().unwrap().code(), Some(0));
    let mut said = String::new();
    child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    assert!(!said.contains("panic") && !said.contains("error:"), "{said}");
}

#[test]
fn a_timer_ticks_until_the_limit() {
    let app = App::new(
        "CREATE STREAM t (at TIMESTAMP, n BIGINT) WITH (extension = 'timer', \"timer.interval\" = '20ms'); SELECT n FROM t;",
    );
    let outcome = app.run(&["--output", "csv", "--limit", "3"]).expect_code(0);
    assert_eq!(outcome.stdout, "n\n0\n1\n2\n");
}

#[test]
fn the_file_of_a_mixed_app_does_not_wait_for_standard_input() {
    let app = App::new(&format!(
        "{}{}SELECT k FROM s UNION ALL SELECT k FROM i;",
        SOURCE, "CREATE STREAM i (k STRING) WITH (type = 'source', extension = 'stdin', format = 'json');\n"
    ))
    .file("in.csv", ROWS.as_bytes());
    let mut child = app.start(&["--output", "csv"]);
    let mut stdin = child.stdin.take().unwrap();
    let stdout = lines(child.stdout.take().unwrap());
    for expected in ["k", "a", "b", "a", "c"] {
        assert_eq!(stdout.recv_timeout(PATIENCE).unwrap(), expected);
    }
    writeln!(stdin, "{{\"k\":\"z\"}}").unwrap();
    assert_eq!(stdout.recv_timeout(PATIENCE).unwrap(), "z");
    drop(stdin);
    assert_eq!(child.wait().unwrap().code(), Some(0));
}
