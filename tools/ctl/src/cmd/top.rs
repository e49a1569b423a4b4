//! A live view.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};

use crate::failure::Result;
use crate::http::Node;
use crate::show::{table, text, write};

/// Clears a terminal and goes to its first line.
const CLEAR: &str = "\x1b[2J\x1b[H";

/// What each partition had counted at the last look, by space and partition.
type Counts = BTreeMap<(u64, u64), (u64, u64)>;

/// Shows partitions and rates until the process is ended.
#[allow(clippy::disallowed_methods, reason = "a command-line tool waits between two views")]
pub fn top(node: &Node, seconds: u64, once: bool) -> Result<()> {
    let mut before = Counts::new();
    loop {
        let state = node.get("/v1/state")?;
        let (view, counts) = view(&state, &before, seconds);
        before = counts;
        if once {
            return write(&view);
        }
        write(&format!("{CLEAR}{view}"))?;
        std::thread::sleep(Duration::from_secs(seconds));
    }
}

fn view(state: &Value, before: &Counts, seconds: u64) -> (String, Counts) {
    let mut counts = Counts::new();
    let mut rows = Vec::new();
    for partition in state["partitions"].as_array().into_iter().flatten() {
        let number = |key: &str| partition[key].as_u64().unwrap_or_default();
        let key = (number("space"), number("partition"));
        let now = (number("rows_applied"), number("rows_derived"));
        let rate = |now: u64, then: u64| now.saturating_sub(then) / seconds;
        let then = before.get(&key).copied().unwrap_or(now);
        rows.push(json!({
            "space": key.0, "partition": key.1, "shard": partition["shard"], "ready": partition["ready"],
            "in": rate(now.0, then.0), "out": rate(now.1, then.1), "waiting": partition["queued_rows"],
            "applied": partition["applied_index"],
        }));
        counts.insert(key, now);
    }
    let columns = [
        ("space", "space"),
        ("partition", "partition"),
        ("shard", "shard"),
        ("ready", "ready"),
        ("rows/s in", "in"),
        ("rows/s out", "out"),
        ("waiting", "waiting"),
        ("applied", "applied"),
    ];
    let head = format!("node {}  cluster {}\n\n", text(&state["node"]), text(&state["cluster"]["cluster"]));
    (head + &table(&rows, &columns), counts)
}
