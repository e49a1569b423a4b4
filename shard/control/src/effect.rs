//! What the host is to do after apply.

use std::collections::BTreeMap;

use cep_types::{Epoch, LogIndex, PartitionId, SpaceId};
use serde::{Deserialize, Serialize};

use crate::config::{CarriedConfig, Setting};
use crate::definition::Action;
use crate::id::{DefinitionVersion, Generation, NodeId, PartitionRef};

/// What the host is to do. All but [`NodeConfig`](Effect::NodeConfig) become entries in the logs of
/// partitions and stay owed ([`Control::pending_effects`](crate::Control::pending_effects)) until each
/// partition acknowledged their epoch. A partition ignores an effect whose epoch is not above the one it
/// has for the same object, so an entry that is written twice is done once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// The voters start the partition; there is no log yet.
    CreatePartition {
        /// Which.
        partition: PartitionRef,
        /// Who votes.
        voters: Vec<NodeId>,
        /// Its epoch.
        epoch: Epoch,
    },
    /// The partition changes its voters (joint membership, R-REP-2).
    MovePartition {
        /// Which.
        partition: PartitionRef,
        /// Who is to vote.
        voters: Vec<NodeId>,
        /// Which set of voters that is.
        generation: Generation,
        /// Its epoch.
        epoch: Epoch,
    },
    /// A Config entry.
    Config {
        /// Where.
        partition: PartitionRef,
        /// All values that this partition is to have.
        config: CarriedConfig,
        /// Its epoch.
        epoch: Epoch,
    },
    /// An Activate entry: the barrier from which the version runs, or the definition stops.
    Activate {
        /// The space.
        space: SpaceId,
        /// Those that have not acknowledged, ascending.
        partitions: Vec<PartitionId>,
        /// Which definition.
        definition: String,
        /// What it is to do.
        action: Action,
        /// Its epoch.
        epoch: Epoch,
    },
    /// A Quarantine entry (R-DET-6).
    Quarantine {
        /// Where.
        partition: PartitionRef,
        /// Which definition.
        definition: String,
        /// Which version.
        version: DefinitionVersion,
        /// The entry that it cannot get over.
        index: LogIndex,
        /// Its epoch.
        epoch: Epoch,
    },
    /// Values that are not carried to partitions changed for a node, `log.level` for one. Not owed: a node
    /// that starts asks for all of them ([`Control::effective`](crate::Control::effective)).
    NodeConfig {
        /// Which node.
        node: NodeId,
        /// The values that changed.
        settings: BTreeMap<String, Setting>,
        /// Its epoch.
        epoch: Epoch,
    },
}

impl Effect {
    /// Its epoch.
    pub fn epoch(&self) -> Epoch {
        match self {
            Effect::CreatePartition { epoch, .. }
            | Effect::MovePartition { epoch, .. }
            | Effect::Config { epoch, .. }
            | Effect::Activate { epoch, .. }
            | Effect::Quarantine { epoch, .. }
            | Effect::NodeConfig { epoch, .. } => *epoch,
        }
    }

    /// Order among effects of one epoch: a partition is there before it is told anything, and has its
    /// config before it runs anything.
    pub(crate) fn step(&self) -> u8 {
        match self {
            Effect::CreatePartition { .. } => 0,
            Effect::MovePartition { .. } => 1,
            Effect::Quarantine { .. } => 2,
            Effect::Config { .. } => 3,
            Effect::Activate { .. } => 4,
            Effect::NodeConfig { .. } => 5,
        }
    }
}

/// A partition that is owed its config.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ConfigOwed {
    pub(crate) partition: PartitionRef,
    #[serde(with = "crate::codec::written")]
    pub(crate) epoch: Epoch,
}

impl crate::codec::list::Keyed for ConfigOwed {
    type Key = PartitionRef;
    fn key(&self) -> PartitionRef {
        self.partition
    }
}
