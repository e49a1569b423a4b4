//! Aggregate calls: the function library's declarations to the engine's aggregates.

use arrow_schema::{DataType, Schema};
use datafusion_common::ScalarValue;
use datafusion_expr::expr::{AggregateFunction, AggregateFunctionParams, NullTreatment, Sort};
use datafusion_expr::{Expr as Typed, ExprSchemable};

use crate::diag::codes;
use crate::plan::{AggCall, AggFunc, Expr, ExprKind, SortKey, call_text};

use super::error::Failure;
use super::expr::{Conversion, cast_to};
use super::types::type_name;

/// What the streams read say about aggregates.
#[derive(Debug, Clone, Copy)]
pub(crate) struct AggregateLimits {
    /// `quantile.exact_max`.
    pub quantile_exact_max: u32,
}

impl Conversion<'_> {
    /// An aggregate call over the conversion's columns.
    ///
    /// # Errors
    /// Arguments that must be constants and are not, clauses that the aggregate does not take.
    pub(crate) fn aggregate(
        &self,
        typed: &Typed,
        call: &AggregateFunction,
        limits: AggregateLimits,
    ) -> Result<AggCall, Failure> {
        let AggregateFunction { func, params } = call;
        let AggregateFunctionParams { args, distinct, filter, order_by, null_treatment } = params;
        let data_type = typed.get_type(self.columns.planner().as_ref())?;
        let parts = Parts {
            name: func.name(),
            args: self.exprs(args)?,
            distinct: *distinct,
            ignore_nulls: *null_treatment == Some(NullTreatment::IgnoreNulls),
            limits,
        };
        let filter = match filter {
            Some(filter) => Some(cast_to(self.expr(filter)?, &DataType::Boolean)),
            None => None,
        };
        let order_by = self.sort_keys(order_by)?;
        parts.call(filter, order_by, data_type, self.columns.schema())
    }

    /// Sort keys.
    ///
    /// # Errors
    /// As [`Conversion::expr`].
    pub(crate) fn sort_keys(&self, order_by: &[Sort]) -> Result<Vec<SortKey>, Failure> {
        order_by
            .iter()
            .map(|sort| {
                let Sort { expr, asc, nulls_first } = sort;
                Ok(SortKey { expr: self.expr(expr)?, descending: !asc, nulls_first: *nulls_first })
            })
            .collect()
    }
}

/// Keeps `expr` from being computed, and so from failing, for rows that `filter` leaves out.
fn guard(expr: &mut Expr, filter: &Expr) {
    if matches!(expr.kind, ExprKind::Column(_) | ExprKind::Literal(_)) {
        return;
    }
    let (data_type, span) = (expr.data_type.clone(), expr.span);
    let null = ExprKind::Literal(ScalarValue::Null);
    let inner = std::mem::replace(expr, Expr { kind: null, data_type: DataType::Null, nullable: true, span });
    let branches = vec![(filter.clone(), inner)];
    *expr = Expr { kind: ExprKind::Case { branches, otherwise: None }, data_type, nullable: true, span };
}

/// A call with its arguments converted.
pub(crate) struct Parts<'a> {
    /// Canonical name.
    pub name: &'a str,
    /// All arguments, constants included.
    pub args: Vec<Expr>,
    /// DISTINCT.
    pub distinct: bool,
    /// IGNORE NULLS.
    pub ignore_nulls: bool,
    /// Limits of the streams read.
    pub limits: AggregateLimits,
}

impl Parts<'_> {
    /// The call.
    ///
    /// # Errors
    /// Arguments that must be constants and are not, clauses that the aggregate does not take.
    pub(crate) fn call(
        mut self,
        filter: Option<Expr>,
        order_by: Vec<SortKey>,
        data_type: DataType,
        schema: &Schema,
    ) -> Result<AggCall, Failure> {
        let func = self.func()?;
        self.check_clauses(&func, &order_by)?;
        let mut args = std::mem::take(&mut self.args);
        let mut order_by = order_by;
        if let Some(filter) = &filter {
            let keys = order_by.iter_mut().map(|key| &mut key.expr);
            args.iter_mut().chain(keys).for_each(|expr| guard(expr, filter));
        }
        let counts_distinct = func == AggFunc::Count && self.distinct;
        let func = if counts_distinct { AggFunc::CountDistinct } else { func };
        let distinct = self.distinct && !counts_distinct && cares_for_duplicates(&func);
        let mut call = AggCall { func, args, distinct, filter, order_by, data_type, name: String::new() };
        call.name = call_text(&call, schema);
        Ok(call)
    }

    /// The aggregate; takes constants out of the arguments.
    fn func(&mut self) -> Result<AggFunc, Failure> {
        let ignore_nulls = self.ignore_nulls;
        Ok(match self.name {
            "count" => {
                // `count(*)` and `count(1)`: a constant that is not NULL counts every row.
                if let [Expr { kind: ExprKind::Literal(value), .. }] = self.args.as_slice()
                    && !value.is_null()
                    && !self.distinct
                {
                    self.args.clear();
                }
                AggFunc::Count
            }
            "sum" => {
                self.exact_integers();
                AggFunc::Sum
            }
            "avg" => {
                self.exact_integers();
                AggFunc::Avg
            }
            "min" => AggFunc::Min,
            "max" => AggFunc::Max,
            "min_forever" => AggFunc::MinForever,
            "max_forever" => AggFunc::MaxForever,
            "var" => AggFunc::Variance { population: false },
            "var_pop" => AggFunc::Variance { population: true },
            "stddev" => AggFunc::Stddev { population: false },
            "stddev_pop" => AggFunc::Stddev { population: true },
            "covar_samp" => AggFunc::Covariance { population: false },
            "covar_pop" => AggFunc::Covariance { population: true },
            "corr" => AggFunc::Correlation,
            "first_value" => AggFunc::First { ignore_nulls },
            "last_value" => AggFunc::Last { ignore_nulls },
            "nth_value" => AggFunc::Nth { n: self.nth()?, ignore_nulls },
            "approx_count_distinct" => AggFunc::ApproxCountDistinct,
            "median" => AggFunc::Quantile { q: 0.5, exact_max: self.limits.quantile_exact_max },
            "percentile" => {
                AggFunc::Quantile { q: self.fraction()?, exact_max: self.limits.quantile_exact_max }
            }
            "approx_percentile_kll" => AggFunc::QuantileKll { q: self.fraction()? },
            "topk" => AggFunc::TopK { k: self.top()? },
            "mode" => AggFunc::Mode,
            "array_agg" => AggFunc::Collect,
            "string_agg" => AggFunc::StringAgg { separator: self.separator()? },
            "union_set" => AggFunc::UnionSet,
            "bool_and" => AggFunc::BoolAnd,
            "bool_or" => AggFunc::BoolOr,
            "bit_and" => AggFunc::BitAnd,
            "bit_or" => AggFunc::BitOr,
            "bit_xor" => AggFunc::BitXor,
            "rate" => AggFunc::Rate,
            "increase" => AggFunc::Increase,
            "ewma" => AggFunc::Ewma { alpha: self.alpha()? },
            "arg_min" => AggFunc::ArgMin,
            "arg_max" => AggFunc::ArgMax,
            other => {
                return Err(Failure::new(
                    codes::UNKNOWN_FUNCTION,
                    format!("the aggregate `{other}` is not supported yet"),
                    "SHOW FUNCTIONS lists the library",
                ));
            }
        })
    }

    /// Takes back the widening of integers: their sum is exact without it.
    fn exact_integers(&mut self) {
        if let [Expr { kind: ExprKind::Cast { input, safe: false }, data_type, .. }] =
            self.args.as_mut_slice()
            && matches!(data_type, DataType::Float64 | DataType::Int64)
            && matches!(input.data_type, DataType::Int32 | DataType::Int64)
        {
            self.args = vec![(**input).clone()];
        }
    }

    fn check_clauses(&self, func: &AggFunc, order_by: &[SortKey]) -> Result<(), Failure> {
        let takes_nulls = matches!(func, AggFunc::First { .. } | AggFunc::Last { .. } | AggFunc::Nth { .. });
        if self.ignore_nulls && !takes_nulls {
            return Err(self.refused(
                "IGNORE NULLS",
                "NULLs are ignored already, or filter: FILTER (WHERE x IS NOT NULL)",
            ));
        }
        let takes_order = takes_nulls || matches!(func, AggFunc::Collect | AggFunc::StringAgg { .. });
        if !order_by.is_empty() && !takes_order {
            return Err(self.refused("ORDER BY", "the result does not depend on the order; leave it out"));
        }
        let refuses_distinct = matches!(
            func,
            AggFunc::Rate | AggFunc::Increase | AggFunc::Ewma { .. } | AggFunc::ArgMin | AggFunc::ArgMax
        ) || takes_nulls;
        if self.distinct && refuses_distinct {
            return Err(self.refused("DISTINCT", "leave it out"));
        }
        Ok(())
    }

    fn refused(&self, clause: &str, help: &str) -> Failure {
        Failure::new(codes::CALL_CLAUSE, format!("`{}` takes no {clause}", self.name), help)
    }

    /// Takes the last argument, which must be a constant.
    fn constant(&mut self, what: &str) -> Result<ScalarValue, Failure> {
        let arg = self.args.pop();
        match arg {
            Some(Expr { kind: ExprKind::Literal(value), .. }) if !value.is_null() => Ok(value),
            other => Err(self
                .wrong(&format!("{what} must be written out as a constant"))
                .at(other.and_then(|e| e.span))),
        }
    }

    fn number(&mut self, what: &str) -> Result<f64, Failure> {
        let value = self.constant(what)?;
        match value.cast_to(&DataType::Float64) {
            Ok(ScalarValue::Float64(Some(number))) => Ok(number),
            Ok(_) | Err(_) => {
                Err(self.wrong(&format!("{what} is a number, not {}", type_name(&value.data_type()))))
            }
        }
    }

    fn whole(&mut self, what: &str) -> Result<i64, Failure> {
        let value = self.constant(what)?;
        match value {
            ScalarValue::Int64(Some(number)) => Ok(number),
            ScalarValue::Int32(Some(number)) => Ok(number.into()),
            other => {
                Err(self.wrong(&format!("{what} is a whole number, not {}", type_name(&other.data_type()))))
            }
        }
    }

    fn fraction(&mut self) -> Result<f64, Failure> {
        let q = self.number("the share")?;
        if (0.0..=1.0).contains(&q) {
            return Ok(q);
        }
        Err(self.wrong(&format!("the share {q} is not between 0 and 1")))
    }

    fn alpha(&mut self) -> Result<f64, Failure> {
        let alpha = self.number("the weight")?;
        if alpha > 0.0 && alpha <= 1.0 {
            return Ok(alpha);
        }
        Err(self.wrong(&format!("the weight {alpha} is not above 0 and at most 1")))
    }

    fn nth(&mut self) -> Result<i64, Failure> {
        match self.whole("the position")? {
            0 => Err(self.wrong("positions count from 1, or from -1 backwards; there is no position 0")),
            n => Ok(n),
        }
    }

    fn top(&mut self) -> Result<u32, Failure> {
        let k = self.whole("the number of values")?;
        match u32::try_from(k) {
            Ok(k) if k >= 1 => Ok(k),
            Ok(_) | Err(_) => Err(self.wrong(&format!("the number of values is at least 1, not {k}"))),
        }
    }

    fn separator(&mut self) -> Result<String, Failure> {
        if self.args.len() < 2 {
            return Ok(",".to_owned());
        }
        match self.constant("the separator")? {
            ScalarValue::Utf8(Some(text)) => Ok(text),
            other => {
                Err(self.wrong(&format!("the separator is a text, not {}", type_name(&other.data_type()))))
            }
        }
    }

    fn wrong(&self, why: &str) -> Failure {
        let usage = crate::functions::aggregate_doc(self.name).map_or(self.name, |doc| doc.syntax);
        Failure::new(codes::ARGUMENTS, format!("`{}`: {why}", self.name), format!("usage: {usage}"))
    }
}

/// Whether DISTINCT changes the result.
fn cares_for_duplicates(func: &AggFunc) -> bool {
    !matches!(
        func,
        AggFunc::Min
            | AggFunc::Max
            | AggFunc::MinForever
            | AggFunc::MaxForever
            | AggFunc::BoolAnd
            | AggFunc::BoolOr
            | AggFunc::BitAnd
            | AggFunc::BitOr
            | AggFunc::CountDistinct
            | AggFunc::ApproxCountDistinct
            | AggFunc::UnionSet
    )
}
