//! What callers append and read.

use bytes::Bytes;

use crate::format::{RecordHeader, RecordKind};
use crate::id::{Lane, PartitionId, Position, Slot};

/// A record to append.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Record {
    /// An entry behind the last one of its lane. In [`Lane::RAFT`] its index is the next one; the first
    /// index of an empty lane that was not purged is 0 or 1. In other lanes indices ascend.
    Entry {
        /// Which space of numbers.
        lane: Lane,
        /// Raft's term.
        term: u64,
        /// Its number.
        index: u64,
        /// Its content, shared, never copied but into the write buffer.
        payload: Bytes,
    },
    /// The new value of a slot.
    Register {
        /// Which slot.
        slot: Slot,
        /// Its value.
        value: Bytes,
    },
    /// Raft entries from `from` on are gone. Nothing is written if there are none. Other lanes, whose
    /// indices may have gaps, cannot be truncated: what was cut off could not be told from what was
    /// appended later.
    Truncate {
        /// The first index that goes.
        from: u64,
    },
    /// Entries up to `index` are gone, those too that never were here. Nothing is written if they were
    /// purged before.
    Purge {
        /// Which space of numbers.
        lane: Lane,
        /// Term of the last entry that goes.
        term: u64,
        /// The last index that goes.
        index: u64,
    },
    /// All of the partition is gone, and its damage with it. Alone in its append.
    Remove,
}

/// An entry as it is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Raft's term.
    pub term: u64,
    /// Its number.
    pub index: u64,
    /// Its content.
    pub payload: Bytes,
}

static EMPTY: Bytes = Bytes::new();

impl Record {
    /// A Raft entry.
    pub fn entry(term: u64, index: u64, payload: impl Into<Bytes>) -> Self {
        Self::Entry { lane: Lane::RAFT, term, index, payload: payload.into() }
    }

    /// A vote.
    pub fn vote(value: impl Into<Bytes>) -> Self {
        Self::Register { slot: Slot::VOTE, value: value.into() }
    }

    /// The committed position.
    pub fn committed(value: impl Into<Bytes>) -> Self {
        Self::Register { slot: Slot::COMMITTED, value: value.into() }
    }

    /// Truncates the Raft log.
    pub fn truncate(from: u64) -> Self {
        Self::Truncate { from }
    }

    /// Purges the Raft log.
    pub fn purge(term: u64, index: u64) -> Self {
        Self::Purge { lane: Lane::RAFT, term, index }
    }

    pub(crate) fn payload(&self) -> &Bytes {
        match self {
            Self::Entry { payload, .. } => payload,
            Self::Register { value, .. } => value,
            Self::Truncate { .. } | Self::Purge { .. } | Self::Remove => &EMPTY,
        }
    }

    pub(crate) fn payload_len(&self) -> usize {
        self.payload().len()
    }

    /// Whether it may take the room that is kept back: votes, and what makes room.
    pub(crate) fn makes_room(&self) -> bool {
        !matches!(self, Self::Entry { .. })
    }

    /// Whether entries end with it.
    pub(crate) fn ends_records(&self) -> bool {
        matches!(self, Self::Truncate { .. } | Self::Purge { .. } | Self::Remove)
    }

    pub(crate) fn lane(&self) -> Option<Lane> {
        match self {
            Self::Entry { lane, .. } | Self::Purge { lane, .. } => Some(*lane),
            Self::Truncate { .. } => Some(Lane::RAFT),
            Self::Register { .. } | Self::Remove => None,
        }
    }

    pub(crate) fn header(&self, partition: PartitionId, serial: u64) -> RecordHeader {
        let (kind, lane, term, index) = match self {
            Self::Entry { lane, term, index, .. } => (RecordKind::Entry, lane.0, *term, *index),
            Self::Register { slot, .. } => (RecordKind::Register, slot.0, 0, 0),
            Self::Truncate { from } => (RecordKind::Truncate, Lane::RAFT.0, 0, *from),
            Self::Purge { lane, term, index } => (RecordKind::Purge, lane.0, *term, *index),
            Self::Remove => (RecordKind::Remove, 0, 0, 0),
        };
        RecordHeader {
            kind,
            lane,
            partition,
            serial,
            origin: serial,
            term,
            index,
            at: Position::new(0, 0),
            payload_bytes: self.payload_len() as u32,
            payload_crc: crc32c::crc32c(self.payload()),
            last: false,
        }
    }
}
