//! /healthz and /readyz (R-READY-1).

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde_json::{Value, json};
use shard_node::lanes::ToShard;

use super::Node;
use super::fail::Fail;

/// The share of ready partitions, in percent, that makes a node ready.
const READY_PERCENT_MIN: usize = 99;

/// The process is there.
pub async fn healthz() -> Json<Value> {
    Json(json!({"status": "ok"}))
}

/// Whether the node takes rows, and if not, what is missing.
pub async fn readyz(State(node): State<Node>) -> Result<(StatusCode, Json<Value>), Fail> {
    let control = node.ask(0, ToShard::ControlReport).await?;
    let wanted: usize = node
        .look(|control| control.spaces().map(|space| space.placements.len()).sum())
        .await
        .unwrap_or_default();
    let mut partitions = Vec::new();
    let mut ready = 0;
    let mut reasons = Vec::new();
    for shard in node.reports(false).await? {
        if let Some(poisoned) = shard.poisoned {
            reasons.push(format!("shard {}: {poisoned}", shard.shard));
        }
        for partition in shard.partitions {
            ready += usize::from(partition.ready);
            partitions.push(json!({
                "space": partition.partition.space.0,
                "partition": partition.partition.partition.0,
                "shard": shard.shard,
                "ready": partition.ready,
                "reasons": partition.reasons,
            }));
        }
    }
    if !control.ready {
        reasons.push("the control group is starting".to_owned());
    }
    if partitions.len() < wanted {
        reasons.push(format!("{} of {wanted} partitions are here", partitions.len()));
    }
    let enough = ready * 100 >= wanted * READY_PERCENT_MIN;
    let is_ready = control.ready && enough && wanted > 0 && reasons.is_empty();
    let status = if is_ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let body = json!({"ready": is_ready, "reasons": reasons, "partitions": partitions});
    Ok((status, Json(body)))
}
