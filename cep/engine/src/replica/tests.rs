//! A replica against what one definition alone makes of the same rows, cut, sent again and restored.

use std::sync::Arc;

use arrow_array::{Int64Array, RecordBatch, StringArray, TimestampNanosecondArray};
use arrow_buffer::Buffer;
use cep_lang::lower::{CompileOptions, compile};
use cep_lang::plan::{StreamOrigin, Target};
use cep_types::frame::{ColumnId, FrameHead, SchemaVersion, encode};
use cep_types::log::{
    self, Action, Activate, Binding, Config, Connectors, EventsWriter, Language, LogEntry, PartHead, PartIds,
};
use cep_types::{Epoch, EventId, LogIndex, ProducerId, StampNs, StreamId};

use super::*;
use crate::partition::{Budget, Progress};

const INPUT: StreamId = StreamId(3);
const FIRST_OUTPUT: u32 = 10;
const SECOND: i64 = 1_000_000_000;

const COUNTS: &str = "CREATE STREAM trades (ts TIMESTAMP NOT NULL, symbol STRING NOT NULL, qty BIGINT)
    WITH (clock = 'event', \"event.time\" = 'ts', \"watermark.lateness\" = '0 seconds');
CREATE STREAM counts AS SELECT symbol, count(*) AS n, sum(qty) AS qty
    FROM trades WINDOW TUMBLING (SIZE 10 SECONDS) GROUP BY symbol;";
const BIG: &str = "CREATE STREAM trades (ts TIMESTAMP NOT NULL, symbol STRING NOT NULL, qty BIGINT)
    WITH (clock = 'event', \"event.time\" = 'ts');
SELECT symbol, 100 / qty AS share FROM trades WHERE qty < 5;";

/// What the control group would say about a text.
pub(super) fn activate(name: &str, text: &str, epoch: u64, first_output: u32) -> Activate {
    let program = compile(text, &CompileOptions::default()).unwrap();
    let ids = |fields: usize| (0..fields as u32).map(ColumnId).collect::<Vec<_>>();
    let mut streams = Vec::new();
    for stream in &program.streams {
        let number = match stream.origin {
            StreamOrigin::External => INPUT,
            StreamOrigin::Derived => StreamId(first_output + stream.id.0),
        };
        let columns = ids(stream.schema.fields().len());
        let name = stream.name.clone();
        streams.push(Binding { name, stream: number, schema_version: SchemaVersion(1), columns });
    }
    for query in program.queries.iter().filter(|query| query.target == Target::Print) {
        let columns = ids(query.plan.schema().fields().len());
        let stream = StreamId(first_output + 5 + query.id.0);
        streams.push(Binding { name: query.name.clone(), stream, schema_version: SchemaVersion(1), columns });
    }
    let action =
        Action::Run { language: Language::Sql, text: text.to_owned(), streams, connectors: Connectors::Off };
    Activate { name: name.to_owned(), version: 1, epoch: Epoch(epoch), action }
}

fn rows(first: i64, count: i64) -> RecordBatch {
    let at = first..first + count;
    let symbols: Vec<String> = at.clone().map(|i| format!("s{}", i % 3)).collect();
    RecordBatch::try_from_iter([
        ("ts", Arc::new(TimestampNanosecondArray::from_iter_values(at.clone().map(|i| i * SECOND))) as _),
        ("symbol", Arc::new(StringArray::from(symbols)) as _),
        ("qty", Arc::new(Int64Array::from_iter_values(at.map(|i| i % 7))) as _),
    ])
    .unwrap()
}

pub(super) fn part(first: i64, count: i64, ids: PartIds) -> (PartHead, Vec<u8>) {
    let head = FrameHead { stream: INPUT, schema_version: SchemaVersion(1) };
    let frame = encode(head, &[ColumnId(0), ColumnId(1), ColumnId(2)], &rows(first, count)).unwrap();
    let head = PartHead {
        stream: INPUT,
        schema_version: SchemaVersion(1),
        rows: count as u32,
        ids,
        first_sent: StampNs(0),
        replay: false,
    };
    (head, frame)
}

pub(super) fn sequence(first: u64) -> PartIds {
    PartIds::Sequence { producer: ProducerId(7), first }
}

pub(super) fn events(parts: &[(PartHead, Vec<u8>)], stamp: i64) -> Buffer {
    let mut writer = EventsWriter::new();
    parts.iter().for_each(|(head, frame)| writer.push(head, frame));
    writer.finish(StampNs(stamp))
}

pub(super) struct Host {
    pub(super) replica: Replica,
    index: u64,
    budget: usize,
    effects: Effects,
    /// Stream, ordinals and rows, of each entry.
    delivered: Vec<String>,
    pub(super) outcomes: Vec<Vec<Vec<OutcomeRun>>>,
}

impl Host {
    pub(super) fn new(budget: usize) -> Self {
        Host {
            replica: Replica::new(DedupLimits::default()),
            index: 0,
            budget,
            effects: Effects::default(),
            delivered: Vec::new(),
            outcomes: Vec::new(),
        }
    }

    pub(super) fn apply(&mut self, bytes: &Buffer) {
        self.index += 1;
        let entry = LogEntry::open(bytes).unwrap();
        while self.replica.apply(
            LogIndex(self.index),
            &entry,
            &mut Budget { rows: self.budget },
            &mut self.effects,
        ) == Progress::More
        {}
        for delivery in &self.effects.deliveries {
            let mut row = 0;
            for &(first, count) in &delivery.ordinals {
                for ordinal in first..first + count {
                    let values: Vec<String> = delivery
                        .rows
                        .columns()
                        .iter()
                        .map(|c| crate::column::Column::from_arrow(c).text_at(row))
                        .collect();
                    let text = values.join(" ");
                    self.delivered.push(format!("{}.{ordinal:03} {} {text}", self.index, delivery.stream.0));
                    row += 1;
                }
            }
        }
        self.outcomes.push(std::mem::take(&mut self.effects.outcomes));
        self.effects.clear();
    }
}

fn log() -> Vec<Buffer> {
    let stamp = StampNs(0);
    vec![
        log::activate(stamp, &activate("counts", COUNTS, 1, FIRST_OUTPUT)),
        events(&[part(0, 8, sequence(0)), part(8, 5, sequence(8))], 1),
        log::activate(stamp, &activate("big", BIG, 2, FIRST_OUTPUT + 20)),
        events(&[part(10, 12, sequence(10)), part(90, 2, sequence(90))], 2),
        events(&[part(22, 3, PartIds::Opaque(vec![EventId(1), EventId(2), EventId(1)]))], 3),
        log::tick(StampNs(4)),
        events(&[part(25, 30, sequence(22))], 5),
        log::end_of_input(StampNs(6), INPUT),
        log::config(StampNs(7), &Config { epoch: Epoch(5), retry_window_ns: 60_000_000_000, ids_max: 2 }),
    ]
}

fn run(budget: usize, restores: bool) -> (Vec<String>, Vec<Vec<Vec<OutcomeRun>>>, u64) {
    let mut host = Host::new(budget);
    for bytes in log() {
        host.apply(&bytes);
        if restores {
            let checkpoint = host.replica.checkpoint();
            let hash = host.replica.state_hash();
            host.replica = Replica::restore(DedupLimits::default(), &checkpoint).unwrap();
            assert_eq!((host.replica.checkpoint(), host.replica.state_hash()), (checkpoint, hash));
        }
    }
    let mut delivered = host.delivered;
    delivered.sort();
    (delivered, host.outcomes, host.replica.state_hash())
}

#[test]
fn each_row_is_applied_once_by_every_definition() {
    let (delivered, outcomes, _) = run(usize::MAX, false);
    let of = |rows, outcome| OutcomeRun { rows, outcome };
    assert_eq!(outcomes[1], [vec![of(8, Outcome::Applied)], vec![of(5, Outcome::Applied)]]);
    let gap = Outcome::Rejected(RejectReason::SequenceGap);
    assert_eq!(
        outcomes[3],
        [vec![of(3, Outcome::Duplicate), of(9, Outcome::Applied)], vec![of(2, gap)]],
        "sent again, and ahead of what is missing"
    );
    assert_eq!(outcomes[4], [vec![of(2, Outcome::Applied), of(1, Outcome::Duplicate)]]);
    // Each of the rows 0 to 54 is counted once, in windows of ten.
    let counted: i64 = delivered
        .iter()
        .filter(|line| line.split(' ').nth(1) == Some("11"))
        .map(|line| line.split(' ').nth(3).unwrap().parse::<i64>().unwrap())
        .sum();
    assert_eq!(counted, 54, "{delivered:#?}");
    assert!(delivered.iter().any(|line| line.split(' ').nth(1) == Some("35")), "{delivered:#?}");
}

#[test]
fn a_budget_and_a_restore_change_nothing() {
    let whole = run(usize::MAX, false);
    assert_eq!(run(1, false), whole);
    assert_eq!(run(usize::MAX, true), whole);
}

#[test]
fn a_fence_ends_one_definition_and_no_other() {
    let whole = run(usize::MAX, false).0;
    let mut host = Host::new(usize::MAX);
    let reason = "it aborted twice".to_owned();
    let fence =
        Fence { name: "big".into(), version: 1, epoch: Epoch(2), index: LogIndex(5), reason: reason.clone() };
    host.replica.fence(fence);
    log().iter().for_each(|bytes| host.apply(bytes));
    let other = |line: &&String| line.split(' ').nth(1) == Some("11");
    let without_ordinal = |line: &String| line.split_once(' ').unwrap().1.to_owned();
    let mut kept: Vec<String> = host.delivered.iter().filter(other).map(without_ordinal).collect();
    let mut wanted: Vec<String> = whole.iter().filter(other).map(without_ordinal).collect();
    kept.sort();
    wanted.sort();
    assert_eq!(kept, wanted);
    assert!(!host.delivered.iter().any(|line| line.starts_with("7.") && line.contains(" 35 ")));
    let fenced = host.replica.statuses().find(|status| status.name == "big").unwrap();
    assert_eq!(fenced.fenced, Some((LogIndex(5), reason.clone())));
    // What the log says comes to the same.
    let mut by_log = Host::new(usize::MAX);
    let mut entries = log();
    let fence =
        log::Quarantine { name: "big".into(), version: 1, epoch: Epoch(9), index: LogIndex(5), reason };
    entries.truncate(4);
    entries.push(log::quarantine(StampNs(2), &fence));
    entries.iter().for_each(|bytes| by_log.apply(bytes));
    assert!(by_log.replica.definition("big").is_none() && by_log.replica.definition("counts").is_some());
}

#[test]
fn a_later_decision_runs_what_was_fenced() {
    let reason = || "it aborted twice".to_owned();
    for by_log in [false, true] {
        let mut host = Host::new(usize::MAX);
        if !by_log {
            let epoch = Epoch(1);
            let fence =
                Fence { name: "counts".into(), version: 1, epoch, index: LogIndex(2), reason: reason() };
            host.replica.fence(fence);
        }
        host.apply(&log::activate(StampNs(0), &activate("counts", COUNTS, 1, FIRST_OUTPUT)));
        let fence = |epoch| log::Quarantine {
            name: "counts".into(),
            version: 1,
            epoch: Epoch(epoch),
            index: LogIndex(2),
            reason: reason(),
        };
        host.apply(&if by_log { log::quarantine(StampNs(0), &fence(2)) } else { log::tick(StampNs(0)) });
        assert!(host.replica.definition("counts").is_none(), "{by_log}");
        // The same version, deployed despite its fence; and the fence told once more, late.
        host.apply(&log::activate(StampNs(0), &activate("counts", COUNTS, 3, FIRST_OUTPUT)));
        assert!(host.replica.definition("counts").is_some(), "{by_log}");
        host.apply(&log::quarantine(StampNs(0), &fence(2)));
        host.apply(&log::tick(StampNs(0)));
        assert!(host.replica.definition("counts").is_some(), "{by_log}");
    }
}

#[test]
fn rows_that_nobody_takes_are_neither_applied_nor_remembered() {
    let mut host = Host::new(usize::MAX);
    let rows =
        || events(&[part(0, 8, sequence(0)), part(8, 2, PartIds::Opaque(vec![EventId(1), EventId(2)]))], 1);
    host.apply(&rows());
    host.apply(&log::activate(StampNs(0), &activate("counts", COUNTS, 1, FIRST_OUTPUT)));
    host.apply(&rows());
    let of = |outcome| [vec![OutcomeRun { rows: 8, outcome }], vec![OutcomeRun { rows: 2, outcome }]];
    assert_eq!(host.outcomes[0], of(Outcome::Rejected(RejectReason::NoReader)));
    assert_eq!(host.outcomes[2], of(Outcome::Applied));
}

#[test]
fn an_older_decision_changes_nothing() {
    let mut host = Host::new(usize::MAX);
    host.apply(&log::activate(StampNs(0), &activate("counts", COUNTS, 5, FIRST_OUTPUT)));
    let stop =
        |epoch| Activate { name: "counts".into(), version: 1, epoch: Epoch(epoch), action: Action::Stop };
    host.apply(&log::activate(StampNs(0), &stop(5)));
    assert!(host.replica.definition("counts").is_some());
    host.apply(&log::activate(StampNs(0), &stop(6)));
    assert!(host.replica.definition("counts").is_none());
}

#[test]
fn damaged_checkpoints_are_refused() {
    let mut host = Host::new(usize::MAX);
    log().iter().for_each(|bytes| host.apply(bytes));
    let good = host.replica.checkpoint();
    for len in 0..good.len() {
        assert!(Replica::restore(DedupLimits::default(), &good[..len]).is_err(), "{len} of {}", good.len());
    }
}

const SOURCED: &str =
    "CREATE STREAM trades (ts TIMESTAMP NOT NULL, symbol STRING NOT NULL, qty BIGINT) WITH (
    type = 'source', extension = 'file', format = 'csv', \"file.path\" = 't.csv', \"event.time\" = 'ts');
CREATE STREAM out AS SELECT symbol, qty FROM trades;";

/// An activation of [`SOURCED`] with its connectors.
fn sourced(epoch: u64, connectors: Connectors) -> Activate {
    let mut activate = activate("sourced", SOURCED, epoch, FIRST_OUTPUT);
    if let Action::Run { connectors: on, .. } = &mut activate.action {
        *on = connectors;
    }
    activate
}

fn of_source(epoch: u64, first: u64) -> PartIds {
    PartIds::Source { source: log::source_id("sourced", Epoch(epoch), INPUT, INPUT), first }
}

#[test]
fn a_source_is_taken_once_and_goes_with_its_activation() {
    let mut host = Host::new(usize::MAX);
    host.apply(&log::activate(StampNs(0), &sourced(1, Connectors::On)));
    host.apply(&events(&[part(0, 8, of_source(1, 0))], 1));
    host.apply(&events(&[part(5, 6, of_source(1, 5)), part(20, 2, of_source(1, 20))], i64::MAX));
    let runs =
        |outcomes: &[OutcomeRun]| outcomes.iter().map(|run| (run.rows, run.outcome)).collect::<Vec<_>>();
    let last = host.outcomes.last().unwrap();
    assert_eq!(runs(&last[0]), [(3, Outcome::Duplicate), (3, Outcome::Applied)], "its age is no matter");
    assert_eq!(runs(&last[1]), [(2, Outcome::Rejected(RejectReason::SequenceGap))]);
    assert_eq!(host.delivered.len(), 11);
    let id = |epoch| log::source_id("sourced", Epoch(epoch), INPUT, INPUT);
    assert_eq!(host.replica.next_of_source(id(1)), Some(11));
    // A restore goes on there, with the same hash.
    let hash = host.replica.state_hash();
    host.replica = Replica::restore(DedupLimits::default(), &host.replica.checkpoint()).unwrap();
    assert_eq!((host.replica.next_of_source(id(1)), host.replica.state_hash()), (Some(11), hash));
    // Another activation begins its sources anew; what is under way of the one before is nobody's.
    host.apply(&log::activate(StampNs(0), &sourced(2, Connectors::On)));
    host.apply(&events(&[part(11, 4, of_source(1, 11)), part(0, 3, of_source(2, 0))], i64::MAX));
    let last = host.outcomes.last().unwrap();
    assert_eq!(runs(&last[0]), [(4, Outcome::Duplicate)]);
    assert_eq!(runs(&last[1]), [(3, Outcome::Applied)]);
    assert!(!host.replica.has_ended("sourced", INPUT));
    host.apply(&log::end_of_input(StampNs(0), INPUT));
    assert!(host.replica.has_ended("sourced", INPUT));
    // With connectors off it has no sources.
    host.apply(&log::activate(StampNs(0), &sourced(3, Connectors::Off)));
    assert_eq!(host.replica.next_of_source(id(3)), None);
}

#[test]
fn the_newest_config_holds_and_an_older_one_says_nothing() {
    let mut host = Host::new(1_000);
    host.apply(&log::activate(StampNs(0), &activate("counts", COUNTS, 1, FIRST_OUTPUT)));
    let config = |epoch, ids_max| Config { epoch: Epoch(epoch), retry_window_ns: 1_000, ids_max };
    host.apply(&log::config(StampNs(1), &config(7, 2)));
    host.apply(&log::config(StampNs(1), &config(6, 100)));
    assert_eq!(host.replica.config(), Some(&config(7, 2)));
    let ids = |ids: &[u128]| PartIds::Opaque(ids.iter().map(|&id| EventId(id)).collect());
    host.apply(&events(&[part(0, 2, ids(&[1, 2])), part(2, 1, ids(&[3]))], 2));
    let outcomes: Vec<Outcome> = host.outcomes[3].iter().map(|runs| runs[0].outcome).collect();
    assert_eq!(outcomes, [Outcome::Applied, Outcome::Rejected(RejectReason::Full)]);
    let restored = Replica::restore(DedupLimits::default(), &host.replica.checkpoint()).unwrap();
    assert_eq!(restored.config(), Some(&config(7, 2)));
    assert_eq!(restored.state_hash(), host.replica.state_hash());
}
