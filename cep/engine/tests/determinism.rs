//! R-DET-1: output and state do not depend on how rows are grouped into entries, nor on where a
//! checkpoint was taken and restored. One query a kind of operator; random rows, out of order.

mod harness;

use harness::{Feed, Rows, run};
use proptest::prelude::*;

/// Statements after the declaration of `s (ts TIMESTAMP, k STRING, v DOUBLE, n BIGINT)`.
const QUERIES: &[&str] = &[
    "SELECT k, v * 2 AS w, n FROM s WHERE v > 5 AND k <> 'k1'",
    "SELECT k, count(*) AS c, sum(v) AS t, avg(v) AS a, min(n) AS lo FROM s WINDOW TUMBLING (SIZE 10 SECONDS) GROUP BY k",
    "SELECT window_start, window_end, count(*) AS c, stddev(v) AS d FROM s WINDOW TUMBLING (SIZE 7 SECONDS, OFFSET 2 SECONDS)",
    "SELECT k, sum(n) AS t, first(v) AS f, last(v) AS l FROM s WINDOW HOP (SIZE 20 SECONDS, SLIDE 5 SECONDS) GROUP BY k HAVING sum(n) > 3",
    "SELECT k, max(v) AS m, window_end FROM s WINDOW CUMULATE (STEP 5 SECONDS, SIZE 20 SECONDS) GROUP BY k ORDER BY m DESC, k LIMIT 2",
    "SELECT k, count(*) AS c, window_start, window_end FROM s WINDOW SESSION (GAP 4 SECONDS, KEY k) GROUP BY k",
    "SELECT count(*) AS c, count(DISTINCT k) AS d FROM s WINDOW SESSION (GAP 3 SECONDS)",
    "SELECT k, v FROM s WINDOW TUMBLING (SIZE 10 SECONDS) ORDER BY v DESC LIMIT 3",
    "SELECT k, count(*) AS c FROM s WINDOW LENGTHBATCH (7) GROUP BY k",
    "SELECT k, sum(v) AS t FROM s WINDOW TIMEBATCH (5 SECONDS) GROUP BY k",
    "SELECT count(*) AS c, window_start FROM s WINDOW EXTERNALTIMEBATCH (ts, 6 SECONDS)",
    "SELECT k, count(*) AS c, sum(v) AS t FROM s GROUP BY k",
    "SELECT k, sum(v) AS t FROM s GROUP BY k HAVING sum(v) > 20",
    "SELECT DISTINCT k, n FROM s",
    "SELECT k, v, lag(v) OVER (PARTITION BY k) AS p FROM s",
    "SELECT k, v, lag(v, 2, 0.0) OVER (PARTITION BY k ORDER BY ts) AS p, row_number() OVER (PARTITION BY k ORDER BY ts) AS r FROM s",
    "SELECT k, avg(v) OVER (PARTITION BY k ORDER BY ts ROWS BETWEEN 3 PRECEDING AND CURRENT ROW) AS m FROM s",
    "SELECT k, sum(n) OVER (PARTITION BY k ORDER BY ts RANGE BETWEEN INTERVAL '5' SECOND PRECEDING AND CURRENT ROW) AS m FROM s",
    "SELECT k, v FROM s OUTPUT LAST EVERY 5 EVENTS",
    "SELECT k, v FROM s OUTPUT ALL EVERY 6 SECONDS",
    "SELECT k, v FROM s OUTPUT FIRST EVERY 4 SECONDS",
    "CREATE STREAM t AS SELECT k, sum(v) AS total FROM s WINDOW TUMBLING (SIZE 5 SECONDS) GROUP BY k; \
     SELECT count(*) AS c, max(total) AS m FROM t WINDOW TUMBLING (SIZE 20 SECONDS); \
     SELECT k, total FROM t WHERE total > 10",
    "SELECT k, avg(v) AS a, min(n) AS lo FROM s WINDOW LENGTH (9) GROUP BY k",
    "SELECT k, n, sum(v) AS t FROM s WINDOW TIME (4 SECONDS)",
    "SELECT k, n, max(v) AS t FROM s WINDOW TIMELENGTH (6 SECONDS, 5)",
    "SELECT k, n, count(*) AS c FROM s WINDOW EXTERNALTIME (ts, 3 SECONDS)",
    "SELECT k, n, sum(n) AS t FROM s WINDOW SORT (4, n DESC)",
    "SELECT k, count(*) AS c, last(n) AS l FROM s WINDOW UNIQUE (k)",
    "SELECT k, count(*) AS c FROM s WINDOW FIRSTUNIQUE (n)",
    "SELECT k, count(*) AS c FROM s WINDOW FREQUENT (2, k)",
    "SELECT k, count(*) AS c FROM s WINDOW LOSSYFREQUENT (0.2, 0.05, k)",
    "SELECT k, n FROM s WINDOW DELAY (3 SECONDS)",
    "SELECT count(*) AS c, sum(n) AS t FROM s WINDOW CRON ('*/5 * * * * *')",
    "SELECT k, v, sum(n) OVER (PARTITION BY k ORDER BY ts ROWS UNBOUNDED PRECEDING) AS t, rank() OVER (PARTITION BY k ORDER BY ts) AS r FROM s",
    "SELECT k, v FROM s WHERE v > 8 UNION ALL SELECT k, v + 100 FROM s WHERE v <= 8",
];

fn check(query: &str, rows: &Rows, cuts: &[usize]) -> Result<(), TestCaseError> {
    let whole = run(query, rows, &Feed::Whole);
    let pieces = run(query, rows, &Feed::Cut(cuts.to_vec()));
    prop_assert_eq!(&pieces.output, &whole.output, "regrouped: {}", query);
    prop_assert_eq!(&pieces.hash, &whole.hash, "state hash: {}", query);
    let restored = run(query, rows, &Feed::Restore(cuts.to_vec()));
    prop_assert_eq!(&restored.output, &whole.output, "restored: {}", query);
    prop_assert_eq!(&restored.hash, &whole.hash, "state hash after restore: {}", query);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(harness::cases(24)))]

    #[test]
    fn regrouping_and_restoring_change_nothing(
        rows in harness::rows(0..80),
        cuts in proptest::collection::vec(1usize..9, 1..12),
    ) {
        for query in QUERIES {
            check(query, &rows, &cuts)?;
        }
    }
}

#[test]
fn entries_longer_than_a_step_are_cut_without_notice() {
    let rows = harness::many(3_000);
    for query in QUERIES {
        check(query, &rows, &[1, 1023, 700, 5]).expect("the same");
    }
}
