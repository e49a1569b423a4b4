//! Sinks: the rows of a phase to a connector.

use crate::ast::{Name, OptionLiteral, WithOption};
use crate::bundle::metrics::{self, Consumer, QueryUse};
use crate::bundle::model::{Phase, PhaseKind, SinkPhase};
use crate::bundle::rules::with_option;
use crate::lower::Feed;
use crate::plan::{Changelog, LatePolicy};

use super::Compiler;

impl Compiler<'_> {
    pub(super) fn sink(&mut self, at: usize, phase: &Phase, sink: &SinkPhase) {
        let Some(of) = self.resolved.input[at] else { return };
        let from = &self.bundle.phases[of];
        let (node, times, changelog, reads) = match &from.kind {
            PhaseKind::Metrics(_) => {
                let Some(input) = self.resolved.input[of].and_then(|input| self.inputs.get(&input)) else {
                    return;
                };
                let Some((rows, _, _)) = self.session.scan(&input.stream) else { return };
                let queries: Vec<&QueryUse> = self.queries.get(&of).into_iter().flatten().collect();
                self.read.extend(queries.iter().map(|query| (query.phase.clone(), query.name.clone())));
                let consumer = Consumer {
                    input: rows,
                    pane_ns: self.bundle.pane_ns,
                    metrics: &input.metrics,
                    queries,
                    late_policy: input.late_policy,
                    correction_ns: input.correction_ns,
                };
                let corrects = input.late_policy == LatePolicy::Retract;
                let changelog = if corrects { Changelog::Retract } else { Changelog::Append };
                (metrics::build(consumer, true).0, Vec::new(), changelog, input.stream.clone())
            }
            _ => {
                let Some((rows, times, changelog)) = self.session.scan(&from.name.text) else { return };
                (rows, times, changelog, from.name.text.clone())
            }
        };
        let text = |key: &str, value: &str| WithOption {
            key: Name { text: key.to_owned(), span: phase.name.span },
            value: OptionLiteral::Text(value.to_owned()),
            value_span: phase.name.span,
        };
        let mut options = vec![text("type", "sink"), text("extension", &sink.connector)];
        options.extend(sink.options.iter().map(with_option));
        let feed = Feed {
            name: Name { text: phase.name.text.clone(), span: phase.name.span },
            options,
            node,
            times,
            changelog,
            reads: vec![reads],
            span: phase.span,
        };
        self.feed(feed);
    }
}
