//! A bounded queue of many senders and one receiver.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::future::poll_fn;
use std::rc::{Rc, Weak};
use std::task::{Context, Poll, Waker};

use super::WaitList;

/// The receiver is gone; the value comes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the receiver is gone; its task ended")]
pub struct SendError<T>(pub T);

/// Why a value was not taken; it comes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TrySendError<T> {
    /// The queue is full.
    #[error("the queue is full; try again when the receiver has taken some")]
    Full(T),
    /// The receiver is gone.
    #[error("the receiver is gone; its task ended")]
    Closed(T),
}

/// Why no value was there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TryRecvError {
    /// None now.
    #[error("the queue is empty; a sender may still fill it")]
    Empty,
    /// None ever.
    #[error("the senders are gone")]
    Closed,
}

struct State<T> {
    queue: VecDeque<T>,
    bound: usize,
    senders: usize,
    receiver: bool,
    receiving: Option<Waker>,
    sending: WaitList,
}

type Shared<T> = Rc<RefCell<State<T>>>;

/// Sends into the queue.
pub struct Sender<T>(Shared<T>);

/// A sender that does not keep the queue open.
pub struct WeakSender<T>(Weak<RefCell<State<T>>>);

/// Takes from the queue.
pub struct Receiver<T>(Shared<T>);

/// A queue of at most `bound` values.
///
/// # Panics
/// If `bound` is zero.
pub fn channel<T>(bound: usize) -> (Sender<T>, Receiver<T>) {
    assert!(bound > 0, "a queue holds at least one value");
    let state = State {
        queue: VecDeque::new(),
        bound,
        senders: 1,
        receiver: true,
        receiving: None,
        sending: WaitList::default(),
    };
    let shared = Rc::new(RefCell::new(state));
    (Sender(Rc::clone(&shared)), Receiver(shared))
}

/// A place in the line of senders; passes its wake on when it leaves.
struct Place<'a, T> {
    shared: &'a Shared<T>,
    at: Option<u64>,
}

impl<T> Drop for Place<'_, T> {
    fn drop(&mut self) {
        let next = {
            let mut state = self.shared.borrow_mut();
            let woken = state.sending.leave(&mut self.at);
            let room = state.queue.len() < state.bound;
            if woken && room { state.sending.first() } else { None }
        };
        next.into_iter().for_each(Waker::wake);
    }
}

impl<T> Sender<T> {
    /// Sends as soon as there is room.
    ///
    /// # Errors
    /// The value, if the receiver is gone.
    pub async fn send(&self, value: T) -> Result<(), SendError<T>> {
        let mut place = Place { shared: &self.0, at: None };
        let mut value = Some(value);
        poll_fn(|cx| {
            let taken = value.take().expect("invariant: not polled after its end");
            match place.shared.try_push(taken) {
                Ok(()) => Poll::Ready(Ok(())),
                Err(TrySendError::Closed(back)) => Poll::Ready(Err(SendError(back))),
                Err(TrySendError::Full(back)) => {
                    value = Some(back);
                    place.shared.borrow_mut().sending.wait(&mut place.at, cx.waker());
                    Poll::Pending
                }
            }
        })
        .await
    }

    /// Sends now or not at all.
    ///
    /// # Errors
    /// The value, if the queue is full or the receiver gone.
    pub fn try_send(&self, value: T) -> Result<(), TrySendError<T>> {
        self.0.try_push(value)
    }

    /// A sender that does not keep the queue open.
    pub fn downgrade(&self) -> WeakSender<T> {
        WeakSender(Rc::downgrade(&self.0))
    }
}

trait TryPush<T> {
    fn try_push(&self, value: T) -> Result<(), TrySendError<T>>;
}

impl<T> TryPush<T> for Shared<T> {
    fn try_push(&self, value: T) -> Result<(), TrySendError<T>> {
        let waker = {
            let mut state = self.borrow_mut();
            if !state.receiver {
                return Err(TrySendError::Closed(value));
            }
            if state.queue.len() >= state.bound {
                return Err(TrySendError::Full(value));
            }
            state.queue.push_back(value);
            state.receiving.take()
        };
        waker.into_iter().for_each(Waker::wake);
        Ok(())
    }
}

impl<T> Clone for Sender<T> {
    fn clone(&self) -> Self {
        self.0.borrow_mut().senders += 1;
        Self(Rc::clone(&self.0))
    }
}

impl<T> Drop for Sender<T> {
    fn drop(&mut self) {
        let waker = {
            let mut state = self.0.borrow_mut();
            state.senders -= 1;
            if state.senders == 0 { state.receiving.take() } else { None }
        };
        waker.into_iter().for_each(Waker::wake);
    }
}

impl<T> WeakSender<T> {
    /// A sender, if another one still lives.
    pub fn upgrade(&self) -> Option<Sender<T>> {
        let shared = self.0.upgrade()?;
        {
            let mut state = shared.borrow_mut();
            if state.senders == 0 {
                return None;
            }
            state.senders += 1;
        }
        Some(Sender(shared))
    }
}

impl<T> Clone for WeakSender<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T> Receiver<T> {
    /// The next value; `None` when the queue is empty and all senders are gone.
    pub async fn recv(&mut self) -> Option<T> {
        poll_fn(|cx| self.poll_recv(cx)).await
    }

    fn poll_recv(&mut self, cx: &mut Context<'_>) -> Poll<Option<T>> {
        match self.try_recv() {
            Ok(value) => Poll::Ready(Some(value)),
            Err(TryRecvError::Closed) => Poll::Ready(None),
            Err(TryRecvError::Empty) => {
                self.0.borrow_mut().receiving = Some(cx.waker().clone());
                Poll::Pending
            }
        }
    }

    /// The next value if it is there.
    ///
    /// # Errors
    /// If none is there now, or ever.
    pub fn try_recv(&mut self) -> Result<T, TryRecvError> {
        let (value, waker) = {
            let mut state = self.0.borrow_mut();
            match state.queue.pop_front() {
                Some(value) => (value, state.sending.first()),
                None if state.senders == 0 => return Err(TryRecvError::Closed),
                None => return Err(TryRecvError::Empty),
            }
        };
        waker.into_iter().for_each(Waker::wake);
        Ok(value)
    }
}

impl<T> Drop for Receiver<T> {
    fn drop(&mut self) {
        let (unread, wakers) = {
            let mut state = self.0.borrow_mut();
            state.receiver = false;
            (std::mem::take(&mut state.queue), state.sending.all())
        };
        drop(unread);
        wakers.into_iter().for_each(Waker::wake);
    }
}
