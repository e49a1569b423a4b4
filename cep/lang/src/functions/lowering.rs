//! Expansion of calls that exist only as a rewrite, and binding of time to the log.

use datafusion_common::tree_node::{Transformed, TreeNode};
use datafusion_common::{DFSchemaRef, Result};
use datafusion_expr::expr::ScalarFunction;
use datafusion_expr::simplify::{ExprSimplifyResult, SimplifyContext};
use datafusion_expr::{Expr, ScalarUDF};

use super::definition::OwnScalar;
use super::log_time;

/// The expressions that stand for a row's times, both of type `Timestamp(Nanosecond, None)`.
#[derive(Debug, Clone)]
pub struct LogTime {
    /// The stamp of the row's log entry: what `now()` reads.
    pub stamp: Expr,
    /// The row's event time: what `event_time()` reads.
    pub event_time: Expr,
}

/// DataFusion functions that have no kernel, only a rewrite to CASE or CAST.
const REWRITTEN: &[&str] =
    &["coalesce", "nvl2", "arrow_cast", "arrow_try_cast", "cast_to_type", "try_cast_to_type"];

/// `expr` with every rewrite-only call expanded and every mark of time bound.
///
/// `coalesce`, `nvl`, `nvl2` and `if` become CASE (so that branches not taken are not evaluated),
/// `arrow_cast` becomes CAST, `now()` and its relatives become `time`. Run it after types are
/// resolved against `schema` and before evaluation; it changes neither type nor, except for the
/// outermost call's generated name, meaning, so keep the output name yourself.
///
/// # Errors
/// When a call's arguments do not fit its rewrite, for example `arrow_cast` without a literal type.
pub fn lower_calls(expr: Expr, schema: &DFSchemaRef, time: &LogTime) -> Result<Transformed<Expr>> {
    let context = SimplifyContext::builder().with_schema(schema.clone()).build();
    expr.transform_up(|expr| lower_one(expr, &context, time))
}

fn lower_one(expr: Expr, context: &SimplifyContext, time: &LogTime) -> Result<Transformed<Expr>> {
    let Expr::ScalarFunction(ScalarFunction { func, args }) = expr else {
        return Ok(Transformed::no(expr));
    };
    if let Some(bound) = log_time::bound(&func, &time.stamp, &time.event_time) {
        return Ok(Transformed::yes(bound));
    }
    if !is_rewritten(&func) {
        return Ok(Transformed::no(Expr::ScalarFunction(ScalarFunction { func, args })));
    }
    match func.simplify(args, context)? {
        ExprSimplifyResult::Simplified(expr) => Ok(Transformed::yes(expr)),
        ExprSimplifyResult::Original(args) => {
            Ok(Transformed::no(Expr::ScalarFunction(ScalarFunction { func, args })))
        }
    }
}

fn is_rewritten(function: &ScalarUDF) -> bool {
    match function.inner().downcast_ref::<OwnScalar>() {
        Some(own) => own.rewrite().is_some(),
        None => REWRITTEN.contains(&function.name()),
    }
}
