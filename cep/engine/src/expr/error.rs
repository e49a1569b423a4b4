//! Errors: of an expression (it cannot run at all) and of a row (this record is at fault).

use thiserror::Error;

use super::DEPTH_MAX;

/// Why an expression was refused before any row was seen.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ExprError {
    /// Nested deeper than [`DEPTH_MAX`].
    #[error(
        "the expression is nested more than {DEPTH_MAX} levels deep; split it over several views or use IN"
    )]
    TooDeep,
    /// No rule for these operand types: a coercion is missing in the plan, or the operation does
    /// not exist.
    #[error("{operation} is not defined for {operands}; cast the operands")]
    Unsupported {
        /// The operator or function.
        operation: String,
        /// SQL names of the operand types.
        operands: String,
    },
    /// A constant pattern that is not a regular expression.
    #[error(
        "invalid regular expression '{pattern}': {reason}; a bracket or star that stands for itself takes a backslash"
    )]
    InvalidPattern {
        /// The pattern as written.
        pattern: String,
        /// What is wrong in it.
        reason: String,
    },
    /// A function whose result is not a function of its arguments (R-DET-4).
    #[error(
        "function {name} gives another result at every call and cannot be replayed; \
         use the event's own columns, now() or event_time()"
    )]
    Volatile {
        /// The function.
        name: String,
    },
    /// A literal Arrow cannot make a column of.
    #[error("constant of type {data_type} cannot be used: {reason}")]
    InvalidLiteral {
        /// SQL name of its type.
        data_type: String,
        /// What Arrow said.
        reason: String,
    },
}

/// What went wrong for one row, by class; the text is for people.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum RowErrorKind {
    /// Division or modulo by zero.
    DivisionByZero,
    /// The result does not fit its type.
    Overflow,
    /// The value has no counterpart in the target type.
    Cast,
    /// A pattern that came from a column is not a regular expression.
    Pattern,
    /// A function refused its arguments.
    Function,
}

/// The error of one row, without the row.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{message}")]
pub struct RowFailure {
    /// Its class.
    pub kind: RowErrorKind,
    /// What to tell the user: says the value and the target.
    pub message: String,
}

impl RowFailure {
    /// A failure of class `kind`.
    pub fn new(kind: RowErrorKind, message: impl Into<String>) -> Self {
        RowFailure { kind, message: message.into() }
    }

    pub(super) fn division_by_zero() -> Self {
        Self::new(RowErrorKind::DivisionByZero, "division by zero")
    }
}

/// The error of one row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowError {
    /// Row of the input chunk.
    pub row: u32,
    /// What went wrong.
    pub failure: RowFailure,
}

/// Rows in error of one chunk. Several expressions may write to one list; of the errors of one row
/// the first one recorded counts, which is the one that evaluating row by row stops at.
#[derive(Debug, Default, Clone)]
pub struct RowErrors {
    list: Vec<RowError>,
}

impl RowErrors {
    /// An empty list.
    pub fn new() -> Self {
        Self::default()
    }

    /// Records that `row` failed.
    pub fn push(&mut self, row: u32, failure: RowFailure) {
        self.list.push(RowError { row, failure });
    }

    /// Whether no row failed.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Number of errors recorded so far.
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// Forgets everything, keeping the allocation.
    pub fn clear(&mut self) {
        self.list.clear();
    }

    /// Sorts by row and keeps the first error of each row. Returns the list, one entry a row.
    pub fn settle(&mut self) -> &[RowError] {
        // Stable: among the errors of one row the order of evaluation stays.
        self.list.sort_by_key(|e| e.row);
        self.list.dedup_by_key(|e| e.row);
        &self.list
    }

    /// Removes the rows in error from `rows`, which must be ascending. Settles the list.
    pub fn remove_from(&mut self, rows: &mut Vec<u32>) {
        if self.list.is_empty() {
            return;
        }
        let list = self.settle();
        rows.retain(|row| list.binary_search_by_key(row, |e| e.row).is_err());
    }
}
