//! Waiting in virtual time, to the nanosecond: what disks and links take.

use std::cell::RefCell;
use std::future::{Future, poll_fn};
use std::rc::Rc;
use std::task::{Poll, Waker};

use super::World;
use crate::timer::TimerQueue;

impl World {
    /// Ends at `deadline_ns`.
    pub(crate) fn delay_until(self: &Rc<Self>, deadline_ns: u64) -> impl Future<Output = ()> + 'static {
        let world = Rc::clone(self);
        let mut armed = Armed { world, key: None };
        poll_fn(move |cx| {
            if armed.world.now() >= deadline_ns {
                return Poll::Ready(());
            }
            armed.arm(deadline_ns, cx.waker());
            Poll::Pending
        })
    }

    /// Ends after `duration_ns`, counted from the call.
    pub(crate) fn delay(self: &Rc<Self>, duration_ns: u64) -> impl Future<Output = ()> + 'static {
        self.delay_until(self.now().saturating_add(duration_ns))
    }
}

struct Armed {
    world: Rc<World>,
    key: Option<(u64, u64)>,
}

impl Armed {
    fn queue(&self) -> &RefCell<TimerQueue> {
        &self.world.delays
    }

    fn arm(&mut self, deadline_ns: u64, waker: &Waker) {
        self.disarm();
        let key = self.queue().borrow_mut().insert(deadline_ns, waker.clone());
        self.key = Some(key);
    }

    fn disarm(&mut self) {
        if let Some(key) = self.key.take() {
            self.queue().borrow_mut().remove(key);
        }
    }
}

impl Drop for Armed {
    fn drop(&mut self) {
        self.disarm();
    }
}
