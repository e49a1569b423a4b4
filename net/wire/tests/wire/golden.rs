//! One file a message and version, kept for ever: what was written once is read, and what is written
//! today is the same. A new version of the protocol gets a folder of its own; `UPDATE_EXPECT=1` writes
//! the files of the newest.

use std::collections::BTreeSet;
use std::path::Path;

use expect_test::expect_file;
use net_wire::RequestId;

use crate::fixed::{all, encoded, established, receiver};
use crate::hex::{dump, undump};

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/wire/golden/v1");

#[test]
fn version_1_is_written_as_ever() {
    for (name, request, message) in all() {
        expect_file![format!("{FOLDER}/{name}.hex")].assert_eq(&dump(&encoded(request, &message)));
    }
}

#[test]
fn version_1_is_read_as_ever() {
    for (name, request, message) in all() {
        let text = std::fs::read_to_string(format!("{FOLDER}/{name}.hex")).unwrap();
        let mut decoder = established(receiver(message.kind()));
        let bytes = undump(&text);
        assert_eq!(decoder.feed(&bytes), bytes.len());
        let envelope = decoder.next().unwrap().unwrap();
        assert_eq!((envelope.request, envelope.message), (RequestId(request), message), "{name}");
        assert_eq!(decoder.next(), Ok(None));
    }
}

#[test]
fn no_golden_file_is_forgotten() {
    let files = std::fs::read_dir(Path::new(FOLDER)).unwrap();
    let there: BTreeSet<String> =
        files.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    let wanted: BTreeSet<String> = all().iter().map(|(name, ..)| format!("{name}.hex")).collect();
    assert_eq!(there, wanted);
}
