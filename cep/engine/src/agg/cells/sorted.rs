//! Sorted values with their counts.

use std::hash::Hasher;

use arrow_array::Array;
use siphasher::sip::SipHasher24;

use super::counts::Counts;
use super::{AggError, Cell, Reader, RowsFor, StateSpec};
use crate::agg::codec::{put_u32, put_u64};
use crate::agg::value::{Val, elements};
use crate::column::Values;

/// Approximate bytes of an entry in the tree, beside the bytes of its value.
const ENTRY_BYTES: usize = size_of::<(Val, u64)>() * 3 / 2;

/// The multiset of values: min and max with removal, and all that counts values. Of several
/// arguments it holds tuples, which sort in no useful order.
#[derive(Debug, Clone, Default)]
pub(crate) struct SortedCell {
    values: Counts,
    heap: usize,
}

impl SortedCell {
    /// Adds `count` times `value`; returns whether it is new.
    pub fn insert(&mut self, value: Val, count: u64) -> bool {
        let bytes = value.heap_bytes();
        let new = self.values.insert(value, count);
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
        let last = self.values.take(value);
        if last {
            self.heap -= ENTRY_BYTES + value.heap_bytes();
        }
        last
    }

    /// Adds a value; returns by how many bytes the heap grew.
    pub fn put(&mut self, value: Val) -> isize {
        let before = self.heap as isize;
        self.insert(value, 1);
        self.heap as isize - before
    }

    /// Removes a value that was added; returns by how many bytes the heap grew.
    pub fn withdraw(&mut self, value: &Val) -> isize {
        let before = self.heap as isize;
        self.take(value);
        self.heap as isize - before
    }

    /// Smallest value; NULL over nothing.
    pub fn first(&self) -> &Val {
        self.values.first().unwrap_or(&Val::Null)
    }

    /// Largest value; NULL over nothing.
    pub fn last(&self) -> &Val {
        self.values.last().unwrap_or(&Val::Null)
    }

    /// Number of distinct values.
    pub fn distinct(&self) -> u64 {
        self.values.len() as u64
    }

    /// The distinct values, ascending, and their counts.
    pub fn values(&self) -> impl DoubleEndedIterator<Item = (&Val, u64)> {
        self.values.iter()
    }

    /// The most frequent value, the smallest of several; NULL over nothing.
    pub fn mode(&self) -> &Val {
        let mut best: (&Val, u64) = (&Val::Null, 0);
        for (value, count) in self.values() {
            if count > best.1 {
                best = (value, count);
            }
        }
        best.0
    }

    /// The `k` most frequent values with their counts: by count, then by [`key_hash`], then by
    /// value.
    pub fn top(&self, k: usize) -> Vec<(&Val, u64)> {
        let mut ranked: Vec<_> = self.values().map(|(v, n)| (std::cmp::Reverse(n), key_hash(v), v)).collect();
        if k < ranked.len() && k > 0 {
            ranked.select_nth_unstable(k - 1);
        }
        ranked.truncate(k);
        ranked.sort_unstable();
        ranked.into_iter().map(|(n, _, v)| (v, n.0)).collect()
    }

    /// Calls `each(group, value)` for every value of every row that counts.
    fn each(rows: RowsFor, mut each: impl FnMut(usize, Val)) {
        let spec = rows.spec;
        if spec.args.len() != 1 {
            return rows.each(|group, row| {
                if let Some(key) = tuple(&rows, row) {
                    each(group, key);
                }
            });
        }
        let column = rows.arg(0);
        match &column.values {
            Values::Any(array) if spec.elements => rows.each(|group, row| {
                if array.is_valid(row) {
                    elements(array, row).into_iter().for_each(|value| each(group, value));
                }
            }),
            _ => rows.each(|group, row| {
                let value = Val::key(column, row);
                if spec.nulls || value != Val::Null {
                    each(group, value);
                }
            }),
        }
    }
}

/// Hash of a value for choosing between equals: SipHash-2-4, key 0, of its encoding.
pub(crate) fn key_hash(value: &Val) -> u64 {
    let mut bytes = Vec::with_capacity(16 + value.heap_bytes());
    value.encode(&mut bytes);
    let mut hasher = SipHasher24::new();
    hasher.write(&bytes);
    hasher.finish()
}

/// The arguments of a row as one key; `None` if one is NULL.
pub(super) fn tuple(rows: &RowsFor, row: usize) -> Option<Val> {
    let args = rows.spec.args.len();
    if args == 1 {
        let value = Val::key(rows.arg(0), row);
        return (value != Val::Null).then_some(value);
    }
    let mut bytes = Vec::new();
    for i in 0..args {
        match Val::key(rows.arg(i), row) {
            Val::Null => return None,
            value => value.encode(&mut bytes),
        }
    }
    Some(Val::Bytes(bytes.into()))
}

/// Appends the arguments in a [`tuple`] to columns of their types.
pub(super) fn push_tuple(key: &Val, spec: &StateSpec, out: &mut [Vec<Val>]) {
    match key {
        Val::Bytes(bytes) if spec.args.len() != 1 => {
            let mut input = Reader::new(bytes);
            for (column, data_type) in out.iter_mut().zip(&spec.types) {
                column.push(Val::decode(&mut input, data_type).expect("checked when it was made"));
            }
        }
        value => out[0].push(value.clone()),
    }
}

/// Reads a key of `spec`.
fn decode_key(spec: &StateSpec, input: &mut Reader) -> Result<Val, AggError> {
    if spec.args.len() == 1 {
        return Val::decode(input, spec.item_type());
    }
    let key = Val::decode_key(input)?;
    let Val::Bytes(bytes) = &key else { return Err(AggError::Corrupt { what: "a tuple" }) };
    let mut inner = Reader::new(bytes);
    for data_type in &spec.types {
        if Val::decode(&mut inner, data_type)? == Val::Null {
            return Err(AggError::Corrupt { what: "a tuple" });
        }
    }
    if inner.rest().is_empty() { Ok(key) } else { Err(AggError::Corrupt { what: "a tuple" }) }
}

impl Cell for SortedCell {
    fn add(cells: &mut [Self], rows: RowsFor, heap: &mut isize) {
        Self::each(rows, |group, value| {
            *heap += cells[group].put(value);
        });
    }

    fn remove(cells: &mut [Self], rows: RowsFor, heap: &mut isize) {
        Self::each(rows, |group, value| {
            *heap += cells[group].withdraw(&value);
        });
    }

    fn merge(&mut self, other: &Self, _: &StateSpec) {
        for (value, count) in other.values() {
            self.insert(value.clone(), count);
        }
    }

    /// Number of distinct values `u32`, then each with its count `u64`, ascending.
    fn encode(&self, _: &StateSpec, out: &mut Vec<u8>) {
        put_u32(out, self.values.len() as u32);
        for (value, count) in self.values() {
            value.encode(out);
            put_u64(out, count);
        }
    }

    fn decode(spec: &StateSpec, input: &mut Reader) -> Result<Self, AggError> {
        let mut cell = SortedCell::default();
        for _ in 0..input.u32()? {
            let value = decode_key(spec, input)?;
            let count = input.u64()?;
            let ascends = cell.values.len() == 0 || *cell.last() < value;
            if !ascends || count == 0 || (value == Val::Null && !spec.nulls) {
                return Err(AggError::Corrupt { what: "sorted values" });
            }
            cell.insert(value, count);
        }
        Ok(cell)
    }

    fn clear(&mut self) {
        self.values.clear();
        self.heap = 0;
    }

    fn heap_bytes(&self) -> usize {
        self.heap
    }
}
