//! What the log knows in memory: where each record that counts is, and recent entries themselves.
//!
//! Invariants: a record that counts has one home; `live` of a segment is the bytes of the homes in it,
//! so a sealed segment with none can be freed; a record whose home is not yet known is in memory.

use std::collections::{BTreeMap, VecDeque};

use bytes::Bytes;

use crate::format::{RecordHeader, RecordKind};
use crate::id::{DamagedRange, Lane, PartitionId, Position};
use crate::replay::{Image, LaneImage};

/// Live bytes by segment.
#[derive(Debug, Default)]
pub(crate) struct Live {
    bytes: BTreeMap<u64, u64>,
    /// Some segment may have become free of live bytes.
    pub(crate) emptied: bool,
}

impl Live {
    pub(crate) fn of(&self, segment: u64) -> u64 {
        self.bytes.get(&segment).copied().unwrap_or(0)
    }

    pub(crate) fn total(&self) -> u64 {
        self.bytes.values().sum()
    }

    pub(crate) fn forget(&mut self, segment: u64) {
        let left = self.bytes.remove(&segment).unwrap_or(0);
        assert_eq!(left, 0, "segment {segment} is free and has live bytes");
    }
}

/// Where a record is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Home {
    pub(crate) origin: u64,
    /// `None` while it waits to be written.
    pub(crate) at: Option<Position>,
    pub(crate) bytes: u32,
}

impl Home {
    pub(crate) fn waiting(origin: u64, bytes: u64) -> Self {
        Self { origin, at: None, bytes: bytes as u32 }
    }

    fn of(header: &RecordHeader, live: &mut Live) -> Self {
        let mut home = Self::waiting(header.origin, header.bytes_in_log());
        home.settle(header.at, live);
        home
    }

    /// It was written here, for the first time or again.
    fn settle(&mut self, at: Position, live: &mut Live) {
        self.leave(live);
        self.at = Some(at);
        *live.bytes.entry(at.segment()).or_default() += u64::from(self.bytes);
    }

    /// It counts no more.
    pub(crate) fn leave(&self, live: &mut Live) {
        if let Some(at) = self.at {
            let bytes = live.bytes.get_mut(&at.segment()).expect("invariant: a home is in a segment");
            *bytes -= u64::from(self.bytes);
            live.emptied |= *bytes == 0;
        }
    }
}

/// An entry of a lane.
#[derive(Clone, Debug)]
pub(crate) struct EntryHome {
    pub(crate) index: u64,
    pub(crate) term: u64,
    pub(crate) home: Home,
    pub(crate) payload_bytes: u32,
    /// The payload, if in memory.
    pub(crate) hot: Option<Bytes>,
}

#[derive(Debug, Default)]
pub(crate) struct LaneIndex {
    pub(crate) entries: VecDeque<EntryHome>,
    /// Term and index of the last purged entry.
    pub(crate) purged: Option<(u64, u64, Home)>,
    pub(crate) truncated: Option<(u64, Home)>,
}

impl LaneIndex {
    pub(crate) fn last(&self) -> Option<(u64, u64)> {
        let purged = || self.purged.map(|(term, index, _)| (term, index));
        self.entries.back().map(|entry| (entry.term, entry.index)).or_else(purged)
    }

    /// Where the entry of this index is, or would be.
    pub(crate) fn place(&self, index: u64) -> Result<usize, usize> {
        self.entries.binary_search_by_key(&index, |entry| entry.index)
    }

    pub(crate) fn truncate(&mut self, from: u64, home: Home, live: &mut Live) {
        let at = self.place(from).unwrap_or_else(|at| at);
        self.entries.drain(at..).for_each(|entry| entry.home.leave(live));
        if let Some((_, old)) = self.truncated.replace((from, home)) {
            old.leave(live);
        }
    }

    pub(crate) fn purge(&mut self, term: u64, index: u64, home: Home, live: &mut Live) {
        let at = self.place(index).map_or_else(|at| at, |at| at + 1);
        self.entries.drain(..at).for_each(|entry| entry.home.leave(live));
        if let Some((.., old)) = self.purged.replace((term, index, home)) {
            old.leave(live);
        }
    }

    fn of(image: LaneImage, live: &mut Live) -> Self {
        let entry = |header: RecordHeader, live: &mut Live| EntryHome {
            index: header.index,
            term: header.term,
            home: Home::of(&header, live),
            payload_bytes: header.payload_bytes,
            hot: None,
        };
        Self {
            entries: image.entries.into_iter().map(|header| entry(header, live)).collect(),
            purged: image.purged.map(|header| (header.term, header.index, Home::of(&header, live))),
            truncated: image.truncated.map(|header| (header.index, Home::of(&header, live))),
        }
    }
}

#[derive(Debug, Default)]
pub(crate) struct Partition {
    /// The last serial that was given out.
    pub(crate) serial: u64,
    /// The last serial that is in a batch.
    pub(crate) serial_written: u64,
    pub(crate) lanes: BTreeMap<Lane, LaneIndex>,
    pub(crate) registers: BTreeMap<u16, (Bytes, Home)>,
    pub(crate) removed: Option<Home>,
    /// Why it cannot be opened, with the segments that are kept for that.
    pub(crate) damage: Option<Vec<DamagedRange>>,
    pub(crate) pins: Vec<u64>,
}

impl Partition {
    pub(crate) fn of(image: Image, live: &mut Live) -> Self {
        let pins = image.damage.as_ref().map_or_else(Vec::new, |damage| {
            let damaged = damage.iter().map(|range| range.from.segment());
            damaged.chain(image.segments.iter().copied()).collect()
        });
        let registers = image.registers.into_iter();
        Self {
            serial: image.serial,
            serial_written: image.serial,
            registers: registers
                .map(|(slot, (header, value))| (slot, (value, Home::of(&header, live))))
                .collect(),
            lanes: image.lanes.into_iter().map(|(lane, image)| (lane, LaneIndex::of(image, live))).collect(),
            removed: image.removed.map(|header| Home::of(&header, live)),
            damage: image.damage,
            pins,
        }
    }

    pub(crate) fn next_serial(&mut self) -> u64 {
        self.serial += 1;
        self.serial
    }

    /// Forgets everything but how far its serials were.
    pub(crate) fn remove(&mut self, home: Home, live: &mut Live) {
        for lane in self.lanes.values() {
            lane.homes().for_each(|home| home.leave(live));
        }
        self.registers.values().for_each(|(_, home)| home.leave(live));
        self.removed.iter().for_each(|home| home.leave(live));
        // What was kept for its damage is free now.
        live.emptied = true;
        let (serial, serial_written) = (self.serial, self.serial_written);
        *self = Self { serial, serial_written, removed: Some(home), ..Self::default() };
    }

    /// The home of the record with this header, if it still counts.
    pub(crate) fn home(&mut self, header: &RecordHeader) -> Option<&mut Home> {
        let lane = Lane(header.lane);
        let home = match header.kind {
            RecordKind::Entry => {
                let lane = self.lanes.get_mut(&lane)?;
                let at = lane.place(header.index).ok()?;
                &mut lane.entries[at].home
            }
            RecordKind::Register => &mut self.registers.get_mut(&header.lane)?.1,
            RecordKind::Truncate => &mut self.lanes.get_mut(&lane)?.truncated.as_mut()?.1,
            RecordKind::Purge => &mut self.lanes.get_mut(&lane)?.purged.as_mut()?.2,
            RecordKind::Remove => self.removed.as_mut()?,
            RecordKind::Freed => return None,
        };
        (home.origin == header.origin).then_some(home)
    }

    /// The record was written. Returns whether it still counts.
    pub(crate) fn settle(&mut self, header: &RecordHeader, live: &mut Live) -> bool {
        self.home(header).map(|home| home.settle(header.at, live)).is_some()
    }
}

impl LaneIndex {
    fn homes(&self) -> impl Iterator<Item = Home> {
        let entries = self.entries.iter().map(|entry| entry.home);
        entries.chain(self.purged.map(|(.., home)| home)).chain(self.truncated.map(|(_, home)| home))
    }
}

/// Entries in memory in the order they were written. The bound is on what was written last, whether it
/// still counts or not.
#[derive(Debug, Default)]
pub(crate) struct HotTail {
    order: VecDeque<HotEntry>,
    bytes: u64,
}

#[derive(Debug)]
struct HotEntry {
    partition: PartitionId,
    lane: Lane,
    index: u64,
    origin: u64,
    bytes: u64,
}

impl HotTail {
    /// An entry that is in memory was written; drops the oldest ones beyond the bound.
    pub(crate) fn push(
        &mut self,
        header: &RecordHeader,
        partitions: &mut BTreeMap<PartitionId, Partition>,
        bytes_max: u64,
    ) {
        let entry = HotEntry {
            partition: header.partition,
            lane: Lane(header.lane),
            index: header.index,
            origin: header.origin,
            bytes: header.bytes_in_log(),
        };
        self.bytes += entry.bytes;
        self.order.push_back(entry);
        while self.bytes > bytes_max {
            let Some(oldest) = self.order.pop_front() else {
                return;
            };
            self.bytes -= oldest.bytes;
            let partition = partitions.get_mut(&oldest.partition);
            let lane = partition.and_then(|partition| partition.lanes.get_mut(&oldest.lane));
            let Some((lane, at)) = lane.and_then(|lane| lane.place(oldest.index).ok().map(|at| (lane, at)))
            else {
                continue;
            };
            if lane.entries[at].home.origin == oldest.origin {
                lane.entries[at].hot = None;
            }
        }
    }
}
