//! Names of things in the log.

use std::fmt;

/// A partition: a Raft group, or anything else with records of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PartitionId(pub u64);

impl PartitionId {
    /// The log itself; callers cannot write there.
    pub(crate) const LOG: Self = Self(u64::MAX);
}

impl fmt::Display for PartitionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if *self == Self::LOG { f.write_str("the log") } else { write!(f, "partition {}", self.0) }
    }
}

/// A numbered space of entries within a partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Lane(pub u16);

impl Lane {
    /// Raft entries: their indices have no gaps.
    pub const RAFT: Self = Self(0);

    /// Whether what is in this lane can be made anew by its owner: lanes 1 and 2, which hold checkpoints. An
    /// entry there that has rotted is lost for who reads it, and the partition goes on.
    pub fn is_expendable(self) -> bool {
        (1..=2).contains(&self.0)
    }
}

impl fmt::Display for Lane {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "lane {}", self.0)
    }
}

/// A place for one value of a partition: the last one written counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Slot(pub u16);

impl Slot {
    /// Vote, or hard state: flushed before it is acknowledged in every mode (R-DUR-1).
    pub const VOTE: Self = Self(0);
    /// The committed position.
    pub const COMMITTED: Self = Self(1);
}

/// A place in the log: segment and offset. Places ascend as the log is written, and none is used
/// twice, so the segment's number is at the same time the generation of a recycled file.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position(u64);

/// Offsets in the log are multiples of this: records begin there, so do their payloads.
pub const UNIT: usize = 64;
const UNIT_BITS: u32 = 24;
/// A segment has at most this many bytes: 1 GiB.
pub const SEGMENT_BYTES_MAX: u64 = (UNIT as u64) << UNIT_BITS;
/// Segments are numbered below this.
pub(crate) const SEGMENTS_EVER_MAX: u64 = 1 << (64 - UNIT_BITS);

impl Position {
    /// The place at `offset` of a segment.
    ///
    /// # Panics
    /// If the offset is no multiple of [`UNIT`], beyond [`SEGMENT_BYTES_MAX`], or the segment's number
    /// has more than 40 bits.
    pub fn new(segment: u64, offset: u64) -> Self {
        assert!(offset.is_multiple_of(UNIT as u64) && offset < SEGMENT_BYTES_MAX, "offset {offset}");
        assert!(segment < SEGMENTS_EVER_MAX, "segment {segment}");
        Self((segment << UNIT_BITS) | (offset / UNIT as u64))
    }

    /// The number of the segment.
    pub fn segment(self) -> u64 {
        self.0 >> UNIT_BITS
    }

    /// Bytes from the start of the segment.
    pub fn offset(self) -> u64 {
        (self.0 & ((1 << UNIT_BITS) - 1)) * UNIT as u64
    }

    pub(crate) fn raw(self) -> u64 {
        self.0
    }

    pub(crate) fn from_raw(raw: u64) -> Self {
        Self(raw)
    }
}

impl fmt::Debug for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}+{}", self.segment(), self.offset())
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "segment {} offset {}", self.segment(), self.offset())
    }
}

/// Bytes of a segment that cannot be read as what was written there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct DamagedRange {
    /// The first byte.
    pub from: Position,
    /// How many.
    pub bytes: u64,
}

impl fmt::Display for DamagedRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (segment, from) = (self.from.segment(), self.from.offset());
        write!(f, "segment {segment} bytes {from}..{}", from + self.bytes)
    }
}

/// Rounds up to a whole number of `unit`, a power of two.
pub(crate) fn round_up(bytes: u64, unit: u64) -> u64 {
    debug_assert!(unit.is_power_of_two());
    (bytes + unit - 1) & !(unit - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_position_keeps_segment_and_offset_and_ascends() {
        let last = SEGMENT_BYTES_MAX - UNIT as u64;
        for (segment, offset) in [(0, 0), (1, 64), (77, 4096), (SEGMENTS_EVER_MAX - 1, last)] {
            let position = Position::new(segment, offset);
            assert_eq!((position.segment(), position.offset()), (segment, offset));
            assert_eq!(Position::from_raw(position.raw()), position);
        }
        assert!(Position::new(2, 0) > Position::new(1, last));
        assert_eq!([round_up(0, 64), round_up(1, 64), round_up(64, 64), round_up(65, 64)], [0, 64, 64, 128]);
    }
}
