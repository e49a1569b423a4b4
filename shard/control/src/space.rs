//! Partition spaces and where their partitions are (R-PART-1).

use std::collections::BTreeMap;

use cep_types::hash::SpaceSeed;
use cep_types::{Epoch, PartitionId, SpaceId};
use serde::{Deserialize, Serialize};

use crate::codec::list::Keyed;
use crate::codec::{list, written};
use crate::id::{Generation, NodeId};

/// N partitions that streams share. N and the seed never change: they decide where a key belongs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Space {
    /// Its number.
    #[serde(with = "written")]
    pub id: SpaceId,
    /// Its name.
    pub name: String,
    /// Public seed of its hash.
    #[serde(with = "written")]
    pub seed: SpaceSeed,
    /// Where each partition is: partitions 0 to N − 1.
    #[serde(with = "list")]
    pub placements: BTreeMap<PartitionId, Placement>,
    /// When it was made.
    #[serde(with = "written")]
    pub epoch: Epoch,
}

impl Space {
    /// All its partitions, in order.
    pub fn partitions(&self) -> impl Iterator<Item = PartitionId> {
        self.placements.keys().copied()
    }
}

impl Keyed for Space {
    type Key = SpaceId;
    fn key(&self) -> SpaceId {
        self.id
    }
}

/// Which nodes vote in a partition.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Placement {
    /// The partition.
    #[serde(with = "written")]
    pub partition: PartitionId,
    /// The nodes, ascending.
    pub voters: Vec<NodeId>,
    /// The nodes that voted before, until the partition has the new ones; empty for a new partition.
    pub voters_before: Vec<NodeId>,
    /// Which set of voters this is, from 1.
    pub generation: Generation,
    /// When it was decided.
    #[serde(with = "written")]
    pub epoch: Epoch,
    /// Whether the partition has these voters.
    pub settled: bool,
}

impl Placement {
    /// The first voters of `partition`: as many nodes as there are replicas, each partition beginning one
    /// node further, so that the load is even and the same on every replica of the control group.
    pub(crate) fn first(partition: PartitionId, nodes: &[NodeId], replicas: usize, epoch: Epoch) -> Self {
        let begin = partition.0 as usize;
        let mut voters: Vec<NodeId> =
            nodes.iter().copied().cycle().skip(begin % nodes.len().max(1)).take(replicas).collect();
        voters.sort_unstable();
        Placement {
            partition,
            voters,
            voters_before: Vec::new(),
            generation: Generation(1),
            epoch,
            settled: false,
        }
    }

    /// Whether `node` votes, or voted until the partition has its new voters.
    pub(crate) fn involves(&self, node: NodeId) -> bool {
        self.voters.contains(&node) || self.voters_before.contains(&node)
    }
}

impl Keyed for Placement {
    type Key = PartitionId;
    fn key(&self) -> PartitionId {
        self.partition
    }
}
