//! A checked expression as text, for EXPLAIN.

use super::tree::{Kind, Literal, Node, Through, ThroughKind};

/// The expression; `name` tells what a variable is called.
pub fn text(node: &Node, name: &dyn Fn(usize) -> String) -> String {
    let mut out = String::new();
    write(node, name, &mut out);
    out
}

fn list<'a>(nodes: impl Iterator<Item = &'a Node>, name: &dyn Fn(usize) -> String) -> String {
    nodes.map(|node| text(node, name)).collect::<Vec<_>>().join(", ")
}

/// An operand: what binds less than a call is put into parentheses.
fn operand(node: &Node, name: &dyn Fn(usize) -> String) -> String {
    let inner = text(node, name);
    let is_loose = match &node.kind {
        Kind::And(..) | Kind::Or(..) | Kind::Conditional(..) => true,
        Kind::Call(function, _) => {
            function.starts_with('_') && !function.starts_with("_[") || *function == "@in"
        }
        _ => false,
    };
    if is_loose { format!("({inner})") } else { inner }
}

fn write(node: &Node, name: &dyn Fn(usize) -> String, out: &mut String) {
    let shown = match &node.kind {
        Kind::Literal(literal) => constant(literal),
        Kind::Variable(at) => name(*at),
        Kind::Local(slot) => format!("v{slot}"),
        Kind::Field(inner, slot) => format!("{}.#{slot}", operand(inner, name)),
        Kind::Select(inner, field) => format!("{}.{field}", operand(inner, name)),
        Kind::Has(inner, field) => format!("has({}.{field})", operand(inner, name)),
        Kind::OptionalSelect(inner, field) => format!("{}.?{field}", operand(inner, name)),
        Kind::Call(function, args) => call(function, args, name),
        Kind::Extreme(greatest, args) => {
            format!("{}({})", if *greatest { "max" } else { "min" }, list(args.iter(), name))
        }
        Kind::And(a, b) => format!("{} && {}", operand_of(a, name, true), operand_of(b, name, true)),
        Kind::Or(a, b) => format!("{} || {}", operand_of(a, name, false), operand_of(b, name, false)),
        Kind::Conditional(condition, a, b) => {
            format!("{} ? {} : {}", operand(condition, name), operand(a, name), operand(b, name))
        }
        Kind::List(elements) => {
            let each = elements.iter().map(|(element, optional)| {
                format!("{}{}", if *optional { "?" } else { "" }, text(element, name))
            });
            format!("[{}]", each.collect::<Vec<_>>().join(", "))
        }
        Kind::Map(entries) => {
            let each = entries.iter().map(|(key, value, optional)| {
                format!("{}{}: {}", if *optional { "?" } else { "" }, text(key, name), text(value, name))
            });
            format!("{{{}}}", each.collect::<Vec<_>>().join(", "))
        }
        Kind::Through(through) => macro_text(through, name),
        Kind::Bind(slot, value, body) => {
            format!("cel.bind(v{slot}, {}, {})", text(value, name), text(body, name))
        }
        Kind::OptionalMap { input, slot, body, flat } => {
            let function = if *flat { "optFlatMap" } else { "optMap" };
            format!("{}.{function}(v{slot}, {})", operand(input, name), text(body, name))
        }
        Kind::Block(parts, body) => {
            let parts = parts.iter().map(|(slot, part)| format!("v{slot} = {}", text(part, name)));
            format!("cel.block([{}], {})", parts.collect::<Vec<_>>().join(", "), text(body, name))
        }
        Kind::Fail(message) => format!("error({message:?})"),
    };
    out.push_str(&shown);
}

/// A side of AND (`and`) or OR: chains of the same need no parentheses.
fn operand_of(node: &Node, name: &dyn Fn(usize) -> String, and: bool) -> String {
    match &node.kind {
        Kind::And(..) if and => text(node, name),
        Kind::Or(..) if !and => text(node, name),
        Kind::And(..) | Kind::Or(..) | Kind::Conditional(..) => format!("({})", text(node, name)),
        _ => text(node, name),
    }
}

fn call(function: &str, args: &[Node], name: &dyn Fn(usize) -> String) -> String {
    let binary = function.strip_prefix('_').and_then(|rest| rest.strip_suffix('_'));
    match (function, args) {
        ("_[_]", [a, b]) => format!("{}[{}]", operand(a, name), text(b, name)),
        ("_[?_]", [a, b]) => format!("{}[?{}]", operand(a, name), text(b, name)),
        ("@in", [a, b]) => format!("{} in {}", operand(a, name), operand(b, name)),
        ("-_", [a]) => format!("-{}", operand(a, name)),
        ("!_", [a]) => format!("!{}", operand(a, name)),
        (_, [a, b]) if binary.is_some() => {
            format!("{} {} {}", operand(a, name), binary.unwrap_or_default(), operand(b, name))
        }
        (function, args) => format!("{function}({})", list(args.iter(), name)),
    }
}

fn macro_text(through: &Through, name: &dyn Fn(usize) -> String) -> String {
    let Through { what, input, first, second, condition, step } = through;
    let function = match what {
        ThroughKind::All => "all",
        ThroughKind::Exists => "exists",
        ThroughKind::ExistsOne => "exists_one",
        ThroughKind::Filter => "filter",
        ThroughKind::Map => "map",
        ThroughKind::TransformMap => "transformMap",
        ThroughKind::TransformMapEntry => "transformMapEntry",
    };
    let variables = std::iter::once(first).chain(second).map(|slot| format!("v{slot}"));
    let bodies = condition.iter().chain(step).map(|node| text(node, name));
    let all: Vec<String> = variables.chain(bodies).collect();
    format!("{}.{function}({})", operand(input, name), all.join(", "))
}

fn constant(literal: &Literal) -> String {
    match literal {
        Literal::Null => "null".to_owned(),
        Literal::Bool(value) => value.to_string(),
        Literal::Int(value) => value.to_string(),
        Literal::Uint(value) => format!("{value}u"),
        Literal::Double(value) => format!("{value:?}"),
        Literal::String(value) => format!("{value:?}"),
        Literal::Bytes(value) => format!("b{:?}", String::from_utf8_lossy(value)),
        Literal::Type(name) => name.clone(),
    }
}
