//! A plan node checked, and its windows and parts numbered.

use arrow_schema::DataType;
use cep_lang::plan::{
    LatePolicy, MetricExpr, MetricQuery, MetricsNode, MetricsOutput, RangeFunc, SeriesSet as SetNode,
    VectorOp,
};

use super::formula::Slope;
use super::labels::Matcher;
use super::pane::{Parts, Sketch};
use super::series::Shape;
use super::set::SetPlan;
use super::window::{Kind, Value, WindowSpec};

/// How far windows, offsets and corrections may reach back together, ns: 73 years.
const REACH_NS_MAX: i64 = i64::MAX / 4;

/// What the metrics of a stream keep and compute.
#[derive(Debug)]
pub struct MetricsPlan {
    pub(super) pane_ns: i64,
    pub(super) sets: Vec<SetPlan>,
    pub(super) queries: Vec<QueryPlan>,
    /// Sets of each metric.
    pub(super) sets_of: Vec<Vec<usize>>,
    /// Panes that a final one may be corrected.
    pub(super) correction_ns: i64,
}

/// What a query computes.
#[derive(Debug)]
pub(super) struct QueryPlan {
    /// Its series.
    pub set: usize,
    /// Its window of them, and what of it.
    pub window: usize,
    pub value: Value,
    /// Panes of the window, and those between its end and the head.
    pub spec: WindowSpec,
    /// Aggregations, inner first, with the places of their labels in the identity.
    pub levels: Vec<(VectorOp, Vec<usize>)>,
    /// Labels of the metric that tell lanes apart, and their places in the identity.
    pub by: Vec<usize>,
    pub places: Vec<usize>,
    pub lanes_max: usize,
    /// `phase.name`.
    pub name: String,
    /// Names of the lanes' labels.
    pub labels: Vec<String>,
}

type Result<T> = std::result::Result<T, String>;

impl MetricsPlan {
    /// Checks and numbers `node`.
    ///
    /// # Errors
    /// The reason why it cannot be run, for the user.
    pub fn new(node: &MetricsNode) -> Result<Self> {
        if node.pane_ns <= 0 {
            return Err("a pane has a width above 0".into());
        }
        let is_final = matches!(node.output, MetricsOutput::Final { .. });
        let retract = node.late_policy == LatePolicy::Retract;
        let correction_ns = if retract { node.correction_ns.max(0) } else { 0 };
        let mut plan = MetricsPlan {
            pane_ns: node.pane_ns,
            sets: Vec::new(),
            queries: Vec::new(),
            sets_of: vec![Vec::new(); node.metrics.len()],
            correction_ns,
        };
        for (at, set) in node.series.iter().enumerate() {
            plan.sets.push(set_plan(node, set)?);
            plan.sets_of[set.metric].push(at);
        }
        for query in &node.queries {
            let made =
                plan.query(node, query).map_err(|e| format!("'{}.{}': {e}", query.phase, query.name))?;
            plan.queries.push(made);
        }
        // What may be corrected is kept on.
        let more = if is_final { correction_ns / node.pane_ns + 2 } else { 0 };
        plan.sets.iter_mut().for_each(|set| set.shape.keep = set.shape.keep.saturating_add(more));
        if plan.sets.iter().any(|set| set.shape.keep.saturating_mul(node.pane_ns) > REACH_NS_MAX) {
            return Err("a window with its offset and the correction horizon reaches back too far; \
                        73 years is the most"
                .into());
        }
        Ok(plan)
    }

    /// Width of a pane, ns.
    pub fn pane_ns(&self) -> i64 {
        self.pane_ns
    }

    /// Panes whose end is at `watermark` or before are final: the first that is not, where final panes may still be
    /// corrected the first that may not.
    pub fn first_open(&self, watermark: i64) -> i64 {
        watermark.saturating_sub(self.correction_ns).div_euclid(self.pane_ns)
    }

    /// Name of a query, `phase.name`, and the names of its lanes' labels.
    pub fn names(&self, query: usize) -> (&str, &[String]) {
        (&self.queries[query].name, &self.queries[query].labels)
    }

    /// The metric that a query reads.
    pub fn metric_of(&self, query: usize) -> usize {
        self.sets[self.queries[query].set].metric
    }

    fn query(&mut self, node: &MetricsNode, query: &MetricQuery) -> Result<QueryPlan> {
        let mut levels = Vec::new();
        let mut below = &query.expr;
        while let MetricExpr::Aggregate { op, by, input } = below {
            levels.insert(0, (*op, by.clone()));
            below = input;
        }
        let (number, kind, value, range_ns, offset_ns) = leaf(below);
        let set = self.sets.get_mut(number).ok_or("it reads series that there are not")?;
        let metric = &node.metrics[set.metric];
        let distinct = value == Value::Distinct;
        let is_over = |(op, _): &(VectorOp, Vec<usize>)| *op == VectorOp::Distinct;
        if distinct != levels.first().is_some_and(is_over) || levels.iter().skip(1).any(is_over) {
            return Err("distinct aggregates samples, and nothing else does so".into());
        }
        if !distinct && metric.value.data_type != DataType::Float64 {
            return Err(format!(
                "the metric '{}' is not of numbers, so that only distinct can read it",
                metric.name
            ));
        }
        let spec = WindowSpec {
            kind,
            range: panes(range_ns, node.pane_ns)
                .filter(|&p| p > 0)
                .ok_or("its range is not a number of panes")?,
            offset: panes(offset_ns, node.pane_ns).ok_or("its offset is not a number of panes")?,
        };
        let mut labels = set.identity.clone();
        let mut placed = Vec::new();
        for (op, by) in levels {
            if !by.is_sorted_by(|a, b| a < b) || !by.iter().all(|label| labels.contains(label)) {
                return Err("it groups by labels that what it aggregates has not".into());
            }
            let places = by.iter().filter_map(|label| set.identity.iter().position(|l| l == label)).collect();
            if !matches!(op, VectorOp::TopK(_)) {
                labels = by;
            }
            placed.push((op, places));
        }
        if labels != query.by {
            return Err("its lanes are by other labels than its result".into());
        }
        set.shape.parts = parts_of(value).iter().fold(set.shape.parts, |all, &part| all.with(part));
        set.shape.keep = set.shape.keep.max(spec.range.saturating_add(spec.offset));
        let known = set.shape.windows.iter().position(|window| *window == spec);
        let window = known.unwrap_or_else(|| {
            set.shape.windows.push(spec);
            set.shape.windows.len() - 1
        });
        set.queries.push(self.queries.len());
        let name_of = |label: &usize| metric.labels[*label].0.clone();
        Ok(QueryPlan {
            set: number,
            window,
            value,
            spec,
            levels: placed,
            places: query.by.iter().filter_map(|l| set.identity.iter().position(|i| i == l)).collect(),
            by: query.by.clone(),
            lanes_max: query.lanes_max as usize,
            name: format!("{}.{}", query.phase, query.name),
            labels: query.by.iter().map(name_of).collect(),
        })
    }
}

fn set_plan(node: &MetricsNode, set: &SetNode) -> Result<SetPlan> {
    let metric = node.metrics.get(set.metric).ok_or("series of a metric that there is not")?;
    let known = |label: usize| label < metric.labels.len();
    if !set.identity.is_sorted_by(|a, b| a < b) || !set.identity.iter().all(|&label| known(label)) {
        return Err(format!("series of the metric '{}' are told apart by labels it has not", metric.name));
    }
    if !set.matchers.iter().filter_map(|m| m.label).all(known) {
        return Err(format!("a selector of the metric '{}' asks for a label it has not", metric.name));
    }
    let is_number = metric.value.data_type == DataType::Float64;
    Ok(SetPlan {
        metric: set.metric,
        matchers: set.matchers.iter().map(Matcher::new).collect::<Result<_>>()?,
        identity: set.identity.clone(),
        series_max: set.series_max as usize,
        shape: Shape {
            windows: Vec::new(),
            parts: Parts::default(),
            sketch: if is_number { Sketch::OfNumber } else { Sketch::Itself },
            keep: 1,
            pane_ns: node.pane_ns,
        },
        queries: Vec::new(),
    })
}

/// A time in panes, if it is so many and not below 0.
fn panes(ns: i64, pane_ns: i64) -> Option<i64> {
    (ns >= 0 && ns % pane_ns == 0).then_some(ns / pane_ns)
}

/// Set, kind of window, value, range and offset of the lowest expression.
fn leaf(expr: &MetricExpr) -> (usize, Kind, Value, i64, i64) {
    match expr {
        MetricExpr::Range { func, series, range_ns, offset_ns } => {
            let (kind, value) = match func {
                RangeFunc::Rate => (Kind::Counter, Value::Slope(Slope::Rate)),
                RangeFunc::Increase => (Kind::Counter, Value::Slope(Slope::Increase)),
                RangeFunc::Delta => (Kind::Gauge, Value::Slope(Slope::Delta)),
                RangeFunc::Count => (Kind::Gauge, Value::Count),
                RangeFunc::Sum => (Kind::Sum, Value::Sum),
                RangeFunc::Avg => (Kind::Sum, Value::Avg),
                RangeFunc::Min => (Kind::Least, Value::Min),
                RangeFunc::Max => (Kind::Largest, Value::Max),
                RangeFunc::Stddev => (Kind::Spread, Value::Stddev),
                RangeFunc::Last => (Kind::Gauge, Value::Last),
                RangeFunc::Quantile(phi) => (Kind::Order, Value::Quantile(*phi)),
                RangeFunc::Distinct => (Kind::Distinct, Value::Distinct),
            };
            (*series, kind, value, *range_ns, *offset_ns)
        }
        MetricExpr::Instant { series, lookback_ns, offset_ns } => {
            (*series, Kind::Gauge, Value::Last, *lookback_ns, *offset_ns)
        }
        MetricExpr::Aggregate { .. } => unreachable!("aggregates were taken off"),
    }
}

/// What panes keep for a value.
fn parts_of(value: Value) -> &'static [Parts] {
    match value {
        Value::Count => &[],
        Value::Sum | Value::Avg => &[Parts::SUM],
        Value::Stddev => &[Parts::SUM, Parts::SQUARES],
        Value::Min | Value::Max => &[Parts::EXTREMES],
        Value::Last | Value::Slope(Slope::Delta) => &[Parts::EDGES],
        Value::Slope(Slope::Rate | Slope::Increase) => &[Parts::EDGES, Parts::RESETS],
        Value::Quantile(_) => &[Parts::ORDER],
        Value::Distinct => &[Parts::DISTINCT],
    }
}
