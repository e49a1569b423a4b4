//! Channels and locks.

use std::rc::Rc;
use std::time::Duration;

use super::Env;
use crate::mailbox;
use crate::sync::mpsc::{TryRecvError, TrySendError};
use crate::sync::{Mutex, Notify, mpsc, oneshot, watch};
use crate::{sleep, spawn, yield_now};

const MS: Duration = Duration::from_millis(1);

pub(super) async fn a_oneshot_carries_one_value(_: Env) {
    let (sender, receiver) = oneshot::channel();
    let task = spawn("receiver", receiver);
    sleep(2 * MS).await;
    assert_eq!(sender.send(5), Ok(()));
    assert_eq!(task.await, Ok(Ok(5)));
    let (sender, receiver) = oneshot::channel::<u8>();
    drop(sender);
    assert!(receiver.await.is_err());
    let (sender, receiver) = oneshot::channel();
    drop(receiver);
    assert!(sender.is_closed());
    assert_eq!(sender.send(6), Err(6));
}

pub(super) async fn a_bounded_queue_holds_back_its_senders(_: Env) {
    let (sender, mut receiver) = mpsc::channel(2);
    let tasks: Vec<_> = (0..4)
        .map(|base| {
            let sender = sender.clone();
            spawn("sender", async move {
                for step in 0..50 {
                    sender.send(base * 100 + step).await.expect("the receiver lives");
                }
            })
        })
        .collect();
    drop(sender);
    sleep(2 * MS).await;
    assert!(tasks.iter().all(|task| !task.is_finished()));
    let mut got = Vec::new();
    while let Some(value) = receiver.recv().await {
        got.push(value);
    }
    for base in 0..4 {
        let of_one: Vec<_> = got.iter().filter(|value| **value / 100 == base).collect();
        assert!(of_one.len() == 50 && of_one.is_sorted(), "each sender's in order");
    }
    let (sender, receiver) = mpsc::channel(1);
    assert_eq!(sender.try_send(1), Ok(()));
    assert_eq!(sender.try_send(2), Err(TrySendError::Full(2)));
    let blocked = spawn("blocked", async move { sender.send(3).await });
    yield_now().await;
    drop(receiver);
    assert!(blocked.await.is_ok_and(|sent| sent.is_err()));
}

pub(super) async fn a_weak_sender_keeps_nothing_open(_: Env) {
    let (sender, mut receiver) = mpsc::channel::<u8>(1);
    let weak = sender.downgrade();
    assert!(weak.upgrade().is_some_and(|strong| strong.try_send(1).is_ok()));
    drop(sender);
    assert!(weak.upgrade().is_none());
    assert_eq!(receiver.recv().await, Some(1));
    assert_eq!(receiver.recv().await, None);
    assert_eq!(receiver.try_recv(), Err(TryRecvError::Closed));
}

pub(super) async fn a_watch_shows_the_newest_value(_: Env) {
    let (sender, mut receiver) = watch::channel(0);
    let mut second = receiver.clone();
    let task = spawn("watcher", async move {
        let mut last = 0;
        while second.changed().await.is_ok() {
            let value = *second.borrow_and_update();
            assert!(value > last, "only forward");
            last = value;
        }
        last
    });
    for value in 1..=20 {
        assert!(sender.send(value).is_ok());
        if value % 5 == 0 {
            sleep(2 * MS).await;
        }
    }
    assert!(!sender.send_if_modified(|_| false));
    assert!(receiver.has_changed());
    assert_eq!(receiver.changed().await, Ok(()));
    assert_eq!(*receiver.borrow(), 20);
    drop(sender);
    assert!(receiver.changed().await.is_err());
    assert_eq!(task.await, Ok(20));
}

pub(super) async fn a_notify_is_kept_once(_: Env) {
    let notify = Rc::new(Notify::new());
    notify.one();
    notify.one();
    notify.notified().await;
    let waiter = Rc::clone(&notify);
    let task = spawn("waiter", async move { waiter.notified().await });
    sleep(2 * MS).await;
    assert!(!task.is_finished(), "two wakes without a waiter are one");
    notify.one();
    assert_eq!(task.await, Ok(()));
}

pub(super) async fn a_mutex_is_held_across_an_await(_: Env) {
    let lock = Rc::new(Mutex::new((0u32, 0u32)));
    let tasks: Vec<_> = (0..20)
        .map(|_| {
            let lock = Rc::clone(&lock);
            spawn("locker", async move {
                let mut pair = lock.lock().await;
                pair.0 += 1;
                yield_now().await;
                pair.1 += 1;
                assert_eq!(pair.0, pair.1, "nobody came between");
            })
        })
        .collect();
    for task in tasks {
        assert_eq!(task.await, Ok(()));
    }
    assert_eq!(*lock.lock().await, (20, 20));
}

pub(super) async fn a_dropped_waiter_passes_its_wake_on(_: Env) {
    let notify = Rc::new(Notify::new());
    let lock = Rc::new(Mutex::new(()));
    let (first, second) = (Rc::clone(&notify), Rc::clone(&notify));
    let one = spawn("one", async move { first.notified().await });
    sleep(MS).await;
    let two = spawn("two", async move { second.notified().await });
    sleep(MS).await;
    notify.one();
    one.abort();
    assert_eq!(two.await, Ok(()));
    let held = lock.lock().await;
    let (first, second) = (Rc::clone(&lock), Rc::clone(&lock));
    let one = spawn("one", async move { drop(first.lock().await) });
    sleep(MS).await;
    let two = spawn("two", async move { drop(second.lock().await) });
    sleep(MS).await;
    drop(held);
    one.abort();
    assert_eq!(two.await, Ok(()));
}

pub(super) async fn a_mailbox_is_bounded_and_closes(_: Env) {
    let (sender, mut receiver) = mailbox::channel(2);
    assert_eq!(sender.try_send(1), Ok(()));
    assert_eq!(sender.try_send(2), Ok(()));
    assert_eq!(sender.try_send(3), Err(TrySendError::Full(3)));
    let task = spawn("mailbox", async move {
        let mut got = Vec::new();
        while let Some(message) = receiver.recv().await {
            got.push(message);
        }
        got
    });
    sleep(2 * MS).await;
    assert_eq!(sender.clone().try_send(4), Ok(()));
    drop(sender);
    assert_eq!(task.await, Ok(vec![1, 2, 4]));
    let (sender, receiver) = mailbox::channel(1);
    drop(receiver);
    assert_eq!(sender.try_send(1), Err(TrySendError::Closed(1)));
}
