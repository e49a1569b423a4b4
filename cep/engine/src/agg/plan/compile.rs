//! One call to its state and read.

use arrow_schema::DataType;
use cep_lang::plan::{AggCall, AggFunc, Expr, agg_name};

use super::same::same;
use super::{AggPlan, Keep, Order, Output, Read, StateKind, StateSpec};
use crate::agg::AggError;
use crate::agg::value::{OrderKey, ValKind};
use cep_types::sql_type::sql_type_name;

/// Fills `plan` from `calls`.
pub(super) fn compile(plan: &mut AggPlan, calls: &[AggCall]) -> Result<(), AggError> {
    let mut outputs = Vec::with_capacity(calls.len());
    // Counts last, since they may read a sum.
    for pass_counts in [false, true] {
        for (index, call) in calls.iter().enumerate() {
            let plain_count = call.func == AggFunc::Count && !call.distinct;
            if plain_count == pass_counts {
                outputs.push((index, Call { plan, call }.output()?));
            }
        }
    }
    outputs.sort_by_key(|(index, _)| *index);
    plan.outputs = outputs.into_iter().map(|(_, output)| output).collect();
    Ok(())
}

/// What DISTINCT does to an aggregate.
enum Distinct {
    /// It counts every distinct tuple once.
    Filters,
    /// The result is the same without it.
    Idle,
    /// It has no meaning.
    Refused,
}

struct Call<'a> {
    plan: &'a mut AggPlan,
    call: &'a AggCall,
}

impl Call<'_> {
    fn output(&mut self) -> Result<Output, AggError> {
        let AggCall { func, args: _, distinct: _, filter: _, order_by: _, data_type, name: _ } = self.call;
        self.check_clauses()?;
        let (state, read) = match func {
            AggFunc::Count => self.count()?,
            AggFunc::Sum => (self.sum(true)?, Read::Sum),
            AggFunc::Avg => (self.sum(false)?, Read::Avg),
            // How long a state lasts is up to who holds it.
            AggFunc::Min | AggFunc::MinForever => (self.extreme(false)?, Read::Min),
            AggFunc::Max | AggFunc::MaxForever => (self.extreme(true)?, Read::Max),
            AggFunc::Variance { population } => self.variance(*population, false)?,
            AggFunc::Stddev { population } => self.variance(*population, true)?,
            AggFunc::Covariance { population } => {
                (self.moments()?, Read::Covariance { population: *population })
            }
            AggFunc::Correlation => (self.moments()?, Read::Correlation),
            AggFunc::First { ignore_nulls } => self.nth(1, *ignore_nulls)?,
            AggFunc::Last { ignore_nulls } => self.nth(-1, *ignore_nulls)?,
            AggFunc::Nth { n, ignore_nulls } => self.nth(*n, *ignore_nulls)?,
            AggFunc::CountDistinct => self.count_distinct()?,
            AggFunc::ApproxCountDistinct => self.approx_distinct()?,
            AggFunc::Quantile { q, exact_max } => self.quantile(*q, *exact_max)?,
            AggFunc::QuantileKll { q } => self.kll(*q)?,
            AggFunc::TopK { k } => self.topk(*k)?,
            AggFunc::Mode => self.mode()?,
            AggFunc::Collect => self.collect()?,
            AggFunc::StringAgg { separator } => self.join(separator)?,
            AggFunc::UnionSet => self.union_set()?,
            AggFunc::BoolAnd => (self.bools()?, Read::BoolAnd),
            AggFunc::BoolOr => (self.bools()?, Read::BoolOr),
            AggFunc::BitAnd => (self.bits()?, Read::BitAnd),
            AggFunc::BitOr => (self.bits()?, Read::BitOr),
            AggFunc::BitXor => (self.bits()?, Read::BitXor),
            AggFunc::Rate => (self.counter()?, Read::Rate),
            AggFunc::Increase => (self.counter()?, Read::Increase),
            AggFunc::Ewma { alpha } => self.ewma(*alpha)?,
            AggFunc::ArgMin => self.arg_extreme(false)?,
            AggFunc::ArgMax => self.arg_extreme(true)?,
        };
        Ok(Output { func: agg_name(func), state, read, data_type: data_type.clone() })
    }

    /// Refuses clauses that the aggregate cannot have.
    fn check_clauses(&self) -> Result<(), AggError> {
        let AggCall { func, distinct, filter, order_by, .. } = self.call;
        if let Some(filter) = filter
            && filter.data_type != DataType::Boolean
        {
            return Err(self.parameter("FILTER takes a condition"));
        }
        if *distinct && matches!(self.distinct(), Distinct::Refused) {
            return Err(self.parameter("DISTINCT has no meaning here; leave it out"));
        }
        let ordered = matches!(
            func,
            AggFunc::First { .. }
                | AggFunc::Last { .. }
                | AggFunc::Nth { .. }
                | AggFunc::Collect
                | AggFunc::StringAgg { .. }
        );
        if !order_by.is_empty() && !ordered {
            return Err(self.parameter("ORDER BY has no meaning here; leave it out"));
        }
        Ok(())
    }

    fn distinct(&self) -> Distinct {
        match self.call.func {
            AggFunc::Count
            | AggFunc::Sum
            | AggFunc::Avg
            | AggFunc::Variance { .. }
            | AggFunc::Stddev { .. }
            | AggFunc::Covariance { .. }
            | AggFunc::Correlation
            | AggFunc::Quantile { .. }
            | AggFunc::QuantileKll { .. }
            | AggFunc::Collect
            | AggFunc::StringAgg { .. }
            | AggFunc::BitXor => Distinct::Filters,
            AggFunc::Min
            | AggFunc::Max
            | AggFunc::MinForever
            | AggFunc::MaxForever
            | AggFunc::CountDistinct
            | AggFunc::ApproxCountDistinct
            | AggFunc::UnionSet
            | AggFunc::BoolAnd
            | AggFunc::BoolOr
            | AggFunc::BitAnd
            | AggFunc::BitOr => Distinct::Idle,
            AggFunc::First { .. }
            | AggFunc::Last { .. }
            | AggFunc::Nth { .. }
            | AggFunc::TopK { .. }
            | AggFunc::Mode
            | AggFunc::Rate
            | AggFunc::Increase
            | AggFunc::Ewma { .. }
            | AggFunc::ArgMin
            | AggFunc::ArgMax => Distinct::Refused,
        }
    }

    /// A state of `kind` over the arguments, over distinct ones if the call says so.
    fn state(&mut self, kind: StateKind) -> usize {
        let filters = self.call.distinct && matches!(self.distinct(), Distinct::Filters);
        let kind = if filters { StateKind::Distinct(Box::new(kind)) } else { kind };
        let spec = self.spec(kind);
        self.plan.state(spec)
    }

    /// A plain spec of `kind` over the arguments.
    fn spec(&mut self, kind: StateKind) -> StateSpec {
        let args = self.call.args.iter().map(|e| self.plan.input(e)).collect();
        let filter = self.call.filter.as_ref().map(|e| self.plan.input(e));
        StateSpec {
            kind,
            args,
            types: self.types(),
            filter,
            nulls: false,
            elements: false,
            order: Vec::new(),
            by_ts: false,
            keep: Keep::All,
            size: 0,
            alpha: 0.0,
        }
    }

    fn types(&self) -> Vec<DataType> {
        self.call.args.iter().map(|e| e.data_type.clone()).collect()
    }

    /// The type of the only argument.
    fn arg(&self) -> Result<DataType, AggError> {
        match &self.call.args[..] {
            [arg] => Ok(arg.data_type.clone()),
            _ => Err(self.unsupported()),
        }
    }

    fn count(&mut self) -> Result<(usize, Read), AggError> {
        if self.call.distinct {
            return self.count_distinct();
        }
        self.result(&[DataType::Int64])?;
        if self.call.args.len() == 1 {
            for kind in [StateKind::SumFloat, StateKind::SumInt, StateKind::SumDecimal] {
                let spec = self.spec(kind);
                if let Some(found) = self.plan.states.iter().position(|s| **s == spec) {
                    return Ok((found, Read::Count));
                }
            }
        }
        Ok((self.state(StateKind::Count), Read::Count))
    }

    fn sum(&mut self, plain: bool) -> Result<usize, AggError> {
        let kind = match (&self.arg()?, &self.call.data_type) {
            (DataType::Float32 | DataType::Float64, DataType::Float64) => StateKind::SumFloat,
            (DataType::Float32, DataType::Float32) if plain => StateKind::SumFloat,
            (DataType::Int32 | DataType::Int64, DataType::Int32 | DataType::Int64) if plain => {
                StateKind::SumInt
            }
            (DataType::Int32 | DataType::Int64, DataType::Float64) if !plain => StateKind::SumInt,
            (DataType::Decimal128(_, s), DataType::Decimal128(_, t)) if s == t || (!plain && s < t) => {
                StateKind::SumDecimal
            }
            _ => return Err(self.unsupported()),
        };
        Ok(self.state(kind))
    }

    fn variance(&mut self, population: bool, root: bool) -> Result<(usize, Read), AggError> {
        self.floats(1)?;
        let squares = self.state(StateKind::Squares);
        Ok((self.state(StateKind::SumFloat), Read::Variance { squares, population, root }))
    }

    fn moments(&mut self) -> Result<usize, AggError> {
        self.floats(2)?;
        Ok(self.state(StateKind::Moments))
    }

    fn bools(&mut self) -> Result<usize, AggError> {
        self.result(&[DataType::Boolean])?;
        match self.arg()? {
            DataType::Boolean => Ok(self.state(StateKind::Bools)),
            _ => Err(self.unsupported()),
        }
    }

    fn bits(&mut self) -> Result<usize, AggError> {
        let arg = self.arg()?;
        self.result(std::slice::from_ref(&arg))?;
        match arg {
            DataType::Int32 | DataType::Int64 => Ok(self.state(StateKind::Bits)),
            _ => Err(self.unsupported()),
        }
    }

    fn extreme(&mut self, largest: bool) -> Result<usize, AggError> {
        let arg = self.arg()?;
        self.result(std::slice::from_ref(&arg))?;
        let kind = match (self.held(&arg)?, largest) {
            _ if self.plan.options.removal => StateKind::Sorted,
            (ValKind::Word(_), false) => StateKind::WordMin,
            (ValKind::Word(_), true) => StateKind::WordMax,
            (_, false) => StateKind::ValMin,
            (_, true) => StateKind::ValMax,
        };
        let spec = self.spec(kind);
        Ok(self.plan.state(spec))
    }

    /// The values of the only argument, sorted.
    fn sorted(&mut self, nulls: bool) -> Result<usize, AggError> {
        let arg = self.arg()?;
        self.held(&arg)?;
        let spec = StateSpec { nulls, ..self.spec(StateKind::Sorted) };
        Ok(self.plan.state(spec))
    }

    fn count_distinct(&mut self) -> Result<(usize, Read), AggError> {
        self.result(&[DataType::Int64])?;
        self.keys()?;
        let spec = self.spec(StateKind::Sorted);
        Ok((self.plan.state(spec), Read::Distinct))
    }

    fn approx_distinct(&mut self) -> Result<(usize, Read), AggError> {
        self.result(&[DataType::Int64, DataType::UInt64])?;
        self.keys()?;
        let spec = self.spec(match self.plan.options.removal {
            true => StateKind::SlidingLogLog,
            false => StateKind::LogLog,
        });
        Ok((self.plan.state(spec), Read::Distinct))
    }

    /// Checks that there are arguments and all can be keys.
    fn keys(&self) -> Result<(), AggError> {
        if self.call.args.is_empty() {
            return Err(self.unsupported());
        }
        self.types().iter().try_for_each(|t| self.held(t).map(|_| ()))
    }

    fn mode(&mut self) -> Result<(usize, Read), AggError> {
        let arg = self.arg()?;
        self.result(&[arg])?;
        Ok((self.sorted(false)?, Read::Mode))
    }

    fn topk(&mut self, k: u32) -> Result<(usize, Read), AggError> {
        let arg = self.arg()?;
        let fits = match &self.call.data_type {
            DataType::List(field) => match field.data_type() {
                DataType::Struct(fields) => {
                    let types: Vec<&DataType> = fields.iter().map(|f| f.data_type()).collect();
                    types == [&arg, &DataType::Int64]
                }
                _ => false,
            },
            _ => false,
        };
        if !fits {
            return Err(self.unsupported());
        }
        if k == 0 {
            return Err(self.parameter("k is at least 1"));
        }
        Ok((self.sorted(false)?, Read::TopK { k: k as usize }))
    }

    fn union_set(&mut self) -> Result<(usize, Read), AggError> {
        let arg = self.arg()?;
        self.held(&arg)?;
        let elements = arg == self.call.data_type && matches!(arg, DataType::List(_));
        if !elements {
            self.array_of(&arg)?;
        }
        let spec = StateSpec { elements, ..self.spec(StateKind::Sorted) };
        Ok((self.plan.state(spec), Read::Array { descending: false, nulls_first: false }))
    }

    fn collect(&mut self) -> Result<(usize, Read), AggError> {
        let arg = self.arg()?;
        self.array_of(&arg)?;
        if self.call.distinct {
            let (descending, nulls_first) = self.distinct_order()?;
            return Ok((self.sorted(true)?, Read::Array { descending, nulls_first }));
        }
        Ok((self.ordered(Keep::All, true)?, Read::Array { descending: false, nulls_first: false }))
    }

    fn join(&mut self, separator: &str) -> Result<(usize, Read), AggError> {
        self.result(&[DataType::Utf8])?;
        if self.arg()? != DataType::Utf8 {
            return Err(self.unsupported());
        }
        let separator = separator.to_owned();
        if self.call.distinct {
            let (descending, _) = self.distinct_order()?;
            return Ok((self.sorted(false)?, Read::Join { separator, descending }));
        }
        Ok((self.ordered(Keep::All, false)?, Read::Join { separator, descending: false }))
    }

    /// Direction of ORDER BY in a call with DISTINCT, which must be over the argument itself.
    fn distinct_order(&self) -> Result<(bool, bool), AggError> {
        match &self.call.order_by[..] {
            [] => Ok((false, false)),
            [key] if same(&key.expr, &self.call.args[0]) => Ok((key.descending, key.nulls_first)),
            _ => Err(self.parameter(
                "with DISTINCT, ORDER BY takes the argument itself; order by it, or leave DISTINCT out",
            )),
        }
    }

    fn nth(&mut self, n: i64, ignore_nulls: bool) -> Result<(usize, Read), AggError> {
        let arg = self.arg()?;
        self.result(&[arg])?;
        let rows = usize::try_from(n.unsigned_abs()).unwrap_or(usize::MAX);
        let (keep, read) = match n {
            0 => return Err(self.parameter("rows count from 1, or from -1 at the end")),
            1 => (Keep::First(1), Read::First),
            -1 => (Keep::Last(1), Read::Last),
            2.. => (Keep::First(rows), Read::Nth { n }),
            _ => (Keep::Last(rows), Read::Nth { n }),
        };
        Ok((self.ordered(keep, !ignore_nulls)?, read))
    }

    fn counter(&mut self) -> Result<usize, AggError> {
        self.result(&[DataType::Float64])?;
        self.numbers()?;
        self.ordered(Keep::All, false)
    }

    /// Rows in order; all of them where rows are removed.
    fn ordered(&mut self, keep: Keep, nulls: bool) -> Result<usize, AggError> {
        let arg = self.arg()?;
        self.held(&arg)?;
        let order = self.call.order_by.iter().map(|key| {
            let kind = self.held(&key.expr.data_type)?;
            let (descending, nulls_first) = (key.descending, key.nulls_first);
            Ok(OrderKey {
                input: self.plan.input(&key.expr),
                kind,
                descending,
                nulls_first,
                skip_null: false,
            })
        });
        let order = order.collect::<Result<Vec<_>, AggError>>()?;
        let spec = self.spec(StateKind::Ordered);
        Ok(self.edge_or_all(StateSpec { keep, nulls, order, ..spec }))
    }

    fn edge_or_all(&mut self, spec: StateSpec) -> usize {
        let by_ts = self.plan.options.order == Order::EventTime;
        let (kind, keep) = match spec.keep {
            _ if self.plan.options.removal => (StateKind::Ordered, Keep::All),
            Keep::First(1) => (StateKind::First, Keep::All),
            Keep::Last(1) => (StateKind::Last, Keep::All),
            keep => (StateKind::Ordered, keep),
        };
        self.plan.state(StateSpec { kind, keep, by_ts, ..spec })
    }

    fn arg_extreme(&mut self, largest: bool) -> Result<(usize, Read), AggError> {
        let [value, by] = &self.call.args[..] else { return Err(self.unsupported()) };
        self.result(std::slice::from_ref(&value.data_type))?;
        self.held(&value.data_type)?;
        let kind = self.held(&by.data_type)?;
        let input = self.plan.input(by);
        let key = OrderKey { input, kind, descending: largest, nulls_first: false, skip_null: true };
        let spec = self.spec(StateKind::Ordered);
        let spec = StateSpec {
            args: vec![self.plan.input(value)],
            types: vec![value.data_type.clone()],
            keep: Keep::First(1),
            nulls: true,
            order: vec![key],
            ..spec
        };
        Ok((self.edge_or_all(spec), Read::First))
    }

    fn quantile(&mut self, q: f64, exact_max: u32) -> Result<(usize, Read), AggError> {
        self.result(&[DataType::Float64, DataType::Float32])?;
        self.numbers()?;
        self.check_share(q)?;
        let kind = match self.plan.options.removal {
            true => StateKind::SlidingQuantile,
            false => StateKind::Quantile,
        };
        let kind = if self.call.distinct { StateKind::Distinct(Box::new(kind)) } else { kind };
        let spec = StateSpec { size: exact_max as usize, ..self.spec(kind) };
        Ok((self.plan.state(spec), Read::Quantile { q }))
    }

    fn kll(&mut self, q: f64) -> Result<(usize, Read), AggError> {
        let arg = self.arg()?;
        self.result(&[DataType::Float64, arg.clone()])?;
        self.check_share(q)?;
        let number = matches!(arg, DataType::Float64 | DataType::Float32 | DataType::Int64 | DataType::Int32);
        match self.held(&arg)? {
            ValKind::Word(_) if number || arg == self.call.data_type => {
                Ok((self.state(StateKind::Kll), Read::Quantile { q }))
            }
            _ => Err(self.unsupported()),
        }
    }

    fn check_share(&self, q: f64) -> Result<(), AggError> {
        match (0.0..=1.0).contains(&q) {
            true => Ok(()),
            false => Err(self.parameter("the share lies between 0 and 1")),
        }
    }

    fn ewma(&mut self, alpha: f64) -> Result<(usize, Read), AggError> {
        self.result(&[DataType::Float64])?;
        self.numbers()?;
        if !(alpha > 0.0 && alpha <= 1.0) {
            return Err(self.parameter("the weight of the newest value is above 0 and at most 1"));
        }
        let kind = if self.plan.options.merged { StateKind::Ordered } else { StateKind::Ewma };
        let spec = StateSpec { alpha, ..self.spec(kind) };
        Ok((self.plan.state(spec), Read::Ewma))
    }

    /// Checks that there are `count` arguments, all floats, and a double as result.
    fn floats(&self, count: usize) -> Result<(), AggError> {
        let float = |e: &Expr| matches!(e.data_type, DataType::Float32 | DataType::Float64);
        self.result(&[DataType::Float64])?;
        if self.call.args.len() == count && self.call.args.iter().all(float) {
            Ok(())
        } else {
            Err(self.unsupported())
        }
    }

    /// Checks that there is one argument, a number of at most eight bytes.
    fn numbers(&self) -> Result<(), AggError> {
        match self.arg()? {
            DataType::Float64 | DataType::Float32 | DataType::Int64 | DataType::Int32 => Ok(()),
            _ => Err(self.unsupported()),
        }
    }

    /// Checks that the result is an array of `item`.
    fn array_of(&self, item: &DataType) -> Result<(), AggError> {
        match &self.call.data_type {
            DataType::List(field) if field.data_type() == item => Ok(()),
            _ => Err(self.unsupported()),
        }
    }

    fn held(&self, data_type: &DataType) -> Result<ValKind, AggError> {
        ValKind::of(data_type).ok_or_else(|| self.unsupported())
    }

    fn result(&self, types: &[DataType]) -> Result<(), AggError> {
        if types.contains(&self.call.data_type) { Ok(()) } else { Err(self.unsupported()) }
    }

    fn unsupported(&self) -> AggError {
        let args: Vec<String> = self.types().iter().map(sql_type_name).collect();
        AggError::Unsupported { func: agg_name(&self.call.func), args: args.join(", ") }
    }

    fn parameter(&self, reason: &str) -> AggError {
        AggError::Parameter { func: agg_name(&self.call.func), reason: reason.to_owned() }
    }
}
