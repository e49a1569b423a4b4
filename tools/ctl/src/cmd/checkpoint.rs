//! Checkpoints: of a node that runs, and in a log.

use std::path::Path;

use raft::CheckpointHead;
use serde_json::{Value, json};
use wal::fsck::PartitionReport;

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
    show.value(&state["partitions"], |partitions| {
        table(
            partitions.as_array().into_iter().flatten(),
            &[
                ("space", "space"),
                ("partition", "partition"),
                ("checkpoint", "checkpoint_index"),
                ("applied", "applied_index"),
                ("age s", "checkpoint_age_s"),
                ("bytes", "checkpoint_bytes"),
            ],
        )
    })
}

fn verify(show: &Show, dir: &Path) -> Result<()> {
    let report = report(dir)?;
    let checkpoints: Vec<Value> = report.partitions.iter().map(checkpoint).collect();
    let sound = !report.unattributed && checkpoints.iter().all(|checkpoint| checkpoint["wrong"].is_null());
    show.value(&json!({"sound": sound, "checkpoints": checkpoints}), |value| {
        table(
            value["checkpoints"].as_array().into_iter().flatten(),
            &[("group", "group"), ("checkpoint", "index"), ("chunks", "chunks"), ("wrong", "wrong")],
        )
    })?;
    if sound { Ok(()) } else { Err(Failure::Found("not all checkpoints can be read".into())) }
}

/// The checkpoint of a group: its records carry checksums, which reading the log has compared; here its chunks
/// are counted.
fn checkpoint(partition: &PartitionReport) -> Value {
    let mut value = json!({"group": partition.partition.0, "index": null, "chunks": null, "wrong": null});
    if partition.damage.is_some() {
        value["wrong"] = "the group's log is damaged; see wal verify".into();
        return value;
    }
    let Some((_, head)) = partition.slots.iter().find(|(slot, _)| *slot == CheckpointHead::SLOT.0) else {
        return value;
    };
    let head = match CheckpointHead::read(head) {
        Ok(head) => head,
        Err(error) => {
            value["wrong"] = error.to_string().into();
            return value;
        }
    };
    value["index"] = head.last.map(|at| at.index.0).into();
    value["chunks"] = head.chunks.into();
    let lane = partition.lanes.iter().find(|lane| lane.lane == CheckpointHead::LANE);
    let found = lane.and_then(|lane| lane.entries);
    let end = head.first_chunk + head.chunks;
    let is_whole =
        head.chunks == 0 || found.is_some_and(|(first, last)| first <= head.first_chunk && last + 1 >= end);
    if !is_whole {
        value["wrong"] =
            format!("it has chunks {} to {end}, and the log has {found:?}", head.first_chunk).into();
    }
    value
}
