//! Conditions over the content of a window: EXPRESSION and EXPRESSIONBATCH.

use std::sync::Arc;

use arrow_schema::DataType;
use cep_lang::plan::{Expr, WindowCondition};

use super::prepare::Prepare;
use crate::agg::{AggInput, AggOptions, AggPlan, AggSet, Rows};
use crate::chunk::Chunk;
use crate::codec::{DecodeError, Reader, Result, Writer};
use crate::column::Column;
use crate::expr::{Compiled, Input, RowErrors};
use crate::time::{NodeTime, Watermarks};

/// A condition with the aggregates over the rows so far.
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
    /// The aggregates hold the row that was asked about last, which is not in the content yet.
    asked: bool,
    values: Vec<Column>,
}

impl Condition {
    /// Compiles a condition over rows of columns `types`.
    ///
    /// # Errors
    /// The reason why it cannot be computed, for the user.
    pub fn new(condition: &WindowCondition, types: &[DataType]) -> std::result::Result<Self, String> {
        let plan =
            Arc::new(AggPlan::new(&condition.calls, AggOptions::default()).map_err(|e| e.to_string())?);
        let inputs: Vec<&Expr> = plan.inputs().iter().collect();
        let mut aggs = AggSet::new(Arc::clone(&plan));
        aggs.resize(1);
        Ok(Condition {
            prepare: Prepare::new(None, &inputs).map_err(|e| e.to_string())?,
            test: Compiled::new(&condition.test).map_err(|e| e.to_string())?,
            aggs,
            plan,
            first: types.iter().map(Column::new).collect(),
            types: types.to_vec(),
            seq: 0,
            asked: false,
            values: Vec::new(),
        })
    }

    /// Whether the condition is not TRUE for the content with row `row` added. Either the row is added
    /// next, or the content cleared.
    pub fn would_fail(&mut self, input: &Chunk, row: usize) -> bool {
        debug_assert!(!self.asked, "the row before was added or the content cleared");
        let one = single(input, row);
        Self::add_to(&mut self.aggs, &mut self.prepare, &self.plan, &one, self.seq);
        self.asked = true;
        let mut columns = std::mem::take(&mut self.values);
        columns.clear();
        columns.extend(self.plan.result_types().map(Column::new));
        let mut failed = Vec::new();
        self.aggs.emit_all(&[0], &mut columns, &mut failed);
        let has_first = self.first.first().is_some_and(|c| !c.is_empty());
        columns.extend(if has_first { self.first.clone() } else { one.columns.clone() });
        columns.extend(one.columns.iter().cloned());
        let source = Input { columns: &columns, rows: 1, stamp: &one.time, event_time: &one.time };
        let mut out = Vec::new();
        self.test.eval_predicate(&source, &mut RowErrors::new(), &mut out);
        self.values = columns;
        out.is_empty() || !failed.is_empty()
    }

    /// Adds a row to the content.
    pub fn add(&mut self, input: &Chunk, row: usize) {
        let one = single(input, row);
        if !std::mem::take(&mut self.asked) {
            Self::add_to(&mut self.aggs, &mut self.prepare, &self.plan, &one, self.seq);
        }
        self.seq += 1;
        if self.first.first().is_some_and(Column::is_empty) {
            self.first = one.columns;
        }
    }

    fn add_to(aggs: &mut AggSet, prepare: &mut Prepare, plan: &AggPlan, one: &Chunk, seq: u64) {
        let watermarks = Watermarks::default();
        let time = NodeTime { stamps: &one.time, watermarks: &watermarks, flush: false };
        prepare.run(one, &mut super::OpContext { time, errors: &mut Vec::new(), late: None });
        if prepare.rows(one) == 1 {
            let columns = prepare.columns(one, 0..plan.inputs().len());
            aggs.update(
                &[0],
                &AggInput { columns: &columns, rows: Rows::From(0), ts: &one.time, seq: &[seq] },
            );
        }
    }

    /// Forgets the content.
    pub fn clear(&mut self) {
        self.aggs.forget(0);
        self.asked = false;
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

/// One row as a chunk of its own.
fn single(input: &Chunk, row: usize) -> Chunk {
    let mut one = Chunk {
        columns: input.columns.iter().map(Column::empty_like).collect(),
        time: vec![input.time[row]],
        pos: vec![0],
        ops: Vec::new(),
    };
    for (column, source) in one.columns.iter_mut().zip(&input.columns) {
        column.append_range(source, row, row + 1);
    }
    one
}
