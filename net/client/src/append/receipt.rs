//! What became of each row of an append (R-ACK-1).

use std::sync::Arc;

use cep_types::{LogIndex, PartitionId};
use net_wire::Reason;

use crate::error::ClientError;

/// What became of one row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RowOutcome {
    /// Committed and applied.
    Applied {
        /// The partition.
        partition: PartitionId,
        /// Log index of its entry.
        index: LogIndex,
        /// The row of the entry.
        row: u32,
    },
    /// Applied before, under the same id: an earlier try got through.
    Duplicate,
    /// Too late for every reader.
    LateDropped,
    /// Not applied.
    Rejected {
        /// Why, for programs.
        reason: Reason,
        /// Why, for people; empty when the server said no more.
        text: Arc<str>,
    },
    /// No answer, or a refusal of all rows that were sent with it.
    Failed {
        /// Why.
        error: Arc<ClientError>,
        /// Whether it may have been applied nevertheless.
        maybe_applied: bool,
    },
}

impl RowOutcome {
    /// Whether the row is in the log: applied now or before.
    pub fn is_applied(&self) -> bool {
        matches!(self, RowOutcome::Applied { .. } | RowOutcome::Duplicate)
    }
}

/// What became of the rows of one append, in the order of the batch.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Receipt {
    rows: Vec<RowOutcome>,
}

impl Receipt {
    pub(super) fn new(rows: Vec<RowOutcome>) -> Self {
        Receipt { rows }
    }

    /// One outcome a row.
    pub fn rows(&self) -> &[RowOutcome] {
        &self.rows
    }

    /// How many rows are in the log: applied now or before.
    pub fn applied(&self) -> usize {
        self.rows.iter().filter(|row| row.is_applied()).count()
    }

    /// Whether all rows are in the log.
    pub fn is_complete(&self) -> bool {
        self.rows.iter().all(RowOutcome::is_applied)
    }

    /// The rows that the server did not take for a reason of their own, with their numbers.
    pub fn rejected(&self) -> impl Iterator<Item = (usize, Reason, &str)> {
        self.rows.iter().enumerate().filter_map(|(row, outcome)| match outcome {
            RowOutcome::Rejected { reason, text } => Some((row, *reason, text.as_ref())),
            _ => None,
        })
    }
}

/// Some rows of an append have no answer of their own: it was refused, or not answered in time.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{error} ({} of {} rows are applied)", receipt.applied(), receipt.rows().len())]
pub struct AppendError {
    /// Why, of the first row that failed.
    pub error: ClientError,
    /// What became of each row, as far as is known.
    pub receipt: Receipt,
}

impl From<ClientError> for AppendError {
    fn from(error: ClientError) -> Self {
        AppendError { error, receipt: Receipt::default() }
    }
}

/// Which rows of a batch a part has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum RowsOf {
    /// Consecutive ones.
    Range {
        /// The first.
        first: usize,
        /// How many.
        count: usize,
    },
    /// These.
    Each(Vec<u32>),
}

impl RowsOf {
    pub(super) fn len(&self) -> usize {
        match self {
            RowsOf::Range { count, .. } => *count,
            RowsOf::Each(rows) => rows.len(),
        }
    }

    pub(super) fn get(&self, at: usize) -> usize {
        match self {
            RowsOf::Range { first, .. } => first + at,
            RowsOf::Each(rows) => rows[at] as usize,
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = usize> + '_ {
        (0..self.len()).map(|at| self.get(at))
    }

    /// The first `count`, and the rest.
    pub(super) fn split(self, count: usize) -> (RowsOf, RowsOf) {
        match self {
            RowsOf::Range { first, count: all } => {
                (RowsOf::Range { first, count }, RowsOf::Range { first: first + count, count: all - count })
            }
            RowsOf::Each(mut rows) => {
                let rest = rows.split_off(count);
                (RowsOf::Each(rows), RowsOf::Each(rest))
            }
        }
    }
}

/// Rows of a part that fared alike.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PartRun {
    pub(super) count: u32,
    /// That of the first row; those behind it are in the rows behind.
    pub(super) outcome: RowOutcome,
}

/// What became of a part.
pub(super) struct PartEnd {
    pub(super) result: Result<Vec<PartRun>, ClientError>,
    /// With an error: whether rows may have been applied nevertheless.
    pub(super) maybe_applied: bool,
}

impl PartEnd {
    /// Writes what became of the rows `of` into the outcomes of the whole batch.
    pub(super) fn write(self, of: &RowsOf, rows: &mut [RowOutcome]) -> Option<ClientError> {
        match self.result {
            Ok(runs) => {
                let mut at = 0;
                for PartRun { count, outcome } in runs {
                    for offset in 0..count {
                        rows[of.get(at)] = behind(&outcome, offset);
                        at += 1;
                    }
                }
                None
            }
            Err(error) => {
                let shared = Arc::new(error.clone());
                for row in of.iter() {
                    rows[row] =
                        RowOutcome::Failed { error: shared.clone(), maybe_applied: self.maybe_applied };
                }
                Some(error)
            }
        }
    }
}

/// The outcome of the row `offset` behind one with this outcome.
fn behind(outcome: &RowOutcome, offset: u32) -> RowOutcome {
    match outcome {
        RowOutcome::Applied { partition, index, row } => {
            RowOutcome::Applied { partition: *partition, index: *index, row: row.saturating_add(offset) }
        }
        other => other.clone(),
    }
}
