//! DELAY: rows pass a while of stamp time later, in order of arrival.
//!
//! A row with stamp `s` is emitted when the stamp reaches `s + delay`, before the row that brought
//! that stamp; at the end of input all are, those due behind the end of time among them. Its event
//! time stays what it was. A delay of nothing lets rows pass.

use std::collections::VecDeque;

use arrow_schema::{DataType, Schema};
use cep_types::Op;

use super::OpContext;
use crate::chunk::{Chunk, Phase, position, step_row};
use crate::codec::{DecodeError, ReadColumn, Reader, Result, WriteColumn, Writer};
use crate::column::Column;

/// Rows that passed and still stand in the columns at least, before they are moved out.
const PASSED_MIN: usize = 1024;

/// Due behind the end of time: at the end of input.
const NEVER: i64 = i64::MAX;

/// Rows that wait for their stamp.
#[derive(Debug)]
pub struct DelayOp {
    delay_ns: i64,
    types: Vec<DataType>,
    /// Rows, the first `passed` of which have been emitted. Positions mean nothing.
    waiting: Chunk,
    passed: usize,
    /// Stamp at which each waiting row is emitted, ascending.
    due: VecDeque<i64>,
}

impl DelayOp {
    /// Delays rows of `schema` by `delay_ns` of stamp time.
    pub fn new(schema: &Schema, delay_ns: i64) -> Self {
        let types = schema.fields().iter().map(|f| f.data_type().clone()).collect();
        DelayOp { delay_ns, types, waiting: Chunk::new(schema), passed: 0, due: VecDeque::new() }
    }

    /// The least stamp that lets a row pass.
    pub fn due_stamp(&self) -> Option<i64> {
        self.due.front().copied().filter(|&due| due < NEVER)
    }

    /// Processes a step.
    pub fn process(&mut self, input: &Chunk, out: &mut Chunk, cx: &mut OpContext<'_>) {
        if self.delay_ns <= 0 {
            return out.append_range(input, 0, input.rows());
        }
        self.waiting.append_range(input, 0, input.rows());
        let due = input.pos.iter().map(|&p| cx.time.stamps[step_row(p)].saturating_add(self.delay_ns));
        self.due.extend(due);
        let mut from = 0;
        while let Some(&due) = self.due.front().filter(|&&due| due < NEVER) {
            let Some(row) = cx.time.first_stamp_reaching(due, from) else { break };
            self.pass(due, position(row, Phase::Stamp), out);
            from = row;
        }
        if cx.time.flush {
            self.pass(NEVER, position(cx.time.last_row(), Phase::Flush), out);
        }
        self.compact();
    }

    /// Emits the rows due at `until` or before.
    fn pass(&mut self, until: i64, pos: u32, out: &mut Chunk) {
        let count = self.due.partition_point(|&d| d <= until);
        self.due.drain(..count);
        let first = out.rows();
        out.append_range(&self.waiting, self.passed, self.passed + count);
        out.pos[first..].fill(pos);
        self.passed += count;
    }

    fn compact(&mut self) {
        if self.passed == self.waiting.rows() {
            self.waiting.clear();
            self.passed = 0;
        } else if self.passed >= PASSED_MIN && self.passed >= self.due.len() {
            self.waiting = self.live();
            self.passed = 0;
        }
    }

    /// The rows that wait.
    fn live(&self) -> Chunk {
        let mut live = Chunk {
            columns: self.waiting.columns.iter().map(Column::empty_like).collect(),
            ..Chunk::default()
        };
        live.append_range(&self.waiting, self.passed, self.waiting.rows());
        live
    }

    /// Writes the state.
    pub fn encode(&self, out: &mut Writer) {
        let live = self.live();
        for (column, data_type) in live.columns.iter().zip(&self.types) {
            out.column(column, data_type);
        }
        out.i64s(&live.time);
        self.due.iter().for_each(|&d| out.i64(d));
        out.blob(&live.ops.iter().map(|op| op.code()).collect::<Vec<u8>>());
    }

    /// Reads what [`DelayOp::encode`] of the same plan wrote.
    ///
    /// # Errors
    /// If the bytes are damaged.
    pub fn decode(&mut self, input: &mut Reader<'_>) -> Result<()> {
        let columns = self.types.iter().map(|t| input.column(t)).collect::<Result<Vec<_>>>()?;
        let time = input.i64s()?;
        let rows = time.len();
        self.due = (0..rows).map(|_| input.i64()).collect::<Result<_>>()?;
        let code = |&c: &u8| Op::from_code(c).ok_or_else(|| DecodeError("an unknown operation".into()));
        let ops = input.blob()?.iter().map(code).collect::<Result<Vec<_>>>()?;
        let fits = columns.iter().all(|c| c.len() == rows) && (ops.is_empty() || ops.len() == rows);
        if !fits || !self.due.iter().is_sorted() {
            return Err(DecodeError("delayed rows do not fit together".into()));
        }
        self.waiting = Chunk { columns, time, pos: vec![0; rows], ops };
        self.passed = 0;
        Ok(())
    }
}
