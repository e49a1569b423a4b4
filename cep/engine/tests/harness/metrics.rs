//! Programs of metrics by hand: `v` by the label `k`, `n * 0.5` without labels.

use std::sync::Arc;

use arrow_schema::{DataType, Field, Schema, TimeUnit};
use cep_lang::plan::{
    Expr, ExprKind, LatePolicy, Metric, MetricExpr, MetricQuery, MetricsNode, MetricsOutput, Node, Program,
    RangeFunc, SeriesSet, VectorOp,
};

use super::SECOND;

/// Bound and final values, late rows dropped and corrected, with few lanes and few series.
pub fn metrics_programs() -> Vec<(&'static str, Arc<Program>)> {
    let both = [LatePolicy::Drop, LatePolicy::Retract];
    let name = |is_final, policy| match (is_final, policy) {
        (false, LatePolicy::Drop) => "bound metrics",
        (false, LatePolicy::Retract) => "bound metrics, corrected",
        (true, LatePolicy::Drop) => "final metrics",
        (true, LatePolicy::Retract) => "final metrics, corrected",
    };
    let kinds = [false, true].into_iter().flat_map(|is_final| both.map(|policy| (is_final, policy)));
    kinds.map(|(is_final, policy)| (name(is_final, policy), Arc::new(program(is_final, policy)))).collect()
}

fn program(is_final: bool, late_policy: LatePolicy) -> Program {
    let base = super::program("SELECT k, v, n * CAST(0.5 AS DOUBLE) AS h, n FROM s");
    let mut program = Program::clone(&base);
    let input = program.queries[0].plan.clone();
    let column = |at: usize| Expr {
        kind: ExprKind::Column(at),
        data_type: input.schema().field(at).data_type().clone(),
        nullable: true,
        span: None,
    };
    let metrics = vec![
        Metric { name: "v".into(), value: column(1), labels: vec![("k".into(), column(0))] },
        Metric { name: "h".into(), value: column(2), labels: Vec::new() },
    ];
    let set = |metric, identity: &[usize], series_max| SeriesSet {
        metric,
        matchers: Vec::new(),
        identity: identity.to_vec(),
        series_max,
    };
    let queries = queries();
    let all: Vec<usize> = (0..queries.len()).collect();
    let schema = schema(&input, is_final, queries.len());
    program.queries[0].plan = Node::Metrics(Box::new(MetricsNode {
        input,
        pane_ns: SECOND / 4,
        metrics,
        series: vec![set(0, &[0], 100), set(1, &[], 1), set(0, &[0], 3)],
        queries,
        output: if is_final {
            MetricsOutput::Final { queries: all }
        } else {
            MetricsOutput::Bound { queries: all }
        },
        late_policy,
        correction_ns: 2 * SECOND,
        schema,
    }));
    program
}

fn queries() -> Vec<MetricQuery> {
    let range = |func, series, seconds: i64, offset: i64| MetricExpr::Range {
        func,
        series,
        range_ns: seconds * SECOND,
        offset_ns: offset * SECOND,
    };
    let over =
        |op, by: &[usize], input| MetricExpr::Aggregate { op, by: by.to_vec(), input: Box::new(input) };
    let query = |name: &str, by: &[usize], lanes_max, expr| MetricQuery {
        phase: "p".into(),
        name: name.into(),
        text: String::new(),
        expr,
        by: by.to_vec(),
        lanes_max,
        span: None,
    };
    use RangeFunc as F;
    use VectorOp as Op;
    vec![
        query("rate", &[0], 64, range(F::Rate, 0, 5, 0)),
        query("sum", &[], 64, over(Op::Sum, &[], range(F::Sum, 0, 2, 0))),
        query("max", &[0], 2, over(Op::Max, &[0], range(F::Max, 0, 3, 1))),
        query("spread", &[], 1, range(F::Stddev, 1, 4, 0)),
        query("median", &[0], 64, over(Op::Avg, &[0], range(F::Quantile(0.5), 0, 3, 0))),
        query("top", &[0], 64, over(Op::TopK(1), &[], range(F::Count, 2, 4, 0))),
        query("distinct", &[], 64, over(Op::Distinct, &[], range(F::Distinct, 0, 3, 0))),
        query("now", &[], 64, MetricExpr::Instant { series: 1, lookback_ns: SECOND, offset_ns: 0 }),
    ]
}

fn schema(input: &Node, is_final: bool, queries: usize) -> Arc<Schema> {
    let timestamp = DataType::Timestamp(TimeUnit::Nanosecond, Some("UTC".into()));
    let field = |name: &str, data_type: &DataType| Field::new(name, data_type.clone(), true);
    let mut fields: Vec<Field> = Vec::new();
    if is_final {
        fields.extend([field("query", &DataType::Utf8), field("labels", &DataType::Utf8)]);
        fields.extend([field("value", &DataType::Float64), field("flags", &DataType::Int64)]);
        fields.extend(["window_start", "window_end"].map(|name| field(name, &timestamp)));
    } else {
        fields.extend(input.schema().fields().iter().map(|f| f.as_ref().clone()));
        for nth in 0..queries {
            fields.push(field(&format!("v{nth}"), &DataType::Float64));
            fields.push(field(&format!("f{nth}"), &DataType::Int64));
        }
        fields.extend(["pane_end", "watermark"].map(|name| field(name, &timestamp)));
    }
    Arc::new(Schema::new(fields))
}

/// Rules over metrics, without the ids of their events: those are of the log, which tests cut in other ways.
pub fn rules_program() -> (&'static str, Arc<Program>) {
    let text = "
bundle: {name: b, def_version: 2, lane_domains: {k: {max_per_partition: 40}}}
workflow:
  phases:
    - name: s
      type: source.stream
      options:
        event.time: ts
        columns: {ts: TIMESTAMP, k: STRING, v: DOUBLE, n: BIGINT}
    - name: fast
      type: aggregate.promql
      options:
        queries:
          total: {expression: 'sum by (k)(sum_over_time(v[2s]))'}
          often: {expression: 'sum(count_over_time(n[1s]))'}
    - name: judge
      type: classify.cel
      options:
        bindings: {fast: phase.fast.metrics}
        rules:
          - name: much
            when: fast[\"total\"].has_value && fast[\"total\"].value > 12.0 && payload.n > 2
            emit: {channel: 'stream://told', payload: {k: payload.k, share: '12 / (payload.n - 3)'}}
          - name: few
            when: payload.k in ['a', 'b'] && fast[\"often\"].value < 3.0 && 10 / payload.n > 1
            emit: {channel: 'stream://told', payload: {k: payload.k, often: 'fast[\"often\"].value'}}
    - {name: shown, type: aggregate.sql, options: {query: 'SELECT _rule, _flags, k, share, often FROM told'}}
    - {name: out, type: sink.stdout, options: {from: shown}}
";
    let compiled = cep_lang::bundle::compile(text, &cep_lang::lower::CompileOptions::default());
    ("rules over metrics", Arc::new(compiled.expect("the bundle is right").program))
}
