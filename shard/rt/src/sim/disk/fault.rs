//! What may go wrong with a simulated disk: by chance, and on order.

use std::path::Path;
use std::time::Duration;

use crate::rng::Rng;

/// An operation of a disk; the name of its failpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are those of the operations")]
pub enum DiskOp {
    Open,
    Read,
    Write,
    WriteDurable,
    Sync,
    PreAllocate,
    Truncate,
    Rename,
    Remove,
    SyncDir,
    List,
}

impl DiskOp {
    pub(crate) fn verb(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Read => "read",
            Self::Write | Self::WriteDurable => "write",
            Self::Sync => "sync",
            Self::PreAllocate => "pre-allocate",
            Self::Truncate => "truncate",
            Self::Rename => "rename",
            Self::Remove => "remove",
            Self::SyncDir => "sync directory",
            Self::List => "list",
        }
    }
}

/// What an injection does to the operation it meets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// It fails with an I/O error. Of a write any sectors may have been written; a sync drops what was
    /// unsynced, so that a later one does not bring it back.
    Error,
    /// It fails for want of space.
    NoSpace,
    /// It takes this much longer.
    Delay(Duration),
    /// A write or sync says that it is done and does nothing: what a recycled block held before stays.
    Lose,
    /// A read or write goes this many blocks further, or back.
    Misdirect(i64),
    /// A read finds this bit of its range flipped, and so does every later one.
    FlipBit {
        /// Byte from the start of the read.
        byte: u64,
        /// Bit of the byte.
        bit: u8,
    },
}

/// An order: an effect for certain operations.
#[derive(Clone, Debug)]
pub struct Injection {
    /// Which operation.
    pub op: DiskOp,
    /// Only paths that contain this; empty for all.
    pub path: String,
    /// So many matching operations go unharmed first.
    pub skip: u64,
    /// So many are hit then.
    pub times: u64,
    /// What happens to them.
    pub effect: Effect,
}

impl Injection {
    /// Hits the next operation of this kind once, on any path.
    pub fn once(op: DiskOp, effect: Effect) -> Self {
        Self { op, path: String::new(), skip: 0, times: 1, effect }
    }

    /// Only on paths that contain `part`.
    pub fn on(self, part: &str) -> Self {
        Self { path: part.to_owned(), ..self }
    }
}

/// Settings of a simulated disk. Probabilities are of one operation.
#[derive(Clone, Debug)]
pub struct DiskConfig {
    /// Bytes the disk holds.
    pub capacity_bytes: u64,
    /// What a read takes, in nanoseconds, from and to.
    pub read_ns: (u64, u64),
    /// What a write takes.
    pub write_ns: (u64, u64),
    /// What a sync takes, and an operation on names.
    pub sync_ns: (u64, u64),
    /// An operation takes up to `slow_factor_max` times as long.
    pub slow_probability: f64,
    /// See `slow_probability`.
    pub slow_factor_max: u64,
    /// A read fails.
    pub read_error_probability: f64,
    /// A write fails, with any sectors of it written.
    pub write_error_probability: f64,
    /// A sync fails, and drops what was unsynced.
    pub sync_error_probability: f64,
    /// A read flips a bit of what it reads, for good.
    pub rot_probability: f64,
    /// A write goes to another block of the file.
    pub misdirect_write_probability: f64,
    /// A read comes from another block of the file.
    pub misdirect_read_probability: f64,
    /// A write is said to be done and is not.
    pub lost_write_probability: f64,
}

impl Default for DiskConfig {
    /// No faults but crashes; times of a fast local disk.
    fn default() -> Self {
        Self {
            capacity_bytes: 1 << 40,
            read_ns: (30_000, 120_000),
            write_ns: (20_000, 150_000),
            sync_ns: (40_000, 250_000),
            slow_probability: 0.002,
            slow_factor_max: 50,
            read_error_probability: 0.0,
            write_error_probability: 0.0,
            sync_error_probability: 0.0,
            rot_probability: 0.0,
            misdirect_write_probability: 0.0,
            misdirect_read_probability: 0.0,
            lost_write_probability: 0.0,
        }
    }
}

/// The orders that were given, and how often each was met.
#[derive(Default)]
pub(crate) struct Orders {
    orders: Vec<Order>,
}

struct Order {
    injection: Injection,
    met: u64,
    hits: u64,
    stands: bool,
}

impl Orders {
    pub(crate) fn add(&mut self, injection: Injection) -> usize {
        self.orders.push(Order { injection, met: 0, hits: 0, stands: true });
        self.orders.len() - 1
    }

    pub(crate) fn hits(&self, id: usize) -> u64 {
        self.orders[id].hits
    }

    pub(crate) fn clear(&mut self) {
        self.orders.iter_mut().for_each(|order| order.stands = false);
    }

    /// The effect for this operation: of the first order that hits it.
    pub(crate) fn take(&mut self, op: DiskOp, path: &Path) -> Option<Effect> {
        let text = path.to_string_lossy();
        for order in self.orders.iter_mut().filter(|order| order.stands) {
            if order.injection.op == op && text.contains(&order.injection.path) {
                order.met += 1;
                if order.met > order.injection.skip && order.hits < order.injection.times {
                    order.hits += 1;
                    return Some(order.injection.effect);
                }
            }
        }
        None
    }
}

impl DiskConfig {
    /// An effect by chance. `blocks` is the length of the file, for a place to misdirect to.
    pub(crate) fn draw(&self, op: DiskOp, blocks: u64, bytes: u64, rng: &mut Rng) -> Option<Effect> {
        let elsewhere = |rng: &mut Rng| Effect::Misdirect(rng.between(1, blocks.max(1)) as i64);
        match op {
            DiskOp::Read if rng.chance(self.read_error_probability) => Some(Effect::Error),
            DiskOp::Read if rng.chance(self.rot_probability) => {
                Some(Effect::FlipBit { byte: rng.below(bytes.max(1)), bit: rng.below(8) as u8 })
            }
            DiskOp::Read if rng.chance(self.misdirect_read_probability) => Some(elsewhere(rng)),
            DiskOp::Write | DiskOp::WriteDurable if rng.chance(self.write_error_probability) => {
                Some(Effect::Error)
            }
            DiskOp::Write | DiskOp::WriteDurable if rng.chance(self.misdirect_write_probability) => {
                Some(elsewhere(rng))
            }
            DiskOp::Write | DiskOp::WriteDurable if rng.chance(self.lost_write_probability) => {
                Some(Effect::Lose)
            }
            DiskOp::Sync if rng.chance(self.sync_error_probability) => Some(Effect::Error),
            _ => None,
        }
    }

    pub(crate) fn latency_ns(&self, op: DiskOp, rng: &mut Rng) -> u64 {
        let (low, high) = match op {
            DiskOp::Read => self.read_ns,
            DiskOp::Write => self.write_ns,
            DiskOp::WriteDurable => (self.write_ns.0 + self.sync_ns.0, self.write_ns.1 + self.sync_ns.1),
            _ => self.sync_ns,
        };
        let plain = rng.between(low, high);
        let slow = rng.chance(self.slow_probability);
        if slow { plain.saturating_mul(rng.between(2, self.slow_factor_max)) } else { plain }
    }
}
