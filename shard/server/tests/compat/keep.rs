//! The files of a version: the directory packed file by file, the session, and what is expected of both.

use std::fs::File;
use std::io::{Read, Write};
use std::path::Path;

use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use tempfile::TempDir;

use crate::node::Node;
use crate::session::{self, Link};
use crate::{APP, folder};

/// Unpacks a version's directory and starts a node on it.
pub fn open(version: &str) -> (Node, TempDir) {
    let held = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    unpack(&folder(version).join("data"), held.path());
    (Node::start(held.path()), held)
}

/// Makes the files of a version.
pub fn record(version: &str) {
    let held = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let node = Node::start(held.path());
    node.deploy("app", APP);
    session::fill(node.client, 0, 400);
    session::fill(node.client, 400, 100);
    let sent = session::recorded(&Link::open(node.client).greet());
    node.end();
    // Behind the checkpoint of that stop there is something to replay.
    let node = Node::start(held.path());
    session::fill(node.client, 500, 60);
    drop(node);
    let to = folder(version);
    pack(held.path(), &to.join("data"));
    std::fs::write(to.join("session.bin"), &sent).unwrap();
    let (node, _held) = open(version);
    std::fs::write(to.join("state.json"), node.summary()).unwrap();
    std::fs::write(to.join("answers.txt"), session::answers(node.client, &sent)).unwrap();
    node.end();
}

fn pack(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        if path.is_dir() {
            pack(&path, &to.join(name));
            continue;
        }
        let bytes = std::fs::read(&path).unwrap();
        let mut packed =
            GzEncoder::new(File::create(to.join(format!("{name}.gz"))).unwrap(), Compression::best());
        packed.write_all(&bytes).unwrap();
        packed.finish().unwrap();
    }
}

fn unpack(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        match name.strip_suffix(".gz") {
            None => unpack(&path, &to.join(name)),
            Some(name) => {
                let mut bytes = Vec::new();
                GzDecoder::new(File::open(&path).unwrap()).read_to_end(&mut bytes).unwrap();
                std::fs::write(to.join(name), bytes).unwrap();
            }
        }
    }
}
