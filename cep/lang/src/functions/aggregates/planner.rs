//! Aggregate spellings that are other aggregates: rewritten while the call is planned.
//!
//! - `count_distinct(x)` → `count(DISTINCT x)`
//! - `count_if(c)` → `count(*) FILTER (WHERE c)`
//! - `regr_…(y, x)` → means, variances and covariances, see [`super::regression`]
//! - `percentile_cont(p) WITHIN GROUP (ORDER BY x DESC)` → `percentile(x, 1 − p)`
//!
//! and literal arguments are checked: p within 0..=1, 0 < alpha ≤ 1, k and n at least 1.

use datafusion_common::{Result, ScalarValue, plan_err};
use datafusion_expr::expr::{AggregateFunction, AggregateFunctionParams, WindowFunction};
use datafusion_expr::expr::{NullTreatment, WindowFunctionParams};
use datafusion_expr::expr_rewriter::NamePreserver;
use datafusion_expr::planner::{ExprPlanner, PlannerResult, RawAggregateExpr, RawWindowExpr};
use datafusion_expr::utils::COUNT_STAR_EXPANSION;
use datafusion_expr::{Expr, WindowFunctionDefinition, lit};
use datafusion_functions_aggregate::count::count_udaf;

use super::regression::spelled_out;

/// Rewrites and checks calls of our aggregates.
#[derive(Debug)]
pub(in crate::functions) struct AggregateRewritePlanner;

impl ExprPlanner for AggregateRewritePlanner {
    fn plan_aggregate(&self, raw: RawAggregateExpr) -> Result<PlannerResult<RawAggregateExpr>> {
        let name = raw.func.name().to_string();
        check_literals(&name, &raw.args)?;
        refuse_ignore_nulls(&name, raw.null_treatment)?;
        match name.as_str() {
            "count_distinct" | "count_if" => {
                let original = aggregate_expr(raw.clone());
                let preserved = NamePreserver::new_for_projection().save(&original);
                let planned = aggregate_expr(rewrite_count(raw)?);
                Ok(PlannerResult::Planned(preserved.restore(planned)))
            }
            regression if regression.starts_with("regr_") => {
                let preserved = NamePreserver::new_for_projection().save(&aggregate_expr(raw.clone()));
                Ok(PlannerResult::Planned(preserved.restore(spelled_out(regression, raw)?)))
            }
            "percentile" if !raw.order_by.is_empty() => {
                let original = aggregate_expr(raw.clone());
                let preserved = NamePreserver::new_for_projection().save(&original);
                let planned = aggregate_expr(without_within_group(raw)?);
                Ok(PlannerResult::Planned(preserved.restore(planned)))
            }
            _ => Ok(PlannerResult::Original(raw)),
        }
    }

    fn plan_window(&self, raw: RawWindowExpr) -> Result<PlannerResult<RawWindowExpr>> {
        let name = raw.func_def.name().to_string();
        check_literals(&name, &raw.args)?;
        match name.as_str() {
            "count_distinct" | "count_if" => {
                let original = window_expr(raw.clone());
                let preserved = NamePreserver::new_for_projection().save(&original);
                let planned = window_expr(rewrite_window_count(raw)?);
                Ok(PlannerResult::Planned(preserved.restore(planned)))
            }
            _ => Ok(PlannerResult::Original(raw)),
        }
    }
}

fn refuse_ignore_nulls(name: &str, treatment: Option<NullTreatment>) -> Result<()> {
    let takes_it = matches!(name, "first_value" | "last_value" | "nth_value" | "array_agg");
    if treatment == Some(NullTreatment::IgnoreNulls) && !takes_it {
        return plan_err!("IGNORE NULLS does not apply to {name}; use FILTER (WHERE x IS NOT NULL)");
    }
    Ok(())
}

fn check_literals(name: &str, args: &[Expr]) -> Result<()> {
    match name {
        "percentile" | "approx_percentile_kll" => {
            let Some(p) = literal_number(name, args, 1)? else {
                return Ok(());
            };
            if !(0.0..=1.0).contains(&p) {
                return plan_err!(
                    "the second argument of {name} is a fraction between 0 and 1, not {p}; write {} for the {p}th percentile",
                    p / 100.0
                );
            }
        }
        "ewma" => {
            let Some(alpha) = literal_number(name, args, 1)? else {
                return Ok(());
            };
            if !(alpha > 0.0 && alpha <= 1.0) {
                return plan_err!("alpha of ewma is above 0 and at most 1, not {alpha}");
            }
        }
        "topk" => {
            let Some(k) = literal_number(name, args, 1)? else {
                return Ok(());
            };
            if !(1.0..=10_000.0).contains(&k) {
                return plan_err!("k of topk is between 1 and 10000, not {k}");
            }
        }
        "nth_value" if literal_number(name, args, 1)? == Some(0.0) => {
            return plan_err!("n of nth_value counts from 1, or from −1 backwards; it is not 0");
        }
        _ => {}
    }
    Ok(())
}

/// The literal number at `index`; `None` when the argument is missing (arity is checked later).
fn literal_number(name: &str, args: &[Expr], index: usize) -> Result<Option<f64>> {
    let Some(arg) = args.get(index) else {
        return Ok(None);
    };
    match number(arg) {
        Some(value) => Ok(Some(value)),
        None => plan_err!("argument {} of {name} must be a literal number, not {arg}", index + 1),
    }
}

fn number(expr: &Expr) -> Option<f64> {
    match expr {
        Expr::Literal(value, _) => match value.cast_to(&arrow_schema::DataType::Float64) {
            Ok(ScalarValue::Float64(value)) => value,
            Ok(_) | Err(_) => None,
        },
        Expr::Negative(inner) => number(inner).map(|value| -value),
        Expr::Cast(cast) => number(&cast.expr),
        Expr::Alias(alias) => number(&alias.expr),
        _ => None,
    }
}

fn conjunction(filter: Option<Box<Expr>>, condition: Expr) -> Box<Expr> {
    Box::new(match filter {
        Some(filter) => filter.and(condition),
        None => condition,
    })
}

/// The condition of `count_if(condition)`.
fn only_condition(args: Vec<Expr>) -> Result<Expr> {
    match <[Expr; 1]>::try_from(args) {
        Ok([condition]) => Ok(condition),
        Err(args) => plan_err!(
            "count_if takes one condition, not {} arguments; it is called as count_if(condition)",
            args.len()
        ),
    }
}

fn rewrite_count(mut raw: RawAggregateExpr) -> Result<RawAggregateExpr> {
    if raw.func.name() == "count_distinct" {
        raw.distinct = true;
    } else {
        raw.filter = Some(conjunction(raw.filter, only_condition(raw.args)?));
        raw.args = vec![Expr::Literal(COUNT_STAR_EXPANSION, None)];
    }
    raw.func = count_udaf();
    Ok(raw)
}

fn rewrite_window_count(mut raw: RawWindowExpr) -> Result<RawWindowExpr> {
    if raw.func_def.name() == "count_distinct" {
        raw.distinct = true;
    } else {
        raw.filter = Some(conjunction(raw.filter, only_condition(raw.args)?));
        raw.args = vec![Expr::Literal(COUNT_STAR_EXPANSION, None)];
    }
    raw.func_def = WindowFunctionDefinition::AggregateUDF(count_udaf());
    Ok(raw)
}

/// `percentile(x, p)` for `percentile_cont(p) WITHIN GROUP (ORDER BY x [DESC])`.
fn without_within_group(mut raw: RawAggregateExpr) -> Result<RawAggregateExpr> {
    let order_by = std::mem::take(&mut raw.order_by);
    let Some(sort) = order_by.first() else {
        return Ok(raw);
    };
    if !sort.asc
        && let Some(p) = literal_number("percentile", &raw.args, 1)?
        && let Some(argument) = raw.args.get_mut(1)
    {
        *argument = lit(1.0 - p);
    }
    Ok(raw)
}

fn aggregate_expr(raw: RawAggregateExpr) -> Expr {
    let RawAggregateExpr { func, args, distinct, filter, order_by, null_treatment } = raw;
    Expr::AggregateFunction(AggregateFunction {
        func,
        params: AggregateFunctionParams { args, distinct, filter, order_by, null_treatment },
    })
}

fn window_expr(raw: RawWindowExpr) -> Expr {
    let RawWindowExpr {
        func_def,
        args,
        partition_by,
        order_by,
        window_frame,
        filter,
        null_treatment,
        distinct,
    } = raw;
    Expr::from(WindowFunction {
        fun: func_def,
        params: WindowFunctionParams {
            args,
            partition_by,
            order_by,
            window_frame,
            filter,
            null_treatment,
            distinct,
        },
    })
}
