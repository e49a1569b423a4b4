//! A server that does what a test says, over real sockets.

pub mod cluster;
pub mod log;
pub mod tables;

use std::time::Duration;

use cep_types::{Epoch, EventId, PartitionId, ProducerId};
use net_wire::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

/// No test waits longer for one thing.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Ids of an append.
#[derive(Debug, Clone, PartialEq)]
pub enum GotIds {
    Sequence(ProducerId, u64),
    Opaque(Vec<EventId>),
}

/// An append as it arrived.
#[derive(Debug, Clone, PartialEq)]
pub struct GotAppend {
    pub partition: PartitionId,
    pub epoch: Epoch,
    pub ids: GotIds,
    pub first_sent_ns: i64,
    pub replay: bool,
    pub timeout_ms: u32,
    pub frame: Vec<u8>,
}

/// A message of the client.
#[derive(Debug, Clone, PartialEq)]
pub enum Got {
    Hello { features: Features, client: String, cluster: String, auth: AuthMethod, proof: Vec<u8> },
    GetRouting(Option<Epoch>),
    Append(GotAppend),
    Subscribe(Subscribe),
    Allow(Window),
    Query { sql: String, partition: Option<PartitionId>, rows_max: u32, parameters: Vec<u8> },
    Heartbeat(Heartbeat),
    Goodbye,
    Cancel,
    Error(Status),
}

fn own(message: &Message<'_>) -> Got {
    match message {
        Message::Hello(hello) => Got::Hello {
            features: hello.features,
            client: hello.client.to_owned(),
            cluster: hello.cluster.to_owned(),
            auth: hello.credentials.method,
            proof: hello.credentials.proof.to_vec(),
        },
        Message::GetRouting(get) => Got::GetRouting(get.known),
        Message::Append(append) => Got::Append(GotAppend {
            partition: append.partition,
            epoch: append.routing_epoch,
            ids: match append.ids {
                EventIds::Sequence { producer, first } => GotIds::Sequence(producer, first),
                EventIds::Opaque(ids) => GotIds::Opaque(ids.iter().collect()),
            },
            first_sent_ns: append.first_sent.0,
            replay: append.replay,
            timeout_ms: append.timeout_ms,
            frame: append.rows.to_vec(),
        }),
        Message::Subscribe(subscribe) => Got::Subscribe(*subscribe),
        Message::Allow(allow) => Got::Allow(allow.allowed),
        Message::Query(query) => Got::Query {
            sql: query.sql.to_owned(),
            partition: query.partition,
            rows_max: query.rows_max,
            parameters: query.parameters.to_vec(),
        },
        Message::Heartbeat(heartbeat) => Got::Heartbeat(*heartbeat),
        Message::Goodbye(_) => Got::Goodbye,
        Message::Cancel(_) => Got::Cancel,
        Message::Error(failure) => Got::Error(failure.status),
        other => panic!("a client sent {:?}", other.kind()),
    }
}

/// A port.
pub struct Fake {
    listener: TcpListener,
    pub address: String,
}

impl Fake {
    pub async fn bind() -> Fake {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        Fake { listener, address }
    }

    /// The next connection, nothing said yet.
    pub async fn accept(&self) -> Peer {
        let (stream, _) =
            timeout(PATIENCE, self.listener.accept()).await.expect("a client connects").unwrap();
        stream.set_nodelay(true).unwrap();
        Peer::new(stream)
    }

    /// The next connection, with the handshake done.
    pub async fn accept_with(&self, welcome: &Welcome<'_>) -> Peer {
        let mut peer = self.accept().await;
        peer.welcome(welcome).await;
        peer
    }

    /// The next connection, with the handshake done and the routing table asked for and told.
    pub async fn accept_routed(&self, routing: &Routing) -> Peer {
        let mut peer = self.accept_with(&tables::welcome()).await;
        let (request, got) = peer.next().await.unwrap();
        assert!(matches!(got, Got::GetRouting(_)), "{got:?}");
        peer.send(request, routing.clone()).await;
        peer
    }
}

/// One connection, from the server's side.
pub struct Peer {
    pub stream: TcpStream,
    pub decoder: Decoder,
    encoder: Encoder,
    /// Whether heartbeats are answered and not shown.
    pub answers_heartbeats: bool,
}

impl Peer {
    pub fn new(stream: TcpStream) -> Peer {
        let decoder = Decoder::new(Side::Server);
        Peer { stream, decoder, encoder: Encoder::new(MESSAGE_BYTES_MAX), answers_heartbeats: true }
    }

    /// Takes Hello and answers it; gives Hello.
    pub async fn welcome(&mut self, welcome: &Welcome<'_>) -> Got {
        let (request, hello) = self.next().await.expect("a Hello comes");
        assert!(matches!(hello, Got::Hello { .. }), "{hello:?}");
        self.decoder.establish(welcome.message_bytes_max);
        self.send(request, *welcome).await;
        hello
    }

    pub async fn send<'a>(&mut self, request: RequestId, message: impl Into<Message<'a>>) {
        let mut bytes = Vec::new();
        self.encoder.encode(request, &message.into(), &mut bytes).unwrap();
        self.send_bytes(&bytes).await;
    }

    pub async fn send_bytes(&mut self, bytes: &[u8]) {
        // The client may have gone: then what follows will show it.
        let _ = self.stream.write_all(bytes).await;
    }

    /// The next message; `None` when the client closed.
    pub async fn next(&mut self) -> Option<(RequestId, Got)> {
        timeout(PATIENCE, self.next_ever()).await.expect("the client sends something or closes")
    }

    /// The same, however long it takes.
    pub async fn next_ever(&mut self) -> Option<(RequestId, Got)> {
        loop {
            while let Some(envelope) = self.decoder.next().expect("clients send what is right") {
                let (request, got) = (envelope.request, own(&envelope.message));
                match got {
                    Got::Heartbeat(Heartbeat { reply: false, sent_ns }) if self.answers_heartbeats => {
                        self.send(request, Heartbeat { reply: true, sent_ns }).await;
                    }
                    Got::Heartbeat(Heartbeat { reply: true, .. }) if self.answers_heartbeats => {}
                    got => return Some((request, got)),
                }
            }
            match self.stream.read(self.decoder.room()).await {
                Ok(0) | Err(_) => return None,
                Ok(count) => self.decoder.advance(count),
            }
        }
    }

    /// The next message, which is an append.
    pub async fn next_append(&mut self) -> (RequestId, GotAppend) {
        match self.next().await {
            Some((request, Got::Append(append))) => (request, append),
            other => panic!("not an append: {other:?}"),
        }
    }

    /// The next message, which is a Subscribe.
    pub async fn next_subscribe(&mut self) -> (RequestId, Subscribe) {
        match self.next().await {
            Some((request, Got::Subscribe(subscribe))) => (request, subscribe),
            other => panic!("not a Subscribe: {other:?}"),
        }
    }

    /// Answers an append with these runs.
    pub async fn ack(&mut self, request: RequestId, runs: &[Run]) {
        let runs = runs.into();
        let details = Texts::default();
        self.send(request, Ack { runs, details, credits: tables::WIDE, failure: None }).await;
    }

    /// Answers an append with a failure.
    pub async fn refuse(&mut self, request: RequestId, failure: Failure<'_>) {
        let ack = Ack {
            runs: List::default(),
            details: Texts::default(),
            credits: tables::WIDE,
            failure: Some(failure),
        };
        self.send(request, ack).await;
    }
}

/// A run of rows that were applied at `index`.
pub fn applied(index: u64, count: usize) -> Run {
    let place = Some((cep_types::LogIndex(index), 0));
    Run { count: count as u32, outcome: Outcome::Applied, place }
}
