//! Version 1 stays what it is.

use std::fmt::Write;

use expect_test::{expect, expect_file};

use super::*;
use crate::fsck;

/// Rows of 32 bytes that are not all zero.
fn hex(bytes: &[u8]) -> String {
    let mut text = format!("{} bytes\n", bytes.len());
    for (row, chunk) in bytes.chunks(32).enumerate().filter(|(_, chunk)| chunk.iter().any(|byte| *byte != 0))
    {
        let digits: String = chunk.iter().map(|byte| format!("{byte:02x}")).collect();
        let _ = writeln!(text, "{:06x} {digits}", row * 32);
    }
    text
}

fn from_hex(text: &str) -> Vec<u8> {
    let (length, rows) = text.split_once(" bytes\n").expect("a length");
    let mut bytes = vec![0; length.parse().expect("a number")];
    for row in rows.lines() {
        let (at, digits) = row.split_once(' ').expect("a place and digits");
        let at = usize::from_str_radix(at, 16).expect("a place");
        for (index, pair) in digits.as_bytes().chunks(2).enumerate() {
            let pair = std::str::from_utf8(pair).expect("digits");
            bytes[at + index] = u8::from_str_radix(pair, 16).expect("digits");
        }
    }
    bytes
}

#[test]
fn version_1_is_written_as_ever() {
    expect_file!["golden/v1.hex"].assert_eq(&hex(&segment()));
}

#[test]
fn version_1_is_read_as_ever() {
    let bytes = from_hex(include_str!("golden/v1.hex"));
    let dump = fsck::dump("0000000000000003.seg", &bytes).expect("a segment");
    let mut text = format!("segment {} end {} durable {}\n", dump.segment, dump.end, dump.durable);
    dump.records.iter().for_each(|record| text += &format!("{record}\n"));
    dump.holes.iter().for_each(|hole| text += &format!("{hole}\n"));
    expect![[r#"
        segment 3 end 16384 durable 16384
        segment 3 offset 4160: partition 5 register lane=0 serial=11 term=0 index=0 bytes=4
        segment 3 offset 4288: partition 5 entry lane=0 serial=12 term=3 index=4 bytes=4
        segment 3 offset 4416: partition 9 entry lane=0 serial=1 term=1 index=1 bytes=0
        segment 3 offset 8256: partition 5 truncate lane=0 serial=13 term=0 index=4 bytes=0
        segment 3 offset 8320: partition 5 entry lane=0 serial=14 origin=4 term=2 index=3 bytes=5
        segment 3 offset 8448: partition 9 entry lane=7 serial=2 term=0 index=17 bytes=100
        segment 3 offset 12352: partition 5 purge lane=0 serial=15 term=2 index=3 bytes=0
        segment 3 offset 12416: partition 9 register lane=16 serial=3 term=0 index=0 bytes=64
        segment 3 offset 12544: partition 6 remove lane=0 serial=1 term=0 index=0 bytes=0
        segment 3 offset 12608: the log freed lane=0 serial=3 term=0 index=1 bytes=0
    "#]]
    .assert_eq(&text);
}

#[test]
fn a_dump_is_undone() {
    let mut bytes = vec![0; 96];
    bytes[40] = 7;
    assert_eq!(from_hex(&hex(&bytes)), bytes);
}
