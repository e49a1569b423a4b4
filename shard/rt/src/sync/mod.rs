//! Channels and locks between tasks of one shard: no atomics, wakers in the order of waiting.
//!
//! Ours, because determinism needs a fixed wake order, and a weak sender and a watch that live on
//! one thread are in no well-kept library.
//!
//! Invariants: no borrow is held while a waker runs or a value is dropped; a waiter that is dropped
//! after it was woken passes the wake on. Across shards use [`crate::mailbox`].

pub mod mpsc;
mod mutex;
mod notify;
pub mod oneshot;
pub mod watch;

use std::collections::BTreeMap;
use std::task::Waker;

pub use mutex::{Mutex, MutexGuard};
pub use notify::{Notified, Notify};

/// Wakers in order of arrival.
#[derive(Default)]
pub(crate) struct WaitList {
    waiting: BTreeMap<u64, Waker>,
    serial: u64,
}

impl WaitList {
    /// Waits at `place`, at the end of the list if there is none yet.
    pub(crate) fn wait(&mut self, place: &mut Option<u64>, waker: &Waker) {
        let at = *place.get_or_insert_with(|| {
            self.serial += 1;
            self.serial
        });
        self.waiting.insert(at, waker.clone());
    }

    /// The first waiter, who leaves the list.
    pub(crate) fn first(&mut self) -> Option<Waker> {
        self.waiting.pop_first().map(|(_, waker)| waker)
    }

    /// All waiters, who leave the list.
    pub(crate) fn all(&mut self) -> Vec<Waker> {
        std::mem::take(&mut self.waiting).into_values().collect()
    }

    /// Leaves. True if the waiter had been woken, so that its wake must go to the next.
    pub(crate) fn leave(&mut self, place: &mut Option<u64>) -> bool {
        place.take().is_some_and(|at| self.waiting.remove(&at).is_none())
    }

    /// Whether the waiter at `place` was woken.
    pub(crate) fn was_woken(&self, place: Option<u64>) -> bool {
        place.is_some_and(|at| !self.waiting.contains_key(&at))
    }
}
