//! R-DET-1: output and state do not depend on how rows are grouped into entries, nor on where a
//! checkpoint was taken and restored. At least one query a kind of operator, window and rate, which
//! is checked; random rows, out of order.

mod harness;

use std::sync::Arc;

use cep_engine::Partition;
use cep_engine::ops::Operator;
use cep_lang::ast::{RateEvery, RateKind};
use cep_lang::plan::{BatchWindow, JoinBound, LatePolicy, Node, SlidingWindow};
use harness::{Feed, Outcome, Rows, metrics_programs, rules_program, run, run_program};
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
    "SELECT k, count(*) AS c, sum(n) AS t FROM s WINDOW EXPRESSION (sum(n) <= 12 AND last.n >= first.n) GROUP BY k",
    "SELECT k, count(*) AS c, last(n) AS l FROM s WINDOW EXPRESSIONBATCH (count(*) < 5 AND n < 7) GROUP BY k",
    "SELECT count(*) AS c, window_start, window_end FROM s WINDOW EXPRESSIONBATCH (sum(v) < 30, INCLUDE_TRIGGERING TRUE) WHERE n > 1",
    "SELECT k, n, window_start FROM s WINDOW BATCH ORDER BY n LIMIT 2",
    "SELECT k, last(n) AS l FROM s WINDOW EXTERNALTIMEBATCH (n, 3 MILLISECONDS, TIMEOUT 2 SECONDS) WHERE v > 3 GROUP BY k",
    "SELECT k, sum(n) AS t FROM s GROUP BY k HAVING sum(n) % 3 <> 0 OUTPUT LAST EVERY 3 EVENTS",
    "SELECT k, count(*) AS c FROM s GROUP BY k OUTPUT SNAPSHOT EVERY 3 SECONDS",
    "SELECT k, n FROM s OUTPUT FIRST EVERY 5 EVENTS",
    "CREATE AGGREGATION a AS SELECT k, count(*) AS c, avg(v) AS m, first(n) AS f FROM s WHERE v > 1 GROUP BY k \
     AGGREGATE BY ts EVERY SECONDS, MINUTES, WEEKS, MONTHS; \
     SELECT * FROM a WITHIN '2023-**-** **:**:**' PER 'seconds'; SELECT * FROM a WITHIN '2023-**-** **:**:**' PER 'months'",
    "CREATE STREAM s (ts TIMESTAMP, k STRING, v DOUBLE, n BIGINT) WITH (\"event.time\" = 'ts', clock = 'event', \
     \"watermark.lateness\" = '500 milliseconds', \"late.policy\" = 'retract', \"correction.horizon\" = '2 seconds'); \
     SELECT k, count(*) AS c, last(n) AS l, window_end FROM s WINDOW TUMBLING (SIZE 2 SECONDS) GROUP BY k; \
     SELECT sum(v) AS t, window_end FROM s WINDOW HOP (SIZE 5 SECONDS, SLIDE 2 SECONDS) OUTPUT ALL EVERY 4 EVENTS; \
     SELECT k, n, window_end FROM s WINDOW CUMULATE (STEP 2 SECONDS, SIZE 6 SECONDS) ORDER BY n LIMIT 2",
    "CREATE STREAM s (ts TIMESTAMP, k STRING, v DOUBLE, n BIGINT) WITH (\"event.time\" = 'ts', clock = 'event', \
     \"watermark.lateness\" = '500 milliseconds', \"late.stream\" = 'late', \"state.ttl\" = '3 seconds'); \
     SELECT k, count(*) AS c FROM s WINDOW SESSION (GAP 1 SECOND, KEY k) GROUP BY k; \
     SELECT k, n FROM late; SELECT k, count(*) AS c FROM s GROUP BY k",
    "CREATE STREAM s (ts TIMESTAMP, k STRING, v DOUBLE, n BIGINT) WITH (\"event.time\" = 'ts', clock = 'event', \
     \"watermark.lateness\" = '500 milliseconds', \"late.stream\" = 'late'); \
     SELECT k, n, lag(n) OVER (PARTITION BY k ORDER BY ts) AS p FROM s; SELECT k, n FROM late",
    "CREATE STREAM u (ts TIMESTAMP, k STRING, v DOUBLE, n BIGINT) WITH (\"event.time\" = 'ts', clock = 'event', \
     \"watermark.idle\" = '2 seconds'); \
     SELECT k, count(*) AS c, sum(n) AS t FROM (SELECT k, n FROM s UNION ALL SELECT k, n FROM u) \
     WINDOW TUMBLING (SIZE 3 SECONDS) GROUP BY k; SELECT count(*) AS c FROM u WINDOW SESSION (GAP 1 SECOND)",
    "CREATE STREAM u (ts TIMESTAMP, k STRING, v DOUBLE, n BIGINT) WITH (\"event.time\" = 'ts', clock = 'event'); \
     CREATE STREAM g (et TIMESTAMP, k STRING, n BIGINT) \
     WITH (\"event.time\" = 'et', \"watermark.lateness\" = '0 seconds', \"watermark.idle\" = '1 second'); \
     INSERT INTO g SELECT CASE WHEN n < 7 THEN ts - INTERVAL '2' SECOND END, k, n FROM s WHERE n > 4; \
     SELECT k, count(*) AS c, window_end FROM g WINDOW TUMBLING (SIZE 2 SECONDS) GROUP BY k; \
     SELECT sum(n) AS t FROM (SELECT n FROM g UNION ALL SELECT n FROM u) WINDOW HOP (SIZE 4 SECONDS, SLIDE 2 SECONDS)",
    "CREATE STREAM u (ts TIMESTAMP, k STRING, v DOUBLE, n BIGINT) WITH (\"event.time\" = 'ts', clock = 'event', \
     \"watermark.idle\" = '1 second'); \
     CREATE STREAM g (et TIMESTAMP, n BIGINT) WITH (\"event.time\" = 'et', \"watermark.idle\" = '1 second'); \
     INSERT INTO g SELECT ts, n FROM s WHERE n > 5; \
     SELECT count(*) AS c, sum(n) AS t, window_end FROM (SELECT n FROM g UNION ALL SELECT n FROM u) \
     WINDOW HOP (SIZE 20 SECONDS, SLIDE 250 MILLISECONDS)",
    "SELECT n, count(*) AS c, ewma(v, 0.25) AS e, approx_percentile_kll(v, 0.5) AS q \
     FROM s WINDOW SESSION (GAP 1 SECOND, KEY k) GROUP BY n",
    "SELECT ewma(v, 0.25) AS e FROM s WINDOW HOP (SIZE 6 SECONDS, SLIDE 4 SECONDS)",
    "SELECT k, min_forever(v) AS lo, count(*) AS c, max_forever(n) AS hi FROM s WINDOW HOP (SIZE 6 SECONDS, SLIDE 2 SECONDS) \
     WHERE n > 0 GROUP BY k; \
     SELECT max_forever(k) AS m FROM s WINDOW SESSION (GAP 1 SECOND, KEY n); \
     SELECT k, min_forever(n) AS lo, max(n) AS hi FROM s WINDOW LENGTHBATCH (5) WHERE v > 3 GROUP BY k",
    "SELECT k, sum(n) AS t FROM s GROUP BY k HAVING 60 / sum(n) > 1 OR now() < TIMESTAMP '2023-11-14 22:13:40'",
    "SELECT count(*) AS c FROM s WINDOW EXPRESSIONBATCH (sum(12 / n) < 15) WHERE v > 1",
    "SELECT count(12 / n) AS c, last(k) AS l FROM s WINDOW LENGTHBATCH (4)",
    "CREATE TRIGGER a AT START; CREATE TRIGGER e AT EVERY 3 SECONDS; CREATE TRIGGER c AT CRON '*/4 * * * * *'; \
     CREATE TABLE t (k STRING PRIMARY KEY, n BIGINT); UPSERT INTO t SELECT k, n FROM s; \
     SELECT triggered_time FROM a; SELECT triggered_time, k, n FROM e JOIN t ON TRUE; DELETE FROM t USING c WHERE n > 3; \
     SELECT count(*) AS c, window_end FROM e WINDOW TUMBLING (SIZE 10 SECONDS)",
    "CREATE TABLE t (k STRING, n BIGINT, c BIGINT, PRIMARY KEY (k), INDEX (n)) WITH (\"table.rows.max\" = 4, \
     \"table.full\" = 'evict-oldest', \"state.ttl\" = '4 seconds'); INSERT INTO t VALUES ('k9', 9, 1), ('k1', 2, 3); \
     SELECT s.k, s.n, t.n AS m, t.c FROM s LEFT JOIN t ON s.k = t.k AND t.n <> s.n; \
     UPSERT INTO t SELECT k, n, 0 FROM s WHERE v > 4; \
     UPDATE t SET c = c + s.n FROM s WHERE t.k = s.k AND s.n < 6; \
     DELETE FROM t USING s WHERE t.n = s.n AND s.v < 0; \
     SELECT s.k, t.k AS other, t.c FROM s JOIN t ON s.n > t.n; SELECT s.n, t.k FROM s JOIN t USING (n)",
    "CREATE TABLE t (k STRING, c BIGINT, e TIMESTAMP, PRIMARY KEY (k, e)) WITH (\"table.rows.max\" = 7, \"table.full\" = 'reject'); \
     UPSERT INTO t SELECT k, count(*) AS c, window_end FROM s WINDOW TUMBLING (SIZE 2 SECONDS) WHERE k <> '' GROUP BY k; \
     SELECT s.k, s.n, t.c FROM s JOIN t ON s.k = t.k WHERE t.c > 1; \
     CREATE TABLE f (n BIGINT PRIMARY KEY) WITH (\"table.rows.max\" = 3); INSERT INTO f SELECT n FROM s; \
     CREATE TABLE g (k STRING PRIMARY KEY, c BIGINT); UPSERT INTO g SELECT k, count(*) FROM s GROUP BY k HAVING count(*) % 3 <> 0; \
     SELECT s.k, g.c FROM s JOIN g USING (k)",
    "SELECT a.k, a.n AS x, b.n AS y FROM s WINDOW TIME (3 SECONDS) AS a FULL JOIN s WINDOW LENGTH (4) AS b ON a.k = b.k AND a.v < b.v; \
     SELECT a.n AS x, b.n AS y FROM s AS a UNIDIRECTIONAL LEFT JOIN s WINDOW EXTERNALTIME (ts, 2 SECONDS) AS b ON a.k = b.k AND 12 / a.n > b.n; \
     SELECT a.k, b.k AS l, a.n AS x FROM s WINDOW TIMELENGTH (5 SECONDS, 3) AS a RIGHT JOIN s WINDOW TIME (1 SECOND) AS b USING (n)",
    "SELECT a.k, a.n AS x, b.n AS y FROM s AS a FULL JOIN s AS b ON a.k = b.k AND b.ts - a.ts BETWEEN INTERVAL '-1' SECOND AND INTERVAL '2' SECOND AND 12 / a.n > 1; \
     SELECT count(*) AS c, sum(y) AS t, window_end FROM (SELECT b.n AS y FROM s AS a LEFT JOIN s AS b ON a.n = b.n AND b.ts > a.ts AND b.ts <= a.ts + INTERVAL '3' SECOND) \
     WINDOW TUMBLING (SIZE 2 SECONDS)",
    "CREATE STREAM u (ts TIMESTAMP, k STRING, v DOUBLE, n BIGINT) WITH (\"event.time\" = 'ts', clock = 'event', \
     \"watermark.idle\" = '2 seconds', \"late.stream\" = 'late'); \
     SELECT a.k, a.n AS x, b.v AS y FROM s AS a LEFT JOIN u AS b ON a.k = b.k AND a.ts >= b.ts AND a.ts < b.ts + INTERVAL '4' SECOND; \
     SELECT k, n FROM late; \
     SELECT a.n AS x, b.n AS y, c.n AS z FROM s AS a JOIN u AS b ON a.k = b.k AND a.ts BETWEEN b.ts - INTERVAL '1' SECOND AND b.ts + INTERVAL '1' SECOND \
     JOIN s AS c ON c.k = b.k AND c.ts BETWEEN b.ts AND b.ts + INTERVAL '2' SECOND",
    "CREATE STREAM u (ts TIMESTAMP, k STRING, v DOUBLE, n BIGINT) WITH (\"event.time\" = 'ts', clock = 'event', \
     \"join.rows.max\" = '6', \"join.rows.over\" = 'evict', \"state.ttl\" = '5 seconds'); \
     SELECT a.k, a.n AS x, b.n AS y FROM u AS a FULL JOIN u AS b ON a.k = b.k; \
     CREATE STREAM t AS SELECT k, count(*) AS c, window_end AS e FROM s WINDOW TUMBLING (SIZE 2 SECONDS) GROUP BY k; \
     SELECT a.k, a.c AS x, b.c AS y FROM t AS a LEFT JOIN (SELECT k, count(*) AS c, window_end AS e FROM u WINDOW TUMBLING (SIZE 2 SECONDS) GROUP BY k) AS b ON a.k = b.k AND a.e = b.e",
    "SELECT e1.k AS k, e1.v AS x, e2.v AS y FROM PATTERN (EVERY e1 = s[v > 5] -> e2 = s[v > e1.v]) WITHIN 4 SECONDS PARTITION BY k",
    "SELECT e1.k AS k, count(e2) AS c, sum(e2.n) AS t, e2[last].n AS l, timed_out AS o \
     FROM PATTERN (EVERY (e1 = s[n > 2] -> e2 = s[n >= e2[last].n]{2,3}) -> NOT s[v > 20] FOR 1 SECOND) \
     WITHIN 5 SECONDS PARTITION BY k ORDER BY ts WITH TIMED OUT MATCHES",
    "SELECT e1.n AS x, e2.n AS y, e3.n AS z FROM PATTERN (e1 = s -> (e2 = s[n < 3] AND NOT s[n = 8]) OR (e3 = s[n = 5] -> s[n = 6])) PARTITION BY k",
    "SELECT e1.n AS x, count(e2) AS c, e3.n AS z FROM SEQUENCE (EVERY e1 = s[n > 1], e2 = s[n > 0]*, e3 = s[n = 0 OR n > 6]) WITHIN 5 EVENTS PARTITION BY k",
    "SELECT * FROM s MATCH_RECOGNIZE (PARTITION BY k ORDER BY ts MEASURES CLASSIFIER() AS c, MATCH_NUMBER() AS m, RUNNING sum(n) AS t, \
     FINAL LAST(UP.v) AS u ALL ROWS PER MATCH PATTERN (A UP+ {- DOWN -}?) \
     DEFINE UP AS n > PREV(n), DOWN AS n < FIRST(UP.n) AND sum(UP.n) > 3)",
    "SELECT * FROM s MATCH_RECOGNIZE (PARTITION BY k ORDER BY ts MEASURES CLASSIFIER() AS c \
     ALL ROWS PER MATCH WITH UNMATCHED ROWS PATTERN (A UP+) DEFINE UP AS n > PREV(n))",
    "SELECT * FROM s MATCH_RECOGNIZE (PARTITION BY k MEASURES A.n AS x, LAST(B.n) AS y, count(*) AS c AFTER MATCH SKIP TO NEXT ROW \
     PATTERN (A B* C $ | PERMUTE(A, C)) WITHIN INTERVAL '9' SECOND DEFINE A AS n > 1, B AS n < NEXT(n), C AS n > 3)",
    "SELECT a.k, count(*) AS c, sum(b.n) AS t, window_end FROM s WINDOW TUMBLING (SIZE 3 SECONDS) AS a LEFT JOIN s WINDOW TUMBLING (SIZE 3 SECONDS) AS b ON a.k = b.k AND a.n < b.n GROUP BY a.k; \
     SELECT a.n AS x, b.n AS y, b.window_start FROM s WINDOW SESSION (GAP 1 SECOND, KEY k) AS a FULL JOIN s[v > 3] WINDOW SESSION (GAP 1 SECOND, KEY k) AS b ON a.n = b.n AND 12 / a.n > 1; \
     SELECT a.n AS x, b.n AS y FROM s WINDOW CUMULATE (STEP 1 SECOND, SIZE 3 SECONDS) AS a JOIN s WINDOW CUMULATE (STEP 1 SECOND, SIZE 3 SECONDS) AS b ON a.k = b.k ORDER BY x, y LIMIT 5",
    "SELECT a.k, a.n AS x, b.n AS y FROM s AS a ASOF LEFT JOIN s[n > 4] AS b MATCH_CONDITION (a.ts > b.ts AND b.ts >= a.ts - INTERVAL '6' SECOND) ON a.k = b.k; \
     SELECT count(*) AS c, sum(y) AS t, window_end FROM (SELECT b.n AS y FROM s AS a ASOF JOIN s[v > 2] AS b MATCH_CONDITION (a.ts >= b.ts + INTERVAL '1' SECOND)) \
     WINDOW TUMBLING (SIZE 2 SECONDS)",
    "CREATE STREAM u (ts TIMESTAMP, k STRING, v DOUBLE, n BIGINT) WITH (\"event.time\" = 'ts', clock = 'event', \
     \"watermark.idle\" = '2 seconds', \"late.stream\" = 'late', \"join.rows.max\" = '7', \"join.rows.over\" = 'evict', \"state.ttl\" = '5 seconds'); \
     SELECT a.k, a.n AS x, b.v AS y FROM s AS a LEFT JOIN u FOR SYSTEM_TIME AS OF a.ts AS b ON a.k = b.k; \
     SELECT k, n FROM late; \
     SELECT a.k, a.n AS x, b.c AS y, b.t FROM u AS a LEFT JOIN (SELECT k, count(*) AS c, sum(n) AS t FROM s GROUP BY k HAVING count(*) % 3 <> 0) FOR SYSTEM_TIME AS OF a.ts AS b USING (k)",
    "SELECT k, count(*) AS c FROM (SELECT [k, 'a'] AS k FROM s WHERE n > 3 UNION ALL SELECT [k] FROM s WHERE n <= 3) GROUP BY k",
];

fn check(query: &str, rows: &Rows, cuts: &[usize]) -> Result<(), TestCaseError> {
    check_all_ways(query, cuts, |feed| run(query, rows, feed))
}

fn check_all_ways(query: &str, cuts: &[usize], run: impl Fn(&Feed) -> Outcome) -> Result<(), TestCaseError> {
    let whole = run(&Feed::Whole);
    let pieces = run(&Feed::Cut(cuts.to_vec()));
    prop_assert_eq!(&pieces.output, &whole.output, "regrouped: {}", query);
    prop_assert_eq!(&pieces.errors, &whole.errors, "errors: {}", query);
    prop_assert_eq!(pieces.late, whole.late, "late rows: {}", query);
    prop_assert_eq!(&pieces.hash, &whole.hash, "state hash: {}", query);
    let restored = run(&Feed::Restore(cuts.to_vec()));
    prop_assert_eq!(&restored.output, &whole.output, "restored: {}", query);
    prop_assert_eq!(&restored.errors, &whole.errors, "errors after restore: {}", query);
    prop_assert_eq!(restored.late, whole.late, "late rows after restore: {}", query);
    prop_assert_eq!(&restored.hashes, &pieces.hashes, "state hashes after restore: {}", query);
    let slices = run(&Feed::Slices(cuts.to_vec()));
    prop_assert_eq!(&slices.output, &whole.output, "with checkpoints in slices: {}", query);
    prop_assert_eq!(&slices.hashes, &pieces.hashes, "state hashes with checkpoints in slices: {}", query);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(harness::cases(24)))]

    #[test]
    fn regrouping_and_restoring_change_nothing(
        rows in harness::rows_on_edges(0..80),
        cuts in proptest::collection::vec(1usize..9, 1..12),
    ) {
        for query in QUERIES {
            check(query, &rows, &cuts)?;
        }
        for (name, program) in metrics_programs().into_iter().chain([rules_program()]) {
            check_all_ways(name, &cuts, |feed| run_program(Arc::clone(&program), &rows, feed))?;
        }
    }
}

#[test]
fn entries_longer_than_a_step_are_cut_without_notice() {
    let rows = harness::many(3_000);
    for query in QUERIES {
        check(query, &rows, &[1, 1023, 700, 5]).expect("the same");
    }
    for (name, program) in metrics_programs().into_iter().chain([rules_program()]) {
        let run = |feed: &Feed| run_program(Arc::clone(&program), &rows, feed);
        check_all_ways(name, &[1, 1023, 700, 5], run).expect("the same");
    }
}

/// Which kinds the queries are made of, by number. No arm is a default: a new kind must be given a
/// number here, and then a query above.
#[derive(Default)]
struct Kinds {
    operators: [bool; 18],
    batches: [bool; 10],
    sliding: [bool; 10],
    rates: [bool; 4],
    periods: [bool; 2],
    policies: [bool; 2],
    joins: [bool; 3],
}

impl Kinds {
    fn operator(&mut self, operator: &Operator) {
        let at = match operator {
            Operator::Rows(_) => 0,
            Operator::Aligned(_) => 1,
            Operator::Session(_) => 2,
            Operator::Batch(_) => 3,
            Operator::Over(_) => 4,
            Operator::Group(_) => 5,
            Operator::Rate(_) => 6,
            Operator::Aggregation(_) => 7,
            Operator::Sliding(_) => 8,
            Operator::Delay(_) => 9,
            Operator::TableJoin(_) => 10,
            Operator::TableWrite(_) => 11,
            Operator::Trigger(_) => 12,
            Operator::Join(_) => 13,
            Operator::Pattern(_) => 14,
            Operator::Metrics(_) => 15,
            Operator::Rules(_) => 16,
            Operator::AsOf(_) => 17,
        };
        self.operators[at] = true;
    }

    fn batch(&mut self, window: &BatchWindow) {
        let at = match window {
            BatchWindow::Tumbling { .. } => 0,
            BatchWindow::Hop { .. } => 1,
            BatchWindow::Cumulate { .. } => 2,
            BatchWindow::Session { .. } => 3,
            BatchWindow::TimeBatch { .. } => 4,
            BatchWindow::LengthBatch { .. } => 5,
            BatchWindow::ExternalTimeBatch { .. } => 6,
            BatchWindow::Batch => 7,
            BatchWindow::Cron { .. } => 8,
            BatchWindow::ExpressionBatch { .. } => 9,
        };
        self.batches[at] = true;
    }

    fn sliding(&mut self, window: &SlidingWindow) {
        let at = match window {
            SlidingWindow::Length { .. } => 0,
            SlidingWindow::Time { .. } => 1,
            SlidingWindow::TimeLength { .. } => 2,
            SlidingWindow::ExternalTime { .. } => 3,
            SlidingWindow::Sort { .. } => 4,
            SlidingWindow::Unique { .. } => 5,
            SlidingWindow::FirstUnique { .. } => 6,
            SlidingWindow::Expression { .. } => 7,
            SlidingWindow::Frequent { .. } => 8,
            SlidingWindow::LossyFrequent { .. } => 9,
        };
        self.sliding[at] = true;
    }

    fn plan(&mut self, node: &Node) {
        match node {
            Node::Window(node) => self.batch(&node.window),
            Node::Sliding(node) => self.sliding(&node.window),
            Node::Rate(node) => {
                let kind = match node.kind {
                    RateKind::All => 0,
                    RateKind::First => 1,
                    RateKind::Last => 2,
                    RateKind::Snapshot => 3,
                };
                let period = match node.every {
                    RateEvery::Events(_) => 0,
                    RateEvery::Time(_) => 1,
                };
                self.rates[kind] = true;
                self.periods[period] = true;
            }
            Node::Scan { .. }
            | Node::Filter { .. }
            | Node::Project { .. }
            | Node::Union { .. }
            | Node::Delay { .. }
            | Node::Group(_)
            | Node::Over(_)
            | Node::TableJoin(_)
            | Node::TableWrite(_)
            | Node::Pattern(_)
            | Node::Metrics(_)
            | Node::Rules(_) => {}
            Node::Join(node) => {
                let at = match node.bound {
                    JoinBound::Windows(_) => 0,
                    JoinBound::Interval { .. } => 1,
                    JoinBound::AsOf(_) => 2,
                };
                self.joins[at] = true;
            }
        }
        node.inputs().into_iter().for_each(|input| self.plan(input));
    }
}

#[test]
fn every_kind_of_operator_window_and_rate_has_a_query() {
    let mut kinds = Kinds::default();
    let mut programs = Vec::new();
    for query in QUERIES {
        let program = harness::program(query);
        for stream in &program.streams {
            let policy = match stream.time.late_policy {
                LatePolicy::Drop => 0,
                LatePolicy::Retract => 1,
            };
            kinds.policies[policy] = true;
        }
        programs.push(program);
    }
    programs.extend(metrics_programs().into_iter().chain([rules_program()]).map(|(_, program)| program));
    for program in programs {
        program.queries.iter().for_each(|query| kinds.plan(&query.plan));
        let partition = Partition::new(Arc::clone(&program), &[]).expect("it can be built");
        partition.operators().for_each(|operator| kinds.operator(operator));
    }
    let Kinds { operators, batches, sliding, rates, periods, policies, joins } = kinds;
    for seen in [&operators[..], &batches, &sliding, &rates, &periods, &policies, &joins] {
        assert!(seen.iter().all(|&seen| seen), "a kind without a query: {seen:?}");
    }
}
