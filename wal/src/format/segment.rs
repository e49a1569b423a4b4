//! The header of a segment: the list of all segments that count, and how far each partition was.
//!
//! Invariants: the header of the newest segment, less the segments that records in it free, says which
//! segments exist and where each ends; it stands at both ends of the segment, so that one misdirected
//! write cannot take both.

use shard_rt::BLOCK;

use super::{VERSION, put, u16_at, u32_at, u64_at};
use crate::id::{PartitionId, round_up};

/// A header has at most this many bytes.
pub(crate) const HEADER_BYTES_MAX: u64 = 1 << 20;
const MAGIC: [u8; 8] = *b"CEPWALSG";
const FIXED: usize = 64;
const SEGMENT_REF: usize = 16;
const PARTITION_MARK: usize = 24;

/// A segment before this one that counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SegmentRef {
    pub(crate) segment: u64,
    /// Where its last batch ends.
    pub(crate) end: u64,
}

/// How far a partition was when the segment began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PartitionMark {
    pub(crate) partition: PartitionId,
    /// Its last record before this segment.
    pub(crate) serial: u64,
    /// Damage was found in it and it was not removed since.
    pub(crate) damaged: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SegmentHeader {
    pub(crate) log_id: u64,
    pub(crate) segment: u64,
    pub(crate) segment_bytes: u64,
    /// Damage was found that may have hit partitions of which nothing else is known.
    pub(crate) damage_unattributed: bool,
    pub(crate) segments: Vec<SegmentRef>,
    pub(crate) partitions: Vec<PartitionMark>,
}

/// Why a header is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HeaderFault {
    /// It is not one, or it is torn or rotten.
    Unreadable,
    /// It is sound and of a version this program does not know.
    Version(u16),
}

impl SegmentHeader {
    /// Bytes of one copy: whole blocks.
    pub(crate) fn bytes(&self) -> u64 {
        let content = FIXED + self.segments.len() * SEGMENT_REF + self.partitions.len() * PARTITION_MARK;
        round_up(content as u64, BLOCK as u64)
    }

    /// Writes one copy into zeroed bytes.
    pub(crate) fn encode(&self, out: &mut [u8]) {
        let mut at = FIXED;
        for segment in &self.segments {
            put(out, at, &segment.segment.to_le_bytes());
            put(out, at + 8, &segment.end.to_le_bytes());
            at += SEGMENT_REF;
        }
        for mark in &self.partitions {
            put(out, at, &mark.partition.0.to_le_bytes());
            put(out, at + 8, &mark.serial.to_le_bytes());
            put(out, at + 16, &u64::from(mark.damaged).to_le_bytes());
            at += PARTITION_MARK;
        }
        put(out, 4, &(at as u32).to_le_bytes());
        put(out, 8, &MAGIC);
        put(out, 16, &VERSION.to_le_bytes());
        put(out, 18, &u16::from(self.damage_unattributed).to_le_bytes());
        put(out, 20, &((self.bytes() / BLOCK as u64) as u32).to_le_bytes());
        put(out, 24, &self.log_id.to_le_bytes());
        put(out, 32, &self.segment.to_le_bytes());
        put(out, 40, &self.segment_bytes.to_le_bytes());
        put(out, 48, &(self.segments.len() as u32).to_le_bytes());
        put(out, 52, &(self.partitions.len() as u32).to_le_bytes());
        let crc = crc32c::crc32c(&out[4..at]);
        put(out, 0, &crc.to_le_bytes());
    }

    /// Bytes of the copy that begins at `bytes`, from its first block; `None` if it is none.
    pub(crate) fn bytes_of(bytes: &[u8]) -> Option<u64> {
        let fixed = bytes.get(..FIXED)?;
        let size = u64::from(u32_at(fixed, 20)) * BLOCK as u64;
        let sane = fixed[8..16] == MAGIC && size > 0 && size <= HEADER_BYTES_MAX;
        sane.then_some(size)
    }

    /// The copy at the start of `bytes`.
    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, HeaderFault> {
        let size = Self::bytes_of(bytes).ok_or(HeaderFault::Unreadable)?;
        let length = u32_at(bytes, 4) as usize;
        let content = bytes.get(..length).filter(|_| (FIXED..=size as usize).contains(&length));
        let content = content.ok_or(HeaderFault::Unreadable)?;
        if u32_at(content, 0) != crc32c::crc32c(&content[4..]) {
            return Err(HeaderFault::Unreadable);
        }
        if u16_at(content, 16) != VERSION {
            return Err(HeaderFault::Version(u16_at(content, 16)));
        }
        let (segments, partitions) = (u32_at(content, 48) as usize, u32_at(content, 52) as usize);
        if Some(length - FIXED) != room(segments, partitions) {
            return Err(HeaderFault::Unreadable);
        }
        let (refs, marks) = content[FIXED..].split_at(segments * SEGMENT_REF);
        Ok(Self {
            log_id: u64_at(content, 24),
            segment: u64_at(content, 32),
            segment_bytes: u64_at(content, 40),
            damage_unattributed: u16_at(content, 18) & 1 != 0,
            segments: refs.chunks_exact(SEGMENT_REF).map(segment_ref).collect(),
            partitions: marks.chunks_exact(PARTITION_MARK).map(partition_mark).collect(),
        })
    }
}

fn room(segments: usize, partitions: usize) -> Option<usize> {
    segments.checked_mul(SEGMENT_REF)?.checked_add(partitions.checked_mul(PARTITION_MARK)?)
}

fn segment_ref(bytes: &[u8]) -> SegmentRef {
    SegmentRef { segment: u64_at(bytes, 0), end: u64_at(bytes, 8) }
}

fn partition_mark(bytes: &[u8]) -> PartitionMark {
    PartitionMark {
        partition: PartitionId(u64_at(bytes, 0)),
        serial: u64_at(bytes, 8),
        damaged: u64_at(bytes, 16) & 1 != 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header() -> SegmentHeader {
        SegmentHeader {
            log_id: 5,
            segment: 9,
            segment_bytes: 65536,
            damage_unattributed: true,
            segments: vec![SegmentRef { segment: 7, end: 8192 }, SegmentRef { segment: 8, end: 4096 }],
            partitions: vec![
                PartitionMark { partition: PartitionId(1), serial: 12, damaged: false },
                PartitionMark { partition: PartitionId(2), serial: 1, damaged: true },
            ],
        }
    }

    #[test]
    fn a_segment_header_is_read_back_and_any_flipped_bit_of_its_content_is_refused() {
        let mut bytes = vec![0; header().bytes() as usize];
        header().encode(&mut bytes);
        assert_eq!(bytes.len(), BLOCK);
        assert_eq!(SegmentHeader::decode(&bytes), Ok(header()));
        let content = FIXED + 2 * SEGMENT_REF + 2 * PARTITION_MARK;
        for bit in 0..content * 8 {
            let mut rotten = bytes.clone();
            rotten[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(SegmentHeader::decode(&rotten), Err(HeaderFault::Unreadable), "bit {bit}");
        }
    }

    #[test]
    fn another_version_is_named() {
        let mut bytes = vec![0; BLOCK];
        header().encode(&mut bytes);
        put(&mut bytes, 16, &9u16.to_le_bytes());
        let length = u32_at(&bytes, 4) as usize;
        let crc = crc32c::crc32c(&bytes[4..length]);
        put(&mut bytes, 0, &crc.to_le_bytes());
        assert_eq!(SegmentHeader::decode(&bytes), Err(HeaderFault::Version(9)));
    }

    #[test]
    fn a_header_of_many_partitions_takes_more_blocks() {
        let mark = |partition| PartitionMark { partition: PartitionId(partition), serial: 0, damaged: false };
        let many = SegmentHeader { partitions: (0..400).map(mark).collect(), ..header() };
        let mut bytes = vec![0; many.bytes() as usize];
        many.encode(&mut bytes);
        assert_eq!(bytes.len(), 3 * BLOCK);
        assert_eq!(SegmentHeader::decode(&bytes), Ok(many));
        assert_eq!(SegmentHeader::decode(&bytes[..BLOCK]), Err(HeaderFault::Unreadable));
    }
}
