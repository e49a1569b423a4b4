//! What became of a command.

use std::fmt;

use cep_types::{Epoch, SpaceId};
use serde::{Deserialize, Serialize};

use crate::codec::written;
use crate::id::{ConfigVersion, DefinitionVersion, NodeId, OverrideId};
use crate::limits::{PROBLEMS_MAX, TEXT_BYTES_MAX};
use crate::name::cut;

/// What became of a command.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Outcome {
    /// The state changed.
    Accepted {
        /// The epoch of the change.
        #[serde(with = "written")]
        epoch: Epoch,
        /// The number that something got.
        made: Option<Made>,
    },
    /// Nothing to change: it is as the command wants it, or it reports progress.
    Noted,
    /// Nothing changed, for this reason.
    Refused(Refusal),
    /// An entry that the state has already applied: a snapshot was newer than the log's beginning.
    Skipped,
}

impl Outcome {
    /// The epoch, when the state changed.
    pub fn epoch(&self) -> Option<Epoch> {
        match self {
            Outcome::Accepted { epoch, .. } => Some(*epoch),
            _ => None,
        }
    }

    /// The refusal, when there is one.
    pub fn refusal(&self) -> Option<&Refusal> {
        match self {
            Outcome::Refused(refusal) => Some(refusal),
            _ => None,
        }
    }
}

/// The number that something got from the control group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Made {
    /// A node.
    Node(NodeId),
    /// A partition space.
    Space(#[serde(with = "written")] SpaceId),
    /// A version of a definition.
    DefinitionVersion(DefinitionVersion),
    /// A version of the config.
    ConfigVersion(ConfigVersion),
    /// An override.
    Override(OverrideId),
}

/// Why a command was refused. The codes are stable; the wire's statuses are among them (R-FLOW-1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// Made against an older state than that of what it changes (R-CP-1).
    Stale,
    /// The role may not do that.
    NotAllowed,
    /// The cluster was not founded yet.
    NotFounded,
    /// There is such a thing already.
    Exists,
    /// There is no such thing.
    NotFound,
    /// Values that are wrong in themselves.
    Invalid,
    /// It contradicts another definition or a schema that is in use.
    Schema,
    /// Something else uses it.
    InUse,
    /// A limit would be passed.
    Limit,
    /// Something must be finished first; the same command may succeed later.
    Busy,
    /// The version is fenced (R-DET-6).
    Quarantined,
    /// Another command had this id.
    CommandIdReused,
    /// A node does not support it.
    Unsupported,
}

impl Reason {
    /// The code, as clients and scripts see it.
    pub const fn code(self) -> &'static str {
        match self {
            Reason::Stale => "PERMANENT_EPOCH",
            Reason::NotAllowed => "PERMANENT_AUTH",
            Reason::NotFounded => "TRANSIENT_NOT_FOUNDED",
            Reason::Exists => "PERMANENT_EXISTS",
            Reason::NotFound => "PERMANENT_NOT_FOUND",
            Reason::Invalid => "PERMANENT_INVALID",
            Reason::Schema => "PERMANENT_SCHEMA",
            Reason::InUse => "PERMANENT_IN_USE",
            Reason::Limit => "PERMANENT_LIMIT",
            Reason::Busy => "TRANSIENT_RETRY",
            Reason::Quarantined => "PERMANENT_QUARANTINED",
            Reason::CommandIdReused => "PERMANENT_COMMAND_ID",
            Reason::Unsupported => "PERMANENT_UNSUPPORTED",
        }
    }
}

impl Reason {
    /// What the code means.
    pub const fn meaning(self) -> &'static str {
        match self {
            Reason::Stale => "made against an older state",
            Reason::NotAllowed => "the role may not do that",
            Reason::NotFounded => "the cluster was not founded yet",
            Reason::Exists => "there is such a thing already",
            Reason::NotFound => "there is no such thing",
            Reason::Invalid => "some values are wrong",
            Reason::Schema => "it contradicts what runs already",
            Reason::InUse => "something else uses it",
            Reason::Limit => "a limit would be passed",
            Reason::Busy => "something must be finished first",
            Reason::Quarantined => "the version is fenced",
            Reason::CommandIdReused => "another command had this id",
            Reason::Unsupported => "a node does not support it",
        }
    }
}

/// A command that was refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Refusal {
    /// Its class.
    pub reason: Reason,
    /// What it is about, as in audit records: `definition/app`.
    pub object: String,
    /// What happened and what to do.
    pub text: String,
    /// Everything that is wrong, where there may be several; not kept in the memory of commands.
    pub problems: Vec<Problem>,
}

impl Refusal {
    /// A refusal without single problems.
    pub(crate) fn new(reason: Reason, object: impl Into<String>, text: impl fmt::Display) -> Self {
        Refusal {
            reason,
            object: object.into(),
            text: cut(&text.to_string(), TEXT_BYTES_MAX),
            problems: Vec::new(),
        }
    }

    /// With single problems.
    pub(crate) fn listing(mut self, mut problems: Vec<Problem>) -> Self {
        problems.truncate(PROBLEMS_MAX);
        self.problems = problems;
        self
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}: {}", self.reason.code(), self.object, self.text)?;
        self.problems.iter().try_for_each(|problem| write!(f, "\n  {}: {}", problem.path, problem.text))
    }
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Problem {
    /// Where, as a path from the top of what was given: `/definitions/app/watermark.lateness`.
    pub path: String,
    /// What, and what to write instead.
    pub text: String,
}

impl Problem {
    pub(crate) fn new(path: impl Into<String>, text: impl fmt::Display) -> Self {
        Problem { path: cut(&path.into(), TEXT_BYTES_MAX), text: cut(&text.to_string(), TEXT_BYTES_MAX) }
    }
}
