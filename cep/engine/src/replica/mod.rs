//! What a partition of a node is: which rows are new, which definitions run, and what they make of the
//! rows.
//!
//! [`Replica::apply`] takes the entries of the partition's log ([`cep_types::log`]) in their order; each
//! definition has a [`Partition`](crate::Partition) of its own. Here what it is · `dedup` which rows are
//! new · `definition` one definition with its streams · `sources` rows of its own sources · `apply` an
//! entry, part by part · `feed` rows for one definition · `effects` what came of it · `ask` questions,
//! which change nothing · `state` bytes and hash.
//!
//! Invariants:
//! - State and effects are a function of the entries applied (R-DET-1). Definitions are applied in order
//!   of their names, parts in the order of the entry, so positions of output rows are that, too.
//! - A row is given to definitions once (R-IDEM-1): what was judged and what was applied are one state.
//! - A definition that was fenced sees no further entry, and no other definition notices (R-DET-6).

mod apply;
mod ask;
#[cfg(test)]
mod ask_tests;
#[cfg(test)]
mod cut_tests;
mod dedup;
mod definition;
mod effects;
mod feed;
#[cfg(test)]
mod late_tests;
mod sources;
mod state;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use cep_types::log::{Action, Activate, Config};
use cep_types::{Epoch, LogIndex, ProducerId, StampNs, StreamId};

pub use ask::{AskError, Asking, Planned};
pub use dedup::{CLOCK_SKEW_NS_MAX, Dedup, DedupLimits, Verdict};
pub use definition::{Definition, InstallError, compile_options, print_name};
pub use effects::{DefinitionError, Delivery, Effects, Outcome, OutcomeRun, RejectReason};
pub use sources::{SourceRoute, source_routes};

use apply::Cursor;
use sources::Sources;
use state::ReplicaCut;

/// What is decided about a definition's name in this partition.
#[derive(Debug)]
pub(crate) struct Installed {
    /// The newest decision.
    pub(crate) epoch: Epoch,
    /// What was to run, and whether it does; `None` when it was stopped.
    pub(crate) run: Option<Run>,
}

/// A definition that is to run.
#[derive(Debug)]
pub(crate) struct Run {
    /// The entry that said so.
    pub(crate) activate: Activate,
    /// Whether it does.
    pub(crate) state: RunState,
    /// What its own sources have given.
    sources: Sources,
}

/// Whether a definition runs.
#[derive(Debug)]
pub(crate) enum RunState {
    /// It does.
    Active(Box<Definition>),
    /// It does not, from this entry on.
    Fenced {
        /// The entry.
        index: LogIndex,
        /// Why, for people.
        reason: String,
    },
}

/// That a definition, as one decision had it run, must not see an entry, nor any later one. A later decision
/// runs it again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fence {
    /// The definition.
    pub name: String,
    /// Its version.
    pub version: u32,
    /// The epoch of the [`Activate`] entry that it runs by.
    pub epoch: Epoch,
    /// The entry.
    pub index: LogIndex,
    /// Why, for people.
    pub reason: String,
}

/// A definition that is being applied, or prepared for that.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Running {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: u32,
    /// The epoch of the [`Activate`] entry that it runs by.
    pub epoch: Epoch,
}

impl Running {
    fn of(activate: &Activate) -> Self {
        Running { name: activate.name.clone(), version: activate.version, epoch: activate.epoch }
    }
}

/// How a definition fares in this partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DefinitionStatus {
    /// Its name.
    pub name: String,
    /// The version that is to run; `None` when it was stopped.
    pub version: Option<u32>,
    /// The decision it comes from.
    pub epoch: Epoch,
    /// Since when it does not run although it should, and why.
    pub fenced: Option<(LogIndex, String)>,
}

/// State and definitions of a partition of a node.
#[derive(Debug)]
pub struct Replica {
    /// Which partition of its space it is; no state.
    number: u32,
    stamp: StampNs,
    index: LogIndex,
    dedup: Dedup,
    /// What the log set, over the host's defaults.
    config: Option<Config>,
    installed: BTreeMap<String, Installed>,
    /// How far the current entry has come.
    cursor: Option<Cursor>,
    /// A checkpoint that is being written; no state.
    cut: Option<ReplicaCut>,
    /// Known to the host before the log says so; no state.
    fences: Vec<Fence>,
    /// A definition that panics with every row, to test what follows; no state.
    defect: Option<String>,
    /// Which definition is being applied; for the host, when that ends in a panic.
    running: Option<Running>,
}

impl Replica {
    /// An empty partition.
    pub fn new(limits: DedupLimits) -> Self {
        Replica {
            number: 0,
            stamp: StampNs(i64::MIN),
            index: LogIndex(0),
            dedup: Dedup::new(limits),
            config: None,
            installed: BTreeMap::new(),
            cursor: None,
            cut: None,
            fences: Vec::new(),
            defect: None,
            running: None,
        }
    }

    /// Last entry applied.
    pub fn index(&self) -> LogIndex {
        self.index
    }

    /// The largest stamp so far; `i64::MIN` before the first entry.
    pub fn stamp(&self) -> StampNs {
        self.stamp
    }

    /// What the log set; `None`: nothing yet.
    pub fn config(&self) -> Option<&Config> {
        self.config.as_ref()
    }

    /// Number of the next row of a producer; 0 for one that is not known.
    pub fn next_of(&self, replay: bool, producer: ProducerId) -> u64 {
        self.dedup.next_of(replay, producer)
    }

    /// Number of the next row of a definition's source; `None` for one of an activation that does not run.
    pub fn next_of_source(&self, source: ProducerId) -> Option<u64> {
        self.installed
            .values()
            .filter_map(|installed| installed.run.as_ref())
            .find_map(|r| r.sources.next(source))
    }

    /// Whether a stream of the space has ended for a definition, or the definition does not run.
    pub fn has_ended(&self, name: &str, stream: StreamId) -> bool {
        self.definition(name).is_none_or(|definition| {
            definition.input(stream).is_none_or(|inner| definition.partition().has_ended(inner))
        })
    }

    /// The activation that is to run under a name.
    pub fn activation(&self, name: &str) -> Option<&Activate> {
        Some(&self.installed.get(name)?.run.as_ref()?.activate)
    }

    /// A definition is not to see an entry nor what follows it: applying it has ended the process before.
    /// Said before that entry is applied.
    pub fn fence(&mut self, fence: Fence) {
        self.fences.push(fence);
    }

    /// Says which partition of its space it is, for ids of emitted events; 0 unless said.
    pub fn set_number(&mut self, partition: u32) {
        self.number = partition;
    }

    /// Has a definition panic with every row that it is given: for tests of what a host does then (R-DET-6).
    pub fn set_defect(&mut self, definition: Option<String>) {
        self.defect = definition;
    }

    /// The definition that was being applied when [`Replica::apply`] panicked.
    pub fn running(&self) -> Option<&Running> {
        self.running.as_ref()
    }

    /// Whether some definition that runs takes rows of a stream of the space.
    pub fn takes(&self, stream: StreamId) -> bool {
        self.definitions().any(|(_, definition)| definition.input(stream).is_some())
    }

    /// The definitions this partition was told of, by name.
    pub fn statuses(&self) -> impl Iterator<Item = DefinitionStatus> {
        self.installed.iter().map(|(name, installed)| {
            let fenced = installed.run.as_ref().and_then(|run| match &run.state {
                RunState::Fenced { index, reason } => Some((*index, reason.clone())),
                RunState::Active(_) => None,
            });
            let version = installed.run.as_ref().map(|run| run.activate.version);
            DefinitionStatus { name: name.clone(), version, epoch: installed.epoch, fenced }
        })
    }

    /// Whether a stream of the space is the output of a definition that is to run, fenced or not.
    pub fn makes(&self, stream: StreamId) -> bool {
        let bindings = |run: &Run| match &run.activate.action {
            Action::Run { streams, .. } => streams.iter().any(|binding| binding.stream == stream),
            Action::Stop => false,
        };
        self.installed.values().filter_map(|installed| installed.run.as_ref()).any(bindings)
    }

    /// The least stamp at which a tick may have an effect; `None`: none has until something else is applied.
    /// Call only after [`Progress::Done`](crate::Progress::Done).
    pub fn next_due(&self) -> Option<StampNs> {
        let timed = self.definitions().filter(|(_, definition)| definition.wants_ticks());
        timed.filter_map(|(_, definition)| definition.partition().next_due_ns()).min().map(StampNs)
    }

    /// A definition that runs.
    pub fn definition(&self, name: &str) -> Option<&Definition> {
        match &self.installed.get(name)?.run.as_ref()?.state {
            RunState::Active(definition) => Some(definition),
            RunState::Fenced { .. } => None,
        }
    }

    /// As [`Replica::definition`], to be asked.
    pub fn definition_mut(&mut self, name: &str) -> Option<&mut Definition> {
        match &mut self.installed.get_mut(name)?.run.as_mut()?.state {
            RunState::Active(definition) => Some(definition),
            RunState::Fenced { .. } => None,
        }
    }

    /// The definitions that run, in order of their names.
    pub fn definitions(&self) -> impl Iterator<Item = (&str, &Definition)> {
        self.installed.iter().filter_map(|(name, installed)| match &installed.run.as_ref()?.state {
            RunState::Active(definition) => Some((name.as_str(), &**definition)),
            RunState::Fenced { .. } => None,
        })
    }
}
