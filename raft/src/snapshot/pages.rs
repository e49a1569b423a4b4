//! Where a state's bytes are cut into pages, and which pages a chain has already.
//!
//! Pages end where the bytes themselves say so, not at fixed offsets: bytes that are put in or taken out
//! change the pages they are in and not those behind them. So a link has to hold only what changed, whatever
//! the machine is.
//!
//! Invariant: two pages are taken for the same only if 128 bits of a keyed hash agree.

use std::collections::BTreeMap;
use std::hash::Hasher;

use siphasher::sip128::{Hasher128, SipHasher13};

/// A page has at least so many bytes, but the last one of a state.
const PAGE_BYTES_MIN: usize = 1 << 10;
/// Behind the least size a page ends after so many bytes on average, as a power of two.
const PAGE_BITS: u32 = 12;
/// A page has at most so many bytes.
const PAGE_BYTES_MAX: usize = 32 << 10;

/// A word for each byte value, without pattern.
const GEAR: [u64; 256] = gear();

const fn gear() -> [u64; 256] {
    let mut words = [0; 256];
    let mut state = 0x5851_F42D_4C95_7F2D_u64;
    let mut at = 0;
    while at < 256 {
        state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut word = state;
        word = (word ^ (word >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        words[at] = word ^ (word >> 31);
        at += 1;
    }
    words
}

/// Finds the ends of pages in bytes that come piece by piece.
#[derive(Debug)]
pub(crate) struct Cutter {
    bytes_min: usize,
    bytes_max: usize,
    /// Bytes of the page under way that were looked at.
    seen: usize,
    rolling: u64,
}

impl Cutter {
    /// Pages of at most `bytes_max` bytes.
    pub(crate) fn new(bytes_max: usize) -> Self {
        let bytes_max = bytes_max.clamp(1, PAGE_BYTES_MAX);
        Self { bytes_min: PAGE_BYTES_MIN.min(bytes_max / 4), bytes_max, seen: 0, rolling: 0 }
    }

    /// The length of the page that `bytes` begin with; `None` if it ends behind them. Bytes that were given
    /// without an end are given again, with more behind them.
    pub(crate) fn cut(&mut self, bytes: &[u8]) -> Option<usize> {
        let mut at = self.seen.max(self.bytes_min.min(bytes.len()));
        let end = bytes.len().min(self.bytes_max);
        let mut rolling = self.rolling;
        for &byte in bytes.get(at..end).unwrap_or(&[]) {
            at += 1;
            rolling = (rolling << 1).wrapping_add(GEAR[usize::from(byte)]);
            if rolling >> (64 - PAGE_BITS) == 0 {
                return Some(self.end(at));
            }
        }
        if at >= self.bytes_max {
            return Some(self.end(at));
        }
        (self.seen, self.rolling) = (at, rolling);
        None
    }

    fn end(&mut self, at: usize) -> usize {
        (self.seen, self.rolling) = (0, 0);
        at
    }
}

/// A page of a chain: the link that has it (0 is the full one), and its number there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PageRef {
    pub(crate) link: u32,
    pub(crate) page: u32,
}

/// What a page is known by.
pub(crate) type Mark = u128;

/// Which pages a chain has.
#[derive(Debug)]
pub(crate) struct Catalogue {
    keys: (u64, u64),
    full: BTreeMap<Mark, u32>,
    links: BTreeMap<Mark, PageRef>,
}

impl Catalogue {
    /// Of a chain without pages; the keys are random.
    pub(crate) fn new(keys: (u64, u64)) -> Self {
        Self { keys, full: BTreeMap::new(), links: BTreeMap::new() }
    }

    pub(crate) fn mark(&self, page: &[u8]) -> Mark {
        let mut hasher = SipHasher13::new_with_keys(self.keys.0, self.keys.1);
        hasher.write(page);
        hasher.finish128().as_u128()
    }

    /// Where a page is in the chain.
    pub(crate) fn find(&self, mark: Mark) -> Option<PageRef> {
        let in_full = self.full.get(&mark).map(|&page| PageRef { link: 0, page });
        in_full.or_else(|| self.links.get(&mark).copied())
    }

    pub(crate) fn insert(&mut self, mark: Mark, at: PageRef) {
        if at.link == 0 {
            self.full.insert(mark, at.page);
        } else {
            self.links.insert(mark, at);
        }
    }

    /// The links are to be made anew from the full one.
    pub(crate) fn forget_links(&mut self) {
        self.links.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pages(bytes: &[u8], step: usize) -> Vec<Vec<u8>> {
        let (mut cutter, mut held, mut out) = (Cutter::new(1 << 20), Vec::new(), Vec::new());
        for piece in bytes.chunks(step) {
            held.extend_from_slice(piece);
            while let Some(len) = cutter.cut(&held) {
                out.push(held.drain(..len).collect());
            }
        }
        out.push(held);
        out
    }

    fn noise(count: usize) -> Vec<u8> {
        (0..count as u64)
            .map(|at| (at.wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(31) ^ at) as u8)
            .collect()
    }

    #[test]
    fn pages_are_the_same_whatever_pieces_the_bytes_come_in() {
        let bytes = noise(400_000);
        let whole = pages(&bytes, bytes.len());
        assert!(whole.len() > 40, "{} pages", whole.len());
        assert_eq!(whole.concat(), bytes);
        for step in [1, 7, 1_000, 65_536] {
            assert_eq!(pages(&bytes, step), whole, "in steps of {step}");
        }
        assert!(whole.iter().all(|page| page.len() <= PAGE_BYTES_MAX));
    }

    #[test]
    fn a_byte_that_is_put_in_changes_few_pages() {
        let bytes = noise(1_000_000);
        let mut other = bytes.clone();
        other.insert(300_000, 7);
        let (before, after) = (pages(&bytes, 10_000), pages(&other, 10_000));
        let fresh = after.iter().filter(|page| !before.contains(page)).count();
        assert!((1..=3).contains(&fresh), "{fresh} of {} pages are new", after.len());
    }

    #[test]
    fn the_same_byte_again_and_again_ends_pages_too() {
        assert!(pages(&vec![0; 1 << 20], 4096).iter().all(|page| page.len() <= PAGE_BYTES_MAX));
    }
}
