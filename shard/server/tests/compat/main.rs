//! What older versions wrote and said is still understood: a data directory and a recorded session of a client
//! for every version of the formats, in `tests/compat/vN`.
//!
//! `node` a process on a directory · `session` what a client sends, and the answers as text · `keep` making a new
//! version's files: `CEPTRA_COMPAT_RECORD=vN cargo test --workspace --test compat -- --ignored record`.
//!
//! A version's files are never written again. When a format changes, its number rises, `record` makes the files
//! of the new one, and those of the old ones are still opened, or refused with a text that names the tool that
//! converts them.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]
#![allow(clippy::disallowed_methods, reason = "tests have threads and look at the clock")]

mod keep;
mod node;
mod session;

use std::path::{Path, PathBuf};

use node::Node;

/// Versions whose files are opened as they are.
const OPENED: &[&str] = &["v1"];

/// The app in each directory: windows, a roll-up, and rows as they are.
const APP: &str = "CREATE STREAM readings (at TIMESTAMP NOT NULL, sensor STRING NOT NULL, value DOUBLE)
    WITH (clock = 'event', \"event.time\" = 'at', \"watermark.lateness\" = '0 seconds');
CREATE STREAM hot AS SELECT sensor, value FROM readings WHERE value > 100;
CREATE STREAM minutes AS SELECT sensor, count(*) AS n, sum(value) AS total
    FROM readings WINDOW TUMBLING (SIZE 1 MINUTE) GROUP BY sensor;
CREATE AGGREGATION totals AS SELECT sensor, sum(value) AS total FROM readings GROUP BY sensor
    AGGREGATE BY at EVERY MINUTES … HOURS;";

fn folder(version: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/compat").join(version)
}

fn text(path: PathBuf) -> String {
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[test]
fn every_kept_directory_opens_with_the_state_it_had() {
    for version in OPENED {
        let (node, _held) = keep::open(version);
        assert_eq!(node.summary(), text(folder(version).join("state.json")), "{version}");
        node.end();
    }
}

#[test]
fn every_kept_session_is_answered_as_it_was() {
    for version in OPENED {
        let (node, _held) = keep::open(version);
        let sent = std::fs::read(folder(version).join("session.bin")).unwrap();
        assert_eq!(
            session::answers(node.client, &sent),
            text(folder(version).join("answers.txt")),
            "{version}"
        );
        node.end();
    }
}

#[test]
fn a_directory_of_a_later_version_is_refused_by_name() {
    let (node, held) = keep::open("v1");
    node.end();
    let file = held.path().join("NODE");
    let later = text(file.clone()).replace("\"version\":1", "\"version\":7");
    std::fs::write(file, later).unwrap();
    let said = Node::refused(held.path());
    assert!(said.contains("version 7") && said.contains("version 1"), "{said}");
}

#[test]
fn a_directory_is_open_in_one_process_and_belongs_to_one_node() {
    let (node, held) = keep::open("v1");
    let said = Node::refused(held.path());
    assert!(said.contains("in use by another process"), "{said}");
    node.end();
    let said = Node::refused_with(held.path(), &["--node", "other"]);
    assert!(said.contains("it is node 'n1'"), "{said}");
}

/// Makes the files of a new version.
#[test]
#[ignore = "writes files that are kept for ever"]
fn record() {
    let version = std::env::var("CEPTRA_COMPAT_RECORD").expect("CEPTRA_COMPAT_RECORD names the version");
    assert!(!folder(&version).exists(), "{version} is kept: a version's files are never written again");
    keep::record(&version);
}
