//! Metrics and rules as text.

use cep_types::options::format_duration;

use crate::cel;

use super::explain::Text;
use super::text::list;
use super::{
    LabelMatcher, LatePolicy, MatchOp, Metric, MetricExpr, MetricQuery, MetricsNode, MetricsOutput,
    RangeFunc, Rule, RulesNode, SeriesSet, VectorOp, expr_text,
};

impl Text {
    pub(super) fn metrics(&mut self, depth: usize, node: &MetricsNode) {
        let MetricsNode {
            input,
            pane_ns,
            metrics,
            series,
            queries,
            output,
            late_policy,
            correction_ns,
            schema: _,
        } = node;
        let (what, read) = match output {
            MetricsOutput::Bound { queries } => ("of each row", queries),
            MetricsOutput::Final { queries } => ("of each final pane", queries),
        };
        let late = match late_policy {
            LatePolicy::Drop => "late samples dropped".to_owned(),
            LatePolicy::Retract => format!("late samples correct for {}", format_duration(*correction_ns)),
        };
        let pane = format_duration(*pane_ns);
        self.line(depth, format_args!("metrics {what}, panes of {pane}, {late}, scope partition"));
        let rows = input.schema();
        for metric in metrics {
            let Metric { name, value, labels } = metric;
            let labels = list(labels, |(label, from)| match expr_text(from, rows) {
                column if column == *label => column,
                column => format!("{label} = {column}"),
            });
            let labels = if labels.is_empty() { labels } else { format!(" by {labels}") };
            self.line(depth + 1, format_args!("metric {name}: {}{labels}", expr_text(value, rows)));
        }
        for (at, set) in series.iter().enumerate() {
            let SeriesSet { metric, matchers, identity, series_max } = set;
            let metric = &metrics[*metric];
            let matchers = list(matchers, |matcher| matcher_text(matcher, metric));
            let kept = list(identity, |label| metric.labels[*label].0.clone());
            let kept =
                if kept.is_empty() { "one series".to_owned() } else { format!("a series for each {kept}") };
            let name = &metric.name;
            self.line(
                depth + 1,
                format_args!("series {at}: {name}{{{matchers}}}, {kept}, at most {series_max}"),
            );
        }
        for at in read {
            let MetricQuery { phase, name, text: _, expr, by, lanes_max, span: _ } = &queries[*at];
            let metric = &metrics[series[expr.series()].metric];
            let by = list(by, |label| metric.labels[*label].0.clone());
            let lanes = if by.is_empty() {
                "1 lane".to_owned()
            } else {
                format!("lanes by {by}, at most {lanes_max}")
            };
            self.line(depth + 1, format_args!("{phase}.{name}: {}, {lanes}", metric_text(expr, metric)));
        }
        self.line(depth + 1, format_args!("state: panes of each series"));
    }

    pub(super) fn rules(&mut self, depth: usize, node: &RulesNode) {
        let RulesNode { input: _, bundle, version, slots, rules, channels, schema } = node;
        self.line(depth, format_args!("rules of {bundle}, version {version}"));
        let name = |at: usize| slots.get(at).map_or_else(|| format!("#{at}"), |slot| slot.name.clone());
        for rule in rules {
            let Rule { name: rule_name, when, channel, schema_key, metadata, payload, flags: _, span: _ } =
                rule;
            self.line(depth + 1, format_args!("rule {rule_name}: {}", cel::text(when, &name)));
            let key = schema_key.as_ref().map(|key| format!(" as {key}")).unwrap_or_default();
            self.line(depth + 2, format_args!("to {}{key}", channels[*channel]));
            if !metadata.is_empty() {
                let texts = list(metadata, |(key, node)| format!("{key}: {}", cel::text(node, &name)));
                self.line(depth + 2, format_args!("metadata: {texts}"));
            }
            if !payload.is_empty() {
                let columns = list(payload, |(at, node)| {
                    format!("{}: {}", schema.field(*at).name(), cel::text(node, &name))
                });
                self.line(depth + 2, format_args!("payload: {columns}"));
            }
        }
    }
}

fn matcher_text(matcher: &LabelMatcher, metric: &Metric) -> String {
    let LabelMatcher { label, op, value } = matcher;
    let label = label.map_or("(no such label)", |label| metric.labels[label].0.as_str());
    let op = match op {
        MatchOp::Equal => "=",
        MatchOp::NotEqual => "!=",
        MatchOp::Matches => "=~",
        MatchOp::NotMatches => "!~",
    };
    format!("{label}{op}{value:?}")
}

fn metric_text(expr: &MetricExpr, metric: &Metric) -> String {
    let back = |offset_ns: &i64| match offset_ns {
        0 => String::new(),
        ns => format!(" offset {}", format_duration(*ns)),
    };
    match expr {
        MetricExpr::Range { func, series, range_ns, offset_ns } => {
            let selector = format!("series {series}[{}]{}", format_duration(*range_ns), back(offset_ns));
            let name = match func {
                RangeFunc::Rate => "rate",
                RangeFunc::Increase => "increase",
                RangeFunc::Delta => "delta",
                RangeFunc::Count => "count_over_time",
                RangeFunc::Sum => "sum_over_time",
                RangeFunc::Avg => "avg_over_time",
                RangeFunc::Min => "min_over_time",
                RangeFunc::Max => "max_over_time",
                RangeFunc::Stddev => "stddev_over_time",
                RangeFunc::Last => "last_over_time",
                RangeFunc::Quantile(phi) => return format!("quantile_over_time({phi}, {selector})"),
                RangeFunc::Distinct => return selector,
            };
            format!("{name}({selector})")
        }
        MetricExpr::Instant { series, lookback_ns, offset_ns } => {
            format!("series {series} within {}{}", format_duration(*lookback_ns), back(offset_ns))
        }
        MetricExpr::Aggregate { op, by, input } => {
            let (name, param) = match op {
                VectorOp::Sum => ("sum", String::new()),
                VectorOp::Count => ("count", String::new()),
                VectorOp::Avg => ("avg", String::new()),
                VectorOp::Min => ("min", String::new()),
                VectorOp::Max => ("max", String::new()),
                VectorOp::Quantile(phi) => ("quantile", format!("{phi}, ")),
                VectorOp::TopK(k) => ("topk", format!("{k}, ")),
                VectorOp::Distinct => ("distinct", String::new()),
            };
            let by = list(by, |label| metric.labels[*label].0.clone());
            let by = if by.is_empty() { by } else { format!(" by ({by}) ") };
            format!("{name}{by}({param}{})", metric_text(input, metric))
        }
    }
}
