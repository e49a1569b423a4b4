//! The control group's state machine (R-CP-1): nodes, partition spaces and their placement, stream
//! schemas, definitions, cluster config, audit. One voter today, several later: the code is the same.
//!
//! ```text
//! proposer ─ Command ─► Raft ─► Control::apply(index, stamp, command) ─► Applied { outcome, effects, audit }
//!                                                                                    │
//!     Acknowledge (a Marker came back)  ◄── entry in the partition's log ◄── Effect ─┘
//! ```
//!
//! Invariants:
//! - Pure: no I/O, no clock, no thread, no randomness. Time is the stamp of the entry; ids and seeds that
//!   must be random come in commands. The same commands give the same state, bytes and outcomes.
//! - Total: no command panics and none is an error. What cannot be done is a [`Refusal`] with a stable
//!   [`Reason`] and what to do, and changes nothing but the record of attempts: the audit ring and the
//!   memory of commands.
//! - Every accepted change has an [`Epoch`](cep_types::Epoch) of its own, one above the last.
//! - What partitions must be told is *state*, not a queue: for each partition and object the wanted epoch
//!   is kept until it was acknowledged. [`Control::pending_effects`] gives what is owed at any time, so a
//!   crash loses nothing; the epoch lets a partition drop what it has already, so nothing is done twice;
//!   and what was superseded before it was delivered is not delivered, so nothing grows.
//! - Every list and text has its limit in [`limits`].
//!
//! Where a partition lives *inside* a node, on which core, is that node's own state and not here.

mod apply;
mod audit;
mod cluster;
mod codec;
mod command;
mod config;
mod control;
mod definition;
mod effect;
mod id;
pub mod limits;
mod memory;
mod name;
mod outcome;
mod schema;
mod space;

pub use audit::{AuditRecord, AuditVerdict, verify_chain};
pub use cluster::{Cluster, Node, NodeAddresses, NodeSpec};
pub use codec::CodecError;
pub use command::{Acknowledged, Change, Command, Role};
pub use config::{
    CONFIG_KEYS, CarriedConfig, ConfigKey, ConfigOrigin, ConfigRecord, Kind, Override, Resolved, Scope,
    Setting, Source, Target, config_markdown,
};
pub use control::{Applied, Control};
pub use definition::{
    Action, Compiled, Connected, Definition, DefinitionKind, DefinitionText, DefinitionVersionRecord,
    Quarantined, Reads, Status, Wanted,
};
pub use effect::Effect;
pub use id::{
    ClusterId, CommandId, ConfigVersion, DefinitionVersion, EngineLevel, Generation, NodeId, OverrideId,
    PartitionRef,
};
pub use outcome::{Made, Outcome, Problem, Reason, Refusal};
pub use schema::{Changelog, Column, ColumnDecl, Schema, Stream, StreamDecl};
pub use space::{Placement, Space};
