//! Sorted values with their counts.

use std::collections::BTreeMap;

use super::{AggError, Cell, Reader, RowsFor, StateSpec};
use crate::agg::codec::{put_u32, put_u64};
use crate::agg::value::Val;

/// Approximate bytes of an entry in the tree, beside the bytes of its value.
const ENTRY_BYTES: usize = size_of::<(Val, u64)>() * 3 / 2;

/// The multiset of values, NULLs left out: min and max with removal, and all that counts values.
#[derive(Debug, Clone, Default)]
pub(crate) struct SortedCell {
    values: BTreeMap<Val, u64>,
    /// Values counted with their multiplicity.
    n: u64,
    heap: usize,
}

impl SortedCell {
    /// Adds `count` times `value`; returns whether it is new.
    pub fn insert(&mut self, value: Val, count: u64) -> bool {
        self.n += count;
        let bytes = value.heap_bytes();
        let times = self.values.entry(value).or_insert(0);
        let new = *times == 0;
        *times += count;
        if new {
            self.heap += ENTRY_BYTES + bytes;
        }
        new
    }

    /// Removes one `value`; returns whether it was the last.
    ///
    /// # Panics
    /// If there is none: removal of a row that was not added.
    pub fn take(&mut self, value: &Val) -> bool {
        let times = self.values.get_mut(value).expect("only rows that were added are removed");
        *times -= 1;
        self.n -= 1;
        let last = *times == 0;
        if last {
            self.values.remove(value);
            self.heap -= ENTRY_BYTES + value.heap_bytes();
        }
        last
    }

    /// Smallest value; NULL over nothing.
    pub fn first(&self) -> &Val {
        self.values.first_key_value().map_or(&Val::Null, |(v, _)| v)
    }

    /// Largest value; NULL over nothing.
    pub fn last(&self) -> &Val {
        self.values.last_key_value().map_or(&Val::Null, |(v, _)| v)
    }
}

impl Cell for SortedCell {
    const REMOVABLE: bool = true;

    fn add(cells: &mut [Self], rows: RowsFor, heap: &mut isize) {
        let column = rows.arg(0);
        rows.each(|group, row| {
            let value = Val::key(column, row);
            if value != Val::Null {
                let cell = &mut cells[group];
                *heap -= cell.heap as isize;
                cell.insert(value, 1);
                *heap += cell.heap as isize;
            }
        });
    }

    fn remove(cells: &mut [Self], rows: RowsFor, heap: &mut isize) {
        let column = rows.arg(0);
        rows.each(|group, row| {
            let value = Val::key(column, row);
            if value != Val::Null {
                let cell = &mut cells[group];
                *heap -= cell.heap as isize;
                cell.take(&value);
                *heap += cell.heap as isize;
            }
        });
    }

    fn merge(&mut self, other: &Self, _: &StateSpec) {
        for (value, &count) in &other.values {
            self.insert(value.clone(), count);
        }
    }

    /// Number of distinct values `u32`, then each with its count `u64`, ascending.
    fn encode(&self, _: &StateSpec, out: &mut Vec<u8>) {
        put_u32(out, self.values.len() as u32);
        for (value, &count) in &self.values {
            value.encode(out);
            put_u64(out, count);
        }
    }

    fn decode(spec: &StateSpec, input: &mut Reader) -> Result<Self, AggError> {
        let mut cell = SortedCell::default();
        for _ in 0..input.u32()? {
            let value = Val::decode(input, &spec.types[0])?;
            let count = input.u64()?;
            let ascends = cell.values.is_empty() || *cell.last() < value;
            if !ascends || count == 0 || value == Val::Null {
                return Err(AggError::Corrupt { what: "sorted values" });
            }
            cell.insert(value, count);
        }
        Ok(cell)
    }

    fn heap_bytes(&self) -> usize {
        self.heap
    }
}
