//! From a checked tree to closures: names, slots, constants, patterns and the kinds of operands that are
//! known are looked at once, not for each event.

use std::cmp::Ordering;
use std::sync::Arc;

use super::library::function;
use super::math::extreme;
use super::text::pattern_of;
use super::through;
use super::value::{Fault, Map, Outcome, Value, no_overload};

use cep_lang::cel::{Kind, Literal, Node, Type};

/// What an expression is computed over.
#[derive(Debug)]
pub struct Frame<'a> {
    /// Values of the variables, by number; `None`: it has none.
    pub variables: &'a [Option<Value>],
    /// Values of macro variables, by slot.
    pub(super) locals: Vec<Slot>,
}

/// A variable of a macro.
#[derive(Debug, Clone, Default)]
pub(super) enum Slot {
    /// Nothing yet.
    #[default]
    Empty,
    /// What it stands for.
    Value(Value),
    /// It has none.
    Fault(Fault),
}

impl Frame<'_> {
    pub(super) fn set(&mut self, slot: usize, value: Value) {
        if self.locals.len() <= slot {
            self.locals.resize_with(slot + 1, Slot::default);
        }
        self.locals[slot] = Slot::Value(value);
    }
}

pub(super) type Closure = Box<dyn Fn(&mut Frame<'_>) -> Outcome + Send + Sync>;

/// An expression, ready to be computed.
pub struct Compiled {
    run: Closure,
}

impl std::fmt::Debug for Compiled {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Compiled")
    }
}

impl Compiled {
    /// Prepares a checked expression.
    ///
    /// # Errors
    /// A constant that cannot be used, such as a malformed regular expression.
    pub fn new(node: &Node) -> Outcome<Compiled> {
        Ok(Compiled { run: compile(node)? })
    }

    /// Computes it.
    ///
    /// # Errors
    /// What the specification calls an error.
    pub fn evaluate(&self, variables: &[Option<Value>]) -> Outcome {
        (self.run)(&mut Frame { variables, locals: Vec::new() })
    }
}

pub(super) fn compile(node: &Node) -> Outcome<Closure> {
    Ok(match &node.kind {
        Kind::Literal(literal) => {
            let value = constant(literal);
            Box::new(move |_| Ok(value.clone()))
        }
        Kind::Variable(at) => {
            let at = *at;
            Box::new(move |frame| frame.variables.get(at).cloned().flatten().ok_or_else(Fault::absent))
        }
        Kind::Local(slot) => {
            let slot = *slot;
            Box::new(move |frame| match frame.locals.get(slot) {
                Some(Slot::Value(value)) => Ok(value.clone()),
                Some(Slot::Fault(fault)) => Err(fault.clone()),
                _ => Err(Fault::absent()),
            })
        }
        Kind::Fail(message) => {
            let fault = Fault::new(message.clone());
            Box::new(move |_| Err(fault.clone()))
        }
        Kind::Field(operand, slot) => field(compile(operand)?, *slot),
        Kind::Select(operand, name) => select(compile(operand)?, name),
        Kind::Has(operand, name) => has(operand, name)?,
        Kind::OptionalSelect(operand, name) => optional_select(operand, name)?,
        Kind::And(a, b) => logic(compile(a)?, compile(b)?, false),
        Kind::Or(a, b) => logic(compile(a)?, compile(b)?, true),
        Kind::Conditional(condition, a, b) => {
            let (condition, a, b) = (compile(condition)?, compile(a)?, compile(b)?);
            Box::new(move |frame| match condition(frame)? {
                Value::Bool(true) => a(frame),
                Value::Bool(false) => b(frame),
                other => Err(no_overload("_?_:_", &[&other])),
            })
        }
        Kind::Call(name, args) => call(name, args)?,
        Kind::Extreme(greatest, args) => {
            let (greatest, args) = (*greatest, compile_all(args)?);
            Box::new(move |frame| extreme(greatest, &values(&args, frame)?))
        }
        Kind::List(elements) => list(elements)?,
        Kind::Map(entries) => map(entries)?,
        Kind::Through(what) => through::compile_through(what)?,
        Kind::Bind(slot, value, body) => {
            let (slot, value, body) = (*slot, compile(value)?, compile(body)?);
            Box::new(move |frame| {
                let value = value(frame)?;
                frame.set(slot, value);
                body(frame)
            })
        }
        Kind::OptionalMap { input, slot, body, flat } => {
            let (input, slot, body, flat) = (compile(input)?, *slot, compile(body)?, *flat);
            Box::new(move |frame| match input(frame)? {
                Value::Optional(None) => Ok(Value::Optional(None)),
                Value::Optional(Some(value)) => {
                    frame.set(slot, (*value).clone());
                    let made = body(frame)?;
                    Ok(if flat { made } else { Value::Optional(Some(made.into())) })
                }
                other => Err(no_overload("optMap", &[&other])),
            })
        }
        Kind::Block(parts, body) => block(parts, body)?,
    })
}

pub(super) fn compile_all(nodes: &[Node]) -> Outcome<Vec<Closure>> {
    nodes.iter().map(compile).collect()
}

fn values(args: &[Closure], frame: &mut Frame<'_>) -> Outcome<Vec<Value>> {
    args.iter().map(|arg| arg(frame)).collect()
}

fn constant(literal: &Literal) -> Value {
    match literal {
        Literal::Null => Value::Null,
        Literal::Bool(value) => Value::Bool(*value),
        Literal::Int(value) => Value::Int(*value),
        Literal::Uint(value) => Value::Uint(*value),
        Literal::Double(value) => Value::Double(*value),
        Literal::String(value) => Value::string(value.as_str()),
        Literal::Bytes(value) => Value::Bytes(value.as_slice().into()),
        Literal::Type(name) => Value::Type(name.as_str().into()),
    }
}

fn field(operand: Closure, slot: usize) -> Closure {
    Box::new(move |frame| match operand(frame)? {
        Value::Record(fields) => match fields.get(slot) {
            Some(Some(value)) => Ok(value.clone()),
            _ => Err(Fault::new("no such field: it has no value")),
        },
        other => Err(Fault::new(format!("{} has no fields", other.type_name()))),
    })
}

fn select(operand: Closure, name: &str) -> Closure {
    let key = Value::string(name);
    let name = name.to_owned();
    Box::new(move |frame| match operand(frame)? {
        Value::Map(map) => map.get(&key).cloned().ok_or_else(|| Fault::new(format!("no such key: '{name}'"))),
        Value::Optional(inner) => optional_field(inner.as_deref(), &key),
        other => Err(Fault::new(format!("type '{}' does not support field selection", other.type_name()))),
    })
}

fn optional_field(inner: Option<&Value>, key: &Value) -> Outcome {
    match inner {
        None => Ok(Value::Optional(None)),
        Some(Value::Map(map)) => Ok(Value::Optional(map.get(key).map(|value| value.clone().into()))),
        Some(Value::Optional(inner)) => optional_field(inner.as_deref(), key),
        Some(other) => {
            Err(Fault::new(format!("type '{}' does not support field selection", other.type_name())))
        }
    }
}

/// The slot of a field where the operand's type says it.
fn slot_of(operand: &Node, name: &str) -> Option<usize> {
    match &operand.ty {
        Type::Record(record) => record.field(name).map(|(slot, _)| slot),
        _ => None,
    }
}

fn has(operand: &Node, name: &str) -> Outcome<Closure> {
    let (slot, key) = (slot_of(operand, name), Value::string(name));
    let operand = compile(operand)?;
    Ok(Box::new(move |frame| {
        let found = match (operand(frame)?, slot) {
            (Value::Map(map), _) => map.get(&key).is_some(),
            (Value::Record(fields), Some(slot)) => fields.get(slot).is_some_and(Option::is_some),
            (Value::Optional(inner), _) => {
                matches!(optional_field(inner.as_deref(), &key)?, Value::Optional(Some(_)))
            }
            (other, _) => {
                let text = format!("type '{}' does not support field selection", other.type_name());
                return Err(Fault::new(text));
            }
        };
        Ok(Value::Bool(found))
    }))
}

fn optional_select(operand: &Node, name: &str) -> Outcome<Closure> {
    let (slot, key) = (slot_of(operand, name), Value::string(name));
    let operand = compile(operand)?;
    Ok(Box::new(move |frame| match (operand(frame)?, slot) {
        (Value::Record(fields), Some(slot)) => {
            Ok(Value::Optional(fields.get(slot).cloned().flatten().map(Arc::new)))
        }
        (Value::Optional(inner), _) => optional_field(inner.as_deref(), &key),
        (other, _) => optional_field(Some(&other), &key),
    }))
}

/// AND (`absorbing` FALSE) and OR (`absorbing` TRUE): the absorbing value on one side makes the other's
/// error unseen.
fn logic(a: Closure, b: Closure, absorbing: bool) -> Closure {
    let name = if absorbing { "_||_" } else { "_&&_" };
    let truth = move |outcome: Outcome| match outcome {
        Ok(Value::Bool(value)) => Ok(value),
        Ok(other) => Err(no_overload(name, &[&other])),
        Err(fault) => Err(fault),
    };
    Box::new(move |frame| {
        let first = truth(a(frame));
        if first == Ok(absorbing) {
            return Ok(Value::Bool(absorbing));
        }
        let second = truth(b(frame));
        if second == Ok(absorbing) {
            return Ok(Value::Bool(absorbing));
        }
        match (first, second) {
            // Whichever side stands first, a variable without a value is what counts.
            (Err(_), Err(fault)) if fault.is_absent() => Err(fault),
            (first, second) => first.and(second).map(Value::Bool),
        }
    })
}

fn call(name: &'static str, args: &[Node]) -> Outcome<Closure> {
    // A constant pattern is read once.
    if let ("matches", [text, Node { kind: Kind::Literal(Literal::String(pattern)), .. }]) = (name, args)
        && let Ok(pattern) = pattern_of(pattern)
    {
        let text = compile(text)?;
        return Ok(Box::new(move |frame| match text(frame)? {
            Value::String(text) => Ok(Value::Bool(pattern.is_match(&text))),
            other => Err(no_overload("matches", &[&other])),
        }));
    }
    if let [a, b] = args
        && let Some(closure) = typed(name, a, b)?
    {
        return Ok(closure);
    }
    match (name, args) {
        // The other side of an optional value is computed only if it is needed.
        ("or" | "orValue", [target, other]) => {
            let (target, other) = (compile(target)?, compile(other)?);
            let unwraps = name == "orValue";
            Ok(Box::new(move |frame| match target(frame)? {
                Value::Optional(Some(value)) if unwraps => Ok((*value).clone()),
                Value::Optional(None) => other(frame),
                value @ Value::Optional(_) => Ok(value),
                value => Err(no_overload(name, &[&value])),
            }))
        }
        // A value that a binding does not have is as good as null here.
        ("coalesce", args) => {
            let args = compile_all(args)?;
            Ok(Box::new(move |frame| {
                let mut last = Err(Fault::absent());
                for arg in &args {
                    last = arg(frame);
                    match &last {
                        Ok(Value::Null) => {}
                        Err(fault) if fault.is_absent() => {}
                        _ => return last,
                    }
                }
                last
            }))
        }
        (_, [a]) => {
            let (of, a) = (implementation(name)?, compile(a)?);
            Ok(Box::new(move |frame| of(&[a(frame)?])))
        }
        (_, [a, b]) => {
            let (of, a, b) = (implementation(name)?, compile(a)?, compile(b)?);
            Ok(Box::new(move |frame| of(&[a(frame)?, b(frame)?])))
        }
        _ => {
            let (of, args) = (implementation(name)?, compile_all(args)?);
            Ok(Box::new(move |frame| of(&values(&args, frame)?)))
        }
    }
}

fn implementation(name: &str) -> Outcome<super::library::Function> {
    function(name).ok_or_else(|| Fault::new(format!("the function {name} is declared and not there")))
}

/// Comparisons of operands whose types are known: no dispatch by value.
fn typed(name: &str, a: &Node, b: &Node) -> Outcome<Option<Closure>> {
    let holds: fn(Ordering) -> bool = match name {
        "_==_" => Ordering::is_eq,
        "_!=_" => Ordering::is_ne,
        "_<_" => Ordering::is_lt,
        "_<=_" => Ordering::is_le,
        "_>_" => Ordering::is_gt,
        "_>=_" => Ordering::is_ge,
        _ => return Ok(None),
    };
    let unequal = name == "_!=_";
    // What a column does not have is null, which equals nothing else and has no order.
    let is_equality = matches!(name, "_==_" | "_!=_");
    if let Some(closure) = with_constant(a, b, (holds, unequal, is_equality)) {
        return Ok(Some(closure));
    }
    let unlike = move |a: Value, b: Value| match (&a, &b) {
        (Value::Null, _) | (_, Value::Null) if is_equality => Ok(Value::Bool(a.equals(&b) != unequal)),
        _ => Err(no_overload("compare", &[&a, &b])),
    };
    let (x, y) = (compile(a)?, compile(b)?);
    Ok(Some(match (&a.ty, &b.ty) {
        (Type::Int, Type::Int) => Box::new(move |frame| match (x(frame)?, y(frame)?) {
            (Value::Int(a), Value::Int(b)) => Ok(Value::Bool(holds(a.cmp(&b)))),
            (a, b) => unlike(a, b),
        }),
        (Type::Double, Type::Double) => Box::new(move |frame| match (x(frame)?, y(frame)?) {
            (Value::Double(a), Value::Double(b)) => Ok(Value::Bool(a.partial_cmp(&b).map_or(unequal, holds))),
            (a, b) => unlike(a, b),
        }),
        (Type::String, Type::String) => Box::new(move |frame| match (x(frame)?, y(frame)?) {
            (Value::String(a), Value::String(b)) => Ok(Value::Bool(holds(a.cmp(&b)))),
            (a, b) => unlike(a, b),
        }),
        _ => return Ok(None),
    }))
}

/// A variable compared with a constant of its type: nothing is copied.
fn with_constant(
    a: &Node,
    b: &Node,
    (holds, unequal, is_equality): (fn(Ordering) -> bool, bool, bool),
) -> Option<Closure> {
    let (Kind::Variable(at), Kind::Literal(literal)) = (&a.kind, &b.kind) else { return None };
    let is_typed = matches!(
        (&a.ty, literal),
        (Type::Int, Literal::Int(_))
            | (Type::Double, Literal::Double(_))
            | (Type::String, Literal::String(_))
    );
    let (at, constant) = (*at, is_typed.then(|| constant(literal))?);
    Some(Box::new(move |frame| {
        let value = frame.variables.get(at).and_then(Option::as_ref).ok_or_else(Fault::absent)?;
        let order = match (value, &constant) {
            (Value::Int(a), Value::Int(b)) => Some(a.cmp(b)),
            (Value::Double(a), Value::Double(b)) => a.partial_cmp(b),
            (Value::String(a), Value::String(b)) => Some(a.cmp(b)),
            (Value::Null, _) if is_equality => None,
            (a, b) => return Err(no_overload("compare", &[a, b])),
        };
        Ok(Value::Bool(order.map_or(unequal, holds)))
    }))
}

fn list(elements: &[(Node, bool)]) -> Outcome<Closure> {
    let elements = elements.iter().map(|(node, optional)| Ok((compile(node)?, *optional)));
    let elements = elements.collect::<Outcome<Vec<_>>>()?;
    Ok(Box::new(move |frame| {
        let mut out = Vec::with_capacity(elements.len());
        for (element, optional) in &elements {
            let value = element(frame)?;
            match (optional, value) {
                (false, value) => out.push(value),
                (true, Value::Optional(inner)) => out.extend(inner.map(|inner| (*inner).clone())),
                (true, other) => return Err(no_overload("[?]", &[&other])),
            }
        }
        Ok(Value::list(out))
    }))
}

fn map(entries: &[(Node, Node, bool)]) -> Outcome<Closure> {
    let entries =
        entries.iter().map(|(key, value, optional)| Ok((compile(key)?, compile(value)?, *optional)));
    let entries = entries.collect::<Outcome<Vec<_>>>()?;
    Ok(Box::new(move |frame| {
        let mut out = Map::default();
        for (key, value, optional) in &entries {
            let (key, value) = (key(frame)?, value(frame)?);
            match (optional, value) {
                (false, value) => out.put(key, value)?,
                (true, Value::Optional(None)) => {}
                (true, Value::Optional(Some(value))) => out.put(key, (*value).clone())?,
                (true, other) => return Err(no_overload("{?}", &[&other])),
            }
        }
        Ok(Value::Map(Arc::new(out)))
    }))
}

/// Parts are computed when the body needs them: an error of one that it does not need is none.
fn block(parts: &[(usize, Node)], body: &Node) -> Outcome<Closure> {
    let parts = parts.iter().map(|(slot, node)| Ok((*slot, compile(node)?)));
    let (parts, body) = (parts.collect::<Outcome<Vec<_>>>()?, compile(body)?);
    Ok(Box::new(move |frame| {
        for (slot, part) in &parts {
            match part(frame) {
                Ok(value) => frame.set(*slot, value),
                Err(fault) => {
                    frame.set(*slot, Value::Null);
                    frame.locals[*slot] = Slot::Fault(fault);
                }
            }
        }
        body(frame)
    }))
}
