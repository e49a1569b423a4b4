//! Which tasks have been woken, and the wake protocol.
//!
//! Invariant: an item in the queue while the driver is idle has rung the bell. Proof: the driver
//! sets `idle` and then looks into the queue under its lock; a waker pushes under the same lock and
//! then takes `idle`. Whichever holds the lock first, either the driver sees the item, or the lock
//! orders the driver's `idle = true` before the waker's swap, which then rings. One bell an idle
//! period, none while the driver runs.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Wake;

/// A task of one executor: its slot, and a serial number that tells reuses of the slot apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TaskKey {
    pub(crate) slot: usize,
    pub(crate) serial: u64,
}

/// Rung when a task is woken while the driver is idle, from any thread.
pub(crate) type Bell = Box<dyn Fn() + Send + Sync>;

pub(crate) struct ReadyQueue {
    queue: Mutex<VecDeque<TaskKey>>,
    idle: AtomicBool,
    bell: Bell,
}

impl ReadyQueue {
    pub(crate) fn new(bell: Bell) -> Arc<Self> {
        Arc::new(Self { queue: Mutex::default(), idle: AtomicBool::new(false), bell })
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<TaskKey>> {
        // No code of others runs under the lock: a poisoned queue is whole.
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn push(&self, key: TaskKey) {
        self.lock().push_back(key);
        if self.idle.swap(false, Ordering::SeqCst) {
            (self.bell)();
        }
    }

    /// Moves all woken tasks to the end of `batch`, oldest first; false if `batch` stays empty.
    pub(crate) fn take_all(&self, batch: &mut VecDeque<TaskKey>) -> bool {
        batch.append(&mut self.lock());
        !batch.is_empty()
    }

    /// Whether no woken task waits.
    #[cfg_attr(not(feature = "glommio"), allow(dead_code, reason = "the simulator has no idle driver"))]
    pub(crate) fn is_empty(&self) -> bool {
        self.lock().is_empty()
    }

    /// Says that the driver stops until the bell rings. False if there is work after all.
    #[cfg_attr(not(feature = "glommio"), allow(dead_code, reason = "the simulator has no idle driver"))]
    pub(crate) fn go_idle(&self) -> bool {
        self.idle.store(true, Ordering::SeqCst);
        if self.is_empty() {
            return true;
        }
        self.idle.store(false, Ordering::SeqCst);
        false
    }
}

pub(super) struct TaskWaker {
    key: TaskKey,
    queued: AtomicBool,
    ready: Arc<ReadyQueue>,
}

impl TaskWaker {
    pub(super) fn new(key: TaskKey, ready: Arc<ReadyQueue>) -> Arc<Self> {
        Arc::new(Self { key, queued: AtomicBool::new(false), ready })
    }

    /// From here on a wake queues the task again.
    pub(super) fn begin_poll(&self) {
        self.queued.store(false, Ordering::SeqCst);
    }
}

impl Wake for TaskWaker {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if !self.queued.swap(true, Ordering::SeqCst) {
            self.ready.push(self.key);
        }
    }
}
