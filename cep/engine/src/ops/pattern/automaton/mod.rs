//! From a pattern to one automaton, for PATTERN, SEQUENCE and MATCH_RECOGNIZE alike.
//!
//! Invariants:
//! - A state is what is left to be matched; its takes are in order of preference.
//! - Numbers of states depend on the plan alone, so that checkpoints may name them.
//! - Every register that a state does not use is 0 in its threads.

mod derive;
mod parts;
mod term;

use std::collections::BTreeMap;

use cep_lang::plan::{Matching, Pattern, Within};

use derive::{Again, Event, Item, too_large};
use parts::{Kind, PartId, Parts};
pub use parts::{Leaf, LeafId};
use term::{TermId, Terms};

/// Index of a state.
pub type StateId = u32;
/// Index of a register of a thread.
pub type Register = u16;

/// Transitions of a pattern at most.
const MOVES_MAX: usize = 200_000;

/// A pattern as states.
#[derive(Debug)]
pub struct Automaton {
    /// The states.
    pub states: Vec<State>,
    /// Occurrences of elements.
    pub leaves: Vec<Leaf>,
    /// Registers of a thread.
    pub registers: usize,
    /// Where a match begins.
    pub initial: StateId,
    /// The same before the first row of the partition.
    pub initial_first: StateId,
    /// Registers that the initial state sets.
    pub initial_sets: Vec<Set>,
    /// Whether the first row of the partition is a special one (`^`).
    pub has_start: bool,
}

/// What is left to be matched.
#[derive(Debug, Default)]
pub struct State {
    /// Rows it waits for, the preferred first.
    pub takes: Vec<Take>,
    /// Nothing more is needed.
    pub accepts: bool,
    /// Nothing more is needed once the input has ended.
    pub accepts_at_end: bool,
    /// Rows that must not come, if no take has the row.
    pub falls: Vec<Fall>,
    /// What time does.
    pub timers: Vec<Timer>,
    /// What begins again when a match fails here.
    pub again: Option<Restart>,
    /// Bounds in rows: register of the first row's number, rows, and what follows.
    pub row_bounds: Vec<(Register, u64, Option<Move>)>,
    /// Elements that are tested from here on, by number.
    pub ahead: Vec<bool>,
    /// The EVERY it is in.
    every: Vec<PartId>,
}

/// A row is taken.
#[derive(Debug)]
pub struct Take {
    /// As which occurrence.
    pub leaf: LeafId,
    /// Its element.
    pub element: usize,
    /// Elements that the row must not fit.
    pub unless: Vec<usize>,
    /// Where it leads.
    pub to: Move,
    /// What EVERY begins again.
    pub again: Vec<Restart>,
    /// The EVERY that are complete with it: other threads of the run in them are over.
    pub completes: Vec<PartId>,
}

/// A row that had to be absent.
#[derive(Debug)]
pub struct Fall {
    /// Its element.
    pub element: usize,
    /// What is left; `None`: the match fails.
    pub to: Option<Move>,
}

/// Something that time does.
#[derive(Debug)]
pub struct Timer {
    /// Register of a time.
    pub register: Register,
    /// Time from there, ns.
    pub after_ns: i64,
    /// What is left; `None`: the match fails.
    pub to: Option<Move>,
    /// What EVERY begins again.
    pub again: Vec<Restart>,
    /// It ends an absence, rather than a bound.
    pub is_absence: bool,
    /// See [`Take::completes`].
    pub completes: Vec<PartId>,
}

/// A change of state.
#[derive(Debug)]
pub struct Move {
    /// To which state.
    pub state: StateId,
    /// Registers set.
    pub sets: Vec<Set>,
    /// Registers that the state does not use.
    pub clears: Vec<Register>,
    /// Rows that count no more.
    pub losses: Vec<Loss>,
}

/// A thread that EVERY begins again.
#[derive(Debug)]
pub struct Restart {
    /// Where, with the rows that are left.
    pub to: Move,
    /// Where, if none is left: no bound has begun.
    pub without_rows: Move,
}

/// A register is set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Set {
    /// To the time.
    Time(Register),
    /// To the number of the row.
    Row(Register),
    /// To the time and so much more, ns.
    Deadline(Register, i64),
}

/// Rows taken since row number `since`, as leaves in `lost` but not in `kept`, count no more.
#[derive(Debug)]
pub struct Loss {
    /// Register of a row's number.
    pub since: Register,
    /// Leaves.
    pub lost: std::ops::Range<LeafId>,
    /// Leaves.
    pub kept: std::ops::Range<LeafId>,
}

impl State {
    /// Whether it is in one of these EVERY.
    pub fn is_in(&self, parts: &[PartId]) -> bool {
        self.every.iter().any(|p| parts.contains(p))
    }
}

impl Automaton {
    /// Compiles a pattern whose whole has the bounds `within`.
    ///
    /// # Errors
    /// The reason why it cannot be matched, for the user.
    pub fn new(
        pattern: &Pattern,
        within: &[Within],
        matching: Matching,
        elements: usize,
    ) -> Result<Self, String> {
        let parts = Parts::new(pattern, within, matching)?;
        let terms = Terms::new(&parts, matching);
        let mut builder = Builder {
            terms,
            matching,
            states: Vec::new(),
            numbers: BTreeMap::new(),
            open: Vec::new(),
            moves: 0,
        };
        let root = builder.whole()?;
        let initial_sets = builder.armed(None, root);
        let has_start = parts.parts.iter().any(|p| matches!(p.kind, Kind::Start));
        let initial = builder.state(root, false);
        let initial_first = if has_start { builder.state(root, true) } else { initial };
        builder.finish()?;
        let mut states = builder.states;
        look_ahead(&mut states, elements);
        if matching != Matching::Preferred {
            if states[initial as usize].accepts {
                return Err("the pattern matches without any row; let it have one".into());
            }
            if matching == Matching::Contiguous && states.iter().any(|s| begins_inside(s, initial)) {
                return Err(
                    "EVERY in a SEQUENCE stands at its beginning; use PATTERN for another place".into()
                );
            }
        }
        Ok(Automaton {
            states,
            registers: usize::from(parts.registers),
            leaves: parts.leaves,
            initial,
            initial_first,
            initial_sets,
            has_start,
        })
    }

    /// The state with number `id`.
    pub fn state(&self, id: StateId) -> &State {
        &self.states[id as usize]
    }
}

/// Whether EVERY begins something again here that is not the whole.
fn begins_inside(state: &State, initial: StateId) -> bool {
    restarts(state).any(|again| again.to.state != initial)
}

/// All that begins again here.
fn restarts(state: &State) -> impl Iterator<Item = &Restart> {
    let takes = state.takes.iter().flat_map(|t| &t.again);
    takes.chain(state.timers.iter().flat_map(|t| &t.again)).chain(&state.again)
}

struct Builder<'p> {
    terms: Terms<'p>,
    matching: Matching,
    states: Vec<State>,
    numbers: BTreeMap<(TermId, bool), StateId>,
    open: Vec<(TermId, bool, StateId)>,
    moves: usize,
}

impl Builder<'_> {
    fn whole(&mut self) -> Result<TermId, String> {
        let root = self.terms.whole();
        self.terms.reached(root)
    }

    fn state(&mut self, term: TermId, at_start: bool) -> StateId {
        if let Some(&id) = self.numbers.get(&(term, at_start)) {
            return id;
        }
        let id = self.states.len() as StateId;
        self.states.push(State::default());
        self.numbers.insert((term, at_start), id);
        self.open.push((term, at_start, id));
        id
    }

    /// Fills all states, the first made first.
    fn finish(&mut self) -> Result<(), String> {
        let mut next = 0;
        while next < self.open.len() {
            let (term, at_start, id) = self.open[next];
            next += 1;
            let state = self.fill(term, at_start)?;
            self.moves += state.takes.len() + state.timers.len() + state.falls.len() + 1;
            if self.moves > MOVES_MAX {
                return Err(too_large());
            }
            self.states[id as usize] = state;
        }
        Ok(())
    }

    fn fill(&mut self, term: TermId, at_start: bool) -> Result<State, String> {
        let items = self.terms.items(term).map_err(|_| too_large())?;
        let mut state = State::default();
        self.terms.in_every(term, &mut |part| state.every.push(part));
        for item in items.iter().filter(|i| at_start || !i.at_start) {
            match item.event {
                Event::Accept if item.at_end => state.accepts_at_end = true,
                Event::Accept => state.accepts = true,
                // What is less preferred than a match at hand never comes to bear.
                Event::Take(_) if state.accepts && self.matching == Matching::Preferred => {}
                Event::Take(leaf) => {
                    let take = self.take(leaf, item)?;
                    state.takes.push(take);
                }
                Event::Fall(leaf) => {
                    let element = self.element(leaf);
                    state.falls.push(Fall { element, to: self.next(item)? });
                }
                Event::Time(part) => {
                    let timer = Timer {
                        register: self.terms.parts.part(part).register,
                        after_ns: 0,
                        to: self.next(item)?,
                        again: self.restarts(item)?,
                        is_absence: true,
                        completes: item.every.clone(),
                    };
                    state.timers.push(timer);
                }
                Event::Expire(part) => self.expire(part, item, &mut state)?,
            }
        }
        if let Some(again) = self.terms.again(term) {
            state.again = Some(self.restart(&again)?);
        }
        Ok(state)
    }

    fn element(&self, leaf: LeafId) -> usize {
        self.terms.parts.leaves[usize::from(leaf)].element.0
    }

    fn expire(&mut self, part: PartId, item: &Item, state: &mut State) -> Result<(), String> {
        let bound = self.terms.parts.part(part).bound;
        for (register, within) in [bound.time, bound.step].into_iter().flatten() {
            state.timers.push(Timer {
                register,
                // Both ends count: it is over a nanosecond later.
                after_ns: within.saturating_add(1),
                to: self.next(item)?,
                again: Vec::new(),
                is_absence: false,
                completes: Vec::new(),
            });
        }
        if let Some((register, rows)) = bound.events {
            if !item.losses.is_empty() {
                return Err(
                    "WITHIN … EVENTS stands in a part of OR; bound the whole, or bound the part in time"
                        .into(),
                );
            }
            let to = self.next(item)?;
            state.row_bounds.push((register, rows, to));
        }
        Ok(())
    }

    fn take(&mut self, leaf: LeafId, item: &Item) -> Result<Take, String> {
        let to = self.next(item)?.ok_or("a row that is taken leads nowhere")?;
        Ok(Take {
            leaf,
            element: self.element(leaf),
            unless: item.unless.iter().map(|&l| self.element(l)).collect(),
            to,
            again: self.restarts(item)?,
            completes: item.every.clone(),
        })
    }

    /// The move of an item; `None`: the match fails.
    fn next(&mut self, item: &Item) -> Result<Option<Move>, String> {
        let Some(next) = item.next else { return Ok(None) };
        let mut sets = Vec::new();
        for &part in &item.begins {
            let part = self.terms.parts.part(part);
            match part.kind {
                Kind::Bounded(_) => {
                    sets.extend(part.bound.time.map(|(r, _)| Set::Time(r)));
                    sets.extend(part.bound.step.map(|(r, _)| Set::Time(r)));
                    sets.extend(part.bound.events.map(|(r, _)| Set::Row(r)));
                }
                _ => sets.push(Set::Row(part.register)),
            }
        }
        for &part in &item.inside {
            sets.extend(self.terms.parts.part(part).bound.step.map(|(r, _)| Set::Time(r)));
        }
        let losses = item.losses.iter().map(|loss| Loss {
            since: self.terms.parts.part(loss.or).register,
            lost: self.terms.parts.part(loss.of).leaves.clone(),
            kept: loss.but.map_or(0..0, |but| self.terms.parts.part(but).leaves.clone()),
        });
        let losses = losses.collect();
        self.to(next, sets, losses).map(Some)
    }

    fn to(&mut self, next: TermId, mut sets: Vec<Set>, losses: Vec<Loss>) -> Result<Move, String> {
        let reached = self.terms.reached(next)?;
        sets.extend(self.armed(Some(next), reached));
        let mut used = vec![false; usize::from(self.terms.parts.registers)];
        self.terms.under_way(reached, &mut |part| {
            let part = self.terms.parts.part(part);
            match part.kind {
                Kind::Bounded(_) => {
                    let times = [part.bound.time, part.bound.step].into_iter().flatten().map(|b| b.0);
                    times.chain(part.bound.events.map(|b| b.0)).for_each(|r| used[usize::from(r)] = true);
                }
                _ => used[usize::from(part.register)] = true,
            }
        });
        sets.retain(|set| {
            let (Set::Time(r) | Set::Row(r) | Set::Deadline(r, _)) = *set;
            used[usize::from(r)]
        });
        let clears = (0..self.terms.parts.registers).filter(|&r| !used[usize::from(r)]).collect();
        Ok(Move { state: self.state(reached, false), sets, clears, losses })
    }

    /// Deadlines of absences that are under way in `reached` and were not in `before`.
    fn armed(&self, before: Option<TermId>, reached: TermId) -> Vec<Set> {
        let mut old = Vec::new();
        if let Some(before) = before {
            self.terms.under_way(before, &mut |part| old.push(part));
        }
        let mut sets = Vec::new();
        self.terms.under_way(reached, &mut |part| {
            let of = self.terms.parts.part(part);
            if let Kind::Wait(leaf) = of.kind
                && !old.contains(&part)
            {
                let for_ns = self.terms.parts.leaves[usize::from(leaf)].for_ns.unwrap_or_default();
                sets.push(Set::Deadline(of.register, for_ns));
            }
        });
        sets
    }

    fn restarts(&mut self, item: &Item) -> Result<Vec<Restart>, String> {
        item.again.iter().map(|again| self.restart(again)).collect()
    }

    fn restart(&mut self, again: &Again) -> Result<Restart, String> {
        let losses = again.rollback.map(|part| {
            let part = self.terms.parts.part(part);
            Loss { since: part.register, lost: part.leaves.clone(), kept: 0..0 }
        });
        let term = self.terms.begun_again(again.term);
        let to = self.to(term, Vec::new(), losses.into_iter().collect())?;
        let empty = self.terms.without_rows(term);
        let empty = self.terms.begun_again(empty);
        let without_rows = self.to(empty, Vec::new(), Vec::new())?;
        Ok(Restart { to, without_rows })
    }
}

/// Finds which elements are tested from each state on.
fn look_ahead(states: &mut [State], elements: usize) {
    let own = |state: &State| {
        let mut tested = vec![false; elements];
        for take in &state.takes {
            tested[take.element] = true;
            take.unless.iter().for_each(|&e| tested[e] = true);
        }
        state.falls.iter().for_each(|f| tested[f.element] = true);
        tested
    };
    let mut ahead: Vec<Vec<bool>> = states.iter().map(own).collect();
    loop {
        let mut changed = false;
        for at in (0..states.len()).rev() {
            for next in followers(&states[at]) {
                let theirs = ahead[next as usize].clone();
                for (own, their) in ahead[at].iter_mut().zip(theirs) {
                    changed |= their && !*own;
                    *own |= their;
                }
            }
        }
        if !changed {
            break;
        }
    }
    states.iter_mut().zip(ahead).for_each(|(state, ahead)| state.ahead = ahead);
}

fn followers(state: &State) -> Vec<StateId> {
    let mut out: Vec<StateId> = state.takes.iter().map(|t| t.to.state).collect();
    out.extend(restarts(state).flat_map(|a| [a.to.state, a.without_rows.state]));
    out.extend(state.falls.iter().filter_map(|f| f.to.as_ref()).map(|m| m.state));
    out.extend(state.timers.iter().filter_map(|t| t.to.as_ref()).map(|m| m.state));
    out.extend(state.row_bounds.iter().filter_map(|b| b.2.as_ref()).map(|m| m.state));
    out.sort_unstable();
    out.dedup();
    out
}
