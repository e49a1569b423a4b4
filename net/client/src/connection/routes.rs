//! Who waits for which answer.
//!
//! Invariants:
//! - Every sink that was added is told its end exactly once: by the answer that ends it, or by
//!   [`Sink::lost`].
//! - Nothing is added once the connection is closed.

use std::collections::BTreeMap;

use cep_types::{PartitionId, SpaceId};
use net_wire::{Message, RequestId, Window};
use tokio::sync::watch;

use crate::error::ClientError;

/// What a sink made of a message.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Taken {
    /// More will come.
    More,
    /// The request is over.
    Done,
}

/// Takes the answers to one request, as they are read. It never waits.
pub(crate) trait Sink: Send {
    /// The next message with its request id.
    ///
    /// # Errors
    /// What is wrong with it: the connection is closed then.
    fn take(&mut self, message: &Message<'_>) -> Result<Taken, String>;

    /// No further answer comes.
    fn lost(self: Box<Self>, error: &ClientError);
}

/// Names a credit window.
pub(crate) type WindowKey = (SpaceId, PartitionId);

/// All that waits on one connection.
#[derive(Default)]
pub(super) struct Routes {
    last_request: u64,
    sinks: BTreeMap<RequestId, Box<dyn Sink>>,
    windows: BTreeMap<WindowKey, watch::Sender<Window>>,
    closed: Option<ClientError>,
}

impl Routes {
    /// Routes whose requests come after `last_request`.
    pub(super) fn after(last_request: u64) -> Self {
        Routes { last_request, ..Routes::default() }
    }

    /// A new request; what answers it goes to `sink`.
    pub(super) fn add(&mut self, sink: Box<dyn Sink>) -> Result<RequestId, ClientError> {
        if let Some(error) = &self.closed {
            return Err(error.clone());
        }
        let request = self.next_request();
        self.sinks.insert(request, sink);
        Ok(request)
    }

    /// An id for a message whose answer nobody waits for.
    pub(super) fn next_request(&mut self) -> RequestId {
        self.last_request += 1;
        RequestId(self.last_request)
    }

    /// Takes a sink away; what still comes for it is ignored.
    pub(super) fn remove(&mut self, request: RequestId) {
        self.sinks.remove(&request);
    }

    /// Hands a message to its sink. What nobody waits for any more is ignored.
    pub(super) fn take(&mut self, request: RequestId, message: &Message<'_>) -> Result<(), String> {
        let Some(sink) = self.sinks.get_mut(&request) else {
            return Ok(());
        };
        if sink.take(message)? == Taken::Done {
            self.sinks.remove(&request);
        }
        Ok(())
    }

    pub(super) fn is_idle(&self) -> bool {
        self.sinks.is_empty()
    }

    /// The window of a partition: `initial` until the server says otherwise.
    pub(super) fn window(&mut self, key: WindowKey, initial: Window) -> watch::Sender<Window> {
        self.windows.entry(key).or_insert_with(|| watch::Sender::new(initial)).clone()
    }

    /// Ends it all; the sinks are told by the caller, outside of any lock.
    pub(super) fn close(&mut self, error: &ClientError) -> Vec<Box<dyn Sink>> {
        self.closed.get_or_insert_with(|| error.clone());
        std::mem::take(&mut self.sinks).into_values().collect()
    }
}
