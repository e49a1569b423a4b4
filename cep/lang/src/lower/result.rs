//! What running a statement gives back.

/// Outcome of one statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StatementResult {
    /// The object exists now.
    Created(String),
    /// A query runs now, under this name.
    Started(String),
    /// So many constant rows were inserted.
    Inserted(usize),
    /// The object is gone.
    Dropped(String),
    /// Nothing was to do: `IF NOT EXISTS`, `IF EXISTS`.
    Nothing,
    /// A table of texts: SHOW, DESCRIBE, EXPLAIN, SELECT of constants.
    Rows {
        /// Column names.
        header: Vec<String>,
        /// Rows of as many texts as the header.
        rows: Vec<Vec<String>>,
    },
}
