//! E12xx: bundles, and W12xx: what is allowed in them and worth a word.

codes! {
    BUNDLE_YAML "E1201" "bundle is not YAML that can be read"
"A bundle is one YAML document of mappings, lists and scalars. Tags, anchors and aliases, keys that
are given twice, nesting deeper than 32 levels and texts above 1 MiB are refused.

Mistake:
```yaml
bundle: {name: a, name: b}
```
Fix: give each key once."

    BUNDLE_KEY "E1202" "key of a bundle that is unknown or missing"
"The keys of a bundle are fixed: what nobody reads is refused, so that a typo does not go unnoticed.
`ceptra schema bundle` prints all of them as JSON Schema.

Mistake: `whne: payload.n > 1`. Fix: `when: payload.n > 1`."

    BUNDLE_VALUE "E1203" "value of a bundle's key of the wrong kind"
"The key takes another kind of value: a duration such as `30s`, a whole number, a text, a list or a
mapping. Bounds are in docs/bundles.md."

    BUNDLE_PHASE "E1204" "phase that cannot be used so"
"A phase is of an unknown type, is called as another one, or refers to a phase that is not there,
comes later or gives something else than what is needed.

Mistake: `bindings: {fast: phase.fsat.metrics}` where the phase is called `fast`."

    PROMQL_SYNTAX "E1205" "expression that is not PromQL"
"The expression cannot be read as PromQL. Check parentheses, braces and the range in brackets:
`sum by (cell)(rate(drops_total{direction=\"down\"}[30s]))`."

    PROMQL_SUBSET "E1206" "PromQL outside of what bundles compute"
"Bundles compute aggregations (sum, count, avg, min, max, topk, quantile, distinct), functions of a
range (rate, increase, delta, count/sum/avg/min/max/stddev/last/quantile_over_time) and plain
selectors, nested as you like. Arithmetic, comparisons and everything on results is done in CEL, where
it costs nothing for series that no rule asks for.

Mistake: `rate(a_total[1m]) / rate(b_total[1m])`.
Fix: two queries, and `safe_div(fast[\"a\"].value, fast[\"b\"].value, 0.0)` in the rule."

    PROMQL_WINDOW "E1207" "range or offset that panes cannot make"
"Windows are made of panes (250 ms unless `bundle.pane` says otherwise). A range and an offset are
whole multiples of the pane, and a range is at most 31 days."

    LANES "E1208" "lanes without a bound, or too many"
"A lane is one combination of the labels that an expression groups by. Each of these labels has a
bound in `bundle.lane_domains`, or is fixed by a matcher; the product of the bounds is at most 64 for
an expression. `ceptra check --lanes` prints them.

Fix: declare the domain, group by fewer labels, or match fewer values:
`drops{direction=~\"up|down\"}` has two."

    COLUMN_TYPE "E1209" "column whose type cannot be told"
"Columns of a source that are not declared get their type from their use: `event.time` is TIMESTAMP,
`partition.by` and labels are STRING, metrics are DOUBLE, and what rules read is what they compare it
with. Where that says nothing, or two things, declare the column.

Fix: `options: {columns: {load: DOUBLE}}`."

    CEL_WRONG "E1210" "expression that is not CEL, or of the wrong type"
"A condition is a CEL expression of type bool; payloads and metadata are CEL expressions of any type
that a column holds. Names and types are checked before the bundle runs.

Mistake: `when: payload.tier = \"urban\"`. Fix: `when: payload.tier == \"urban\"`."

    BINDING "E1211" "metric of a rule that cannot be read so"
"A binding stands for the queries of one phase: `fast[\"jitter\"]` has `value`, `has_value`, `labels`,
`flags`, `window_start_ns`, `window_end_ns` and `watermark_ns`. Labels are those that the expression
groups by, and labels of expressions that group differently are not compared: both are the row's own."

    UNGUARDED "E1212" "value that may have lost samples, unguarded"
"With `late.policy: retract` late samples correct values. Minima, maxima, quantiles, distinct counts,
the k largest, last samples and rates cannot be corrected once panes are final; they say so by flag.
A rule that reads such a value asks first.

Fix: `when: fast[\"p99\"].has_value && !(\"NON_RETRACTABLE_DROPPED\" in fast[\"p99\"].flags) && …`."

    CHANNEL "E1213" "channel that events cannot go to"
"A channel is a URI: `stream://name`, `file://path` or `log://prefix`. A derived event may not come
back into a source of its own bundle."

    UNMAPPED_LABEL "W1201" "matcher on a label that the metric does not have"
"The metric's mapping has no such label. As in PromQL it counts as empty for each row, which is
rarely meant."

    WINDOW_DIFFERS "W1202" "range that is not the phase's window"
"The phase says `window`, and an expression in it has another range. The expression decides."

    MANY_LANES "W1203" "nearly too many lanes"
"An expression has 48 lanes or more; the limit is 64."

    UNUSED "W1204" "part of a bundle that nothing reads"
"A query that no rule binds and no sink takes is not computed."

    NODE_SETTING "W1205" "setting that belongs to the node"
"Checkpoints are taken of whole partitions, so their intervals are the node's. What the bundle says
is checked, and not applied. Set `checkpoint.full_interval` and `checkpoint.incremental_interval` of the
node."

    NEAR_NAME "W1206" "column that is nearly one that is declared"
"A column is used that `columns` does not declare, and its name is close to one that it does."
}
