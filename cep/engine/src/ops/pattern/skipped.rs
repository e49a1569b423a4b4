//! AFTER MATCH SKIP of PATTERN and SEQUENCE: a match ends the partial matches that began before the
//! place it names. Rows that have passed are not looked at again, so it begins none.
//!
//! Invariants:
//! - A partial match without rows has not begun, and stays. One that begins with the row of a match that
//!   skips this row is ended with the others when the row has been looked at, and gives nothing.
//! - Where an EVERY in what is ended has no row yet, or begins again without one, it goes on.

use std::sync::Arc;

use cep_lang::plan::AfterMatch;

use super::captures::{NONE, NodeId};
use super::followed::Conclusion;
use super::machine::Machine;
use super::run::{Key, Run, Thread};

impl Machine {
    /// Ends what a match of these rows skips; `false`: the match has no such place and is left out, and
    /// the next one begins behind it.
    pub(super) fn skip(&mut self, key: &mut Key, group: u32, head: NodeId, by: &Conclusion<'_>) -> bool {
        let Some((first, last)) = self.first_row(head).zip(self.captures.last_row(head)) else { return true };
        let past = self.captures.info(last.row).seq + 1;
        let place = match &self.skip {
            AfterMatch::Overlap => return true,
            AfterMatch::PastLastRow => Ok(past),
            AfterMatch::ToNextRow => Ok(first + 1),
            AfterMatch::ToFirst(of) => self.place_of(head, of, true, first),
            AfterMatch::ToLast(of) => self.place_of(head, of, false, first),
        };
        let is_given = place.is_ok();
        let place = place.unwrap_or_else(|why| {
            self.bad_skips.push((by.place().pos, why));
            past
        });
        self.skipped_to = self.skipped_to.max(place);
        self.end_skipped(key, group, by.clock_and_row());
        is_given
    }

    /// Ends the runs that a match of this step skips.
    pub(super) fn end_skipped(&mut self, key: &mut Key, group: u32, at: (i64, u64)) {
        for mut run in std::mem::take(&mut key.runs) {
            if !run.threads.iter().any(|thread| self.is_skipped(thread)) {
                key.runs.push(run);
                continue;
            }
            let (skipped, kept) = run.threads.drain(..).partition::<Vec<_>, _>(|t| self.is_skipped(t));
            self.live -= skipped.len() as u64;
            run.threads.extend(kept);
            if run.threads.is_empty() {
                self.begin_behind(key, group, &run, &skipped[0], at);
            } else {
                self.schedule(&mut run, group);
                key.runs.push(run);
            }
            skipped.into_iter().for_each(|thread| self.free(thread.head));
        }
    }

    /// Whether a match of this step skips the thread.
    pub(super) fn is_skipped(&self, thread: &Thread) -> bool {
        self.skipped_to > 0 && self.first_row(thread.head).is_some_and(|first| first < self.skipped_to)
    }

    /// Number of the first row of a chain.
    fn first_row(&self, head: NodeId) -> Option<u64> {
        self.captures.chain(head).last().map(|taken| self.captures.info(taken.row).seq)
    }

    /// A run was skipped, of which this is a thread: what EVERY begins again in it without rows that are
    /// skipped goes on in its place.
    pub(super) fn begin_behind(
        &mut self,
        key: &mut Key,
        group: u32,
        run: &Run,
        skipped: &Thread,
        (clock, row): (i64, u64),
    ) {
        let automaton = Arc::clone(&self.automaton);
        self.captures.hold(skipped.head);
        let mut thread = skipped.clone();
        while let Some(again) = &automaton.state(thread.state).again {
            let next = self.restarted(&thread, again, clock, row);
            self.free(thread.head);
            let is_same = next.state == thread.state;
            thread = next;
            if thread.state == automaton.initial && thread.head == NONE {
                return self.begin_whole(key, group, (clock, row));
            }
            if !self.is_skipped(&thread) {
                let mut again = Run::new(run.number, thread);
                again.holds_start = run.holds_start;
                self.live += 1;
                self.schedule_new(&mut again, group);
                key.runs.push(again);
                return;
            }
            if is_same {
                break;
            }
        }
        self.free(thread.head);
    }

    /// The beginning of the pattern is free again.
    fn begin_whole(&mut self, key: &mut Key, group: u32, (clock, row): (i64, u64)) {
        if self.automaton.initial_sets.is_empty() {
            key.is_busy = false;
            self.is_freed = true;
        } else {
            self.begin_waiting(key, group, clock, row);
        }
    }
}
