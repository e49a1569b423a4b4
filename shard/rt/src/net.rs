//! The network of a shard: byte streams.
//!
//! Invariants: while a connection is up, bytes arrive once and in order; what was written and not
//! answered may or may not have arrived when it breaks. Nothing here repeats or times out by itself:
//! every request needs a deadline ([`crate::timeout`]).
//!
//! Dropping the future of a read or write leaves the stream in an unknown position: keep it alive
//! across a `select`, or drop the stream.

use std::fmt;
use std::net::SocketAddr;
use std::rc::Rc;

use bytes::{Bytes, BytesMut};

use crate::context::Rt;
use crate::error::Result;
use crate::machine::{BufResult, RawListener, RawStream};

/// The network of a shard.
#[derive(Clone)]
pub struct Net {
    rt: Rt,
}

impl Net {
    pub(crate) fn new(rt: Rt) -> Self {
        Self { rt }
    }

    /// Listens on an address; port 0 takes a free one.
    ///
    /// # Errors
    /// [`crate::RtError::AddressInUse`], [`crate::RtError::Io`].
    pub fn listen(&self, address: SocketAddr) -> Result<Listener> {
        Ok(Listener { raw: self.rt.inner().machine.net().listen(address)?.into() })
    }

    /// Connects to an address.
    ///
    /// # Errors
    /// [`crate::RtError::Refused`], [`crate::RtError::TimedOut`], [`crate::RtError::Reset`],
    /// [`crate::RtError::Io`].
    pub async fn dial(&self, address: SocketAddr) -> Result<Stream> {
        Ok(Stream { raw: self.rt.inner().machine.net().dial(address).await?.into() })
    }
}

/// Takes connections. Dropping it ends the listening; connections live on.
#[derive(Clone)]
pub struct Listener {
    raw: Rc<dyn RawListener>,
}

impl Listener {
    /// The address with the port that was taken.
    pub fn local_addr(&self) -> SocketAddr {
        self.raw.local_addr()
    }

    /// The next connection.
    ///
    /// # Errors
    /// [`crate::RtError::Io`]; an error of one connection is not an end of the listener.
    pub async fn accept(&self) -> Result<Stream> {
        Ok(Stream { raw: self.raw.accept().await?.into() })
    }
}

/// A connection. Clones are the same connection, so that one task may read and another write; at
/// most one of each at a time. It is closed when the last clone is dropped.
#[derive(Clone)]
pub struct Stream {
    raw: Rc<dyn RawStream>,
}

impl Stream {
    /// The other end.
    pub fn peer_addr(&self) -> SocketAddr {
        self.raw.peer_addr()
    }

    /// Appends what has arrived to `buf`, at most its spare capacity, or at most 16 KiB if it has none.
    /// Waits for at least one byte; 0 means that the peer has finished.
    ///
    /// # Errors
    /// [`crate::RtError::Reset`], [`crate::RtError::TimedOut`], [`crate::RtError::Io`].
    pub async fn read(&self, mut buf: BytesMut) -> BufResult<usize, BytesMut> {
        if buf.capacity() == buf.len() {
            buf.reserve(READ_BYTES);
        }
        self.raw.read(buf).await
    }

    /// Writes all of `bytes`. Its end says that they are on their way, not that they arrived.
    ///
    /// # Errors
    /// [`crate::RtError::Reset`], [`crate::RtError::TimedOut`], [`crate::RtError::Io`].
    pub async fn write_all(&self, bytes: Bytes) -> Result<()> {
        self.raw.write_all(bytes).await
    }

    /// Says that no more will be written; reading goes on.
    ///
    /// # Errors
    /// [`crate::RtError::Reset`], [`crate::RtError::Io`].
    pub async fn finish(&self) -> Result<()> {
        self.raw.finish().await
    }
}

/// Room made for a read into a full buffer.
const READ_BYTES: usize = 16 * 1024;

impl fmt::Debug for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Stream({})", self.peer_addr())
    }
}
