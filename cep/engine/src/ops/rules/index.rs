//! Which rules a row can meet.
//!
//! Many rules say `a == constant && b > constant && …`. They are kept by the constant of one equality, and under it in
//! the order of the constant of one comparison, so that a row finds those that can hold.
//!
//! Invariant: what is left out has a part of its conjunction that is FALSE for the row, or that asks for a value
//! which a binding does not have: such a rule neither holds nor fails.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use cep_lang::cel::{Kind, Literal, Node, Type};

use super::slots::{Row, Slots};
use crate::cel::Value;

/// A constant that rules compare for equality with.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Constant {
    Bool(bool),
    Int(i64),
    Text(String),
}

/// Rules by what a row must have.
#[derive(Debug, Default)]
pub(super) struct Index {
    by_constant: Vec<ByConstant>,
    others: Rules,
    /// Slots that are compared for equality.
    slots: Vec<usize>,
}

/// Rules by the constant that one variable must equal.
#[derive(Debug, Default)]
struct ByConstant {
    slot: usize,
    bools: BTreeMap<bool, Rules>,
    numbers: BTreeMap<i64, Rules>,
    texts: BTreeMap<String, Rules>,
}

impl ByConstant {
    fn rules(&mut self, constant: &Constant) -> &mut Rules {
        match constant {
            Constant::Bool(v) => self.bools.entry(*v).or_default(),
            Constant::Int(v) => self.numbers.entry(*v).or_default(),
            Constant::Text(v) => self.texts.entry(v.clone()).or_default(),
        }
    }

    fn all(&mut self) -> impl Iterator<Item = &mut Rules> {
        self.bools.values_mut().chain(self.numbers.values_mut()).chain(self.texts.values_mut())
    }
}

/// Rules that a row can meet, as far as equality says.
#[derive(Debug, Default)]
struct Rules {
    by_limit: Vec<Limits>,
    others: Vec<u32>,
}

/// Rules that compare one variable with a constant, in order of the constants.
#[derive(Debug)]
struct Limits {
    slot: usize,
    /// The value must be above the constant, or equal to it: it is a lower limit.
    is_lower: bool,
    rules: Vec<(Value, u32)>,
}

/// Parts of a condition that decide whether it can hold.
#[derive(Debug, Default)]
struct Parts {
    equalities: Vec<(usize, Vec<Constant>)>,
    limits: Vec<(usize, bool, Value)>,
}

impl Index {
    /// The rules with these conditions, by number.
    pub fn new<'a>(conditions: impl Iterator<Item = &'a Node>) -> Self {
        let parts: Vec<Parts> = conditions.map(Parts::of).collect();
        let mut constants: BTreeMap<usize, BTreeMap<&Constant, usize>> = BTreeMap::new();
        for (slot, values) in parts.iter().flat_map(|p| &p.equalities) {
            values.iter().for_each(|v| *constants.entry(*slot).or_default().entry(v).or_default() += 1);
        }
        let variety: BTreeMap<usize, usize> = constants.iter().map(|(slot, c)| (*slot, c.len())).collect();
        let mut index = Index::default();
        for (rule, parts) in parts.iter().enumerate() {
            // The variable with the most constants leaves the fewest rules.
            match parts.equalities.iter().max_by_key(|(slot, _)| (variety[slot], std::cmp::Reverse(*slot))) {
                None => index.others.add(parts, rule as u32),
                Some((slot, values)) => {
                    let at = index.by_constant.iter().position(|by| by.slot == *slot).unwrap_or_else(|| {
                        index.by_constant.push(ByConstant { slot: *slot, ..ByConstant::default() });
                        index.by_constant.len() - 1
                    });
                    for value in values {
                        index.by_constant[at].rules(value).add(parts, rule as u32);
                    }
                }
            }
        }
        index.settle();
        index
    }

    fn settle(&mut self) {
        let all = self.by_constant.iter_mut().flat_map(ByConstant::all);
        for rules in all.chain([&mut self.others]) {
            for limits in &mut rules.by_limit {
                limits.rules.sort_by(|a, b| order(&a.0, &b.0).then(a.1.cmp(&b.1)));
            }
        }
        self.slots = self.by_constant.iter().map(|by| by.slot).collect();
    }

    /// Puts the rules that the row can meet into `found`, ascending, each once.
    pub fn find(&self, slots: &mut Slots, row: Row<'_>, found: &mut Vec<u32>) {
        found.clear();
        slots.read(&self.slots, row);
        for by in &self.by_constant {
            let rules = match &slots.values()[by.slot] {
                Some(Value::Bool(v)) => by.bools.get(v),
                Some(Value::Int(v)) => by.numbers.get(v),
                Some(Value::String(text)) => by.texts.get(&**text),
                _ => None,
            };
            if let Some(rules) = rules {
                rules.find(slots, row, found);
            }
        }
        self.others.find(slots, row, found);
        found.sort_unstable();
        found.dedup();
    }
}

impl Rules {
    fn add(&mut self, parts: &Parts, rule: u32) {
        let Some((slot, is_lower, limit)) = parts.limits.first() else { return self.others.push(rule) };
        let at = self.by_limit.iter().position(|l| (l.slot, l.is_lower) == (*slot, *is_lower));
        let at = at.unwrap_or_else(|| {
            self.by_limit.push(Limits { slot: *slot, is_lower: *is_lower, rules: Vec::new() });
            self.by_limit.len() - 1
        });
        self.by_limit[at].rules.push((limit.clone(), rule));
    }

    fn find(&self, slots: &mut Slots, row: Row<'_>, found: &mut Vec<u32>) {
        found.extend(&self.others);
        for limits in &self.by_limit {
            slots.read(&[limits.slot], row);
            let rules = match &slots.values()[limits.slot] {
                None if slots.is_quiet(limits.slot) => continue,
                Some(value) => match limits.rules.first() {
                    Some((limit, _)) if is_like(limit, value) => limits.met(value),
                    // The comparison fails, which the rule itself has to say.
                    _ => &limits.rules,
                },
                None => &limits.rules,
            };
            found.extend(rules.iter().map(|(_, rule)| rule));
        }
    }
}

impl Limits {
    /// Rules whose limit `value` reaches, or equals.
    fn met(&self, value: &Value) -> &[(Value, u32)] {
        if matches!(value, Value::Double(v) if v.is_nan()) {
            return &[];
        }
        if self.is_lower {
            let end = self.rules.partition_point(|(limit, _)| order(limit, value).is_le());
            &self.rules[..end]
        } else {
            let start = self.rules.partition_point(|(limit, _)| order(limit, value).is_lt());
            &self.rules[start..]
        }
    }
}

/// Values of one type that can be limits.
fn is_like(a: &Value, b: &Value) -> bool {
    matches!((a, b), (Value::Int(_), Value::Int(_)) | (Value::Double(_), Value::Double(_)))
}

fn order(a: &Value, b: &Value) -> Ordering {
    match (a, b) {
        (Value::Int(a), Value::Int(b)) => a.cmp(b),
        (Value::Double(a), Value::Double(b)) => {
            a.partial_cmp(b).expect("limits and what is looked up are no NaN")
        }
        _ => Ordering::Equal,
    }
}

impl Parts {
    fn of(condition: &Node) -> Parts {
        let mut parts = Parts::default();
        parts.collect(condition);
        parts
    }

    fn collect(&mut self, node: &Node) {
        match &node.kind {
            Kind::And(a, b) => {
                self.collect(a);
                self.collect(b);
            }
            Kind::Call("_==_", args) => self.equality(args),
            Kind::Call("@in", args) => self.membership(args),
            Kind::Call(name @ ("_<_" | "_<=_" | "_>_" | "_>=_"), args) => {
                let [a, b] = &args[..] else { return };
                let is_greater = name.starts_with("_>");
                if let (Some(slot), Some(limit)) = (variable(a), limit(a, b)) {
                    self.limits.push((slot, is_greater, limit));
                } else if let (Some(slot), Some(limit)) = (variable(b), limit(b, a)) {
                    self.limits.push((slot, !is_greater, limit));
                }
            }
            _ => {}
        }
    }

    fn equality(&mut self, args: &[Node]) {
        let [a, b] = args else { return };
        let (slot, value) = match (variable(a), variable(b)) {
            (Some(slot), None) => (slot, constant(a, b)),
            (None, Some(slot)) => (slot, constant(b, a)),
            _ => return,
        };
        if let Some(value) = value {
            self.equalities.push((slot, vec![value]));
        }
    }

    fn membership(&mut self, args: &[Node]) {
        let [a, Node { kind: Kind::List(elements), .. }] = args else { return };
        let Some(slot) = variable(a) else { return };
        let constants = elements.iter().map(|(e, optional)| if *optional { None } else { constant(a, e) });
        if let Some(mut constants) = constants.collect::<Option<Vec<_>>>() {
            constants.sort();
            constants.dedup();
            self.equalities.push((slot, constants));
        }
    }
}

fn variable(node: &Node) -> Option<usize> {
    if let Kind::Variable(slot) = node.kind { Some(slot) } else { None }
}

/// The constant that `node` is, if it is of the type of the variable.
fn constant(variable: &Node, node: &Node) -> Option<Constant> {
    let Kind::Literal(literal) = &node.kind else { return None };
    match (&variable.ty, literal) {
        (Type::Bool, Literal::Bool(v)) => Some(Constant::Bool(*v)),
        (Type::Int, Literal::Int(v)) => Some(Constant::Int(*v)),
        (Type::String, Literal::String(v)) => Some(Constant::Text(v.clone())),
        _ => None,
    }
}

fn limit(variable: &Node, node: &Node) -> Option<Value> {
    let Kind::Literal(literal) = &node.kind else { return None };
    match (&variable.ty, literal) {
        (Type::Int, Literal::Int(v)) => Some(Value::Int(*v)),
        (Type::Double, Literal::Double(v)) if !v.is_nan() => Some(Value::Double(*v)),
        _ => None,
    }
}
