//! The plan's node of metrics, for one reader of them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arrow_schema::{DataType, Field, FieldRef, Schema, SchemaRef, TimeUnit};

use crate::ast::Span;
use crate::bundle::promql::{Selector, Tree};
use crate::plan::{
    LabelMatcher, LatePolicy, MatchOp, Metric, MetricExpr, MetricQuery, MetricsNode, MetricsOutput, Node,
    SeriesSet,
};

use super::{LOOKBACK_NS, MetricFrom};

/// A checked query of a phase.
#[derive(Debug, Clone)]
pub(crate) struct QueryUse {
    /// Its phase.
    pub phase: String,
    /// Its name.
    pub name: String,
    /// As it was written.
    pub text: String,
    /// What it computes.
    pub tree: Tree,
    /// Labels of its result, ascending.
    pub labels: Vec<String>,
    /// Labels that series keep, ascending.
    pub identity: Vec<String>,
    /// Lanes at most.
    pub lanes_max: u32,
    /// Series at most.
    pub series_max: u32,
    /// Where it was written.
    pub span: Span,
}

/// Who reads, and what the rows are.
pub(crate) struct Consumer<'a> {
    /// The rows.
    pub input: Node,
    /// Width of a pane, ns.
    pub pane_ns: i64,
    /// The metrics of the rows.
    pub metrics: &'a BTreeMap<String, MetricFrom>,
    /// The queries that are read.
    pub queries: Vec<&'a QueryUse>,
    /// What happens to late samples.
    pub late_policy: LatePolicy,
    /// C, ns.
    pub correction_ns: i64,
}

/// What comes out for rules.
#[derive(Debug)]
pub(crate) struct Bound {
    /// Columns of each query, in their order.
    pub columns: Vec<MetricColumns>,
    /// `pane_end`.
    pub pane_end: usize,
    /// `watermark`.
    pub watermark: usize,
}

/// Columns of a query's value.
#[derive(Debug, Clone, Copy)]
pub(crate) struct MetricColumns {
    /// DOUBLE.
    pub value: usize,
    /// BIGINT.
    pub flags: usize,
}

/// Makes the node: final values a lane and pane (`is_final`), or what the queries say of each row.
pub(crate) fn build(consumer: Consumer<'_>, is_final: bool) -> (Node, Bound) {
    let Consumer { input, pane_ns, metrics, queries, late_policy, correction_ns } = consumer;
    let schema = Arc::clone(input.schema());
    let mut builder = Builder { metrics: Vec::new(), names: Vec::new(), series: Vec::new() };
    builder.declare(metrics, &queries, &schema);
    let made: Vec<MetricQuery> = queries.iter().map(|query| builder.query(query)).collect();
    let all = (0..made.len()).collect();
    let (output, fields, bound) = if is_final {
        (
            MetricsOutput::Final { queries: all },
            final_fields(),
            Bound { columns: Vec::new(), pane_end: 0, watermark: 0 },
        )
    } else {
        let (fields, bound) = bound_fields(&schema, &queries);
        (MetricsOutput::Bound { queries: all }, fields, bound)
    };
    let node = MetricsNode {
        input,
        pane_ns,
        metrics: builder.metrics,
        series: builder.series,
        queries: made,
        output,
        late_policy,
        correction_ns,
        schema: Arc::new(Schema::new(fields)),
    };
    (Node::Metrics(Box::new(node)), bound)
}

const TIMESTAMP: DataType = DataType::Timestamp(TimeUnit::Nanosecond, None);

fn final_fields() -> Vec<FieldRef> {
    let field = |name: &str, ty: DataType, nullable: bool| Arc::new(Field::new(name, ty, nullable));
    vec![
        field("query", DataType::Utf8, false),
        field("labels", DataType::Utf8, false),
        field("value", DataType::Float64, true),
        field("flags", DataType::Int64, false),
        field("window_start", TIMESTAMP, false),
        field("window_end", TIMESTAMP, false),
    ]
}

fn bound_fields(input: &SchemaRef, queries: &[&QueryUse]) -> (Vec<FieldRef>, Bound) {
    let mut fields: Vec<FieldRef> = input.fields().iter().cloned().collect();
    let mut columns = Vec::with_capacity(queries.len());
    for query in queries {
        let name = format!("{}.{}", query.phase, query.name);
        columns.push(MetricColumns { value: fields.len(), flags: fields.len() + 1 });
        fields.push(Arc::new(Field::new(format!("{name}.value"), DataType::Float64, true)));
        fields.push(Arc::new(Field::new(format!("{name}.flags"), DataType::Int64, false)));
    }
    let (pane_end, watermark) = (fields.len(), fields.len() + 1);
    fields.push(Arc::new(Field::new("pane_end", TIMESTAMP, false)));
    fields.push(Arc::new(Field::new("watermark", TIMESTAMP, true)));
    (fields, Bound { columns, pane_end, watermark })
}

struct Builder {
    metrics: Vec<Metric>,
    /// Name and labels of each metric, ascending.
    names: Vec<(String, Vec<String>)>,
    series: Vec<SeriesSet>,
}

impl Builder {
    /// The metrics that queries read, with the labels that they need.
    fn declare(&mut self, metrics: &BTreeMap<String, MetricFrom>, queries: &[&QueryUse], schema: &SchemaRef) {
        for (name, from) in metrics {
            let own = || queries.iter().filter(|query| query.tree.selector().metric == *name);
            if own().next().is_none() {
                continue;
            }
            let mut needed: BTreeSet<&str> = BTreeSet::new();
            for query in own() {
                needed.extend(query.labels.iter().chain(&query.identity).map(String::as_str));
                needed.extend(query.tree.grouped().into_iter().map(|(label, _)| label.as_str()));
                needed.extend(query.tree.selector().matchers.iter().map(|m| m.label.as_str()));
            }
            let as_is = own().all(|query| query.tree.is_distinct());
            let Some(value) = from.sample.expr(schema, as_is) else { continue };
            let kept = needed
                .into_iter()
                .filter_map(|label| Some((label.to_owned(), from.labels.get(label)?.expr(schema)?)));
            let labels: Vec<_> = kept.collect();
            self.names.push((name.clone(), labels.iter().map(|(label, _)| label.clone()).collect()));
            self.metrics.push(Metric { name: name.clone(), value, labels });
        }
    }

    fn query(&mut self, query: &QueryUse) -> MetricQuery {
        let metric =
            self.names.iter().position(|(name, _)| *name == query.tree.selector().metric).unwrap_or(0);
        let expr = self.expr(&query.tree, metric, query);
        MetricQuery {
            phase: query.phase.clone(),
            name: query.name.clone(),
            text: query.text.clone(),
            expr,
            by: self.places(metric, query.labels.iter().map(String::as_str)),
            lanes_max: query.lanes_max,
            span: Some(query.span),
        }
    }

    /// Places of labels, ascending.
    fn places<'l>(&self, metric: usize, labels: impl Iterator<Item = &'l str>) -> Vec<usize> {
        let known = &self.names[metric].1;
        let mut places: Vec<usize> =
            labels.filter_map(|label| known.iter().position(|k| k == label)).collect();
        places.sort_unstable();
        places.dedup();
        places
    }

    fn expr(&mut self, tree: &Tree, metric: usize, query: &QueryUse) -> MetricExpr {
        match tree {
            Tree::Range { func, selector, range_ns, offset_ns } => MetricExpr::Range {
                func: *func,
                series: self.series(selector, metric, query),
                range_ns: *range_ns,
                offset_ns: *offset_ns,
            },
            Tree::Instant { selector, offset_ns } => MetricExpr::Instant {
                series: self.series(selector, metric, query),
                lookback_ns: LOOKBACK_NS,
                offset_ns: *offset_ns,
            },
            Tree::Aggregate { op, by, input } => MetricExpr::Aggregate {
                op: *op,
                by: self.places(metric, by.iter().map(|(label, _)| label.as_str())),
                input: Box::new(self.expr(input, metric, query)),
            },
        }
    }

    /// The set of series of a selector; one set serves all expressions that tell its series apart alike.
    fn series(&mut self, selector: &Selector, metric: usize, query: &QueryUse) -> usize {
        let known = &self.names[metric].1;
        let matchers: Vec<LabelMatcher> = selector
            .matchers
            .iter()
            .map(|matcher| LabelMatcher {
                label: known.iter().position(|label| *label == matcher.label),
                op: matcher.op,
                value: matcher.value.clone(),
            })
            .collect();
        let identity = self.places(metric, query.identity.iter().map(String::as_str));
        let same =
            |set: &SeriesSet| set.metric == metric && set.matchers == matchers && set.identity == identity;
        if let Some(at) = self.series.iter().position(same) {
            self.series[at].series_max = self.series[at].series_max.max(query.series_max);
            return at;
        }
        self.series.push(SeriesSet { metric, matchers, identity, series_max: query.series_max });
        self.series.len() - 1
    }
}

/// Labels that a matcher fixes to one value.
pub(crate) fn fixed(selector: &Selector) -> impl Iterator<Item = &str> {
    selector.matchers.iter().filter(|m| m.op == MatchOp::Equal).map(|m| m.label.as_str())
}
