//! The simulator: nodes with shards, a disk each and a network, on one thread in virtual time.
//!
//! Invariants: the same seed and program give the same run; [`Sim::trace_hash`] covers every poll, its
//! time and its task. Schedule, disk and network draw from generators of their own, so that a fault
//! more in one does not shift the others. Time goes on when nothing is ready, and a little at every
//! poll. No thread, no clock and no randomness of the host.

mod config;
mod delay;
pub mod disk;
mod machine;
pub mod net;
mod run;
mod trace;

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::future::Future;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::rc::Rc;
use std::time::Duration;

pub use config::{NetConfig, SimConfig};

use crate::context::{Inner, Rt};
use crate::exec::{Executor, JoinHandle, ReadyQueue, TaskKey, Watchdog};
use crate::id::{NodeId, ShardId};
use crate::rng::Rng;
use crate::timer::{TimerQueue, nanos};
use disk::SimDisk;
use machine::SimMachine;
use net::SimNet;
use trace::Trace;

/// How a node goes down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Crash {
    /// The process is killed: what it wrote stays with the system, synced or not; its connections
    /// are reset.
    ProcessKill,
    /// The machine loses power: of what was not synced any part may be lost; its peers hear nothing.
    PowerLoss,
}

pub(crate) struct World {
    pub(crate) config: SimConfig,
    now_ns: Cell<u64>,
    /// Delays of disk and network, to the nanosecond.
    delays: RefCell<TimerQueue>,
    schedule: RefCell<Rng>,
    seeds: RefCell<Rng>,
    trace: RefCell<Trace>,
    nodes: RefCell<Vec<Node>>,
    net: SimNet,
}

struct Node {
    shards: Vec<Shard>,
    shard_count: u16,
    disk: SimDisk,
    wall_skew_ns: Rc<Cell<i64>>,
}

struct Shard {
    rt: Rt,
    ready: VecDeque<TaskKey>,
    stalled_until_ns: u64,
}

/// A simulated cluster. Dropping it drops all tasks.
pub struct Sim {
    world: Rc<World>,
}

impl Drop for Sim {
    fn drop(&mut self) {
        let nodes = self.world.nodes.borrow().len();
        for node in 0..nodes {
            self.take_down(node);
        }
    }
}

impl Sim {
    /// A cluster without nodes.
    pub fn new(config: SimConfig) -> Self {
        let mut seeds = Rng::new(config.seed);
        let schedule = RefCell::new(seeds.split(1));
        let net = SimNet::new(seeds.split(2), config.net.clone());
        let world = Rc::new(World {
            now_ns: Cell::new(0),
            delays: RefCell::new(TimerQueue::new(1)),
            schedule,
            seeds: RefCell::new(seeds),
            trace: RefCell::default(),
            nodes: RefCell::default(),
            net: net.clone(),
            config,
        });
        net.bind(&world);
        Self { world }
    }

    /// A cluster of default settings.
    pub fn with_seed(seed: u64) -> Self {
        Self::new(SimConfig { seed, ..SimConfig::default() })
    }

    /// Adds a node with an empty disk, and starts it.
    ///
    /// # Panics
    /// If `shards` is zero.
    pub fn add_node(&self, shards: u16) -> NodeId {
        assert!(shards > 0, "a node has a shard");
        let index = self.world.nodes.borrow().len();
        let id = NodeId(u32::try_from(index).expect("invariant: few nodes"));
        let rng = self.world.seeds.borrow_mut().split(0x100 + u64::from(id.0));
        let disk = SimDisk::new(&self.world, rng, self.world.config.disk.clone());
        let node = Node { shards: Vec::new(), shard_count: shards, disk, wall_skew_ns: Rc::default() };
        self.world.nodes.borrow_mut().push(node);
        self.restart(id);
        id
    }

    /// Starts a node that is down: shards without tasks, the disk as the crash left it.
    ///
    /// # Panics
    /// If the node is up or unknown.
    pub fn restart(&self, id: NodeId) {
        let mut nodes = self.world.nodes.borrow_mut();
        let node = &mut nodes[id.0 as usize];
        assert!(node.shards.is_empty(), "{id} is up");
        for shard in 0..node.shard_count {
            let rng = self.world.seeds.borrow_mut().split(0x10_000 + u64::from(shard));
            let rt = self.world.runtime(id, ShardId(shard), node, rng);
            node.shards.push(Shard { rt, ready: VecDeque::new(), stalled_until_ns: 0 });
        }
        self.world.net.node_up(id);
    }

    /// Takes a node down: its tasks are dropped, its connections end, its disk keeps what `how` says.
    ///
    /// # Panics
    /// If the node is down or unknown.
    pub fn crash(&self, id: NodeId, how: Crash) {
        assert!(self.is_up(id), "{id} is down");
        self.world.mark("crash", u64::from(id.0) << 1 | u64::from(how == Crash::PowerLoss));
        let disk = self.disk(id);
        disk.crash(how);
        self.world.net.node_down(id, how);
        self.take_down(id.0 as usize);
    }

    fn take_down(&self, node: usize) {
        let shards = std::mem::take(&mut self.world.nodes.borrow_mut()[node].shards);
        for shard in &shards {
            let _entered = shard.rt.enter();
            shard.rt.inner().exec.clear();
        }
    }

    /// Whether the node is up.
    pub fn is_up(&self, id: NodeId) -> bool {
        !self.world.nodes.borrow()[id.0 as usize].shards.is_empty()
    }

    /// The runtime of a shard.
    ///
    /// # Panics
    /// If the node is down, or the shard unknown.
    pub fn rt(&self, node: NodeId, shard: ShardId) -> Rt {
        self.world.nodes.borrow()[node.0 as usize].shards[usize::from(shard.0)].rt.clone()
    }

    /// Starts a task on a shard.
    ///
    /// # Panics
    /// As [`Sim::rt`].
    pub fn spawn<T: 'static>(
        &self,
        node: NodeId,
        shard: ShardId,
        name: &'static str,
        future: impl Future<Output = T> + 'static,
    ) -> JoinHandle<T> {
        self.rt(node, shard).spawn(name, future)
    }

    /// The disk of a node, for faults and for looking at it.
    pub fn disk(&self, node: NodeId) -> SimDisk {
        self.world.nodes.borrow()[node.0 as usize].disk.clone()
    }

    /// The network, for faults.
    pub fn net(&self) -> SimNet {
        self.world.net.clone()
    }

    /// The address of a port of a node.
    pub fn addr(&self, node: NodeId, port: u16) -> SocketAddr {
        SocketAddr::new(ip_of(node), port)
    }

    /// Keeps a shard from running for `duration`, as a long poll or a busy host would.
    pub fn stall(&self, node: NodeId, shard: ShardId, duration: Duration) {
        let until = self.world.now().saturating_add(nanos(duration));
        self.world.nodes.borrow_mut()[node.0 as usize].shards[usize::from(shard.0)].stalled_until_ns = until;
    }

    /// Sets how far a node's wall clock is ahead of the true one, in nanoseconds.
    pub fn skew_wall(&self, node: NodeId, ahead_ns: i64) {
        self.world.nodes.borrow()[node.0 as usize].wall_skew_ns.set(ahead_ns);
    }

    /// Virtual monotone nanoseconds since the simulator was made.
    pub fn now(&self) -> u64 {
        self.world.now()
    }

    /// A hash of all that happened: equal for equal runs.
    pub fn trace_hash(&self) -> u64 {
        self.world.trace.borrow().hash()
    }

    /// Polls so far.
    pub fn polls(&self) -> u64 {
        self.world.trace.borrow().polls()
    }
}

impl World {
    pub(crate) fn now(&self) -> u64 {
        self.now_ns.get()
    }

    /// Writes an event of disk or network into the trace.
    pub(crate) fn mark(&self, what: &'static str, detail: u64) {
        self.trace.borrow_mut().mark(self.now(), what, detail);
    }

    fn runtime(self: &Rc<Self>, id: NodeId, shard: ShardId, node: &Node, rng: Rng) -> Rt {
        let machine = SimMachine::new(self, id, node.disk.clone(), Rc::clone(&node.wall_skew_ns));
        let ready = ReadyQueue::new(Box::new(|| {}));
        let clock = Rc::downgrade(self);
        let watchdog =
            Watchdog::new(Box::new(move || clock.upgrade().map_or(0, |world| world.now())), u64::MAX, None);
        Rt::new(Inner {
            node: id,
            shard,
            exec: Executor::new(ready, watchdog),
            timers: RefCell::new(TimerQueue::new(self.config.timer_resolution_ns)),
            rng: RefCell::new(rng),
            machine: Box::new(machine),
        })
    }
}

/// Nodes have addresses 10.0.0.1 and on.
pub(crate) fn ip_of(node: NodeId) -> IpAddr {
    let [_, high, mid, low] = (node.0 + 1).to_be_bytes();
    IpAddr::V4(Ipv4Addr::new(10, high, mid, low))
}

/// The node of an address; `None` if it is none of a node.
pub(crate) fn node_of(ip: IpAddr) -> Option<NodeId> {
    match ip {
        IpAddr::V4(v4) if v4.octets()[0] == 10 => {
            let [_, high, mid, low] = v4.octets();
            u32::from_be_bytes([0, high, mid, low]).checked_sub(1).map(NodeId)
        }
        _ => None,
    }
}
