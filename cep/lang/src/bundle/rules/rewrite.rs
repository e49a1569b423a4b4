//! Names of a checked expression to slots: after this an evaluation looks nothing up by name.

use crate::ast::Span;
use crate::bundle::metrics::Bound;
use crate::bundle::yaml::Scalar;
use crate::cel::{Kind, Literal, Node, Place, Scope, Type};
use crate::diag::{Diagnostic, codes, suggest};
use crate::plan::{RuleSlot, SlotSource, metric_flags};

use super::names::{BoundQuery, HEADER_FIELDS, METRIC_FIELDS, Names};
use super::place::place_of;

/// Flags by the names that expressions know them by.
const FLAGS: [(&str, i64); 3] = [
    ("NON_RETRACTABLE_DROPPED", metric_flags::NON_RETRACTABLE_DROPPED),
    ("LANE_OVERFLOW", metric_flags::LANE_OVERFLOW),
    ("WARMING_UP", metric_flags::WARMING_UP),
];

/// Where the columns of names are.
pub(super) struct Layout<'a> {
    /// What may be named.
    pub names: &'a Names,
    /// The scope it was checked in.
    pub scope: &'a Scope,
    /// Column of each field of `payload`.
    pub payload: &'a [usize],
    /// Column of a name of the input.
    pub columns: &'a dyn Fn(&str) -> Option<usize>,
    /// Whether a column is a text.
    pub is_text: &'a dyn Fn(usize) -> bool,
    /// Columns of metrics; `None`: rows without metrics.
    pub bound: Option<&'a Bound>,
}

/// Slots of a node, and what was found wrong.
pub(super) struct Rewriter<'a> {
    pub layout: &'a Layout<'a>,
    pub text: &'a str,
    pub slots: Vec<RuleSlot>,
    pub errors: Vec<Diagnostic>,
    /// Flags columns of the bindings read by the rule at hand.
    pub flags: Vec<usize>,
    /// The expression at hand.
    written: Option<Scalar>,
}

impl<'a> Rewriter<'a> {
    pub(super) fn new(layout: &'a Layout<'a>, text: &'a str) -> Self {
        let (slots, errors, flags) = (Vec::new(), Vec::new(), Vec::new());
        Self { layout, text, slots, errors, flags, written: None }
    }

    /// Rewrites a checked expression that was written as `written`.
    pub(super) fn rewrite(&mut self, node: &mut Node, written: &Scalar) {
        self.written = Some(written.clone());
        self.node(node);
    }

    /// Where a part of the expression stands in the bundle.
    pub(super) fn place(&self, place: Place) -> Span {
        self.written.as_ref().map_or(Span::default(), |written| place_of(written, place, self.text))
    }

    fn error(&mut self, place: Place, message: String, help: &str) {
        let error = Diagnostic::at(codes::BINDING, self.place(place), message);
        self.errors.push(if help.is_empty() { error } else { error.help(help) });
    }

    /// The variable of a slot; the same source has one slot.
    fn slot(&mut self, name: String, source: SlotSource, ty: Type, place: Place) -> Node {
        let found = self.slots.iter().position(|slot| slot.source == source && slot.ty == ty);
        let at = found.unwrap_or_else(|| {
            self.slots.push(RuleSlot { name, source, ty: ty.clone() });
            self.slots.len() - 1
        });
        Node { kind: Kind::Variable(at), ty, place }
    }

    fn node(&mut self, node: &mut Node) {
        if self.labels_compared(node) {
            return;
        }
        if let Some(made) = self.access(node) {
            *node = made;
            return;
        }
        node.children_mut().into_iter().for_each(|child| self.node(child));
        if let Kind::Call("coalesce", args) = &mut node.kind {
            let args = std::mem::take(args);
            *node = self.coalesce(args, node.place, &node.ty);
        }
    }

    /// The name of a variable of the scope.
    fn name_of<'n>(&'n self, node: &Node) -> Option<&'n str> {
        let Kind::Variable(at) = node.kind else { return None };
        self.layout.scope.variables.get(at).map(|variable| variable.name.as_str())
    }

    /// What stands for a name or a field of it; `None`: this is neither.
    fn access(&mut self, node: &Node) -> Option<Node> {
        match &node.kind {
            Kind::Variable(_) => Some(self.whole(node)),
            Kind::Field(operand, slot) => match self.name_of(operand) {
                Some("payload") => Some(self.payload(node, *slot)),
                Some("headers") => Some(self.header(node, *slot)),
                _ => {
                    let (query, alias) = self.metric(operand)?;
                    Some(self.field(node, &alias, query.as_ref(), *slot))
                }
            },
            Kind::Has(operand, name) => self.has(node, operand, name),
            Kind::OptionalSelect(operand, name) => {
                if self.name_of(operand) != Some("payload") {
                    return None;
                }
                let slot = payload_slot(operand, name)?;
                let ty = match &node.ty {
                    Type::Optional(inner) => (**inner).clone(),
                    other => other.clone(),
                };
                let value = Node { kind: Kind::Field(operand.clone(), slot), ty, place: node.place };
                let (has, value) = (self.payload_has(operand, name, node.place)?, self.payload(&value, slot));
                Some(optional(has, value, node))
            }
            Kind::Select(operand, name) => match self.labels_of(operand) {
                Some((query, alias)) => Some(self.label(node, &alias, query.as_ref(), name, operand.place)),
                None => {
                    let (_query, alias) = self.metric(node)?;
                    Some(self.bare(node, &alias))
                }
            },
            Kind::Call(name, args) => self.call(node, name, args),
            _ => None,
        }
    }

    fn call(&mut self, node: &Node, name: &str, args: &[Node]) -> Option<Node> {
        match (name, args) {
            ("_[_]", [container, Node { kind: Kind::Literal(Literal::String(key)), place, .. }]) => {
                if let Some((query, alias)) = self.labels_of(container) {
                    return Some(self.label(node, &alias, query.as_ref(), key, *place));
                }
                let (_query, alias) = self.metric(node)?;
                Some(self.bare(node, &alias))
            }
            ("@in", [Node { kind: Kind::Literal(Literal::String(text)), place, .. }, container]) => {
                if let Some((query, alias)) = self.labels_of(container) {
                    let label = self.label(node, &alias, query.as_ref(), text, *place);
                    return Some(self.has_value_of(label));
                }
                let Kind::Field(operand, 3) = &container.kind else { return None };
                let (query, _alias) = self.metric(operand)?;
                Some(self.flag(node, query.as_ref()?, text, *place))
            }
            _ => None,
        }
    }

    /// A name by itself.
    fn whole(&mut self, node: &Node) -> Node {
        let name = self.name_of(node).unwrap_or_default().to_owned();
        let place = node.place;
        let layout = self.layout;
        match name.as_str() {
            "payload" => {
                let source = SlotSource::Record(layout.payload.to_vec());
                self.slot(name, source, node.ty.clone(), place)
            }
            "partition_key" => {
                match layout.names.partition_key.as_ref().and_then(|(key, _)| (layout.columns)(key)) {
                    Some(column) => self.slot(name, SlotSource::Column(column), node.ty.clone(), place),
                    None => node.clone(),
                }
            }
            "rule_version" => constant(layout.names.version, node),
            "policy_version" => constant(layout.names.policy_version.unwrap_or(0), node),
            "watermark_ns" => self.time("watermark_ns", layout.bound.map(|bound| bound.watermark), 0, node),
            "window_start_ns" | "window_end_ns" => {
                let (length, back) = layout.names.window().unwrap_or_default();
                let add = if name == "window_end_ns" { -back } else { -back - length };
                self.time(&name, layout.bound.map(|bound| bound.pane_end), add, node)
            }
            "headers" => {
                let help = format!("read a field of it: {}", HEADER_FIELDS.join(", "));
                self.error(place, "`headers` is no value".to_owned(), &help);
                node.clone()
            }
            alias => {
                let alias = alias.to_owned();
                self.error(
                    place,
                    format!("`{alias}` is no value"),
                    "name a query of it, as in `fast[\"jitter\"].value`",
                );
                node.clone()
            }
        }
    }

    fn time(&mut self, name: &str, column: Option<usize>, add: i64, node: &Node) -> Node {
        match column {
            Some(column) => {
                let source = SlotSource::Nanoseconds(column, add);
                self.slot(name.to_owned(), source, Type::Int, node.place)
            }
            None => {
                // The input is made so that it has them where they are named.
                node.clone()
            }
        }
    }

    fn payload(&mut self, node: &Node, slot: usize) -> Node {
        let name = match &node.kind {
            Kind::Field(operand, _) => field_name(operand, slot),
            _ => String::new(),
        };
        match self.layout.payload.get(slot) {
            Some(&column) => {
                self.slot(format!("payload.{name}"), SlotSource::Column(column), node.ty.clone(), node.place)
            }
            None => node.clone(),
        }
    }

    fn payload_has(&mut self, operand: &Node, name: &str, place: Place) -> Option<Node> {
        let slot = payload_slot(operand, name)?;
        let column = *self.layout.payload.get(slot)?;
        Some(self.slot(format!("has(payload.{name})"), SlotSource::HasValue(column), Type::Bool, place))
    }

    fn header(&mut self, node: &Node, slot: usize) -> Node {
        let source = if slot == 0 { SlotSource::Partition } else { SlotSource::LogIndex };
        let name = format!("headers.{}", HEADER_FIELDS.get(slot).copied().unwrap_or_default());
        self.slot(name, source, Type::Int, node.place)
    }

    fn has(&mut self, node: &Node, operand: &Node, name: &str) -> Option<Node> {
        if self.name_of(operand) == Some("payload") {
            return self.payload_has(operand, name, node.place);
        }
        if self.name_of(operand) == Some("headers") {
            return Some(truth(true, node));
        }
        if let Some((query, alias)) = self.labels_of(operand) {
            let label = self.label(node, &alias, query.as_ref(), name, operand.place);
            return Some(self.has_value_of(label));
        }
        let (query, alias) = self.metric(operand)?;
        if name == "value" {
            return Some(self.field(node, &alias, query.as_ref(), 1));
        }
        Some(truth(METRIC_FIELDS.contains(&name), node))
    }

    /// The query that `alias["name"]` or `alias.name` stands for; an unknown one is an error that was told.
    fn metric(&mut self, node: &Node) -> Option<(Option<BoundQuery>, String)> {
        let (operand, name, place) = match &node.kind {
            Kind::Call("_[_]", args) => match args.as_slice() {
                [operand, Node { kind: Kind::Literal(Literal::String(name)), place, .. }] => {
                    (operand, name, *place)
                }
                [operand, other] => {
                    let alias = self.name_of(operand)?.to_owned();
                    self.layout.names.binding(&alias)?;
                    let help = "name it by a text, as in `fast[\"jitter\"]`";
                    self.error(
                        other.place,
                        "which query is read is known before the bundle runs".to_owned(),
                        help,
                    );
                    return Some((None, alias));
                }
                _ => return None,
            },
            Kind::Select(operand, name) => (&**operand, name, node.place),
            _ => return None,
        };
        let alias = self.name_of(operand)?.to_owned();
        let queries = self.layout.names.binding(&alias)?;
        if let Some(query) = queries.iter().find(|query| query.name == *name) {
            return Some((Some(query.clone()), alias));
        }
        let known = queries.iter().map(|query| query.name.as_str());
        let help = match suggest(name, known.clone()) {
            Some(close) => format!("did you mean `{close}`?"),
            None => format!("it has {}", known.collect::<Vec<_>>().join(", ")),
        };
        self.error(place, format!("`{alias}` has no query `{name}`"), &help);
        Some((None, alias))
    }

    fn labels_of(&mut self, node: &Node) -> Option<(Option<BoundQuery>, String)> {
        let Kind::Field(operand, 2) = &node.kind else { return None };
        if !self.is_metric(operand) {
            return None;
        }
        self.metric(operand)
    }

    fn is_metric(&self, node: &Node) -> bool {
        let operand = match &node.kind {
            Kind::Call("_[_]", args) if args.len() == 2 => &args[0],
            Kind::Select(operand, _) => operand,
            _ => return false,
        };
        self.name_of(operand).is_some_and(|alias| self.layout.names.binding(alias).is_some())
    }

    /// The slot of a flags column.
    pub(super) fn flags_slot(&mut self, column: usize) -> usize {
        let source = SlotSource::Column(column);
        let found = self.slots.iter().position(|slot| slot.source == source && slot.ty == Type::Int);
        found.unwrap_or_else(|| {
            self.slots.push(RuleSlot { name: "flags".to_owned(), source, ty: Type::Int });
            self.slots.len() - 1
        })
    }

    fn bare(&mut self, node: &Node, alias: &str) -> Node {
        let help = format!("read a field of it: {}", METRIC_FIELDS.join(", "));
        self.error(node.place, format!("a metric of `{alias}` is no value"), &help);
        node.clone()
    }

    fn field(&mut self, node: &Node, alias: &str, query: Option<&BoundQuery>, slot: usize) -> Node {
        let (Some(query), Some(bound)) = (query, self.layout.bound) else { return node.clone() };
        let Some(columns) = bound.columns.get(query.at).copied() else { return node.clone() };
        self.flags.push(columns.flags);
        let name = |field: &str| format!("{alias}[\"{}\"].{field}", query.name);
        let (length, back) = query.window;
        let place = node.place;
        match METRIC_FIELDS.get(slot).copied() {
            Some("value") => self.slot(name("value"), SlotSource::Value(columns.value), Type::Double, place),
            Some("has_value") => {
                self.slot(name("has_value"), SlotSource::HasValue(columns.value), Type::Bool, place)
            }
            Some("labels") => {
                let found = query
                    .labels
                    .iter()
                    .map(|(label, column)| Some((label.clone(), (self.layout.columns)(column)?)));
                let found: Option<Vec<(String, usize)>> = found.collect();
                match found {
                    Some(labels) if !labels.iter().all(|(_, column)| (self.layout.is_text)(*column)) => {
                        let message = "labels that are numbers are read one by one".to_owned();
                        self.error(place, message, "name one: `fast[\"q\"].labels[\"cell\"]`");
                        node.clone()
                    }
                    Some(labels) => {
                        self.slot(name("labels"), SlotSource::Labels(labels), node.ty.clone(), place)
                    }
                    None => node.clone(),
                }
            }
            Some("flags") => {
                let flags = self.slot(name("flags"), SlotSource::Column(columns.flags), Type::Int, place);
                flag_list(&flags, node)
            }
            Some("window_start_ns") => {
                let source = SlotSource::Nanoseconds(bound.pane_end, -back - length);
                self.slot(name("window_start_ns"), source, Type::Int, place)
            }
            Some("window_end_ns") => self.slot(
                name("window_end_ns"),
                SlotSource::Nanoseconds(bound.pane_end, -back),
                Type::Int,
                place,
            ),
            _ => self.slot(
                "watermark_ns".to_owned(),
                SlotSource::Nanoseconds(bound.watermark, 0),
                Type::Int,
                place,
            ),
        }
    }

    fn flag(&mut self, node: &Node, query: &BoundQuery, text: &str, place: Place) -> Node {
        let Some((_, bit)) = FLAGS.iter().find(|(name, _)| *name == text) else {
            let help = match suggest(text, FLAGS.iter().map(|(name, _)| *name)) {
                Some(close) => format!("did you mean `{close}`?"),
                None => format!("there are {}", FLAGS.map(|(name, _)| name).join(", ")),
            };
            self.error(place, format!("there is no flag `{text}`"), &help);
            return node.clone();
        };
        let Some(columns) = self.layout.bound.and_then(|bound| bound.columns.get(query.at)).copied() else {
            return node.clone();
        };
        self.flags.push(columns.flags);
        let name = format!("{}.flags", query.name);
        let flags = self.slot(name, SlotSource::Column(columns.flags), Type::Int, node.place);
        has_bit(&flags, *bit, node.place)
    }

    fn label(
        &mut self,
        node: &Node,
        alias: &str,
        query: Option<&BoundQuery>,
        label: &str,
        place: Place,
    ) -> Node {
        let Some(query) = query else { return node.clone() };
        let Some((_, column)) = query.labels.iter().find(|(name, _)| name == label) else {
            let known: Vec<&str> = query.labels.iter().map(|(name, _)| name.as_str()).collect();
            let help = match (suggest(label, known.iter().copied()), known.is_empty()) {
                (Some(close), _) => format!("did you mean `{close}`?"),
                (None, true) => "add `by (…)` to the expression".to_owned(),
                (None, false) => format!("it groups by {}", known.join(", ")),
            };
            let message = format!("`{alias}[\"{}\"]` does not group by `{label}`", query.name);
            self.error(place, message, &help);
            return node.clone();
        };
        match (self.layout.columns)(column) {
            Some(at) if (self.layout.is_text)(at) => {
                let name = format!("{alias}[\"{}\"].labels[\"{label}\"]", query.name);
                self.slot(name, SlotSource::Column(at), Type::String, node.place)
            }
            Some(at) => self.number_label(at, node),
            None => node.clone(),
        }
    }

    /// A label that is a whole number, as a text; none is the empty text.
    fn number_label(&mut self, column: usize, node: &Node) -> Node {
        let place = node.place;
        let has = self.slot("has(label)".to_owned(), SlotSource::HasValue(column), Type::Bool, place);
        let number = self.slot("label".to_owned(), SlotSource::Column(column), Type::Int, place);
        let text = Node { kind: Kind::Call("string", vec![number]), ty: Type::String, place };
        let none = Node { kind: Kind::Literal(Literal::String(String::new())), ty: Type::String, place };
        let kind = Kind::Conditional(Box::new(has), Box::new(text), Box::new(none));
        Node { kind, ty: Type::String, place }
    }

    /// Whether the slot of a variable has a value.
    fn has_value_of(&mut self, node: Node) -> Node {
        let at = match node.kind {
            Kind::Variable(at) => at,
            // A label that is a number was asked for that already.
            Kind::Conditional(has, _, _) => return *has,
            _ => return truth(false, &node),
        };
        match self.slots.get(at).map(|slot| (slot.source.clone(), slot.name.clone())) {
            Some((SlotSource::Column(column) | SlotSource::Value(column), name)) => {
                self.slot(format!("has({name})"), SlotSource::HasValue(column), Type::Bool, node.place)
            }
            _ => truth(true, &node),
        }
    }

    /// `coalesce(a, b)`: a slot without a value is passed over before it is read.
    fn coalesce(&mut self, args: Vec<Node>, place: Place, ty: &Type) -> Node {
        let mut rest: Option<Node> = None;
        for arg in args.into_iter().rev() {
            let source = match arg.kind {
                Kind::Variable(at) => self.slots.get(at).map(|slot| slot.source.clone()),
                _ => None,
            };
            rest = Some(match (rest, source) {
                (None, _) => arg,
                (Some(rest), Some(SlotSource::Column(_) | SlotSource::Value(_))) => {
                    let has = self.has_value_of(arg.clone());
                    let kind = Kind::Conditional(Box::new(has), Box::new(arg), Box::new(rest));
                    Node { kind, ty: ty.clone(), place }
                }
                (Some(rest), _) => {
                    Node { kind: Kind::Call("coalesce", vec![arg, rest]), ty: ty.clone(), place }
                }
            });
        }
        rest.unwrap_or(Node { kind: Kind::Literal(Literal::Null), ty: Type::Null, place })
    }

    /// Labels of expressions that group differently are not compared: both are the row's own.
    fn labels_compared(&mut self, node: &Node) -> bool {
        let Kind::Call("_==_" | "_!=_" | "_<_" | "_<=_" | "_>_" | "_>=_", args) = &node.kind else {
            return false;
        };
        let [a, b] = args.as_slice() else { return false };
        let (Some(a), Some(b)) = (self.grouping(a), self.grouping(b)) else { return false };
        if a == b {
            return false;
        }
        let shown = |labels: &[String]| format!("by ({})", labels.join(", "));
        let message = format!("labels of different groupings are compared: {} and {}", shown(&a), shown(&b));
        self.error(node.place, message, "both are the row's own labels; compare columns of `payload`");
        true
    }

    /// Labels that the metric groups by whose label `node` is.
    fn grouping(&self, node: &Node) -> Option<Vec<String>> {
        let labels = match &node.kind {
            Kind::Call("_[_]", args) => args.first()?,
            Kind::Select(operand, _) => operand,
            _ => return None,
        };
        let Kind::Field(metric, 2) = &labels.kind else { return None };
        let (operand, name) = match &metric.kind {
            Kind::Call("_[_]", args) => match args.as_slice() {
                [operand, Node { kind: Kind::Literal(Literal::String(name)), .. }] => (operand, name),
                _ => return None,
            },
            Kind::Select(operand, name) => (&**operand, name),
            _ => return None,
        };
        let queries = self.layout.names.binding(self.name_of(operand)?)?;
        let query = queries.iter().find(|query| query.name == *name)?;
        Some(query.labels.iter().map(|(label, _)| label.clone()).collect())
    }
}

fn payload_slot(operand: &Node, name: &str) -> Option<usize> {
    match &operand.ty {
        Type::Record(record) => record.field(name).map(|(slot, _)| slot),
        _ => None,
    }
}

fn field_name(operand: &Node, slot: usize) -> String {
    match &operand.ty {
        Type::Record(record) => record.fields.get(slot).map(|(name, _)| name.clone()).unwrap_or_default(),
        _ => String::new(),
    }
}

fn constant(value: u64, node: &Node) -> Node {
    let value = i64::try_from(value).unwrap_or(i64::MAX);
    Node { kind: Kind::Literal(Literal::Int(value)), ty: Type::Int, place: node.place }
}

fn truth(value: bool, node: &Node) -> Node {
    Node { kind: Kind::Literal(Literal::Bool(value)), ty: Type::Bool, place: node.place }
}

fn int(value: i64, place: Place) -> Node {
    Node { kind: Kind::Literal(Literal::Int(value)), ty: Type::Int, place }
}

fn has_bit(flags: &Node, bit: i64, place: Place) -> Node {
    let and = Kind::Call("math.bitAnd", vec![flags.clone(), int(bit, place)]);
    let and = Node { kind: and, ty: Type::Int, place };
    Node { kind: Kind::Call("_!=_", vec![and, int(0, place)]), ty: Type::Bool, place }
}

fn optional(has: Node, value: Node, node: &Node) -> Node {
    let some = Node { kind: Kind::Call("optional.of", vec![value]), ty: node.ty.clone(), place: node.place };
    let none = Node { kind: Kind::Call("optional.none", vec![]), ty: node.ty.clone(), place: node.place };
    let kind = Kind::Conditional(Box::new(has), Box::new(some), Box::new(none));
    Node { kind, ty: node.ty.clone(), place: node.place }
}

/// The names of the flags that are set.
fn flag_list(flags: &Node, node: &Node) -> Node {
    let place = node.place;
    let optional_text = Type::optional(Type::String);
    let elements = FLAGS.iter().map(|(name, bit)| {
        let text = Node { kind: Kind::Literal(Literal::String((*name).to_owned())), ty: Type::String, place };
        let shape = Node { kind: Kind::Fail(String::new()), ty: optional_text.clone(), place };
        (optional(has_bit(flags, *bit, place), text, &shape), true)
    });
    Node { kind: Kind::List(elements.collect()), ty: node.ty.clone(), place }
}
