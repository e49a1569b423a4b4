//! The log's state in memory, and the rules of what may be appended.
//!
//! Invariants: the index shows an append as soon as it is accepted, before it is written; records are
//! written in the order they were accepted, which is the order of their serials; what is accepted fits
//! into the segments that are ready, so the writer never waits for room that only a later record makes.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use bytes::Bytes;
use shard_rt::{BLOCK, File};

use crate::error::{Result, WalError};
use crate::format::{BATCH_HEADER, Queued, RecordHeader, RecordKind, bytes_in_log};
use crate::id::{Lane, PartitionId, Position, Slot, round_up};
use crate::index::{EntryHome, Home, HotTail, Live, Partition};
use crate::options::Options;
use crate::record::Record;
use crate::stats::Counters;

/// Is called when all records of an append are acknowledged, or when the log fails before.
pub(crate) type Done = Box<dyn FnOnce(Result<()>)>;

/// What waits to be written.
pub(crate) enum Item {
    Record(Queued),
    /// Called when all before it is acknowledged.
    Done(Done),
}

/// The segment that is written.
#[derive(Debug)]
pub(crate) struct Tail {
    pub(crate) segment: u64,
    pub(crate) file: File,
    pub(crate) offset: u64,
    pub(crate) limit: u64,
    pub(crate) durable: u64,
    /// When the first byte was written that is not flushed.
    pub(crate) unsynced_since_ns: Option<u64>,
    /// A mark or the header says that all is durable.
    pub(crate) marked: bool,
}

/// A segment before the tail.
#[derive(Debug)]
pub(crate) struct Sealed {
    pub(crate) end: u64,
    pub(crate) file: File,
    /// A record that frees it is on its way.
    pub(crate) freeing: bool,
}

pub(crate) struct State {
    pub(crate) log_id: u64,
    pub(crate) partitions: BTreeMap<PartitionId, Partition>,
    pub(crate) log_serial: u64,
    pub(crate) log_serial_written: u64,
    pub(crate) unattributed: bool,
    pub(crate) live: Live,
    pub(crate) sealed: BTreeMap<u64, Sealed>,
    pub(crate) tail: Tail,
    /// Names of files that are ready to become segments.
    pub(crate) spares: Vec<String>,
    /// The device had no space for another one when that was last tried.
    pub(crate) device_full: bool,
    pub(crate) queue: VecDeque<Item>,
    /// Upper bound of what the queue takes in the log.
    pub(crate) queue_bytes: u64,
    /// Bytes that may be written again: no more than callers had written, so rewriting ends by itself.
    pub(crate) rewrite_credit: u64,
    /// Bytes of the largest record that waited, which a change of segment may waste.
    pub(crate) record_bytes_seen: u64,
    pub(crate) hot: HotTail,
    /// Segments with an entry that cannot be read and is none the worse for its partition.
    pub(crate) unmovable: BTreeSet<u64>,
    pub(crate) poisoned: Option<WalError>,
    pub(crate) closed: bool,
    /// Called when all is written, flushed and marked.
    pub(crate) closing: Option<Done>,
    pub(crate) counters: Counters,
}

impl State {
    pub(crate) fn check_open(&self) -> Result<()> {
        match (&self.poisoned, self.closed) {
            (Some(error), _) => Err(error.clone()),
            (None, true) => Err(WalError::Closed),
            (None, false) => Ok(()),
        }
    }

    /// Bytes that may still be accepted: of records that make room, or of any.
    pub(crate) fn room(&self, options: &Options, makes_room: bool) -> u64 {
        let headers = 2 * (self.tail_header_bytes());
        let usable = options.segment_bytes.saturating_sub(headers + self.record_bytes_seen + BLOCK as u64);
        let spares = self.spares.len().saturating_sub(1) as u64;
        let room = (self.tail.limit - self.tail.offset) + spares * usable;
        let kept_back = if makes_room { 0 } else { usable };
        room.saturating_sub(self.queue_bytes + kept_back)
    }

    /// Bytes that may still be accepted, now or once the segments are made that may be made, if nothing
    /// is purged.
    pub(crate) fn headroom(&self, options: &Options) -> u64 {
        let all = self.sealed.len() + 1 + self.spares.len();
        let to_come = if self.device_full { 0 } else { options.segments_max.saturating_sub(all) as u64 };
        let usable = options.segment_bytes.saturating_sub(self.record_bytes_seen + BLOCK as u64);
        self.room(options, false) + to_come * usable
    }

    /// Bytes that a header takes, with some growth.
    fn tail_header_bytes(&self) -> u64 {
        let refs = (self.sealed.len() + self.spares.len()) * 16;
        round_up((64 + refs + (self.partitions.len() + 8) * 24) as u64, BLOCK as u64)
    }

    /// Accepts records, or none of them.
    pub(crate) fn accept(
        &mut self,
        options: &Options,
        partition: PartitionId,
        records: Vec<Record>,
        done: Done,
    ) -> Result<()> {
        self.check_open()?;
        if partition == PartitionId::LOG {
            let reason = "this number is the log's own".to_owned();
            return Err(WalError::Misuse { partition, lane: Lane::RAFT, reason });
        }
        self.check_damage(partition, &records)?;
        self.check_room(options, &records)?;
        self.check_order(partition, &records)?;
        let whole = options.segment_bytes * options.segments_max as u64;
        for record in records {
            let bytes = alone(bytes_in_log(record.payload_len()));
            self.rewrite_credit = whole.min(self.rewrite_credit + bytes);
            self.enqueue(partition, record);
        }
        self.queue.push_back(Item::Done(done));
        Ok(())
    }

    fn check_damage(&self, partition: PartitionId, records: &[Record]) -> Result<()> {
        if matches!(records, [Record::Remove]) {
            return Ok(());
        }
        match self.partitions.get(&partition) {
            Some(known) => match &known.damage {
                Some(damage) => Err(WalError::Damaged { partition, damage: damage.clone() }),
                None => Ok(()),
            },
            None if self.unattributed => Err(WalError::Damaged { partition, damage: Vec::new() }),
            None => Ok(()),
        }
    }

    fn check_room(&mut self, options: &Options, records: &[Record]) -> Result<()> {
        let mut wanted = 0;
        let max = options.record_bytes_max();
        for record in records {
            let bytes = bytes_in_log(record.payload_len());
            if bytes > max {
                return Err(WalError::TooLarge { bytes, max });
            }
            self.record_bytes_seen = self.record_bytes_seen.max(round_up(bytes + 64, BLOCK as u64));
            wanted += alone(bytes);
        }
        let makes_room = records.iter().all(Record::makes_room);
        let queue_full = !makes_room && self.queue_bytes + wanted > options.queue_bytes_max.max(2 * max);
        if queue_full || wanted > self.room(options, makes_room) {
            return Err(WalError::Full { wanted });
        }
        Ok(())
    }

    /// Indices must follow each other.
    fn check_order(&self, partition: PartitionId, records: &[Record]) -> Result<()> {
        let lanes = self.partitions.get(&partition).map(|known| &known.lanes);
        let mut lasts: BTreeMap<Lane, (Option<u64>, Option<u64>)> = BTreeMap::new();
        for record in records {
            let Some(lane) = record.lane() else {
                continue;
            };
            let (last, purged) = lasts.entry(lane).or_insert_with(|| {
                let index = lanes.and_then(|lanes| lanes.get(&lane));
                let purged = index.and_then(|lane| lane.purged).map(|(_, index, _)| index);
                (index.and_then(|lane| lane.last()).map(|(_, index)| index), purged)
            });
            let refuse = |reason: String| Err(WalError::Misuse { partition, lane, reason });
            match record {
                Record::Entry { index, .. } => {
                    let fits = match *last {
                        Some(last) if lane == Lane::RAFT => Some(*index) == last.checked_add(1),
                        Some(last) => *index > last,
                        None => lane != Lane::RAFT || *index <= 1,
                    };
                    if !fits {
                        return refuse(format!("entry {index} does not follow {last:?}"));
                    }
                    *last = Some(*index);
                }
                Record::Truncate { from } => {
                    if purged.is_some_and(|purged| *from <= purged) {
                        return refuse(format!("truncating from {from}, purged up to {purged:?}"));
                    }
                    *last = if *from == 0 { *purged } else { last.map(|last| last.min(from - 1)) };
                }
                Record::Purge { index, .. } => {
                    *purged = (*purged).max(Some(*index));
                    *last = (*last).max(Some(*index));
                }
                Record::Register { .. } | Record::Remove => {}
            }
        }
        Ok(())
    }

    fn enqueue(&mut self, id: PartitionId, record: Record) {
        let unattributed = self.unattributed;
        let partition = self.partitions.entry(id).or_default();
        let live = &mut self.live;
        // What changes nothing is not written.
        match &record {
            Record::Purge { lane, index, .. } => {
                let purged = partition.lanes.get(lane).and_then(|lane| lane.purged);
                if purged.is_some_and(|(_, purged, _)| *index <= purged) {
                    return;
                }
            }
            Record::Truncate { from } => {
                let last = partition.lanes.get(&Lane::RAFT).and_then(|lane| lane.entries.back());
                if last.is_none_or(|last| last.index < *from) {
                    return;
                }
            }
            // Serials that were lost are not used again.
            Record::Remove if partition.damage.is_some() || unattributed => partition.serial += 1 << 32,
            _ => {}
        }
        let serial = partition.next_serial();
        let header = record.header(id, serial);
        let home = Home::waiting(serial, header.bytes_in_log());
        let payload = record.payload().clone();
        match record {
            Record::Entry { lane, term, index, payload } => {
                let payload_bytes = payload.len() as u32;
                let entry = EntryHome { index, term, home, payload_bytes, hot: Some(payload) };
                partition.lanes.entry(lane).or_default().entries.push_back(entry);
            }
            Record::Register { slot, value } => {
                if let Some((_, old)) = partition.registers.insert(slot.0, (value, home)) {
                    old.leave(live);
                }
            }
            Record::Truncate { from } => {
                partition.lanes.entry(Lane::RAFT).or_default().truncate(from, home, live);
            }
            Record::Purge { lane, term, index } => {
                partition.lanes.entry(lane).or_default().purge(term, index, home, live);
            }
            Record::Remove => partition.remove(home, live),
        }
        self.push(header, payload);
    }

    /// Queues a record whose serial is given.
    pub(crate) fn push(&mut self, header: RecordHeader, payload: Bytes) {
        self.queue_bytes += alone(header.bytes_in_log());
        self.queue.push_back(Item::Record(Queued { header, payload }));
    }

    /// Queues a record of the log itself.
    pub(crate) fn push_freed(&mut self, segment: u64) {
        self.log_serial += 1;
        let header = RecordHeader {
            kind: RecordKind::Freed,
            lane: 0,
            partition: PartitionId::LOG,
            serial: self.log_serial,
            origin: self.log_serial,
            term: 0,
            index: segment,
            at: Position::new(0, 0),
            payload_bytes: 0,
            payload_crc: 0,
            last: false,
        };
        self.push(header, Bytes::new());
    }

    /// Queues records that free the sealed segments in which nothing counts any more.
    pub(crate) fn free_dead(&mut self, options: &Options) {
        if !std::mem::take(&mut self.live.emptied) {
            return;
        }
        let pins: Vec<u64> = self.partitions.values().flat_map(|known| known.pins.iter().copied()).collect();
        let dead: Vec<u64> = self
            .sealed
            .iter()
            .filter(|(segment, sealed)| !sealed.freeing && self.live.of(**segment) == 0)
            .map(|(segment, _)| *segment)
            .filter(|segment| !pins.contains(segment))
            .collect();
        for segment in dead {
            if self.room(options, true) < alone(bytes_in_log(0)) {
                self.live.emptied = true;
                return;
            }
            if let Some(sealed) = self.sealed.get_mut(&segment) {
                sealed.freeing = true;
            }
            self.unmovable.remove(&segment);
            self.push_freed(segment);
        }
    }

    /// A record was written at the place that its header says.
    pub(crate) fn settle(&mut self, options: &Options, header: &RecordHeader) {
        if header.partition == PartitionId::LOG {
            return;
        }
        let Some(partition) = self.partitions.get_mut(&header.partition) else {
            return;
        };
        let counts = partition.settle(header, &mut self.live);
        if counts && header.kind == RecordKind::Entry && header.origin == header.serial {
            self.hot.push(header, &mut self.partitions, options.hot_bytes_max);
        }
    }
}

/// What a record takes at most: a batch of its own.
pub(crate) fn alone(record_bytes: u64) -> u64 {
    round_up(record_bytes + BATCH_HEADER as u64, BLOCK as u64)
}

/// Whether this record must be flushed before it is acknowledged, in every mode.
pub(crate) fn needs_flush(header: &RecordHeader) -> bool {
    match header.kind {
        RecordKind::Register => header.lane == Slot::VOTE.0,
        RecordKind::Remove | RecordKind::Freed => true,
        RecordKind::Entry | RecordKind::Truncate | RecordKind::Purge => false,
    }
}
