//! Definitions: what runs. One noun for SQL apps and bundles.
//!
//! A version is stored by `Deploy` and runs by `Activate`. What is *wanted* of the partitions is one
//! action with its epoch and the partitions that have not yet done it; a newer action takes its place, so
//! going back amid an activation is an activation like any other. What each partition runs meanwhile is
//! decided by its own log (R-DET-3), not here.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use cep_types::{Epoch, LogIndex, PartitionId, SpaceId, StampNs};
use serde::{Deserialize, Serialize};

use crate::codec::list::Keyed;
use crate::codec::{list, written};
use crate::id::{DefinitionVersion, EngineLevel};
use crate::schema::StreamDecl;

/// What language it is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DefinitionKind {
    /// Streaming SQL.
    Sql,
    /// PromQL metrics and CEL rules.
    Bundle,
}

/// The source of a definition. It may hold secrets, so printing it for debugging shows its length only
/// (R-SEC-2).
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DefinitionText(pub String);

impl fmt::Debug for DefinitionText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<{} bytes>", self.0.len())
    }
}

/// A stream that a definition reads without declaring it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reads {
    /// Its name.
    pub stream: String,
    /// The columns that it uses.
    pub columns: Vec<String>,
}

/// That the connectors of a version run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Connected {
    /// The streams that its sources fill: no other definition that runs may fill one of them.
    pub feeds: Vec<String>,
    /// Whether what its bare SELECTs make is printed, and nobody else appends.
    pub console: bool,
}

/// What the compiler says about a version. The host compiles before it proposes; the control group
/// believes that it is the meaning of the text and checks that it fits what else is there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Compiled {
    /// The level it was compiled for.
    pub engine_level: EngineLevel,
    /// The streams it declares, internal ones that it repartitions through included.
    pub declares: Vec<StreamDecl>,
    /// The streams of other definitions that it reads.
    pub reads: Vec<Reads>,
    /// Whether its connectors run; `None`: clients append to its sources and subscribe to its sinks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connected: Option<Connected>,
}

/// A stored version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DefinitionVersionRecord {
    /// Which.
    pub version: DefinitionVersion,
    /// Its source.
    pub text: DefinitionText,
    /// SHA-256 of the source, hexadecimal.
    pub sha256: String,
    /// What the compiler says.
    pub compiled: Compiled,
    /// Who deployed it.
    pub actor: String,
    /// When.
    #[serde(with = "written")]
    pub stamp: StampNs,
    /// Its epoch.
    #[serde(with = "written")]
    pub epoch: Epoch,
}

impl Keyed for DefinitionVersionRecord {
    type Key = DefinitionVersion;
    fn key(&self) -> DefinitionVersion {
        self.version
    }
}

/// What partitions are to do with a definition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Action {
    /// Run this version.
    Run(DefinitionVersion),
    /// Run none.
    Stop,
}

/// What is wanted of the partitions now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wanted {
    /// What.
    pub action: Action,
    /// Since when; partitions acknowledge this epoch.
    #[serde(with = "written")]
    pub epoch: Epoch,
    /// Who has not done it yet.
    #[serde(with = "written")]
    pub waiting: BTreeSet<PartitionId>,
}

/// A version that a partition fenced (R-DET-6).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Quarantined {
    /// Where.
    #[serde(with = "written")]
    pub partition: PartitionId,
    /// Which version.
    pub version: DefinitionVersion,
    /// The entry that it cannot get over.
    #[serde(with = "written")]
    pub index: LogIndex,
    /// Since when.
    #[serde(with = "written")]
    pub epoch: Epoch,
    /// Whether the partition has the fence in its log.
    pub acknowledged: bool,
}

impl Keyed for Quarantined {
    type Key = PartitionId;
    fn key(&self) -> PartitionId {
        self.partition
    }
}

/// What a definition is doing, for people.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// Stored, never activated.
    Deployed,
    /// Some partitions have yet to pass the barrier.
    Activating(DefinitionVersion),
    /// Every partition runs it.
    Active(DefinitionVersion),
    /// Some partitions have yet to stop.
    Stopping,
    /// No partition runs it.
    Stopped,
}

/// A definition.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Definition {
    /// Its name.
    pub name: String,
    /// Its language.
    pub kind: DefinitionKind,
    /// Where it runs.
    #[serde(with = "written")]
    pub space: SpaceId,
    /// Its versions, the newest and those in use.
    #[serde(with = "list")]
    pub versions: BTreeMap<DefinitionVersion, DefinitionVersionRecord>,
    /// The number of the newest version.
    pub newest: DefinitionVersion,
    /// What is wanted of the partitions; none before the first activation.
    pub wanted: Option<Wanted>,
    /// What all partitions did last.
    pub settled: Option<Action>,
    /// Where it is fenced. Beside [`Status`]: other partitions go on.
    #[serde(with = "list")]
    pub quarantined: BTreeMap<PartitionId, Quarantined>,
    /// When it was changed last.
    #[serde(with = "written")]
    pub epoch: Epoch,
}

impl Keyed for Definition {
    type Key = String;
    fn key(&self) -> String {
        self.name.clone()
    }
}

impl Definition {
    /// What it is doing.
    pub fn status(&self) -> Status {
        match &self.wanted {
            None => Status::Deployed,
            Some(Wanted { action: Action::Run(version), waiting, .. }) if waiting.is_empty() => {
                Status::Active(*version)
            }
            Some(Wanted { action: Action::Run(version), .. }) => Status::Activating(*version),
            Some(Wanted { waiting, .. }) if waiting.is_empty() => Status::Stopped,
            Some(_) => Status::Stopping,
        }
    }

    /// What the compiler says about the version that is wanted to run.
    pub(crate) fn live(&self) -> Option<&Compiled> {
        match self.wanted.as_ref()?.action {
            Action::Run(version) => self.versions.get(&version).map(|record| &record.compiled),
            Action::Stop => None,
        }
    }

    /// Whether some partition may run this version now.
    pub(crate) fn in_use(&self, version: DefinitionVersion) -> bool {
        let run = Action::Run(version);
        self.settled == Some(run) || self.wanted.as_ref().is_some_and(|wanted| wanted.action == run)
    }

    /// Bytes of its texts.
    pub(crate) fn text_bytes(&self) -> usize {
        self.versions.values().map(|record| record.text.0.len()).sum()
    }
}
