//! Waiting for a task, and ending it.

use std::cell::RefCell;
use std::future::Future;
use std::pin::Pin;
use std::rc::{Rc, Weak};
use std::task::{Context, Poll, Waker};

use super::TaskKey;
use crate::context::Inner;

/// Why a task gave no result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JoinError {
    /// It was aborted, or its shard ended first.
    #[error("the task was aborted; its shard is stopping or its owner ended it")]
    Aborted,
}

/// A spawned task. Dropping the handle lets the task go on; [`JoinHandle::abort_on_drop`] binds it to
/// its owner. Awaiting it twice after it is done is an error of the caller and panics.
pub struct JoinHandle<T> {
    state: Rc<RefCell<State<T>>>,
    key: TaskKey,
    home: Weak<Inner>,
}

struct State<T> {
    result: Option<Result<T, JoinError>>,
    done: bool,
    waker: Option<Waker>,
}

impl<T> State<T> {
    fn finish(&mut self, result: Result<T, JoinError>) -> Option<Waker> {
        self.done = true;
        self.result = Some(result);
        self.waker.take()
    }
}

/// Tells the handle when the task is dropped without a result.
struct Report<T>(Rc<RefCell<State<T>>>);

impl<T> Drop for Report<T> {
    fn drop(&mut self) {
        if !self.0.borrow().done {
            let waker = self.0.borrow_mut().finish(Err(JoinError::Aborted));
            waker.into_iter().for_each(Waker::wake);
        }
    }
}

/// Spawns on `home` and gives the handle.
pub(crate) fn spawn<T: 'static>(
    home: &Rc<Inner>,
    name: &'static str,
    future: impl Future<Output = T> + 'static,
) -> JoinHandle<T> {
    let state = Rc::new(RefCell::new(State { result: None, done: false, waker: None }));
    let report = Report(Rc::clone(&state));
    let task = async move {
        let value = future.await;
        let waker = report.0.borrow_mut().finish(Ok(value));
        waker.into_iter().for_each(Waker::wake);
    };
    let key = home.exec.spawn(name, Box::pin(task));
    JoinHandle { state, key, home: Rc::downgrade(home) }
}

impl<T> JoinHandle<T> {
    /// Ends the task: the executor drops its future at its next turn, not within this call. A result
    /// that is there already stays.
    pub fn abort(&self) {
        if let Some(home) = self.home.upgrade() {
            home.exec.abort(self.key);
        }
    }

    /// Whether the result, or the end without one, is there.
    pub fn is_finished(&self) -> bool {
        self.state.borrow().done
    }

    /// The same task, aborted when the returned value is dropped.
    pub fn abort_on_drop(self) -> AbortOnDrop<T> {
        AbortOnDrop(self)
    }
}

impl<T> Future for JoinHandle<T> {
    type Output = Result<T, JoinError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut state = self.state.borrow_mut();
        if state.done {
            return Poll::Ready(state.result.take().expect("invariant: a task's result is taken once"));
        }
        state.waker = Some(cx.waker().clone());
        Poll::Pending
    }
}

/// A task that ends with this value.
pub struct AbortOnDrop<T>(JoinHandle<T>);

impl<T> Drop for AbortOnDrop<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl<T> Future for AbortOnDrop<T> {
    type Output = Result<T, JoinError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.0).poll(cx)
    }
}
