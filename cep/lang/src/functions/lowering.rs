//! Expansion of calls that exist only as a rewrite, and binding of time to the log.

use datafusion_common::Result;
use datafusion_common::tree_node::{Transformed, TreeNode};
use datafusion_expr::Expr;
use datafusion_expr::expr::ScalarFunction;

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

/// `expr` with every rewrite-only call expanded and every mark of time bound.
///
/// `coalesce`, `nvl`, `nvl2` and `if` become CASE, so that branches not taken are not evaluated,
/// `mod(a, b)` becomes `a % b`, `now()` and its relatives become `time`. Run it after types are
/// resolved: it changes no type. The outermost call loses its generated name, so keep the output
/// name yourself.
///
/// # Errors
/// When a call's arguments do not fit its rewrite, which type resolution refuses before.
pub fn lower_calls(expr: Expr, time: &LogTime) -> Result<Transformed<Expr>> {
    expr.transform_up(|expr| lower_one(expr, time))
}

fn lower_one(expr: Expr, time: &LogTime) -> Result<Transformed<Expr>> {
    let Expr::ScalarFunction(ScalarFunction { func, args }) = expr else {
        return Ok(Transformed::no(expr));
    };
    if let Some(bound) = log_time::bound(&func, &time.stamp, &time.event_time) {
        return Ok(Transformed::yes(bound));
    }
    match func.inner().downcast_ref::<OwnScalar>().and_then(OwnScalar::rewrite) {
        Some(rewrite) => Ok(Transformed::yes(rewrite(args)?)),
        None => Ok(Transformed::no(Expr::ScalarFunction(ScalarFunction { func, args }))),
    }
}
