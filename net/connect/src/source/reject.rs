//! Records that could not become rows (R-SQL-9).

use std::fmt;

/// Where a record starts in the (unpacked) input.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// Byte, from 0.
    pub byte: u64,
    /// Line, from 1.
    pub line: u64,
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {} (byte {})", self.line, self.byte)
    }
}

/// A record that could not become a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reject {
    /// Where it starts.
    pub position: Position,
    /// What is wrong with it.
    pub reason: RejectReason,
    /// Index of the column that could not be filled, when it was one.
    pub column: Option<usize>,
    /// The record as it came, without its line end; of an oversized record its first
    /// [`OVERSIZED_KEPT_BYTES`].
    pub original: Vec<u8>,
    /// Rows of the same chunk that came before it.
    pub rows_before: usize,
}

/// Bytes kept of a record that is too long to be read.
pub const OVERSIZED_KEPT_BYTES: usize = 4096;

/// What is wrong with a record.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RejectReason {
    /// The value is not one of the column's type.
    #[error("{found} is not {expected}")]
    WrongType {
        /// The column's type.
        expected: Box<str>,
        /// The value, clipped.
        found: Box<str>,
    },
    /// The value is too large for the column's type.
    #[error("{found} does not fit {expected}")]
    OutOfRange {
        /// The column's type.
        expected: Box<str>,
        /// The value, clipped.
        found: Box<str>,
    },
    /// A NOT NULL column has no value.
    #[error("the value is missing, and the column is NOT NULL")]
    MissingValue,
    /// A text is not UTF-8.
    #[error("invalid UTF-8 at byte {at} of the value")]
    InvalidUtf8 {
        /// First bad byte, from 0, within the value.
        at: usize,
    },
    /// The record is longer than `record.bytes_max`.
    #[error("the record is longer than {bytes_max} bytes")]
    Oversized {
        /// The bound.
        bytes_max: usize,
    },
    /// A CSV cell opens a quote that nothing closes within the file or `record.bytes_max`. Only
    /// the line that opens it is left out.
    #[error("a quoted cell is not closed")]
    UnclosedQuote,
    /// A CSV cell goes on behind its closing quote. Only the first line is left out.
    #[error("text follows the closing quote of a cell")]
    TextAfterQuote,
    /// A CSV record has more or fewer cells than the header or the columns.
    #[error("number of cells: {found}, expected {expected}")]
    CellCount {
        /// Cells seen (counting stops one above the expected).
        found: usize,
        /// Cells expected.
        expected: usize,
    },
    /// Not JSON.
    #[error("not valid JSON: {0}")]
    Json(Box<str>),
    /// JSON, but not an object (or array, where paths ask for one).
    #[error("a record must be a JSON object, found {0}")]
    NotAnObject(&'static str),
    /// The input ends inside a JSON array.
    #[error("the input ends before the array is closed")]
    ArrayNotClosed,
    /// The pattern does not match the line (`regex.no-match` = 'error').
    #[error("the line does not match the pattern")]
    NoMatch,
    /// The column that says when the row happened is NULL.
    #[error("the event time is NULL")]
    NoEventTime,
    /// The column that says when the row happened is beyond the years 1677 to 2262.
    #[error("the event time is out of range")]
    EventTimeRange,
    /// It became a row, which could not be processed or written later on: why, in words.
    #[error("{0}")]
    Processing(Box<str>),
}

impl Reject {
    /// The reason in one line, with the column's name when there is one.
    pub fn message(&self, schema: &arrow_schema::Schema) -> String {
        match self.column.and_then(|index| schema.fields().get(index)) {
            Some(field) => format!("{}: column '{}': {}", self.position, field.name(), self.reason),
            None => format!("{}: {}", self.position, self.reason),
        }
    }
}

/// A value for a message: quoted, at most 60 characters, bad UTF-8 replaced.
#[cold]
pub(crate) fn clip(value: &[u8]) -> Box<str> {
    let text = String::from_utf8_lossy(&value[..value.len().min(256)]);
    let mut shown: String = text.chars().take(60).collect();
    if shown.len() < text.len() || value.len() > 256 {
        shown.push('…');
    }
    format!("'{}'", shown.escape_debug()).into()
}
