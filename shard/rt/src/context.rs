//! The current runtime of a thread, and the handle to it.
//!
//! Invariant: a task sees the runtime of its own shard, whatever thread and backend polls it; outside
//! tasks there is none, and the functions here panic.

use std::cell::RefCell;
use std::future::Future;
use std::rc::Rc;
use std::task::Poll;
use std::time::Duration;

use crate::buffer::AlignedBuf;
use crate::disk::Disk;
use crate::exec::{ExecStats, Executor, JoinHandle, join_spawn};
use crate::id::{NodeId, ShardId};
use crate::machine::Machine;
use crate::net::Net;
use crate::rng::Rng;
use crate::timer::{Sleep, Timeout, TimerQueue, nanos};

pub(crate) struct Inner {
    pub(crate) node: NodeId,
    pub(crate) shard: ShardId,
    pub(crate) exec: Executor,
    pub(crate) timers: RefCell<TimerQueue>,
    pub(crate) rng: RefCell<Rng>,
    pub(crate) machine: Box<dyn Machine>,
}

thread_local! {
    static CURRENT: RefCell<Option<Rt>> = const { RefCell::new(None) };
}

/// A handle to the runtime of one shard. Cheap to clone; stays on its thread.
#[derive(Clone)]
pub struct Rt {
    inner: Rc<Inner>,
}

/// Restores the runtime that was current before.
pub(crate) struct Entered(Option<Rt>);

impl Drop for Entered {
    fn drop(&mut self) {
        CURRENT.with(|current| *current.borrow_mut() = self.0.take());
    }
}

impl Rt {
    pub(crate) fn new(inner: Inner) -> Self {
        Self { inner: Rc::new(inner) }
    }

    pub(crate) fn inner(&self) -> &Rc<Inner> {
        &self.inner
    }

    /// Makes this the current runtime until the value is dropped.
    pub(crate) fn enter(&self) -> Entered {
        Entered(CURRENT.with(|current| current.borrow_mut().replace(self.clone())))
    }

    /// The runtime of the task that is running.
    ///
    /// # Panics
    /// Outside a task of a runtime.
    pub fn current() -> Self {
        Self::try_current().expect("invariant: called from a task of a shard")
    }

    /// The runtime of the task that is running; `None` outside one.
    pub fn try_current() -> Option<Self> {
        CURRENT.with(|current| current.borrow().clone())
    }

    /// The node.
    pub fn node(&self) -> NodeId {
        self.inner.node
    }

    /// The shard.
    pub fn shard(&self) -> ShardId {
        self.inner.shard
    }

    /// Monotone nanoseconds; only differences have a meaning.
    pub fn now(&self) -> u64 {
        self.inner.machine.now_ns()
    }

    /// Nanoseconds since 1970 of the host's clock, which may jump.
    pub fn wall_ns(&self) -> u64 {
        self.inner.machine.wall_ns()
    }

    /// Ends `duration` from now, rounded up to the resolution of the shard's timers.
    pub fn sleep(&self, duration: Duration) -> Sleep {
        self.sleep_until(self.now().saturating_add(nanos(duration)))
    }

    /// Ends at this monotone time, rounded up to the resolution of the shard's timers.
    pub fn sleep_until(&self, deadline_ns: u64) -> Sleep {
        Sleep::new(&self.inner, deadline_ns)
    }

    /// `future`, or [`crate::Elapsed`] after `duration`.
    pub fn timeout<F: Future>(&self, duration: Duration, future: F) -> Timeout<F> {
        Timeout::new(future, self.sleep(duration))
    }

    /// Starts a task on this shard. It is first polled after this call has returned and the caller
    /// has awaited; never within the call. Dropping the handle does not end the task. A panic of a
    /// task ends the shard.
    pub fn spawn<T: 'static>(
        &self,
        name: &'static str,
        future: impl Future<Output = T> + 'static,
    ) -> JoinHandle<T> {
        join_spawn(&self.inner, name, future)
    }

    /// A generator of its own, split off the shard's.
    pub fn rng(&self) -> Rng {
        self.inner.rng.borrow_mut().split(0)
    }

    /// The shard's disk.
    pub fn disk(&self) -> Disk {
        Disk::new(self.clone())
    }

    /// The shard's network.
    pub fn net(&self) -> Net {
        Net::new(self.clone())
    }

    /// `blocks` zeroed blocks from where this backend does I/O without a copy.
    ///
    /// # Panics
    /// If `blocks` is zero.
    pub fn buffer(&self, blocks: usize) -> AlignedBuf {
        self.inner.machine.buffer(blocks)
    }

    /// Counts of this shard's executor.
    pub fn stats(&self) -> ExecStats {
        ExecStats { tasks_open: self.inner.exec.tasks_open(), ..self.inner.exec.watchdog.stats() }
    }
}

/// [`Rt::now`] of the current runtime.
pub fn now() -> u64 {
    Rt::current().now()
}

/// [`Rt::wall_ns`] of the current runtime.
pub fn wall_ns() -> u64 {
    Rt::current().wall_ns()
}

/// [`Rt::sleep`] of the current runtime.
pub fn sleep(duration: Duration) -> Sleep {
    Rt::current().sleep(duration)
}

/// [`Rt::sleep_until`] of the current runtime.
pub fn sleep_until(deadline_ns: u64) -> Sleep {
    Rt::current().sleep_until(deadline_ns)
}

/// [`Rt::timeout`] of the current runtime.
pub fn timeout<F: Future>(duration: Duration, future: F) -> Timeout<F> {
    Rt::current().timeout(duration, future)
}

/// [`Rt::spawn`] of the current runtime.
pub fn spawn<T: 'static>(name: &'static str, future: impl Future<Output = T> + 'static) -> JoinHandle<T> {
    Rt::current().spawn(name, future)
}

/// [`Rt::rng`] of the current runtime.
pub fn rng() -> Rng {
    Rt::current().rng()
}

/// [`Rt::disk`] of the current runtime.
pub fn disk() -> Disk {
    Rt::current().disk()
}

/// [`Rt::net`] of the current runtime.
pub fn net() -> Net {
    Rt::current().net()
}

/// [`Rt::buffer`] of the current runtime.
pub fn buffer(blocks: usize) -> AlignedBuf {
    Rt::current().buffer(blocks)
}

/// Lets every other task that is ready run first.
pub async fn yield_now() {
    let mut yielded = false;
    std::future::poll_fn(|cx| {
        if std::mem::replace(&mut yielded, true) {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}
