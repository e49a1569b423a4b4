//! From an address to an open connection: name look-up, TCP, TLS, handshake.

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use net_wire::{Decoder, Encoder, Features, Hello, Message, PROTOCOL, RequestId, Side};

use super::session::Session;
use crate::error::ClientError;
use crate::options::{ClientOptions, Credentials};
use crate::refusal::Refusal;

/// The first request of a connection.
const HELLO: RequestId = RequestId(1);

/// Bytes both ways, whatever protects them.
pub(super) trait Duplex: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> Duplex for T {}

/// A connection that a server took.
pub(super) struct Opened {
    pub(super) socket: Box<dyn Duplex>,
    /// Holds what came behind Welcome.
    pub(super) decoder: Decoder,
    pub(super) session: Session,
}

/// Connects to `address`.
pub(super) async fn dial(address: &str, options: &ClientOptions) -> Result<Opened, ClientError> {
    let limit = options.timeouts.dial;
    let timed_out = |_| ClientError::Unreachable {
        address: address.to_owned(),
        reason: format!("no answer within {limit:?}"),
    };
    timeout(limit, open(address, options)).await.map_err(timed_out)?
}

async fn open(address: &str, options: &ClientOptions) -> Result<Opened, ClientError> {
    let unreachable = |reason: String| ClientError::Unreachable { address: address.to_owned(), reason };
    let stream = TcpStream::connect(address).await.map_err(|error| unreachable(error.to_string()))?;
    stream.set_nodelay(true).map_err(|error| unreachable(error.to_string()))?;
    let peer = stream.peer_addr().map_err(|error| unreachable(error.to_string()))?.ip().to_canonical();
    if matches!(options.credentials, Credentials::Token(_)) && !options.has_tls() && !peer.is_loopback() {
        let reason = format!("{address} is another host, and a token is not sent in the clear; set `tls`");
        return Err(ClientError::Options { reason });
    }
    let mut socket = protect(stream, address, options).await?;
    let mut decoder = Decoder::new(Side::Client);
    let session = shake_hands(&mut socket, &mut decoder, address, options).await?;
    decoder.establish(options.message_bytes_max);
    Ok(Opened { socket, decoder, session })
}

#[cfg(feature = "tls")]
async fn protect(
    stream: TcpStream,
    address: &str,
    options: &ClientOptions,
) -> Result<Box<dyn Duplex>, ClientError> {
    use tokio_rustls::rustls::pki_types::ServerName;

    let Some(config) = &options.tls else {
        return Ok(Box::new(stream));
    };
    let host = address.rsplit_once(':').map_or(address, |(host, _)| host);
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let unreachable = |reason: String| ClientError::Unreachable { address: address.to_owned(), reason };
    let name = ServerName::try_from(host.to_owned()).map_err(|error| unreachable(error.to_string()))?;
    let connector = tokio_rustls::TlsConnector::from(config.clone());
    let stream =
        connector.connect(name, stream).await.map_err(|error| unreachable(format!("TLS: {error}")))?;
    Ok(Box::new(stream))
}

#[cfg(not(feature = "tls"))]
async fn protect(stream: TcpStream, _: &str, _: &ClientOptions) -> Result<Box<dyn Duplex>, ClientError> {
    Ok(Box::new(stream))
}

async fn shake_hands(
    socket: &mut Box<dyn Duplex>,
    decoder: &mut Decoder,
    address: &str,
    options: &ClientOptions,
) -> Result<Session, ClientError> {
    let lost = |error: std::io::Error| ClientError::Unreachable {
        address: address.to_owned(),
        reason: format!("in the handshake: {error}"),
    };
    let hello = Hello {
        versions: PROTOCOL,
        features: Features::ALL,
        client: &options.client,
        cluster: &options.cluster,
        credentials: options.credentials.wire(),
        message_bytes_max: options.message_bytes_max,
    };
    let mut bytes = Vec::new();
    let wrong = |error: net_wire::WireError| ClientError::Options { reason: error.to_string() };
    Encoder::default().encode(HELLO, &hello.into(), &mut bytes).map_err(wrong)?;
    socket.write_all(&bytes).await.map_err(lost)?;
    socket.flush().await.map_err(lost)?;
    loop {
        if let Some(answer) = read_answer(decoder, address, options)? {
            return Ok(answer);
        }
        let count = socket.read(decoder.room()).await.map_err(lost)?;
        if count == 0 {
            return Err(ClientError::Unreachable {
                address: address.to_owned(),
                reason: "it closed the connection in the handshake; does it use TLS, and this side not?"
                    .to_owned(),
            });
        }
        decoder.advance(count);
    }
}

/// What the server answered, once it is there.
fn read_answer(
    decoder: &mut Decoder,
    address: &str,
    options: &ClientOptions,
) -> Result<Option<Session>, ClientError> {
    let malformed = |reason: String| ClientError::Malformed { address: address.to_owned(), reason };
    let Some(envelope) = decoder.next().map_err(|error| malformed(error.to_string()))? else {
        return Ok(None);
    };
    let refused = |failure| {
        let refusal = Box::new(Refusal::of(failure));
        Err(ClientError::Refused { address: address.to_owned(), refusal })
    };
    match envelope.message {
        Message::Welcome(welcome) => {
            let session = Session::of(&welcome, address, Features::ALL).map_err(malformed)?;
            if !options.cluster.is_empty() && session.cluster != options.cluster {
                let reason = format!("{address} is of cluster {}, not {}", session.cluster, options.cluster);
                return Err(ClientError::Options { reason });
            }
            Ok(Some(session))
        }
        Message::Error(failure) => refused(&failure),
        Message::Goodbye(goodbye) => refused(&goodbye.failure),
        other => Err(malformed(format!("{:?} in the handshake", other.kind()))),
    }
}
