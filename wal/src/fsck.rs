//! Reading a log offline: what `ceptra-ctl wal verify` and `wal dump` show.
//!
//! Pure functions over the bytes of the files; nothing is changed. One segment is looked at after the
//! other, so the caller may map files into memory one at a time.

use std::collections::BTreeMap;
use std::fmt;

use shard_rt::BLOCK;

use crate::error::{Result, WalError};
use crate::format::{
    BatchHeader, Checks, HEADER_BYTES_MAX, HeaderFault, RecordHeader, RecordKind, SegmentHeader,
};
use crate::id::{DamagedRange, Lane, PartitionId, Position};
use crate::log::segment_of_name;
use crate::replay::{Image, Part, range_of, replay};
use crate::scan::{Extent, Found, Scan, ScanOf, find_header, scan, was_used};
use crate::survey::{counting, newest};

/// What a log says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// The identity of the log; 0 of a directory without one.
    pub log_id: u64,
    /// Segments that count, in order; the last one is the newest.
    pub segments: Vec<SegmentReport>,
    /// Files that are ready to become segments.
    pub spares: Vec<String>,
    /// Every partition.
    pub partitions: Vec<PartitionReport>,
    /// Damage may have hit partitions of which nothing is known.
    pub unattributed: bool,
}

impl Report {
    /// Whether every partition would open.
    pub fn is_sound(&self) -> bool {
        !self.unattributed && self.partitions.iter().all(|partition| partition.damage.is_none())
    }
}

/// A segment that counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SegmentReport {
    /// Its number.
    pub segment: u64,
    /// Where its batches end.
    pub end: u64,
    /// Batches that were read.
    pub batches: u64,
    /// Records that were read.
    pub records: u64,
    /// Ranges that could not be read.
    pub holes: Vec<DamagedRange>,
    /// Neither copy of its header can be read.
    pub header_lost: bool,
}

/// A partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartitionReport {
    /// Which one.
    pub partition: PartitionId,
    /// Its lanes.
    pub lanes: Vec<LaneReport>,
    /// Slots and their values.
    pub slots: Vec<(u16, Vec<u8>)>,
    /// Set if it would not open.
    pub damage: Option<Vec<DamagedRange>>,
    /// Entries that have rotted of lanes that can be made anew ([`Lane::is_expendable`]): it opens without
    /// them.
    pub lost: Vec<LostEntry>,
}

/// An entry that has rotted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LostEntry {
    /// Its lane.
    pub lane: Lane,
    /// Its index.
    pub index: u64,
    /// Where it is.
    pub range: DamagedRange,
}

/// A lane of a partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LaneReport {
    /// Which one.
    pub lane: Lane,
    /// Purged up to this index.
    pub purged: Option<u64>,
    /// First and last index of its entries.
    pub entries: Option<(u64, u64)>,
}

/// A record as the dump shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DumpRecord {
    /// Where it is.
    pub at: Position,
    /// Whose it is.
    pub partition: PartitionId,
    /// Its kind: `entry`, `register`, `truncate`, `purge`, `remove`, `freed`.
    pub kind: &'static str,
    /// Lane or slot.
    pub lane: u16,
    /// Its number within the partition.
    pub serial: u64,
    /// The number it had when it was first written.
    pub origin: u64,
    /// Raft's term.
    pub term: u64,
    /// Index of an entry; the index that a mark is about; the segment that was freed.
    pub index: u64,
    /// Bytes of payload.
    pub payload_bytes: u32,
    /// Whether the payload is what was written.
    pub sound: bool,
}

impl fmt::Display for DumpRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { at, partition, kind, lane, serial, origin, term, index, payload_bytes, sound } = self;
        write!(f, "{at}: {partition} {kind} lane={lane} serial={serial}")?;
        if origin != serial {
            write!(f, " origin={origin}")?;
        }
        write!(f, " term={term} index={index} bytes={payload_bytes}")?;
        if *sound { Ok(()) } else { f.write_str(" ROTTEN") }
    }
}

/// What is in one segment, whatever else the log says of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dump {
    /// Its number.
    pub segment: u64,
    /// Where its batches end, as far as it tells itself.
    pub end: u64,
    /// How far it says that it was durable.
    pub durable: u64,
    /// Records, in order.
    pub records: Vec<DumpRecord>,
    /// Ranges that could not be read.
    pub holes: Vec<DamagedRange>,
}

/// Checks a log. `files` are the names in its directory and `read` gives the bytes of one of them.
///
/// # Errors
/// [`WalError::LogDamaged`], [`WalError::Version`]; errors of `read`.
pub fn verify<B: AsRef<[u8]>>(files: &[String], mut read: impl FnMut(&str) -> Result<B>) -> Result<Report> {
    let mut named: BTreeMap<u64, &str> = BTreeMap::new();
    let mut report = Report::default();
    for name in files {
        match segment_of_name(name) {
            Some(segment) => {
                named.insert(segment, name);
            }
            None if name.starts_with("spare-") => report.spares.push(name.clone()),
            None => {}
        }
    }
    let mut headers = BTreeMap::new();
    for (segment, name) in &named {
        headers.insert(*segment, header(name, read(name)?.as_ref())?);
    }
    let tail = newest(headers.iter().map(|(segment, header)| (*segment, header.as_ref()))).cloned();
    let after = tail.as_ref().map_or(0, |tail| tail.segment + 1);
    for (segment, name) in named.range(after..) {
        if was_used(read(name)?.as_ref(), *segment) {
            let reason = "it has records, and both copies of its header are lost".to_owned();
            return Err(WalError::LogDamaged { dir: (*name).to_owned(), reason });
        }
    }
    let Some(tail) = tail else {
        report.spares.extend(named.values().map(|name| (*name).to_owned()));
        return Ok(report);
    };
    let of = ScanOf { log_id: tail.log_id, segment: tail.segment, start: tail.bytes(), checks: Checks::ALL };
    let bytes = read(named[&tail.segment])?;
    let tail_scan = scan(used(bytes.as_ref(), &tail), of, Extent::Tail);
    let ends = counting(&tail, &tail_scan);
    let mut parts = Vec::with_capacity(ends.len() + 1);
    for (segment, end) in &ends {
        let header = headers.get(segment).cloned().flatten().filter(|header| header.segment == *segment);
        let start = header.as_ref().map_or(BLOCK as u64, SegmentHeader::bytes);
        let end = (*end).min(tail.segment_bytes);
        let of = ScanOf { log_id: tail.log_id, segment: *segment, start, checks: Checks::ALL };
        let found = match named.get(segment) {
            Some(name) => {
                let bytes = read(name)?;
                let bytes = bytes.as_ref();
                scan(&bytes[..bytes.len().min(end as usize)], of, Extent::Sealed(end))
            }
            None => scan(&[], of, Extent::Sealed(end)),
        };
        parts.push(Part { scan: found, header });
    }
    report.log_id = tail.log_id;
    let counts = |segment: &u64| ends.contains_key(segment) || *segment == tail.segment;
    report
        .spares
        .extend(named.iter().filter(|(segment, _)| !counts(segment)).map(|(_, name)| (*name).to_owned()));
    parts.push(Part { scan: tail_scan, header: Some(tail) });
    report.segments = parts.iter().map(segment_report).collect();
    let replayed = replay(&parts);
    report.unattributed = replayed.unattributed;
    report.partitions = replayed.partitions.iter().map(|(id, image)| partition_report(*id, image)).collect();
    Ok(report)
}

/// What is in one segment.
///
/// # Errors
/// [`WalError::LogDamaged`] if nothing in it tells which log it is of; [`WalError::Version`].
pub fn dump(name: &str, bytes: &[u8]) -> Result<Dump> {
    let found = header(name, bytes)?;
    let first = || bytes.chunks_exact(BLOCK).find_map(BatchHeader::decode_any);
    let (log_id, segment, start) = match &found {
        Some(header) => (header.log_id, header.segment, header.bytes()),
        None => match first() {
            Some(batch) => (batch.log_id, batch.at.segment(), BLOCK as u64),
            None => {
                let reason = "neither a header nor a batch can be read".to_owned();
                return Err(WalError::LogDamaged { dir: name.to_owned(), reason });
            }
        },
    };
    let limit = found.as_ref().map_or(bytes, |header| used(bytes, header));
    let Scan { records, holes, end, durable, .. } =
        scan(limit, ScanOf { log_id, segment, start, checks: Checks::ALL }, Extent::Tail);
    Ok(Dump { segment, end, durable, records: records.iter().map(dump_record).collect(), holes })
}

/// The bytes up to the second copy of the header.
fn used<'a>(bytes: &'a [u8], header: &SegmentHeader) -> &'a [u8] {
    let limit = header.segment_bytes.saturating_sub(header.bytes()) as usize;
    &bytes[..bytes.len().min(limit)]
}

fn header(name: &str, bytes: &[u8]) -> Result<Option<SegmentHeader>> {
    let part = bytes.len().min(HEADER_BYTES_MAX as usize) / BLOCK * BLOCK;
    let (first, last) = (&bytes[..part], &bytes[bytes.len() - part..]);
    match find_header(first, last) {
        Ok(header) => Ok(Some(header)),
        Err(HeaderFault::Unreadable) => Ok(None),
        Err(HeaderFault::Version(version)) => Err(WalError::Version { file: name.to_owned(), version }),
    }
}

fn segment_report(part: &Part) -> SegmentReport {
    SegmentReport {
        segment: part.scan.segment,
        end: part.scan.end,
        batches: part.scan.batches,
        records: part.scan.records.len() as u64,
        holes: part.scan.holes.clone(),
        header_lost: part.header.is_none(),
    }
}

fn partition_report(partition: PartitionId, image: &Image) -> PartitionReport {
    let lanes = image.lanes.iter().map(|(lane, of)| {
        let ends = of.entries.first().zip(of.entries.last());
        LaneReport {
            lane: *lane,
            purged: of.purged.map(|purge| purge.index),
            entries: ends.map(|(first, last)| (first.index, last.index)),
        }
    });
    PartitionReport {
        partition,
        lanes: lanes.collect(),
        slots: image.registers.iter().map(|(slot, (_, value))| (*slot, value.to_vec())).collect(),
        damage: image.damage.clone(),
        lost: image.lost.iter().map(lost_entry).collect(),
    }
}

fn lost_entry(header: &RecordHeader) -> LostEntry {
    LostEntry { lane: Lane(header.lane), index: header.index, range: range_of(header) }
}

fn dump_record(found: &Found) -> DumpRecord {
    let header = &found.header;
    DumpRecord {
        at: header.at,
        partition: header.partition,
        kind: match header.kind {
            RecordKind::Entry => "entry",
            RecordKind::Register => "register",
            RecordKind::Truncate => "truncate",
            RecordKind::Purge => "purge",
            RecordKind::Remove => "remove",
            RecordKind::Freed => "freed",
        },
        lane: header.lane,
        serial: header.serial,
        origin: header.origin,
        term: header.term,
        index: header.index,
        payload_bytes: header.payload_bytes,
        sound: found.sound,
    }
}
