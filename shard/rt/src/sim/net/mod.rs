//! A simulated network: connections between nodes, with delay, resets and partitions.
//!
//! Invariants: bytes of one direction arrive in order and once, or the connection is reset; two
//! connections have no order between them. A partition holds bytes back: they arrive when it heals,
//! or the connection is reset when the silence is too long, as TCP does it. Loss, duplication and
//! reordering of packets are below a byte stream and cannot be seen here.

mod link;
mod port;

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::SocketAddr;
use std::rc::{Rc, Weak};

pub(crate) use port::NetPort;
use port::SimStream;

use super::config::NetConfig;
use super::{Crash, World};
use crate::id::NodeId;
use crate::rng::Rng;
use link::Connection;

/// The network: a handle for faults.
#[derive(Clone)]
pub struct SimNet {
    shared: Rc<Shared>,
}

struct Shared {
    world: RefCell<Weak<World>>,
    state: RefCell<State>,
}

struct State {
    config: NetConfig,
    rng: Rng,
    /// Directions that nothing passes.
    cut: BTreeSet<(NodeId, NodeId)>,
    listening: BTreeMap<SocketAddr, Rc<RefCell<Backlog>>>,
    down: BTreeMap<NodeId, Crash>,
    /// All connections with an end that is held, by number.
    connections: BTreeMap<u64, Weak<Connection>>,
    connections_made: u64,
    ports_given: u16,
}

#[derive(Default)]
struct Backlog {
    waiting: VecDeque<SimStream>,
    waker: Option<std::task::Waker>,
}

impl SimNet {
    pub(super) fn new(rng: Rng, config: NetConfig) -> Self {
        let state = State {
            config,
            rng,
            cut: BTreeSet::new(),
            down: BTreeMap::new(),
            listening: BTreeMap::new(),
            connections: BTreeMap::new(),
            connections_made: 0,
            ports_given: 0,
        };
        Self { shared: Rc::new(Shared { world: RefCell::default(), state: RefCell::new(state) }) }
    }

    pub(super) fn bind(&self, world: &Rc<World>) {
        *self.shared.world.borrow_mut() = Rc::downgrade(world);
    }

    pub(super) fn port(&self, node: NodeId) -> NetPort {
        NetPort::new(Rc::clone(&self.shared), node)
    }

    /// Cuts one direction between two nodes.
    pub fn cut(&self, from: NodeId, to: NodeId) {
        self.shared.settle_all();
        self.shared.state.borrow_mut().cut.insert((from, to));
    }

    /// Cuts both directions between two groups of nodes.
    pub fn partition(&self, left: &[NodeId], right: &[NodeId]) {
        for (from, to) in left.iter().flat_map(|from| right.iter().map(move |to| (*from, *to))) {
            self.cut(from, to);
            self.cut(to, from);
        }
    }

    /// Opens all directions.
    pub fn heal(&self) {
        self.shared.settle_all();
        self.shared.state.borrow_mut().cut.clear();
        self.shared.ring_all();
    }

    /// Resets all connections between two nodes.
    pub fn reset(&self, one: NodeId, two: NodeId) {
        for connection in self.shared.connections() {
            if connection.nodes == [one, two] || connection.nodes == [two, one] {
                self.shared.reset(&connection);
            }
        }
    }

    /// Changes the settings, from now on.
    pub fn configure(&self, change: impl FnOnce(&mut NetConfig)) {
        change(&mut self.shared.state.borrow_mut().config);
    }

    pub(super) fn node_up(&self, node: NodeId) {
        self.shared.state.borrow_mut().down.remove(&node);
        self.shared.ring_all();
    }

    pub(super) fn node_down(&self, node: NodeId, how: Crash) {
        self.shared.settle_all();
        let now = self.shared.world().now();
        {
            let mut state = self.shared.state.borrow_mut();
            state.down.insert(node, how);
            state.listening.retain(|address, _| super::node_of(address.ip()) != Some(node));
        }
        for connection in self.shared.connections() {
            for end in (0..2).filter(|end| connection.nodes[*end] == node) {
                let delay = self.shared.delay_ns();
                let mut links = connection.state.borrow_mut();
                links.reset_at_ns[end] = Some(now);
                links.dead[end] = true;
                if how == Crash::ProcessKill {
                    links.reset_at_ns[1 - end].get_or_insert(now + delay);
                }
            }
            connection.changed.all();
        }
    }
}

impl Shared {
    fn world(&self) -> Rc<World> {
        self.world.borrow().upgrade().expect("invariant: tasks end before their world")
    }

    fn connections(&self) -> Vec<Rc<Connection>> {
        let mut state = self.state.borrow_mut();
        state.connections.retain(|_, connection| connection.strong_count() > 0);
        state.connections.values().filter_map(Weak::upgrade).collect()
    }

    fn ring_all(&self) {
        self.connections().iter().for_each(|connection| connection.changed.all());
    }

    /// Lets arrive what is due, before a direction opens or closes.
    fn settle_all(&self) {
        self.connections().iter().for_each(|connection| self.settle(connection));
    }

    fn settle(&self, connection: &Connection) {
        let now = self.world().now();
        let mut links = connection.state.borrow_mut();
        for end in 0..2 {
            if self.is_open(connection.nodes[end], connection.nodes[1 - end]) && !links.dead[1 - end] {
                links.pipes[end].arrive(now);
            }
        }
    }

    /// Whether a direction passes anything.
    fn is_open(&self, from: NodeId, to: NodeId) -> bool {
        let state = self.state.borrow();
        !state.cut.contains(&(from, to)) && state.down.get(&to) != Some(&Crash::PowerLoss)
    }

    fn reset(&self, connection: &Connection) {
        let now = self.world().now();
        connection.state.borrow_mut().reset_at_ns = [Some(now); 2];
        connection.changed.all();
    }

    /// What one segment takes.
    fn delay_ns(&self) -> u64 {
        let mut state = self.state.borrow_mut();
        let (low, high) = state.config.delay_ns;
        let slow = state.config.slow_probability;
        let plain = state.rng.between(low, high);
        if state.rng.chance(slow) { plain.saturating_mul(100) } else { plain }
    }

    fn chance(&self, probability: impl Fn(&NetConfig) -> f64) -> bool {
        let mut state = self.state.borrow_mut();
        let probability = probability(&state.config);
        state.rng.chance(probability)
    }
}
