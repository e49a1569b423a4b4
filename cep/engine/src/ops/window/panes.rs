//! The panes of an aligned window, and merges of runs of them.
//!
//! A window of many panes is not merged pane by pane: runs of panes that begin and end at multiples
//! of a power of two are merged once and kept, so that a close merges a number of contents that grows
//! with the logarithm of the panes. Kept merges are no state: they follow from the panes.
//!
//! Invariants:
//! - A kept merge holds exactly the rows of the panes of its run.
//! - When panes are dropped, so are the merges that begin before the next window.

use std::collections::BTreeMap;

use super::Pane;
use super::content::{Content, Shape};
use crate::chunk::Chunk;
use crate::codec::Writer;
use crate::cut::ContentsCut;

/// Runs of so many panes or fewer are merged pane by pane.
const DIRECT_MAX: usize = 8;
/// Panes of the shortest run whose merge is kept, as a power of two.
const LEVEL_MIN: u32 = 3;
/// The longest.
const LEVEL_MAX: u32 = 40;
/// Contents without rows kept for their allocations.
const SPARE_MAX: usize = 64;

/// A pane that has rows.
#[derive(Debug)]
pub struct PaneContent {
    /// Its start, ns.
    pub start: i64,
    /// Its end, ns.
    pub end: i64,
    /// Its rows.
    pub content: Content,
}

/// Panes by number.
#[derive(Debug, Default)]
pub struct Panes {
    panes: BTreeMap<Pane, PaneContent>,
    /// Merges of runs, by first pane and level.
    runs: BTreeMap<(Pane, u32), Content>,
    /// One past the last pane of any run kept.
    runs_end: Pane,
    spare: Vec<Content>,
    /// Bytes of text in the panes.
    text: usize,
    /// Contents merged so far, for tests of the complexity.
    merges: u64,
    /// A cut that they are being written for.
    cut: Option<ContentsCut>,
}

impl Panes {
    /// Panes in order.
    pub fn iter(&self) -> impl Iterator<Item = (Pane, &PaneContent)> {
        self.panes.iter().map(|(&pane, content)| (pane, content))
    }

    /// Number of panes.
    pub fn len(&self) -> usize {
        self.panes.len()
    }

    /// The oldest pane.
    pub fn first(&self) -> Option<Pane> {
        self.panes.first_key_value().map(|(&pane, _)| pane)
    }

    /// The first pane from `from` on.
    pub fn first_from(&self, from: Pane) -> Option<Pane> {
        self.panes.range(from..).next().map(|(&pane, _)| pane)
    }

    /// Panes from `from` on.
    pub fn from(&self, from: Pane) -> impl Iterator<Item = (Pane, &PaneContent)> {
        self.panes.range(from..).map(|(&pane, content)| (pane, content))
    }

    /// The last pane.
    pub fn last(&self) -> Option<Pane> {
        self.panes.last_key_value().map(|(&pane, _)| pane)
    }

    /// A pane.
    pub fn get_mut(&mut self, pane: Pane) -> Option<&mut PaneContent> {
        self.panes.get_mut(&pane)
    }

    /// Contents merged so far.
    #[cfg(test)]
    pub fn merges(&self) -> u64 {
        self.merges
    }

    /// Opens a pane.
    pub fn open(&mut self, pane: Pane, (start, end): (i64, i64), shape: &Shape) {
        let content = self.content(shape);
        self.panes.insert(pane, PaneContent { start, end, content });
    }

    /// Puts back a pane that was decoded.
    pub fn insert(&mut self, pane: Pane, content: PaneContent) {
        self.text += content.content.text_bytes();
        self.panes.insert(pane, content);
    }

    /// Bytes of text in the panes.
    pub fn text_bytes(&self) -> usize {
        self.text
    }

    /// Groups or rows in all panes.
    pub fn groups(&self) -> usize {
        self.panes.values().map(|pane| pane.content.len()).sum()
    }

    /// Begins a cut of all panes.
    pub fn freeze(&mut self) {
        let contents = self.panes.iter_mut().map(|(&pane, open)| (pane, &mut open.content));
        self.cut = Some(ContentsCut::new(contents));
    }

    /// Writes more of the cut until `out` has `until` bytes; true when all is written.
    pub fn cut_next(&mut self, shape: &Shape, out: &mut Writer, until: usize) -> bool {
        let Some(mut cut) = self.cut.take() else { return true };
        let done = cut.go_on(shape, out, until, &mut self.panes, |panes, pane| {
            panes.get_mut(&pane).map(|open| &mut open.content)
        });
        if !done {
            self.cut = Some(cut);
        }
        done
    }

    /// Gives up a cut.
    pub fn thaw(&mut self) {
        if self.cut.take().is_some() {
            self.panes.values_mut().for_each(|pane| pane.content.thaw());
        }
    }

    /// No panes any more.
    pub fn clear(&mut self) {
        self.cut = None;
        self.panes.clear();
        self.runs.clear();
        self.runs_end = Pane::MIN;
        self.text = 0;
    }

    fn content(&mut self, shape: &Shape) -> Content {
        self.spare.pop().unwrap_or_else(|| shape.content())
    }

    fn give_back(spare: &mut Vec<Content>, mut content: Content) {
        if spare.len() < SPARE_MAX {
            content.clear();
            spare.push(content);
        }
    }

    /// Adds prepared rows `from..to` to an open pane.
    pub fn add(&mut self, pane: Pane, shape: &mut Shape, input: &Chunk, rows: (usize, usize), seq: u64) {
        let open = self.panes.get_mut(&pane).expect("the pane is open");
        let before = open.content.text_bytes();
        shape.add(&mut open.content, input, rows.0, rows.1, seq);
        // `min` may get shorter.
        self.text = self.text + open.content.text_bytes() - before;
        if pane < self.runs_end {
            for level in LEVEL_MIN..=LEVEL_MAX {
                if let Some(run) = self.runs.get_mut(&(run_of(pane, level), level)) {
                    shape.add(run, input, rows.0, rows.1, seq);
                }
            }
        }
    }

    /// Drops the oldest panes as long as `is_done` says so.
    pub fn drop_first(&mut self, is_done: impl Fn(Pane) -> bool) -> bool {
        let mut dropped = false;
        while let Some(first) = self.panes.first_entry().filter(|p| is_done(*p.key())) {
            let (pane, PaneContent { content, .. }) = first.remove_entry();
            self.text -= content.text_bytes();
            let content = match &mut self.cut {
                Some(cut) => cut.retire(pane, content),
                None => Some(content),
            };
            if let Some(content) = content {
                Self::give_back(&mut self.spare, content);
            }
            dropped = true;
        }
        dropped
    }

    /// Drops the kept merges that begin before pane `first`.
    pub fn drop_runs(&mut self, first: Option<Pane>) {
        while let Some(run) = self.runs.first_entry().filter(|r| first.is_none_or(|f| r.key().0 < f)) {
            Self::give_back(&mut self.spare, run.remove());
        }
        if self.runs.is_empty() {
            self.runs_end = Pane::MIN;
        }
    }

    /// The only pane in `from..to`, if there is one alone.
    pub fn only(&mut self, from: Pane, to: Pane) -> Option<&mut Content> {
        let mut inside = self.panes.range_mut(from..to);
        match (inside.next(), inside.next()) {
            (Some((_, one)), None) => Some(&mut one.content),
            _ => None,
        }
    }

    /// Adds the rows of the panes in `from..to` to `into`.
    pub fn merge(&mut self, from: Pane, to: Pane, shape: &Shape, into: &mut Content) {
        if !shape.merges_in_any_order() || self.is_short(from, to) {
            self.merges += merge_panes(&self.panes, from, to, into);
            return;
        }
        let mut at = from;
        while at < to {
            let aligned = at.trailing_zeros().min(LEVEL_MAX);
            let level = (0..=aligned)
                .rev()
                .find(|&l| at.checked_add(1 << l).is_some_and(|end| end <= to))
                .unwrap_or(0);
            let end = at + (1 << level);
            if level < LEVEL_MIN || self.is_short(at, end) {
                self.merges += merge_panes(&self.panes, at, end, into);
            } else {
                self.keep(at, level, shape);
                into.merge(&self.runs[&(at, level)]);
                self.merges += 1;
            }
            at = end;
        }
    }

    /// Makes sure that the merge of `2^level` panes from `at` on is kept.
    fn keep(&mut self, at: Pane, level: u32, shape: &Shape) {
        if self.runs.contains_key(&(at, level)) {
            return;
        }
        let mut run = self.content(shape);
        let half = 1 << (level - 1);
        for (from, to) in [(at, at + half), (at + half, at + 2 * half)] {
            if level == LEVEL_MIN || self.is_short(from, to) {
                self.merges += merge_panes(&self.panes, from, to, &mut run);
            } else {
                self.keep(from, level - 1, shape);
                run.merge(&self.runs[&(from, level - 1)]);
                self.merges += 1;
            }
        }
        self.runs_end = self.runs_end.max(at + 2 * half);
        self.runs.insert((at, level), run);
    }

    fn is_short(&self, from: Pane, to: Pane) -> bool {
        self.panes.range(from..to).nth(DIRECT_MAX).is_none()
    }
}

/// First pane of the run of `2^level` panes that holds `pane`.
fn run_of(pane: Pane, level: u32) -> Pane {
    pane >> level << level
}

fn merge_panes(panes: &BTreeMap<Pane, PaneContent>, from: Pane, to: Pane, into: &mut Content) -> u64 {
    let mut count = 0;
    for pane in panes.range(from..to) {
        into.merge(&pane.1.content);
        count += 1;
    }
    count
}
