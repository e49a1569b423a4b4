//! Arbitrary damage: no panic, nothing believed that was not written, memory within the bytes given.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::format::{BATCH_HEADER, BatchHeader, Checks};
use crate::fsck;
use crate::replay::{Part, replay};
use crate::scan::{Extent, Scan, ScanOf, find_header, scan};

fn cases(reduced: u32) -> u32 {
    if std::env::var("CEPTRA_DEEP").is_ok_and(|deep| deep == "1") { 200_000 } else { reduced }
}

fn scan_of(bytes: &[u8], extent: Extent) -> Scan {
    let of = ScanOf { log_id: LOG_ID, segment: SEGMENT, start: BLOCK as u64, checks: Checks::ALL };
    scan(bytes, of, extent)
}

/// One kind of damage.
#[derive(Clone, Debug)]
enum Harm {
    Flip(usize, u8),
    Overwrite(usize, Vec<u8>),
    /// Block to block, as a misdirected write does.
    Copy(usize, usize),
    Zero(usize, usize),
    Cut(usize),
}

fn harm() -> impl Strategy<Value = Harm> {
    let bytes = SEGMENT_BYTES as usize;
    prop_oneof![
        (0..bytes, 0u8..8).prop_map(|(at, bit)| Harm::Flip(at, bit)),
        (0..bytes, prop::collection::vec(any::<u8>(), 1..200))
            .prop_map(|(at, with)| Harm::Overwrite(at, with)),
        (0..bytes / 512, 0..bytes / 512).prop_map(|(from, to)| Harm::Copy(from * 512, to * 512)),
        (0..bytes, 1..5_000usize).prop_map(|(at, count)| Harm::Zero(at, count)),
        (0..bytes).prop_map(Harm::Cut),
    ]
}

fn apply(bytes: &mut Vec<u8>, harm: &Harm) {
    let len = bytes.len();
    match harm {
        Harm::Flip(at, bit) if *at < len => bytes[*at] ^= 1 << bit,
        Harm::Overwrite(at, with) => {
            bytes.iter_mut().skip(*at).zip(with).for_each(|(byte, with)| *byte = *with);
        }
        Harm::Copy(from, to) if from + 512 <= len && to + 512 <= len => {
            bytes.copy_within(*from..*from + 512, *to);
        }
        Harm::Zero(at, count) => bytes.iter_mut().skip(*at).take(*count).for_each(|byte| *byte = 0),
        Harm::Cut(at) => bytes.truncate(*at),
        _ => {}
    }
}

fn written() -> BTreeMap<(PartitionId, u64), (RecordHeader, Bytes)> {
    let bytes = segment();
    let found = scan_of(&bytes, Extent::Tail);
    let records = batches().into_iter().flatten();
    let both = found.records.iter().zip(records);
    both.map(|(found, queued)| {
        ((found.header.partition, found.header.serial), (found.header, queued.payload))
    })
    .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(cases(2_000)))]

    /// What a scan finds in a damaged segment was written there; what is missing is in a hole, or in
    /// the tail that nothing says was durable.
    #[test]
    fn damage_is_never_believed(harms in prop::collection::vec(harm(), 1..6), sealed in any::<bool>()) {
        let mut bytes = segment();
        harms.iter().for_each(|harm| apply(&mut bytes, harm));
        let end = 4 * BLOCK as u64;
        let extent = if sealed { Extent::Sealed(end) } else { Extent::Tail };
        let found = scan_of(&bytes, extent);
        let written = written();
        for record in &found.records {
            let (header, payload) = &written[&(record.header.partition, record.header.serial)];
            prop_assert_eq!(header, &record.header);
            if record.sound {
                let start = header.at.offset() as usize + 64;
                prop_assert_eq!(&bytes[start..start + payload.len()], &payload[..]);
            }
        }
        let known = if sealed { end } else { found.durable };
        for (header, _) in written.values().filter(|(header, _)| header.at.offset() < known) {
            let here = found.records.iter().any(|record| record.header == *header);
            let inside = |hole: &crate::DamagedRange| {
                hole.from <= header.at && header.at.offset() < hole.from.offset() + hole.bytes
            };
            prop_assert!(here || found.holes.iter().any(inside), "{header:?} is neither found nor missed");
        }
        let _ = find_header(&bytes[..bytes.len().min(BLOCK)], &bytes);
        let _ = fsck::dump("x", &bytes);
        let _ = fsck::verify(&["0000000000000003.seg".to_owned()], |_| Ok(bytes.clone()));
        let part = Part { scan: found, header: sealed.then(header) };
        let _ = replay(&[part]);
    }

    /// Headers with any content and a sound checksum: no panic, no more records than fit.
    #[test]
    fn forged_headers_are_survived(
        forged in prop::collection::vec((0usize..7, 0usize..2, any::<[u64; 6]>(), any::<[u32; 3]>()), 1..8),
    ) {
        let mut bytes = segment();
        for (block, kind, longs, words) in forged {
            let at = (block + 1) * BLOCK;
            let here = Position::new(SEGMENT, at as u64);
            if kind == 0 {
                BatchHeader {
                    log_id: LOG_ID,
                    at: here,
                    durable: Position::from_raw(longs[0] % (2 * here.raw())),
                    bytes: if words[2] % 2 == 0 { words[0] } else { BLOCK as u32 * (words[0] % 5) },
                    records: words[1],
                }
                .encode(&mut bytes[at..at + BATCH_HEADER]);
            } else {
                let at = at + BATCH_HEADER;
                let header = RecordHeader {
                    kind: [RecordKind::Entry, RecordKind::Purge, RecordKind::Freed][words[0] as usize % 3],
                    lane: words[1] as u16 % 2,
                    partition: PartitionId(longs[1]),
                    serial: longs[2],
                    origin: longs[3],
                    term: longs[4],
                    index: longs[5],
                    at: Position::new(SEGMENT, at as u64),
                    payload_bytes: words[2],
                    payload_crc: 0,
                    last: false,
                };
                header.encode(LOG_ID, &mut bytes[at..at + 64]);
            }
        }
        for extent in [Extent::Tail, Extent::Sealed(6 * BLOCK as u64)] {
            let found = scan_of(&bytes, extent);
            prop_assert!(found.records.len() <= bytes.len() / 64);
            replay(&[Part { scan: found, header: Some(header()) }]);
        }
    }

    /// Bytes without any sense, with the start of a header now and then.
    #[test]
    fn noise_is_no_log(mut bytes in prop::collection::vec(any::<u8>(), 0..20_000), magic in any::<bool>()) {
        if magic && bytes.len() > 64 {
            bytes[8..16].copy_from_slice(b"CEPWALSG");
        }
        prop_assert!(scan_of(&bytes, Extent::Tail).records.is_empty());
        prop_assert!(find_header(&bytes, &bytes).is_err());
        prop_assert!(fsck::dump("x", &bytes).is_err());
    }
}
