//! Chains of snapshots: what they hold, what is purged, and what a start makes of one that has rotted.

use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::Duration;

use raft::{CheckpointKind, CheckpointStats, Group, Options, RaftError};
use shard_rt::sim::{Crash, Sim};
use shard_rt::{NodeId, ShardId};
use wal::{PartitionId, Wal};

use crate::list::{List, payload};
use crate::lives::group_options;

const SHARD: ShardId = ShardId(0);

fn options() -> Options {
    Options {
        fulls_kept: 2,
        entries_kept: 0,
        snapshot_after: None,
        chunk_bytes_max: 4 << 10,
        ..group_options()
    }
}

/// A machine on its node, across lives.
struct Bench {
    sim: Sim,
    node: NodeId,
    seen: Rc<RefCell<Vec<u64>>>,
    next: u64,
}

impl Bench {
    fn new(seed: u64) -> Self {
        let sim = Sim::with_seed(seed);
        let node = sim.add_node(1);
        Bench { sim, node, seen: Rc::default(), next: 0 }
    }

    fn start(&self) -> Result<Group<List>, RaftError> {
        let list = List::seen_by(&self.seen);
        self.sim.block_on(self.node, SHARD, async move {
            let options_of_log = wal::Options { segment_bytes: 256 << 10, ..wal::Options::default() };
            let (wal, _) =
                Wal::open(&shard_rt::Rt::current(), "/log", options_of_log).await.expect("the log opens");
            let group = Group::start(options(), PartitionId(9), wal, list, raft::NoPeers).await?;
            group.initialize().await?;
            group.lead().await?;
            Ok(group)
        })
    }

    fn crash(&self) {
        self.sim.crash(self.node, Crash::PowerLoss);
        self.sim.restart(self.node);
    }

    /// Items that follow, and then a snapshot.
    fn go_on(&mut self, group: &Group<List>, items: u64, kind: CheckpointKind) -> CheckpointStats {
        let (first, group) = (self.next, group.clone());
        self.next += items;
        self.sim.block_on(self.node, SHARD, async move {
            for item in first..first + items {
                group.propose(payload(item)).await.expect("acknowledged");
            }
            let applied = group.metrics().applied;
            group.snapshot(kind).await.expect("ordered");
            while group.metrics().snapshot < applied {
                shard_rt::sleep(Duration::from_millis(1)).await;
            }
            // What is not needed any more is purged behind it.
            shard_rt::sleep(Duration::from_millis(20)).await;
            group.checkpoints()
        })
    }

    fn check(&self) {
        assert_eq!(*self.seen.borrow(), (0..self.next).collect::<Vec<u64>>());
    }

    /// Rots a byte of the newest record of so many payload bytes in this lane that `skip` others come behind.
    fn rot(&self, lane: u16, skip: usize) {
        let disk = self.sim.disk(self.node);
        let names = self.sim.block_on(self.node, SHARD, async {
            let listed = shard_rt::Rt::current().disk().list(Path::new("/log")).await.expect("a directory");
            listed.into_iter().map(|entry| entry.name).collect::<Vec<String>>()
        });
        let mut found = Vec::new();
        for name in names.into_iter().filter(|name| !name.starts_with("spare")) {
            let path = Path::new("/log").join(&name);
            let Ok(dump) = wal::fsck::dump(&name, &disk.peek(&path)) else { continue };
            for record in
                dump.records.iter().filter(|r| (r.lane, r.kind, r.partition.0) == (lane, "entry", 9))
            {
                let middle = record.at.offset() + 64 + u64::from(record.payload_bytes) / 2;
                found.push((record.index, middle, path.clone()));
            }
        }
        found.sort();
        let (_, offset, path): (u64, u64, PathBuf) = found[found.len() - 1 - skip].clone();
        disk.flip_bit(&path, offset, 3);
    }
}

fn shape(stats: &CheckpointStats) -> (usize, bool) {
    (stats.chain.len(), stats.older.is_some())
}

#[test]
fn links_hold_what_changed_and_are_merged() {
    let mut bench = Bench::new(1);
    let group = bench.start().expect("it starts");
    let full = bench.go_on(&group, 3_000, CheckpointKind::Incremental);
    assert_eq!((full.fulls, full.links), (1, 0), "the first of a life is full");
    for links in 1..=3 {
        let stats = bench.go_on(&group, 20, CheckpointKind::Incremental);
        assert_eq!((stats.links, shape(&stats)), (links, (1 + links as usize, false)));
        let link = stats.chain[links as usize];
        assert!(link.bytes * 4 < link.state_bytes, "{link:?}");
    }
    let merged = bench.go_on(&group, 20, CheckpointKind::Incremental);
    assert_eq!((merged.merges, shape(&merged)), (1, (2, false)));
    let next = bench.go_on(&group, 500, CheckpointKind::Full);
    assert_eq!(shape(&next), (1, true));
    let only = bench.go_on(&group, 1, CheckpointKind::Only);
    assert_eq!(shape(&only), (1, false));
    drop(group);
    bench.crash();
    let group = bench.start().expect("it starts");
    bench.check();
    assert_eq!(group.checkpoints().degraded, None);
}

#[test]
fn the_log_is_kept_for_the_oldest_full_snapshot() {
    let mut bench = Bench::new(2);
    let group = bench.start().expect("it starts");
    let mut lasts = Vec::new();
    for kind in
        [CheckpointKind::Full, CheckpointKind::Incremental, CheckpointKind::Full, CheckpointKind::Full]
    {
        bench.go_on(&group, 50, kind);
        lasts.push(group.metrics().snapshot);
        let kept = [0, 0, 0, 2][lasts.len() - 1];
        assert_eq!(group.metrics().purged, lasts[kept], "after {} snapshots", lasts.len());
    }
    bench.go_on(&group, 5, CheckpointKind::Only);
    assert_eq!(group.metrics().purged, group.metrics().snapshot);
}

#[test]
fn a_link_that_has_rotted_costs_a_longer_replay_and_is_told() {
    // Which lane rots, how many chunks behind it, and how many parts of the chain are left.
    for (lane, skip, left) in [(2, 0, 3), (2, 1, 3), (2, 2, 2), (1, 0, 1)] {
        let mut bench = Bench::new(3);
        let group = bench.start().expect("it starts");
        bench.go_on(&group, 1_000, CheckpointKind::Full);
        bench.go_on(&group, 200, CheckpointKind::Full);
        for _ in 0..3 {
            bench.go_on(&group, 1, CheckpointKind::Incremental);
        }
        bench.go_on(&group, 1, CheckpointKind::Incremental);
        for _ in 0..2 {
            bench.go_on(&group, 1, CheckpointKind::Incremental);
        }
        drop(group);
        bench.crash();
        bench.rot(lane, skip);
        let group = bench.start().expect("it starts");
        bench.check();
        let stats = group.checkpoints();
        assert!(stats.degraded.is_some(), "lane {lane}, {skip}");
        assert_eq!(stats.chain.len(), left, "lane {lane}, {skip}: {stats:?}");
        let healed = bench.go_on(&group, 1, CheckpointKind::Incremental);
        assert_eq!((healed.fulls, healed.degraded.is_none()), (1, true), "a full one heals it");
        drop(group);
        bench.crash();
        let group = bench.start().expect("it starts");
        bench.check();
        assert_eq!(group.checkpoints().degraded, None);
    }
}

#[test]
fn without_any_snapshot_that_can_be_read_the_group_is_refused_by_name() {
    let mut bench = Bench::new(4);
    let group = bench.start().expect("it starts");
    bench.go_on(&group, 1_000, CheckpointKind::Only);
    bench.go_on(&group, 10, CheckpointKind::Only);
    drop(group);
    bench.crash();
    bench.rot(1, 0);
    let Err(error) = bench.start() else { panic!("a state that is lost is made up") };
    assert!(error.to_string().contains("segment"), "{error}");
}
