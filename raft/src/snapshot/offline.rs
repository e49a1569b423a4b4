//! What a log says of its snapshots, for those who read it while nothing runs.

use wal::{Lane, Slot};

use super::chain::Link;
use super::{FULLS, HEAD, LINKS};
use crate::codec;
use crate::error::Result;
use crate::types::{LogPosition, position};

/// The head of a group's snapshots.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckpointHead {
    /// The newest chain: the full one, then its links.
    pub chain: Vec<CheckpointPart>,
    /// The full one before it, if it is kept.
    pub older: Option<CheckpointPart>,
}

/// A snapshot that a head names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CheckpointPart {
    /// The last entry in it.
    pub last: Option<LogPosition>,
    /// The lane of its chunks.
    pub lane: Lane,
    /// Where they begin there.
    pub first_chunk: u64,
    /// How many there are.
    pub chunks: u64,
    /// Their bytes; 0 if that is not known.
    pub bytes: u64,
    /// Bytes of the state; 0 if that is not known.
    pub state_bytes: u64,
}

impl CheckpointPart {
    fn of(lane: Lane, link: &Link) -> Self {
        CheckpointPart {
            last: link.last.as_ref().map(position),
            lane,
            first_chunk: link.first_chunk,
            chunks: link.chunks,
            bytes: link.bytes,
            state_bytes: link.state_bytes,
        }
    }
}

impl CheckpointHead {
    /// The slot that heads are in.
    pub const SLOT: Slot = HEAD;
    /// The lanes that chunks are in: of full ones, and of links.
    pub const LANES: [Lane; 2] = [FULLS, LINKS];

    /// Reads the value of the slot.
    ///
    /// # Errors
    /// [`RaftError::Format`](crate::RaftError::Format).
    pub fn read(value: &[u8]) -> Result<Self> {
        let head = codec::decode_head(value)?;
        let chain = head.newest.all().map(|(lane, link)| CheckpointPart::of(lane, link)).collect();
        Ok(CheckpointHead { chain, older: head.older.as_ref().map(|link| CheckpointPart::of(FULLS, link)) })
    }
}
