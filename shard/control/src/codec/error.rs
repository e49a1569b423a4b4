//! What can be wrong with bytes.

/// Bytes that are not a command or a snapshot of this version.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CodecError {
    /// Longer than anything of that kind may be.
    #[error("a {what} of {bytes} bytes; at most {bytes_max}: the file is not a {what}, or is damaged")]
    TooLong {
        /// `command` or `snapshot`.
        what: &'static str,
        /// How long it is.
        bytes: usize,
        /// How long it may be.
        bytes_max: usize,
    },
    /// Not JSON, or a document with other fields.
    #[error("not a {what}: {text}; restore it from a peer or a backup")]
    Malformed {
        /// `command` or `snapshot`.
        what: &'static str,
        /// What was found, and where.
        text: String,
    },
    /// A document of something else.
    #[error("the document says it is '{found}', not '{wanted}'; give the right file")]
    Format {
        /// What it says.
        found: String,
        /// What was asked for.
        wanted: &'static str,
    },
    /// Written by another release.
    #[error("{what} of version {found}; this binary reads version {known}: upgrade this node (R-COMPAT-1)")]
    Version {
        /// `command` or `snapshot`.
        what: &'static str,
        /// The version found.
        found: u32,
        /// The version read.
        known: u32,
    },
    /// The state of a snapshot is not the one that was written.
    #[error(
        "the snapshot is damaged: its state has SHA-256 {found}, it says {wanted}; restore it from a peer"
    )]
    Checksum {
        /// SHA-256 of its state.
        found: String,
        /// SHA-256 that it says.
        wanted: String,
    },
    /// The parts of a snapshot contradict each other.
    #[error("the snapshot contradicts itself: {0}; restore it from a peer")]
    Inconsistent(String),
}
