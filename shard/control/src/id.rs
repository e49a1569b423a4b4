//! Identifiers and versions of the control group that must not mix.

use std::fmt;

use cep_types::{PartitionId, SpaceId};
use serde::{Deserialize, Serialize};

use crate::codec::written;

/// Number of a node; given by the control group, never used again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct NodeId(pub u32);

/// Version of a definition, from 1, dense per definition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct DefinitionVersion(pub u32);

/// Level of the function library, time zones, Unicode tables and hashes (R-DET-4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct EngineLevel(pub u32);

/// Number of an override; given by the control group, never used again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct OverrideId(pub u32);

/// Version of a partition's set of voters, from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Generation(#[serde(with = "written")] pub u64);

/// Version of the cluster config, from 0 (nothing set), dense.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
pub struct ConfigVersion(#[serde(with = "written")] pub u64);

/// Id of a command, chosen by the proposer, at random: the same id is the same command, sent again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct CommandId(#[serde(with = "written")] pub u128);

/// Id of a cluster, chosen at random by whoever founds it: nodes of two clusters never mix.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ClusterId(#[serde(with = "written")] pub u128);

/// A partition of a space.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PartitionRef {
    /// The space.
    #[serde(with = "written")]
    pub space: SpaceId,
    /// The partition in it.
    #[serde(with = "written")]
    pub partition: PartitionId,
}

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

impl fmt::Display for PartitionRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.space.0, self.partition.0)
    }
}
