//! Questions of clients and operators: one bounded SELECT, answered by the partitions of a space.
//!
//! Here what is asked and answered · `part` one partition · `all` the partitions of a space, one after the
//! other, and their answers put together.
//!
//! Invariants: a question changes nothing and is in no log; each partition's answer is true at one log
//! index, which is told; rows, bytes, groups and rows looked at, and time are bounded, and what goes beyond is an
//! error, never a part of the answer that looks like the whole.

pub(crate) mod all;
pub(crate) mod part;

use std::sync::Arc;
use std::time::Duration;

use arrow_array::RecordBatch;
use cep_engine::replica::{AskError, Planned};
use cep_lang::lower::Question;
use cep_types::{LogIndex, PartitionId};
use net_wire::Status;

/// Rows of an answer at most.
pub const ROWS_MAX: u32 = 100_000;
/// Bytes of an answer at most, as it lies in memory.
pub const BYTES_MAX: usize = 32 << 20;
/// Groups, or rows of a table, that one partition looks at for a question at most.
pub const GROUPS_MAX: usize = 200_000;
/// How long a question may take when it does not say, and at most.
pub const TIMEOUT_DEFAULT: Duration = Duration::from_secs(5);
/// See [`TIMEOUT_DEFAULT`].
pub const TIMEOUT_MAX: Duration = Duration::from_secs(30);
/// How long a partition applies nothing for the sake of one question at most.
pub(crate) const HOLD_NS_MAX: u64 = 1_000_000_000;
/// Questions that a shard answers at once at most.
pub(crate) const QUESTIONS_MAX: u32 = 64;

/// A question to a space.
#[derive(Debug, Clone)]
pub struct Ask {
    /// What is asked.
    pub question: Arc<Question>,
    /// The space's name; may be empty where there is only one.
    pub space: String,
    /// One partition of it; all when `None`.
    pub partition: Option<PartitionId>,
    /// Most rows that are wanted; `None` for [`ROWS_MAX`].
    pub rows_max: Option<u32>,
    /// How long it may take; [`TIMEOUT_MAX`] at most.
    pub timeout: Duration,
}

impl Ask {
    /// A question to all partitions of the only space.
    pub fn new(question: Question) -> Self {
        let question = Arc::new(question);
        Ask { question, space: String::new(), partition: None, rows_max: None, timeout: TIMEOUT_DEFAULT }
    }
}

/// The answer of a space.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The rows; of several partitions in their order, unless the question says another one.
    pub rows: RecordBatch,
    /// Whether there were more than wanted.
    pub is_truncated: bool,
    /// Last entry applied of each partition that was asked.
    pub read_at: Vec<(PartitionId, LogIndex)>,
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text}")]
pub struct Unanswered {
    /// What a client is told.
    pub status: Status,
    /// For people.
    pub text: String,
    /// Transient only: try again after so long.
    pub retry_after_ms: u32,
    /// Who has the partition.
    pub redirect: Option<String>,
}

impl Unanswered {
    pub(crate) fn wrong(text: impl Into<String>) -> Self {
        Unanswered { status: Status::PermanentQuery, text: text.into(), retry_after_ms: 0, redirect: None }
    }

    pub(crate) fn later(status: Status, text: impl Into<String>) -> Self {
        Unanswered { status, text: text.into(), retry_after_ms: 50, redirect: None }
    }

    pub(crate) fn too_late() -> Self {
        let text = "the query was not answered within its timeout; ask for less, or give it more time";
        Unanswered { retry_after_ms: 1_000, ..Unanswered::later(Status::TransientRetry, text) }
    }

    fn too_large(what: &str, max: impl std::fmt::Display) -> Self {
        let text = format!(
            "the answer needs more than {max} {what}; ask for a shorter time, a coarser grain, a key of the table, or fewer rows with LIMIT"
        );
        Unanswered::wrong(text)
    }
}

impl From<AskError> for Unanswered {
    fn from(error: AskError) -> Self {
        let text = error.to_string();
        match error {
            AskError::Wrong(_) => Unanswered::wrong(text),
            AskError::Changed(_) => Unanswered::later(Status::TransientRetry, text),
        }
    }
}

/// A question to one partition.
#[derive(Debug, Clone)]
pub struct PartAsk {
    pub(crate) question: Arc<Question>,
    /// As another partition of the space compiled it.
    pub(crate) planned: Option<Arc<Planned>>,
    /// Others are asked, too: steps that need the rows of all are done later.
    pub(crate) is_one_of_many: bool,
    pub(crate) timeout: Duration,
}

/// The answer of one partition.
#[derive(Debug, Clone)]
pub struct PartAnswer {
    pub(crate) planned: Arc<Planned>,
    pub(crate) rows: RecordBatch,
    pub(crate) index: LogIndex,
}
