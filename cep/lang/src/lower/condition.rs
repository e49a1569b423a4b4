//! Conditions of expression windows: aggregates over the window's rows, `first.col` and `last.col`.

use std::sync::Arc;

use arrow_schema::{DataType, Field, SchemaRef};
use datafusion_expr::Expr as Typed;

use crate::diag::Result;
use crate::plan::{AggFunc, Expr, WindowCondition};

use super::aggregate::AggregateLimits;
use super::columns::{Columns, marked, schema_of, unnamed};
use super::context::Context;
use super::error::Failure;
use super::group::Extraction;
use super::relation::StateLimits;
use super::sqlast::{Relation, Scope, SqlExpr};

/// Lowers a condition over rows of `schema`. A column without `first` or `last` is the last row's.
///
/// # Errors
/// Unknown names, types that do not fit, OVER.
pub(crate) fn lower(
    context: &Context<'_>,
    sql: &SqlExpr,
    schema: &SchemaRef,
    qualifier: Option<&str>,
) -> Result<WindowCondition> {
    let relation =
        |qualifier, prefix, open| Relation { qualifier, columns: schema, prefix, open, outer: false };
    let plain = Scope::of(qualifier, schema, context.registry());
    let scope = Scope {
        relations: vec![
            relation(Some("first"), "first.", false),
            relation(Some("last"), "last.", true),
            relation(qualifier, "last.", false),
        ],
        ..plain
    };
    let resolved = context.resolved(sql, &scope)?;
    // Aggregates look at every row of the window: their columns are those of the last row, which
    // is each row in its turn.
    let rows = ends(schema);
    let typed = context.typed(&resolved, &rows)?;
    let mut extraction = Extraction::default();
    let failed = |failure: Failure| failure.boxed(context.places.of(sql));
    let rest = extraction.aggregates(typed, &[], 0, context.places.of(sql)).map_err(|e| failed(e.into()))?;
    let width = schema.fields().len();
    let calls = extraction
        .calls
        .iter()
        .map(|typed| {
            let Typed::AggregateFunction(call) = typed else {
                unreachable!("only aggregates are taken out");
            };
            let StateLimits { quantile_exact_max, .. } = StateLimits::default();
            let mut call = context
                .conversion(&rows)
                .aggregate(typed, call, AggregateLimits { quantile_exact_max })
                .map_err(failed)?;
            let mut first_row = false;
            call.args
                .iter_mut()
                .chain(&mut call.filter)
                .chain(call.order_by.iter_mut().map(|k| &mut k.expr))
                .for_each(|expr| {
                    expr.map_columns(&mut |index| {
                        first_row |= *index < width;
                        *index = index.saturating_sub(width);
                    });
                });
            if matches!(call.func, AggFunc::MinForever | AggFunc::MaxForever) {
                return Err(failed(Failure::new(
                    crate::diag::codes::AGGREGATE_PLACE,
                    "a condition is over the rows of the window, and minForever and maxForever are over more",
                    "use min or max",
                )));
            }
            if first_row {
                return Err(failed(Failure::new(
                    crate::diag::codes::AGGREGATE_PLACE,
                    "an aggregate looks at every row, so `first.` has no meaning inside it",
                    "write the column without `first.`",
                )));
            }
            call.name = crate::plan::call_text(&call, schema);
            Ok(call)
        })
        .collect::<Result<Vec<_>>>()?;
    let aggregates = calls.iter().map(|c| Arc::new(Field::new(&c.name, c.data_type.clone(), true)));
    let both = rows.schema().fields().iter().cloned();
    let all = schema_of(aggregates.chain(both).collect::<Vec<_>>());
    let names = (0..calls.len()).map(unnamed).chain(end_names(schema)).collect();
    let columns = Columns::with_names(&all, names);
    let test: Expr = context.converted(&rest, sql, &columns)?;
    let test = context.as_condition(test, sql)?;
    debug_assert_eq!(test.data_type, DataType::Boolean, "conditions are BOOL");
    Ok(WindowCondition { calls, test })
}

/// The columns of the first row, then of the last.
fn ends(schema: &SchemaRef) -> Columns {
    let named = |end: &'static str| {
        schema
            .fields()
            .iter()
            .map(move |f| Arc::new(f.as_ref().clone().with_name(format!("{end}.{}", f.name()))))
    };
    let both = schema_of(named("first").chain(named("last")).collect::<Vec<_>>());
    Columns::with_names(&both, end_names(schema).collect())
}

fn end_names(schema: &SchemaRef) -> impl Iterator<Item = String> + '_ {
    ["first.", "last."]
        .into_iter()
        .flat_map(|end| schema.fields().iter().map(move |f| marked(&format!("{end}{}", f.name()))))
}
