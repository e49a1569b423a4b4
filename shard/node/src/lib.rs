//! A node of CEPtra on the seam: shards that own partitions, the control group, the clients' door.
//!
//! ```text
//! client ─► door ─► partition: queue ─► entry ─► raft ─► machine ─► outcome ─► ack
//!                                                          └─► outputs ─► subscriptions
//! source ─► feed ─► pump ─► queue                          └─► outlet ─► sink
//! admin ─► control: proposal ─► raft ─► control's machine ─► what is owed ─► partitions' logs
//! ```
//!
//! Rooms: [`settings`] what a node is told · [`lanes`] messages between shards and threads · [`shard`] one
//! shard's life · `partition` a partition's queue, entries, machine and outputs · `control` the control
//! group's host, compiling and delivering · `door` connections of clients · [`connect`] sources and sinks of
//! definitions · [`query`] questions · [`report`] what a node says
//! about itself.
//!
//! Invariants:
//! - Nothing here names a backend: the same code runs on io_uring and in the simulator.
//! - One thread a shard; what crosses threads goes through [`lanes`] and nothing else.
//! - A row is acknowledged when its entry is durable, committed and applied (R-ACK-1).
//! - Every queue has a bound: rows and bytes of a partition, bytes of a connection, messages of a lane.

pub mod connect;
mod control;
mod door;
mod ids;
pub mod lanes;
mod partition;
pub mod query;
pub mod report;
pub mod settings;
pub mod shard;

pub use control::config::CONFIG_KEYS_USED;
pub use control::deploy::{DeployError, compile_definition};
pub use ids::{CONTROL_GROUP, group_of, shard_of};
pub use partition::abort::Abort;
