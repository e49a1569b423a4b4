//! One failpoint a system call: what each failure does to a running log, and that nothing acknowledged
//! is lost by it.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use shard_rt::sim::disk::{DiskOp, Effect, Injection};
use shard_rt::sim::{Crash, Sim};
use shard_rt::{NodeId, Rt, ShardId, sleep};
use wal::{Lane, Mode, Options, PartitionId, Record, Wal, WalError};

const SHARD: ShardId = ShardId(0);
const GROUP: PartitionId = PartitionId(1);

/// What must come of a failure.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Then {
    /// Nothing is acknowledged any more (R-DUR-2).
    Poisoned,
    /// The log goes on.
    GoesOn,
}

fn options(mode: Mode) -> Options {
    Options { segment_bytes: 64 << 10, mode, segments_max: 16, hot_bytes_max: 0, ..Options::default() }
}

/// Appends until six segments were begun or the log fails. Returns the last acknowledged index.
async fn work(wal: &Wal) -> (u64, Option<WalError>) {
    let mut last = 0;
    loop {
        let index = last + 1;
        let mut records = vec![Record::entry(1, index, vec![index as u8; 3_000])];
        if index % 7 == 0 {
            records.push(Record::vote(vec![index as u8; 8]));
        }
        match wal.append_wait(GROUP, records).await {
            Ok(()) => last = index,
            Err(WalError::Full { .. }) => match wal.room(4_000).await {
                Ok(()) => continue,
                Err(error) => return (last, Some(error)),
            },
            Err(error) => return (last, Some(error)),
        }
        // A failed read is told to the reader, who may read again.
        if let Err(error) = wal.read(GROUP, Lane::RAFT, index, index + 1, 1).await {
            assert!(matches!(error, WalError::Disk(_)), "{error}");
        }
        if wal.stats().counters.rotations >= 6 {
            // Frees more segments than are kept ready.
            let result = wal.append_wait(GROUP, vec![Record::purge(1, last)]).await;
            return (last, result.err());
        }
    }
}

/// Fails the `skip`th operation of a kind while a log works; then loses power and looks. Says whether
/// the log did that operation at all.
fn fails(mode: Mode, op: DiskOp, effect: Effect, skip: u64, then: Then) -> bool {
    let what = format!("{op:?} {effect:?} after {skip} in {mode:?}");
    let sim = Sim::with_seed(skip);
    let node: NodeId = sim.add_node(1);
    let wal = sim.block_on(node, SHARD, async move {
        Wal::open(&Rt::current(), "/log", options(mode)).await.map(|(wal, _)| wal)
    });
    let wal = wal.expect("an empty disk");
    let order = sim.disk(node).inject(Injection { skip, ..Injection::once(op, effect) });
    let handle = wal.clone();
    let (last, error) = sim.block_on(node, SHARD, async move {
        let worked = work(&handle).await;
        sleep(Duration::from_millis(50)).await;
        worked
    });
    if sim.disk(node).hits(order) == 0 {
        return false;
    }
    let poisoned = wal.poisoned().is_some();
    assert_eq!(poisoned, then == Then::Poisoned, "{what}: {error:?}");
    if poisoned {
        let again = Rc::new(RefCell::new(None));
        let place = Rc::clone(&again);
        let refused = wal.append(GROUP, vec![Record::vote(&b"v"[..])], move |result| {
            *place.borrow_mut() = Some(result);
        });
        assert!(matches!(refused, Err(WalError::Poisoned { .. })), "{what}: {refused:?}");
        assert!(again.borrow().is_none());
    }
    drop(wal);
    sim.crash(node, Crash::PowerLoss);
    sim.restart(node);
    sim.block_on(node, SHARD, async move {
        let (wal, recovered) = Wal::open(&Rt::current(), "/log", options(mode)).await.expect("it opens");
        assert!(recovered.damaged.is_empty(), "{what}: {recovered:?}");
        let bounds = wal.bounds(GROUP, Lane::RAFT);
        let end = bounds.last.map_or(0, |(_, index)| index);
        assert!(mode != Mode::Strict || end >= last, "{what}: {last} acknowledged, {end} there");
        let first = bounds.purged.map_or(1, |(_, index)| index + 1);
        let entries = wal.read(GROUP, Lane::RAFT, first, end + 1, u64::MAX).await.expect("sound");
        assert!(entries.iter().all(|entry| entry.payload == vec![entry.index as u8; 3_000]), "{what}");
    });
    true
}

fn at_every_place(op: DiskOp, effect: Effect, then: Then) {
    let mut hits = 0;
    for mode in [Mode::Strict, Mode::GroupFsync(Duration::from_millis(2))] {
        for skip in (0..10).chain([20, 50]) {
            hits += u64::from(fails(mode, op, effect, skip, then));
        }
    }
    assert!(hits > 0, "the log never does {op:?}");
}

#[test]
fn write_fails() {
    at_every_place(DiskOp::Write, Effect::Error, Then::Poisoned);
    at_every_place(DiskOp::WriteDurable, Effect::Error, Then::Poisoned);
}

#[test]
fn sync_fails() {
    at_every_place(DiskOp::Sync, Effect::Error, Then::Poisoned);
}

#[test]
fn sync_dir_fails() {
    at_every_place(DiskOp::SyncDir, Effect::Error, Then::Poisoned);
}

#[test]
fn rename_fails() {
    at_every_place(DiskOp::Rename, Effect::Error, Then::Poisoned);
}

#[test]
fn open_fails() {
    at_every_place(DiskOp::Open, Effect::Error, Then::Poisoned);
}

#[test]
fn allocate_fails() {
    at_every_place(DiskOp::PreAllocate, Effect::Error, Then::Poisoned);
}

#[test]
fn no_space_to_make_a_segment_is_waited_out() {
    at_every_place(DiskOp::Open, Effect::NoSpace, Then::GoesOn);
    at_every_place(DiskOp::PreAllocate, Effect::NoSpace, Then::GoesOn);
    at_every_place(DiskOp::Rename, Effect::NoSpace, Then::GoesOn);
}

#[test]
fn a_file_that_cannot_be_removed_is_a_spare() {
    at_every_place(DiskOp::Remove, Effect::Error, Then::GoesOn);
}

#[test]
fn a_read_that_fails_harms_nobody_else() {
    at_every_place(DiskOp::Read, Effect::Error, Then::GoesOn);
}

#[test]
fn a_slow_call_changes_nothing() {
    for op in [DiskOp::Write, DiskOp::WriteDurable, DiskOp::Sync, DiskOp::Rename, DiskOp::SyncDir] {
        at_every_place(op, Effect::Delay(Duration::from_secs(2)), Then::GoesOn);
    }
}
