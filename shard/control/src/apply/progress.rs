//! What partitions report back.
//!
//! A report names the epoch of the effect. One for an older epoch than the wanted one is late and changes
//! nothing; so is one that was heard before. Reports are therefore sent as often as one likes.

use cep_types::{Epoch, PartitionId};

use super::{Done, Verdict};
use crate::command::Acknowledged;
use crate::control::State;
use crate::definition::{Action, Definition};
use crate::id::PartitionRef;
use crate::outcome::{Reason, Refusal};

impl State {
    pub(super) fn acknowledge(
        &mut self,
        partition: PartitionRef,
        what: &Acknowledged,
        epoch: Epoch,
    ) -> Verdict {
        self.placement(partition)?;
        if epoch > self.epoch {
            let text = format!("there is no epoch {} yet; the report is of another cluster", epoch.0);
            return Err(Refusal::new(Reason::Stale, format!("partition/{partition}"), text));
        }
        let settled = match what {
            Acknowledged::Placement => self.placed(partition, epoch),
            Acknowledged::Config => {
                if self.config_owed.get(&partition).is_some_and(|owed| owed.epoch <= epoch) {
                    self.config_owed.remove(&partition);
                }
                return Ok(Done::Noted);
            }
            Acknowledged::Definition(name) => {
                self.known_in(name, partition).is_some_and(|found| found.acted(partition.partition, epoch))
            }
            Acknowledged::Quarantine(name) => {
                let found = self.known_in(name, partition);
                let fence = found.and_then(|found| found.quarantined.get_mut(&partition.partition));
                if let Some(fence) = fence.filter(|fence| fence.epoch == epoch) {
                    fence.acknowledged = true;
                }
                return Ok(Done::Noted);
            }
        };
        match (settled, what) {
            (false, _) => Ok(Done::Noted),
            (true, Acknowledged::Placement) => Ok(Done::Rerouted(None)),
            (true, _) => Ok(Done::Changed(None)),
        }
    }

    fn placed(&mut self, partition: PartitionRef, epoch: Epoch) -> bool {
        match self.placement_mut(partition) {
            Some(placement) if placement.epoch == epoch && !placement.settled => {
                placement.settled = true;
                placement.voters_before.clear();
                true
            }
            _ => false,
        }
    }

    /// The definition, when it runs in the partition's space. One that was removed is none: its last
    /// reports come late.
    fn known_in(&mut self, name: &str, partition: PartitionRef) -> Option<&mut Definition> {
        self.definitions.get_mut(name).filter(|definition| definition.space == partition.space)
    }
}

impl Definition {
    /// A partition did what is wanted since `epoch`. Whether it was the last one.
    fn acted(&mut self, partition: PartitionId, epoch: Epoch) -> bool {
        let Some(wanted) = self.wanted.as_mut().filter(|wanted| wanted.epoch == epoch) else {
            return false;
        };
        if !wanted.waiting.remove(&partition) {
            return false;
        }
        // A fence from before the barrier is behind it; one that was put up since stands.
        let behind = |version| Action::Run(version) != wanted.action;
        self.quarantined
            .retain(|at, fence| *at != partition || (fence.epoch > epoch && !behind(fence.version)));
        if wanted.waiting.is_empty() {
            self.settled = Some(wanted.action);
            return true;
        }
        false
    }
}
