//! A lock that may be held across an await.

use std::cell::{RefCell, RefMut};
use std::fmt;
use std::future::poll_fn;
use std::ops::{Deref, DerefMut};
use std::task::{Poll, Waker};

use super::WaitList;

/// A lock for tasks of one shard, in order of waiting as far as a waiter comes before a passer-by.
#[derive(Default)]
pub struct Mutex<T> {
    value: RefCell<T>,
    waiting: RefCell<WaitList>,
}

/// The held lock.
pub struct MutexGuard<'a, T> {
    // Taken before the next waiter is woken.
    value: Option<RefMut<'a, T>>,
    waiting: &'a RefCell<WaitList>,
}

struct Place<'a> {
    waiting: &'a RefCell<WaitList>,
    at: Option<u64>,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let next = {
            let mut waiting = self.waiting.borrow_mut();
            if waiting.leave(&mut self.at) { waiting.first() } else { None }
        };
        next.into_iter().for_each(Waker::wake);
    }
}

impl<T> Mutex<T> {
    /// An open lock.
    pub fn new(value: T) -> Self {
        Self { value: RefCell::new(value), waiting: RefCell::default() }
    }

    /// The lock if it is free.
    pub fn try_lock(&self) -> Option<MutexGuard<'_, T>> {
        let value = self.value.try_borrow_mut().ok()?;
        Some(MutexGuard { value: Some(value), waiting: &self.waiting })
    }

    /// Waits for the lock.
    pub async fn lock(&self) -> MutexGuard<'_, T> {
        let mut place = Place { waiting: &self.waiting, at: None };
        poll_fn(|cx| match self.try_lock() {
            Some(guard) => {
                // It holds the lock: its wake is used up and must not pass on.
                place.waiting.borrow_mut().leave(&mut place.at);
                Poll::Ready(guard)
            }
            None => {
                place.waiting.borrow_mut().wait(&mut place.at, cx.waker());
                Poll::Pending
            }
        })
        .await
    }

    /// The value.
    pub fn into_inner(self) -> T {
        self.value.into_inner()
    }
}

impl<T> Deref for MutexGuard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.value.as_ref().expect("invariant: held until dropped")
    }
}

impl<T> DerefMut for MutexGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        self.value.as_mut().expect("invariant: held until dropped")
    }
}

impl<T> Drop for MutexGuard<'_, T> {
    fn drop(&mut self) {
        self.value = None;
        let next = self.waiting.borrow_mut().first();
        next.into_iter().for_each(Waker::wake);
    }
}

impl<T: fmt::Debug> fmt::Debug for MutexGuard<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}
