//! Names: variables, types, and fields of what they stand for.

use cel::common::ast::{Expr, IdedExpr};

use super::super::tree::{Kind, Literal, Node};
use super::super::ty::Type;
use super::{Checker, Result};

/// The segments of `a.b.c`.
pub(super) fn segments(expr: &IdedExpr) -> Option<Vec<&str>> {
    match &expr.expr {
        Expr::Ident(name) => Some(vec![name]),
        Expr::Select(select) if !select.test => {
            let mut out = segments(&select.operand)?;
            out.push(&select.field);
            Some(out)
        }
        _ => None,
    }
}

impl Checker<'_> {
    /// An identifier, or a field of something: the longest name that is declared, then fields of it.
    pub(super) fn name(&mut self, expr: &IdedExpr) -> Result<Node> {
        if let Some(names) = segments(expr)
            && let Some(node) = self.declared(expr.id, &names)
        {
            return Ok(node);
        }
        match &expr.expr {
            Expr::Select(select) => {
                let operand = self.expr(&select.operand)?;
                self.select(expr.id, operand, &select.field)
            }
            Expr::Ident(name) => {
                let known: Vec<&str> = self.scope.variables.iter().map(|v| v.name.as_str()).collect();
                let text = if known.is_empty() {
                    format!("there is no variable {name}")
                } else {
                    format!("there is no variable {name}; there are {}", known.join(", "))
                };
                self.refuse(expr.id, text)
            }
            _ => self.error(expr.id, "this is no name"),
        }
    }

    /// What a whole qualified name stands for.
    fn declared(&self, id: u64, names: &[&str]) -> Option<Node> {
        let first = names.first().map(|name| name.strip_prefix('.').unwrap_or(name))?;
        let rooted = names[0].starts_with('.');
        if names.len() == 1
            && !rooted
            && let Some(local) = self.locals.iter().rev().find(|local| local.name == first)
        {
            return Some(self.node(id, Kind::Local(local.slot), local.ty.clone()));
        }
        if !rooted && self.locals.iter().any(|local| local.name == first) {
            return None;
        }
        let name = names.join(".");
        self.candidates(&name).find_map(|name| {
            let variable = self.scope.variables.iter().position(|variable| variable.name == name);
            if let Some(at) = variable {
                return Some(self.node(id, Kind::Variable(at), self.scope.variables[at].ty.clone()));
            }
            let ty = Type::named(&name).filter(|ty| *ty != Type::Dyn)?;
            Some(self.node(id, Kind::Literal(Literal::Type(name)), Type::Type(Box::new(ty))))
        })
    }

    /// A name in the container, in those around it, and by itself.
    pub(super) fn candidates<'n>(&self, name: &'n str) -> impl Iterator<Item = String> + use<'n> {
        let rooted = name.strip_prefix('.');
        let mut out = Vec::new();
        if rooted.is_none() {
            let mut container = self.scope.container.as_str();
            while !container.is_empty() {
                out.push(format!("{container}.{name}"));
                container = container.rsplit_once('.').map_or("", |(outer, _)| outer);
            }
        }
        out.push(rooted.unwrap_or(name).to_owned());
        out.into_iter()
    }

    /// `operand.field`.
    pub(super) fn select(&mut self, id: u64, operand: Node, field: &str) -> Result<Node> {
        match self.infer.known(&operand.ty) {
            Type::Record(record) => match record.field(field) {
                Some((slot, ty)) => Ok(self.node(id, Kind::Field(Box::new(operand), slot), ty.clone())),
                None => {
                    let known: Vec<&str> = record.fields.iter().map(|(name, _)| name.as_str()).collect();
                    let text = format!("{} has no field {field}; it has {}", record.name, known.join(", "));
                    self.refuse(id, text)
                }
            },
            Type::Map(_, value) => {
                Ok(self.node(id, Kind::Select(Box::new(operand), field.to_owned()), *value))
            }
            Type::Optional(inner) => {
                let ty = Type::optional(self.field_type(id, &inner, field)?);
                Ok(self.node(id, Kind::OptionalSelect(Box::new(operand), field.to_owned()), ty))
            }
            Type::Dyn | Type::Var(_) => {
                Ok(self.node(id, Kind::Select(Box::new(operand), field.to_owned()), Type::Dyn))
            }
            other if self.lenient => {
                let text = format!("{other} has no fields");
                Ok(self.node(id, Kind::Fail(text), Type::Dyn))
            }
            other => self.error(id, format!("{other} has no fields")),
        }
    }

    /// The type of a field, where a value may have it or not.
    fn field_type(&self, id: u64, ty: &Type, field: &str) -> Result<Type> {
        match self.infer.known(ty) {
            Type::Record(record) => match record.field(field) {
                Some((_, ty)) => Ok(ty.clone()),
                None => self.error(id, format!("{} has no field {field}", record.name)),
            },
            Type::Map(_, value) => Ok(*value),
            Type::Optional(inner) => self.field_type(id, &inner, field),
            Type::Dyn | Type::Var(_) => Ok(Type::Dyn),
            _ if self.lenient => Ok(Type::Dyn),
            other => self.error(id, format!("{other} has no fields")),
        }
    }

    /// `operand.?field`.
    pub(super) fn optional_select(&mut self, id: u64, operand: Node, field: &str) -> Result<Node> {
        let ty = Type::optional(self.field_type(id, &operand.ty, field)?);
        Ok(self.node(id, Kind::OptionalSelect(Box::new(operand), field.to_owned()), ty))
    }

    /// `has(operand.field)`.
    pub(super) fn has(&mut self, id: u64, operand: Node, field: &str) -> Result<Node> {
        self.field_type(id, &operand.ty, field)?;
        Ok(self.node(id, Kind::Has(Box::new(operand), field.to_owned()), Type::Bool))
    }
}
