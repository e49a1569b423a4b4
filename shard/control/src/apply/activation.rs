//! What runs: activation, stop, quarantine (R-HOT-1, R-DET-6).

use cep_types::{Epoch, LogIndex, PartitionId};

use super::{Done, Verdict, fresh};
use crate::control::State;
use crate::definition::{Action, Quarantined, Wanted};
use crate::id::DefinitionVersion;
use crate::outcome::{Reason, Refusal};

impl State {
    pub(super) fn activate(
        &mut self,
        name: &str,
        version: DefinitionVersion,
        despite_quarantine: bool,
        base: Option<Epoch>,
    ) -> Verdict {
        let object = format!("definition/{name}");
        let definition = self.known_definition(name)?;
        fresh(base, definition.epoch, &object)?;
        let Some(record) = definition.versions.get(&version) else {
            let text = format!("it has no version {}, or no more; deploy it anew", version.0);
            return Err(Refusal::new(Reason::NotFound, object, text));
        };
        let fenced = definition.quarantined.values().find(|fence| fence.version == version);
        match fenced {
            Some(fence) if !despite_quarantine => {
                let text = format!(
                    "version {} aborted partition {} at entry {}; deploy one that does not, or activate it despite that",
                    version.0, fence.partition.0, fence.index.0
                );
                return Err(Refusal::new(Reason::Quarantined, object, text));
            }
            None if definition
                .wanted
                .as_ref()
                .is_some_and(|wanted| wanted.action == Action::Run(version)) =>
            {
                return Ok(Done::Noted);
            }
            _ => {}
        }
        let level = self.engine_level();
        if record.compiled.engine_level.0.saturating_add(1) < level.0 {
            let text = format!(
                "version {} is compiled for a level that is no longer run; deploy it anew",
                version.0
            );
            return Err(Refusal::new(Reason::Unsupported, object, text));
        }
        let plan = self.plan_streams(name, definition.space, Some(&record.compiled))?;
        let rerouted = self.set_streams(plan);
        self.want(name, Action::Run(version));
        Ok(if rerouted { Done::Rerouted(None) } else { Done::Changed(None) })
    }

    pub(super) fn stop(&mut self, name: &str, base: Option<Epoch>) -> Verdict {
        let object = format!("definition/{name}");
        let definition = self.known_definition(name)?;
        fresh(base, definition.epoch, &object)?;
        match &definition.wanted {
            None => return Ok(Done::Noted),
            Some(wanted) if wanted.action == Action::Stop => return Ok(Done::Noted),
            Some(_) => {}
        }
        let plan = self.plan_streams(name, definition.space, None)?;
        let rerouted = self.set_streams(plan);
        self.want(name, Action::Stop);
        Ok(if rerouted { Done::Rerouted(None) } else { Done::Changed(None) })
    }

    /// From now on every partition of its space is to do `action`.
    fn want(&mut self, name: &str, action: Action) {
        let epoch = self.next_epoch();
        let Some(definition) = self.definitions.get_mut(name) else {
            return;
        };
        let space = self.spaces.get(&definition.space);
        let waiting = space.map(|space| space.partitions().collect()).unwrap_or_default();
        definition.wanted = Some(Wanted { action, epoch, waiting });
        definition.epoch = epoch;
    }

    pub(super) fn quarantine(
        &mut self,
        name: &str,
        version: DefinitionVersion,
        partition: PartitionId,
        index: LogIndex,
    ) -> Verdict {
        let object = format!("definition/{name}");
        let epoch = self.next_epoch();
        let definition = self.known_definition(name)?;
        let there =
            self.spaces.get(&definition.space).is_some_and(|space| space.placements.contains_key(&partition));
        if !there || !definition.versions.contains_key(&version) {
            let text = "there is no such version or partition; the report is of another cluster";
            return Err(Refusal::new(Reason::NotFound, object, text));
        }
        if definition.quarantined.get(&partition).is_some_and(|fence| fence.version >= version) {
            return Ok(Done::Noted);
        }
        let fence = Quarantined { partition, version, index, epoch, acknowledged: false };
        if let Some(definition) = self.definitions.get_mut(name) {
            definition.quarantined.insert(partition, fence);
        }
        Ok(Done::Changed(None))
    }
}
