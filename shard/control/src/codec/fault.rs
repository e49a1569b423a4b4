//! What a state that was read must satisfy: everything that apply relies on.

use std::collections::BTreeSet;

use cep_types::{Epoch, PartitionId};

use crate::control::State;
use crate::definition::{Action, Definition};
use crate::limits::{
    DEFINITIONS_MAX, NODES_MAX, PARTITIONS_MAX, SCHEMA_VERSIONS_MAX, SPACES_MAX, STREAMS_MAX,
};
use crate::schema::Stream;
use crate::space::Space;

impl State {
    /// What contradicts itself, if anything does.
    pub(crate) fn fault(&self) -> Option<String> {
        let counters =
            self.epoch.0 > u64::MAX / 2 || self.applied.0 > u64::MAX / 2 || self.routing_epoch > self.epoch;
        let say = |bad: bool, text: &str| bad.then(|| text.to_owned());
        let founded = self.cluster.is_some();
        let things = self.nodes.len() + self.spaces.len() + self.streams.len() + self.definitions.len();
        say(counters, "its epoch or index is not a count")
            .or_else(|| say(!founded && things > 0, "it has objects but no cluster"))
            .or_else(|| self.nodes_fault())
            .or_else(|| self.spaces_fault())
            .or_else(|| self.streams_fault())
            .or_else(|| self.definitions_fault())
            .or_else(|| self.owed_fault())
            .or_else(|| self.config.fault(self.now))
            .or_else(|| self.audit.fault())
            .or_else(|| self.memory.fault())
    }

    fn later(&self, epoch: Epoch) -> bool {
        epoch > self.epoch
    }

    fn nodes_fault(&self) -> Option<String> {
        let names: BTreeSet<&str> = self.nodes.values().map(|node| node.spec.name.as_str()).collect();
        let bad = |node: &&crate::cluster::Node| {
            node.id.0 >= self.next_node
                || node.spec.check().is_err()
                || self.later(node.epoch.max(node.joined))
        };
        if self.nodes.len() > NODES_MAX || names.len() != self.nodes.len() {
            return Some("it has too many nodes, or two of one name".to_owned());
        }
        self.nodes.values().find(bad).map(|node| format!("node {} is not in order", node.id))
    }

    fn spaces_fault(&self) -> Option<String> {
        let count: usize = self.spaces.values().map(|space| space.placements.len()).sum();
        let names: BTreeSet<&str> = self.spaces.values().map(|space| space.name.as_str()).collect();
        if self.spaces.len() > SPACES_MAX || count > PARTITIONS_MAX || names.len() != self.spaces.len() {
            return Some("it has too many partitions, or two spaces of one name".to_owned());
        }
        let bad = |space: &&Space| {
            let dense = space.partitions().eq((0..).map(PartitionId).take(space.placements.len()));
            let placed = space.placements.values().all(|placement| {
                let ascending = placement.voters.windows(2).all(|pair| pair[0] < pair[1]);
                let known = placement
                    .voters
                    .iter()
                    .chain(&placement.voters_before)
                    .all(|id| self.nodes.contains_key(id));
                ascending && known && !placement.voters.is_empty() && !self.later(placement.epoch)
            });
            space.id.0 >= self.next_space
                || space.placements.is_empty()
                || !dense
                || !placed
                || self.later(space.epoch)
        };
        self.spaces.values().find(bad).map(|space| format!("space {} is not in order", space.id.0))
    }

    fn streams_fault(&self) -> Option<String> {
        let numbers: BTreeSet<_> = self.streams.values().map(|stream| stream.id).collect();
        if self.streams.len() > STREAMS_MAX || numbers.len() != self.streams.len() {
            return Some("it has too many streams, or two of one number".to_owned());
        }
        let bad = |stream: &&Stream| {
            let versions = stream.schemas.iter().map(|schema| schema.version.0);
            let dense = versions.eq((1..).take(stream.schemas.len()));
            let columns = stream.schemas.iter().flat_map(|schema| &schema.columns);
            let numbered = columns.into_iter().all(|column| column.id.0 < stream.next_column);
            let there = !stream.schemas.is_empty() && stream.schemas.len() <= SCHEMA_VERSIONS_MAX;
            let epochs =
                stream.schemas.iter().any(|schema| self.later(schema.epoch)) || self.later(stream.epoch);
            stream.id.0 >= self.next_stream
                || !self.spaces.contains_key(&stream.space)
                || !dense
                || !numbered
                || !there
                || epochs
        };
        self.streams.values().find(bad).map(|stream| format!("stream {} is not in order", stream.id.0))
    }

    fn definitions_fault(&self) -> Option<String> {
        if self.definitions.len() > DEFINITIONS_MAX {
            return Some("it has too many definitions".to_owned());
        }
        let bad = |definition: &&Definition| {
            let Some(space) = self.spaces.get(&definition.space) else {
                return true;
            };
            let has = |partition| space.placements.contains_key(partition);
            let stored = |action: &Action| match action {
                Action::Run(version) => definition.versions.contains_key(version),
                Action::Stop => true,
            };
            let wanted = definition.wanted.iter().all(|wanted| {
                stored(&wanted.action) && wanted.waiting.iter().all(has) && !self.later(wanted.epoch)
            });
            let settled = definition.settled.iter().all(stored);
            let fenced = definition.quarantined.iter().all(|(at, fence)| has(at) && !self.later(fence.epoch));
            let newest =
                definition.versions.last_key_value().is_some_and(|(last, _)| *last == definition.newest);
            let epochs = definition.versions.values().any(|record| self.later(record.epoch))
                || self.later(definition.epoch);
            !(wanted && settled && fenced && newest) || epochs
        };
        self.definitions
            .values()
            .find(bad)
            .map(|definition| format!("definition '{}' is not in order", definition.name))
    }

    fn owed_fault(&self) -> Option<String> {
        let bad = self.config_owed.values().find(|owed| {
            let space = self.spaces.get(&owed.partition.space);
            self.later(owed.epoch)
                || space.is_none_or(|space| !space.placements.contains_key(&owed.partition.partition))
        });
        bad.map(|owed| format!("partition {} is owed a config that is not", owed.partition))
    }
}
