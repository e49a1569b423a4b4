//! A connection that costs the client as little as can be: blocking, on `net-wire` itself.
//!
//! The Rust client has tasks and channels; on a machine of few cores they would be measured instead of the
//! node. What goes over the wire is the same.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use net_wire::{
    AuthMethod, Credentials, Decoder, Encoder, Features, GetRouting, Heartbeat, Hello, MESSAGE_BYTES_DEFAULT,
    Message, PROTOCOL, RequestId, Routing, Side, Stream,
};

use super::error::{E2eError, Result};

/// How long bytes are waited for.
const PATIENCE: Duration = Duration::from_secs(20);
/// How long a side may be silent: well below what the node takes for death.
const BEAT: Duration = Duration::from_secs(2);
const READ_BYTES: usize = 256 << 10;

fn broken(error: impl std::fmt::Display) -> E2eError {
    E2eError::Wire(error.to_string())
}

/// The half that sends.
pub struct Outlet {
    stream: TcpStream,
    encoder: Encoder,
    bytes: Vec<u8>,
    sent: Instant,
}

impl Outlet {
    /// Puts a message behind those that wait.
    ///
    /// # Errors
    /// When it is longer than the node takes.
    pub fn put<'a>(&mut self, request: u64, message: impl Into<Message<'a>>) -> Result<()> {
        self.encoder.encode(RequestId(request), &message.into(), &mut self.bytes).map(|_| ()).map_err(broken)
    }

    /// Sends all that waits, in one system call if the kernel takes it.
    ///
    /// # Errors
    /// When the connection is lost.
    pub fn flush(&mut self) -> Result<()> {
        if self.bytes.is_empty() {
            return Ok(());
        }
        self.stream.write_all(&self.bytes).map_err(broken)?;
        self.bytes.clear();
        self.sent = Instant::now();
        Ok(())
    }

    /// Says that the client lives, if it said nothing for a while.
    ///
    /// # Errors
    /// When the connection is lost.
    pub fn keep_alive(&mut self) -> Result<()> {
        if self.sent.elapsed() < BEAT {
            return Ok(());
        }
        self.put(0, Heartbeat { reply: false, sent_ns: 0 })?;
        self.flush()
    }
}

/// The half that receives.
pub struct Inlet {
    stream: TcpStream,
    decoder: Decoder,
    buffer: Vec<u8>,
    unread: std::ops::Range<usize>,
}

impl Inlet {
    /// Waits for bytes, and hands all messages that are whole to `take`.
    ///
    /// # Errors
    /// When the connection is lost or nothing comes, and what `take` says.
    pub fn messages(&mut self, mut take: impl FnMut(u64, &Message<'_>) -> Result<()>) -> Result<()> {
        let count = self.stream.read(&mut self.buffer).map_err(broken)?;
        if count == 0 {
            return Err(E2eError::Wire("the node closed it".into()));
        }
        self.unread = 0..count;
        while !self.unread.is_empty() {
            let taken = self.decoder.feed(&self.buffer[self.unread.clone()]);
            self.unread.start += taken;
            while let Some(envelope) = self.decoder.next().map_err(broken)? {
                if let Message::Error(failure) = &envelope.message {
                    return Err(E2eError::Wire(format!("{:?}: {}", failure.status, failure.text)));
                }
                take(envelope.request.0, &envelope.message)?;
            }
        }
        Ok(())
    }
}

/// Both halves, and what the node said first.
pub struct Link {
    /// The half that sends.
    pub outlet: Outlet,
    /// The half that receives.
    pub inlet: Inlet,
    /// Where everything is.
    pub routing: Routing,
}

impl Link {
    /// Connects, shakes hands and fetches the routing table.
    ///
    /// # Errors
    /// When the node does not answer as it should.
    pub fn open(address: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(address).map_err(broken)?;
        stream.set_nodelay(true).map_err(broken)?;
        stream.set_read_timeout(Some(PATIENCE)).map_err(broken)?;
        stream.set_write_timeout(Some(PATIENCE)).map_err(broken)?;
        let reading = stream.try_clone().map_err(broken)?;
        let outlet = Outlet { stream, encoder: Encoder::default(), bytes: Vec::new(), sent: Instant::now() };
        let decoder = Decoder::new(Side::Client);
        let inlet = Inlet { stream: reading, decoder, buffer: vec![0; READ_BYTES], unread: 0..0 };
        let mut link = Link { outlet, inlet, routing: Routing::default() };
        link.shake_hands()?;
        Ok(link)
    }

    fn shake_hands(&mut self) -> Result<()> {
        let hello = Hello {
            versions: PROTOCOL,
            features: Features(Features::APPEND.0 | Features::SUBSCRIBE.0),
            client: concat!("ceptra-perf ", env!("CARGO_PKG_VERSION")),
            cluster: "",
            credentials: Credentials { method: AuthMethod::None, proof: &[] },
            message_bytes_max: MESSAGE_BYTES_DEFAULT,
        };
        self.outlet.put(1, hello)?;
        self.outlet.flush()?;
        let mut welcome = false;
        while !welcome {
            self.inlet.messages(|_, message| {
                welcome |= matches!(message, Message::Welcome(_));
                Ok(())
            })?;
        }
        self.inlet.decoder.establish(MESSAGE_BYTES_DEFAULT);
        self.outlet.put(2, GetRouting { known: None })?;
        self.outlet.flush()?;
        let mut routing = None;
        while routing.is_none() {
            self.inlet.messages(|_, message| {
                if let Message::Routing(table) = message {
                    routing = Some(table.clone());
                }
                Ok(())
            })?;
        }
        self.routing = routing.unwrap_or_default();
        Ok(())
    }

    /// A stream of the routing table.
    ///
    /// # Errors
    /// When there is none of that name.
    pub fn stream(&self, name: &str) -> Result<Stream> {
        let found = self.routing.stream(name).cloned();
        found.ok_or_else(|| E2eError::Wire(format!("there is no stream {name}")))
    }
}
