//! One file per version of the frame, kept for ever: what was written once is read, and what is
//! written today is the same.

use expect_test::expect_file;

use super::batches::every_type;
use super::{framed, ids, opened};
use crate::frame::ReadSchema;

/// Sixteen bytes a line, with their offset.
fn dump(bytes: &[u8]) -> String {
    let lines = bytes.chunks(16).enumerate().map(|(at, chunk)| {
        let hex: Vec<String> = chunk.iter().map(|byte| format!("{byte:02x}")).collect();
        format!("{:06x}  {}\n", at * 16, hex.join(" "))
    });
    lines.collect()
}

fn undump(text: &str) -> Vec<u8> {
    let hex = text.lines().filter_map(|line| line.split_once("  ")).flat_map(|(_, hex)| hex.split(' '));
    hex.map(|byte| u8::from_str_radix(byte, 16).unwrap()).collect()
}

#[test]
fn version_1_is_written_as_ever() {
    expect_file!["golden/v1.hex"].assert_eq(&dump(&framed(&every_type())));
}

#[test]
fn version_1_is_read_as_ever() {
    let batch = every_type();
    let frame = opened(&undump(include_str!("golden/v1.hex")));
    let schema = ReadSchema::of(&batch.schema(), &ids(&batch)).unwrap();
    assert_eq!(frame.read(&schema).unwrap(), batch);
}

#[test]
fn a_dump_is_undone() {
    let bytes: Vec<u8> = (0..=255).cycle().take(333).collect();
    assert_eq!(undump(&dump(&bytes)), bytes);
}
