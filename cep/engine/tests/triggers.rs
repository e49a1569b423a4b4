//! Triggers fire by the log's stamps; tables that begin with a file, and those that follow corrections.
#![allow(missing_docs)]

mod harness;

use harness::{SECOND, Step, play_all_ways, row};

const S: &str = "CREATE STREAM s (ts TIMESTAMP, k STRING, v DOUBLE, n BIGINT) WITH (\"event.time\" = 'ts', clock = 'event'); ";

#[test]
fn triggers_fire_when_their_stamp_comes_and_before_its_row() {
    let script = format!(
        "{S}CREATE TRIGGER a AT START; CREATE TRIGGER e AT EVERY 10 SECONDS; CREATE TRIGGER c CRON '30 * * * * *'; \
         CREATE TABLE t (k STRING PRIMARY KEY, n BIGINT); \
         SELECT 'a' AS q, to_unixtime(triggered_time) AS at FROM a; SELECT 'c' AS q, to_unixtime(triggered_time) AS at FROM c; \
         SELECT 'e' AS q, to_unixtime(triggered_time) AS at, t.k, t.n FROM e LEFT JOIN t ON TRUE; \
         UPSERT INTO t SELECT k, n FROM s; SELECT 's' AS q, n FROM s;"
    );
    let out = play_all_ways(
        &script,
        &[
            Step::Rows("s", vec![row(103, "x", 1.0, 1), row(109, "x", 1.0, 2), row(110, "y", 1.0, 3)]),
            Step::Tick(131 * SECOND),
        ],
    );
    let wanted = [
        "a | 103",
        "s | 1",
        "s | 2",
        "e | 110 | x | 2",
        "s | 3",
        "c | 150 | never",
        "e | 120 | x | 2",
        "e | 120 | y | 3",
        "e | 130 | x | 2",
        "e | 130 | y | 3",
    ];
    let wanted: Vec<&str> = wanted.into_iter().filter(|line| !line.ends_with("never")).collect();
    assert_eq!(out.rows(), wanted);
}

#[test]
fn a_long_silence_gives_every_row_that_was_due() {
    let script = format!(
        "{S}CREATE TRIGGER e EVERY 1 SECOND; SELECT count(*) AS c FROM e WINDOW LENGTHBATCH (1000); SELECT n FROM s;"
    );
    let out = play_all_ways(
        &script,
        &[Step::Rows("s", vec![row(0, "x", 1.0, 1), row(5_500, "x", 1.0, 2)]), Step::Tick(8_000 * SECOND)],
    );
    assert_eq!(out.rows(), ["1", "1000", "1000", "1000", "1000", "1000", "2", "1000", "1000", "1000"]);
}

#[test]
fn a_table_begins_with_the_rows_of_its_file_and_no_time_passes() {
    let script = format!(
        "{S}CREATE TABLE t (ts TIMESTAMP, k STRING PRIMARY KEY, v DOUBLE, n BIGINT) \
         WITH (type = 'source', extension = 'file', \"file.path\" = 'none.csv', \"state.ttl\" = '10 seconds'); \
         SELECT s.k, t.n, now() = s.ts AS on_time FROM s LEFT JOIN t ON s.k = t.k; SELECT count(*) AS c FROM s WINDOW TIMEBATCH (5 SECONDS);"
    );
    let out = play_all_ways(
        &script,
        &[
            Step::Rows("t", vec![row(900, "a", 1.0, 1), row(901, "b", 1.0, 2), row(902, "a", 1.0, 3)]),
            Step::End("t"),
            Step::Rows(
                "s",
                vec![
                    row(100, "a", 1.0, 0),
                    row(102, "b", 1.0, 0),
                    row(110, "b", 1.0, 0),
                    row(111, "b", 1.0, 0),
                ],
            ),
        ],
    );
    // The second `a` is a conflict; the rows are as old as the first stamp.
    assert_eq!(out.errors.len(), 1, "{:?}", out.errors);
    assert!(out.errors[0].contains("E1020"), "{:?}", out.errors);
    let joined: Vec<&str> = out.rows().into_iter().filter(|row| row.contains('|')).collect();
    assert_eq!(joined, ["a | 1 | true", "b | 2 | true", "b | 2 | true", "b | ∅ | true"]);
}

#[test]
fn a_row_that_is_taken_back_leaves_the_table() {
    let script = format!(
        "{S}CREATE TABLE g (k STRING PRIMARY KEY, c BIGINT); \
         UPSERT INTO g SELECT k, count(*) FROM s GROUP BY k HAVING count(*) % 3 <> 0; \
         SELECT s.k, g.c FROM s LEFT JOIN g ON s.k = g.k;"
    );
    let rows = (0..5).map(|at| row(at, "a", 1.0, at)).collect();
    let out = play_all_ways(&script, &[Step::Rows("s", rows)]);
    assert_eq!(out.rows(), ["a | 1", "a | 2", "a | ∅", "a | 4", "a | 5"]);
}
