//! AND and OR of booleans.

use super::{AggError, Cell, Reader, RowsFor, StateSpec};
use crate::agg::codec::put_u64;
use crate::column::Values;

/// Numbers of TRUE and FALSE.
#[derive(Debug, Clone, Default)]
pub(crate) struct BoolCell {
    yes: u64,
    no: u64,
}

impl BoolCell {
    fn step(cells: &mut [Self], rows: RowsFor, by: u64) {
        match &rows.arg(0).values {
            Values::Bool(v) => rows.each_valid::<1>(|group, row| {
                let cell = &mut cells[group];
                let counter = if v[row] { &mut cell.yes } else { &mut cell.no };
                *counter = counter.wrapping_add(by);
            }),
            other => panic!("booleans of a {} column", other.kind_name()),
        }
    }

    /// Whether all are TRUE; NULL over nothing.
    pub fn and(&self) -> Option<bool> {
        (self.yes | self.no != 0).then_some(self.no == 0)
    }

    /// Whether one is TRUE; NULL over nothing.
    pub fn or(&self) -> Option<bool> {
        (self.yes | self.no != 0).then_some(self.yes != 0)
    }
}

impl Cell for BoolCell {
    fn add(cells: &mut [Self], rows: RowsFor, _: &mut isize) {
        Self::step(cells, rows, 1);
    }

    fn remove(cells: &mut [Self], rows: RowsFor, _: &mut isize) {
        Self::step(cells, rows, u64::MAX);
    }

    fn merge(&mut self, other: &Self, _: &StateSpec) {
        self.yes = self.yes.wrapping_add(other.yes);
        self.no = self.no.wrapping_add(other.no);
    }

    /// TRUE `u64`, FALSE `u64`.
    fn encode(&self, _: &StateSpec, out: &mut Vec<u8>) {
        put_u64(out, self.yes);
        put_u64(out, self.no);
    }

    fn decode(_: &StateSpec, input: &mut Reader) -> Result<Self, AggError> {
        Ok(BoolCell { yes: input.u64()?, no: input.u64()? })
    }
}
