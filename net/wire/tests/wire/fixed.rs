//! One message of every kind, always the same: what the golden files hold and the documentation shows.

use std::sync::{Arc, LazyLock};

use arrow_array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use arrow_schema::{DataType, Field, Fields, TimeUnit};
use cep_types::frame::{ColumnId, FrameHead, SchemaVersion, encode};
use cep_types::hash::SpaceSeed;
use cep_types::sql_type::tag_json;
use cep_types::{Epoch, EventId, LogIndex, Op, PartitionId, ProducerId, SpaceId, StampNs, StreamId};
use net_wire::*;

/// 2026-01-01T00:00:00 UTC.
const NEW_YEAR_NS: i64 = 1_767_225_600_000_000_000;

/// One row: temperature 21 of sensor "kitchen".
pub static ROW: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let temperature: ArrayRef = Arc::new(Int64Array::from(vec![21]));
    let sensor: ArrayRef = Arc::new(StringArray::from(vec!["kitchen"]));
    let rows = RecordBatch::try_from_iter([("temperature", temperature), ("sensor", sensor)]).unwrap();
    let head = FrameHead { stream: StreamId(3), schema_version: SchemaVersion(1) };
    encode(head, &[ColumnId(1), ColumnId(2)], &rows).unwrap()
});

static FAILURE: Failure<'_> = Failure {
    status: Status::PermanentPositionExpired,
    text: "rows before index 500 are gone: begin at the earliest",
    retry_after_ms: 0,
    earliest: Some(Position { index: LogIndex(500), ordinal: 2 }),
    redirect: None,
    routing_epoch: None,
    versions: None,
};

fn columns() -> Vec<Column> {
    let column = |id, field| Column { id: ColumnId(id), field };
    let time = DataType::Timestamp(TimeUnit::Nanosecond, None);
    let point = Fields::from(vec![
        Field::new("x", DataType::Float64, false),
        tag_json(Field::new("note", DataType::Utf8, true)),
    ]);
    vec![
        column(1, Field::new("temperature", DataType::Int64, true)),
        column(2, Field::new("sensor", DataType::Utf8, false)),
        column(4, Field::new("ts", time, false)),
        column(7, Field::new("price", DataType::Decimal128(10, 2), true)),
        column(9, Field::new("place", DataType::Struct(point), true)),
    ]
}

fn routing() -> Routing {
    let endpoint = |address: &str, shard| Endpoint { address: address.to_owned(), node: 1, shard };
    Routing {
        epoch: Epoch(12),
        endpoints: vec![endpoint("ceptra-1.example:7400", 0), endpoint("[2001:db8::1]:7401", 1)],
        spaces: vec![Space {
            id: SpaceId(5),
            name: "main".to_owned(),
            seed: SpaceSeed(0x0f0e_0d0c_0b0a_0908_0706_0504_0302_0100),
            leaders: vec![Some(0), Some(1), None, Some(0)],
        }],
        streams: vec![Stream {
            id: StreamId(3),
            name: "readings".to_owned(),
            space: SpaceId(5),
            schema_version: SchemaVersion(1),
            columns: columns(),
            key: vec![ColumnId(2)],
            event_time: Some(ColumnId(4)),
            changelog: Changelog::Append,
            can_append: true,
            can_subscribe: false,
        }],
    }
}

fn session() -> Vec<(&'static str, u64, Message<'static>)> {
    let hello = Hello {
        versions: Versions { min: 1, max: 1 },
        features: Features::ALL,
        client: "example 1.0",
        cluster: "",
        credentials: Credentials { method: AuthMethod::Token, proof: b"secret" },
        message_bytes_max: MESSAGE_BYTES_DEFAULT,
    };
    let welcome = Welcome {
        version: 1,
        features: Features::APPEND.common(Features::ALL),
        server: "ceptra 0.1.0",
        cluster: "plant",
        node: 1,
        shard: 0,
        role: Role::Ingest,
        event_bytes_max: EVENT_BYTES_DEFAULT,
        message_bytes_max: MESSAGE_BYTES_DEFAULT,
        heartbeat_ms: HEARTBEAT_MS_DEFAULT,
        retry_window_ms: RETRY_WINDOW_MS_DEFAULT,
        credits: Window { events: 10_000, bytes: 1 << 20 },
        routing_epoch: Epoch(12),
        time_ns: NEW_YEAR_NS,
    };
    let versions = Some(Versions { min: 2, max: 4 });
    let old = Failure {
        versions,
        ..Failure::new(Status::PermanentVersion, "this server speaks versions 2 to 4: upgrade the client")
    };
    vec![
        ("hello", 1, hello.into()),
        ("welcome", 1, welcome.into()),
        ("heartbeat", 2, Heartbeat { reply: true, sent_ns: NEW_YEAR_NS + 1 }.into()),
        ("goodbye", 0, Goodbye { failure: Failure::none(), drain_ms: 2_000 }.into()),
        ("error", 1, old.into()),
    ]
}

fn appends() -> Vec<(&'static str, u64, Message<'static>)> {
    let append = Append {
        stream: StreamId(3),
        schema_version: SchemaVersion(1),
        partition: PartitionId(1),
        routing_epoch: Epoch(12),
        ids: EventIds::Sequence { producer: ProducerId(0xfeed), first: 41 },
        first_sent: StampNs(NEW_YEAR_NS),
        replay: false,
        timeout_ms: 1_000,
        rows: &ROW,
    };
    let ids: &[EventId; 1] = &[EventId(0x0011_2233_4455_6677_8899_aabb_ccdd_eeff)];
    let opaque = Append { ids: EventIds::Opaque(ids.into()), replay: true, ..append };
    let at = |row| Some((LogIndex(77), row));
    let run = |count, outcome, place| Run { count, outcome, place };
    let rejected = Rejected { reason: Reason::FutureTime, detail: Some(0) };
    let mixed: &'static [Run; 4] = Box::leak(Box::new([
        run(90, Outcome::Applied, at(5)),
        run(3, Outcome::Duplicate, at(95)),
        run(6, Outcome::LateDropped, at(98)),
        run(1, Outcome::Rejected(rejected), None),
    ]));
    let applied: &'static [Run; 1] = Box::leak(Box::new([run(1, Outcome::Applied, at(5))]));
    let credits = Window { events: 9_000, bytes: 900_000 };
    let details: &'static [&'static str] = &["ts is 8 s ahead of the server: set the clock"];
    let ack = Ack { runs: applied.into(), details: Texts::default(), credits, failure: None };
    let moved = Failure {
        retry_after_ms: 20,
        redirect: Some("ceptra-2.example:7400"),
        routing_epoch: Some(Epoch(13)),
        ..Failure::new(Status::TransientRedirect, "partition 1 of main moved: fetch the routing table")
    };
    vec![
        ("append", 3, append.into()),
        ("append-opaque", 4, opaque.into()),
        ("ack", 3, ack.into()),
        ("ack-mixed", 5, Ack { runs: mixed.into(), details: details.into(), ..ack }.into()),
        ("ack-refused", 6, Ack { runs: List::default(), failure: Some(moved), ..ack }.into()),
        ("credits", 0, Credits { space: SpaceId(5), partition: PartitionId(1), credits }.into()),
        ("get-routing", 7, GetRouting { known: Some(Epoch(11)) }.into()),
        ("routing", 7, routing().into()),
    ]
}

fn subscriptions() -> Vec<(&'static str, u64, Message<'static>)> {
    let position = |index, ordinal| Position { index: LogIndex(index), ordinal };
    let allowed = Window { events: 1_000, bytes: 1 << 20 };
    let subscribe = Subscribe {
        stream: StreamId(3),
        partition: PartitionId(0),
        routing_epoch: Epoch(12),
        start: Start::After(position(600, 4)),
        allowed,
    };
    let subscribed = Subscribed {
        schema_version: SchemaVersion(1),
        changelog: Changelog::Upsert,
        columns: columns(),
        after: position(600, 4),
    };
    let positions: &[PositionRun; 1] =
        &[PositionRun { first: Position { index: LogIndex(601), ordinal: 0 }, count: 1 }];
    let delivery = Delivery {
        positions: positions.into(),
        derived_ids: (&[0x0123_4567_89ab_cdef_u64]).into(),
        ops: (&[Op::UpdateAfter]).into(),
        watermark_ns: Some(NEW_YEAR_NS),
        rows: &ROW,
    };
    let quiet = Delivery {
        positions: List::default(),
        derived_ids: List::default(),
        ops: List::default(),
        watermark_ns: Some(NEW_YEAR_NS + 1_000_000_000),
        rows: &[],
    };
    vec![
        ("subscribe", 8, subscribe.into()),
        ("subscribed", 8, subscribed.into()),
        ("delivery", 8, delivery.into()),
        ("delivery-watermark", 8, quiet.into()),
        ("allow", 8, Allow { allowed: Window { events: 2_000, bytes: 2 << 20 } }.into()),
        ("subscription-end", 8, SubscriptionEnd { failure: FAILURE, last: position(601, 0) }.into()),
    ]
}

fn queries() -> Vec<(&'static str, u64, Message<'static>)> {
    let query = Query {
        sql: "SELECT sensor, temperature FROM latest WHERE temperature > $1 AND sensor <> $2",
        space: "main",
        partition: None,
        rows_max: 100,
        timeout_ms: 500,
        parameters: &ROW,
    };
    let read_at: &[ReadAt; 2] = &[
        ReadAt { partition: PartitionId(0), index: LogIndex(601) },
        ReadAt { partition: PartitionId(1), index: LogIndex(77) },
    ];
    let end = QueryEnd { failure: None, rows: 1, parts: 1, is_truncated: true, read_at: read_at.into() };
    let wrong = Failure::new(Status::PermanentQuery, "no table 'latst'; did you mean 'latest'?");
    let failed =
        QueryEnd { failure: Some(wrong), rows: 0, parts: 0, is_truncated: false, read_at: List::default() };
    vec![
        ("query", 9, query.into()),
        ("query-rows", 9, QueryRows { part: 0, columns: columns(), rows: &ROW }.into()),
        ("query-end", 9, end.into()),
        ("query-end-failed", 10, failed.into()),
        ("cancel", 8, Cancel.into()),
    ]
}

/// Name, request id and message of each.
pub fn all() -> Vec<(&'static str, u64, Message<'static>)> {
    [session(), appends(), subscriptions(), queries()].concat()
}

/// The bytes of one.
pub fn bytes(name: &str) -> Vec<u8> {
    let found = all().into_iter().find(|(known, ..)| *known == name);
    let (_, request, message) = found.unwrap_or_else(|| panic!("no message {name}"));
    encoded(request, &message)
}

/// The bytes of a message.
pub fn encoded(request: u64, message: &Message<'_>) -> Vec<u8> {
    let mut out = Vec::new();
    Encoder::new(MESSAGE_BYTES_MAX).encode(RequestId(request), message, &mut out).unwrap();
    out
}

/// The side that receives a kind.
pub fn receiver(kind: Kind) -> Side {
    if kind.is_sent_by(Side::Client) { Side::Server } else { Side::Client }
}

/// A decoder after the handshake.
pub fn established(receiver: Side) -> Decoder {
    let mut decoder = Decoder::new(receiver);
    decoder.establish(MESSAGE_BYTES_DEFAULT);
    decoder
}

#[test]
fn there_is_one_of_every_kind() {
    let mut kinds: Vec<Kind> = all().iter().map(|(_, _, message)| message.kind()).collect();
    kinds.sort_unstable();
    kinds.dedup();
    assert_eq!(kinds, Kind::NAMED);
}
