//! The cluster's config, and the level of the log.

use serde_json::{Value, json};

use crate::args::Config;
use crate::failure::{Failure, Result};
use crate::http::Node;
use crate::show::{Show, table, text};

/// Runs a command.
pub fn run(node: &Node, show: &Show, command: &Config) -> Result<()> {
    match command {
        Config::Get { key } => {
            let config = node.get("/v1/config")?;
            let all = config["effective"].as_array().into_iter().flatten();
            let wanted: Vec<Value> = all
                .filter(|row| key.as_ref().is_none_or(|key| row["key"] == key.as_str()))
                .cloned()
                .collect();
            if wanted.is_empty() {
                let key = key.as_deref().unwrap_or_default();
                return Err(Failure::Found(format!(
                    "there is no key '{key}'; ceptra-ctl config get lists all"
                )));
            }
            show.value(&Value::Array(wanted), |rows| {
                table(
                    rows.as_array().into_iter().flatten(),
                    &[("key", "key"), ("value", "value"), ("has an effect", "supported")],
                )
            })
        }
        Config::Set { key, value, node: scope, why } => {
            let base = version(node)?;
            let value: Value = serde_json::from_str(value).unwrap_or_else(|_| value.clone().into());
            let patch = match scope {
                Some(name) => json!({"nodes": {name: {key: value}}}),
                None => json!({"cluster": {key: value}}),
            };
            let done = node.patch("/v1/config", &json!({"base": base, "patch": patch, "why": why}))?;
            show.value(&done, |done| format!("config version {}\n", text(&done["version"])))
        }
        Config::Rollback { to } => {
            let base = version(node)?;
            let done = node.post("/v1/config/rollback", &json!({"base": base, "to": to}))?;
            show.value(&done, |done| format!("config version {}\n", text(&done["version"])))
        }
    }
}

fn version(node: &Node) -> Result<Value> {
    Ok(node.get("/v1/config")?["version"].clone())
}

/// The level of the log.
pub fn log_level(node: &Node, show: &Show, level: Option<&str>) -> Result<()> {
    let now = match level {
        Some(level) => node.put("/v1/loglevel", &json!({"level": level}))?,
        None => node.get("/v1/loglevel")?,
    };
    show.value(&now, |now| format!("{}\n", text(&now["level"])))
}
