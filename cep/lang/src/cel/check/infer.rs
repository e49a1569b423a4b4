//! Types that are found out on the way.
//!
//! As in cel-go: a variable stands for one type once something was assigned to it; `dyn` takes and gives
//! everything.

use std::collections::BTreeMap;

use super::super::ty::Type;

/// What is known of the variables.
#[derive(Debug, Clone, Default)]
pub(super) struct Infer {
    known: BTreeMap<u32, Type>,
    next: u32,
    /// Variables are names of the scope: `null` says nothing about them, nor does a choice of overloads.
    learns: bool,
}

impl Infer {
    /// A new variable.
    pub(super) fn fresh(&mut self) -> Type {
        self.next += 1;
        Type::Var(self.next - 1)
    }

    /// From now on variables learn only what is certain.
    pub(super) fn learn(&mut self) {
        self.learns = true;
    }

    /// Whether variables learn only what is certain.
    pub(super) fn learns(&self) -> bool {
        self.learns
    }

    /// A type with new variables for its parameters.
    pub(super) fn open(ty: &Type, params: &[Type]) -> Type {
        match ty {
            Type::Param(at) => params[usize::from(*at)].clone(),
            other => other.with_parts(|part| Infer::open(part, params)),
        }
    }

    /// The type as far as it is known.
    pub(super) fn known(&self, ty: &Type) -> Type {
        match ty {
            Type::Var(at) => match self.known.get(at) {
                Some(known) => self.known(known),
                None => ty.clone(),
            },
            other => other.with_parts(|part| self.known(part)),
        }
    }

    /// The type, what nobody knows being `dyn`.
    pub(super) fn last(&self, ty: &Type) -> Type {
        match self.known(ty) {
            Type::Var(_) => Type::Dyn,
            other => other.with_parts(|part| self.last(part)),
        }
    }

    fn occurs(&self, at: u32, ty: &Type) -> bool {
        match self.known(ty) {
            Type::Var(other) => other == at,
            other => other.parts().into_iter().any(|part| self.occurs(at, part)),
        }
    }

    /// Whether a value of type `from` can stand where `to` is wanted; variables learn from it.
    pub(super) fn assign(&mut self, to: &Type, from: &Type) -> bool {
        let (to, from) = (self.known(to), self.known(from));
        if to == from {
            return true;
        }
        match (&to, &from) {
            (Type::Var(_), Type::Null) | (Type::Null, Type::Var(_)) if self.learns => true,
            (Type::Var(at), _) => {
                if self.occurs(*at, &from) {
                    return false;
                }
                self.known.insert(*at, from);
                true
            }
            (_, Type::Var(at)) => {
                if self.occurs(*at, &to) {
                    return false;
                }
                self.known.insert(*at, to);
                true
            }
            (Type::Dyn, _) | (_, Type::Dyn) => true,
            (Type::Null, Type::Timestamp | Type::Duration | Type::Optional(_) | Type::Record(_))
            | (Type::Timestamp | Type::Duration | Type::Optional(_) | Type::Record(_), Type::Null) => true,
            (Type::Type(_), Type::Type(_)) => true,
            (Type::List(a), Type::List(b)) | (Type::Optional(a), Type::Optional(b)) => self.assign(a, b),
            (Type::Map(k, v), Type::Map(l, w)) => self.assign(k, l) && self.assign(v, w),
            _ => false,
        }
    }

    /// Whether all fit; nothing is learnt if one does not.
    pub(super) fn assign_all(&mut self, to: &[Type], from: &[Type]) -> bool {
        let before = self.known.clone();
        let fits = to.len() == from.len() && to.iter().zip(from).all(|(to, from)| self.assign(to, from));
        if !fits {
            self.known = before;
        }
        fits
    }

    /// What is known, to be put back.
    pub(super) fn snapshot(&self) -> BTreeMap<u32, Type> {
        self.known.clone()
    }

    /// Puts back what was known.
    pub(super) fn restore(&mut self, known: BTreeMap<u32, Type>) {
        self.known = known;
    }

    /// The type of elements of which one was of type `before` and the next is of type `next`.
    pub(super) fn join(&mut self, before: Option<Type>, next: &Type) -> Type {
        let Some(before) = before else { return next.clone() };
        let known = self.snapshot();
        if self.assign(&before, next) {
            return if self.is_wider(next, &before) { next.clone() } else { before };
        }
        self.restore(known);
        Type::Dyn
    }

    /// Whether `a` says less than `b`.
    fn is_wider(&self, a: &Type, b: &Type) -> bool {
        match (self.known(a), self.known(b)) {
            (Type::Dyn, other) => other != Type::Dyn,
            (other, Type::Null) => other != Type::Null,
            (Type::List(a), Type::List(b)) | (Type::Optional(a), Type::Optional(b)) => self.is_wider(&a, &b),
            (Type::Map(k, v), Type::Map(l, w)) => {
                (self.is_wider(&k, &l) || self.known(&k) == self.known(&l)) && self.is_wider(&v, &w)
                    || self.is_wider(&k, &l)
            }
            _ => false,
        }
    }
}
