//! The seam's channels under openraft's traits. Newtypes, because neither side is ours.

use std::cell::Ref;
use std::future::Future;

use openraft::async_runtime::watch::{RecvError, SendError as WatchSendError};
use openraft::async_runtime::{
    MpscReceiver, MpscSender, MpscWeakSender, OneshotSender, SendError, TryRecvError, WatchReceiver,
    WatchSender,
};
use shard_rt::sync::{mpsc, oneshot, watch};

use super::OneshotError;

/// One value, once.
pub(crate) struct Oneshot;

/// Sends the value of a [`Oneshot`].
pub(crate) struct Once<T>(oneshot::Sender<T>);

impl openraft::async_runtime::Oneshot for Oneshot {
    type Sender<T> = Once<T>;
    type Receiver<T> = oneshot::Receiver<T>;
    type ReceiverError = OneshotError;

    fn channel<T>() -> (Once<T>, oneshot::Receiver<T>) {
        let (sender, receiver) = oneshot::channel();
        (Once(sender), receiver)
    }
}

impl<T> OneshotSender<T> for Once<T> {
    fn send(self, value: T) -> Result<(), T> {
        self.0.send(value)
    }
}

/// A bounded queue.
pub(crate) struct Mpsc;

/// Sends into a [`Mpsc`].
pub(crate) struct QueueSender<T>(mpsc::Sender<T>);

/// Sends into a [`Mpsc`] and does not keep it open.
pub(crate) struct QueueWeakSender<T>(mpsc::WeakSender<T>);

/// Takes from a [`Mpsc`].
pub(crate) struct QueueReceiver<T>(mpsc::Receiver<T>);

impl openraft::async_runtime::Mpsc for Mpsc {
    type Sender<T> = QueueSender<T>;
    type Receiver<T> = QueueReceiver<T>;
    type WeakSender<T> = QueueWeakSender<T>;

    fn channel<T>(bound: usize) -> (QueueSender<T>, QueueReceiver<T>) {
        let (sender, receiver) = mpsc::channel(bound.max(1));
        (QueueSender(sender), QueueReceiver(receiver))
    }
}

impl<T> Clone for QueueSender<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T> Clone for QueueWeakSender<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T> MpscSender<Mpsc, T> for QueueSender<T> {
    async fn send(&self, value: T) -> Result<(), SendError<T>> {
        self.0.send(value).await.map_err(|mpsc::SendError(value)| SendError(value))
    }

    fn downgrade(&self) -> QueueWeakSender<T> {
        QueueWeakSender(self.0.downgrade())
    }
}

impl<T> MpscWeakSender<Mpsc, T> for QueueWeakSender<T> {
    fn upgrade(&self) -> Option<QueueSender<T>> {
        self.0.upgrade().map(QueueSender)
    }
}

impl<T> MpscReceiver<T> for QueueReceiver<T> {
    fn recv(&mut self) -> impl Future<Output = Option<T>> {
        self.0.recv()
    }

    fn try_recv(&mut self) -> Result<T, TryRecvError> {
        self.0.try_recv().map_err(|error| match error {
            mpsc::TryRecvError::Empty => TryRecvError::Empty,
            mpsc::TryRecvError::Closed => TryRecvError::Disconnected,
        })
    }
}

/// The newest value.
pub(crate) struct Watch;

/// Sets the value of a [`Watch`].
pub(crate) struct Setter<T>(watch::Sender<T>);

/// Sees the value of a [`Watch`].
pub(crate) struct Viewer<T>(watch::Receiver<T>);

impl openraft::async_runtime::Watch for Watch {
    type Sender<T> = Setter<T>;
    type Receiver<T> = Viewer<T>;
    type Ref<'a, T: 'a> = Ref<'a, T>;

    fn channel<T>(value: T) -> (Setter<T>, Viewer<T>) {
        let (sender, receiver) = watch::channel(value);
        (Setter(sender), Viewer(receiver))
    }
}

impl<T> Clone for Setter<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T> Clone for Viewer<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T> WatchSender<Watch, T> for Setter<T> {
    fn send(&self, value: T) -> Result<(), WatchSendError<T>> {
        if self.0.is_closed() {
            return Err(WatchSendError(value));
        }
        self.0.send_if_modified(|place| {
            *place = value;
            true
        });
        Ok(())
    }

    fn send_if_modified<F: FnOnce(&mut T) -> bool>(&self, modify: F) -> bool {
        self.0.send_if_modified(modify)
    }

    fn borrow_watched(&self) -> Ref<'_, T> {
        self.0.borrow()
    }

    fn subscribe(&self) -> Viewer<T> {
        Viewer(self.0.subscribe())
    }
}

impl<T> WatchReceiver<Watch, T> for Viewer<T> {
    async fn changed(&mut self) -> Result<(), RecvError> {
        self.0.changed().await.map_err(|_| RecvError(()))
    }

    fn borrow_watched(&self) -> Ref<'_, T> {
        self.0.borrow()
    }

    fn borrow_and_update(&mut self) -> Ref<'_, T> {
        self.0.borrow_and_update()
    }
}
