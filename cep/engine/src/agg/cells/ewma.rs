//! Exponentially weighted moving averages.

use super::{AggError, Cell, Reader, RowsFor, StateSpec};
use crate::agg::codec::put_u64;
use crate::column::Values;

/// v ← α·x + (1 − α)·v over the values in order of arrival, from the first value on.
///
/// A merge puts the other's values after these: v' = s + (1 − α)^n·(v − x0) with the other's result
/// s, first value x0 and count n. It equals one pass but for rounding; the order of arrival decides.
#[derive(Debug, Clone, Default)]
pub(crate) struct EwmaCell {
    value: f64,
    first: f64,
    /// (1 − α)^n.
    decay: f64,
    n: u64,
}

impl EwmaCell {
    fn push(&mut self, x: f64, alpha: f64) {
        if self.n == 0 {
            (self.value, self.first, self.decay) = (x, x, 1.0 - alpha);
        } else {
            self.value = alpha * x + (1.0 - alpha) * self.value;
            self.decay *= 1.0 - alpha;
        }
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
        if self.n == 0 {
            *self = other.clone();
        } else if other.n != 0 {
            self.value = other.value + other.decay * (self.value - other.first);
            self.decay *= other.decay;
            self.n += other.n;
        }
    }

    /// Count `u64`; if not 0, value, first value and (1 − α)^n as bits `u64`.
    fn encode(&self, _: &StateSpec, out: &mut Vec<u8>) {
        put_u64(out, self.n);
        if self.n != 0 {
            for x in [self.value, self.first, self.decay] {
                put_u64(out, if x.is_nan() { f64::NAN.to_bits() } else { x.to_bits() });
            }
        }
    }

    fn decode(_: &StateSpec, input: &mut Reader) -> Result<Self, AggError> {
        let mut cell = EwmaCell { n: input.u64()?, ..EwmaCell::default() };
        if cell.n != 0 {
            for x in [&mut cell.value, &mut cell.first, &mut cell.decay] {
                *x = f64::from_bits(input.u64()?);
            }
        }
        Ok(cell)
    }
}
