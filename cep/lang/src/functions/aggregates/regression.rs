//! Linear regression: `regr_…(y, x)` of the SQL standard, spelled out by means, variances and
//! covariances over the pairs of which neither value is NULL (SQL:2016 part 2, 10.9).

use std::sync::Arc;

use datafusion_common::{Result, plan_err};
use datafusion_expr::expr::{AggregateFunction, AggregateFunctionParams};
use datafusion_expr::planner::RawAggregateExpr;
use datafusion_expr::utils::COUNT_STAR_EXPANSION;
use datafusion_expr::{AggregateUDF, Expr, cast, lit, when};
use datafusion_functions_aggregate::average::avg_udaf;
use datafusion_functions_aggregate::correlation::corr_udaf;
use datafusion_functions_aggregate::count::count_udaf;
use datafusion_functions_aggregate::covariance::covar_pop_udaf;
use datafusion_functions_aggregate::variance::var_pop_udaf;

use arrow_schema::DataType;

/// What stands for a call of `regr_…`.
///
/// # Errors
/// For another number of arguments than two, and for DISTINCT and ORDER BY.
pub(super) fn spelled_out(name: &str, raw: RawAggregateExpr) -> Result<Expr> {
    let RawAggregateExpr { func: _, args, distinct, filter, order_by, null_treatment: _ } = raw;
    if distinct || !order_by.is_empty() {
        return plan_err!("{name} takes neither DISTINCT nor ORDER BY");
    }
    let [y, x] = match <[Expr; 2]>::try_from(args) {
        Ok(pair) => pair,
        Err(args) => {
            return plan_err!("{name} takes two numbers, {name}(y, x), not {} arguments", args.len());
        }
    };
    let pairs = y.clone().is_not_null().and(x.clone().is_not_null());
    let pairs = match filter {
        Some(filter) => filter.and(pairs),
        None => pairs,
    };
    let over_pairs = |func: Arc<AggregateUDF>, args: Vec<Expr>| {
        let params = AggregateFunctionParams {
            args,
            distinct: false,
            filter: Some(Box::new(pairs.clone())),
            order_by: Vec::new(),
            null_treatment: None,
        };
        Expr::AggregateFunction(AggregateFunction { func, params })
    };
    let double = |e: &Expr| cast(e.clone(), DataType::Float64);
    let count = || over_pairs(count_udaf(), vec![Expr::Literal(COUNT_STAR_EXPANSION, None)]);
    let mean = |of: &Expr| over_pairs(avg_udaf(), vec![double(of)]);
    let variance = |of: &Expr| over_pairs(var_pop_udaf(), vec![double(of)]);
    let covariance = || over_pairs(covar_pop_udaf(), vec![double(&y), double(&x)]);
    let times_count = |e: Expr| e * cast(count(), DataType::Float64);
    // Without a spread of x there is no line.
    let slope = || when(variance(&x).gt(lit(0.0)), covariance() / variance(&x)).end();
    Ok(match name {
        "regr_count" => count(),
        "regr_avgx" => mean(&x),
        "regr_avgy" => mean(&y),
        "regr_sxx" => times_count(variance(&x)),
        "regr_syy" => times_count(variance(&y)),
        "regr_sxy" => times_count(covariance()),
        "regr_slope" => slope()?,
        "regr_intercept" => mean(&y) - slope()? * mean(&x),
        "regr_r2" => {
            let r = || over_pairs(corr_udaf(), vec![double(&y), double(&x)]);
            // All pairs on one horizontal line: it explains them all.
            let flat = variance(&x).gt(lit(0.0)).and(variance(&y).eq(lit(0.0)));
            when(flat, lit(1.0)).when(variance(&x).gt(lit(0.0)), r() * r()).end()?
        }
        other => return plan_err!("{other} is no aggregate of the library"),
    })
}
