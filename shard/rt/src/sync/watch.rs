//! The newest value, seen by many.

use std::cell::{Ref, RefCell};
use std::future::poll_fn;
use std::rc::Rc;
use std::task::{Poll, Waker};

use super::WaitList;

/// The other side is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the other side of the watch is gone; its task ended")]
pub struct Closed;

struct Shared<T> {
    value: RefCell<T>,
    state: RefCell<State>,
}

struct State {
    version: u64,
    senders: usize,
    receivers: usize,
    waiting: WaitList,
}

/// Sets the value.
pub struct Sender<T>(Rc<Shared<T>>);

/// Sees the value.
pub struct Receiver<T> {
    shared: Rc<Shared<T>>,
    seen: u64,
}

/// A watched value. The receiver has seen the first one.
pub fn channel<T>(value: T) -> (Sender<T>, Receiver<T>) {
    let state = State { version: 0, senders: 1, receivers: 1, waiting: WaitList::default() };
    let shared = Rc::new(Shared { value: RefCell::new(value), state: RefCell::new(state) });
    (Sender(Rc::clone(&shared)), Receiver { shared, seen: 0 })
}

impl<T> Shared<T> {
    fn wake_all(&self) {
        let wakers = self.state.borrow_mut().waiting.all();
        wakers.into_iter().for_each(Waker::wake);
    }
}

impl<T> Sender<T> {
    /// Sets the value and wakes all who wait.
    ///
    /// # Errors
    /// If no receiver is left; the value is not set then.
    pub fn send(&self, value: T) -> Result<(), Closed> {
        if self.0.state.borrow().receivers == 0 {
            return Err(Closed);
        }
        self.send_if_modified(|place| {
            *place = value;
            true
        });
        Ok(())
    }

    /// Changes the value in place; wakes those who wait if `modify` says it did. Gives that back.
    ///
    /// # Panics
    /// If `modify` reads this watch, or a [`Ref`] of it is held.
    pub fn send_if_modified(&self, modify: impl FnOnce(&mut T) -> bool) -> bool {
        let modified = modify(&mut self.0.value.borrow_mut());
        if modified {
            self.0.state.borrow_mut().version += 1;
            self.0.wake_all();
        }
        modified
    }

    /// The value. Do not hold it across an await.
    pub fn borrow(&self) -> Ref<'_, T> {
        self.0.value.borrow()
    }

    /// Whether no receiver is left.
    pub fn is_closed(&self) -> bool {
        self.0.state.borrow().receivers == 0
    }

    /// A receiver that has seen the present value.
    pub fn subscribe(&self) -> Receiver<T> {
        let mut state = self.0.state.borrow_mut();
        state.receivers += 1;
        Receiver { shared: Rc::clone(&self.0), seen: state.version }
    }
}

impl<T> Clone for Sender<T> {
    fn clone(&self) -> Self {
        self.0.state.borrow_mut().senders += 1;
        Self(Rc::clone(&self.0))
    }
}

impl<T> Drop for Sender<T> {
    fn drop(&mut self) {
        self.0.state.borrow_mut().senders -= 1;
        if self.0.state.borrow().senders == 0 {
            self.0.wake_all();
        }
    }
}

impl<T> Receiver<T> {
    /// Waits until there is a value this receiver has not seen, and counts it as seen.
    ///
    /// # Errors
    /// If no sender is left and the last value has been seen.
    pub async fn changed(&mut self) -> Result<(), Closed> {
        struct Place<'a, T>(&'a Shared<T>, Option<u64>);
        impl<T> Drop for Place<'_, T> {
            fn drop(&mut self) {
                self.0.state.borrow_mut().waiting.leave(&mut self.1);
            }
        }
        let mut place = Place(&self.shared, None);
        let seen = &mut self.seen;
        poll_fn(|cx| {
            let mut state = place.0.state.borrow_mut();
            if state.version != *seen {
                *seen = state.version;
                return Poll::Ready(Ok(()));
            }
            if state.senders == 0 {
                return Poll::Ready(Err(Closed));
            }
            state.waiting.wait(&mut place.1, cx.waker());
            Poll::Pending
        })
        .await
    }

    /// Whether there is a value this receiver has not seen.
    pub fn has_changed(&self) -> bool {
        self.shared.state.borrow().version != self.seen
    }

    /// The value; it does not count as seen. Do not hold it across an await.
    pub fn borrow(&self) -> Ref<'_, T> {
        self.shared.value.borrow()
    }

    /// The value, which counts as seen. Do not hold it across an await.
    pub fn borrow_and_update(&mut self) -> Ref<'_, T> {
        self.seen = self.shared.state.borrow().version;
        self.shared.value.borrow()
    }
}

impl<T> Clone for Receiver<T> {
    fn clone(&self) -> Self {
        self.shared.state.borrow_mut().receivers += 1;
        Self { shared: Rc::clone(&self.shared), seen: self.seen }
    }
}

impl<T> Drop for Receiver<T> {
    fn drop(&mut self) {
        self.shared.state.borrow_mut().receivers -= 1;
    }
}
