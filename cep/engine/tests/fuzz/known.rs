//! Queries that once made something panic, hang, fill the memory or differ.

use std::cell::Cell;

use crate::harness::each;
use crate::rows::{agrees, lowered};

const QUERIES: &[&str] = &[
    // Lengths add up over a chunk.
    "SELECT rpad(k, n) AS a, lpad(k, n, 'é') AS b FROM s",
    // The library reads the order, or the format, of the first row only.
    "SELECT array_sort(z, k, k) AS c FROM s",
    "SELECT to_char(TIME '23:59:59.999999999', k) AS c FROM s",
    // States of NULL have no place in a checkpoint.
    "SELECT distinctcount(z, NULL) OVER (ORDER BY ts RANGE BETWEEN INTERVAL '2' SECOND PRECEDING AND CURRENT ROW) AS c FROM s",
    "SELECT min(NULL) AS a, last(NULL) AS b, array_agg(NULL) AS c FROM s GROUP BY k",
    "SELECT lag(NULL) OVER (PARTITION BY k ORDER BY ts) AS p FROM s",
    // A sweep of expired groups amid the rows of a step.
    "SELECT k, count(*) AS c, sum(n) AS t FROM s GROUP BY k",
    "SELECT DISTINCT k, b FROM s",
    // A leap to the end of time.
    "SELECT n FROM s OUTPUT SNAPSHOT EVERY 1 SECOND",
    "SELECT n FROM s OUTPUT LAST EVERY 1 NANOSECOND",
    "SELECT n FROM s OUTPUT ALL EVERY 1 SECOND; SELECT k, count(*) AS c FROM s GROUP BY k OUTPUT SNAPSHOT EVERY 1 MINUTE",
    // A leap from the very beginning of time.
    "SELECT k, count(*) AS c FROM s GROUP BY k HAVING count(*) = 1 OUTPUT SNAPSHOT EVERY 1 NANOSECOND",
    "SELECT count(*) AS c FROM s WINDOW HOP (SIZE 1 DAY, SLIDE 1 NANOSECOND)",
    "SELECT n FROM s OUTPUT ALL EVERY 106751 DAYS",
    "SELECT n FROM s WINDOW DELAY (106751 DAYS); SELECT i FROM s",
    "SELECT count(*) AS c FROM s WINDOW TUMBLING (SIZE 1 NANOSECOND)",
    "SELECT count(*) AS c, window_start, window_end FROM s WINDOW TUMBLING (SIZE 1 DAY, OFFSET 1 HOUR)",
    "SELECT count(*) AS c, window_start, window_end FROM s WINDOW HOP (SIZE 7 NANOSECONDS, SLIDE 3 NANOSECONDS)",
    "SELECT count(*) AS c FROM s WINDOW CUMULATE (STEP 1 NANOSECOND, SIZE 3 NANOSECONDS)",
    "SELECT count(*) AS c FROM s WINDOW SESSION (GAP 106751 DAYS, KEY k)",
    // Batches that end behind the end of time, and the order of queries beside each other.
    "SELECT count(*) AS c FROM s WINDOW TIMEBATCH (1 MINUTE); SELECT count(*) AS c FROM s WINDOW BATCH; \
     SELECT count(*) AS c FROM s WINDOW EXTERNALTIMEBATCH (n, 1 MINUTE, TIMEOUT 106751 DAYS)",
];

#[test]
fn what_was_found_stays_mended() {
    let compared = Cell::new(0);
    each(8, |random| {
        for query in QUERIES {
            // Some options of the streams do not go with some queries.
            if let Some(program) = lowered(query, random) {
                compared.set(compared.get() + usize::from(agrees(program, query, random)));
            }
        }
    });
    let enough = std::env::var_os("CEPTRA_SEED").map_or(QUERIES.len(), |_one_seed| 0);
    assert!(compared.get() >= enough, "only {} runs were compared", compared.get());
}
