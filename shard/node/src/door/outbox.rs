//! What goes out on a connection.
//!
//! Invariants: messages go out in the order in which they were put here; who makes more of them waits
//! for room first, so that a peer that does not read costs bounded memory.

use std::cell::{Cell, RefCell};

use bytes::Bytes;
use net_wire::{Encoder, Message, RequestId, WireError};
use shard_rt::sync::Notify;

use super::line::Line;

/// Bytes that wait before who makes more is held.
const BYTES_MAX: usize = 4 << 20;

/// The messages on their way out.
pub(crate) struct Outbox {
    bytes: RefCell<Vec<u8>>,
    encoder: RefCell<Encoder>,
    more: Notify,
    less: Notify,
    closed: Cell<bool>,
    /// Messages put here, ever.
    pub(crate) sent: Cell<u64>,
}

impl Outbox {
    pub(crate) fn new() -> Self {
        Outbox {
            bytes: RefCell::default(),
            encoder: RefCell::default(),
            more: Notify::new(),
            less: Notify::new(),
            closed: Cell::new(false),
            sent: Cell::new(0),
        }
    }

    /// What the peer takes.
    pub(crate) fn set_message_bytes_max(&self, bytes: u32) {
        self.encoder.borrow_mut().set_message_bytes_max(bytes);
    }

    /// Sends a message; one that is too long for the peer comes back as an error.
    pub(crate) fn send<'a>(
        &self,
        request: RequestId,
        message: impl Into<Message<'a>>,
    ) -> Result<(), WireError> {
        if self.closed.get() {
            return Ok(());
        }
        let message = message.into();
        self.encoder.borrow_mut().encode(request, &message, &mut self.bytes.borrow_mut())?;
        self.sent.set(self.sent.get() + 1);
        self.more.one();
        Ok(())
    }

    /// Waits until there is room, or the connection has ended.
    pub(crate) async fn room(&self) {
        while self.bytes.borrow().len() >= BYTES_MAX && !self.closed.get() {
            self.less.notified().await;
        }
    }

    /// Nothing more goes out; what is here already does.
    pub(crate) fn close(&self) {
        self.closed.set(true);
        self.more.all();
        self.less.all();
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.closed.get()
    }

    /// Writes what is put here, until it is closed and empty, or the connection breaks.
    pub(crate) async fn write(&self, line: &Line) {
        loop {
            let bytes = std::mem::take(&mut *self.bytes.borrow_mut());
            if !bytes.is_empty() {
                self.less.all();
                if line.write_all(Bytes::from(bytes)).await.is_err() {
                    return self.close();
                }
                continue;
            }
            if self.closed.get() {
                return line.finish().await;
            }
            self.more.notified().await;
        }
    }
}
