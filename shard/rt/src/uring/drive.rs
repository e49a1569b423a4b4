//! The driver, the tick and the listener of one shard.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::future::{Future, poll_fn};
use std::rc::Rc;
use std::task::Poll;
use std::time::Duration;

use glommio::io::BufferedFile;
use glommio::timer::Timer;

use super::ShardConfig;
use super::bell::{self, Bell};
use super::machine::{UringMachine, monotone_ns};
use crate::context::{Inner, Rt};
use crate::error::Result;
use crate::exec::{Executor, ReadyQueue, StallSink, TaskKey, Watchdog};
use crate::rng::Rng;
use crate::timer::{self, TimerQueue, nanos};

/// Polls in a row before glommio gets to submit I/O.
const BATCH_POLLS_MAX: usize = 128;
/// Time in a row before glommio gets to submit I/O, in nanoseconds.
const BATCH_NS_MAX: u64 = 500_000;

struct Shard {
    rt: Rt,
    bell: Bell,
    ready: RefCell<VecDeque<TaskKey>>,
    /// Batches run, for the tick to see whether the driver lives.
    batches: Cell<u64>,
    stopping: Cell<bool>,
}

/// Runs `main` and what it spawns. The body of glommio's main task.
pub(super) async fn drive<T: 'static>(
    config: ShardConfig,
    main: impl Future<Output = T> + 'static,
) -> Result<T> {
    let bell = Bell::new()?;
    let event = bell.file()?;
    let rt = runtime(&config, bell.clone());
    let shard = Rc::new(Shard {
        rt,
        bell,
        ready: RefCell::default(),
        batches: Cell::new(0),
        stopping: Cell::new(false),
    });
    let tick = glommio::spawn_local(tick(Rc::clone(&shard), config.tick));
    let listen = glommio::spawn_local(listen(Rc::clone(&shard), event));
    let result = Rc::new(RefCell::new(None));
    let place = Rc::clone(&result);
    let handle = shard.rt.spawn("main", async move {
        let value = main.await;
        *place.borrow_mut() = Some(value);
    });
    loop {
        let more = shard.run_batch();
        if handle.is_finished() {
            break;
        }
        if more {
            glommio::executor().yield_task_queue_now().await;
        } else {
            shard.idle().await;
        }
    }
    {
        let _entered = shard.rt.enter();
        shard.rt.inner().exec.clear();
    }
    shard.stopping.set(true);
    shard.bell.ring_from_afar();
    tick.await;
    listen.await;
    bell::forget_driver();
    let value = result.borrow_mut().take();
    Ok(value.expect("invariant: nobody else can abort the main task"))
}

fn runtime(config: &ShardConfig, bell: Bell) -> Rt {
    let sink = config.stall_sink.clone().map(|sink| Rc::new(move |report: &_| sink(report)) as StallSink);
    let watchdog = Watchdog::new(Box::new(monotone_ns), nanos(config.stall_threshold), sink);
    let ready = ReadyQueue::new(Box::new(move || bell.ring()));
    Rt::new(Inner {
        node: config.node,
        shard: config.shard,
        exec: Executor::new(ready, watchdog),
        timers: RefCell::new(TimerQueue::new(nanos(config.tick))),
        rng: RefCell::new(config.seed.map_or_else(Rng::from_os, Rng::new)),
        machine: Box::new(UringMachine::default()),
    })
}

impl Shard {
    /// Polls what is ready, up to a batch. True if more is.
    fn run_batch(&self) -> bool {
        self.batches.set(self.batches.get() + 1);
        let begin = monotone_ns();
        timer::fire(&self.rt.inner().timers, begin);
        let exec = &self.rt.inner().exec;
        let _entered = self.rt.enter();
        for polls in 1..=BATCH_POLLS_MAX {
            let next = {
                let mut ready = self.ready.borrow_mut();
                if ready.is_empty() {
                    exec.ready().take_all(&mut ready);
                }
                ready.pop_front()
            };
            let Some(key) = next else {
                return false;
            };
            exec.poll_task(key);
            if polls % 8 == 0 && monotone_ns() - begin > BATCH_NS_MAX {
                break;
            }
        }
        !self.ready.borrow().is_empty() || !exec.ready().is_empty()
    }

    /// Waits for the bell.
    async fn idle(&self) {
        let mut waited = false;
        poll_fn(|cx| {
            if std::mem::replace(&mut waited, true) {
                return Poll::Ready(());
            }
            bell::set_driver(cx.waker());
            if self.rt.inner().exec.ready().go_idle() { Poll::Pending } else { Poll::Ready(()) }
        })
        .await;
    }

    /// Whether there is work.
    fn has_work(&self) -> bool {
        !self.ready.borrow().is_empty() || !self.rt.inner().exec.ready().is_empty()
    }
}

/// The permanent tick: fires timers, watches the loop, and wakes a driver whose wake was lost.
async fn tick(shard: Rc<Shard>, every: Duration) {
    let watchdog = &shard.rt.inner().exec.watchdog;
    let (mut batches, mut long_polls) = (0, 0);
    let mut waiting = false;
    while !shard.stopping.get() {
        let due = monotone_ns() + nanos(every);
        Timer::new(every).await;
        let now = monotone_ns();
        timer::fire(&shard.rt.inner().timers, now);
        // Work that has waited a whole tick without a batch: the driver was not woken.
        let stuck = waiting && shard.batches.get() == batches;
        if stuck {
            shard.bell.ring();
        }
        waiting = shard.has_work();
        batches = shard.batches.get();
        let stats = watchdog.stats();
        watchdog.tick(now.saturating_sub(due), stats.stalls_poll != long_polls, stuck);
        long_polls = stats.stalls_poll;
    }
}

/// Turns rings of other threads into wakes of the driver.
async fn listen(shard: Rc<Shard>, event: BufferedFile) {
    while !shard.stopping.get() {
        if event.read_at(0, 8).await.is_err() {
            // The tick still finds what other threads wake.
            break;
        }
        shard.bell.ring();
    }
    let _ = event.close().await;
}
