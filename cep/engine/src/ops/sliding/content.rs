//! Windows that keep their rows: groups and aggregates by adding and removing.

use std::sync::Arc;

use super::groups::Groups;
use super::place::Place;
use super::rows::{NO_GROUP, WindowRows};
use crate::agg::{AggInput, AggPlan, AggSet, EmitError, Rows, Slides};
use crate::codec::{Reader, Result, Writer};
use crate::column::Column;

/// Groups without rows in the window that may be remembered before they are sought out.
const GROUPS_SPARE: usize = 4096;

/// Rows in the window with the aggregates of their groups.
#[derive(Debug)]
pub struct Content {
    /// Which rows leave.
    pub place: Place,
    /// The rows.
    pub rows: WindowRows,
    /// Their groups, and some that have no row any more.
    pub groups: Groups,
    /// The steps of this chunk, by row number.
    slides: Slides,
    plan: Arc<AggPlan>,
    set: AggSet,
    /// Per group, where rows cannot be removed: rows have left, so that it must be made anew.
    stale: Vec<bool>,
    /// Groups kept when they were last sought out.
    groups_kept: usize,
}

impl Content {
    /// An empty window.
    pub fn new(place: Place, rows: WindowRows, groups: Groups, plan: Arc<AggPlan>) -> Self {
        let set = AggSet::new(Arc::clone(&plan));
        Content { place, rows, groups, slides: Slides::default(), plan, set, stale: Vec::new(), groups_kept: 0 }
    }

    /// Begins a chunk: forgets what has left, if it is much.
    pub fn begin(&mut self) {
        if let Some(kept) = self.rows.compact() {
            self.place.renumber(&kept);
        }
        if self.groups.len() > GROUPS_SPARE + 2 * self.groups_kept {
            self.forget_groups();
        }
        self.slides.clear();
    }

    /// Forgets groups without rows in the window.
    fn forget_groups(&mut self) {
        let mut used = vec![false; self.groups.len()];
        for row in self.rows.live() {
            let group = self.rows.group[row as usize];
            if group != NO_GROUP {
                used[group as usize] = true;
            }
        }
        let kept = self.groups.retain(|g| used[g as usize]);
        let mut new = vec![NO_GROUP; used.len()];
        let mut set = AggSet::new(Arc::clone(&self.plan));
        set.resize(kept.len());
        for (to, &from) in kept.iter().enumerate() {
            new[from as usize] = to as u32;
            if self.plan.is_removable() && (from as usize) < self.set.groups() {
                set.merge(to as u32, &self.set, from);
            }
        }
        self.stale = vec![true; kept.len()];
        for group in self.rows.group.iter_mut().filter(|g| **g != NO_GROUP) {
            *group = new[*group as usize];
        }
        self.set = set;
        self.groups_kept = kept.len();
    }

    /// Rows `from..` of the store enter in turn.
    pub fn enter(&mut self, from: usize) {
        self.rows.appended();
        let (place, rows, slides) = (&mut self.place, &mut self.rows, &mut self.slides);
        if let Place::Queue(queue) = place {
            for row in from..rows.end() {
                queue.enter(rows, row as u32, &mut slides.leaves);
                slides.enter(row as u32);
            }
            return;
        }
        for row in from..rows.end() {
            place.enter(rows, row as u32, &mut slides.leaves);
            if rows.group[row] != NO_GROUP {
                slides.enter(row as u32);
            }
        }
    }

    /// Rows leave that the stamp or the rows that failed WHERE have put behind.
    pub fn settle(&mut self, stamp: i64, arrived: u64) {
        self.place.settle(&mut self.rows, stamp, arrived, &mut self.slides.leaves);
    }

    /// Runs the steps of this chunk; appends one value a call and row with a group.
    pub fn slide(&mut self, results: &mut [Column], errors: &mut Vec<EmitError>) {
        let Content { rows, slides, set, .. } = self;
        if slides.enters.is_empty() && slides.leaves.is_empty() {
            return;
        }
        set.resize(self.groups.len());
        if !self.plan.is_removable() {
            return self.rebuild_groups(results, errors);
        }
        let columns: smallvec::SmallVec<[&Column; 16]> = rows.args.iter().collect();
        let input = AggInput { columns: &columns, rows: Rows::From(0), ts: &rows.time, seq: &rows.seq };
        set.slide(slides, &rows.group, input, results, errors);
    }

    /// The same where nothing can be removed: a group that rows have left is made anew from its
    /// rows when it is asked for.
    fn rebuild_groups(&mut self, results: &mut [Column], errors: &mut Vec<EmitError>) {
        let Content { rows, slides, set, stale, .. } = self;
        stale.resize(set.groups(), false);
        let columns: Vec<&Column> = rows.args.iter().collect();
        let all = AggInput { columns: &columns, rows: Rows::From(0), ts: &rows.time, seq: &rows.seq };
        // Rows in the window at the step that is run.
        let mut inside: Vec<bool> = (0..rows.end()).map(|r| rows.is_live(r)).collect();
        slides.leaves.iter().for_each(|&r| inside[r as usize] = true);
        slides.enters.iter().for_each(|&r| inside[r as usize] = false);
        let first = slides.leaves.iter().map(|&r| r as usize).min().unwrap_or(rows.front).min(rows.front);
        let mut gone = 0;
        for (step, (&row, &end)) in slides.enters.iter().zip(&slides.ends).enumerate() {
            let group = rows.group[row as usize];
            inside[row as usize] = true;
            if !stale[group as usize] {
                set.update(&[group], &AggInput { rows: Rows::From(row as usize), ..all });
            }
            for &row in &slides.leaves[gone..end as usize] {
                inside[row as usize] = false;
                stale[rows.group[row as usize] as usize] = true;
            }
            gone = end as usize;
            if stale[group as usize] {
                let of_group = |r: &usize| inside[*r] && rows.group[*r] == group;
                let picked: Vec<u32> = (first..=row as usize).filter(of_group).map(|r| r as u32).collect();
                set.forget(group);
                set.update(&vec![group; picked.len()], &AggInput { rows: Rows::Pick(&picked), ..all });
                stale[group as usize] = false;
            }
            let before = errors.len();
            set.emit_all(&[group], results, errors);
            errors[before..].iter_mut().for_each(|e| e.index = step);
        }
        for &row in &slides.leaves[gone..] {
            stale[rows.group[row as usize] as usize] = true;
        }
    }

    /// Writes the state: the rows, from which all else follows.
    pub fn encode(&self, out: &mut Writer) {
        self.rows.encode(&self.groups, self.place.marks_are_state(), out);
    }

    /// Reads what [`Content::encode`] wrote.
    ///
    /// # Errors
    /// If the bytes are damaged.
    pub fn decode(&mut self, input: &mut Reader<'_>) -> Result<()> {
        self.rows.decode(&mut self.groups, self.place.marks_are_state(), input)?;
        self.place.rebuild(&mut self.rows);
        self.set = AggSet::new(Arc::clone(&self.plan));
        self.set.resize(self.groups.len());
        self.stale = vec![false; self.groups.len()];
        self.groups_kept = 0;
        let picked: Vec<u32> = self.rows.live().filter(|&r| self.rows.group[r as usize] != NO_GROUP).collect();
        let groups: Vec<u32> = picked.iter().map(|&r| self.rows.group[r as usize]).collect();
        let columns: Vec<&Column> = self.rows.args.iter().collect();
        let rows = &self.rows;
        let source = AggInput { columns: &columns, rows: Rows::Pick(&picked), ts: &rows.time, seq: &rows.seq };
        self.set.update(&groups, &source);
        Ok(())
    }
}
