//! A client of the tests: plain, and free to do what it should not.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use net_wire::{
    AuthMethod, Credentials, Decoder, Encoder, Features, Hello, MESSAGE_BYTES_DEFAULT, Message, PROTOCOL,
    RequestId, Routing, Side,
};
use shard_rt::{Rt, Stream};

/// How long an answer is waited for.
const PATIENCE: Duration = Duration::from_millis(800);

pub struct Client {
    stream: Stream,
    decoder: Decoder,
    encoder: Encoder,
    waiting: BytesMut,
    pub next: u64,
}

/// The connection is of no more use.
#[derive(Debug)]
pub struct Broken;

impl Client {
    /// Connects and shakes hands.
    pub async fn connect(address: SocketAddr) -> Result<Self, Broken> {
        let rt = Rt::current();
        let dialed = rt.timeout(PATIENCE, rt.net().dial(address)).await;
        let stream = dialed.map_err(|_| Broken)?.map_err(|_| Broken)?;
        let mut client = Client {
            stream,
            decoder: Decoder::new(Side::Client),
            encoder: Encoder::default(),
            waiting: BytesMut::new(),
            next: 1,
        };
        let hello = Hello {
            versions: PROTOCOL,
            features: Features::ALL,
            client: "test",
            cluster: "",
            credentials: Credentials { method: AuthMethod::None, proof: &[] },
            message_bytes_max: MESSAGE_BYTES_DEFAULT,
        };
        client.send(0, hello).await?;
        let welcome = client.receive(|_, message| matches!(message, Message::Welcome(_)).then_some(())).await;
        client.decoder.establish(MESSAGE_BYTES_DEFAULT);
        welcome.map(|()| client)
    }

    /// Sends a message.
    pub async fn send<'a>(&mut self, request: u64, message: impl Into<Message<'a>>) -> Result<(), Broken> {
        let mut bytes = Vec::new();
        self.encoder.encode(RequestId(request), &message.into(), &mut bytes).expect("it holds together");
        self.raw(bytes).await
    }

    /// Sends any bytes.
    pub async fn raw(&mut self, bytes: Vec<u8>) -> Result<(), Broken> {
        let written = shard_rt::timeout(PATIENCE, self.stream.write_all(Bytes::from(bytes))).await;
        written.map_err(|_| Broken)?.map_err(|_| Broken)
    }

    /// Reads messages until one is wanted.
    pub async fn receive<T>(
        &mut self,
        mut wanted: impl FnMut(u64, &Message<'_>) -> Option<T>,
    ) -> Result<T, Broken> {
        loop {
            loop {
                match self.decoder.next() {
                    Ok(Some(envelope)) => {
                        if let Some(found) = wanted(envelope.request.0, &envelope.message) {
                            return Ok(found);
                        }
                    }
                    Ok(None) => break,
                    Err(error) => panic!("the server sent something wrong: {error}"),
                }
            }
            if self.waiting.is_empty() {
                let buf = BytesMut::with_capacity(64 * 1024);
                let read = shard_rt::timeout(PATIENCE, self.stream.read(buf)).await;
                let Ok((Ok(count), buf)) = read else { return Err(Broken) };
                if count == 0 {
                    return Err(Broken);
                }
                self.waiting = buf;
            }
            let taken = self.decoder.feed(&self.waiting);
            let _ = self.waiting.split_to(taken);
        }
    }

    /// The routing table.
    pub async fn routing(&mut self) -> Result<Routing, Broken> {
        let request = self.next;
        self.next += 1;
        self.send(request, net_wire::GetRouting { known: None }).await?;
        self.receive(|id, message| match message {
            Message::Routing(routing) if id == request => Some(routing.clone()),
            _ => None,
        })
        .await
    }
}
