//! The event frame: rows of one stream, columnar, as they travel, are logged and are held in memory.
//!
//! A frame is `[fixed header | FlatBuffers metadata | column bytes]`; `docs/formats.md` specifies it
//! byte by byte. [`Encoder`] writes frames, [`Frame::open`] verifies one and builds its Arrow arrays
//! in place, [`Frame::read`] fits them to the schema of the reader.
//!
//! Invariants:
//! - Everything is verified once, in [`Frame::open`]; what it returns needs no further check.
//! - The layout is canonical: column bytes follow each other in one order, padded with zeros to
//!   [`ALIGNMENT`], and nothing else is in the frame. So ranges cannot overlap or hide anything.
//! - Columns are known by id, never by position; ids ascend and are never reused within a stream.
//! - No input panics and no input makes the reader allocate more than a fixed multiple of its size.

mod conform;
mod decode;
mod encode;
mod error;
mod generated;
mod header;
mod kind;
mod read;
mod verify;

#[cfg(test)]
mod tests;

pub use decode::{Frame, FrameColumn};
pub use encode::{Encoder, encode};
pub use error::FrameError;
pub use header::{HEADER_BYTES, frame_bytes};
pub use kind::type_number;
pub use read::{ReadColumn, ReadSchema};

use crate::StreamId;

/// The version this code writes, and the only one it reads.
pub const VERSION: u16 = 1;
/// Columns and whole frames start at multiples of this many bytes.
pub const ALIGNMENT: usize = 64;
/// Largest frame, header included.
pub const FRAME_BYTES_MAX: usize = 256 << 20;
/// Most rows of a frame.
pub const FRAME_ROWS_MAX: usize = 1 << 20;
/// Most top-level columns of a frame.
pub const FRAME_COLUMNS_MAX: usize = 4096;
/// Deepest nesting of ARRAY, MAP and STRUCT in one column; a plain column has depth 1.
pub const NESTING_MAX: usize = 16;

/// Number of a column within its stream; stable across schema versions and never reused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ColumnId(pub u32);

/// Version of a stream's schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct SchemaVersion(pub u32);

/// Whose rows a frame holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FrameHead {
    /// The stream.
    pub stream: StreamId,
    /// The version of its schema that the rows were written with.
    pub schema_version: SchemaVersion,
}

// Values go from memory to frames and back as they are, and frames are little-endian.
const _: () = assert!(cfg!(target_endian = "little"), "frames are read and written in place");

/// `bytes` rounded up to a multiple of [`ALIGNMENT`].
fn aligned(bytes: usize) -> usize {
    bytes.next_multiple_of(ALIGNMENT)
}
