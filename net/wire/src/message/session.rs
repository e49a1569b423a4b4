//! The life of a connection: Hello, Welcome, Heartbeat, Goodbye, Cancel.

use std::fmt;

use cep_types::Epoch;

use super::{Body, Versions, Window};
use crate::code::open_codes;
use crate::encoder::Builder;
use crate::generated as wire;
use crate::status::Failure;

/// A set of features.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Features(pub u64);

impl Features {
    /// Appends.
    pub const APPEND: Features = Features(1);
    /// Appends with opaque event ids.
    pub const OPAQUE_IDS: Features = Features(1 << 1);
    /// Appends with `replay`.
    pub const REPLAY: Features = Features(1 << 2);
    /// Subscriptions.
    pub const SUBSCRIBE: Features = Features(1 << 3);
    /// Queries.
    pub const QUERY: Features = Features(1 << 4);
    /// New routing tables unasked.
    pub const ROUTING_PUSH: Features = Features(1 << 5);
    /// All that version 1 has.
    pub const ALL: Features = Features((1 << 6) - 1);

    /// Whether all of `other` are among them.
    pub const fn contains(self, other: Features) -> bool {
        self.0 & other.0 == other.0
    }

    /// What both have.
    pub const fn common(self, other: Features) -> Features {
        Features(self.0 & other.0)
    }
}

open_codes! {
    /// How a client proves who it is.
    pub enum AuthMethod: u8 {
        /// Not at all.
        None = 0,
        /// By the certificate of its TLS session.
        Certificate = 1,
        /// By a bearer token.
        Token = 2,
    }
}

/// How a client proves who it is, and with what. The proof is never printed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Credentials<'a> {
    /// How.
    pub method: AuthMethod,
    /// With what; empty unless the method needs it here.
    pub proof: &'a [u8],
}

impl fmt::Debug for Credentials<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Credentials({:?}, {} bytes)", self.method, self.proof.len())
    }
}

open_codes! {
    /// What an authenticated client may do.
    pub enum Role: u8 {
        /// Nothing.
        None = 0,
        /// Append.
        Ingest = 1,
        /// Subscribe and query.
        Observer = 2,
        /// Both, and operate.
        Operator = 3,
        /// Everything.
        Admin = 4,
    }
}

/// Opens a connection.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Hello<'a> {
    /// What the client speaks.
    pub versions: Versions,
    /// What the client knows.
    pub features: Features,
    /// Name and version of the client, for logs.
    pub client: &'a str,
    /// The cluster that the client means; empty for any.
    pub cluster: &'a str,
    /// Who the client is.
    pub credentials: Credentials<'a>,
    /// Longest message that the client takes.
    pub message_bytes_max: u32,
}

impl<'a> Body<'a> for Hello<'a> {
    type Table = wire::Hello<'a>;

    fn read(table: Self::Table, _: &'a [u8]) -> Result<Self, String> {
        Ok(Hello {
            versions: table.versions().map(Versions::read_wire).ok_or("no versions")?,
            features: Features(table.features()),
            client: table.client().unwrap_or_default(),
            cluster: table.cluster().unwrap_or_default(),
            credentials: Credentials {
                method: AuthMethod::from_code(table.auth().0),
                proof: table.credentials().map_or(&[], |proof| proof.bytes()),
            },
            message_bytes_max: table.message_bytes_max(),
        })
    }

    fn write(&self, builder: &mut Builder<'_>) {
        let client = builder.create_string(self.client);
        let cluster = builder.create_string(self.cluster);
        let proof = self.credentials.proof;
        let credentials = (!proof.is_empty()).then(|| builder.create_vector(proof));
        let args = wire::HelloArgs {
            versions: Some(&self.versions.wire()),
            features: self.features.0,
            client: Some(client),
            cluster: Some(cluster),
            auth: wire::AuthMethod(self.credentials.method.code()),
            credentials,
            message_bytes_max: self.message_bytes_max,
        };
        let root = wire::Hello::create(builder, &args);
        builder.finish_minimal(root);
    }
}

/// Answers Hello: the connection is open.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Welcome<'a> {
    /// The version spoken from here on.
    pub version: u16,
    /// What both sides know.
    pub features: Features,
    /// Name and version of the server, for logs.
    pub server: &'a str,
    /// Name of the cluster.
    pub cluster: &'a str,
    /// Number of the node.
    pub node: u32,
    /// Number of the shard on it.
    pub shard: u32,
    /// What the client may do.
    pub role: Role,
    /// Largest event.
    pub event_bytes_max: u32,
    /// Longest message that the server takes.
    pub message_bytes_max: u32,
    /// How often each side sends something.
    pub heartbeat_ms: u32,
    /// How long an append may be sent again.
    pub retry_window_ms: u32,
    /// Credit window of every partition until its first ack.
    pub credits: Window,
    /// Epoch of the server's routing table.
    pub routing_epoch: Epoch,
    /// The server's wall clock, ns since 1970-01-01T00:00:00 UTC.
    pub time_ns: i64,
}

impl<'a> Body<'a> for Welcome<'a> {
    type Table = wire::Welcome<'a>;

    fn read(table: Self::Table, _: &'a [u8]) -> Result<Self, String> {
        Ok(Welcome {
            version: table.version(),
            features: Features(table.features()),
            server: table.server().unwrap_or_default(),
            cluster: table.cluster().unwrap_or_default(),
            node: table.node(),
            shard: table.shard(),
            role: Role::from_code(table.role().0),
            event_bytes_max: table.event_bytes_max(),
            message_bytes_max: table.message_bytes_max(),
            heartbeat_ms: table.heartbeat_ms(),
            retry_window_ms: table.retry_window_ms(),
            credits: Window::read_wire(table.credits()),
            routing_epoch: Epoch(table.routing_epoch()),
            time_ns: table.time_ns(),
        })
    }

    fn write(&self, builder: &mut Builder<'_>) {
        let server = builder.create_string(self.server);
        let cluster = builder.create_string(self.cluster);
        let args = wire::WelcomeArgs {
            version: self.version,
            features: self.features.0,
            server: Some(server),
            cluster: Some(cluster),
            node: self.node,
            shard: self.shard,
            role: wire::Role(self.role.code()),
            event_bytes_max: self.event_bytes_max,
            message_bytes_max: self.message_bytes_max,
            heartbeat_ms: self.heartbeat_ms,
            retry_window_ms: self.retry_window_ms,
            credits: Some(&self.credits.wire()),
            routing_epoch: self.routing_epoch.0,
            time_ns: self.time_ns,
        };
        let root = wire::Welcome::create(builder, &args);
        builder.finish_minimal(root);
    }
}

/// Says that the connection is alive. One that is no reply is answered at once, with the same
/// request id and `sent_ns`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Heartbeat {
    /// Whether it answers one.
    pub reply: bool,
    /// Any clock of who asked.
    pub sent_ns: i64,
}

impl<'a> Body<'a> for Heartbeat {
    type Table = wire::Heartbeat<'a>;

    fn read(table: Self::Table, _: &'a [u8]) -> Result<Self, String> {
        Ok(Heartbeat { reply: table.reply(), sent_ns: table.sent_ns() })
    }

    fn write(&self, builder: &mut Builder<'_>) {
        let args = wire::HeartbeatArgs { reply: self.reply, sent_ns: self.sent_ns };
        let root = wire::Heartbeat::create(builder, &args);
        builder.finish_minimal(root);
    }
}

/// Announces the end of the connection: no new requests, what is under way is finished.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Goodbye<'a> {
    /// Why; [`Failure::none`] for a planned end.
    pub failure: Failure<'a>,
    /// How long the sender still waits for what is under way.
    pub drain_ms: u32,
}

impl<'a> Body<'a> for Goodbye<'a> {
    type Table = wire::Goodbye<'a>;

    fn read(table: Self::Table, _: &'a [u8]) -> Result<Self, String> {
        let failure = table.failure().map_or_else(Failure::none, Failure::read);
        Ok(Goodbye { failure, drain_ms: table.drain_ms() })
    }

    fn write(&self, builder: &mut Builder<'_>) {
        let failure = Some(self.failure.write(builder));
        let root = wire::Goodbye::create(builder, &wire::GoodbyeArgs { failure, drain_ms: self.drain_ms });
        builder.finish_minimal(root);
    }
}

/// As the message Error.
impl<'a> Body<'a> for Failure<'a> {
    type Table = wire::Error<'a>;

    fn read(table: Self::Table, _: &'a [u8]) -> Result<Self, String> {
        Ok(Failure::read(table.failure().ok_or("no failure")?))
    }

    fn write(&self, builder: &mut Builder<'_>) {
        let failure = Some(Failure::write(self, builder));
        let root = wire::Error::create(builder, &wire::ErrorArgs { failure });
        builder.finish_minimal(root);
    }

    fn check(&self) -> Result<(), String> {
        if self.status.is_ok() { Err("an error without a status".to_owned()) } else { Ok(()) }
    }
}

/// Ends the subscription or query with the request id of this message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cancel;

impl<'a> Body<'a> for Cancel {
    type Table = wire::Cancel<'a>;

    fn read(_: Self::Table, _: &'a [u8]) -> Result<Self, String> {
        Ok(Cancel)
    }

    fn write(&self, builder: &mut Builder<'_>) {
        let root = wire::Cancel::create(builder, &wire::CancelArgs {});
        builder.finish_minimal(root);
    }
}
