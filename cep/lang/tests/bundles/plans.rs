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
    check(
        QOS,
        expect![[r#"
        stream in (ts TIMESTAMP, cell_id STRING, cell_jitter_seconds DOUBLE, packet_drops_total DOUBLE, direction STRING, tier STRING)
          external, append, clock event, event time ts, lateness 2s, late rows dropped
        stream judge (_event_id STRING NOT NULL, _rule STRING NOT NULL, _rule_version BIGINT NOT NULL, _channel STRING NOT NULL, _schema_key STRING, _metadata STRING, _flags BIGINT NOT NULL, cell STRING, jitter DOUBLE)
          derived, append, clock event, event time of the row, lateness 2s, late rows dropped
        stream judge_channel_1 (_event_id STRING NOT NULL, _rule STRING NOT NULL, _rule_version BIGINT NOT NULL, _schema_key STRING, _metadata STRING, _flags BIGINT NOT NULL, cell STRING, jitter DOUBLE)
          derived, append, clock event, event time of the row, lateness 2s, late rows dropped
        query judge → stream judge, append
          rules of cell_qos, version 3
            rule bad_cell: fast["jitter"].value > 0.005 && fast["drops"].value >= 20.0 && payload.tier == "urban"
              to file://alerts.jsonl
              payload: cell: fast["jitter"].labels["cell_id"], jitter: fast["jitter"].value
            metrics of each row, panes of 250ms, late samples dropped, scope partition
              metric cell_jitter_seconds: cell_jitter_seconds by cell_id, direction
              metric packet_drops_total: packet_drops_total by cell_id, direction
              series 0: cell_jitter_seconds{}, a series for each cell_id, direction, at most 10000
              series 1: packet_drops_total{direction="down"}, a series for each cell_id, at most 48
              fast.jitter: avg by (cell_id) (avg_over_time(series 0[30s])), lanes by cell_id, at most 48
              fast.drops: sum by (cell_id) (increase(series 1[30s])), lanes by cell_id, at most 48
              state: panes of each series
              project cell_id, cell_jitter_seconds, packet_drops_total, direction, tier
                scan in
        query judge_channel_1 → stream judge_channel_1, append
          project _event_id, _rule, _rule_version, _schema_key, _metadata, _flags, cell, jitter
            scan judge
        lanes fast.jitter: cell_id 48 (domain) = 48
        lanes fast.drops: cell_id 48 (domain) = 48
        warning W1203: `jitter` has 48 lanes (cell_id 48); the limit is 64
        warning W1203: `drops` has 48 lanes (cell_id 48); the limit is 64
        warning W1205: checkpoint intervals are the node's, so these are checked and not applied
    "#]],
    );
}

#[test]
fn a_bundle_with_some_of_everything() {
    check(
        WIDE,
        expect![[r#"
        stream readings (ts TIMESTAMP, site STRING, kind STRING, door BOOL, count BIGINT, note JSON, celsius DOUBLE, user STRING)
          external, append, clock event, event time ts, lateness 2s, late rows dropped
        stream judge (_event_id STRING NOT NULL, _rule STRING NOT NULL, _rule_version BIGINT NOT NULL, _channel STRING NOT NULL, _schema_key STRING, _metadata STRING, _flags BIGINT NOT NULL, site STRING, value DOUBLE, others DOUBLE, from BIGINT, limits JSON, door BOOL, lag STRING)
          derived, append, clock event, event time of the row, lateness 2s, late rows dropped
        stream hot_sites (_event_id STRING NOT NULL, _rule STRING NOT NULL, _rule_version BIGINT NOT NULL, _schema_key STRING, _metadata STRING, _flags BIGINT NOT NULL, site STRING, value DOUBLE, others DOUBLE, from BIGINT, limits JSON, door BOOL)
          derived, append, clock event, event time of the row, lateness 2s, late rows dropped
        stream judge_channel_2 (_event_id STRING NOT NULL, _rule STRING NOT NULL, _rule_version BIGINT NOT NULL, _schema_key STRING, _metadata STRING, _flags BIGINT NOT NULL, site STRING, value DOUBLE, lag STRING)
          derived, append, clock event, event time of the row, lateness 2s, late rows dropped
        stream totals (site STRING, n BIGINT NOT NULL)
          derived, append, clock event, event time of the row, lateness 2s, late rows dropped
        stream out (query STRING NOT NULL, labels STRING NOT NULL, value DOUBLE, flags BIGINT NOT NULL, window_start TIMESTAMP NOT NULL, window_end TIMESTAMP NOT NULL)
          derived, append, clock event, event time of the row, lateness 2s, late rows dropped
        stream panes (query STRING NOT NULL, labels STRING NOT NULL, value DOUBLE, flags BIGINT NOT NULL, window_start TIMESTAMP NOT NULL, window_end TIMESTAMP NOT NULL)
          derived, append, clock event, event time of the row, lateness 2s, late rows dropped
        query judge → stream judge, append
          rules of fleet, version 7
            rule hot: hot["p99"].has_value && !(math.bitAnd(p99.flags, 2) != 0) && hot["p99"].value > 30.0
              to stream://hot_sites as hot.v1
              metadata: policy: string(2), site: partition_key
              payload: site: partition_key, value: clamp(hot["p99"].value, 0.0, 100.0), others: has(hot["seen"].value) ? hot["seen"].value : 0.0, from: hot["p99"].window_start_ns, limits: [min(1, 2), max(3, 4)], door: has(payload.door) && payload.door
            rule quiet: !hot["doors"].has_value && startsWith(payload.user, "u") && watermark_ns > 0
              to file://hot.csv
              payload: site: partition_key, value: double(1), lag: string(duration("5s"))
            metrics of each row, panes of 250ms, late samples dropped, scope partition
              metric doors_total: CAST(count AS DOUBLE) by site, which = kind
              metric temperature: celsius by kind, site
              metric users: user by site
              series 0: temperature{kind=~"a|b"}, a series for each kind, site, at most 24
              series 1: doors_total{which="front"}, a series for each site, at most 12
              series 2: users{}, a series for each site, at most 12
              hot.p99: quantile by (site) (0.99, avg_over_time(series 0[1m] offset 30s)), lanes by site, at most 12
              hot.doors: sum(rate(series 1[1m])), 1 lane
              hot.seen: distinct by (site) (series 2[1h]), lanes by site, at most 12
              state: panes of each series
              project site, kind, door, count, celsius, user
                scan readings
        query hot_sites → stream hot_sites, append
          project _event_id, _rule, _rule_version, _schema_key, _metadata, _flags, site, value, others, from, limits, door
            filter _channel = 'stream://hot_sites'
              scan judge
        query judge_channel_2 → stream judge_channel_2, append
          project _event_id, _rule, _rule_version, _schema_key, _metadata, _flags, site, value, lag
            filter _channel = 'file://hot.csv'
              scan judge
        query totals → stream totals, append
          window tumbling, size 1m
            keys: site, window_start, window_end
            aggregates: count(*)
            then project site, count(*) AS n
            state: one entry a group and open window
            scan readings
        query out → stream out, append
          metrics of each final pane, panes of 250ms, late samples dropped, scope partition
            metric n: CAST(n AS DOUBLE) by site
            series 0: n{}, a series for each site, at most 12
            sums.n: sum by (site) (sum_over_time(series 0[1h])), lanes by site, at most 12
            state: panes of each series
            scan totals
        query panes → stream panes, append
          metrics of each final pane, panes of 250ms, late samples dropped, scope partition
            metric doors_total: CAST(count AS DOUBLE) by site, which = kind
            metric temperature: celsius by kind, site
            metric users: user by site
            series 0: temperature{kind=~"a|b"}, a series for each kind, site, at most 24
            series 1: temperature{kind!="x"}, a series for each kind, site, at most 48
            series 2: doors_total{which="front"}, a series for each site, at most 12
            series 3: temperature{}, a series for each kind, site, at most 48
            series 4: users{}, a series for each site, at most 12
            hot.p99: quantile by (site) (0.99, avg_over_time(series 0[1m] offset 30s)), lanes by site, at most 12
            hot.top: topk by (site) (2, sum by (kind, site) (sum_over_time(series 1[5m]))), lanes by kind, site, at most 48
            hot.doors: sum(rate(series 2[1m])), 1 lane
            hot.now: max by (site) (series 3 within 5m), lanes by site, at most 12
            hot.seen: distinct by (site) (series 4[1h]), lanes by site, at most 12
            hot.all: sum by (site) (sum by (kind, site) (count_over_time(series 3[5m]))), lanes by site, at most 12
            state: panes of each series
            scan readings
        lanes hot.p99: site 12 (domain) = 12
        lanes hot.top: kind 4 (domain) × site 12 (domain) = 48
        lanes hot.doors: no labels = 1
        lanes hot.now: site 12 (domain) = 12
        lanes hot.seen: site 12 (domain) = 12
        lanes hot.all: site 12 (domain) = 12
        lanes sums.n: site 12 (domain) = 12
        warning W1203: `top` has 48 lanes (kind 4 × site 12); the limit is 64
    "#]],
    );
}

#[test]
fn the_same_text_gives_the_same_plan() {
    for text in [QOS, WIDE] {
        assert_eq!(explain_program(&compiled(text).program), explain_program(&compiled(text).program));
    }
}
