//! Watermarks, idleness and late rows (R-DET-1, R-LATE-1 to R-LATE-3).

mod harness;

use harness::{Rows, SECOND, Step, play_all_ways, refusal, row, stream};

const EXACT: &str = "\"watermark.lateness\" = '0 seconds'";

#[test]
fn a_union_waits_for_an_input_that_comes_after_the_end_of_another() {
    let script = format!(
        "{}{}SELECT count(*) AS c, sum(n) AS t FROM (SELECT n FROM a UNION ALL SELECT n FROM b) \
         WINDOW TUMBLING (SIZE 10 SECONDS);",
        stream("a", EXACT),
        stream("b", EXACT)
    );
    let first = || vec![row(0, "", 0.0, 1), row(30, "", 0.0, 2)];
    let second = || vec![row(86_400, "", 0.0, 4), row(86_405, "", 0.0, 5)];
    let steps = [Step::Rows("a", first()), Step::End("a"), Step::Rows("b", second())];
    let out = play_all_ways(&script, &steps);
    assert_eq!((out.rows(), out.late), (vec!["1 | 1", "1 | 2", "2 | 9"], 0));

    // Idle for longer than watermark.idle when the other ends.
    let idle = [
        Step::Rows("b", vec![row(0, "", 0.0, 7)]),
        Step::Rows("a", vec![row(1, "", 0.0, 1), row(100, "", 0.0, 2)]),
        Step::End("a"),
        Step::Rows("b", second()),
    ];
    let out = play_all_ways(&script, &idle);
    assert_eq!((out.rows(), out.late), (vec!["2 | 8", "1 | 2", "2 | 9"], 0));
}

#[test]
fn a_derived_stream_with_its_own_time_goes_by_rows_not_by_entries() {
    let script = format!(
        "{}{}CREATE STREAM g (et TIMESTAMP, p DOUBLE) WITH (\"event.time\" = 'et', {EXACT});\n\
         INSERT INTO g SELECT CASE WHEN n = 1 THEN ts - INTERVAL '95' SECOND ELSE ts END, v FROM s WHERE v > 0;\n\
         SELECT count(*) AS c, sum(p) AS t FROM g WINDOW TUMBLING (SIZE 10 SECONDS);",
        stream("s", EXACT),
        stream("u", EXACT)
    );
    // One row a second; the stream made of it has rows at 0, at 100 (of time 5) and at 101.
    let rows: Rows = (0..=101)
        .map(|t| {
            let v = match t {
                0 => 1.0,
                100 => 5.0,
                101 => 7.0,
                _ => 0.0,
            };
            row(t, "", v, i64::from(t == 100))
        })
        .collect();
    let whole = play_all_ways(&script, &[Step::Rows("s", rows.clone())]);
    // Silent from 0 on, idle from 30 on: at 99 its watermark is 69, and 5 is late.
    assert_eq!((whole.rows(), whole.late), (vec!["1 | 1.0", "1 | 7.0"], 1));

    let beside: Vec<Step> = rows
        .iter()
        .flat_map(|r| [Step::Rows("s", vec![r.clone()]), Step::Rows("u", vec![r.clone()])])
        .collect();
    let beside = play_all_ways(&script, &beside);
    assert_eq!((beside.rows(), beside.late), (whole.rows(), whole.late));
}

#[test]
fn rows_beyond_the_correction_horizon_are_late_while_their_pane_is_kept() {
    let with = format!("{EXACT}, \"late.policy\" = 'retract', \"correction.horizon\" = '10 seconds'");
    let script = format!(
        "{}SELECT count(*) AS c, sum(v) AS t FROM s WHERE v > 0 WINDOW TUMBLING (SIZE 10 SECONDS);",
        stream("s", &with)
    );
    let rows = vec![
        row(0, "", 1.0, 0),
        row(15, "", 0.0, 0),
        row(7, "", 3.0, 0),
        row(3_600, "", 0.0, 0),
        row(5, "", 7.0, 0),
    ];
    let out = play_all_ways(&script, &[Step::Rows("s", rows)]);
    assert_eq!((out.rows(), out.late), (vec!["+I 1 | 1.0", "-U 1 | 1.0", "+U 2 | 4.0"], 1));
}

#[test]
fn late_rows_of_over_go_to_the_late_stream() {
    let with = format!("{EXACT}, \"late.stream\" = 'late'");
    let script =
        format!("{}SELECT n, lag(n) OVER (ORDER BY ts) AS p FROM s; SELECT n FROM late;", stream("s", &with));
    let rows = vec![row(10, "", 0.0, 1), row(5, "", 0.0, 2), row(11, "", 0.0, 3)];
    let out = play_all_ways(&script, &[Step::Rows("s", rows)]);
    assert_eq!((out.rows(), out.late), (vec!["2", "1 | ∅", "3 | 1"], 1));
}

#[test]
fn over_that_could_not_copy_its_late_rows_is_refused() {
    let with = format!("{EXACT}, \"late.stream\" = 'late'");
    let over =
        |from: &str| format!("{}SELECT n, lag(n) OVER (ORDER BY ts) AS p FROM {from};", stream("s", &with));
    let found = refusal(&over("(SELECT ts, n + 1 AS n FROM s)"));
    assert!(found.contains("E0803"), "{found}");
    // Results of a window are the window's: what was late for it has been copied by it.
    let windowed = over("(SELECT window_end AS ts, count(*) AS n FROM s WINDOW TUMBLING (SIZE 10 SECONDS))");
    play_all_ways(&windowed, &[Step::Rows("s", vec![row(1, "", 0.0, 1)])]);
}

/// A stream that is stamped on arrival.
fn live(with: &str) -> String {
    format!(
        "CREATE STREAM s (ts TIMESTAMP, k STRING, v DOUBLE, n BIGINT) \
         WITH (\"event.time\" = 'ts', clock = 'ingest'{with});\n"
    )
}

#[test]
fn rows_far_ahead_of_the_clock_are_refused_and_rows_far_behind_are_late() {
    let script =
        format!("{}SELECT n FROM s; SELECT n AS late FROM behind;", live(", \"late.stream\" = 'behind'"));
    let rows =
        vec![row(3_600, "", 0.0, 1), row(3_606, "", 0.0, 2), row(1_799, "", 0.0, 3), row(1_800, "", 0.0, 4)];
    let out = play_all_ways(&script, &[Step::Stamped("s", 3_600 * SECOND, rows)]);
    assert_eq!(out.output, ["Query(QueryId(0))  1", "Query(QueryId(1))  3", "Query(QueryId(0))  4"]);
    assert_eq!((out.errors.len(), out.late), (1, 1), "{:?}", out.errors);
    assert!(out.errors[0].starts_with("1 E1007 "), "{:?}", out.errors);
}

#[test]
fn rows_far_behind_the_clock_correct_what_they_can() {
    let with = ", \"late.policy\" = 'retract', \"correction.horizon\" = '2 hours', \"watermark.lateness\" = '0 seconds'";
    let script = format!("{}SELECT count(*) AS c FROM s WINDOW TUMBLING (SIZE 10 SECONDS);", live(with));
    let steps = [
        Step::Stamped("s", 10 * SECOND, vec![row(3, "", 0.0, 1)]),
        Step::Stamped("s", 3_600 * SECOND, vec![row(3_599, "", 0.0, 1)]),
        Step::Stamped("s", 3_601 * SECOND, vec![row(4, "", 0.0, 1)]),
    ];
    let out = play_all_ways(&script, &steps);
    assert_eq!(out.rows(), ["+I 1", "-U 1", "+U 2", "+I 1"]);
}

#[test]
fn a_live_watermark_follows_the_clock_in_silence() {
    let script = format!(
        "{}SELECT count(*) AS c FROM s WINDOW TUMBLING (SIZE 10 SECONDS); SELECT n FROM s;",
        live(", \"watermark.lateness\" = '0 seconds', \"watermark.guard\" = '3 seconds'")
    );
    // The row of 11 says that 10 is past; the clock does three seconds later.
    let steps = [
        Step::Stamped("s", 10 * SECOND, vec![row(9, "", 0.0, 1), row(11, "", 0.0, 2)]),
        Step::Tick(13 * SECOND),
        Step::Stamped("s", 13 * SECOND, vec![row(12, "", 0.0, 3)]),
    ];
    let out = play_all_ways(&script, &steps);
    let lines: Vec<&str> = out.output.iter().map(|l| l.as_str()).collect();
    assert_eq!(
        lines,
        [
            "Query(QueryId(1))  1",
            "Query(QueryId(1))  2",
            "Query(QueryId(0))  1",
            "Query(QueryId(1))  3",
            "Query(QueryId(0))  2"
        ]
    );
}
