//! Commands for tests: chosen by a few numbers, so that random ones shrink.

use cep_types::hash::SpaceSeed;
use cep_types::{Epoch, LogIndex, PartitionId, SpaceId, StampNs};
use serde_json::{Value, json};
use shard_control::*;

/// A control group and the next index and command id.
#[derive(Clone)]
pub struct Group {
    pub control: Control,
    pub index: u64,
    pub stamp: i64,
}

pub fn command(id: u64, role: Role, change: Change) -> Command {
    Command {
        id: CommandId(u128::from(id)),
        actor: "ana".into(),
        role,
        why: "test".into(),
        base: None,
        change,
    }
}

/// The least role that may do it.
pub fn by_role(id: u64, change: Change) -> Command {
    let role = change.least_role();
    command(id, role, change)
}

impl Group {
    pub fn new() -> Self {
        Group { control: Control::new(), index: 0, stamp: 1_000 }
    }

    /// Three nodes; space 0, `main`, of three partitions with two voters each; space 1, `side`, of one.
    pub fn founded() -> Self {
        let mut group = Group::new();
        let level = EngineLevel(1);
        group.accept(Change::Found { id: ClusterId(7), name: "lab".into(), engine_level: level });
        for name in ["n1", "n2", "n3"] {
            group.accept(Change::JoinNode(node(name)));
        }
        group.accept(space("main", 3, 2));
        group.accept(space("side", 1, 1));
        group
    }

    pub fn apply(&mut self, command: &Command) -> Applied {
        self.index += 1;
        self.control.apply(LogIndex(self.index), StampNs(self.stamp), command)
    }

    pub fn change(&mut self, change: Change) -> Applied {
        let command = by_role(self.index + 1, change);
        self.apply(&command)
    }

    /// A change that must be accepted.
    pub fn accept(&mut self, change: Change) -> Applied {
        let applied = self.change(change);
        assert!(matches!(applied.outcome, Outcome::Accepted { .. }), "{:?}", applied.outcome);
        applied
    }

    /// A change that must be refused.
    pub fn refuse(&mut self, change: Change) -> Refusal {
        let applied = self.change(change);
        applied.outcome.refusal().unwrap_or_else(|| panic!("not refused: {:?}", applied.outcome)).clone()
    }

    /// A change against the config as it is.
    pub fn patch(&mut self, patch: Value) -> Applied {
        let base = self.control.config().version;
        self.change(Change::PatchConfig { base, patch })
    }
}

pub fn node(name: &str) -> NodeSpec {
    let address = |port: u16| format!("{name}.example:{port}");
    NodeSpec {
        name: name.into(),
        addresses: NodeAddresses { client: address(7000), peer: address(7100), admin: address(7200) },
        shards: 2,
        engine_level_min: EngineLevel(0),
        engine_level_max: EngineLevel(2),
    }
}

pub fn space(name: &str, partitions: u32, replicas: u32) -> Change {
    Change::CreateSpace { name: name.into(), partitions, seed: SpaceSeed(11), replicas }
}

/// `name TYPE`, with `?` behind a nullable one.
pub fn stream(name: &str, columns: &[&str]) -> StreamDecl {
    let columns: Vec<ColumnDecl> = columns
        .iter()
        .map(|column| {
            let (name, sql_type) = column.split_once(' ').expect("name TYPE");
            let nullable = sql_type.ends_with('?');
            let sql_type = sql_type.trim_end_matches('?').to_owned();
            ColumnDecl { name: name.into(), sql_type, nullable, default: None }
        })
        .collect();
    let key = vec![columns[0].name.clone()];
    StreamDecl { name: name.into(), columns, key, event_time: None, changelog: Changelog::Append }
}

pub fn reads(stream: &str, columns: &[&str]) -> Reads {
    Reads { stream: stream.into(), columns: columns.iter().map(|column| (*column).to_owned()).collect() }
}

pub fn deploy(name: &str, text: &str, declares: Vec<StreamDecl>, reads: Vec<Reads>) -> Change {
    Change::Deploy {
        name: name.into(),
        kind: DefinitionKind::Sql,
        space: SpaceId(0),
        text: DefinitionText(text.into()),
        compiled: Compiled { engine_level: EngineLevel(1), declares, reads, connected: None },
    }
}

pub fn activate(name: &str, version: u32) -> Change {
    Change::Activate {
        definition: name.into(),
        version: DefinitionVersion(version),
        despite_quarantine: false,
    }
}

pub fn stop(name: &str) -> Change {
    Change::Stop { definition: name.into() }
}

/// Numbers that choose a command.
pub type Dice = [u32; 5];

const NAMES: [&str; 3] = ["a", "b", "c"];

fn pick<T: Clone>(from: &[T], number: u32) -> T {
    from[number as usize % from.len()].clone()
}

fn random_deploy(dice: Dice) -> Change {
    let shapes = [
        vec![stream("s", &["k STRING", "v INT?"])],
        vec![stream("S", &["k STRING", "v BIGINT?", "w STRING?"])],
        vec![stream("t", &["k STRING"]), stream("s", &["k STRING"])],
        vec![stream("u", &["k DOUBLE"])],
        vec![],
    ];
    let read = [vec![], vec![reads("s", &["v"])], vec![reads("T", &["k"])], vec![reads("u", &[])]];
    deploy(pick(&NAMES, dice[1]), &dice[4].to_string(), pick(&shapes, dice[2]), pick(&read, dice[3]))
}

fn random_patch(dice: Dice) -> Value {
    let settings = [
        json!({"watermark.lateness": "7s"}),
        json!({"watermark.lateness": "20s", "log.level": null}),
        json!({"watermark.lateness": null}),
        json!({"lanes.max": 60}),
        json!({"lanes.max": 30}),
        json!({"lanes.warn": 30}),
        json!({"log.level": "debug"}),
        json!({"checkpoint.full_interval": "20s"}),
        json!({"lanes.mux": {"x": 1.5}}),
    ];
    let settings = pick(&settings, dice[2]);
    match dice[1] % 5 {
        0 | 1 => json!({ "cluster": settings }),
        2 => json!({ "nodes": { pick(&["n1", "n3", "n9"], dice[4]): settings } }),
        3 => json!({ "partitions": { pick(&["main/0", "main/2", "side/0", "main/9"], dice[4]): settings } }),
        _ => json!({ "definitions": { pick(&NAMES, dice[4]): settings } }),
    }
}

fn random_override(dice: Dice, now: StampNs) -> Change {
    let scopes = [
        Scope::Cluster,
        Scope::Definition(pick(&NAMES, dice[3]).to_owned()),
        Scope::Node("n2".into()),
        Scope::Partition("main".into(), 1),
    ];
    let settings = [
        json!({"watermark.lateness": "9s"}),
        json!({"lanes.max": 40, "lanes.warn": 20}),
        json!({"log.level": "trace"}),
        json!({"lanes.warn": 63}),
    ];
    let settings = pick(&settings, dice[2]).as_object().cloned().unwrap_or_default();
    let from = (dice[4] % 2 == 1).then_some(StampNs(now.0 + i64::from(dice[4] % 40)));
    let until = StampNs(now.0 + i64::from(dice[4] % 90));
    Change::SetOverride { scope: pick(&scopes, dice[1]), settings, from, until }
}

/// Acknowledgements of everything that is owed.
pub fn acknowledgements(effects: &[Effect]) -> Vec<Change> {
    let mut all = Vec::new();
    for effect in effects {
        let mut add = |partition, what| {
            all.push(Change::Acknowledge { partition, what, epoch: effect.epoch(), index: LogIndex(5) });
        };
        match effect {
            Effect::CreatePartition { partition, .. } | Effect::MovePartition { partition, .. } => {
                add(*partition, Acknowledged::Placement)
            }
            Effect::Config { partition, .. } => add(*partition, Acknowledged::Config),
            Effect::Quarantine { partition, definition, .. } => {
                add(*partition, Acknowledged::Quarantine(definition.clone()))
            }
            Effect::Activate { space, partitions, definition, .. } => {
                for partition in partitions {
                    let partition = PartitionRef { space: *space, partition: *partition };
                    add(partition, Acknowledged::Definition(definition.clone()));
                }
            }
            Effect::NodeConfig { .. } => {}
        }
    }
    all
}

fn random_acknowledgement(control: &Control, dice: Dice) -> Change {
    let mut owed = acknowledgements(&control.pending_effects());
    if owed.is_empty() {
        return Change::Tick {};
    }
    let mut chosen = owed.swap_remove(dice[1] as usize % owed.len());
    if let Change::Acknowledge { epoch, .. } = &mut chosen
        && dice[2].is_multiple_of(8)
    {
        *epoch = Epoch(epoch.0.saturating_sub(u64::from(dice[3] % 3)) + u64::from(dice[4] % 2));
    }
    chosen
}

fn random_cluster_change(control: &Control, dice: Dice) -> Change {
    let node_id = NodeId(1 + dice[2] % 4);
    match dice[1] % 7 {
        0 => Change::JoinNode(node(pick(&["n1", "n4", "n5"], dice[2]))),
        1 => Change::RemoveNode { node: node_id },
        2 => Change::UpdateNode {
            node: node_id,
            spec: NodeSpec { shards: 1 + dice[3] % 4, ..node(&format!("n{}", node_id.0)) },
        },
        3 => space(pick(&["main", "third"], dice[2]), 1 + dice[3] % 3, 1 + dice[4] % 2),
        4 => Change::RaiseEngineLevel {
            level: EngineLevel(control.cluster().map_or(0, |c| c.engine_level.0) + dice[2] % 2),
        },
        5 => Change::Found {
            id: ClusterId(u128::from(dice[2] % 2) + 7),
            name: "lab".into(),
            engine_level: EngineLevel(1),
        },
        _ => Change::CancelOverride { id: OverrideId(1 + dice[2] % 8) },
    }
}

/// The command that `dice` choose in this state.
pub fn random_command(id: u64, dice: Dice, control: &Control) -> Command {
    let current = control.config().version;
    let base = if dice[4].is_multiple_of(7) { ConfigVersion(current.0.saturating_sub(1)) } else { current };
    let change = match dice[0] % 26 {
        0..4 => random_deploy(dice),
        4..8 => {
            let name = pick(&NAMES, dice[1]);
            let newest = control.definition(name).map_or(1, |definition| definition.newest.0);
            activate(name, newest.saturating_sub(dice[2] % 3))
        }
        8 => stop(pick(&NAMES, dice[1])),
        9 => Change::RemoveDefinition { definition: pick(&NAMES, dice[1]).into() },
        10 => Change::Quarantine {
            definition: pick(&NAMES, dice[1]).into(),
            version: DefinitionVersion(1 + dice[2] % 2),
            partition: PartitionId(dice[3] % 4),
            index: LogIndex(u64::from(dice[4])),
        },
        11..14 => Change::PatchConfig { base, patch: random_patch(dice) },
        14 => Change::RollbackConfig { base, to: ConfigVersion(u64::from(dice[1] % 6)) },
        15..17 => random_override(dice, control.now()),
        17 => Change::Tick {},
        18..23 => random_acknowledgement(control, dice),
        23 => Change::MovePartition {
            partition: PartitionRef { space: SpaceId(0), partition: PartitionId(dice[1] % 4) },
            voters: [NodeId(1 + dice[2] % 4), NodeId(1 + dice[3] % 4)].to_vec(),
        },
        _ => random_cluster_change(control, dice),
    };
    let behind = if dice[3].is_multiple_of(11) { 9 } else { 0 };
    let role = if dice[4].is_multiple_of(29) { Role::Observer } else { change.least_role() };
    let needs = matches!(change, Change::MovePartition { .. }) || dice[2].is_multiple_of(3);
    let base = needs.then(|| Epoch(control.epoch().0.saturating_sub(behind)));
    Command { base, ..command(id, role, change) }
}

/// The objects: the state without the record of attempts and the clock.
pub fn objects(control: &Control) -> Value {
    let mut document: Value = serde_json::from_slice(&control.snapshot()).expect("a snapshot is JSON");
    let mut state = document["state"].take();
    for part in ["audit", "memory", "applied", "now"] {
        assert!(state.as_object_mut().and_then(|state| state.remove(part)).is_some(), "{part}");
    }
    state
}
