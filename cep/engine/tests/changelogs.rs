//! GROUP BY and DISTINCT without a window, and output rates over what they replace: the changelog is
//! one that a reader can follow (R-SQL-3a).

mod harness;

use harness::{Outcome, Step, play_all_ways, refusal, row, stream};

fn run(query: &str, with: &str, rows: harness::Rows) -> Outcome {
    let script = format!("{}{query};", stream("s", with));
    play_all_ways(&script, &[Step::Rows("s", rows)])
}

#[test]
fn groups_that_a_ttl_forgets_do_not_disturb_the_rows_before() {
    let rows = vec![row(0, "a", 0.0, 0), row(9, "b", 0.0, 0), row(11, "x", 0.0, 0), row(12, "b", 0.0, 0)];
    let out = run("SELECT k, count(*) AS c FROM s GROUP BY k", "\"state.ttl\" = '10 seconds'", rows);
    assert_eq!(out.rows(), ["+I a | 1", "+I b | 1", "+I x | 1", "+U b | 2"]);
}

#[test]
fn a_group_that_expires_between_two_sweeps_begins_anew() {
    // Sweeps are at 10 and 20; `a` is 11 seconds old at 20 − 1.
    let rows = vec![row(0, "b", 0.0, 0), row(8, "a", 0.0, 0), row(10, "b", 0.0, 0), row(19, "a", 0.0, 0)];
    let out = run("SELECT k, count(*) AS c FROM s GROUP BY k", "\"state.ttl\" = '10 seconds'", rows);
    assert_eq!(out.rows(), ["+I b | 1", "+I a | 1", "+U b | 2", "+I a | 1"]);
}

#[test]
fn having_sees_the_stamp_as_now() {
    let rows = vec![row(20, "a", 0.0, 0), row(5, "b", 0.0, 0)];
    let having = "SELECT k, count(*) AS c FROM s GROUP BY k HAVING now() >= TIMESTAMP '1970-01-01 00:00:15'";
    assert_eq!(run(having, "", rows).rows(), ["+I a | 1", "+I b | 1"]);
}

#[test]
fn a_group_is_deleted_with_the_row_it_was_shown_with() {
    let rows = (0..4).map(|t| row(t, "a", 0.0, t)).collect();
    let out = run("SELECT k, count(*) AS c FROM s GROUP BY k HAVING count(*) BETWEEN 2 AND 3", "", rows);
    assert_eq!(out.rows(), ["+I a | 2", "+U a | 3", "-D a | 3"]);
}

#[test]
fn a_having_that_fails_changes_nothing_in_the_output() {
    let rows = vec![row(0, "a", 0.0, 1), row(1, "a", 0.0, -1), row(2, "a", 0.0, 4)];
    let out = run("SELECT k, sum(n) AS t FROM s GROUP BY k HAVING 10 / sum(n) > 0", "", rows);
    assert_eq!(out.rows(), ["+I a | 1", "+U a | 4"]);
    assert_eq!(out.errors.len(), 1, "{:?}", out.errors);
    assert!(out.errors[0].starts_with("1 E1001 "), "{:?}", out.errors);
}

#[test]
fn last_of_a_period_inserts_what_was_never_shown_and_deletes_only_what_was() {
    let query = "SELECT k, count(*) AS c FROM s GROUP BY k HAVING count(*) <> 3 OUTPUT LAST EVERY 3 EVENTS";
    let keys = ["a", "a", "b", "a", "b", "b", "a", "a", "b"];
    let rows = keys.iter().enumerate().map(|(t, k)| row(t as i64, k, 0.0, 0)).collect();
    // a: +I 1, +U 2; b: +I 1 · a: -D; b: +U 2, -D · a: +I 4, +U 5; b: +I 4
    assert_eq!(
        run(query, "", rows).rows(),
        ["+I a | 2", "+I b | 1", "-D a | 2", "-D b | 2", "+I a | 5", "+I b | 4"]
    );
}

#[test]
fn a_key_that_came_and_went_within_a_period_is_not_mentioned() {
    let query = "SELECT k, count(*) AS c FROM s GROUP BY k HAVING count(*) = 1 OUTPUT LAST EVERY 3 EVENTS";
    let rows = ["a", "a", "b"].iter().enumerate().map(|(t, k)| row(t as i64, k, 0.0, 0)).collect();
    assert_eq!(run(query, "", rows).rows(), ["+I b | 1"]);
}

#[test]
fn a_rate_over_upserts_goes_by_their_key_through_views() {
    let query = "SELECT c, k FROM (SELECT k, count(*) AS c FROM s GROUP BY k) OUTPUT LAST EVERY 3 EVENTS";
    let rows = ["a", "b", "a"].iter().enumerate().map(|(t, k)| row(t as i64, k, 0.0, 0)).collect();
    assert_eq!(run(query, "", rows).rows(), ["+I 2 | a", "+I 1 | b"]);
}

#[test]
fn a_rate_over_upserts_of_unknown_key_is_refused() {
    let script = format!(
        "{}CREATE STREAM c AS SELECT k, count(*) AS n FROM s GROUP BY k; SELECT n FROM c OUTPUT LAST EVERY 3 EVENTS;",
        stream("s", "")
    );
    let found = refusal(&script);
    assert!(found.contains("E0701"), "{found}");
}

#[test]
fn nested_keys_that_print_alike_are_different() {
    let rows = || vec![row(0, "a, b", 0.0, 1), row(1, "a", 0.0, 2), row(2, "a", 0.0, 2)];
    let list = "CASE WHEN n = 1 THEN [k] ELSE [k, 'b'] END";
    let grouped = format!("SELECT {list} AS l, count(*) AS c FROM s GROUP BY {list}");
    assert_eq!(run(&grouped, "", rows()).rows(), ["+I [a, b] | 1", "+I [a, b] | 1", "+U [a, b] | 2"]);
    let distinct = format!("SELECT DISTINCT {list} AS l FROM s");
    assert_eq!(run(&distinct, "", rows()).rows(), ["[a, b]", "[a, b]"]);
    let partitions = format!("SELECT n, count(*) OVER (PARTITION BY {list}) AS c FROM s");
    assert_eq!(run(&partitions, "", rows()).rows(), ["1 | 1", "2 | 1", "2 | 2"]);
    let sessions = format!(
        "SELECT count(*) AS c FROM (SELECT ts, n, {list} AS l FROM s) WINDOW SESSION (GAP 10 SECONDS, KEY l)"
    );
    assert_eq!(run(&sessions, "", rows()).rows(), ["1", "2"]);
}
