//! Exact sums of squares.

use super::{AggError, Cell, Reader, RowsFor, StateSpec};
use crate::agg::exact::{Dyadic, ExactProducts};
use crate::column::Values;

use super::SumFloatCell;

/// Σx² over finite values; goes with a [`SumFloatCell`] of the same argument, which knows of the
/// others.
#[derive(Debug, Clone, Default)]
pub(crate) struct ProductsCell {
    squares: ExactProducts,
}

impl ProductsCell {
    fn each(rows: RowsFor, mut each: impl FnMut(usize, f64)) {
        let mut finite = |group: usize, x: f64| {
            if x.is_finite() {
                each(group, x);
            }
        };
        match &rows.arg(0).values {
            Values::F64(v) => rows.each_valid::<1>(|group, row| finite(group, v[row])),
            Values::F32(v) => rows.each_valid::<1>(|group, row| finite(group, f64::from(v[row]))),
            other => panic!("squares of a {} column", other.kind_name()),
        }
    }

    fn step(cells: &mut [Self], rows: RowsFor, heap: &mut isize, removed: bool) {
        Self::each(rows, |group, x| {
            let squares = &mut cells[group].squares;
            *heap -= squares.heap_bytes() as isize;
            if removed {
                squares.remove(x, x)
            } else {
                squares.add(x, x)
            }
            *heap += squares.heap_bytes() as isize;
        });
    }

    /// Variance, (n·Σx² − (Σx)²) ÷ n(n − d) with d = 0 for the population and 1 for a sample, or
    /// its square root; NULL without enough values, NaN with a value that is not finite.
    pub fn variance(&self, sum: &SumFloatCell, population: bool, root: bool) -> Option<f64> {
        let less = u64::from(!population);
        if sum.n <= less {
            return None;
        }
        if sum.sum.has_special() {
            return Some(f64::NAN);
        }
        let value = scatter(sum.n, &sum.sum.exact(), &sum.sum.exact(), &self.squares.exact())
            .divided_by(u128::from(sum.n) * u128::from(sum.n - less));
        Some(if root { value.sqrt() } else { value })
    }
}

/// n·Σxy − Σx·Σy, exactly.
pub(super) fn scatter(n: u64, x: &Dyadic, y: &Dyadic, xy: &Dyadic) -> Dyadic {
    xy.times(u128::from(n)).sub(&x.mul(y))
}

impl Cell for ProductsCell {
    fn add(cells: &mut [Self], rows: RowsFor, heap: &mut isize) {
        Self::step(cells, rows, heap, false);
    }

    fn remove(cells: &mut [Self], rows: RowsFor, heap: &mut isize) {
        Self::step(cells, rows, heap, true);
    }

    fn merge(&mut self, other: &Self, _: &StateSpec) {
        self.squares.merge(&other.squares);
    }

    /// [`ExactProducts::encode`].
    fn encode(&self, _: &StateSpec, out: &mut Vec<u8>) {
        self.squares.encode(out);
    }

    fn decode(_: &StateSpec, input: &mut Reader) -> Result<Self, AggError> {
        Ok(ProductsCell { squares: ExactProducts::decode(input)? })
    }

    fn heap_bytes(&self) -> usize {
        self.squares.heap_bytes()
    }
}
