//! The phases, in order, into a session; out comes a program.

use std::collections::{BTreeMap, BTreeSet};

use arrow_schema::DataType;

use crate::ast::{CreateStream, Name, OptionLiteral, Span, StatementKind, WithOption};
use crate::cel::Type;
use crate::diag::{Diagnostic, codes, suggest};
use crate::lower::{CompileOptions, Feed, Session};
use crate::plan::{BinaryOp, Changelog, Expr, ExprKind, LatePolicy, NamedExpr, Node, Program, RULE_COLUMNS};
use crate::sql::{ERRORS_MAX, parse_script};

use super::columns::{self, Uses, columns_of};
use super::load::load;
use super::metrics::{
    self, Consumer, LANES_MAX, LANES_WARN, LOOKBACK_NS, LaneUse, MetricFrom, QueryUse, SampleFrom, lanes_of,
    values_of,
};
use super::model::{Bundle, MetricsPhase, Phase, PhaseKind, RulesPhase, SinkPhase, SourcePhase};
use super::promql::{self, Tree};
use super::resolve::{Resolved, resolve};
use super::rules::{
    BoundQuery, Channel, Names, RulesInput, Target, cel_type, channel_of, judge, with_option,
};
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

    fn parse(&mut self, phase: &'a MetricsPhase) -> Vec<(&'a Scalar, &'a Scalar, Tree)> {
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

    fn source(&mut self, at: usize, phase: &Phase, source: &SourcePhase) {
        let uses = self.uses(at, source);
        let found = columns_of(source, &uses, self.text, &mut self.errors, &mut self.warnings);
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

    fn add_input(&mut self, at: usize, phase: &Phase, metrics: BTreeMap<String, MetricFrom>, mapped: bool) {
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
    fn uses(&self, at: usize, source: &SourcePhase) -> Uses<'a> {
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

    fn sql(&mut self, at: usize, phase: &Phase, query: &Scalar) {
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
    fn sql_errors(&mut self, query: &Scalar, errors: Vec<Diagnostic>) {
        for mut error in errors {
            error.span =
                Some(error.span.map_or(query.span, |span| query.place(self.text, span.start, span.end)));
            self.errors.push(error);
        }
    }

    fn metrics(&mut self, at: usize, phase: &Phase, metrics: &MetricsPhase) {
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
    fn only_appends(&mut self, input: usize, phase: &Phase) -> bool {
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

    fn query(
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
    fn check_sample(
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
    fn identity(&self, tree: &Tree, labels: &[String], all: &[String]) -> Vec<String> {
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
    fn admit(
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

    /// Names of the expressions of a rules phase; queries that are not checked yet have no labels.
    fn names(
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

    fn rules(&mut self, at: usize, phase: &Phase, rules: &RulesPhase) {
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

    fn feed(&mut self, feed: Feed) {
        let span = feed.span;
        if let Err(mut error) = self.session.feed(feed) {
            error.span.get_or_insert(span);
            self.errors.push(*error);
        }
    }

    /// The channels of a phase, in the order of their first use; `None` if one is wrong.
    fn channels(&mut self, rules: &RulesPhase) -> Option<Vec<Channel>> {
        let mut out: Vec<Channel> = Vec::new();
        let mut wrong = false;
        for rule in &rules.rules {
            if out.iter().any(|channel| channel.uri == rule.channel.text) {
                continue;
            }
            match channel_of(&rule.channel.text, rule.channel.span) {
                Ok(channel) => {
                    wrong |= self.loops(&channel, rule.channel.span);
                    out.push(channel);
                }
                Err(error) => {
                    self.errors.push(*error);
                    wrong = true;
                }
            }
        }
        for (uri, _) in &rules.channels {
            if !rules.rules.iter().any(|rule| rule.channel.text == uri.text) {
                let message = format!("no rule emits to `{}`", uri.text);
                let known = out.iter().map(|channel| channel.uri.as_str());
                let help = suggest(&uri.text, known).map_or_else(
                    || "write the URI as the rules do".to_owned(),
                    |close| format!("did you mean `{close}`?"),
                );
                self.error(codes::CHANNEL, uri.span, message, help);
                wrong = true;
            }
        }
        (!wrong).then_some(out)
    }

    /// Whether events of a channel would come back into the bundle.
    fn loops(&mut self, channel: &Channel, span: Span) -> bool {
        let same_path = |a: &str, b: &str| a.trim_start_matches("./") == b.trim_start_matches("./");
        let into = self.bundle.phases.iter().find(|other| match (&other.kind, &channel.target) {
            (PhaseKind::Source(source), Target::File(path)) => source.options.iter().any(|o| {
                ["path", "file.path"].contains(&o.key.text.as_str()) && same_path(&o.value.text, path)
            }),
            (_, Target::Stream(name)) => other.name.text.eq_ignore_ascii_case(name),
            _ => false,
        });
        let Some(into) = into else { return false };
        let (message, help) = match &into.kind {
            PhaseKind::Source(_) => (
                format!("events would come back into source `{}`", into.name.text),
                "derived events do not re-enter their bundle; use another channel",
            ),
            _ => (
                format!("`{}` is a phase of this bundle", into.name.text),
                "its stream has that name; use another name for the channel",
            ),
        };
        self.error(codes::CHANNEL, span, message, help);
        true
    }

    /// The stream behind a channel, and the query that fills it with the events of a phase.
    fn channel(&mut self, phase: &Phase, rules: &RulesPhase, channel: &Channel, payload: &BTreeSet<usize>) {
        let Some((rows, _, _)) = self.session.scan(&phase.name.text) else { return };
        let mut schema = rows.schema().clone();
        let at =
            rules.rules.iter().find(|rule| rule.channel.text == channel.uri).map(|rule| rule.channel.span);
        let span = at.unwrap_or(phase.span);
        let node = if rules.rules.iter().all(|rule| rule.channel.text == channel.uri) {
            rows
        } else {
            let column = RULE_COLUMNS.iter().position(|name| *name == "_channel").unwrap_or_default();
            let text = datafusion_common::ScalarValue::Utf8(Some(channel.uri.clone()));
            let literal = Expr {
                kind: ExprKind::Literal(text),
                data_type: DataType::Utf8,
                nullable: false,
                span: None,
            };
            let column = Expr::column(column, DataType::Utf8, false);
            let kind = ExprKind::Binary(BinaryOp::Eq, Box::new(column), Box::new(literal));
            let predicate = Expr { kind, data_type: DataType::Boolean, nullable: false, span: None };
            Node::Filter { input: Box::new(rows), predicate }
        };
        let own = |name: &str| name != "_channel";
        let kept: Vec<usize> = (0..schema.fields().len())
            .filter(|at| match RULE_COLUMNS.get(*at) {
                Some(name) => own(name),
                None => payload.contains(at),
            })
            .collect();
        let exprs = kept.iter().map(|at| {
            let field = schema.field(*at);
            NamedExpr {
                name: field.name().clone(),
                expr: Expr::column(*at, field.data_type().clone(), field.is_nullable()),
            }
        });
        let exprs = exprs.collect();
        let fields: Vec<_> = kept.iter().map(|at| std::sync::Arc::clone(&schema.fields()[*at])).collect();
        schema = std::sync::Arc::new(arrow_schema::Schema::new(fields));
        let node = Node::Project { input: Box::new(node), exprs, schema };
        let name = match &channel.target {
            Target::Stream(name) => name.clone(),
            Target::File(_) | Target::Log(_) => self.sink_name(phase, channel),
        };
        if let Some(known) = self.session.declared(&name)
            && known.schema != *node.schema()
        {
            let message = format!("`{}` has events of another shape already", channel.uri);
            return self.error(
                codes::CHANNEL,
                span,
                message,
                "emit the same columns, or use another channel",
            );
        }
        let written = rules
            .channels
            .iter()
            .find(|(uri, _)| uri.text == channel.uri)
            .map(|(_, options)| options.as_slice());
        let feed = Feed {
            name: Name { text: name, span },
            options: channel.options(span, written.unwrap_or_default()),
            node,
            times: Vec::new(),
            changelog: Changelog::Append,
            reads: vec![phase.name.text.clone()],
            span,
        };
        self.feed(feed);
    }

    /// The name of the stream behind a file or the log: of the first phase that writes there.
    fn sink_name(&self, phase: &Phase, channel: &Channel) -> String {
        let mut count = 0;
        for other in &self.bundle.phases {
            let PhaseKind::Rules(rules) = &other.kind else { continue };
            if rules.rules.iter().any(|rule| rule.channel.text == channel.uri) {
                let mut seen: Vec<&str> = Vec::new();
                for rule in &rules.rules {
                    if !seen.contains(&rule.channel.text.as_str()) {
                        seen.push(&rule.channel.text);
                    }
                }
                count = seen.iter().position(|uri| *uri == channel.uri).unwrap_or_default() + 1;
                return format!("{}_channel_{count}", other.name.text);
            }
        }
        format!("{}_channel_{count}", phase.name.text)
    }

    fn sink(&mut self, at: usize, phase: &Phase, sink: &SinkPhase) {
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

fn from_schema(session: &Session, stream: &str) -> Option<arrow_schema::SchemaRef> {
    session.declared(stream).map(|stream| stream.schema.clone())
}

fn innermost(tree: &Tree) -> &Tree {
    match tree {
        Tree::Aggregate { input, .. } => innermost(input),
        other => other,
    }
}

fn metric_count(phase: &Phase) -> usize {
    match &phase.kind {
        PhaseKind::Metrics(metrics) => metrics.queries.len(),
        _ => 0,
    }
}
