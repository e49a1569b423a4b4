//! Reading one segment: what is in it, where it ends, what is damaged.
//!
//! Pure functions over bytes, for recovery and for the offline tools.
//!
//! Invariants: nothing is taken for a record that was not written at that place, in that generation of
//! that file, by that log; what the log knew to be durable is read leniently, record by record, with the
//! holes named; what comes after is the tail, taken batch by batch and ended at the first that is not
//! whole: it was never acknowledged.

use bytes::Bytes;
use shard_rt::BLOCK;

use crate::format::{
    BATCH_HEADER, BatchHeader, Checks, RECORD_HEADER, RecordHeader, RecordKind, SegmentHeader,
};
use crate::id::{DamagedRange, Position, UNIT, round_up};

/// A record that was found.
#[derive(Clone, Debug)]
pub(crate) struct Found {
    pub(crate) header: RecordHeader,
    /// The payload fits its checksum.
    pub(crate) sound: bool,
    /// The payload of a register, if sound.
    pub(crate) value: Bytes,
}

/// What is in a segment.
#[derive(Clone, Debug)]
pub(crate) struct Scan {
    pub(crate) segment: u64,
    pub(crate) records: Vec<Found>,
    /// Damage in what was durable, ascending; records may have been there.
    pub(crate) holes: Vec<DamagedRange>,
    /// Where the last batch that counts ends.
    pub(crate) end: u64,
    /// Up to here all was durable for certain.
    pub(crate) durable: u64,
    pub(crate) batches: u64,
}

/// How far a segment is known to reach.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Extent {
    /// The header of a newer segment says where it ended.
    Sealed(u64),
    /// It is the newest one.
    Tail,
}

/// What a scan needs to know of the log.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ScanOf {
    pub(crate) log_id: u64,
    pub(crate) segment: u64,
    /// Where batches begin: the end of the header.
    pub(crate) start: u64,
    pub(crate) checks: Checks,
}

/// Reads a segment. `bytes` are those from its start up to the end of its batches, or as many of them
/// as there are; what is missing is a hole.
pub(crate) fn scan(bytes: &[u8], of: ScanOf, extent: Extent) -> Scan {
    let bytes = &bytes[..bytes.len() / BLOCK * BLOCK];
    let mut scanner = Scanner { bytes, of, records: Vec::new(), holes: Vec::new(), batches: 0 };
    let durable = match extent {
        Extent::Sealed(end) => end.max(of.start),
        Extent::Tail => scanner.durable(),
    };
    scanner.read_durable(durable);
    let end = match extent {
        Extent::Sealed(_) => durable,
        Extent::Tail => scanner.read_tail(durable),
    };
    let Scanner { records, holes, batches, .. } = scanner;
    Scan { segment: of.segment, records, holes, end, durable, batches }
}

/// Whether any batch of this segment's generation is in the bytes.
pub(crate) fn was_used(bytes: &[u8], segment: u64) -> bool {
    bytes
        .chunks_exact(BLOCK)
        .any(|block| BatchHeader::decode_any(block).is_some_and(|header| header.at.segment() == segment))
}

/// The copy of the header that is sound, and where batches begin. `bytes` is the whole segment, or its
/// first and last [`crate::format::HEADER_BYTES_MAX`] bytes in two parts.
pub(crate) fn find_header(first: &[u8], last: &[u8]) -> Result<SegmentHeader, crate::format::HeaderFault> {
    let front = SegmentHeader::decode(first);
    if front.is_ok() {
        return front;
    }
    let blocks = last.len() / BLOCK;
    for copy in (1..=blocks).map(|count| &last[(blocks - count) * BLOCK..]) {
        if SegmentHeader::bytes_of(copy) == Some(copy.len() as u64) {
            return SegmentHeader::decode(copy).or(front);
        }
    }
    front
}

/// Where a search goes on.
enum Next {
    Batch(u64),
    Record(u64),
}

struct Scanner<'a> {
    bytes: &'a [u8],
    of: ScanOf,
    records: Vec<Found>,
    holes: Vec<DamagedRange>,
    batches: u64,
}

impl Scan {
    /// Whether the segment never took anything that counts, as far as can be told.
    pub(crate) fn is_empty(&self) -> bool {
        self.records.is_empty() && self.holes.is_empty()
    }
}

impl Scanner<'_> {
    fn limit(&self) -> u64 {
        self.bytes.len() as u64
    }

    fn at(&self, offset: u64) -> Position {
        Position::new(self.of.segment, offset)
    }

    fn from(&self, offset: u64) -> &[u8] {
        self.bytes.get(offset as usize..).unwrap_or(&[])
    }

    /// The header of a batch with records that ends by `limit`.
    fn batch(&self, offset: u64, limit: u64) -> Option<BatchHeader> {
        if !offset.is_multiple_of(BLOCK as u64) || offset >= limit {
            return None;
        }
        let header = BatchHeader::decode(self.of.log_id, self.at(offset), self.from(offset), self.of.checks)?;
        let bytes = u64::from(header.bytes);
        let whole = bytes > 0 && bytes.is_multiple_of(BLOCK as u64) && offset + bytes <= limit;
        whole.then_some(header)
    }

    /// A record whose header is sound and that ends by `limit`.
    fn record(&self, offset: u64, limit: u64) -> Option<RecordHeader> {
        if offset + RECORD_HEADER as u64 > limit {
            return None;
        }
        let (log_id, checks) = (self.of.log_id, self.of.checks);
        let header = RecordHeader::decode(log_id, self.at(offset), self.from(offset), checks)?;
        (offset + header.bytes_in_log() <= limit).then_some(header)
    }

    fn found(&self, header: RecordHeader) -> Found {
        let start = header.at.offset() as usize + RECORD_HEADER;
        let payload = &self.bytes[start..start + header.payload_bytes as usize];
        let sound = !self.of.checks.crc || crc32c::crc32c(payload) == header.payload_crc;
        let keep = sound && header.kind == RecordKind::Register;
        let value = if keep { Bytes::copy_from_slice(payload) } else { Bytes::new() };
        Found { header, sound, value }
    }

    fn hole(&mut self, from: u64, to: u64) {
        match self.holes.last_mut() {
            Some(last) if last.from.offset() + last.bytes == from => last.bytes += to - from,
            _ => self.holes.push(DamagedRange { from: self.at(from), bytes: to - from }),
        }
    }

    /// The furthest place that any batch of this generation says was durable; a batch in a wrong place
    /// says so too.
    fn durable(&self) -> u64 {
        let says = |offset: u64| {
            let header = BatchHeader::decode_any(self.from(offset))?;
            let (at, durable) = (header.at, header.durable);
            let of_this = header.log_id == self.of.log_id
                && [at, durable].iter().all(|place| self.is_here(*place))
                && durable <= at
                && durable.offset().is_multiple_of(BLOCK as u64);
            of_this.then_some(durable.offset())
        };
        (self.of.start..self.limit()).step_by(BLOCK).filter_map(says).max().unwrap_or(0).max(self.of.start)
    }

    fn is_here(&self, place: Position) -> bool {
        place.segment() == self.of.segment || !self.of.checks.generation
    }

    fn read_durable(&mut self, end: u64) {
        let readable = end.min(self.limit());
        let mut offset = self.of.start;
        while offset < readable {
            offset = match self.batch(offset, readable).filter(|header| header.records > 0) {
                Some(header) => {
                    self.read_batch(offset, &header);
                    offset + u64::from(header.bytes)
                }
                None => self.read_without_batch(offset, readable),
            };
        }
        if readable < end {
            self.hole(readable.max(self.of.start), end);
        }
    }

    /// Records of a batch whose header is sound.
    fn read_batch(&mut self, start: u64, batch: &BatchHeader) {
        self.batches += 1;
        let end = start + u64::from(batch.bytes);
        let (mut offset, mut missing) = (start + BATCH_HEADER as u64, batch.records);
        while missing > 0 && offset < end {
            if let Some(header) = self.record(offset, end) {
                let found = self.found(header);
                self.records.push(found);
                offset += header.bytes_in_log();
                missing -= 1;
                continue;
            }
            let next = (offset..end).step_by(UNIT).find(|next| self.record(*next, end).is_some());
            let next = next.unwrap_or(end);
            self.hole(offset, next);
            offset = next;
        }
    }

    /// Where a batch should begin and none does: finds what can be found. Returns where the next one
    /// may begin.
    fn read_without_batch(&mut self, start: u64, limit: u64) -> u64 {
        // If the first record stands behind a rotten header, no record can have been lost there.
        let first = start + BATCH_HEADER as u64;
        let mut offset = if self.record(first, limit).is_some() { first } else { start };
        loop {
            let next = (offset..limit).step_by(UNIT).find_map(|next| {
                let batch = self.batch(next, limit).filter(|header| header.records > 0);
                let record = || self.record(next, limit).map(|_| Next::Record(next));
                batch.map(|_| Next::Batch(next)).or_else(record)
            });
            let to = match next {
                Some(Next::Batch(to) | Next::Record(to)) => to,
                None => limit,
            };
            if to > offset {
                self.hole(offset, to);
            }
            let Some(Next::Record(at)) = next else {
                return to;
            };
            let header = self.record(at, limit).expect("invariant: it was just found there");
            let found = self.found(header);
            self.records.push(found);
            offset = at + header.bytes_in_log();
            if header.last {
                return round_up(offset, BLOCK as u64);
            }
        }
    }

    /// Whole batches from `start` on. Returns where they end.
    fn read_tail(&mut self, start: u64) -> u64 {
        let mut offset = start;
        while let Some(batch) = self.batch(offset, self.limit()).filter(|header| header.records > 0) {
            let end = offset + u64::from(batch.bytes);
            let (kept, mut at) = (self.records.len(), offset + BATCH_HEADER as u64);
            for _ in 0..batch.records {
                let Some(found) = self.record(at, end).map(|header| self.found(header)) else {
                    break;
                };
                if !found.sound {
                    break;
                }
                at += found.header.bytes_in_log();
                self.records.push(found);
            }
            if (self.records.len() - kept) as u64 != u64::from(batch.records) {
                self.records.truncate(kept);
                break;
            }
            self.batches += 1;
            offset = end;
        }
        offset
    }
}
