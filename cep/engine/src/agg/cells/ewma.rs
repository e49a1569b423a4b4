//! Exponentially weighted moving averages.

use super::{AggError, Cell, Reader, RowsFor, StateSpec};
use crate::agg::codec::put_u64;
use crate::column::Values;

/// v ← α·x + (1 − α)·v over the values in order of arrival, from the first value on. No monoid: where
/// states are merged the plan keeps the values themselves.
#[derive(Debug, Clone, Default)]
pub(crate) struct EwmaCell {
    value: f64,
    n: u64,
}

impl EwmaCell {
    /// The next value.
    pub fn push(&mut self, x: f64, alpha: f64) {
        self.value = if self.n == 0 { x } else { alpha * x + (1.0 - alpha) * self.value };
        self.n += 1;
    }

    /// The average; NULL over nothing.
    pub fn value(&self) -> Option<f64> {
        (self.n != 0).then_some(if self.value.is_nan() { f64::NAN } else { self.value })
    }
}

impl Cell for EwmaCell {
    fn add(cells: &mut [Self], rows: RowsFor, _: &mut isize) {
        let alpha = rows.spec.alpha;
        let mut push = |group: usize, x: f64| cells[group].push(x, alpha);
        match &rows.arg(0).values {
            Values::F64(v) => rows.each_valid::<1>(|group, row| push(group, v[row])),
            Values::F32(v) => rows.each_valid::<1>(|group, row| push(group, f64::from(v[row]))),
            Values::I64(v) => rows.each_valid::<1>(|group, row| push(group, v[row] as f64)),
            Values::I32(v) => rows.each_valid::<1>(|group, row| push(group, f64::from(v[row]))),
            other => panic!("ewma of a {} column", other.kind_name()),
        }
    }

    fn remove(_: &mut [Self], _: RowsFor, _: &mut isize) {
        unreachable!("the plan says that it is not removable");
    }

    fn merge(&mut self, other: &Self, _: &StateSpec) {
        match (self.n, other.n) {
            (_, 0) => {}
            (0, _) => *self = other.clone(),
            _ => unreachable!("the plan keeps the values where states are merged"),
        }
    }

    /// Count `u64`; if not 0, the value as bits `u64`.
    fn encode(&self, _: &StateSpec, out: &mut Vec<u8>) {
        put_u64(out, self.n);
        if let Some(value) = self.value() {
            put_u64(out, value.to_bits());
        }
    }

    fn decode(_: &StateSpec, input: &mut Reader) -> Result<Self, AggError> {
        let n = input.u64()?;
        let value = if n == 0 { 0.0 } else { f64::from_bits(input.u64()?) };
        Ok(EwmaCell { value, n })
    }
}
