//! MATCH_RECOGNIZE: of the matches that begin at a row the one that SQL:2016 prefers.
//!
//! Every row may begin a match. All beginnings are followed at once, each as a run; which of them
//! count is decided in order: a beginning is decided when nothing preferred to its best match is
//! possible any more, and a match may take the beginnings behind it away (AFTER MATCH SKIP).
//!
//! Invariants:
//! - The threads of a run stand in order of preference, all of them before its best match.
//! - With SKIP PAST LAST ROW, a thread of a later beginning that cannot be told from one of an earlier
//!   beginning is dropped, unless a match could take the earlier one away alone: it comes to bear only if
//!   the earlier one fails, and then it fails too.

use std::sync::Arc;

use cep_lang::diag::codes;
use cep_lang::plan::{AfterMatch, ElementId, OverBound};
use smallvec::SmallVec;

use super::automaton::Timer;
use super::captures::{NONE, NodeId};
use super::followed::{Hits, Refusal};
use super::machine::{Found, FoundKind, Machine, Now, Place};
use super::run::{Key, NEVER, Run, Thread};
use crate::ops::OpError;

impl Machine {
    /// A row of a partition.
    ///
    /// # Errors
    /// If the row must be left out; nothing has changed then.
    pub fn prefer(
        &mut self,
        key: &mut Key,
        group: u32,
        now: &Now<'_>,
        errors: &mut Vec<OpError>,
    ) -> Result<(), Refusal> {
        self.begin_row();
        let mut hits: SmallVec<[Hits; 4]> = SmallVec::new();
        for run in &key.runs {
            for thread in &run.threads {
                hits.push(self.look(thread, now, key.matches)?);
            }
        }
        let state = if now.seq == 1 { self.automaton.initial_first } else { self.automaton.initial };
        let beginning = Thread::new(state, self.automaton.registers);
        let may_begin = now.seq >= key.resume;
        let begins = if may_begin { self.look(&beginning, now, key.matches)? } else { Hits::default() };
        let is_kept = !begins.takes.is_empty() || self.automaton.state(state).accepts;
        if is_kept && self.is_full() && self.over_bound == OverBound::Fail {
            let message = format!(
                "more than {} partial matches (pattern.runs.max); the row was left out",
                self.runs_max
            );
            return Err(Refusal { code: codes::TOO_MANY_MATCHES, message });
        }
        let mut row = NONE;
        let mut runs = std::mem::take(&mut key.runs);
        let mut hits = hits.into_iter();
        for run in &mut runs {
            self.extend(run, &mut hits, now, &mut row);
        }
        if may_begin && (is_kept || self.gives_unmatched) {
            let run = self.begin(key, group, beginning, begins, now, &mut row);
            runs.extend(run);
        }
        if self.skip == AfterMatch::PastLastRow && runs.len() > 1 {
            self.merge_beginnings(&mut runs);
        }
        key.runs = runs;
        for run in &mut key.runs {
            self.schedule(run, group);
        }
        self.captures.free_row(row);
        let place = Place { pos: now.pos, time: None, stamp: now.stamp };
        self.decide(key, place, errors);
        Ok(())
    }

    /// A row begins a match, or none.
    fn begin(
        &mut self,
        key: &Key,
        group: u32,
        beginning: Thread,
        hits: Hits,
        now: &Now<'_>,
        row: &mut u32,
    ) -> Option<Run> {
        let accepts = self.automaton.state(beginning.state).accepts;
        if hits.takes.is_empty() && !accepts && !(self.gives_unmatched && now.seq >= key.covered) {
            return None;
        }
        if self.is_full() && self.over_bound == OverBound::Reject {
            self.given_up += 1;
            return None;
        }
        let number = self.number(group);
        let mut run = Run::new(number, beginning);
        run.start = now.seq;
        run.best = accepts.then_some(NONE);
        if self.gives_unmatched || accepts {
            self.keep_row(now, row);
            self.captures.hold_row(*row);
            run.anchor = *row;
        }
        self.live += 1;
        self.extend(&mut run, &mut std::iter::once(hits), now, row);
        Some(run)
    }

    /// Moves the threads of a run by a row.
    fn extend(&mut self, run: &mut Run, hits: &mut impl Iterator<Item = Hits>, now: &Now<'_>, row: &mut u32) {
        let automaton = Arc::clone(&self.automaton);
        let count = run.weight();
        let threads = std::mem::take(&mut run.threads);
        let mut is_cut = false;
        for mut thread in threads {
            let hits = hits.next().expect("hits of each thread");
            if let Some(Some(moved)) = hits.bounded {
                thread.state = moved.state;
                thread.registers = moved.registers;
            }
            for take in hits.takes {
                if is_cut {
                    break;
                }
                let take = &automaton.state(thread.state).takes[usize::from(take)];
                let head = self.capture(thread.head, take.leaf, now, row);
                let mut moved = Thread { state: 0, head, registers: thread.registers.clone() };
                moved.go(&take.to, now.clock, now.seq);
                let state = automaton.state(moved.state);
                if state.accepts {
                    // Whatever is less preferred is no more.
                    is_cut = true;
                    self.captures.hold(head);
                    if let Some(before) = run.best.replace(head) {
                        self.free(before);
                    }
                }
                if state.takes.is_empty() && !state.accepts_at_end {
                    self.free(moved.head);
                } else {
                    run.threads.push(moved);
                }
            }
            self.free(thread.head);
        }
        self.merge_threads(&mut run.threads);
        let room = self.runs_max.saturating_sub(self.live - count).max(1) as usize;
        while run.threads.len() > room && self.over_bound != OverBound::EvictOldest {
            let gone = run.threads.pop().expect("there are more");
            self.free(gone.head);
            self.given_up += 1;
        }
        self.live = self.live - count + run.weight();
    }

    /// Drops threads of later beginnings that come to bear only where an earlier one fails as they do.
    ///
    /// The earlier beginning must not be taken away without the later one: a match before it that ends
    /// between the two would do that.
    fn merge_beginnings(&mut self, runs: &mut [Run]) {
        let end = |run: &Run| {
            let last = run.best.and_then(|best| self.captures.last_row(best));
            last.map_or(0, |taken| self.captures.info(taken.row).seq)
        };
        let ends: Vec<u64> = runs.iter().map(end).collect();
        for later in 1..runs.len() {
            let (before, run) = runs.split_at_mut(later);
            let run = &mut run[0];
            let start = run.start;
            let stays = |at: usize| ends[..at].iter().all(|&end| end < before[at].start || end >= start);
            self.live -= run.weight();
            for thread in std::mem::take(&mut run.threads) {
                let is_same =
                    |(at, r): (usize, &Run)| r.threads.iter().any(|t| self.is_alike(t, &thread)) && stays(at);
                if before.iter().enumerate().any(is_same) {
                    self.free(thread.head);
                } else {
                    run.threads.push(thread);
                }
            }
            self.live += run.weight();
        }
    }

    /// Gives the matches of beginnings that are decided, in order.
    pub fn decide(&mut self, key: &mut Key, place: Place, errors: &mut Vec<OpError>) {
        while key.runs.first().is_some_and(|run| run.threads.is_empty()) {
            let mut run = key.runs.remove(0);
            match run.best.take() {
                Some(best) => self.give(key, &mut run, best, place, errors),
                None if self.gives_unmatched && run.start >= key.covered => {
                    self.found.push(Found {
                        kind: FoundKind::Unmatched,
                        head: NONE,
                        anchor: std::mem::replace(&mut run.anchor, NONE),
                        number: key.matches,
                        place,
                    });
                }
                None => {}
            }
            self.drop_run(run);
        }
    }

    /// Gives a match, and drops the beginnings that it skips.
    fn give(&mut self, key: &mut Key, run: &mut Run, best: NodeId, place: Place, errors: &mut Vec<OpError>) {
        let last = self.captures.last_row(best).map(|taken| self.captures.info(taken.row).seq);
        let past = last.map_or(run.start + 1, |last| last + 1);
        let resume = match (&self.skip, last) {
            // A match without rows lets the next row begin.
            (_, None) | (AfterMatch::ToNextRow | AfterMatch::Overlap, _) => Ok(run.start + 1),
            (AfterMatch::PastLastRow, _) => Ok(past),
            (AfterMatch::ToFirst(of), _) => self.place_of(best, of, true, run.start),
            (AfterMatch::ToLast(of), _) => self.place_of(best, of, false, run.start),
        };
        let resume = match resume {
            Ok(resume) => {
                key.matches += 1;
                self.found.push(Found {
                    kind: FoundKind::Match,
                    head: best,
                    anchor: std::mem::replace(&mut run.anchor, NONE),
                    number: key.matches,
                    place,
                });
                key.covered = key.covered.max(past);
                resume
            }
            Err(why) => {
                self.free(best);
                errors.push(OpError::of_result(place.pos, codes::BAD_SKIP, why));
                past
            }
        };
        key.resume = key.resume.max(resume);
        let skipped = key.runs.iter().take_while(|r| r.start < resume).count();
        for gone in key.runs.drain(..skipped).collect::<Vec<_>>() {
            self.drop_run(gone);
        }
    }

    /// Number of the first or last row of elements in a match.
    pub(super) fn place_of(
        &self,
        head: NodeId,
        of: &[ElementId],
        first: bool,
        start: u64,
    ) -> Result<u64, String> {
        let is_of = |leaf: u16| of.contains(&self.automaton.leaves[usize::from(leaf)].element);
        let mut rows = self.captures.chain(head).filter(|t| is_of(t.leaf));
        let row = if first { rows.last() } else { rows.next() };
        let names: Vec<&str> = of.iter().map(|e| self.names[e.0].as_str()).collect();
        let names = names.join(", ");
        match row.map(|taken| self.captures.info(taken.row).seq) {
            None => Err(format!("AFTER MATCH SKIP TO {names}: the match has no such row; it was left out")),
            Some(seq) if seq == start => Err(format!(
                "AFTER MATCH SKIP TO {names}: that is the first row of the match; it was left out"
            )),
            Some(seq) => Ok(seq),
        }
    }

    /// A bound in time ends threads of a run.
    pub fn expire(
        &mut self,
        key: &mut Key,
        number: u64,
        due: i64,
        place: Place,
        group: u32,
        errors: &mut Vec<OpError>,
    ) {
        let Ok(at) = key.runs.binary_search_by_key(&number, |run| run.number) else { return };
        let mut run = key.runs.remove(at);
        if run.due == due {
            run.due = NEVER;
            let automaton = Arc::clone(&self.automaton);
            self.live -= run.weight();
            let threads = std::mem::take(&mut run.threads);
            for mut thread in threads {
                let fired = |thread: &Thread| {
                    let is_over = |t: &&Timer| {
                        thread.registers[usize::from(t.register)].saturating_add(t.after_ns) <= due
                    };
                    automaton.state(thread.state).timers.iter().find(is_over).map(|t| &t.to)
                };
                let mut is_over = false;
                while let (false, Some(to)) = (is_over, fired(&thread)) {
                    match to {
                        Some(to) => thread.go(to, due, key.rows),
                        None => is_over = true,
                    }
                }
                let state = automaton.state(thread.state);
                if is_over || (state.takes.is_empty() && !state.accepts_at_end) {
                    self.free(thread.head);
                } else {
                    run.threads.push(thread);
                }
            }
            self.live += run.weight();
            self.schedule(&mut run, group);
        }
        key.runs.insert(at, run);
        self.decide(key, place, errors);
    }

    /// The input has ended: what waits for its end is complete, all else is decided.
    pub fn end(&mut self, key: &mut Key, place: Place, errors: &mut Vec<OpError>) {
        let automaton = Arc::clone(&self.automaton);
        for run in &mut key.runs {
            self.live = self.live - run.weight() + 1;
            let threads = std::mem::take(&mut run.threads);
            let complete = threads.iter().position(|t| automaton.state(t.state).accepts_at_end);
            for (at, thread) in threads.into_iter().enumerate() {
                if Some(at) == complete {
                    if let Some(before) = run.best.replace(thread.head) {
                        self.free(before);
                    }
                } else {
                    self.free(thread.head);
                }
            }
        }
        self.decide(key, place, errors);
    }
}
