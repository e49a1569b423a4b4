//! Values of metrics for `tests/prometheus/compare.py`: a case as JSON on standard input, values on standard output.
//!
//! The case: `pane_ms`, `samples` `[ms, metric, g, k, value]` in order of time, `queries`
//! `{metric, matchers, func, phi, range_ms, offset_ms, levels}`. One line for each query, end of a pane and lane:
//! number of the query, end in ms, labels as JSON, value.

use std::collections::BTreeMap;
use std::io::{Read, Write};

use arrow_schema::DataType;
use cep_engine::metrics::{LabelTuples, Metrics, MetricsPlan, put_label, split_labels};
use cep_lang::lower::{CompileOptions, compile};
use cep_lang::plan::{
    Expr, ExprKind, LabelMatcher, LatePolicy, MatchOp, Metric, MetricExpr, MetricQuery, MetricsNode,
    MetricsOutput, RangeFunc, SeriesSet, VectorOp,
};
use serde_json::Value;

/// Labels of all metrics.
const LABELS: [&str; 2] = ["g", "k"];

fn main() {
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text).expect("standard input");
    let case: Value = serde_json::from_str(&text).expect("a case as JSON");
    let pane_ns = int(&case["pane_ms"]) * 1_000_000;
    let samples = case["samples"].as_array().expect("samples");
    let mut names: BTreeMap<&str, usize> = BTreeMap::new();
    for sample in samples {
        let next = names.len();
        names.entry(text_of(&sample[1])).or_insert(next);
    }
    let queries = case["queries"].as_array().expect("queries");
    let plan = MetricsPlan::new(&node(pane_ns, &names, queries)).expect("queries that can be run");
    let mut metrics = Metrics::new(plan);
    let mut tuples = LabelTuples::default();
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    for sample in samples {
        let ts = int(&sample[0]) * 1_000_000;
        let pane = ts.div_euclid(pane_ns);
        while let Some(head) = metrics.head().filter(|&head| head < pane) {
            print(&mut metrics, queries.len(), head, pane_ns, &mut out);
            metrics.advance(head + 1);
        }
        metrics.advance(pane);
        metrics.begin_row(ts, i64::MIN);
        let mut key = Vec::new();
        [2, 3].into_iter().for_each(|at| put_label(&mut key, text_of(&sample[at]).as_bytes()));
        let tuple = tuples.number(&key);
        let value: f64 = text_of(&sample[4]).parse().expect("a number");
        metrics.add(names[text_of(&sample[1])], (tuple, &key, tuples.generation()), (ts, pane), value);
    }
    if let Some(head) = metrics.head() {
        print(&mut metrics, queries.len(), head, pane_ns, &mut out);
    }
}

/// Prints all values at the end of a pane.
fn print(metrics: &mut Metrics, queries: usize, head: i64, pane_ns: i64, out: &mut impl Write) {
    let end_ms = (head + 1) * pane_ns / 1_000_000;
    for query in 0..queries {
        for lane in 0..metrics.lanes(query) {
            let Some(value) = metrics.value(query, lane, head) else { continue };
            let (_, names) = metrics.plan().names(query);
            let values = split_labels(metrics.lane_key(query, lane)).map(String::from_utf8_lossy);
            let labels: BTreeMap<&String, _> =
                names.iter().zip(values).filter(|(_, v)| !v.is_empty()).collect();
            let labels = serde_json::to_string(&labels).expect("texts");
            writeln!(out, "{query}\t{end_ms}\t{labels}\t{value:?}").expect("standard output");
        }
    }
}

fn int(value: &Value) -> i64 {
    value.as_i64().expect("a whole number")
}

fn text_of(value: &Value) -> &str {
    value.as_str().expect("a text")
}

/// The plan: a set of series for each query, with both labels.
fn node(pane_ns: i64, names: &BTreeMap<&str, usize>, queries: &[Value]) -> MetricsNode {
    let script = "CREATE STREAM s (g STRING, k STRING, v DOUBLE); SELECT g, k, v FROM s;";
    let program = compile(script, &CompileOptions::default()).expect("the script above");
    let input = program.queries[0].plan.clone();
    let column =
        |at: usize, data_type| Expr { kind: ExprKind::Column(at), data_type, nullable: true, span: None };
    let mut metrics: Vec<Metric> = Vec::new();
    let mut by_number: Vec<(&usize, &&str)> = names.iter().map(|(name, number)| (number, name)).collect();
    by_number.sort();
    for (_, name) in by_number {
        let labels =
            LABELS.iter().enumerate().map(|(at, l)| (l.to_string(), column(at, DataType::Utf8))).collect();
        metrics.push(Metric { name: name.to_string(), value: column(2, DataType::Float64), labels });
    }
    let mut series = Vec::new();
    let made = queries.iter().enumerate().map(|(nth, query)| {
        let matchers = query["matchers"].as_array().expect("matchers").iter().map(matcher).collect();
        let metric = names[text_of(&query["metric"])];
        series.push(SeriesSet { metric, matchers, identity: vec![0, 1], series_max: 10_000 });
        let (expr, by) = expression(query, nth);
        let name = format!("q{nth}");
        MetricQuery { phase: "p".into(), text: String::new(), name, expr, by, lanes_max: 10_000, span: None }
    });
    let made: Vec<MetricQuery> = made.collect();
    MetricsNode {
        schema: input.schema().clone(),
        input,
        pane_ns,
        metrics,
        series,
        output: MetricsOutput::Bound { queries: (0..made.len()).collect() },
        queries: made,
        late_policy: LatePolicy::Drop,
        correction_ns: 0,
    }
}

fn label(name: &str) -> usize {
    LABELS.iter().position(|label| *label == name).expect("a label")
}

fn matcher(of: &Value) -> LabelMatcher {
    let op = match text_of(&of[1]) {
        "=" => MatchOp::Equal,
        "!=" => MatchOp::NotEqual,
        "=~" => MatchOp::Matches,
        _ => MatchOp::NotMatches,
    };
    LabelMatcher { label: Some(label(text_of(&of[0]))), op, value: text_of(&of[2]).into() }
}

/// The expression of a query and the labels of its result.
fn expression(query: &Value, series: usize) -> (MetricExpr, Vec<usize>) {
    let range_ns = int(&query["range_ms"]) * 1_000_000;
    let offset_ns = int(&query["offset_ms"]) * 1_000_000;
    let phi = |of: &Value| of["phi"].as_f64().unwrap_or(f64::NAN);
    let func = match text_of(&query["func"]) {
        "rate" => Some(RangeFunc::Rate),
        "increase" => Some(RangeFunc::Increase),
        "delta" => Some(RangeFunc::Delta),
        "count_over_time" => Some(RangeFunc::Count),
        "sum_over_time" => Some(RangeFunc::Sum),
        "avg_over_time" => Some(RangeFunc::Avg),
        "min_over_time" => Some(RangeFunc::Min),
        "max_over_time" => Some(RangeFunc::Max),
        "stddev_over_time" => Some(RangeFunc::Stddev),
        "last_over_time" => Some(RangeFunc::Last),
        "quantile_over_time" => Some(RangeFunc::Quantile(phi(query))),
        _ => None,
    };
    let mut expr = match func {
        Some(func) => MetricExpr::Range { func, series, range_ns, offset_ns },
        None => MetricExpr::Instant { series, lookback_ns: range_ns, offset_ns },
    };
    let mut labels = vec![0, 1];
    for level in query["levels"].as_array().expect("levels") {
        let by: Vec<usize> =
            level["by"].as_array().expect("labels").iter().map(|l| label(text_of(l))).collect();
        let op = match text_of(&level["op"]) {
            "sum" => VectorOp::Sum,
            "count" => VectorOp::Count,
            "avg" => VectorOp::Avg,
            "min" => VectorOp::Min,
            "max" => VectorOp::Max,
            "quantile" => VectorOp::Quantile(phi(level)),
            _ => VectorOp::TopK(int(&level["k"]) as u32),
        };
        if !matches!(op, VectorOp::TopK(_)) {
            labels.clone_from(&by);
        }
        expr = MetricExpr::Aggregate { op, by, input: Box::new(expr) };
    }
    (expr, labels)
}
