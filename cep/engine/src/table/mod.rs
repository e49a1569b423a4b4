//! Tables: rows that streams write and queries look up.
//!
//! `store` the rows · `index` rows by key · `write` what a write may do · `codec` checkpoints.
//!
//! Invariants:
//! - A row that is written again moves to the end: the order of the rows is the order of their last
//!   writes. What is oldest (eviction, TTL) is therefore in front, and scans have one order.
//! - The order and the content are a function of the writes; when room is reclaimed is not seen.
//! - A row older than the TTL is not seen by a reader whose stamp is past it, whether it has been
//!   removed yet or not.
//! - Nobody reads a table in a step in which somebody else writes it, unless the step has one row
//!   (see `graph::build`).

mod codec;
mod index;
mod store;
mod write;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use arrow_schema::{DataType, SchemaRef};
use cep_lang::plan::{self, WhenFull};

use crate::column::Column;
use index::{Postings, Unique};
use store::Store;

pub use index::NONE;
pub use write::{Refused, Written};

/// A table with its rows.
#[derive(Debug)]
pub struct Table {
    name: Arc<str>,
    schema: SchemaRef,
    types: Vec<DataType>,
    rows_max: u64,
    full: WhenFull,
    ttl_ns: Option<i64>,
    store: Store,
    key: Option<Unique>,
    indexes: Vec<Postings>,
    counts: TableCounts,
    /// The first stamp has been seen.
    has_begun: bool,
}

/// What happened to rows of a table since it was made.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TableCounts {
    /// Left out because the table was full.
    pub rejected: u64,
    /// Removed to make room for others.
    pub evicted: u64,
    /// Removed because they were older than the TTL.
    pub expired: u64,
}

impl Table {
    /// The table of a plan with the rows it begins with.
    ///
    /// # Errors
    /// A row of VALUES that cannot be written, with the reason for the user.
    pub fn new(plan: &plan::Table) -> Result<Table, String> {
        let types: Vec<DataType> = plan.schema.fields().iter().map(|f| f.data_type().clone()).collect();
        let mut table = Table {
            name: plan.name.as_str().into(),
            schema: plan.schema.clone(),
            rows_max: plan.rows_max,
            full: plan.full,
            ttl_ns: plan.ttl_ns,
            store: Store::new(&types, plan.ttl_ns.is_some()),
            key: (!plan.key.is_empty()).then(|| Unique::new(plan.key.clone(), &plan.schema)),
            indexes: plan.indexes.iter().map(|c| Postings::new(c.clone(), &plan.schema)).collect(),
            counts: TableCounts::default(),
            has_begun: false,
            types,
        };
        for (conflict, batch) in &plan.rows {
            let columns: Vec<Column> = batch.columns().iter().map(Column::from_arrow).collect();
            for row in 0..batch.num_rows() {
                table
                    .insert(&columns, row, i64::MIN, *conflict)
                    .map_err(|refused| format!("a row of VALUES cannot be written: {}", refused.message))?;
            }
        }
        Ok(table)
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its columns.
    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// How many rows it has, among them those past the TTL that nobody sees any more.
    pub fn len(&self) -> usize {
        self.store.live()
    }

    /// Whether it has no rows.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What happened to its rows.
    pub fn counts(&self) -> TableCounts {
        self.counts
    }

    /// The columns that row numbers point into.
    pub fn columns(&self) -> &[Column] {
        self.store.columns()
    }

    /// Whether a reader at `stamp` sees row `row`.
    #[inline]
    pub fn sees(&self, row: u32, stamp: i64) -> bool {
        self.store.is_live(row) && !self.store.is_past(row, stamp, self.ttl_ns)
    }

    /// Whether every row that is there is seen.
    pub fn keeps_all(&self) -> bool {
        self.ttl_ns.is_none()
    }

    /// The rows in their order, some of which may not be seen ([`Table::sees`]).
    pub fn scan(&self) -> std::ops::Range<u32> {
        self.store.range()
    }

    /// The row that was written last.
    pub fn newest(&self) -> Option<u32> {
        self.store.range().rev().find(|&row| self.store.is_live(row))
    }

    /// The index of the PRIMARY KEY.
    ///
    /// # Panics
    /// If there is none.
    pub fn key(&self) -> &Unique {
        self.key.as_ref().expect("the plan probes by a key that is there")
    }

    /// The nth secondary index.
    ///
    /// # Panics
    /// If there is none.
    pub fn postings(&self, nth: usize) -> &Postings {
        &self.indexes[nth]
    }

    /// Time begins: rows of VALUES are as old as the first stamp. Call before the first step.
    pub fn begin(&mut self, stamp: i64) {
        if !self.has_begun {
            self.has_begun = true;
            self.store.begin(stamp);
        }
    }

    /// Removes the rows that are past the TTL at `stamp`.
    pub fn expire(&mut self, stamp: i64) {
        let Some(ttl) = self.ttl_ns else { return };
        while let Some(first) = self.store.oldest()
            && self.store.is_past(first, stamp, Some(ttl))
        {
            self.remove(first);
            self.counts.expired += 1;
        }
    }
}
