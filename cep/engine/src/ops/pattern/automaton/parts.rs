//! The parts of a pattern with numbers: what terms refer to.

use std::ops::Range;

use cep_lang::plan::{ElementId, Matching, Pattern, Within};

/// Index of a part.
pub type PartId = u32;
/// Index of an occurrence of an element in the pattern.
pub type LeafId = u16;

/// What a part is.
#[derive(Debug, Clone)]
pub enum Kind {
    /// One row.
    Leaf(LeafId),
    /// One after the other.
    Then(Vec<PartId>),
    /// One of them.
    Or(Vec<PartId>),
    /// All of them, interleaved.
    And(Vec<PartId>),
    /// All of them, one after the other in any order.
    Permute(Vec<PartId>),
    /// Several times.
    Repeat { body: PartId, min: u32, max: Option<u32>, greedy: bool },
    /// Again each time it is complete.
    Every(PartId),
    /// No such row for a while.
    Wait(LeafId),
    /// No such row until the others are complete.
    Never(LeafId),
    /// With bounds of its own.
    Bounded(PartId),
    /// `^`.
    Start,
    /// `$`.
    End,
    /// No row.
    Empty,
}

/// An occurrence of an element.
#[derive(Debug, Clone, Copy)]
pub struct Leaf {
    /// Which element.
    pub element: ElementId,
    /// Left out of ALL ROWS.
    pub excluded: bool,
    /// It is absent for so long, ns.
    pub for_ns: Option<i64>,
}

/// Registers of a part with bounds: where its times and its place are kept.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Bound {
    /// Register of the first row's time, with the time from there, ns.
    pub time: Option<(u16, i64)>,
    /// Register of the latest row's time, with the time from there, ns.
    pub step: Option<(u16, i64)>,
    /// Register of the first row's number, with the rows from there, both counted.
    pub events: Option<(u16, u64)>,
}

/// A part.
#[derive(Debug, Clone)]
pub struct Part {
    /// What it is.
    pub kind: Kind,
    /// Its leaves.
    pub leaves: Range<LeafId>,
    /// Register of what the kind needs: a deadline, or the number of the row it began with.
    pub register: u16,
    /// Registers of bounds.
    pub bound: Bound,
}

/// All parts of a pattern.
#[derive(Debug)]
pub struct Parts {
    /// The parts; each before those that contain it.
    pub parts: Vec<Part>,
    /// The leaves, in order of the pattern.
    pub leaves: Vec<Leaf>,
    /// Number of registers.
    pub registers: u16,
    /// The whole.
    pub root: PartId,
    matching: Matching,
}

/// Parts of one pattern at most.
const PARTS_MAX: usize = 20_000;
/// Least number of repetitions at most, where the body may be empty.
const EMPTY_REPEATS_MAX: u32 = 100;

impl Parts {
    /// Numbers the parts of `pattern`, of which the whole has the bounds `within`.
    ///
    /// # Errors
    /// The reason why it cannot be matched, for the user.
    pub fn new(pattern: &Pattern, within: &[Within], matching: Matching) -> Result<Self, String> {
        let mut parts = Parts { parts: Vec::new(), leaves: Vec::new(), registers: 0, root: 0, matching };
        let mut root = parts.add(pattern, false, false)?;
        if !within.is_empty() {
            root = parts.bounded(root, within)?;
        }
        parts.root = root;
        Ok(parts)
    }

    /// The part `id`.
    pub fn kind(&self, id: PartId) -> &Kind {
        &self.parts[id as usize].kind
    }

    /// The part `id` with its registers.
    pub fn part(&self, id: PartId) -> &Part {
        &self.parts[id as usize]
    }

    fn register(&mut self) -> Result<u16, String> {
        let register = self.registers;
        self.registers = register.checked_add(1).ok_or("the pattern has too many parts; make it shorter")?;
        Ok(register)
    }

    fn push(&mut self, kind: Kind, from: LeafId) -> Result<PartId, String> {
        if self.parts.len() >= PARTS_MAX {
            return Err(format!("the pattern has more than {PARTS_MAX} parts; make it shorter"));
        }
        let register = match kind {
            Kind::Wait(_) | Kind::Every(_) | Kind::Or(_) => self.register()?,
            _ => 0,
        };
        let leaves = from..self.leaves.len() as LeafId;
        self.parts.push(Part { kind, leaves, register, bound: Bound::default() });
        Ok(self.parts.len() as PartId - 1)
    }

    fn leaf(&mut self, leaf: Leaf) -> Result<LeafId, String> {
        let id = LeafId::try_from(self.leaves.len())
            .map_err(|_| "the pattern has more than 65535 elements; make it shorter")?;
        self.leaves.push(leaf);
        Ok(id)
    }

    fn add(&mut self, pattern: &Pattern, excluded: bool, in_and: bool) -> Result<PartId, String> {
        let from = self.leaves.len() as LeafId;
        let kind = match pattern {
            Pattern::Element(element) => {
                Kind::Leaf(self.leaf(Leaf { element: *element, excluded, for_ns: None })?)
            }
            Pattern::Then(list) => Kind::Then(self.add_all(list, excluded, false)?),
            Pattern::Or(list) => Kind::Or(self.add_all(list, excluded, false)?),
            Pattern::And(list) => Kind::And(self.add_all(list, excluded, true)?),
            Pattern::Permute(list) => Kind::Permute(self.add_all(list, excluded, false)?),
            Pattern::Repeat { body, min, max, greedy } => {
                let body = self.add(body, excluded, false)?;
                if max.is_some_and(|max| max < *min) {
                    return Err(format!(
                        "{{{min},{}}} asks for more than it allows; swap the numbers",
                        max.unwrap_or(0)
                    ));
                }
                if *min > EMPTY_REPEATS_MAX && self.may_be_empty(body) {
                    return Err(format!(
                        "a part that may be empty is asked for {min} times; {EMPTY_REPEATS_MAX} are the most, or let the part have a row"
                    ));
                }
                Kind::Repeat { body, min: *min, max: *max, greedy: *greedy }
            }
            Pattern::Exclude(body) => return self.add(body, true, in_and),
            Pattern::Every(body) => {
                self.only("EVERY", self.matching != Matching::Preferred)?;
                let first = self.parts.len();
                let body = self.add(body, excluded, false)?;
                if self.parts[first..].iter().any(|p| matches!(p.kind, Kind::Every(_))) {
                    return Err("EVERY stands inside of another EVERY; let one of them do".into());
                }
                if self.may_be_empty(body) {
                    return Err(
                        "EVERY stands before a part that may be empty; let the part have a row".into()
                    );
                }
                Kind::Every(body)
            }
            Pattern::Absent { element, for_ns } => {
                self.only("NOT", self.matching != Matching::Preferred)?;
                let leaf = self.leaf(Leaf { element: *element, excluded, for_ns: *for_ns })?;
                match for_ns {
                    Some(_) => Kind::Wait(leaf),
                    None if in_and => Kind::Never(leaf),
                    None => return Err(
                        "NOT needs a time or something that it goes with; write NOT … FOR, or … AND NOT …"
                            .into(),
                    ),
                }
            }
            Pattern::Bounded { body, within } => {
                let body = self.add(body, excluded, false)?;
                return self.bounded(body, within);
            }
            Pattern::Start => self.anchor(Kind::Start, "^")?,
            Pattern::End => self.anchor(Kind::End, "$")?,
            Pattern::Empty => Kind::Empty,
        };
        self.push(kind, from)
    }

    fn anchor(&self, kind: Kind, sign: &str) -> Result<Kind, String> {
        self.only(sign, self.matching == Matching::Preferred)?;
        Ok(kind)
    }

    fn only(&self, what: &str, holds: bool) -> Result<(), String> {
        let other =
            if self.matching == Matching::Preferred { "PATTERN and SEQUENCE" } else { "MATCH_RECOGNIZE" };
        if holds { Ok(()) } else { Err(format!("{what} belongs to {other}; write the pattern there")) }
    }

    fn add_all(&mut self, list: &[Pattern], excluded: bool, in_and: bool) -> Result<Vec<PartId>, String> {
        list.iter().map(|p| self.add(p, excluded, in_and)).collect()
    }

    fn bounded(&mut self, body: PartId, within: &[Within]) -> Result<PartId, String> {
        let from = self.part(body).leaves.start;
        let id = self.push(Kind::Bounded(body), from)?;
        let mut bound = Bound::default();
        for within in within {
            match *within {
                Within::Time(ns) => bound.time = tighter(bound.time, ns, || self.register())?,
                Within::Step(ns) => bound.step = tighter(bound.step, ns, || self.register())?,
                Within::Events(n) => bound.events = tighter(bound.events, n, || self.register())?,
            }
        }
        self.parts[id as usize].bound = bound;
        Ok(id)
    }

    /// Whether a part may match no row at all.
    pub fn may_be_empty(&self, id: PartId) -> bool {
        match self.kind(id) {
            Kind::Leaf(_) | Kind::Wait(_) => false,
            Kind::Then(list) | Kind::And(list) | Kind::Permute(list) => {
                list.iter().all(|&p| self.may_be_empty(p))
            }
            Kind::Or(list) => list.iter().any(|&p| self.may_be_empty(p)),
            Kind::Repeat { body, min, .. } => *min == 0 || self.may_be_empty(*body),
            Kind::Every(body) | Kind::Bounded(body) => self.may_be_empty(*body),
            Kind::Never(_) | Kind::Start | Kind::End | Kind::Empty => true,
        }
    }

    /// Whether a part may begin with an absence.
    pub fn begins_with_wait(&self, id: PartId) -> bool {
        match self.kind(id) {
            Kind::Wait(_) => true,
            Kind::Then(list) => {
                let first = list.iter().position(|&p| !self.may_be_empty(p)).unwrap_or(list.len());
                list.iter().take(first + 1).any(|&p| self.begins_with_wait(p))
            }
            Kind::Or(list) | Kind::And(list) | Kind::Permute(list) => {
                list.iter().any(|&p| self.begins_with_wait(p))
            }
            Kind::Repeat { body, .. } | Kind::Every(body) | Kind::Bounded(body) => {
                self.begins_with_wait(*body)
            }
            Kind::Leaf(_) | Kind::Never(_) | Kind::Start | Kind::End | Kind::Empty => false,
        }
    }
}

/// The tighter of two bounds of one kind.
fn tighter<T: Ord + Copy>(
    before: Option<(u16, T)>,
    bound: T,
    register: impl FnOnce() -> Result<u16, String>,
) -> Result<Option<(u16, T)>, String> {
    Ok(Some(match before {
        Some((register, other)) => (register, bound.min(other)),
        None => (register()?, bound),
    }))
}
