//! One connection to one port: handshake, heartbeats, requests out, answers to whoever asked.
//!
//! Invariants:
//! - One task owns the socket and reads all the time, so a slow reader of answers stalls nobody. What
//!   waits to be sent is bounded by who sends: appends by their producers, allowances by rows that were
//!   taken, replies to heartbeats here.
//! - A connection that is silent for three heartbeats, or does not take what is written for so long,
//!   is dead (`docs/protocol.md`, Heartbeats).
//! - After the end every sink has been told, and no request is taken.

mod dial;
mod dispatch;
mod link;
mod routes;
mod session;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use net_wire::{Encoder, Failure, Goodbye, Message, RequestId, Window};
use tokio::sync::{Notify, mpsc, watch};

pub(crate) use routes::{Sink, Taken, WindowKey};
pub use session::Session;

use crate::error::ClientError;
use crate::options::ClientOptions;
use crate::routing::RoutingTable;
use routes::Routes;

/// How far a connection is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Stage {
    /// Requests and answers.
    Open,
    /// A side said Goodbye: answers only.
    Draining,
    /// Nothing.
    Closed,
}

/// A message on its way out: all but the rows, and the rows.
pub(super) struct Outgoing {
    head: Vec<u8>,
    rows: Option<Arc<Vec<u8>>>,
    purpose: Purpose,
}

/// Why a message goes out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Purpose {
    /// Somebody asked for it to be sent.
    Request,
    /// The server asked.
    Reply,
    /// It ends the connection.
    Goodbye,
}

/// An open connection. Dropping it does not close it: [`kill`](Self::kill) does, and the end of the
/// task that serves it.
pub(crate) struct Connection {
    session: Session,
    routes: Mutex<Routes>,
    outgoing: mpsc::UnboundedSender<Outgoing>,
    /// Replies in `outgoing`.
    replies: AtomicUsize,
    stage: watch::Sender<Stage>,
    killed: Notify,
    kill_reason: Mutex<Option<String>>,
    routing: Arc<RoutingTable>,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Connection {
    /// Connects to `address`. The future that comes with the connection serves it: it must be run.
    pub(crate) async fn open(
        address: &str,
        options: &ClientOptions,
        routing: Arc<RoutingTable>,
    ) -> Result<(Arc<Self>, impl Future<Output = ()> + Send + use<>), ClientError> {
        let dial::Opened { socket, decoder, session } = dial::dial(address, options).await?;
        let (outgoing, queue) = mpsc::unbounded_channel();
        let connection = Arc::new(Connection {
            session,
            routes: Mutex::new(Routes::after(1)),
            outgoing,
            replies: AtomicUsize::new(0),
            stage: watch::Sender::new(Stage::Open),
            killed: Notify::new(),
            kill_reason: Mutex::new(None),
            routing,
        });
        let served = link::serve(connection.clone(), socket, decoder, queue);
        Ok((connection, served))
    }

    pub(crate) fn session(&self) -> &Session {
        &self.session
    }

    pub(crate) fn address(&self) -> &str {
        &self.session.address
    }

    /// An encoder for what the server takes.
    pub(crate) fn encoder(&self) -> Encoder {
        Encoder::new(self.session.message_bytes_max)
    }

    pub(crate) fn stage(&self) -> Stage {
        *self.stage.borrow()
    }

    pub(crate) fn watch_stage(&self) -> watch::Receiver<Stage> {
        self.stage.subscribe()
    }

    /// The credit window of a partition, the newest number that came.
    pub(crate) fn window(&self, key: WindowKey) -> watch::Sender<Window> {
        locked(&self.routes).window(key, self.session.credits)
    }

    /// Begins a request: answers go to `sink` from now on.
    ///
    /// # Errors
    /// When the connection takes no requests any more.
    pub(crate) fn begin(&self, sink: Box<dyn Sink>) -> Result<RequestId, ClientError> {
        if self.stage() != Stage::Open {
            return Err(self.lost("it takes no new requests"));
        }
        locked(&self.routes).add(sink)
    }

    /// What still comes for the request is ignored.
    pub(crate) fn forget(&self, request: RequestId) {
        locked(&self.routes).remove(request);
    }

    /// Sends `message`; the rows, when given, are sent in place of those that it borrows.
    ///
    /// # Errors
    /// [`ClientError::Rows`] when the server does not take so much.
    pub(crate) fn send(
        &self,
        encoder: &mut Encoder,
        request: RequestId,
        message: &Message<'_>,
        rows: Option<Arc<Vec<u8>>>,
    ) -> Result<(), ClientError> {
        let mut head = Vec::new();
        let encoded = match &rows {
            Some(_) => encoder.encode_head(request, message, &mut head),
            None => encoder.encode(request, message, &mut head),
        };
        encoded.map_err(|error| ClientError::Rows { reason: error.to_string() })?;
        self.push(Outgoing { head, rows, purpose: Purpose::Request });
        Ok(())
    }

    fn push(&self, outgoing: Outgoing) {
        if outgoing.purpose == Purpose::Reply {
            self.replies.fetch_add(1, Ordering::Relaxed);
        }
        // After the end nobody receives: the sinks are told by the one who ended it.
        let _ = self.outgoing.send(outgoing);
    }

    /// Closes the connection at once.
    pub(crate) fn kill(&self, reason: &str) {
        locked(&self.kill_reason).get_or_insert_with(|| reason.to_owned());
        self.killed.notify_one();
    }

    /// Says Goodbye behind all that was sent, then closes.
    pub(crate) fn say_goodbye(&self) {
        self.advance_stage(Stage::Draining);
        let goodbye = Goodbye { failure: Failure::none(), drain_ms: 0 };
        let mut head = Vec::new();
        match self.encoder().encode(RequestId::NONE, &goodbye.into(), &mut head) {
            Ok(_) => self.push(Outgoing { head, rows: None, purpose: Purpose::Goodbye }),
            Err(error) => self.kill(&error.to_string()),
        }
    }

    /// Waits for the end, at most for `limit`.
    pub(crate) async fn closed(&self, limit: Duration) {
        let mut stage = self.watch_stage();
        // An error means that the connection is gone altogether.
        let _ = tokio::time::timeout(limit, stage.wait_for(|stage| *stage == Stage::Closed)).await;
    }

    fn advance_stage(&self, to: Stage) {
        self.stage.send_if_modified(|stage| {
            let is_later = to > *stage;
            *stage = to.max(*stage);
            is_later
        });
    }

    /// The connection is over: everybody is told.
    fn finish(&self, error: &ClientError) {
        let sinks = locked(&self.routes).close(error);
        self.advance_stage(Stage::Closed);
        for sink in sinks {
            sink.lost(error);
        }
    }

    fn lost(&self, reason: impl Into<String>) -> ClientError {
        ClientError::Lost { address: self.session.address.clone(), reason: reason.into() }
    }

    fn malformed(&self, reason: impl Into<String>) -> ClientError {
        ClientError::Malformed { address: self.session.address.clone(), reason: reason.into() }
    }
}
