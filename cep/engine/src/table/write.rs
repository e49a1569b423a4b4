//! Writes: add, replace, remove, within the bounds of the table.

use cep_lang::diag::codes;
use cep_lang::plan::{OnConflict, WhenFull};

use super::{NONE, Store, Table};
use crate::column::{Column, row_text};
use crate::ops::TEXT_BYTES_MAX;

/// What a write did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Written {
    /// The row is there.
    Done,
    /// Nothing has changed.
    LeftOut,
}

/// Why a row cannot be written; nothing has changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// Stable code, `E10xx`.
    pub code: &'static str,
    /// What and why.
    pub message: String,
}

impl Refused {
    fn new(code: &'static str, message: String) -> Refused {
        Refused { code, message }
    }
}

impl Table {
    /// Adds row `row` of `columns`, which are the table's; a key that is there is a conflict.
    ///
    /// # Errors
    /// A conflict that is an error, NULL in the key, no room.
    pub fn insert(
        &mut self,
        columns: &[Column],
        row: usize,
        stamp: i64,
        conflict: OnConflict,
    ) -> Result<Written, Refused> {
        self.expire(stamp);
        self.check_key(columns, row)?;
        self.make_room(columns, row)?;
        let there = self.like(columns, row);
        match conflict {
            _ if there == NONE => self.add(columns, row, stamp, None),
            OnConflict::Error => Err(Refused::new(
                codes::DUPLICATE_KEY,
                format!(
                    "table `{}` has a row with {} already; UPSERT INTO replaces it",
                    self.name,
                    self.key_text(columns, row)
                ),
            )),
            OnConflict::Replace => self.add(columns, row, stamp, Some(there)),
            OnConflict::Ignore => Ok(Written::LeftOut),
        }
    }

    /// Removes the row with the key that row `row` of `columns`, which are the table's, has.
    pub fn remove_like(&mut self, columns: &[Column], row: usize, stamp: i64) {
        self.expire(stamp);
        let there = self.like(columns, row);
        if there != NONE {
            self.remove(there);
        }
    }

    /// Puts row `row` of `columns` in the place of row `old`, which is there and has its key. The numbers
    /// of the other rows stay; call [`Table::tidy`] when they are needed no more.
    pub fn replace(&mut self, columns: &[Column], row: usize, stamp: i64, old: u32) {
        self.remove(old);
        self.push(columns, row, stamp);
    }

    /// Whether all rows of `columns` fit beside what is there.
    ///
    /// # Errors
    /// No room.
    pub fn check_room(&self, columns: &[Column]) -> Result<(), Refused> {
        let more = columns.iter().map(|c| c.text_bytes(0, c.len())).max().unwrap_or(0);
        if more == 0 || self.store.text_bytes() + more <= TEXT_BYTES_MAX {
            Ok(())
        } else {
            Err(self.no_room())
        }
    }

    /// Closes the gaps if they are the most: rows have other numbers then.
    pub fn tidy(&mut self) {
        if self.store.is_sparse() {
            self.compact();
        }
    }

    fn no_room(&self) -> Refused {
        let message = format!("the texts of table `{}` take all the room there is", self.name);
        Refused::new(codes::NO_ROOM, message)
    }

    /// Removes a row that is there. The numbers of the others stay until the next write.
    pub fn remove(&mut self, row: u32) {
        self.store.remove(row);
        if let Some(key) = &mut self.key {
            key.remove(self.store.columns(), row);
        }
        for index in &mut self.indexes {
            index.remove(&self.store, row);
        }
    }

    /// Makes room for the texts of row `row` by closing gaps, if there is any to be had.
    fn make_room(&mut self, columns: &[Column], row: usize) -> Result<(), Refused> {
        let more = columns.iter().map(|c| c.text_bytes(row, row + 1)).max().unwrap_or(0);
        if more == 0 || self.store.text_bytes() + more <= TEXT_BYTES_MAX {
            return Ok(());
        }
        self.compact();
        if self.store.text_bytes() + more <= TEXT_BYTES_MAX { Ok(()) } else { Err(self.no_room()) }
    }

    fn add(
        &mut self,
        columns: &[Column],
        row: usize,
        stamp: i64,
        mut old: Option<u32>,
    ) -> Result<Written, Refused> {
        if old.is_none() && self.store.live() as u64 >= self.rows_max {
            match self.full {
                WhenFull::Reject => {
                    self.counts.rejected += 1;
                    return Ok(Written::LeftOut);
                }
                WhenFull::Fail => {
                    self.counts.rejected += 1;
                    return Err(Refused::new(
                        codes::TABLE_FULL,
                        format!(
                            "table `{}` has {} rows (table.rows.max); the row was left out",
                            self.name, self.rows_max
                        ),
                    ));
                }
                WhenFull::EvictOldest => {
                    old = self.store.oldest();
                    self.counts.evicted += 1;
                }
            }
        }
        // Closing gaps gives rows new numbers: the old one goes first.
        if let Some(old) = old {
            self.remove(old);
        }
        self.tidy();
        self.push(columns, row, stamp);
        Ok(Written::Done)
    }

    fn push(&mut self, columns: &[Column], row: usize, stamp: i64) {
        let new = self.store.push(columns, row, stamp);
        if let Some(key) = &mut self.key {
            key.add(self.store.columns(), new);
        }
        for index in &mut self.indexes {
            index.add(self.store.columns(), new);
        }
    }

    /// Closes the gaps.
    fn compact(&mut self) {
        let rows = self.store.live();
        let (columns, written) = self.store.compacted(&self.types);
        self.store = Store::of(columns, written, rows);
        self.number();
    }

    /// Makes the indexes anew from rows without gaps.
    pub(super) fn number(&mut self) {
        let Table { store, key, indexes, .. } = self;
        if let Some(key) = key {
            key.clear();
            store.range().for_each(|row| key.add(store.columns(), row));
        }
        for index in indexes {
            index.clear();
            store.range().for_each(|row| index.add(store.columns(), row));
        }
    }

    fn like(&mut self, columns: &[Column], row: usize) -> u32 {
        self.key.as_mut().map_or(NONE, |key| key.find_like(columns, row))
    }

    fn check_key(&self, columns: &[Column], row: usize) -> Result<(), Refused> {
        let Some(key) = &self.key else { return Ok(()) };
        match key.columns().iter().find(|&&column| !columns[column].is_valid(row)) {
            None => Ok(()),
            Some(&column) => Err(Refused::new(
                codes::NULL_KEY,
                format!(
                    "`{}` is NULL, and it is in the key of table `{}`",
                    self.schema.field(column).name(),
                    self.name
                ),
            )),
        }
    }

    fn key_text(&self, columns: &[Column], row: usize) -> String {
        let key = self.key.as_ref().map_or(&[][..], |key| key.columns());
        row_text(key.iter().map(|&c| (&self.schema.fields()[c], &columns[c])), row)
    }
}
