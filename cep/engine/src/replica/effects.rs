//! What came of an entry: outcomes for who appended, rows for who subscribed, errors for who operates.

use arrow_array::RecordBatch;
use cep_types::frame::{ColumnId, SchemaVersion};
use cep_types::{Op, StreamId};

use crate::actions::RecordError;

/// What became of a row (R-ACK-1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It was applied.
    Applied,
    /// It had been applied before.
    Duplicate,
    /// It was not applied.
    Rejected(RejectReason),
}

/// Why a row was not applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RejectReason {
    /// A value does not fit its column.
    Value,
    /// Its event time is too far in the future (R-LATE-3).
    FutureTime,
    /// First sent too long ago.
    RetryExpired,
    /// Rows of its producer before it are missing.
    SequenceGap,
    /// No place to remember its id; it may be sent again.
    Full,
    /// No definition that runs takes rows of its stream; it may be sent again.
    NoReader,
}

/// Rows of a part that fared alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OutcomeRun {
    /// How many.
    pub rows: u32,
    /// What became of them.
    pub outcome: Outcome,
}

/// Rows for one stream.
#[derive(Debug, Clone)]
pub struct Delivery {
    /// The stream, as the space numbers it.
    pub stream: StreamId,
    /// The schema that the definition declares.
    pub schema_version: SchemaVersion,
    /// Id of each column.
    pub columns: Vec<ColumnId>,
    /// Where the rows stand among all that the entry led to: first ordinal and count of each stretch,
    /// ascending.
    pub ordinals: Vec<(u32, u32)>,
    /// The rows.
    pub rows: RecordBatch,
    /// What each row does; empty in a stream that is only added to.
    pub ops: Vec<Op>,
}

/// An error of a definition.
#[derive(Debug, Clone)]
pub struct DefinitionError {
    /// Its name.
    pub definition: String,
    /// The entry's part whose row is meant; `None` when none is.
    pub part: Option<u32>,
    /// What happened; its row is that of the part.
    pub error: RecordError,
}

/// What came of an entry. Reused: [`Effects::clear`] keeps the allocations.
#[derive(Debug, Default)]
pub struct Effects {
    /// One list a part of the entry; together they cover its rows.
    pub outcomes: Vec<Vec<OutcomeRun>>,
    /// Output rows, in the order in which they were made.
    pub deliveries: Vec<Delivery>,
    /// What could not be computed.
    pub errors: Vec<DefinitionError>,
    /// Rows made so far: the ordinal of the next one.
    pub ordinal: u32,
}

impl Effects {
    /// Forgets all.
    pub fn clear(&mut self) {
        self.outcomes.clear();
        self.deliveries.clear();
        self.errors.clear();
        self.ordinal = 0;
    }
}

/// Adds rows to the last run if they fared alike.
pub(super) fn add(runs: &mut Vec<OutcomeRun>, rows: u32, outcome: Outcome) {
    match runs.last_mut() {
        _ if rows == 0 => {}
        Some(last) if last.outcome == outcome => last.rows += rows,
        _ => runs.push(OutcomeRun { rows, outcome }),
    }
}
