//! Rows that go into states.

use crate::column::{Column, Values};

/// Which rows of the columns are meant, parallel to the group ids.
#[derive(Debug, Clone, Copy)]
pub enum Rows<'a> {
    /// Row `start + i` for the i-th group id.
    From(usize),
    /// Row `rows[i]`.
    Pick(&'a [u32]),
}

impl Rows<'_> {
    /// The row of the i-th group id.
    #[inline(always)]
    pub fn at(&self, i: usize) -> usize {
        match self {
            Rows::From(start) => start + i,
            Rows::Pick(rows) => rows[i] as usize,
        }
    }
}

/// Rows to add to or remove from the states of a query.
#[derive(Debug, Clone, Copy)]
pub struct AggInput<'a> {
    /// One column per expression of `AggPlan::inputs`, all of one length.
    pub columns: &'a [&'a Column],
    /// The rows.
    pub rows: Rows<'a>,
    /// Event time (ns) per row number; may be empty unless `AggPlan::needs_order`.
    pub ts: &'a [i64],
    /// Position in the log per row number, unique; may be empty unless `AggPlan::needs_order`.
    pub seq: &'a [u64],
}

/// Masks a row must pass: FILTER and the validity of arguments.
#[derive(Clone, Copy)]
pub(super) struct Pass<'a> {
    masks: [&'a [bool]; 4],
    len: usize,
}

impl<'a> Pass<'a> {
    /// Rows where `filter` is TRUE and every one of at most two `args` is valid; an Arrow column
    /// is not looked at.
    pub fn new(filter: Option<&'a Column>, args: &[&'a Column]) -> Self {
        let mut pass = Pass { masks: [&[]; 4], len: 0 };
        if let Some(column) = filter {
            if let Values::Bool(v) = &column.values {
                pass.push(v);
            }
            if let Some(valid) = &column.valid {
                pass.push(valid);
            }
        }
        for column in args {
            if let Some(valid) = &column.valid {
                pass.push(valid);
            }
        }
        pass
    }

    fn push(&mut self, mask: &'a [bool]) {
        self.masks[self.len] = mask;
        self.len += 1;
    }

    /// Whether row `row` passes.
    #[inline(always)]
    pub fn allows(&self, row: usize) -> bool {
        self.masks[..self.len].iter().all(|mask| mask[row])
    }

    /// Calls `each(group, row)` for every row that passes, in order.
    #[inline(always)]
    pub fn each(&self, groups: &[u32], rows: Rows, mut each: impl FnMut(usize, usize)) {
        match rows {
            Rows::From(start) if self.len == 0 => {
                for (i, &group) in groups.iter().enumerate() {
                    each(group as usize, start + i);
                }
            }
            Rows::From(start) => {
                for (i, &group) in groups.iter().enumerate() {
                    if self.allows(start + i) {
                        each(group as usize, start + i);
                    }
                }
            }
            Rows::Pick(rows) => {
                for (&group, &row) in groups.iter().zip(rows) {
                    if self.allows(row as usize) {
                        each(group as usize, row as usize);
                    }
                }
            }
        }
    }
}
