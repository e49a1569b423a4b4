//! The host's network: TCP through the rings.

use std::cell::RefCell;
use std::future::poll_fn;
use std::net::SocketAddr;
use std::os::fd::{FromRawFd, IntoRawFd};
use std::pin::Pin;
use std::task::ready;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_lite::{AsyncRead, AsyncWrite};
use glommio::net::{TcpListener, TcpStream};

use super::fault;
use crate::error::{Result, RtError};
use crate::machine::{BufResult, LocalBoxFuture, RawListener, RawNet, RawStream};

/// A dial without an answer ends after this.
const DIAL_TIMEOUT: Duration = Duration::from_secs(10);
/// A read takes at most so many bytes at once: its buffer is zeroed first.
const READ_BYTES_MAX: usize = 256 * 1024;

#[derive(Default)]
pub(super) struct UringNet;

impl RawNet for UringNet {
    fn listen(&self, address: SocketAddr) -> Result<Box<dyn RawListener>> {
        let failed = |error: std::io::Error| RtError::from_io("listen", address.to_string(), &error);
        // The standard library's, since glommio's own lets a second process take the same port.
        let listener = std::net::TcpListener::bind(address).map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        // SAFETY: the descriptor is an open listening socket that was just given up by its owner; the
        // new owner closes it.
        let listener = unsafe { TcpListener::from_raw_fd(listener.into_raw_fd()) };
        Ok(Box::new(UringListener { listener, address }))
    }

    fn dial(&self, address: SocketAddr) -> LocalBoxFuture<'_, Result<Box<dyn RawStream>>> {
        Box::pin(async move {
            let stream = TcpStream::connect_timeout(address, DIAL_TIMEOUT).await;
            UringStream::boxed("dial", stream.map_err(|error| fault::of_socket("dial", address, error))?)
        })
    }
}

struct UringListener {
    listener: TcpListener,
    address: SocketAddr,
}

impl RawListener for UringListener {
    fn local_addr(&self) -> SocketAddr {
        self.address
    }

    fn accept(&self) -> LocalBoxFuture<'_, Result<Box<dyn RawStream>>> {
        Box::pin(async move {
            let stream = self.listener.accept().await;
            UringStream::boxed(
                "accept",
                stream.map_err(|error| fault::of_socket("accept", self.address, error))?,
            )
        })
    }
}

/// glommio polls a socket through `&mut`; the borrow lasts one poll.
struct UringStream {
    stream: RefCell<TcpStream>,
    peer: SocketAddr,
}

impl UringStream {
    fn boxed(op: &'static str, stream: TcpStream) -> Result<Box<dyn RawStream>> {
        let peer = stream.peer_addr().map_err(|error| fault::of_socket(op, "peer", error))?;
        stream.set_nodelay(true).map_err(|error| fault::of_socket(op, peer, error))?;
        Ok(Box::new(Self { stream: RefCell::new(stream), peer }))
    }

    fn failed(&self, op: &'static str) -> impl Fn(std::io::Error) -> RtError + '_ {
        move |error| RtError::from_io(op, self.peer.to_string(), &error)
    }
}

impl RawStream for UringStream {
    fn peer_addr(&self) -> SocketAddr {
        self.peer
    }

    fn read(&self, mut buf: BytesMut) -> LocalBoxFuture<'_, BufResult<usize, BytesMut>> {
        Box::pin(async move {
            let filled = buf.len();
            let room = (buf.capacity() - filled).min(READ_BYTES_MAX);
            buf.resize(filled + room, 0);
            let read = poll_fn(|cx| {
                let mut stream = self.stream.borrow_mut();
                Pin::new(&mut *stream).poll_read(cx, &mut buf[filled..])
            })
            .await;
            buf.truncate(filled + read.as_ref().copied().unwrap_or(0));
            (read.map_err(self.failed("read")), buf)
        })
    }

    fn write_all(&self, bytes: Bytes) -> LocalBoxFuture<'_, Result<()>> {
        Box::pin(async move {
            let mut written = 0;
            poll_fn(|cx| {
                while written < bytes.len() {
                    let mut stream = self.stream.borrow_mut();
                    let count = ready!(Pin::new(&mut *stream).poll_write(cx, &bytes[written..]))?;
                    if count == 0 {
                        return std::task::Poll::Ready(Err(std::io::ErrorKind::BrokenPipe.into()));
                    }
                    written += count;
                }
                std::task::Poll::Ready(Ok(()))
            })
            .await
            .map_err(self.failed("write"))
        })
    }

    fn finish(&self) -> LocalBoxFuture<'_, Result<()>> {
        Box::pin(async move {
            let closed = poll_fn(|cx| Pin::new(&mut *self.stream.borrow_mut()).poll_close(cx)).await;
            closed.map_err(self.failed("finish"))
        })
    }
}
