//! Sleeping. All sleeps of a shard share one coarse queue of ticks: timers of one tick fire together,
//! and the shard wakes once for them.
//!
//! Invariant: a sleep ends at a tick at or after its deadline, never before it. It is at most one
//! resolution late, plus what the host adds. Sleeps shorter than the resolution last until its end.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::rc::{Rc, Weak};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use crate::context::Inner;

/// The queue: wakers by tick, then by order of arrival. A sorted map, so that a sleep that is
/// dropped leaves nothing behind, however far its deadline.
pub(crate) struct TimerQueue {
    resolution_ns: u64,
    waiting: BTreeMap<(u64, u64), Waker>,
    serial: u64,
}

impl TimerQueue {
    pub(crate) fn new(resolution_ns: u64) -> Self {
        assert!(resolution_ns > 0, "time goes on in positive steps");
        Self { resolution_ns, waiting: BTreeMap::new(), serial: 0 }
    }

    pub(crate) fn insert(&mut self, deadline_ns: u64, waker: Waker) -> (u64, u64) {
        let key = (deadline_ns.div_ceil(self.resolution_ns), self.serial);
        self.serial += 1;
        self.waiting.insert(key, waker);
        key
    }

    pub(crate) fn remove(&mut self, key: (u64, u64)) {
        self.waiting.remove(&key);
    }

    /// When the next timer fires, in monotone nanoseconds.
    pub(crate) fn next_ns(&self) -> Option<u64> {
        let ((tick, _), _) = self.waiting.first_key_value()?;
        Some(tick.saturating_mul(self.resolution_ns))
    }

    /// Takes the wakers of all timers due at `now_ns`, in order.
    pub(crate) fn due(&mut self, now_ns: u64) -> Vec<Waker> {
        if self.next_ns().is_none_or(|next| next > now_ns) {
            return Vec::new();
        }
        let later = self.waiting.split_off(&(now_ns / self.resolution_ns + 1, 0));
        let due = std::mem::replace(&mut self.waiting, later);
        due.into_values().collect()
    }

    #[cfg(test)]
    fn len(&self) -> usize {
        self.waiting.len()
    }
}

/// Ends at its deadline. Dropping it before costs nothing later.
pub struct Sleep {
    home: Weak<Inner>,
    deadline_ns: u64,
    key: Option<(u64, u64)>,
}

impl Sleep {
    pub(crate) fn new(home: &Rc<Inner>, deadline_ns: u64) -> Self {
        Self { home: Rc::downgrade(home), deadline_ns, key: None }
    }

    /// When it ends, in monotone nanoseconds of its shard.
    pub fn deadline_ns(&self) -> u64 {
        self.deadline_ns
    }

    fn forget(&mut self) {
        if let (Some(key), Some(home)) = (self.key.take(), self.home.upgrade()) {
            home.timers.borrow_mut().remove(key);
        }
    }
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let Some(home) = self.home.upgrade() else {
            // The shard has ended: nobody is left to wait.
            return Poll::Pending;
        };
        if home.machine.now_ns() >= self.deadline_ns {
            self.forget();
            return Poll::Ready(());
        }
        let mut timers = home.timers.borrow_mut();
        match self.key.and_then(|key| timers.waiting.get_mut(&key)) {
            Some(waker) => waker.clone_from(cx.waker()),
            None => self.key = Some(timers.insert(self.deadline_ns, cx.waker().clone())),
        }
        Poll::Pending
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        self.forget();
    }
}

/// The time was over first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the time was over; the other side is slow or gone")]
pub struct Elapsed;

/// A future with a time limit; made by [`crate::timeout`]. The timer is armed only when the future is
/// not ready at once.
pub struct Timeout<F> {
    // Boxed so that neither field needs projection.
    future: Pin<Box<F>>,
    sleep: Sleep,
}

impl<F: Future> Timeout<F> {
    pub(crate) fn new(future: F, sleep: Sleep) -> Self {
        Self { future: Box::pin(future), sleep }
    }
}

impl<F: Future> Future for Timeout<F> {
    type Output = Result<F::Output, Elapsed>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if let Poll::Ready(output) = self.future.as_mut().poll(cx) {
            return Poll::Ready(Ok(output));
        }
        Pin::new(&mut self.sleep).poll(cx).map(|()| Err(Elapsed))
    }
}

/// Nanoseconds of a duration, at most 2⁶⁴−1 (584 years).
pub(crate) fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// Wakes all the given wakers outside any borrow of the queue.
pub(crate) fn fire(timers: &RefCell<TimerQueue>, now_ns: u64) -> usize {
    let due = timers.borrow_mut().due(now_ns);
    let count = due.len();
    due.into_iter().for_each(Waker::wake);
    count
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Against a plain list of deadlines.
        #[test]
        fn timers_fire_at_their_tick_and_never_early(
            deadlines in prop::collection::vec(0u64..50_000, 1..60), steps in prop::collection::vec(1u64..9_000, 1..20),
        ) {
            let mut queue = TimerQueue::new(1_000);
            for deadline in &deadlines {
                queue.insert(*deadline, Waker::noop().clone());
            }
            let (mut now, mut fired) = (0, 0);
            for step in steps {
                now += step;
                fired += queue.due(now).len();
                let tick = now / 1_000 * 1_000;
                prop_assert_eq!(fired, deadlines.iter().filter(|deadline| **deadline <= tick).count());
            }
            prop_assert_eq!(queue.len(), deadlines.len() - fired);
        }
    }
}
