//! openraft's state machine around the host's.
//!
//! Invariant: no borrow of the machine is held over an await, so the host may look at it between steps.

use std::cell::RefCell;
use std::io;
use std::rc::Rc;

use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use openraft::storage::{EntryResponder, RaftStateMachine};
use openraft::{RaftSnapshotBuilder, Snapshot, SnapshotMeta};
use shard_rt::{Rt, yield_now};

use crate::error::{RaftError, Result};
use crate::machine::{Checkpoint, StateMachine, Step};
use crate::snapshot::{Chunks, Snapshots, Source};
use crate::types::{Entry, LogEntry, LogId, Payload, StoredMembership, Types, position};

/// Entries are applied for this long before other tasks run.
const SPELL_NS: u64 = 500_000;

/// The machine, and how far it is.
struct State<M> {
    machine: M,
    last: Option<LogId>,
    membership: StoredMembership,
}

/// Applies entries to the machine. Clones are the same.
pub(crate) struct Applier<M> {
    state: Rc<RefCell<State<M>>>,
    snapshots: Snapshots,
    chunk_bytes_max: usize,
}

impl<M> Clone for Applier<M> {
    fn clone(&self) -> Self {
        let (state, snapshots) = (Rc::clone(&self.state), self.snapshots.clone());
        Self { state, snapshots, chunk_bytes_max: self.chunk_bytes_max }
    }
}

pub(crate) type Meta = openraft::alias::SnapshotMetaOf<Types>;
pub(crate) type Snap = openraft::alias::SnapshotOf<Types, Chunks>;

impl<M: StateMachine> Applier<M> {
    pub(crate) fn new(machine: M, snapshots: Snapshots, chunk_bytes_max: usize) -> Self {
        let state = State { machine, last: None, membership: StoredMembership::default() };
        Self { state: Rc::new(RefCell::new(state)), snapshots, chunk_bytes_max }
    }

    /// Looks at the machine.
    pub(crate) fn with<R>(&self, look: impl FnOnce(&M) -> R) -> R {
        look(&self.state.borrow().machine)
    }

    async fn apply_one(&self, entry: LogEntry) -> Bytes {
        let id = entry.log_id;
        let answer = match entry.payload {
            Payload::Blank => Bytes::new(),
            Payload::Membership(membership) => {
                self.state.borrow_mut().membership = StoredMembership::new(Some(id), membership);
                Bytes::new()
            }
            Payload::Normal(proposal) => {
                let entry = Entry { position: position(&id), payload: proposal.content() };
                loop {
                    let step = self.state.borrow_mut().machine.apply(&entry);
                    match step {
                        Step::Done(answer) => break answer,
                        Step::More => yield_now().await,
                    }
                }
            }
        };
        self.state.borrow_mut().last = Some(id);
        answer
    }

    async fn install(&self, meta: &Meta, chunks: &mut Chunks) -> Result<()> {
        let machine = |reason| RaftError::Machine { reason };
        self.state.borrow_mut().machine.install_begin();
        while let Some(chunk) = chunks.next().await? {
            self.state.borrow_mut().machine.install_chunk(chunk).map_err(machine)?;
            yield_now().await;
        }
        let mut state = self.state.borrow_mut();
        state.machine.install_end(meta.last_log_id.as_ref().map(position)).map_err(machine)?;
        state.last = meta.last_log_id;
        state.membership = meta.last_membership.clone();
        Ok(())
    }
}

impl<M: StateMachine> RaftStateMachine<Types> for Applier<M> {
    type SnapshotData = Chunks;
    type SnapshotBuilder = Builder;

    async fn applied_state(&mut self) -> io::Result<(Option<LogId>, StoredMembership)> {
        let state = self.state.borrow();
        Ok((state.last, state.membership.clone()))
    }

    async fn apply<S>(&mut self, mut entries: S) -> io::Result<()>
    where
        S: Stream<Item = io::Result<EntryResponder<Types>>> + Unpin,
    {
        let rt = Rt::current();
        let mut since = rt.now();
        while let Some(next) = entries.next().await {
            let (entry, responder) = next?;
            let answer = self.apply_one(entry).await;
            if let Some(responder) = responder {
                responder.send(answer);
            }
            if rt.now().saturating_sub(since) >= SPELL_NS {
                yield_now().await;
                since = rt.now();
            }
        }
        Ok(())
    }

    async fn get_snapshot_builder(&mut self) -> Builder {
        let mut state = self.state.borrow_mut();
        Builder {
            view: View { checkpoint: state.machine.checkpoint(), bytes_max: self.chunk_bytes_max },
            last: state.last,
            membership: state.membership.clone(),
            snapshots: self.snapshots.clone(),
        }
    }

    async fn install_snapshot(&mut self, meta: &Meta, snapshot: Chunks) -> io::Result<()> {
        let mut chunks = snapshot;
        if !self.snapshots.has(&chunks)? {
            let (last, membership) = (meta.last_log_id, meta.last_membership.clone());
            chunks = self.snapshots.write(last, membership, &mut chunks).await?;
        }
        Ok(self.install(meta, &mut chunks).await?)
    }

    async fn get_current_snapshot(&mut self) -> io::Result<Option<Snap>> {
        let current = self.snapshots.current()?;
        Ok(current.map(|(head, chunks)| Snapshot {
            meta: SnapshotMeta { last_log_id: head.last, last_membership: head.membership },
            snapshot: chunks,
        }))
    }
}

/// Writes a view of the machine as a snapshot.
pub(crate) struct Builder {
    view: View,
    last: Option<LogId>,
    membership: StoredMembership,
    snapshots: Snapshots,
}

struct View {
    checkpoint: Box<dyn Checkpoint>,
    bytes_max: usize,
}

impl Source for View {
    async fn next(&mut self) -> Result<Option<Bytes>> {
        yield_now().await;
        self.checkpoint.chunk(self.bytes_max).map_err(|reason| RaftError::Machine { reason })
    }
}

impl RaftSnapshotBuilder<Types> for Builder {
    type SnapshotData = Chunks;

    async fn build_snapshot(&mut self) -> io::Result<Snap> {
        let (last, membership) = (self.last, self.membership.clone());
        let snapshot = self.snapshots.write(last, membership.clone(), &mut self.view).await?;
        Ok(Snapshot { meta: SnapshotMeta { last_log_id: last, last_membership: membership }, snapshot })
    }
}
