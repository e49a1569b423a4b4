//! What an expression reads.

use crate::column::Column;

/// One chunk. All slices have `rows` entries.
#[derive(Debug, Clone, Copy)]
pub struct Input<'a> {
    /// The columns, in schema order; of the physical kind that [`Column::new`] gives the
    /// column's type.
    pub columns: &'a [Column],
    /// Number of rows.
    pub rows: usize,
    /// Stamp of each row in ns UTC: `now()` (R-DET-2).
    pub stamp: &'a [i64],
    /// Event time of each row in ns UTC: `event_time()`.
    pub event_time: &'a [i64],
}

/// Which rows of a chunk to evaluate.
#[derive(Debug, Clone, Copy)]
pub enum Rows<'a> {
    /// All of them.
    All,
    /// These, ascending, each at most once. The result has one row for each, in this order.
    Some(&'a [u32]),
}

impl Rows<'_> {
    /// How many rows that is in a chunk of `rows`.
    pub fn count(&self, rows: usize) -> usize {
        match self {
            Rows::All => rows,
            Rows::Some(list) => list.len(),
        }
    }

    /// Row of the chunk behind position `at` of the selection.
    pub(super) fn original(&self, at: usize) -> u32 {
        match self {
            Rows::All => at as u32,
            Rows::Some(list) => list[at],
        }
    }
}
