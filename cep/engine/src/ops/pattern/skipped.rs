//! AFTER MATCH SKIP of PATTERN and SEQUENCE: a match ends the partial matches that began before the
//! place it names. Rows that have passed are not looked at again, so it begins none.
//!
//! Invariants:
//! - A partial match without rows has not begun, and stays, unless it would begin with the row of a match
//!   that skips it.
//! - Where what is ended held the beginning of the pattern, and EVERY stands there, it is free again.

use std::sync::Arc;

use cep_lang::plan::AfterMatch;

use super::captures::{NONE, NodeId};
use super::followed::Conclusion;
use super::machine::Machine;
use super::run::{Key, Thread};

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
        let (clock, row) = by.clock_and_row();
        for mut run in std::mem::take(&mut key.runs) {
            if !run.threads.iter().any(|thread| self.is_skipped(thread)) {
                key.runs.push(run);
                continue;
            }
            let (skipped, kept) = run.threads.drain(..).partition::<Vec<_>, _>(|t| self.is_skipped(t));
            self.live -= skipped.len() as u64;
            run.threads.extend(kept);
            if run.threads.is_empty() {
                self.begin_behind(key, group, &skipped[0], clock, row);
            } else {
                self.schedule(&mut run, group);
                key.runs.push(run);
            }
            skipped.into_iter().for_each(|thread| self.free(thread.head));
        }
        is_given
    }

    /// Whether a match of this step skips the thread.
    pub(super) fn is_skipped(&self, thread: &Thread) -> bool {
        self.skipped_to > 0 && self.first_row(thread.head).is_some_and(|first| first < self.skipped_to)
    }

    /// Number of the first row of a chain.
    fn first_row(&self, head: NodeId) -> Option<u64> {
        self.captures.chain(head).last().map(|taken| self.captures.info(taken.row).seq)
    }

    /// A run was skipped, of which this is a thread: if an EVERY at the beginning was in it, it begins
    /// again.
    pub(super) fn begin_behind(&mut self, key: &mut Key, group: u32, skipped: &Thread, clock: i64, row: u64) {
        if !self.leads_to_start(skipped, clock, row) {
            return;
        }
        if self.automaton.initial_sets.is_empty() {
            key.is_busy = false;
            self.is_freed = true;
        } else {
            self.begin_waiting(key, group, clock, row);
        }
    }

    /// Whether what EVERY begins again, if the thread fails, is the whole pattern.
    fn leads_to_start(&mut self, thread: &Thread, clock: i64, row: u64) -> bool {
        let automaton = Arc::clone(&self.automaton);
        self.captures.hold(thread.head);
        let mut thread = thread.clone();
        let mut is_start = false;
        while let (false, Some(again)) = (is_start, &automaton.state(thread.state).again) {
            let next = self.restarted(&thread, again, clock, row);
            self.free(thread.head);
            let is_same = next.state == thread.state;
            thread = next;
            is_start = thread.state == automaton.initial && thread.head == NONE;
            if is_same {
                break;
            }
        }
        self.free(thread.head);
        is_start
    }
}
