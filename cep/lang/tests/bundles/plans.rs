//! Plans of bundles.

use expect_test::{Expect, expect};

use cep_lang::plan::explain_program;

use crate::compiled;

/// The bundle of SPEC §7.
pub(crate) const QOS: &str = r#"bundle: {name: cell_qos, def_version: 3, lane_domains: {cell_id: {max_per_partition: 48}}}
workflow:
  phases:
    - {name: in,   type: source.file, options: {path: qos.jsonl, format: json, partition.by: cell_id, event.time: ts}}
    - name: fast
      type: aggregate.promql
      options:
        window: 30s
        queries:
          jitter: {expression: 'avg by (cell_id)(avg_over_time(cell_jitter_seconds[30s]))'}
          drops:  {expression: 'sum by (cell_id)(increase(packet_drops_total{direction="down"}[30s]))'}
    - name: judge
      type: classify.cel
      options:
        bindings: {fast: phase.fast.metrics}
        rules:
          - name: bad_cell
            when: fast["jitter"].value > 0.005 && fast["drops"].value >= 20.0 && payload.tier == "urban"
            emit: {channel: 'file://alerts.jsonl', payload: {cell: 'fast["jitter"].labels["cell_id"]', jitter: 'fast["jitter"].value'}}
    - {name: keep, type: sink.checkpoint, options: {full_interval: 60s, incremental_interval: 20s}}
"#;

/// A bundle that has some of everything.
pub(crate) const WIDE: &str = r#"
bundle:
  name: fleet
  def_version: 7
  policy_version: 2
  lane_domains: {site: {max_per_partition: 12}, kind: {max_per_partition: 4}}
workflow:
  phases:
    - name: readings
      type: source.stream
      options:
        event.time: ts
        partition.by: site
        late.policy: retract
        columns: {ts: TIMESTAMP, site: STRING, kind: STRING, door: BOOL, count: BIGINT, note: JSON}
        metrics:
          temperature: {value: celsius, labels: [site, kind]}
          doors_total: {value: count, labels: {site: site, which: kind}}
          rows: {value: 1, labels: [site]}
          users: {value: user, labels: [site]}
    - name: hot
      type: aggregate.promql
      options:
        series_max: 500
        queries:
          p99: {expression: 'quantile by (site)(0.99, avg_over_time(temperature{kind=~"a|b"}[1m] offset 30s))'}
          top: {expression: 'topk by (site)(2, sum by (site, kind)(sum_over_time(temperature{kind!="x"}[5m])))'}
          doors: {expression: 'sum(rate(doors_total{which="front"}[1m]))'}
          now: {expression: 'max by (site)(temperature)'}
          seen: {expression: 'distinct by (site)(users[1h])'}
          all: {expression: 'sum by (site)(sum by (site, kind)(count_over_time(temperature[5m])))'}
    - name: judge
      type: classify.cel
      options:
        bindings: {hot: phase.hot.metrics}
        channels: {'file://hot.csv': {file.mode: append}}
        rules:
          - name: hot
            when: >-
              hot["p99"].has_value && !("LANE_OVERFLOW" in hot.p99.flags)
              && hot.p99.value > 30.0
            emit:
              channel: 'stream://hot_sites'
              schema_key: hot.v1
              metadata: {policy: policy_version, site: partition_key}
              payload:
                site: 'hot.p99.labels.site'
                value: 'clamp(hot.p99.value, 0.0, 100.0)'
                others: 'coalesce(hot["seen"].value, 0.0)'
                from: 'hot.p99.window_start_ns'
                limits: '[min(1, 2), max(3, 4)]'
                door: 'has(payload.door) && payload.door'
          - name: quiet
            when: '!hot.doors.has_value && payload.user.startsWith("u") && watermark_ns > 0'
            emit: {channel: 'file://hot.csv', payload: {site: payload.site, value: '1', lag: 'duration("5s")'}}
    - {name: totals, type: aggregate.sql, options: {query: "SELECT site, count(*) AS n FROM readings WINDOW TUMBLING (SIZE 1 MINUTE) GROUP BY site"}}
    - {name: sums, type: aggregate.promql, options: {from: totals, queries: {n: {expression: 'sum by (site)(sum_over_time(n[1h]))'}}}}
    - {name: out, type: sink.log, options: {from: sums}}
    - {name: panes, type: sink.stdout, options: {from: hot, format: json}}
"#;

fn check(text: &str, expected: Expect) {
    let compiled = compiled(text);
    let mut out = explain_program(&compiled.program);
    compiled.lanes.iter().for_each(|lanes| out.push_str(&format!("lanes {lanes}\n")));
    compiled.warnings.iter().for_each(|w| out.push_str(&format!("warning {}: {}\n", w.code, w.message)));
    expected.assert_eq(&out);
}

#[test]
fn the_example_of_the_specification() {
    check(QOS, expect![[""]]);
}

#[test]
fn a_bundle_with_some_of_everything() {
    check(WIDE, expect![[""]]);
}

#[test]
fn the_same_text_gives_the_same_plan() {
    for text in [QOS, WIDE] {
        assert_eq!(explain_program(&compiled(text).program), explain_program(&compiled(text).program));
    }
}
