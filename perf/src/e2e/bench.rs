//! What all measurements share: how long, where, which node.

use std::path::PathBuf;
use std::time::Duration;

use tempfile::TempDir;

use super::error::{E2eError, Result};
use super::node::{Node, Setup};

/// How the measurements are made.
#[derive(Debug, Clone)]
pub struct Bench {
    /// The program that is measured.
    pub program: PathBuf,
    /// Where folders are made; on the disk that counts.
    pub dir: PathBuf,
    /// More of the command line of every node.
    pub node_args: Vec<String>,
    /// Not measured, in front of each timed measurement.
    pub warm_up: Duration,
    /// Each timed measurement.
    pub length: Duration,
    /// Appends one at a time.
    pub appends: u64,
    /// Events a second of the open loop.
    pub rate: u64,
    /// Keys of the state that is recovered.
    pub keys: u64,
    /// Bytes of rows in front of the last checkpoint of the recovery.
    pub history_bytes: u64,
    /// Bytes of rows behind it.
    pub tail_bytes: u64,
}

impl Bench {
    /// A folder of its own; gone with the value.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn folder(&self) -> Result<TempDir> {
        let made = tempfile::Builder::new().prefix("ceptra-perf-").tempdir_in(&self.dir);
        made.map_err(E2eError::io(format!("a folder in '{}'", self.dir.display())))
    }

    /// How a node of these partitions is started.
    pub fn setup(&self, durability: &'static str, partitions: u32) -> Setup {
        Setup { program: self.program.clone(), durability, partitions, more: self.node_args.clone() }
    }

    /// A node of one partition that runs an app.
    ///
    /// # Errors
    /// When it does not start, or does not run the app.
    pub fn node(&self, durability: &'static str, folder: &TempDir, app: &str) -> Result<Node> {
        let node = Node::start(&self.setup(durability, 1), folder.path())?;
        node.deploy("perf", app)?;
        Ok(node)
    }
}
