//! Names and types of an expression.
//!
//! Here expressions · `infer` types that are found out on the way · `call` functions and their overloads ·
//! `macros` has, all, exists, map and the others · `name` qualified names.

mod call;
mod infer;
mod macros;
mod name;

use cel::common::ast::{EntryExpr, Expr, IdedExpr, LiteralValue, SourceInfo};

use super::tree::{Kind, Literal, Node, Place};
use super::ty::Type;
use infer::Infer;

/// Nesting of an expression at most.
const DEPTH_MAX: u16 = 96;

/// What is wrong with an expression.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct CelError {
    /// What, for people.
    pub message: String,
    /// Where.
    pub place: Place,
}

/// A name that an expression may use.
#[derive(Debug, Clone)]
pub struct Declared {
    /// The name; it may have dots.
    pub name: String,
    /// Its type.
    pub ty: Type,
}

/// What an expression may use.
#[derive(Debug, Clone, Default)]
pub struct Scope {
    /// Variables, by number.
    pub variables: Vec<Declared>,
    /// The container: names are looked up in it first, then in those around it.
    pub container: String,
}

/// Reads and checks an expression.
///
/// # Errors
/// The first thing that is wrong with it.
pub fn check(text: &str, scope: &Scope) -> Result<Node, CelError> {
    Checker::read(text, scope, false)
}

/// The same, but names and functions that do not exist, and arguments that do not fit, fail when they are
/// computed: what the specification calls an expression that is parsed only.
///
/// # Errors
/// What is not even well formed.
pub fn check_leniently(text: &str, scope: &Scope) -> Result<Node, CelError> {
    Checker::read(text, scope, true)
}

/// Types that several expressions tell together, such as those of columns that nobody declared.
#[derive(Debug, Clone, Default)]
pub struct Unknowns {
    infer: Infer,
}

impl Unknowns {
    /// A type to be found out, for a name of a scope.
    pub fn open(&mut self) -> Type {
        self.infer.fresh()
    }

    /// What is known of it; `None`: nothing, or only a part.
    pub fn known(&self, ty: &Type) -> Option<Type> {
        let known = self.infer.known(ty);
        let is_whole = |ty: &Type| !matches!(ty, Type::Var(_) | Type::Dyn | Type::Null);
        (is_whole(&known) && known.parts().into_iter().all(is_whole)).then_some(known)
    }
}

/// Reads an expression for what it says about the unknown types of its scope. What fits several types says
/// nothing; an expression that is wrong says nothing either.
pub fn learn(text: &str, scope: &Scope, unknowns: &mut Unknowns) {
    let mut infer = unknowns.infer.clone();
    infer.learn();
    if let Ok((_node, infer)) = Checker::read_with(text, scope, false, infer) {
        unknowns.infer = infer;
    }
}

/// The parser, with its limits.
pub(super) fn parser() -> cel::parser::Parser {
    cel::Env::default().parser().max_recursion_depth(DEPTH_MAX).enable_ident_escape_syntax(true)
}

type Result<T, E = CelError> = std::result::Result<T, E>;

/// A variable of a macro.
#[derive(Debug, Clone)]
struct Local {
    name: String,
    slot: usize,
    ty: Type,
}

struct Checker<'a> {
    scope: &'a Scope,
    source: SourceInfo,
    /// Byte of each character of the text, and its end.
    bytes: Vec<usize>,
    lenient: bool,
    infer: Infer,
    locals: Vec<Local>,
    /// Slots in use at most so far.
    slots: usize,
}

impl<'a> Checker<'a> {
    fn read(text: &str, scope: &'a Scope, lenient: bool) -> Result<Node> {
        Checker::read_with(text, scope, lenient, Infer::default()).map(|(node, _infer)| node)
    }

    fn read_with(text: &str, scope: &'a Scope, lenient: bool, infer: Infer) -> Result<(Node, Infer)> {
        let parsed = parser().parse_with_source_info(text);
        let (expr, source) = parsed.map_err(|errors| {
            let first = errors.errors.first();
            let message = first.map_or_else(|| "it cannot be read".to_owned(), |error| error.msg.clone());
            let place = first.map_or(Place::default(), |error| place_at(text, error.pos));
            CelError { message, place }
        })?;
        let bytes = text.char_indices().map(|(at, _)| at).chain([text.len()]).collect();
        let mut checker = Checker { scope, source, bytes, lenient, infer, locals: Vec::new(), slots: 0 };
        let mut node = checker.expr(&expr)?;
        checker.finish(&mut node);
        Ok((node, checker.infer))
    }

    /// Writes the types that were found out into the tree.
    fn finish(&self, node: &mut Node) {
        node.ty = self.infer.last(&node.ty);
        match &mut node.kind {
            Kind::Literal(_) | Kind::Variable(_) | Kind::Local(_) | Kind::Fail(_) => {}
            Kind::Field(a, _) | Kind::Select(a, _) | Kind::Has(a, _) | Kind::OptionalSelect(a, _) => {
                self.finish(a);
            }
            Kind::Call(_, args) | Kind::Extreme(_, args) => args.iter_mut().for_each(|arg| self.finish(arg)),
            Kind::And(a, b) | Kind::Or(a, b) | Kind::Bind(_, a, b) => {
                self.finish(a);
                self.finish(b);
            }
            Kind::OptionalMap { input, body, .. } => {
                self.finish(input);
                self.finish(body);
            }
            Kind::Conditional(a, b, c) => [a, b, c].into_iter().for_each(|node| self.finish(node)),
            Kind::List(elements) => elements.iter_mut().for_each(|(element, _)| self.finish(element)),
            Kind::Map(entries) => entries.iter_mut().for_each(|(key, value, _)| {
                self.finish(key);
                self.finish(value);
            }),
            Kind::Block(parts, body) => {
                parts.iter_mut().for_each(|(_, part)| self.finish(part));
                self.finish(body);
            }
            Kind::Through(through) => {
                self.finish(&mut through.input);
                through.condition.iter_mut().chain(&mut through.step).for_each(|node| self.finish(node));
            }
        }
    }

    fn place(&self, id: u64) -> Place {
        let (start, stop) = self.source.offset_for(id).unwrap_or_default();
        let byte = |at: usize| self.bytes.get(at).or(self.bytes.last()).copied().unwrap_or(0);
        Place { start: byte(start as usize), end: byte(stop as usize + 1) }
    }

    /// An error here; without checks an expression that fails when it is computed.
    fn refuse(&self, id: u64, message: impl Into<String>) -> Result<Node> {
        let (message, place) = (message.into(), self.place(id));
        if self.lenient {
            return Ok(Node { kind: Kind::Fail(message), ty: Type::Dyn, place });
        }
        Err(CelError { message, place })
    }

    fn error<T>(&self, id: u64, message: impl Into<String>) -> Result<T> {
        Err(CelError { message: message.into(), place: self.place(id) })
    }

    fn node(&self, id: u64, kind: Kind, ty: Type) -> Node {
        Node { kind, ty, place: self.place(id) }
    }

    fn expr(&mut self, expr: &IdedExpr) -> Result<Node> {
        match &expr.expr {
            Expr::Literal(value) => Ok(self.literal(expr.id, value)),
            Expr::Ident(_) => self.name(expr),
            Expr::Select(select) if select.test => {
                let operand = self.expr(&select.operand)?;
                self.has(expr.id, operand, &select.field)
            }
            Expr::Select(_) => self.name(expr),
            Expr::Call(call) => self.call(expr.id, call),
            Expr::List(list) => {
                let element = self.infer.fresh();
                let mut out = Vec::with_capacity(list.elements.len());
                let mut joined: Option<Type> = None;
                for (at, element) in list.elements.iter().enumerate() {
                    let optional = list.optional_indices.contains(&at);
                    let node = self.expr(element)?;
                    let ty = if optional { self.inside(element.id, &node.ty)? } else { node.ty.clone() };
                    joined = Some(self.infer.join(joined, &ty));
                    out.push((node, optional));
                }
                let ty = Type::list(joined.unwrap_or(element));
                Ok(self.node(expr.id, Kind::List(out), ty))
            }
            Expr::Map(map) => {
                let (key_type, value_type) = (self.infer.fresh(), self.infer.fresh());
                let (mut keys, mut values) = (None, None);
                let mut out = Vec::with_capacity(map.entries.len());
                for entry in &map.entries {
                    let EntryExpr::MapEntry(entry) = &entry.expr else {
                        return self.error(entry.id, "a map has keys and values");
                    };
                    let (key, value) = (self.expr(&entry.key)?, self.expr(&entry.value)?);
                    keys = Some(self.infer.join(keys, &key.ty));
                    let ty = if entry.optional {
                        self.inside(entry.value.id, &value.ty)?
                    } else {
                        value.ty.clone()
                    };
                    values = Some(self.infer.join(values, &ty));
                    out.push((key, value, entry.optional));
                }
                let ty = Type::map(keys.unwrap_or(key_type), values.unwrap_or(value_type));
                Ok(self.node(expr.id, Kind::Map(out), ty))
            }
            Expr::Struct(message) => self.error(
                expr.id,
                format!("there is no message type {}; write a map: {{'field': value}}", message.type_name),
            ),
            Expr::Comprehension(_) | Expr::Unspecified => {
                self.error(expr.id, "the parser gave something that is no expression")
            }
        }
    }

    fn literal(&self, id: u64, value: &LiteralValue) -> Node {
        let (literal, ty) = match value {
            LiteralValue::Boolean(value) => (Literal::Bool(*value.inner()), Type::Bool),
            LiteralValue::Bytes(value) => (Literal::Bytes(value.inner().to_vec()), Type::Bytes),
            LiteralValue::Double(value) => (Literal::Double(*value.inner()), Type::Double),
            LiteralValue::Int(value) => (Literal::Int(*value.inner()), Type::Int),
            LiteralValue::Null => (Literal::Null, Type::Null),
            LiteralValue::String(value) => (Literal::String(value.inner().to_owned()), Type::String),
            LiteralValue::UInt(value) => (Literal::Uint(*value.inner()), Type::Uint),
        };
        self.node(id, Kind::Literal(literal), ty)
    }

    /// The type inside an optional value.
    fn inside(&mut self, id: u64, ty: &Type) -> Result<Type> {
        let inner = self.infer.fresh();
        if self.infer.assign(&Type::optional(inner.clone()), ty) {
            return Ok(inner);
        }
        if self.lenient {
            return Ok(Type::Dyn);
        }
        self.error(id, format!("an element with ? is an optional value, not {}", self.infer.last(ty)))
    }

    /// A slot for a variable of a macro.
    fn slot(&mut self) -> usize {
        self.slots += 1;
        self.slots - 1
    }
}

fn place_at(text: &str, (line, column): (isize, isize)) -> Place {
    let line = usize::try_from(line - 1).unwrap_or(0);
    let before: usize = text.split_inclusive('\n').take(line).map(str::len).sum();
    let rest = &text[before.min(text.len())..];
    let skipped = usize::try_from(column - 1).unwrap_or(0);
    let start = before + rest.char_indices().nth(skipped).map_or(rest.len(), |(at, _)| at);
    Place { start, end: start }
}
