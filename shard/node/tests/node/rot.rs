//! Rot on the disk of a node: where it is in the log, and what it does to a partition.

use std::path::{Path, PathBuf};

use raft::CheckpointHead;
use shard_rt::Rng;
use shard_rt::sim::Sim;
use shard_rt::sim::disk::SimDisk;
use shard_rt::{NodeId, ShardId};

/// The group that decides for the cluster; all others are partitions.
const CONTROL: u64 = shard_node::CONTROL_GROUP.0;

/// What is to rot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rot {
    /// A chunk of a checkpoint that another one stands in for.
    Checkpoint,
    /// An entry of the log that no checkpoint stands in for.
    Entry,
}

/// Rots a byte on the disk of a node that is down, in a partition's own records. False if there is nothing
/// of that kind; else the group that was hit.
pub fn strike(sim: &Sim, node: NodeId, shards: u32, rot: Rot, rng: &mut Rng) -> Option<u64> {
    let disk = sim.disk(node);
    let mut places = Vec::new();
    for shard in 0..shards {
        let dir = PathBuf::from(format!("/data/shard-{shard}"));
        places.extend(of_shard(sim, node, &disk, &dir, rot));
    }
    if places.is_empty() {
        return None;
    }
    let (group, path, byte) = places.swap_remove(rng.index(places.len()));
    disk.flip_bit(&path, byte, rng.between(0, 7) as u8);
    Some(group)
}

/// Group, file and byte of all places where that may be.
fn of_shard(sim: &Sim, node: NodeId, disk: &SimDisk, dir: &Path, rot: Rot) -> Vec<(u64, PathBuf, u64)> {
    let listed = dir.to_owned();
    let names = sim.block_on(node, ShardId(0), async move {
        let listed = shard_rt::Rt::current().disk().list(&listed).await;
        listed.into_iter().flatten().map(|entry| entry.name).collect::<Vec<String>>()
    });
    let Ok(report) = wal::fsck::verify(&names, |name| Ok(disk.peek(dir.join(name)))) else {
        return Vec::new();
    };
    let mut places = Vec::new();
    for name in names.iter().filter(|name| name.ends_with(".seg")) {
        let path = dir.join(name);
        let Ok(dump) = wal::fsck::dump(name, &disk.peek(&path)) else { continue };
        // What was never made durable may be lost anyway, and copies may stand in for one another.
        let durable = dump.records.iter().filter(|r| r.at.offset() < dump.durable && r.origin == r.serial);
        for record in durable.filter(|r| r.kind == "entry" && r.payload_bytes > 0 && r.partition.0 != CONTROL)
        {
            let Some(partition) = report.partitions.iter().find(|p| p.partition == record.partition) else {
                continue;
            };
            let head = partition.slots.iter().find(|(slot, _)| *slot == CheckpointHead::SLOT.0);
            let head = head.and_then(|(_, head)| CheckpointHead::read(head).ok());
            let last = head.as_ref().and_then(|head| head.chain.last()).and_then(|part| part.last);
            let newest = last.map_or(0, |last| last.index.0);
            let is_place = match rot {
                Rot::Entry => record.lane == 0 && record.index > newest,
                // The full one alone has none to stand in for it.
                Rot::Checkpoint => head.is_some_and(|head| {
                    let has_older = head.older.is_some();
                    head.chain.iter().enumerate().any(|(at, part)| {
                        let range = part.first_chunk..part.first_chunk + part.chunks;
                        let here = part.lane.0 == record.lane && range.contains(&record.index);
                        here && (at > 0 || has_older)
                    })
                }),
            };
            if is_place {
                let middle = record.at.offset() + 64 + u64::from(record.payload_bytes) / 2;
                places.push((record.partition.0, path.clone(), middle));
            }
        }
    }
    places
}
