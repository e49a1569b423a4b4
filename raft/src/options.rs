//! Settings of a group.

use std::time::Duration;

use openraft::{Config, SnapshotPolicy};

use crate::error::{RaftError, Result};
use crate::pace::Pace;
use crate::types::PeerId;

/// Settings of a group on one node.
#[derive(Clone, Debug)]
pub struct Options {
    /// Who this node is in the group.
    pub peer: PeerId,
    /// A leader is silent at most this long.
    pub heartbeat: Duration,
    /// After a silence in this range, drawn anew each time, a follower asks for votes.
    pub election: (Duration, Duration),
    /// Bytes of entries in one read for replication or apply, unless one entry is larger.
    pub read_bytes_max: u64,
    /// Proposals that are appended together.
    pub batch_entries_max: u64,
    /// Proposals that wait before [`crate::Group::propose`] waits itself.
    pub queue_entries_max: u64,
    /// Bytes of a chunk of a snapshot; a record of the log must hold one.
    pub chunk_bytes_max: usize,
    /// A snapshot is made after so many entries; `None` makes one only on order.
    pub snapshot_after: Option<u64>,
    /// Entries that stay in the log before those that the snapshots kept need, for peers that are a little behind.
    pub entries_kept: u64,
    /// Full snapshots kept, 1 or 2: the log goes back to the oldest of them.
    pub fulls_kept: usize,
    /// How fast snapshots are written; `None`: as fast as the log takes them.
    pub pace: Option<Pace>,
}

impl Options {
    /// Defaults. Timers are long on purpose: what idle groups cost is their ticks, and silence of a
    /// peer is found out by its connection.
    pub fn new(peer: PeerId) -> Self {
        Self {
            peer,
            heartbeat: Duration::from_millis(500),
            election: (Duration::from_millis(1_500), Duration::from_millis(3_000)),
            read_bytes_max: 1 << 20,
            batch_entries_max: 4_096,
            queue_entries_max: 8_192,
            chunk_bytes_max: 256 << 10,
            snapshot_after: None,
            entries_kept: 1_000,
            fulls_kept: 1,
            pace: None,
        }
    }

    /// openraft's settings. A group ticks only when it has peers ([`crate::Group::start`]).
    pub(crate) fn config(&self, name: String) -> Result<Config> {
        if self.read_bytes_max == 0 || self.chunk_bytes_max == 0 {
            let reason = "at least 1".to_owned();
            return Err(RaftError::Option { name: "read_bytes_max, chunk_bytes_max", reason });
        }
        let millis = |duration: Duration| u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        let snapshot_policy = match self.snapshot_after {
            Some(entries) => SnapshotPolicy::LogsSinceLast(entries.max(1)),
            None => SnapshotPolicy::Never,
        };
        let config = Config {
            cluster_name: name,
            heartbeat_interval: millis(self.heartbeat),
            election_timeout_min: millis(self.election.0),
            election_timeout_max: millis(self.election.1),
            max_append_entries: Some(self.batch_entries_max),
            api_batch_capacity: self.batch_entries_max,
            api_channel_size: Some(self.queue_entries_max),
            notification_channel_size: Some(self.queue_entries_max),
            snapshot_policy,
            // What may go is told to openraft when a snapshot counts: the log is kept for older ones, too.
            max_in_snapshot_log_to_keep: u64::MAX,
            enable_tick: false,
            enable_pre_vote: Some(true),
            // On by default. A restored leader keeps its term although the committed position in the log
            // may be behind; an election ends with an entry behind all others.
            enable_leader_restore: Some(false),
            broadcast_submitted_on_append: Some(true),
            ..Config::default()
        };
        config.validate().map_err(|error| RaftError::Option { name: "group", reason: error.to_string() })
    }
}
