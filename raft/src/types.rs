//! The types of the outside, and openraft's configuration behind them.
//!
//! Invariant: nothing of openraft is public. Terms are led by one node at most (Raft as published), so a
//! position in the log is a term and an index.

use std::fmt;

use bytes::{Bytes, BytesMut};
use openraft::alias::LogIdOf;
use openraft::impls::leader_id_std::LeaderId;
use openraft::vote::leader_id_std::CommittedLeaderId;
use openraft::{EmptyNode, EntryPayload};

use crate::codec::{self, EntryKind};
use crate::runtime::Runtime;

/// A voter or learner of a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PeerId(pub u64);

impl fmt::Display for PeerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "peer {}", self.0)
    }
}

/// Raft's term.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Term(pub u64);

/// The number of an entry in a group's log; the first is 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LogIndex(pub u64);

/// Which entry: positions of one log are ordered by term, then by index.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LogPosition {
    /// The term it was proposed in.
    pub term: Term,
    /// Its number.
    pub index: LogIndex,
}

impl fmt::Display for LogPosition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "entry {} of term {}", self.index.0, self.term.0)
    }
}

/// A committed entry as the machine gets it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Where it is in the log.
    pub position: LogPosition,
    /// What was proposed: shared with the log, never copied.
    pub payload: Bytes,
}

/// What became of a proposal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Where it is in the log.
    pub position: LogPosition,
    /// What the machine said when it had applied the entry.
    pub bytes: Bytes,
}

/// A proposal as the log has it: content and trailer in one stretch of shared bytes.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Proposal(Bytes);

impl Proposal {
    /// Adds the trailer: without a copy if the bytes are not shared and have `TRAILER_BYTES` to
    /// spare behind them.
    pub(crate) fn new(content: Bytes) -> Self {
        let mut bytes = content.try_into_mut().unwrap_or_else(|shared| {
            let mut copy = BytesMut::with_capacity(shared.len() + codec::TRAILER_BYTES);
            copy.extend_from_slice(&shared);
            copy
        });
        bytes.extend_from_slice(&codec::trailer(EntryKind::Normal));
        Self(bytes.freeze())
    }

    /// Of bytes that end with the trailer.
    pub(crate) fn of_record(record: Bytes) -> Self {
        Self(record)
    }

    /// With the trailer.
    pub(crate) fn record(&self) -> Bytes {
        self.0.clone()
    }

    /// Without the trailer.
    pub(crate) fn content(&self) -> Bytes {
        self.0.slice(..self.0.len() - codec::TRAILER_BYTES)
    }
}

impl fmt::Debug for Proposal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes", self.0.len())
    }
}

impl fmt::Display for Proposal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes", self.0.len())
    }
}

openraft::declare_raft_types!(
    /// openraft's types of a group.
    pub(crate) Types:
        D = Proposal,
        R = Bytes,
        NodeId = u64,
        Node = EmptyNode,
        Term = u64,
        LeaderId = LeaderId<u64, u64>,
        AsyncRuntime = Runtime,
);

pub(crate) type Vote = openraft::Vote<LeaderId<u64, u64>>;
pub(crate) type LogId = LogIdOf<Types>;
pub(crate) type Payload = EntryPayload<Proposal, u64, EmptyNode>;
pub(crate) type LogEntry = openraft::alias::EntryOf<Types>;
pub(crate) type Membership = openraft::Membership<u64, EmptyNode>;
pub(crate) type StoredMembership = openraft::alias::StoredMembershipOf<Types>;

pub(crate) fn log_id(term: u64, index: u64) -> LogId {
    LogId { leader_id: CommittedLeaderId::new(term), index }
}

pub(crate) fn position(id: &LogId) -> LogPosition {
    LogPosition { term: Term(id.leader_id.term), index: LogIndex(id.index) }
}
