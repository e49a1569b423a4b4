//! Pairs of a stream's row and a table's row, and expressions over both.

use cep_lang::plan::{Expr, ExprKind};

use crate::chunk::{Chunk, step_row};
use crate::column::Column;
use crate::expr::{Compiled, Input, RowErrors};
use crate::table::{NONE, Table};

/// Pairs that are tested at once, about.
pub(super) const PAIRS: usize = 4096;

/// Pairs in the order of the stream's rows, then of the table's.
#[derive(Debug, Default)]
pub(super) struct Pairs {
    /// Rows of the input chunk.
    pub(super) left: Vec<u32>,
    /// Rows of the table.
    pub(super) right: Vec<u32>,
}

impl Pairs {
    pub(super) fn clear(&mut self) {
        self.left.clear();
        self.right.clear();
    }

    pub(super) fn len(&self) -> usize {
        self.left.len()
    }
}

/// Columns of pairs, for expressions over the input's columns, then the table's.
#[derive(Debug)]
pub(super) struct PairColumns {
    columns: Vec<Column>,
    /// Which of them some expression reads.
    used: Vec<bool>,
    needs_stamp: bool,
    stamp: Vec<i64>,
    time: Vec<i64>,
}

impl PairColumns {
    /// For `exprs` over `width` columns of the input and then those of a table.
    pub(super) fn new<'a>(exprs: impl Iterator<Item = &'a Expr>, kinds: Vec<Column>) -> PairColumns {
        let mut used = vec![false; kinds.len()];
        let mut needs_stamp = false;
        for expr in exprs {
            expr.walk(&mut |part| match part.kind {
                ExprKind::Column(index) => used[index] = true,
                ExprKind::Stamp => needs_stamp = true,
                _ => {}
            });
        }
        PairColumns { columns: kinds, used, needs_stamp, stamp: Vec::new(), time: Vec::new() }
    }

    /// Takes in what the expressions read of `pairs`.
    pub(super) fn load(&mut self, input: &Chunk, table: &Table, pairs: &Pairs, stamps: &[i64]) {
        let width = input.columns.len();
        for (at, column) in self.columns.iter_mut().enumerate().filter(|(at, _)| self.used[*at]) {
            match at.checked_sub(width) {
                None => column.gather_from(&input.columns[at], &pairs.left),
                Some(at) => column.gather_from(&table.columns()[at], &pairs.right),
            }
        }
        self.time.clear();
        self.time.extend(pairs.left.iter().map(|&row| input.time[row as usize]));
        self.stamp.clear();
        if self.needs_stamp {
            self.stamp.extend(pairs.left.iter().map(|&row| stamps[step_row(input.pos[row as usize])]));
        }
    }

    /// The pairs as the input of an expression.
    pub(super) fn input(&self) -> Input<'_> {
        Input { columns: &self.columns, rows: self.time.len(), stamp: &self.stamp, event_time: &self.time }
    }
}

/// Which of the loaded pairs satisfy `condition`; those in error are in `errors`.
pub(super) fn passing(
    condition: &mut Compiled,
    columns: &PairColumns,
    errors: &mut RowErrors,
    out: &mut Vec<u32>,
) {
    condition.eval_predicate(&columns.input(), errors, out);
}

/// Appends rows of `source`, or NULL for [`NONE`].
pub(super) fn gather_or_null(out: &mut Column, source: &Column, rows: &[u32]) {
    for run in rows.chunk_by(|a, b| (*a == NONE) == (*b == NONE)) {
        if run[0] == NONE {
            run.iter().for_each(|_| out.append_null());
        } else {
            out.append_gather(source, run);
        }
    }
}
