//! The phases, in order, into a session; out comes a program.
//!
//! Here the way through · `source` sources and SELECTs · `query` expressions over metrics · `judge` rules · `channel`
//! where their events go · `sink` rows of phases to connectors.

mod channel;
mod judge;
mod query;
mod sink;
mod source;

use std::collections::{BTreeMap, BTreeSet};

use crate::ast::Span;
use crate::diag::{Diagnostic, codes};
use crate::lower::{CompileOptions, Session};
use crate::plan::{LatePolicy, Program};
use crate::sql::ERRORS_MAX;

use super::load::load;
use super::metrics::{LaneUse, MetricFrom, QueryUse};
use super::model::{Bundle, PhaseKind};
use super::promql::Tree;
use super::resolve::{Resolved, resolve};
use super::yaml::{Scalar, read};

/// A bundle that is right.
#[derive(Debug)]
pub struct Compiled {
    /// What it runs.
    pub program: Program,
    /// What is allowed and worth a word, in the order of the text.
    pub warnings: Vec<Diagnostic>,
    /// The lanes of its expressions.
    pub lanes: Vec<LaneUse>,
}

/// Compiles a bundle.
///
/// # Errors
/// What is wrong with it, in the order of the text, at most [`ERRORS_MAX`].
pub fn compile(text: &str, options: &CompileOptions) -> Result<Compiled, Vec<Diagnostic>> {
    let yaml = read(text, &*options.environment).map_err(|error| vec![*error])?;
    let capped = |mut errors: Vec<Diagnostic>| {
        errors.sort_by_key(|error| error.span.map_or(0, |span| span.start));
        errors.dedup();
        errors.truncate(ERRORS_MAX);
        errors
    };
    let bundle = load(&yaml).map_err(capped)?;
    let mut errors = Vec::new();
    let resolved = resolve(&bundle, &mut errors);
    let mut compiler = Compiler {
        text,
        bundle: &bundle,
        resolved: &resolved,
        session: Session::new(options.clone()),
        errors,
        warnings: Vec::new(),
        lanes: Vec::new(),
        inputs: BTreeMap::new(),
        trees: BTreeMap::new(),
        queries: BTreeMap::new(),
        read: BTreeSet::new(),
    };
    compiler.run();
    let Compiler { session, errors, mut warnings, lanes, .. } = compiler;
    if !errors.is_empty() {
        return Err(capped(errors));
    }
    warnings.sort_by_key(|warning| warning.span.map_or(0, |span| span.start));
    Ok(Compiled { program: session.into_program(), warnings, lanes })
}

/// A phase whose rows metrics and rules read.
#[derive(Debug)]
struct Input {
    /// Name of its stream.
    stream: String,
    metrics: BTreeMap<String, MetricFrom>,
    /// Whether metrics are those that were mapped, and no others.
    mapped: bool,
    partition_by: Vec<String>,
    late_policy: LatePolicy,
    correction_ns: i64,
}

struct Compiler<'a> {
    text: &'a str,
    bundle: &'a Bundle,
    resolved: &'a Resolved,
    session: Session,
    errors: Vec<Diagnostic>,
    warnings: Vec<Diagnostic>,
    lanes: Vec<LaneUse>,
    /// By phase.
    inputs: BTreeMap<usize, Input>,
    /// Expressions by phase.
    trees: BTreeMap<usize, Vec<(&'a Scalar, &'a Scalar, Tree)>>,
    /// Checked queries by phase.
    queries: BTreeMap<usize, Vec<QueryUse>>,
    /// Queries that somebody reads.
    read: BTreeSet<(String, String)>,
}

impl<'a> Compiler<'a> {
    fn error(&mut self, code: &'static str, span: Span, message: String, help: impl Into<String>) {
        self.errors.push(Diagnostic::at(code, span, message).help(help));
    }

    fn warn(&mut self, code: &'static str, span: Span, message: String, help: &str) {
        self.warnings.push(Diagnostic::at(code, span, message).help(help));
    }

    fn run(&mut self) {
        let bundle = self.bundle;
        for (at, phase) in bundle.phases.iter().enumerate() {
            if let PhaseKind::Metrics(metrics) = &phase.kind {
                let trees = self.parse(metrics);
                self.trees.insert(at, trees);
            }
        }
        // Without them the types of columns cannot be told, and half of the errors would be others'.
        if !self.errors.is_empty() {
            return;
        }
        for (at, phase) in bundle.phases.iter().enumerate() {
            match &phase.kind {
                PhaseKind::Source(source) => self.source(at, phase, source),
                PhaseKind::Sql(query) => self.sql(at, phase, query),
                PhaseKind::Metrics(metrics) => self.metrics(at, phase, metrics),
                PhaseKind::Rules(rules) => self.rules(at, phase, rules),
                PhaseKind::Sink(sink) => self.sink(at, phase, sink),
                PhaseKind::Checkpoint(checkpoint) => {
                    if checkpoint.full_ns.is_some() || checkpoint.incremental_ns.is_some() {
                        let message =
                            "checkpoint intervals are the node's, so these are checked and not applied";
                        let help =
                            "set checkpoint.full_interval and checkpoint.incremental_interval of the node";
                        self.warn(codes::NODE_SETTING, phase.name.span, message.to_owned(), help);
                    }
                    if !checkpoint.include.is_empty() {
                        let message =
                            "checkpoints are of all phases, so `include` changes nothing".to_owned();
                        self.warn(codes::NODE_SETTING, phase.name.span, message, "leave it out");
                    }
                }
            }
        }
        if self.errors.is_empty() {
            self.unused();
        }
    }

    /// Queries that nothing reads are not computed.
    fn unused(&mut self) {
        let unread: Vec<(Span, String)> = self
            .queries
            .values()
            .flatten()
            .filter(|query| !self.read.contains(&(query.phase.clone(), query.name.clone())))
            .map(|query| {
                (query.span, format!("nothing reads `{}.{}`, so it is not computed", query.phase, query.name))
            })
            .collect();
        for (span, message) in unread {
            self.warn(codes::UNUSED, span, message, "read it in a rule, or write the phase to a sink");
        }
    }
}
