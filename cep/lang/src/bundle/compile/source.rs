//! Sources and SELECTs: streams with columns.

use std::collections::BTreeMap;

use crate::ast::{CreateStream, Name, OptionLiteral, Span, StatementKind, WithOption};
use crate::bundle::columns::{self, Uses, columns_of};
use crate::bundle::metrics::MetricFrom;
use crate::bundle::model::{Phase, PhaseKind, SourcePhase};
use crate::bundle::rules::with_option;
use crate::bundle::yaml::Scalar;
use crate::cel::Type;
use crate::diag::{Diagnostic, codes};
use crate::sql::parse_script;

use super::{Compiler, Input};

impl<'a> Compiler<'a> {
    pub(super) fn source(&mut self, at: usize, phase: &Phase, source: &SourcePhase) {
        let uses = self.uses(at, source);
        let found = columns_of(source, &uses, self.text, &mut self.errors, &mut self.warnings);
        if found.is_wrong {
            return;
        }
        let text = |key: &str, value: &str, span: Span| WithOption {
            key: Name { text: key.to_owned(), span },
            value: OptionLiteral::Text(value.to_owned()),
            value_span: span,
        };
        let mut options = Vec::new();
        if source.connector != "stream" {
            options.push(text("type", "source", phase.name.span));
            options.push(text("extension", &source.connector, phase.name.span));
        }
        options.extend(source.options.iter().map(with_option));
        if let Some(first) = source.partition_by.first() {
            let all: Vec<&str> = source.partition_by.iter().map(|key| key.text.as_str()).collect();
            options.push(text("partition.by", &all.join(", "), first.span));
        }
        options.extend(
            found
                .paths
                .iter()
                .map(|(column, path)| text(&format!("json.mapping.{column}"), &path.text, path.span)),
        );
        let name = Name { text: phase.name.text.clone(), span: phase.name.span };
        if found.columns.is_empty() {
            let message = format!("source `{}` has no columns", phase.name.text);
            self.error(
                codes::COLUMN_TYPE,
                phase.name.span,
                message,
                "nothing reads it; declare `columns` or remove it",
            );
            return;
        }
        let create =
            CreateStream { name, if_not_exists: false, columns: found.columns, options, query: None };
        match self.session.declare(&create, phase.name.span, "") {
            Ok(()) => self.add_input(at, phase, found.metrics, source.metrics.is_some()),
            Err(mut error) => {
                error.span.get_or_insert(phase.name.span);
                self.errors.push(*error);
            }
        }
    }

    pub(super) fn add_input(
        &mut self,
        at: usize,
        phase: &Phase,
        metrics: BTreeMap<String, MetricFrom>,
        mapped: bool,
    ) {
        let Some(stream) = self.session.declared(&phase.name.text) else { return };
        let by = stream.options.partition_by.iter().map(|column| stream.schema.field(*column).name().clone());
        let input = Input {
            stream: phase.name.text.clone(),
            metrics,
            mapped,
            partition_by: by.collect(),
            late_policy: stream.time.late_policy,
            correction_ns: stream.time.correction_ns,
        };
        self.inputs.insert(at, input);
    }

    /// What the other phases do with the rows of the source `at`.
    pub(super) fn uses(&self, at: usize, source: &SourcePhase) -> Uses<'a> {
        let bundle = self.bundle;
        let own = |other: &usize| self.resolved.input[*other] == Some(at);
        let phases = (0..bundle.phases.len()).filter(own);
        let mut uses = Uses { trees: Vec::new(), rules: Vec::new() };
        for other in phases {
            match &bundle.phases[other].kind {
                PhaseKind::Metrics(_) => {
                    let trees = self.trees.get(&other).into_iter().flatten();
                    uses.trees.extend(trees.map(|(_, written, tree)| (tree.clone(), *written)));
                }
                PhaseKind::Rules(rules) => {
                    let key = match source.partition_by.as_slice() {
                        [only] => Some((only.text.clone(), Type::String)),
                        _ => None,
                    };
                    let names = self.names(other, rules, key, &BTreeMap::new());
                    let texts = rules.rules.iter().flat_map(|rule| {
                        let others = rule.metadata.iter().chain(&rule.payload).map(|(_, written)| written);
                        std::iter::once(&rule.when).chain(others)
                    });
                    uses.rules.push((texts.collect(), names.declared()));
                }
                _ => {}
            }
        }
        uses
    }

    pub(super) fn sql(&mut self, at: usize, phase: &Phase, query: &Scalar) {
        let statements = parse_script(&query.text, &|_| None);
        let statements = match statements {
            Ok(statements) => statements,
            Err(errors) => return self.sql_errors(query, errors),
        };
        let mut statements = statements.into_iter();
        let (Some(statement), None) = (statements.next(), statements.next()) else {
            let message = "a phase of type aggregate.sql is one SELECT".to_owned();
            return self.error(
                codes::BUNDLE_PHASE,
                query.span,
                message,
                "write the others as phases of their own",
            );
        };
        let StatementKind::Select(select) = statement.kind else {
            let message = "a phase of type aggregate.sql is a SELECT".to_owned();
            return self.error(codes::BUNDLE_PHASE, query.span, message, "streams are phases of their own");
        };
        let name = Name { text: phase.name.text.clone(), span: statement.span };
        let (columns, options) = (Vec::new(), Vec::new());
        let create = CreateStream { name, if_not_exists: false, columns, options, query: Some(select) };
        match self.session.declare(&create, statement.span, &query.text) {
            Ok(()) => {
                let schema = self.session.declared(&phase.name.text).map(|stream| stream.schema.clone());
                let metrics = schema.map(|schema| columns::default_metrics(&schema)).unwrap_or_default();
                self.add_input(at, phase, metrics, false);
            }
            Err(error) => self.sql_errors(query, vec![*error]),
        }
    }

    /// Errors of SQL point into the SELECT.
    pub(super) fn sql_errors(&mut self, query: &Scalar, errors: Vec<Diagnostic>) {
        for mut error in errors {
            error.span =
                Some(error.span.map_or(query.span, |span| query.place(self.text, span.start, span.end)));
            self.errors.push(error);
        }
    }
}
