//! The condition of EXPRESSIONBATCH, over the content of a batch.

use std::sync::Arc;

use arrow_schema::DataType;
use cep_lang::plan::{Expr, WindowCondition};

use super::OpContext;
use super::prepare::Prepare;
use crate::agg::{AggInput, AggOptions, AggPlan, AggSet, Order, Rows};
use crate::chunk::Chunk;
use crate::codec::{DecodeError, ReadColumn, Reader, Result, WriteColumn, Writer};
use crate::column::Column;
use crate::expr::{Compiled, Input, RowErrors};

/// A condition with the aggregates over the rows so far. One that fails (a division by zero) is not
/// TRUE; a row for which an argument of an aggregate fails is in error.
#[derive(Debug)]
pub struct Condition {
    plan: Arc<AggPlan>,
    prepare: Prepare,
    test: Compiled,
    aggs: AggSet,
    /// First row of the content, one row a column; empty columns before it.
    first: Vec<Column>,
    types: Vec<DataType>,
    seq: u64,
    /// Numbers of the prepared rows.
    seqs: Vec<u64>,
    /// One row: aggregates, first row, last row.
    values: Vec<Column>,
}

impl Condition {
    /// Compiles a condition over rows of columns `types`.
    ///
    /// # Errors
    /// The reason why it cannot be computed, for the user.
    pub fn new(condition: &WindowCondition, types: &[DataType]) -> std::result::Result<Self, String> {
        let options = AggOptions { order: Order::Arrival, ..AggOptions::default() };
        let plan = Arc::new(AggPlan::new(&condition.calls, options).map_err(|e| e.to_string())?);
        let inputs: Vec<&Expr> = plan.inputs().iter().collect();
        let mut aggs = AggSet::new(Arc::clone(&plan));
        aggs.resize(1);
        Ok(Condition {
            prepare: Prepare::new(None, &inputs).map_err(|e| e.to_string())?,
            test: Compiled::new(&condition.test).map_err(|e| e.to_string())?,
            aggs,
            values: plan.result_types().chain(types).chain(types).map(Column::new).collect(),
            plan,
            first: types.iter().map(Column::new).collect(),
            types: types.to_vec(),
            seq: 0,
            seqs: Vec::new(),
        })
    }

    /// Begins a chunk; rows for which an argument fails are reported.
    pub fn begin(&mut self, input: &Chunk, cx: &mut OpContext<'_>) {
        self.prepare.run(input, cx);
        self.seqs.clear();
        self.seqs.resize(self.prepare.rows(input), 0);
    }

    /// Rows of the chunk in error, ascending.
    pub fn failed(&self) -> &[u32] {
        self.prepare.failed()
    }

    /// Adds row `row` of the chunk, which is not in error, to the content.
    pub fn add(&mut self, input: &Chunk, row: usize) {
        let prepared = self.prepare.prepared(row).expect("a row that is not in error");
        self.seqs[prepared] = self.seq;
        self.seq += 1;
        let columns = self.prepare.columns(input, 0..self.plan.inputs().len());
        let (rows, ts) = (Rows::From(prepared), self.prepare.time(input));
        self.aggs.update(&[0], &AggInput { columns: &columns, rows, ts, seq: &self.seqs });
        if self.first.first().is_some_and(Column::is_empty) {
            for (first, column) in self.first.iter_mut().zip(&input.columns) {
                first.append_range(column, row, row + 1);
            }
        }
    }

    /// Whether the condition is TRUE for the content, whose last row is row `row` of the chunk.
    pub fn holds(&mut self, input: &Chunk, row: usize, stamp: i64) -> bool {
        self.values.iter_mut().for_each(Column::clear);
        let (calls, ends) = self.values.split_at_mut(self.plan.calls());
        let mut failed = Vec::new();
        self.aggs.emit_all(&[0], calls, &mut failed);
        let (first, last) = ends.split_at_mut(self.first.len());
        first.iter_mut().zip(&self.first).for_each(|(out, column)| out.append(column));
        last.iter_mut().zip(&input.columns).for_each(|(out, column)| out.append_range(column, row, row + 1));
        let (stamp, event_time) = ([stamp], [input.time[row]]);
        let source = Input { columns: &self.values, rows: 1, stamp: &stamp, event_time: &event_time };
        let mut passing = Vec::new();
        self.test.eval_predicate(&source, &mut RowErrors::new(), &mut passing);
        failed.is_empty() && !passing.is_empty()
    }

    /// Forgets the content.
    pub fn clear(&mut self) {
        self.aggs.forget(0);
        self.first.iter_mut().for_each(Column::clear);
    }

    /// Writes the state.
    pub fn encode(&self, out: &mut Writer) {
        out.u64(self.seq);
        self.aggs.encode(0, &mut out.bytes);
        for (column, data_type) in self.first.iter().zip(&self.types) {
            out.column(column, data_type);
        }
    }

    /// Reads what [`Condition::encode`] wrote.
    ///
    /// # Errors
    /// If the bytes are damaged.
    pub fn decode(&mut self, input: &mut Reader<'_>) -> Result<()> {
        self.seq = input.u64()?;
        self.aggs.decode(0, input.rest()).map_err(|e| DecodeError(e.to_string()))?;
        for (column, data_type) in self.first.iter_mut().zip(&self.types) {
            *column = input.column(data_type)?;
        }
        Ok(())
    }
}
