//! Numbers of rows.

use super::{AggError, Cell, Reader, RowsFor, StateSpec};
use crate::agg::codec::put_u64;
use crate::column::Values;

/// Rows that pass FILTER and have no NULL argument.
#[derive(Debug, Clone, Default)]
pub(crate) struct CountCell {
    /// How many.
    pub n: u64,
}

impl CountCell {
    fn step(cells: &mut [Self], rows: RowsFor, by: u64) {
        let args = rows.spec.args.len();
        let arrow = (0..args).any(|i| matches!(rows.arg(i).values, Values::Any(_)));
        let mut one = |group: usize, _: usize| {
            cells[group].n = cells[group].n.wrapping_add(by);
        };
        match args {
            0 => rows.each(one),
            1 if !arrow => rows.each_valid::<1>(one),
            2 if !arrow => rows.each_valid::<2>(one),
            _ => rows.each(|group, row| {
                if (0..args).all(|i| rows.arg(i).is_valid(row)) {
                    one(group, row);
                }
            }),
        }
    }
}

impl Cell for CountCell {
    fn add(cells: &mut [Self], rows: RowsFor, _: &mut isize) {
        Self::step(cells, rows, 1);
    }

    fn remove(cells: &mut [Self], rows: RowsFor, _: &mut isize) {
        Self::step(cells, rows, u64::MAX);
    }

    fn merge(&mut self, other: &Self, _: &StateSpec) {
        self.n = self.n.wrapping_add(other.n);
    }

    /// Count `u64`.
    fn encode(&self, _: &StateSpec, out: &mut Vec<u8>) {
        put_u64(out, self.n);
    }

    fn decode(_: &StateSpec, input: &mut Reader) -> Result<Self, AggError> {
        Ok(CountCell { n: input.u64()? })
    }
}
