//! One connection to each address and purpose, made when it is first needed.
//!
//! Invariants:
//! - Whoever needs the same connection at the same time shares one attempt and its error.
//! - Attempts at one address are spaced by the retry policy, whoever asks.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::time::{Instant, sleep_until};

use crate::backoff::Backoff;
use crate::connection::{Connection, Stage};
use crate::error::ClientError;
use crate::options::ClientOptions;
use crate::routing::RoutingTable;
use crate::tasks::Tasks;

/// Addresses that are remembered; a redirect to ever new ones does not fill the memory.
const SLOTS_MAX: usize = 4_096;

/// What a connection is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Purpose {
    /// Appends, subscriptions, routing.
    Data,
    /// Queries: their large answers do not hold up acks.
    Queries,
}

/// All connections of a client.
#[derive(Default)]
pub(crate) struct Pool {
    slots: Mutex<BTreeMap<(String, Purpose), Arc<Slot>>>,
}

#[derive(Default)]
struct Slot {
    gate: tokio::sync::Mutex<Gate>,
    /// Failed attempts so far.
    failures: AtomicU64,
}

#[derive(Default)]
struct Gate {
    connection: Option<Arc<Connection>>,
    backoff: Option<Backoff>,
    not_before: Option<Instant>,
    failure: Option<ClientError>,
}

impl Pool {
    /// The open connection to `address`, made if there is none.
    ///
    /// # Errors
    /// When it cannot be made.
    pub(crate) async fn get(
        &self,
        address: &str,
        purpose: Purpose,
        options: &ClientOptions,
        routing: &Arc<RoutingTable>,
        tasks: &Tasks,
    ) -> Result<Arc<Connection>, ClientError> {
        let slot = self.slot(address, purpose);
        let seen = slot.failures.load(Ordering::Acquire);
        let mut gate = slot.gate.lock().await;
        if let Some(connection) = gate.connection.as_ref().filter(|it| it.stage() == Stage::Open) {
            return Ok(connection.clone());
        }
        if slot.failures.load(Ordering::Acquire) != seen
            && let Some(error) = &gate.failure
        {
            return Err(error.clone());
        }
        if let Some(not_before) = gate.not_before {
            sleep_until(not_before).await;
        }
        match Connection::open(address, options, routing.clone()).await {
            Ok((connection, served)) => {
                tasks.spawn(served)?;
                *gate = Gate { connection: Some(connection.clone()), ..Gate::default() };
                Ok(connection)
            }
            Err(error) => {
                let backoff = gate.backoff.get_or_insert_with(|| Backoff::new(options.retry));
                let asked = error.refusal().map(|refusal| refusal.retry_after).unwrap_or_default();
                let wait = backoff.next(asked);
                gate.not_before = Some(Instant::now() + wait);
                gate.failure = Some(error.clone());
                slot.failures.fetch_add(1, Ordering::Release);
                Err(error)
            }
        }
    }

    fn slot(&self, address: &str, purpose: Purpose) -> Arc<Slot> {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        if slots.len() >= SLOTS_MAX {
            slots.retain(|_, slot| {
                let unused =
                    |gate: &Gate| gate.connection.as_ref().is_none_or(|it| it.stage() != Stage::Open);
                Arc::strong_count(slot) > 1 || !slot.gate.try_lock().is_ok_and(|gate| unused(&gate))
            });
        }
        slots.entry((address.to_owned(), purpose)).or_default().clone()
    }

    /// The connections that are open now.
    pub(crate) fn open(&self) -> Vec<Arc<Connection>> {
        let slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        let connections = slots.values().filter_map(|slot| slot.gate.try_lock().ok()?.connection.clone());
        connections.filter(|connection| connection.stage() == Stage::Open).collect()
    }
}
