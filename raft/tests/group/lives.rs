//! One seed: several lives of a group of one voter on one disk, each ended by a crash.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use raft::{Group, NoPeers, Options, PeerId, RaftError};
use shard_rt::sim::disk::{DiskOp, Effect, Injection};
use shard_rt::sim::{Crash, Sim};
use shard_rt::{NodeId, Rng, Rt, ShardId, sleep, spawn};
use wal::{PartitionId, Sabotage, Wal};

use crate::list::{List, payload, place};

const SHARD: ShardId = ShardId(0);
const PROPOSERS: u64 = 4;

/// What all runs of a test did.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tally {
    pub lives: u64,
    pub acked: u64,
    pub left_open: u64,
    pub snapshots: u64,
    pub purged: u64,
    pub poisoned: u64,
}

/// What is known from outside.
#[derive(Default)]
struct Known {
    next: Cell<u64>,
    /// Place in the list, and what was acknowledged there.
    acked: RefCell<BTreeMap<usize, u64>>,
    proposed: Cell<u64>,
    /// The log was fenced, and said so.
    poisoned: Cell<bool>,
}

/// What goes wrong beside the crashes.
#[derive(Clone, Copy, Debug, Default)]
pub struct Faults {
    /// Writes of the log fail.
    pub poison: bool,
    /// The log is broken on purpose.
    pub sabotage: Option<Sabotage>,
}

fn wal_options(sabotage: Option<Sabotage>) -> wal::Options {
    wal::Options { segment_bytes: 64 << 10, hot_bytes_max: 8 << 10, sabotage, ..wal::Options::default() }
}

pub fn group_options() -> Options {
    Options {
        read_bytes_max: 4 << 10,
        chunk_bytes_max: 256,
        snapshot_after: Some(40),
        entries_kept: 10,
        ..Options::new(PeerId(1))
    }
}

pub async fn open(options: Options, machine: List, sabotage: Option<Sabotage>) -> (Wal, Group<List>) {
    let (wal, found) = Wal::open(&Rt::current(), "/log", wal_options(sabotage)).await.expect("the log opens");
    assert!(found.damaged.is_empty(), "{found:?}");
    let group = Group::start(options, PartitionId(9), wal.clone(), machine, NoPeers).await;
    (wal, group.expect("the group starts"))
}

pub fn run(seed: u64, faults: &Faults, tally: &mut Tally) {
    let mut rng = Rng::new(seed ^ 0x5EED);
    let sim = Sim::with_seed(seed);
    let node = sim.add_node(1);
    let known = Rc::new(Known::default());
    let seen = Rc::new(RefCell::new(Vec::new()));
    let lives = rng.between(2, 5);
    let mut before: Vec<u64> = Vec::new();
    for life in 0..=lives {
        let last = life == lives;
        let group = start(&sim, node, &seen, faults);
        tally.lives += 1;
        check(seed, &before, &seen.borrow(), &known);
        if faults.poison && !last && rng.chance(0.6) {
            let skip = rng.below(40);
            let order = Injection { skip, ..Injection::once(DiskOp::WriteDurable, Effect::Error) };
            sim.disk(node).inject(order);
        }
        let proposers: Vec<_> = (0..PROPOSERS)
            .map(|_| sim.spawn(node, SHARD, "proposer", propose(group.clone(), known.clone(), rng.split(2))))
            .collect();
        sim.run_for(Duration::from_micros(rng.between(500, 40_000)));
        drop(proposers);
        let metrics = group.metrics();
        tally.snapshots += u64::from(metrics.snapshot.is_some());
        tally.purged += u64::from(metrics.purged.is_some());
        before.clone_from(&seen.borrow());
        if last {
            let ended = group.clone();
            sim.block_on(node, SHARD, async move { ended.shutdown().await }).expect("it ends well");
            before.clone_from(&seen.borrow());
        }
        drop(group);
        sim.disk(node).clear_injections();
        sim.crash(node, if rng.chance(0.5) { Crash::ProcessKill } else { Crash::PowerLoss });
        sim.restart(node);
    }
    let group = start(&sim, node, &seen, faults);
    check(seed, &before, &seen.borrow(), &known);
    drop(group);
    tally.acked += known.acked.borrow().len() as u64;
    tally.left_open += known.proposed.get() - known.acked.borrow().len() as u64;
    tally.poisoned += u64::from(known.poisoned.get());
}

fn start(sim: &Sim, node: NodeId, seen: &Rc<RefCell<Vec<u64>>>, faults: &Faults) -> Group<List> {
    let sabotage = faults.sabotage;
    let list = List::seen_by(seen);
    sim.block_on(node, SHARD, async move {
        let (_, group) = open(group_options(), list, sabotage).await;
        group.initialize().await.expect("the group has a member");
        group.lead().await.expect("the group leads");
        group
    })
}

/// Proposes one after the other, and writes down what was acknowledged.
async fn propose(group: Group<List>, known: Rc<Known>, mut rng: Rng) {
    loop {
        let count = if rng.chance(0.2) { rng.between(2, 12) } else { 1 };
        let first = known.next.get();
        known.next.set(first + count);
        known.proposed.set(known.proposed.get() + count);
        let answers = if count == 1 {
            vec![group.propose(payload(first)).await]
        } else {
            match group.propose_many((first..first + count).map(payload).collect()).await {
                Ok(answers) => answers,
                Err(error) => vec![Err(error)],
            }
        };
        for (item, answer) in (first..).zip(answers) {
            match answer {
                Ok(answer) => {
                    let place = place(&answer.bytes);
                    let old = known.acked.borrow_mut().insert(place, item);
                    assert_eq!(old, None, "two proposals have the same place");
                }
                Err(RaftError::Durability { .. }) => return refused(&group, &known).await,
                Err(RaftError::Stopped) => return,
                Err(error) => panic!("{error}"),
            }
        }
        if rng.chance(0.3) {
            sleep(Duration::from_micros(rng.below(3_000))).await;
        }
    }
}

/// The log is fenced: it stays so.
async fn refused(group: &Group<List>, known: &Rc<Known>) {
    known.poisoned.set(true);
    for _ in 0..3 {
        let again = group.propose(payload(u64::MAX)).await;
        assert!(matches!(again, Err(RaftError::Durability { .. })), "{again:?}");
        spawn("wait", sleep(Duration::from_millis(1))).await.expect("it ends");
    }
}

/// What the machine has is what it had, and what was acknowledged, once each and in order.
fn check(seed: u64, before: &[u64], now: &[u64], known: &Known) {
    assert!(now.starts_with(before), "seed {seed}: what was applied is gone or moved: {before:?} {now:?}");
    for (place, item) in known.acked.borrow().iter() {
        assert_eq!(now.get(*place), Some(item), "seed {seed}: acknowledged and not there");
    }
    let mut sorted = now.to_vec();
    sorted.sort_unstable();
    sorted.dedup();
    assert_eq!(sorted.len(), now.len(), "seed {seed}: applied twice");
    assert!(sorted.last().is_none_or(|item| *item < known.next.get()), "seed {seed}: never proposed");
}
