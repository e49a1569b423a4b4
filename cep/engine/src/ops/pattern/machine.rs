//! The automaton with its runs: what both ways of matching share.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::sync::Arc;

use cep_lang::plan::{AfterMatch, Matching, OverBound};
use smallvec::SmallVec;

use super::automaton::{Automaton, Loss, Restart};
use super::captures::{Captures, NONE, NodeId, RowId};
use super::layout::{Aggregate, Layout, Read};
use super::run::{NEVER, Run, Thread, WindowRow};
use super::tests::Test;
use crate::agg::{AggInput, AggSet, Rows};
use crate::chunk::Chunk;
use crate::column::Column;
use crate::expr::row::{RowSource, Scalar};
use crate::expr::{RowErrorKind, RowFailure};

/// All partial matches of an operator and what moves them.
#[derive(Debug)]
pub struct Machine {
    /// The pattern.
    pub automaton: Arc<Automaton>,
    /// Conditions by element.
    pub tests: Vec<Test>,
    /// Names by element.
    pub names: Vec<String>,
    /// Columns that are kept.
    pub layout: Layout,
    /// How rows are matched.
    pub matching: Matching,
    /// Where the next match may begin.
    pub skip: AfterMatch,
    /// Whether rows without a match come out.
    pub gives_unmatched: bool,
    /// Whether matches without rows name their key.
    pub keeps_exemplar: bool,
    /// Whether partial matches that a bound ends come out.
    pub gives_timed_out: bool,
    /// Rows of chains.
    pub captures: Captures,
    /// Per aggregate that conditions read: states by node, and one to try.
    pub sums: Vec<Sums>,
    /// Threads of all keys.
    pub live: u64,
    /// Of them at most.
    pub runs_max: u64,
    /// What is done beyond.
    pub over_bound: OverBound,
    /// Partial matches given up or not begun.
    pub given_up: u64,
    /// Number of the next run.
    pub next_number: u64,
    /// (time, run, key) of what is due; some of it no more.
    pub timers: BinaryHeap<Reverse<(i64, u64, u32)>>,
    /// Runs by age with their key, some of them gone; kept where the oldest is given up.
    pub ages: VecDeque<(u64, u32)>,
    /// The row ended what kept the pattern from beginning.
    pub is_freed: bool,
    /// PATTERN and SEQUENCE: rows of the key below this number begin no match any more, in this step.
    pub skipped_to: u64,
    /// PATTERN and SEQUENCE: matches of this step left out, as AFTER MATCH SKIP has no place in them.
    pub bad_skips: Vec<(u32, String)>,
    /// What came out.
    pub found: Vec<Found>,
    /// Conditions of single threads evaluated so far, for tests of the work.
    #[cfg(test)]
    pub asked: u64,
    /// What is known of the current row, by element.
    pub fits: Vec<Fit>,
}

/// An aggregate that conditions read.
#[derive(Debug)]
pub struct Sums {
    /// What it is.
    pub of: Aggregate,
    /// Its state for each chain, by last node.
    pub chains: AggSet,
    /// One state to try.
    pub trial: AggSet,
}

/// Something that comes out.
#[derive(Debug)]
pub struct Found {
    /// What.
    pub kind: FoundKind,
    /// Its rows; held.
    pub head: NodeId,
    /// The row it stands for, if it has none; held.
    pub anchor: RowId,
    /// Number of the match.
    pub number: u64,
    /// Where it comes out.
    pub place: Place,
}

/// Kinds of output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FoundKind {
    /// A match.
    Match,
    /// A partial match that a bound in time ended.
    TimedOut,
    /// A row without a match.
    Unmatched,
}

/// Where and when something happens.
#[derive(Debug, Clone, Copy)]
pub struct Place {
    /// Position of the output.
    pub pos: u32,
    /// Event time of the output, ns; `None`: that of the last row.
    pub time: Option<i64>,
    /// Stamp, ns.
    pub stamp: i64,
}

/// A row as it is looked at.
#[derive(Debug, Clone, Copy)]
pub struct Now<'a> {
    /// Its values.
    pub source: Source<'a>,
    /// Whether it fits element `e` as far as the row alone says.
    pub early: Early<'a>,
    /// Event time, ns.
    pub time: i64,
    /// Stamp, ns.
    pub stamp: i64,
    /// The time that bounds go by: stamp or event time.
    pub clock: i64,
    /// Number among the rows of its key, from 1.
    pub seq: u64,
    /// Where outputs come out.
    pub pos: u32,
}

/// Where the values of a row are.
#[derive(Debug, Clone, Copy)]
pub enum Source<'a> {
    /// In a chunk, with the columns computed for it.
    Chunk { chunk: &'a Chunk, derived: &'a [Column], row: usize },
    /// In the window of its key: all rows, the row, and the place of each column.
    Window { rows: &'a VecDeque<WindowRow>, at: usize, columns: &'a [usize] },
}

/// What the row alone says.
#[derive(Debug, Clone, Copy)]
pub enum Early<'a> {
    /// By element, then row of the chunk.
    Chunk(&'a [Vec<bool>], usize),
    /// By element.
    Window(&'a [bool]),
}

impl Now<'_> {
    /// Whether the row may fit an element.
    pub fn may_fit(&self, element: usize) -> bool {
        match self.early {
            Early::Chunk(masks, row) => masks[element].get(row).is_none_or(|&fits| fits),
            Early::Window(fits) => fits[element],
        }
    }

    /// Value of column `column` of the row `offset` rows on.
    pub fn value(&self, column: usize, offset: i64) -> Scalar<'_> {
        match self.source {
            Source::Chunk { chunk, derived, row } => {
                let width = chunk.columns.len();
                let column = if column < width { &chunk.columns[column] } else { &derived[column - width] };
                Scalar::of_column(column, row)
            }
            Source::Window { rows, at, columns } => {
                let place = columns.iter().position(|&c| c == column);
                let at = usize::try_from(at as i64 + offset).ok();
                match (at.and_then(|at| rows.get(at)), place) {
                    (Some(row), Some(place)) => row.values[place].borrowed(),
                    _ => Scalar::Null,
                }
            }
        }
    }
}

/// What is known of the current row and an element.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fit {
    /// Not asked yet.
    Unknown,
    /// It does not fit.
    No,
    /// It fits.
    Yes,
    /// It depends on the match.
    Depends,
}

/// What the condition of an element reads.
struct Asked<'a> {
    machine: &'a Machine,
    reads: &'a [Read],
    now: &'a Now<'a>,
    head: NodeId,
    element: usize,
    sums: &'a [Scalar<'static>],
    matches: u64,
}

impl Asked<'_> {
    fn name(&self, leaf: u16) -> Scalar<'_> {
        let element = self.machine.automaton.leaves[usize::from(leaf)].element.0;
        text(&self.machine.names[element])
    }
}

fn text(name: &str) -> Scalar<'_> {
    Scalar::Bytes(std::borrow::Cow::Borrowed(name.as_bytes()))
}

impl RowSource for Asked<'_> {
    fn value(&self, column: usize) -> Scalar<'_> {
        let captures = &self.machine.captures;
        match self.reads[column] {
            Read::Row { column, offset } => self.now.value(column, offset),
            Read::First { track, n, column, or_row } => match captures.first(self.head, track, n) {
                Some(taken) => captures.value(taken.row, column).borrowed(),
                None if n == 0 || captures.first(self.head, track, n - 1).is_some() => {
                    or_row.map_or(Scalar::Null, |(column, offset)| self.now.value(column, offset))
                }
                None => Scalar::Null,
            },
            Read::Last { track, n, column } => match captures.last(self.head, track, n) {
                Some(taken) => captures.value(taken.row, column).borrowed(),
                None => Scalar::Null,
            },
            Read::Aggregate(at) => self.sums[at].borrowed(),
            Read::OwnName => text(&self.machine.names[self.element]),
            Read::FirstName { track, n, or_own } => match captures.first(self.head, track, n) {
                Some(taken) => self.name(taken.leaf),
                None if or_own && (n == 0 || captures.first(self.head, track, n - 1).is_some()) => {
                    text(&self.machine.names[self.element])
                }
                None => Scalar::Null,
            },
            Read::LastName { track, n } => match captures.last(self.head, track, n) {
                Some(taken) => self.name(taken.leaf),
                None => Scalar::Null,
            },
            Read::MatchNumber => Scalar::I64(self.matches as i64 + 1),
            Read::False => Scalar::Bool(false),
            Read::FirstTime { track } => match captures.first(self.head, track, 0) {
                Some(taken) => Scalar::I64(captures.info(taken.row).time),
                None => Scalar::I64(self.now.time),
            },
            Read::RowTime => Scalar::I64(self.now.time),
        }
    }

    fn stamp(&self) -> i64 {
        self.now.stamp
    }

    fn event_time(&self) -> i64 {
        self.now.time
    }
}

impl Machine {
    /// Begins with a row: nothing is known of it.
    pub fn begin_row(&mut self) {
        self.fits.clear();
        self.fits.resize(self.tests.len(), Fit::Unknown);
    }

    /// Whether the current row fits `element` in a match with the rows of `head`.
    ///
    /// # Errors
    /// If the condition cannot be evaluated.
    pub fn fits(
        &mut self,
        element: usize,
        head: NodeId,
        now: &Now<'_>,
        matches: u64,
    ) -> Result<bool, RowFailure> {
        match self.fits[element] {
            Fit::No => return Ok(false),
            Fit::Yes => return Ok(true),
            Fit::Unknown => {
                let fit = match &self.tests[element].late {
                    _ if !now.may_fit(element) => Fit::No,
                    None => Fit::Yes,
                    Some(late) if late.of_match => Fit::Depends,
                    Some(_) => {
                        if self.ask(element, NONE, now, matches)? {
                            Fit::Yes
                        } else {
                            Fit::No
                        }
                    }
                };
                self.fits[element] = fit;
                if fit != Fit::Depends {
                    return Ok(fit == Fit::Yes);
                }
            }
            Fit::Depends => {}
        }
        self.ask(element, head, now, matches)
    }

    fn ask(&mut self, element: usize, head: NodeId, now: &Now<'_>, matches: u64) -> Result<bool, RowFailure> {
        #[cfg(test)]
        {
            self.asked += 1;
        }
        let has_sums = self.tests[element].late.as_ref().is_some_and(|late| late.aggregates);
        let sums = if has_sums { self.trial_sums(element, head, now)? } else { Vec::new() };
        let Some(late) = &self.tests[element].late else { return Ok(true) };
        let asked = Asked { machine: self, reads: &late.reads, now, head, element, sums: &sums, matches };
        late.expr.is_true(&asked)
    }

    /// Values of the aggregates with the current row as `element` behind the rows of `head`.
    fn trial_sums(
        &mut self,
        element: usize,
        head: NodeId,
        now: &Now<'_>,
    ) -> Result<Vec<Scalar<'static>>, RowFailure> {
        let leaf = self.automaton.leaves.iter().position(|l| l.element.0 == element).unwrap_or(0);
        let mut out = Vec::with_capacity(self.sums.len());
        for at in 0..self.sums.len() {
            let columns = self.sum_columns(at, |(column, offset)| now.value(column, offset).into_owned());
            let sums = &mut self.sums[at];
            sums.try_with(head, leaf, &columns, now);
            let mut value = vec![Column::new(sums.of.plan.result_types().next().expect("one call"))];
            let mut failed = Vec::new();
            sums.trial.emit_all(&[0], &mut value, &mut failed);
            if let Some(failed) = failed.first() {
                return Err(RowFailure::new(RowErrorKind::Overflow, failed.error.to_string()));
            }
            out.push(Scalar::of_column(&value[0], 0).into_owned());
        }
        Ok(out)
    }

    /// The inputs of an aggregate for one row.
    fn sum_columns(&self, at: usize, value: impl Fn((usize, i64)) -> Scalar<'static>) -> Vec<Column> {
        let inputs = &self.sums[at].of.inputs;
        let column = |&captured: &usize| {
            let (column, offset) = self.layout.captured[captured];
            value((column, offset)).to_column(self.layout.type_of(column))
        };
        inputs.iter().map(column).collect()
    }

    /// Lengthens a chain by the current row; keeps the row on its first use.
    pub fn capture(&mut self, before: NodeId, leaf: u16, now: &Now<'_>, row: &mut RowId) -> NodeId {
        self.keep_row(now, row);
        let node = self.captures.push(before, *row, leaf);
        if !self.sums.is_empty() {
            self.sum_node(node, before, leaf, now);
        }
        node
    }

    /// Keeps the current row; the holder of `row` frees it.
    pub fn keep_row(&mut self, now: &Now<'_>, row: &mut RowId) {
        if *row == NONE {
            let captured = &self.layout.captured;
            let values = captured.iter().map(|&(column, offset)| now.value(column, offset).into_owned());
            *row = self.captures.add_row(now.seq, now.time, values);
        }
    }

    fn sum_node(&mut self, node: NodeId, before: NodeId, leaf: u16, now: &Now<'_>) {
        for at in 0..self.sums.len() {
            let columns = self.sum_columns(at, |(column, offset)| now.value(column, offset).into_owned());
            let sums = &mut self.sums[at];
            sums.try_with(before, usize::from(leaf), &columns, now);
            sums.chains.resize(self.captures.node_slots().max(sums.chains.groups()));
            sums.chains.forget(node);
            sums.chains.merge(node, &sums.trial, 0);
        }
    }

    /// Frees a chain.
    pub fn free(&mut self, head: NodeId) {
        let Machine { captures, sums, .. } = self;
        captures.free(head, |node| sums.iter_mut().for_each(|s| s.chains.forget(node)));
    }

    /// Frees all that a run holds.
    pub fn drop_run(&mut self, run: Run) {
        self.live -= run.weight();
        for thread in run.threads {
            self.free(thread.head);
        }
        if let Some(best) = run.best {
            self.free(best);
        }
        self.captures.free_row(run.anchor);
    }

    /// A chain, held, without the rows that were lost.
    pub fn without(&mut self, head: NodeId, losses: &[Loss], registers: &[i64]) -> NodeId {
        let is_lost = |seq: u64, leaf: u16| {
            losses.iter().any(|loss| {
                seq as i64 >= registers[usize::from(loss.since)]
                    && loss.lost.contains(&leaf)
                    && !loss.kept.contains(&leaf)
            })
        };
        let mut kept = Vec::new();
        let mut shared = head;
        let mut at = head;
        while at != NONE {
            let (before, taken) = self.captures.link(at);
            if is_lost(self.captures.info(taken.row).seq, taken.leaf) {
                // What stands before it may be shared still.
                kept.extend(self.captures.chain(shared).take_while(|t| *t != taken));
                shared = before;
            }
            at = before;
        }
        self.captures.hold(shared);
        // Each lost row began a new piece of those behind it, the last piece first.
        let mut chain = shared;
        for taken in kept.into_iter().rev() {
            let next = self.captures.push(chain, taken.row, taken.leaf);
            self.sum_again(next, chain, taken.row, taken.leaf);
            self.free(chain);
            chain = next;
        }
        chain
    }

    fn sum_again(&mut self, node: NodeId, before: NodeId, row: RowId, leaf: u16) {
        for at in 0..self.sums.len() {
            let inputs = &self.sums[at].of.inputs;
            let columns: Vec<Column> = inputs
                .iter()
                .map(|&captured| {
                    let like = self.layout.type_of(self.layout.captured[captured].0);
                    self.captures.value(row, captured).to_column(like)
                })
                .collect();
            let info = self.captures.info(row);
            let sums = &mut self.sums[at];
            sums.add_to(before, usize::from(leaf), &columns, info.time, info.seq);
            sums.chains.resize(self.captures.node_slots().max(sums.chains.groups()));
            sums.chains.forget(node);
            sums.chains.merge(node, &sums.trial, 0);
        }
    }

    /// The thread that EVERY begins again, from `thread` as it was.
    pub fn restarted(&mut self, thread: &Thread, restart: &Restart, clock: i64, row: u64) -> Thread {
        let head = self.without(thread.head, &restart.to.losses, &thread.registers);
        let mut again = Thread { state: 0, head, registers: thread.registers.clone() };
        again.go(if head == NONE { &restart.without_rows } else { &restart.to }, clock, row);
        again
    }

    /// The least time at which something happens to a thread.
    pub fn due(&self, thread: &Thread) -> i64 {
        let timers = &self.automaton.state(thread.state).timers;
        timers
            .iter()
            .map(|t| thread.registers[usize::from(t.register)].saturating_add(t.after_ns))
            .min()
            .unwrap_or(NEVER)
    }

    /// Notes when something is due for a run.
    pub fn schedule(&mut self, run: &mut Run, group: u32) {
        let due = run.threads.iter().map(|t| self.due(t)).min().unwrap_or(NEVER);
        if due != run.due {
            run.due = due;
            if due != NEVER {
                self.timers.push(Reverse((due, run.number, group)));
            }
        }
    }

    /// A number for a new run of a key.
    pub fn number(&mut self, group: u32) -> u64 {
        let number = self.next_number;
        self.next_number += 1;
        if self.over_bound == OverBound::EvictOldest {
            self.ages.push_back((number, group));
        }
        number
    }

    /// Removes threads that conditions cannot tell from a preferred one: what matches with the one
    /// matches with the other.
    pub fn merge_threads(&mut self, threads: &mut SmallVec<[Thread; 1]>) {
        let mut at = 1;
        while at < threads.len() {
            if (0..at).any(|before| self.is_alike(&threads[before], &threads[at])) {
                let gone = threads.remove(at);
                self.free(gone.head);
            } else {
                at += 1;
            }
        }
    }

    /// Whether two threads go the same way whatever comes.
    pub fn is_alike(&self, a: &Thread, b: &Thread) -> bool {
        if a.state != b.state || a.registers != b.registers {
            return false;
        }
        if a.head == b.head {
            return true;
        }
        let ahead = &self.automaton.state(a.state).ahead;
        self.tests.iter().zip(ahead).all(|(test, &is_ahead)| match &test.late {
            Some(late) if is_ahead && late.of_match => {
                !late.aggregates && self.captures.look_alike(a.head, b.head, &late.tracks)
            }
            _ => true,
        })
    }

    /// Whether there is no room for one more partial match.
    pub fn is_full(&self) -> bool {
        self.live >= self.runs_max
    }
}

impl Sums {
    /// Puts into the trial what the chain has and the current row.
    fn try_with(&mut self, before: NodeId, leaf: usize, columns: &[Column], now: &Now<'_>) {
        self.add_to(before, leaf, columns, now.time, now.seq);
    }

    fn add_to(&mut self, before: NodeId, leaf: usize, columns: &[Column], time: i64, seq: u64) {
        self.trial.forget(0);
        if before != NONE {
            self.trial.merge(0, &self.chains, before);
        }
        if self.of.counts[leaf] {
            let columns: SmallVec<[&Column; 4]> = columns.iter().collect();
            let (ts, seq) = ([time], [seq]);
            self.trial.update(&[0], &AggInput { columns: &columns, rows: Rows::From(0), ts: &ts, seq: &seq });
        }
    }
}
