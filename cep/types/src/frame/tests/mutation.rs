//! Damage. Without a fresh checksum every damage is refused; with one, a frame is refused or is
//! valid in every respect that Arrow knows, and never panics.

use std::collections::{BTreeMap, BTreeSet};

use arrow_array::Array;
use arrow_buffer::Buffer;
use expect_test::expect_file;
use proptest::prelude::*;

use super::batches::{any_batch, every_type};
use super::{cases, framed};
use crate::frame::header::checksum;
use crate::frame::{ALIGNMENT, Frame, FrameError, HEADER_BYTES, ReadColumn, ReadSchema};

/// One change to the bytes of a frame; positions are taken modulo what is there.
#[derive(Debug, Clone)]
enum Damage {
    Flip {
        at: usize,
        bit: u8,
    },
    Set {
        at: usize,
        byte: u8,
    },
    /// A 32-bit number at a multiple of four, as lengths, offsets and indices are.
    Number {
        at: usize,
        value: u32,
    },
    /// Copies a piece over another.
    Splice {
        from: usize,
        to: usize,
        bytes: usize,
    },
    Truncate {
        bytes: usize,
    },
    Extend {
        bytes: usize,
    },
}

fn damage() -> impl Strategy<Value = Damage> {
    // Header and metadata are a small part of a frame: let half of the hits go there.
    let at = || prop_oneof![0_usize..512, any::<usize>()];
    let number = prop_oneof![
        Just(0),
        Just(1),
        Just(u32::MAX),
        Just(i32::MAX as u32),
        Just(1 << 31),
        0_u32..300,
        any::<u32>()
    ];
    prop_oneof![
        3 => (at(), 0_u8..8).prop_map(|(at, bit)| Damage::Flip { at, bit }),
        3 => (at(), any::<u8>()).prop_map(|(at, byte)| Damage::Set { at, byte }),
        4 => (at(), number).prop_map(|(at, value)| Damage::Number { at, value }),
        1 => (at(), at(), 1_usize..80).prop_map(|(from, to, bytes)| Damage::Splice { from, to, bytes }),
        1 => (1_usize..4).prop_map(|blocks| Damage::Truncate { bytes: blocks * ALIGNMENT }),
        1 => (1_usize..4).prop_map(|blocks| Damage::Extend { bytes: blocks * ALIGNMENT }),
    ]
}

fn apply(damage: &Damage, frame: &mut Vec<u8>) {
    let len = frame.len();
    match *damage {
        Damage::Flip { at, bit } => frame[at % len] ^= 1 << bit,
        Damage::Set { at, byte } => frame[at % len] = byte,
        Damage::Number { at, value } => {
            let at = at % len / 4 * 4;
            frame[at..at + 4].copy_from_slice(&value.to_le_bytes());
        }
        Damage::Splice { from, to, bytes } => {
            let (from, to) = (from % len, to % len);
            let bytes = bytes.min(len - from).min(len - to);
            frame.copy_within(from..from + bytes, to);
        }
        Damage::Truncate { bytes } => frame.truncate((len - bytes.min(len)).max(HEADER_BYTES)),
        Damage::Extend { bytes } => frame.resize(len + bytes, 0),
    }
}

/// Makes header length and checksum true again.
fn reseal(frame: &mut [u8]) {
    let total = frame.len() as u64;
    frame[8..16].copy_from_slice(&total.to_le_bytes());
    let sum = checksum(frame);
    frame[20..24].copy_from_slice(&sum.to_le_bytes());
}

/// Opens a frame; when that works, everything in it must be valid, readable and writable.
fn judge(bytes: &[u8]) -> Result<(), FrameError> {
    let frame = Frame::open(&Buffer::from(bytes))?;
    let columns = frame.columns().iter().map(|column| ReadColumn {
        id: column.id,
        field: std::sync::Arc::new(column.field.clone()),
        default: None,
    });
    let schema = ReadSchema::new(columns.collect()).expect("a frame has only types of R-EVT-2");
    let batch = frame.read(&schema).expect("a frame is readable as what it says it is");
    for column in batch.columns() {
        assert_eq!(column.len(), frame.rows());
        column.to_data().validate_full().expect("an opened frame is valid");
    }
    let ids: Vec<_> = frame.columns().iter().map(|column| column.id).collect();
    let again = crate::frame::encode(frame.head(), &ids, &batch).expect("what was read can be framed");
    let back = Frame::open(&Buffer::from(again)).unwrap().read(&schema).unwrap();
    assert_eq!(back, batch);
    Ok(())
}

proptest! {
    #![proptest_config(cases(256, 20_000))]

    #[test]
    fn damage_is_refused_by_the_checksum(batch in any_batch(), damage in damage()) {
        let good = framed(&batch);
        let mut bytes = good.clone();
        apply(&damage, &mut bytes);
        prop_assert!(bytes == good || Frame::open(&Buffer::from(bytes)).is_err());
    }
}

proptest! {
    #![proptest_config(cases(4_096, 400_000))]

    #[test]
    fn damage_with_a_true_checksum_is_refused_or_harmless(
        batch in any_batch(),
        damages in prop::collection::vec(damage(), 1..4),
    ) {
        let mut bytes = framed(&batch);
        for damage in &damages {
            apply(damage, &mut bytes);
        }
        reseal(&mut bytes);
        let _refused_or_fine = judge(&bytes);
    }

    #[test]
    fn noise_with_a_true_header_is_refused_or_harmless(
        noise in prop::collection::vec(any::<u8>(), 32..192),
        meta_bytes in 0_u32..200,
    ) {
        let mut bytes = framed(&every_type().slice(0, 0))[..HEADER_BYTES].to_vec();
        bytes.extend(noise);
        bytes.resize(bytes.len().next_multiple_of(ALIGNMENT), 0);
        bytes[16..20].copy_from_slice(&meta_bytes.to_le_bytes());
        reseal(&mut bytes);
        let _refused_or_fine = judge(&bytes);
    }
}

/// The reason of a refusal with its numbers taken out.
fn reason(error: &FrameError) -> String {
    let text = error.to_string();
    if text.contains("metadata: ") {
        return "frame is malformed: metadata: … (the FlatBuffers verifier)".to_owned();
    }
    if matches!(error, FrameError::NotAFrame { .. }) {
        return "not an event frame".to_owned();
    }
    let mut kept = String::new();
    for c in text.replace('-', "").chars() {
        if !c.is_ascii_digit() {
            kept.push(c);
        } else if !kept.ends_with('#') {
            kept.push('#');
        }
    }
    kept
}

/// Every byte of a frame of all types, set to telling values under a true checksum: exhaustive. The
/// list of reasons shows that the checks behind the checksum are reached, each by some damage.
#[test]
fn every_byte_changed_is_refused_for_a_reason_or_harmless() {
    let good = framed(&every_type());
    judge(&good).unwrap();
    let mut harmless = 0;
    let mut reasons = BTreeMap::new();
    for at in (0..good.len()).filter(|at| !(8..16).contains(at) && !(20..24).contains(at)) {
        let old = good[at];
        let flips = (0..8).map(|bit| old ^ 1 << bit);
        let values: BTreeSet<u8> = flips
            .chain([0, 1, 2, 3, 0x40, 0x7f, 0x80, 0xff, old.wrapping_add(1), old.wrapping_sub(1)])
            .collect();
        for value in values.into_iter().filter(|value| *value != old) {
            let mut bytes = good.clone();
            bytes[at] = value;
            reseal(&mut bytes);
            match judge(&bytes) {
                Ok(()) => harmless += 1,
                Err(error) => *reasons.entry(reason(&error)).or_insert(0) += 1,
            }
        }
    }
    let refused: i32 = reasons.values().sum();
    // Padding, offsets, bitmaps and metadata must not change; plain values may.
    assert!(refused > harmless, "{refused} refused, {harmless} harmless");
    let list: String = reasons.keys().map(|reason| format!("{reason}\n")).collect();
    expect_file!["golden/refusals.txt"].assert_eq(&list);
}

#[test]
fn each_kind_of_structural_fault_is_refused_under_a_true_checksum() {
    let good = framed(&every_type());
    let meta_bytes = u32::from_le_bytes(good[16..20].try_into().unwrap()) as usize;
    let body = (HEADER_BYTES + meta_bytes).next_multiple_of(ALIGNMENT);
    // The first column is BOOL with a NULL: bitmap at `body`, values 64 bytes on.
    for (at, byte, what) in [
        (body, 0b1111, "nulls"),
        (body, 0b1_1101, "bits beyond"),
        (body + 64, 0b1_0000, "bits beyond"),
        (body + 1, 1, "padding"),
        (HEADER_BYTES + meta_bytes, 1, "padding"),
    ] {
        let mut bytes = good.clone();
        if bytes[at] == byte || at == body && what == "padding" {
            panic!("the fault must change byte {at}");
        }
        bytes[at] = byte;
        reseal(&mut bytes);
        let error = judge(&bytes).expect_err(what);
        assert!(error.to_string().contains(what), "{what}: {error}");
    }
}

#[test]
fn text_that_is_not_utf8_is_refused_under_a_true_checksum() {
    let mut bytes = framed(&every_type());
    let word = "größer".as_bytes();
    let at = bytes.windows(word.len()).position(|piece| piece == word).unwrap();
    bytes[at + 2] = 0xff;
    reseal(&mut bytes);
    let error = judge(&bytes).unwrap_err();
    assert!(error.to_string().contains("UTF-8"), "{error}");
}
