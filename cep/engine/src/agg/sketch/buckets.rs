//! Log-bucket quantile sketch of the DDSketch family (Masson, Rim & Lee, VLDB 2019).
//!
//! A double falls into the bucket of its sign, exponent and upper six mantissa bits, so that
//! bucketing is a shift of the bits. A bucket spans 1/64 of a power of two and is reported as its
//! middle: a reported sample is within 1/128 < 0.79 % of the true one. Magnitudes below 2^−1022
//! count as 0; ±∞ and NaN have buckets of their own, NaN above all.

use std::collections::BTreeMap;

use crate::agg::AggError;
use crate::agg::codec::{Reader, put_u32, put_u64};
use crate::agg::value::word;

/// Bits of a double below its bucket number.
const SHIFT: u32 = 46;

/// Counts per bucket, a function of the multiset of values.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Buckets {
    /// Bucket number (ordered as the values are) to count.
    counts: BTreeMap<i32, u64>,
    n: u64,
}

/// Approximate bytes of an entry in the tree.
const ENTRY_BYTES: usize = 24;

impl Buckets {
    /// The bucket of a canonical word of a double.
    fn bucket(word: i64) -> i32 {
        let bucket = (word >> SHIFT) as i32;
        // The lowest exponent, on both sides: zero and the subnormal numbers.
        if (-64..64).contains(&bucket) { 0 } else { bucket }
    }

    /// The middle of a bucket.
    fn middle(bucket: i32) -> f64 {
        let (magnitude, negative) = if bucket < 0 { (!bucket, true) } else { (bucket, false) };
        let bits = (magnitude as u64) << SHIFT;
        let value = match magnitude >> 6 {
            0 => 0.0,
            0x7ff => f64::from_bits(bits),
            _ => f64::from_bits(bits | 1 << (SHIFT - 1)),
        };
        if value.is_nan() {
            f64::NAN
        } else if negative {
            -value
        } else {
            value
        }
    }

    /// Adds a value.
    pub fn add(&mut self, word: i64) {
        *self.counts.entry(Self::bucket(word)).or_insert(0) += 1;
        self.n += 1;
    }

    /// Removes a value that was added.
    ///
    /// # Panics
    /// If it was not.
    pub fn remove(&mut self, word: i64) {
        let bucket = Self::bucket(word);
        let count = self.counts.get_mut(&bucket).expect("only values that were added are removed");
        *count -= 1;
        if *count == 0 {
            self.counts.remove(&bucket);
        }
        self.n -= 1;
    }

    /// Adds all of `other`.
    pub fn merge(&mut self, other: &Buckets) {
        for (&bucket, &count) in &other.counts {
            *self.counts.entry(bucket).or_insert(0) += count;
        }
        self.n += other.n;
    }

    /// Removes all of `other`, which was added.
    ///
    /// # Panics
    /// If it was not.
    pub fn unmerge(&mut self, other: &Buckets) {
        for (bucket, &count) in &other.counts {
            let own = self.counts.get_mut(bucket).expect("only values that were added are removed");
            *own -= count;
            if *own == 0 {
                self.counts.remove(bucket);
            }
        }
        self.n -= other.n;
    }

    /// Number of values.
    pub fn count(&self) -> u64 {
        self.n
    }

    /// The samples of rank `rank` and `rank + 1` from 0 in order, each as its bucket's middle; the
    /// last sample stands for those beyond.
    pub fn pair(&self, rank: u64) -> Option<(f64, f64)> {
        let mut below = 0;
        let mut first = None;
        for (&bucket, &count) in &self.counts {
            below += count;
            if first.is_none() && below > rank {
                first = Some(Self::middle(bucket));
            }
            if let Some(first) = first
                && below > rank + 1
            {
                return Some((first, Self::middle(bucket)));
            }
        }
        first.map(|x| (x, x))
    }

    /// Appends number of buckets `u32`, then each as `i32` with its count `u64`, ascending.
    pub fn encode(&self, out: &mut Vec<u8>) {
        put_u32(out, self.counts.len() as u32);
        for (&bucket, &count) in &self.counts {
            put_u32(out, bucket as u32);
            put_u64(out, count);
        }
    }

    /// Reads what [`Buckets::encode`] wrote.
    ///
    /// # Errors
    /// If the bytes are not canonical.
    pub fn decode(input: &mut Reader) -> Result<Self, AggError> {
        const BAD: AggError = AggError::Corrupt { what: "quantile buckets" };
        let mut out = Buckets::default();
        let lowest = Self::bucket(word::from_f64(f64::NEG_INFINITY, true));
        let highest = Self::bucket(word::from_f64(f64::NAN, true));
        for _ in 0..input.u32()? {
            let (bucket, count) = (input.u32()? as i32, input.u64()?);
            let ascends = out.counts.last_key_value().is_none_or(|(&last, _)| last < bucket);
            let real = (lowest..=highest).contains(&bucket) && (bucket == 0 || !(-64..64).contains(&bucket));
            out.n = out.n.checked_add(count).ok_or(BAD)?;
            if !ascends || !real || count == 0 {
                return Err(BAD);
            }
            out.counts.insert(bucket, count);
        }
        Ok(out)
    }

    /// Bytes on the heap.
    pub fn heap_bytes(&self) -> usize {
        self.counts.len() * ENTRY_BYTES
    }
}
