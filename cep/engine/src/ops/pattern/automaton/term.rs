//! What is left of a pattern, as interned terms: how they are made, reached and begun again.
//!
//! A state of the automaton is a term; `derive` says what a row, or time, makes of it.

use std::collections::BTreeMap;
use std::rc::Rc;

use cep_lang::plan::Matching;

use super::derive::{Again, Item, TooLarge, too_large};
use super::parts::{Kind, PartId, Parts};

/// Index of a term.
pub type TermId = u32;

/// What is left to be matched.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Term {
    /// Nothing.
    Empty,
    /// It cannot be matched any more.
    Dead,
    /// A part that has not begun.
    Part(PartId),
    /// One, then the other.
    Then(TermId, TermId),
    /// So many repetitions more.
    Loop(PartId, u32, Option<u32>),
    /// These of a permutation, by place.
    Orders(PartId, Vec<u16>),
    /// All of them.
    And(PartId, Vec<TermId>),
    /// The one that is complete first; whether a row was taken.
    Or(PartId, Vec<TermId>, bool),
    /// The body of an EVERY; whether a row was taken.
    Every(PartId, TermId, bool),
    /// A part with bounds; whether a row was taken.
    Bounded(PartId, TermId, bool),
    /// An absence under way.
    Wait(PartId),
}

/// All terms of a pattern.
pub struct Terms<'p> {
    /// The pattern.
    pub parts: &'p Parts,
    pub(super) matching: Matching,
    terms: Vec<Term>,
    ids: BTreeMap<Term, TermId>,
    pub(super) items: BTreeMap<TermId, Rc<Vec<Item>>>,
    /// Steps of deriving so far, against patterns that explode.
    pub(super) work: usize,
}

impl<'p> Terms<'p> {
    /// No terms yet.
    pub fn new(parts: &'p Parts, matching: Matching) -> Self {
        let mut terms = Terms {
            parts,
            matching,
            terms: Vec::new(),
            ids: BTreeMap::new(),
            items: BTreeMap::new(),
            work: 0,
        };
        terms.intern(Term::Empty);
        terms
    }

    /// The term with number `id`.
    pub fn get(&self, id: TermId) -> &Term {
        &self.terms[id as usize]
    }

    pub(super) fn intern(&mut self, term: Term) -> TermId {
        if let Some(&id) = self.ids.get(&term) {
            return id;
        }
        let id = self.terms.len() as TermId;
        self.terms.push(term.clone());
        self.ids.insert(term, id);
        id
    }

    pub(super) fn part(&mut self, part: PartId) -> TermId {
        match self.parts.kind(part) {
            Kind::Empty => EMPTY,
            _ => self.intern(Term::Part(part)),
        }
    }

    /// The whole pattern.
    pub fn whole(&mut self) -> TermId {
        self.part(self.parts.root)
    }

    pub(super) fn then(&mut self, first: TermId, rest: TermId) -> TermId {
        match (self.get(first), self.get(rest)) {
            (Term::Empty, _) => rest,
            (_, Term::Empty) => first,
            _ => self.intern(Term::Then(first, rest)),
        }
    }

    pub(super) fn repeat(&mut self, part: PartId, min: u32, max: Option<u32>) -> TermId {
        if max == Some(0) { EMPTY } else { self.intern(Term::Loop(part, min, max)) }
    }

    pub(super) fn and(&mut self, part: PartId, branches: Vec<TermId>) -> TermId {
        let is_open = |&b: &TermId| match self.get(b) {
            Term::Empty => false,
            Term::Part(p) => !matches!(self.parts.kind(*p), Kind::Never(_)),
            _ => true,
        };
        if branches.iter().any(is_open) { self.intern(Term::And(part, branches)) } else { EMPTY }
    }

    /// The term of a part that has begun, one level deep.
    pub(super) fn opened(&mut self, part: PartId) -> Option<TermId> {
        Some(match self.parts.kind(part).clone() {
            Kind::Then(list) => {
                let mut rest = EMPTY;
                for &p in list.iter().rev() {
                    let first = self.part(p);
                    rest = self.then(first, rest);
                }
                rest
            }
            Kind::And(list) => {
                let branches = list.iter().map(|&p| self.part(p)).collect();
                self.and(part, branches)
            }
            Kind::Or(list) if self.matching == Matching::Followed => {
                let branches = list.iter().map(|&p| self.part(p)).collect();
                self.intern(Term::Or(part, branches, false))
            }
            Kind::Permute(list) => self.intern(Term::Orders(part, (0..list.len() as u16).collect())),
            Kind::Repeat { min, max, .. } => self.repeat(part, min, max),
            Kind::Every(body) => {
                let body = self.part(body);
                self.intern(Term::Every(part, body, false))
            }
            Kind::Bounded(body) => {
                let body = self.part(body);
                self.intern(Term::Bounded(part, body, false))
            }
            Kind::Leaf(_)
            | Kind::Wait(_)
            | Kind::Never(_)
            | Kind::Or(_)
            | Kind::Start
            | Kind::End
            | Kind::Empty => {
                return None;
            }
        })
    }

    /// A part with bounds in which EVERY begins again: where all its rows were given back, it has not
    /// begun.
    pub(super) fn bounded_again(&mut self, part: PartId, body: TermId, begun: bool) -> TermId {
        let Kind::Bounded(inner) = *self.parts.kind(part) else { unreachable!("bounds are of a part") };
        let begun = begun && !self.is_initial(inner, body);
        self.bounded(part, body, begun)
    }

    /// A term that EVERY begins again; the whole pattern if it is all of it.
    pub fn begun_again(&mut self, term: TermId) -> TermId {
        if self.is_initial(self.parts.root, term) { self.whole() } else { term }
    }

    /// A term of which no row was taken.
    pub fn without_rows(&mut self, term: TermId) -> TermId {
        match self.get(term).clone() {
            Term::Then(first, rest) => {
                let first = self.without_rows(first);
                self.then(first, rest)
            }
            Term::And(part, branches) => {
                let branches = branches.iter().map(|&b| self.without_rows(b)).collect();
                self.and(part, branches)
            }
            Term::Or(part, branches, _) => {
                let branches = branches.iter().map(|&b| self.without_rows(b)).collect();
                self.intern(Term::Or(part, branches, false))
            }
            Term::Every(part, body, _) => {
                let body = self.without_rows(body);
                self.intern(Term::Every(part, body, false))
            }
            Term::Bounded(part, body, _) => {
                let body = self.without_rows(body);
                self.bounded(part, body, false)
            }
            Term::Empty | Term::Dead | Term::Part(_) | Term::Loop(..) | Term::Orders(..) | Term::Wait(_) => {
                term
            }
        }
    }

    /// Whether a term is all of a part.
    fn is_initial(&mut self, part: PartId, term: TermId) -> bool {
        if term == self.part(part) {
            return true;
        }
        let Some(opened) = self.opened(part) else { return false };
        if opened == term {
            return true;
        }
        match (self.parts.kind(part).clone(), self.get(term).clone(), self.get(opened).clone()) {
            (Kind::Then(list), Term::Then(first, rest), Term::Then(_, all)) => {
                rest == all && self.is_initial(list[0], first)
            }
            (Kind::And(list), Term::And(_, branches), _)
            | (Kind::Or(list), Term::Or(_, branches, false), _) => {
                list.iter().zip(branches).all(|(&p, t)| self.is_initial(p, t))
            }
            (Kind::Every(body), Term::Every(_, term, false), _)
            | (Kind::Bounded(body), Term::Bounded(_, term, false), _) => self.is_initial(body, term),
            _ => false,
        }
    }

    pub(super) fn bounded(&mut self, part: PartId, body: TermId, begun: bool) -> TermId {
        if body == EMPTY { EMPTY } else { self.intern(Term::Bounded(part, body, begun)) }
    }

    /// The term once it is reached: absences it begins with are under way.
    ///
    /// # Errors
    /// If it is too large, or begins with an absence that cannot be.
    pub fn reached(&mut self, term: TermId) -> Result<TermId, String> {
        let too_large = |TooLarge| too_large();
        Ok(match self.get(term).clone() {
            Term::Part(part) if self.parts.begins_with_wait(part) => {
                if let Kind::Wait(_) = self.parts.kind(part) {
                    return Ok(self.intern(Term::Wait(part)));
                }
                if matches!(self.parts.kind(part), Kind::Or(_)) && self.matching == Matching::Contiguous {
                    return Err(NO_ABSENCE_HERE.into());
                }
                let opened = self.opened(part).ok_or(NO_ABSENCE_HERE)?;
                self.reached(opened)?
            }
            Term::Then(first, rest) => {
                let first = self.reached(first)?;
                let is_past = self.is_complete(first).map_err(too_large)?;
                let rest = if is_past { self.reached(rest)? } else { rest };
                self.then(first, rest)
            }
            Term::And(part, branches) => {
                let branches = branches.iter().map(|&b| self.reached(b)).collect::<Result<_, _>>()?;
                self.and(part, branches)
            }
            Term::Or(part, branches, begun) => {
                let branches = branches.iter().map(|&b| self.reached(b)).collect::<Result<_, _>>()?;
                self.intern(Term::Or(part, branches, begun))
            }
            Term::Every(part, body, begun) => {
                let body = self.reached(body)?;
                self.intern(Term::Every(part, body, begun))
            }
            Term::Bounded(part, body, begun) => {
                let body = self.reached(body)?;
                self.bounded(part, body, begun)
            }
            Term::Loop(part, min, max) => {
                let Kind::Repeat { body, .. } = *self.parts.kind(part) else {
                    unreachable!("a loop is a repetition")
                };
                if !self.parts.begins_with_wait(body) {
                    return Ok(term);
                }
                if min == 0 || self.parts.may_be_empty(body) {
                    return Err(NO_ABSENCE_HERE.into());
                }
                let rest = self.repeat(part, min - 1, max.map(|m| m - 1));
                let first = self.part(body);
                let first = self.reached(first)?;
                self.then(first, rest)
            }
            Term::Orders(part, _) if self.parts.begins_with_wait(part) => return Err(NO_ABSENCE_HERE.into()),
            Term::Empty | Term::Dead | Term::Part(_) | Term::Orders(..) | Term::Wait(_) => term,
        })
    }

    /// The term before it was reached.
    pub(super) fn disarmed(&mut self, term: TermId) -> TermId {
        match self.get(term).clone() {
            Term::Wait(part) => self.part(part),
            Term::Then(first, rest) => {
                let (first, rest) = (self.disarmed(first), self.disarmed(rest));
                self.then(first, rest)
            }
            Term::And(part, branches) => {
                let branches = branches.iter().map(|&b| self.disarmed(b)).collect();
                self.and(part, branches)
            }
            Term::Or(part, branches, begun) => {
                let branches = branches.iter().map(|&b| self.disarmed(b)).collect();
                self.intern(Term::Or(part, branches, begun))
            }
            Term::Every(part, body, begun) => {
                let body = self.disarmed(body);
                self.intern(Term::Every(part, body, begun))
            }
            Term::Bounded(part, body, begun) => {
                let body = self.disarmed(body);
                self.bounded(part, body, begun)
            }
            Term::Empty | Term::Dead | Term::Part(_) | Term::Orders(..) | Term::Loop(..) => term,
        }
    }

    /// What begins again when the match fails: the innermost EVERY under way.
    pub fn again(&mut self, term: TermId) -> Option<Again> {
        let wrap = |s: &mut Self, again: Option<Again>, f: &dyn Fn(&mut Self, TermId) -> TermId| {
            again.map(|a| Again { term: f(s, a.term), rollback: a.rollback })
        };
        match self.get(term).clone() {
            Term::Then(first, rest) => {
                let again = self.again(first);
                wrap(self, again, &|s, t| s.then(t, rest))
            }
            Term::And(part, branches) => (0..branches.len()).find_map(|at| {
                let again = self.again(branches[at]);
                wrap(self, again, &|s, t| {
                    let mut branches = branches.clone();
                    branches[at] = t;
                    s.and(part, branches)
                })
            }),
            Term::Or(part, branches, begun) => (0..branches.len()).find_map(|at| {
                let again = self.again(branches[at]);
                wrap(self, again, &|s, t| {
                    let mut branches = branches.clone();
                    branches[at] = t;
                    s.intern(Term::Or(part, branches, begun))
                })
            }),
            Term::Bounded(part, body, begun) => {
                let again = self.again(body);
                wrap(self, again, &|s, t| s.bounded_again(part, t, begun))
            }
            Term::Every(part, body, begun) => {
                let inner = self.again(body);
                let inner = wrap(self, inner, &|s, t| s.intern(Term::Every(part, t, begun)));
                inner.or_else(|| {
                    let term = self.part(part);
                    Some(Again { term, rollback: begun.then_some(part) })
                })
            }
            Term::Empty | Term::Dead | Term::Part(_) | Term::Loop(..) | Term::Orders(..) | Term::Wait(_) => {
                None
            }
        }
    }

    /// Calls `each` with every part of the term that is under way.
    pub fn under_way(&self, term: TermId, each: &mut dyn FnMut(PartId)) {
        match self.get(term) {
            Term::Empty | Term::Dead | Term::Part(_) | Term::Loop(..) | Term::Orders(..) => {}
            Term::Then(first, rest) => {
                self.under_way(*first, each);
                self.under_way(*rest, each);
            }
            Term::And(_, branches) => branches.iter().for_each(|&b| self.under_way(b, each)),
            Term::Or(part, branches, begun) => {
                if *begun {
                    each(*part);
                }
                branches.iter().for_each(|&b| self.under_way(b, each));
            }
            Term::Every(part, body, begun) | Term::Bounded(part, body, begun) => {
                if *begun {
                    each(*part);
                }
                self.under_way(*body, each);
            }
            Term::Wait(part) => each(*part),
        }
    }

    /// The EVERY that the term is in, begun or not.
    pub fn in_every(&self, term: TermId, each: &mut dyn FnMut(PartId)) {
        match self.get(term) {
            Term::Then(first, _) => self.in_every(*first, each),
            Term::And(_, branches) | Term::Or(_, branches, _) => {
                branches.iter().for_each(|&b| self.in_every(b, each));
            }
            Term::Every(part, body, _) => {
                each(*part);
                self.in_every(*body, each);
            }
            Term::Bounded(_, body, _) => self.in_every(*body, each),
            Term::Empty | Term::Dead | Term::Part(_) | Term::Loop(..) | Term::Orders(..) | Term::Wait(_) => {}
        }
    }
}

/// Nothing is left.
pub const EMPTY: TermId = 0;

const NO_ABSENCE_HERE: &str =
    "NOT … FOR begins a part that may be left out or has no fixed place; put a row before it";
