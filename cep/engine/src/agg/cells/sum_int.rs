//! Exact sums of integers.

use super::{AggError, Cell, Reader, RowsFor, StateSpec};
use crate::agg::codec::put_u64;
use crate::agg::exact::{Wide, round_ratio};
use crate::column::Values;

/// Σx in 128 bits, which 2^63 values of 64 bits cannot overflow, and n.
#[derive(Debug, Clone, Default)]
pub(crate) struct SumIntCell {
    /// Σx.
    pub sum: i128,
    /// Number of values.
    pub n: u64,
}

impl SumIntCell {
    #[inline(always)]
    fn each(rows: RowsFor, mut each: impl FnMut(usize, i64)) {
        match &rows.arg(0).values {
            Values::I64(v) => {
                let v: &[i64] = v;
                rows.each_valid::<1>(|group, row| each(group, v[row]));
            }
            Values::I32(v) => {
                let v: &[i32] = v;
                rows.each_valid::<1>(|group, row| each(group, i64::from(v[row])));
            }
            other => panic!("integer sum of a {} column", other.kind_name()),
        }
    }

    /// Adds a value; returns by how many bytes the heap grew, for the slides.
    #[inline(always)]
    pub fn put(&mut self, x: i64) -> isize {
        self.sum = self.sum.wrapping_add(i128::from(x));
        self.n = self.n.wrapping_add(1);
        0
    }

    /// Removes a value that was added.
    #[inline(always)]
    pub fn take(&mut self, x: i64) -> isize {
        self.sum = self.sum.wrapping_sub(i128::from(x));
        self.n = self.n.wrapping_sub(1);
        0
    }

    /// The mean rounded once, NULL over nothing.
    pub fn avg(&self) -> Option<f64> {
        if self.n == 0 {
            return None;
        }
        // Both exact in a double: the division is the one rounding.
        if self.sum.unsigned_abs() <= 1 << 53 && self.n <= 1 << 53 {
            return Some(self.sum as f64 / self.n as f64);
        }
        let magnitude = Wide::from_u128(self.sum.unsigned_abs());
        Some(round_ratio(self.sum < 0, &magnitude, 0, &Wide::from_u128(u128::from(self.n))))
    }
}

impl Cell for SumIntCell {
    fn add(cells: &mut [Self], rows: RowsFor, _: &mut isize) {
        Self::each(rows, |group, x| {
            cells[group].put(x);
        });
    }

    fn remove(cells: &mut [Self], rows: RowsFor, _: &mut isize) {
        Self::each(rows, |group, x| {
            cells[group].take(x);
        });
    }

    fn merge(&mut self, other: &Self, _: &StateSpec) {
        self.sum = self.sum.wrapping_add(other.sum);
        self.n = self.n.wrapping_add(other.n);
    }

    /// Count `u64`, sum `i128`.
    fn encode(&self, _: &StateSpec, out: &mut Vec<u8>) {
        put_u64(out, self.n);
        out.extend(self.sum.to_le_bytes());
    }

    fn decode(_: &StateSpec, input: &mut Reader) -> Result<Self, AggError> {
        Ok(SumIntCell { n: input.u64()?, sum: input.i128()? })
    }
}
