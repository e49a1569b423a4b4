//! One aggregation: groups of elements with the values they gave last.
//!
//! An element is a series, or a group of the aggregation below. A group is *fresh* at a moment: its members gave
//! their values there, but for those marked since. Sums are exact, so what a member gave can be taken out again.
//! A group of one member, as lanes mostly are, asks it and keeps nothing.

use cep_lang::plan::VectorOp;
use smallvec::SmallVec;

use super::formula::{self, of_word, word};
use super::labels::project;
use crate::agg::exact::ExactSum;
use crate::agg::sketch::LogLog;
use crate::keys::{KeyTable, hash_bytes};

const NONE: u32 = u32::MAX;

/// Values of the lowest elements, the series.
pub(super) trait Leaf {
    /// The value of a series.
    fn value(&mut self, series: u32) -> Option<f64>;
    /// Adds its distinct sketch to `union`; false without samples.
    fn union(&mut self, series: u32, union: &mut LogLog) -> bool;
}

/// An aggregation.
#[derive(Debug)]
pub(super) struct Level {
    op: VectorOp,
    /// Labels that are kept: places in the identity of the series.
    by: Vec<usize>,
    table: KeyTable,
    groups: Vec<Group>,
    empty: usize,
    /// Group and place there of each element.
    of: Vec<(u32, u32)>,
    /// Hash and key of each element, for ties.
    keys: Vec<(u64, Vec<u8>)>,
    scratch: Vec<u8>,
}

/// A head, and how often everything was to be asked anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Moment {
    /// Pane that values are of.
    pub head: i64,
    /// Values of another turn are not of this one.
    pub turn: u64,
}

/// No moment at all.
const NEVER: Moment = Moment { head: i64::MIN, turn: u64::MAX };

#[derive(Debug)]
struct Group {
    members: SmallVec<[u32; 4]>,
    given: Vec<Option<f64>>,
    /// Of what they gave.
    sum: ExactSum,
    count: u64,
    /// When the members gave it.
    fresh_at: Moment,
    /// Members whose value may have changed since.
    marked: Vec<u32>,
    /// The value made of it.
    value: Option<Option<f64>>,
}

impl Level {
    /// Without elements.
    pub fn new(op: VectorOp, by: Vec<usize>) -> Self {
        Level {
            op,
            by,
            table: KeyTable::new(),
            groups: Vec::new(),
            empty: 0,
            of: Vec::new(),
            keys: Vec::new(),
            scratch: Vec::new(),
        }
    }

    fn is_topk(&self) -> bool {
        matches!(self.op, VectorOp::TopK(_))
    }

    /// Whether its groups are mostly empty.
    fn is_sparse(&self) -> bool {
        self.empty > self.groups.len() - self.empty + 64
    }

    /// Puts in an element with the labels of a series, `own` being its own. Returns what it is one level up.
    fn insert(&mut self, element: u32, own: &[u8], labels: &[u8]) -> u32 {
        let at = element as usize;
        if self.of.len() <= at {
            self.of.resize(at + 1, (NONE, 0));
        }
        if self.of[at].0 == NONE {
            project(labels, &self.by, &mut self.scratch);
            let group = self.table.find_or_insert(&self.scratch);
            if group as usize == self.groups.len() {
                self.groups.push(Group::new());
                self.empty += 1;
            }
            let into = &mut self.groups[group as usize];
            self.empty -= usize::from(into.members.is_empty());
            self.of[at] = (group, into.members.len() as u32);
            into.members.push(element);
            into.given.push(None);
            if self.is_topk() {
                if self.keys.len() <= at {
                    self.keys.resize(at + 1, (0, Vec::new()));
                }
                self.keys[at] = (hash_bytes(own), own.to_vec());
            }
        }
        if self.is_topk() { element } else { self.of[at].0 }
    }

    /// Takes out an element. Returns what is to be taken out one level up, if anything.
    fn remove(&mut self, element: u32) -> Option<u32> {
        let (group, place) = std::mem::replace(&mut self.of[element as usize], (NONE, 0));
        let from = &mut self.groups[group as usize];
        from.give(place as usize, None);
        from.members.swap_remove(place as usize);
        from.given.swap_remove(place as usize);
        from.marked.retain(|&marked| marked != element);
        if let Some(&moved) = from.members.get(place as usize) {
            self.of[moved as usize].1 = place;
        }
        from.value = None;
        let is_empty = from.members.is_empty();
        self.empty += usize::from(is_empty);
        if self.is_topk() {
            self.keys[element as usize].1 = Vec::new();
            return Some(element);
        }
        is_empty.then_some(group)
    }
}

impl Group {
    fn new() -> Self {
        Group {
            members: SmallVec::new(),
            given: Vec::new(),
            sum: ExactSum::default(),
            count: 0,
            fresh_at: NEVER,
            marked: Vec::new(),
            value: None,
        }
    }

    /// A member gives a value instead of the one before.
    #[inline]
    fn give(&mut self, place: usize, value: Option<f64>) {
        let before = std::mem::replace(&mut self.given[place], value);
        if before.map(f64::to_bits) == value.map(f64::to_bits) {
            return;
        }
        if let Some(x) = before {
            self.sum.remove(x);
            self.count -= 1;
        }
        if let Some(x) = value {
            self.sum.add(x);
            self.count += 1;
        }
        self.value = None;
    }

    fn mark(&mut self, element: u32) {
        if self.marked.last() == Some(&element) {
            return;
        }
        if self.marked.len() >= self.members.len() {
            self.marked.clear();
            self.fresh_at = NEVER;
        }
        self.marked.push(element);
        self.value = None;
    }
}

/// Puts in a series with its labels; returns the element it is part of on top.
pub(super) fn insert(levels: &mut [Level], series: u32, labels: &[u8]) -> u32 {
    let mut element = series;
    let mut own = labels.to_vec();
    for level in levels {
        element = level.insert(element, &own, labels);
        if !level.is_topk() {
            own = level.table.key(element).to_vec();
        }
    }
    element
}

/// Takes out a series.
pub(super) fn remove(levels: &mut [Level], series: u32) {
    let mut element = Some(series);
    let mut changed = series;
    for at in 0..levels.len() {
        let Some(gone) = element else {
            return mark(&mut levels[at..], changed);
        };
        if levels[at].is_topk() {
            stale(&mut levels[at + 1..]);
        }
        changed = levels[at].of[gone as usize].0;
        element = levels[at].remove(gone);
    }
}

/// The value of a series may have changed.
#[inline]
pub(super) fn mark(levels: &mut [Level], series: u32) {
    let mut element = series;
    for at in 0..levels.len() {
        let level = &mut levels[at];
        let (group, _) = level.of[element as usize];
        level.groups[group as usize].mark(element);
        if level.is_topk() {
            // It may have driven others out, or let them in.
            return stale(&mut levels[at + 1..]);
        }
        element = group;
    }
}

/// All values may have changed.
fn stale(levels: &mut [Level]) {
    for group in levels.iter_mut().flat_map(|level| &mut level.groups) {
        group.fresh_at = NEVER;
        group.value = None;
    }
}

/// Whether the levels are to be made anew.
pub(super) fn is_sparse(levels: &[Level]) -> bool {
    levels.iter().any(Level::is_sparse)
}

/// About the bytes they take.
pub(super) fn bytes(levels: &[Level]) -> usize {
    let group =
        |group: &Group| size_of::<Group>() + group.given.capacity() * 16 + group.marked.capacity() * 4;
    let level = |level: &Level| {
        let groups: usize = level.groups.iter().map(group).sum();
        groups
            + level.table.bytes()
            + level.of.capacity() * 8
            + level.keys.iter().map(|k| 32 + k.1.len()).sum::<usize>()
    };
    levels.iter().map(level).sum()
}

/// The value of an element on top of `levels` at a moment.
pub(super) fn value(levels: &mut [Level], leaf: &mut impl Leaf, element: u32, at: Moment) -> Option<f64> {
    let Some((top, below)) = levels.split_last_mut() else { return leaf.value(element) };
    if let VectorOp::TopK(k) = top.op {
        let (group, place) = top.of[element as usize];
        refresh(&mut top.groups[group as usize], &top.of, below, leaf, at);
        return top.among_top(&top.groups[group as usize], place as usize, k);
    }
    let group = &mut top.groups[element as usize];
    if let [only] = group.members[..] {
        match top.op {
            VectorOp::Sum | VectorOp::Avg | VectorOp::Min | VectorOp::Max | VectorOp::Distinct => {
                return value(below, leaf, only, at);
            }
            VectorOp::Count => return value(below, leaf, only, at).map(|_| 1.0),
            VectorOp::Quantile(_) | VectorOp::TopK(_) => {}
        }
    }
    if top.op == VectorOp::Distinct {
        return distinct(group, leaf, at);
    }
    refresh(group, &top.of, below, leaf, at);
    if group.value.is_none() {
        group.value = Some(aggregate(top.op, group));
    }
    group.value.flatten()
}

/// Asks the members for their values: all of them at another moment, else those that are marked.
fn refresh(group: &mut Group, of: &[(u32, u32)], below: &mut [Level], leaf: &mut impl Leaf, at: Moment) {
    if group.fresh_at != at {
        group.fresh_at = at;
        group.marked.clear();
        for place in 0..group.members.len() {
            let given = value(below, leaf, group.members[place], at);
            group.give(place, given);
        }
        return;
    }
    while let Some(element) = group.marked.pop() {
        let given = value(below, leaf, element, at);
        group.give(of[element as usize].1 as usize, given);
    }
}

/// How many distinct values the samples of the members have.
fn distinct(group: &mut Group, leaf: &mut impl Leaf, at: Moment) -> Option<f64> {
    if group.fresh_at != at || group.value.is_none() || !group.marked.is_empty() {
        group.fresh_at = at;
        group.marked.clear();
        let mut union = LogLog::default();
        let found = group.members.iter().filter(|&&member| leaf.union(member, &mut union)).count();
        group.value = Some((found > 0).then(|| union.estimate() as f64));
    }
    group.value.flatten()
}

/// What the members gave, aggregated; none if none gave any.
fn aggregate(op: VectorOp, group: &Group) -> Option<f64> {
    if group.count == 0 {
        return None;
    }
    let values = || group.given.iter().flatten().copied();
    // NaN only if there is nothing else.
    let best = |better: fn(f64, f64) -> bool| {
        values().reduce(|best, x| if better(x, best) || best.is_nan() { x } else { best })
    };
    match op {
        VectorOp::Sum => Some(group.sum.value()),
        VectorOp::Count => Some(group.count as f64),
        VectorOp::Avg => Some(group.sum.divided_by(group.count)),
        VectorOp::Min => best(|x, best| x < best),
        VectorOp::Max => best(|x, best| x > best),
        VectorOp::Quantile(phi) => {
            let mut words: Vec<i64> = values().map(word).collect();
            words.sort_unstable();
            let at = |rank: usize| of_word(*words.get(rank).unwrap_or(&words[words.len() - 1]));
            Some(formula::quantile(phi, group.count, |rank| (at(rank as usize), at(rank as usize + 1))))
        }
        VectorOp::TopK(_) | VectorOp::Distinct => unreachable!("these have their own"),
    }
}

impl Level {
    /// The value of a member if it is among the `k` largest: NaN below all, ties by hash of the key, then key.
    fn among_top(&self, group: &Group, place: usize, k: u32) -> Option<f64> {
        let own = group.given[place]?;
        let key = |place: usize| &self.keys[group.members[place] as usize];
        let before = |other: usize, value: f64| match (value.is_nan(), own.is_nan()) {
            (false, true) => true,
            (true, false) => false,
            _ if value > own => true,
            _ if value < own => false,
            _ => key(other) < key(place),
        };
        let ahead = group
            .given
            .iter()
            .enumerate()
            .filter(|&(other, value)| other != place && value.is_some_and(|value| before(other, value)));
        (ahead.take(k as usize).count() < k as usize).then_some(own)
    }
}
