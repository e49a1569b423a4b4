//! A group on this node: its handle.

use std::collections::BTreeSet;
use std::rc::Rc;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream::LocalBoxStream;
use openraft::async_runtime::WatchReceiver;
use openraft::errors::{ClientWriteError, Fatal, RaftError as OfRaft};
use openraft::raft::WriteResult;
use openraft::{Raft, ServerState};
use shard_rt::AbortOnDrop;
use wal::{PartitionId, Wal};

use crate::apply::Applier;
use crate::error::{RaftError, Result};
use crate::machine::StateMachine;
use crate::network::NoPeers;
use crate::options::Options;
use crate::snapshot::{CheckpointStats, Kind, Snapshots};
use crate::store::Store;
use crate::types::{Answer, LogIndex, LogPosition, PeerId, Proposal, Term, Types, position};

/// A group on this node. Clones are the same group. Dropping them all without [`Group::shutdown`] is a
/// crash: nothing acknowledged is lost, nothing else is promised.
pub struct Group<M: StateMachine> {
    raft: Raft<Types, Applier<M>>,
    applier: Applier<M>,
    store: Store,
    peer: PeerId,
    _purger: Rc<AbortOnDrop<()>>,
}

impl<M: StateMachine> Clone for Group<M> {
    fn clone(&self) -> Self {
        let (raft, applier) = (self.raft.clone(), self.applier.clone());
        let _purger = Rc::clone(&self._purger);
        Self { raft, applier, store: self.store.clone(), peer: self.peer, _purger }
    }
}

/// A group as it is now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Metrics {
    /// Its term.
    pub term: Term,
    /// Who leads it, if that is known.
    pub leader: Option<PeerId>,
    /// Whether this node leads it.
    pub leads: bool,
    /// The last entry in the log here, durable or not.
    pub last: Option<LogIndex>,
    /// The last entry that is known to be committed.
    pub committed: Option<LogPosition>,
    /// The last entry the machine has.
    pub applied: Option<LogPosition>,
    /// The last entry in the newest snapshot.
    pub snapshot: Option<LogPosition>,
    /// The last entry that was purged from the log.
    pub purged: Option<LogPosition>,
}

impl<M: StateMachine> Group<M> {
    /// Starts the group of a partition from its log: the newest snapshot is installed and what is known
    /// to be committed is applied before this returns. A group that was never [`Group::initialize`]d
    /// waits for that. The only voter of a group leads it at once, and never ticks.
    ///
    /// # Errors
    /// [`RaftError::Option`]; [`RaftError::Log`], [`RaftError::Format`], [`RaftError::Machine`] or
    /// [`RaftError::Durability`] if the log cannot be used.
    pub async fn start(
        options: Options,
        partition: PartitionId,
        wal: Wal,
        machine: M,
        network: NoPeers,
    ) -> Result<Self> {
        wal.check(partition)?;
        let config = Arc::new(options.config(partition.to_string())?);
        let store = Store::new(wal, partition, options.read_bytes_max);
        let applier = Applier::new(machine, Snapshots::new(store.clone(), &options));
        let (peer, entries_kept) = (options.peer, options.entries_kept);
        let raft = Raft::new(peer.0, config, network, store.clone(), applier.clone()).await;
        let raft = raft.map_err(|error| of_fatal(&store, &error))?;
        let purger = purge(raft.clone(), applier.snapshots().clone(), entries_kept);
        let _purger = Rc::new(shard_rt::spawn("purges", purger).abort_on_drop());
        let group = Self { raft, applier, store, peer, _purger };
        group.wake().await?;
        Ok(group)
    }

    /// The only voter elects itself; with others around the group ticks.
    async fn wake(&self) -> Result<()> {
        // Asked of the core: what the metrics say is empty until it has run.
        let voters = self.raft.with_raft_state(|state| -> BTreeSet<u64> {
            state.membership_state.effective().voter_ids().collect()
        });
        let voters = voters.await.map_err(|error| of_fatal(&self.store, &error))?;
        if voters.is_empty() {
            return Ok(());
        }
        if voters.len() > 1 || !voters.contains(&self.peer.0) {
            self.raft.runtime_config().tick(true);
            return Ok(());
        }
        self.raft.trigger().elect(false).await.map_err(|error| of_fatal(&self.store, &error))
    }

    /// Makes this node the only voter of a new group. Does nothing to a group that has a history.
    ///
    /// # Errors
    /// [`RaftError::Stopped`], [`RaftError::Durability`].
    pub async fn initialize(&self) -> Result<()> {
        match self.raft.initialize(BTreeSet::from([self.peer.0])).await {
            Ok(()) | Err(OfRaft::APIError(_)) => Ok(()),
            Err(OfRaft::Fatal(error)) => Err(of_fatal(&self.store, &error)),
        }
    }

    /// Waits until this node leads the group and its machine has all that was ever acknowledged.
    ///
    /// # Errors
    /// [`RaftError::Stopped`], [`RaftError::Durability`].
    pub async fn lead(&self) -> Result<()> {
        let mut metrics = self.raft.metrics();
        loop {
            {
                let now = metrics.borrow_and_update();
                if let Err(error) = &now.running_state {
                    return Err(of_fatal(&self.store, error));
                }
                let term_applied = now.last_applied.is_some_and(|id| id.leader_id.term == now.current_term);
                if now.state == ServerState::Leader && term_applied {
                    return Ok(());
                }
            }
            metrics.changed().await.map_err(|_| self.ended())?;
        }
    }

    /// Proposes an entry and waits until it is committed and applied (R-ACK-1). The payload is not
    /// copied if it is not shared and has two bytes of capacity to spare. Dropping the future leaves open
    /// whether the entry comes to be.
    ///
    /// # Errors
    /// [`RaftError::NotLeader`]: not taken. [`RaftError::Unknown`], [`RaftError::Stopped`],
    /// [`RaftError::Durability`]: not acknowledged; it may have come to be.
    pub async fn propose(&self, payload: Bytes) -> Result<Answer> {
        let written = self.raft.client_write(Proposal::new(payload)).await;
        match written {
            Ok(done) => Ok(Answer { position: position(&done.log_id), bytes: done.data }),
            Err(OfRaft::APIError(error)) => Err(of_write(error)),
            Err(OfRaft::Fatal(error)) => Err(of_fatal(&self.store, &error)),
        }
    }

    /// Hands an entry over, and waits only until it is queued: entries come in the order in which this is
    /// called. The payload is as for [`Group::propose`].
    ///
    /// # Errors
    /// As [`Group::propose`]: what can be said at once.
    pub async fn submit(&self, payload: Bytes) -> Result<Submitted> {
        let stream = self.raft.client_write_many([Proposal::new(payload)]).await;
        let answers = stream.map_err(|error| of_fatal(&self.store, &error))?;
        Ok(Submitted { answers, store: self.store.clone() })
    }

    /// Proposes entries that follow each other, in one append; answers come in their order.
    ///
    /// # Errors
    /// As [`Group::propose`], of all or of each.
    pub async fn propose_many(&self, payloads: Vec<Bytes>) -> Result<Vec<Result<Answer>>> {
        let count = payloads.len();
        let proposals = payloads.into_iter().map(Proposal::new);
        let stream = self.raft.client_write_many(proposals).await;
        let mut stream = stream.map_err(|error| of_fatal(&self.store, &error))?;
        let mut answers = Vec::new();
        while let Some(next) = stream.next().await {
            answers.push(match next {
                Ok(Ok(done)) => Ok(Answer { position: position(&done.log_id), bytes: done.response }),
                Ok(Err(error)) => Err(of_write(error)),
                Err(error) => Err(of_fatal(&self.store, &error)),
            });
        }
        // The stream ends at the first that is left open.
        answers.resize_with(count, || Err(self.ended()));
        Ok(answers)
    }

    /// Orders a snapshot, which is made meanwhile; entries that no snapshot kept needs are purged when it is
    /// durable.
    ///
    /// # Errors
    /// [`RaftError::Stopped`], [`RaftError::Durability`].
    pub async fn snapshot(&self, kind: Kind) -> Result<()> {
        self.applier.snapshots().plan(kind);
        self.raft.trigger().snapshot().await.map_err(|error| of_fatal(&self.store, &error))
    }

    /// Numbers of its snapshots.
    pub fn checkpoints(&self) -> CheckpointStats {
        self.applier.snapshots().stats()
    }

    /// Looks at the machine, possibly amid an entry that takes several steps.
    pub fn machine<R>(&self, look: impl FnOnce(&M) -> R) -> R {
        self.applier.with(look)
    }

    /// The group as it is now.
    pub fn metrics(&self) -> Metrics {
        let watch = self.raft.metrics();
        let now = watch.borrow_watched();
        Metrics {
            term: Term(now.current_term),
            leader: now.current_leader.map(PeerId),
            leads: now.state == ServerState::Leader,
            last: now.last_log_index.map(LogIndex),
            committed: now.local_committed.as_ref().map(position),
            applied: now.last_applied.as_ref().map(position),
            snapshot: now.snapshot.as_ref().map(position),
            purged: now.purged.as_ref().map(position),
        }
    }

    /// Ends the group: what was taken is answered or left open, and how far it is committed is written
    /// down, so that the next start applies most of it before it returns.
    ///
    /// # Errors
    /// [`RaftError::Durability`], [`RaftError::Log`]; the group has ended all the same.
    pub async fn shutdown(&self) -> Result<()> {
        self.raft.shutdown().await.map_err(|_| RaftError::Stopped)?;
        self.store.flush_committed().await
    }

    /// Why the group is over.
    fn ended(&self) -> RaftError {
        of_fatal(&self.store, &Fatal::Stopped)
    }
}

/// Has entries purged that are not needed any more, whenever a snapshot counts.
async fn purge<M: StateMachine>(raft: Raft<Types, Applier<M>>, snapshots: Snapshots, entries_kept: u64) {
    let mut metrics = raft.metrics();
    loop {
        snapshots.written().await;
        let Some(needless) = snapshots.needless() else { continue };
        let Some(upto) = needless.index.checked_sub(entries_kept) else { continue };
        // The core purges nothing but what it knows to be in a snapshot.
        while metrics.borrow_and_update().snapshot.is_none_or(|snapshot| snapshot.index < upto) {
            if metrics.changed().await.is_err() {
                return;
            }
        }
        if raft.trigger().purge_log(upto).await.is_err() {
            return;
        }
    }
}

/// An entry on its way.
pub struct Submitted {
    answers: LocalBoxStream<'static, std::result::Result<WriteResult<Types>, Fatal<Types>>>,
    store: Store,
}

impl Submitted {
    /// Waits until it is committed and applied (R-ACK-1).
    ///
    /// # Errors
    /// As [`Group::propose`].
    pub async fn answer(&mut self) -> Result<Answer> {
        match self.answers.next().await {
            Some(Ok(Ok(done))) => Ok(Answer { position: position(&done.log_id), bytes: done.response }),
            Some(Ok(Err(error))) => Err(of_write(error)),
            Some(Err(error)) => Err(of_fatal(&self.store, &error)),
            None => Err(of_fatal(&self.store, &Fatal::Stopped)),
        }
    }
}

/// What has ended a group; the log knows best.
fn of_fatal(store: &Store, error: &Fatal<Types>) -> RaftError {
    match (store.wal().poisoned(), error) {
        (Some(poisoned), _) => RaftError::Durability { reason: poisoned.to_string() },
        (None, Fatal::StorageError(error)) => RaftError::Durability { reason: error.to_string() },
        (None, Fatal::Stopped | Fatal::Panicked) => RaftError::Stopped,
    }
}

fn of_write(error: ClientWriteError<Types>) -> RaftError {
    match error {
        ClientWriteError::ForwardToLeader(to) => RaftError::NotLeader { leader: to.leader_id.map(PeerId) },
        ClientWriteError::LogEntryDiscarded(_) => RaftError::Unknown,
        // Neither is part of a plain proposal.
        ClientWriteError::ChangeMembershipError(_) | ClientWriteError::PreconditionFailed(_) => {
            RaftError::Unknown
        }
    }
}
