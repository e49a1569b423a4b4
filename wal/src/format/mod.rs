//! The bytes of the log, version 1; `docs/formats.md` is the specification.
//!
//! Invariants: all numbers are little-endian; every header has a checksum over itself, the log's
//! identity, and the place where it must stand, so that torn, stale and misdirected bytes are refused by
//! the same look; reading never panics and allocates no more than the bytes it is given.

mod batch;
mod record;
mod segment;

use crate::id::Position;

pub(crate) use batch::{BATCH_HEADER, BatchHeader, Queued, batch_bytes, encode_batch};
pub(crate) use record::{RECORD_HEADER, RecordHeader, RecordKind, bytes_in_log};
pub(crate) use segment::{HEADER_BYTES_MAX, HeaderFault, PartitionMark, SegmentHeader, SegmentRef};

/// Version of the format.
pub const VERSION: u16 = 1;

/// What a reader looks at. A product looks at all; less is a deliberate fault of a test.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Checks {
    pub(crate) crc: bool,
    pub(crate) generation: bool,
}

impl Checks {
    pub(crate) const ALL: Self = Self { crc: true, generation: true };

    fn same_place(self, found: Position, expected: Position) -> bool {
        if self.generation { found == expected } else { found.offset() == expected.offset() }
    }
}

fn u16_at(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes(bytes[at..at + 2].try_into().expect("invariant: two bytes"))
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(bytes[at..at + 4].try_into().expect("invariant: four bytes"))
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(bytes[at..at + 8].try_into().expect("invariant: eight bytes"))
}

fn put(bytes: &mut [u8], at: usize, value: &[u8]) {
    bytes[at..at + value.len()].copy_from_slice(value);
}
