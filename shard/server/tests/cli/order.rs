//! The order of several inputs, constants, playback.

use std::time::{Duration, Instant};

use crate::harness::{App, ROWS, SOURCE};

fn second(name: &str) -> String {
    SOURCE.replace("STREAM s ", &format!("STREAM {name} ")).replace("in.csv", &format!("{name}.csv"))
}

#[test]
fn files_meet_by_event_time_then_declaration_order_then_row() {
    let sql = format!(
        "{SOURCE}{}CREATE STREAM all_rows AS SELECT k, v FROM s UNION ALL SELECT k, v FROM t;
         SELECT k, v FROM all_rows;",
        second("t")
    );
    // `t` is not in order: its own order is kept, heads are compared.
    let t = "ts,k,v\n2024-05-01 00:00:01,t,1\n2024-05-01 00:00:00,t,2\n2024-05-01 00:00:02.5,t,3\n2024-05-01 00:00:09,t,4\n";
    let app = App::new(&sql).file("in.csv", ROWS.as_bytes()).file("t.csv", t.as_bytes());
    let outcome = app.run(&["--output", "csv"]).expect_code(0);
    assert_eq!(outcome.stdout, "k,v\na,1\nb,2\nt,1\nt,2\na,3\nt,3\nc,4\nt,4\n");
}

#[test]
fn constants_come_before_the_first_row() {
    let sql = format!(
        "CREATE STREAM all_rows (k STRING, v BIGINT);
         {SOURCE}CREATE STREAM c (k STRING, v BIGINT); INSERT INTO c VALUES ('x', 7), ('y', NULL);
         SELECT k, v FROM c UNION ALL SELECT k, v FROM s;"
    );
    let app = App::new(&sql).file("in.csv", ROWS.as_bytes());
    let outcome = app.run(&["--output", "csv"]).expect_code(0);
    assert!(outcome.stdout.starts_with("k,v\nx,7\ny,\na,1\n"), "{}", outcome.stdout);
}

#[test]
fn a_stream_takes_constants_and_the_rows_of_queries() {
    let sql = format!(
        "{SOURCE}CREATE STREAM m (k STRING, v BIGINT); INSERT INTO m VALUES ('x', 7);
         INSERT INTO m SELECT k, v FROM s; SELECT k, v FROM m;"
    );
    let outcome = App::new(&sql).file("in.csv", ROWS.as_bytes()).run(&["--output", "csv"]).expect_code(0);
    assert_eq!(outcome.stdout, "k,v\nx,7\na,1\nb,2\na,3\nc,4\n");
}

#[test]
fn constants_alone_make_an_app() {
    let app =
        App::new("CREATE STREAM c (v BIGINT); INSERT INTO c VALUES (1), (2); SELECT v + 1 AS w FROM c;");
    assert_eq!(app.run(&["--output", "csv"]).expect_code(0).stdout, "w\n2\n3\n");
}

#[test]
fn a_generator_makes_the_same_rows_every_time() {
    let sql = "CREATE STREAM g (id BIGINT, x DOUBLE, host STRING) WITH (extension = 'generator', \
        \"generator.rows\" = 1000, \"generator.seed\" = 3, \"generator.x.kind\" = 'normal'); \
        SELECT id, x, host FROM g WHERE id % 250 = 0;";
    let first = App::new(sql).run(&["--output", "json"]).expect_code(0).stdout;
    assert_eq!(first.lines().count(), 4);
    assert_eq!(App::new(sql).run(&["--output", "json"]).expect_code(0).stdout, first);
}

#[test]
fn playback_takes_the_time_the_events_took() {
    let app = App::new(&format!("{SOURCE}SELECT k FROM s;")).file("in.csv", ROWS.as_bytes());
    let start = Instant::now();
    let outcome = app.run(&["--output", "csv", "--playback", "10x"]).expect_code(0);
    let elapsed = start.elapsed();
    assert_eq!(outcome.stdout, "k\na\nb\na\nc\n");
    assert!(elapsed >= Duration::from_millis(300), "three seconds at ten times took {elapsed:?}");
    assert!(elapsed < Duration::from_secs(3), "{elapsed:?}");
}

#[test]
fn a_rate_limit_holds_a_source_back() {
    let sql = SOURCE.replace("WITH (", "WITH (\"rate.limit\" = '10/s', ");
    let app = App::new(&format!("{sql}SELECT k FROM s;")).file("in.csv", ROWS.as_bytes());
    let start = Instant::now();
    let outcome = app.run(&["--output", "csv"]).expect_code(0);
    assert_eq!(outcome.stdout, "k\na\nb\na\nc\n");
    assert!(start.elapsed() >= Duration::from_millis(300), "{:?}", start.elapsed());
}
