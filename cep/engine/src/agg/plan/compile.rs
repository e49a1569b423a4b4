//! One call to its state and read.

use arrow_schema::DataType;
use cep_lang::plan::{AggCall, AggFunc};

use super::{AggPlan, Output, Read, StateKind, StateSpec};
use crate::agg::AggError;
use crate::agg::value::ValKind;

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

struct Call<'a> {
    plan: &'a mut AggPlan,
    call: &'a AggCall,
}

impl Call<'_> {
    fn output(&mut self) -> Result<Output, AggError> {
        let AggCall { func, args: _, distinct, filter, order_by, data_type, name: _ } = self.call;
        if let Some(filter) = filter
            && filter.data_type != DataType::Boolean
        {
            return Err(self.parameter("FILTER takes a condition"));
        }
        let (state, read) = match func {
            AggFunc::Count => (self.count()?, Read::Count),
            AggFunc::Sum => (self.sum(true)?, Read::Sum),
            AggFunc::Avg => (self.sum(false)?, Read::Avg),
            AggFunc::Min => (self.extreme(false, false)?, Read::Min),
            AggFunc::Max => (self.extreme(true, false)?, Read::Max),
            AggFunc::MinForever => (self.extreme(false, true)?, Read::Min),
            AggFunc::MaxForever => (self.extreme(true, true)?, Read::Max),
            AggFunc::Variance { population } => self.variance(*population, false)?,
            AggFunc::Stddev { population } => self.variance(*population, true)?,
            AggFunc::Covariance { population } => {
                (self.moments()?, Read::Covariance { population: *population })
            }
            AggFunc::Correlation => (self.moments()?, Read::Correlation),
            AggFunc::BoolAnd => (self.bools()?, Read::BoolAnd),
            AggFunc::BoolOr => (self.bools()?, Read::BoolOr),
            AggFunc::BitAnd => (self.bits()?, Read::BitAnd),
            AggFunc::BitOr => (self.bits()?, Read::BitOr),
            AggFunc::BitXor => (self.bits()?, Read::BitXor),
            _ => return Err(self.unsupported()),
        };
        let _ = (distinct, order_by);
        Ok(Output { func: name(func), state, read, data_type: data_type.clone() })
    }

    /// A state of `kind` over the arguments.
    fn state(&mut self, kind: StateKind) -> usize {
        let spec = self.spec(kind);
        self.plan.state(spec)
    }

    fn spec(&mut self, kind: StateKind) -> StateSpec {
        let args = self.call.args.iter().map(|e| self.plan.input(e)).collect();
        let filter = self.call.filter.as_ref().map(|e| self.plan.input(e));
        StateSpec { kind, args, types: self.types(), filter, forever: false }
    }

    fn types(&self) -> Vec<DataType> {
        self.call.args.iter().map(|e| e.data_type.clone()).collect()
    }

    fn count(&mut self) -> Result<usize, AggError> {
        self.result(&[DataType::Int64])?;
        if self.call.args.len() == 1 {
            for kind in [StateKind::SumFloat, StateKind::SumInt, StateKind::SumDecimal] {
                let spec = self.spec(kind);
                if let Some(found) = self.plan.states.iter().position(|s| **s == spec) {
                    return Ok(found);
                }
            }
        }
        Ok(self.state(StateKind::Count))
    }

    fn sum(&mut self, plain: bool) -> Result<usize, AggError> {
        let [arg] = &self.types()[..] else { return Err(self.unsupported()) };
        let kind = match (arg, &self.call.data_type) {
            (DataType::Float32 | DataType::Float64, DataType::Float32 | DataType::Float64) => {
                StateKind::SumFloat
            }
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
        match &self.types()[..] {
            [DataType::Boolean] => Ok(self.state(StateKind::Bools)),
            _ => Err(self.unsupported()),
        }
    }

    fn bits(&mut self) -> Result<usize, AggError> {
        match &self.types()[..] {
            [arg @ (DataType::Int32 | DataType::Int64)] if *arg == self.call.data_type => {
                Ok(self.state(StateKind::Bits))
            }
            _ => Err(self.unsupported()),
        }
    }

    fn extreme(&mut self, largest: bool, forever: bool) -> Result<usize, AggError> {
        let [arg] = &self.types()[..] else { return Err(self.unsupported()) };
        if *arg != self.call.data_type {
            return Err(self.unsupported());
        }
        let held = ValKind::of(arg).ok_or_else(|| self.unsupported())?;
        let kind = match (held, largest) {
            _ if self.plan.options.removal && !forever => StateKind::Sorted,
            (ValKind::Word(_), false) => StateKind::WordMin,
            (ValKind::Word(_), true) => StateKind::WordMax,
            (_, false) => StateKind::ValMin,
            (_, true) => StateKind::ValMax,
        };
        let spec = StateSpec { forever, ..self.spec(kind) };
        Ok(self.plan.state(spec))
    }

    /// Checks that there are `count` arguments, all floats, and a float result.
    fn floats(&self, count: usize) -> Result<(), AggError> {
        let float = |t: &DataType| matches!(t, DataType::Float32 | DataType::Float64);
        self.result(&[DataType::Float64])?;
        if self.call.args.len() == count && self.types().iter().all(float) {
            Ok(())
        } else {
            Err(self.unsupported())
        }
    }

    fn result(&self, types: &[DataType]) -> Result<(), AggError> {
        if types.contains(&self.call.data_type) { Ok(()) } else { Err(self.unsupported()) }
    }

    fn unsupported(&self) -> AggError {
        let args: Vec<String> = self.types().iter().map(ToString::to_string).collect();
        AggError::Unsupported {
            func: name(&self.call.func),
            args: args.join(", "),
            result: self.call.data_type.clone(),
        }
    }

    fn parameter(&self, reason: &str) -> AggError {
        AggError::Parameter { func: name(&self.call.func), reason: reason.to_owned() }
    }
}

/// Name of an aggregate in messages.
fn name(func: &AggFunc) -> &'static str {
    match func {
        AggFunc::Count => "count",
        AggFunc::Sum => "sum",
        AggFunc::Avg => "avg",
        AggFunc::Min => "min",
        AggFunc::Max => "max",
        AggFunc::MinForever => "minForever",
        AggFunc::MaxForever => "maxForever",
        AggFunc::Variance { .. } => "variance",
        AggFunc::Stddev { .. } => "stddev",
        AggFunc::Covariance { .. } => "covariance",
        AggFunc::Correlation => "corr",
        AggFunc::First { .. } => "first",
        AggFunc::Last { .. } => "last",
        AggFunc::Nth { .. } => "nth",
        AggFunc::CountDistinct => "distinctCount",
        AggFunc::ApproxCountDistinct => "approx_distinct",
        AggFunc::Quantile { .. } => "quantile",
        AggFunc::QuantileKll { .. } => "approx_percentile_kll",
        AggFunc::TopK { .. } => "topk",
        AggFunc::Mode => "mode",
        AggFunc::Collect => "collect",
        AggFunc::StringAgg { .. } => "string_agg",
        AggFunc::UnionSet => "unionSet",
        AggFunc::BoolAnd => "bool_and",
        AggFunc::BoolOr => "bool_or",
        AggFunc::BitAnd => "bit_and",
        AggFunc::BitOr => "bit_or",
        AggFunc::BitXor => "bit_xor",
        AggFunc::Rate => "rate",
        AggFunc::Increase => "increase",
        AggFunc::Ewma { .. } => "ewma",
        AggFunc::ArgMin => "arg_min",
        AggFunc::ArgMax => "arg_max",
    }
}
