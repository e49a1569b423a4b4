//! Bytes that were written once are read for ever (R-COMPAT-1).

use std::path::PathBuf;

use cep_types::{LogIndex, PartitionId, StampNs};
use serde_json::json;
use shard_control::*;

use crate::sample::{Group, activate, by_role, deploy, node, reads, space, stop, stream};

fn folder() -> PathBuf {
    // Asked when run: with a target folder shared by several clones, the one of the build may be another.
    let here = std::env::var_os("CARGO_MANIFEST_DIR").expect("cargo runs the tests");
    PathBuf::from(here).join("tests/control/golden/v1")
}

fn check(name: &str, bytes: &[u8]) {
    let path = folder().join(name);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::create_dir_all(folder()).expect("the folder can be made");
        std::fs::write(&path, [bytes, b"\n"].concat()).expect("the file can be written");
    }
    let kept = std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("JSON is UTF-8");
    assert_eq!(text(kept.trim_ascii_end()), text(bytes), "{name}: the format changed; raise its version");
}

/// One command of each kind.
fn commands() -> Vec<Command> {
    let at = PartitionRef { space: cep_types::SpaceId(0), partition: PartitionId(2) };
    let app = || "app".to_owned();
    let settings = json!({"watermark.lateness": "10m"}).as_object().cloned().unwrap_or_default();
    let changes = vec![
        Change::Found { id: ClusterId(0xabc), name: "lab".into(), engine_level: EngineLevel(1) },
        Change::JoinNode(node("n1")),
        Change::UpdateNode { node: NodeId(1), spec: node("n1") },
        space("main", 3, 1),
        Change::MovePartition { partition: at, voters: vec![NodeId(1)] },
        deploy(
            "app",
            "CREATE STREAM s (k STRING);",
            vec![stream("s", &["k STRING", "v DECIMAL(10, 2)?"])],
            vec![],
        ),
        activate("app", 1),
        deploy("view", "SELECT 'ü' FROM s;", vec![], vec![reads("s", &["k"])]),
        Change::Quarantine {
            definition: app(),
            version: DefinitionVersion(1),
            partition: at.partition,
            index: LogIndex(u64::MAX),
        },
        Change::PatchConfig {
            base: ConfigVersion(0),
            patch: json!({"cluster": {"lanes.max": 60}, "definitions": {"app": {"watermark.lateness": "1m"}}}),
        },
        Change::SetOverride {
            scope: Scope::Definition(app()),
            settings,
            from: None,
            until: StampNs(1 << 60),
        },
        Change::PatchConfig { base: ConfigVersion(1), patch: json!({"cluster": {"lanes.max": null}}) },
        Change::RollbackConfig { base: ConfigVersion(2), to: ConfigVersion(1) },
        Change::CancelOverride { id: OverrideId(9) },
        Change::Acknowledge {
            partition: at,
            what: Acknowledged::Definition(app()),
            epoch: cep_types::Epoch(6),
            index: LogIndex(40),
        },
        Change::Acknowledge {
            partition: at,
            what: Acknowledged::Placement,
            epoch: cep_types::Epoch(3),
            index: LogIndex(1),
        },
        stop("nothing"),
        Change::RemoveDefinition { definition: "view".into() },
        Change::RemoveNode { node: NodeId(1) },
        Change::RaiseEngineLevel { level: EngineLevel(2) },
        Change::Tick {},
    ];
    (1..).zip(changes).map(|(id, change)| by_role(id, change)).collect()
}

#[test]
fn golden_commands() {
    let lines: Vec<String> =
        commands().iter().map(|command| String::from_utf8(command.encode()).unwrap()).collect();
    check("commands.jsonl", lines.join("\n").as_bytes());
    let kept = std::fs::read_to_string(folder().join("commands.jsonl")).unwrap();
    let read: Vec<Command> = kept.lines().map(|line| Command::decode(line.as_bytes()).unwrap()).collect();
    assert_eq!(read, commands());
}

/// The recorded commands lead to the recorded state: what they mean does not change either.
#[test]
fn golden_snapshot_config_and_outcomes() {
    let mut group = Group::new();
    let mut outcomes = String::new();
    for command in commands() {
        group.stamp += 10;
        let applied = group.apply(&command);
        // Texts are for people and may change; reasons may not.
        let outcome = match &applied.outcome {
            Outcome::Refused(refusal) => format!("{} {}", refusal.reason.code(), refusal.object),
            other => serde_json::to_value(other).unwrap().to_string(),
        };
        outcomes.push_str(&format!("{} {}\n", command.change.action(), outcome));
    }
    check("outcomes.txt", outcomes.trim_end().as_bytes());
    check("snapshot.json", &group.control.snapshot());
    let kept = std::fs::read(folder().join("snapshot.json")).unwrap();
    assert_eq!(Control::restore(&kept).unwrap(), group.control);
    let at = PartitionRef { space: cep_types::SpaceId(0), partition: PartitionId(2) };
    check("config.json", &group.control.carried_config(at).unwrap().encode());
}
