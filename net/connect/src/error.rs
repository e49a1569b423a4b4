//! The error of this crate: what stops a source or a sink. A record that cannot be read does not;
//! it becomes a [`Reject`](crate::Reject).

use std::io;

use cep_types::options::OptionError;

/// What stopped a source or a sink, or kept it from opening.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// A file could not be opened or made.
    #[error("cannot open '{path}': {error}")]
    Open {
        /// The path as the user wrote it.
        path: String,
        /// What the system said.
        #[source]
        error: io::Error,
    },
    /// Reading failed; everything before `position` has been delivered.
    #[error("reading '{name}' failed after byte {position}: {error}")]
    Read {
        /// The path as the user wrote it, or `stdin`.
        name: String,
        /// Bytes of (unpacked) input delivered before the error.
        position: u64,
        /// What the system, or the unpacker, said.
        #[source]
        error: io::Error,
    },
    /// The header of a CSV does not have what the columns need.
    #[error("'{name}': {reason}{}", .suggestion.as_ref().map(|s| format!(" ({s})")).unwrap_or_default())]
    Header {
        /// The path as the user wrote it, or `stdin`.
        name: String,
        /// What is missing or ambiguous.
        reason: String,
        /// What was probably meant.
        suggestion: Option<String>,
    },
    /// The input is text in an encoding that is not UTF-8.
    #[error("'{name}' starts with a {encoding} byte order mark; convert it to UTF-8 first")]
    Encoding {
        /// The path as the user wrote it, or `stdin`.
        name: String,
        /// The encoding that the mark stands for.
        encoding: &'static str,
    },
    /// Writing failed.
    #[error("writing '{name}' failed: {error}")]
    Write {
        /// The path as the user wrote it, or `stdout`.
        name: String,
        /// What the system said.
        #[source]
        error: io::Error,
    },
    /// The reader of standard output went away; not a failure of the run.
    #[error("the reader of the output went away")]
    OutputClosed,
    /// The options cannot be used as asked.
    #[error(transparent)]
    Options(#[from] OptionError),
    /// A stream has a column of a type that no connector knows.
    #[error("column '{column}' has type {data_type}, which connectors do not know")]
    UnsupportedType {
        /// Name of the column.
        column: String,
        /// The type.
        data_type: String,
    },
    /// A generated value does not fit its column.
    #[error("generated value {value} of row {row} does not fit column '{column}' ({expected})")]
    GeneratedRange {
        /// Name of the column.
        column: String,
        /// The value.
        value: String,
        /// Row from 0.
        row: u64,
        /// The column's type.
        expected: String,
    },
    /// A batch could not be put together, or is not of the sink's schema.
    #[error("batch of '{stream}': {error}")]
    Batch {
        /// The stream.
        stream: String,
        /// What was inconsistent.
        #[source]
        error: arrow_schema::ArrowError,
    },
}
