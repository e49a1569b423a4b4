//! What is left of a pattern, as interned terms; and what a row, or time, makes of it.
//!
//! A state of the automaton is a term. Its *items* are the partial derivatives of the term
//! (Antimirov, "Partial derivatives of regular expressions", 1996) in order of preference, with
//! interleaving for AND and with what EVERY begins again.

use std::collections::BTreeMap;
use std::rc::Rc;

use cep_lang::plan::Matching;

use super::parts::{Kind, LeafId, PartId, Parts};

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

/// What may happen to a term.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Event {
    /// A row is taken.
    Take(LeafId),
    /// Nothing more is needed.
    Accept,
    /// A row that had to be absent comes.
    Fall(LeafId),
    /// An absence is over.
    Time(PartId),
    /// A bound is passed.
    Expire(PartId),
}

/// EVERY begins again.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Again {
    /// What is left there.
    pub term: TermId,
    /// Rows of this part are given back: the instance had begun earlier.
    pub rollback: Option<PartId>,
}

/// Rows that count no more: those taken since an OR began, of all of a part but one branch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Loss {
    /// The OR.
    pub or: PartId,
    /// The part.
    pub of: PartId,
    /// Its branch that is kept.
    pub but: Option<PartId>,
}

/// Something that may happen, and what it comes to.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Item {
    /// What.
    pub event: Event,
    /// What is left then; `None`: the match fails.
    pub next: Option<TermId>,
    /// Only before the first row of the partition.
    pub at_start: bool,
    /// Only at the end of input.
    pub at_end: bool,
    /// Rows that fit one of these are not taken.
    pub unless: Vec<LeafId>,
    /// Parts that begin with this row.
    pub begins: Vec<PartId>,
    /// Parts with bounds that the row must lie in.
    pub inside: Vec<PartId>,
    /// The EVERY that are complete with it.
    pub every: Vec<PartId>,
    /// What begins again.
    pub again: Vec<Again>,
    /// Rows that count no more.
    pub losses: Vec<Loss>,
}

impl Item {
    fn new(event: Event, next: Option<TermId>) -> Self {
        Item {
            event,
            next,
            at_start: false,
            at_end: false,
            unless: Vec::new(),
            begins: Vec::new(),
            inside: Vec::new(),
            every: Vec::new(),
            again: Vec::new(),
            losses: Vec::new(),
        }
    }
}

/// All terms of a pattern.
pub struct Terms<'p> {
    /// The pattern.
    pub parts: &'p Parts,
    matching: Matching,
    terms: Vec<Term>,
    ids: BTreeMap<Term, TermId>,
    items: BTreeMap<TermId, Rc<Vec<Item>>>,
    /// Steps of deriving so far, against patterns that explode.
    work: usize,
}

/// Items derived at most, those on the way included.
const WORK_MAX: usize = 4_000_000;

/// A pattern has too many states.
#[derive(Debug)]
pub struct TooLarge;

type Derived<T> = Result<T, TooLarge>;

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

    fn intern(&mut self, term: Term) -> TermId {
        if let Some(&id) = self.ids.get(&term) {
            return id;
        }
        let id = self.terms.len() as TermId;
        self.terms.push(term.clone());
        self.ids.insert(term, id);
        id
    }

    fn part(&mut self, part: PartId) -> TermId {
        match self.parts.kind(part) {
            Kind::Empty => EMPTY,
            _ => self.intern(Term::Part(part)),
        }
    }

    /// The whole pattern.
    pub fn whole(&mut self) -> TermId {
        self.part(self.parts.root)
    }

    fn then(&mut self, first: TermId, rest: TermId) -> TermId {
        match (self.get(first), self.get(rest)) {
            (Term::Empty, _) => rest,
            (_, Term::Empty) => first,
            _ => self.intern(Term::Then(first, rest)),
        }
    }

    fn repeat(&mut self, part: PartId, min: u32, max: Option<u32>) -> TermId {
        if max == Some(0) { EMPTY } else { self.intern(Term::Loop(part, min, max)) }
    }

    fn and(&mut self, part: PartId, branches: Vec<TermId>) -> TermId {
        let is_open = |&b: &TermId| match self.get(b) {
            Term::Empty => false,
            Term::Part(p) => !matches!(self.parts.kind(*p), Kind::Never(_)),
            _ => true,
        };
        if branches.iter().any(is_open) { self.intern(Term::And(part, branches)) } else { EMPTY }
    }

    /// The term of a part that has begun, one level deep.
    fn opened(&mut self, part: PartId) -> Option<TermId> {
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

    /// Whether nothing more is needed, whatever comes.
    pub fn is_complete(&mut self, term: TermId) -> Derived<bool> {
        Ok(self.items(term)?.iter().any(|i| i.event == Event::Accept && !i.at_start && !i.at_end))
    }

    /// What may happen to a term, the preferred first.
    pub fn items(&mut self, term: TermId) -> Derived<Rc<Vec<Item>>> {
        if let Some(known) = self.items.get(&term) {
            return Ok(Rc::clone(known));
        }
        let mut items = self.derive(term)?;
        self.work += items.len() + 1;
        if self.work > WORK_MAX {
            return Err(TooLarge);
        }
        // What is the same but less preferred never comes to bear.
        let mut seen = std::collections::BTreeSet::new();
        items.retain(|item| seen.insert(item.clone()));
        let items = Rc::new(items);
        self.items.insert(term, Rc::clone(&items));
        Ok(items)
    }

    fn derive(&mut self, term: TermId) -> Derived<Vec<Item>> {
        match self.get(term).clone() {
            Term::Empty => Ok(vec![Item::new(Event::Accept, None)]),
            Term::Dead => Ok(Vec::new()),
            Term::Part(part) => self.derive_part(part),
            Term::Then(first, rest) => self.derive_then(first, rest),
            Term::Loop(part, min, max) => self.derive_loop(part, min, max),
            Term::Orders(part, left) => self.derive_orders(part, &left),
            Term::And(part, branches) => self.derive_and(part, &branches),
            Term::Or(part, branches, begun) => self.derive_or(part, &branches, begun),
            Term::Every(part, body, begun) => self.derive_every(part, body, begun),
            Term::Bounded(part, body, begun) => self.derive_bounded(part, body, begun),
            Term::Wait(part) => {
                let Kind::Wait(leaf) = *self.parts.kind(part) else { unreachable!("a wait is an absence") };
                Ok(vec![Item::new(Event::Fall(leaf), None), Item::new(Event::Time(part), Some(EMPTY))])
            }
        }
    }

    fn derive_part(&mut self, part: PartId) -> Derived<Vec<Item>> {
        if let Some(opened) = self.opened(part) {
            return Ok(self.items(opened)?.to_vec());
        }
        Ok(match self.parts.kind(part).clone() {
            Kind::Leaf(leaf) => vec![Item::new(Event::Take(leaf), Some(EMPTY))],
            Kind::Or(list) => {
                let mut items = Vec::new();
                for p in list {
                    let branch = self.part(p);
                    items.extend(self.items(branch)?.iter().cloned());
                }
                items
            }
            Kind::Never(leaf) => {
                vec![Item::new(Event::Fall(leaf), None), Item::new(Event::Accept, None)]
            }
            Kind::Start => vec![Item { at_start: true, ..Item::new(Event::Accept, None) }],
            Kind::End => vec![Item { at_end: true, ..Item::new(Event::Accept, None) }],
            // An absence is under way as soon as it is reached.
            _ => Vec::new(),
        })
    }

    /// The items of `rest` after a part that took no row.
    fn splice(&mut self, accept: &Item, rest: TermId, out: &mut Vec<Item>) -> Derived<()> {
        for item in self.items(rest)?.iter() {
            // Behind `$` there is no row.
            if accept.at_end && item.event != Event::Accept {
                continue;
            }
            let mut item = item.clone();
            item.at_start |= accept.at_start;
            item.at_end |= accept.at_end;
            out.push(item);
        }
        Ok(())
    }

    fn derive_then(&mut self, first: TermId, rest: TermId) -> Derived<Vec<Item>> {
        let mut out = Vec::new();
        let unarmed = self.disarmed(rest);
        for item in self.items(first)?.iter() {
            match item.event {
                Event::Accept => self.splice(item, rest, &mut out)?,
                // What comes before an absence goes on: the absence is reached anew.
                Event::Take(_) => out.push(self.wrapped(item, |s, t| s.then(t, unarmed))),
                Event::Fall(_) | Event::Time(_) | Event::Expire(_) => {
                    out.push(self.wrapped(item, |s, t| s.then(t, rest)));
                }
            }
        }
        Ok(out)
    }

    fn derive_loop(&mut self, part: PartId, min: u32, max: Option<u32>) -> Derived<Vec<Item>> {
        let Kind::Repeat { body, greedy, .. } = *self.parts.kind(part) else {
            unreachable!("a loop is a repetition")
        };
        let rest = self.repeat(part, min.saturating_sub(1), max.map(|m| m - 1));
        let (body, mut out) = (self.part(body), Vec::new());
        let exit = Item::new(Event::Accept, None);
        if min == 0 && !greedy {
            out.push(exit.clone());
        }
        for item in self.items(body)?.iter() {
            match item.event {
                // Beyond what is needed, a repetition without a row is none.
                Event::Accept if min == 0 => {}
                // What must not come in a repetition may come before it.
                Event::Fall(_) => {}
                Event::Accept => self.splice(item, rest, &mut out)?,
                _ => out.push(self.wrapped(item, |s, t| s.then(t, rest))),
            }
        }
        if min == 0 && greedy {
            out.push(exit);
        }
        Ok(out)
    }

    fn derive_orders(&mut self, part: PartId, left: &[u16]) -> Derived<Vec<Item>> {
        let Kind::Permute(list) = self.parts.kind(part).clone() else {
            unreachable!("orders are of a permutation")
        };
        let mut out = Vec::new();
        for &one in left {
            let others: Vec<u16> = left.iter().copied().filter(|&o| o != one).collect();
            let rest = if others.is_empty() { EMPTY } else { self.intern(Term::Orders(part, others)) };
            let first = self.part(list[usize::from(one)]);
            for item in self.items(first)?.iter() {
                match item.event {
                    Event::Accept => self.splice(item, rest, &mut out)?,
                    _ => out.push(self.wrapped(item, |s, t| s.then(t, rest))),
                }
            }
        }
        Ok(out)
    }

    fn derive_and(&mut self, part: PartId, branches: &[TermId]) -> Derived<Vec<Item>> {
        let mut out = Vec::new();
        let mut all_complete = true;
        let mut guards: Vec<(usize, LeafId)> = Vec::new();
        for (at, &branch) in branches.iter().enumerate() {
            for item in self.items(branch)?.iter() {
                if let (Event::Fall(leaf), None) = (item.event, item.next) {
                    guards.push((at, leaf));
                }
            }
        }
        for (at, &branch) in branches.iter().enumerate() {
            let mut complete = false;
            for item in self.items(branch)?.iter() {
                if item.event == Event::Accept {
                    complete = true;
                    continue;
                }
                let mut item = self.wrapped(item, |s, t| {
                    let mut branches = branches.to_vec();
                    branches[at] = t;
                    s.and(part, branches)
                });
                if let Event::Take(_) = item.event {
                    item.unless.extend(guards.iter().filter(|g| g.0 != at).map(|g| g.1));
                    item.unless.sort_unstable();
                    item.unless.dedup();
                }
                out.push(item);
            }
            all_complete &= complete;
        }
        if all_complete {
            out.push(Item::new(Event::Accept, None));
        }
        Ok(out)
    }

    fn derive_or(&mut self, part: PartId, branches: &[TermId], begun: bool) -> Derived<Vec<Item>> {
        let Kind::Or(list) = self.parts.kind(part).clone() else { unreachable!("alternatives are of OR") };
        let mut out = Vec::new();
        for (at, &branch) in branches.iter().enumerate() {
            for item in self.items(branch)?.iter() {
                let takes = matches!(item.event, Event::Take(_));
                if let Some(next) = item.next
                    && (takes || matches!(item.event, Event::Time(_)))
                    && self.is_complete(next)?
                {
                    let mut item = item.clone();
                    if begun {
                        item.losses.push(Loss { or: part, of: part, but: Some(list[at]) });
                    }
                    out.push(item);
                    continue;
                }
                if item.event == Event::Accept {
                    out.push(item.clone());
                    continue;
                }
                let mut branches = branches.to_vec();
                let mut item = item.clone();
                if item.next.is_none() {
                    let dead = self.intern(Term::Dead);
                    branches[at] = dead;
                    if begun {
                        item.losses.push(Loss { or: part, of: list[at], but: None });
                    }
                    if branches.iter().any(|&b| b != dead) {
                        item.next = Some(self.intern(Term::Or(part, branches, begun)));
                    }
                } else {
                    item = self.wrapped(&item, |s, t| {
                        branches[at] = t;
                        s.intern(Term::Or(part, branches.clone(), begun || takes))
                    });
                }
                if takes && !begun {
                    item.begins.push(part);
                }
                out.push(item);
            }
        }
        Ok(out)
    }

    fn derive_every(&mut self, part: PartId, body: TermId, begun: bool) -> Derived<Vec<Item>> {
        let mut out = Vec::new();
        for item in self.items(body)?.iter() {
            let takes = matches!(item.event, Event::Take(_));
            let mut item = item.clone();
            if let Some(next) = item.next {
                let moves = takes || matches!(item.event, Event::Time(_));
                if moves && self.is_complete(next)? {
                    let term = self.part(part);
                    item.again.push(Again { term, rollback: begun.then_some(part) });
                    item.every.push(part);
                } else {
                    // What an inner EVERY begins again does not begin this one again.
                    item.next = Some(self.intern(Term::Every(part, next, begun || takes)));
                    if takes && !begun {
                        item.begins.push(part);
                    }
                }
            }
            out.push(item);
        }
        Ok(out)
    }

    fn derive_bounded(&mut self, part: PartId, body: TermId, begun: bool) -> Derived<Vec<Item>> {
        let mut out = Vec::new();
        let (mut complete, mut complete_at_end) = (false, false);
        for item in self.items(body)?.iter() {
            complete |= item.event == Event::Accept && !item.at_end;
            complete_at_end |= item.event == Event::Accept && item.at_end;
            let takes = matches!(item.event, Event::Take(_));
            let mut item = item.clone();
            for again in &mut item.again {
                again.term = self.bounded_again(part, again.term, begun);
            }
            if let Some(next) = item.next {
                item.next = Some(self.bounded(part, next, begun || takes));
            }
            if takes {
                if begun {
                    item.inside.push(part);
                } else {
                    item.begins.push(part);
                }
            }
            out.push(item);
        }
        if begun {
            // What may be left, may be left when no row can come any more.
            let end = self.parts.parts.iter().position(|p| matches!(p.kind, Kind::End));
            let left = match end {
                _ if complete => Some(EMPTY),
                Some(end) if complete_at_end => Some(self.part(end as PartId)),
                _ => None,
            };
            out.push(Item::new(Event::Expire(part), left));
        }
        Ok(out)
    }

    /// A part with bounds in which EVERY begins again: where all its rows were given back, it has not
    /// begun.
    fn bounded_again(&mut self, part: PartId, body: TermId, begun: bool) -> TermId {
        let Kind::Bounded(inner) = *self.parts.kind(part) else { unreachable!("bounds are of a part") };
        let begun = begun && !self.is_initial(inner, body);
        self.bounded(part, body, begun)
    }

    /// A term that EVERY begins again; the whole pattern if it is all of it.
    pub fn from_start(&mut self, term: TermId) -> TermId {
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

    fn bounded(&mut self, part: PartId, body: TermId, begun: bool) -> TermId {
        if body == EMPTY { EMPTY } else { self.intern(Term::Bounded(part, body, begun)) }
    }

    /// An item of a part of a larger term.
    fn wrapped(&mut self, item: &Item, mut wrap: impl FnMut(&mut Self, TermId) -> TermId) -> Item {
        let mut out = item.clone();
        out.next = item.next.map(|t| wrap(self, t));
        for again in &mut out.again {
            again.term = wrap(self, again.term);
        }
        out
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
    fn disarmed(&mut self, term: TermId) -> TermId {
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

/// What the user reads of a pattern with too many states.
pub fn too_large() -> String {
    "the pattern has too many states; ask for fewer repetitions or put fewer parts under AND and PERMUTE"
        .into()
}
