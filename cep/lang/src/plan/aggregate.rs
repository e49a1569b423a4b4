//! Aggregate calls.

use arrow_schema::DataType;

use super::Expr;

/// One aggregate of a query.
#[derive(Debug, Clone)]
pub struct AggCall {
    /// Which aggregate.
    pub func: AggFunc,
    /// Value arguments (constants such as a percentile are inside `func`); `count(*)` has none.
    pub args: Vec<Expr>,
    /// DISTINCT: each distinct argument tuple counts once.
    pub distinct: bool,
    /// FILTER (WHERE …).
    pub filter: Option<Expr>,
    /// ORDER BY inside the call (`array_agg(x ORDER BY y)`); empty: (ts, log position) in
    /// event-time windows, arrival elsewhere.
    pub order_by: Vec<SortKey>,
    /// Result type.
    pub data_type: DataType,
    /// Column name.
    pub name: String,
}

/// A sort key.
#[derive(Debug, Clone)]
pub struct SortKey {
    /// What to sort by.
    pub expr: Expr,
    /// DESC.
    pub descending: bool,
    /// NULLS FIRST.
    pub nulls_first: bool,
}

/// The aggregates of R-SQL-6 as R-DET-5 defines them.
#[derive(Debug, Clone, PartialEq)]
pub enum AggFunc {
    /// `count(*)` without argument, else rows where every argument is not NULL. BIGINT.
    Count,
    /// Integer sums are i128 and overflow of the result type is a record error; float sums are
    /// exact and rounded once.
    Sum,
    /// Exact Σx ÷ n rounded once; DECIMAL as DataFusion types it.
    Avg,
    /// Smallest; NaN above all.
    Min,
    /// Largest; NaN above all.
    Max,
    /// Running minimum since the query began, unaffected by windows (arrival order).
    MinForever,
    /// Running maximum since the query began.
    MaxForever,
    /// Variance, population or sample, from exact sums.
    Variance {
        /// Divide by n, not n − 1.
        population: bool,
    },
    /// Square root of the variance.
    Stddev {
        /// Divide by n, not n − 1.
        population: bool,
    },
    /// Population or sample covariance of two arguments.
    Covariance {
        /// Divide by n, not n − 1.
        population: bool,
    },
    /// Pearson correlation of two arguments.
    Correlation,
    /// First value by (ts, position), or by arrival.
    First {
        /// IGNORE NULLS.
        ignore_nulls: bool,
    },
    /// Last value.
    Last {
        /// IGNORE NULLS.
        ignore_nulls: bool,
    },
    /// n-th value from the start, 1-based; negative from the end.
    Nth {
        /// Which.
        n: i64,
        /// IGNORE NULLS.
        ignore_nulls: bool,
    },
    /// Exact count of distinct tuples.
    CountDistinct,
    /// HLL++ p = 14.
    ApproxCountDistinct,
    /// Continuous quantile (linear interpolation) for q in [0, 1]: exact up to `exact_max`
    /// samples, then the log-bucket sketch.
    Quantile {
        /// q.
        q: f64,
        /// Samples kept exactly (`quantile.exact_max`).
        exact_max: u32,
    },
    /// KLL with a rank bound only.
    QuantileKll {
        /// q.
        q: f64,
    },
    /// The k most frequent values with their counts; ties by (count, key hash).
    TopK {
        /// k.
        k: u32,
    },
    /// Most frequent value; ties: smallest.
    Mode,
    /// All values as an array, in order.
    Collect,
    /// Strings joined by a separator, in order.
    StringAgg {
        /// Separator.
        separator: String,
    },
    /// Sorted distinct values; of arrays, their union.
    UnionSet,
    /// Three-valued AND of booleans; NULLs ignored.
    BoolAnd,
    /// OR of booleans; NULLs ignored.
    BoolOr,
    /// Bitwise AND of integers.
    BitAnd,
    /// Bitwise OR of integers.
    BitOr,
    /// Bitwise XOR of integers.
    BitXor,
    /// Counter increase per second over the first to last sample; resets add.
    Rate,
    /// Counter increase over the samples; resets add.
    Increase,
    /// Exponentially weighted moving average by arrival, weight `alpha` of the newest.
    Ewma {
        /// Weight in (0, 1].
        alpha: f64,
    },
    /// Value of the first argument where the second is smallest; ties: first by (ts, position).
    ArgMin,
    /// Value of the first argument where the second is largest.
    ArgMax,
}
