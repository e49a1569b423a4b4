//! PATTERN and SEQUENCE: a match is given as soon as it is complete; EVERY alone begins again.
//!
//! A row is looked at in two passes: first all conditions are evaluated, then the runs are moved, so
//! that a row whose condition fails leaves everything as it was.
//!
//! Invariants:
//! - The pattern's beginning waits without a run, unless it waits for an absence.
//! - Of the threads of a run the first that is complete ends the run.
//! - A row that ends a run may begin the one that follows it.
//! - AFTER MATCH SKIP ([`skipped`](super::skipped)) ends runs that began before its place; it begins none.

use std::sync::Arc;

use cep_lang::diag::codes;
use cep_lang::plan::{Matching, OverBound};
use smallvec::SmallVec;

use super::automaton::{Move, Restart, State, Take, Timer};
use super::captures::NONE;
use super::machine::{Found, FoundKind, Machine, Now, Place};
use super::run::{Key, Run, Thread};
use crate::expr::RowFailure;

/// Why a row was left out.
pub struct Refusal {
    /// Stable code.
    pub code: &'static str,
    /// What and why.
    pub message: String,
}

impl From<RowFailure> for Refusal {
    fn from(failure: RowFailure) -> Self {
        Refusal { code: failure.kind.code(), message: failure.message }
    }
}

/// What a row is to a thread.
#[derive(Debug, Default)]
pub(super) struct Hits {
    /// Takes of its state that have the row, in order.
    pub takes: SmallVec<[u16; 2]>,
    /// The row had to be absent.
    pub fall: Option<u16>,
    /// A bound in rows was passed before the row came: the thread as it is then, or none.
    pub bounded: Option<Option<Thread>>,
}

/// A thread that took the row.
struct Advanced {
    thread: Thread,
    /// From which thread, by which take of its state.
    from: usize,
    take: u16,
}

/// A thread that is over, and whether its time was.
struct Dead {
    thread: Thread,
    by_time: bool,
}

impl Machine {
    /// A row of a key.
    ///
    /// # Errors
    /// If the row must be left out; nothing has changed then.
    pub fn follow(&mut self, key: &mut Key, group: u32, now: &Now<'_>) -> Result<(), Refusal> {
        self.begin_row();
        self.skipped_to = 0;
        if !key.has_begun && !self.automaton.initial_sets.is_empty() {
            self.begin_waiting(key, group, now.clock, 0);
        }
        let was_busy = key.is_busy;
        self.is_freed = false;
        let mut hits: SmallVec<[SmallVec<[Hits; 1]>; 2]> = SmallVec::new();
        let mut any = self.matching == Matching::Contiguous;
        for run in &key.runs {
            let mut of_run = SmallVec::new();
            for thread in &run.threads {
                let found = self.look(thread, now, key.matches)?;
                any |= !found.takes.is_empty() || found.fall.is_some() || found.bounded.is_some();
                of_run.push(found);
            }
            hits.push(of_run);
        }
        let start = self.look_at_start(key, now)?;
        if !any && (start.takes.is_empty() || key.is_busy) {
            return Ok(());
        }
        let mut row = NONE;
        let runs = std::mem::take(&mut key.runs);
        let mut restarted = Vec::new();
        for (run, hits) in runs.into_iter().zip(hits) {
            self.move_run(key, group, run, &hits, now, &mut row, &mut restarted);
        }
        for run in restarted {
            self.offer(key, group, run, now, &mut row);
        }
        // The row that completes an EVERY does not begin the next; one that ends a run does.
        let is_free = !key.is_busy && (!was_busy || self.is_freed) && self.skipped_to <= now.seq;
        if is_free && !start.takes.is_empty() {
            let thread = Thread::new(self.automaton.initial, self.automaton.registers);
            let mut run = Run::new(0, thread);
            self.live += 1;
            run.holds_start = true;
            key.is_busy = true;
            let hits: SmallVec<[Hits; 1]> = SmallVec::from_buf([start]);
            self.move_run(key, group, run, &hits, now, &mut row, &mut Vec::new());
        }
        self.captures.free_row(row);
        if self.skipped_to > 0 {
            self.end_skipped(key, group, (now.clock, now.seq));
        }
        key.runs.sort_by_key(|run| run.number);
        Ok(())
    }

    /// What the row is to a thread that begins.
    fn look_at_start(&mut self, key: &Key, now: &Now<'_>) -> Result<Hits, Refusal> {
        let waits = !self.automaton.initial_sets.is_empty();
        // While it is busy, the row may end what it is busy with.
        if waits || (key.is_busy && key.runs.is_empty()) {
            return Ok(Hits::default());
        }
        let thread = Thread::new(self.automaton.initial, self.automaton.registers);
        let hits = self.look(&thread, now, key.matches)?;
        if !hits.takes.is_empty() && self.is_full() {
            match self.over_bound {
                OverBound::EvictOldest => {}
                OverBound::Reject => {
                    if !key.is_busy {
                        self.given_up += 1;
                    }
                    return Ok(Hits::default());
                }
                OverBound::Fail if key.is_busy => return Ok(Hits::default()),
                OverBound::Fail => {
                    let message = format!(
                        "more than {} partial matches (pattern.runs.max); the row was left out",
                        self.runs_max
                    );
                    return Err(Refusal { code: codes::TOO_MANY_MATCHES, message });
                }
            }
        }
        Ok(hits)
    }

    /// What the row is to a thread.
    pub(super) fn look(&mut self, thread: &Thread, now: &Now<'_>, matches: u64) -> Result<Hits, RowFailure> {
        let mut hits = Hits::default();
        let mut state = thread.state;
        if !self.automaton.state(state).row_bounds.is_empty() {
            let mut moved = Some(thread.clone());
            while let Some(at) = &mut moved {
                let bounds = &self.automaton.state(at.state).row_bounds;
                let passed = |b: &&(u16, u64, Option<Move>)| {
                    now.seq.saturating_sub(at.registers[usize::from(b.0)] as u64) >= b.1
                };
                let Some(bound) = bounds.iter().find(passed) else { break };
                match &bound.2 {
                    Some(to) => at.go(to, now.clock, now.seq),
                    None => moved = None,
                }
                hits.bounded = Some(None);
            }
            if hits.bounded.is_some() {
                let Some(moved) = moved else { return Ok(hits) };
                state = moved.state;
                hits.bounded = Some(Some(moved));
            }
        }
        for at in 0..self.automaton.state(state).takes.len() {
            let element = self.automaton.state(state).takes[at].element;
            if self.fits(element, thread.head, now, matches)?
                && !self.is_barred(state, at, thread, now, matches)?
            {
                hits.takes.push(at as u16);
            }
        }
        if hits.takes.is_empty() {
            for at in 0..self.automaton.state(state).falls.len() {
                let element = self.automaton.state(state).falls[at].element;
                if self.fits(element, thread.head, now, matches)? {
                    hits.fall = Some(at as u16);
                    break;
                }
            }
        }
        Ok(hits)
    }

    fn is_barred(
        &mut self,
        state: u32,
        take: usize,
        thread: &Thread,
        now: &Now<'_>,
        matches: u64,
    ) -> Result<bool, RowFailure> {
        for at in 0..self.automaton.state(state).takes[take].unless.len() {
            let element = self.automaton.state(state).takes[take].unless[at];
            if self.fits(element, thread.head, now, matches)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The key begins to wait for the absence at the start of the pattern.
    pub(super) fn begin_waiting(&mut self, key: &mut Key, group: u32, clock: i64, row: u64) {
        key.has_begun = true;
        key.is_busy = true;
        let mut thread = Thread::new(self.automaton.initial, self.automaton.registers);
        thread.set(&self.automaton.initial_sets, clock, row);
        let number = self.number(group);
        let mut run = Run::new(number, thread);
        run.holds_start = true;
        self.live += 1;
        self.schedule(&mut run, group);
        key.runs.push(run);
    }

    /// Moves a run by a row; what is left of it goes to the key.
    #[expect(clippy::too_many_arguments)] // the row's and the key's parts, in one pass
    fn move_run(
        &mut self,
        key: &mut Key,
        group: u32,
        mut run: Run,
        hits: &[Hits],
        now: &Now<'_>,
        row: &mut u32,
        restarted: &mut Vec<Run>,
    ) {
        if self.matching == Matching::Followed
            && self.skipped_to == 0
            && hits.iter().all(|h| h.takes.is_empty() && h.fall.is_none() && h.bounded.is_none())
        {
            key.runs.push(run);
            return;
        }
        let mut advanced: SmallVec<[Advanced; 2]> = SmallVec::new();
        let mut kept: SmallVec<[(usize, Thread); 1]> = SmallVec::new();
        let mut dead: Option<Dead> = None;
        let threads = std::mem::take(&mut run.threads);
        let mut before: SmallVec<[Thread; 1]> = SmallVec::new();
        let mut is_skipped = false;
        for (from, (mut thread, hits)) in threads.into_iter().zip(hits).enumerate() {
            if self.is_skipped(&thread) {
                is_skipped = true;
                before.push(thread);
                continue;
            }
            match &hits.bounded {
                Some(Some(moved)) => thread = moved.clone(),
                Some(None) => {
                    self.bury(&mut dead, thread.clone(), false);
                    before.push(thread);
                    continue;
                }
                None => {}
            }
            for &take in &hits.takes {
                let moved = self.advance(&thread, take, now, row);
                advanced.push(Advanced { thread: moved, from, take });
            }
            if hits.takes.is_empty() {
                match self.stay(&thread, hits, now) {
                    Some(stays) => kept.push((from, stays)),
                    None => self.bury(&mut dead, thread.clone(), false),
                }
            }
            before.push(thread);
        }
        self.settle_every(&before, &mut advanced, &mut kept, &Conclusion::Row(now));
        self.live += (advanced.len() + kept.len()) as u64;
        self.live -= before.len() as u64;
        if is_skipped && advanced.is_empty() && kept.is_empty() && dead.is_none() {
            self.begin_behind(key, group, &run, &before[0], (now.clock, now.seq));
        } else {
            self.conclude(key, group, run, &before, advanced, kept, dead, Conclusion::Row(now), restarted);
        }
        for thread in before {
            self.free(thread.head);
        }
    }

    /// Keeps the first thread that died; its rows are held.
    fn bury(&mut self, dead: &mut Option<Dead>, thread: Thread, by_time: bool) {
        if dead.is_none() {
            self.captures.hold(thread.head);
            *dead = Some(Dead { thread, by_time });
        }
    }

    /// The thread behind a take.
    fn advance(&mut self, thread: &Thread, take: u16, now: &Now<'_>, row: &mut u32) -> Thread {
        let leaf = self.take(thread.state, take).leaf;
        let head = self.capture(thread.head, leaf, now, row);
        let mut moved = Thread { state: 0, head, registers: thread.registers.clone() };
        if !self.take(thread.state, take).to.losses.is_empty() {
            let automaton = Arc::clone(&self.automaton);
            let losses = &automaton.state(thread.state).takes[usize::from(take)].to.losses;
            moved.head = self.without(head, losses, &thread.registers);
            self.free(head);
        }
        moved.go(&self.take(thread.state, take).to, now.clock, now.seq);
        moved
    }

    fn take(&self, state: u32, take: u16) -> &Take {
        &self.automaton.state(state).takes[usize::from(take)]
    }

    /// The thread if it does not take the row; `None`: it is over.
    fn stay(&mut self, thread: &Thread, hits: &Hits, now: &Now<'_>) -> Option<Thread> {
        if let Some(fall) = hits.fall {
            let automaton = Arc::clone(&self.automaton);
            let to = automaton.state(thread.state).falls[usize::from(fall)].to.as_ref()?;
            let mut moved = thread.clone();
            moved.head = self.without(thread.head, &to.losses, &thread.registers);
            moved.go(to, now.clock, now.seq);
            return Some(moved);
        }
        let waits =
            thread.head == NONE && self.automaton.state(thread.state).timers.iter().any(|t| t.is_absence);
        if self.matching == Matching::Contiguous && !waits {
            return None;
        }
        self.captures.hold(thread.head);
        Some(thread.clone())
    }

    /// An EVERY that is complete ends the other ways of its instance.
    fn settle_every(
        &mut self,
        before: &[Thread],
        advanced: &mut SmallVec<[Advanced; 2]>,
        kept: &mut SmallVec<[(usize, Thread); 1]>,
        by: &Conclusion<'_>,
    ) {
        if advanced.len() + kept.len() < 2 {
            return;
        }
        let automaton = Arc::clone(&self.automaton);
        let completes = |a: &Advanced| by.completes(automaton.state(before[a.from].state), a.take);
        let Some(first) = advanced.iter().position(|a| !completes(a).is_empty()) else { return };
        let parts = completes(&advanced[first]);
        let mut at = 0;
        let mut index = 0;
        while at < advanced.len() {
            let a = &advanced[at];
            let is_over = automaton.state(a.thread.state).is_in(parts)
                || completes(a).iter().any(|p| parts.contains(p));
            if index != first && is_over {
                let gone = advanced.remove(at);
                self.free(gone.thread.head);
            } else {
                at += 1;
            }
            index += 1;
        }
        let mut at = 0;
        while at < kept.len() {
            if automaton.state(kept[at].1.state).is_in(parts) {
                let gone = kept.remove(at);
                self.free(gone.1.head);
            } else {
                at += 1;
            }
        }
    }

    /// Ends a run's step: what EVERY begins again, a match, or what is left.
    #[expect(clippy::too_many_arguments)] // all that a step of a run made
    fn conclude(
        &mut self,
        key: &mut Key,
        group: u32,
        mut run: Run,
        before: &[Thread],
        advanced: SmallVec<[Advanced; 2]>,
        kept: SmallVec<[(usize, Thread); 1]>,
        dead: Option<Dead>,
        by: Conclusion<'_>,
        restarted: &mut Vec<Run>,
    ) {
        let (clock, seq) = by.clock_and_row();
        let (mut goes_on, number) = (run.holds_start, run.number);
        let mut is_forked = false;
        let automaton = Arc::clone(&self.automaton);
        for a in &advanced {
            let from = &before[a.from];
            for again in by.again(automaton.state(from.state), a.take) {
                let thread = self.restarted(from, again, clock, seq);
                is_forked |= self.begin_again(key, thread, Fork { number, holds_start: goes_on, group });
                goes_on = false;
            }
        }
        // In order of preference: threads in their order, each with what it became.
        let mut threads: SmallVec<[(usize, Thread); 2]> =
            advanced.into_iter().map(|a| (a.from, a.thread)).collect();
        threads.extend(kept);
        threads.sort_by_key(|t| t.0);
        let complete = threads.iter().position(|t| self.automaton.state(t.1.state).accepts);
        if let Some(at) = complete {
            key.has_matched = true;
            let head = threads[at].1.head;
            // A match of this step may have skipped the row that it began with.
            if !self.is_skipped(&threads[at].1) && self.skip(key, group, head, &by) {
                self.captures.hold(head);
                key.matches += 1;
                let anchor = if head == NONE { key.exemplar } else { NONE };
                self.captures.hold_row(anchor);
                self.found.push(Found {
                    kind: FoundKind::Match,
                    head,
                    anchor,
                    number: key.matches,
                    place: by.place(),
                });
            }
            self.live -= threads.len() as u64;
            threads.into_iter().for_each(|t| self.free(t.1.head));
            self.forget(dead);
            return;
        }
        run.threads = threads.into_iter().map(|t| t.1).collect();
        run.holds_start = goes_on;
        if run.threads.len() > 1 {
            let many = run.threads.len() as u64;
            self.merge_threads(&mut run.threads);
            self.live -= many - run.threads.len() as u64;
        }
        if run.threads.is_empty() {
            if let Some(dead) = dead {
                self.end_run(key, run, dead, &by, restarted);
            } else if run.holds_start && !key.has_matched {
                key.is_busy = false;
            }
            return;
        }
        self.forget(dead);
        // What begins again has the run's place; a run that goes on is a new one.
        if is_forked || run.number == 0 {
            run.number = self.number(group);
            run.due = super::run::NEVER;
        }
        self.schedule(&mut run, group);
        key.runs.push(run);
    }

    fn forget(&mut self, dead: Option<Dead>) {
        if let Some(dead) = dead {
            self.free(dead.thread.head);
        }
    }

    /// Puts a thread that EVERY begins again to the key; whether it has the number of its run.
    fn begin_again(&mut self, key: &mut Key, thread: Thread, fork: Fork) -> bool {
        let is_start = thread.state == self.automaton.initial && thread.head == NONE;
        if is_start && self.automaton.initial_sets.is_empty() {
            key.is_busy = false;
            return false;
        }
        if self.is_full() && self.over_bound != OverBound::EvictOldest {
            self.given_up += 1;
            self.free(thread.head);
            return false;
        }
        let has_number = fork.number != 0 && !key.runs.iter().any(|r| r.number == fork.number);
        let number = if has_number { fork.number } else { self.number(fork.group) };
        let mut run = Run::new(number, thread);
        run.holds_start = fork.holds_start || is_start;
        self.live += 1;
        self.schedule(&mut run, fork.group);
        key.runs.push(run);
        has_number
    }

    /// A run failed: EVERY, or the pattern, begins again.
    fn end_run(
        &mut self,
        key: &mut Key,
        run: Run,
        dead: Dead,
        by: &Conclusion<'_>,
        restarted: &mut Vec<Run>,
    ) {
        let (clock, seq) = by.clock_and_row();
        if dead.by_time && self.gives_timed_out && dead.thread.head != NONE {
            self.captures.hold(dead.thread.head);
            self.found.push(Found {
                kind: FoundKind::TimedOut,
                head: dead.thread.head,
                anchor: NONE,
                number: key.matches + 1,
                place: by.place(),
            });
        }
        let mut thread = dead.thread;
        let is_start = |m: &Machine, t: &Thread| t.state == m.automaton.initial && t.head == NONE;
        let automaton = Arc::clone(&self.automaton);
        while let Some(again) = &automaton.state(thread.state).again {
            let next = self.restarted(&thread, again, clock, seq);
            self.free(thread.head);
            let is_same = next.state == thread.state && next.registers == thread.registers;
            thread = next;
            if is_start(self, &thread) {
                break;
            }
            let late = |m: &Machine, t: &Thread| {
                let state = m.automaton.state(t.state);
                let register = |r: u16| t.registers[usize::from(r)];
                let by_time =
                    |b: &Timer| !b.is_absence && register(b.register).saturating_add(b.after_ns) <= clock;
                let by_rows = |b: &(u16, u64, Option<Move>)| {
                    b.2.is_none() && seq.saturating_sub(register(b.0) as u64) >= b.1
                };
                state.timers.iter().any(by_time) || state.row_bounds.iter().any(by_rows)
            };
            if !late(self, &thread) {
                let mut again = Run::new(run.number, thread);
                again.holds_start = run.holds_start;
                self.live += 1;
                restarted.push(again);
                return;
            }
            if is_same {
                break;
            }
        }
        let begins = is_start(self, &thread);
        self.free(thread.head);
        if !begins && (!run.holds_start || key.has_matched) {
            return;
        }
        if self.automaton.initial_sets.is_empty() {
            key.is_busy = false;
            self.is_freed = true;
        } else {
            let mut thread = Thread::new(self.automaton.initial, self.automaton.registers);
            thread.set(&self.automaton.initial_sets, clock, seq);
            let mut again = Run::new(run.number, thread);
            again.holds_start = true;
            self.live += 1;
            restarted.push(again);
        }
    }

    /// Gives the row that ended a run to what began again.
    fn offer(&mut self, key: &mut Key, group: u32, mut run: Run, now: &Now<'_>, row: &mut u32) {
        let mut hits = SmallVec::<[Hits; 1]>::new();
        let thread = run.threads[0].clone();
        if self.is_skipped(&thread) {
            self.begin_behind(key, group, &run, &thread, (now.clock, now.seq));
            return self.drop_run(run);
        }
        // A condition that fails here takes no row.
        let mut found = self.look(&thread, now, key.matches).unwrap_or_default();
        found.fall = None;
        if found.takes.is_empty() {
            self.schedule_new(&mut run, group);
            key.runs.push(run);
            return;
        }
        hits.push(found);
        self.move_run(key, group, run, &hits, now, row, &mut Vec::new());
    }

    pub(super) fn schedule_new(&mut self, run: &mut Run, group: u32) {
        run.due = super::run::NEVER;
        self.schedule(run, group);
    }

    /// Fires what is due for a run of a key at `due`; what begins then begins at `clock`.
    pub fn fire(&mut self, key: &mut Key, group: u32, number: u64, due: i64, clock: i64, place: Place) {
        let Ok(at) = key.runs.binary_search_by_key(&number, |run| run.number) else { return };
        if key.runs[at].due != due {
            return;
        }
        self.skipped_to = 0;
        let mut run = key.runs.remove(at);
        // More may be due for it at the same time.
        run.due = super::run::NEVER;
        let mut advanced: SmallVec<[Advanced; 2]> = SmallVec::new();
        let mut kept: SmallVec<[(usize, Thread); 1]> = SmallVec::new();
        let mut dead = None;
        let before = std::mem::take(&mut run.threads);
        let automaton = Arc::clone(&self.automaton);
        for (from, thread) in before.iter().enumerate() {
            let timers = &automaton.state(thread.state).timers;
            let is_due = |t: &super::automaton::Timer| {
                thread.registers[usize::from(t.register)].saturating_add(t.after_ns) <= due
            };
            let Some(fired) = timers.iter().position(is_due) else {
                self.captures.hold(thread.head);
                kept.push((from, thread.clone()));
                continue;
            };
            let Some(to) = &timers[fired].to else {
                let thread = thread.clone();
                self.bury(&mut dead, thread, true);
                continue;
            };
            let mut moved = thread.clone();
            moved.go(to, clock, key.rows);
            let is_absence = timers[fired].is_absence;
            moved.head = self.without(thread.head, &to.losses, &thread.registers);
            if is_absence {
                advanced.push(Advanced { thread: moved, from, take: fired as u16 });
            } else {
                kept.push((from, moved));
            }
        }
        let by = Conclusion::Time(clock, key.rows, place);
        self.settle_every(&before, &mut advanced, &mut kept, &by);
        self.live += (advanced.len() + kept.len()) as u64;
        self.live -= before.len() as u64;
        let mut restarted = Vec::new();
        self.conclude(key, group, run, &before, advanced, kept, dead, by, &mut restarted);
        for thread in before {
            self.free(thread.head);
        }
        for mut run in restarted {
            self.schedule_new(&mut run, group);
            key.runs.push(run);
        }
        key.runs.sort_by_key(|run| run.number);
    }
}

/// What moved a run.
pub(super) enum Conclusion<'a> {
    /// A row.
    Row(&'a Now<'a>),
    /// Time: clock, rows of the key so far, where outputs come out.
    Time(i64, u64, Place),
}

impl Conclusion<'_> {
    /// What EVERY begins again with take or timer `at` of a state.
    fn again<'s>(&self, state: &'s State, at: u16) -> &'s [Restart] {
        match self {
            Conclusion::Row(_) => &state.takes[usize::from(at)].again,
            Conclusion::Time(..) => &state.timers[usize::from(at)].again,
        }
    }

    /// The EVERY that are complete with it.
    fn completes<'s>(&self, state: &'s State, at: u16) -> &'s [u32] {
        match self {
            Conclusion::Row(_) => &state.takes[usize::from(at)].completes,
            Conclusion::Time(..) => &state.timers[usize::from(at)].completes,
        }
    }

    pub(super) fn clock_and_row(&self) -> (i64, u64) {
        match self {
            Conclusion::Row(now) => (now.clock, now.seq),
            Conclusion::Time(clock, seq, _) => (*clock, *seq),
        }
    }

    pub(super) fn place(&self) -> Place {
        match self {
            Conclusion::Row(now) => Place { pos: now.pos, time: Some(now.time), stamp: now.stamp },
            Conclusion::Time(_, _, place) => *place,
        }
    }
}

/// Where a thread that begins again comes from.
struct Fork {
    number: u64,
    holds_start: bool,
    group: u32,
}
