//! The header of a record.
//!
//! Invariants: within a partition `serial` numbers all records in the order of the log without a gap;
//! `origin` is the serial that the record had when it was first written and decides which of two
//! records counts, so that a copy written further on changes nothing.

use super::{Checks, put, u16_at, u32_at, u64_at};
use crate::id::{PartitionId, Position, UNIT, round_up};

/// Bytes of the header.
pub(crate) const RECORD_HEADER: usize = 64;

/// What a record says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum RecordKind {
    /// The entry `index` of a lane.
    Entry,
    /// The value of a slot.
    Register,
    /// Entries of the lane from `index` on are gone, if older than this record.
    Truncate,
    /// Entries of the lane up to `index` are gone.
    Purge,
    /// All older records of the partition are gone.
    Remove,
    /// Segment `index` has nothing that counts and its file may be used again. Of the log itself.
    Freed,
}

impl RecordKind {
    const ALL: [Self; 6] =
        [Self::Entry, Self::Register, Self::Truncate, Self::Purge, Self::Remove, Self::Freed];

    fn tag(self) -> u8 {
        self as u8 + 1
    }

    fn of_tag(tag: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.tag() == tag)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RecordHeader {
    pub(crate) kind: RecordKind,
    /// Lane or slot.
    pub(crate) lane: u16,
    pub(crate) partition: PartitionId,
    pub(crate) serial: u64,
    pub(crate) origin: u64,
    pub(crate) term: u64,
    pub(crate) index: u64,
    pub(crate) at: Position,
    pub(crate) payload_bytes: u32,
    pub(crate) payload_crc: u32,
    /// The last one of its batch: what follows up to the next block is padding.
    pub(crate) last: bool,
}

impl RecordHeader {
    /// Bytes that header, payload and padding take.
    pub(crate) fn bytes_in_log(&self) -> u64 {
        bytes_in_log(self.payload_bytes as usize)
    }

    pub(crate) fn encode(&self, log_id: u64, out: &mut [u8]) {
        put(out, 4, &self.payload_crc.to_le_bytes());
        put(out, 8, &self.payload_bytes.to_le_bytes());
        out[12] = self.kind.tag();
        out[13] = u8::from(self.last);
        put(out, 14, &self.lane.to_le_bytes());
        put(out, 16, &self.partition.0.to_le_bytes());
        put(out, 24, &self.serial.to_le_bytes());
        put(out, 32, &self.origin.to_le_bytes());
        put(out, 40, &self.term.to_le_bytes());
        put(out, 48, &self.index.to_le_bytes());
        put(out, 56, &self.at.raw().to_le_bytes());
        let crc = checksum(log_id, &out[4..RECORD_HEADER]);
        put(out, 0, &crc.to_le_bytes());
    }

    /// The header at the start of `bytes`, if it is of this log and belongs at `at`.
    pub(crate) fn decode(log_id: u64, at: Position, bytes: &[u8], checks: Checks) -> Option<Self> {
        let header = bytes.get(..RECORD_HEADER)?;
        // The place first: it costs nothing, and a search for the next record looks at every unit.
        if !checks.same_place(Position::from_raw(u64_at(header, 56)), at) {
            return None;
        }
        let kind = RecordKind::of_tag(header[12])?;
        if checks.crc && u32_at(header, 0) != checksum(log_id, &header[4..]) {
            return None;
        }
        Some(Self {
            kind,
            lane: u16_at(header, 14),
            partition: PartitionId(u64_at(header, 16)),
            serial: u64_at(header, 24),
            origin: u64_at(header, 32),
            term: u64_at(header, 40),
            index: u64_at(header, 48),
            at,
            payload_bytes: u32_at(header, 8),
            payload_crc: u32_at(header, 4),
            last: header[13] & 1 != 0,
        })
    }
}

/// Bytes that a record with such a payload takes.
pub(crate) fn bytes_in_log(payload_bytes: usize) -> u64 {
    round_up((RECORD_HEADER + payload_bytes) as u64, UNIT as u64)
}

/// The log's identity is part of the checksum: a record of another log is refused.
fn checksum(log_id: u64, header: &[u8]) -> u32 {
    crc32c::crc32c_append(crc32c::crc32c(&log_id.to_le_bytes()), header)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_header_is_read_back_at_its_place_in_its_log_alone() {
        let at = Position::new(5, 4160);
        let header = RecordHeader {
            kind: RecordKind::Purge,
            lane: 3,
            partition: PartitionId(8),
            serial: 40,
            origin: 39,
            term: 6,
            index: 7,
            at,
            payload_bytes: 100,
            payload_crc: 1,
            last: true,
        };
        let mut bytes = [7; RECORD_HEADER];
        header.encode(11, &mut bytes);
        assert_eq!(RecordHeader::decode(11, at, &bytes, Checks::ALL), Some(header));
        assert_eq!(header.bytes_in_log(), 192);
        assert_eq!(RecordHeader::decode(12, at, &bytes, Checks::ALL), None, "another log");
        assert_eq!(
            RecordHeader::decode(11, Position::new(6, 4160), &bytes, Checks::ALL),
            None,
            "another generation"
        );
        assert_eq!(
            RecordHeader::decode(11, Position::new(5, 4224), &bytes, Checks::ALL),
            None,
            "another place"
        );
        for bit in 0..RECORD_HEADER * 8 {
            let mut rotten = bytes;
            rotten[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(RecordHeader::decode(11, at, &rotten, Checks::ALL), None, "bit {bit}");
        }
    }
}
