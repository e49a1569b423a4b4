//! `next_due_ns` against ticks at every step: nothing comes out before it, and all that comes out at all
//! comes out when time is told exactly then.

mod harness;

use std::sync::Arc;

use cep_engine::{Actions, Budget, Partition, Progress};
use cep_lang::lower::{CompileOptions, compile};
use cep_lang::plan::Program;
use cep_types::{Entry, EntryKind, Events, LogIndex, StampNs};
use harness::{Row, SECOND, batch, cases};
use proptest::prelude::*;

/// Streams `a` and `b` by the wall clock, `e` by its own.
const STREAMS: &str = "
CREATE STREAM a (ts TIMESTAMP, k STRING, v DOUBLE, n BIGINT)
    WITH (\"event.time\" = 'ts', clock = 'ingest', \"watermark.lateness\" = '1 second', \"watermark.idle\" = '7 seconds');
CREATE STREAM b (ts TIMESTAMP, k STRING, v DOUBLE, n BIGINT)
    WITH (\"event.time\" = 'ts', clock = 'ingest', \"watermark.idle\" = '20 seconds');
CREATE STREAM e (ts TIMESTAMP, k STRING, v DOUBLE, n BIGINT)
    WITH (\"event.time\" = 'ts', clock = 'event', \"watermark.idle\" = '5 seconds');
";

const QUERIES: [&str; 16] = [
    "SELECT count(*) AS c FROM a WINDOW TUMBLING (SIZE 10 SECONDS);",
    "SELECT k, count(*) AS c FROM a WINDOW HOP (SIZE 10 SECONDS, SLIDE 3 SECONDS) GROUP BY k;",
    "SELECT k, sum(n) AS c FROM b WINDOW SESSION (GAP 4 SECONDS, KEY k) GROUP BY k;",
    "SELECT ts, sum(n) OVER (PARTITION BY k ORDER BY ts ROWS 3 PRECEDING) AS s FROM a;",
    "SELECT count(*) AS c FROM a WINDOW TIMEBATCH (SIZE 5 SECONDS);",
    "SELECT count(*) AS c FROM a WINDOW CRON ('*/7 * * * * *');",
    "SELECT k, count(*) AS c FROM a GROUP BY k OUTPUT SNAPSHOT EVERY 9 SECONDS;",
    "SELECT k, n FROM b OUTPUT LAST EVERY 4 SECONDS;",
    "SELECT k, n FROM b OUTPUT FIRST EVERY 4 SECONDS;",
    "SELECT k, n FROM a WINDOW DELAY (DELAY 6 SECONDS);",
    "CREATE STREAM u AS SELECT ts, k, n FROM a UNION ALL SELECT ts, k, n FROM b UNION ALL SELECT ts, k, n FROM e;
     SELECT count(*) AS c FROM u WINDOW TUMBLING (SIZE 3 SECONDS);",
    "CREATE STREAM w WITH (\"event.time\" = 'later') AS SELECT ts + INTERVAL '3' SECOND AS later, n FROM a;
     SELECT count(*) AS c FROM w WINDOW TUMBLING (SIZE 3 SECONDS);",
    "SELECT count(*) AS c FROM e WINDOW TUMBLING (SIZE 3 SECONDS);",
    "SELECT k, avg(v) AS m FROM a WINDOW TIME (5 SECONDS) GROUP BY k;",
    "CREATE STREAM c AS SELECT window_end AS at, count(*) AS c FROM a WINDOW TUMBLING (SIZE 2 SECONDS);
     SELECT sum(c) AS c FROM c WINDOW TUMBLING (SIZE 6 SECONDS);",
    "SELECT count(*) AS c FROM a WINDOW TUMBLING (SIZE 10 SECONDS); SELECT k, n FROM e WINDOW DELAY (DELAY 11 SECONDS);",
];

const START: i64 = 1_700_000_000 * SECOND;
/// How long time is looked at behind the last row.
const AHEAD: i64 = 60 * SECOND;
/// Distance of the ticks of the reference.
const STEP: i64 = SECOND / 4;

struct Run {
    partition: Partition,
    program: Arc<Program>,
    index: u64,
}

impl Run {
    fn new(program: &Arc<Program>) -> Self {
        let partition = Partition::new(Arc::clone(program), &[]).expect("it can be built");
        Run { partition, program: Arc::clone(program), index: 0 }
    }

    fn copy(&self) -> Self {
        let mut copy = Run { index: self.index, ..Run::new(&self.program) };
        copy.partition.restore(&self.partition.checkpoint()).expect("its own checkpoint");
        copy
    }

    fn apply(&mut self, stamp: i64, kind: EntryKind) -> Vec<String> {
        self.index += 1;
        let entry = Entry { index: LogIndex(self.index), stamp: StampNs(stamp), kind };
        let mut actions = Actions::new();
        let done = self.partition.apply(&entry, &mut { Budget::UNLIMITED }, &mut actions);
        assert_eq!(done, Progress::Done);
        let runs = actions.runs().iter();
        runs.flat_map(|run| {
            let emit = &actions.emits()[run.emit];
            let row = |row: usize| emit.chunk.columns.iter().map(|c| c.text_at(row)).collect::<Vec<_>>();
            (run.from..run.to)
                .map(|at| format!("{:?} {}", emit.output, row(at).join("|")))
                .collect::<Vec<_>>()
        })
        .collect()
    }

    fn tick(&mut self, stamp: i64) -> Vec<String> {
        self.apply(stamp, EntryKind::Tick)
    }
}

/// A stream, how much later its entry comes than the one before, and how far behind that its row is, in
/// quarters of a second.
type Arrival = (usize, i64, i64);

fn check(query: &str, arrivals: &[Arrival]) {
    let text = format!("{STREAMS}{query}");
    let program = compile(&text, &CompileOptions::default());
    let program = Arc::new(program.unwrap_or_else(|errors| panic!("{query}: {errors:?}")));
    let mut run = Run::new(&program);
    let mut stamp = START;
    for (at, &(stream, later, behind)) in arrivals.iter().enumerate() {
        stamp += later * STEP;
        let row: Row = (stamp - behind * STEP, Some(format!("k{}", at % 3)), Some(1.5), Some(at as i64));
        let stream = program.streams[stream].id;
        run.apply(stamp, EntryKind::Events(Events { stream, rows: batch(&[row]), times: None }));
        if at % 3 == 0 || at + 1 == arrivals.len() {
            compare(&run, query);
        }
    }
}

fn compare(run: &Run, query: &str) {
    let from = run.partition.stamp_ns();
    // Ticks at every step, and what was due before each.
    let mut slow = run.copy();
    let mut wanted = Vec::new();
    let mut at = from;
    while at < from + AHEAD {
        at += STEP;
        let due = slow.partition.next_due_ns();
        let out = slow.tick(at);
        assert!(out.is_empty() || due.is_some_and(|due| due <= at), "{query}: {out:?} at {at}, due {due:?}");
        wanted.extend(out);
    }
    // Ticks when due, and nothing just before.
    let mut fast = run.copy();
    let (mut found, mut ticks) = (Vec::new(), 0);
    while let Some(due) = fast.partition.next_due_ns().filter(|&due| due <= from + AHEAD) {
        assert!(due > fast.partition.stamp_ns());
        if due - 1 > fast.partition.stamp_ns() {
            assert_eq!(fast.copy().tick(due - 1), [""; 0], "{query}: before {due}");
        }
        found.extend(fast.tick(due));
        ticks += 1;
        assert!(ticks < 300, "{query}: too many ticks");
    }
    assert_eq!(fast.tick(from + AHEAD), [""; 0], "{query}: after the last one that was due");
    assert_eq!(found, wanted, "{query}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(24), ..ProptestConfig::default() })]

    #[test]
    fn nothing_comes_out_before_it_is_due(
        arrivals in proptest::collection::vec((0usize..3, 0i64..24, 0i64..12), 1..12)
    ) {
        for query in QUERIES {
            check(query, &arrivals);
        }
    }
}

#[test]
fn an_idle_partition_is_never_due() {
    for query in QUERIES {
        let text = format!("{STREAMS}{query}");
        let program = Arc::new(compile(&text, &CompileOptions::default()).expect("it compiles"));
        let run = Run::new(&program);
        assert_eq!(run.partition.next_due_ns(), None, "{query}");
    }
}
