//! The header of a batch: what one write put into the log.
//!
//! Invariant: a batch begins at a block and is whole blocks; a batch without records is a mark, which
//! tells how far the log is durable and is overwritten by the next batch.

use bytes::Bytes;
use shard_rt::BLOCK;

use super::{Checks, RECORD_HEADER, RecordHeader, put, u32_at, u64_at};
use crate::id::{Position, round_up};

/// Bytes of the header.
pub(crate) const BATCH_HEADER: usize = 64;
const MAGIC: [u8; 4] = *b"CWBT";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct BatchHeader {
    pub(crate) log_id: u64,
    pub(crate) at: Position,
    /// All before this was durable when the batch was formed.
    pub(crate) durable: Position,
    /// Header, records and padding: a multiple of a block.
    pub(crate) bytes: u32,
    pub(crate) records: u32,
}

impl BatchHeader {
    pub(crate) fn encode(&self, out: &mut [u8]) {
        out[..BATCH_HEADER].fill(0);
        put(out, 4, &MAGIC);
        put(out, 8, &self.at.raw().to_le_bytes());
        put(out, 16, &self.log_id.to_le_bytes());
        put(out, 24, &self.durable.raw().to_le_bytes());
        put(out, 32, &self.bytes.to_le_bytes());
        put(out, 36, &self.records.to_le_bytes());
        let crc = crc32c::crc32c(&out[4..BATCH_HEADER]);
        put(out, 0, &crc.to_le_bytes());
    }

    /// The header at the start of `bytes`, if it is of this log and belongs at `at`.
    pub(crate) fn decode(log_id: u64, at: Position, bytes: &[u8], checks: Checks) -> Option<Self> {
        Self::decode_any(bytes).filter(|header| header.log_id == log_id && checks.same_place(header.at, at))
    }

    /// The header at the start of `bytes`, whatever its log and place.
    pub(crate) fn decode_any(bytes: &[u8]) -> Option<Self> {
        let header = bytes.get(..BATCH_HEADER)?;
        if header[4..8] != MAGIC || u32_at(header, 0) != crc32c::crc32c(&header[4..]) {
            return None;
        }
        Some(Self {
            log_id: u64_at(header, 16),
            at: Position::from_raw(u64_at(header, 8)),
            durable: Position::from_raw(u64_at(header, 24)),
            bytes: u32_at(header, 32),
            records: u32_at(header, 36),
        })
    }
}

/// A record to be put into a batch; its place is set there.
pub(crate) struct Queued {
    pub(crate) header: RecordHeader,
    pub(crate) payload: Bytes,
}

/// Bytes of a batch of these records.
pub(crate) fn batch_bytes(records: &[Queued]) -> u64 {
    let bytes: u64 = records.iter().map(|queued| queued.header.bytes_in_log()).sum();
    round_up(BATCH_HEADER as u64 + bytes, BLOCK as u64)
}

/// Writes a batch over all of `out`, which is as long as [`batch_bytes`] says, and sets the places of
/// the records and which is the last.
pub(crate) fn encode_batch(
    log_id: u64,
    at: Position,
    durable: Position,
    records: &mut [Queued],
    out: &mut [u8],
) {
    let bytes = out.len() as u32;
    BatchHeader { log_id, at, durable, bytes, records: records.len() as u32 }.encode(out);
    let (mut offset, mut left) = (BATCH_HEADER, records.len());
    for Queued { header, payload } in records {
        left -= 1;
        header.last = left == 0;
        header.at = Position::new(at.segment(), at.offset() + offset as u64);
        let end = offset + header.bytes_in_log() as usize;
        let (head, body) = out[offset..end].split_at_mut(RECORD_HEADER);
        header.encode(log_id, head);
        let (place, padding) = body.split_at_mut(payload.len());
        place.copy_from_slice(payload);
        padding.fill(0);
        offset = end;
    }
    out[offset..].fill(0);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_header_is_read_back_and_any_flipped_bit_is_refused() {
        let header = BatchHeader {
            log_id: 9,
            at: Position::new(3, 8192),
            durable: Position::new(3, 4096),
            bytes: 4096,
            records: 2,
        };
        let mut bytes = [7; BATCH_HEADER];
        header.encode(&mut bytes);
        assert_eq!(BatchHeader::decode_any(&bytes), Some(header));
        assert_eq!(BatchHeader::decode_any(&bytes[..BATCH_HEADER - 1]), None);
        for bit in 0..BATCH_HEADER * 8 {
            let mut rotten = bytes;
            rotten[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(BatchHeader::decode_any(&rotten), None, "bit {bit}");
        }
    }
}
