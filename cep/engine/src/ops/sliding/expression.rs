//! EXPRESSION: the oldest rows leave while a condition over the window is not TRUE.

use std::sync::Arc;

use arrow_schema::DataType;
use cep_lang::plan::{Expr, ExprKind, WindowCondition};

use super::rows::{NO_GROUP, WindowRows};
use crate::agg::{AggInput, AggOptions, AggPlan, AggSet, Order, Rows};
use crate::column::Column;
use crate::expr::{Compiled, Input, RowErrors};

/// A condition over aggregates, the first and the last row. A condition that fails (a division by
/// zero) is not TRUE; the row that enters never leaves for itself.
#[derive(Debug)]
pub struct Expression {
    plan: Arc<AggPlan>,
    set: AggSet,
    test: Compiled,
    /// Columns of the input that the condition reads.
    inputs: Vec<usize>,
    /// Columns of the condition that come from a row: index there, index in `inputs`, of the last
    /// row instead of the first.
    reads: Vec<(usize, usize, bool)>,
    /// One row: aggregates, first row, last row; columns nobody reads stay empty.
    values: Vec<Column>,
}

impl Expression {
    /// Compiles a condition over rows of columns `types`.
    ///
    /// # Errors
    /// The reason why it cannot be computed, for the user.
    pub fn new(condition: &WindowCondition, types: &[DataType]) -> Result<Self, String> {
        let options = AggOptions { removal: true, order: Order::Arrival, merged: false };
        let plan = Arc::new(AggPlan::new(&condition.calls, options).map_err(|e| e.to_string())?);
        let calls = plan.calls();
        let mut inputs: Vec<usize> = Vec::new();
        let mut reads: Vec<(usize, usize, bool)> = Vec::new();
        condition.test.walk(&mut |e| {
            if let ExprKind::Column(index) = e.kind
                && index >= calls
                && !reads.iter().any(|r| r.0 == index)
            {
                let column = (index - calls) % types.len();
                let at = inputs.iter().position(|&i| i == column).unwrap_or_else(|| {
                    inputs.push(column);
                    inputs.len() - 1
                });
                reads.push((index, at, index - calls >= types.len()));
            }
        });
        let mut set = AggSet::new(Arc::clone(&plan));
        set.resize(1);
        Ok(Expression {
            test: Compiled::new(&condition.test).map_err(|e| e.to_string())?,
            values: plan.result_types().chain(types).chain(types).map(Column::new).collect(),
            plan,
            set,
            inputs,
            reads,
        })
    }

    /// Arguments of the aggregates.
    pub fn exprs(&self) -> &[Expr] {
        self.plan.inputs()
    }

    /// Columns of the input to keep.
    pub fn inputs(&self) -> &[usize] {
        &self.inputs
    }

    /// Whether aggregates need the order of rows.
    pub fn needs_order(&self) -> bool {
        self.plan.needs_order()
    }

    /// Rows leave for `row`.
    pub fn enter(&mut self, rows: &mut WindowRows, row: u32, leaves: &mut Vec<u32>) {
        self.update(rows, row as usize, row as usize + 1);
        while rows.front < row as usize && !self.holds(rows, row as usize) {
            let old = rows.leave_first();
            if rows.group[old as usize] != NO_GROUP {
                leaves.push(old);
            }
            if self.plan.is_removable() {
                let args = &rows.extra[..self.plan.inputs().len()];
                let columns: Vec<&Column> = args.iter().collect();
                let input = AggInput {
                    columns: &columns,
                    rows: Rows::From(old as usize),
                    ts: &rows.time,
                    seq: &rows.seq,
                };
                self.set.remove(&[0], &input);
            } else {
                self.set.forget(0);
                self.update(rows, rows.front, row as usize + 1);
            }
        }
    }

    fn update(&mut self, rows: &WindowRows, from: usize, to: usize) {
        let args = &rows.extra[..self.plan.inputs().len()];
        let columns: Vec<&Column> = args.iter().collect();
        let input = AggInput { columns: &columns, rows: Rows::From(from), ts: &rows.time, seq: &rows.seq };
        self.set.update(&vec![0; to - from], &input);
    }

    /// Whether the condition is TRUE for the window up to row `last`.
    fn holds(&mut self, rows: &WindowRows, last: usize) -> bool {
        self.values.iter_mut().for_each(Column::clear);
        let mut errors = Vec::new();
        let calls = self.plan.calls();
        self.set.emit_all(&[0], &mut self.values[..calls], &mut errors);
        let args = self.plan.inputs().len();
        for &(index, at, of_last) in &self.reads {
            let row = if of_last { last } else { rows.front };
            self.values[index].append_range(&rows.extra[args + at], row, row + 1);
        }
        let stamp = &rows.marks[0][last..last + 1];
        let event_time = &rows.marks[1][last..last + 1];
        let input = Input { columns: &self.values, rows: 1, stamp, event_time };
        let mut passing = Vec::new();
        self.test.eval_predicate(&input, &mut RowErrors::new(), &mut passing);
        errors.is_empty() && !passing.is_empty()
    }

    /// Aggregates decoded rows.
    pub fn rebuild(&mut self, rows: &WindowRows) {
        self.set.forget(0);
        self.update(rows, 0, rows.end());
    }
}
