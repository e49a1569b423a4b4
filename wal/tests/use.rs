//! How the log is used: order, reads, space, closing.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use shard_rt::sim::{Crash, Sim};
use shard_rt::{Rt, ShardId, sleep};
use wal::{Bounds, Lane, Mode, Options, PartitionId, Record, Slot, Wal, WalError};

const GROUP: PartitionId = PartitionId(7);

fn small() -> Options {
    Options { segment_bytes: 64 << 10, segments_max: 8, ..Options::default() }
}

/// Runs a test in a new simulator.
fn on_a_new_disk<F: Future<Output = ()> + 'static>(test: impl FnOnce() -> F) {
    let sim = Sim::with_seed(1);
    let node = sim.add_node(1);
    sim.block_on(node, ShardId(0), test());
}

async fn open(options: Options) -> Wal {
    let (wal, _) = Wal::open(&Rt::current(), "/log", options).await.expect("a sound disk");
    // Entries are taken once segments are ready.
    wal.room(1 << 14).await.expect("a sound disk");
    wal
}

#[test]
fn what_was_appended_is_read_at_once_and_after_a_close() {
    on_a_new_disk(|| async {
        let wal = open(small()).await;
        let records =
            vec![Record::vote(&b"v1"[..]), Record::entry(1, 0, &b"a"[..]), Record::entry(2, 1, &b"bc"[..])];
        wal.append(GROUP, records, |result| assert!(result.is_ok())).expect("room");
        let read = wal.read(GROUP, Lane::RAFT, 0, 9, 100).await.expect("sound");
        assert_eq!(read.iter().map(|entry| (entry.term, entry.index)).collect::<Vec<_>>(), [(1, 0), (2, 1)]);
        wal.close().await.expect("a sound disk");
        assert_eq!(wal.append(GROUP, Vec::new(), |_| {}), Err(WalError::Closed));
        drop(wal);
        sleep(Duration::from_millis(1)).await;
        let wal = open(small()).await;
        assert_eq!(wal.bounds(GROUP, Lane::RAFT), Bounds { purged: None, last: Some((2, 1)) });
        assert_eq!(wal.register(GROUP, Slot::VOTE).as_deref(), Some(&b"v1"[..]));
        assert_eq!(wal.read(GROUP, Lane::RAFT, 1, 2, 0).await.expect("sound")[0].payload, &b"bc"[..]);
        assert_eq!(wal.term(GROUP, Lane::RAFT, 0), Some(1));
    });
}

#[test]
fn appends_are_acknowledged_in_order_and_share_flushes() {
    on_a_new_disk(|| async {
        let wal = open(Options { segment_bytes: 1 << 20, ..small() }).await;
        let order = Rc::new(RefCell::new(Vec::new()));
        for number in 0..100 {
            let order = Rc::clone(&order);
            let records = vec![Record::entry(1, number / 10, vec![0; 50])];
            let done = move |result: wal::Result<()>| order.borrow_mut().push((number, result.is_ok()));
            wal.append(PartitionId(number % 10), records, done).expect("room");
        }
        wal.append_wait(GROUP, Vec::new()).await.expect("a sound disk");
        let want: Vec<_> = (0..100).map(|number| (number, true)).collect();
        assert_eq!(*order.borrow(), want);
        assert_eq!(wal.stats().counters.flushes, 1, "they were all there when the writer came");
    });
}

#[test]
fn a_vote_is_flushed_before_it_is_acknowledged_in_group_fsync_too() {
    on_a_new_disk(|| async {
        let mode = Mode::GroupFsync(Duration::from_millis(10));
        let wal = open(Options { mode, ..small() }).await;
        wal.append_wait(GROUP, vec![Record::entry(1, 0, &b"a"[..])]).await.expect("a sound disk");
        let stats = wal.stats();
        assert!(stats.counters.flushes == 0 && stats.unsynced_bytes > 0, "{stats:?}");
        wal.append_wait(GROUP, vec![Record::vote(&b"v"[..])]).await.expect("a sound disk");
        assert_eq!(wal.stats().unsynced_bytes, 0);
        wal.append_wait(GROUP, vec![Record::entry(1, 1, &b"b"[..])]).await.expect("a sound disk");
        sleep(Duration::from_millis(15)).await;
        assert_eq!(wal.stats().unsynced_bytes, 0, "the interval is over");
    });
}

#[test]
fn a_full_log_refuses_entries_takes_a_purge_and_goes_on() {
    on_a_new_disk(|| async {
        let wal = open(small()).await;
        sleep(Duration::from_millis(100)).await;
        let mut index = 0;
        let full = loop {
            match wal.append_wait(GROUP, vec![Record::entry(1, index, vec![1; 9_000])]).await {
                Ok(()) => index += 1,
                Err(WalError::Full { .. }) if wal.stats().segments + wal.stats().segments_ready < 8 => {
                    sleep(Duration::from_millis(10)).await;
                }
                Err(error) => break error,
            }
        };
        assert!(full.is_transient(), "{full}");
        assert!(index > 10, "{index} entries in 512 KiB");
        wal.append_wait(GROUP, vec![Record::vote(&b"v"[..])]).await.expect("votes have room");
        wal.append_wait(GROUP, vec![Record::purge(1, index - 1)]).await.expect("purges have room");
        wal.room(9_000).await.expect("segments become free");
        wal.append_wait(GROUP, vec![Record::entry(1, index, vec![2; 9_000])]).await.expect("room");
        assert!(matches!(
            wal.read(GROUP, Lane::RAFT, 0, 1, 1).await,
            Err(WalError::Purged { purged, .. }) if purged == index - 1
        ));
    });
}

#[test]
fn a_cold_partition_does_not_pin_segments() {
    on_a_new_disk(|| async {
        let wal = open(Options { segments_max: 10, ..small() }).await;
        let cold = PartitionId(1);
        wal.append_wait(cold, vec![Record::entry(1, 0, &b"old"[..]), Record::vote(&b"v"[..])])
            .await
            .expect("room");
        for index in 0..400 {
            let records = vec![Record::entry(1, index, vec![1; 9_000]), Record::purge(1, index)];
            while wal.append_wait(GROUP, records.clone()).await.is_err() {
                sleep(Duration::from_millis(5)).await;
            }
        }
        let stats = wal.stats();
        assert!(stats.counters.records_rewritten > 0 && stats.counters.rotations > 20, "{stats:?}");
        assert_eq!(wal.read(cold, Lane::RAFT, 0, 1, 1).await.expect("sound")[0].payload, &b"old"[..]);
        assert_eq!(wal.register(cold, Slot::VOTE).as_deref(), Some(&b"v"[..]));
    });
}

#[test]
fn wrong_orders_are_refused_and_change_nothing() {
    on_a_new_disk(|| async {
        let wal = open(small()).await;
        let misuse = |records: Vec<Record>| {
            let refused = wal.append(GROUP, records, |_| {});
            assert!(matches!(refused, Err(WalError::Misuse { .. })), "{refused:?}");
        };
        misuse(vec![Record::entry(1, 2, &b""[..])]);
        misuse(vec![Record::entry(1, 0, &b""[..]), Record::entry(1, 2, &b""[..])]);
        misuse(vec![Record::purge(1, 5), Record::truncate(5)]);
        misuse(vec![Record::entry(1, 0, &b""[..]), Record::truncate(0), Record::entry(1, 1 << 20, &b""[..])]);
        assert_eq!(wal.bounds(GROUP, Lane::RAFT), Bounds::default());
        let large = wal.append(GROUP, vec![Record::entry(1, 0, vec![0; 40_000])], |_| {});
        assert!(matches!(large, Err(WalError::TooLarge { max: 32_768, .. })), "{large:?}");
        wal.append_wait(GROUP, vec![Record::purge(3, 10), Record::entry(3, 11, &b""[..])])
            .await
            .expect("a snapshot");
    });
}

/// Found by the crash tests with seed 6,669 of rot: the only batch of the newest segment, its header
/// rotten, was taken for none, and the file used again.
#[test]
fn a_rotten_batch_header_in_the_newest_segment_costs_nothing() {
    let sim = Sim::with_seed(1);
    let node = sim.add_node(1);
    let name = sim.block_on(node, ShardId(0), async {
        let wal = open(small()).await;
        wal.append_wait(GROUP, vec![Record::entry(1, 0, &b"only"[..])]).await.expect("a sound disk");
        wal.close().await.expect("a sound disk");
        "/log/0000000000000001.seg"
    });
    sim.disk(node).flip_bit(name, 4_096 + 34, 2);
    for _ in 0..3 {
        sim.block_on(node, ShardId(0), async {
            let (wal, recovered) = Wal::open(&Rt::current(), "/log", small()).await.expect("a sound disk");
            assert!(recovered.holes.is_empty() && recovered.damaged.is_empty(), "{recovered:?}");
            let read = wal.read(GROUP, Lane::RAFT, 0, 1, 1).await.expect("sound");
            assert_eq!(read[0].payload, &b"only"[..]);
        });
        sim.crash(node, Crash::PowerLoss);
        sim.restart(node);
    }
}

#[test]
fn a_directory_has_one_log_and_segments_one_size() {
    on_a_new_disk(|| async {
        let wal = open(small()).await;
        let second = Wal::open(&Rt::current(), "/log", small()).await.err();
        assert!(matches!(second, Some(WalError::Disk(shard_rt::RtError::Locked { .. }))), "{second:?}");
        wal.close().await.expect("a sound disk");
        drop(wal);
        sleep(Duration::from_millis(1)).await;
        let other = Options { segment_bytes: 128 << 10, ..small() };
        let other = Wal::open(&Rt::current(), "/log", other).await.err();
        assert!(matches!(other, Some(WalError::Option { name: "segment_bytes", .. })), "{other:?}");
    });
}

/// Large entries in segments of their own size; the files that are there then.
async fn large_entries() -> Vec<String> {
    let options = Options { segment_bytes: 1 << 20, ..small() };
    let wal = open(options.clone()).await;
    for index in 0..5 {
        let records = vec![Record::entry(1, index, vec![index as u8; 300_000])];
        while let Err(error) = wal.append_wait(GROUP, records.clone()).await {
            assert!(error.is_transient(), "{error}");
            wal.room(400_000).await.expect("a sound disk");
        }
    }
    wal.close().await.expect("a sound disk");
    drop(wal);
    sleep(Duration::from_millis(1)).await;
    let listed = Rt::current().disk().list(std::path::Path::new("/log")).await.expect("a directory");
    listed.into_iter().map(|entry| entry.name).collect()
}

#[test]
fn rot_in_a_large_entry_is_named_by_who_reads_it_and_refuses_the_partition() {
    // In the payload, which a start does not read, and in the header, which it does.
    for (inside, found_at_start) in [(200_000, false), (9, true)] {
        let sim = Sim::with_seed(1);
        let node = sim.add_node(1);
        let names = sim.block_on(node, ShardId(0), large_entries());
        let disk = sim.disk(node);
        let mut places = Vec::new();
        for name in names {
            let path = std::path::Path::new("/log").join(&name);
            let Ok(dump) = wal::fsck::dump(&name, &disk.peek(&path)) else { continue };
            let large = dump
                .records
                .into_iter()
                .filter(|record| record.index == 1 && record.payload_bytes == 300_000);
            places.extend(large.map(|record| (path.clone(), record.at.offset())));
        }
        let [(path, offset)] = &places[..] else { panic!("{places:?}") };
        disk.flip_bit(path, offset + inside, 2);
        sim.crash(node, Crash::ProcessKill);
        sim.restart(node);
        sim.block_on(node, ShardId(0), async move {
            let options = Options { segment_bytes: 1 << 20, ..small() };
            let (wal, found) = Wal::open(&Rt::current(), "/log", options).await.expect("the log opens");
            assert_eq!(!found.damaged.is_empty(), found_at_start, "{found:?}");
            if !found_at_start {
                wal.read(GROUP, Lane::RAFT, 0, 1, 0).await.expect("that one is sound");
                let read = wal.read(GROUP, Lane::RAFT, 1, 2, 0).await;
                assert!(matches!(read, Err(WalError::Damaged { .. })), "{read:?}");
            }
            let refused = wal.check(GROUP).expect_err("the partition is refused");
            assert!(refused.to_string().contains("segment"), "{refused}");
        });
    }
}

#[test]
fn rot_in_what_can_be_made_anew_is_its_readers_alone() {
    let sim = Sim::with_seed(1);
    let node = sim.add_node(1);
    sim.block_on(node, ShardId(0), async {
        let wal = open(small()).await;
        let chunk = |index| Record::Entry { lane: Lane(1), term: 0, index, payload: vec![7; 900].into() };
        wal.append_wait(GROUP, vec![Record::entry(1, 0, &b"a"[..]), chunk(1), chunk(2)]).await.expect("room");
        wal.close().await.expect("a sound disk");
    });
    let disk = sim.disk(node);
    let name = format!("{:016x}.seg", 1);
    let path = std::path::Path::new("/log").join(&name);
    let dump = wal::fsck::dump(&name, &disk.peek(&path)).expect("a segment");
    let record = dump.records.iter().find(|record| (record.lane, record.index) == (1, 2)).expect("a chunk");
    disk.flip_bit(&path, record.at.offset() + 500, 1);
    let report = wal::fsck::verify(std::slice::from_ref(&name), |_| Ok(disk.peek(&path))).expect("a log");
    assert!(report.is_sound());
    assert_eq!(report.partitions[0].lost.iter().map(|lost| lost.index).collect::<Vec<_>>(), [2]);
    sim.crash(node, Crash::ProcessKill);
    sim.restart(node);
    sim.block_on(node, ShardId(0), async {
        let wal = open(small()).await;
        wal.check(GROUP).expect("the partition goes on");
        assert_eq!(wal.read(GROUP, Lane(1), 1, 2, 0).await.expect("sound").len(), 1);
        assert!(matches!(wal.read(GROUP, Lane(1), 2, 3, 0).await, Err(WalError::Damaged { .. })));
        wal.append_wait(GROUP, vec![Record::entry(1, 1, &b"b"[..])]).await.expect("the partition goes on");
    });
}
