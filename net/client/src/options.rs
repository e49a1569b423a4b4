//! How a client behaves: where it connects, who it is, how long it waits.
//!
//! Invariant: every wait of the client has its bound here, and the defaults are bounds too.

use std::fmt;
use std::time::Duration;

use net_wire::{AuthMethod, MESSAGE_BYTES_DEFAULT, MESSAGE_BYTES_MAX, MESSAGE_BYTES_MIN};

use crate::error::ClientError;

/// Longest name of a client or cluster, and longest token, in bytes: a Hello has 16 KiB.
const HELLO_TEXT_BYTES_MAX: usize = 4 << 10;

/// Who the client is. The token is never printed.
#[derive(Clone, PartialEq, Eq, Default)]
pub enum Credentials {
    /// Nobody: loopback, or a server that was started with `--insecure`.
    #[default]
    None,
    /// Whoever the client certificate of the TLS session names.
    Certificate,
    /// The bearer of this token. It is sent over TLS or to loopback only.
    Token(Vec<u8>),
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Credentials::None => f.write_str("None"),
            Credentials::Certificate => f.write_str("Certificate"),
            Credentials::Token(token) => write!(f, "Token({} bytes)", token.len()),
        }
    }
}

impl Credentials {
    pub(crate) fn wire(&self) -> net_wire::Credentials<'_> {
        let (method, proof) = match self {
            Credentials::None => (AuthMethod::None, &[][..]),
            Credentials::Certificate => (AuthMethod::Certificate, &[][..]),
            Credentials::Token(token) => (AuthMethod::Token, &token[..]),
        };
        net_wire::Credentials { method, proof }
    }
}

/// How long each kind of wait may last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// One connection: name look-up, TCP, TLS and handshake.
    pub dial: Duration,
    /// [`Client::connect`](crate::Client::connect) in all: every address, again and again.
    pub connect: Duration,
    /// An answer to a small request: the routing table, the beginning of a subscription.
    pub request: Duration,
    /// An append in all, with every retry, unless the producer says otherwise.
    pub append: Duration,
    /// An append that was sent, until the connection is given up as stuck.
    pub ack: Duration,
    /// A query in all, with every retry, unless the query says otherwise.
    pub query: Duration,
    /// A subscription that gets neither a connection nor a row, until its partition is given up.
    pub resume: Duration,
    /// [`Client::close`](crate::Client::close): until what is under way is given up.
    pub drain: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Timeouts {
            dial: Duration::from_secs(5),
            connect: Duration::from_secs(15),
            request: Duration::from_secs(10),
            append: Duration::from_secs(30),
            ack: Duration::from_secs(15),
            query: Duration::from_secs(60),
            resume: Duration::from_secs(60),
            drain: Duration::from_secs(10),
        }
    }
}

/// How long to wait between tries: `initial`, then twice as long after each further failure, up to
/// `max`, and up to a quarter more at random. A server that says how long to wait is obeyed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryPolicy {
    /// After the first failure.
    pub initial: Duration,
    /// After many.
    pub max: Duration,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        RetryPolicy { initial: Duration::from_millis(50), max: Duration::from_secs(5) }
    }
}

/// What [`Client::connect`](crate::Client::connect) needs to know. Begin with
/// [`ClientOptions::new`] and change what should differ.
#[derive(Debug, Clone)]
pub struct ClientOptions {
    /// Where to begin: any ports of any servers, `host:port`, an IPv6 host in brackets.
    pub bootstrap: Vec<String>,
    /// The cluster that is meant; empty for any.
    pub cluster: String,
    /// Name and version of the program, for logs of the server.
    pub client: String,
    /// Who the client is.
    pub credentials: Credentials,
    /// How long it waits.
    pub timeouts: Timeouts,
    /// How it tries again.
    pub retry: RetryPolicy,
    /// Longest message that the client takes, in bytes: 128 KiB to 64 MiB.
    pub message_bytes_max: u32,
    /// Most bytes of rows that a query may hold in memory.
    pub result_bytes_max: usize,
    /// TLS on every connection, with these roots and this client certificate; `None` for plain TCP.
    #[cfg(feature = "tls")]
    pub tls: Option<std::sync::Arc<tokio_rustls::rustls::ClientConfig>>,
}

impl ClientOptions {
    /// The defaults, for these addresses.
    pub fn new(bootstrap: impl IntoIterator<Item = impl Into<String>>) -> Self {
        ClientOptions {
            bootstrap: bootstrap.into_iter().map(Into::into).collect(),
            cluster: String::new(),
            client: concat!("ceptra-rust ", env!("CARGO_PKG_VERSION")).to_owned(),
            credentials: Credentials::None,
            timeouts: Timeouts::default(),
            retry: RetryPolicy::default(),
            message_bytes_max: MESSAGE_BYTES_DEFAULT,
            result_bytes_max: 256 << 20,
            #[cfg(feature = "tls")]
            tls: None,
        }
    }

    /// Whether connections are encrypted.
    pub(crate) fn has_tls(&self) -> bool {
        #[cfg(feature = "tls")]
        let has_tls = self.tls.is_some();
        #[cfg(not(feature = "tls"))]
        let has_tls = false;
        has_tls
    }

    pub(crate) fn check(&self) -> Result<(), ClientError> {
        let refused = |reason: &str| Err(ClientError::Options { reason: reason.to_owned() });
        if self.bootstrap.is_empty() {
            return refused("no address; give the host:port of at least one server");
        }
        if !(MESSAGE_BYTES_MIN..=MESSAGE_BYTES_MAX).contains(&self.message_bytes_max) {
            return refused("message_bytes_max is not between 128 KiB and 64 MiB");
        }
        let token_bytes = match &self.credentials {
            Credentials::Token(token) => token.len(),
            Credentials::None | Credentials::Certificate => 0,
        };
        if self.cluster.len().max(self.client.len()).max(token_bytes) > HELLO_TEXT_BYTES_MAX {
            return refused("client, cluster and token may have 4 KiB each; shorten them");
        }
        if self.credentials == Credentials::Certificate && !self.has_tls() {
            return refused("a certificate needs TLS; set `tls`, or use other credentials");
        }
        Ok(())
    }
}
