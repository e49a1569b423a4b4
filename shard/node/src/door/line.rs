//! The bytes of a connection: plain, or inside TLS.
//!
//! Invariants: what TLS has to say, in answer to what was read or written, goes out before either returns;
//! records leave in the order in which they were made, though one task reads and another writes.

use std::cell::{Cell, RefCell};
use std::io::{ErrorKind, Read, Write};
use std::rc::Rc;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use rustls::{ServerConfig, ServerConnection};
use shard_rt::Stream;
use shard_rt::sync::Mutex;

/// Room for what is read at once: a TLS record, and a bit.
const RECORD_BYTES: usize = 17 * 1024;
/// Bytes that are made records at once.
const PORTION_BYTES: usize = 64 * 1024;

/// A connection. Clones are the same: one task may read and another write.
#[derive(Clone)]
pub(crate) enum Line {
    /// As they are.
    Plain(Stream),
    /// Inside TLS.
    Tls(Rc<Tls>),
}

/// The connection has ended.
#[derive(Debug)]
pub(crate) struct Ended;

/// A TLS session on a connection.
pub(crate) struct Tls {
    stream: Stream,
    session: RefCell<ServerConnection>,
    /// Plain bytes that came and are not read.
    plain: RefCell<BytesMut>,
    /// The peer says no more.
    finished: Cell<bool>,
    /// Held by who makes records and sends them.
    writing: Mutex<()>,
    failure: RefCell<Option<String>>,
}

impl Line {
    /// A connection that begins; with TLS where there is a config.
    pub(crate) fn new(stream: Stream, tls: Option<&Arc<ServerConfig>>) -> Result<Self, rustls::Error> {
        let Some(config) = tls else { return Ok(Line::Plain(stream)) };
        let mut session = ServerConnection::new(Arc::clone(config))?;
        // Everything is sent at once: nothing gathers.
        session.set_buffer_limit(None);
        Ok(Line::Tls(Rc::new(Tls {
            stream,
            session: RefCell::new(session),
            plain: RefCell::default(),
            finished: Cell::new(false),
            writing: Mutex::new(()),
            failure: RefCell::default(),
        })))
    }

    /// Whether the peer has shown a certificate.
    pub(crate) fn is_certified(&self) -> bool {
        match self {
            Line::Plain(_) => false,
            Line::Tls(tls) => tls.session.borrow().peer_certificates().is_some_and(|chain| !chain.is_empty()),
        }
    }

    /// What was wrong with the peer's TLS.
    pub(crate) fn failure(&self) -> Option<String> {
        match self {
            Line::Plain(_) => None,
            Line::Tls(tls) => tls.failure.borrow().clone(),
        }
    }

    /// Appends what has come to `buf`, at most its spare capacity. Waits for at least one byte; 0 is the end.
    pub(crate) async fn read(&self, buf: BytesMut) -> (usize, BytesMut) {
        match self {
            Line::Plain(stream) => {
                let (count, buf) = stream.read(buf).await;
                (count.unwrap_or(0), buf)
            }
            Line::Tls(tls) => tls.read(buf).await,
        }
    }

    /// Writes all of `bytes`.
    pub(crate) async fn write_all(&self, bytes: Bytes) -> Result<(), Ended> {
        match self {
            Line::Plain(stream) => stream.write_all(bytes).await.map_err(|_| Ended),
            Line::Tls(tls) => tls.write_all(&bytes).await,
        }
    }

    /// Says that no more will be written.
    pub(crate) async fn finish(&self) {
        match self {
            Line::Plain(stream) => drop(stream.finish().await),
            Line::Tls(tls) => {
                tls.session.borrow_mut().send_close_notify();
                let _ = tls.flush().await;
                let _ = tls.stream.finish().await;
            }
        }
    }
}

impl Tls {
    async fn read(&self, mut buf: BytesMut) -> (usize, BytesMut) {
        if buf.capacity() == buf.len() {
            buf.reserve(RECORD_BYTES);
        }
        loop {
            let count = {
                let mut plain = self.plain.borrow_mut();
                let count = plain.len().min(buf.capacity() - buf.len());
                buf.extend_from_slice(&plain.split_to(count));
                count
            };
            if count > 0 || self.finished.get() {
                return (count, buf);
            }
            let (count, records) = self.stream.read(BytesMut::with_capacity(RECORD_BYTES)).await;
            if !matches!(count, Ok(count) if count > 0) {
                self.finished.set(true);
                continue;
            }
            if let Err(error) = self.take(&records) {
                *self.failure.borrow_mut() = Some(error);
                self.finished.set(true);
            }
            // Its part of the handshake, or an alert that says what is wrong.
            if self.flush().await.is_err() {
                self.finished.set(true);
            }
        }
    }

    /// Takes records apart, as far as they are whole.
    fn take(&self, records: &[u8]) -> Result<(), String> {
        let mut session = self.session.borrow_mut();
        let mut plain = self.plain.borrow_mut();
        let mut unread = records;
        while !unread.is_empty() {
            session.read_tls(&mut unread).map_err(|error| error.to_string())?;
            let state = session.process_new_packets().map_err(|error| error.to_string())?;
            let before = plain.len();
            plain.resize(before + state.plaintext_bytes_to_read(), 0);
            let read = match session.reader().read_exact(&mut plain[before..]) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(()),
                read => read,
            };
            read.map_err(|error| error.to_string())?;
            if state.peer_has_closed() {
                self.finished.set(true);
                return Ok(());
            }
        }
        Ok(())
    }

    async fn write_all(&self, bytes: &[u8]) -> Result<(), Ended> {
        for portion in bytes.chunks(PORTION_BYTES) {
            self.session.borrow_mut().writer().write_all(portion).map_err(|_| Ended)?;
            self.flush().await?;
        }
        Ok(())
    }

    /// Sends the records that are made.
    async fn flush(&self) -> Result<(), Ended> {
        let _alone = self.writing.lock().await;
        loop {
            let mut records = Vec::new();
            {
                let mut session = self.session.borrow_mut();
                while session.wants_write() {
                    session.write_tls(&mut records).map_err(|_| Ended)?;
                }
            }
            if records.is_empty() {
                return Ok(());
            }
            self.stream.write_all(Bytes::from(records)).await.map_err(|_| Ended)?;
        }
    }
}
