//! Production: one pinned thread a shard, io_uring through glommio 0.9.0, direct I/O.
//!
//! glommio runs three tasks of ours a shard and nothing else: the driver, which polls the shard's own
//! executor; the tick; and the bell's listener. Shard code never meets glommio's scheduler, so its
//! inline start of tasks and its 16-bit waker counts do not matter.
//!
//! Invariants:
//! - glommio 0.9.0 can park although there is work. The tick never stops, at most [`TICK_MAX`] apart, so
//!   that a lost wake lasts one tick; it counts what it finds ([`crate::ExecStats::wakes_rescued`]);
//! - wakes from other threads come through an eventfd and our own protocol (`exec/ready.rs`), not
//!   through glommio's;
//! - a panic of a task ends the shard's thread, and [`ShardThread::join`] gives it on.

mod bell;
mod disk;
mod drive;
mod fault;
mod machine;
mod net;
mod probe;

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use crate::error::{Feature, Result, RtError};
use crate::exec::StallReport;
use crate::id::{NodeId, ShardId};

/// Ticks are at most this far apart.
pub const TICK_MAX: Duration = Duration::from_millis(2);
/// Less registered memory than this is not worth a ring.
const IO_MEMORY_BYTES_MIN: usize = 64 * 1024;

/// Where stalls of a shard are told; called on its thread.
pub type SharedStallSink = Arc<dyn Fn(&StallReport) + Send + Sync>;

/// Settings of one shard's thread.
#[derive(Clone)]
pub struct ShardConfig {
    /// The node.
    pub node: NodeId,
    /// The shard.
    pub shard: ShardId,
    /// The core the thread is pinned to; `None` leaves it to the system.
    pub core: Option<usize>,
    /// Bytes of memory registered for I/O. It is locked once a ring, three times in all; where that is
    /// more than the limit of locked memory, I/O goes on unregistered and slower.
    pub io_memory_bytes: usize,
    /// Entries of a ring.
    pub ring_depth: usize,
    /// Resolution of timers and the longest a lost wake lasts; at most [`TICK_MAX`].
    pub tick: Duration,
    /// How long an idle shard spins before it sleeps. On cores of its own 20–50 µs make messages between
    /// shards several times as fast; on shared cores it costs everyone.
    pub spin: Duration,
    /// A poll or a tick later than this is a stall.
    pub stall_threshold: Duration,
    /// Told of stalls.
    pub stall_sink: Option<SharedStallSink>,
    /// The seed of the shard's generators; `None` takes one of the system.
    pub seed: Option<u64>,
}

impl ShardConfig {
    /// Defaults for a shard.
    pub fn new(node: NodeId, shard: ShardId) -> Self {
        Self {
            node,
            shard,
            core: None,
            io_memory_bytes: 10 << 20,
            ring_depth: 128,
            tick: Duration::from_millis(1),
            spin: Duration::ZERO,
            stall_threshold: Duration::from_millis(5),
            stall_sink: None,
            seed: None,
        }
    }

    fn check(&self) -> Result<()> {
        let misuse = |reason: &str| {
            Err(RtError::Misuse { op: "start", object: self.name(), reason: reason.to_owned() })
        };
        if self.tick.is_zero() || self.tick > TICK_MAX {
            return misuse("the tick is above 0 and at most 2 ms");
        }
        if self.io_memory_bytes < IO_MEMORY_BYTES_MIN {
            return misuse("the registered memory is at least 64 KiB");
        }
        Ok(())
    }

    fn name(&self) -> String {
        format!("shard {}/{}", self.node, self.shard)
    }
}

/// A running shard.
pub struct ShardThread<T> {
    thread: std::thread::JoinHandle<Result<T>>,
}

impl<T> ShardThread<T> {
    /// Waits for the end of the shard's main task.
    ///
    /// # Errors
    /// What kept the shard from starting: [`RtError::Missing`], [`RtError::Misuse`], [`RtError::Io`].
    ///
    /// # Panics
    /// With the panic of the shard, if a task of it panicked.
    pub fn join(self) -> Result<T> {
        self.thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    }

    /// Whether the shard has ended.
    pub fn is_finished(&self) -> bool {
        self.thread.is_finished()
    }
}

/// Starts a shard: a thread that runs `main` and what it spawns until `main` ends. Then all other
/// tasks are dropped.
///
/// # Errors
/// [`RtError::Io`] if the system gives no thread, [`RtError::Misuse`] for settings out of range. What the
/// thread itself finds missing is told by [`ShardThread::join`].
pub fn start<T, F>(config: ShardConfig, main: impl FnOnce() -> F + Send + 'static) -> Result<ShardThread<T>>
where
    T: Send + 'static,
    F: Future<Output = T> + 'static,
{
    config.check()?;
    let name = config.name();
    let builder = std::thread::Builder::new().name(name.clone());
    let thread = builder.spawn(move || run(&config, main));
    let thread = thread.map_err(|error| RtError::from_io("start", name, &error))?;
    Ok(ShardThread { thread })
}

/// Runs a shard on the calling thread until `main` ends.
///
/// # Errors
/// As [`start`] and [`ShardThread::join`].
pub fn run<T, F>(config: &ShardConfig, main: impl FnOnce() -> F) -> Result<T>
where
    T: 'static,
    F: Future<Output = T> + 'static,
{
    config.check()?;
    let placement = config.core.map_or(glommio::Placement::Unbound, glommio::Placement::Fixed);
    let builder = glommio::LocalExecutorBuilder::new(placement)
        .io_memory(config.io_memory_bytes)
        .ring_depth(config.ring_depth)
        .spin_before_park(config.spin);
    let executor = builder.make().map_err(|error| fault::of_start(&config.name(), error))?;
    executor.run(drive::drive(config.clone(), main()))
}

/// Says what a host lacks for this backend, without starting a shard.
///
/// # Errors
/// [`RtError::Missing`] with the setting to change.
pub fn check_host() -> Result<()> {
    let limit = rustix::process::getrlimit(rustix::process::Resource::Memlock).current;
    match limit {
        Some(bytes) if bytes < fault::MEMLOCK_BYTES_MIN => Err(RtError::Missing {
            op: "check",
            object: "host".into(),
            feature: Feature::Memlock,
            reason: format!("the limit is {bytes} bytes"),
        }),
        _ => Ok(()),
    }
}
