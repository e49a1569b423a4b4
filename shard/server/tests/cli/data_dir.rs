//! `ceptra run --data-dir`: what comes out is what comes out without it, whatever happens in between.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::apps::{apps, apps_dir};
use crate::harness::{App, CEPTRA, ROWS, SOURCE, ceptra, gzip};

/// Rows of a generator on their way to a file, with a window and without, and bad records.
const SPREAD: &str = "CREATE STREAM g (n BIGINT, at TIMESTAMP, v DOUBLE, k STRING) WITH (
    type = 'source', extension = 'generator', \"generator.rows\" = '400000', \"generator.seed\" = '7',
    \"generator.n.kind\" = 'sequence', \"generator.at.step\" = '1 millisecond', \"generator.v.kind\" = 'uniform',
    \"generator.k.values\" = 'a,b,c', \"event.time\" = 'at');
CREATE STREAM sums (k STRING, n BIGINT, v DOUBLE, window_end TIMESTAMP)
    WITH (type = 'sink', extension = 'file', format = 'json', \"file.path\" = 'sums.jsonl');
CREATE STREAM high (n BIGINT, v DOUBLE)
    WITH (type = 'sink', extension = 'file', format = 'csv', \"file.path\" = 'high.csv');
INSERT INTO sums SELECT k, count(*), sum(v), window_end FROM g WINDOW TUMBLING (SIZE 1 SECOND)
    GROUP BY k, window_start, window_end;
INSERT INTO high SELECT n, v FROM g WHERE v > 0.5;";

#[test]
fn every_app_prints_the_same_with_a_log() {
    for app in apps() {
        let dir = apps_dir().join(&app);
        let data = tempfile::TempDir::new().unwrap();
        let data = data.path().to_str().unwrap();
        let args = ["run", "app.sql", "--output", "json", "--data-dir", data];
        let plain = ceptra(&dir, &args[..4], b"").expect_code(0);
        let durable = ceptra(&dir, &args, b"").expect_code(0);
        assert!(durable.stdout == plain.stdout, "{app}: {}", durable.stderr);
        let counted = |text: &str| {
            let of_interest =
                |line: &&str| line.trim_start().starts_with("in ") || line.trim_start().starts_with("out ");
            text.lines().filter(of_interest).map(str::to_owned).collect::<Vec<_>>()
        };
        assert_eq!(counted(&durable.stderr), counted(&plain.stderr), "{app}");
        // All is done: the same command has nothing to add.
        let again = ceptra(&dir, &args, b"").expect_code(0);
        assert_eq!(again.stdout, "", "{app}");
    }
}

/// Runs an app with a log, killing it so many times amid its work; how many kills met it running.
fn run_with_kills(app: &App, kills: u32) -> u32 {
    let mut met = 0;
    for kill in 0..kills {
        let mut child = app.start(&["--data-dir", "data"]);
        std::thread::sleep(Duration::from_millis(120 + 97 * u64::from(kill % 5)));
        let running = child.try_wait().unwrap().is_none();
        met += u32::from(running);
        child.kill().unwrap();
        child.wait().unwrap();
        if !running {
            break;
        }
    }
    app.run(&["--data-dir", "data"]).expect_code(0);
    met
}

#[test]
fn files_of_sinks_are_the_same_after_kills() {
    let plain = App::new(SPREAD);
    plain.run(&[]).expect_code(0);
    let killed = App::new(SPREAD);
    let met = run_with_kills(&killed, 6);
    assert!(met >= 3, "only {met} kills met the app running");
    for file in ["sums.jsonl", "high.csv"] {
        let (wanted, found) = (plain.read(file), killed.read(file));
        assert!(wanted.lines().count() > 500);
        let differs = wanted.lines().zip(found.lines()).position(|(wanted, found)| wanted != found);
        assert_eq!((differs, found.lines().count()), (None, wanted.lines().count()), "{file}");
    }
}

#[test]
fn a_packed_file_is_whole_after_kills() {
    let sql = SPREAD.replace("high.csv", "high.csv.gz");
    let plain = App::new(SPREAD);
    plain.run(&[]).expect_code(0);
    let killed = App::new(&sql);
    run_with_kills(&killed, 4);
    let mut found = String::new();
    let file = std::fs::File::open(killed.path("high.csv.gz")).unwrap();
    flate2::read::MultiGzDecoder::new(file).read_to_string(&mut found).unwrap();
    assert!(found == plain.read("high.csv"), "{} bytes", found.len());
}

#[test]
fn another_app_begins_anew_and_says_so() {
    let app = App::new(&format!("{SOURCE}SELECT k, v FROM s;")).file("in.csv", ROWS.as_bytes());
    let first = app.run(&["--data-dir", "data", "--output", "json"]).expect_code(0);
    assert_eq!(first.stdout.lines().count(), 4);
    let app = app.file("app.sql", format!("{SOURCE}SELECT v FROM s WHERE v > 2;").as_bytes());
    let second = app.run(&["--data-dir", "data", "--output", "json"]).expect_code(0);
    assert_eq!(second.stdout, "{\"v\":3}\n{\"v\":4}\n");
    second.says(&["begins anew as version 2"]);
}

#[test]
fn bad_records_fare_as_without_a_log() {
    let sql = "CREATE STREAM bad (reason STRING, line BIGINT);
        CREATE STREAM s (ts TIMESTAMP, k STRING, v BIGINT) WITH (type = 'source', extension = 'file',
            \"file.path\" = 'in.csv.gz', \"event.time\" = 'ts', \"error.strategy\" = 'dlq', \"error.dlq.stream\" = 'bad');
        SELECT k, v FROM s; SELECT reason, line FROM bad;";
    let rows = format!("{ROWS}2024-05-01 00:00:04,x,?\n2024-05-01 00:00:05,d,5\n");
    let app = App::new(sql).file("in.csv.gz", &gzip(rows.as_bytes()));
    let plain = app.run(&["--output", "json"]).expect_code(0);
    let durable = app.run(&["--output", "json", "--data-dir", "data"]).expect_code(0);
    assert_eq!(durable.stdout, plain.stdout);
    assert!(plain.stdout.contains("is not BIGINT"), "{}", plain.stdout);
    let sql = sql.replace("'dlq', \"error.dlq.stream\" = 'bad'", "'fail'");
    let app = app.file("app.sql", sql.as_bytes());
    let plain = app.run(&["--output", "json"]).expect_code(1);
    let durable = app.run(&["--output", "json", "--data-dir", "other"]).expect_code(1);
    assert_eq!(durable.stdout, plain.stdout);
    durable.says(&["is not BIGINT", "mend the record"]);
}

#[test]
fn what_cannot_be_gone_on_with_is_refused() {
    let stdin =
        SOURCE.replace("extension = 'file', \"file.path\" = 'in.csv'", "extension = 'stdin', format = 'csv'");
    let app = App::new(&format!("{stdin}SELECT k FROM s;"));
    app.run(&["--data-dir", "data"]).expect_code(2).says(&["standard input", "read a file"]);
    let app =
        App::new(&format!("{SOURCE}SELECT '${{HOME}}' AS home FROM s;")).file("in.csv", ROWS.as_bytes());
    app.run(&["--data-dir", "data"]).expect_code(2).says(&["variables", "write their values"]);
    let app = App::new(&format!("{SOURCE}SELECT k FROM s;")).file("in.csv", ROWS.as_bytes());
    std::fs::create_dir(app.path("data")).unwrap();
    let lock = std::fs::File::create(app.path("data/LOCK")).unwrap();
    lock.lock().unwrap();
    app.run(&["--data-dir", "data"]).expect_code(1).says(&["in use by another process"]);
}

#[test]
fn a_source_that_lost_rows_is_not_gone_on_with() {
    let slow = SOURCE.replace("\"event.time\" = 'ts'", "\"event.time\" = 'ts', \"rate.limit\" = '2/s'");
    let app = App::new(&format!("{slow}SELECT v FROM s;")).file("in.csv", ROWS.as_bytes());
    let mut child = app.start(&["--data-dir", "data", "--output", "json"]);
    let mut line = String::new();
    let mut out = BufReader::new(child.stdout.take().unwrap());
    for _ in 0..3 {
        assert!(out.read_line(&mut line).unwrap() > 0, "{line}");
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let app = app.file("in.csv", b"ts,k,v\n2024-05-01 00:00:00,a,1\n");
    app.run(&["--data-dir", "data"])
        .expect_code(1)
        .says(&["rows before the place where it was left", "put back"]);
    let app = app.file("in.csv", ROWS.as_bytes());
    let rest = app.run(&["--data-dir", "data", "--output", "json"]).expect_code(0);
    assert!(rest.stdout.ends_with("{\"v\":4}\n"), "{}", rest.stdout);
}

/// A node in a folder, and the address of its admin HTTP.
fn serve(dir: &Path) -> (Child, String) {
    let mut child = Command::new(CEPTRA)
        .args(["serve", "--data-dir", "data", "--partitions", "4"])
        .args(["--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--segment-bytes", "33554432"])
        .current_dir(dir)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let admin = lines.find_map(|line| Some(line.unwrap().split_once("admin http://")?.1.to_owned())).unwrap();
    // Read on, so that the node is never held up by a full pipe.
    std::thread::Builder::new().spawn(move || lines.for_each(drop)).unwrap();
    (child, admin)
}

fn post(admin: &str, path: &str, body: &str) -> String {
    let mut stream = TcpStream::connect(admin).unwrap();
    let length = body.len();
    let head = format!("POST {path} HTTP/1.1\r\nhost: {admin}\r\ncontent-type: application/json\r\n");
    let request = format!("{head}content-length: {length}\r\nconnection: close\r\n\r\n{body}");
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn a_node_hands_over_each_row_once_from_all_partitions() {
    let sql = SPREAD
        .replace("'a,b,c'", "'a,b,c,d,e,f,g,h'")
        .replace("\"event.time\" = 'at'", "\"event.time\" = 'at', \"partition.by\" = 'k'");
    let plain = App::new(&sql);
    plain.run(&[]).expect_code(0);
    let node = App::new(&sql);
    let dir = node.path("");
    let (mut child, admin) = serve(&dir);
    let body = serde_json::json!({"name": "app", "text": sql}).to_string();
    let deployed = post(&admin, "/v1/definitions", &body);
    assert!(deployed.starts_with("HTTP/1.1 200"), "{deployed}");
    let sorted = |app: &App, file: &str| {
        let text = std::fs::read_to_string(app.path(file)).unwrap_or_default();
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        lines.sort();
        lines
    };
    let wanted = [sorted(&plain, "sums.jsonl"), sorted(&plain, "high.csv")];
    for kill in 0..4 {
        std::thread::sleep(Duration::from_millis(150 + 130 * kill));
        child.kill().unwrap();
        child.wait().unwrap();
        (child, _) = serve(&dir);
    }
    let begun = Instant::now();
    let mut found = Default::default();
    while begun.elapsed() < Duration::from_secs(60) {
        found = [sorted(&node, "sums.jsonl"), sorted(&node, "high.csv")];
        if found == wanted {
            break;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let counts = |lines: &[Vec<String>; 2]| [lines[0].len(), lines[1].len()];
    assert!(found == wanted, "{:?} rows of {:?}", counts(&found), counts(&wanted));
}
