//! HyperLogLog distinct counts.
//!
//! 2^14 registers over 64-bit hashes. The estimator is the improved raw estimator of Ertl ("New
//! cardinality estimation algorithms for HyperLogLog sketches", 2017, algorithm 6): no bias tables
//! and no switch between ranges, relative standard error 1.04/√m = 0.82 %. It uses additions,
//! multiplications, divisions and square roots only, so the bits are the same everywhere. Few
//! registers are kept as a sorted list, many as an array; the encoding depends on the registers
//! alone.

use std::collections::BTreeMap;

use crate::agg::AggError;
use crate::agg::codec::{Reader, put_u32, put_u64};

/// Bits of a hash that choose the register.
const PRECISION: u32 = 14;
const REGISTERS: usize = 1 << PRECISION;
/// Largest register value: one more than the bits that are left.
const RANK_MAX: u8 = (64 - PRECISION + 1) as u8;
/// Registers kept as a list before the array is made.
const SPARSE_MAX: usize = 1024;
/// 1 / (2 ln 2).
const ALPHA: f64 = 0.721_347_520_444_481_7;

/// The registers.
#[derive(Debug, Clone)]
pub struct LogLog {
    form: Form,
}

#[derive(Debug, Clone)]
enum Form {
    /// `register << 8 | rank`, ascending, ranks above 0.
    Sparse(Vec<u32>),
    Dense(Box<[u8]>),
}

impl Default for LogLog {
    fn default() -> Self {
        LogLog { form: Form::Sparse(Vec::new()) }
    }
}

impl LogLog {
    /// Adds a value by its hash.
    pub fn add(&mut self, hash: u64) {
        let (register, rank) = place(hash);
        self.raise(register, rank);
    }

    /// What a hash is to the registers: `register << 8 | rank`.
    pub fn entry(hash: u64) -> u32 {
        let (register, rank) = place(hash);
        register << 8 | u32::from(rank)
    }

    /// Whether `entry` is one that [`LogLog::entry`] gives.
    pub fn is_entry(entry: u32) -> bool {
        (entry >> 8) < REGISTERS as u32 && (1..=RANK_MAX).contains(&(entry as u8))
    }

    fn raise(&mut self, register: u32, rank: u8) {
        match &mut self.form {
            Form::Dense(ranks) => {
                let old = &mut ranks[register as usize];
                *old = rank.max(*old);
            }
            Form::Sparse(list) => match list.binary_search_by_key(&register, |e| e >> 8) {
                Ok(at) => list[at] = list[at].max(register << 8 | u32::from(rank)),
                Err(at) => {
                    list.insert(at, register << 8 | u32::from(rank));
                    if list.len() > SPARSE_MAX {
                        self.make_dense();
                    }
                }
            },
        }
    }

    fn make_dense(&mut self) {
        if let Form::Sparse(list) = &self.form {
            let mut ranks = vec![0u8; REGISTERS].into_boxed_slice();
            for &entry in list {
                ranks[(entry >> 8) as usize] = entry as u8;
            }
            self.form = Form::Dense(ranks);
        }
    }

    /// Registers that are not 0, ascending.
    fn set(&self) -> impl Iterator<Item = (u32, u8)> + '_ {
        let (list, ranks): (&[u32], &[u8]) = match &self.form {
            Form::Sparse(list) => (list, &[]),
            Form::Dense(ranks) => (&[], ranks),
        };
        let sparse = list.iter().map(|&e| (e >> 8, e as u8));
        let dense = ranks.iter().enumerate().filter(|(_, r)| **r > 0).map(|(i, &r)| (i as u32, r));
        sparse.chain(dense)
    }

    /// Adds all of `other`.
    pub fn merge(&mut self, other: &LogLog) {
        for (register, rank) in other.set() {
            self.raise(register, rank);
        }
    }

    /// The estimated number of distinct values, rounded.
    pub fn estimate(&self) -> u64 {
        let mut histogram = Histogram::default();
        self.set().for_each(|(_, rank)| histogram.0[rank as usize] += 1);
        histogram.estimate()
    }

    /// Appends number of registers above 0 `u32`; up to 4,096 of them as `register << 8 | rank`
    /// `u32`, ascending, else all 16,384 ranks as bytes.
    pub fn encode(&self, out: &mut Vec<u8>) {
        let used = self.set().count();
        put_u32(out, used as u32);
        if used <= REGISTERS / 4 {
            self.set().for_each(|(register, rank)| put_u32(out, register << 8 | u32::from(rank)));
        } else {
            let start = out.len();
            out.resize(start + REGISTERS, 0);
            self.set().for_each(|(register, rank)| out[start + register as usize] = rank);
        }
    }

    /// Reads what [`LogLog::encode`] wrote.
    ///
    /// # Errors
    /// If the bytes are not canonical.
    pub fn decode(input: &mut Reader) -> Result<Self, AggError> {
        const BAD: AggError = AggError::Corrupt { what: "distinct-count registers" };
        let used = input.u32()? as usize;
        let mut out = LogLog::default();
        if used <= REGISTERS / 4 {
            let mut next = 0;
            for _ in 0..used {
                let entry = input.u32()?;
                let (register, rank) = (entry >> 8, entry as u8);
                if register < next || register as usize >= REGISTERS || !(1..=RANK_MAX).contains(&rank) {
                    return Err(BAD);
                }
                next = register + 1;
                out.raise(register, rank);
            }
            return Ok(out);
        }
        let ranks = input.take(REGISTERS)?;
        if ranks.iter().any(|&r| r > RANK_MAX) || ranks.iter().filter(|&&r| r > 0).count() != used {
            return Err(BAD);
        }
        out.form = Form::Dense(ranks.into());
        Ok(out)
    }

    /// Bytes on the heap.
    pub fn heap_bytes(&self) -> usize {
        match &self.form {
            Form::Sparse(list) => list.capacity() * size_of::<u32>(),
            Form::Dense(_) => REGISTERS,
        }
    }
}

/// Register of a hash and its rank there.
fn place(hash: u64) -> (u32, u8) {
    let register = (hash >> (64 - PRECISION)) as u32;
    // A bit below the hash bounds the rank.
    let rank = ((hash << PRECISION) | 1 << (PRECISION - 1)).leading_zeros() as u8 + 1;
    (register, rank)
}

/// Registers by rank; those of rank 0 are not counted.
#[derive(Debug, Clone)]
struct Histogram([u32; RANK_MAX as usize + 1]);

impl Default for Histogram {
    fn default() -> Self {
        Histogram([0; RANK_MAX as usize + 1])
    }
}

impl Histogram {
    fn estimate(&self) -> u64 {
        let used: u32 = self.0[1..].iter().sum();
        if used == 0 {
            return 0;
        }
        let m = REGISTERS as f64;
        let top = RANK_MAX as usize;
        let mut z = m * tau(1.0 - f64::from(self.0[top]) / m);
        for count in self.0[1..top].iter().rev() {
            z = 0.5 * (z + f64::from(*count));
        }
        z += m * sigma(f64::from(REGISTERS as u32 - used) / m);
        (ALPHA * m * m / z).round() as u64
    }
}

/// A [`LogLog`] that values can be removed from: how many values have each rank in each register.
/// Its estimates are those of the [`LogLog`] of its values.
#[derive(Debug, Clone, Default)]
pub struct SlidingLogLog {
    /// Values by `register << 8 | rank`.
    counts: BTreeMap<u32, u64>,
    /// Registers by their highest rank.
    registers: Histogram,
}

impl SlidingLogLog {
    /// Adds a value by its hash.
    pub fn add(&mut self, hash: u64) {
        let (register, rank) = place(hash);
        self.put(register, rank, 1);
    }

    fn put(&mut self, register: u32, rank: u8, values: u64) {
        let before = self.rank_of(register);
        *self.counts.entry(register << 8 | u32::from(rank)).or_default() += values;
        self.moved(before, before.max(rank));
    }

    /// Adds a value by its [`LogLog::entry`].
    pub fn add_entry(&mut self, entry: u32) {
        self.put(entry >> 8, entry as u8, 1);
    }

    /// Adds all of it to a sketch.
    pub fn union_into(&self, union: &mut LogLog) {
        self.counts.keys().for_each(|&entry| union.raise(entry >> 8, entry as u8));
    }

    /// Removes a value that was added.
    pub fn remove(&mut self, hash: u64) {
        self.remove_entry(LogLog::entry(hash));
    }

    /// Removes a value that was added by its [`LogLog::entry`].
    pub fn remove_entry(&mut self, entry: u32) {
        let (register, rank) = (entry >> 8, entry as u8);
        let before = self.rank_of(register);
        let count = self.counts.get_mut(&entry).expect("only values that were added are removed");
        *count -= 1;
        if *count == 0 {
            self.counts.remove(&entry);
            if rank == before {
                self.moved(before, self.rank_of(register));
            }
        }
    }

    /// Highest rank in a register, 0 for none.
    fn rank_of(&self, register: u32) -> u8 {
        let entries = self.counts.range(register << 8..(register + 1) << 8);
        entries.last().map_or(0, |(&entry, _)| entry as u8)
    }

    fn moved(&mut self, from: u8, to: u8) {
        if from != to {
            if from > 0 {
                self.registers.0[from as usize] -= 1;
            }
            if to > 0 {
                self.registers.0[to as usize] += 1;
            }
        }
    }

    /// Adds all of `other`.
    pub fn merge(&mut self, other: &SlidingLogLog) {
        for (&entry, &count) in &other.counts {
            self.put(entry >> 8, entry as u8, count);
        }
    }

    /// The estimated number of distinct values, rounded.
    pub fn estimate(&self) -> u64 {
        self.registers.estimate()
    }

    /// Appends number of entries `u32`; each as `register << 8 | rank` `u32`, ascending, and number
    /// of values `u64`.
    pub fn encode(&self, out: &mut Vec<u8>) {
        put_u32(out, self.counts.len() as u32);
        for (&entry, &count) in &self.counts {
            put_u32(out, entry);
            put_u64(out, count);
        }
    }

    /// Reads what [`SlidingLogLog::encode`] wrote.
    ///
    /// # Errors
    /// If the bytes are not canonical.
    pub fn decode(input: &mut Reader) -> Result<Self, AggError> {
        let mut out = SlidingLogLog::default();
        let mut next = 0;
        for _ in 0..input.u32()? {
            let (entry, count) = (input.u32()?, input.u64()?);
            let (register, rank) = (entry >> 8, entry as u8);
            let valid = (register as usize) < REGISTERS && (1..=RANK_MAX).contains(&rank) && count > 0;
            if entry < next || !valid {
                return Err(AggError::Corrupt { what: "distinct-count registers" });
            }
            next = entry + 1;
            out.put(register, rank, count);
        }
        Ok(out)
    }

    /// About the bytes on the heap.
    pub fn heap_bytes(&self) -> usize {
        self.counts.len() * 2 * size_of::<(u32, u64)>()
    }
}

/// σ(x) = x + Σ x^(2^k)·2^(k−1); infinite at 1, which only an unused sketch has.
fn sigma(mut x: f64) -> f64 {
    let (mut y, mut z) = (1.0, x);
    loop {
        x *= x;
        let before = z;
        z += x * y;
        y += y;
        if z == before || !z.is_finite() {
            return z;
        }
    }
}

/// τ(x) = (1 − x − Σ (1 − x^(2^−k))²·2^−k) ÷ 3.
fn tau(mut x: f64) -> f64 {
    if x == 0.0 || x == 1.0 {
        return 0.0;
    }
    let (mut y, mut z) = (1.0, 1.0 - x);
    loop {
        x = x.sqrt();
        let before = z;
        y *= 0.5;
        z -= (1.0 - x) * (1.0 - x) * y;
        if z == before {
            return z / 3.0;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn after_removals_it_is_the_sketch_of_what_is_left(
            hashes in proptest::collection::vec(any::<u64>(), 0..300), gone in 0usize..300, spread in 0u32..64,
        ) {
            // Few registers at a time, so that ranks hide each other.
            let hashes: Vec<u64> = hashes.iter().map(|h| h >> spread).collect();
            let gone = gone.min(hashes.len());
            let mut sliding = SlidingLogLog::default();
            hashes.iter().for_each(|&h| sliding.add(h));
            hashes[..gone].iter().for_each(|&h| sliding.remove(h));
            let mut left = LogLog::default();
            hashes[gone..].iter().for_each(|&h| left.add(h));
            prop_assert_eq!(sliding.estimate(), left.estimate());
            let mut anew = SlidingLogLog::default();
            hashes[gone..].iter().rev().for_each(|&h| anew.add(h));
            let bytes = |sketch: &SlidingLogLog| {
                let mut out = Vec::new();
                sketch.encode(&mut out);
                out
            };
            prop_assert_eq!(bytes(&sliding), bytes(&anew));
            let decoded = SlidingLogLog::decode(&mut Reader::new(&bytes(&anew))).expect("its own bytes");
            prop_assert_eq!(decoded.estimate(), left.estimate());
        }
    }
}
