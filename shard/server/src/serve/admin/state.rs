//! /v1/state, /v1/streams, /v1/audit.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::Uri;
use serde_json::{Value, json};
use shard_control::PartitionRef;
use shard_node::lanes::{Tell, ToShard};
use shard_node::report::Linked;
use shard_node::shard_of;

use super::Node;
use super::definitions::status_name;
use super::fail::Fail;

/// The cluster as the control group has it, and how the partitions of this node are. With `?hashes=true`
/// hashes of their states, too, which take as long as a checkpoint.
pub async fn state(State(node): State<Node>, uri: Uri) -> Result<Json<Value>, Fail> {
    let hashes = match uri.query() {
        None | Some("hashes=false") => false,
        Some("hashes=true") => true,
        Some(other) => return Err(Fail::bad(format!("'{other}' is not hashes=true or hashes=false"))),
    };
    let cluster = node
        .look(|control| {
            let nodes: Vec<Value> = control
                .nodes()
                .map(|node| {
                    json!({"id": node.id.0, "name": node.spec.name, "shards": node.spec.shards,
                        "client": node.spec.addresses.client, "admin": node.spec.addresses.admin})
                })
                .collect();
            let spaces: Vec<Value> = control
                .spaces()
                .map(|space| json!({"id": space.id.0, "name": space.name, "partitions": space.placements.len()}))
                .collect();
            let definitions: Vec<Value> = control
                .definitions()
                .map(|d| json!({"name": d.name, "status": status_name(d.status()), "newest": d.newest.0}))
                .collect();
            json!({
                "cluster": control.cluster().map(|cluster| cluster.name.clone()),
                "engine_level": control.cluster().map(|cluster| cluster.engine_level.0),
                "epoch": control.epoch().0,
                "owed": control.pending_effects().len(),
                "nodes": nodes,
                "spaces": spaces,
                "definitions": definitions,
            })
        })
        .await?;
    let mut partitions = Vec::new();
    let mut shards = Vec::new();
    for shard in node.reports(hashes).await? {
        for p in &shard.partitions {
            let definitions: Vec<Value> = p
                .definitions
                .iter()
                .map(|d| {
                    json!({"name": d.name, "version": d.version, "fenced": d.fenced, "late": d.late,
                    "over_bound": d.over_bound})
                })
                .collect();
            partitions.push(json!({
                "space": p.partition.space.0,
                "partition": p.partition.partition.0,
                "shard": shard.shard,
                "ready": p.ready,
                "reasons": p.reasons,
                "applied_index": p.applied.0,
                "checkpoint_index": p.checkpoint.map(|index| index.0),
                "checkpoint_age_s": p.checkpoints.age_ns.map(|age| age / 1_000_000_000),
                "checkpoint_bytes": p.checkpoints.stats.state_bytes,
                "checkpoint_chain": p.checkpoints.stats.chain.iter().map(checkpoint).collect::<Vec<Value>>(),
                "checkpoint_older": p.checkpoints.stats.older.as_ref().map(checkpoint),
                "checkpoint_chain_degraded": p.checkpoints.stats.degraded,
                "checkpoint_full_interval_ms": p.checkpoints.full_interval_ns / 1_000_000,
                "checkpoint_incremental_interval_ms": p.checkpoints.incremental_interval_ns / 1_000_000,
                "checkpoint_slice_max_us": p.checkpoints.stats.slices.max_ns / 1_000,
                "stamp_ns": p.stamp.0.max(0),
                "state_hash": p.state_hash.map(|hash| format!("{hash:016x}")),
                "rows_applied": p.counts.applied,
                "rows_duplicate": p.counts.duplicates,
                "rows_late": p.counts.late,
                "rows_rejected": p.counts.rejected,
                "rows_derived": p.counts.outputs,
                "rows_shed": p.counts.shed,
                "errors": p.counts.errors,
                "queued_rows": p.queued.0,
                "definitions": definitions,
            }));
        }
        shards.push(json!({
            "shard": shard.shard,
            "connections": shard.connections,
            "log_bytes": shard.log.bytes,
            "log_segments": shard.log.segments,
            "stalls": shard.stalls,
            "poisoned": shard.poisoned,
        }));
    }
    Ok(Json(json!({
        "node": node.settings.node,
        "version": env!("CARGO_PKG_VERSION"),
        "cluster": cluster,
        "shards": shards,
        "partitions": partitions,
    })))
}

/// All streams, as clients know them.
pub async fn streams(State(node): State<Node>) -> Result<Json<Value>, Fail> {
    let streams = node
        .look(|control| {
            let streams = control.streams().map(|stream| {
                let schema = stream.schema();
                let columns: Vec<Value> = schema
                    .columns
                    .iter()
                    .map(|c| json!({"id": c.id.0, "name": c.decl.name, "type": c.decl.sql_type, "nullable": c.decl.nullable}))
                    .collect();
                json!({"id": stream.id.0, "name": stream.name, "space": stream.space.0,
                    "schema_version": schema.version.0, "columns": columns,
                    "key": stream.key.iter().map(|id| id.0).collect::<Vec<_>>(),
                    "changelog": stream.changelog})
            });
            streams.collect::<Vec<_>>()
        })
        .await?;
    Ok(Json(json!({"streams": streams})))
}

/// Says that no more rows of a stream come, in all its partitions.
pub async fn end_of_input(State(node): State<Node>, Path(name): Path<String>) -> Result<Json<Value>, Fail> {
    let asked = name.clone();
    let found = node
        .look(move |control| {
            let stream = control.stream(&asked)?;
            let space = control.space(stream.space)?;
            Some((stream.id, stream.space, space.partitions().collect::<Vec<_>>()))
        })
        .await?;
    let Some((stream, space, partitions)) = found else {
        return Err(Fail::missing(format!("there is no stream '{name}'")));
    };
    let mut indices = Vec::new();
    for partition in partitions {
        let partition = PartitionRef { space, partition };
        let shard = shard_of(partition, node.lanes.shards());
        let told = node.ask(shard, |reply| ToShard::Tell(partition, Tell::EndOfInput(stream), reply)).await?;
        let index = told.map_err(Fail::busy)?;
        indices.push(json!({"partition": partition.partition.0, "index": index}));
    }
    Ok(Json(json!({"stream": name, "ended": indices})))
}

/// The newest records of the audit, newest first.
pub async fn audit(State(node): State<Node>) -> Result<Json<Value>, Fail> {
    let records = node.look(|control| serde_json::to_value(control.audit().collect::<Vec<_>>())).await?;
    let records = records.map_err(|error| Fail::busy(error.to_string()))?;
    Ok(Json(json!({"records": records})))
}

fn checkpoint(linked: &Linked) -> Value {
    json!({
        "index": linked.last.map(|last| last.index.0),
        "chunks": linked.chunks,
        "bytes": linked.bytes,
        "state_bytes": linked.state_bytes,
    })
}
