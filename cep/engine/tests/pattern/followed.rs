//! PATTERN and SEQUENCE by runs: a run is the trees that are left of one beginning.

use std::rc::Rc;

use cep_lang::plan::AfterMatch;

use crate::case::{Case, Outcome, Row, by_partition, lines};
use crate::trees::{Cap, P, T, Way, World, begins_with_wait, caps, convert, inside};

struct Run {
    trees: Vec<T>,
    holds_start: bool,
}

/// Runs behind a step: those in the place of the run before, and new ones.
#[derive(Default)]
struct Next {
    old: Vec<Run>,
    new: Vec<Run>,
}

/// One key.
struct Key<'a> {
    world: World<'a>,
    root: Rc<P>,
    begins_with_wait: bool,
    runs: Vec<Run>,
    is_busy: bool,
    /// The row ended what kept the pattern from beginning.
    is_freed: bool,
    has_matched: bool,
    number: usize,
    lines: Vec<String>,
    name: String,
    is_too_much: bool,
    /// Rows so far.
    seen: u64,
    /// What begins with a row below it was skipped in this step.
    skipped_to: usize,
    errors: usize,
}

impl Key<'_> {
    fn is_skipped(&self, t: &T) -> bool {
        caps(t).first().is_some_and(|first| first.1 < self.skipped_to)
    }

    /// Notes where the next match may begin; `false`: the match has no such place.
    fn skip(&mut self, found: &[Cap]) -> bool {
        let Some((first, last)) = found.first().zip(found.last()).map(|(f, l)| (f.1, l.1)) else {
            return true;
        };
        let of = |elements: &[cep_lang::plan::ElementId]| -> Vec<usize> {
            found.iter().filter(|c| elements.iter().any(|e| e.0 == c.0)).map(|c| c.1).collect()
        };
        let place = match &self.world.case.skip {
            AfterMatch::Overlap => return true,
            AfterMatch::PastLastRow => Some(last + 1),
            AfterMatch::ToNextRow => Some(first + 1),
            AfterMatch::ToFirst(e) => of(e).first().copied().filter(|&at| at != first),
            AfterMatch::ToLast(e) => of(e).last().copied().filter(|&at| at != first),
        };
        self.errors += usize::from(place.is_none());
        self.skipped_to = self.skipped_to.max(place.unwrap_or(last + 1));
        place.is_some()
    }

    /// A run without those of its trees that were skipped; an error: it is over, and what begins again in
    /// its place.
    fn unskipped(&mut self, mut run: Run, now: i64, next: &mut Next) -> Result<Run, Option<Run>> {
        let Some(skipped) = run.trees.iter().position(|t| self.is_skipped(t)) else { return Ok(run) };
        let mut tree = run.trees[skipped].clone();
        run.trees.retain(|t| !self.is_skipped(t));
        if !run.trees.is_empty() {
            return Ok(run);
        }
        for _ in 0..8 {
            let Some(again) = self.world.again(&tree) else { break };
            if caps(&again).is_empty() && self.is_start(&again) {
                if self.begins_with_wait {
                    let t = self.world.reached(T::Fresh(self.root.clone()), now);
                    next.new.push(Run { trees: vec![t], holds_start: true });
                } else {
                    self.is_busy = false;
                    self.is_freed = true;
                }
                break;
            }
            tree = self.world.reached(again, now);
            if !self.is_skipped(&tree) {
                return Err(Some(Run { trees: vec![tree], holds_start: run.holds_start }));
            }
        }
        Err(None)
    }

    /// Ends what was skipped among runs.
    fn unskip(&mut self, runs: Vec<Run>, now: i64, next: &mut Next) -> Vec<Run> {
        let left = |run| self.unskipped(run, now, next).map_or_else(|again| again, Some);
        runs.into_iter().filter_map(left).collect()
    }

    fn give(&mut self, found: &[Cap], timed_out: bool) {
        let number = if timed_out { self.number + 1 } else { self.number };
        let rows: Vec<(usize, Row, bool)> =
            found.iter().map(|&(e, at)| (e, self.world.rows[at].0.clone(), false)).collect();
        let made = lines(self.world.case, &self.name, number, &rows, timed_out, None);
        self.lines.extend(made);
    }

    fn is_start(&self, t: &T) -> bool {
        // The whole begins again where nothing was found and the whole is an EVERY.
        match t {
            T::Fresh(_) => true,
            T::Bounded(_, cur, None, _) => self.is_start(cur),
            T::Seq(done, cur, _) => done.is_empty() && self.is_start(cur) && caps(t).is_empty(),
            _ => false,
        }
    }

    /// Ends a step of a run: what became of its trees, in order, the first tree that failed, what
    /// begins again.
    #[allow(clippy::too_many_arguments)]
    fn conclude(
        &mut self,
        mut trees: Vec<T>,
        dead: Option<(T, bool)>,
        again: Vec<T>,
        mut holds: bool,
        now: i64,
        is_new: bool,
        restarted: &mut Vec<Run>,
        next: &mut Next,
    ) {
        let mut is_new = is_new;
        for t in again {
            if caps(&t).is_empty() && self.is_start(&t) && !self.begins_with_wait {
                self.is_busy = false;
            } else {
                let is_start = caps(&t).is_empty() && self.is_start(&t);
                let t = self.world.reached(t, now);
                let run = Run { trees: vec![t], holds_start: holds || is_start };
                // It has the place of the run, which goes on as a new one.
                if is_new {
                    next.new.push(run)
                } else {
                    next.old.push(run)
                }
                is_new = true;
            }
            holds = false;
        }
        if let Some(at) = trees.iter().position(|t| self.world.is_complete(t)) {
            self.has_matched = true;
            let found = caps(&trees[at]);
            if !self.is_skipped(&trees[at]) && self.skip(&found) {
                self.number += 1;
                self.give(&found, false);
            }
            return;
        }
        self.is_too_much |= trees.len() > 200;
        trees.truncate(200);
        if !trees.is_empty() {
            let trees = trees.into_iter().map(|t| self.world.reached(t, now)).collect();
            let run = Run { trees, holds_start: holds };
            if is_new {
                next.new.push(run)
            } else {
                next.old.push(run)
            }
            return;
        }
        let Some((mut tree, by_time)) = dead else { return };
        if by_time && self.world.case.timed_out && !caps(&tree).is_empty() && self.world.case.all.is_none() {
            self.give(&caps(&tree), true);
        }
        for _ in 0..8 {
            let Some(again) = self.world.again(&tree) else { break };
            let again = self.world.reached(again, now);
            let by_rows = matches!(self.world.rows_passed(&again, self.seen), Some(None));
            let is_late = by_rows || self.world.times(&again).iter().any(|t| !t.4 && t.0 <= now);
            if caps(&again).is_empty() || !is_late {
                if caps(&again).is_empty() && !self.begins_with_wait && self.is_start(&again) {
                    self.is_busy = false;
                    self.is_freed = true;
                } else {
                    restarted.push(Run { trees: vec![again], holds_start: holds });
                }
                return;
            }
            tree = again;
        }
        if holds && !self.has_matched {
            if self.begins_with_wait {
                let t = self.world.reached(T::Fresh(self.root.clone()), now);
                restarted.push(Run { trees: vec![t], holds_start: true });
            } else {
                self.is_busy = false;
                self.is_freed = true;
            }
        }
    }

    fn move_run(
        &mut self,
        run: Run,
        row: usize,
        is_offer: bool,
        is_new: bool,
        restarted: &mut Vec<Run>,
        next: &mut Next,
    ) {
        let now = self.world.rows[row].1;
        let mut trees: Vec<(T, bool)> = vec![];
        let mut dead = None;
        let mut taken: Vec<(usize, Vec<T>, Vec<usize>)> = vec![];
        for tree in run.trees {
            let mut tree = tree;
            let mut is_dead = false;
            while let Some(passed) = self.world.rows_passed(&tree, row as u64 + 1) {
                match passed {
                    Some(t) => tree = self.world.reached(t, now),
                    None => {
                        is_dead = true;
                        break;
                    }
                }
            }
            if is_dead {
                dead.get_or_insert((tree, false));
                continue;
            }
            let found = caps(&tree);
            let ways = self.world.ways(&tree, row, &found);
            let mut any = false;
            for way in ways {
                if let Way::Take(t, again, over) = way {
                    any = true;
                    taken.push((trees.len(), again, over));
                    trees.push((t, true));
                }
            }
            if any {
                continue;
            }
            let fall = if is_offer { None } else { self.world.falls(&tree, row, &found).into_iter().next() };
            match fall {
                Some(Some(t)) => trees.push((t, false)),
                Some(None) => {
                    dead.get_or_insert((tree, false));
                }
                None => {
                    let waits = found.is_empty() && self.world.times(&tree).iter().any(|t| t.4);
                    if self.world.is_contiguous() && !waits && !is_offer {
                        dead.get_or_insert((tree, false));
                    } else {
                        trees.push((tree, false));
                    }
                }
            }
        }
        let (trees, again) = settle(trees, taken);
        self.conclude(trees, dead, again, run.holds_start, now, is_new, restarted, next);
    }

    fn row(&mut self, row: usize) {
        let now = self.world.rows[row].1;
        self.fire_until(now);
        let was_busy = self.is_busy;
        self.seen = row as u64 + 1;
        self.is_freed = false;
        self.skipped_to = 0;
        if row == 0 && self.begins_with_wait {
            self.is_busy = true;
            let t = self.world.reached(T::Fresh(self.root.clone()), now);
            self.runs.push(Run { trees: vec![t], holds_start: true });
        }
        let (mut restarted, mut next) = (vec![], Next::default());
        let mut old: Vec<(usize, Run)> = vec![];
        for (place, run) in std::mem::take(&mut self.runs).into_iter().enumerate() {
            let mut again = vec![];
            match self.unskipped(run, now, &mut next) {
                Ok(run) => self.move_run(run, row, false, false, &mut again, &mut next),
                Err(run) => old.extend(run.map(|run| (place, run))),
            }
            restarted.extend(again.into_iter().map(|run| (place, run)));
            old.extend(next.old.drain(..).map(|run| (place, run)));
        }
        for (place, run) in restarted {
            match self.unskipped(run, now, &mut next) {
                Ok(run) => self.move_run(run, row, true, false, &mut vec![], &mut next),
                Err(run) => old.extend(run.map(|run| (place, run))),
            }
            old.extend(next.old.drain(..).map(|run| (place, run)));
        }
        // What began again stands where its run stood.
        old.sort_by_key(|run| run.0);
        let old = old.into_iter().map(|run| run.1).collect();
        next.old = self.unskip(old, now, &mut next);
        let new = std::mem::take(&mut next.new);
        let new = self.unskip(new, now, &mut next);
        next.new.splice(0..0, new);
        let is_free = !self.is_busy && (!was_busy || self.is_freed) && self.skipped_to <= row;
        if is_free && !self.begins_with_wait {
            let start = T::Fresh(self.root.clone());
            let takes = self.world.ways(&start, row, &[]).iter().any(|w| matches!(w, Way::Take(..)));
            if takes {
                self.is_busy = true;
                let run = Run { trees: vec![start], holds_start: true };
                self.move_run(run, row, false, true, &mut vec![], &mut next);
            }
        }
        self.runs = next.old;
        self.runs.append(&mut next.new);
        self.is_too_much |= self.runs.len() > 300;
    }

    /// The run that something happens to first.
    fn first_due(&self) -> Option<(i64, usize)> {
        let due = |r: &Run| r.trees.iter().flat_map(|t| self.world.times(t)).map(|t| t.0).min();
        self.runs.iter().enumerate().filter_map(|(at, r)| Some((due(r)?, at))).min()
    }

    /// What is due for a run; what begins then begins at `now`.
    fn fire(&mut self, at: usize, due: i64, now: i64) {
        self.skipped_to = 0;
        let run = self.runs.remove(at);
        let mut trees: Vec<(T, bool)> = vec![];
        let mut taken = vec![];
        let mut dead = None;
        for tree in run.trees {
            match self.world.times(&tree).into_iter().find(|t| t.0 <= due) {
                None => trees.push((tree, false)),
                Some((_, None, ..)) => {
                    dead.get_or_insert((tree, true));
                }
                Some((_, Some(t), again, over, absence)) => {
                    if absence {
                        taken.push((trees.len(), again, over));
                    }
                    trees.push((t, absence));
                }
            }
        }
        let (trees, again) = settle(trees, taken);
        let (mut restarted, mut next) = (vec![], Next::default());
        self.conclude(trees, dead, again, run.holds_start, now, false, &mut restarted, &mut next);
        next.old.extend(restarted);
        let mut behind = Next::default();
        let own = [std::mem::take(&mut next.old), std::mem::take(&mut next.new)];
        let [old, new] = own.map(|runs| self.unskip(runs, now, &mut behind));
        (next.old, next.new) = (old, new);
        // Those that were skipped keep their places.
        for run in std::mem::take(&mut self.runs) {
            let left = self.unskipped(run, now, &mut behind).map_or_else(|again| again, Some);
            self.runs.push(left.unwrap_or(Run { trees: vec![], holds_start: false }));
        }
        next.new.append(&mut behind.new);
        for (n, run) in next.old.into_iter().enumerate() {
            self.runs.insert(at + n, run);
        }
        self.runs.append(&mut next.new);
    }

    fn fire_until(&mut self, now: i64) {
        while let Some((due, at)) = self.first_due() {
            if due > now {
                break;
            }
            self.fire(at, due, due);
        }
    }

    /// The end of time: what is under way happens, and what begins then has no time left.
    fn end(&mut self) {
        let never = i64::MAX / 2;
        while let Some((due, at)) = self.first_due().filter(|(due, _)| *due < never) {
            self.fire(at, due, never);
        }
    }
}

/// An EVERY that is complete ends the other trees of its instance.
fn settle(trees: Vec<(T, bool)>, taken: Vec<(usize, Vec<T>, Vec<usize>)>) -> (Vec<T>, Vec<T>) {
    let first = taken.iter().find(|t| !t.2.is_empty());
    let is_over = |at: usize, t: &T| {
        let Some((winner, _, over)) = first else { return false };
        let own = taken.iter().find(|t| t.0 == at).map(|t| &t.2);
        *winner != at && over.iter().any(|&e| inside(t, e) || own.is_some_and(|own| own.contains(&e)))
    };
    let kept: Vec<bool> = trees.iter().enumerate().map(|(at, (t, _))| !is_over(at, t)).collect();
    let again = taken.iter().filter(|t| kept[t.0]).flat_map(|t| t.1.clone()).collect();
    let trees = trees.into_iter().zip(&kept).filter(|(_, kept)| **kept).map(|((t, _), _)| t).collect();
    (trees, again)
}

/// What comes out; `None`: the reference has too much to do.
pub fn outcome(case: &Case) -> Option<Outcome> {
    let mut out = Outcome::default();
    let (keys, end) = by_partition(case);
    let mut root = convert(&case.pattern, &mut 0);
    if !case.within.is_empty() {
        root = Rc::new(P::Bounded(case.within.clone(), root));
    }
    for (at, rows) in keys.iter().enumerate() {
        let mut key = Key {
            world: World { case, rows },
            begins_with_wait: begins_with_wait(&root),
            root: root.clone(),
            runs: vec![],
            is_busy: false,
            is_freed: false,
            has_matched: false,
            number: 0,
            lines: vec![],
            name: format!("k{at}"),
            is_too_much: false,
            seen: 0,
            skipped_to: 0,
            errors: 0,
        };
        for row in 0..rows.len() {
            key.row(row);
            if key.is_too_much {
                return None;
            }
        }
        key.fire_until(end);
        key.end();
        out.lines.append(&mut key.lines);
        out.errors += key.errors;
    }
    Some(out)
}
