//! Log entries as bytes: what Raft carries, the log keeps and every replica applies (DESIGN §4).
//!
//! An entry is `[header of 64 bytes | body]`; `docs/formats.md` specifies it byte by byte. Rows of
//! clients stay the event frames they came as: one copy into the entry, none when it is read.
//!
//! Invariants:
//! - [`LogEntry::open`] verifies everything but the frames, which are verified at the door, before
//!   they are logged, and opened again where they are applied.
//! - Frames begin at multiples of [`ALIGNMENT`](crate::frame::ALIGNMENT) of the entry.
//! - No input panics, and none makes the reader allocate more than a fixed multiple of its size.

mod config;
mod definition;
mod events;
#[cfg(test)]
mod tests;

pub use config::Config;
pub use definition::{Action, Activate, Binding, Connectors, Language, Marker, OutputPosition, Quarantine};
pub use events::{EVENT_TIME, EventsWriter, Part, PartHead, PartIds, part_bytes, source_id};

use arrow_buffer::{Buffer, MutableBuffer};

use crate::codec::{DecodeError, Reader, Writer};
use crate::{StampNs, StreamId};

/// The version this code writes, and the only one it reads.
pub const VERSION: u16 = 1;
/// Length of the header.
pub const HEADER_BYTES: usize = 64;
/// Largest entry.
pub const ENTRY_BYTES_MAX: usize = 64 << 20;
/// Most parts of an entry.
pub const PARTS_MAX: usize = 1 << 16;

/// An entry, read.
#[derive(Debug, Clone)]
pub struct LogEntry {
    /// Its time: not before that of any entry before it (R-DET-2).
    pub stamp: StampNs,
    /// What it says.
    pub body: Body,
}

/// What an entry says.
#[derive(Debug, Clone)]
pub enum Body {
    /// Rows that were appended, in order.
    Events(Vec<Part>),
    /// Time passes.
    Tick,
    /// No more rows of this stream: its windows close.
    EndOfInput(StreamId),
    /// From here on a definition runs in another version, or not any more (R-DET-3).
    Activate(Activate),
    /// From here on the partition goes by other values.
    Config(Config),
    /// How far a definition's sinks have come.
    Marker(Marker),
    /// A definition is fenced: applying an entry with it ended the process twice (R-DET-6).
    Quarantine(Quarantine),
}

/// Numbers of the kinds of entries. Never reuse one.
mod kind {
    pub const EVENTS: u16 = 1;
    pub const TICK: u16 = 2;
    pub const END_OF_INPUT: u16 = 3;
    pub const ACTIVATE: u16 = 4;
    pub const CONFIG: u16 = 5;
    pub const MARKER: u16 = 7;
    pub const QUARANTINE: u16 = 8;
}

/// An entry that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LogError {
    /// Written by another version of this program.
    #[error("log entry of version {found}; this program reads version {VERSION}: use one that wrote it")]
    Version {
        /// The version.
        found: u16,
    },
    /// Of a kind that this program does not know.
    #[error("log entry of kind {found}, which this program does not know: use a newer one")]
    Kind {
        /// The kind.
        found: u16,
    },
    /// With a setting that this program does not know.
    #[error("log entry with setting {found}, which this program does not know: use a newer one")]
    Setting {
        /// Its number.
        found: u16,
    },
    /// The bytes are no entry.
    #[error("malformed log entry: {0}")]
    Malformed(String),
}

impl From<DecodeError> for LogError {
    fn from(error: DecodeError) -> Self {
        LogError::Malformed(error.0)
    }
}

impl LogEntry {
    /// Reads the entry that `bytes` holds. The frames of its rows share its memory.
    ///
    /// # Errors
    /// If it is of another version, of an unknown kind or malformed.
    pub fn open(bytes: &Buffer) -> Result<Self, LogError> {
        if bytes.len() < HEADER_BYTES {
            return Err(malformed("shorter than its header"));
        }
        let mut header = Reader::new(&bytes[..HEADER_BYTES]);
        let version = u16::from_le_bytes(header.array()?);
        if version != VERSION {
            return Err(LogError::Version { found: version });
        }
        let kind = u16::from_le_bytes(header.array()?);
        let parts = header.u32()?;
        let stamp = StampNs(header.i64()?);
        let stream = StreamId(header.u32()?);
        if header.take(header.left())?.iter().any(|&byte| byte != 0) {
            return Err(malformed("reserved bytes of the header are not zero"));
        }
        if (kind != kind::EVENTS && parts != 0) || (kind != kind::END_OF_INPUT && stream.0 != 0) {
            return Err(malformed("fields that its kind does not have"));
        }
        let body = match kind {
            kind::EVENTS => Body::Events(events::open(bytes, parts)?),
            kind::TICK => nothing_behind(bytes, Body::Tick)?,
            kind::END_OF_INPUT => nothing_behind(bytes, Body::EndOfInput(stream))?,
            kind::ACTIVATE => Body::Activate(definition::read_activate(&bytes[HEADER_BYTES..])?),
            kind::CONFIG => Body::Config(config::read(&bytes[HEADER_BYTES..])?),
            kind::MARKER => Body::Marker(definition::read_marker(&bytes[HEADER_BYTES..])?),
            kind::QUARANTINE => Body::Quarantine(definition::read_quarantine(&bytes[HEADER_BYTES..])?),
            found => return Err(LogError::Kind { found }),
        };
        Ok(LogEntry { stamp, body })
    }
}

/// Bytes of an entry in which time passes.
pub fn tick(stamp: StampNs) -> Buffer {
    Buffer::from(header(kind::TICK, 0, stamp, StreamId(0)))
}

/// Bytes of an entry that ends a stream.
pub fn end_of_input(stamp: StampNs, stream: StreamId) -> Buffer {
    Buffer::from(header(kind::END_OF_INPUT, 0, stamp, stream))
}

/// Bytes of an entry that activates or stops a definition.
pub fn activate(stamp: StampNs, activate: &Activate) -> Buffer {
    let mut body = Writer::default();
    definition::write_activate(activate, &mut body);
    with_body(kind::ACTIVATE, stamp, &body.bytes)
}

/// Bytes of an entry that sets what a partition goes by.
pub fn config(stamp: StampNs, config: &Config) -> Buffer {
    let mut body = Writer::default();
    config::write(config, &mut body);
    with_body(kind::CONFIG, stamp, &body.bytes)
}

/// Bytes of an entry that says how far a definition's sinks have come.
pub fn marker(stamp: StampNs, marker: &Marker) -> Buffer {
    let mut body = Writer::default();
    definition::write_marker(marker, &mut body);
    with_body(kind::MARKER, stamp, &body.bytes)
}

/// Bytes of an entry that fences a definition.
pub fn quarantine(stamp: StampNs, quarantine: &Quarantine) -> Buffer {
    let mut body = Writer::default();
    definition::write_quarantine(quarantine, &mut body);
    with_body(kind::QUARANTINE, stamp, &body.bytes)
}

fn with_body(kind: u16, stamp: StampNs, body: &[u8]) -> Buffer {
    let mut bytes = header(kind, 0, stamp, StreamId(0));
    bytes.extend_from_slice(body);
    Buffer::from(bytes)
}

/// The header, in memory that frames can be aligned in.
fn header(kind: u16, parts: u32, stamp: StampNs, stream: StreamId) -> MutableBuffer {
    let mut bytes = MutableBuffer::new(HEADER_BYTES);
    bytes.extend_from_slice(&VERSION.to_le_bytes());
    bytes.extend_from_slice(&kind.to_le_bytes());
    bytes.extend_from_slice(&parts.to_le_bytes());
    bytes.extend_from_slice(&stamp.0.to_le_bytes());
    bytes.extend_from_slice(&stream.0.to_le_bytes());
    bytes.extend_zeros(HEADER_BYTES - bytes.len());
    bytes
}

fn nothing_behind(bytes: &Buffer, body: Body) -> Result<Body, LogError> {
    if bytes.len() > HEADER_BYTES { Err(malformed("bytes behind its end")) } else { Ok(body) }
}

fn malformed(what: impl Into<String>) -> LogError {
    LogError::Malformed(what.into())
}
