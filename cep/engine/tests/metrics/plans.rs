//! Random plans over `s`: `x` is `v` with the labels `g` and `k`, `y` is `n * 0.5` with `k`, `z` is `k` as it is, for
//! distinct counts.

use arrow_schema::{DataType, Field, Schema, TimeUnit};
use cep_lang::lower::{CompileOptions, compile};
use cep_lang::plan::{
    Expr, ExprKind, LabelMatcher, LatePolicy, MatchOp, Metric, MetricExpr, MetricQuery, MetricsNode,
    MetricsOutput, Node, Program, RangeFunc, SeriesSet, VectorOp,
};

use crate::harness::{Random, SECOND};

pub const PANE_NS: i64 = SECOND / 4;
/// Columns of the input.
pub const WIDTH: usize = 5;

/// A plan and its program.
pub struct Case {
    pub node: MetricsNode,
    pub lateness_ns: i64,
    base: Program,
}

impl std::fmt::Debug for Case {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let MetricsNode { series, queries, output, late_policy, correction_ns, .. } = &self.node;
        let queries: Vec<_> = queries.iter().map(|q| (&q.name, &q.expr, &q.by)).collect();
        write!(
            f,
            "{series:#?} {queries:#?} {output:?} {late_policy:?} C={correction_ns} L={}",
            self.lateness_ns
        )
    }
}

impl Case {
    /// The program with the metrics in place of its query.
    pub fn program(&self) -> Program {
        let mut program = self.base.clone();
        program.queries[0].plan = Node::Metrics(Box::new(self.node.clone()));
        program
    }

    pub fn retracts(&self) -> bool {
        self.node.late_policy == LatePolicy::Retract
    }

    pub fn random(random: &mut Random, is_final: bool) -> Case {
        let lateness_ns = [0, SECOND / 8, SECOND, 2 * SECOND][random.below(4)];
        let retract = random.one_in(2);
        let correction_ns = [0, SECOND, 6 * SECOND][random.below(3)];
        let mut case = Case::new(lateness_ns);
        for _ in 0..random.below(3) + 1 {
            let set = random_set(random);
            case.node.series.push(set);
        }
        for nth in 0..random.below(5) + 1 {
            let query = random_query(random, &case.node, nth);
            case.node.queries.push(query);
        }
        if retract {
            case.node.late_policy = LatePolicy::Retract;
            case.node.correction_ns = correction_ns;
        }
        case.finish(is_final);
        case
    }

    /// Without series and queries.
    pub fn new(lateness_ns: i64) -> Case {
        let script = format!(
            "CREATE STREAM s (ts TIMESTAMP, k STRING, v DOUBLE, n BIGINT) WITH (\"event.time\" = 'ts', clock = 'event', \
             \"watermark.lateness\" = '{} milliseconds'); \
             SELECT k, CASE n % 3 WHEN 0 THEN 'a' WHEN 1 THEN 'b' END AS g, v, n * CAST(0.5 AS DOUBLE) AS y, n FROM s;",
            lateness_ns / 1_000_000
        );
        let base = compile(&script, &CompileOptions::default()).expect("it compiles");
        let input = base.queries[0].plan.clone();
        let column = |at: usize| Expr {
            kind: ExprKind::Column(at),
            data_type: input.schema().field(at).data_type().clone(),
            nullable: true,
            span: None,
        };
        let metric = |name: &str, value: usize, labels: &[(&str, usize)]| Metric {
            name: name.into(),
            value: column(value),
            labels: labels.iter().map(|&(name, at)| (name.to_string(), column(at))).collect(),
        };
        let metrics = vec![
            metric("x", 2, &[("g", 1), ("k", 0)]),
            metric("y", 3, &[("k", 0)]),
            metric("z", 0, &[("g", 1)]),
        ];
        let node = MetricsNode {
            schema: input.schema().clone(),
            input,
            pane_ns: PANE_NS,
            metrics,
            series: Vec::new(),
            queries: Vec::new(),
            output: MetricsOutput::Bound { queries: Vec::new() },
            late_policy: LatePolicy::Drop,
            correction_ns: 0,
        };
        Case { node, lateness_ns, base }
    }

    /// Puts all queries into the output.
    pub fn finish(&mut self, is_final: bool) {
        let queries: Vec<usize> = (0..self.node.queries.len()).collect();
        let timestamp = DataType::Timestamp(TimeUnit::Nanosecond, Some("UTC".into()));
        let field = |name: String, data_type: DataType| Field::new(name, data_type, true);
        let mut fields: Vec<Field>;
        if is_final {
            fields = vec![field("query".into(), DataType::Utf8), field("labels".into(), DataType::Utf8)];
            fields.push(field("value".into(), DataType::Float64));
            fields.push(field("flags".into(), DataType::Int64));
            fields.push(field("window_start".into(), timestamp.clone()));
            fields.push(field("window_end".into(), timestamp));
            self.node.output = MetricsOutput::Final { queries };
        } else {
            fields = self.node.input.schema().fields().iter().map(|f| f.as_ref().clone()).collect();
            for query in &queries {
                fields.push(field(format!("v{query}"), DataType::Float64));
                fields.push(field(format!("f{query}"), DataType::Int64));
            }
            fields.push(field("pane_end".into(), timestamp.clone()));
            fields.push(field("watermark".into(), timestamp));
            self.node.output = MetricsOutput::Bound { queries };
        }
        self.node.schema = std::sync::Arc::new(Schema::new(fields));
    }

    pub fn query(&mut self, name: &str, expr: MetricExpr, by: &[usize]) -> &mut MetricQuery {
        self.node.queries.push(MetricQuery {
            phase: "p".into(),
            name: name.into(),
            text: name.into(),
            expr,
            by: by.to_vec(),
            lanes_max: 1_000,
            span: None,
        });
        self.node.queries.last_mut().expect("just pushed")
    }
}

pub fn range(func: RangeFunc, series: usize, panes: i64, offset: i64) -> MetricExpr {
    MetricExpr::Range { func, series, range_ns: panes * PANE_NS, offset_ns: offset * PANE_NS }
}

pub fn over(op: VectorOp, by: &[usize], input: MetricExpr) -> MetricExpr {
    MetricExpr::Aggregate { op, by: by.to_vec(), input: Box::new(input) }
}

pub fn all_of(metric: usize, identity: &[usize]) -> SeriesSet {
    SeriesSet { metric, matchers: Vec::new(), identity: identity.to_vec(), series_max: 10_000 }
}

fn subset(random: &mut Random, of: &[usize]) -> Vec<usize> {
    of.iter().copied().filter(|_| !random.one_in(3)).collect()
}

fn random_set(random: &mut Random) -> SeriesSet {
    let metric = random.below(3);
    let labels: &[usize] = if metric == 0 { &[0, 1] } else { &[0] };
    let mut matchers = Vec::new();
    if random.one_in(2) {
        let ops = [MatchOp::Equal, MatchOp::NotEqual, MatchOp::Matches, MatchOp::NotMatches];
        let texts = [["a", "k1", ""], ["b", "k2", ""], ["a|b|k1|k2", ".*1", ".+"], ["a|k.", "k[34]", ""]];
        let op = random.below(4);
        matchers.push(LabelMatcher {
            label: (!random.one_in(6)).then(|| *random.pick(labels)),
            op: ops[op],
            value: random.pick(&texts[op]).to_string(),
        });
    }
    SeriesSet { metric, matchers, identity: subset(random, labels), series_max: 10_000 }
}

fn random_query(random: &mut Random, node: &MetricsNode, nth: usize) -> MetricQuery {
    let series = random.below(node.series.len());
    let set = &node.series[series];
    let panes = *random.pick(&[1, 2, 5, 8, 20, 64]);
    let offset = if random.one_in(3) { random.below(9) as i64 } else { 0 };
    let phi = *random.pick(&[0.0, 0.5, 0.9, 1.0, 0.33, -0.5, 1.5, f64::NAN]);
    let func = match random.below(11) {
        0 | 1 => RangeFunc::Rate,
        2 => RangeFunc::Increase,
        3 => RangeFunc::Delta,
        4 => RangeFunc::Count,
        5 => RangeFunc::Sum,
        6 => RangeFunc::Avg,
        7 => [RangeFunc::Min, RangeFunc::Max][random.below(2)],
        8 => RangeFunc::Stddev,
        9 => RangeFunc::Last,
        _ => RangeFunc::Quantile(phi),
    };
    let distinct = set.metric == 2 || random.one_in(12);
    let func = if distinct { RangeFunc::Distinct } else { func };
    let mut expr = if !distinct && random.one_in(8) {
        MetricExpr::Instant { series, lookback_ns: panes * PANE_NS, offset_ns: offset * PANE_NS }
    } else {
        range(func, series, panes, offset)
    };
    let mut by = set.identity.clone();
    if distinct {
        by = subset(random, &by);
        expr = over(VectorOp::Distinct, &by, expr);
    }
    for _ in 0..random.below(3) {
        let group = subset(random, &by);
        let op = match random.below(9) {
            0 | 1 => VectorOp::Sum,
            2 => VectorOp::Count,
            3 => VectorOp::Avg,
            4 => VectorOp::Min,
            5 => VectorOp::Max,
            6 => VectorOp::Quantile(phi),
            _ => VectorOp::TopK(random.below(3) as u32),
        };
        expr = over(op, &group, expr);
        if !matches!(op, VectorOp::TopK(_)) {
            by = group;
        }
    }
    MetricQuery {
        phase: "p".into(),
        name: format!("q{nth}"),
        text: String::new(),
        expr,
        by,
        lanes_max: 1_000,
        span: None,
    }
}
