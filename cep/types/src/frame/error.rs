//! Why a frame was refused.

use crate::frame::{ColumnId, FRAME_BYTES_MAX, FRAME_COLUMNS_MAX, FRAME_ROWS_MAX, VERSION};

/// Every error of the frame codec. A frame that is refused on opening was damaged on the way or
/// written by something else than this codec; nothing of it may be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// Fewer bytes than the frame says, or than any frame has.
    #[error("frame is cut short: {have} of {need} bytes; wait for the rest or send it again")]
    Truncated {
        /// Bytes needed.
        need: usize,
        /// Bytes there.
        have: usize,
    },
    /// More bytes than the frame says.
    #[error("{extra} bytes follow the frame; cut them off by `frame_bytes` first")]
    Trailing {
        /// Bytes after the end.
        extra: usize,
    },
    /// The first four bytes are not those of a frame.
    #[error("not an event frame: it begins with {found:02x?}")]
    NotAFrame {
        /// The bytes found.
        found: [u8; 4],
    },
    /// Written by another version of the codec.
    #[error("frame version {found}; this build reads version {VERSION}: upgrade the older side")]
    Version {
        /// The version found.
        found: u16,
    },
    /// A reserved field (flags, encryption, compression) is set.
    #[error("frame uses {what}, which version {VERSION} reserves: upgrade this side")]
    Reserved {
        /// The field.
        what: &'static str,
    },
    /// The checksum does not match: the frame was damaged.
    #[error("frame is damaged: crc32c is {found:08x}, its header says {wanted:08x}; send it again")]
    Checksum {
        /// The checksum in the header.
        wanted: u32,
        /// The checksum of the bytes.
        found: u32,
    },
    /// A size is beyond its limit.
    #[error(
        "frame is too large: {what}; at most {FRAME_BYTES_MAX} bytes, {FRAME_ROWS_MAX} rows and \
         {FRAME_COLUMNS_MAX} columns: split it"
    )]
    TooLarge {
        /// Which size, with its value.
        what: String,
    },
    /// Header or metadata contradict themselves or each other.
    #[error("frame is malformed: {reason}")]
    Malformed {
        /// What is wrong.
        reason: String,
    },
    /// A column contradicts its own description.
    #[error("column {} of the frame is malformed: {reason}", id.0)]
    Column {
        /// The top-level column.
        id: ColumnId,
        /// What is wrong.
        reason: String,
    },
    /// The rows handed to the encoder cannot be framed.
    #[error("column {} cannot be framed: {reason}", id.0)]
    Unsupported {
        /// The top-level column.
        id: ColumnId,
        /// Which type or value, and why.
        reason: String,
    },
    /// The ids handed to the encoder or reader do not fit its columns.
    #[error("column ids do not fit: {reason}")]
    Ids {
        /// What is wrong.
        reason: String,
    },
    /// The reader's type cannot hold every value of the frame's type.
    #[error(
        "column {} ({name}) would be narrowed: {reason}; read it with the schema it was written with",
        id.0
    )]
    Narrowing {
        /// The column.
        id: ColumnId,
        /// Its name in the reader's schema.
        name: String,
        /// From what to what.
        reason: String,
    },
    /// The frame lacks a column that the reader cannot fill.
    #[error("the frame has no column {} ({name}), which is NOT NULL and has no default", id.0)]
    Missing {
        /// The column.
        id: ColumnId,
        /// Its name in the reader's schema.
        name: String,
    },
}

impl FrameError {
    pub(super) fn malformed(reason: impl Into<String>) -> Self {
        FrameError::Malformed { reason: reason.into() }
    }
}
