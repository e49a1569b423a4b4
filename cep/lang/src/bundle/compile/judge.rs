//! Rules over rows and their metrics.

use std::collections::BTreeMap;

use crate::ast::Name;
use crate::bundle::metrics::{LOOKBACK_NS, MetricFrom, QueryUse};
use crate::bundle::model::{Phase, PhaseKind, RulesPhase};
use crate::bundle::rules::{BoundQuery, Names, RulesInput, cel_type, judge};
use crate::cel::Type;
use crate::lower::Feed;
use crate::plan::Changelog;

use super::Compiler;

impl<'a> Compiler<'a> {
    /// Names of the expressions of a rules phase; queries that are not checked yet have no labels.
    pub(super) fn names(
        &self,
        at: usize,
        rules: &RulesPhase,
        partition_key: Option<(String, Type)>,
        metrics: &BTreeMap<String, MetricFrom>,
    ) -> Names {
        let mut next = 0;
        let mut bindings = Vec::new();
        for ((alias, _), bound) in rules.bindings.iter().zip(&self.resolved.bindings[at]) {
            let mut queries = Vec::new();
            match self.queries.get(bound) {
                Some(checked) => {
                    for query in checked {
                        let columns = metrics.get(&query.tree.selector().metric);
                        let column = |label: &String| {
                            Some((label.clone(), columns?.labels.get(label)?.column.clone()))
                        };
                        queries.push(BoundQuery {
                            name: query.name.clone(),
                            labels: query.labels.iter().filter_map(column).collect(),
                            window: query.tree.window(LOOKBACK_NS),
                            at: next,
                        });
                        next += 1;
                    }
                }
                None => {
                    for (name, _, tree) in self.trees.get(bound).into_iter().flatten() {
                        let window = tree.window(LOOKBACK_NS);
                        queries.push(BoundQuery {
                            name: name.text.clone(),
                            labels: Vec::new(),
                            window,
                            at: next,
                        });
                        next += 1;
                    }
                }
            }
            bindings.push((alias.text.clone(), queries));
        }
        Names {
            bindings,
            partition_key,
            version: self.bundle.version,
            policy_version: self.bundle.policy_version,
        }
    }

    pub(super) fn rules(&mut self, at: usize, phase: &Phase, rules: &RulesPhase) {
        let Some(of) = self.resolved.input[at] else { return };
        if !self.only_appends(of, phase) {
            return;
        }
        let channels = self.channels(rules);
        let (Some(input), Some(channels)) = (self.inputs.get(&of), channels) else { return };
        let Some((rows, _times, _)) = self.session.scan(&input.stream) else { return };
        let key = match input.partition_by.as_slice() {
            [only] => rows
                .schema()
                .field_with_name(only)
                .ok()
                .and_then(|field| Some((only.clone(), cel_type(field.data_type())?))),
            _ => None,
        };
        // A query that was refused has been told; what reads it would only repeat that.
        if self.resolved.bindings[at].iter().any(|bound| {
            self.queries.get(bound).map_or(0, Vec::len) < metric_count(&self.bundle.phases[*bound])
        }) {
            return;
        }
        let names = self.names(at, rules, key, &input.metrics);
        let queries: Vec<&QueryUse> = self.resolved.bindings[at]
            .iter()
            .flat_map(|bound| self.queries.get(bound).into_iter().flatten())
            .collect();
        let uris: Vec<String> = channels.iter().map(|channel| channel.uri.clone()).collect();
        let judged = judge(
            RulesInput {
                rows,
                names,
                queries,
                metrics: &input.metrics,
                pane_ns: self.bundle.pane_ns,
                late_policy: input.late_policy,
                correction_ns: input.correction_ns,
                bundle: (self.bundle.name.clone(), self.bundle.version),
            },
            rules,
            &uris,
            self.text,
            &mut self.errors,
        );
        let stream = input.stream.clone();
        let Some(judged) = judged else { return };
        self.read.extend(judged.read);
        let feed = Feed {
            name: Name { text: phase.name.text.clone(), span: phase.name.span },
            options: Vec::new(),
            node: judged.node,
            times: Vec::new(),
            changelog: Changelog::Append,
            reads: vec![stream],
            span: phase.span,
        };
        self.feed(feed);
        for (channel, payload) in channels.iter().zip(&judged.payloads) {
            self.channel(phase, rules, channel, payload);
        }
    }

    pub(super) fn feed(&mut self, feed: Feed) {
        let span = feed.span;
        if let Err(mut error) = self.session.feed(feed) {
            error.span.get_or_insert(span);
            self.errors.push(*error);
        }
    }
}

fn metric_count(phase: &Phase) -> usize {
    match &phase.kind {
        PhaseKind::Metrics(metrics) => metrics.queries.len(),
        _ => 0,
    }
}
