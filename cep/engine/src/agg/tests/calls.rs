//! Calls, columns and rows to test with.

use std::sync::Arc;

use arrow_schema::DataType;
use cep_lang::plan::{AggCall, AggFunc, Expr, ExprKind, SortKey};

use crate::agg::{AggInput, AggOptions, AggPlan, AggSet, EmitError, Order, Rows};
use crate::column::{Column, Values};

/// A test table: columns with their types.
#[derive(Debug, Clone)]
pub(super) struct Table {
    pub columns: Vec<Column>,
    pub types: Vec<DataType>,
    pub ts: Vec<i64>,
    pub seq: Vec<u64>,
}

impl Table {
    pub fn rows(&self) -> usize {
        self.ts.len()
    }

    /// Columns for `plan`, whose inputs are plain columns of the table.
    pub fn inputs(&self, plan: &AggPlan) -> Vec<&Column> {
        plan.inputs()
            .iter()
            .map(|e| match e.kind {
                ExprKind::Column(i) => &self.columns[i],
                _ => panic!("test calls read columns only"),
            })
            .collect()
    }

    /// A call of `func` over columns `args`.
    pub fn call(&self, func: AggFunc, args: &[usize], data_type: DataType) -> AggCall {
        AggCall {
            func,
            args: args.iter().map(|&i| self.expr(i)).collect(),
            distinct: false,
            filter: None,
            order_by: Vec::new(),
            data_type,
            name: "x".to_owned(),
        }
    }

    pub fn expr(&self, column: usize) -> Expr {
        Expr::column(column, self.types[column].clone(), true)
    }

    pub fn key(&self, column: usize, descending: bool, nulls_first: bool) -> SortKey {
        SortKey { expr: self.expr(column), descending, nulls_first }
    }
}

/// A column of doubles, `None` being NULL.
pub(super) fn doubles(values: &[Option<f64>]) -> Column {
    Column::masked(
        Values::F64(values.iter().map(|v| v.unwrap_or(7.5)).collect::<Vec<_>>().into()),
        values.iter().any(Option::is_none).then(|| values.iter().map(Option::is_some).collect()),
    )
}

/// A column of integers.
pub(super) fn longs(values: &[Option<i64>]) -> Column {
    Column::masked(
        Values::I64(values.iter().map(|v| v.unwrap_or(75)).collect::<Vec<_>>().into()),
        values.iter().any(Option::is_none).then(|| values.iter().map(Option::is_some).collect()),
    )
}

/// A column of text.
pub(super) fn texts(values: &[Option<String>]) -> Column {
    let mut column = Column::new(&DataType::Utf8);
    for value in values {
        match value {
            None => column.push_null(),
            Some(text) => {
                let Values::Bytes { offsets, bytes } = &mut column.values else { unreachable!() };
                bytes.to_mut().extend_from_slice(text.as_bytes());
                let end = bytes.len() as i32;
                offsets.to_mut().push(end);
                column.mark_valid();
            }
        }
    }
    column
}

/// A column of booleans.
pub(super) fn bools(values: &[Option<bool>]) -> Column {
    Column::masked(
        Values::Bool(values.iter().map(|v| v.unwrap_or(true)).collect()),
        values.iter().any(Option::is_none).then(|| values.iter().map(Option::is_some).collect()),
    )
}

/// A column of decimals.
pub(super) fn decimals(values: &[Option<i128>]) -> Column {
    Column::masked(
        Values::I128(values.iter().map(|v| v.unwrap_or(77)).collect::<Vec<_>>().into()),
        values.iter().any(Option::is_none).then(|| values.iter().map(Option::is_some).collect()),
    )
}

pub(super) fn plan(calls: &[AggCall], removal: bool) -> Arc<AggPlan> {
    let options = AggOptions { removal, order: Order::EventTime, merged: true };
    Arc::new(AggPlan::new(calls, options).unwrap())
}

/// Merges two groups of one set.
pub(super) fn merge_within(set: &mut AggSet, into: u32, from: u32) {
    let other = set.clone();
    set.merge(into, &other, from);
}

/// Adds rows `rows` of `table` to group `group`.
pub(super) fn add(set: &mut AggSet, table: &Table, group: u32, rows: &[u32]) {
    let plan = Arc::clone(set.plan());
    let columns = table.inputs(&plan);
    let input = AggInput { columns: &columns, rows: Rows::Pick(rows), ts: &table.ts, seq: &table.seq };
    set.update(&vec![group; rows.len()], &input);
}

/// Removes rows.
pub(super) fn take(set: &mut AggSet, table: &Table, group: u32, rows: &[u32]) {
    let plan = Arc::clone(set.plan());
    let columns = table.inputs(&plan);
    let input = AggInput { columns: &columns, rows: Rows::Pick(rows), ts: &table.ts, seq: &table.seq };
    set.remove(&vec![group; rows.len()], &input);
}

/// The values of group `group`, one text per call (`Debug` of the array, so bits of floats that
/// print alike are compared by `bytes`), and the errors.
pub(super) fn emitted(set: &mut AggSet, group: u32) -> (Vec<String>, Vec<EmitError>) {
    let plan = Arc::clone(set.plan());
    let types: Vec<DataType> = plan.result_types().cloned().collect();
    let mut out: Vec<Column> = types.iter().map(Column::new).collect();
    let mut errors = Vec::new();
    set.emit_all(&[group], &mut out, &mut errors);
    let texts = out
        .iter()
        .zip(&types)
        .map(|(c, t)| {
            assert_eq!(c.len(), 1);
            let bits = match &c.values {
                Values::F64(v) if c.is_valid(0) => format!("{:x}", v[0].to_bits()),
                _ => String::new(),
            };
            format!("{:?} {bits}", c.to_arrow(t))
        })
        .collect();
    (texts, errors)
}

/// The canonical bytes of a group.
pub(super) fn bytes(set: &AggSet, group: u32) -> Vec<u8> {
    let mut out = Vec::new();
    set.encode(group, &mut out);
    out
}
