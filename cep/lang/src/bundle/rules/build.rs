//! The plan's node of the rules of a phase.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arrow_schema::{DataType, Field, FieldRef, Schema, SchemaRef};

use crate::bundle::metrics::{self, Consumer, MetricColumns, MetricFrom, QueryUse, SampleFrom};
use crate::bundle::model::{RuleDecl, RulesPhase};
use crate::bundle::yaml::Scalar;
use crate::cel::{self, CelError, Kind, Literal, Node as Cel, Scope, Type};
use crate::diag::{Diagnostic, codes, suggest};
use crate::plan::{Expr, LatePolicy, NamedExpr, Node, RULE_COLUMNS, Rule, RulesNode};

use super::guard::Guards;
use super::names::Names;
use super::place::place_of;
use super::rewrite::{Layout, Rewriter};
use super::types::{cel_type, column_type, payload_type};

/// What rules are judged over.
pub(crate) struct RulesInput<'a> {
    /// The rows.
    pub rows: Node,
    /// Names of expressions; places of queries are those in `queries`.
    pub names: Names,
    /// The queries of all bindings.
    pub queries: Vec<&'a QueryUse>,
    /// The metrics of the rows.
    pub metrics: &'a BTreeMap<String, MetricFrom>,
    /// Width of a pane, ns.
    pub pane_ns: i64,
    /// What happens to late samples.
    pub late_policy: LatePolicy,
    /// C, ns.
    pub correction_ns: i64,
    /// Name and version of the bundle.
    pub bundle: (String, u64),
}

/// Rules as an operator.
#[derive(Debug)]
pub(crate) struct Judged {
    /// The operator.
    pub node: Node,
    /// Columns of each channel's events, behind those of the event itself; by channel.
    pub payloads: Vec<BTreeSet<usize>>,
    /// The queries that are read, by phase and name.
    pub read: Vec<(String, String)>,
}

/// A rule whose expressions are checked.
struct Checked<'a> {
    decl: &'a RuleDecl,
    when: Cel,
    metadata: Vec<(&'a Scalar, &'a Scalar, Cel)>,
    payload: Vec<(&'a Scalar, &'a Scalar, Cel)>,
}

/// Checks the rules of a phase and makes their operator. Errors are added to `errors`; with one there is none.
pub(crate) fn judge(
    input: RulesInput<'_>,
    phase: &RulesPhase,
    channels: &[String],
    text: &str,
    errors: &mut Vec<Diagnostic>,
) -> Option<Judged> {
    let before = errors.len();
    let schema = Arc::clone(input.rows.schema());
    let fields: Vec<(String, Type)> = schema
        .fields()
        .iter()
        .filter_map(|field| Some((field.name().clone(), cel_type(field.data_type())?)))
        .collect();
    let scope = input.names.scope(payload_type(fields.clone()));
    let rules: Vec<Checked<'_>> =
        phase.rules.iter().filter_map(|rule| check_rule(rule, &scope, text, errors)).collect();
    if errors.len() > before {
        return None;
    }
    let (rows, names, used, bound) = with_metrics(input, &rules, &scope, &fields);
    let RulesContext { bundle, fragile } = used.context;
    let schema = Arc::clone(rows.schema());
    let column = |name: &str| schema.index_of(name).ok();
    // A field that no rule reads is not among the columns any more; nothing asks for its place.
    let payload: Vec<usize> = fields.iter().map(|(name, _)| column(name).unwrap_or(usize::MAX)).collect();
    let is_text =
        |at: usize| schema.fields().get(at).is_some_and(|field| *field.data_type() == DataType::Utf8);
    let layout = Layout {
        names: &names,
        scope: &scope,
        payload: &payload,
        columns: &column,
        is_text: &is_text,
        bound: bound.as_ref(),
    };
    let mut builder =
        Builder { rewriter: Rewriter::new(&layout, text), payload: Vec::new(), channels, fragile: &fragile };
    let made: Vec<Rule> = rules.into_iter().filter_map(|rule| builder.rule(rule)).collect();
    let Builder { rewriter, payload: columns, .. } = builder;
    errors.extend(rewriter.errors);
    if errors.len() > before {
        return None;
    }
    let payloads = (0..channels.len())
        .map(|channel| {
            let own = made.iter().filter(|rule| rule.channel == channel);
            own.flat_map(|rule| &rule.payload).map(|(column, _)| *column).collect()
        })
        .collect();
    let mut fields = event_fields();
    fields.extend(columns.into_iter().map(|(_, field)| field));
    let node = RulesNode {
        input: rows,
        bundle: bundle.0,
        version: bundle.1,
        slots: rewriter.slots,
        rules: made,
        channels: channels.to_vec(),
        schema: Arc::new(Schema::new(fields)),
    };
    Some(Judged { node: Node::Rules(Box::new(node)), payloads, read: used.read })
}

/// The columns of an event before its payload.
fn event_fields() -> Vec<FieldRef> {
    RULE_COLUMNS
        .iter()
        .map(|name| {
            let (data_type, nullable) = match *name {
                "_rule_version" | "_flags" => (DataType::Int64, false),
                "_schema_key" | "_metadata" => (DataType::Utf8, true),
                _ => (DataType::Utf8, false),
            };
            Arc::new(Field::new(*name, data_type, nullable))
        })
        .collect()
}

fn check_rule<'a>(
    rule: &'a RuleDecl,
    scope: &Scope,
    text: &str,
    errors: &mut Vec<Diagnostic>,
) -> Option<Checked<'a>> {
    let before = errors.len();
    let mut checked = |written: &Scalar| match cel::check(&written.text, scope) {
        Ok(node) => Some(node),
        Err(error) => {
            errors.push(wrong(&error, written, scope, text));
            None
        }
    };
    let when = checked(&rule.when);
    let mut each = |of: &'a [(Scalar, Scalar)]| -> Vec<(&'a Scalar, &'a Scalar, Cel)> {
        of.iter().filter_map(|(name, written)| Some((name, written, checked(written)?))).collect()
    };
    let (metadata, payload) = (each(&rule.metadata), each(&rule.payload));
    let when = when?;
    if !matches!(when.ty, Type::Bool | Type::Dyn) {
        let message = format!("a condition is bool, and this is {}", when.ty);
        errors.push(
            Diagnostic::at(codes::CEL_WRONG, rule.when.span, message).help("compare it with something"),
        );
    }
    (errors.len() == before).then_some(Checked { decl: rule, when, metadata, payload })
}

fn wrong(error: &CelError, written: &Scalar, scope: &Scope, text: &str) -> Diagnostic {
    let span = place_of(written, error.place, text);
    // What all could stand there instead is too much to read.
    let message = error.message.split(" expecting ").next().unwrap_or_default().to_owned();
    let unknown =
        message.strip_prefix("there is no variable ").map(|rest| rest.split(';').next().unwrap_or(rest));
    let help = match unknown {
        Some(name) if name.starts_with("processing_time") => {
            "there is no wall clock in rules; use `watermark_ns`".to_owned()
        }
        Some("window_start_ns" | "window_end_ns") => {
            "the bindings have several windows, or there are none: read `fast[\"x\"].window_start_ns`"
                .to_owned()
        }
        Some("partition_key") => "the source has no `partition.by` of one column".to_owned(),
        Some("policy_version") => "add `policy_version` to `bundle`".to_owned(),
        Some(name) => match suggest(name, scope.variables.iter().map(|variable| variable.name.as_str())) {
            Some(close) => format!("did you mean `{close}`?"),
            None => "columns are fields of `payload`".to_owned(),
        },
        None if message.contains("null)") || message.contains("(null") => {
            "whether a column has a value is asked with `has(payload.column)`".to_owned()
        }
        None if message.contains("'= '") => "compare with `==`".to_owned(),
        None if message.contains("double") && message.contains("int") => {
            "write a double as `1.0`, or convert with `double(…)`".to_owned()
        }
        None => "docs/bundles.md lists names and functions".to_owned(),
    };
    Diagnostic::at(codes::CEL_WRONG, span, message).help(help)
}

struct RulesContext {
    bundle: (String, u64),
    fragile: Vec<MetricColumns>,
}

struct Used {
    context: RulesContext,
    read: Vec<(String, String)>,
}

/// The rows with the columns that are read and the values of the queries that are read.
fn with_metrics(
    input: RulesInput<'_>,
    rules: &[Checked<'_>],
    scope: &Scope,
    fields: &[(String, Type)],
) -> (Node, Names, Used, Option<metrics::Bound>) {
    let RulesInput { rows, mut names, queries, metrics, pane_ns, late_policy, correction_ns, bundle } = input;
    let nodes: Vec<&Cel> = rules
        .iter()
        .flat_map(|rule| {
            let all = rule.metadata.iter().chain(&rule.payload).map(|(_, _, node)| node);
            std::iter::once(&rule.when).chain(all)
        })
        .collect();
    let reads = Reads::of(&nodes, scope, &names);
    let kept: Vec<usize> = (0..queries.len()).filter(|at| reads.queries.contains(at)).collect();
    for query in names.bindings.iter_mut().flat_map(|(_, queries)| queries) {
        query.at = kept.iter().position(|at| *at == query.at).unwrap_or(usize::MAX);
    }
    let queries: Vec<&QueryUse> = kept.iter().map(|at| queries[*at]).collect();
    let mut columns: BTreeSet<&str> = reads.fields.iter().map(String::as_str).collect();
    if reads.whole {
        columns.extend(fields.iter().map(|(name, _)| name.as_str()));
    }
    if reads.names.contains("partition_key") {
        columns.extend(names.partition_key.iter().map(|(name, _)| name.as_str()));
    }
    for query in &queries {
        let Some(metric) = metrics.get(&query.tree.selector().metric) else { continue };
        if let SampleFrom::Column(column) = &metric.sample {
            columns.insert(column);
        }
        columns.extend(metric.labels.values().map(|label| label.column.as_str()));
    }
    let rows = narrowed(rows, &columns);
    let read = queries.iter().map(|query| (query.phase.clone(), query.name.clone())).collect();
    let needs_time =
        ["watermark_ns", "window_start_ns", "window_end_ns"].iter().any(|name| reads.names.contains(*name));
    if queries.is_empty() && !needs_time {
        let context = RulesContext { bundle, fragile: Vec::new() };
        return (rows, names, Used { context, read }, None);
    }
    let retracts = late_policy == LatePolicy::Retract;
    let is_fragile: Vec<bool> =
        queries.iter().map(|query| retracts && !query.tree.is_retractable()).collect();
    let consumer = Consumer { input: rows, pane_ns, metrics, queries, late_policy, correction_ns };
    let (node, bound) = metrics::build(consumer, false);
    let fragile =
        bound.columns.iter().zip(is_fragile).filter(|(_, is)| *is).map(|(columns, _)| *columns).collect();
    let context = RulesContext { bundle, fragile };
    (node, names, Used { context, read }, Some(bound))
}

/// The rows with these columns only.
fn narrowed(rows: Node, columns: &BTreeSet<&str>) -> Node {
    let schema = Arc::clone(rows.schema());
    if schema.fields().iter().all(|field| columns.contains(field.name().as_str())) {
        return rows;
    }
    let kept: Vec<(usize, &FieldRef)> = schema
        .fields()
        .iter()
        .enumerate()
        .filter(|(_, field)| columns.contains(field.name().as_str()))
        .collect();
    let exprs = kept.iter().map(|(at, field)| NamedExpr {
        name: field.name().clone(),
        expr: Expr::column(*at, field.data_type().clone(), field.is_nullable()),
    });
    let exprs = exprs.collect();
    let schema: SchemaRef =
        Arc::new(Schema::new(kept.iter().map(|(_, field)| Arc::clone(field)).collect::<Vec<_>>()));
    Node::Project { input: Box::new(rows), exprs, schema }
}

/// What expressions read.
#[derive(Default)]
struct Reads {
    /// Fields of `payload`.
    fields: BTreeSet<String>,
    /// `payload` as a whole.
    whole: bool,
    /// Other names.
    names: BTreeSet<String>,
    /// Places of queries.
    queries: BTreeSet<usize>,
}

impl Reads {
    fn of(nodes: &[&Cel], scope: &Scope, names: &Names) -> Reads {
        let mut reads = Reads::default();
        nodes.iter().for_each(|node| reads.node(node, scope, names));
        reads
    }

    fn node(&mut self, node: &Cel, scope: &Scope, names: &Names) {
        let name = |node: &Cel| match node.kind {
            Kind::Variable(at) => scope.variables.get(at).map(|variable| variable.name.as_str()),
            _ => None,
        };
        let field = match &node.kind {
            Kind::Field(operand, slot) => match (name(operand), &operand.ty) {
                (Some("payload"), Type::Record(record)) => {
                    record.fields.get(*slot).map(|(name, _)| name.clone())
                }
                _ => None,
            },
            Kind::Has(operand, field) | Kind::OptionalSelect(operand, field)
                if name(operand) == Some("payload") =>
            {
                Some(field.clone())
            }
            _ => None,
        };
        if let Some(field) = field {
            self.fields.insert(field);
            return;
        }
        let query = match &node.kind {
            Kind::Call("_[_]", args) => match args.as_slice() {
                [operand, Cel { kind: Kind::Literal(Literal::String(query)), .. }] => {
                    name(operand).zip(Some(query))
                }
                _ => None,
            },
            Kind::Select(operand, query) => name(operand).zip(Some(query)),
            _ => None,
        };
        if let Some((alias, query)) = query
            && let Some(queries) = names.binding(alias)
        {
            self.queries.extend(queries.iter().filter(|known| known.name == *query).map(|known| known.at));
        }
        match name(node) {
            Some("payload") => self.whole = true,
            Some(other) => {
                self.names.insert(other.to_owned());
            }
            None => {}
        }
        node.children().into_iter().for_each(|child| self.node(child, scope, names));
    }
}

struct Builder<'a> {
    rewriter: Rewriter<'a>,
    /// Columns of payloads with the types of CEL that are in them.
    payload: Vec<(Type, FieldRef)>,
    channels: &'a [String],
    fragile: &'a [MetricColumns],
}

impl Builder<'_> {
    fn rule(&mut self, checked: Checked<'_>) -> Option<Rule> {
        let Checked { decl, mut when, metadata, payload } = checked;
        self.rewriter.flags.clear();
        self.rewriter.rewrite(&mut when, &decl.when);
        let asked = self.guards().asked(&when);
        // What is asked within the condition alone guards the condition; its conjuncts guard the rest.
        self.guard(&when, &BTreeSet::new(), &decl.when);
        let mut texts = Vec::new();
        for (name, written, mut node) in metadata {
            self.rewriter.rewrite(&mut node, written);
            self.guard(&node, &asked, written);
            if let Some(node) = self.text(node, written) {
                texts.push((name.text.clone(), node));
            }
        }
        let mut columns = Vec::new();
        for (name, written, mut node) in payload {
            self.rewriter.rewrite(&mut node, written);
            self.guard(&node, &asked, written);
            if let Some(filled) = self.column(name, node, written) {
                columns.push(filled);
            }
        }
        texts.sort_by(|a: &(String, Cel), b| a.0.cmp(&b.0));
        let flags = self.flag_slots();
        let channel = self.channels.iter().position(|channel| *channel == decl.channel.text)?;
        Some(Rule {
            name: decl.name.text.clone(),
            when,
            channel,
            schema_key: decl.schema_key.clone(),
            metadata: texts,
            payload: columns,
            flags,
            span: Some(decl.span),
        })
    }

    fn guards(&self) -> Guards<'_> {
        Guards { slots: &self.rewriter.slots, fragile: self.fragile }
    }

    fn guard(&mut self, node: &Cel, asked: &BTreeSet<usize>, written: &Scalar) {
        let Some((place, at)) =
            self.guards().unguarded(node, asked).map(|found| (found.place, found.kind.clone()))
        else {
            return;
        };
        let name = match at {
            Kind::Variable(at) => {
                self.rewriter.slots.get(at).map(|slot| slot.name.clone()).unwrap_or_default()
            }
            _ => String::new(),
        };
        let metric = name.trim_end_matches(".value");
        let message =
            format!("late samples cannot always correct `{name}`, and nothing asks whether they did");
        let help =
            format!("add `{metric}.has_value &&` or ask `\"NON_RETRACTABLE_DROPPED\" in {metric}.flags`");
        let span = place_of(written, place, self.rewriter.text);
        self.rewriter.errors.push(Diagnostic::at(codes::UNGUARDED, span, message).help(help));
    }

    /// Slots of the flags of the bindings that the rule reads.
    fn flag_slots(&mut self) -> Vec<usize> {
        let mut columns = std::mem::take(&mut self.rewriter.flags);
        columns.sort_unstable();
        columns.dedup();
        columns.into_iter().map(|column| self.rewriter.flags_slot(column)).collect()
    }

    /// An expression as a text.
    fn text(&mut self, node: Cel, written: &Scalar) -> Option<Cel> {
        match &node.ty {
            Type::String => Some(node),
            Type::Int | Type::Uint | Type::Double | Type::Bool | Type::Timestamp | Type::Duration => {
                Some(converted(node, "string", Type::String))
            }
            other => {
                let message = format!("metadata is a text, and this is {other}");
                let error = Diagnostic::at(codes::CEL_WRONG, written.span, message);
                self.rewriter.errors.push(error.help("make a text of it, or put it into the payload"));
                None
            }
        }
    }

    /// The column of a payload that an expression fills.
    fn column(&mut self, name: &Scalar, node: Cel, written: &Scalar) -> Option<(usize, Cel)> {
        let node = match node.ty {
            Type::Uint => converted(node, "int", Type::Int),
            Type::Duration => converted(node, "string", Type::String),
            _ => node,
        };
        if matches!(node.ty, Type::Type(_)) {
            let error = Diagnostic::at(codes::CEL_WRONG, written.span, "a type is no value of a column");
            self.rewriter.errors.push(error.help("make a text of it: `string(type(x))`"));
            return None;
        }
        let found = self.payload.iter().position(|(_, field)| field.name().eq_ignore_ascii_case(&name.text));
        let Some(at) = found else {
            self.payload.push((node.ty.clone(), field(&name.text, &node.ty)));
            return Some((RULE_COLUMNS.len() + self.payload.len() - 1, node));
        };
        let place = RULE_COLUMNS.len() + at;
        let known = self.payload[at].0.clone();
        match (&known, &node.ty) {
            (a, b) if a == b => Some((place, node)),
            (Type::Double, Type::Int) => Some((place, converted(node, "double", Type::Double))),
            (_, Type::Null) => Some((place, node)),
            (known, other) => {
                let message = format!("`{}` is {known} in another rule, and {other} here", name.text);
                let help =
                    "rules of a phase have one schema; convert it, as in `double(…)`, or use another name";
                self.rewriter.errors.push(Diagnostic::at(codes::CEL_WRONG, written.span, message).help(help));
                None
            }
        }
    }
}

fn field(name: &str, ty: &Type) -> FieldRef {
    match column_type(ty) {
        Some(data_type) => Arc::new(Field::new(name, data_type, true)),
        None if *ty == Type::Null => Arc::new(Field::new(name, DataType::Utf8, true)),
        None => Arc::new(cep_types::sql_type::tag_json(Field::new(name, DataType::Utf8, true))),
    }
}

fn converted(node: Cel, function: &'static str, ty: Type) -> Cel {
    let place = node.place;
    Cel { kind: Kind::Call(function, vec![node]), ty, place }
}
