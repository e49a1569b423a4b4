//! Bytes as text that people can read and compare.

/// Sixteen bytes a line, with their offset.
pub fn dump(bytes: &[u8]) -> String {
    let lines = bytes.chunks(16).enumerate().map(|(at, chunk)| {
        let hex: Vec<String> = chunk.iter().map(|byte| format!("{byte:02x}")).collect();
        format!("{:04x}  {}\n", at * 16, hex.join(" "))
    });
    lines.collect()
}

/// The bytes of a dump.
pub fn undump(text: &str) -> Vec<u8> {
    let hex = text.lines().filter_map(|line| line.split_once("  ")).flat_map(|(_, hex)| hex.split(' '));
    hex.map(|byte| u8::from_str_radix(byte, 16).unwrap()).collect()
}

#[test]
fn a_dump_is_undone() {
    let bytes: Vec<u8> = (0..=255).cycle().take(333).collect();
    assert_eq!(undump(&dump(&bytes)), bytes);
}
