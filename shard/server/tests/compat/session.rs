//! What a client sends, and the answers as text without what differs between two runs.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use arrow_array::{ArrayRef, Float64Array, RecordBatch, StringArray, TimestampNanosecondArray};
use arrow_buffer::Buffer;
use cep_types::frame::{ColumnId, Frame, FrameHead, encode};
use cep_types::{PartitionId, ProducerId, StampNs};
use net_wire::{
    Append, AuthMethod, Credentials, Decoder, Encoder, EventIds, Failure, Features, GetRouting, Goodbye,
    Hello, MESSAGE_BYTES_DEFAULT, Message, PROTOCOL, Query, RequestId, Routing, Side, Start, Stream,
    Subscribe, Window,
};

const PATIENCE: Duration = Duration::from_secs(30);
const SECOND_NS: i64 = 1_000_000_000;
/// 2024-05-01T00:00:00Z.
const BEGIN_NS: i64 = 1_714_521_600 * SECOND_NS;

/// A connection.
pub struct Link {
    stream: TcpStream,
    decoder: Decoder,
}

impl Link {
    pub fn open(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut decoder = Decoder::new(Side::Client);
        decoder.establish(MESSAGE_BYTES_DEFAULT);
        Link { stream, decoder }
    }

    pub fn send(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).unwrap();
    }

    /// The next message that is wanted; `None` when the node has closed the connection.
    pub fn next<T>(&mut self, mut wanted: impl FnMut(u64, &Message<'_>) -> Option<T>) -> Option<T> {
        loop {
            while let Some(envelope) = self.decoder.next().expect("the node sends what is well formed") {
                if let Some(found) = wanted(envelope.request.0, &envelope.message) {
                    return Some(found);
                }
            }
            let room = self.decoder.room();
            match self.stream.read(room).unwrap() {
                0 => return None,
                count => self.decoder.advance(count),
            }
        }
    }

    /// Shakes hands and fetches the routing table.
    pub fn greet(&mut self) -> Routing {
        self.send(&bytes(1, hello()));
        self.send(&bytes(2, GetRouting { known: None }));
        self.next(|request, message| match message {
            Message::Routing(table) if request == 2 => Some(table.clone()),
            _ => None,
        })
        .unwrap()
    }
}

fn bytes<'a>(request: u64, message: impl Into<Message<'a>>) -> Vec<u8> {
    let mut bytes = Vec::new();
    Encoder::default().encode(RequestId(request), &message.into(), &mut bytes).unwrap();
    bytes
}

fn hello() -> Hello<'static> {
    Hello {
        versions: PROTOCOL,
        features: Features::ALL,
        client: "compat",
        cluster: "",
        credentials: Credentials { method: AuthMethod::None, proof: &[] },
        message_bytes_max: MESSAGE_BYTES_DEFAULT,
    }
}

/// Readings by number: ten seconds apart, of three sensors, some of them hot.
fn frame(stream: &Stream, first: i64, count: i64) -> Vec<u8> {
    let rows = first..first + count;
    let at: ArrayRef = Arc::new(TimestampNanosecondArray::from_iter_values(
        rows.clone().map(|i| BEGIN_NS + i * 10 * SECOND_NS),
    ));
    let sensor: ArrayRef =
        Arc::new(StringArray::from_iter_values(rows.clone().map(|i| format!("s{}", i % 3))));
    let value: ArrayRef = Arc::new(
        rows.map(|i| (i % 10 != 7).then_some(0.1 + (i * 37 % 120) as f64)).collect::<Float64Array>(),
    );
    let batch = RecordBatch::try_from_iter([("at", at), ("sensor", sensor), ("value", value)]).unwrap();
    let ids: Vec<ColumnId> = stream.columns.iter().map(|column| column.id).collect();
    encode(FrameHead { stream: stream.id, schema_version: stream.schema_version }, &ids, &batch).unwrap()
}

fn append<'a>(stream: &Stream, first: i64, first_sent_ns: i64, rows: &'a [u8]) -> Append<'a> {
    let first = u64::try_from(first).unwrap();
    Append {
        stream: stream.id,
        schema_version: stream.schema_version,
        partition: PartitionId(0),
        routing_epoch: cep_types::Epoch(1),
        ids: EventIds::Sequence { producer: ProducerId(77), first },
        first_sent: StampNs(first_sent_ns),
        replay: false,
        timeout_ms: 0,
        rows,
    }
}

/// Appends readings `first..first + count`, and waits for the ack.
pub fn fill(address: SocketAddr, first: i64, count: i64) {
    let mut link = Link::open(address);
    let routing = link.greet();
    let stream = routing.stream("readings").unwrap();
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    let rows = frame(stream, first, count);
    link.send(&bytes(3, append(stream, first, i64::try_from(now.as_nanos()).unwrap(), &rows)));
    let failure = link.next(|request, message| match message {
        Message::Ack(ack) if request == 3 => Some(ack.failure.map(|failure| failure.text.to_owned())),
        _ => None,
    });
    assert_eq!(failure, Some(None));
}

/// A session that finds the same whenever it is held: all that is asked is in the past.
pub fn recorded(routing: &Routing) -> Vec<u8> {
    let all = Window { events: u64::MAX, bytes: u64::MAX };
    let mut sent = bytes(1, hello());
    sent.extend(bytes(2, GetRouting { known: None }));
    for (request, name) in [(3, "hot"), (4, "minutes")] {
        let stream = routing.stream(name).unwrap().id;
        let start = Start::Earliest;
        let (partition, routing_epoch) = (PartitionId(0), routing.epoch);
        sent.extend(bytes(request, Subscribe { stream, partition, routing_epoch, start, allowed: all }));
    }
    let stream = routing.stream("readings").unwrap();
    let rows = frame(stream, 0, 5);
    // First sent long ago: whether these rows are new cannot be told any more.
    sent.extend(bytes(5, append(stream, 0, BEGIN_NS, &rows)));
    let sql = "SELECT AGG_TIMESTAMP, sensor, total FROM totals WITHIN '2024-05-01', '2024-05-02' PER 'hours' ORDER BY sensor, AGG_TIMESTAMP";
    let (space, parameters) = ("main", &[][..]);
    sent.extend(bytes(6, Query { sql, space, partition: None, rows_max: 0, timeout_ms: 0, parameters }));
    sent.extend(bytes(7, Goodbye { failure: Failure::none(), drain_ms: 0 }));
    sent
}

/// The answers to a session, in order of requests.
pub fn answers(address: SocketAddr, sent: &[u8]) -> String {
    let mut link = Link::open(address);
    // The farewell goes out when all else is answered.
    let (asked, farewell) = sent.split_at(last_message(sent));
    link.send(asked);
    let mut lines: Vec<(u64, String)> = Vec::new();
    let mut done = 0;
    // The append and the query.
    while done < 2 {
        let line = link.next(|request, message| Some((request, line(message)))).expect("it is open");
        if let (request, Some((text, is_last))) = line {
            done += usize::from(is_last);
            lines.push((request, text));
        }
    }
    // Rows that are kept come at once, in deliveries of their own.
    std::thread::sleep(Duration::from_millis(300));
    link.send(farewell);
    link.stream.shutdown(Shutdown::Write).unwrap();
    while let Some((request, said)) = link.next(|request, message| Some((request, line(message)))) {
        lines.extend(said.map(|(text, _)| (request, text)));
    }
    lines.sort_by_key(|(request, _)| *request);
    lines.into_iter().map(|(request, text)| format!("{request}: {text}\n")).collect()
}

/// Where the last message begins.
fn last_message(sent: &[u8]) -> usize {
    let mut at = 0;
    loop {
        let length = u32::from_le_bytes(sent[at + 8..at + 12].try_into().unwrap()) as usize;
        if at + length == sent.len() {
            return at;
        }
        at += length;
    }
}

/// A message as text, and whether it ends what was asked; nothing for what differs between runs.
fn line(message: &Message<'_>) -> Option<(String, bool)> {
    Some(match message {
        Message::Welcome(welcome) => {
            let (version, features) = (welcome.version, welcome.features);
            (format!("Welcome version {version:?} features {features:?} cluster {}", welcome.cluster), false)
        }
        Message::Routing(table) => {
            let streams: Vec<String> =
                table.streams.iter().map(|s| format!("{} {} {:?}", s.id.0, s.name, s.changelog)).collect();
            (format!("Routing {}", streams.join(", ")), false)
        }
        Message::Subscribed(subscribed) => (format!("Subscribed {:?}", subscribed.columns), false),
        Message::Delivery(delivery) => {
            let positions: Vec<String> = delivery
                .positions
                .iter()
                .map(|run| format!("{}.{}+{}", run.first.index.0, run.first.ordinal, run.count))
                .collect();
            let ids: Vec<String> = delivery.derived_ids.iter().map(|id| format!("{id:016x}")).collect();
            (format!("Delivery {} {} {}", positions.join(" "), ids.join(" "), rows(delivery.rows)), false)
        }
        Message::Ack(ack) => {
            let failure = ack.failure.as_ref().map(|failure| failure.status);
            (format!("Ack {failure:?} {:?}", ack.runs.iter().collect::<Vec<_>>()), true)
        }
        Message::QueryRows(part) => (format!("QueryRows {}", rows(part.rows)), false),
        Message::QueryEnd(end) => {
            let failure = end.failure.as_ref().map(|failure| (failure.status, failure.text));
            (format!("QueryEnd {failure:?} {} rows", end.rows), true)
        }
        Message::SubscriptionEnd(_) | Message::Heartbeat(_) | Message::Goodbye(_) => return None,
        other => (format!("{:?}", other.kind()), false),
    })
}

/// The rows of a frame, column by column.
fn rows(bytes: &[u8]) -> String {
    let frame = Frame::open(&Buffer::from(bytes)).unwrap();
    let columns: Vec<String> = frame.columns().iter().map(|column| format!("{:?}", column.array)).collect();
    columns.join(" ").split_whitespace().collect::<Vec<_>>().join(" ")
}
