//! Which rows of a table a row of a stream looks at.

use cep_lang::plan::{Expr, Probe};

use crate::column::Column;
use crate::keys::{KeyEncoder, KeyRows};
use crate::table::{NONE, Table};

/// How candidates are found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// By PRIMARY KEY.
    Key,
    /// By a secondary index.
    Index(usize),
    /// Every row.
    Scan,
}

impl Way {
    /// The way of a probe, and its expressions over the input.
    pub(super) fn of(probe: &Probe) -> (Way, Vec<&Expr>) {
        match probe {
            Probe::Key(exprs) => (Way::Key, exprs.iter().collect()),
            Probe::Index { index, exprs } => (Way::Index(*index), exprs.iter().collect()),
            Probe::Scan => (Way::Scan, Vec::new()),
        }
    }
}

/// Looks rows up.
#[derive(Debug)]
pub(super) struct Lookup {
    pub(super) way: Way,
    encoder: KeyEncoder,
}

/// The keys of a chunk's rows, ready to be looked up.
#[derive(Debug)]
pub(super) struct Keys<'a> {
    rows: Option<KeyRows<'a>>,
    columns: &'a [&'a Column],
    /// No key is NULL.
    dense: bool,
}

impl Lookup {
    pub(super) fn new(way: Way) -> Lookup {
        Lookup { way, encoder: KeyEncoder::default() }
    }

    /// Encodes the keys in `columns`, of `rows` rows.
    pub(super) fn keys<'a>(
        &'a mut self,
        table: &Table,
        columns: &'a [&'a Column],
        rows: usize,
    ) -> (Way, Keys<'a>) {
        let raw = match self.way {
            Way::Key => table.key().is_raw_text(),
            Way::Index(nth) => table.postings(nth).is_raw_text(),
            Way::Scan => return (Way::Scan, Keys { rows: None, columns, dense: true }),
        };
        let dense = columns.iter().all(|column| column.valid.is_none());
        (self.way, Keys { rows: Some(self.encoder.encode(columns, 0, rows, raw)), columns, dense })
    }
}

impl<'a> Keys<'a> {
    /// Whether a column of the key of row `row` is NULL.
    pub(super) fn is_null(&self, row: usize) -> bool {
        !self.dense && self.columns.iter().any(|column| !column.is_valid(row))
    }

    /// The key of row `row`; `None` if one of its columns is NULL, which equals nothing.
    #[inline]
    pub(super) fn get(&self, row: usize) -> Option<&[u8]> {
        if self.is_null(row) {
            return None;
        }
        self.rows.as_ref().map(|rows| rows.get(row))
    }
}

/// Appends the rows of `table` that row `row` looks at and that are seen at `stamp`.
#[inline]
pub(super) fn candidates(
    table: &Table,
    way: Way,
    keys: &Keys<'_>,
    row: usize,
    stamp: i64,
    out: &mut Vec<u32>,
) {
    match way {
        Way::Key => {
            let found = keys.get(row).map_or(NONE, |key| table.key().find(key));
            if found != NONE && (table.keeps_all() || table.sees(found, stamp)) {
                out.push(found);
            }
        }
        Way::Index(nth) => {
            if let Some(key) = keys.get(row) {
                out.extend(table.postings(nth).find(key).iter().copied().filter(|&r| table.sees(r, stamp)));
            }
        }
        Way::Scan => out.extend(table.scan().filter(|&r| table.sees(r, stamp))),
    }
}
