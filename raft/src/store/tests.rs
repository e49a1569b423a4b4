//! openraft's suite of log and machine, on both backends.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use openraft::StorageError;
use openraft::testing::log::{StoreBuilder, Suite};
use shard_rt::sim::Sim;
use shard_rt::{NodeId, Rt, ShardId};
use wal::{Options, PartitionId, Wal};

use super::Store;
use crate::apply::Applier;
use crate::machine::{Checkpoint, StateMachine, Step};
use crate::snapshot::Snapshots;
use crate::types::{Entry, LogPosition, Types};

/// Takes no entry of its own; the suite proposes blank ones and memberships.
struct Empty;

impl StateMachine for Empty {
    fn apply(&mut self, _: &Entry) -> Step {
        Step::Done(Bytes::new())
    }

    fn checkpoint(&mut self) -> Box<dyn Checkpoint> {
        Box::new(Chunked(vec![Bytes::from_static(b"one"), Bytes::from_static(b"two")]))
    }

    fn install_begin(&mut self) {}

    fn install_chunk(&mut self, _: Bytes) -> Result<(), String> {
        Ok(())
    }

    fn install_end(&mut self, _: Option<LogPosition>) -> Result<(), String> {
        Ok(())
    }
}

struct Chunked(Vec<Bytes>);

impl Checkpoint for Chunked {
    fn chunk(&mut self, _: usize) -> Result<Option<Bytes>, String> {
        Ok(self.0.pop())
    }
}

/// A log of its own for every test of the suite.
struct Logs {
    dir: PathBuf,
    made: AtomicU64,
}

impl StoreBuilder<Types, Store, Applier<Empty>> for Logs {
    async fn build(&self) -> Result<((), Store, Applier<Empty>), StorageError<Types>> {
        let dir = self.dir.join(self.made.fetch_add(1, Ordering::Relaxed).to_string());
        let options = Options { segment_bytes: 64 << 10, ..Options::default() };
        let (wal, _) = Wal::open(&Rt::current(), &dir, options).await.expect("an empty directory");
        let store = Store::new(wal, PartitionId(3), 1 << 20);
        let machine = Applier::new(Empty, Snapshots::new(store.clone()), 1 << 10);
        Ok(((), store, machine))
    }
}

async fn suite(dir: PathBuf) {
    shard_rt::disk().create_dir(&dir).await.expect("a directory");
    let logs = Logs { dir, made: AtomicU64::new(0) };
    Suite::test_all(logs).await.expect("the suite passes");
}

#[test]
fn the_simulator_passes_the_suite_of_logs() {
    for seed in 0..5 {
        let sim = Sim::with_seed(seed);
        let node = sim.add_node(1);
        sim.block_on(node, ShardId(0), suite("/suite".into()));
    }
}

#[test]
fn glommio_passes_the_suite_of_logs() {
    // Not below the system's /tmp: that may be memory without direct I/O.
    let target = std::env::current_exe().expect("a test has a file");
    let dir = tempfile::tempdir_in(target.parent().expect("in a folder")).expect("a directory");
    let config = shard_rt::uring::ShardConfig {
        io_memory_bytes: 1 << 20,
        ..shard_rt::uring::ShardConfig::new(NodeId(0), ShardId(0))
    };
    let path = dir.path().to_owned();
    let ended = shard_rt::uring::run(&config, || shard_rt_timeout(path));
    assert!(ended.expect("io_uring is there").is_ok(), "the suite hangs");
}

async fn shard_rt_timeout(dir: PathBuf) -> Result<(), shard_rt::Elapsed> {
    shard_rt::timeout(Duration::from_secs(120), suite(dir)).await
}
