//! Snapshots in the shard's log: chunks in a lane of their own, and a head that makes them count.
//!
//! Invariant: the head is written after its chunks, and older chunks are purged with it, so that a crash
//! at any time leaves the old snapshot or the new one. One snapshot is written at a time.

use std::rc::Rc;

use bytes::Bytes;
use shard_rt::sync::Mutex;
use wal::{Lane, PartitionId, Record, Slot, Wal};

use crate::codec::{self, Head};
use crate::error::{RaftError, Result};
use crate::store::Store;
use crate::types::{LogId, LogPosition, StoredMembership, position};

/// The lane of chunks.
const CHUNKS: Lane = Lane(1);
/// The slot of the head.
const HEAD: Slot = Slot(2);

/// The snapshots of one group. Clones are the same.
#[derive(Clone)]
pub(crate) struct Snapshots {
    store: Store,
    writing: Rc<Mutex<()>>,
}

/// A snapshot that is in a log, to be read chunk by chunk.
#[derive(Clone)]
pub(crate) struct Chunks {
    wal: Wal,
    partition: PartitionId,
    first: u64,
    count: u64,
}

/// What a snapshot in a log says of itself, for those who read logs offline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CheckpointHead {
    /// The last entry in it.
    pub last: Option<LogPosition>,
    /// Where its chunks begin in [`CheckpointHead::LANE`].
    pub first_chunk: u64,
    /// How many there are.
    pub chunks: u64,
}

impl CheckpointHead {
    /// The lane of a log that chunks are in.
    pub const LANE: Lane = CHUNKS;
    /// The slot that heads are in.
    pub const SLOT: Slot = HEAD;

    /// Reads the value of the slot.
    ///
    /// # Errors
    /// [`RaftError::Format`].
    pub fn read(value: &[u8]) -> Result<Self> {
        let head = codec::decode_head(value)?;
        let last = head.last.as_ref().map(position);
        Ok(CheckpointHead { last, first_chunk: head.first_chunk, chunks: head.chunks })
    }
}

/// Where chunks come from.
pub(crate) trait Source {
    /// The next chunk; `None` at the end.
    async fn next(&mut self) -> Result<Option<Bytes>>;
}

impl Snapshots {
    pub(crate) fn new(store: Store) -> Self {
        Self { store, writing: Rc::default() }
    }

    /// The snapshot that counts.
    pub(crate) fn current(&self) -> Result<Option<(Head, Chunks)>> {
        let head = self.store.slot(HEAD).map(|bytes| codec::decode_head(&bytes)).transpose()?;
        Ok(head.map(|head| {
            let chunks = self.chunks(head.first_chunk, head.chunks);
            (head, chunks)
        }))
    }

    fn chunks(&self, first: u64, count: u64) -> Chunks {
        Chunks { wal: self.store.wal().clone(), partition: self.store.partition(), first, count }
    }

    /// Whether these chunks are what counts here.
    pub(crate) fn has(&self, chunks: &Chunks) -> Result<bool> {
        let here = chunks.wal.same(self.store.wal()) && chunks.partition == self.store.partition();
        Ok(here && self.current()?.is_some_and(|(head, _)| head.first_chunk == chunks.first))
    }

    /// Writes a snapshot and makes it count.
    pub(crate) async fn write(
        &self,
        last: Option<LogId>,
        membership: StoredMembership,
        source: &mut impl Source,
    ) -> Result<Chunks> {
        let _alone = self.writing.lock().await;
        let bounds = self.store.wal().bounds(self.store.partition(), CHUNKS);
        let first_chunk = bounds.last.map_or(1, |(_, index)| index + 1);
        let mut chunks = 0;
        while let Some(payload) = source.next().await? {
            let index = first_chunk + chunks;
            self.store.write(vec![Record::Entry { lane: CHUNKS, term: 0, index, payload }]).await?;
            chunks += 1;
        }
        let head = Head { last, membership, first_chunk, chunks };
        let register = Record::Register { slot: HEAD, value: codec::encode_head(&head) };
        let purge = Record::Purge { lane: CHUNKS, term: 0, index: first_chunk - 1 };
        self.store.write(vec![register, purge]).await?;
        Ok(self.chunks(first_chunk, chunks))
    }
}

impl Source for Chunks {
    async fn next(&mut self) -> Result<Option<Bytes>> {
        if self.count == 0 {
            return Ok(None);
        }
        let read = self.wal.read(self.partition, CHUNKS, self.first, self.first + 1, u64::MAX).await?;
        let Some(entry) = read.into_iter().next() else {
            let reason = format!("chunk {} is not there", self.first);
            return Err(RaftError::Format { what: "snapshot", reason });
        };
        self.first += 1;
        self.count -= 1;
        Ok(Some(entry.payload))
    }
}
