//! Room in a shard's log that appends leave to checkpoints.
//!
//! A log is emptied by purges, and a purge needs a checkpoint in the same log first: appends that took the
//! last room would wait for ever.
//!
//! Invariant: the room that is left is at least what all partitions' next checkpoints are expected to take.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use raft::Pace;
use shard_rt::sync::Notify;
use wal::Wal;

/// What a partition asks for before its first checkpoint, and at least.
const SHARE_BYTES_MIN: u64 = 64 << 10;
/// A checkpoint is expected to be at most so many times its predecessor.
const GROWTH: u64 = 2;

/// The room that the partitions of a shard want together.
#[derive(Clone)]
pub(crate) struct Reserve {
    bytes: Rc<Cell<u64>>,
    /// Some partition waits for room.
    wanted: Rc<Notify>,
    /// Bytes of all states.
    states: Rc<Cell<u64>>,
    /// How fast checkpoints are written, of all partitions together.
    pace: Pace,
}

/// What one partition wants of it, given back when it is dropped.
pub(crate) struct Share {
    all: Reserve,
    bytes: Cell<u64>,
    /// Bytes of its state.
    state: Cell<u64>,
}

impl Reserve {
    /// For partitions whose checkpoints are written at this pace.
    pub(crate) fn new(pace: Pace) -> Self {
        Reserve { bytes: Rc::default(), wanted: Rc::default(), states: Rc::default(), pace }
    }

    /// A partition joins.
    pub(crate) fn share(&self) -> Share {
        self.bytes.set(self.bytes.get() + SHARE_BYTES_MIN);
        Share { all: self.clone(), bytes: Cell::new(SHARE_BYTES_MIN), state: Cell::new(0) }
    }
}

impl Share {
    /// Asks every partition of the shard for a checkpoint: what one of them still needs holds back all.
    pub(crate) fn ask(&self) {
        self.all.wanted.all();
    }

    /// Waits until somebody asks for a checkpoint.
    pub(crate) async fn asked(&self) {
        self.all.wanted.notified().await;
    }
}

impl Share {
    /// The partition's last checkpoint took so many bytes.
    pub(crate) fn set(&self, checkpoint_bytes: u64) {
        let wanted = SHARE_BYTES_MIN.max(checkpoint_bytes.saturating_mul(GROWTH));
        let before = self.bytes.replace(wanted);
        self.all.bytes.set(self.all.bytes.get() - before + wanted);
        let before = self.state.replace(checkpoint_bytes);
        self.all.states.set(self.all.states.get() - before + checkpoint_bytes);
    }

    /// The pace of checkpoints.
    pub(crate) fn pace(&self) -> Pace {
        self.all.pace.clone()
    }

    /// How long full checkpoints of all partitions of the shard take at its pace.
    pub(crate) fn full_takes(&self) -> Duration {
        let nanos =
            u128::from(self.all.states.get()) * 1_000_000_000 / u128::from(self.all.pace.bytes_per_s());
        Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }

    /// Whether the log has room for so many bytes and all checkpoints.
    pub(crate) fn leaves(&self, wal: &Wal, bytes: u64) -> bool {
        // One segment more: a record that does not fit into the rest of one wastes that.
        let reserved = self.all.bytes.get() + wal.options().segment_bytes;
        wal.headroom() >= reserved.saturating_add(bytes)
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.all.bytes.set(self.all.bytes.get() - self.bytes.get());
        self.all.states.set(self.all.states.get() - self.state.get());
    }
}
