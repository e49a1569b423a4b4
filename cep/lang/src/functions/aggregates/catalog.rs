//! What every aggregate is called and how its result depends on the order of rows.

/// The order of rows an aggregate's result depends on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// None: the result is a function of the multiset of values.
    Insensitive,
    /// (event time, log position) in event-time windows, arrival in count and length windows.
    EventTime,
    /// The order in which rows arrive, always.
    Arrival,
}

/// One aggregate function.
#[derive(Debug, Clone, Copy)]
pub struct AggregateDoc {
    /// Canonical name: what [`datafusion_expr::AggregateUDF::name`] returns in a plan.
    pub name: &'static str,
    /// Other names, lower case; names match in any case.
    pub aliases: &'static [&'static str],
    /// For example `percentile(x, p)`.
    pub syntax: &'static str,
    /// One line: value, NULL handling, result type.
    pub doc: &'static str,
    /// The order the result depends on.
    pub order: Order,
    /// True when a value can be taken out of the state again (sliding windows without re-scan).
    pub removable: bool,
    /// True for a name that planning spells out by other aggregates of this list, so that no plan
    /// contains it: `count_distinct(x)` becomes `count(DISTINCT x)`, `regr_count` a `count`.
    pub rewritten: bool,
}

const fn aggregate(
    name: &'static str,
    aliases: &'static [&'static str],
    syntax: &'static str,
    doc: &'static str,
    order: Order,
    removable: bool,
) -> AggregateDoc {
    AggregateDoc { name, aliases, syntax, doc, order, removable, rewritten: false }
}

const fn rewritten(
    name: &'static str,
    aliases: &'static [&'static str],
    syntax: &'static str,
    doc: &'static str,
) -> AggregateDoc {
    AggregateDoc { name, aliases, syntax, doc, order: Order::Insensitive, removable: true, rewritten: true }
}

/// Every aggregate function, by canonical name.
pub const AGGREGATES: &[AggregateDoc] = &[
    aggregate(
        "approx_count_distinct",
        &["approx_distinct", "approxcountdistinct", "approx_unique"],
        "approx_count_distinct(x)",
        "Number of different values that are not NULL, estimated (HyperLogLog++, precision 14, error about 0.8 %). BIGINT.",
        Order::Insensitive,
        false,
    ),
    aggregate(
        "approx_percentile_kll",
        &["approxpercentilekll"],
        "approx_percentile_kll(x, p)",
        "Value at rank p (0 to 1) from a KLL sketch: the bound is on the rank, not on the value. DOUBLE.",
        Order::Arrival,
        false,
    ),
    aggregate(
        "arg_max",
        &["argmax", "max_by", "maxby"],
        "arg_max(x, y)",
        "x of the row with the greatest y; the earliest such row on a tie. Rows with NULL y are skipped. Type of x.",
        Order::EventTime,
        false,
    ),
    aggregate(
        "arg_min",
        &["argmin", "min_by", "minby"],
        "arg_min(x, y)",
        "x of the row with the least y; the earliest such row on a tie. Rows with NULL y are skipped. Type of x.",
        Order::EventTime,
        false,
    ),
    aggregate(
        "array_agg",
        &["collect", "collect_list", "list", "list_agg"],
        "array_agg(x [ORDER BY …])",
        "All values, NULL included, as a list. ARRAY of the type of x.",
        Order::EventTime,
        true,
    ),
    aggregate(
        "avg",
        &["mean", "average"],
        "avg(x)",
        "Exact sum divided by count, rounded once. DOUBLE; DECIMAL(p+4,s+4) for DECIMAL(p,s).",
        Order::Insensitive,
        true,
    ),
    aggregate(
        "bit_and",
        &["bitand_agg"],
        "bit_and(x)",
        "Bitwise AND of integers. Type of x.",
        Order::Insensitive,
        false,
    ),
    aggregate(
        "bit_or",
        &["bitor_agg"],
        "bit_or(x)",
        "Bitwise OR of integers. Type of x.",
        Order::Insensitive,
        false,
    ),
    aggregate(
        "bit_xor",
        &["bitxor_agg"],
        "bit_xor(x)",
        "Bitwise XOR of integers. Type of x.",
        Order::Insensitive,
        true,
    ),
    aggregate(
        "bool_and",
        &["every", "booland_agg", "logical_and"],
        "bool_and(x)",
        "True when no value is false; NULL when there is none. BOOL.",
        Order::Insensitive,
        true,
    ),
    aggregate(
        "bool_or",
        &["boolor_agg", "logical_or"],
        "bool_or(x)",
        "True when some value is true; NULL when there is none. BOOL.",
        Order::Insensitive,
        true,
    ),
    aggregate(
        "corr",
        &["correlation"],
        "corr(y, x)",
        "Pearson correlation of the pairs without NULL, from exact sums. DOUBLE.",
        Order::Insensitive,
        true,
    ),
    aggregate(
        "count",
        &[],
        "count(*) | count(x) | count(DISTINCT x)",
        "Number of rows, or of values that are not NULL. BIGINT.",
        Order::Insensitive,
        true,
    ),
    rewritten(
        "count_distinct",
        &["countdistinct", "distinct_count", "distinctcount"],
        "count_distinct(x)",
        "Number of different values that are not NULL, exact: count(DISTINCT x). BIGINT.",
    ),
    rewritten(
        "count_if",
        &["countif"],
        "count_if(condition)",
        "Number of rows for which the condition holds: count(*) FILTER (WHERE condition). BIGINT.",
    ),
    aggregate(
        "covar_pop",
        &["covariance_pop"],
        "covar_pop(y, x)",
        "Population covariance of the pairs without NULL. DOUBLE.",
        Order::Insensitive,
        true,
    ),
    aggregate(
        "covar_samp",
        &["covar", "covariance"],
        "covar_samp(y, x)",
        "Sample covariance of the pairs without NULL. DOUBLE.",
        Order::Insensitive,
        true,
    ),
    aggregate(
        "ewma",
        &["ema", "exponential_moving_average"],
        "ewma(x, alpha)",
        "Exponentially weighted moving average, e ← alpha·x + (1 − alpha)·e, first value first; 0 < alpha ≤ 1. DOUBLE.",
        Order::Arrival,
        false,
    ),
    aggregate(
        "first_value",
        &["first", "firstvalue", "any_value", "arbitrary", "earliest"],
        "first_value(x [ORDER BY …])",
        "x of the first row, NULL included unless IGNORE NULLS. Type of x.",
        Order::EventTime,
        true,
    ),
    aggregate(
        "increase",
        &[],
        "increase(x)",
        "Growth of a counter over its values in order; a fall counts as a restart from 0. DOUBLE.",
        Order::EventTime,
        false,
    ),
    aggregate(
        "last_value",
        &["last", "lastvalue", "latest"],
        "last_value(x [ORDER BY …])",
        "x of the last row, NULL included unless IGNORE NULLS. Type of x.",
        Order::EventTime,
        true,
    ),
    aggregate(
        "max",
        &[],
        "max(x)",
        "Greatest value; NaN is greater than every number. Type of x.",
        Order::Insensitive,
        false,
    ),
    aggregate(
        "max_forever",
        &["maxforever"],
        "max_forever(x)",
        "Greatest value since the query began, whatever the window holds now. Type of x.",
        Order::Insensitive,
        false,
    ),
    aggregate(
        "median",
        &["approx_median"],
        "median(x)",
        "percentile(x, 0.5). DOUBLE.",
        Order::Insensitive,
        true,
    ),
    aggregate(
        "min",
        &[],
        "min(x)",
        "Least value; NaN is greater than every number. Type of x.",
        Order::Insensitive,
        false,
    ),
    aggregate(
        "min_forever",
        &["minforever"],
        "min_forever(x)",
        "Least value since the query began, whatever the window holds now. Type of x.",
        Order::Insensitive,
        false,
    ),
    aggregate(
        "mode",
        &["most_frequent"],
        "mode(x)",
        "Most frequent value; the least such value on a tie. Type of x.",
        Order::Insensitive,
        true,
    ),
    aggregate(
        "nth_value",
        &["nth", "nthvalue"],
        "nth_value(x, n [ORDER BY …])",
        "x of the n-th row from 1, or from the end for negative n; NULL when there is none. Type of x.",
        Order::EventTime,
        true,
    ),
    aggregate(
        "percentile",
        &[
            "quantile",
            "percentile_cont",
            "quantile_cont",
            "approx_percentile_cont",
            "approx_percentile",
            "approx_quantile",
            "percentilecont",
        ],
        "percentile(x, p) | percentile_cont(p) WITHIN GROUP (ORDER BY x)",
        "Linearly interpolated value at p (0 to 1): exact up to 4,096 values, then a log-bucket sketch of the multiset. DOUBLE.",
        Order::Insensitive,
        true,
    ),
    aggregate(
        "rate",
        &[],
        "rate(x)",
        "increase(x) per second between the first and the last value. DOUBLE.",
        Order::EventTime,
        false,
    ),
    rewritten("regr_avgx", &[], "regr_avgx(y, x)", "Mean of x over the pairs without NULL. DOUBLE."),
    rewritten("regr_avgy", &[], "regr_avgy(y, x)", "Mean of y over the pairs without NULL. DOUBLE."),
    rewritten("regr_count", &[], "regr_count(y, x)", "Number of pairs without NULL. BIGINT."),
    rewritten(
        "regr_intercept",
        &[],
        "regr_intercept(y, x)",
        "Intercept of the least-squares line of y over x. DOUBLE.",
    ),
    rewritten("regr_r2", &[], "regr_r2(y, x)", "Square of the correlation. DOUBLE."),
    rewritten("regr_slope", &[], "regr_slope(y, x)", "Slope of the least-squares line of y over x. DOUBLE."),
    rewritten("regr_sxx", &[], "regr_sxx(y, x)", "Sum of squared deviations of x. DOUBLE."),
    rewritten("regr_sxy", &[], "regr_sxy(y, x)", "Sum of products of deviations of x and y. DOUBLE."),
    rewritten("regr_syy", &[], "regr_syy(y, x)", "Sum of squared deviations of y. DOUBLE."),
    aggregate(
        "stddev",
        &["stddev_samp", "stddevsamp", "std"],
        "stddev(x)",
        "Sample standard deviation (n − 1), from exact sums; NULL below two values. DOUBLE.",
        Order::Insensitive,
        true,
    ),
    aggregate(
        "stddev_pop",
        &["stddevpop"],
        "stddev_pop(x)",
        "Population standard deviation (n), from exact sums. DOUBLE.",
        Order::Insensitive,
        true,
    ),
    aggregate(
        "string_agg",
        &["listagg", "group_concat"],
        "string_agg(x [, separator] [ORDER BY …])",
        "Texts that are not NULL joined by the separator, ',' if none is given. STRING.",
        Order::EventTime,
        true,
    ),
    aggregate(
        "sum",
        &[],
        "sum(x)",
        "Exact sum. BIGINT for integers (overflow is an error of the record), DOUBLE for floats, DECIMAL(p+10,s) for DECIMAL(p,s).",
        Order::Insensitive,
        true,
    ),
    aggregate(
        "topk",
        &["top_k", "approx_top_k"],
        "topk(x, k)",
        "The k most frequent values with their counts, most frequent first; equal counts in a fixed order. ARRAY<STRUCT<value, count BIGINT>>.",
        Order::Insensitive,
        true,
    ),
    aggregate(
        "union_set",
        &["unionset", "collect_set"],
        "union_set(x)",
        "The different values in ascending order; for lists the union of their elements. ARRAY.",
        Order::Insensitive,
        true,
    ),
    aggregate(
        "var",
        &["var_samp", "var_sample", "variance", "variance_samp", "varsamp"],
        "var(x)",
        "Sample variance (n − 1), from exact sums; NULL below two values. DOUBLE.",
        Order::Insensitive,
        true,
    ),
    aggregate(
        "var_pop",
        &["var_population", "variance_pop", "varpop"],
        "var_pop(x)",
        "Population variance (n), from exact sums. DOUBLE.",
        Order::Insensitive,
        true,
    ),
];

/// The entry whose name or alias is `name`, in any case.
pub fn aggregate_doc(name: &str) -> Option<&'static AggregateDoc> {
    AGGREGATES.iter().find(|doc| {
        doc.name.eq_ignore_ascii_case(name)
            || doc.aliases.iter().any(|alias| alias.eq_ignore_ascii_case(name))
    })
}
