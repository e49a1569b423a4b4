//! What can go wrong in an aggregate.

use arrow_schema::DataType;
use cep_types::sql_type::sql_type_name;

/// Errors of aggregates.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum AggError {
    /// No state exists for these types.
    #[error("{func} of ({args}) is not supported; cast the argument to a type it takes")]
    Unsupported {
        /// The aggregate.
        func: &'static str,
        /// SQL names of the types of the arguments.
        args: String,
    },
    /// A parameter or clause that the aggregate cannot have.
    #[error("{func}: {reason}")]
    Parameter {
        /// The aggregate.
        func: &'static str,
        /// What is wrong and what to write instead.
        reason: String,
    },
    /// The exact result is out of range of the result type.
    #[error("{func} is out of range of {}; cast the argument to a wider type", sql_type_name(result))]
    Overflow {
        /// The aggregate.
        func: &'static str,
        /// The type that is too narrow.
        result: DataType,
    },
    /// The result would have more elements or bytes than a value may.
    #[error("{func} has a result of more than {bytes_max} bytes; narrow the window or the group")]
    TooLarge {
        /// The aggregate.
        func: &'static str,
        /// The bound.
        bytes_max: usize,
    },
    /// Encoded bytes that no version of this program wrote.
    #[error("encoded aggregate state is damaged: {what}")]
    Corrupt {
        /// Which part.
        what: &'static str,
    },
    /// Encoded by another version.
    #[error("aggregate state version {found} is not {known}; upgrade, or rebuild the state from the log")]
    Version {
        /// In the bytes.
        found: u8,
        /// Of this program.
        known: u8,
    },
}
