//! Linear regression aggregates, spelled out by means, variances and covariances over the pairs
//! without NULL (ISO 9075-2, 10.9).

use datafusion_common::ScalarValue;
use datafusion_common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion_expr::expr::{
    AggregateFunction, AggregateFunctionParams, Case, Cast, WindowFunction, WindowFunctionParams,
};
use datafusion_expr::{Expr as Typed, WindowFunctionDefinition, lit};

use crate::functions::FunctionRegistry;

use super::error::Failure;

/// `typed` without calls of `regr_…`.
///
/// # Errors
/// Never on calls of two arguments.
pub(crate) fn spelled_out(typed: Typed, registry: &FunctionRegistry) -> Result<Typed, Failure> {
    let out = typed.transform_up(|expr| {
        let (name, args) = match &expr {
            Typed::AggregateFunction(call) => (call.func.name(), &call.params.args),
            Typed::WindowFunction(call) => (call.fun.name(), &call.params.args),
            _other => return Ok(Transformed::no(expr)),
        };
        let (true, [y, x]) = (name.starts_with("regr_"), args.as_slice()) else {
            return Ok(Transformed::no(expr));
        };
        let pairs = Pairs { call: &expr, y, x, registry };
        Ok(match pairs.value(name) {
            Some(value) => Transformed::yes(value),
            None => Transformed::no(expr),
        })
    });
    Ok(out.data()?)
}

struct Pairs<'a> {
    call: &'a Typed,
    y: &'a Typed,
    x: &'a Typed,
    registry: &'a FunctionRegistry,
}

impl Pairs<'_> {
    fn value(&self, name: &str) -> Option<Typed> {
        let (y, x) = (self.y, self.x);
        Some(match name {
            "regr_count" => self.aggregate("count", &[x])?,
            "regr_avgx" => self.aggregate("avg", &[x])?,
            "regr_avgy" => self.aggregate("avg", &[y])?,
            "regr_sxx" => self.times_count(self.aggregate("var_pop", &[x])?)?,
            "regr_syy" => self.times_count(self.aggregate("var_pop", &[y])?)?,
            "regr_sxy" => self.times_count(self.aggregate("covar_pop", &[y, x])?)?,
            "regr_slope" => self.slope()?,
            "regr_intercept" => {
                let (mean_y, mean_x) = (self.aggregate("avg", &[y])?, self.aggregate("avg", &[x])?);
                mean_y - self.slope()? * mean_x
            }
            "regr_r2" => {
                let corr = self.aggregate("corr", &[y, x])?;
                let zero = |v: Typed| v.eq(lit(0.0));
                case(
                    vec![
                        (zero(self.aggregate("var_pop", &[x])?), lit(ScalarValue::Float64(None))),
                        (zero(self.aggregate("var_pop", &[y])?), lit(1.0)),
                    ],
                    corr.clone() * corr,
                )
            }
            _other => return None,
        })
    }

    /// NULL for a vertical line.
    fn slope(&self) -> Option<Typed> {
        let spread = self.aggregate("var_pop", &[self.x])?;
        let common = self.aggregate("covar_pop", &[self.y, self.x])?;
        let vertical = (spread.clone().eq(lit(0.0)), lit(ScalarValue::Float64(None)));
        Some(case(vec![vertical], common / spread))
    }

    fn times_count(&self, mean: Typed) -> Option<Typed> {
        let count = self.aggregate("count", &[self.x])?;
        let count = Typed::Cast(Cast::new(Box::new(count), arrow_schema::DataType::Float64));
        Some(count * mean)
    }

    /// Another aggregate over the same pairs, with the clauses of the call.
    fn aggregate(&self, name: &str, args: &[&Typed]) -> Option<Typed> {
        let func = self.registry.aggregate(name)?;
        let args: Vec<Typed> = args.iter().map(|arg| (*arg).clone()).collect();
        let both = self.y.clone().is_not_null().and(self.x.clone().is_not_null());
        let filtered = |filter: &Option<Box<Typed>>| {
            Some(Box::new(match filter {
                Some(filter) => filter.as_ref().clone().and(both.clone()),
                None => both.clone(),
            }))
        };
        Some(match self.call {
            Typed::AggregateFunction(AggregateFunction { func: _, params }) => {
                let AggregateFunctionParams { args: _, distinct, filter, order_by, null_treatment } = params.clone();
                let filter = filtered(&filter);
                let params = AggregateFunctionParams { args, distinct, filter, order_by, null_treatment };
                Typed::AggregateFunction(AggregateFunction { func, params })
            }
            Typed::WindowFunction(window) => {
                let params = window.params.clone();
                let filter = filtered(&params.filter);
                Typed::from(WindowFunction {
                    fun: WindowFunctionDefinition::AggregateUDF(func),
                    params: WindowFunctionParams { args, filter, ..params },
                })
            }
            _other => return None,
        })
    }
}

fn case(branches: Vec<(Typed, Typed)>, otherwise: Typed) -> Typed {
    let branches = branches.into_iter().map(|(when, then)| (Box::new(when), Box::new(then))).collect();
    Typed::Case(Case { expr: None, when_then_expr: branches, else_expr: Some(Box::new(otherwise)) })
}
