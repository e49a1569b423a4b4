//! openraft's suite of log and machine, on both backends.

use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use openraft::entry::RaftEntry;
use openraft::storage::{IOFlushed, RaftLogStorage};
use openraft::testing::log::{StoreBuilder, Suite};
use openraft::{LogState, StorageError};
use shard_rt::sim::Sim;
use shard_rt::{NodeId, Rt, ShardId};
use wal::{Options, PartitionId, Wal};

use super::Store;
use crate::apply::Applier;
use crate::machine::{StateMachine, Step};
use crate::snapshot::Snapshots;
use crate::types::{Entry, LogEntry, LogId, LogPosition, Payload, Types, Vote, log_id};

/// Takes no entry of its own; the suite proposes blank ones and memberships.
#[derive(Default)]
struct Empty {
    left: u32,
}

impl StateMachine for Empty {
    fn apply(&mut self, _: &Entry) -> Step {
        Step::Done(Bytes::new())
    }

    fn checkpoint_begin(&mut self) {
        self.left = 2;
    }

    fn checkpoint_next(&mut self, _: usize, out: &mut Vec<u8>) -> Result<bool, String> {
        out.extend_from_slice(if self.left > 0 { b"some" } else { b"" });
        let more = self.left > 0;
        self.left = self.left.saturating_sub(1);
        Ok(more)
    }

    fn checkpoint_end(&mut self) {}

    fn install_begin(&mut self, _: usize) {}

    fn install_chunk(&mut self, _: Bytes) -> Result<(), String> {
        Ok(())
    }

    fn install_end(&mut self, _: Option<LogPosition>) -> Result<(), String> {
        Ok(())
    }
}

/// The suite begins some logs at entry 2, which openraft itself never does and the shard's log refuses:
/// blank entries before it are added here.
struct Early(Store);

impl RaftLogStorage<Types> for Early {
    type LogReader = Store;

    async fn get_log_state(&mut self) -> io::Result<LogState<Types>> {
        self.0.get_log_state().await
    }

    async fn get_log_reader(&mut self) -> Store {
        self.0.clone()
    }

    async fn save_vote(&mut self, vote: &Vote) -> io::Result<()> {
        self.0.save_vote(vote).await
    }

    async fn save_committed(&mut self, committed: Option<LogId>) -> io::Result<()> {
        self.0.save_committed(committed).await
    }

    async fn read_committed(&mut self) -> io::Result<Option<LogId>> {
        self.0.read_committed().await
    }

    async fn append<I>(&mut self, entries: I, callback: IOFlushed<Types>) -> io::Result<()>
    where
        I: IntoIterator<Item = LogEntry>,
    {
        let entries: Vec<LogEntry> = entries.into_iter().collect();
        let first = entries[0].log_id;
        if first.index > 1 && self.0.get_log_state().await?.last_log_id.is_none() {
            let blank = |index| LogEntry::new(log_id(first.leader_id.term, index), Payload::Blank);
            self.0.append((1..first.index).map(blank), IOFlushed::noop()).await?;
        }
        self.0.append(entries, callback).await
    }

    async fn truncate_after(&mut self, last: Option<LogId>) -> io::Result<()> {
        self.0.truncate_after(last).await
    }

    async fn purge(&mut self, id: LogId) -> io::Result<()> {
        self.0.purge(id).await
    }
}

/// A log of its own for every test of the suite.
struct Logs {
    dir: PathBuf,
    made: AtomicU64,
}

impl StoreBuilder<Types, Early, Applier<Empty>> for Logs {
    async fn build(&self) -> Result<((), Early, Applier<Empty>), StorageError<Types>> {
        let dir = self.dir.join(self.made.fetch_add(1, Ordering::Relaxed).to_string());
        let options = Options { segment_bytes: 64 << 10, ..Options::default() };
        let (wal, _) = Wal::open(&Rt::current(), &dir, options).await.expect("an empty directory");
        let store = Store::new(wal, PartitionId(3), 1 << 20);
        let group = crate::Options { chunk_bytes_max: 1 << 10, ..crate::Options::new(crate::PeerId(1)) };
        let machine = Applier::new(Empty::default(), Snapshots::new(store.clone(), &group));
        Ok(((), Early(store), machine))
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
    let ended = shard_rt::uring::run(&config, || within_two_minutes(path));
    assert!(ended.expect("io_uring is there").is_ok(), "the suite hangs");
}

async fn within_two_minutes(dir: PathBuf) -> Result<(), shard_rt::Elapsed> {
    shard_rt::timeout(Duration::from_secs(120), suite(dir)).await
}
