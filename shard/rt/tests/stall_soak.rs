//! No shard sleeps past its wake: two shards send to each other, sleep and write, under CPU hogs.
//!
//! Seconds by default, ten minutes with CEPTRA_DEEP=1. A wake may be late because the host had no core
//! for the thread; what counts as lost is time in which the thread slept although there was work, so
//! the time it waited for a core (`schedstat`) is taken off.
#![cfg(feature = "glommio")]
#![expect(clippy::disallowed_methods, reason = "hogs are threads, and the watcher waits on the host's clock")]

use std::cell::Cell;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use shard_rt::mailbox::{self, Receiver, Sender};
use shard_rt::uring::{ShardConfig, ShardThread, start};
use shard_rt::{
    BlockAddr, BlockWrite, ExecStats, NodeId, OpenMode, Rt, ShardId, buffer, disk, now, sleep, spawn,
};

/// Later than this a wake counts as lost.
const WAKE_NS_MAX: u64 = 100_000_000;
/// A write that takes longer says that the host's disk stood still.
const DISK_NS_MAX: u64 = WAKE_NS_MAX;
/// Hogs a core.
const HOGS: usize = 2;
/// The hogs' priority, below that of the shards.
const HOGS_NICE: i32 = 10;

/// Nanoseconds that this thread was ready to run and had no core.
fn waited_ns() -> u64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    text.split(' ').nth(1).and_then(|field| field.parse().ok()).unwrap_or(0)
}

/// Latencies of one kind, in nanoseconds.
#[derive(Clone, Debug, Default)]
struct Latency {
    samples: Vec<u32>,
    max: u64,
    /// The longest that is left without the time the host had no core.
    asleep_max: u64,
}

impl Latency {
    fn add(&mut self, ns: u64, waited_ns: u64) {
        self.max = self.max.max(ns);
        self.asleep_max = self.asleep_max.max(ns.saturating_sub(waited_ns));
        // A sample of the samples once there are many: the quantiles need no more.
        if self.samples.len() < 1_000_000 {
            self.samples.push(u32::try_from(ns).unwrap_or(u32::MAX));
        }
    }

    fn tell(&mut self, name: &str) {
        self.samples.sort_unstable();
        let at = |share: f64| {
            let index = ((self.samples.len().max(1) - 1) as f64 * share) as usize;
            f64::from(self.samples.get(index).copied().unwrap_or(0)) / 1_000.0
        };
        println!(
            "{name:8} {:>8} p50 {:>8.0} us p99 {:>8.0} us p99.9 {:>8.0} us max {:>8.0} us asleep {:>7.0} us",
            self.samples.len(),
            at(0.5),
            at(0.99),
            at(0.999),
            self.max as f64 / 1_000.0,
            self.asleep_max as f64 / 1_000.0
        );
    }
}

#[derive(Clone, Debug, Default)]
struct Seen {
    message: Latency,
    timer: Latency,
    write: Latency,
    stats: ExecStats,
}

type Shared = Rc<std::cell::RefCell<Seen>>;

async fn play(mut inbox: Receiver<u64>, peer: Sender<u64>, serve: bool, seen: Shared, over: Rc<Cell<bool>>) {
    if serve {
        peer.try_send(now()).expect("an empty box");
    }
    let mut before = waited_ns();
    while let Some(sent) = inbox.recv().await {
        let waited = waited_ns();
        seen.borrow_mut().message.add(now().saturating_sub(sent), waited - before);
        before = waited;
        if over.get() {
            return;
        }
        peer.try_send(now()).ok();
    }
}

async fn doze(milliseconds: u64, seen: Shared, over: Rc<Cell<bool>>) {
    while !over.get() {
        let (due, before) = (now() + milliseconds * 1_000_000, waited_ns());
        sleep(Duration::from_millis(milliseconds)).await;
        seen.borrow_mut().timer.add(now() - due, waited_ns() - before);
    }
}

async fn write(dir: PathBuf, seen: Shared, over: Rc<Cell<bool>>) {
    let file = disk().open(dir.join("log"), OpenMode::CreateNew).await.expect("a new file");
    let (zeroed, _) = file.write_at(BlockAddr::ZERO, buffer(256)).await;
    zeroed.and(file.sync().await).expect("a zeroed file");
    let mut round = 0;
    while !over.get() {
        let blocks = [1, 16, 2, 64][round % 4];
        round += 1;
        let (begin, before) = (now(), waited_ns());
        let batch = vec![BlockWrite { at: BlockAddr::ZERO, buf: buffer(blocks) }];
        file.write_durable(batch).await.0.expect("a durable write");
        seen.borrow_mut().write.add(now() - begin, waited_ns() - before);
        sleep(Duration::from_millis(1)).await;
    }
}

fn shard(
    index: u16,
    dir: PathBuf,
    time: Duration,
    inbox: Receiver<u64>,
    peer: Sender<u64>,
) -> ShardThread<Seen> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let config = ShardConfig {
        core: Some(usize::from(index) % cores),
        io_memory_bytes: 1 << 20,
        ..ShardConfig::new(NodeId(0), ShardId(index))
    };
    let main = move || async move {
        let (seen, over) = (Shared::default(), Rc::new(Cell::new(false)));
        let tasks = [
            spawn("play", play(inbox, peer, index == 0, Rc::clone(&seen), Rc::clone(&over))),
            spawn("doze 1", doze(1, Rc::clone(&seen), Rc::clone(&over))),
            spawn("doze 7", doze(7, Rc::clone(&seen), Rc::clone(&over))),
            spawn("doze 100", doze(100, Rc::clone(&seen), Rc::clone(&over))),
            spawn("write", write(dir, Rc::clone(&seen), Rc::clone(&over))),
        ];
        sleep(time).await;
        over.set(true);
        for task in tasks {
            let _ = task.await;
        }
        seen.borrow_mut().stats = Rt::current().stats();
        seen.take()
    };
    start(config, main).expect("a thread")
}

/// Keeps a core busy until told to stop.
fn hogs(stop: &Arc<AtomicBool>) -> Vec<std::thread::JoinHandle<u64>> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let hog = || {
        let stop = Arc::clone(stop);
        std::thread::spawn(move || {
            rustix::process::setpriority_process(None, HOGS_NICE).ok();
            let mut turns = 0u64;
            while !stop.load(Ordering::Relaxed) {
                turns = std::hint::black_box(turns + 1);
            }
            turns
        })
    };
    (0..cores * HOGS).map(|_| hog()).collect()
}

#[test]
fn no_wake_is_lost_under_cpu_hogs() {
    let deep = std::env::var("CEPTRA_DEEP").is_ok_and(|value| value == "1");
    let time = if deep { Duration::from_secs(600) } else { Duration::from_secs(6) };
    for attempt in 1.. {
        // What others have written goes to the disk before, not meanwhile.
        rustix::fs::sync();
        let shards = round(time);
        // A disk that stands still holds up more than writes: such a round says nothing of wakes.
        if attempt < 6 && shards.iter().any(|(_, seen)| seen.write.max > DISK_NS_MAX) {
            println!("the disk stood still; once more");
            std::thread::sleep(Duration::from_secs(3));
            continue;
        }
        for (_, seen) in shards {
            assert!(seen.message.samples.len() > 100 && seen.timer.samples.len() > 100, "it went on");
            let (message, timer) = (seen.message.asleep_max, seen.timer.asleep_max);
            assert!(message < WAKE_NS_MAX, "a message met a shard that slept {message} ns on");
            assert!(timer < WAKE_NS_MAX, "a timer met a shard that slept {timer} ns on");
        }
        break;
    }
}

/// Two shards beside hogs for `time`, and what each saw.
fn round(time: Duration) -> [(&'static str, Seen); 2] {
    let dirs = [0, 1].map(|_| tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a directory"));
    let stop = Arc::new(AtomicBool::new(false));
    let hogs = hogs(&stop);
    let (to_one, of_one) = mailbox::channel(8);
    let (to_two, of_two) = mailbox::channel(8);
    let one = shard(0, dirs[0].path().to_owned(), time, of_one, to_two);
    let two = shard(1, dirs[1].path().to_owned(), time, of_two, to_one);
    let begin = Instant::now();
    while !(one.is_finished() && two.is_finished()) {
        assert!(begin.elapsed() < time + Duration::from_secs(60), "a shard sleeps for ever");
        std::thread::sleep(Duration::from_millis(20));
    }
    stop.store(true, Ordering::Relaxed);
    hogs.into_iter().for_each(|hog| drop(hog.join()));
    [("one", one), ("two", two)].map(|(name, thread)| {
        let mut seen = thread.join().expect("the shard ran");
        println!("shard {name}: {:?}", seen.stats);
        seen.message.tell("message");
        seen.timer.tell("timer");
        seen.write.tell("write");
        (name, seen)
    })
}
