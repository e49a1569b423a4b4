//! The first or last row, without removal.

use std::cmp::Ordering;

use super::entry::{Entries, Entry};
use super::{AggError, Cell, Reader, RowsFor, StateSpec};
use crate::agg::value::Val;

/// The first row in order, or with `LAST` the last.
#[derive(Debug, Clone, Default)]
pub(crate) struct EdgeCell<const LAST: bool> {
    entry: Option<Entry>,
}

impl<const LAST: bool> EdgeCell<LAST> {
    fn see(&mut self, entry: Entry, by_ts: bool) {
        let wins = match &self.entry {
            None => true,
            Some(old) => entry.compare(old, by_ts) == if LAST { Ordering::Greater } else { Ordering::Less },
        };
        if wins {
            self.entry = Some(entry);
        }
    }

    /// Its value; NULL over nothing.
    pub fn value(&self) -> &Val {
        self.entry.as_ref().map_or(&Val::Null, |e| &e.value)
    }
}

impl<const LAST: bool> Cell for EdgeCell<LAST> {
    fn add(cells: &mut [Self], rows: RowsFor, heap: &mut isize) {
        Entries::new(rows, rows.spec.nulls).each(|group, entry| {
            let cell = &mut cells[group];
            *heap -= cell.heap_bytes() as isize;
            cell.see(entry, rows.spec.by_ts);
            *heap += cell.heap_bytes() as isize;
        });
    }

    fn remove(_: &mut [Self], _: RowsFor, _: &mut isize) {
        unreachable!("the plan keeps all rows in order where rows are removed");
    }

    fn merge(&mut self, other: &Self, spec: &StateSpec) {
        if let Some(entry) = &other.entry {
            self.see(entry.clone(), spec.by_ts);
        }
    }

    /// Present `u8`, then the entry.
    fn encode(&self, _: &StateSpec, out: &mut Vec<u8>) {
        out.push(u8::from(self.entry.is_some()));
        if let Some(entry) = &self.entry {
            entry.encode(out);
        }
    }

    fn decode(spec: &StateSpec, input: &mut Reader) -> Result<Self, AggError> {
        let entry = if input.flag()? { Some(Entry::decode(spec, input)?) } else { None };
        Ok(EdgeCell { entry })
    }

    fn heap_bytes(&self) -> usize {
        self.entry.as_ref().map_or(0, Entry::heap_bytes)
    }
}
