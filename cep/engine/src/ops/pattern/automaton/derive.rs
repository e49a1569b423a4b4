//! What a row, or time, makes of a term: its items.
//!
//! The *items* of a term are its partial derivatives (Antimirov, "Partial derivatives of regular
//! expressions", 1996) in order of preference, with interleaving for AND and with what EVERY begins
//! again.

use std::rc::Rc;

use super::parts::{Kind, LeafId, PartId};
use super::term::{EMPTY, Term, TermId, Terms};

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

/// Items derived at most, those on the way included.
const WORK_MAX: usize = 4_000_000;

/// A pattern has too many states.
#[derive(Debug)]
pub struct TooLarge;

type Derived<T> = Result<T, TooLarge>;

impl Terms<'_> {
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

    /// An item of a part of a larger term.
    fn wrapped(&mut self, item: &Item, mut wrap: impl FnMut(&mut Self, TermId) -> TermId) -> Item {
        let mut out = item.clone();
        out.next = item.next.map(|t| wrap(self, t));
        for again in &mut out.again {
            again.term = wrap(self, again.term);
        }
        out
    }
}

/// What the user reads of a pattern with too many states.
pub fn too_large() -> String {
    "the pattern has too many states; ask for fewer repetitions or put fewer parts under AND and PERMUTE"
        .into()
}
