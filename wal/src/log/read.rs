//! Reading entries: from memory, or from the segments with one read for neighbours.
//!
//! Invariant: what is read from disk is compared with the index in full; a record that is not there
//! any more because it was purged or moved meanwhile is looked up again, one that should be there and
//! is not damages its partition.

use bytes::Bytes;
use shard_rt::{BLOCK, BlockAddr, File};

use super::{Shared, Wal};
use crate::error::{Result, WalError};
use crate::format::{Checks, RECORD_HEADER, RecordHeader};
use crate::id::{Lane, PartitionId, Position, round_up};
use crate::index::EntryHome;
use crate::record::Entry;

/// Neighbours are read together up to this many bytes.
const READ_BYTES_MAX: u64 = 1 << 20;

/// Entries that are on disk, in one stretch of a segment.
struct Stretch {
    segment: u64,
    from: u64,
    to: u64,
    entries: Vec<(EntryHome, Position)>,
}

impl Wal {
    /// The entries of a lane with `from <= index < to`, in order, as many as fit into `bytes_max` of
    /// payload, at least one if there is one.
    ///
    /// # Errors
    /// [`WalError::Purged`] if entries at the start of the range were purged, [`WalError::Damaged`],
    /// [`WalError::Disk`].
    pub async fn read(
        &self,
        partition: PartitionId,
        lane: Lane,
        from: u64,
        to: u64,
        bytes_max: u64,
    ) -> Result<Vec<Entry>> {
        self.check(partition)?;
        self.shared.read(partition, lane, from, to, bytes_max).await
    }
}

impl Shared {
    /// As [`Wal::read`], of any partition.
    pub(super) async fn read(
        &self,
        partition: PartitionId,
        lane: Lane,
        from: u64,
        to: u64,
        bytes_max: u64,
    ) -> Result<Vec<Entry>> {
        let mut again = true;
        loop {
            let homes = self.homes(partition, lane, from, to, bytes_max)?;
            let mut entries: Vec<Entry> = Vec::with_capacity(homes.len());
            let mut lost = None;
            for stretch in stretches(homes) {
                match stretch {
                    Ok(hot) => entries.push(hot),
                    Err(stretch) => match self.read_stretch(partition, lane, &stretch).await? {
                        Ok(read) => entries.extend(read),
                        Err(missing) => {
                            lost = Some(missing);
                            break;
                        }
                    },
                }
            }
            match lost {
                None => return Ok(entries),
                // A read may have gone astray; a second one is believed.
                Some(_) if again => again = false,
                Some((home, at)) => self.judge_lost(partition, lane, &home, at)?,
            }
        }
    }

    /// Copies of the homes in a range.
    fn homes(
        &self,
        partition: PartitionId,
        lane: Lane,
        from: u64,
        to: u64,
        bytes_max: u64,
    ) -> Result<Vec<EntryHome>> {
        let state = self.state.borrow();
        let index = state.partitions.get(&partition).and_then(|known| known.lanes.get(&lane));
        let Some(index) = index else {
            return Ok(Vec::new());
        };
        if let Some((_, purged, _)) = index.purged
            && from <= purged
            && from < to
        {
            return Err(WalError::Purged { partition, lane, purged });
        }
        let start = index.place(from).unwrap_or_else(|at| at);
        let mut bytes = 0;
        let homes = index.entries.range(start..).take_while(|entry| {
            let first = bytes == 0;
            bytes += u64::from(entry.payload_bytes).max(1);
            entry.index < to && (first || bytes <= bytes_max)
        });
        Ok(homes.cloned().collect())
    }

    async fn read_stretch(
        &self,
        partition: PartitionId,
        lane: Lane,
        stretch: &Stretch,
    ) -> Result<std::result::Result<Vec<Entry>, (EntryHome, Position)>> {
        let first = (stretch.entries[0].0.clone(), stretch.entries[0].1);
        let Some((file, log_id)) = self.file_of(stretch.segment) else {
            return Ok(Err(first));
        };
        let from = stretch.from / BLOCK as u64;
        let blocks = round_up(stretch.to, BLOCK as u64) / BLOCK as u64 - from;
        let buf = self.rt.buffer(blocks as usize);
        let (result, buf) = file.read_at(BlockAddr::block(from), buf).await;
        let count = result?;
        self.state.borrow_mut().counters.bytes_read += count as u64;
        let mut entries = Vec::with_capacity(stretch.entries.len());
        for (home, at) in &stretch.entries {
            let offset = (at.offset() - from * BLOCK as u64) as usize;
            let bytes = buf.get(offset..count).unwrap_or(&[]);
            match payload(log_id, partition, lane, home, *at, bytes) {
                Some(payload) => entries.push(Entry { term: home.term, index: home.index, payload }),
                None => return Ok(Err((home.clone(), *at))),
            }
        }
        Ok(Ok(entries))
    }

    /// The file of a segment and the log's identity; `None` if the segment is gone.
    fn file_of(&self, segment: u64) -> Option<(File, u64)> {
        let state = self.state.borrow();
        let sealed = state.sealed.get(&segment).map(|sealed| sealed.file.clone());
        let tail = || (state.tail.segment == segment).then(|| state.tail.file.clone());
        sealed.or_else(tail).map(|file| (file, state.log_id))
    }

    /// An entry was not where the index had said. If the index says something else by now, the caller
    /// looks again; else the partition is damaged, but for what can be made anew.
    fn judge_lost(&self, id: PartitionId, lane: Lane, lost: &EntryHome, at: Position) -> Result<()> {
        let mut state = self.state.borrow_mut();
        let Some(partition) = state.partitions.get_mut(&id) else {
            return Ok(());
        };
        let index = partition.lanes.get(&lane);
        let home =
            index.and_then(|index| index.place(lost.index).ok().map(|place| &index.entries[place].home));
        if home.is_none_or(|home| home.origin != lost.home.origin || home.at != Some(at)) {
            return Ok(());
        }
        let error = WalError::record_lost(id, at, u64::from(lost.home.bytes));
        if lane.is_expendable() {
            // It cannot be written once more; what else is in its segment stays there with it.
            state.unmovable.insert(at.segment());
            return Err(error);
        }
        if let WalError::Damaged { damage, .. } = &error {
            partition.damage.get_or_insert_default().extend(damage);
            if !partition.pins.contains(&at.segment()) {
                partition.pins.push(at.segment());
            }
        }
        Err(error)
    }
}

/// The payload of the record that must be at the start of `bytes`.
fn payload(
    log_id: u64,
    partition: PartitionId,
    lane: Lane,
    home: &EntryHome,
    at: Position,
    bytes: &[u8],
) -> Option<Bytes> {
    let header = RecordHeader::decode(log_id, at, bytes, Checks::ALL)?;
    let same = header.partition == partition
        && header.lane == lane.0
        && header.index == home.index
        && header.term == home.term
        && header.origin == home.home.origin
        && header.payload_bytes == home.payload_bytes;
    let payload = bytes.get(RECORD_HEADER..RECORD_HEADER + header.payload_bytes as usize)?;
    (same && crc32c::crc32c(payload) == header.payload_crc).then(|| Bytes::copy_from_slice(payload))
}

/// Entries in memory as they are, those on disk in stretches.
fn stretches(homes: Vec<EntryHome>) -> Vec<std::result::Result<Entry, Stretch>> {
    let mut all: Vec<std::result::Result<Entry, Stretch>> = Vec::new();
    for home in homes {
        if let Some(payload) = &home.hot {
            all.push(Ok(Entry { term: home.term, index: home.index, payload: payload.clone() }));
            continue;
        }
        let at = home.home.at.expect("invariant: a record without a home is in memory");
        let end = at.offset() + u64::from(home.home.bytes);
        match all.last_mut() {
            Some(Err(stretch))
                if stretch.segment == at.segment()
                    && at.offset() >= stretch.to
                    && end - stretch.from <= READ_BYTES_MAX =>
            {
                stretch.to = end;
                stretch.entries.push((home, at));
            }
            _ => all.push(Err(Stretch {
                segment: at.segment(),
                from: at.offset(),
                to: end,
                entries: vec![(home, at)],
            })),
        }
    }
    all
}
