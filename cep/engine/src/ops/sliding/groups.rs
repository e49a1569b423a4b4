//! Group numbers of a chunk's rows.

use arrow_schema::DataType;
use cep_lang::plan::Expr;

use crate::column::Column;
use crate::keys::{KeyEncoder, KeyTable, encode_value};

/// The key of NULL where keys are one text: no text, since it is not UTF-8.
const NULL_TEXT: &[u8] = &[0xff];

/// Groups by GROUP BY keys.
#[derive(Debug)]
pub struct Groups {
    table: KeyTable,
    encoder: KeyEncoder,
    /// The key is one text: its bytes are the key.
    is_text: bool,
    ids: Vec<u32>,
    fresh: Vec<u32>,
    key: Vec<u8>,
}

impl Groups {
    /// No groups of `keys`.
    pub fn new(keys: &[Expr]) -> Self {
        Groups {
            table: KeyTable::new(),
            encoder: KeyEncoder::default(),
            is_text: matches!(keys, [one] if one.data_type == DataType::Utf8),
            ids: Vec::new(),
            fresh: Vec::new(),
            key: Vec::new(),
        }
    }

    /// Number of groups.
    pub fn len(&self) -> usize {
        self.table.len()
    }

    /// Canonical bytes of a group's key.
    pub fn key(&self, group: u32) -> &[u8] {
        self.table.key(group)
    }

    /// The group of a key's canonical bytes.
    pub fn insert(&mut self, key: &[u8]) -> u32 {
        self.table.find_or_insert(key)
    }

    /// No groups any more.
    pub fn clear(&mut self) {
        self.table.clear();
    }

    /// Keeps some groups and renumbers them; returns their old numbers.
    pub fn retain(&mut self, keep: impl FnMut(u32) -> bool) -> Vec<u32> {
        self.table.retain(keep)
    }

    /// Finds the groups of rows `0..rows` of the key columns, making new ones.
    pub fn assign(&mut self, keys: &[&Column], rows: usize) {
        self.ids.clear();
        self.fresh.clear();
        if keys.is_empty() {
            let group = self.table.find_or_insert(&[]);
            self.ids.resize(rows, group);
        } else if !self.is_text || keys[0].valid.is_none() {
            let encoded = self.encoder.encode(keys, 0, rows, self.is_text);
            self.table.find_or_insert_rows(&encoded, &mut self.ids, &mut self.fresh);
        } else {
            for row in 0..rows {
                let key = if keys[0].is_valid(row) { keys[0].bytes_at(row) } else { NULL_TEXT };
                self.ids.push(self.table.find_or_insert(key));
            }
        }
    }

    /// What [`Groups::assign`] found.
    pub fn ids(&self) -> &[u32] {
        &self.ids
    }

    /// The group of one row, or `None` if it were one beyond `groups_max`. Not to be mixed with
    /// [`Groups::assign`], whose keys have another form.
    pub fn assign_one(&mut self, keys: &[&Column], row: usize, groups_max: usize) -> Option<u32> {
        self.key.clear();
        keys.iter().for_each(|column| encode_value(column, row, &mut self.key));
        match self.table.find(&self.key) {
            None if self.table.len() >= groups_max => None,
            None => Some(self.table.find_or_insert(&self.key)),
            found => found,
        }
    }
}
