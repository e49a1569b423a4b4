//! AFTER MATCH SKIP of PATTERN and SEQUENCE: a match that was given takes partial matches away that
//! began too early to be the next one.
//!
//! Invariant: what has no row yet has not begun, and is left as it is.

use std::sync::Arc;

use cep_lang::diag::codes;
use cep_lang::plan::AfterMatch;

use super::captures::{NONE, NodeId};
use super::machine::{Machine, Place};
use super::run::{Key, Run, Thread};
use crate::ops::OpError;

impl Machine {
    /// Says where the next match of the key may begin behind a match that begins with row `start`; whether the match
    /// is given.
    pub(super) fn resume_behind(&mut self, key: &mut Key, head: NodeId, start: u64, place: Place) -> bool {
        let last = self.captures.last_row(head).map(|taken| self.captures.info(taken.row).seq);
        let Some(last) = last.filter(|_| self.skip != AfterMatch::Overlap) else { return true };
        let resume = match &self.skip {
            AfterMatch::Overlap => return true,
            AfterMatch::PastLastRow => Ok(last + 1),
            AfterMatch::ToNextRow => Ok(self.first_row(head, start) + 1),
            AfterMatch::ToFirst(of) => self.place_of(head, of, true, self.first_row(head, start)),
            AfterMatch::ToLast(of) => self.place_of(head, of, false, self.first_row(head, start)),
        };
        let is_given = resume.is_ok();
        let resume = resume.unwrap_or_else(|why| {
            self.failed.push(OpError::of_result(place.pos, codes::BAD_SKIP, why));
            last + 1
        });
        key.resume = key.resume.max(resume);
        is_given
    }

    /// Whether a match took the run away: it began before the next match may.
    pub(super) fn is_skipped(&self, key: &Key, run: &Run) -> bool {
        let mut heads = run.threads.iter().map(|thread| thread.head).filter(|&head| head != NONE);
        heads.any(|head| self.first_row(head, run.start) < key.resume)
    }

    /// The row that what begins again in a run began with, if it has any.
    pub(super) fn start_of(&self, thread: &Thread) -> u64 {
        if self.skip == AfterMatch::Overlap {
            return 0;
        }
        let first = self.captures.chain(thread.head).last();
        first.map_or(0, |taken| self.captures.info(taken.row).seq)
    }

    /// Number of the first row of a chain of a run that began with row `start`.
    fn first_row(&self, head: NodeId, start: u64) -> u64 {
        // Where a part can be given up, its rows are none of the match any more.
        if !self.automaton.has_losses {
            return start;
        }
        let first = self.captures.chain(head).last();
        first.map_or(start, |taken| self.captures.info(taken.row).seq)
    }

    /// Drops a run that a match took away; where nothing else may begin before it is over, the pattern
    /// begins again.
    pub(super) fn skip_run(&mut self, key: &mut Key, group: u32, run: Run, clock: i64, seq: u64) {
        if run.holds_start && self.begins_again(&run, clock, seq) {
            if self.automaton.initial_sets.is_empty() {
                key.is_busy = false;
                self.is_freed = true;
            } else {
                let mut thread = Thread::new(self.automaton.initial, self.automaton.registers);
                thread.set(&self.automaton.initial_sets.clone(), clock, seq);
                let number = self.number(group);
                let mut again = Run::new(number, thread);
                again.holds_start = true;
                self.live += 1;
                self.schedule(&mut again, group);
                key.runs.push(again);
            }
        }
        self.drop_run(run);
    }

    /// Drops all runs of the key that were taken away.
    pub(super) fn sweep(&mut self, key: &mut Key, group: u32, clock: i64, seq: u64) {
        if self.skip == AfterMatch::Overlap {
            return;
        }
        for run in std::mem::take(&mut key.runs) {
            if self.is_skipped(key, &run) {
                self.skip_run(key, group, run, clock, seq);
            } else {
                key.runs.push(run);
            }
        }
    }

    /// Whether the end of a run lets an EVERY at the pattern's beginning begin again.
    fn begins_again(&mut self, run: &Run, clock: i64, seq: u64) -> bool {
        let automaton = Arc::clone(&self.automaton);
        let Some(mut thread) = run.threads.first().cloned() else { return false };
        self.captures.hold(thread.head);
        let mut is_start = false;
        while let Some(again) = &automaton.state(thread.state).again {
            let next = self.restarted(&thread, again, clock, seq);
            self.free(thread.head);
            let is_same = next.state == thread.state && next.registers == thread.registers;
            thread = next;
            is_start = thread.state == automaton.initial && thread.head == NONE;
            if is_start || is_same {
                break;
            }
        }
        self.free(thread.head);
        is_start
    }
}
