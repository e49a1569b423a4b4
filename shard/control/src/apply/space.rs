//! Spaces and the voters of their partitions.

use std::collections::BTreeMap;

use cep_types::hash::SpaceSeed;
use cep_types::{Epoch, PartitionId, SpaceId};

use super::node::no_node;
use super::{Done, Verdict, fresh, take};
use crate::control::State;
use crate::effect::ConfigOwed;
use crate::id::{Generation, NodeId, PartitionRef};
use crate::limits::{PARTITIONS_MAX, SPACES_MAX, VOTERS_MAX};
use crate::name::check_name;
use crate::outcome::{Made, Reason, Refusal};
use crate::space::{Placement, Space};

impl State {
    pub(super) fn create_space(
        &mut self,
        name: &str,
        partitions: u32,
        seed: SpaceSeed,
        replicas: u32,
    ) -> Verdict {
        let object = format!("space/{name}");
        check_name(&object, name)?;
        let refuse = |reason, text: String| Err(Refusal::new(reason, object.clone(), text));
        if let Some(space) = self.spaces.values().find(|space| space.name == name) {
            if space.seed == seed && space.placements.len() == partitions as usize {
                return Ok(Done::Noted);
            }
            let text = "there is such a space, and its partitions and seed never change; choose another name";
            return refuse(Reason::Exists, text.to_owned());
        }
        if partitions == 0 {
            return refuse(Reason::Invalid, "a space has at least one partition".to_owned());
        }
        let used: usize = self.spaces.values().map(|space| space.placements.len()).sum();
        if self.spaces.len() >= SPACES_MAX || (partitions as usize).saturating_add(used) > PARTITIONS_MAX {
            let text = format!(
                "{used} partitions in {} spaces are there; at most {PARTITIONS_MAX} in {SPACES_MAX}",
                self.spaces.len()
            );
            return refuse(Reason::Limit, text);
        }
        let nodes: Vec<NodeId> = self.nodes.keys().copied().collect();
        let voters = replicas as usize;
        if voters == 0 || voters > VOTERS_MAX || voters > nodes.len() {
            let text = format!(
                "{replicas} replicas on {} nodes; use 1 to {VOTERS_MAX}, no more than nodes",
                nodes.len()
            );
            return refuse(Reason::Invalid, text);
        }
        let epoch = self.next_epoch();
        let id = SpaceId(take(&mut self.next_space));
        let placements: BTreeMap<PartitionId, Placement> = (0..partitions)
            .map(|number| (PartitionId(number), Placement::first(PartitionId(number), &nodes, voters, epoch)))
            .collect();
        for partition in placements.keys().map(|partition| PartitionRef { space: id, partition: *partition })
        {
            self.config_owed.insert(partition, ConfigOwed { partition, epoch });
        }
        self.spaces.insert(id, Space { id, name: name.to_owned(), seed, placements, epoch });
        Ok(Done::Rerouted(Some(Made::Space(id))))
    }

    pub(super) fn move_partition(
        &mut self,
        partition: PartitionRef,
        voters: &[NodeId],
        base: Option<Epoch>,
    ) -> Verdict {
        let object = format!("partition/{partition}");
        let refuse = |reason, text: String| Err(Refusal::new(reason, object.clone(), text));
        let mut wanted = voters.to_vec();
        wanted.sort_unstable();
        wanted.dedup();
        if wanted.len() != voters.len() || !(1..=VOTERS_MAX).contains(&wanted.len()) {
            return refuse(Reason::Invalid, format!("name 1 to {VOTERS_MAX} voters, each once"));
        }
        if let Some(id) = wanted.iter().find(|id| !self.nodes.contains_key(id)) {
            return Err(no_node(*id));
        }
        let placement = self.placement(partition)?;
        if base.is_none() {
            return refuse(Reason::Stale, "say at which epoch you looked at the placement".to_owned());
        }
        fresh(base, placement.epoch, &object)?;
        if placement.voters == wanted {
            return Ok(Done::Noted);
        }
        if placement.generation == Generation(1) && !placement.settled {
            return refuse(Reason::Busy, "it is not created yet; try again then".to_owned());
        }
        if let Some(other) = self.moving().find(|other| *other != partition) {
            let text = format!("partition {other} is moving; one at a time (R-REP-2), try again then");
            return refuse(Reason::Busy, text);
        }
        let epoch = self.next_epoch();
        if let Some(placement) = self.placement_mut(partition) {
            let before = std::mem::replace(&mut placement.voters, wanted);
            placement.voters_before.extend(before);
            placement.voters_before.sort_unstable();
            placement.voters_before.dedup();
            placement.generation = Generation(placement.generation.0.saturating_add(1));
            placement.epoch = epoch;
            placement.settled = false;
        }
        Ok(Done::Rerouted(None))
    }

    /// The placement of a partition.
    pub(super) fn placement(&self, partition: PartitionRef) -> Result<&Placement, Refusal> {
        let space = self.spaces.get(&partition.space);
        space.and_then(|space| space.placements.get(&partition.partition)).ok_or_else(|| {
            Refusal::new(
                Reason::NotFound,
                format!("partition/{partition}"),
                "there is no such partition; list the spaces",
            )
        })
    }

    pub(super) fn placement_mut(&mut self, partition: PartitionRef) -> Option<&mut Placement> {
        self.spaces.get_mut(&partition.space)?.placements.get_mut(&partition.partition)
    }

    /// Partitions that are on their way to other voters.
    fn moving(&self) -> impl Iterator<Item = PartitionRef> {
        self.spaces.values().flat_map(|space| {
            let moving = space.placements.values().filter(|at| !at.settled && at.generation > Generation(1));
            moving.map(|at| PartitionRef { space: space.id, partition: at.partition })
        })
    }
}
