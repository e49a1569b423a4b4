//! openraft's runtime on the seam: everything it asks for comes from the runtime of the running task.
//!
//! Invariants: no thread, clock or randomness of the host; all timers are those of the shard's coarse
//! queue, so that the timers of all groups share its wakes; a task is first polled after the spawning
//! call has returned. A panic of a task ends the shard, so no task is ever found panicked.

mod channel;
mod instant;
mod lock;
#[cfg(test)]
mod tests;

use std::fmt::Debug;
use std::future::Future;
use std::time::Duration;

use openraft::AsyncRuntime;
use openraft::async_runtime::Instant as _;
use shard_rt::sync::oneshot::RecvError;
use shard_rt::{Elapsed, JoinError, JoinHandle, Rng, Rt, Sleep};

pub(crate) use channel::{Mpsc, Oneshot, Watch};
pub(crate) use instant::Instant;
pub(crate) use lock::Mutex;

/// The runtime of the running task, as a type.
#[derive(Debug)]
pub(crate) struct Runtime;

/// The runtime of the running task.
fn current() -> Rt {
    #[cfg(test)]
    if let Some(rt) = tests::host() {
        return rt;
    }
    Rt::current()
}

impl AsyncRuntime for Runtime {
    type JoinError = JoinError;
    type JoinHandle<T: 'static> = JoinHandle<T>;
    type Sleep = Sleep;
    type Instant = Instant;
    type TimeoutError = Elapsed;
    type Timeout<R, T: Future<Output = R>> = shard_rt::Timeout<T>;
    type ThreadLocalRng = Rng;
    type Mpsc = Mpsc;
    type Watch = Watch;
    type Oneshot = Oneshot;
    type Mutex<T: 'static> = Mutex<T>;

    fn spawn<T>(future: T) -> JoinHandle<T::Output>
    where
        T: Future + 'static,
        T::Output: 'static,
    {
        current().spawn("raft", future)
    }

    fn sleep(duration: Duration) -> Sleep {
        current().sleep(duration)
    }

    fn sleep_until(deadline: Instant) -> Sleep {
        current().sleep_until(deadline.ns())
    }

    fn timeout<R, F: Future<Output = R>>(duration: Duration, future: F) -> shard_rt::Timeout<F> {
        current().timeout(duration, future)
    }

    fn timeout_at<R, F: Future<Output = R>>(deadline: Instant, future: F) -> shard_rt::Timeout<F> {
        Self::timeout(deadline.saturating_duration_since(Instant::now()), future)
    }

    fn is_panic(_: &JoinError) -> bool {
        false
    }

    fn thread_rng() -> Rng {
        current().rng()
    }

    fn new(_threads: usize) -> Self {
        Self
    }

    /// The shard runs before openraft does; only openraft's suites ask for this, in tests.
    fn block_on<F, T>(&mut self, future: F) -> T
    where
        F: Future<Output = T>,
    {
        #[cfg(test)]
        return tests::block_on(future);
        #[cfg(not(test))]
        {
            drop(future);
            panic!("a shard is started by shard-rt; openraft runs within it")
        }
    }
}

/// What a receiver of one value says when the sender is gone.
pub(crate) type OneshotError = RecvError;
