//! Exact first and second moments of two arguments.

use super::products::scatter;
use super::{AggError, Cell, Reader, RowsFor, StateSpec};
use crate::agg::codec::put_u64;
use crate::agg::exact::{ExactProducts, ExactSum, round_ratio};
use crate::column::Values;

/// n, Σx, Σy, Σxy, Σx², Σy² over the rows where neither argument is NULL: covariance and
/// correlation.
#[derive(Debug, Clone, Default)]
pub(crate) struct MomentsCell {
    n: u64,
    /// Rows with an argument that is not finite; they are in none of the sums.
    special: u64,
    x: ExactSum,
    y: ExactSum,
    xy: ExactProducts,
    xx: ExactProducts,
    yy: ExactProducts,
}

impl MomentsCell {
    fn step(&mut self, x: f64, y: f64, removed: bool) {
        let one = if removed { u64::MAX } else { 1 };
        self.n = self.n.wrapping_add(one);
        if !(x.is_finite() && y.is_finite()) {
            self.special = self.special.wrapping_add(one);
        } else if removed {
            self.x.remove(x);
            self.y.remove(y);
            self.xy.remove(x, y);
            self.xx.remove(x, x);
            self.yy.remove(y, y);
        } else {
            self.x.add(x);
            self.y.add(y);
            self.xy.add(x, y);
            self.xx.add(x, x);
            self.yy.add(y, y);
        }
    }

    fn each(cells: &mut [Self], rows: RowsFor, heap: &mut isize, removed: bool) {
        let (x, y) = (rows.arg(0), rows.arg(1));
        let at = |values: &Values, row: usize| match values {
            Values::F64(v) => v[row],
            Values::F32(v) => f64::from(v[row]),
            other => panic!("moments of a {} column", other.kind_name()),
        };
        rows.each_valid::<2>(|group, row| {
            let cell = &mut cells[group];
            *heap -= cell.heap_bytes() as isize;
            cell.step(at(&x.values, row), at(&y.values, row), removed);
            *heap += cell.heap_bytes() as isize;
        });
    }

    /// (n·Σxy − Σx·Σy) ÷ n(n − d), rounded once; NULL without enough rows, NaN with a value that
    /// is not finite.
    pub fn covariance(&self, population: bool) -> Option<f64> {
        let less = u64::from(!population);
        if self.n <= less {
            return None;
        }
        if self.special != 0 {
            return Some(f64::NAN);
        }
        let scatter = scatter(self.n, &self.x.exact(), &self.y.exact(), &self.xy.exact());
        Some(scatter.divided_by(u128::from(self.n) * u128::from(self.n - less)))
    }

    /// Pearson's r: the root of Sxy² ÷ (Sxx·Syy), the ratio rounded once, with the sign of Sxy;
    /// NULL for fewer than two rows or when an argument does not vary.
    pub fn correlation(&self) -> Option<f64> {
        if self.n < 2 {
            return None;
        }
        if self.special != 0 {
            return Some(f64::NAN);
        }
        let (x, y) = (self.x.exact(), self.y.exact());
        let sxx = scatter(self.n, &x, &x, &self.xx.exact());
        let syy = scatter(self.n, &y, &y, &self.yy.exact());
        if sxx.magnitude.is_zero() || syy.magnitude.is_zero() {
            return None;
        }
        let sxy = scatter(self.n, &x, &y, &self.xy.exact());
        let (square, whole) = (sxy.mul(&sxy), sxx.mul(&syy));
        let ratio = round_ratio(false, &square.magnitude, square.exponent - whole.exponent, &whole.magnitude);
        let root = ratio.sqrt();
        Some(if sxy.negative { -root } else { root })
    }
}

impl Cell for MomentsCell {
    fn add(cells: &mut [Self], rows: RowsFor, heap: &mut isize) {
        Self::each(cells, rows, heap, false);
    }

    fn remove(cells: &mut [Self], rows: RowsFor, heap: &mut isize) {
        Self::each(cells, rows, heap, true);
    }

    fn merge(&mut self, other: &Self, _: &StateSpec) {
        self.n = self.n.wrapping_add(other.n);
        self.special = self.special.wrapping_add(other.special);
        self.x.merge(&other.x);
        self.y.merge(&other.y);
        self.xy.merge(&other.xy);
        self.xx.merge(&other.xx);
        self.yy.merge(&other.yy);
    }

    /// Rows `u64`, rows not finite `u64`, Σx, Σy, Σxy, Σx², Σy².
    fn encode(&self, _: &StateSpec, out: &mut Vec<u8>) {
        put_u64(out, self.n);
        put_u64(out, self.special);
        self.x.encode(out);
        self.y.encode(out);
        self.xy.encode(out);
        self.xx.encode(out);
        self.yy.encode(out);
    }

    fn decode(_: &StateSpec, input: &mut Reader) -> Result<Self, AggError> {
        Ok(MomentsCell {
            n: input.u64()?,
            special: input.u64()?,
            x: ExactSum::decode(input)?,
            y: ExactSum::decode(input)?,
            xy: ExactProducts::decode(input)?,
            xx: ExactProducts::decode(input)?,
            yy: ExactProducts::decode(input)?,
        })
    }

    fn heap_bytes(&self) -> usize {
        self.x.heap_bytes()
            + self.y.heap_bytes()
            + self.xy.heap_bytes()
            + self.xx.heap_bytes()
            + self.yy.heap_bytes()
    }
}
