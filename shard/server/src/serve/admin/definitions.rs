//! /v1/definitions: what runs.

use axum::Json;
use axum::extract::{Path, State};
use serde::Deserialize;
use serde_json::{Value, json};
use shard_control::{
    Change, Compiled, DefinitionKind, DefinitionText, DefinitionVersion, Made, Outcome, Status,
};
use shard_node::compile_definition;

use super::Node;
use super::fail::Fail;
use super::guard::Body;

/// A definition as it is sent.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wanted {
    name: String,
    text: String,
    /// The space it runs in; `main` when none is named.
    #[serde(default)]
    space: Option<String>,
    /// Whether its connectors run.
    #[serde(default)]
    connectors: Connectors,
    /// Whether it runs at once.
    #[serde(default = "yes")]
    activate: bool,
    #[serde(default)]
    why: String,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Connectors {
    #[default]
    On,
    Off,
}

fn yes() -> bool {
    true
}

/// A version to activate.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Which {
    /// The newest when none is named.
    #[serde(default)]
    version: Option<u32>,
    #[serde(default)]
    despite_quarantine: bool,
    #[serde(default)]
    why: String,
}

/// What a definition is doing, in a word.
pub fn status_name(status: Status) -> &'static str {
    match status {
        Status::Deployed => "deployed",
        Status::Activating(_) => "activating",
        Status::Active(_) => "active",
        Status::Stopping => "stopping",
        Status::Stopped => "stopped",
    }
}

fn summary(definition: &shard_control::Definition) -> Value {
    let running = match definition.status() {
        Status::Active(version) | Status::Activating(version) => Some(version.0),
        Status::Deployed | Status::Stopping | Status::Stopped => None,
    };
    let fenced: Vec<u32> = definition.quarantined.keys().map(|partition| partition.0).collect();
    let compiled = definition.versions.get(&definition.newest).map(|version| &version.compiled);
    let connectors = if compiled.is_some_and(|compiled| compiled.connected.is_some()) { "on" } else { "off" };
    json!({"name": definition.name, "kind": definition.kind, "space": definition.space.0,
        "status": status_name(definition.status()), "version": running, "newest": definition.newest.0,
        "fenced_partitions": fenced, "connectors": connectors})
}

/// All definitions.
pub async fn list(State(node): State<Node>) -> Result<Json<Value>, Fail> {
    let all = node.look(|control| control.definitions().map(summary).collect::<Vec<_>>()).await?;
    Ok(Json(json!({"definitions": all})))
}

/// One definition with its versions.
pub async fn show(State(node): State<Node>, Path(name): Path<String>) -> Result<Json<Value>, Fail> {
    let asked = name.clone();
    let found = node
        .look(move |control| {
            control.definition(&asked).map(|definition| {
                let versions: Vec<Value> = definition
                    .versions
                    .values()
                    .map(|v| {
                        json!({"version": v.version.0, "sha256": v.sha256, "text": v.text.0, "actor": v.actor,
                            "stamp_ns": v.stamp.0})
                    })
                    .collect();
                let mut value = summary(definition);
                value["versions"] = versions.into();
                value
            })
        })
        .await?;
    found.map(Json).ok_or_else(|| unknown(&name))
}

fn unknown(name: &str) -> Fail {
    Fail::missing(format!("there is no definition '{name}'"))
}

/// Compiles off the thread that answers.
async fn compile(node: &Node, wanted: &Wanted) -> Result<(cep_types::SpaceId, Compiled), Fail> {
    let space = wanted.space.clone().unwrap_or_else(|| "main".into());
    let named = space.clone();
    let found = node
        .look(move |control| {
            let space = control.spaces().find(|space| space.name == named)?;
            Some((space.id, space.placements.len() as u32))
        })
        .await?;
    let (id, partitions) = found.ok_or_else(|| Fail::missing(format!("there is no space '{space}'")))?;
    let (name, text) = (wanted.name.clone(), wanted.text.clone());
    let connectors = match wanted.connectors {
        Connectors::On => cep_types::log::Connectors::On,
        Connectors::Off => cep_types::log::Connectors::Off,
    };
    let compiled =
        tokio::task::spawn_blocking(move || compile_definition(&name, &text, partitions, connectors)).await;
    let compiled = compiled.map_err(|error| Fail::busy(error.to_string()))?;
    Ok((id, compiled.map_err(|error| Fail::bad(error.0))?))
}

fn deploy_change(wanted: &Wanted, space: cep_types::SpaceId, compiled: Compiled) -> Change {
    Change::Deploy {
        name: wanted.name.clone(),
        kind: DefinitionKind::Sql,
        space,
        text: DefinitionText(wanted.text.clone()),
        compiled,
    }
}

/// Says whether a definition would be taken.
pub async fn validate(State(node): State<Node>, Body(wanted): Body<Wanted>) -> Result<Json<Value>, Fail> {
    let (space, compiled) = compile(&node, &wanted).await?;
    let streams: Vec<String> = compiled.declares.iter().map(|decl| decl.name.clone()).collect();
    let change = deploy_change(&wanted, space, compiled);
    let outcome = node
        .look(move |control| {
            let command = shard_control::Command {
                id: shard_control::CommandId(0),
                actor: "admin".into(),
                role: shard_control::Role::Admin,
                why: String::new(),
                base: None,
                change,
            };
            control.would(&command)
        })
        .await?;
    super::fail::accepted(&outcome)?;
    Ok(Json(json!({"valid": true, "streams": streams})))
}

/// Stores a version and, unless told otherwise, runs it.
pub async fn deploy(State(node): State<Node>, Body(wanted): Body<Wanted>) -> Result<Json<Value>, Fail> {
    let (space, compiled) = compile(&node, &wanted).await?;
    let outcome = node.propose(&wanted.why, deploy_change(&wanted, space, compiled)).await?;
    let version = match outcome {
        Outcome::Accepted { made: Some(Made::DefinitionVersion(version)), .. } => version,
        _ => newest(&node, &wanted.name).await?,
    };
    if wanted.activate {
        let change = Change::Activate { definition: wanted.name.clone(), version, despite_quarantine: false };
        node.propose(&wanted.why, change).await?;
    }
    Ok(Json(json!({"name": wanted.name, "version": version.0, "activated": wanted.activate})))
}

async fn newest(node: &Node, name: &str) -> Result<DefinitionVersion, Fail> {
    let asked = name.to_owned();
    let found = node.look(move |control| control.definition(&asked).map(|d| d.newest)).await?;
    found.ok_or_else(|| unknown(name))
}

/// Has partitions run a version.
pub async fn activate(
    State(node): State<Node>,
    Path(name): Path<String>,
    Body(which): Body<Which>,
) -> Result<Json<Value>, Fail> {
    let version = match which.version {
        Some(version) => DefinitionVersion(version),
        None => newest(&node, &name).await?,
    };
    let change =
        Change::Activate { definition: name.clone(), version, despite_quarantine: which.despite_quarantine };
    node.propose(&which.why, change).await?;
    Ok(Json(json!({"name": name, "version": version.0, "activated": true})))
}

/// Has partitions stop running a definition.
pub async fn stop(State(node): State<Node>, Path(name): Path<String>) -> Result<Json<Value>, Fail> {
    node.propose("", Change::Stop { definition: name.clone() }).await?;
    Ok(Json(json!({"name": name, "stopped": true})))
}

/// Forgets a definition that does not run.
pub async fn remove(State(node): State<Node>, Path(name): Path<String>) -> Result<Json<Value>, Fail> {
    node.propose("", Change::RemoveDefinition { definition: name.clone() }).await?;
    Ok(Json(json!({"name": name, "removed": true})))
}
