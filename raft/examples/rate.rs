//! How fast a group of one voter commits: `cargo run --release -p raft --example rate -- DIRECTORY`.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use raft::{Entry, Group, LogPosition, NoPeers, Options, PeerId, StateMachine, Step};
use shard_rt::uring::{ShardConfig, run};
use shard_rt::{NodeId, Rt, ShardId};
use wal::{Mode, PartitionId, Wal};

const PAYLOAD_BYTES: usize = 4096;
const SPAN_NS: u64 = 2_000_000_000;

/// Answers nothing and keeps nothing.
struct Sink;

impl StateMachine for Sink {
    fn apply(&mut self, _: &Entry) -> Step {
        Step::Done(Bytes::new())
    }

    fn checkpoint_begin(&mut self) {}

    fn checkpoint_next(&mut self, _: usize, _: &mut Vec<u8>) -> Result<bool, String> {
        Ok(false)
    }

    fn checkpoint_end(&mut self) {}

    fn install_begin(&mut self, _: usize) {}

    fn install_chunk(&mut self, _: Bytes) -> Result<(), String> {
        Ok(())
    }

    fn install_end(&mut self, _: Option<LogPosition>) -> Result<(), String> {
        Ok(())
    }
}

async fn propose(group: Group<Sink>, until: u64, taken: Rc<RefCell<Vec<u64>>>) {
    let rt = Rt::current();
    while rt.now() < until {
        let mut payload = BytesMut::with_capacity(PAYLOAD_BYTES + 2);
        payload.resize(PAYLOAD_BYTES, 7);
        let from = rt.now();
        if let Err(error) = group.propose(payload.freeze()).await {
            println!("{error}");
            return;
        }
        taken.borrow_mut().push(rt.now() - from);
    }
}

async fn measure(dir: String, mode: Mode) -> Result<(), Box<dyn std::error::Error>> {
    let rt = Rt::current();
    let (wal, _) = Wal::open(&rt, &dir, wal::Options { mode, ..wal::Options::default() }).await?;
    let options = Options { snapshot_after: Some(20_000), ..Options::new(PeerId(1)) };
    let group = Group::start(options, PartitionId(1), wal.clone(), Sink, NoPeers).await?;
    group.initialize().await?;
    group.lead().await?;
    for in_flight in [1, 16, 256] {
        let taken = Rc::new(RefCell::new(Vec::new()));
        let until = rt.now() + SPAN_NS;
        let tasks: Vec<_> = (0..in_flight)
            .map(|_| rt.spawn("proposer", propose(group.clone(), until, Rc::clone(&taken))))
            .collect();
        for task in tasks {
            task.await?;
        }
        let mut taken = taken.take();
        taken.sort_unstable();
        let at = |part: usize| taken.get(taken.len() * part / 100).map_or(0, |ns| ns / 1_000);
        let rate = taken.len() as u64 * 1_000_000_000 / SPAN_NS;
        println!("{mode:?}, {in_flight} in flight: {rate} commits/s, p50 {} us, p99 {} us", at(50), at(99));
    }
    group.shutdown().await?;
    wal.close().await?;
    Ok(())
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let dir = std::env::args().nth(1).ok_or("name a directory on a disk")?;
    let modes = [("strict", Mode::Strict), ("group", Mode::GroupFsync(Duration::from_millis(5)))];
    for (name, mode) in modes {
        let dir = format!("{dir}/{name}");
        let config = ShardConfig { io_memory_bytes: 1 << 20, ..ShardConfig::new(NodeId(0), ShardId(0)) };
        run(&config, || async move { measure(dir, mode).await.map_err(|error| error.to_string()) })??;
    }
    Ok(())
}
