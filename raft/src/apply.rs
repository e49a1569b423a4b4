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
use crate::machine::{StateMachine, Step};
use crate::snapshot::{Image, Pieces, Snapshots, Source};
use crate::types::{Entry, LogEntry, LogId, Payload, StoredMembership, Types, position};

/// Entries are applied for this long before other tasks run.
const SPELL_NS: u64 = 500_000;
/// Bytes of a checkpoint that are made at a time: some hundred microseconds.
const SLICE_BYTES: usize = 64 << 10;

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
}

impl<M> Clone for Applier<M> {
    fn clone(&self) -> Self {
        Self { state: Rc::clone(&self.state), snapshots: self.snapshots.clone() }
    }
}

pub(crate) type Meta = openraft::alias::SnapshotMetaOf<Types>;
pub(crate) type Snap = openraft::alias::SnapshotOf<Types, Image>;

impl<M: StateMachine> Applier<M> {
    pub(crate) fn new(machine: M, snapshots: Snapshots) -> Self {
        let state = State { machine, last: None, membership: StoredMembership::default() };
        Self { state: Rc::new(RefCell::new(state)), snapshots }
    }

    /// The snapshots of the group.
    pub(crate) fn snapshots(&self) -> &Snapshots {
        &self.snapshots
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

    async fn install(&self, meta: &Meta, pieces: Vec<Bytes>) -> Result<()> {
        let machine = |reason| RaftError::Machine { reason };
        let rt = Rt::current();
        let mut since = rt.now();
        self.state.borrow_mut().machine.install_begin(pieces.iter().map(Bytes::len).sum());
        for piece in pieces {
            self.state.borrow_mut().machine.install_chunk(piece).map_err(machine)?;
            if rt.now().saturating_sub(since) >= SPELL_NS {
                yield_now().await;
                since = rt.now();
            }
        }
        let mut state = self.state.borrow_mut();
        state.machine.install_end(meta.last_log_id.as_ref().map(position)).map_err(machine)?;
        state.last = meta.last_log_id;
        state.membership = meta.last_membership.clone();
        Ok(())
    }
}

impl<M: StateMachine> RaftStateMachine<Types> for Applier<M> {
    type SnapshotData = Image;
    type SnapshotBuilder = Builder<M>;

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

    async fn get_snapshot_builder(&mut self) -> Builder<M> {
        let begun = Rt::current().now();
        let mut state = self.state.borrow_mut();
        state.machine.checkpoint_begin();
        let builder = Builder {
            view: View { state: Rc::clone(&self.state), snapshots: self.snapshots.clone() },
            last: state.last,
            membership: state.membership.clone(),
        };
        self.snapshots.held(Rt::current().now().saturating_sub(begun));
        builder
    }

    async fn install_snapshot(&mut self, meta: &Meta, snapshot: Image) -> io::Result<()> {
        let pieces = self.snapshots.load(&snapshot).await?;
        if !self.snapshots.has(&snapshot) {
            let (last, membership) = (meta.last_log_id, meta.last_membership.clone());
            let mut source = Pieces(pieces.clone().into_iter());
            self.snapshots.write(last, membership, &mut source).await?;
        }
        Ok(self.install(meta, pieces).await?)
    }

    async fn get_current_snapshot(&mut self) -> io::Result<Option<Snap>> {
        let current = self.snapshots.current().await?;
        Ok(current.map(|(link, image)| Snapshot {
            meta: SnapshotMeta { last_log_id: link.last, last_membership: link.membership },
            snapshot: image,
        }))
    }
}

/// Writes a view of the machine as a snapshot.
pub(crate) struct Builder<M: StateMachine> {
    view: View<M>,
    last: Option<LogId>,
    membership: StoredMembership,
}

/// The machine as it was when the checkpoint began.
struct View<M: StateMachine> {
    state: Rc<RefCell<State<M>>>,
    snapshots: Snapshots,
}

impl<M: StateMachine> Source for View<M> {
    async fn next(&mut self, out: &mut Vec<u8>) -> Result<bool> {
        yield_now().await;
        let rt = Rt::current();
        let begun = rt.now();
        let more = self.state.borrow_mut().machine.checkpoint_next(SLICE_BYTES, out);
        self.snapshots.held(rt.now().saturating_sub(begun));
        more.map_err(|reason| RaftError::Machine { reason })
    }
}

impl<M: StateMachine> Drop for View<M> {
    fn drop(&mut self) {
        // At the end of the process the machine may be in the midst of an entry that ended it.
        if let Ok(mut state) = self.state.try_borrow_mut() {
            state.machine.checkpoint_end();
        }
    }
}

impl<M: StateMachine> RaftSnapshotBuilder<Types> for Builder<M> {
    type SnapshotData = Image;

    async fn build_snapshot(&mut self) -> io::Result<Snap> {
        let (last, membership) = (self.last, self.membership.clone());
        let snapshots = self.view.snapshots.clone();
        let snapshot = snapshots.write(last, membership.clone(), &mut self.view).await?;
        Ok(Snapshot { meta: SnapshotMeta { last_log_id: last, last_membership: membership }, snapshot })
    }
}
