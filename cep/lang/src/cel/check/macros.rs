//! Macros: has, all, exists, exists_one, map, filter, transformList, transformMap, optMap, optFlatMap,
//! cel.bind and cel.block.

use cel::common::ast::{CallExpr, Expr, IdedExpr, LiteralValue};

use super::super::tree::{Kind, Node, Through, ThroughKind};
use super::super::ty::Type;
use super::{Checker, Local, Result};

impl Checker<'_> {
    /// The expansion of a call, if it is one of a macro.
    pub(super) fn expand(&mut self, id: u64, call: &CallExpr) -> Result<Option<Node>> {
        let CallExpr { func_name, target, args } = call;
        let Some(target) = target else {
            if let ("has", [arg]) = (func_name.as_str(), args.as_slice()) {
                let Expr::Select(select) = &arg.expr else {
                    return self.error(arg.id, "has() takes a field: has(x.name)");
                };
                let operand = self.expr(&select.operand)?;
                return self.has(id, operand, &select.field).map(Some);
            }
            return Ok(None);
        };
        if matches!(&target.expr, Expr::Ident(name) if name == "cel") {
            return self.cel_macro(id, func_name, args);
        }
        use ThroughKind::{All, Exists, ExistsOne, Filter, Map, TransformMap, TransformMapEntry};
        let two = |what| (what, true);
        let one = |what| (what, false);
        let (what, has_two) = match (func_name.as_str(), args.len()) {
            ("all", 2) => one(All),
            ("exists", 2) => one(Exists),
            ("exists_one" | "existsOne", 2) => one(ExistsOne),
            ("filter", 2) => one(Filter),
            ("map", 2 | 3) => one(Map),
            ("all", 3) => two(All),
            ("exists", 3) => two(Exists),
            ("exists_one" | "existsOne", 3) => two(ExistsOne),
            ("transformList", 3 | 4) => two(Map),
            ("transformMap", 3 | 4) => two(TransformMap),
            ("transformMapEntry", 3 | 4) => two(TransformMapEntry),
            ("optMap" | "optFlatMap", 2) => {
                return self.opt_map(id, target, args, func_name == "optFlatMap").map(Some);
            }
            _ => return Ok(None),
        };
        self.through(id, target, args, what, has_two).map(Some)
    }

    fn through(
        &mut self,
        id: u64,
        target: &IdedExpr,
        args: &[IdedExpr],
        what: ThroughKind,
        has_two: bool,
    ) -> Result<Node> {
        let input = self.expr(target)?;
        let Some((key, value)) = self.parts_of(&input.ty) else {
            let ty = self.infer.last(&input.ty);
            return self.refuse(id, format!("a list or a map is gone through, not {ty}"));
        };
        let depth = self.locals.len();
        let names = args[..if has_two { 2 } else { 1 }].iter().map(|arg| self.variable(arg));
        let names = names.collect::<Result<Vec<String>>>()?;
        if has_two && names[0] == names[1] {
            return self.error(args[1].id, format!("both variables are called {}", names[0]));
        }
        let (is_list, list_index) = match self.infer.known(&input.ty) {
            Type::List(_) => (true, Type::Int),
            Type::Map(..) => (false, key.clone()),
            _ => (true, Type::Dyn),
        };
        let first = self.slot();
        let second = has_two.then(|| self.slot());
        let first_type = match (has_two, is_list) {
            (true, _) => list_index,
            (false, true) => value.clone(),
            (false, false) => key.clone(),
        };
        self.locals.push(Local { name: names[0].clone(), slot: first, ty: first_type });
        if let Some(slot) = second {
            self.locals.push(Local { name: names[1].clone(), slot, ty: value });
        }
        let rest = &args[names.len()..];
        let (condition, step) = match (what, rest) {
            (ThroughKind::Map | ThroughKind::TransformMap | ThroughKind::TransformMapEntry, [step]) => {
                (None, Some(self.expr(step)?))
            }
            (_, [condition]) => (Some(self.truth(condition)?), None),
            (_, [condition, step]) => (Some(self.truth(condition)?), Some(self.expr(step)?)),
            _ => unreachable!("the counts were looked at"),
        };
        self.locals.truncate(depth);
        let step_type = step.as_ref().map(|step| step.ty.clone());
        let ty = match (what, step_type) {
            (ThroughKind::All | ThroughKind::Exists | ThroughKind::ExistsOne, _) => Type::Bool,
            (ThroughKind::Filter, _) => Type::list(if is_list { self.element(&input.ty) } else { key }),
            (ThroughKind::Map, Some(step)) => Type::list(step),
            (ThroughKind::TransformMap, Some(step)) => Type::map(if is_list { Type::Int } else { key }, step),
            (ThroughKind::TransformMapEntry, Some(step)) => step,
            _ => Type::Dyn,
        };
        let through = Through { what, input, first, second, condition, step };
        Ok(self.node(id, Kind::Through(Box::new(through)), ty))
    }

    fn element(&self, ty: &Type) -> Type {
        match self.infer.known(ty) {
            Type::List(element) => *element,
            _ => Type::Dyn,
        }
    }

    /// Types of keys and values of a map, or of indices and elements of a list.
    fn parts_of(&self, ty: &Type) -> Option<(Type, Type)> {
        match self.infer.known(ty) {
            Type::List(element) => Some((Type::Int, *element)),
            Type::Map(key, value) => Some((*key, *value)),
            Type::Dyn | Type::Var(_) => Some((Type::Dyn, Type::Dyn)),
            _ if self.lenient => Some((Type::Dyn, Type::Dyn)),
            _ => None,
        }
    }

    /// The name of a variable of a macro.
    fn variable(&self, arg: &IdedExpr) -> Result<String> {
        match &arg.expr {
            Expr::Ident(name) if !name.starts_with('.') => Ok(name.clone()),
            Expr::Call(call) if is_cel(call) && call.func_name == "iterVar" => index_name("@it", call)
                .map_or_else(|| self.error(arg.id, "cel.iterVar() takes two numbers"), Ok),
            _ => self.error(arg.id, "the variable of a macro is a simple name"),
        }
    }

    fn opt_map(&mut self, id: u64, target: &IdedExpr, args: &[IdedExpr], flat: bool) -> Result<Node> {
        let input = self.expr(target)?;
        let inner = self.inside(target.id, &input.ty)?;
        let name = self.variable(&args[0])?;
        let slot = self.slot();
        self.locals.push(Local { name, slot, ty: inner });
        let body = self.expr(&args[1]);
        self.locals.pop();
        let body = body?;
        let ty = if flat {
            Type::optional(self.inside(args[1].id, &body.ty)?)
        } else {
            Type::optional(body.ty.clone())
        };
        let kind = Kind::OptionalMap { input: Box::new(input), slot, body: Box::new(body), flat };
        Ok(self.node(id, kind, ty))
    }

    /// Macros of the name space `cel`.
    fn cel_macro(&mut self, id: u64, name: &str, args: &[IdedExpr]) -> Result<Option<Node>> {
        match (name, args) {
            ("bind", [variable, value, body]) => {
                let name = self.variable(variable)?;
                let value = self.expr(value)?;
                let slot = self.slot();
                self.locals.push(Local { name, slot, ty: value.ty.clone() });
                let body = self.expr(body);
                self.locals.pop();
                let body = body?;
                let ty = body.ty.clone();
                Ok(Some(self.node(id, Kind::Bind(slot, Box::new(value), Box::new(body)), ty)))
            }
            ("block", [parts, body]) => {
                let Expr::List(list) = &parts.expr else {
                    return self.error(parts.id, "the first argument of cel.block() is a list");
                };
                let depth = self.locals.len();
                let mut out = Vec::new();
                for (at, part) in list.elements.iter().enumerate() {
                    let node = self.expr(part)?;
                    let slot = self.slot();
                    self.locals.push(Local { name: format!("@index{at}"), slot, ty: node.ty.clone() });
                    out.push((slot, node));
                }
                let body = self.expr(body);
                self.locals.truncate(depth);
                let body = body?;
                let ty = body.ty.clone();
                Ok(Some(self.node(id, Kind::Block(out, Box::new(body)), ty)))
            }
            ("index" | "iterVar" | "accuVar", _) => {
                let call = CallExpr { func_name: name.to_owned(), target: None, args: args.to_vec() };
                let prefix = match name {
                    "index" => "@index",
                    "iterVar" => "@it",
                    _ => "@ac",
                };
                let local = index_name(prefix, &call)
                    .and_then(|name| self.locals.iter().rev().find(|local| local.name == name).cloned());
                match local {
                    Some(local) => Ok(Some(self.node(id, Kind::Local(local.slot), local.ty))),
                    None => self.error(id, format!("cel.{name}() names nothing here")),
                }
            }
            _ => Ok(None),
        }
    }
}

fn is_cel(call: &CallExpr) -> bool {
    call.target.as_ref().is_some_and(|target| matches!(&target.expr, Expr::Ident(name) if name == "cel"))
}

/// The name of what numbers stand for.
fn index_name(prefix: &str, call: &CallExpr) -> Option<String> {
    let number = |arg: &IdedExpr| match &arg.expr {
        Expr::Literal(LiteralValue::Int(value)) => Some(value.inner().to_string()),
        _ => None,
    };
    let numbers = call.args.iter().map(number).collect::<Option<Vec<String>>>()?;
    (!numbers.is_empty()).then(|| format!("{prefix}{}", numbers.join("_")))
}
