//! Rows of a part for one definition, and how they are applied.

use cep_lang::diag::codes;
use cep_types::{Entry, EntryKind};

use super::effects::{DefinitionError, Effects, RejectReason};
use super::{Replica, RunState, Running};
use crate::actions::{RecordError, Subject};
use crate::partition::{Budget, Progress};

/// Something that one definition is to apply.
#[derive(Debug)]
pub(super) struct Feed {
    /// The definition.
    pub(super) name: String,
    /// What it applies.
    pub(super) entry: Entry,
}

impl Replica {
    /// Applies a part of `feed`; deliveries and errors go to `effects`, rows that were too late to `late`. Who is
    /// running stands until the caller has taken note of them.
    pub(super) fn apply_feed(
        &mut self,
        feed: &Feed,
        part: Option<u32>,
        budget: &mut Budget,
        late: &mut Vec<u64>,
        effects: &mut Effects,
    ) -> Progress {
        let Some(run) = self.installed.get_mut(&feed.name).and_then(|installed| installed.run.as_mut())
        else {
            return Progress::Done;
        };
        let RunState::Active(definition) = &mut run.state else { return Progress::Done };
        self.running = Some(Running::of(&run.activate));
        let is_row = matches!(feed.entry.kind, EntryKind::Events(_));
        assert!(!is_row || self.defect.as_ref() != Some(&feed.name), "a defect that a test asked for");
        let (partition, actions) = definition.parts();
        partition.set_number(self.number);
        let progress = partition.apply(&feed.entry, budget, actions);
        let errors = std::mem::take(&mut actions.errors);
        late.append(&mut actions.late);
        definition.deliver(effects);
        definition.parts().1.clear();
        effects.errors.extend(errors.into_iter().map(|error| DefinitionError {
            definition: feed.name.clone(),
            part,
            error,
        }));
        progress
    }
}

/// Why a definition did not take a row at all; `None` if only a query of it failed.
pub(super) fn refusal(error: &RecordError) -> Option<RejectReason> {
    if error.query.is_some() || error.subject != Subject::Record {
        return None;
    }
    Some(if error.code == codes::TIME_AHEAD { RejectReason::FutureTime } else { RejectReason::Value })
}
