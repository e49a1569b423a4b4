//! Which phase reads which: references are names of phases that stand before.

use crate::ast::Span;
use crate::diag::{Diagnostic, codes, suggest};

use super::model::{Bundle, Phase, PhaseKind, RulesPhase};
use super::rules::RESERVED;
use super::yaml::Scalar;

/// References of the phases, by their places.
#[derive(Debug, Default)]
pub(crate) struct Resolved {
    /// Of `aggregate.promql`, `classify.cel` and sinks: the phase whose rows are read.
    pub input: Vec<Option<usize>>,
    /// Of `classify.cel`: the phase that each binding stands for.
    pub bindings: Vec<Vec<usize>>,
}

/// Resolves all references.
pub(crate) fn resolve(bundle: &Bundle, errors: &mut Vec<Diagnostic>) -> Resolved {
    let mut resolver = Resolver { bundle, errors, out: Resolved::default() };
    for at in 0..bundle.phases.len() {
        let (input, bindings) = resolver.phase(at);
        resolver.out.input.push(input);
        resolver.out.bindings.push(bindings);
    }
    resolver.out
}

struct Resolver<'a> {
    bundle: &'a Bundle,
    errors: &'a mut Vec<Diagnostic>,
    out: Resolved,
}

impl Resolver<'_> {
    fn phase(&mut self, at: usize) -> (Option<usize>, Vec<usize>) {
        let phase = &self.bundle.phases[at];
        match &phase.kind {
            PhaseKind::Source(_) | PhaseKind::Sql(_) => (None, Vec::new()),
            PhaseKind::Metrics(metrics) => (self.rows(metrics.from.as_ref(), phase, at), Vec::new()),
            PhaseKind::Sink(sink) => {
                let found = self.find(&sink.from, at);
                let found = found.filter(|found| {
                    let is_source = matches!(
                        self.bundle.phases[*found].kind,
                        PhaseKind::Sink(_) | PhaseKind::Checkpoint(_)
                    );
                    if is_source {
                        let message = format!("phase `{}` gives no rows", sink.from.text);
                        self.error(
                            sink.from.span,
                            message,
                            "name a source, an aggregate or a classify phase",
                        );
                    }
                    !is_source
                });
                (found, Vec::new())
            }
            PhaseKind::Rules(rules) => self.rules(rules, phase, at),
            PhaseKind::Checkpoint(checkpoint) => {
                for name in &checkpoint.include {
                    self.find(name, at);
                }
                (None, Vec::new())
            }
        }
    }

    fn error(&mut self, span: Span, message: String, help: &str) {
        let error = Diagnostic::at(codes::BUNDLE_PHASE, span, message);
        self.errors.push(if help.is_empty() { error } else { error.help(help) });
    }

    /// The phase called `name`, which stands before the phase `at`.
    fn find(&mut self, name: &Scalar, at: usize) -> Option<usize> {
        let phases = &self.bundle.phases;
        match phases.iter().position(|phase| phase.name.text == name.text) {
            Some(found) if found < at => return Some(found),
            Some(found) if found == at => {
                self.error(name.span, "a phase cannot read itself".to_owned(), "name a phase before it");
            }
            Some(_) => {
                let message = format!("phase `{}` comes later", name.text);
                self.error(name.span, message, "phases read those before them: change their order");
            }
            None => {
                let known = phases.iter().map(|phase| phase.name.text.as_str());
                let help = match suggest(&name.text, known.clone()) {
                    Some(close) => format!("did you mean `{close}`?"),
                    None => format!("there are {}", known.collect::<Vec<_>>().join(", ")),
                };
                self.error(name.span, format!("there is no phase `{}`", name.text), &help);
            }
        }
        None
    }

    /// A phase with rows for metrics and rules: a source or a SELECT; by default the only source before.
    fn rows(&mut self, from: Option<&Scalar>, phase: &Phase, at: usize) -> Option<usize> {
        let phases = &self.bundle.phases;
        if let Some(from) = from {
            let found = self.find(from, at)?;
            if matches!(phases[found].kind, PhaseKind::Source(_) | PhaseKind::Sql(_)) {
                return Some(found);
            }
            let message = format!("metrics and rules are over rows, and `{}` gives none", from.text);
            self.error(from.span, message, "name a source or an aggregate.sql phase");
            return None;
        }
        let sources: Vec<usize> =
            (0..at).filter(|other| matches!(phases[*other].kind, PhaseKind::Source(_))).collect();
        match sources.as_slice() {
            [only] => Some(*only),
            [] => {
                let message = format!("there is no source before phase `{}`", phase.name.text);
                self.error(phase.name.span, message, "add a phase of type source.file, or move it here");
                None
            }
            several => {
                let names: Vec<&str> = several.iter().map(|at| phases[*at].name.text.as_str()).collect();
                let message = format!("which source phase `{}` reads is not told", phase.name.text);
                self.error(phase.name.span, message, &format!("add `from:` one of {}", names.join(", ")));
                None
            }
        }
    }

    fn rules(&mut self, rules: &RulesPhase, phase: &Phase, at: usize) -> (Option<usize>, Vec<usize>) {
        let mut found = Vec::new();
        for (alias, written) in &rules.bindings {
            if RESERVED.contains(&alias.text.as_str()) {
                let message = format!("`{}` cannot be the name of a binding", alias.text);
                self.error(alias.span, message, "it has a meaning already; choose another");
            }
            if let Some(bound) = self.binding(written, at) {
                found.push(bound);
            }
        }
        if found.len() < rules.bindings.len() {
            return (None, Vec::new());
        }
        let inputs: Vec<usize> = found.iter().filter_map(|bound| self.out.input[*bound]).collect();
        if inputs.len() < found.len() {
            return (None, Vec::new());
        }
        let name = |at: usize| self.bundle.phases[at].name.text.clone();
        let input = match (&rules.from, inputs.first().copied()) {
            (Some(from), _) => self.rows(Some(from), phase, at),
            (None, Some(first)) => Some(first),
            (None, None) => self.rows(None, phase, at),
        };
        if let Some(input) = input
            && let Some(other) = inputs.iter().position(|other| *other != input)
        {
            let (alias, written) = &rules.bindings[other];
            let message = format!(
                "`{}` is ambiguous: its rows are those of `{}`, and the rules judge rows of `{}`",
                alias.text,
                name(inputs[other]),
                name(input)
            );
            self.error(
                written.span,
                message,
                "a row reads the lanes of its own labels; judge each source apart",
            );
            return (None, Vec::new());
        }
        (input, found)
    }

    /// The phase that `phase.<name>.metrics` stands for.
    fn binding(&mut self, written: &Scalar, at: usize) -> Option<usize> {
        let inner = written.text.strip_prefix("phase.").and_then(|rest| rest.strip_suffix(".metrics"));
        let Some(inner) = inner else {
            let message = format!("`{}` is no binding", written.text);
            self.error(written.span, message, "write `phase.<name>.metrics`, with the name of a phase");
            return None;
        };
        let name = Scalar { text: inner.to_owned(), ..written.clone() };
        let found = self.find(&name, at)?;
        if matches!(self.bundle.phases[found].kind, PhaseKind::Metrics(_)) {
            return Some(found);
        }
        self.error(
            written.span,
            format!("phase `{inner}` has no metrics"),
            "name a phase of type aggregate.promql",
        );
        None
    }
}
