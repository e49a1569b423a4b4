//! What the control group is asked to do: the payload of its log entries.

use cep_types::hash::SpaceSeed;
use cep_types::{Epoch, LogIndex, PartitionId, SpaceId, StampNs};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::cluster::NodeSpec;
use crate::codec::written;
use crate::config::Scope;
use crate::definition::{Compiled, DefinitionKind, DefinitionText};
use crate::id::{
    ClusterId, CommandId, ConfigVersion, DefinitionVersion, EngineLevel, NodeId, OverrideId, PartitionRef,
};

/// Who may do what (R-SEC-1). A later role may do all that an earlier one may, but for `Node`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Appends events.
    Ingest,
    /// Looks.
    Observer,
    /// Runs definitions and config.
    Operator,
    /// Changes the cluster itself.
    Admin,
    /// A node speaking for itself: reports of partitions, ticks, quarantines. Never given to people.
    Node,
}

/// One command.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Command {
    /// Its id: the same one when it is sent again.
    pub id: CommandId,
    /// Who asks, as authenticated by the host.
    pub actor: String,
    /// In which role.
    pub role: Role,
    /// Why, for the audit.
    #[serde(default)]
    pub why: String,
    /// The epoch of the state that the actor looked at. What has changed since then is not changed by this
    /// command (R-CP-1). Moving a partition needs it.
    #[serde(default, with = "written")]
    pub base: Option<Epoch>,
    /// What to do.
    pub change: Change,
}

/// What to do.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Change {
    /// Founds the cluster; the first of all changes.
    Found {
        /// Random.
        id: ClusterId,
        /// For people.
        name: String,
        /// The level that all definitions are compiled for.
        engine_level: EngineLevel,
    },
    /// Raises the engine level, when every node supports it (R-DET-4).
    RaiseEngineLevel {
        /// The new level.
        level: EngineLevel,
    },
    /// A node joins.
    JoinNode(NodeSpec),
    /// A node has other addresses, shards or levels. Its name stays.
    UpdateNode {
        /// Which.
        node: NodeId,
        /// What it is now.
        spec: NodeSpec,
    },
    /// A node leaves; it holds no partition any more.
    RemoveNode {
        /// Which.
        node: NodeId,
    },
    /// Makes a partition space and places its partitions (R-PART-1).
    CreateSpace {
        /// Its name.
        name: String,
        /// How many partitions; never changes.
        partitions: u32,
        /// Public seed of its hash, random.
        #[serde(with = "written")]
        seed: SpaceSeed,
        /// Voters of each partition.
        replicas: u32,
    },
    /// Gives a partition other voters (R-REP-2).
    MovePartition {
        /// Which.
        partition: PartitionRef,
        /// The nodes that are to vote.
        voters: Vec<NodeId>,
    },
    /// Stores a new version of a definition, compiled by the host. It does not run yet.
    Deploy {
        /// The definition; made when there is none of that name.
        name: String,
        /// SQL app or bundle; never changes.
        kind: DefinitionKind,
        /// The space in whose partitions it runs; never changes.
        #[serde(with = "written")]
        space: SpaceId,
        /// Its source.
        text: DefinitionText,
        /// What the compiler says about it.
        compiled: Compiled,
    },
    /// Has every partition of the space run this version from a barrier in its log (R-HOT-1). Going back
    /// to an older version is an activation too.
    Activate {
        /// Which definition.
        definition: String,
        /// Which of its versions.
        version: DefinitionVersion,
        /// Although a partition fenced it (R-DET-6).
        #[serde(default)]
        despite_quarantine: bool,
    },
    /// Has every partition stop running a definition.
    Stop {
        /// Which.
        definition: String,
    },
    /// Forgets a definition that does not run, with its versions and its config.
    RemoveDefinition {
        /// Which.
        definition: String,
    },
    /// A definition aborted the process twice at one entry of a partition (R-DET-6).
    Quarantine {
        /// Which definition.
        definition: String,
        /// Which version.
        version: DefinitionVersion,
        /// Which partition of its space.
        #[serde(with = "written")]
        partition: PartitionId,
        /// The entry.
        #[serde(with = "written")]
        index: LogIndex,
    },
    /// Changes the config: a JSON merge patch (RFC 7396).
    PatchConfig {
        /// The version that the actor looked at.
        base: ConfigVersion,
        /// `{"cluster": {key: value}, "nodes": {name: {…}}, "partitions": {"space/n": {…}},
        /// "definitions": {name: {…}}}`; `null` takes away.
        patch: Value,
    },
    /// Makes a config version again what an older one was.
    RollbackConfig {
        /// The version that the actor looked at.
        base: ConfigVersion,
        /// The version to go back to.
        to: ConfigVersion,
    },
    /// Sets values for a time; they revert by themselves (R-CP-3).
    SetOverride {
        /// Where.
        scope: Scope,
        /// Keys and values as in the config.
        settings: Map<String, Value>,
        /// The first stamp at which they hold; none: at once.
        #[serde(default, with = "written")]
        from: Option<StampNs>,
        /// The first stamp at which they hold no more.
        #[serde(with = "written")]
        until: StampNs,
    },
    /// Ends an override before its time.
    CancelOverride {
        /// Which.
        id: OverrideId,
    },
    /// A partition has done what it was told: the Marker came back.
    Acknowledge {
        /// Which partition.
        partition: PartitionRef,
        /// What it has done.
        what: Acknowledged,
        /// The epoch of the effect.
        #[serde(with = "written")]
        epoch: Epoch,
        /// Where in the partition's log it happened.
        #[serde(with = "written")]
        index: LogIndex,
    },
    /// Time passes: overrides begin and end.
    Tick {},
}

/// What a partition has done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Acknowledged {
    /// It has the voters of this epoch.
    Placement,
    /// It has the config of this epoch, or a later one.
    Config,
    /// It runs, or stopped, this definition.
    Definition(String),
    /// It fenced this definition.
    Quarantine(String),
}

impl Change {
    /// Stable name, for the audit.
    pub const fn action(&self) -> &'static str {
        match self {
            Change::Found { .. } => "cluster.found",
            Change::RaiseEngineLevel { .. } => "cluster.raise_engine_level",
            Change::JoinNode(_) => "node.join",
            Change::UpdateNode { .. } => "node.update",
            Change::RemoveNode { .. } => "node.remove",
            Change::CreateSpace { .. } => "space.create",
            Change::MovePartition { .. } => "partition.move",
            Change::Deploy { .. } => "definition.deploy",
            Change::Activate { .. } => "definition.activate",
            Change::Stop { .. } => "definition.stop",
            Change::RemoveDefinition { .. } => "definition.remove",
            Change::Quarantine { .. } => "definition.quarantine",
            Change::PatchConfig { .. } => "config.patch",
            Change::RollbackConfig { .. } => "config.rollback",
            Change::SetOverride { .. } => "override.set",
            Change::CancelOverride { .. } => "override.cancel",
            Change::Acknowledge { .. } => "partition.acknowledge",
            Change::Tick {} => "clock.tick",
        }
    }

    /// What it is about, for the audit.
    pub fn object(&self) -> String {
        match self {
            Change::Found { .. } | Change::RaiseEngineLevel { .. } | Change::Tick {} => "cluster".to_owned(),
            Change::JoinNode(spec) => format!("node/{}", spec.name),
            Change::UpdateNode { node, .. } | Change::RemoveNode { node } => format!("node/{node}"),
            Change::CreateSpace { name, .. } => format!("space/{name}"),
            Change::MovePartition { partition, .. } | Change::Acknowledge { partition, .. } => {
                format!("partition/{partition}")
            }
            Change::Deploy { name: definition, .. }
            | Change::Activate { definition, .. }
            | Change::Stop { definition }
            | Change::RemoveDefinition { definition }
            | Change::Quarantine { definition, .. } => format!("definition/{definition}"),
            Change::PatchConfig { .. } | Change::RollbackConfig { .. } => "config".to_owned(),
            Change::SetOverride { scope, .. } => format!("override/{scope}"),
            Change::CancelOverride { id } => format!("override/{}", id.0),
        }
    }

    /// The least role that may do it.
    pub const fn least_role(&self) -> Role {
        match self {
            Change::Found { .. }
            | Change::RaiseEngineLevel { .. }
            | Change::JoinNode(_)
            | Change::UpdateNode { .. }
            | Change::RemoveNode { .. }
            | Change::CreateSpace { .. }
            | Change::MovePartition { .. } => Role::Admin,
            Change::Deploy { .. }
            | Change::Activate { .. }
            | Change::Stop { .. }
            | Change::RemoveDefinition { .. }
            | Change::PatchConfig { .. }
            | Change::RollbackConfig { .. }
            | Change::SetOverride { .. }
            | Change::CancelOverride { .. } => Role::Operator,
            Change::Quarantine { .. } | Change::Acknowledge { .. } | Change::Tick {} => Role::Node,
        }
    }

    /// Whether it only reports what happened: such commands may come often, repeat themselves without
    /// harm, and are neither remembered nor audited unless they change something.
    pub(crate) const fn is_report(&self) -> bool {
        matches!(self, Change::Acknowledge { .. } | Change::Tick {})
    }
}
