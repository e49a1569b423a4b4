//! The one error of replication. Each variant says what happened, to what, and what to do.

use std::io;

use wal::WalError;

use crate::types::PeerId;

/// What replication reports. It never logs what it returns.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RaftError {
    /// TRANSIENT: another peer leads the group, or none does yet. The proposal was not taken.
    #[error("{}", not_leader(leader.as_ref()))]
    NotLeader {
        /// Who leads, if that is known.
        leader: Option<PeerId>,
    },
    /// UNKNOWN: leadership was lost before the entry was committed; it may still come to be.
    #[error(
        "leadership was lost before the entry was committed; look whether it was applied before you repeat it"
    )]
    Unknown,
    /// The group was shut down. What was under way may still come to be after a restart.
    #[error("the group was stopped; start it again")]
    Stopped,
    /// PERMANENT: the log cannot keep what it is given (R-DUR-2). What was not acknowledged may be lost.
    #[error("the group cannot make anything durable any more: {reason}")]
    Durability {
        /// The first failure.
        reason: String,
    },
    /// The log refused, and says why.
    #[error(transparent)]
    Log(#[from] WalError),
    /// Bytes in the log that this program does not read.
    #[error("a {what} in the log cannot be read: {reason}; use the program that wrote it")]
    Format {
        /// What they should be.
        what: &'static str,
        /// What is wrong.
        reason: String,
    },
    /// The machine could not take or give a snapshot.
    #[error("the machine refuses the snapshot: {reason}; repair this replica from a peer or a backup")]
    Machine {
        /// What it said.
        reason: String,
    },
    /// A setting is out of its range.
    #[error("{name}: {reason}; change the setting")]
    Option {
        /// Its name.
        name: &'static str,
        /// The range.
        reason: String,
    },
}

fn not_leader(leader: Option<&PeerId>) -> String {
    match leader {
        Some(leader) => format!("{leader} leads this group; send it there"),
        None => "no peer leads this group now; try again".to_owned(),
    }
}

impl RaftError {
    /// Whether the same call may succeed later, here or at the leader.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::NotLeader { .. } => true,
            Self::Log(error) => error.is_transient(),
            _ => false,
        }
    }
}

/// openraft's storage speaks `io::Error`; ours goes through it whole.
impl From<RaftError> for io::Error {
    fn from(error: RaftError) -> Self {
        Self::other(error)
    }
}

/// The result of replication.
pub type Result<T> = std::result::Result<T, RaftError>;
