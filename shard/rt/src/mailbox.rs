//! Messages between shards of a node: a bounded queue of many senders and one receiver.
//!
//! Invariant: nobody waits for another shard. A sender that meets a full box gets its message back and
//! counts the drop. The queue is lock-free; the wake goes through the receiver's executor, whose
//! protocol (`exec/ready.rs`) is the same on every backend.

use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Context, Poll};

use atomic_waker::AtomicWaker;
use crossbeam_queue::ArrayQueue;

pub use crate::sync::mpsc::{TryRecvError, TrySendError};

struct Shared<T> {
    queue: ArrayQueue<T>,
    receiving: AtomicWaker,
    senders: AtomicUsize,
    receiver: AtomicBool,
}

/// Sends to another shard. May be cloned and moved to any thread.
pub struct Sender<T>(Arc<Shared<T>>);

/// Receives on one shard; may be moved there once made.
pub struct Receiver<T>(Arc<Shared<T>>);

/// A box of at most `bound` messages.
///
/// # Panics
/// If `bound` is zero.
pub fn channel<T: Send>(bound: usize) -> (Sender<T>, Receiver<T>) {
    let shared = Arc::new(Shared {
        queue: ArrayQueue::new(bound),
        receiving: AtomicWaker::new(),
        senders: AtomicUsize::new(1),
        receiver: AtomicBool::new(true),
    });
    (Sender(Arc::clone(&shared)), Receiver(shared))
}

impl<T> Sender<T> {
    /// Sends now or not at all.
    ///
    /// # Errors
    /// The message, if the box is full or its shard gone.
    pub fn try_send(&self, message: T) -> Result<(), TrySendError<T>> {
        if !self.0.receiver.load(Ordering::Acquire) {
            return Err(TrySendError::Closed(message));
        }
        self.0.queue.push(message).map_err(TrySendError::Full)?;
        self.0.receiving.wake();
        Ok(())
    }
}

impl<T> Clone for Sender<T> {
    fn clone(&self) -> Self {
        self.0.senders.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(&self.0))
    }
}

impl<T> Drop for Sender<T> {
    fn drop(&mut self) {
        if self.0.senders.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.0.receiving.wake();
        }
    }
}

impl<T> Receiver<T> {
    /// The next message; `None` when the box is empty and all senders are gone.
    pub async fn recv(&mut self) -> Option<T> {
        poll_fn(|cx| self.poll_recv(cx)).await
    }

    /// The next message if it is there.
    ///
    /// # Errors
    /// If none is there now, or ever.
    pub fn try_recv(&mut self) -> Result<T, TryRecvError> {
        // The senders are counted before the look into the queue: the last one pushed before it left.
        let closed = self.0.senders.load(Ordering::Acquire) == 0;
        match self.0.queue.pop() {
            Some(message) => Ok(message),
            None if closed => Err(TryRecvError::Closed),
            None => Err(TryRecvError::Empty),
        }
    }

    fn poll_recv(&mut self, cx: &mut Context<'_>) -> Poll<Option<T>> {
        let mut registered = false;
        loop {
            match self.try_recv() {
                Ok(message) => return Poll::Ready(Some(message)),
                Err(TryRecvError::Closed) => return Poll::Ready(None),
                Err(TryRecvError::Empty) if registered => return Poll::Pending,
                Err(TryRecvError::Empty) => {
                    // Looked into once more: a message may have come before the waker was there.
                    self.0.receiving.register(cx.waker());
                    registered = true;
                }
            }
        }
    }
}

impl<T> Drop for Receiver<T> {
    fn drop(&mut self) {
        self.0.receiver.store(false, Ordering::Release);
        while self.0.queue.pop().is_some() {}
    }
}
