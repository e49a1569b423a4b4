//! The executor: tasks of one shard, polled on one thread. Both backends drive this one.
//!
//! Invariants: a task is polled only by [`Executor::poll_task`], never by the call that spawns or wakes
//! it, so no borrow of the caller can cross into it; futures are dropped by the executor, not by
//! [`JoinHandle::abort`]; wakes from other threads are allowed and end in [`ready::ReadyQueue`].

mod join;
mod ready;
mod watch;

use std::cell::{Cell, RefCell};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Wake, Waker};

use slab::Slab;

pub(crate) use join::spawn as join_spawn;
pub use join::{AbortOnDrop, JoinError, JoinHandle};
pub(crate) use ready::{ReadyQueue, TaskKey};
pub use watch::{ExecStats, StallKind, StallReport, StallSink};

use ready::TaskWaker;
pub(crate) use watch::Watchdog;

type LocalFuture = Pin<Box<dyn Future<Output = ()>>>;

struct Task {
    key: TaskKey,
    name: &'static str,
    /// Taken out while the task is polled.
    future: Option<LocalFuture>,
    wake: Arc<TaskWaker>,
    aborted: bool,
}

pub(crate) struct Executor {
    tasks: RefCell<Slab<Task>>,
    ready: Arc<ReadyQueue>,
    serial: Cell<u64>,
    pub(crate) watchdog: Watchdog,
}

impl Executor {
    pub(crate) fn new(ready: Arc<ReadyQueue>, watchdog: Watchdog) -> Self {
        Self { tasks: RefCell::new(Slab::new()), ready, serial: Cell::new(0), watchdog }
    }

    pub(crate) fn ready(&self) -> &Arc<ReadyQueue> {
        &self.ready
    }

    pub(crate) fn tasks_open(&self) -> usize {
        self.tasks.borrow().len()
    }

    /// Takes a task; it is first polled when its turn comes.
    pub(crate) fn spawn(&self, name: &'static str, future: LocalFuture) -> TaskKey {
        let mut tasks = self.tasks.borrow_mut();
        let entry = tasks.vacant_entry();
        let key = TaskKey { slot: entry.key(), serial: self.serial.get() };
        self.serial.set(key.serial + 1);
        let wake = TaskWaker::new(key, Arc::clone(&self.ready));
        entry.insert(Task { key, name, future: Some(future), wake: Arc::clone(&wake), aborted: false });
        drop(tasks);
        wake.wake();
        key
    }

    /// Marks the task; the executor drops it at its next turn.
    pub(crate) fn abort(&self, key: TaskKey) {
        let wake = {
            let mut tasks = self.tasks.borrow_mut();
            let Some(task) = tasks.get_mut(key.slot).filter(|task| task.key == key) else {
                return;
            };
            task.aborted = true;
            Arc::clone(&task.wake)
        };
        wake.wake();
    }

    /// Polls one task that was taken from the ready queue. Returns its name, `None` if it is gone.
    pub(crate) fn poll_task(&self, key: TaskKey) -> Option<&'static str> {
        let (name, wake, future, aborted) = {
            let mut tasks = self.tasks.borrow_mut();
            let task = tasks.get_mut(key.slot).filter(|task| task.key == key)?;
            (task.name, Arc::clone(&task.wake), task.future.take(), task.aborted)
        };
        let mut future = future?;
        if aborted {
            self.remove(key);
            drop(future);
            return Some(name);
        }
        wake.begin_poll();
        let waker = Waker::from(wake);
        let finished = self.watchdog.poll(name, || {
            let mut context = Context::from_waker(&waker);
            future.as_mut().poll(&mut context).is_ready()
        });
        if finished {
            self.remove(key);
            drop(future);
        } else if let Some(task) = self.tasks.borrow_mut().get_mut(key.slot).filter(|task| task.key == key) {
            task.future = Some(future);
        }
        Some(name)
    }

    fn remove(&self, key: TaskKey) {
        let mut tasks = self.tasks.borrow_mut();
        if tasks.get(key.slot).is_some_and(|task| task.key == key) {
            tasks.remove(key.slot);
        }
    }

    /// Drops all tasks, in the order of their slots, until none is left: drops may spawn.
    pub(crate) fn clear(&self) {
        loop {
            let all: Vec<Task> = {
                let mut tasks = self.tasks.borrow_mut();
                tasks.drain().collect()
            };
            if all.is_empty() {
                return;
            }
            drop(all);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::rc::Rc;

    use super::*;

    fn executor() -> Executor {
        Executor::new(ReadyQueue::new(Box::new(|| {})), Watchdog::silent())
    }

    fn run(exec: &Executor) {
        let mut batch = std::collections::VecDeque::new();
        while exec.ready.take_all(&mut batch) {
            while let Some(key) = batch.pop_front() {
                exec.poll_task(key);
            }
        }
    }

    #[test]
    fn a_spawned_task_is_not_polled_inline() {
        let exec = executor();
        let seen = Rc::new(Cell::new(false));
        let flag = Rc::clone(&seen);
        exec.spawn("t", Box::pin(async move { flag.set(true) }));
        assert!(!seen.get());
        run(&exec);
        assert!(seen.get());
        assert_eq!(exec.tasks_open(), 0);
    }

    #[test]
    fn an_aborted_task_is_dropped_by_the_executor() {
        let exec = executor();
        let held = Rc::new(());
        let inner = Rc::clone(&held);
        let key = exec.spawn(
            "t",
            Box::pin(async move {
                let _inner = inner;
                std::future::pending::<()>().await;
            }),
        );
        run(&exec);
        exec.abort(key);
        assert_eq!(Rc::strong_count(&held), 2, "not inline");
        run(&exec);
        assert_eq!(Rc::strong_count(&held), 1);
    }

    #[test]
    fn a_wake_of_a_finished_task_reaches_no_other_in_its_slot() {
        let exec = executor();
        let waker = Rc::new(RefCell::new(None::<Waker>));
        let out = Rc::clone(&waker);
        exec.spawn(
            "first",
            Box::pin(std::future::poll_fn(move |cx| {
                *out.borrow_mut() = Some(cx.waker().clone());
                std::task::Poll::Ready(())
            })),
        );
        run(&exec);
        let polls = Rc::new(Cell::new(0));
        let count = Rc::clone(&polls);
        exec.spawn(
            "second",
            Box::pin(std::future::poll_fn(move |_| {
                count.set(count.get() + 1);
                std::task::Poll::Pending
            })),
        );
        run(&exec);
        waker.borrow_mut().take().expect("set by the first poll").wake();
        run(&exec);
        assert_eq!(polls.get(), 1);
    }
}
