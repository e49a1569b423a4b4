//! Chains of snapshots: a full one and links that hold what changed since.
//!
//! Invariants: a link needs the full one and the links before it, nothing behind it; so every beginning of a
//! chain is a snapshot of its own, of an earlier entry.

use wal::Lane;

use super::{FULLS, LINKS};
use crate::types::{LogId, StoredMembership};

/// Links between full snapshots at most: one more takes the place of all of them.
pub(crate) const LINKS_MAX: usize = 3;

/// How the chunks of a snapshot are to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// One behind the other they are the machine's bytes (version 1).
    Plain,
    /// Pages, and which pages in which order are the machine's bytes.
    Pages,
}

/// A snapshot in the log: a full one, or what changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Link {
    /// The last entry in it.
    pub(crate) last: Option<LogId>,
    /// The last membership in it.
    pub(crate) membership: StoredMembership,
    pub(crate) form: Form,
    /// Index of its first chunk in its lane.
    pub(crate) first_chunk: u64,
    /// How many chunks.
    pub(crate) chunks: u64,
    /// Bytes of its chunks; 0 if not known.
    pub(crate) bytes: u64,
    /// Bytes of the machine's state; 0 if not known.
    pub(crate) state_bytes: u64,
}

/// A full snapshot and its links.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Chain {
    pub(crate) full: Link,
    pub(crate) links: Vec<Link>,
}

/// What counts: the newest chain, and the full snapshot before it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) newest: Chain,
    pub(crate) older: Option<Link>,
}

impl Chain {
    /// Of a full snapshot alone.
    pub(crate) fn of(full: Link) -> Self {
        Self { full, links: Vec::new() }
    }

    /// The full one, then its links.
    pub(crate) fn all(&self) -> impl DoubleEndedIterator<Item = (Lane, &Link)> {
        let links = self.links.iter().map(|link| (LINKS, link));
        [(FULLS, &self.full)].into_iter().chain(links)
    }

    /// The newest of it.
    pub(crate) fn newest(&self) -> &Link {
        self.links.last().unwrap_or(&self.full)
    }
}

impl Head {
    /// The entry up to which the log is not needed any more, whichever snapshot a start may use.
    pub(crate) fn needless(&self) -> Option<LogId> {
        self.older.as_ref().unwrap_or(&self.newest.full).last
    }
}
