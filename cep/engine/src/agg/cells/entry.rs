//! Values with the place in the order that decides between them.

use std::cmp::Ordering;

use super::{AggError, Reader, RowsFor, StateSpec};
use crate::agg::codec::put_u64;
use crate::agg::value::{Val, sort_key};
use crate::column::Column;

/// One row of an order-sensitive aggregate.
///
/// Rows are ordered by the sort key of the call's ORDER BY (NULL without one), then by event time
/// where the plan orders by it, then by log position, which no two rows share.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    pub key: Val,
    pub ts: i64,
    pub seq: u64,
    pub value: Val,
}

impl Entry {
    /// Order of two rows.
    pub fn compare(&self, other: &Entry, by_ts: bool) -> Ordering {
        self.key
            .cmp(&other.key)
            .then_with(|| if by_ts { self.ts.cmp(&other.ts) } else { Ordering::Equal })
            .then_with(|| self.seq.cmp(&other.seq))
    }

    /// Bytes on the heap.
    pub fn heap_bytes(&self) -> usize {
        self.key.heap_bytes() + self.value.heap_bytes()
    }

    /// Appends sort key, ts `i64`, position `u64`, value.
    pub fn encode(&self, out: &mut Vec<u8>) {
        self.key.encode(out);
        put_u64(out, self.ts as u64);
        put_u64(out, self.seq);
        self.value.encode(out);
    }

    /// Reads what `encode` wrote.
    pub fn decode(spec: &StateSpec, input: &mut Reader) -> Result<Entry, AggError> {
        Ok(Entry {
            key: Val::decode_key(input)?,
            ts: input.i64()?,
            seq: input.u64()?,
            value: Val::decode(input, &spec.types[0])?,
        })
    }
}

/// Reads rows as entries.
pub(super) struct Entries<'a> {
    rows: RowsFor<'a>,
    value: &'a Column,
    nulls: bool,
}

impl<'a> Entries<'a> {
    /// `nulls`: rows with a NULL value count.
    pub fn new(rows: RowsFor<'a>, nulls: bool) -> Self {
        Entries { value: rows.arg(0), rows, nulls }
    }

    /// Calls `each(group, entry)` for every row that counts.
    pub fn each(&self, mut each: impl FnMut(usize, Entry)) {
        let RowsFor { spec, input, .. } = self.rows;
        self.rows.each(|group, row| {
            if !self.nulls && !self.value.is_valid(row) {
                return;
            }
            if spec.order.iter().any(|k| k.skip_null && !input.columns[k.input].is_valid(row)) {
                return;
            }
            each(
                group,
                Entry {
                    key: sort_key(&spec.order, input.columns, row),
                    ts: input.ts[row],
                    seq: input.seq[row],
                    value: Val::payload(self.value, row),
                },
            );
        });
    }
}
