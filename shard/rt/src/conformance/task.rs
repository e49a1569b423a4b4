//! Tasks and time.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use super::Env;
use crate::{JoinError, Rt, now, rng, sleep, spawn, timeout, wall_ns, yield_now};

const MS: Duration = Duration::from_millis(1);

pub(super) async fn a_spawned_task_is_not_polled_inline(_: Env) {
    let ran = Rc::new(Cell::new(false));
    let flag = Rc::clone(&ran);
    let handle = spawn("inline", async move { flag.set(true) });
    assert!(!ran.get());
    assert_eq!(handle.await, Ok(()));
    assert!(ran.get());
}

pub(super) async fn a_handle_gives_the_result(_: Env) {
    let handle = spawn("result", async {
        sleep(2 * MS).await;
        41 + 1
    });
    assert!(!handle.is_finished());
    assert_eq!(handle.await, Ok(42));
}

pub(super) async fn a_dropped_handle_lets_the_task_go_on(_: Env) {
    let done = Rc::new(Cell::new(false));
    let flag = Rc::clone(&done);
    drop(spawn("detached", async move {
        sleep(MS).await;
        flag.set(true);
    }));
    sleep(20 * MS).await;
    assert!(done.get());
}

pub(super) async fn an_aborted_task_is_dropped_and_says_so(_: Env) {
    let held = Rc::new(());
    let inner = Rc::clone(&held);
    let handle = spawn("aborted", async move {
        let _inner = inner;
        std::future::pending::<()>().await;
    });
    yield_now().await;
    handle.abort();
    assert_eq!(Rc::strong_count(&held), 2, "the call itself drops nothing");
    assert_eq!(handle.await, Err(JoinError::Aborted));
    assert_eq!(Rc::strong_count(&held), 1);
}

pub(super) async fn abort_on_drop_ends_the_task(_: Env) {
    let held = Rc::new(());
    let inner = Rc::clone(&held);
    let bound = spawn("bound", async move {
        let _inner = inner;
        std::future::pending::<()>().await;
    });
    drop(bound.abort_on_drop());
    sleep(5 * MS).await;
    assert_eq!(Rc::strong_count(&held), 1);
}

pub(super) async fn yielding_lets_others_run(_: Env) {
    let turns = Rc::new(Cell::new(0));
    let count = Rc::clone(&turns);
    let other = spawn("other", async move {
        for _ in 0..10 {
            count.set(count.get() + 1);
            yield_now().await;
        }
    });
    while turns.get() < 10 {
        yield_now().await;
    }
    assert_eq!(other.await, Ok(()));
}

pub(super) async fn a_borrow_held_over_spawn_is_safe(_: Env) {
    let shared = Rc::new(RefCell::new(0));
    let inner = Rc::clone(&shared);
    let handle = {
        let mut borrowed = shared.borrow_mut();
        let handle = spawn("borrower", async move { *inner.borrow_mut() += 1 });
        *borrowed += 1;
        handle
    };
    assert_eq!(handle.await, Ok(()));
    assert_eq!(*shared.borrow(), 2);
}

pub(super) async fn sleeps_end_in_order_and_not_early(_: Env) {
    let order = Rc::new(RefCell::new(Vec::new()));
    let tasks: Vec<_> = [30u32, 10, 20]
        .map(|ms| {
            let order = Rc::clone(&order);
            spawn("sleeper", async move {
                let begin = now();
                sleep(ms * MS).await;
                assert!(now() - begin >= u64::from(ms) * 1_000_000, "not early");
                order.borrow_mut().push(ms);
            })
        })
        .into();
    for task in tasks {
        assert_eq!(task.await, Ok(()));
    }
    assert_eq!(*order.borrow(), [10, 20, 30]);
}

pub(super) async fn a_dropped_sleep_wakes_nobody(_: Env) {
    for _ in 0..1_000 {
        assert_eq!(timeout(Duration::from_secs(3_600), async { 1 }).await, Ok(1));
    }
    let late = timeout(MS, std::future::pending::<()>()).await;
    assert!(late.is_err());
}

pub(super) async fn a_timeout_ends_a_future_that_does_not(_: Env) {
    let begin = now();
    assert!(timeout(10 * MS, std::future::pending::<()>()).await.is_err());
    assert!(now() - begin >= 10_000_000);
}

pub(super) async fn time_and_names_are_those_of_the_shard(_: Env) {
    let rt = Rt::current();
    let (node, shard) = (rt.node(), rt.shard());
    let there = spawn("tagged", async { (Rt::current().node(), Rt::current().shard()) }).await;
    assert_eq!(there, Ok((node, shard)));
    let (begin, wall) = (now(), wall_ns());
    sleep(3 * MS).await;
    assert!(now() >= begin + 3_000_000 && wall_ns() > wall);
    assert!(wall > 1_600_000_000_000_000_000, "after 2020");
    assert_ne!(rng().draw(), rng().draw());
    assert!(rt.stats().polls > 0 && rt.stats().tasks_open > 0);
}

pub(super) async fn many_tasks_run_to_their_end(_: Env) {
    // More than 2^15: one waker of glommio's own tasks could not be cloned so often.
    const TASKS: usize = 40_000;
    let gate = Rc::new(crate::sync::Notify::new());
    let ran = Rc::new(Cell::new(0));
    for _ in 0..TASKS {
        let (gate, ran) = (Rc::clone(&gate), Rc::clone(&ran));
        drop(spawn("one of many", async move {
            gate.notified().await;
            ran.set(ran.get() + 1);
        }));
    }
    for _ in 0..3 {
        sleep(2 * MS).await;
    }
    while ran.get() < TASKS {
        gate.all();
        sleep(MS).await;
    }
}
