//! A simulated shard's machine.

use std::cell::Cell;
use std::rc::Rc;

use super::World;
use super::disk::SimDisk;
use super::net::NetPort;
use crate::buffer::AlignedBuf;
use crate::id::NodeId;
use crate::machine::{Machine, RawDisk, RawNet};

pub(crate) struct SimMachine {
    world: Rc<World>,
    disk: SimDisk,
    net: NetPort,
    wall_skew_ns: Rc<Cell<i64>>,
}

impl SimMachine {
    pub(crate) fn new(world: &Rc<World>, node: NodeId, disk: SimDisk, wall_skew_ns: Rc<Cell<i64>>) -> Self {
        let net = world.net.port(node);
        Self { world: Rc::clone(world), disk, net, wall_skew_ns }
    }
}

impl Machine for SimMachine {
    fn now_ns(&self) -> u64 {
        self.world.now()
    }

    fn wall_ns(&self) -> u64 {
        let wall = self.world.config.wall_start_ns.saturating_add(self.world.now());
        wall.saturating_add_signed(self.wall_skew_ns.get())
    }

    fn buffer(&self, blocks: usize) -> AlignedBuf {
        AlignedBuf::heap(blocks)
    }

    fn disk(&self) -> &dyn RawDisk {
        &self.disk
    }

    fn net(&self) -> &dyn RawNet {
        &self.net
    }
}
