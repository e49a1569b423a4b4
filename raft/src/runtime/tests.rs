//! openraft's suite of runtimes, on both backends.

use std::cell::RefCell;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use futures_util::task::AtomicWaker;
use openraft::testing::runtime::Suite;
use shard_rt::sim::Sim;
use shard_rt::{NodeId, Rt, ShardId};

use super::Runtime;

thread_local! {
    /// The shard of a future that is polled by [`block_on`] and not as a task.
    static HOST: RefCell<Option<Rt>> = const { RefCell::new(None) };
}

pub(super) fn host() -> Option<Rt> {
    if Rt::try_current().is_some() { None } else { HOST.with(|host| host.borrow().clone()) }
}

/// Tells a simulated task that the future was woken, so that time stands still until it is polled.
#[derive(Default)]
struct Woken {
    woken: AtomicBool,
    waiting: AtomicWaker,
}

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.woken.store(true, Ordering::SeqCst);
        self.waiting.wake();
    }
}

/// Runs a future beside a simulated shard, which takes what it spawns.
pub(super) fn block_on<T>(future: impl Future<Output = T>) -> T {
    let sim = Sim::with_seed(7);
    let node = sim.add_node(1);
    HOST.with(|host| *host.borrow_mut() = Some(sim.rt(node, ShardId(0))));
    let woken = Arc::new(Woken::default());
    let waker = Waker::from(Arc::clone(&woken));
    let mut future = pin!(future);
    let value = loop {
        if let Poll::Ready(value) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            break value;
        }
        let woken = Arc::clone(&woken);
        let wait = poll_fn(move |cx| {
            woken.waiting.register(cx.waker());
            if woken.woken.swap(false, Ordering::SeqCst) { Poll::Ready(()) } else { Poll::Pending }
        });
        sim.block_on(node, ShardId(0), wait);
    };
    HOST.with(|host| *host.borrow_mut() = None);
    value
}

#[test]
fn the_simulator_passes_the_suite_of_runtimes() {
    Suite::<Runtime>::test_all();
}

/// The parts of the suite that are public, for a shard whose tasks it cannot start itself. The others test
/// code of openraft that is the same on every backend: peeking and selecting.
async fn suite() {
    type Suite = openraft::testing::runtime::Suite<Runtime>;
    Suite::test_spawn_join_handle().await;
    Suite::test_thread_rng().await;
    Suite::test_sleep().await;
    Suite::test_instant().await;
    Suite::test_instant_arithmetic().await;
    Suite::test_instant_sub_instant().await;
    Suite::test_instant_saturating_duration_since().await;
    Suite::test_instant_ord().await;
    Suite::test_sleep_until().await;
    Suite::test_timeout().await;
    Suite::test_timeout_at().await;
    Suite::test_mpsc_recv_empty().await;
    Suite::test_mpsc_recv_channel_closed().await;
    Suite::test_mpsc_weak_sender_wont_prevent_channel_close().await;
    Suite::test_mpsc_weak_sender_upgrade().await;
    Suite::test_mpsc_send().await;
    Suite::test_mpsc_send_to_closed_channel().await;
    Suite::test_mpsc_backpressure().await;
    Suite::test_watch_init_value().await;
    Suite::test_watch_overwrite_init_value().await;
    Suite::test_watch_send_error_no_receiver().await;
    Suite::test_watch_send_if_modified().await;
    Suite::test_watch_wait_until_ge().await;
    Suite::test_watch_wait_until().await;
    Suite::test_watch_changed_marks_as_seen().await;
    Suite::test_watch_borrow_and_update_marks_seen().await;
    Suite::test_watch_changed_returns_immediately_when_unseen().await;
    Suite::test_watch_multiple_borrow_then_changed().await;
    Suite::test_watch_wait_loop_pattern().await;
    Suite::test_watch_multiple_receivers().await;
    Suite::test_watch_subscribe().await;
    Suite::test_watch_send_if_different().await;
    Suite::test_watch_send_if_greater().await;
    Suite::test_oneshot_drop_tx().await;
    Suite::test_oneshot().await;
    Suite::test_oneshot_send_from_another_task().await;
    Suite::test_oneshot_send_to_dropped_rx().await;
    Suite::test_mutex().await;
    Suite::test_mutex_contention().await;
    Suite::test_mutex_lock_owned().await;
    Suite::test_task_local().await;
    Suite::test_task_local_on_completion_drop().await;
    Suite::test_task_local_take_value().await;
    Suite::test_task_local_poll_after_take_value().await;
    Suite::test_task_local_get_value().await;
}

#[test]
fn glommio_passes_the_suite_of_runtimes() {
    let config = shard_rt::uring::ShardConfig {
        io_memory_bytes: 1 << 20,
        ..shard_rt::uring::ShardConfig::new(NodeId(0), ShardId(0))
    };
    let ended = shard_rt::uring::run(&config, || within_a_minute(suite()));
    assert!(ended.expect("io_uring is there").is_ok(), "the suite hangs");
}

async fn within_a_minute(future: impl Future<Output = ()>) -> Result<(), shard_rt::Elapsed> {
    shard_rt::timeout(Duration::from_secs(60), future).await
}

#[test]
fn a_simulated_task_passes_the_suite_of_runtimes() {
    for seed in 0..20 {
        let sim = Sim::with_seed(seed);
        let node = sim.add_node(1);
        sim.block_on(node, ShardId(0), suite());
    }
}
