//! The library seen through DataFusion's SQL planner: calls are planned, lowered and evaluated.

mod aggregate_calls;
mod catalog;
mod docs;
mod examples;
mod library;
mod transcendental;

use std::sync::Arc;

use arrow_array::ArrayRef;
use arrow_cast::display::{ArrayFormatter, FormatOptions};
use datafusion_common::{DFSchemaRef, Result, ScalarValue};
use datafusion_expr::execution_props::ExecutionProps;
use datafusion_expr::physical_planning_context::PhysicalPlanningContext;
use datafusion_expr::{Expr, LogicalPlan, lit};
use datafusion_physical_expr::create_physical_expr;

use super::{LogTime, lower_calls};
use catalog::{Catalog, sample};

/// The stamp that `now()` reads in these tests: 2024-05-06T07:08:09.000000010.
const STAMP_NS: i64 = 1_714_979_289_000_000_010;

/// The column that `sql` computes over [`sample`], as the engine would: planned, types coerced,
/// calls lowered, evaluated.
fn evaluate(catalog: &Catalog, sql: &str) -> Result<ArrayRef> {
    let (expr, schema) = projection(catalog, &format!("SELECT {sql} FROM t"))?;
    let time = LogTime {
        stamp: lit(ScalarValue::TimestampNanosecond(Some(STAMP_NS), None)),
        event_time: datafusion_expr::col("t.ts"),
    };
    let expr = lower_calls(expr, &time)?.data;
    let physical =
        create_physical_expr(&expr, &schema, &ExecutionProps::new(), &PhysicalPlanningContext::default())?;
    let batch = sample();
    physical.evaluate(&batch)?.into_array(batch.num_rows())
}

/// The only expression of a `SELECT` and the schema it reads.
fn projection(catalog: &Catalog, sql: &str) -> Result<(Expr, DFSchemaRef)> {
    match catalog.plan(sql)? {
        LogicalPlan::Projection(projection) => {
            let expr = projection.expr.into_iter().next().expect("one expression");
            Ok((expr.unalias(), Arc::clone(projection.input.schema())))
        }
        other => panic!("not a projection: {other}"),
    }
}

/// What `sql` shows for the first row, or `error: …`.
fn shown(catalog: &Catalog, sql: &str) -> String {
    match evaluate(catalog, sql) {
        Ok(column) => {
            let options = FormatOptions::default().with_null("NULL");
            let formatter = ArrayFormatter::try_new(&column, &options).expect("every type displays");
            formatter.value(0).to_string()
        }
        Err(error) => format!("error: {}", error.strip_backtrace()),
    }
}
