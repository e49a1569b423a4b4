//! Rows of a table by the canonical bytes of some of its columns.

use arrow_schema::Schema;

use super::store::Store;
use crate::column::{Column, Values};
use crate::keys::{KeyTable, encode_value};

/// No row.
pub const NONE: u32 = u32::MAX;
/// Entries of a list at least before those of gaps are taken out.
const DEAD_MIN: u32 = 16;

/// Which columns make a key, and how it is encoded.
#[derive(Debug)]
pub(super) struct KeyColumns {
    columns: Vec<usize>,
    /// The key is one text column without NULLs, taken as it is.
    raw_text: bool,
}

impl KeyColumns {
    fn new(columns: Vec<usize>, schema: &Schema) -> Self {
        let is_raw = |&column: &usize| {
            let field = schema.field(column);
            !field.is_nullable() && matches!(Column::new(field.data_type()).values, Values::Bytes { .. })
        };
        let raw_text = columns.len() == 1 && columns.iter().all(is_raw);
        KeyColumns { columns, raw_text }
    }

    /// The key of row `row`.
    fn put(&self, columns: &[Column], row: usize, out: &mut Vec<u8>) {
        out.clear();
        if self.raw_text {
            return out.extend_from_slice(columns[self.columns[0]].bytes_at(row));
        }
        self.columns.iter().for_each(|&c| encode_value(&columns[c], row, out));
    }
}

/// At most one row a key.
#[derive(Debug)]
pub struct Unique {
    of: KeyColumns,
    keys: KeyTable,
    /// Per key: its row, or [`NONE`].
    rows: Vec<u32>,
    scratch: Vec<u8>,
}

impl Unique {
    pub(super) fn new(columns: Vec<usize>, schema: &Schema) -> Self {
        let of = KeyColumns::new(columns, schema);
        Unique { of, keys: KeyTable::new(), rows: Vec::new(), scratch: Vec::new() }
    }

    /// Its columns.
    pub fn columns(&self) -> &[usize] {
        &self.of.columns
    }

    /// Whether keys are one text, as it is.
    pub fn is_raw_text(&self) -> bool {
        self.of.raw_text
    }

    /// The row of a key, or [`NONE`].
    #[inline]
    pub fn find(&self, key: &[u8]) -> u32 {
        self.keys.find(key).map_or(NONE, |group| self.rows[group as usize])
    }

    /// The row with the key that row `row` of `columns`, which are the table's, has; or [`NONE`].
    pub(super) fn find_like(&mut self, columns: &[Column], row: usize) -> u32 {
        self.of.put(columns, row, &mut self.scratch);
        self.find(&self.scratch)
    }

    pub(super) fn add(&mut self, columns: &[Column], row: u32) {
        self.of.put(columns, row as usize, &mut self.scratch);
        let group = self.keys.find_or_insert(&self.scratch) as usize;
        if group == self.rows.len() {
            self.rows.push(row);
        } else {
            self.rows[group] = row;
        }
    }

    pub(super) fn remove(&mut self, columns: &[Column], row: u32) {
        self.of.put(columns, row as usize, &mut self.scratch);
        if let Some(group) = self.keys.find(&self.scratch) {
            self.rows[group as usize] = NONE;
        }
    }

    pub(super) fn clear(&mut self) {
        self.keys.clear();
        self.rows.clear();
    }
}

/// Rows by key, in their order.
#[derive(Debug)]
pub struct Postings {
    of: KeyColumns,
    keys: KeyTable,
    lists: Vec<List>,
    scratch: Vec<u8>,
}

#[derive(Debug, Default)]
struct List {
    /// Ascending; some may be gaps.
    rows: Vec<u32>,
    dead: u32,
}

impl Postings {
    pub(super) fn new(columns: Vec<usize>, schema: &Schema) -> Self {
        let of = KeyColumns::new(columns, schema);
        Postings { of, keys: KeyTable::new(), lists: Vec::new(), scratch: Vec::new() }
    }

    /// Its columns.
    pub fn columns(&self) -> &[usize] {
        &self.of.columns
    }

    /// Whether keys are one text, as it is.
    pub fn is_raw_text(&self) -> bool {
        self.of.raw_text
    }

    /// The rows of a key in their order; some may not be there any more.
    #[inline]
    pub fn find(&self, key: &[u8]) -> &[u32] {
        self.keys.find(key).map_or(&[], |group| &self.lists[group as usize].rows)
    }

    pub(super) fn add(&mut self, columns: &[Column], row: u32) {
        self.of.put(columns, row as usize, &mut self.scratch);
        let group = self.keys.find_or_insert(&self.scratch) as usize;
        if group == self.lists.len() {
            self.lists.push(List::default());
        }
        self.lists[group].rows.push(row);
    }

    /// Row `row`, still in the store, goes; it is a gap already.
    pub(super) fn remove(&mut self, store: &Store, row: u32) {
        self.of.put(store.columns(), row as usize, &mut self.scratch);
        let Some(group) = self.keys.find(&self.scratch) else { return };
        let list = &mut self.lists[group as usize];
        list.dead += 1;
        if list.dead as usize == list.rows.len() {
            *list = List::default();
        } else if list.dead > DEAD_MIN && list.dead as usize * 2 > list.rows.len() {
            list.rows.retain(|&row| store.is_live(row));
            list.dead = 0;
        }
    }

    pub(super) fn clear(&mut self) {
        self.keys.clear();
        self.lists.clear();
    }
}
