//! Approximate distinct counts and rank-bounded quantiles.

use super::sorted::{key_hash, tuple};
use super::{AggError, Cell, Reader, RowsFor, StateSpec};
use crate::agg::sketch::{Kll, LogLog, SlidingLogLog};
use crate::agg::value::with_words;

/// HyperLogLog of the rows without a NULL argument.
#[derive(Debug, Clone, Default)]
pub(crate) struct LogLogCell {
    /// The registers.
    pub registers: LogLog,
}

impl Cell for LogLogCell {
    fn add(cells: &mut [Self], rows: RowsFor, heap: &mut isize) {
        rows.each(|group, row| {
            let Some(key) = tuple(&rows, row) else { return };
            let cell = &mut cells[group];
            *heap -= cell.heap_bytes() as isize;
            cell.registers.add(key_hash(&key));
            *heap += cell.heap_bytes() as isize;
        });
    }

    fn remove(_: &mut [Self], _: RowsFor, _: &mut isize) {
        unreachable!("the plan says that it is not removable");
    }

    fn merge(&mut self, other: &Self, _: &StateSpec) {
        self.registers.merge(&other.registers);
    }

    /// [`LogLog::encode`].
    fn encode(&self, _: &StateSpec, out: &mut Vec<u8>) {
        self.registers.encode(out);
    }

    fn decode(_: &StateSpec, input: &mut Reader) -> Result<Self, AggError> {
        Ok(LogLogCell { registers: LogLog::decode(input)? })
    }

    fn heap_bytes(&self) -> usize {
        self.registers.heap_bytes()
    }
}

/// HyperLogLog with removal. Its values are those of [`LogLogCell`].
#[derive(Debug, Clone, Default)]
pub(crate) struct SlidingLogLogCell {
    /// The registers.
    pub registers: SlidingLogLog,
}

impl Cell for SlidingLogLogCell {
    fn add(cells: &mut [Self], rows: RowsFor, heap: &mut isize) {
        rows.each(|group, row| {
            let Some(key) = tuple(&rows, row) else { return };
            let cell = &mut cells[group];
            *heap -= cell.heap_bytes() as isize;
            cell.registers.add(key_hash(&key));
            *heap += cell.heap_bytes() as isize;
        });
    }

    fn remove(cells: &mut [Self], rows: RowsFor, heap: &mut isize) {
        rows.each(|group, row| {
            let Some(key) = tuple(&rows, row) else { return };
            let cell = &mut cells[group];
            *heap -= cell.heap_bytes() as isize;
            cell.registers.remove(key_hash(&key));
            *heap += cell.heap_bytes() as isize;
        });
    }

    fn merge(&mut self, other: &Self, _: &StateSpec) {
        self.registers.merge(&other.registers);
    }

    /// [`SlidingLogLog::encode`].
    fn encode(&self, _: &StateSpec, out: &mut Vec<u8>) {
        self.registers.encode(out);
    }

    fn decode(_: &StateSpec, input: &mut Reader) -> Result<Self, AggError> {
        Ok(SlidingLogLogCell { registers: SlidingLogLog::decode(input)? })
    }

    fn heap_bytes(&self) -> usize {
        self.registers.heap_bytes()
    }
}

/// KLL sketch of numbers.
#[derive(Debug, Clone, Default)]
pub(crate) struct KllCell {
    /// The samples.
    pub samples: Kll,
}

impl Cell for KllCell {
    fn add(cells: &mut [Self], rows: RowsFor, heap: &mut isize) {
        with_words!(rows.arg(0), word => rows.each_valid::<1>(|group, row| {
            let cell = &mut cells[group];
            *heap -= cell.heap_bytes() as isize;
            cell.samples.add(word(row));
            *heap += cell.heap_bytes() as isize;
        }));
    }

    fn remove(_: &mut [Self], _: RowsFor, _: &mut isize) {
        unreachable!("the plan says that it is not removable");
    }

    fn merge(&mut self, other: &Self, _: &StateSpec) {
        self.samples.merge(&other.samples);
    }

    /// [`Kll::encode`].
    fn encode(&self, _: &StateSpec, out: &mut Vec<u8>) {
        self.samples.encode(out);
    }

    fn decode(_: &StateSpec, input: &mut Reader) -> Result<Self, AggError> {
        Ok(KllCell { samples: Kll::decode(input)? })
    }

    fn heap_bytes(&self) -> usize {
        self.samples.heap_bytes()
    }
}
