//! What all parts of one client share.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use cep_types::{Epoch, PartitionId, SpaceId};
use net_wire::{Failure, Status};
use tokio::sync::watch;
use tokio::time::timeout;

use crate::append::Lane;
use crate::connection::Connection;
use crate::error::ClientError;
use crate::options::ClientOptions;
use crate::pool::{Pool, Purpose};
use crate::refusal::Refusal;
use crate::routing::RoutingTable;
use crate::tasks::Tasks;

/// Everything but the handles of users. Tasks hold it, so it does not end with the client: see
/// [`Guard`].
pub(crate) struct Shared {
    pub(crate) options: ClientOptions,
    pub(crate) routing: Arc<RoutingTable>,
    pub(crate) tasks: Tasks,
    pool: Pool,
    lanes: Mutex<BTreeMap<(SpaceId, PartitionId), Lane>>,
    /// Parts of appends that were taken and are not answered.
    unanswered: watch::Sender<usize>,
    is_closing: AtomicBool,
    fetching: tokio::sync::Mutex<()>,
    fetched: AtomicU64,
}

impl Shared {
    pub(crate) fn new(options: ClientOptions) -> Arc<Self> {
        Arc::new(Shared {
            options,
            routing: Arc::new(RoutingTable::new()),
            tasks: Tasks::new(),
            pool: Pool::default(),
            lanes: Mutex::default(),
            unanswered: watch::Sender::new(0),
            is_closing: AtomicBool::new(false),
            fetching: tokio::sync::Mutex::default(),
            fetched: AtomicU64::new(0),
        })
    }

    /// The connection to an address.
    ///
    /// # Errors
    /// When it cannot be made.
    pub(crate) async fn connection(
        &self,
        address: &str,
        purpose: Purpose,
    ) -> Result<Arc<Connection>, ClientError> {
        self.pool.get(address, purpose, &self.options, &self.routing, &self.tasks).await
    }

    /// The open connections.
    pub(crate) fn open_connections(&self) -> Vec<Arc<Connection>> {
        self.pool.open()
    }

    /// Where something may be asked that any server answers: first what is connected, then all known
    /// addresses.
    pub(crate) fn addresses(&self) -> Vec<String> {
        let mut addresses: Vec<String> = Vec::new();
        let connected = self.pool.open().into_iter().map(|connection| connection.address().to_owned());
        let endpoints = self.routing.now();
        let known = endpoints.endpoints.iter().map(|endpoint| endpoint.address.clone());
        for address in connected.chain(self.options.bootstrap.iter().cloned()).chain(known) {
            if !addresses.contains(&address) {
                addresses.push(address);
            }
        }
        addresses
    }

    /// Asks for a newer routing table, anybody who answers. Whoever asks meanwhile shares the answer.
    ///
    /// # Errors
    /// When nobody answered within the time of a request.
    pub(crate) async fn refresh_routing(&self) -> Result<(), ClientError> {
        let seen = self.fetched.load(Ordering::Acquire);
        let _fetching = self.fetching.lock().await;
        if self.fetched.load(Ordering::Acquire) != seen {
            return Ok(());
        }
        let limit = self.options.timeouts.request;
        let mut last = None;
        let anybody = async {
            for address in self.addresses() {
                let answer = match self.connection(&address, Purpose::Data).await {
                    Ok(connection) => self.routing.fetch(&connection, &self.options).await,
                    Err(error) => Err(error),
                };
                match answer {
                    Ok(()) => {
                        self.fetched.fetch_add(1, Ordering::Release);
                        return true;
                    }
                    Err(error) => last = Some(error),
                }
            }
            false
        };
        let answered = timeout(limit, anybody).await.unwrap_or_default();
        match last {
            _ if answered => Ok(()),
            Some(error) => Err(error),
            None => Err(ClientError::Timeout { what: "the routing table", limit, last: None }),
        }
    }

    /// A connection to who leads a partition. `detour` is where a server said to go; `is_stale` whether
    /// the routing table is to be fetched first.
    ///
    /// # Errors
    /// When there is no leader now, or it cannot be reached.
    pub(crate) async fn leader(
        &self,
        space: SpaceId,
        partition: PartitionId,
        detour: Option<String>,
        is_stale: bool,
    ) -> Result<Arc<Connection>, ClientError> {
        if let Some(address) = detour
            && let Ok(connection) = self.connection(&address, Purpose::Data).await
        {
            if is_stale {
                // Without a newer table the detour still leads on.
                let _ = self.routing.fetch(&connection, &self.options).await;
            }
            return Ok(connection);
        }
        if is_stale {
            // The old table may still be right; whether it is shows below.
            let _ = self.refresh_routing().await;
        }
        let address = self.routing.now().leader(space, partition).map(|leader| leader.address.clone());
        match address {
            Some(address) => self.connection(&address, Purpose::Data).await,
            None => {
                let text = format!("nobody leads partition {} now; wait for an election", partition.0);
                Err(ClientError::Server(Refusal::of(&Failure::new(Status::TransientRetry, &text)).into()))
            }
        }
    }

    /// Whether a server knows of a newer table than this client.
    pub(crate) fn is_behind(&self, epoch: Option<Epoch>) -> bool {
        epoch.is_some_and(|epoch| epoch > self.routing.now().epoch)
    }

    /// The lane of a partition, made when it is first needed.
    ///
    /// # Errors
    /// When the client is closed.
    pub(crate) fn lane(
        self: &Arc<Self>,
        space: SpaceId,
        partition: PartitionId,
    ) -> Result<Lane, ClientError> {
        let mut lanes = self.lanes.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(lane) = lanes.get(&(space, partition)) {
            return Ok(lane.clone());
        }
        let (lane, driven) = Lane::new(self.clone(), (space, partition));
        self.tasks.spawn(driven)?;
        lanes.insert((space, partition), lane.clone());
        Ok(lane)
    }

    /// No append is taken from now on.
    pub(crate) fn begin_closing(&self) {
        self.is_closing.store(true, Ordering::Release);
    }

    pub(crate) fn is_closing(&self) -> bool {
        self.is_closing.load(Ordering::Acquire)
    }

    /// Counts one more part of an append, until the answer is dropped.
    pub(crate) fn count_unanswered(&self) -> Unanswered {
        self.unanswered.send_modify(|count| *count += 1);
        Unanswered(self.unanswered.clone())
    }

    /// Parts of appends that are not answered.
    pub(crate) fn watch_unanswered(&self) -> watch::Receiver<usize> {
        self.unanswered.subscribe()
    }
}

/// Stands for one part of an append that is not answered.
pub(crate) struct Unanswered(watch::Sender<usize>);

impl Drop for Unanswered {
    fn drop(&mut self) {
        self.0.send_modify(|count| *count = count.saturating_sub(1));
    }
}

/// What users hold: when the last one is dropped, all tasks and connections end.
pub(crate) struct Guard(pub(crate) Arc<Shared>);

impl Drop for Guard {
    fn drop(&mut self) {
        self.0.tasks.close();
    }
}
