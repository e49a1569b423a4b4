//! Rows into streams: INSERT INTO, CREATE STREAM … AS, VALUES.

use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::{Field, FieldRef, SchemaRef};
use cep_types::StreamId;
use datafusion_common::ScalarValue;

use crate::ast::{Name, Span};
use crate::diag::{Diagnostic, Result, codes, suggest};
use crate::plan::{Changelog, Expr, ExprKind, NamedExpr, Node};

use super::catalog::{Catalog, StreamEntry, changelog_text};
use super::context::{Context, constant_expr, fits};
use super::expr::cast_to;
use super::projection;
use super::relation::columns_of;
use super::sqlast::SqlExpr;
use super::stream::has_source;
use super::types::{field_type_name, widens};

/// Rows of a query on their way into a stream.
#[derive(Debug, Clone)]
pub(crate) struct Rows {
    /// The operators.
    pub node: Node,
    /// Columns that are the rows' event time.
    pub times: Vec<usize>,
    /// What the rows mean.
    pub changelog: Changelog,
}

/// Checks that queries may write a stream.
///
/// # Errors
/// It has a source.
pub(crate) fn check_writable(entry: &StreamEntry, name: &Name) -> Result<()> {
    if !has_source(&entry.stream.options) {
        return Ok(());
    }
    let message = format!("`{}` gets its rows from a source", entry.stream.name);
    let help = "insert into a stream without a source, and read both with UNION ALL";
    Err(Box::new(Diagnostic::at(codes::READ_ONLY, name.span, message).help(help)))
}

/// For each column of the target, which column of the rows fills it; `None`: NULL.
///
/// # Errors
/// Another number of columns, an unknown or repeated one, a NOT NULL column that is left out.
pub(crate) fn mapping(
    target: &SchemaRef,
    name: &Name,
    columns: &[Name],
    given: usize,
    span: Span,
) -> Result<Vec<Option<usize>>> {
    let fields = target.fields();
    let listed = if columns.is_empty() { fields.len() } else { columns.len() };
    if given != listed {
        let message = match columns.is_empty() {
            true => format!("{given} columns for the {listed} of `{}`", name.text),
            false => format!("{given} columns for the {listed} in the list"),
        };
        let all: Vec<String> =
            fields.iter().map(|f| format!("{} {}", f.name(), field_type_name(f))).collect();
        let help = format!("`{}` has {}", name.text, all.join(", "));
        return Err(Box::new(Diagnostic::at(codes::COLUMN_COUNT, span, message).help(help)));
    }
    if columns.is_empty() {
        return Ok((0..given).map(Some).collect());
    }
    let mut out = vec![None; fields.len()];
    for (at, column) in columns.iter().enumerate() {
        let Some(index) = fields.iter().position(|f| column.matches(f.name())) else {
            let help = match suggest(&column.text, fields.iter().map(|f| f.name().as_str())) {
                Some(close) => format!("did you mean `{close}`?"),
                None => format!("DESCRIBE {} lists its columns", name.text),
            };
            let message = format!("`{}` has no column `{}`", name.text, column.text);
            return Err(Box::new(Diagnostic::at(codes::UNKNOWN_COLUMN, column.span, message).help(help)));
        };
        if out[index].replace(at).is_some() {
            let message = format!("the column `{}` is listed twice", column.text);
            return Err(Box::new(
                Diagnostic::at(codes::COLUMN_TWICE, column.span, message).help("list it once"),
            ));
        }
    }
    let missing = fields.iter().zip(&out).find(|(field, from)| from.is_none() && !field.is_nullable());
    match missing {
        None => Ok(out),
        Some((field, _from)) => {
            let message = format!("`{}` is NOT NULL and gets no value", field.name());
            Err(Box::new(Diagnostic::at(codes::TARGET_SCHEMA, span, message).help("add it to the list")))
        }
    }
}

/// The rows with the columns of the target.
///
/// # Errors
/// Types that would have to be narrowed.
pub(crate) fn fitted(rows: Rows, target: &SchemaRef, mapping: &[Option<usize>], span: Span) -> Result<Rows> {
    let Rows { node, times, changelog } = rows;
    let literals = top_literals(&node);
    let own = columns_of(node.schema());
    let mut exprs = Vec::with_capacity(mapping.len());
    for (field, from) in target.fields().iter().zip(mapping) {
        let Some(from) = from else {
            let null =
                constant_expr(ScalarValue::try_new_null(field.data_type()).unwrap_or(ScalarValue::Null));
            exprs.push(NamedExpr { name: field.name().clone(), expr: cast_to(null, field.data_type()) });
            continue;
        };
        let given = node.schema().field(*from);
        let literal = literals.get(*from).cloned().flatten();
        let as_literal = literal.and_then(|value| fits(&value, field.data_type()));
        let expr = match as_literal {
            Some(value) => constant_expr(value),
            None if widens(given.data_type(), field.data_type()) => {
                cast_to(own[*from].expr.clone(), field.data_type())
            }
            None => return Err(type_mismatch(given.name(), &field_type_name(given), field, span)),
        };
        let expr = if expr.nullable && !field.is_nullable() { not_null(expr, field, span)? } else { expr };
        exprs.push(NamedExpr { name: field.name().clone(), expr });
    }
    let times = mapping
        .iter()
        .enumerate()
        .filter(|(_to, from)| from.is_some_and(|from| times.contains(&from)))
        .map(|(to, _from)| to)
        .collect();
    let is_same = exprs.len() == own.len()
        && exprs.iter().enumerate().all(|(at, e)| {
            e.name == *node.schema().field(at).name() && matches!(e.expr.kind, ExprKind::Column(i) if i == at)
        });
    let node = match is_same {
        true => node,
        false => projection::project(node, exprs, target.clone()),
    };
    Ok(Rows { node, times, changelog })
}

/// `expr` with an error for a row without a value.
///
/// # Errors
/// A constant NULL.
pub(crate) fn not_null(expr: Expr, field: &FieldRef, span: Span) -> Result<Expr> {
    if let ExprKind::Literal(_) = expr.kind {
        let message = format!("`{}` is NOT NULL", field.name());
        return Err(Box::new(Diagnostic::at(codes::TARGET_SCHEMA, span, message).help("write a value")));
    }
    let function = crate::functions::not_null();
    let name =
        constant_expr(ScalarValue::Utf8(Some(format!("column `{}`, which is NOT NULL,", field.name()))));
    let data_type = expr.data_type.clone();
    let result = Arc::new(Field::new(field.name(), data_type.clone(), false));
    let (at, args) = (expr.span, vec![expr, name]);
    let kind = ExprKind::Call { function, args, field: result };
    Ok(Expr { kind, data_type, nullable: false, span: at })
}

/// The error for a value of a type that the target's column does not take.
pub(crate) fn type_mismatch(column: &str, given: &str, field: &FieldRef, span: Span) -> Box<Diagnostic> {
    let wanted = field_type_name(field);
    let message = format!("column `{column}` is {given}, and `{}` is {wanted}", field.name());
    let help = format!("convert it: CAST({column} AS {wanted})");
    Box::new(Diagnostic::at(codes::TARGET_SCHEMA, span, message).help(help))
}

/// The constants among the columns of the topmost projection: they may take the target's type.
pub(crate) fn top_literals(node: &Node) -> Vec<Option<ScalarValue>> {
    let Node::Project { exprs, .. } = node else {
        return Vec::new();
    };
    exprs
        .iter()
        .map(|named| match &named.expr.kind {
            ExprKind::Literal(value) => Some(value.clone()),
            _ => None,
        })
        .collect()
}

/// Checks what feeding `target` with `rows` means for the rest of the script.
///
/// # Errors
/// A cycle; rows of another meaning than those that feed it already, or than its readers expect;
/// rows whose event time is not in the columns that readers take for it.
pub(crate) fn check_feed(catalog: &Catalog, target: StreamId, rows: &Rows, name: &Name) -> Result<()> {
    if let Some(cycle) = catalog.cycle(target, &rows.node.scans()) {
        let names: Vec<&str> =
            cycle.iter().rev().map(|id| catalog.stream(*id).stream.name.as_str()).collect();
        let message = format!("rows would run in a circle: {}", names.join(" → "));
        let help = "break the circle; a query cannot wait for its own results";
        return Err(Box::new(Diagnostic::at(codes::RECURSION, name.span, message).help(help)));
    }
    let entry = catalog.stream(target);
    let settled = entry.is_fed || entry.is_read;
    if settled && entry.stream.changelog != rows.changelog {
        let message = format!(
            "these rows are {}, and `{}` holds {} rows",
            changelog_text(rows.changelog),
            entry.stream.name,
            changelog_text(entry.stream.changelog)
        );
        let help = "write them into a stream of their own";
        return Err(Box::new(Diagnostic::at(codes::CHANGELOG, name.span, message).help(help)));
    }
    let lost = entry.times.iter().find(|time| !rows.times.contains(time));
    if entry.is_read
        && entry.is_fed
        && entry.stream.time.column.is_none()
        && let Some(lost) = lost
    {
        let column = entry.stream.schema.field(*lost).name();
        let message = format!(
            "`{}` is read in the order of `{column}`, which is not the time of these rows",
            entry.stream.name
        );
        let help = "select the event time into that column, or read the stream after all INSERTs";
        return Err(Box::new(Diagnostic::at(codes::WINDOW_TIME, name.span, message).help(help)));
    }
    Ok(())
}

/// The rows of VALUES as a batch of the target's schema.
///
/// # Errors
/// Values that are not constant or do not fit their column.
pub(crate) fn constants(
    context: &Context<'_>,
    rows: &[Vec<SqlExpr>],
    target: &SchemaRef,
    mapping: &[Option<usize>],
    span: Span,
) -> Result<RecordBatch> {
    let mut columns = Vec::with_capacity(mapping.len());
    for (field, from) in target.fields().iter().zip(mapping) {
        let mut values = Vec::with_capacity(rows.len());
        for row in rows {
            let value = match from {
                None => ScalarValue::try_new_null(field.data_type()).unwrap_or(ScalarValue::Null),
                Some(from) => {
                    let sql = &row[*from];
                    let value = context.constant(sql)?;
                    if value.is_null() && !field.is_nullable() {
                        let message = format!("`{}` is NOT NULL", field.name());
                        let span = context.places.of(sql).unwrap_or(span);
                        return Err(Box::new(
                            Diagnostic::at(codes::TARGET_SCHEMA, span, message).help("write a value"),
                        ));
                    }
                    context.constant_as(&value, field.data_type(), sql)?
                }
            };
            values.push(value);
        }
        let array = ScalarValue::iter_to_array(values)
            .map_err(|error| super::error::Failure::from(error).boxed(Some(span)))?;
        columns.push(array);
    }
    batch(target, columns, span)
}

fn batch(target: &SchemaRef, columns: Vec<arrow_array::ArrayRef>, span: Span) -> Result<RecordBatch> {
    RecordBatch::try_new(Arc::clone(target), columns).map_err(|error| {
        let message = super::error::plain_text(&error.to_string());
        Box::new(
            Diagnostic::at(codes::TARGET_SCHEMA, span, message).help("check the values against the columns"),
        )
    })
}

/// One row of constants as a batch of the target's schema.
///
/// # Errors
/// Values that do not fit their column.
pub(crate) fn constant_row(
    values: &[ScalarValue],
    names: &SchemaRef,
    target: &SchemaRef,
    mapping: &[Option<usize>],
    span: Span,
) -> Result<RecordBatch> {
    let mut columns = Vec::with_capacity(mapping.len());
    for (field, from) in target.fields().iter().zip(mapping) {
        let value = match from {
            None => ScalarValue::try_new_null(field.data_type()).ok(),
            Some(from) => fits(&values[*from], field.data_type()),
        };
        let array = value.filter(|v| field.is_nullable() || !v.is_null()).and_then(|v| v.to_array().ok());
        let Some(array) = array else {
            let given = from.map(|from| names.field(from));
            let (name, type_name) =
                given.map_or(("", "NULL".to_owned()), |f| (f.name().as_str(), field_type_name(f)));
            return Err(type_mismatch(name, &type_name, field, span));
        };
        columns.push(array);
    }
    batch(target, columns, span)
}
