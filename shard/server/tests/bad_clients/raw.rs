//! A connection that sends any bytes, and reads what comes back.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use arrow_array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use arrow_buffer::Buffer;
use cep_types::frame::{ColumnId, Frame, FrameHead, encode};
use cep_types::{PartitionId, ProducerId, StampNs};
use net_wire::{
    Append, AuthMethod, Credentials, Decoder, Encoder, EventIds, Features, GetRouting, Hello,
    MESSAGE_BYTES_DEFAULT, Message, Outcome, PROTOCOL, RequestId, Routing, Side, Status, Stream, Versions,
};

const PATIENCE: Duration = Duration::from_secs(30);

/// What an answer was, as far as these tests look.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Said {
    Welcome,
    Routing,
    Heartbeat,
    Subscribed,
    /// An Error, of a request or 0.
    Error(u64, Status),
    /// The outcomes of an append's rows, by runs.
    Ack(u64, Vec<(u32, Outcome)>),
    /// An append that was refused whole.
    Refused(u64, Status),
    /// A subscription or query that ended.
    Ended(u64, Status),
    /// Rows of a subscription: their first columns.
    Rows(Vec<i64>),
    Other,
}

pub struct Raw {
    stream: TcpStream,
    decoder: Decoder,
    pub routing: Routing,
}

impl Raw {
    /// Connects, and says nothing.
    pub fn silent(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_nodelay(true).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        let mut decoder = Decoder::new(Side::Client);
        decoder.establish(MESSAGE_BYTES_DEFAULT);
        Raw { stream, decoder, routing: Routing::default() }
    }

    /// Connects and shakes hands, without the routing table.
    pub fn greeted(address: SocketAddr) -> Self {
        let mut raw = Raw::silent(address);
        raw.send(&message(1, hello()));
        assert_eq!(raw.next(), Some(Said::Welcome));
        raw
    }

    /// Connects, shakes hands and fetches the routing table.
    pub fn open(address: SocketAddr) -> Self {
        let mut raw = Raw::greeted(address);
        raw.send(&message(2, GetRouting { known: None }));
        while raw.next() != Some(Said::Routing) {}
        raw
    }

    pub fn send(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).unwrap();
    }

    /// Sends although the node may have closed the connection.
    pub fn try_send(&mut self, bytes: &[u8]) -> bool {
        self.stream.write_all(bytes).is_ok()
    }

    pub fn finish(&self) {
        self.stream.shutdown(Shutdown::Write).unwrap();
    }

    pub fn set_patience(&self, patience: Duration) {
        self.stream.set_read_timeout(Some(patience)).unwrap();
        self.stream.set_write_timeout(Some(patience)).unwrap();
    }

    /// The next message; `None` when the node has closed the connection.
    pub fn next(&mut self) -> Option<Said> {
        loop {
            if let Some(envelope) = self.decoder.next().expect("the node sends what is well formed") {
                let (said, table) = judge(envelope.request.0, &envelope.message);
                self.routing = table.unwrap_or(std::mem::take(&mut self.routing));
                return Some(said);
            }
            let room = self.decoder.room();
            match self.stream.read(room) {
                Ok(0) => return None,
                Ok(count) => self.decoder.advance(count),
                Err(error) if error.kind() == ErrorKind::ConnectionReset => return None,
                Err(error) => panic!("nothing comes: {error}"),
            }
        }
    }

    /// The next message that is no heartbeat and no news of the routing.
    pub fn answer(&mut self) -> Option<Said> {
        loop {
            match self.next() {
                Some(Said::Heartbeat | Said::Routing) => {}
                other => return other,
            }
        }
    }

    /// Demands that an error comes, of that request, and the connection ends.
    pub fn demand_end(&mut self, request: u64, status: Status) {
        assert_eq!(self.answer(), Some(Said::Error(request, status)));
        assert_eq!(self.answer(), None, "the connection is closed");
    }

    /// Demands that the connection still works.
    pub fn demand_alive(&mut self) {
        self.send(&message(u64::MAX, net_wire::Heartbeat { reply: false, sent_ns: 5 }));
        assert_eq!(self.next(), Some(Said::Heartbeat));
    }

    /// The first columns of so many rows that a subscription delivers.
    pub fn rows_of(&mut self, count: usize) -> Vec<i64> {
        let mut out = Vec::new();
        while out.len() < count {
            match self.answer() {
                Some(Said::Subscribed) => {}
                Some(Said::Rows(rows)) => out.extend(rows),
                other => panic!("{other:?}"),
            }
        }
        out
    }

    /// A stream of the routing table.
    pub fn stream(&self, name: &str) -> Stream {
        self.routing.stream(name).unwrap().clone()
    }
}

fn judge(request: u64, message: &Message<'_>) -> (Said, Option<Routing>) {
    let said = match message {
        Message::Welcome(_) => Said::Welcome,
        Message::Routing(table) => return (Said::Routing, Some(table.clone())),
        Message::Heartbeat(_) => Said::Heartbeat,
        Message::Subscribed(_) => Said::Subscribed,
        Message::Error(failure) => Said::Error(request, failure.status),
        Message::Ack(ack) => match &ack.failure {
            Some(failure) => Said::Refused(request, failure.status),
            None => Said::Ack(request, ack.runs.iter().map(|run| (run.count, run.outcome)).collect()),
        },
        Message::SubscriptionEnd(end) => Said::Ended(request, end.failure.status),
        Message::QueryEnd(end) => Said::Ended(request, end.failure.map_or(Status::Ok, |f| f.status)),
        Message::Delivery(delivery) => Said::Rows(numbers(delivery.rows)),
        _ => Said::Other,
    };
    (said, None)
}

/// The first column of a frame, BIGINT.
fn numbers(frame: &[u8]) -> Vec<i64> {
    let frame = Frame::open(&Buffer::from(frame)).unwrap();
    frame.columns()[0].array.as_primitive::<Int64Type>().values().to_vec()
}

/// The bytes of a message.
pub fn message<'a>(request: u64, message: impl Into<Message<'a>>) -> Vec<u8> {
    let mut bytes = Vec::new();
    Encoder::new(64 << 20).encode(RequestId(request), &message.into(), &mut bytes).unwrap();
    bytes
}

pub fn hello() -> Hello<'static> {
    hello_of(PROTOCOL)
}

pub fn hello_of(versions: Versions) -> Hello<'static> {
    Hello {
        versions,
        features: Features::ALL,
        client: "a bad client",
        cluster: "",
        credentials: Credentials { method: AuthMethod::None, proof: &[] },
        message_bytes_max: MESSAGE_BYTES_DEFAULT,
    }
}

/// Seals a message again whose header or contents were changed.
pub fn seal(bytes: &mut [u8]) {
    let meta = u32::from_le_bytes(bytes[12..16].try_into().unwrap()) as usize;
    let total = bytes.len();
    let bare = (32 + meta).next_multiple_of(8);
    let end = if total == bare { total } else { (32 + meta).next_multiple_of(64).min(total) };
    let sum = crc32c::crc32c(&bytes[32..end]);
    bytes[24..28].copy_from_slice(&sum.to_le_bytes());
    let sum = crc32c::crc32c(&bytes[..28]);
    bytes[28..32].copy_from_slice(&sum.to_le_bytes());
}

/// A frame of events numbered from `first` on.
pub fn frame(stream: &Stream, first: i64, count: i64, payload_bytes: usize) -> Vec<u8> {
    let seq: ArrayRef = Arc::new(Int64Array::from_iter_values(first..first + count));
    let text = "x".repeat(payload_bytes);
    let payload: ArrayRef = Arc::new(StringArray::from_iter_values((0..count).map(|_| &text)));
    let rows = RecordBatch::try_from_iter([("seq", seq), ("payload", payload)]).unwrap();
    let ids: Vec<ColumnId> = stream.columns.iter().map(|column| column.id).collect();
    encode(FrameHead { stream: stream.id, schema_version: stream.schema_version }, &ids, &rows).unwrap()
}

/// An append under a producer's numbers, first sent now.
pub fn append<'a>(stream: &Stream, routing: &Routing, ids: EventIds<'a>, rows: &'a [u8]) -> Append<'a> {
    Append {
        stream: stream.id,
        schema_version: stream.schema_version,
        partition: PartitionId(0),
        routing_epoch: routing.epoch,
        ids,
        first_sent: StampNs(wall_ns()),
        replay: false,
        timeout_ms: 0,
        rows,
    }
}

pub fn numbered(producer: u64, first: u64) -> EventIds<'static> {
    EventIds::Sequence { producer: ProducerId(producer), first }
}

pub fn wall_ns() -> i64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    i64::try_from(now.as_nanos()).unwrap()
}
