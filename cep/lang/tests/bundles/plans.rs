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

fn check(text: &str, expected: Expect) {
    let compiled = compiled(text);
    let mut out = explain_program(&compiled.program);
    compiled.lanes.iter().for_each(|lanes| out.push_str(&format!("lanes {lanes}\n")));
    compiled.warnings.iter().for_each(|warning| out.push_str(&format!("warning {}: {}\n", warning.code, warning.message)));
    expected.assert_eq(&out);
}

#[test]
fn the_example_of_the_specification() {
    check(QOS, expect![[""]]);
}
