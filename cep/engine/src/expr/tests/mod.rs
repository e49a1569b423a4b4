//! The promises of this module, against a reference that is slow and obvious.

mod casts;
mod function;
mod generate;
mod properties;
mod reference;
mod rules;

use arrow_array::ArrayRef;
use arrow_schema::DataType;
use cep_lang::plan::{BinaryOp, Expr, ExprKind, UnaryOp};
use datafusion_common::ScalarValue;

use super::row::{ChunkRow, RowExpr};
use super::{Compiled, Input, RowErrors, Rows};
use crate::column::Column;

/// A chunk as a test writes it: one array a column.
pub(super) struct Chunk {
    pub(super) arrays: Vec<ArrayRef>,
    pub(super) rows: usize,
}

impl Chunk {
    pub(super) fn new(arrays: Vec<ArrayRef>) -> Self {
        let rows = arrays.first().map_or(0, |a| a.len());
        Chunk { arrays, rows }
    }

    pub(super) fn columns(&self) -> Vec<Column> {
        self.arrays.iter().map(Column::from_arrow).collect()
    }

    pub(super) fn row(&self, row: usize) -> Vec<ScalarValue> {
        self.arrays.iter().map(|a| ScalarValue::try_from_array(a, row).unwrap()).collect()
    }

    pub(super) fn slice(&self, start: usize, rows: usize) -> Chunk {
        Chunk { arrays: self.arrays.iter().map(|a| a.slice(start, rows)).collect(), rows }
    }
}

/// Value or error text of every row asked for.
pub(super) type Outcome = Result<ScalarValue, String>;

/// Stamp and event time of row `row` in these tests.
pub(super) fn times(first: usize, rows: usize) -> (Vec<i64>, Vec<i64>) {
    let stamp = (first..first + rows).map(|row| 1_000 + row as i64).collect();
    (stamp, (first..first + rows).map(|row| 500 + 7 * row as i64).collect())
}

/// Evaluates `expr` over `rows` of the chunk whose first row is number `first`.
pub(super) fn run(
    expr: &Expr,
    compiled: &mut Compiled,
    chunk: &Chunk,
    first: usize,
    rows: Rows<'_>,
) -> Vec<Outcome> {
    let columns = chunk.columns();
    let (stamp, event_time) = times(first, chunk.rows);
    let input = Input { columns: &columns, rows: chunk.rows, stamp: &stamp, event_time: &event_time };
    let mut errors = RowErrors::new();
    let array = compiled.eval(&input, rows, &mut errors).to_arrow(&expr.data_type);
    let count = rows.count(chunk.rows);
    assert_eq!(array.len(), count, "one row of the result for each row asked for");
    let mut out: Vec<Outcome> =
        (0..count).map(|row| Ok(ScalarValue::try_from_array(&array, row).unwrap())).collect();
    for error in errors.settle() {
        let at = match rows {
            Rows::All => error.row as usize,
            Rows::Some(list) => {
                list.iter().position(|&r| r == error.row).expect("errors are of rows asked for")
            }
        };
        out[at] = Err(error.failure.message.clone());
    }
    out
}

/// Evaluates `expr` row by row as closures.
pub(super) fn run_rows(expr: &Expr, row_expr: &RowExpr, chunk: &Chunk) -> Vec<Outcome> {
    let columns = chunk.columns();
    let (stamp, event_time) = times(0, chunk.rows);
    let input = Input { columns: &columns, rows: chunk.rows, stamp: &stamp, event_time: &event_time };
    let value = |row: usize| {
        let row = ChunkRow { input: &input, row };
        let scalar = row_expr.eval(&row).map_err(|e| e.message)?;
        let array = scalar.to_column(&expr.data_type).to_arrow(&expr.data_type);
        Ok(ScalarValue::try_from_array(&array, 0).unwrap())
    };
    (0..chunk.rows).map(value).collect()
}

/// As [`filter`], row by row.
pub(super) fn filter_rows(row_expr: &RowExpr, chunk: &Chunk) -> (Vec<u32>, Vec<(u32, String)>) {
    let columns = chunk.columns();
    let (stamp, event_time) = times(0, chunk.rows);
    let input = Input { columns: &columns, rows: chunk.rows, stamp: &stamp, event_time: &event_time };
    let (mut passed, mut errors) = (Vec::new(), Vec::new());
    for row in 0..chunk.rows {
        match row_expr.is_true(&ChunkRow { input: &input, row }) {
            Ok(true) => passed.push(row as u32),
            Ok(false) => {}
            Err(failure) => errors.push((row as u32, failure.message)),
        }
    }
    (passed, errors)
}

/// The rows that pass `expr`, and the errors.
pub(super) fn filter(compiled: &mut Compiled, chunk: &Chunk) -> (Vec<u32>, Vec<(u32, String)>) {
    let columns = chunk.columns();
    let (stamp, event_time) = times(0, chunk.rows);
    let input = Input { columns: &columns, rows: chunk.rows, stamp: &stamp, event_time: &event_time };
    let (mut errors, mut out) = (RowErrors::new(), vec![7; 3]);
    compiled.eval_predicate(&input, &mut errors, &mut out);
    let errors = errors.settle().iter().map(|e| (e.row, e.failure.message.clone())).collect();
    (out, errors)
}

pub(super) fn col(index: usize, data_type: DataType) -> Expr {
    Expr::column(index, data_type, true)
}

pub(super) fn lit(value: ScalarValue) -> Expr {
    let data_type = value.data_type();
    Expr { kind: ExprKind::Literal(value), data_type, nullable: true, span: None }
}

pub(super) fn typed(kind: ExprKind, data_type: DataType) -> Expr {
    Expr { kind, data_type, nullable: true, span: None }
}

pub(super) fn binary(op: BinaryOp, left: Expr, right: Expr, data_type: DataType) -> Expr {
    typed(ExprKind::Binary(op, Box::new(left), Box::new(right)), data_type)
}

pub(super) fn boolean(op: BinaryOp, left: Expr, right: Expr) -> Expr {
    binary(op, left, right, DataType::Boolean)
}

pub(super) fn unary(op: UnaryOp, input: Expr, data_type: DataType) -> Expr {
    typed(ExprKind::Unary(op, Box::new(input)), data_type)
}

pub(super) fn cast(input: Expr, to: DataType, safe: bool) -> Expr {
    typed(ExprKind::Cast { input: Box::new(input), safe }, to)
}
