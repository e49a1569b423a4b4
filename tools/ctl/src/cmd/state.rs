//! How a node is.

use serde_json::{Value, json};

use crate::failure::{Failure, Result};
use crate::http::Node;
use crate::show::{Show, table, text};

/// In short.
pub fn status(node: &Node, show: &Show) -> Result<()> {
    let state = node.get("/v1/state")?;
    let (is_ready, ready) = node.look("/readyz")?;
    show.value(&json!({"ready": is_ready, "reasons": ready["reasons"], "state": state}), |_| {
        let cluster = &state["cluster"];
        let partitions = state["partitions"].as_array().map_or(0, Vec::len);
        let sum = |key: &str| -> u64 {
            state["partitions"].as_array().into_iter().flatten().filter_map(|p| p[key].as_u64()).sum()
        };
        let mut out = format!(
            "node        {} ({})\ncluster     {}\nready       {}\npartitions  {partitions}\nshards      {}\n",
            text(&state["node"]),
            text(&state["version"]),
            text(&cluster["cluster"]),
            if is_ready { "yes" } else { "no" },
            state["shards"].as_array().map_or(0, Vec::len),
        );
        for reason in ready["reasons"].as_array().into_iter().flatten() {
            out.push_str(&format!("missing     {}\n", text(reason)));
        }
        out.push_str(&format!(
            "rows        {} applied, {} repeated, {} rejected, {} derived\n",
            sum("rows_applied"),
            sum("rows_duplicate"),
            sum("rows_rejected"),
            sum("rows_derived"),
        ));
        for definition in cluster["definitions"].as_array().into_iter().flatten() {
            out.push_str(&format!(
                "definition  {} is {}\n",
                text(&definition["name"]),
                text(&definition["status"])
            ));
        }
        out
    })
}

/// Whether it takes rows.
pub fn ready(node: &Node, show: &Show) -> Result<()> {
    let (is_ready, ready) = node.look("/readyz")?;
    show.value(&ready, |ready| {
        let mut out = format!("{}\n", if is_ready { "ready" } else { "not ready" });
        for reason in ready["reasons"].as_array().into_iter().flatten() {
            out.push_str(&format!("  {}\n", text(reason)));
        }
        out
    })?;
    if is_ready { Ok(()) } else { Err(Failure::Found(String::new())) }
}

/// How each partition is.
pub fn partitions(node: &Node, show: &Show) -> Result<()> {
    let state = node.get("/v1/state?hashes=true")?;
    show.value(&state["partitions"], |partitions| {
        table(
            partitions.as_array().into_iter().flatten(),
            &[
                ("space", "space"),
                ("partition", "partition"),
                ("shard", "shard"),
                ("ready", "ready"),
                ("applied", "applied_index"),
                ("checkpoint", "checkpoint_index"),
                ("rows", "rows_applied"),
                ("repeated", "rows_duplicate"),
                ("rejected", "rows_rejected"),
                ("derived", "rows_derived"),
                ("errors", "errors"),
                ("waiting", "queued_rows"),
                ("state hash", "state_hash"),
            ],
        )
    })
}

/// All streams.
pub fn streams(node: &Node, show: &Show) -> Result<()> {
    let streams = node.get("/v1/streams")?;
    show.value(&streams, |streams| {
        let rows: Vec<Value> = streams["streams"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|stream| {
                let columns = stream["columns"].as_array().into_iter().flatten();
                let columns: Vec<String> = columns
                    .map(|column| format!("{} {}", text(&column["name"]), text(&column["type"])))
                    .collect();
                json!({"name": stream["name"], "id": stream["id"], "changelog": stream["changelog"],
                    "columns": columns.join(", ")})
            })
            .collect();
        table(&rows, &[("name", "name"), ("id", "id"), ("changelog", "changelog"), ("columns", "columns")])
    })
}

/// The newest records of the audit.
pub fn audit(node: &Node, show: &Show, count: usize) -> Result<()> {
    let audit = node.get("/v1/audit")?;
    let records: Vec<Value> =
        audit["records"].as_array().into_iter().flatten().take(count).cloned().collect();
    show.value(&Value::Array(records), |records| {
        table(
            records.as_array().into_iter().flatten(),
            &[
                ("epoch", "epoch"),
                ("actor", "actor"),
                ("action", "action"),
                ("object", "object"),
                ("why", "why"),
            ],
        )
    })
}

/// Ends a stream.
pub fn end(node: &Node, show: &Show, stream: &str) -> Result<()> {
    let ended = node.post(&format!("/v1/streams/{stream}/end"), &json!({}))?;
    show.value(&ended, |ended| {
        let count = ended["ended"].as_array().map_or(0, Vec::len);
        format!("stream {} has ended in {count} partitions\n", text(&ended["stream"]))
    })
}
