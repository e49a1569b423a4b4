//! A sealed segment by the headers of its records: payloads of large ones are left where they are.
//!
//! They are compared with their checksums when they are read, which is before anything is built on them: a start
//! reads what is behind its checkpoint, and no more of a log that is kept for an older one.
//!
//! Invariant: what is not as it should be is not judged here: then the segment is read whole.

use shard_rt::{BLOCK, BlockAddr, File, Rt};

use crate::format::{BATCH_HEADER, BatchHeader, RECORD_HEADER, RecordHeader, RecordKind};
use crate::id::{Position, round_up};
use crate::scan::{Found, Scan, ScanOf};

/// Payloads of more bytes are left: reading on is cheaper than a read of its own for the next header.
const PAYLOAD_BYTES_LEFT: u64 = 128 << 10;
/// Bytes of a read behind a payload that was left, and of the next ones.
const READ_BYTES_MIN: u64 = 16 << 10;
const READ_BYTES_MAX: u64 = 1 << 20;

/// What is in a sealed segment that ends at `end`; `None` if anything is not as it should be.
pub(super) async fn skim(rt: &Rt, file: &File, of: ScanOf, end: u64) -> Option<Scan> {
    let mut window = Window { rt, file, from: 0, bytes: Vec::new(), read_bytes: READ_BYTES_MIN, end };
    let (mut records, mut batches, mut offset) = (Vec::new(), 0, of.start);
    while offset < end {
        let head = window.at(offset, BATCH_HEADER as u64).await?;
        let batch = BatchHeader::decode(of.log_id, Position::new(of.segment, offset), head, of.checks)?;
        let batch_end = offset + u64::from(batch.bytes);
        if batch.records == 0
            || batch.bytes == 0
            || !batch_end.is_multiple_of(BLOCK as u64)
            || batch_end > end
        {
            return None;
        }
        let mut at = offset + BATCH_HEADER as u64;
        for _ in 0..batch.records {
            let found = record(&mut window, of, at, batch_end).await?;
            at += found.header.bytes_in_log();
            records.push(found);
        }
        batches += 1;
        offset = batch_end;
    }
    Some(Scan { segment: of.segment, records, holes: Vec::new(), end, durable: end, batches })
}

async fn record(window: &mut Window<'_>, of: ScanOf, at: u64, limit: u64) -> Option<Found> {
    if at + RECORD_HEADER as u64 > limit {
        return None;
    }
    let head = window.at(at, RECORD_HEADER as u64).await?;
    let header = RecordHeader::decode(of.log_id, Position::new(of.segment, at), head, of.checks)?;
    if at + header.bytes_in_log() > limit {
        return None;
    }
    let payload_bytes = u64::from(header.payload_bytes);
    if payload_bytes > PAYLOAD_BYTES_LEFT && header.kind == RecordKind::Entry {
        return Some(Found { header, sound: true, value: bytes::Bytes::new() });
    }
    let payload = window.at(at + RECORD_HEADER as u64, payload_bytes).await?;
    if of.checks.crc && crc32c::crc32c(payload) != header.payload_crc {
        return None;
    }
    let is_value = header.kind == RecordKind::Register;
    let value = if is_value { bytes::Bytes::copy_from_slice(payload) } else { bytes::Bytes::new() };
    Some(Found { header, sound: true, value })
}

/// The part of the segment that is in memory.
struct Window<'a> {
    rt: &'a Rt,
    file: &'a File,
    from: u64,
    bytes: Vec<u8>,
    read_bytes: u64,
    end: u64,
}

impl Window<'_> {
    /// Bytes at an offset, read if they are not here; `None` if they cannot be.
    async fn at(&mut self, offset: u64, len: u64) -> Option<&[u8]> {
        let here = self.from + self.bytes.len() as u64;
        if offset < self.from || offset + len > here {
            let follows = offset <= here && offset >= self.from && !self.bytes.is_empty();
            self.read_bytes =
                if follows { (self.read_bytes * 4).min(READ_BYTES_MAX) } else { READ_BYTES_MIN };
            let block = BLOCK as u64;
            let from = offset / block * block;
            let to =
                round_up((offset + len).max(from + self.read_bytes), block).min(round_up(self.end, block));
            let buf = self.rt.buffer(((to - from) / block) as usize);
            let (result, buf) = self.file.read_at(BlockAddr::from_bytes(from).ok()?, buf).await;
            let count = result.ok()?;
            self.bytes.clear();
            self.bytes.extend_from_slice(&buf[..count]);
            self.from = from;
        }
        let start = (offset - self.from) as usize;
        self.bytes.get(start..start + len as usize)
    }
}
