//! The data directory: one process, one node, and the definitions that ended processes.
//!
//! | file | |
//! |---|---|
//! | `LOCK` | held by the process that has the directory |
//! | `NODE` | JSON: format, version, the node's name |
//! | `aborts.jsonl` | a line for each time a definition ended the process (R-DET-6) |
//! | `shard-N/` | the log of shard N |

use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use cep_types::hash::SpaceSeed;
use cep_types::{Epoch, LogIndex};
use rustix::fs::{FlockOperation, flock};
use serde::{Deserialize, Serialize};
use shard_node::Abort;
use shard_node::lanes::partition_of;
use shard_node::settings::Founding;

use crate::failure::{Failure, Result};

const FORMAT: &str = "ceptra.node";
const VERSION: u32 = 1;

#[derive(Serialize, Deserialize)]
struct Identity {
    format: String,
    version: u32,
    node: String,
}

#[derive(Serialize, Deserialize)]
struct AbortLine {
    space: u32,
    partition: u32,
    definition: String,
    version: u32,
    epoch: u64,
    index: u64,
    reason: String,
}

/// An open data directory.
pub struct DataDir {
    path: PathBuf,
    _lock: File,
    aborts: Vec<Abort>,
}

impl DataDir {
    /// Opens the directory for this node; makes it when it is not there.
    ///
    /// # Errors
    /// If another process has it, it is another node's, or it cannot be read.
    pub fn open(path: &Path, node: &str) -> Result<Self> {
        let failed = |what: &str, error: &dyn std::fmt::Display| {
            Failure::run(format!("data directory '{}': {what}: {error}", path.display()))
        };
        std::fs::create_dir_all(path).map_err(|error| failed("cannot be made", &error))?;
        let lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(path.join("LOCK"))
            .map_err(|error| failed("LOCK", &error))?;
        flock(&lock, FlockOperation::NonBlockingLockExclusive).map_err(|_| Failure::Run {
            message: format!("data directory '{}' is in use by another process", path.display()),
            help: Some("stop that one, or give this node another data_dir".into()),
        })?;
        let file = path.join("NODE");
        if file.exists() {
            let text = std::fs::read_to_string(&file).map_err(|error| failed("NODE", &error))?;
            let found: Identity = serde_json::from_str(&text).map_err(|error| failed("NODE", &error))?;
            if found.format != FORMAT || found.version != VERSION {
                let text =
                    format!("it is of version {}; this program opens version {VERSION}", found.version);
                return Err(failed("NODE", &text));
            }
            if found.node != node {
                let text =
                    format!("it is node '{}', not '{node}'; start it with --node {}", found.node, found.node);
                return Err(failed("NODE", &text));
            }
        } else {
            let identity = Identity { format: FORMAT.into(), version: VERSION, node: node.into() };
            let text = serde_json::to_string(&identity).map_err(|error| failed("NODE", &error))?;
            write_durably(path, "NODE", &text).map_err(|error| failed("NODE", &error))?;
        }
        let aborts = read_aborts(path).map_err(|error| failed("aborts.jsonl", &error))?;
        Ok(DataDir { path: path.to_owned(), _lock: lock, aborts })
    }

    /// Random numbers for a first start.
    pub fn founding(&self) -> Founding {
        let random = || {
            let mut bytes = [0; 16];
            // Without randomness a cluster would still work; its id would only be less unique.
            let _ = getrandom::fill(&mut bytes);
            u128::from_le_bytes(bytes)
        };
        Founding { cluster: random(), seed: SpaceSeed(random()) }
    }

    /// What ended earlier processes.
    pub fn aborts(&self) -> Vec<Abort> {
        self.aborts.clone()
    }

    /// What keeps the next one.
    pub fn abort_keeper(&self) -> AbortKeeper {
        AbortKeeper { file: self.path.join("aborts.jsonl") }
    }
}

/// Writes down what ends the process.
pub struct AbortKeeper {
    file: PathBuf,
}

impl AbortKeeper {
    /// Writes an abort down durably, and ends the process.
    pub fn keep(&self, abort: &Abort) {
        let line = AbortLine {
            space: abort.partition.space.0,
            partition: abort.partition.partition.0,
            definition: abort.definition.clone(),
            version: abort.version,
            epoch: abort.epoch.0,
            index: abort.index.0,
            reason: abort.reason.clone(),
        };
        let kept = serde_json::to_string(&line).map_err(std::io::Error::other).and_then(|line| {
            let mut file = OpenOptions::new().create(true).append(true).open(&self.file)?;
            // What a crash has left of an earlier line ends here.
            file.write_all(format!("\n{line}\n").as_bytes())?;
            file.sync_all()
        });
        if let Err(error) = kept {
            eprintln!("error: an abort could not be written down: {error}");
        }
        eprintln!(
            "error: definition '{}' version {} has a defect: partition {}, entry {}: {}; the process ends, and after \
             a second time the definition is fenced",
            abort.definition, abort.version, abort.partition, abort.index.0, abort.reason
        );
        std::process::abort();
    }
}

fn read_aborts(path: &Path) -> std::io::Result<Vec<Abort>> {
    let mut bytes = Vec::new();
    match File::open(path.join("aborts.jsonl")) {
        Ok(mut file) => file.read_to_end(&mut bytes)?,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    // A line that was cut off by a crash counts as none.
    let lines = bytes.split(|&byte| byte == b'\n');
    let lines = lines.filter_map(|line| serde_json::from_slice::<AbortLine>(line).ok());
    let abort = |line: AbortLine| Abort {
        partition: partition_of(line.space, line.partition),
        definition: line.definition,
        version: line.version,
        epoch: Epoch(line.epoch),
        index: LogIndex(line.index),
        reason: line.reason,
    };
    Ok(lines.map(abort).collect())
}

fn write_durably(dir: &Path, name: &str, text: &str) -> std::io::Result<()> {
    let fresh = dir.join(format!("{name}.new"));
    let mut file = File::create(&fresh)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    std::fs::rename(fresh, dir.join(name))?;
    File::open(dir)?.sync_all()
}
