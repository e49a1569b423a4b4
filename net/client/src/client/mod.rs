//! The client: what a program holds.

mod shared;

use std::sync::Arc;
use std::time::Duration;

use net_wire::Routing;
use tokio::time::{Instant, timeout, timeout_at};

pub(crate) use shared::{Guard, Shared, Unanswered};

use crate::append::{Producer, ProducerOptions};
use crate::connection::Session;
use crate::error::ClientError;
use crate::options::ClientOptions;
use crate::pool::Purpose;
use crate::query::{Query, QueryResult};
use crate::subscribe::{SubscribeOptions, Subscription};

/// How long a connection may take to close.
const CLOSE_PATIENCE: Duration = Duration::from_secs(1);

/// A connection to a cluster. Cheap to clone; when the last clone, producer and subscription are
/// dropped, all connections close.
///
/// It runs on the tokio runtime on which it was made, of either kind, with timers and I/O enabled.
#[derive(Clone)]
pub struct Client {
    guard: Arc<Guard>,
}

impl Client {
    /// Connects to the first of the addresses that answers, and fetches the routing table. Tries all of
    /// them again until `timeouts.connect` is over.
    ///
    /// # Errors
    /// What was wrong last; at once when a server refuses the client for good.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub async fn connect(options: ClientOptions) -> Result<Client, ClientError> {
        options.check()?;
        let deadline = Instant::now() + options.timeouts.connect;
        let guard = Arc::new(Guard(Shared::new(options)));
        let shared = &guard.0;
        let mut last = None;
        while Instant::now() < deadline {
            for address in &shared.options.bootstrap {
                let attempt = async {
                    let connection = shared.connection(address, Purpose::Data).await?;
                    shared.routing.fetch(&connection, &shared.options).await
                };
                match timeout_at(deadline, attempt).await {
                    Ok(Ok(())) => return Ok(Client { guard }),
                    Ok(Err(error)) if !error.is_transient() => return Err(error),
                    Ok(Err(error)) => last = Some(error),
                    Err(_) => break,
                }
            }
        }
        let limit = shared.options.timeouts.connect;
        Err(last.unwrap_or(ClientError::Timeout { what: "to connect", limit, last: None }))
    }

    /// A producer of rows for the stream of that name.
    ///
    /// # Errors
    /// When there is no such stream, clients may not append to it, or the server does not offer it.
    pub fn producer(&self, stream: &str, options: ProducerOptions) -> Result<Producer, ClientError> {
        Producer::new(self.guard.clone(), stream, options)
    }

    /// The rows of the stream of that name.
    ///
    /// # Errors
    /// When there is no such stream or partition, or clients may not subscribe to it.
    pub fn subscribe(&self, stream: &str, options: &SubscribeOptions) -> Result<Subscription, ClientError> {
        Subscription::new(self.guard.clone(), stream, options)
    }

    /// Asks a question: a SELECT on tables and aggregations.
    ///
    /// # Errors
    /// When the query is wrong, its result too large, or its time over. Failures that pass are tried
    /// again until then.
    pub async fn query(&self, query: &Query) -> Result<QueryResult, ClientError> {
        query.run(&self.guard.0).await
    }

    /// The routing table that the client goes by: streams with their columns, spaces, leaders.
    pub fn routing(&self) -> Arc<Routing> {
        self.guard.0.routing.now()
    }

    /// Asks for a newer routing table: for streams that were made since.
    ///
    /// # Errors
    /// When no server answered.
    pub async fn refresh_routing(&self) -> Result<Arc<Routing>, ClientError> {
        self.guard.0.refresh_routing().await?;
        Ok(self.routing())
    }

    /// What the servers of the open connections said about themselves.
    pub fn sessions(&self) -> Vec<Session> {
        self.guard.0.open_connections().iter().map(|connection| connection.session().clone()).collect()
    }

    /// Takes no more appends, waits for the answers of those that were taken, says Goodbye and closes
    /// all connections. Subscriptions end.
    ///
    /// # Errors
    /// When some appends were not answered within `timeouts.drain`; it is closed nevertheless.
    pub async fn close(self) -> Result<(), ClientError> {
        let shared = &self.guard.0;
        shared.begin_closing();
        let limit = shared.options.timeouts.drain;
        let mut unanswered = shared.watch_unanswered();
        let drained = timeout(limit, unanswered.wait_for(|count| *count == 0)).await.is_ok();
        let connections = shared.open_connections();
        for connection in &connections {
            connection.say_goodbye();
        }
        for connection in &connections {
            connection.closed(CLOSE_PATIENCE).await;
        }
        shared.tasks.close();
        if drained {
            return Ok(());
        }
        Err(ClientError::Timeout {
            what: "to close",
            limit,
            last: Some("appends are not answered".to_owned()),
        })
    }
}
