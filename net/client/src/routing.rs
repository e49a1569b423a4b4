//! The routing table that the client goes by, and how it gets a newer one.
//!
//! Invariant: the epoch never goes back, whatever a server that lags behind says.

use std::sync::Arc;

use net_wire::{GetRouting, Message, Routing};
use tokio::sync::{oneshot, watch};
use tokio::time::timeout;

use crate::connection::{Connection, Sink, Taken};
use crate::error::ClientError;
use crate::options::ClientOptions;
use crate::refusal::Refusal;

/// The newest table that came.
pub(crate) struct RoutingTable {
    table: watch::Sender<Option<Arc<Routing>>>,
}

impl RoutingTable {
    pub(crate) fn new() -> Self {
        RoutingTable { table: watch::Sender::new(None) }
    }

    /// The table; an empty one before the first came.
    pub(crate) fn now(&self) -> Arc<Routing> {
        self.table.borrow().clone().unwrap_or_default()
    }

    /// Takes a table, if it is newer.
    pub(crate) fn offer(&self, routing: &Routing) {
        self.table.send_if_modified(|table| {
            let is_newer = table.as_ref().is_none_or(|table| routing.epoch > table.epoch);
            if is_newer {
                *table = Some(Arc::new(routing.clone()));
            }
            is_newer
        });
    }

    /// Asks for a newer table over this connection.
    ///
    /// # Errors
    /// When no answer came.
    pub(crate) async fn fetch(
        &self,
        connection: &Connection,
        options: &ClientOptions,
    ) -> Result<(), ClientError> {
        let known = self.table.borrow().as_ref().map(|table| table.epoch).filter(|epoch| epoch.0 != 0);
        let (sender, receiver) = oneshot::channel();
        let request = connection.begin(Box::new(RoutingSink(Some(sender))))?;
        connection.send(&mut connection.encoder(), request, &GetRouting { known }.into(), None)?;
        let limit = options.timeouts.request;
        match timeout(limit, receiver).await {
            Ok(answer) => {
                self.offer(&answer.map_err(|_| ClientError::Closed)??);
                Ok(())
            }
            Err(_) => {
                connection.forget(request);
                Err(ClientError::Timeout { what: "the routing table", limit, last: None })
            }
        }
    }
}

/// Waits for a routing table.
struct RoutingSink(Option<oneshot::Sender<Result<Routing, ClientError>>>);

impl RoutingSink {
    fn end(&mut self, answer: Result<Routing, ClientError>) {
        if let Some(sender) = self.0.take() {
            // Who asked may have gone.
            let _ = sender.send(answer);
        }
    }
}

impl Sink for RoutingSink {
    fn take(&mut self, message: &Message<'_>) -> Result<Taken, String> {
        match message {
            Message::Routing(routing) => self.end(Ok(routing.clone())),
            Message::Error(failure) => self.end(Err(ClientError::Server(Refusal::of(failure).into()))),
            other => return Err(format!("{:?} for a routing table", other.kind())),
        }
        Ok(Taken::Done)
    }

    fn lost(mut self: Box<Self>, error: &ClientError) {
        self.end(Err(error.clone()));
    }
}

#[cfg(test)]
mod tests {
    use cep_types::Epoch;

    use super::*;

    #[test]
    fn the_epoch_never_goes_back() {
        let table = RoutingTable::new();
        let of = |epoch| Routing { epoch: Epoch(epoch), ..Routing::default() };
        assert_eq!(table.now().epoch, Epoch(0));
        for (offered, kept) in [(0, 0), (7, 7), (6, 7), (7, 7), (9, 9)] {
            table.offer(&of(offered));
            assert_eq!(table.now().epoch, Epoch(kept));
        }
    }
}
