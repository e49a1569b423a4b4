//! The faults of the simulated disk, each seen to happen, and the disk against a plain model.

use std::path::Path;
use std::time::Duration;

use proptest::prelude::*;
use shard_rt::sim::disk::{DiskOp, Effect, Injection, Loss};
use shard_rt::sim::{Crash, Sim};
use shard_rt::{
    AlignedBuf, BLOCK, BlockAddr, BlockWrite, File, NodeId, OpenMode, RtError, ShardId, disk, now,
};

const SHARD: ShardId = ShardId(0);
const PATH: &str = "/d/log";

fn filled(blocks: usize, byte: u8) -> AlignedBuf {
    let mut buf = AlignedBuf::heap(blocks);
    buf.fill(byte);
    buf
}

async fn open(mode: OpenMode) -> File {
    disk().create_dir("/d").await.expect("a directory");
    disk().open(PATH, mode).await.expect("a file")
}

async fn write(file: &File, block: u64, byte: u8) -> Result<(), RtError> {
    file.write_at(BlockAddr::block(block), filled(1, byte)).await.0
}

async fn read(file: &File, block: u64) -> Result<Vec<u8>, RtError> {
    let (count, buf) = file.read_at(BlockAddr::block(block), AlignedBuf::heap(1)).await;
    count.map(|count| buf[..count].to_vec())
}

/// A node whose file has four durable blocks of ones under a durable name.
fn prepared(seed: u64) -> (Sim, NodeId) {
    let sim = Sim::with_seed(seed);
    let node = sim.add_node(1);
    sim.block_on(node, SHARD, async {
        let file = open(OpenMode::CreateNew).await;
        file.write_at(BlockAddr::ZERO, filled(4, 1)).await.0.expect("a write");
        file.sync().await.expect("a sync");
        disk().sync_dir("/").await.expect("a sync");
        disk().sync_dir("/d").await.expect("a sync");
    });
    (sim, node)
}

fn crash(sim: &Sim, node: NodeId, how: Crash) {
    sim.crash(node, how);
    sim.restart(node);
}

#[test]
fn a_power_loss_takes_what_was_not_synced_and_a_kill_does_not() {
    for (how, loss, left) in [
        (Crash::PowerLoss, Loss::All, 1),
        (Crash::PowerLoss, Loss::Nothing, 2),
        (Crash::ProcessKill, Loss::All, 2),
    ] {
        let (sim, node) = prepared(1);
        sim.block_on(node, SHARD, async {
            write(&open(OpenMode::Existing).await, 0, 2).await.expect("a write");
        });
        assert_eq!(sim.disk(node).unsynced_sectors(PATH), BLOCK / 512);
        sim.disk(node).next_power_loss(loss);
        crash(&sim, node, how);
        let block = sim.block_on(node, SHARD, async { read(&open(OpenMode::Existing).await, 0).await });
        assert_eq!(block, Ok(vec![left; BLOCK]), "{how:?} {loss:?}");
    }
}

#[test]
fn a_power_loss_never_takes_what_was_synced() {
    for seed in 0..100 {
        let (sim, node) = prepared(seed);
        sim.block_on(node, SHARD, async {
            let file = open(OpenMode::Existing).await;
            write(&file, 0, 2).await.expect("a write");
            file.sync().await.expect("a sync");
            let batch = vec![BlockWrite { at: BlockAddr::block(1), buf: filled(2, 3) }];
            file.write_durable(batch).await.0.expect("a durable write");
            write(&file, 3, 4).await.expect("a write");
        });
        crash(&sim, node, Crash::PowerLoss);
        let bytes = sim.disk(node).peek(PATH);
        assert!(bytes[..BLOCK] == [2; BLOCK] && bytes[BLOCK..3 * BLOCK] == [3; 2 * BLOCK], "seed {seed}");
    }
}

#[test]
fn writes_are_torn_by_sector_and_by_block() {
    let (mut torn_sectors, mut torn_blocks) = (0, 0);
    for seed in 0..60 {
        for loss in [Loss::Sectors, Loss::Blocks] {
            let (sim, node) = prepared(seed);
            sim.block_on(node, SHARD, async {
                let file = open(OpenMode::Existing).await;
                file.write_at(BlockAddr::ZERO, filled(4, 2)).await.0.expect("a write");
            });
            sim.disk(node).next_power_loss(loss);
            crash(&sim, node, Crash::PowerLoss);
            let bytes = sim.disk(node).peek(PATH);
            let sectors: Vec<u8> = bytes
                .chunks(512)
                .map(|sector| {
                    assert!(sector == [1; 512] || sector == [2; 512], "a sector is written whole or not");
                    sector[0]
                })
                .collect();
            let mixed = |part: &[u8]| part.contains(&1) && part.contains(&2);
            let within_a_block = sectors.chunks(8).any(mixed);
            torn_sectors += u32::from(within_a_block);
            torn_blocks += u32::from(mixed(&sectors) && !within_a_block);
            assert!(loss == Loss::Sectors || !within_a_block);
        }
    }
    assert!(torn_sectors > 30 && torn_blocks > 30, "{torn_sectors} {torn_blocks}");
}

#[test]
fn a_write_in_flight_is_torn_by_a_kill() {
    let mut seen = [0; 3];
    for seed in 0..60 {
        let (sim, node) = prepared(seed);
        let slow = Effect::Delay(Duration::from_secs(1));
        sim.disk(node).inject(Injection::once(DiskOp::Write, slow));
        sim.spawn(node, SHARD, "writer", async {
            let file = open(OpenMode::Existing).await;
            let _ = file.write_at(BlockAddr::ZERO, filled(4, 2)).await;
            unreachable!("the node dies first");
        });
        sim.run_for(Duration::from_millis(100));
        crash(&sim, node, Crash::ProcessKill);
        let bytes = sim.disk(node).peek(PATH);
        let written = bytes.iter().filter(|byte| **byte == 2).count();
        seen[if written == 0 { 0 } else { 1 + usize::from(written == bytes.len()) }] += 1;
    }
    assert!(seen.iter().all(|count| *count > 3), "none, some, all: {seen:?}");
}

#[test]
fn errors_come_where_they_were_ordered() {
    let (sim, node) = prepared(3);
    let faults = sim.disk(node);
    for op in [DiskOp::Read, DiskOp::Write, DiskOp::WriteDurable, DiskOp::Sync, DiskOp::SyncDir] {
        let order = faults.inject(Injection { skip: 1, ..Injection::once(op, Effect::Error) });
        let results = sim.block_on(node, SHARD, async move {
            let file = open(OpenMode::Existing).await;
            let mut results = Vec::new();
            for _ in 0..3 {
                let batch = vec![BlockWrite { at: BlockAddr::ZERO, buf: filled(1, 9) }];
                results.push(match op {
                    DiskOp::Read => read(&file, 0).await.map(|_| ()),
                    DiskOp::Write => write(&file, 0, 9).await,
                    DiskOp::WriteDurable => file.write_durable(batch).await.0,
                    DiskOp::Sync => file.sync().await,
                    _ => disk().sync_dir("/d").await,
                });
            }
            results
        });
        assert!(matches!(&results[..], [Ok(()), Err(RtError::Io { .. }), Ok(())]), "{op:?} {results:?}");
        assert_eq!(faults.hits(order), 1);
    }
    let order = faults.inject(Injection::once(DiskOp::Write, Effect::Error).on("other"));
    assert_eq!(
        sim.block_on(node, SHARD, async { write(&open(OpenMode::Existing).await, 0, 9).await }),
        Ok(())
    );
    assert_eq!(faults.hits(order), 0, "another path");
}

#[test]
fn a_sync_that_failed_is_not_made_good_by_the_next() {
    let (sim, node) = prepared(4);
    sim.disk(node).inject(Injection::once(DiskOp::Sync, Effect::Error));
    let seen = sim.block_on(node, SHARD, async {
        let file = open(OpenMode::Existing).await;
        write(&file, 0, 2).await.expect("a write");
        assert!(file.sync().await.is_err_and(|error| error.is_storage_failure()));
        file.sync().await.expect("the second says that all is well");
        read(&file, 0).await
    });
    assert_eq!(seen, Ok(vec![2; BLOCK]), "and it can be read");
    sim.disk(node).next_power_loss(Loss::Nothing);
    crash(&sim, node, Crash::PowerLoss);
    assert_eq!(sim.disk(node).peek(PATH)[..BLOCK], [1; BLOCK], "but it is gone");
}

#[test]
fn a_sync_covers_only_what_was_written_before_it_began() {
    let (sim, node) = prepared(5);
    sim.disk(node).inject(Injection::once(DiskOp::Sync, Effect::Delay(Duration::from_millis(500))));
    sim.block_on(node, SHARD, async {
        let file = open(OpenMode::Existing).await;
        write(&file, 0, 2).await.expect("a write");
        let syncing = file.clone();
        let sync = shard_rt::spawn("sync", async move { syncing.sync().await });
        shard_rt::sleep(Duration::from_millis(10)).await;
        write(&file, 1, 2).await.expect("a write");
        assert_eq!(sync.await, Ok(Ok(())));
    });
    sim.disk(node).next_power_loss(Loss::All);
    crash(&sim, node, Crash::PowerLoss);
    let bytes = sim.disk(node).peek(PATH);
    assert_eq!((bytes[0], bytes[BLOCK]), (2, 1));
}

#[test]
fn a_lost_write_leaves_the_recycled_block_and_a_lying_sync_keeps_nothing() {
    let (sim, node) = prepared(6);
    sim.disk(node).inject(Injection::once(DiskOp::Write, Effect::Lose));
    let block = sim.block_on(node, SHARD, async {
        let file = open(OpenMode::Existing).await;
        write(&file, 0, 2).await.expect("it says so");
        file.sync().await.expect("it says so");
        read(&file, 0).await
    });
    assert_eq!(block, Ok(vec![1; BLOCK]), "stale");
    sim.disk(node).inject(Injection::once(DiskOp::Sync, Effect::Lose));
    sim.block_on(node, SHARD, async {
        let file = open(OpenMode::Existing).await;
        write(&file, 0, 2).await.expect("a write");
        file.sync().await.expect("it says so");
    });
    sim.disk(node).next_power_loss(Loss::All);
    crash(&sim, node, Crash::PowerLoss);
    assert_eq!(sim.disk(node).peek(PATH)[0], 1);
}

#[test]
fn blocks_are_misdirected_and_bits_rot() {
    let (sim, node) = prepared(7);
    let faults = sim.disk(node);
    faults.inject(Injection::once(DiskOp::Write, Effect::Misdirect(2)));
    sim.block_on(node, SHARD, async { write(&open(OpenMode::Existing).await, 1, 2).await }).expect("a write");
    let bytes = faults.peek(PATH);
    assert_eq!((bytes[BLOCK], bytes[3 * BLOCK]), (1, 2), "block 3 in the place of block 1");
    faults.inject(Injection::once(DiskOp::Read, Effect::Misdirect(-1)));
    let block = sim.block_on(node, SHARD, async { read(&open(OpenMode::Existing).await, 0).await });
    assert_eq!(block.expect("a read")[0], 2, "the block before the first is the last");
    faults.inject(Injection::once(DiskOp::Read, Effect::FlipBit { byte: 5, bit: 0 }));
    let twice = sim.block_on(node, SHARD, async {
        let file = open(OpenMode::Existing).await;
        [read(&file, 0).await.expect("a read")[5], read(&file, 0).await.expect("a read")[5]]
    });
    assert_eq!(twice, [0, 0], "1 with its lowest bit flipped, for good");
    faults.flip_bit(PATH, 6, 7);
    assert_eq!(faults.peek(PATH)[6], 129);
}

#[test]
fn a_disk_is_slow_and_full_when_told() {
    let (sim, node) = prepared(8);
    sim.disk(node).inject(Injection::once(DiskOp::Write, Effect::Delay(Duration::from_secs(3))));
    sim.disk(node).configure(|config| config.capacity_bytes = 6 * BLOCK as u64);
    sim.block_on(node, SHARD, async {
        let file = open(OpenMode::Existing).await;
        let begin = now();
        write(&file, 0, 2).await.expect("a write");
        assert!(now() - begin > 3_000_000_000);
        write(&file, 5, 2).await.expect("the last block");
        let full = write(&file, 6, 2).await;
        assert!(matches!(full, Err(RtError::NoSpace { .. })), "{full:?}");
        let full = file.pre_allocate(7).await;
        assert!(matches!(full, Err(RtError::NoSpace { .. })), "{full:?}");
        assert_eq!(write(&file, 1, 2).await, Ok(()), "in place there is room");
        file.truncate(1).await.expect("a truncation");
        assert_eq!(write(&file, 5, 2).await, Ok(()), "and there is again");
    });
}

#[test]
fn a_name_is_durable_only_after_its_directory_is_synced() {
    let mut lost = 0;
    for seed in 0..40 {
        let (sim, node) = prepared(seed);
        let synced = seed % 2 == 0;
        sim.block_on(node, SHARD, async move {
            disk().rename(PATH, "/d/new").await.expect("a rename");
            if synced {
                disk().sync_dir("/d").await.expect("a sync");
            }
        });
        crash(&sim, node, Crash::PowerLoss);
        let names = (sim.disk(node).exists(PATH), sim.disk(node).exists("/d/new"));
        assert!(names.0 != names.1, "one name or the other");
        assert!(!synced || names.1);
        lost += u32::from(names.0);
    }
    assert!((3..20).contains(&lost), "{lost} of 20 renames were lost");
}

#[test]
fn chances_make_every_kind_of_fault() {
    let (sim, node) = prepared(9);
    sim.disk(node).configure(|config| {
        config.read_error_probability = 0.1;
        config.write_error_probability = 0.1;
        config.sync_error_probability = 0.1;
        config.rot_probability = 0.1;
        config.misdirect_write_probability = 0.1;
        config.lost_write_probability = 0.1;
    });
    let errors = sim.block_on(node, SHARD, async {
        let file = open(OpenMode::Existing).await;
        let mut errors = [0; 4];
        for round in 0..300u32 {
            let byte = (round % 200) as u8 + 10;
            errors[0] += u32::from(write(&file, 0, byte).await.is_err());
            errors[1] += u32::from(file.sync().await.is_err());
            match read(&file, 0).await {
                Ok(block) => errors[2] += u32::from(block != vec![byte; BLOCK]),
                Err(_) => errors[3] += 1,
            }
        }
        errors
    });
    assert!(errors.iter().all(|count| (10..200).contains(count)), "{errors:?}");
}

#[test]
fn a_lock_goes_with_its_process_and_an_empty_disk_can_take_the_place() {
    let (sim, node) = prepared(10);
    sim.spawn(node, SHARD, "holder", async {
        let _lock = disk().lock_dir("/d").await.expect("free");
        std::future::pending::<()>().await;
    });
    sim.run_for(Duration::from_millis(10));
    assert!(sim.block_on(node, SHARD, async { disk().lock_dir("/d").await.is_err() }));
    crash(&sim, node, Crash::ProcessKill);
    assert!(sim.block_on(node, SHARD, async { disk().lock_dir("/d").await.is_ok() }));
    sim.crash(node, Crash::PowerLoss);
    sim.disk(node).wipe();
    sim.restart(node);
    assert!(!sim.disk(node).exists(Path::new(PATH)));
    assert_eq!(sim.disk(node).used_bytes(), 0);
}

/// A step of a run over eight blocks.
#[derive(Clone, Debug)]
enum Step {
    Write { block: u64, byte: u8 },
    Durable { block: u64, byte: u8 },
    Sync,
    Crash(Crash),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0..8u64, 1..250u8).prop_map(|(block, byte)| Step::Write { block, byte }),
        2 => (0..8u64, 1..250u8).prop_map(|(block, byte)| Step::Durable { block, byte }),
        1 => Just(Step::Sync),
        1 => prop_oneof![Just(Crash::PowerLoss), Just(Crash::ProcessKill)].prop_map(Step::Crash),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// The model keeps, per sector, every value it may have after a power loss: the durable one first,
    /// the one that is read last.
    #[test]
    fn the_disk_agrees_with_a_plain_model(seed in any::<u64>(), steps in prop::collection::vec(step(), 1..60)) {
        let (sim, node) = prepared(seed);
        let mut model: Vec<Vec<u8>> = vec![vec![1]; 32];
        model.resize(64, vec![0]);
        sim.block_on(node, SHARD, async {
            let file = open(OpenMode::Existing).await;
            file.truncate(8).await.expect("a length");
            file.sync().await.expect("a sync");
        });
        for step in steps {
            let change = step.clone();
            match step {
                Step::Crash(how) => crash(&sim, node, how),
                _ => sim.block_on(node, SHARD, async move {
                    let file = open(OpenMode::Existing).await;
                    match change {
                        Step::Write { block, byte } => write(&file, block, byte).await.expect("a write"),
                        Step::Durable { block, byte } => {
                            let batch = vec![BlockWrite { at: BlockAddr::block(block), buf: filled(1, byte) }];
                            file.write_durable(batch).await.0.expect("a durable write");
                        }
                        _ => file.sync().await.expect("a sync"),
                    }
                }),
            }
            let sectors: Vec<u8> = sim.disk(node).peek(PATH).chunks(512).map(|sector| sector[0]).collect();
            prop_assert_eq!(sectors.len(), 64);
            match step {
                Step::Write { block, byte } => {
                    model[block as usize * 8..][..8].iter_mut().for_each(|sector| sector.push(byte));
                }
                Step::Durable { block, byte } => model[block as usize * 8..][..8].fill(vec![byte]),
                Step::Sync => model.iter_mut().for_each(|sector| drop(sector.drain(..sector.len() - 1))),
                Step::Crash(Crash::ProcessKill) => {}
                Step::Crash(Crash::PowerLoss) => {
                    for (sector, there) in model.iter_mut().zip(&sectors) {
                        prop_assert!(sector.contains(there), "{} is none of {:?}", there, sector);
                        *sector = vec![*there];
                    }
                }
            }
            let expected: Vec<u8> = model.iter().map(|sector| *sector.last().expect("a value")).collect();
            prop_assert_eq!(&sectors, &expected);
        }
    }
}
