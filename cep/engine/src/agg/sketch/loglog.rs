//! HyperLogLog distinct counts.
//!
//! 2^14 registers over 64-bit hashes. The estimator is the improved raw estimator of Ertl ("New
//! cardinality estimation algorithms for HyperLogLog sketches", 2017, algorithm 6): no bias tables
//! and no switch between ranges, relative standard error 1.04/√m = 0.82 %. It uses additions,
//! multiplications, divisions and square roots only, so the bits are the same everywhere. Few
//! registers are kept as a sorted list, many as an array; the encoding depends on the registers
//! alone.

use crate::agg::AggError;
use crate::agg::codec::{Reader, put_u32};

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
        let register = (hash >> (64 - PRECISION)) as u32;
        // A bit below the hash bounds the rank.
        let rank = ((hash << PRECISION) | 1 << (PRECISION - 1)).leading_zeros() as u8 + 1;
        self.raise(register, rank);
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
        let mut histogram = [0u32; RANK_MAX as usize + 1];
        let mut used = 0;
        for (_, rank) in self.set() {
            histogram[rank as usize] += 1;
            used += 1;
        }
        if used == 0 {
            return 0;
        }
        histogram[0] = REGISTERS as u32 - used;
        let m = REGISTERS as f64;
        let top = RANK_MAX as usize;
        let mut z = m * tau(1.0 - f64::from(histogram[top]) / m);
        for count in histogram[1..top].iter().rev() {
            z = 0.5 * (z + f64::from(*count));
        }
        z += m * sigma(f64::from(histogram[0]) / m);
        (ALPHA * m * m / z).round() as u64
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
