//! Names of aggregates in messages.

use cep_lang::plan::AggFunc;

/// Name of an aggregate in messages.
pub(super) fn name(func: &AggFunc) -> &'static str {
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
