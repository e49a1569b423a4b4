//! From the start of a process to ready: with a state and a log, and with nothing.

use std::time::{Duration, Instant};

use net_wire::Message;
use serde_json::json;

use super::append::applied;
use super::bench::Bench;
use super::error::{E2eError, Result};
use super::link::Link;
use super::node::Node;
use super::process;
use super::report::{Report, round};
use super::rows::{KEYS_APP, PAYLOAD_BYTES, Writer, readings};

const BATCH_ROWS: u64 = 1_000;
const BATCHES_IN_FLIGHT: u64 = 32;
/// How long a checkpoint is waited for.
const PATIENCE: Duration = Duration::from_secs(120);
/// What one row has without its frame: the number and the payload.
const ROW_BYTES: u64 = 8 + PAYLOAD_BYTES as u64;
/// Distance of checkpoints while the history is made: short, so that the wait for the last one is.
const INTERVAL_MS: u64 = 20_000;

/// Measures a restart after a kill, with keys of state, a history and rows behind the last checkpoint.
///
/// # Errors
/// When the state is not the same afterwards, or something fails.
pub fn measure(bench: &Bench, durability: &'static str, report: &mut Report) -> Result<()> {
    let folder = bench.folder()?;
    let mut setup = bench.setup(durability, 1);
    setup.more.extend(["--checkpoint-interval-ms".into(), INTERVAL_MS.to_string()]);
    let node = Node::start(&setup, folder.path())?;
    node.deploy("perf", KEYS_APP)?;
    let mut link = Link::open(node.client)?;
    let mut writer = Writer::new(&link.stream("readings")?, link.routing.epoch);
    let history_rows = (bench.history_bytes / ROW_BYTES).max(bench.keys);
    append_rows(&mut link, &mut writer, history_rows, bench.keys)?;
    let checkpoint = wait_for_checkpoint(&node, &mut link)?;
    let tail_rows = bench.tail_bytes / ROW_BYTES;
    append_rows(&mut link, &mut writer, tail_rows, bench.keys)?;
    let before = node.hashed_partition()?;
    let log_bytes = process::folder_bytes(&folder.path().join("data"))?;
    let resident = process::resident_bytes(node.pid())?;
    node.kill()?;

    let restarted = Node::start(&setup, folder.path())?;
    let took = restarted.start_to_ready;
    let after = restarted.hashed_partition()?;
    if before["state_hash"] != after["state_hash"] || after["state_hash"].is_null() {
        let text = format!("state {} became {}", before["state_hash"], after["state_hash"]);
        return Err(E2eError::Wrong(text));
    }
    let is_undisturbed = before["checkpoint_index"] == json!(checkpoint);
    report.figures(
        "recovery",
        Some(durability),
        json!({
            "start_to_ready_ms": round(took.as_secs_f64() * 1000.0),
            "keys": bench.keys,
            "history_rows": history_rows,
            "history_mb": round((history_rows * ROW_BYTES) as f64 / 1e6),
            "tail_rows": tail_rows,
            "tail_mb": round((tail_rows * ROW_BYTES) as f64 / 1e6),
            "tail_is_all_behind_the_checkpoint": is_undisturbed,
            "entries_behind_the_checkpoint": behind(&before),
            "checkpoint_chain": before["checkpoint_chain"],
            "checkpoint_older": before["checkpoint_older"],
            "checkpoint_slice_max_us": before["checkpoint_slice_max_us"],
            "log_files_mb": round(log_bytes as f64 / 1e6),
            "ended_by": "SIGKILL",
            "state_hash_is_the_same": true,
            "node_resident_mb_before": round(resident as f64 / 1e6),
            "node_resident_mb_after": round(process::resident_bytes(restarted.pid())? as f64 / 1e6),
        }),
    );
    report.at_most("recovery, start to ready ms", took.as_secs_f64() * 1000.0, 1000.0);
    restarted.stop()
}

fn behind(partition: &serde_json::Value) -> u64 {
    let index = |key: &str| partition[key].as_u64().unwrap_or_default();
    index("applied_index").saturating_sub(index("checkpoint_index"))
}

/// Appends rows, some batches under way, and waits for all of them.
fn append_rows(link: &mut Link, writer: &mut Writer, count: u64, keys: u64) -> Result<()> {
    let end = writer.next + count;
    let (mut under_way, mut answered) = (0, 0);
    let begun = writer.next;
    while writer.next < end || answered < count {
        while writer.next < end && under_way < BATCHES_IN_FLIGHT {
            let rows = BATCH_ROWS.min(end - writer.next);
            let frame = writer.frame(readings(writer.next, rows, keys))?;
            link.outlet.put(10 + writer.next, writer.append(&frame, rows))?;
            under_way += 1;
        }
        link.outlet.flush()?;
        link.inlet.messages(|_, message| {
            if let Message::Ack(ack) = message {
                answered += applied(ack)?;
                under_way -= 1;
            }
            Ok(())
        })?;
    }
    if answered != end - begun {
        return Err(E2eError::Wrong(format!("{answered} of {count} rows are acknowledged")));
    }
    Ok(())
}

/// Waits until a checkpoint has everything; its index. The connection is kept alive meanwhile.
fn wait_for_checkpoint(node: &Node, link: &mut Link) -> Result<u64> {
    let begun = Instant::now();
    while begun.elapsed() < PATIENCE {
        let partition = node.partition()?;
        if let Some(checkpoint) = partition["checkpoint_index"].as_u64()
            && partition["applied_index"].as_u64() == Some(checkpoint)
        {
            return Ok(checkpoint);
        }
        link.outlet.keep_alive()?;
        std::thread::sleep(Duration::from_millis(20));
    }
    Err(node.failure("no checkpoint has all rows"))
}

/// Measures starts on an empty folder.
///
/// # Errors
/// When a node does not start or end.
pub fn empty(bench: &Bench, starts: usize, report: &mut Report) -> Result<()> {
    let mut took_ms = Vec::new();
    for _ in 0..starts {
        let folder = bench.folder()?;
        let node = Node::start(&bench.setup("strict", 1), folder.path())?;
        took_ms.push(node.start_to_ready.as_secs_f64() * 1000.0);
        node.stop()?;
    }
    took_ms.sort_by(f64::total_cmp);
    let (median, longest) = (took_ms[starts / 2], took_ms[starts - 1]);
    report.figures(
        "empty_start",
        None,
        json!({"start_to_ready_ms": round(median), "longest_ms": round(longest), "starts": starts, "partitions": 1}),
    );
    report.at_most("start of an empty node to ready, median ms", median, 200.0);
    Ok(())
}
