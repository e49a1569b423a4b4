//! Checkpoints: of a node that runs, and in a log.

use std::path::Path;

use raft::{CheckpointHead, CheckpointPart};
use serde_json::{Value, json};
use wal::fsck::{LostEntry, PartitionReport};

use super::wal::report;
use crate::args::Checkpoint;
use crate::failure::{Failure, Result};
use crate::http::Node;
use crate::show::{Show, table};

/// Runs a command.
pub fn run(node: &Node, show: &Show, command: &Checkpoint) -> Result<()> {
    match command {
        Checkpoint::List => list(node, show),
        Checkpoint::Verify { dir } => verify(show, dir),
    }
}

fn list(node: &Node, show: &Show) -> Result<()> {
    let state = node.get("/v1/state")?;
    let partitions: Value = state["partitions"].as_array().into_iter().flatten().map(with_chain).collect();
    show.value(&partitions, |partitions| {
        table(
            partitions.as_array().into_iter().flatten(),
            &[
                ("space", "space"),
                ("partition", "partition"),
                ("checkpoint", "checkpoint_index"),
                ("applied", "applied_index"),
                ("age s", "checkpoint_age_s"),
                ("state bytes", "checkpoint_bytes"),
                ("full", "full_index"),
                ("links", "links"),
                ("older full", "older_index"),
                ("degraded", "checkpoint_chain_degraded"),
            ],
        )
    })
}

/// A partition, with what its chain is made of.
fn with_chain(partition: &Value) -> Value {
    let mut value = partition.clone();
    let chain = partition["checkpoint_chain"].as_array().map(Vec::as_slice).unwrap_or_default();
    let links: Vec<String> = chain.iter().skip(1).map(|link| link["index"].to_string()).collect();
    value["full_index"] = chain.first().map_or(Value::Null, |full| full["index"].clone());
    value["links"] = links.join(" ").into();
    value["older_index"] = partition["checkpoint_older"]["index"].clone();
    value
}

fn verify(show: &Show, dir: &Path) -> Result<()> {
    let report = report(dir)?;
    let checkpoints: Vec<Value> = report.partitions.iter().flat_map(checkpoints).collect();
    let sound = !report.unattributed && checkpoints.iter().all(|checkpoint| checkpoint["wrong"].is_null());
    show.value(&json!({"sound": sound, "checkpoints": checkpoints}), |value| {
        table(
            value["checkpoints"].as_array().into_iter().flatten(),
            &[
                ("group", "group"),
                ("part", "part"),
                ("checkpoint", "index"),
                ("chunks", "chunks"),
                ("bytes", "bytes"),
                ("wrong", "wrong"),
            ],
        )
    })?;
    if sound { Ok(()) } else { Err(Failure::Found("not all checkpoints can be read".into())) }
}

/// The checkpoints of a group, each part of its chains a row. Records carry checksums, which reading the log has
/// compared; here it is looked which chunks are there and sound.
fn checkpoints(partition: &PartitionReport) -> Vec<Value> {
    let row = |part: &str| json!({"group": partition.partition.0, "part": part, "index": null, "chunks": null, "bytes": null, "wrong": null});
    let wrong = |reason: String| {
        let mut row = row("head");
        row["wrong"] = reason.into();
        vec![row]
    };
    if partition.damage.is_some() {
        return wrong("the group's log is damaged; see wal verify".into());
    }
    let Some((_, head)) = partition.slots.iter().find(|(slot, _)| *slot == CheckpointHead::SLOT.0) else {
        return vec![row("none")];
    };
    let head = match CheckpointHead::read(head) {
        Ok(head) => head,
        Err(error) => return wrong(error.to_string()),
    };
    let older = head.older.iter().map(|part| ("older full".to_owned(), part));
    let names = (0..).map(|link| if link == 0 { "full".to_owned() } else { format!("link {link}") });
    let parts = older.chain(names.zip(&head.chain));
    let values = parts.map(|(name, part)| {
        let mut row = row(&name);
        row["index"] = part.last.map(|at| at.index.0).into();
        row["chunks"] = part.chunks.into();
        row["bytes"] = part.bytes.into();
        row["wrong"] = missing(partition, part).map_or(Value::Null, Value::from);
        row
    });
    values.collect()
}

/// What of a part of a chain cannot be read.
fn missing(partition: &PartitionReport, part: &CheckpointPart) -> Option<String> {
    let end = part.first_chunk + part.chunks;
    let lane = partition.lanes.iter().find(|lane| lane.lane == part.lane);
    let found = lane.and_then(|lane| lane.entries);
    let is_there = |(first, last): (u64, u64)| first <= part.first_chunk && last + 1 >= end;
    if part.chunks > 0 && !found.is_some_and(is_there) {
        return Some(format!("it has chunks {} to {end}, and the log has {found:?}", part.first_chunk));
    }
    let of_part = |lost: &&LostEntry| lost.lane == part.lane && (part.first_chunk..end).contains(&lost.index);
    let lost = partition.lost.iter().find(of_part)?;
    Some(format!("chunk {} is rotten, at {}", lost.index, lost.range))
}
