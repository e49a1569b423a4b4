//! Functions and operators: which of their signatures fit.

use cel::common::ast::{CallExpr, Expr, IdedExpr, LiteralValue};

use super::super::signatures::{Signature, names, signatures};
use super::super::tree::{Kind, Node};
use super::super::ty::Type;
use super::infer::Infer;
use super::name::segments;
use super::{Checker, Result};

/// Type parameters of a signature at most.
const PARAMS_MAX: usize = 2;

impl Checker<'_> {
    pub(super) fn call(&mut self, id: u64, call: &CallExpr) -> Result<Node> {
        let CallExpr { func_name, target, args } = call;
        if let Some(node) = self.expand(id, call)? {
            return Ok(node);
        }
        match (func_name.as_str(), args.as_slice()) {
            ("_&&_", [a, b]) => {
                let (a, b) = (self.truth(a)?, self.truth(b)?);
                return Ok(self.node(id, Kind::And(Box::new(a), Box::new(b)), Type::Bool));
            }
            ("_||_", [a, b]) => {
                let (a, b) = (self.truth(a)?, self.truth(b)?);
                return Ok(self.node(id, Kind::Or(Box::new(a), Box::new(b)), Type::Bool));
            }
            ("_?_:_", [condition, a, b]) => {
                let condition = self.truth(condition)?;
                let (a, b) = (self.expr(a)?, self.expr(b)?);
                let before = self.infer.snapshot();
                let same = self.infer.assign(&a.ty, &b.ty);
                let ty = if same {
                    self.infer.join(Some(a.ty.clone()), &b.ty)
                } else {
                    self.infer.restore(before);
                    if !self.lenient {
                        let (a, b) = (self.infer.last(&a.ty), self.infer.last(&b.ty));
                        return self.error(
                            id,
                            format!("one branch is {a}, the other {b}; write dyn(…) around both"),
                        );
                    }
                    Type::Dyn
                };
                let kind = Kind::Conditional(Box::new(condition), Box::new(a), Box::new(b));
                return Ok(self.node(id, kind, ty));
            }
            ("_?._", [operand, field]) => {
                let operand = self.expr(operand)?;
                let Expr::Literal(LiteralValue::String(field)) = &field.expr else {
                    return self.error(id, "a field behind .? is a name");
                };
                return self.optional_select(id, operand, field.inner());
            }
            _ => {}
        }
        if let Some(target) = target {
            if let Some(node) = self.qualified(id, target, func_name, args)? {
                return Ok(node);
            }
            let mut nodes = vec![self.expr(target)?];
            for arg in args {
                nodes.push(self.expr(arg)?);
            }
            return self.overload(id, func_name, true, nodes);
        }
        if matches!(func_name.as_str(), "min" | "max") {
            return self.extreme(id, func_name == "max", args);
        }
        let nodes = args.iter().map(|arg| self.expr(arg)).collect::<Result<Vec<_>>>()?;
        self.overload(id, func_name, false, nodes)
    }

    /// A condition.
    pub(super) fn truth(&mut self, expr: &IdedExpr) -> Result<Node> {
        let node = self.expr(expr)?;
        if !self.infer.assign(&Type::Bool, &node.ty) && !self.lenient {
            return self.error(expr.id, format!("a condition is bool, not {}", self.infer.last(&node.ty)));
        }
        Ok(node)
    }

    /// A function with a qualified name, such as `math.abs(x)`, unless its first part is a variable.
    fn qualified(
        &mut self,
        id: u64,
        target: &IdedExpr,
        name: &str,
        args: &[IdedExpr],
    ) -> Result<Option<Node>> {
        let Some(names) = segments(target) else { return Ok(None) };
        if self.locals.iter().any(|local| local.name == names[0]) {
            return Ok(None);
        }
        let full = format!("{}.{name}", names.join("."));
        if full == "math.greatest" || full == "math.least" {
            return self.extreme(id, full == "math.greatest", args).map(Some);
        }
        let Some(found) = self.candidates(&full).find(|name| signatures(name).is_some()) else {
            return Ok(None);
        };
        let nodes = args.iter().map(|arg| self.expr(arg)).collect::<Result<Vec<_>>>()?;
        self.overload(id, &found, false, nodes).map(Some)
    }

    /// `math.greatest(…)`: numbers, or one list of numbers.
    fn extreme(&mut self, id: u64, greatest: bool, args: &[IdedExpr]) -> Result<Node> {
        let nodes = args.iter().map(|arg| self.expr(arg)).collect::<Result<Vec<_>>>()?;
        let types: Vec<Type> = nodes.iter().map(|node| self.infer.known(&node.ty)).collect();
        let numbers = match types.as_slice() {
            [] => return self.refuse(id, "give it numbers"),
            [Type::List(element)] => vec![self.infer.known(element)],
            other => other.to_vec(),
        };
        let is_number =
            |ty: &Type| matches!(ty, Type::Int | Type::Uint | Type::Double | Type::Dyn | Type::Var(_));
        if let Some(wrong) = numbers.iter().find(|ty| !is_number(ty)) {
            return self.refuse(id, format!("it takes numbers, not {wrong}"));
        }
        let same = numbers.iter().all(|ty| *ty == numbers[0]);
        let ty = if same { numbers[0].clone() } else { Type::Dyn };
        Ok(self.node(id, Kind::Extreme(greatest, nodes), ty))
    }

    /// The signatures that fit the arguments.
    fn overload(&mut self, id: u64, name: &str, member: bool, args: Vec<Node>) -> Result<Node> {
        let found = self.candidates(name).find_map(|name| Some((name.clone(), signatures(&name)?)));
        let Some((name, all)) = found else {
            return self.refuse(id, format!("there is no function {name}"));
        };
        let name = names().find(|known| *known == name).expect("it has signatures");
        let types: Vec<Type> = args.iter().map(|arg| arg.ty.clone()).collect();
        let before = self.infer.snapshot();
        let (mut result, mut learnt) = (None, None);
        let alike = self.infer.learns().then(|| self.alike(all, member, &types));
        for signature in all.iter().filter(|signature| signature.member == member) {
            let Some(ty) = self.fits(signature, &types) else { continue };
            if let Some(alike) = alike
                && alike.is_none_or(|alike| alike != signature)
            {
                // Which one is meant is not certain: its result is, or nothing.
                self.infer.restore(before.clone());
                if alike.is_none() {
                    result = Some(match result.take() {
                        Some(other) if other != ty => Type::Dyn,
                        _ => ty,
                    });
                }
                continue;
            }
            result = Some(match result.take() {
                None => {
                    learnt = Some(self.infer.snapshot());
                    ty
                }
                Some(other) if self.infer.known(&other) == self.infer.known(&ty) => other,
                Some(_) => Type::Dyn,
            });
            self.infer.restore(before.clone());
        }
        let Some(ty) = result else {
            let takes = |s: &Signature| s.member == member && s.params.len() == types.len();
            if self.lenient && all.iter().any(takes) {
                return Ok(self.node(id, Kind::Call(name, args), Type::Dyn));
            }
            let given: Vec<String> = types.iter().map(|ty| self.infer.last(ty).to_string()).collect();
            let text = format!("{} does not take ({})", shown(name), given.join(", "));
            return self.refuse(id, text);
        };
        if let Some(learnt) = learnt {
            self.infer.restore(learnt);
        }
        Ok(self.node(id, Kind::Call(name, args), ty))
    }

    /// While types are found out: the only signature that fits, or the only one whose parameters are all of one type
    /// that an argument is known to have.
    fn alike<'s>(&mut self, all: &'s [Signature], member: bool, types: &[Type]) -> Option<&'s Signature> {
        let before = self.infer.snapshot();
        let mut fitting = Vec::new();
        for signature in all.iter().filter(|signature| signature.member == member) {
            if self.fits(signature, types).is_some() {
                fitting.push(signature);
            }
            self.infer.restore(before.clone());
        }
        if let [only] = fitting.as_slice() {
            return Some(only);
        }
        let known =
            types.iter().map(|ty| self.infer.known(ty)).find(|ty| !matches!(ty, Type::Var(_) | Type::Dyn))?;
        fitting.retain(|signature| signature.params.iter().all(|param| *param == known));
        match fitting.as_slice() {
            [only] => Some(only),
            _ => None,
        }
    }

    fn fits(&mut self, signature: &Signature, args: &[Type]) -> Option<Type> {
        let params: Vec<Type> = (0..PARAMS_MAX).map(|_| self.infer.fresh()).collect();
        let wanted: Vec<Type> = signature.params.iter().map(|ty| Infer::open(ty, &params)).collect();
        self.infer.assign_all(&wanted, args).then(|| {
            let result = Infer::open(&signature.result, &params);
            self.infer.known(&result)
        })
    }
}

/// A function as it is written.
fn shown(name: &str) -> String {
    match name {
        "@in" => "in".to_owned(),
        "_[_]" | "_[?_]" => "[…]".to_owned(),
        operator if operator.contains('_') && !operator.contains(char::is_alphabetic) => {
            operator.replace('_', "")
        }
        other => format!("{other}()"),
    }
}
