//! A shard's machine: the host's clocks, disk and network.

use std::sync::OnceLock;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use super::disk::UringDisk;
use super::net::UringNet;
use crate::buffer::{AlignedBuf, BLOCK};
use crate::machine::{Machine, RawDisk, RawNet};
use crate::timer::nanos;

#[derive(Default)]
pub(super) struct UringMachine {
    disk: UringDisk,
    net: UringNet,
}

/// Monotone nanoseconds since the first call in this process: one time for all shards.
#[expect(clippy::disallowed_methods, reason = "the seam is where the clock of the host is read")]
pub(super) fn monotone_ns() -> u64 {
    static ORIGIN: OnceLock<Instant> = OnceLock::new();
    nanos(ORIGIN.get_or_init(Instant::now).elapsed())
}

impl Machine for UringMachine {
    fn now_ns(&self) -> u64 {
        monotone_ns()
    }

    #[expect(clippy::disallowed_methods, reason = "the seam is where the clock of the host is read")]
    fn wall_ns(&self) -> u64 {
        SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, nanos)
    }

    fn buffer(&self, blocks: usize) -> AlignedBuf {
        assert!(blocks > 0, "an empty buffer reads and writes nothing");
        AlignedBuf::arena(glommio::allocate_dma_buffer(blocks * BLOCK))
    }

    fn disk(&self) -> &dyn RawDisk {
        &self.disk
    }

    fn net(&self) -> &dyn RawNet {
        &self.net
    }
}
