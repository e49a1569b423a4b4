//! Logs of a node that does not run.

use std::path::Path;

use serde_json::{Value, json};
use wal::{WalError, fsck};

use crate::args::Wal;
use crate::failure::{Failure, Result};
use crate::show::{Show, table, write};

/// Runs a command.
pub fn run(show: &Show, command: &Wal) -> Result<()> {
    match command {
        Wal::Verify { dir } => verify(show, dir),
        Wal::Dump { dir, segment } => dump(dir, segment.as_deref()),
    }
}

/// The files of a log, by name.
fn files(dir: &Path) -> Result<Vec<String>> {
    let unreadable = |error: &dyn std::fmt::Display| Failure::Usage(format!("'{}': {error}", dir.display()));
    let mut names = Vec::new();
    for entry in std::fs::read_dir(dir).map_err(|error| unreadable(&error))? {
        let entry = entry.map_err(|error| unreadable(&error))?;
        if entry.file_type().is_ok_and(|kind| kind.is_file()) {
            names.extend(entry.file_name().into_string());
        }
    }
    names.sort();
    Ok(names)
}

fn read_file(dir: &Path, name: &str) -> std::io::Result<Vec<u8>> {
    std::fs::read(dir.join(name))
}

/// What a log says of itself.
pub fn report(dir: &Path) -> Result<fsck::Report> {
    let names = files(dir)?;
    let read = |name: &str| {
        let failed = |error| WalError::Disk(shard_rt::RtError::from_io("read", name, &error));
        read_file(dir, name).map_err(failed)
    };
    fsck::verify(&names, read).map_err(|error| Failure::Found(error.to_string()))
}

fn verify(show: &Show, dir: &Path) -> Result<()> {
    let report = report(dir)?;
    let partitions: Vec<Value> = report
        .partitions
        .iter()
        .map(|partition| {
            let raft = partition.lanes.iter().find(|lane| lane.lane == wal::Lane::RAFT);
            let damage = partition.damage.as_ref();
            json!({
                "partition": partition.partition.0,
                "first": raft.and_then(|lane| lane.entries).map(|entries| entries.0),
                "last": raft.and_then(|lane| lane.entries).map(|entries| entries.1),
                "purged": raft.and_then(|lane| lane.purged),
                "damage": damage.map(|ranges| ranges.iter().map(ToString::to_string).collect::<Vec<_>>()),
            })
        })
        .collect();
    let sound = report.is_sound();
    let value = json!({"log": format!("{:016x}", report.log_id), "sound": sound, "segments": report.segments.len(),
        "spares": report.spares.len(), "partitions": partitions, "unattributed": report.unattributed});
    show.value(&value, |value| {
        let head = format!(
            "log {}: {} segments, {} ready, {}\n\n",
            value["log"].as_str().unwrap_or_default(),
            report.segments.len(),
            report.spares.len(),
            if sound { "sound" } else { "DAMAGED" }
        );
        let columns = [
            ("group", "partition"),
            ("first", "first"),
            ("last", "last"),
            ("purged", "purged"),
            ("damage", "damage"),
        ];
        head + &table(value["partitions"].as_array().into_iter().flatten(), &columns)
    })?;
    if sound { Ok(()) } else { Err(Failure::Found("the log is damaged; restore these partitions".into())) }
}

fn dump(dir: &Path, segment: Option<&str>) -> Result<()> {
    let names = files(dir)?;
    let wanted: Vec<&String> =
        names.iter().filter(|name| segment.is_none_or(|segment| *name == segment)).collect();
    if wanted.is_empty() {
        return Err(Failure::Usage(format!(
            "'{}' has no such segment; it has {}",
            dir.display(),
            names.join(", ")
        )));
    }
    for name in wanted {
        let bytes = read_file(dir, name).map_err(|error| Failure::Usage(format!("'{name}': {error}")))?;
        match fsck::dump(name, &bytes) {
            Ok(dump) => {
                write(&format!(
                    "# {name}: segment {}, ends at {}, durable to {}\n",
                    dump.segment, dump.end, dump.durable
                ))?;
                for record in &dump.records {
                    write(&format!("{record}\n"))?;
                }
                for hole in &dump.holes {
                    write(&format!("{hole}: cannot be read\n"))?;
                }
            }
            Err(error) => write(&format!("# {name}: {error}\n"))?,
        }
    }
    Ok(())
}
