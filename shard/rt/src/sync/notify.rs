//! Waking without a value.

use std::cell::RefCell;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use super::WaitList;

/// Wakes tasks that wait. [`Notify::one`] without a waiter is kept for the next one, once.
#[derive(Default)]
pub struct Notify {
    state: RefCell<State>,
}

#[derive(Default)]
struct State {
    permit: bool,
    list: WaitList,
}

impl Notify {
    /// A notify without waiters and without a kept wake.
    pub fn new() -> Self {
        Self::default()
    }

    /// Wakes the first waiter, or the next to come.
    pub fn one(&self) {
        let waker = {
            let mut state = self.state.borrow_mut();
            let first = state.list.first();
            state.permit |= first.is_none();
            first
        };
        waker.into_iter().for_each(Waker::wake);
    }

    /// Wakes those who wait now.
    pub fn all(&self) {
        let wakers = self.state.borrow_mut().list.all();
        wakers.into_iter().for_each(Waker::wake);
    }

    /// Waits for a wake. It counts as a waiter from its first poll on.
    pub fn notified(&self) -> Notified<'_> {
        Notified { notify: self, place: None }
    }
}

/// See [`Notify::notified`].
pub struct Notified<'a> {
    notify: &'a Notify,
    place: Option<u64>,
}

impl Future for Notified<'_> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let notify = self.notify;
        let mut state = notify.state.borrow_mut();
        if state.list.was_woken(self.place) {
            self.place = None;
            return Poll::Ready(());
        }
        if self.place.is_none() && std::mem::take(&mut state.permit) {
            return Poll::Ready(());
        }
        state.list.wait(&mut self.place, cx.waker());
        Poll::Pending
    }
}

impl Drop for Notified<'_> {
    fn drop(&mut self) {
        let woken = self.notify.state.borrow_mut().list.leave(&mut self.place);
        if woken {
            self.notify.one();
        }
    }
}
