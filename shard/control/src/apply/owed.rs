//! What partitions are owed, as effects.

use cep_types::Epoch;

use crate::control::State;
use crate::effect::Effect;
use crate::id::{Generation, PartitionRef};
use crate::space::Space;

impl State {
    /// What became owed after `since` and is not acknowledged, oldest first.
    pub(crate) fn owed_since(&self, since: Epoch) -> Vec<Effect> {
        let mut owed: Vec<Effect> =
            self.spaces.values().flat_map(|space| placements_owed(space, since)).collect();
        for waiting in self.config_owed.values().filter(|waiting| waiting.epoch > since) {
            let config = self.carried(waiting.partition, waiting.epoch);
            owed.extend(config.map(|config| Effect::Config {
                partition: waiting.partition,
                config,
                epoch: waiting.epoch,
            }));
        }
        for definition in self.definitions.values() {
            let wanted = definition.wanted.iter();
            owed.extend(wanted.filter(|wanted| wanted.epoch > since && !wanted.waiting.is_empty()).map(
                |wanted| Effect::Activate {
                    space: definition.space,
                    partitions: wanted.waiting.iter().copied().collect(),
                    definition: definition.name.clone(),
                    action: wanted.action,
                    epoch: wanted.epoch,
                },
            ));
            let fences = definition.quarantined.values();
            owed.extend(fences.filter(|fence| fence.epoch > since && !fence.acknowledged).map(|fence| {
                Effect::Quarantine {
                    partition: PartitionRef { space: definition.space, partition: fence.partition },
                    definition: definition.name.clone(),
                    version: fence.version,
                    index: fence.index,
                    epoch: fence.epoch,
                }
            }));
        }
        owed.sort_by_key(|effect| (effect.epoch(), effect.step()));
        owed
    }
}

fn placements_owed(space: &Space, since: Epoch) -> impl Iterator<Item = Effect> {
    let owed =
        space.placements.values().filter(move |placement| !placement.settled && placement.epoch > since);
    owed.map(|placement| {
        let partition = PartitionRef { space: space.id, partition: placement.partition };
        let (voters, generation, epoch) = (placement.voters.clone(), placement.generation, placement.epoch);
        if generation == Generation(1) {
            Effect::CreatePartition { partition, voters, epoch }
        } else {
            Effect::MovePartition { partition, voters, generation, epoch }
        }
    })
}
