//! Metrics of a bundle: PromQL expressions over panes of one stream (SPEC §7).
//!
//! Invariants:
//! - Labels, series sets and expressions are numbers into their node: nothing is looked up by name per row.
//! - Every range and offset is a multiple of the pane.

use arrow_schema::SchemaRef;

use crate::ast::Span;

use super::{Expr, LatePolicy, Node};

/// Metrics of a stream, and the expressions over them.
#[derive(Debug, Clone)]
pub struct MetricsNode {
    /// Rows; each gives one sample at most to each metric.
    pub input: Node,
    /// Width of a pane, ns. Panes are left-closed and right-open, and aligned to the epoch.
    pub pane_ns: i64,
    /// What rows say of metrics.
    pub metrics: Vec<Metric>,
    /// What is kept, shared by all expressions with the same selector.
    pub series: Vec<SeriesSet>,
    /// The expressions.
    pub queries: Vec<MetricQuery>,
    /// What comes out.
    pub output: MetricsOutput,
    /// What happens to samples of final panes.
    pub late_policy: LatePolicy,
    /// C, ns: how long a final pane may still be corrected.
    pub correction_ns: i64,
    /// Columns that come out.
    pub schema: SchemaRef,
}

/// What a row says of a metric.
#[derive(Debug, Clone)]
pub struct Metric {
    /// Its name.
    pub name: String,
    /// The sample, over the input's columns: DOUBLE, or any type where only `distinct` reads it; NULL: the row has none.
    pub value: Expr,
    /// Labels by name, in order of their names; STRING, NULL or empty: the row has no such label.
    pub labels: Vec<(String, Expr)>,
}

/// Series that a selector takes, with what is kept of each.
#[derive(Debug, Clone)]
pub struct SeriesSet {
    /// Index into [`MetricsNode::metrics`].
    pub metric: usize,
    /// All of them must hold.
    pub matchers: Vec<LabelMatcher>,
    /// Labels of the metric that tell its series apart, ascending: the others nobody asks for.
    pub identity: Vec<usize>,
    /// Series kept at most; what would be one more is frozen out, flagged and counted.
    pub series_max: u32,
}

/// A condition on a label. A label that is not there is the empty text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LabelMatcher {
    /// Index into [`Metric::labels`]; `None`: a label that no row of the metric has.
    pub label: Option<usize>,
    /// How it is compared.
    pub op: MatchOp,
    /// With what; a regular expression is anchored at both ends.
    pub value: String,
}

/// How a label is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MatchOp {
    /// `=`
    Equal,
    /// `!=`
    NotEqual,
    /// `=~`
    Matches,
    /// `!~`
    NotMatches,
}

/// A named expression.
#[derive(Debug, Clone)]
pub struct MetricQuery {
    /// Phase that it was written in.
    pub phase: String,
    /// Its name in that phase.
    pub name: String,
    /// As it was written.
    pub text: String,
    /// What it computes.
    pub expr: MetricExpr,
    /// Labels of its result in order of their names, of the metric it reads: which lane a row reads and feeds.
    /// Empty: one lane.
    pub by: Vec<usize>,
    /// Lanes at most (R-BUN-3); what would be one more is frozen out, flagged and counted.
    pub lanes_max: u32,
    /// Where it was written.
    pub span: Option<Span>,
}

/// What a metric expression computes: values by labels, at the end of a pane.
#[derive(Debug, Clone)]
pub enum MetricExpr {
    /// `rate(m{…}[5m] offset 1m)`: a value a series.
    Range {
        /// The function.
        func: RangeFunc,
        /// Index into [`MetricsNode::series`].
        series: usize,
        /// Length of the window, ns.
        range_ns: i64,
        /// How far back the window ends, ns; not negative.
        offset_ns: i64,
    },
    /// `m{…}`: the last sample of each series that is not older than `lookback_ns`.
    Instant {
        /// Index into [`MetricsNode::series`].
        series: usize,
        /// Age from which a sample is stale, ns.
        lookback_ns: i64,
        /// How far back it looks, ns; not negative.
        offset_ns: i64,
    },
    /// `sum by (a, b)(…)`.
    Aggregate {
        /// The operator.
        op: VectorOp,
        /// Labels kept: indices into the labels of the metric that is read, ascending.
        by: Vec<usize>,
        /// What it aggregates.
        input: Box<MetricExpr>,
    },
}

impl MetricExpr {
    /// The set of series that it reads.
    pub fn series(&self) -> usize {
        match self {
            MetricExpr::Range { series, .. } | MetricExpr::Instant { series, .. } => *series,
            MetricExpr::Aggregate { input, .. } => input.series(),
        }
    }
}

/// A function of the samples of a range.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum RangeFunc {
    /// `rate`, extrapolated as Prometheus does, per second.
    Rate,
    /// `increase`, extrapolated.
    Increase,
    /// `delta`, extrapolated, without resets.
    Delta,
    /// `count_over_time`
    Count,
    /// `sum_over_time`
    Sum,
    /// `avg_over_time`
    Avg,
    /// `min_over_time`
    Min,
    /// `max_over_time`
    Max,
    /// `stddev_over_time`, of the population.
    Stddev,
    /// `last_over_time`
    Last,
    /// `quantile_over_time(φ, …)`
    Quantile(f64),
    /// Distinct values of the samples: of an aggregate `distinct`, which merges them.
    Distinct,
}

/// An aggregation over series or lanes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum VectorOp {
    /// `sum`
    Sum,
    /// `count`
    Count,
    /// `avg`
    Avg,
    /// `min`
    Min,
    /// `max`
    Max,
    /// `quantile(φ, …)`
    Quantile(f64),
    /// `topk(k, …)`: the k largest of each group keep their labels; ties by value, then key hash.
    TopK(u32),
    /// `distinct by (…)(m[w])`, an extension: how many distinct values samples have; over [`RangeFunc::Distinct`].
    Distinct,
}

/// What comes out of the metrics of a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MetricsOutput {
    /// Each row of the input, with what the expressions say of its lanes, itself and the open pane included:
    /// the input's columns, for each of the queries `value` (DOUBLE, NULL: no value) and `flags` (BIGINT,
    /// [`metric_flags`]), then `pane_end` (TIMESTAMP, the end of the row's pane) and `watermark` (TIMESTAMP).
    Bound {
        /// Indices into [`MetricsNode::queries`], in the order of the columns.
        queries: Vec<usize>,
    },
    /// A row for each query and lane when the watermark passes the end of a pane that the lane has a value at:
    /// `query` STRING (`phase.name`), `labels` STRING (a JSON object, keys in order), `value` DOUBLE, `flags` BIGINT,
    /// `window_start` and `window_end` TIMESTAMP.
    Final {
        /// Indices into [`MetricsNode::queries`].
        queries: Vec<usize>,
    },
}

/// Bits of a value's flags.
pub mod metric_flags {
    /// Samples of final panes that could not be corrected were left out.
    pub const NON_RETRACTABLE_DROPPED: i64 = 1;
    /// Lanes or series over the limit were left out.
    pub const LANE_OVERFLOW: i64 = 2;
    /// The window begins before the definition saw its first row.
    pub const WARMING_UP: i64 = 4;
}
