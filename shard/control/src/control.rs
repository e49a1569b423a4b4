//! The control group's state, and how it is asked.

use std::collections::BTreeMap;

use cep_types::{Epoch, LogIndex, SpaceId, StampNs};
use serde::{Deserialize, Serialize};

use crate::audit::{Audit, AuditRecord};
use crate::cluster::{Cluster, Node};
use crate::codec::{canonical, list, sha256, written};
use crate::command::Command;
use crate::config::{CarriedConfig, Config, ConfigKey, ConfigRecord, Override, Resolved, Target, World};
use crate::definition::Definition;
use crate::effect::{ConfigOwed, Effect};
use crate::id::{ConfigVersion, NodeId, PartitionRef};
use crate::memory::Memory;
use crate::name::folded;
use crate::outcome::Outcome;
use crate::schema::Stream;
use crate::space::Space;

/// What came of applying an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Applied {
    /// What became of the command.
    pub outcome: Outcome,
    /// Whether the command was there before: this is its first outcome, and there is nothing to do.
    pub repeated: bool,
    /// What became owed by this entry, in order; also what time did, whatever the command.
    pub effects: Vec<Effect>,
    /// Records for the host to keep.
    pub audit: Vec<AuditRecord>,
}

/// The state machine of the control group; see the head of the crate.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Control {
    pub(crate) state: State,
}

/// Everything there is; a snapshot is this.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct State {
    #[serde(with = "written")]
    pub(crate) applied: LogIndex,
    /// The largest stamp so far.
    #[serde(with = "written")]
    pub(crate) now: StampNs,
    #[serde(with = "written")]
    pub(crate) epoch: Epoch,
    #[serde(with = "written")]
    pub(crate) routing_epoch: Epoch,
    pub(crate) cluster: Option<Cluster>,
    #[serde(with = "list")]
    pub(crate) nodes: BTreeMap<NodeId, Node>,
    pub(crate) next_node: u32,
    #[serde(with = "list")]
    pub(crate) spaces: BTreeMap<SpaceId, Space>,
    pub(crate) next_space: u32,
    #[serde(with = "list")]
    pub(crate) streams: BTreeMap<String, Stream>,
    pub(crate) next_stream: u32,
    #[serde(with = "list")]
    pub(crate) definitions: BTreeMap<String, Definition>,
    pub(crate) config: Config,
    /// Partitions that have yet to get their config.
    #[serde(with = "list")]
    pub(crate) config_owed: BTreeMap<PartitionRef, ConfigOwed>,
    pub(crate) audit: Audit,
    pub(crate) memory: Memory,
}

impl State {
    /// What the config may speak about.
    pub(crate) fn world(&self) -> World<'_> {
        World { nodes: &self.nodes, spaces: &self.spaces, definitions: &self.definitions }
    }

    /// The partition's config as it is now.
    pub(crate) fn carried(&self, partition: PartitionRef, epoch: Epoch) -> Option<CarriedConfig> {
        let space = self.spaces.get(&partition.space)?;
        let here = self.definitions.values().filter(|definition| definition.space == partition.space);
        let names = here.map(|definition| definition.name.as_str());
        Some(self.config.carried(&space.name, partition.partition.0, names, epoch))
    }
}

impl Control {
    /// A control group that was never used.
    pub fn new() -> Self {
        Control::default()
    }

    /// What would become of `command` if it were the next entry, with the stamp of the last one. For
    /// `/v1/definitions/validate` and the like; nothing changes.
    pub fn would(&self, command: &Command) -> Outcome {
        let mut tried = self.clone();
        let index = LogIndex(self.state.applied.0.saturating_add(1));
        tried.apply(index, self.state.now, command).outcome
    }

    /// Everything that partitions are still owed, oldest first. Ask after a restart and from time to time;
    /// what an entry's effects said is in it until it is acknowledged or superseded.
    pub fn pending_effects(&self) -> Vec<Effect> {
        self.state.owed_since(Epoch(0))
    }

    /// The index of the last entry that was applied.
    pub fn applied(&self) -> LogIndex {
        self.state.applied
    }

    /// The largest stamp so far: the time of the control group.
    pub fn now(&self) -> StampNs {
        self.state.now
    }

    /// The epoch of the last change.
    pub fn epoch(&self) -> Epoch {
        self.state.epoch
    }

    /// The epoch of the last change that clients must know to reach partitions: nodes, spaces, placement
    /// and streams. The version of the wire's routing table.
    pub fn routing_epoch(&self) -> Epoch {
        self.state.routing_epoch
    }

    /// When time does something next: the host proposes a `Tick` then.
    pub fn next_due(&self) -> Option<StampNs> {
        self.state.config.overrides().map(|held| held.due().instant).min()
    }

    /// The cluster, once it was founded.
    pub fn cluster(&self) -> Option<&Cluster> {
        self.state.cluster.as_ref()
    }

    /// All nodes, by number.
    pub fn nodes(&self) -> impl Iterator<Item = &Node> {
        self.state.nodes.values()
    }

    /// The node of that number.
    pub fn node(&self, id: NodeId) -> Option<&Node> {
        self.state.nodes.get(&id)
    }

    /// All spaces, by number.
    pub fn spaces(&self) -> impl Iterator<Item = &Space> {
        self.state.spaces.values()
    }

    /// The space of that number.
    pub fn space(&self, id: SpaceId) -> Option<&Space> {
        self.state.spaces.get(&id)
    }

    /// All streams, by folded name.
    pub fn streams(&self) -> impl Iterator<Item = &Stream> {
        self.state.streams.values()
    }

    /// The stream of that name, whatever its case.
    pub fn stream(&self, name: &str) -> Option<&Stream> {
        self.state.streams.get(&folded(name))
    }

    /// All definitions, by name.
    pub fn definitions(&self) -> impl Iterator<Item = &Definition> {
        self.state.definitions.values()
    }

    /// The definition of that name.
    pub fn definition(&self, name: &str) -> Option<&Definition> {
        self.state.definitions.get(name)
    }

    /// The config version that holds.
    pub fn config(&self) -> &ConfigRecord {
        self.state.config.current()
    }

    /// A kept config version.
    pub fn config_version(&self, version: ConfigVersion) -> Option<&ConfigRecord> {
        self.state.config.history().find(|record| record.version == version)
    }

    /// The kept config versions, newest first.
    pub fn config_history(&self) -> impl Iterator<Item = &ConfigRecord> {
        self.state.config.history().rev()
    }

    /// Overrides that are on or will be, oldest first.
    pub fn overrides(&self) -> impl Iterator<Item = &Override> {
        self.state.config.overrides()
    }

    /// What holds for `target`: every key, in order of names.
    pub fn effective(&self, target: &Target) -> Vec<Resolved> {
        self.state.config.effective(target)
    }

    /// Every value that is set for `key` and counts for `target`: the one that holds first, the default
    /// last. `None` for an unknown key.
    pub fn explain(&self, key: &str, target: &Target) -> Option<Vec<Resolved>> {
        ConfigKey::find(key).map(|key| self.state.config.explain(key, target))
    }

    /// The config that a partition is to have, with the epoch of this state.
    pub fn carried_config(&self, partition: PartitionRef) -> Option<CarriedConfig> {
        self.state.carried(partition, self.state.epoch)
    }

    /// The newest audit records, newest first.
    pub fn audit(&self) -> impl Iterator<Item = &AuditRecord> {
        self.state.audit.records().rev()
    }

    /// SHA-256 of the canonical state: equal on every replica that applied the same entries.
    pub fn state_hash(&self) -> [u8; 32] {
        sha256(&canonical(&self.state))
    }
}
