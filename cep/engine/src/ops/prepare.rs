//! The common front of stateful operators: filter rows, evaluate keys and arguments, leave out
//! rows in error.
//!
//! After [`Prepare::run`] all rows are compact: row `i` of every column, time and position belongs
//! to the i-th row let in.

use cep_lang::plan::{Expr, ExprKind};

use super::{OpContext, OpError};
use crate::chunk::{Chunk, step_row};
use crate::column::Column;
use crate::expr::{Compiled, ExprError, Input, RowErrors, Rows};

/// Filter and expressions of an operator, with scratch.
#[derive(Debug)]
pub struct Prepare {
    filter: Option<Compiled>,
    exprs: Vec<Compiled>,
    needs_stamp: bool,
    state: Picked,
}

#[derive(Debug, Default)]
struct Picked {
    rows: Vec<u32>,
    /// Every row of the chunk was let in.
    all: bool,
    errors: RowErrors,
    /// Rows in error, in the order they were reported.
    failed: Vec<u32>,
    stamps: Vec<i64>,
    time: Vec<i64>,
    pos: Vec<u32>,
}

impl Prepare {
    /// Compiles a filter and expressions over the operator's input.
    ///
    /// # Errors
    /// If an expression cannot be evaluated.
    pub fn new(filter: Option<&Expr>, exprs: &[&Expr]) -> Result<Self, ExprError> {
        let uses_stamp = |e: &Expr| {
            let mut found = false;
            e.walk(&mut |e| found |= matches!(e.kind, ExprKind::Stamp));
            found
        };
        Ok(Prepare {
            needs_stamp: filter.is_some_and(uses_stamp) || exprs.iter().any(|e| uses_stamp(e)),
            filter: filter.map(Compiled::new).transpose()?,
            exprs: exprs.iter().map(|e| Compiled::new(e)).collect::<Result<_, _>>()?,
            state: Picked::default(),
        })
    }

    /// Evaluates everything for a chunk; rows in error are reported once and left out.
    pub fn run(&mut self, input: &Chunk, cx: &mut OpContext<'_>) {
        let state = &mut self.state;
        state.stamps.clear();
        if self.needs_stamp {
            state.stamps.extend(input.pos.iter().map(|&p| cx.time.stamps[step_row(p)]));
        }
        state.errors.clear();
        state.all = self.filter.is_none();
        let source = Input {
            columns: &input.columns,
            rows: input.rows(),
            stamp: &state.stamps,
            event_time: &input.time,
        };
        if let Some(filter) = &mut self.filter {
            filter.eval_predicate(&source, &mut state.errors, &mut state.rows);
            state.all = state.rows.len() == input.rows();
        }
        let before = state.errors.len();
        for expr in &mut self.exprs {
            let rows = if state.all { Rows::All } else { Rows::Some(&state.rows) };
            expr.eval(&source, rows, &mut state.errors);
        }
        if state.errors.len() > before {
            // Rare: evaluate again without the rows in error.
            if state.all {
                state.rows.clear();
                state.rows.extend(0..input.rows() as u32);
                state.all = false;
            }
            state.errors.remove_from(&mut state.rows);
            let mut again = RowErrors::new();
            for expr in &mut self.exprs {
                expr.eval(&source, Rows::Some(&state.rows), &mut again);
            }
        }
        state.failed.clear();
        if !state.errors.is_empty() {
            state.failed.extend(state.errors.settle().iter().map(|failed| failed.row));
            report(&mut state.errors, &input.pos, cx.errors);
        }
        if !state.all {
            state.time.clear();
            state.pos.clear();
            state.time.extend(state.rows.iter().map(|&r| input.time[r as usize]));
            state.pos.extend(state.rows.iter().map(|&r| input.pos[r as usize]));
        }
    }

    /// Number of expressions.
    pub fn expr_count(&self) -> usize {
        self.exprs.len()
    }

    /// Number of rows let in.
    pub fn rows(&self, input: &Chunk) -> usize {
        if self.state.all { input.rows() } else { self.state.rows.len() }
    }

    /// Rows of the chunk in error, ascending: one for each error reported.
    pub fn failed(&self) -> &[u32] {
        &self.state.failed
    }

    /// Row of the chunk behind row `row`.
    pub fn original(&self, row: usize) -> u32 {
        if self.state.all { row as u32 } else { self.state.rows[row] }
    }

    /// The row made of row `row` of the chunk; `None` if it was not let in.
    pub fn prepared(&self, row: usize) -> Option<usize> {
        if self.state.all { Some(row) } else { self.state.rows.binary_search(&(row as u32)).ok() }
    }

    /// Rows of the chunk that were let in; `None`: all.
    pub fn picked(&self) -> Option<&[u32]> {
        (!self.state.all).then_some(&self.state.rows)
    }

    /// Event time of each row.
    pub fn time<'a>(&'a self, input: &'a Chunk) -> &'a [i64] {
        if self.state.all { &input.time } else { &self.state.time }
    }

    /// Position of each row.
    pub fn pos<'a>(&'a self, input: &'a Chunk) -> &'a [u32] {
        if self.state.all { &input.pos } else { &self.state.pos }
    }

    /// Result of the expressions `range`, in order.
    pub fn columns<'a>(
        &'a self,
        input: &'a Chunk,
        range: std::ops::Range<usize>,
    ) -> smallvec::SmallVec<[&'a Column; 16]> {
        self.exprs[range].iter().map(|e| e.result(&input.columns, self.state.all)).collect()
    }
}

/// Moves errors of rows to errors at positions.
pub(super) fn report(errors: &mut RowErrors, pos: &[u32], out: &mut Vec<OpError>) {
    for failed in errors.settle() {
        out.push(OpError {
            pos: pos[failed.row as usize],
            code: failed.failure.kind.code(),
            message: failed.failure.message.clone(),
        });
    }
    errors.clear();
}
