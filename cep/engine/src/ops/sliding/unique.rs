//! UNIQUE: the last row of each key.

use cep_lang::plan::Expr;

use super::KEYS_CODE;
use super::place::{Arrival, Refusal};
use super::rows::{NO_GROUP, WindowRows};
use crate::column::Column;
use crate::keys::{KeyTable, encode_value};

const NO_ROW: u32 = u32::MAX;

/// A row leaves when the next one of its key enters.
#[derive(Debug)]
pub struct Unique {
    keys: Vec<Expr>,
    table: KeyTable,
    /// Row of each key.
    row: Vec<u32>,
    key: Vec<u8>,
    keys_max: usize,
}

impl Unique {
    /// The last row of each value of `keys`, of which there are `keys_max`.
    pub fn new(keys: Vec<Expr>, keys_max: usize) -> Self {
        Unique { keys, table: KeyTable::new(), row: Vec::new(), key: Vec::new(), keys_max }
    }

    /// The keys.
    pub fn exprs(&self) -> &[Expr] {
        &self.keys
    }

    /// Appends the number of the row's key as mark.
    ///
    /// # Errors
    /// If there are too many keys.
    pub fn admit(&mut self, arrival: Arrival<'_>, marks: &mut [Vec<i64>]) -> Result<(), Refusal> {
        self.key.clear();
        arrival.columns.iter().for_each(|c| encode_value(c, arrival.row, &mut self.key));
        let found = self.table.find(&self.key);
        if found.is_none() && self.table.len() >= self.keys_max {
            return Err((
                KEYS_CODE,
                format!("more than {} keys of UNIQUE (state.keys.max); the row was left out", self.keys_max),
            ));
        }
        let key = found.unwrap_or_else(|| self.table.find_or_insert(&self.key));
        self.row.resize(self.table.len(), NO_ROW);
        marks[0].push(i64::from(key));
        Ok(())
    }

    /// The row of the same key leaves for `row`.
    pub fn enter(&mut self, rows: &mut WindowRows, row: u32, leaves: &mut Vec<u32>) {
        let slot = &mut self.row[rows.marks[0][row as usize] as usize];
        let old = std::mem::replace(slot, row);
        if old != NO_ROW {
            rows.leave(old);
            if rows.group[old as usize] != NO_GROUP {
                leaves.push(old);
            }
        }
    }

    /// Rows have new numbers.
    pub fn renumber(&mut self, kept: &[u32]) {
        for row in self.row.iter_mut().filter(|r| **r != NO_ROW) {
            *row = kept.partition_point(|&k| k < *row) as u32;
        }
    }

    /// Numbers the keys of decoded rows.
    pub fn rebuild(&mut self, rows: &mut WindowRows) {
        self.table.clear();
        self.row.clear();
        for row in 0..rows.end() {
            self.key.clear();
            let columns: &[Column] = &rows.extra;
            columns.iter().for_each(|c| encode_value(c, row, &mut self.key));
            let key = self.table.find_or_insert(&self.key);
            self.row.resize(self.table.len(), NO_ROW);
            self.row[key as usize] = row as u32;
            rows.marks[0][row] = i64::from(key);
        }
    }
}
