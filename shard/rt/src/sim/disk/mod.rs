//! A simulated disk: one a node, shared by its shards.
//!
//! Invariants: an operation takes effect when its time is over, or at a crash in part; a process kill
//! leaves all that had taken effect, a power loss only what was synced and some of the rest.

mod content;
mod fault;
mod names;
mod ops;

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::rc::{Rc, Weak};

pub use content::Loss;
pub use fault::{DiskConfig, DiskOp, Effect, Injection};

use super::{Crash, World};
use crate::buffer::BLOCK;
use crate::error::{Result, RtError};
use crate::rng::Rng;
use content::Content;
use fault::Orders;
use names::{Entry, FileId, Names};

/// A node's disk: a handle for faults and for looking at it.
#[derive(Clone)]
pub struct SimDisk {
    world: Weak<World>,
    state: Rc<RefCell<State>>,
}

struct State {
    config: DiskConfig,
    rng: Rng,
    names: Names,
    files: BTreeMap<FileId, FileState>,
    files_made: FileId,
    locks: BTreeSet<PathBuf>,
    orders: Orders,
    in_flight: BTreeMap<u64, InFlight>,
    writes_begun: u64,
    /// Counts crashes: handles of before a crash are dead.
    epoch: u64,
    next_loss: Option<Loss>,
}

#[derive(Default)]
struct FileState {
    content: Content,
    handles: usize,
}

/// Writes that have begun and not ended.
struct InFlight {
    file: FileId,
    parts: Vec<(u64, Vec<u8>)>,
}

impl SimDisk {
    pub(super) fn new(world: &Rc<World>, rng: Rng, config: DiskConfig) -> Self {
        let state = State {
            config,
            rng,
            names: Names::default(),
            files: BTreeMap::new(),
            files_made: 0,
            locks: BTreeSet::new(),
            orders: Orders::default(),
            in_flight: BTreeMap::new(),
            writes_begun: 0,
            epoch: 0,
            next_loss: None,
        };
        Self { world: Rc::downgrade(world), state: Rc::new(RefCell::new(state)) }
    }

    /// Gives an order for a fault. The number is for [`SimDisk::hits`].
    pub fn inject(&self, injection: Injection) -> usize {
        self.state.borrow_mut().orders.add(injection)
    }

    /// How many operations the order has hit.
    ///
    /// # Panics
    /// If the number is none of [`SimDisk::inject`].
    pub fn hits(&self, order: usize) -> u64 {
        self.state.borrow().orders.hits(order)
    }

    /// Takes all orders back.
    pub fn clear_injections(&self) {
        self.state.borrow_mut().orders.clear();
    }

    /// Changes the settings, from the next operation on.
    pub fn configure(&self, change: impl FnOnce(&mut DiskConfig)) {
        change(&mut self.state.borrow_mut().config);
    }

    /// Says what the next power loss takes; else it is drawn.
    pub fn next_power_loss(&self, loss: Loss) {
        self.state.borrow_mut().next_loss = Some(loss);
    }

    /// Flips a bit of a file, durably: rot.
    ///
    /// # Panics
    /// If there is no such file.
    pub fn flip_bit(&self, path: impl AsRef<Path>, byte: u64, bit: u8) {
        self.with_file(path.as_ref(), |content| content.flip_bit(byte, bit));
    }

    /// The bytes of a file as a read would see them.
    ///
    /// # Panics
    /// If there is no such file.
    pub fn peek(&self, path: impl AsRef<Path>) -> Vec<u8> {
        self.with_file(path.as_ref(), |content| {
            let mut bytes = vec![0; content.len() as usize];
            content.read(0, &mut bytes);
            bytes
        })
    }

    /// Sectors of 512 bytes of a file that are written and not durable.
    ///
    /// # Panics
    /// If there is no such file.
    pub fn unsynced_sectors(&self, path: impl AsRef<Path>) -> usize {
        self.with_file(path.as_ref(), |content| content.unsynced_sectors())
    }

    /// Whether a name exists.
    pub fn exists(&self, path: impl AsRef<Path>) -> bool {
        self.state.borrow().names.get(path.as_ref()).is_some()
    }

    /// Bytes in use.
    pub fn used_bytes(&self) -> u64 {
        self.state.borrow().used_bytes()
    }

    /// Puts an empty disk in the place of this one. For a node that is down.
    pub fn wipe(&self) {
        let mut state = self.state.borrow_mut();
        state.names = Names::default();
        state.files.clear();
        state.locks.clear();
    }

    fn with_file<T>(&self, path: &Path, read: impl FnOnce(&mut Content) -> T) -> T {
        let mut state = self.state.borrow_mut();
        let Some(Entry::File(id)) = state.names.get(path) else {
            panic!("{} is no file of this disk", path.display());
        };
        read(&mut state.file(id).content)
    }

    pub(super) fn crash(&self, how: Crash) {
        let mut state = self.state.borrow_mut();
        state.epoch += 1;
        state.locks.clear();
        let torn = std::mem::take(&mut state.in_flight);
        for write in torn.into_values() {
            state.tear(write.file, &write.parts);
        }
        if how == Crash::PowerLoss {
            state.power_loss();
        }
        state.files.values_mut().for_each(|file| file.handles = 0);
        state.collect();
    }
}

impl State {
    fn file(&mut self, id: FileId) -> &mut FileState {
        self.files.get_mut(&id).expect("invariant: a name or a handle keeps its file")
    }

    fn used_bytes(&self) -> u64 {
        self.files.values().map(|file| file.content.len()).sum()
    }

    /// Fails if the file cannot grow to `len`.
    fn check_space(&self, id: FileId, len: u64, op: DiskOp, path: &Path) -> Result<()> {
        let growth = self.files.get(&id).map_or(0, |file| len.saturating_sub(file.content.len()));
        if self.used_bytes().saturating_add(growth) <= self.config.capacity_bytes {
            return Ok(());
        }
        Err(RtError::NoSpace { op: op.verb(), object: path.display().to_string() })
    }

    /// Writes none, all, or any sectors of parts of a write.
    fn tear(&mut self, id: FileId, parts: &[(u64, Vec<u8>)]) {
        let mode = self.rng.below(4);
        let Some(file) = self.files.get_mut(&id) else {
            return;
        };
        for (offset, bytes) in parts {
            let mut sectors = self.rng.split(0);
            file.content.write(*offset, bytes, |_| match mode {
                0 => false,
                1 => true,
                _ => sectors.chance(0.5),
            });
        }
    }

    fn power_loss(&mut self) {
        let drawn = match self.rng.below(8) {
            0 | 1 => Loss::All,
            2 => Loss::Nothing,
            3 | 4 => Loss::Blocks,
            _ => Loss::Sectors,
        };
        let loss = self.next_loss.take().unwrap_or(drawn);
        for file in self.files.values_mut() {
            file.content.power_loss(loss, &mut self.rng);
        }
        self.names.power_loss(loss == Loss::Nothing, loss == Loss::All, &mut self.rng);
    }

    /// Forgets files without a name and without a handle.
    fn collect(&mut self) {
        let named = self.names.files();
        self.files.retain(|id, file| file.handles > 0 || named.contains(id));
    }

    fn make_file(&mut self) -> FileId {
        self.files_made += 1;
        self.files.insert(self.files_made, FileState::default());
        self.files_made
    }
}

fn blocks_of(bytes: u64) -> u64 {
    bytes.div_ceil(BLOCK as u64)
}
