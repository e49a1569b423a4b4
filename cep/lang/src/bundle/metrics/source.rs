//! Where the sample and the labels of a metric come from.

use std::collections::BTreeMap;

use arrow_schema::{DataType, SchemaRef};
use datafusion_common::ScalarValue;

use crate::plan::{Expr, ExprKind};

/// A metric of a stream.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct MetricFrom {
    /// Its sample.
    pub sample: SampleFrom,
    /// Its labels, by name.
    pub labels: BTreeMap<String, LabelFrom>,
}

/// Where a sample comes from.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum SampleFrom {
    /// A column.
    Column(String),
    /// The same for each row.
    Constant(f64),
}

/// Where a label comes from: a column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LabelFrom {
    /// Its name.
    pub column: String,
}

impl SampleFrom {
    /// The sample over the columns of `schema`; as it is if samples are only told apart.
    pub(crate) fn expr(&self, schema: &SchemaRef, as_is: bool) -> Option<Expr> {
        let column = match self {
            SampleFrom::Constant(value) => {
                let kind = ExprKind::Literal(ScalarValue::Float64(Some(*value)));
                return Some(Expr { kind, data_type: DataType::Float64, nullable: false, span: None });
            }
            SampleFrom::Column(column) => column_expr(schema, column)?,
        };
        if as_is { Some(column) } else { Some(cast(column, DataType::Float64)) }
    }
}

impl LabelFrom {
    /// The label over the columns of `schema`.
    pub(crate) fn expr(&self, schema: &SchemaRef) -> Option<Expr> {
        Some(cast(column_expr(schema, &self.column)?, DataType::Utf8))
    }
}

fn column_expr(schema: &SchemaRef, name: &str) -> Option<Expr> {
    let (index, field) = schema.column_with_name(name)?;
    Some(Expr::column(index, field.data_type().clone(), field.is_nullable()))
}

fn cast(expr: Expr, data_type: DataType) -> Expr {
    if expr.data_type == data_type {
        return expr;
    }
    let (nullable, span) = (expr.nullable, expr.span);
    Expr { kind: ExprKind::Cast { input: Box::new(expr), safe: false }, data_type, nullable, span }
}
