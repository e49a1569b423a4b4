//! Expressions over metrics: checked against their labels, and admitted by their lanes.

use crate::ast::Span;
use crate::bundle::columns;
use crate::bundle::metrics::{
    self, LANES_MAX, LANES_WARN, LOOKBACK_NS, LaneUse, MetricFrom, QueryUse, SampleFrom, lanes_of, values_of,
};
use crate::bundle::model::{MetricsPhase, Phase};
use crate::bundle::promql::{self, Tree};
use crate::bundle::yaml::Scalar;
use crate::diag::{codes, suggest};
use crate::lower::Session;
use crate::plan::Changelog;

use super::Compiler;

impl<'a> Compiler<'a> {
    pub(super) fn parse(&mut self, phase: &'a MetricsPhase) -> Vec<(&'a Scalar, &'a Scalar, Tree)> {
        let mut out = Vec::new();
        for (name, written) in &phase.queries {
            match promql::read(&written.text, self.bundle.pane_ns) {
                Ok(tree) => out.push((name, written, tree)),
                Err(error) => {
                    let span = written.place(self.text, error.place.0, error.place.1);
                    self.error(error.code, span, error.message, error.help);
                }
            }
        }
        out
    }

    pub(super) fn metrics(&mut self, at: usize, phase: &Phase, metrics: &MetricsPhase) {
        let Some(input) = self.resolved.input[at] else { return };
        if !self.only_appends(input, phase) {
            return;
        }
        let trees = self.trees.remove(&at).unwrap_or_default();
        let mut queries = Vec::new();
        for (name, written, tree) in &trees {
            if let (Some(window), (range, _)) = (metrics.window_ns, tree.window(LOOKBACK_NS))
                && !matches!(innermost(tree), Tree::Instant { .. })
                && range != window
            {
                let shown = [range, window].map(cep_types::options::format_duration);
                let message = format!("the range {} is not the phase's window {}", shown[0], shown[1]);
                self.warn(
                    codes::WINDOW_DIFFERS,
                    written.span,
                    message,
                    "make them the same, or leave `window` out",
                );
            }
            queries.extend(self.query(phase, input, metrics, name, written, tree));
        }
        self.queries.insert(at, queries);
    }

    /// Metrics and rules are of facts: rows that are corrected later are not counted twice.
    pub(super) fn only_appends(&mut self, input: usize, phase: &Phase) -> bool {
        let Some(from) = self.inputs.get(&input) else { return true };
        let appends = self.session.declared(&from.stream).is_none_or(|s| s.changelog == Changelog::Append);
        if !appends {
            let message = format!(
                "rows of `{}` are corrected later, and `{}` takes final ones",
                from.stream, phase.name.text
            );
            let help = "give the SELECT a window, so that its rows are final";
            self.error(codes::CHANGELOG, phase.name.span, message, help);
        }
        appends
    }

    pub(super) fn query(
        &mut self,
        phase: &Phase,
        input: usize,
        metrics: &MetricsPhase,
        name: &Scalar,
        written: &Scalar,
        tree: &Tree,
    ) -> Option<QueryUse> {
        let selector = tree.selector();
        let place = |place: (usize, usize)| written.place(self.text, place.0, place.1);
        let from = self.inputs.get(&input)?;
        let Some(metric) = from.metrics.get(&selector.metric) else {
            let known: Vec<&str> = from.metrics.keys().map(String::as_str).collect();
            let help = match (suggest(&selector.metric, known.iter().copied()), from.mapped) {
                (Some(close), _) => format!("did you mean `{close}`?"),
                (None, true) => format!("`metrics` of the source has {}", known.join(", ")),
                (None, false) => format!("its columns are {}", known.join(", ")),
            };
            let message = format!("`{}` has no metric `{}`", from.stream, selector.metric);
            let span = place(selector.place);
            self.error(codes::COLUMN_TYPE, span, message, help);
            return None;
        };
        let metric = metric.clone();
        self.check_sample(
            from_schema(&self.session, &self.inputs[&input].stream)?,
            &metric,
            tree,
            place(selector.place),
        )?;
        for matcher in &selector.matchers {
            if !metric.labels.contains_key(&matcher.label) {
                let message =
                    format!("`{}` has no label `{}`, so it is empty", selector.metric, matcher.label);
                let span = place(selector.place);
                self.warn(codes::UNMAPPED_LABEL, span, message, "add it to the labels of the metric");
            }
        }
        for (label, at) in tree.grouped() {
            if !metric.labels.contains_key(label) {
                let known: Vec<&str> = metric.labels.keys().map(String::as_str).collect();
                let help = match suggest(label, known.iter().copied()) {
                    Some(close) => format!("did you mean `{close}`?"),
                    None if known.is_empty() => "it has no labels".to_owned(),
                    None => format!("it has {}", known.join(", ")),
                };
                let message = format!("`{}` has no label `{label}`", selector.metric);
                self.error(codes::LANES, place(*at), message, help);
                return None;
            }
        }
        let all = || metric.labels.keys().cloned().collect::<Vec<String>>();
        let labels = tree.labels().map_or_else(all, |labels| labels.into_iter().map(str::to_owned).collect());
        let identity = self.identity(tree, &labels, &all());
        self.admit(phase, metrics, (name, written), tree, labels, identity)
    }

    /// Samples are numbers, unless they are only told apart.
    pub(super) fn check_sample(
        &mut self,
        schema: arrow_schema::SchemaRef,
        metric: &MetricFrom,
        tree: &Tree,
        span: Span,
    ) -> Option<()> {
        let SampleFrom::Column(column) = &metric.sample else { return Some(()) };
        let field = schema.field_with_name(column).ok()?;
        if tree.is_distinct() || columns::is_number(field.data_type()) {
            return Some(());
        }
        let message =
            format!("`{column}` is {}, and samples are numbers", cep_types::sql_type::field_type_name(field));
        self.error(codes::COLUMN_TYPE, span, message, "read a numeric column");
        None
    }

    /// Labels that series keep: what the value needs, less what a matcher fixes and nothing asks for.
    pub(super) fn identity(&self, tree: &Tree, labels: &[String], all: &[String]) -> Vec<String> {
        match tree.identity() {
            Some(kept) => {
                let mut kept: Vec<String> = kept.into_iter().map(str::to_owned).collect();
                kept.sort_unstable();
                kept.dedup();
                kept
            }
            None => {
                let fixed: Vec<&str> = metrics::fixed(tree.selector()).collect();
                let grouped: Vec<&String> = tree.grouped().into_iter().map(|(label, _)| label).collect();
                let is_kept = |label: &&String| {
                    !fixed.contains(&label.as_str()) || labels.contains(label) || grouped.contains(label)
                };
                all.iter().filter(is_kept).cloned().collect()
            }
        }
    }

    /// Counts the lanes of a query, and admits it.
    pub(super) fn admit(
        &mut self,
        phase: &Phase,
        metrics: &MetricsPhase,
        (name, written): (&Scalar, &Scalar),
        tree: &Tree,
        labels: Vec<String>,
        identity: Vec<String>,
    ) -> Option<QueryUse> {
        let domains = &self.bundle.domains;
        let (each, lanes) = match lanes_of(tree, &labels, domains) {
            Ok(found) => found,
            Err(label) => {
                let grouped =
                    tree.grouped().into_iter().find(|(known, _)| *known == label).map(|(_, at)| *at);
                let span = grouped.map_or(written.span, |at| written.place(self.text, at.0, at.1));
                let known = domains.keys().map(String::as_str);
                let help = match (suggest(&label, known), grouped) {
                    (Some(close), _) => format!("did you mean `{close}`?"),
                    (None, Some(_)) => {
                        format!(
                            "add `lane_domains: {{{label}: {{max_per_partition: 16}}}}` to `bundle`, or match its values"
                        )
                    }
                    (None, None) => {
                        format!("aggregate it away, as in `sum by (…)(…)`, or add a domain of `{label}`")
                    }
                };
                let message = format!("the lanes of label `{label}` have no bound");
                self.error(codes::LANES, span, message, help);
                return None;
            }
        };
        let shown: Vec<String> =
            each.iter().map(|label| format!("{} {}", label.label, label.values)).collect();
        if lanes > LANES_MAX {
            let message = format!(
                "`{}` has {lanes} lanes ({}), and the limit is {LANES_MAX}",
                name.text,
                shown.join(" × ")
            );
            let help = "group by fewer labels, match fewer values, or lower a domain";
            self.error(codes::LANES, written.span, message, help);
            return None;
        }
        if lanes >= LANES_WARN {
            let message = format!(
                "`{}` has {lanes} lanes ({}); the limit is {LANES_MAX}",
                name.text,
                shown.join(" × ")
            );
            self.warn(
                codes::MANY_LANES,
                written.span,
                message,
                "what is beyond it is left out, flagged and counted",
            );
        }
        let bounds: Option<u64> = identity
            .iter()
            .map(|label| values_of(label, tree.selector(), domains).map(|lanes| lanes.values))
            .try_fold(1_u64, |product, values| Some(product.saturating_mul(values?)));
        let series_max = bounds.unwrap_or(u64::MAX).min(u64::from(metrics.series_max)).max(1);
        self.lanes.push(LaneUse {
            phase: phase.name.text.clone(),
            query: name.text.clone(),
            labels: each,
            lanes,
            series_max,
        });
        Some(QueryUse {
            phase: phase.name.text.clone(),
            name: name.text.clone(),
            text: written.text.clone(),
            tree: tree.clone(),
            labels,
            identity,
            lanes_max: u32::try_from(lanes).unwrap_or(u32::MAX),
            series_max: u32::try_from(series_max).unwrap_or(u32::MAX),
            span: written.span,
        })
    }
}

fn from_schema(session: &Session, stream: &str) -> Option<arrow_schema::SchemaRef> {
    session.declared(stream).map(|stream| stream.schema.clone())
}

fn innermost(tree: &Tree) -> &Tree {
    match tree {
        Tree::Aggregate { input, .. } => innermost(input),
        other => other,
    }
}
