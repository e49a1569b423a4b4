//! From what was found in the segments to the state of every partition.
//!
//! Pure functions. Order in the log does not matter here, only `origin`: of two records about the same
//! thing the one that was first written later counts. So copies change nothing, and segments may be
//! read in any order, at the same time.
//!
//! Invariant: a partition is either exactly what its records say, or it is named as damaged. Serials of a
//! partition have no gaps within a segment and the headers of segments say where they were, so records
//! that fell into a hole are missed.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;

use crate::format::{RecordHeader, RecordKind, SegmentHeader};
use crate::id::{DamagedRange, Lane, PartitionId, Position};
use crate::scan::{Found, Scan};

/// A segment as it was read. Its header may be lost.
#[derive(Debug)]
pub(crate) struct Part {
    pub(crate) scan: Scan,
    pub(crate) header: Option<SegmentHeader>,
}

/// The state of a partition.
#[derive(Debug, Default)]
pub(crate) struct Image {
    /// Its last serial.
    pub(crate) serial: u64,
    /// Set if it cannot be opened.
    pub(crate) damage: Option<Vec<DamagedRange>>,
    pub(crate) lanes: BTreeMap<Lane, LaneImage>,
    pub(crate) registers: BTreeMap<u16, (RecordHeader, Bytes)>,
    pub(crate) removed: Option<RecordHeader>,
    /// Segments that have records of it.
    pub(crate) segments: BTreeSet<u64>,
    /// Entries of expendable lanes that count and have rotted.
    pub(crate) lost: Vec<RecordHeader>,
}

/// The state of a lane.
#[derive(Debug, Default)]
pub(crate) struct LaneImage {
    /// By ascending index.
    pub(crate) entries: Vec<RecordHeader>,
    pub(crate) purged: Option<RecordHeader>,
    pub(crate) truncated: Option<RecordHeader>,
}

/// What the log says.
#[derive(Debug, Default)]
pub(crate) struct Replayed {
    pub(crate) partitions: BTreeMap<PartitionId, Image>,
    /// Last serial of the log's own records.
    pub(crate) log_serial: u64,
    pub(crate) holes: Vec<DamagedRange>,
    /// A hole may have hit partitions of which nothing else is known.
    pub(crate) unattributed: bool,
}

/// Puts the segments together; `parts` ascend by segment, the last one is the tail.
pub(crate) fn replay(parts: &[Part]) -> Replayed {
    let mut chain = Chain::default();
    for part in parts {
        chain.begin_segment(part);
        chain.records(part);
    }
    chain.end();
    let mut replayed = Replayed {
        log_serial: chain.known.remove(&PartitionId::LOG).map_or(0, |known| known.serial),
        holes: parts.iter().flat_map(|part| part.scan.holes.iter().copied()).collect(),
        unattributed: chain.unattributed,
        ..Replayed::default()
    };
    let mut records: BTreeMap<PartitionId, Vec<&Found>> = BTreeMap::new();
    for found in parts.iter().flat_map(|part| &part.scan.records) {
        records.entry(found.header.partition).or_default().push(found);
    }
    for (partition, known) in chain.known {
        let records = records.remove(&partition).unwrap_or_default();
        let mut image = image(&records, &replayed.holes);
        image.serial = known.serial;
        let removed = image.removed.map_or(0, |header| header.origin);
        for (_, ranges) in known.damage.into_iter().filter(|(serial, _)| *serial > removed) {
            image.damage.get_or_insert_default().extend(ranges);
        }
        if let Some(damage) = &mut image.damage {
            damage.sort_unstable();
            damage.dedup();
        }
        replayed.partitions.insert(partition, image);
    }
    replayed
}

/// The check of serials.
#[derive(Default)]
struct Chain {
    known: BTreeMap<PartitionId, Known>,
    segment: Option<u64>,
    /// Holes since the last header that could be read.
    open: Vec<DamagedRange>,
    unattributed: bool,
}

#[derive(Default)]
struct Known {
    serial: u64,
    /// The segment and offset of its last record.
    last: Option<Position>,
    /// Damage before a serial: a removal of the partition with that serial, or a later one, ends it.
    damage: Vec<(u64, Vec<DamagedRange>)>,
}

impl Chain {
    /// Compares with what the header says was before.
    fn begin_segment(&mut self, part: &Part) {
        let segment = part.scan.segment;
        let follows = self.segment.is_some_and(|before| before.checked_add(1) == Some(segment));
        let first = self.segment.is_none();
        self.segment = Some(segment);
        let Some(header) = &part.header else {
            return;
        };
        self.unattributed |= header.damage_unattributed;
        for mark in &header.partitions {
            let seen = self.known.get(&mark.partition).map(|known| known.serial);
            let known = self.known.entry(mark.partition).or_default();
            let must_agree = !first && (follows || !self.open.is_empty());
            if must_agree && seen.unwrap_or(0) != mark.serial {
                known.damage.push((mark.serial.saturating_add(1), self.open.clone()));
            }
            if mark.damaged {
                known.damage.push((mark.serial.saturating_add(1), Vec::new()));
            }
            known.serial = known.serial.max(mark.serial);
        }
        self.open.clear();
    }

    fn records(&mut self, part: &Part) {
        let holes = &part.scan.holes;
        let mut passed = 0;
        for found in &part.scan.records {
            let header = &found.header;
            while holes.get(passed).is_some_and(|hole| hole.from < header.at) {
                self.open.push(holes[passed]);
                passed += 1;
            }
            let known = self.known.entry(header.partition).or_default();
            if Some(header.serial) != known.serial.checked_add(1)
                && (part.header.is_some() || !self.open.is_empty())
            {
                known.damage.push((header.serial, self.open.clone()));
            }
            known.serial = known.serial.max(header.serial);
            known.last = Some(header.at);
        }
        self.open.extend(&holes[passed..]);
    }

    /// After the tail nothing tells what its holes had: only a later record of the same partition.
    fn end(&mut self) {
        let Some(last) = self.open.last().copied() else {
            return;
        };
        self.unattributed = true;
        for known in self.known.values_mut() {
            if known.last.is_none_or(|at| at < last.from) {
                let after = self.open.iter().filter(|hole| known.last.is_none_or(|at| at < hole.from));
                known.damage.push((u64::MAX, after.copied().collect()));
            }
        }
    }
}

/// Which of two records about the same thing counts: the later one; of two copies the sound one, then
/// the one further on.
fn counts_over(one: &Found, other: &Found) -> bool {
    let rank = |found: &Found| (found.header.origin, found.sound, found.header.at);
    rank(one) > rank(other)
}

fn keep<K: Ord>(map: &mut BTreeMap<K, Found>, key: K, found: &Found) {
    let entry = map.entry(key);
    let kept = entry.or_insert_with(|| found.clone());
    if counts_over(found, kept) {
        *kept = found.clone();
    }
}

/// The state that the records of one partition say.
fn image(records: &[&Found], holes: &[DamagedRange]) -> Image {
    let of_kind = |kind| records.iter().filter(move |found| found.header.kind == kind);
    let removed = of_kind(RecordKind::Remove).map(|found| found.header).max_by_key(|h| (h.origin, h.at));
    let cutoff = removed.map_or(0, |header| header.origin);
    let mut image = Image { removed, ..Image::default() };
    let (mut registers, mut purges, mut truncates) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
    let mut entries: BTreeMap<u16, BTreeMap<u64, Found>> = BTreeMap::new();
    for found in records {
        let header = &found.header;
        image.segments.insert(header.at.segment());
        if header.origin < cutoff {
            continue;
        }
        match header.kind {
            RecordKind::Entry => keep(entries.entry(header.lane).or_default(), header.index, found),
            RecordKind::Register => keep(&mut registers, header.lane, found),
            RecordKind::Truncate => keep(&mut truncates, header.lane, found),
            RecordKind::Purge => keep(&mut purges, header.lane, found),
            RecordKind::Remove | RecordKind::Freed => {}
        }
    }
    for (slot, found) in registers {
        note_rot(&found, &mut image.damage);
        image.registers.insert(slot, (found.header, found.value));
    }
    let lanes: BTreeSet<u16> = entries.keys().chain(purges.keys()).chain(truncates.keys()).copied().collect();
    for lane in lanes {
        let of_lane = LaneImage {
            purged: purges.get(&lane).map(|found| found.header),
            truncated: truncates.get(&lane).map(|found| found.header),
            entries: Vec::new(),
        };
        let all = entries.remove(&lane).unwrap_or_default();
        let lane = Lane(lane);
        let mut rotten = Vec::new();
        let of_lane = live_entries(of_lane, all, &mut rotten);
        if lane.is_expendable() {
            image.lost.extend(rotten);
        } else if !rotten.is_empty() {
            image.damage.get_or_insert_default().extend(rotten.iter().map(range_of));
        }
        if lane == Lane::RAFT && has_gap(&of_lane) {
            image.damage.get_or_insert_default().extend(holes);
        }
        image.lanes.insert(lane, of_lane);
    }
    image
}

fn note_rot(found: &Found, damage: &mut Option<Vec<DamagedRange>>) {
    if !found.sound {
        damage.get_or_insert_default().push(range_of(&found.header));
    }
}

/// Where a record is.
pub(crate) fn range_of(header: &RecordHeader) -> DamagedRange {
    DamagedRange { from: header.at, bytes: header.bytes_in_log() }
}

/// Leaves out what was purged, truncated, or overwritten.
fn live_entries(mut lane: LaneImage, all: BTreeMap<u64, Found>, rotten: &mut Vec<RecordHeader>) -> LaneImage {
    let mut newest = 0;
    for (index, found) in all {
        let header = found.header;
        let purged = lane.purged.is_some_and(|purge| index <= purge.index);
        let truncated =
            lane.truncated.is_some_and(|truncate| index >= truncate.index && header.origin < truncate.origin);
        // An entry of a lower index that was written later says that this one had been truncated.
        if !purged && !truncated && header.origin > newest {
            newest = header.origin;
            if !found.sound {
                rotten.push(header);
            }
            lane.entries.push(header);
        }
    }
    lane
}

fn has_gap(lane: &LaneImage) -> bool {
    let first = match (&lane.purged, lane.entries.first()) {
        (_, None) => return false,
        (Some(purge), Some(first)) => !follows(purge, first),
        (None, Some(first)) => first.index > 1,
    };
    first || lane.entries.windows(2).any(|pair| !follows(&pair[0], &pair[1]))
}

fn follows(before: &RecordHeader, header: &RecordHeader) -> bool {
    before.index.checked_add(1) == Some(header.index)
}
