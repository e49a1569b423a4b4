//! The open log: its handle and the tasks behind it.
//!
//! Invariants: one task writes, so a segment has one write under way; the first failure of a write or
//! flush poisons the log, and nothing is acknowledged after it (R-DUR-2); no borrow of the state is held
//! over an await or a callback.

mod clean;
mod open;
mod read;
mod recovery;
mod segments;
mod skim;
mod state;
mod writer;

use std::cell::RefCell;
use std::rc::Rc;

use bytes::Bytes;
use shard_rt::sync::{Notify, oneshot};
use shard_rt::{AbortOnDrop, BufPool, Lock, Rt};

use crate::error::{Result, WalError};
use crate::id::{DamagedRange, Lane, PartitionId, Slot};
use crate::options::Options;
use crate::record::Record;
use crate::stats::Stats;
pub use recovery::Recovered;
pub(crate) use segments::segment_of_name;
use state::{Item, State};

pub(crate) struct Shared {
    rt: Rt,
    files: segments::Files,
    options: Options,
    state: RefCell<State>,
    /// The writer has something to do.
    work: Notify,
    /// A segment is ready.
    spare: Notify,
    /// Room may have become free.
    room: Notify,
    /// A segment may be made, or a file removed.
    make: Notify,
    /// A segment may be rewritten.
    clean: Notify,
    trash: RefCell<Vec<String>>,
    buffers: Vec<BufPool>,
    _lock: Lock,
}

/// A log. Clones are the same log; when the last one is dropped its tasks end, without a flush.
#[derive(Clone)]
pub struct Wal {
    shared: Rc<Shared>,
    _tasks: Rc<Vec<AbortOnDrop<()>>>,
}

/// Where a lane begins and ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bounds {
    /// Term and index of the last purged entry.
    pub purged: Option<(u64, u64)>,
    /// Term and index of the last entry, or of the last purged one if there are none.
    pub last: Option<(u64, u64)>,
}

impl Wal {
    /// Appends records of a partition: all of them are accepted, in this order, or none is. They can be
    /// read at once. `done` is called when they are acknowledged as [`Options::mode`] says, after the
    /// `done` of every earlier append; or with an error when the log fails before. It is not called when
    /// the log is dropped. Without records it tells when all before is acknowledged.
    ///
    /// # Errors
    /// [`WalError::Full`] (transient), [`WalError::Poisoned`], [`WalError::Closed`],
    /// [`WalError::Damaged`], [`WalError::TooLarge`], [`WalError::Misuse`]; `done` is not called then.
    pub fn append(
        &self,
        partition: PartitionId,
        records: Vec<Record>,
        done: impl FnOnce(Result<()>) + 'static,
    ) -> Result<()> {
        let shared = &self.shared;
        let frees = records.iter().any(Record::ends_records);
        {
            let mut state = shared.state.borrow_mut();
            let accepted = state.accept(&shared.options, partition, records, Box::new(done));
            state.counters.refused_full += u64::from(matches!(accepted, Err(WalError::Full { .. })));
            accepted?;
            state.free_dead(&shared.options);
        }
        if frees {
            shared.clean.one();
        }
        shared.work.one();
        Ok(())
    }

    /// [`Wal::append`], waited for.
    ///
    /// # Errors
    /// Those of [`Wal::append`].
    pub async fn append_wait(&self, partition: PartitionId, records: Vec<Record>) -> Result<()> {
        let (sender, receiver) = oneshot::channel();
        self.append(partition, records, move |result| {
            let _ = sender.send(result);
        })?;
        receiver.await.unwrap_or(Err(WalError::Closed))
    }

    /// Waits until there is room for entries of this many bytes.
    ///
    /// # Errors
    /// [`WalError::Poisoned`], [`WalError::Closed`].
    pub async fn room(&self, bytes: u64) -> Result<()> {
        loop {
            {
                let state = self.shared.state.borrow();
                state.check_open()?;
                let wanted = state::alone(bytes);
                let queue_max = self.shared.options.queue_bytes_max;
                if state.room(&self.shared.options, false) >= wanted && state.queue_bytes < queue_max {
                    return Ok(());
                }
            }
            self.shared.room.notified().await;
        }
    }

    /// Bytes of entries that the log can still take if nothing is purged: what there is room for now, and in
    /// segments that may yet be made. An upper bound: many small records, which begin a block each, take
    /// more. Who writes checkpoints leaves room for them here, because only they lead to purges.
    pub fn headroom(&self) -> u64 {
        self.shared.state.borrow().headroom(&self.shared.options)
    }

    /// Settings it was opened with.
    pub fn options(&self) -> &Options {
        &self.shared.options
    }

    /// Whether a partition can be used.
    ///
    /// # Errors
    /// [`WalError::Damaged`].
    pub fn check(&self, partition: PartitionId) -> Result<()> {
        let state = self.shared.state.borrow();
        match state.partitions.get(&partition) {
            Some(known) => match &known.damage {
                Some(damage) => Err(WalError::Damaged { partition, damage: damage.clone() }),
                None => Ok(()),
            },
            None if state.unattributed => Err(WalError::Damaged { partition, damage: Vec::new() }),
            None => Ok(()),
        }
    }

    /// The partitions that have records, damaged ones included.
    pub fn partitions(&self) -> Vec<PartitionId> {
        self.shared.state.borrow().partitions.keys().copied().collect()
    }

    /// Lanes of a partition, and where each begins and ends.
    pub fn lanes(&self, partition: PartitionId) -> Vec<(Lane, Bounds)> {
        let state = self.shared.state.borrow();
        let lanes = state.partitions.get(&partition).into_iter().flat_map(|known| &known.lanes);
        let bounds = lanes.map(|(lane, index)| {
            let purged = index.purged.map(|(term, index, _)| (term, index));
            (*lane, Bounds { purged, last: index.last() })
        });
        bounds.collect()
    }

    /// Where a lane begins and ends.
    pub fn bounds(&self, partition: PartitionId, lane: Lane) -> Bounds {
        let all = self.lanes(partition);
        all.into_iter().find(|(found, _)| *found == lane).map_or_else(Bounds::default, |(_, bounds)| bounds)
    }

    /// The term of an entry, without reading it.
    pub fn term(&self, partition: PartitionId, lane: Lane, index: u64) -> Option<u64> {
        let state = self.shared.state.borrow();
        let lane = state.partitions.get(&partition)?.lanes.get(&lane)?;
        let purged = lane.purged.filter(|(_, purged, _)| *purged == index).map(|(term, ..)| term);
        purged.or_else(|| lane.place(index).ok().map(|at| lane.entries[at].term))
    }

    /// The value of a slot; values that are not yet acknowledged included.
    pub fn register(&self, partition: PartitionId, slot: Slot) -> Option<Bytes> {
        let state = self.shared.state.borrow();
        let known = state.partitions.get(&partition)?;
        known.registers.get(&slot.0).map(|(value, _)| value.clone())
    }

    /// Ranges of the log that were damaged when it was opened.
    pub fn damage(&self) -> Vec<(PartitionId, Vec<DamagedRange>)> {
        let state = self.shared.state.borrow();
        let damaged = state.partitions.iter();
        damaged.filter_map(|(id, known)| known.damage.clone().map(|damage| (*id, damage))).collect()
    }

    /// Whether both are the same log.
    pub fn same(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.shared, &other.shared)
    }

    /// The first failure of a write or flush, if there was one.
    pub fn poisoned(&self) -> Option<WalError> {
        self.shared.state.borrow().poisoned.clone()
    }

    /// Numbers of the log as it is now.
    pub fn stats(&self) -> Stats {
        let state = self.shared.state.borrow();
        let since = state.tail.unsynced_since_ns;
        Stats {
            counters: state.counters,
            segments: state.sealed.len() + 1,
            segments_ready: state.spares.len(),
            queue_bytes: state.queue_bytes,
            live_bytes: state.live.total(),
            unsynced_bytes: since.map_or(0, |_| state.tail.offset - state.tail.durable),
            unsynced_ns: since.map_or(0, |since| self.shared.rt.now().saturating_sub(since)),
        }
    }

    /// Ends the log: what was accepted is written, flushed and marked as durable; later appends fail.
    ///
    /// # Errors
    /// [`WalError::Poisoned`].
    pub async fn close(&self) -> Result<()> {
        let (sender, receiver) = oneshot::channel();
        {
            let mut state = self.shared.state.borrow_mut();
            state.check_open()?;
            state.closed = true;
            state.closing = Some(Box::new(move |result| {
                let _ = sender.send(result);
            }));
        }
        self.shared.work.one();
        receiver.await.unwrap_or(Err(WalError::Closed))
    }
}

impl Shared {
    fn poison(&self, error: &WalError) -> WalError {
        let (first, dones) = {
            let mut state = self.state.borrow_mut();
            let poisoned = WalError::Poisoned { reason: error.to_string() };
            let fresh = state.poisoned.is_none();
            let first = state.poisoned.get_or_insert(poisoned).clone();
            state.queue_bytes = 0;
            let items = std::mem::take(&mut state.queue);
            let dones = items.into_iter().filter_map(|item| match item {
                Item::Done(done) => Some(done),
                Item::Record(_) => None,
            });
            let dones = dones.chain(state.closing.take());
            (fresh.then(|| first.clone()), dones.collect::<Vec<_>>())
        };
        if let (Some(first), Some(observer)) = (&first, &self.options.observer) {
            observer.poisoned(first);
        }
        let error = self.state.borrow().poisoned.clone().unwrap_or(WalError::Closed);
        for done in dones {
            done(Err(error.clone()));
        }
        self.room.all();
        self.spare.all();
        self.work.one();
        error
    }
}
