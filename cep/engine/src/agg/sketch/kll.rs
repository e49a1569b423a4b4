//! Quantile sketch of compactors (Karnin, Lang & Liberty, FOCS 2016), without randomness.
//!
//! Level h holds samples of weight 2^h, at most [`CAPACITY`]. A full level is sorted and every
//! other sample goes up; which half does is the parity of a counter per level, so that errors
//! alternate in sign. A compaction at level h moves any rank by at most 2^h, and there are at most
//! n ÷ (CAPACITY·2^h) of them: with H = ⌈log2(n ÷ CAPACITY)⌉ levels a reported quantile is off by
//! at most H·n ÷ CAPACITY ranks, under 0.5 % of n up to 4·10^9 values. The state depends on the
//! order of arrival and of merges; only that bound is promised.

use crate::agg::AggError;
use crate::agg::codec::{Reader, put_u32, put_u64};

/// Samples of a level.
const CAPACITY: usize = 4096;

/// The levels.
#[derive(Debug, Clone, Default)]
pub struct Kll {
    levels: Vec<Level>,
    n: u64,
}

#[derive(Debug, Clone, Default)]
struct Level {
    samples: Vec<i64>,
    compactions: u64,
}

impl Kll {
    /// Adds a value, as a word of its order.
    pub fn add(&mut self, word: i64) {
        if self.levels.is_empty() {
            self.levels.push(Level::default());
        }
        self.levels[0].samples.push(word);
        self.n += 1;
        if self.levels[0].samples.len() >= CAPACITY {
            self.compact(0);
        }
    }

    /// Empties level `from` into the next while levels are full.
    fn compact(&mut self, from: usize) {
        let mut at = from;
        while self.levels[at].samples.len() >= CAPACITY {
            if at + 1 == self.levels.len() {
                self.levels.push(Level::default());
            }
            let level = &mut self.levels[at];
            let mut samples = std::mem::take(&mut level.samples);
            samples.sort_unstable();
            let odd_one = if samples.len() % 2 == 1 { samples.pop() } else { None };
            let parity = (level.compactions % 2) as usize;
            level.compactions += 1;
            self.levels[at + 1].samples.extend(samples.iter().skip(parity).step_by(2));
            // The allocation serves the level again.
            samples.clear();
            samples.extend(odd_one);
            self.levels[at].samples = samples;
            at += 1;
        }
    }

    /// Adds all of `other`, level by level.
    pub fn merge(&mut self, other: &Kll) {
        while self.levels.len() < other.levels.len() {
            self.levels.push(Level::default());
        }
        self.n += other.n;
        for (ours, theirs) in self.levels.iter_mut().zip(&other.levels) {
            ours.samples.extend(&theirs.samples);
            ours.compactions += theirs.compactions;
        }
        for level in 0..other.levels.len() {
            self.compact(level);
        }
    }

    /// A sample whose rank is near ⌈q·n⌉, 1-based; `None` over nothing.
    pub fn quantile(&self, q: f64) -> Option<i64> {
        let mut weighted: Vec<(i64, u64)> = Vec::new();
        for (h, level) in self.levels.iter().enumerate() {
            weighted.extend(level.samples.iter().map(|&w| (w, 1u64 << h)));
        }
        weighted.sort_unstable();
        let rank = ((q * self.n as f64).ceil() as u64).max(1);
        let mut below = 0;
        for &(word, weight) in &weighted {
            below += weight;
            if below >= rank {
                return Some(word);
            }
        }
        weighted.last().map(|(word, _)| *word)
    }

    /// Appends count `u64`, number of levels `u32`, then per level: compactions `u64`, number of
    /// samples `u32`, samples `u64` as they lie.
    pub fn encode(&self, out: &mut Vec<u8>) {
        put_u64(out, self.n);
        put_u32(out, self.levels.len() as u32);
        for level in &self.levels {
            put_u64(out, level.compactions);
            put_u32(out, level.samples.len() as u32);
            level.samples.iter().for_each(|&w| put_u64(out, w as u64));
        }
    }

    /// Reads what [`Kll::encode`] wrote.
    ///
    /// # Errors
    /// If the bytes are damaged.
    pub fn decode(input: &mut Reader) -> Result<Self, AggError> {
        const BAD: AggError = AggError::Corrupt { what: "quantile samples" };
        let mut out = Kll { n: input.u64()?, levels: Vec::new() };
        let levels = input.u32()?;
        if levels > 50 {
            return Err(BAD);
        }
        let mut weight = 0u64;
        for h in 0..levels {
            let compactions = input.u64()?;
            let len = input.u32()? as usize;
            if len >= CAPACITY {
                return Err(BAD);
            }
            let samples = (0..len).map(|_| input.i64()).collect::<Result<Vec<_>, _>>()?;
            weight += (len as u64) << h;
            out.levels.push(Level { samples, compactions });
        }
        if weight == out.n { Ok(out) } else { Err(BAD) }
    }

    /// Bytes on the heap.
    pub fn heap_bytes(&self) -> usize {
        self.levels.iter().map(|l| l.samples.capacity() * 8 + size_of::<Level>()).sum()
    }
}
