//! The seam between CEPtra's shard code and the machine: tasks, time, disk, network, randomness.
//!
//! Two backends: [`sim`], a seeded simulator of several nodes with virtual time and faults, and
//! [`uring`], production on io_uring through glommio. Shard code runs unchanged on both. It reaches its
//! runtime through [`Rt`], or through the free functions here, which use the runtime of the running
//! task.
//!
//! Invariants:
//! - one thread a shard; handles, tasks and buffers stay on it. Only a [`mailbox`] crosses threads;
//! - tasks, timers, channels and mailboxes are the same code on every backend; a backend provides what
//!   [`machine`] names: clocks, disk, network;
//! - the same seed and the same program give the same run in the simulator, poll by poll;
//! - this is the only crate that names glommio or reads a clock of the host for a shard.

pub mod buffer;
#[cfg(feature = "conformance")]
pub mod conformance;
mod context;
pub mod disk;
pub mod error;
mod exec;
mod id;
pub mod machine;
pub mod mailbox;
pub mod net;
mod rng;
pub mod sim;
pub mod sync;
mod timer;
#[cfg(feature = "glommio")]
pub mod uring;

pub use buffer::{AlignedBuf, BLOCK, BlockAddr, BufPool};
pub use context::{Rt, buffer, disk, net, now, rng, sleep, sleep_until, spawn, timeout, wall_ns, yield_now};
pub use disk::{BlockWrite, DirEntry, Disk, File, Lock, OpenMode};
pub use error::{Feature, Result, RtError};
pub use exec::{AbortOnDrop, ExecStats, JoinError, JoinHandle, StallKind, StallReport, StallSink};
pub use id::{NodeId, ShardId};
pub use machine::BufResult;
pub use net::{Listener, Net, Stream};
pub use rng::Rng;
pub use timer::{Elapsed, Sleep, Timeout};
