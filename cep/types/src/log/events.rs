//! Entries of rows: parts, each the rows of one append.
//!
//! | offset | bytes | field of a part's head |
//! |---|---|---|
//! | 0 | 4 | stream |
//! | 4 | 4 | schema version |
//! | 8 | 4 | rows |
//! | 12 | 1 | ids: 1 sequence, 2 opaque, 3 source |
//! | 13 | 1 | flags: 1 replay |
//! | 14 | 2 | reserved: 0 |
//! | 16 | 8 | producer or source; 0 with opaque ids |
//! | 24 | 8 | number of the first row; 0 with opaque ids |
//! | 32 | 8 | when the rows were first sent, ns since 1970 |
//! | 40 | 4 | length of the frame |
//! | 44 | 20 | reserved: 0 |
//!
//! Behind it come the opaque ids, 16 bytes each, padded with zeros to a multiple of 64, and the frame.

use arrow_buffer::{Buffer, MutableBuffer};

use super::{ENTRY_BYTES_MAX, LogError, PARTS_MAX, header, kind, malformed};
use crate::codec::Reader;
use crate::frame::{ALIGNMENT, ColumnId, FRAME_ROWS_MAX, SchemaVersion};
use crate::hash::SpaceSeed;
use crate::{Epoch, EventId, ProducerId, StampNs, StreamId};

const PART_BYTES: usize = 64;
const SEQUENCE: u8 = 1;
const OPAQUE: u8 = 2;
const SOURCE: u8 = 3;
const REPLAY: u8 = 1;
const ID_BYTES: usize = 16;

/// Ids of the rows of a part (R-IDEM-1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PartIds {
    /// Row i is number `first` + i of the producer.
    Sequence {
        /// Who numbers its rows.
        producer: ProducerId,
        /// Number of the first row.
        first: u64,
    },
    /// One id a row.
    Opaque(Vec<EventId>),
    /// Row i is number `first` + i of those that a connector's source has for the partition
    /// (R-PART-4). A source counts as long as the activation that it belongs to.
    Source {
        /// Which source, as [`source_id`] numbers it.
        source: ProducerId,
        /// Number of the first row.
        first: u64,
    },
}

/// The column of a frame of a source that says when each row happened, a TIMESTAMP, where no column of the
/// stream does. Streams have no column of this id.
pub const EVENT_TIME: ColumnId = ColumnId(u32::MAX);

/// The number of a source: SipHash-2-4 with key 0 of the activation's epoch, the stream whose source it is
/// and the stream that its rows go to (another one for dead letters), little-endian, and the definition's
/// name behind them. Never 0.
pub fn source_id(definition: &str, epoch: Epoch, from: StreamId, to: StreamId) -> ProducerId {
    let mut bytes = Vec::with_capacity(16 + definition.len());
    bytes.extend_from_slice(&epoch.0.to_le_bytes());
    bytes.extend_from_slice(&from.0.to_le_bytes());
    bytes.extend_from_slice(&to.0.to_le_bytes());
    bytes.extend_from_slice(definition.as_bytes());
    ProducerId(SpaceSeed(0).hash(&bytes).max(1))
}

/// What is known of the rows of an append.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartHead {
    /// The stream, numbered in its space.
    pub stream: StreamId,
    /// The schema they were written with.
    pub schema_version: SchemaVersion,
    /// Their count, at least 1.
    pub rows: u32,
    /// Their ids.
    pub ids: PartIds,
    /// When they were first sent.
    pub first_sent: StampNs,
    /// Whether it is a replay of old rows, with ids of their own space.
    pub replay: bool,
}

/// Rows of one append.
#[derive(Debug, Clone)]
pub struct Part {
    /// What is known of them.
    pub head: PartHead,
    /// The rows: one event frame.
    pub frame: Buffer,
}

/// Gathers appends into an entry.
#[derive(Debug)]
pub struct EventsWriter {
    bytes: MutableBuffer,
    parts: u32,
    rows: u64,
}

impl Default for EventsWriter {
    fn default() -> Self {
        Self { bytes: header(kind::EVENTS, 0, StampNs(0), StreamId(0)), parts: 0, rows: 0 }
    }
}

impl EventsWriter {
    /// An entry without parts.
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether another part of `rows` rows and a frame of `frame_bytes` bytes has a place.
    pub fn fits(&self, head: &PartHead, frame_bytes: usize) -> bool {
        (self.parts as usize) < PARTS_MAX
            && self.bytes.len() + part_bytes(head, frame_bytes) <= ENTRY_BYTES_MAX
    }

    /// Adds an append.
    ///
    /// # Panics
    /// If the frame is not a whole number of [`ALIGNMENT`], there are not as many ids as rows, or
    /// there is no place for it.
    pub fn push(&mut self, head: &PartHead, frame: &[u8]) {
        assert!(self.fits(head, frame.len()), "the batch former asks first");
        assert!(frame.len().is_multiple_of(ALIGNMENT), "frames are padded");
        let (ids, producer, first) = match &head.ids {
            PartIds::Sequence { producer, first } => (SEQUENCE, producer.0, *first),
            PartIds::Source { source, first } => (SOURCE, source.0, *first),
            PartIds::Opaque(ids) => {
                assert_eq!(ids.len(), head.rows as usize, "an id a row");
                (OPAQUE, 0, 0)
            }
        };
        let frame_bytes = u32::try_from(frame.len()).expect("frames are below 4 GiB");
        let out = &mut self.bytes;
        let start = out.len();
        out.extend_from_slice(&head.stream.0.to_le_bytes());
        out.extend_from_slice(&head.schema_version.0.to_le_bytes());
        out.extend_from_slice(&head.rows.to_le_bytes());
        out.extend_from_slice(&[ids, u8::from(head.replay), 0, 0]);
        out.extend_from_slice(&producer.to_le_bytes());
        out.extend_from_slice(&first.to_le_bytes());
        out.extend_from_slice(&head.first_sent.0.to_le_bytes());
        out.extend_from_slice(&frame_bytes.to_le_bytes());
        out.extend_zeros(start + PART_BYTES - out.len());
        if let PartIds::Opaque(ids) = &head.ids {
            ids.iter().for_each(|id| out.extend_from_slice(&id.0.to_le_bytes()));
            out.extend_zeros(out.len().next_multiple_of(ALIGNMENT) - out.len());
        }
        out.extend_from_slice(frame);
        self.parts += 1;
        self.rows += u64::from(head.rows);
    }

    /// Appends so far.
    pub fn parts(&self) -> u32 {
        self.parts
    }

    /// Rows so far.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// Bytes so far.
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Whether nothing has been added.
    pub fn is_empty(&self) -> bool {
        self.parts == 0
    }

    /// The entry's bytes; the writer is empty again.
    pub fn finish(&mut self, stamp: StampNs) -> Buffer {
        let mut done = std::mem::take(self);
        let head = header(kind::EVENTS, done.parts, stamp, StreamId(0));
        done.bytes.as_slice_mut()[..head.len()].copy_from_slice(&head);
        Buffer::from(done.bytes)
    }
}

/// Bytes that an append takes in an entry: its head, its opaque ids and a frame of so many bytes.
pub fn part_bytes(head: &PartHead, frame_bytes: usize) -> usize {
    let ids = match &head.ids {
        PartIds::Sequence { .. } | PartIds::Source { .. } => 0,
        PartIds::Opaque(ids) => (ids.len() * ID_BYTES).next_multiple_of(ALIGNMENT),
    };
    PART_BYTES + ids + frame_bytes
}

/// The parts of an entry.
pub(super) fn open(bytes: &Buffer, count: u32) -> Result<Vec<Part>, LogError> {
    let count = count as usize;
    if count == 0 || count > PARTS_MAX || count * PART_BYTES > bytes.len() {
        return Err(malformed(format!("{count} parts in {} bytes", bytes.len())));
    }
    let mut reader = Reader::new(&bytes[super::HEADER_BYTES..]);
    let mut parts = Vec::with_capacity(count);
    for _ in 0..count {
        let (head, frame_bytes) = read_head(&mut reader)?;
        let at = bytes.len() - reader.left();
        reader.take(frame_bytes)?;
        parts.push(Part { head, frame: bytes.slice_with_length(at, frame_bytes) });
    }
    reader.finish()?;
    Ok(parts)
}

/// A part's head and ids, and the length of the frame behind them.
fn read_head(reader: &mut Reader<'_>) -> Result<(PartHead, usize), LogError> {
    let mut fixed = Reader::new(reader.take(PART_BYTES)?);
    let stream = StreamId(fixed.u32()?);
    let schema_version = SchemaVersion(fixed.u32()?);
    let rows = fixed.u32()?;
    let (ids, flags) = (fixed.u8()?, fixed.u8()?);
    let reserved: [u8; 2] = fixed.array()?;
    let (producer, first) = (fixed.u64()?, fixed.u64()?);
    let first_sent = StampNs(fixed.i64()?);
    let frame_bytes = fixed.u32()? as usize;
    if reserved != [0; 2] || fixed.take(fixed.left())?.iter().any(|&byte| byte != 0) || flags > REPLAY {
        return Err(malformed("reserved bytes of a part are not zero"));
    }
    if rows == 0 || rows as usize > FRAME_ROWS_MAX || !frame_bytes.is_multiple_of(ALIGNMENT) {
        return Err(malformed(format!("a part of {rows} rows in a frame of {frame_bytes} bytes")));
    }
    let ids = match ids {
        SEQUENCE if producer != 0 && first.checked_add(u64::from(rows)).is_some() => {
            PartIds::Sequence { producer: ProducerId(producer), first }
        }
        SOURCE if producer != 0 && flags == 0 && first.checked_add(u64::from(rows)).is_some() => {
            PartIds::Source { source: ProducerId(producer), first }
        }
        OPAQUE if producer == 0 && first == 0 => {
            let bytes = reader.take((rows as usize * ID_BYTES).next_multiple_of(ALIGNMENT))?;
            let (ids, padding) = bytes.split_at(rows as usize * ID_BYTES);
            if padding.iter().any(|&byte| byte != 0) {
                return Err(malformed("padding behind the ids is not zero"));
            }
            let (ids, _) = ids.as_chunks::<ID_BYTES>();
            PartIds::Opaque(ids.iter().map(|id| EventId(u128::from_le_bytes(*id))).collect())
        }
        other => return Err(malformed(format!("ids of kind {other} with producer {producer}"))),
    };
    Ok((PartHead { stream, schema_version, rows, ids, first_sent, replay: flags == REPLAY }, frame_bytes))
}
