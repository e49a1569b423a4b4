//! A message whose parts contradict each other is not sent; nor is it read, by the same checks.

use cep_types::frame::ColumnId;
use cep_types::{LogIndex, Op, SpaceId};
use net_wire::*;

use crate::fixed::{ROW, all};

/// Why a message is not sent.
fn refused(message: impl Into<Message<'static>>) -> String {
    let mut out = vec![1, 2, 3];
    let error = Encoder::default().encode(RequestId(1), &message.into(), &mut out).unwrap_err();
    assert_eq!(out, [1, 2, 3]);
    assert!(matches!(error, WireError::Unsendable { .. }));
    error.to_string()
}

fn golden<T>(pick: impl Fn(Message<'static>) -> Option<T>) -> T {
    all().into_iter().find_map(|(_, _, message)| pick(message)).unwrap()
}

#[test]
fn appends() {
    let append = golden(|message| if let Message::Append(append) = message { Some(append) } else { None });
    let row: &'static [u8] = &ROW;
    let none = EventIds::Opaque(List::default());
    assert!(refused(Append { ids: none, ..append }).contains("no event ids"));
    assert!(refused(Append { rows: &[], ..append }).contains("no rows"));
    assert!(refused(Append { rows: &row[..row.len() - 64], ..append }).contains("not one event frame"));
    assert!(refused(Append { rows: b"rows", ..append }).contains("not an event frame"));
    let nobody = EventIds::Sequence { producer: cep_types::ProducerId(0), first: 1 };
    assert!(refused(Append { ids: nobody, ..append }).contains("producer 0"));
}

#[test]
fn acks() {
    let refused_run = |outcome, count, place, details: &'static [&'static str]| {
        let runs: &'static [Run; 1] = Box::leak(Box::new([Run { count, outcome, place }]));
        let credits = Window::default();
        refused(Ack { runs: runs.into(), details: details.into(), credits, failure: None })
    };
    let rejected = |detail| Outcome::Rejected(Rejected { reason: Reason::Value, detail: Some(detail) });
    assert!(refused_run(Outcome::Applied, 0, None, &[]).contains("no rows"));
    assert!(refused_run(Outcome::Applied, 1, Some((LogIndex(0), 1)), &[]).contains("log index 0"));
    assert!(refused_run(rejected(0), 1, None, &[]).contains("detail 0 of 0"));
    assert!(refused_run(rejected(u16::MAX), 1, None, &[""; 70_000]).contains("too many details"));
    let runs: &[Run; 1] = &[Run { count: 1, outcome: Outcome::Applied, place: None }];
    let busy = Failure::new(Status::TransientBackpressure, "wait");
    let ack =
        Ack { runs: runs.into(), details: Texts::default(), credits: Window::default(), failure: Some(busy) };
    assert!(refused(ack).contains("both runs and a failure"));
    let ok = Some(Failure::none());
    assert!(refused(Ack { runs: List::default(), failure: ok, ..ack }).contains("without a status"));
    assert!(refused(Failure::none()).contains("without a status"));
}

#[test]
fn deliveries() {
    let delivery = golden(|message| match message {
        Message::Delivery(delivery) if !delivery.rows.is_empty() => Some(delivery),
        _ => None,
    });
    let ids: &[u64; 2] = &[1, 2];
    assert!(refused(Delivery { derived_ids: ids.into(), ..delivery }).contains("2 derived ids for 1 rows"));
    let ops: &[Op; 2] = &[Op::Insert, Op::Delete];
    assert!(refused(Delivery { ops: ops.into(), ..delivery }).contains("2 operations for 1 rows"));
    assert!(refused(Delivery { rows: &[], ..delivery }).contains("1 positions for 0 bytes"));
    let position = |ordinal, count| PositionRun { first: Position { index: LogIndex(1), ordinal }, count };
    let endless: &'static [PositionRun; 1] = Box::leak(Box::new([position(u32::MAX, 1)]));
    assert!(refused(Delivery { positions: endless.into(), ..delivery }).contains("no end"));
    let empty: &'static [PositionRun; 2] = Box::leak(Box::new([position(1, 1), position(2, 0)]));
    assert!(refused(Delivery { positions: empty.into(), ..delivery }).contains("empty"));
}

#[test]
fn routing_tables() {
    let refused = |change: fn(&mut Routing)| {
        let mut routing =
            golden(|message| if let Message::Routing(routing) = message { Some(routing) } else { None });
        change(&mut routing);
        refused(routing)
    };
    assert!(refused(|table| table.spaces[0].leaders.clear()).contains("no partitions"));
    assert!(refused(|table| table.spaces[0].leaders[3] = Some(2)).contains("endpoint that is not there"));
    assert!(refused(|table| table.streams[0].space = SpaceId(9)).contains("in no space"));
    assert!(refused(|table| table.streams[0].key[0] = ColumnId(3)).contains("does not have"));
    assert!(refused(|table| table.streams[0].event_time = Some(ColumnId(3))).contains("does not have"));
    let odd = |table: &mut Routing| {
        let field = arrow_schema::Field::new("odd", arrow_schema::DataType::UInt8, true);
        table.streams[0].columns.push(Column { id: ColumnId(99), field });
    };
    assert!(refused(odd).contains("no type of a stream"));
}

#[test]
fn queries() {
    let query = Query { sql: "", space: "", partition: None, rows_max: 0, timeout_ms: 0, parameters: &[] };
    assert!(refused(query).contains("no statement"));
    let failure = Some(Failure::none());
    let end = QueryEnd { failure, rows: 0, parts: 0, is_truncated: false, read_at: List::default() };
    assert!(refused(end).contains("without a status"));
    let sql: &'static str = Box::leak("x".repeat(MESSAGE_BYTES_MIN as usize).into());
    let long = Query { sql, ..query };
    let error = Encoder::new(MESSAGE_BYTES_MIN).encode(RequestId(1), &long.into(), &mut Vec::new());
    assert!(error.unwrap_err().to_string().contains("split it"));
}
