//! Promises of the format: it never changes, and no bytes make its reader fail or believe them.

mod damage;
mod golden;

use bytes::Bytes;
use shard_rt::BLOCK;

use crate::format::{
    PartitionMark, Queued, RecordHeader, RecordKind, SegmentHeader, SegmentRef, batch_bytes, encode_batch,
};
use crate::id::{Lane, PartitionId, Position, Slot};
use crate::record::Record;

const LOG_ID: u64 = 0x1122_3344_5566_7788;
const SEGMENT: u64 = 3;
const SEGMENT_BYTES: u64 = 8 * BLOCK as u64;

fn header() -> SegmentHeader {
    SegmentHeader {
        log_id: LOG_ID,
        segment: SEGMENT,
        segment_bytes: SEGMENT_BYTES,
        damage_unattributed: false,
        segments: vec![SegmentRef { segment: 1, end: 8192 }, SegmentRef { segment: 2, end: 16384 }],
        partitions: vec![
            PartitionMark { partition: PartitionId(5), serial: 10, damaged: false },
            PartitionMark { partition: PartitionId::LOG, serial: 2, damaged: false },
        ],
    }
}

fn queued(partition: u64, serial: u64, record: &Record) -> Queued {
    let header = record.header(PartitionId(partition), serial);
    let payload = match record {
        Record::Entry { payload, .. } => payload.clone(),
        Record::Register { value, .. } => value.clone(),
        _ => Bytes::new(),
    };
    Queued { header, payload }
}

/// Every kind of record, in three batches and a mark.
fn batches() -> Vec<Vec<Queued>> {
    let stream = |index| Record::Entry { lane: Lane(7), term: 0, index, payload: vec![0xAB; 100].into() };
    let mut copy = queued(5, 14, &Record::entry(2, 3, &b"moved"[..]));
    copy.header.origin = 4;
    let freed = RecordHeader {
        kind: RecordKind::Freed,
        index: 1,
        ..queued(PartitionId::LOG.0, 3, &Record::Remove).header
    };
    vec![
        vec![
            queued(5, 11, &Record::vote(&b"vote"[..])),
            queued(5, 12, &Record::entry(3, 4, &b"four"[..])),
            queued(9, 1, &Record::entry(1, 1, &b""[..])),
        ],
        vec![queued(5, 13, &Record::truncate(4)), copy, queued(9, 2, &stream(17))],
        vec![
            queued(5, 15, &Record::purge(2, 3)),
            queued(9, 3, &Record::Register { slot: Slot(16), value: vec![1; 64].into() }),
            queued(6, 1, &Record::Remove),
            Queued { header: freed, payload: Bytes::new() },
        ],
    ]
}

/// A segment with [`batches`] in it.
fn segment() -> Vec<u8> {
    let mut bytes = vec![0; SEGMENT_BYTES as usize];
    let header = header();
    let size = header.bytes();
    header.encode(&mut bytes[..size as usize]);
    header.encode(&mut bytes[(SEGMENT_BYTES - size) as usize..]);
    let mut at = size;
    for mut records in batches() {
        let end = at + batch_bytes(&records);
        let place = Position::new(SEGMENT, at);
        encode_batch(LOG_ID, place, place, &mut records, &mut bytes[at as usize..end as usize]);
        at = end;
    }
    let place = Position::new(SEGMENT, at);
    encode_batch(LOG_ID, place, place, &mut [], &mut bytes[at as usize..at as usize + BLOCK]);
    bytes
}
