//! The content of one file: what is durable, and what was written since.
//!
//! Invariant: a sector is 512 bytes and is written whole or not at all. After a power loss each sector
//! is some version from the durable one on; without faults, what was synced is never older than that.

use std::collections::BTreeMap;
use std::rc::Rc;

use crate::rng::Rng;

/// Bytes that reach the disk whole or not at all.
pub(crate) const SECTOR: usize = 512;
/// Sectors of a block of 4 KiB.
const SECTORS_A_BLOCK: u64 = 8;

/// `None` is all zeros.
type Sector = Option<Rc<[u8; SECTOR]>>;

/// A version of a sector that is not durable.
struct Version {
    serial: u64,
    bytes: Sector,
    /// A sync that failed dropped it: it can be read, and no later sync makes it durable.
    dropped: bool,
}

#[derive(Default)]
pub(crate) struct Content {
    len: u64,
    len_durable: u64,
    durable: BTreeMap<u64, Sector>,
    unsynced: BTreeMap<u64, Vec<Version>>,
    serial: u64,
}

/// What a power loss leaves of unsynced sectors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loss {
    /// Nothing.
    All,
    /// All of them: the device had written them in time.
    Nothing,
    /// Each sector of 512 bytes by itself.
    Sectors,
    /// Each block of 4 KiB by itself.
    Blocks,
}

impl Content {
    pub(crate) fn len(&self) -> u64 {
        self.len
    }

    pub(crate) fn unsynced_sectors(&self) -> usize {
        self.unsynced.len()
    }

    fn sector(&self, at: u64) -> Option<&[u8; SECTOR]> {
        let version = self.unsynced.get(&at).and_then(|versions| versions.last());
        let sector = match version {
            Some(version) => &version.bytes,
            None => self.durable.get(&at)?,
        };
        sector.as_deref()
    }

    /// Reads from `offset`, a multiple of a sector; the count is short at the end of the file.
    pub(crate) fn read(&self, offset: u64, buf: &mut [u8]) -> usize {
        let count = self.len.saturating_sub(offset).min(buf.len() as u64) as usize;
        for (index, chunk) in buf[..count].chunks_mut(SECTOR).enumerate() {
            match self.sector(offset / SECTOR as u64 + index as u64) {
                Some(bytes) => chunk.copy_from_slice(&bytes[..chunk.len()]),
                None => chunk.fill(0),
            }
        }
        count
    }

    fn push(&mut self, at: u64, bytes: Sector) {
        let version = Version { serial: self.serial, bytes, dropped: false };
        self.unsynced.entry(at).or_default().push(version);
    }

    /// Writes the sectors that `keep` picks, by their index in `bytes`; unsynced.
    pub(crate) fn write(&mut self, offset: u64, bytes: &[u8], mut keep: impl FnMut(usize) -> bool) {
        self.serial += 1;
        let mut end = 0;
        for (index, chunk) in bytes.chunks(SECTOR).enumerate().filter(|(index, _)| keep(*index)) {
            self.push(offset / SECTOR as u64 + index as u64, sector_of(chunk));
            end = offset + ((index + 1) * SECTOR) as u64;
        }
        self.len = self.len.max(end);
    }

    /// Writes and makes durable just this, and the length it needs.
    pub(crate) fn write_durable(&mut self, offset: u64, bytes: &[u8]) {
        for (index, chunk) in bytes.chunks(SECTOR).enumerate() {
            let at = offset / SECTOR as u64 + index as u64;
            self.unsynced.remove(&at);
            self.settle(at, sector_of(chunk));
        }
        self.len = self.len.max(offset + bytes.len() as u64);
        self.len_durable = self.len_durable.max(offset + bytes.len() as u64).min(self.len);
    }

    fn settle(&mut self, at: u64, bytes: Sector) {
        match bytes {
            Some(_) => self.durable.insert(at, bytes),
            None => self.durable.remove(&at),
        };
    }

    /// Sets the length. Sectors beyond it read as zeros if the file grows again.
    pub(crate) fn set_len(&mut self, len: u64) {
        self.serial += 1;
        let first = len.div_ceil(SECTOR as u64);
        let durable = self.durable.range(first..).map(|(at, _)| *at);
        let gone: Vec<u64> = durable.chain(self.unsynced.range(first..).map(|(at, _)| *at)).collect();
        for at in gone {
            self.push(at, None);
        }
        self.len = len;
    }

    /// What a sync that begins now must make durable.
    pub(crate) fn mark(&self) -> (u64, u64) {
        (self.serial, self.len)
    }

    /// Makes durable what was there at the mark.
    pub(crate) fn sync(&mut self, (serial, len): (u64, u64)) {
        let mut settled = Vec::new();
        self.unsynced.retain(|at, versions| {
            let newest = versions.iter().rposition(|version| version.serial <= serial && !version.dropped);
            if let Some(newest) = newest {
                settled.push((*at, versions[newest].bytes.clone()));
                versions.drain(..=newest);
            }
            !versions.is_empty()
        });
        for (at, bytes) in settled {
            self.settle(at, bytes);
        }
        self.len_durable = len.min(self.len);
    }

    /// A sync that failed: what was unsynced stays readable and is never written.
    pub(crate) fn sync_failed(&mut self) {
        for version in self.unsynced.values_mut().flatten() {
            version.dropped = true;
        }
    }

    /// Loses power: of each unsynced sector one version stays, as `loss` says.
    pub(crate) fn power_loss(&mut self, loss: Loss, rng: &mut Rng) {
        let unsynced = std::mem::take(&mut self.unsynced);
        let (mut block, mut draw) = (u64::MAX, 0);
        for (at, mut versions) in unsynced {
            if loss == Loss::Sectors || at / SECTORS_A_BLOCK != block {
                (block, draw) = (at / SECTORS_A_BLOCK, rng.draw());
            }
            versions.retain(|version| !version.dropped);
            let kept = match loss {
                Loss::All => 0,
                Loss::Nothing => versions.len(),
                Loss::Sectors | Loss::Blocks => (draw % (versions.len() as u64 + 1)) as usize,
            };
            if kept > 0 {
                let bytes = versions.swap_remove(kept - 1).bytes;
                self.settle(at, bytes);
            }
        }
        let longer = match loss {
            Loss::All => false,
            Loss::Nothing => true,
            Loss::Sectors | Loss::Blocks => rng.chance(0.5),
        };
        self.len = if longer { self.len } else { self.len_durable };
        self.len_durable = self.len;
        self.durable.split_off(&self.len.div_ceil(SECTOR as u64));
    }

    /// Flips one bit, durable and not.
    pub(crate) fn flip_bit(&mut self, byte: u64, bit: u8) {
        let (at, inside) = (byte / SECTOR as u64, (byte % SECTOR as u64) as usize);
        let flip = |sector: &Sector| {
            let mut bytes = sector.as_deref().copied().unwrap_or([0; SECTOR]);
            bytes[inside] ^= 1 << (bit % 8);
            Some(Rc::new(bytes))
        };
        match self.unsynced.get_mut(&at).and_then(|versions| versions.last_mut()) {
            Some(version) => version.bytes = flip(&version.bytes),
            None => {
                let flipped = flip(self.durable.get(&at).unwrap_or(&None));
                self.durable.insert(at, flipped);
            }
        }
    }
}

fn sector_of(chunk: &[u8]) -> Sector {
    let bytes: [u8; SECTOR] = chunk.try_into().expect("invariant: writes are whole sectors");
    if bytes == [0; SECTOR] { None } else { Some(Rc::new(bytes)) }
}
