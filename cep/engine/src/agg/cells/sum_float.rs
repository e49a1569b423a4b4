//! Exact sums of doubles and floats.

use super::{AggError, Cell, Reader, RowsFor, StateSpec};
use crate::agg::codec::put_u64;
use crate::agg::exact::ExactSum;
use crate::column::Values;

/// Σx and n: sum, avg, count and half of variance.
#[derive(Debug, Clone, Default)]
pub(crate) struct SumFloatCell {
    /// Σx.
    pub sum: ExactSum,
    /// Number of values, NaN and infinities included.
    pub n: u64,
}

impl Cell for SumFloatCell {
    fn add(cells: &mut [Self], rows: RowsFor, heap: &mut isize) {
        let mut add = |group: usize, x: f64| *heap += cells[group].put(x);
        match &rows.arg(0).values {
            Values::F64(v) => {
                let v: &[f64] = v;
                rows.each_valid::<1>(|group, row| add(group, v[row]));
            }
            Values::F32(v) => {
                let v: &[f32] = v;
                rows.each_valid::<1>(|group, row| add(group, f64::from(v[row])));
            }
            other => panic!("float sum of a {} column", other.kind_name()),
        }
    }

    fn remove(cells: &mut [Self], rows: RowsFor, heap: &mut isize) {
        let mut remove = |group: usize, x: f64| *heap += cells[group].take(x);
        match &rows.arg(0).values {
            Values::F64(v) => rows.each_valid::<1>(|group, row| remove(group, v[row])),
            Values::F32(v) => rows.each_valid::<1>(|group, row| remove(group, f64::from(v[row]))),
            other => panic!("float sum of a {} column", other.kind_name()),
        }
    }

    fn merge(&mut self, other: &Self, _: &StateSpec) {
        self.n = self.n.wrapping_add(other.n);
        self.sum.merge(&other.sum);
    }

    /// Count `u64`, then [`ExactSum::encode`].
    fn encode(&self, _: &StateSpec, out: &mut Vec<u8>) {
        put_u64(out, self.n);
        self.sum.encode(out);
    }

    fn decode(_: &StateSpec, input: &mut Reader) -> Result<Self, AggError> {
        Ok(SumFloatCell { n: input.u64()?, sum: ExactSum::decode(input)? })
    }

    fn heap_bytes(&self) -> usize {
        self.sum.heap_bytes()
    }
}

impl SumFloatCell {
    /// Adds a value; returns by how many bytes the heap grew.
    #[inline(always)]
    pub fn put(&mut self, x: f64) -> isize {
        self.n = self.n.wrapping_add(1);
        if self.sum.add_fast(x) { 0 } else { self.sum.add_slowly(x) }
    }

    /// Removes a value that was added; returns by how many bytes the heap grew.
    #[inline(always)]
    pub fn take(&mut self, x: f64) -> isize {
        self.n = self.n.wrapping_sub(1);
        if self.sum.add_fast(-x) { 0 } else { self.sum.remove_slowly(x) }
    }

    /// The sum, NULL over nothing.
    #[inline]
    pub fn sum(&self) -> Option<f64> {
        (self.n != 0).then(|| self.sum.value())
    }

    /// The same in single precision, rounded once.
    pub fn sum_f32(&self) -> Option<f32> {
        (self.n != 0).then(|| self.sum.value_f32())
    }

    /// The mean, NULL over nothing.
    #[inline]
    pub fn avg(&self) -> Option<f64> {
        (self.n != 0).then(|| self.sum.divided_by(self.n))
    }
}
