//! Replication of a partition: openraft, with the shard's runtime and the shard's log under it
//! (R-REP, R-ACK-1).
//!
//! ```text
//! propose ─► openraft ─► Store ─► wal ─► durable ─► committed ─► Applier ─► StateMachine ─► answer
//!                │                                                  │
//!             Runtime (tasks, timers, channels of shard-rt)      Snapshots: chains of chunks, and a head, in the log
//! ```
//!
//! Invariants:
//! - this is the only crate that names openraft, and nothing of it is public;
//! - an answer is given when its entry is durable, committed and applied; never before;
//! - a payload is shared by proposal, log and machine, and copied at most once, at the door;
//! - after a failed write or flush nothing is acknowledged (R-DUR-2);
//! - a machine is memory alone: after a restart it is the newest snapshot and the entries behind it.

mod apply;
mod codec;
mod error;
mod group;
mod machine;
mod network;
mod options;
mod pace;
mod runtime;
mod snapshot;
mod store;
mod types;

pub use error::{RaftError, Result};
pub use group::{Group, Metrics, Submitted};
pub use machine::{StateMachine, Step};
pub use network::NoPeers;
pub use options::Options;
pub use pace::Pace;
pub use snapshot::{
    CheckpointHead, CheckpointPart, CheckpointStats, Kind as CheckpointKind, Linked, SLICE_BOUNDS_NS, Slices,
};
pub use types::{Answer, Entry, LogIndex, LogPosition, PeerId, Term};
