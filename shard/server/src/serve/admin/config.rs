//! /v1/config and /v1/loglevel.

use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use serde_json::{Value, json};
use shard_control::{Change, ConfigVersion, Target};
use shard_node::CONFIG_KEYS_USED;
use shard_node::settings::Level;

use super::Node;
use super::fail::Fail;
use super::guard::Body;
use crate::serve::log::LogLevel;

/// Refuses keys that would have no effect.
fn check_supported(patch: &Value) -> Result<(), Fail> {
    let scopes = patch.as_object().into_iter().flatten();
    let keys = scopes.flat_map(|(scope, value)| {
        let maps: Vec<&Value> = if scope == "cluster" {
            vec![value]
        } else {
            value.as_object().into_iter().flat_map(|named| named.values()).collect()
        };
        maps.into_iter().filter_map(Value::as_object).flat_map(|map| map.keys())
    });
    match keys.into_iter().find(|key| {
        shard_control::ConfigKey::find(key).is_some() && !CONFIG_KEYS_USED.contains(&key.as_str())
    }) {
        Some(key) => Err(Fail::bad(format!(
            "'{key}' has no effect on a node yet, so it is not taken; what can be set now: {}",
            CONFIG_KEYS_USED.join(", ")
        ))),
        None => Ok(()),
    }
}

/// The config: what is set, and what holds.
pub async fn show(State(node): State<Node>) -> Result<Json<Value>, Fail> {
    let shown = node
        .look(|control| {
            let record = control.config();
            let effective: Vec<Value> = control
                .effective(&Target::default())
                .iter()
                .map(|resolved| {
                    json!({"key": resolved.key.name, "value": resolved.setting.to_string(),
                        "supported": CONFIG_KEYS_USED.contains(&resolved.key.name)})
                })
                .collect();
            json!({"version": record.version.0, "record": serde_json::to_value(record).unwrap_or_default(),
                "effective": effective})
        })
        .await?;
    Ok(Json(shown))
}

/// A change of the config.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Patch {
    base: u64,
    patch: Value,
    #[serde(default)]
    why: String,
}

/// Changes the config.
pub async fn patch(State(node): State<Node>, Body(wanted): Body<Patch>) -> Result<Json<Value>, Fail> {
    check_supported(&wanted.patch)?;
    let change = Change::PatchConfig { base: ConfigVersion(wanted.base), patch: wanted.patch };
    node.propose(&wanted.why, change).await?;
    version(&node).await
}

/// A way back.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Back {
    base: u64,
    to: u64,
    #[serde(default)]
    why: String,
}

/// Makes the config what it was in an older version.
pub async fn rollback(State(node): State<Node>, Body(wanted): Body<Back>) -> Result<Json<Value>, Fail> {
    let change = Change::RollbackConfig { base: ConfigVersion(wanted.base), to: ConfigVersion(wanted.to) };
    node.propose(&wanted.why, change).await?;
    version(&node).await
}

async fn version(node: &Node) -> Result<Json<Value>, Fail> {
    let version = node.look(|control| control.config().version.0).await?;
    Ok(Json(json!({"version": version})))
}

/// What is logged.
pub async fn log_level(State(node): State<Node>) -> Json<Value> {
    Json(json!({"level": node.log.level().name()}))
}

/// A level of the log.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wanted {
    level: String,
}

/// Changes what is logged, until the process ends.
pub async fn set_log_level(
    State(node): State<Node>,
    Body(wanted): Body<Wanted>,
) -> Result<Json<Value>, Fail> {
    let Some(level) = LogLevel::named(&wanted.level) else {
        return Err(Fail::bad(format!(
            "there is no level '{}'; write error, warn, info or debug",
            wanted.level
        )));
    };
    node.log.set_level(level);
    node.log.line(Level::Info, &format!("the log level is {} now", level.name()));
    Ok(log_level(State(node)).await)
}
