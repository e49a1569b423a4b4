//! An expression whose names and types are known.

use super::ty::Type;

/// Bytes of the expression's text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Place {
    /// First byte.
    pub start: usize,
    /// Behind the last byte.
    pub end: usize,
}

/// An expression.
#[derive(Debug, Clone)]
pub struct Node {
    /// What it computes.
    pub kind: Kind,
    /// The type of what comes out.
    pub ty: Type,
    /// Where it was written.
    pub place: Place,
}

/// A constant.
#[derive(Debug, Clone, PartialEq)]
pub enum Literal {
    /// `null`.
    Null,
    /// A truth value.
    Bool(bool),
    /// `1`.
    Int(i64),
    /// `1u`.
    Uint(u64),
    /// `1.0`.
    Double(f64),
    /// `'a'`.
    String(String),
    /// `b'a'`.
    Bytes(Vec<u8>),
    /// A type by its name.
    Type(String),
}

/// What an expression computes.
#[derive(Debug, Clone)]
pub enum Kind {
    /// A constant.
    Literal(Literal),
    /// A declared variable, by number.
    Variable(usize),
    /// A variable of a macro, by its slot.
    Local(usize),
    /// A field of a record, by its slot.
    Field(Box<Node>, usize),
    /// `x.name` on a map or a value whose type is known later.
    Select(Box<Node>, String),
    /// `has(x.name)`.
    Has(Box<Node>, String),
    /// `x.?name`.
    OptionalSelect(Box<Node>, String),
    /// A function with its arguments, the target first.
    Call(&'static str, Vec<Node>),
    /// `math.greatest` (`true`) or `math.least`.
    Extreme(bool, Vec<Node>),
    /// `a && b`: FALSE on one side absorbs an error on the other.
    And(Box<Node>, Box<Node>),
    /// `a || b`: TRUE on one side absorbs an error on the other.
    Or(Box<Node>, Box<Node>),
    /// `c ? a : b`.
    Conditional(Box<Node>, Box<Node>, Box<Node>),
    /// `[a, ?b]`; whether an element is left out when it is an empty optional value.
    List(Vec<(Node, bool)>),
    /// `{k: v, ?k: v}`.
    Map(Vec<(Node, Node, bool)>),
    /// A macro that goes through a list or a map.
    Through(Box<Through>),
    /// `cel.bind(x, value, body)`, `optMap`: the value is in a slot while the body is computed.
    Bind(usize, Box<Node>, Box<Node>),
    /// `x.optMap(v, body)` and `x.optFlatMap(v, body)` (`flat`).
    OptionalMap {
        /// The optional value.
        input: Box<Node>,
        /// Slot of what is inside.
        slot: usize,
        /// What is made of it.
        body: Box<Node>,
        /// The body gives an optional value itself.
        flat: bool,
    },
    /// `cel.block([a, b], body)`: each is computed when it is needed first.
    Block(Vec<(usize, Node)>, Box<Node>),
    /// Without checks only: what fails when it is computed.
    Fail(String),
}

/// A macro that goes through the elements of a list, or the entries of a map.
#[derive(Debug, Clone)]
pub struct Through {
    /// What it does.
    pub what: ThroughKind,
    /// The list or map.
    pub input: Node,
    /// Slot of the element, or of a map's key; with two variables of the index or key.
    pub first: usize,
    /// With two variables: slot of the element or a map's value.
    pub second: Option<usize>,
    /// The condition: of `all`, `exists`, `filter`; before the step in `map(x, condition, step)`.
    pub condition: Option<Node>,
    /// What becomes of an element.
    pub step: Option<Node>,
}

/// What a macro does with elements.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ThroughKind {
    /// The condition holds for all.
    All,
    /// It holds for one at least.
    Exists,
    /// It holds for exactly one; an error of one is an error.
    ExistsOne,
    /// Those it holds for.
    Filter,
    /// What becomes of them, as a list.
    Map,
    /// The same, as a map with the keys it had.
    TransformMap,
    /// The same, each step gives a map of entries.
    TransformMapEntry,
}

impl Node {
    /// The expressions directly inside it, to change.
    pub fn children_mut(&mut self) -> Vec<&mut Node> {
        match &mut self.kind {
            Kind::Literal(_) | Kind::Variable(_) | Kind::Local(_) | Kind::Fail(_) => vec![],
            Kind::Field(a, _) | Kind::Select(a, _) | Kind::Has(a, _) | Kind::OptionalSelect(a, _) => vec![a],
            Kind::Call(_, args) | Kind::Extreme(_, args) => args.iter_mut().collect(),
            Kind::And(a, b) | Kind::Or(a, b) | Kind::Bind(_, a, b) => vec![a, b],
            Kind::OptionalMap { input, body, slot: _, flat: _ } => vec![input, body],
            Kind::Conditional(a, b, c) => vec![a, b, c],
            Kind::List(elements) => elements.iter_mut().map(|(element, _)| element).collect(),
            Kind::Map(entries) => entries.iter_mut().flat_map(|(key, value, _)| [key, value]).collect(),
            Kind::Block(parts, body) => {
                parts.iter_mut().map(|(_, part)| part).chain(std::iter::once(&mut **body)).collect()
            }
            Kind::Through(through) => {
                let Through { input, condition, step, what: _, first: _, second: _ } = &mut **through;
                std::iter::once(input).chain(condition).chain(step).collect()
            }
        }
    }

    /// The expressions directly inside it.
    pub fn children(&self) -> Vec<&Node> {
        match &self.kind {
            Kind::Literal(_) | Kind::Variable(_) | Kind::Local(_) | Kind::Fail(_) => vec![],
            Kind::Field(a, _) | Kind::Select(a, _) | Kind::Has(a, _) | Kind::OptionalSelect(a, _) => vec![a],
            Kind::Call(_, args) | Kind::Extreme(_, args) => args.iter().collect(),
            Kind::And(a, b) | Kind::Or(a, b) | Kind::Bind(_, a, b) => vec![a, b],
            Kind::OptionalMap { input, body, slot: _, flat: _ } => vec![input, body],
            Kind::Conditional(a, b, c) => vec![a, b, c],
            Kind::List(elements) => elements.iter().map(|(element, _)| element).collect(),
            Kind::Map(entries) => entries.iter().flat_map(|(key, value, _)| [key, value]).collect(),
            Kind::Block(parts, body) => {
                parts.iter().map(|(_, part)| part).chain(std::iter::once(&**body)).collect()
            }
            Kind::Through(through) => {
                std::iter::once(&through.input).chain(&through.condition).chain(&through.step).collect()
            }
        }
    }

    /// Calls `visit` on this expression and every one inside it, parents first.
    pub fn walk<'a>(&'a self, visit: &mut dyn FnMut(&'a Node)) {
        visit(self);
        self.children().into_iter().for_each(|child| child.walk(visit));
    }
}
