//! What runs.

use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};

use crate::args::{Definitions, How};
use crate::failure::{Failure, Result};
use crate::http::Node;
use crate::show::{Show, table, text, write};

/// How often and how long partitions are waited for.
const LOOK: Duration = Duration::from_millis(50);
const LOOKS_MAX: u32 = 600;

/// Runs a command.
pub fn run(node: &Node, show: &Show, command: &Definitions) -> Result<()> {
    match command {
        Definitions::List => {
            let all = node.get("/v1/definitions")?;
            show.value(&all, |all| {
                table(
                    all["definitions"].as_array().into_iter().flatten(),
                    &[
                        ("name", "name"),
                        ("status", "status"),
                        ("version", "version"),
                        ("newest", "newest"),
                        ("space", "space"),
                        ("fenced", "fenced_partitions"),
                    ],
                )
            })
        }
        Definitions::Show { name, text: only_text } => {
            let one = node.get(&format!("/v1/definitions/{name}"))?;
            let newest = one["versions"].as_array().and_then(|versions| versions.last());
            if *only_text {
                return write(newest.and_then(|version| version["text"].as_str()).unwrap_or_default());
            }
            show.value(&one, |one| {
                let head = table([one], &[("name", "name"), ("status", "status"), ("version", "version")]);
                let versions = table(
                    one["versions"].as_array().into_iter().flatten(),
                    &[("version", "version"), ("actor", "actor"), ("sha256", "sha256")],
                );
                format!("{head}\n{versions}")
            })
        }
        Definitions::Deploy { file, how, no_activate, no_wait } => {
            let mut wanted = request(file, how)?;
            wanted["activate"] = (!no_activate).into();
            let made = node.post("/v1/definitions", &wanted)?;
            if !no_activate && !no_wait {
                wait(node, made["name"].as_str().unwrap_or_default())?;
            }
            show.value(&made, |made| {
                let does = if *no_activate { "is stored" } else { "runs" };
                format!("definition {} version {} {does}\n", text(&made["name"]), text(&made["version"]))
            })
        }
        Definitions::Validate { file, how } => {
            let said = node.post("/v1/definitions/validate", &request(file, how)?)?;
            show.value(&said, |said| format!("valid; its streams: {}\n", text(&said["streams"])))
        }
        Definitions::Activate { name, version, despite_quarantine, why } => {
            let which = json!({"version": version, "despite_quarantine": despite_quarantine, "why": why});
            let done = node.post(&format!("/v1/definitions/{name}/activate"), &which)?;
            wait(node, name)?;
            show.value(&done, |done| format!("definition {name} version {} runs\n", text(&done["version"])))
        }
        Definitions::Stop { name } => {
            let done = node.post(&format!("/v1/definitions/{name}/stop"), &json!({}))?;
            show.value(&done, |_| format!("definition {name} is stopped\n"))
        }
        Definitions::Remove { name } => {
            let done = node.delete(&format!("/v1/definitions/{name}"))?;
            show.value(&done, |_| format!("definition {name} is gone\n"))
        }
    }
}

/// What is sent of a file.
fn request(file: &Path, how: &How) -> Result<Value> {
    let unreadable = |error: &dyn std::fmt::Display| Failure::Usage(format!("'{}': {error}", file.display()));
    let text = std::fs::read_to_string(file).map_err(|error| unreadable(&error))?;
    let name = how.name.clone().or_else(|| name_of(file));
    let name = name.ok_or_else(|| unreadable(&"a definition needs a name; give --name"))?;
    let connectors = if how.connectors_off { "off" } else { "on" };
    Ok(json!({"name": name, "text": text, "space": how.space, "connectors": connectors, "why": how.why}))
}

/// The name that a file gives: its own, or that of its folder if it is called `app.sql`.
fn name_of(file: &Path) -> Option<String> {
    let stem = file.file_stem()?.to_str()?;
    if stem != "app" {
        return Some(stem.to_owned());
    }
    let folder = file.canonicalize().ok()?;
    Some(folder.parent()?.file_name()?.to_str()?.to_owned())
}

/// Waits until all partitions run what is wanted.
#[allow(clippy::disallowed_methods, reason = "a command-line tool waits for a server")]
fn wait(node: &Node, name: &str) -> Result<()> {
    for _ in 0..LOOKS_MAX {
        let one = node.get(&format!("/v1/definitions/{name}"))?;
        if one["status"] == "active" {
            return Ok(());
        }
        std::thread::sleep(LOOK);
    }
    Err(Failure::Found(format!(
        "definition {name} is stored, but not all partitions run it yet; see ceptra-ctl partitions"
    )))
}
