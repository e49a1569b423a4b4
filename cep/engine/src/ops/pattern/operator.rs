//! The operator: rows and time to the partial matches of their keys.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::sync::Arc;

use cep_lang::diag::codes;
use cep_lang::plan::{Matching, OverBound, PatternNode, PatternOrder};

use super::automaton::Automaton;
use super::captures::{Captures, NONE};
use super::emit::Emitter;
use super::layout::Layout;
use super::machine::{Early, Machine, Now, Place, Source, Sums};
use super::run::{Key, NEVER, WindowRow};
use super::tests::Test;
use super::waiting::Waiting;
use crate::agg::AggSet;
use crate::chunk::{Chunk, Phase, position, step_row};
use crate::column::{Column, row_text};
use crate::expr::row::Scalar;
use crate::expr::{Compiled, Input, RowErrors, Rows};
use crate::keys::{KeyTable, encode_value};
use crate::ops::prepare::report;
use crate::ops::{CLOSE_ROWS, FEW_CLOSES, OpContext, OpError};
use crate::time::NodeTime;

/// Keys without anything that may still be among the others.
const GONE_MIN: usize = 1024;
/// The time at the end of input: all that is under way is due before, and nothing that begins then.
const END_CLOCK: i64 = NEVER - 1;

/// Matches of a pattern.
#[derive(Debug)]
pub struct PatternOp {
    pub(super) machine: Machine,
    emitter: Emitter,
    keys_of: Vec<Compiled>,
    schema: arrow_schema::SchemaRef,
    /// Rows in the order of event time.
    pub(super) waiting: Option<Waiting>,
    pub(super) table: KeyTable,
    /// By group.
    pub(super) keys: Vec<Key>,
    keys_max: u64,
    /// Rows of windows so far.
    pub(super) arrivals: u64,
    /// Columns that windows keep; empty: there are no windows.
    pub(super) window_columns: Vec<usize>,
    /// Whether every row of a key counts, those that fit nothing included.
    needs_all: bool,
    /// By element: whether it may begin a match.
    begins: Vec<bool>,
    /// Least time after which an absence begins again without a row.
    repeats_ns: Option<i64>,
    scratch: Scratch,
}

#[derive(Debug, Default)]
struct Scratch {
    released: Chunk,
    derived: Vec<Column>,
    key_columns: Vec<Column>,
    stamps: Vec<i64>,
    /// By element, then row; empty: every row fits.
    masks: Vec<Vec<bool>>,
    /// By row: whether it fits something.
    any: Vec<bool>,
    picked: Vec<u32>,
    failed: Vec<bool>,
    key: Vec<u8>,
    /// Position of the latest row.
    pos: u32,
}

impl PatternOp {
    /// Builds the operator of `node`, which may have `keys_max` keys.
    ///
    /// # Errors
    /// The reason why it cannot be built, for the user.
    pub fn new(node: &PatternNode, keys_max: u64) -> Result<Self, String> {
        let automaton = Automaton::new(&node.pattern, &node.within, node.matching, node.elements.len())?;
        let types: Vec<_> = node.input.schema().fields().iter().map(|f| f.data_type().clone()).collect();
        let mut layout = Layout::new(types.clone(), &automaton.leaves);
        let mut tests = Vec::new();
        for (id, element) in node.elements.iter().enumerate() {
            tests.push(Test::new(id, element, node.tag, &mut layout)?);
        }
        let emitter = Emitter::new(node, &mut layout)?;
        for late in tests.iter_mut().filter_map(|t| t.late.as_mut()) {
            late.settle(layout.tracks.len());
        }
        let keys_of =
            node.keys.iter().map(Compiled::new).collect::<Result<Vec<_>, _>>().map_err(|e| e.to_string())?;
        let sums = std::mem::take(&mut layout.aggregates).into_iter().map(|of| {
            let (chains, mut trial) = (AggSet::new(Arc::clone(&of.plan)), AggSet::new(Arc::clone(&of.plan)));
            trial.resize(1);
            Sums { of, chains, trial }
        });
        let has_window = layout.before + layout.behind > 0;
        let mut begins = vec![false; node.elements.len()];
        for state in [automaton.initial, automaton.initial_first] {
            automaton.state(state).takes.iter().for_each(|t| begins[t.element] = true);
        }
        let preferred = node.matching == Matching::Preferred;
        let has_row_bounds = automaton.states.iter().any(|s| !s.row_bounds.is_empty());
        let waits_first = !automaton.initial_sets.is_empty();
        let needs_all = has_window
            || has_row_bounds
            || waits_first
            || node.matching == Matching::Contiguous
            || (preferred && (automaton.state(automaton.initial).accepts || automaton.has_start));
        let waiting = (node.order == PatternOrder::EventTime).then(|| Waiting::new(types.clone()));
        let repeats_ns = repeats(&automaton);
        let machine = Machine {
            captures: Captures::new(layout.captured.len(), layout.tracks.clone()),
            sums: sums.collect(),
            tests,
            names: node.elements.iter().map(|e| e.name.clone()).collect(),
            layout,
            matching: node.matching,
            skip: node.skip.clone(),
            gives_unmatched: emitter.gives_unmatched(),
            keeps_exemplar: emitter.reads_input() && waits_first,
            gives_timed_out: emitter.gives_timed_out(),
            live: 0,
            runs_max: node.runs_max,
            over_bound: node.over_bound,
            given_up: 0,
            next_number: 1,
            timers: BinaryHeap::new(),
            ages: VecDeque::new(),
            is_freed: false,
            skipped_to: 0,
            bad_skips: Vec::new(),
            found: Vec::new(),
            #[cfg(test)]
            asked: 0,
            fits: Vec::new(),
            automaton: Arc::new(automaton),
        };
        let mut op = PatternOp {
            needs_all: needs_all || emitter.gives_unmatched() || preferred,
            machine,
            emitter,
            keys_of,
            schema: Arc::clone(node.input.schema()),
            waiting,
            table: KeyTable::new(),
            keys: Vec::new(),
            keys_max,
            arrivals: 0,
            window_columns: Vec::new(),
            begins,
            repeats_ns,
            scratch: Scratch::default(),
        };
        if has_window {
            op.window_columns = op.read_columns();
        }
        Ok(op)
    }

    /// Columns that windows must keep.
    fn read_columns(&self) -> Vec<usize> {
        let mut columns: Vec<usize> = self.machine.layout.captured.iter().map(|c| c.0).collect();
        for late in self.machine.tests.iter().filter_map(|t| t.late.as_ref()) {
            for read in &late.reads {
                match read {
                    super::layout::Read::Row { column, .. } => columns.push(*column),
                    super::layout::Read::First { or_row: Some((column, _)), .. } => columns.push(*column),
                    _ => {}
                }
            }
        }
        columns.sort_unstable();
        columns.dedup();
        columns
    }

    /// Rows that came too late so far.
    pub fn late_rows(&self) -> u64 {
        self.waiting.as_ref().map_or(0, Waiting::late_rows)
    }

    /// Partial matches given up, or not begun, for want of room.
    pub fn given_up(&self) -> u64 {
        self.machine.given_up
    }

    /// Partial matches of all keys: each way in which one may go on counts.
    pub fn live(&self) -> u64 {
        self.machine.live
    }

    /// Keys that are remembered.
    pub fn keys(&self) -> usize {
        self.keys.iter().filter(|key| !self.is_gone(key)).count()
    }

    /// Bytes of the state, about.
    pub fn bytes(&self) -> usize {
        let runs: usize = self.keys.iter().map(|k| k.runs.capacity() * size_of::<super::run::Run>()).sum();
        self.table.bytes()
            + self.keys.len() * size_of::<Key>()
            + runs
            + self.machine.captures.bytes()
            + self.machine.sums.iter().map(|s| s.chains.bytes()).sum::<usize>()
            + self.machine.timers.len() * size_of::<(i64, u64, u32)>()
            + self.machine.ages.len() * size_of::<(u64, u32)>()
    }

    /// Work so far, for tests of the complexity.
    #[cfg(test)]
    pub(crate) fn work(&self) -> u64 {
        self.machine.asked + self.machine.captures.made
    }

    /// The least watermark that makes it emit without a row.
    pub fn due_watermark(&self) -> Option<i64> {
        let waiting = self.waiting.as_ref()?;
        let row = waiting.first().map(|time| time.saturating_add(1));
        row.into_iter().chain(self.due()).min()
    }

    /// The same for stamps.
    pub fn due_stamp(&self) -> Option<i64> {
        if self.waiting.is_some() { None } else { self.due() }
    }

    /// The first time at which something is due; the first of the timers holds after each step.
    fn due(&self) -> Option<i64> {
        self.machine.timers.peek().map(|Reverse((due, _, _))| *due)
    }

    /// Watermark up to which `CLOSE_ROWS` rows are looked at; `None`: no more of them wait.
    pub fn watermark_horizon(&self) -> Option<i64> {
        let waiting = self.waiting.as_ref().filter(|waiting| waiting.len() > CLOSE_ROWS)?;
        waiting.nth(CLOSE_ROWS - 1).map(|time| time.saturating_add(1))
    }

    /// Stamp up to which absences begin again about `CLOSE_ROWS` times.
    pub fn stamp_horizon(&self) -> Option<i64> {
        if self.waiting.is_some() {
            return None;
        }
        let (ns, due) = (self.repeats_ns?, self.due()?);
        let turns = (CLOSE_ROWS as u64 / self.machine.live.max(1)).max(1);
        Some(due.saturating_add(ns.saturating_mul(turns as i64)))
    }

    /// An advance of time in which absences begin again more than `FEW_CLOSES` times.
    pub fn jump_ns(&self) -> Option<i64> {
        // By event time there is no end of it: the watermark goes behind all time at the end of input.
        let repeats_ns = self.repeats_ns.filter(|_| self.waiting.is_none())?;
        Some(repeats_ns.saturating_mul(FEW_CLOSES))
    }

    /// Processes a step.
    pub fn process(&mut self, input: &Chunk, out: &mut Chunk, cx: &mut OpContext<'_>) {
        let time = cx.time;
        self.scratch.pos = 0;
        match &mut self.waiting {
            None => self.rows(input, cx.time, cx.errors),
            Some(waiting) => {
                let mut released = std::mem::take(&mut self.scratch.released);
                if released.columns.is_empty() {
                    released.columns = input.columns.iter().map(Column::empty_like).collect();
                }
                released.clear();
                waiting.take(input, cx);
                waiting.release(time, &mut released);
                let first = cx.errors.len();
                self.rows(&released, cx.time, cx.errors);
                self.detach(&released, &mut cx.errors[first..]);
                self.scratch.released = released;
            }
        }
        match self.waiting {
            // At the end the watermark is behind all time: see `flush`.
            Some(_) if time.flush => {}
            Some(_) => self.fire_until(time.watermarks.last(), time, cx.errors),
            None => self.fire_until(time.last_stamp(), time, cx.errors),
        }
        if time.flush {
            self.flush(time, cx.errors);
        }
        if !self.machine.found.is_empty() {
            self.emitter.emit(&mut self.machine, out, cx.errors);
        }
        self.settle();
    }

    /// Errors of rows that waited blame no record: they name the row.
    fn detach(&self, rows: &Chunk, errors: &mut [OpError]) {
        for error in errors.iter_mut().filter(|e| e.subject == crate::actions::Subject::Record) {
            error.subject = crate::actions::Subject::Result;
            let from = rows.pos.partition_point(|&p| p < error.pos);
            let to = rows.pos.partition_point(|&p| p <= error.pos);
            let shown = match to - from {
                1 => row_text(self.schema.fields().iter().zip(&rows.columns), from),
                count => format!("one of {count} rows of the same moment"),
            };
            error.message = format!("{shown}: {}", error.message);
        }
    }

    /// Looks at the rows of a chunk, in order, with what is due before each.
    fn rows(&mut self, input: &Chunk, time: NodeTime<'_>, errors: &mut Vec<OpError>) {
        if input.is_empty() {
            return;
        }
        self.prepare(input, time, errors);
        for row in 0..input.rows() {
            if self.scratch.failed[row] {
                continue;
            }
            if !self.needs_all && !self.scratch.any[row] {
                continue;
            }
            let pos = input.pos[row];
            let clock = if self.waiting.is_some() { input.time[row] } else { self.scratch.stamps[row] };
            if self.due().is_some_and(|due| due <= clock) {
                self.fire_until(clock, time, errors);
            }
            self.row(input, row, clock, pos, errors);
            self.scratch.pos = pos;
        }
    }

    /// Evaluates what needs the rows alone.
    fn prepare(&mut self, input: &Chunk, time: NodeTime<'_>, errors: &mut Vec<OpError>) {
        let rows = input.rows();
        let Scratch { derived, key_columns, stamps, masks, any, picked, failed, .. } = &mut self.scratch;
        stamps.clear();
        stamps.extend(input.pos.iter().map(|&p| time.stamps[step_row(p)]));
        let source = Input { columns: &input.columns, rows, stamp: stamps, event_time: &input.time };
        let mut wrong = RowErrors::new();
        masks.resize(self.machine.tests.len(), Vec::new());
        any.clear();
        any.resize(rows, false);
        for (test, mask) in self.machine.tests.iter_mut().zip(masks) {
            mask.clear();
            match &mut test.early {
                None => any.fill(true),
                Some(early) => {
                    early.eval_predicate(&source, &mut wrong, picked);
                    mask.resize(rows, false);
                    for &row in picked.iter() {
                        mask[row as usize] = true;
                        any[row as usize] = true;
                    }
                }
            }
        }
        evaluate(&mut self.machine.layout.derived, &source, &mut wrong, derived);
        evaluate(&mut self.keys_of, &source, &mut wrong, key_columns);
        failed.clear();
        failed.resize(rows, false);
        if !wrong.is_empty() {
            wrong.settle().iter().for_each(|e| failed[e.row as usize] = true);
            report(&mut wrong, &input.pos, errors);
        }
    }

    /// The group of a row; `None`: there is none and it needs none, or there are too many.
    fn group(&mut self, input: &Chunk, row: usize, errors: &mut Vec<OpError>) -> Option<u32> {
        let Scratch { key, key_columns, masks, .. } = &mut self.scratch;
        key.clear();
        for column in key_columns.iter() {
            encode_value(column, row, key);
        }
        if let Some(group) = self.table.find(key) {
            return Some(group);
        }
        let may_begin =
            |(mask, begins): (&Vec<bool>, &bool)| *begins && mask.get(row).is_none_or(|&fits| fits);
        let begins = masks.iter().zip(&self.begins).any(may_begin);
        if !begins && !self.keeps_every_key() {
            return None;
        }
        if self.table.len() as u64 >= self.keys_max {
            self.compact(true);
            if self.table.len() as u64 >= self.keys_max {
                let message = format!(
                    "more than {} keys of a pattern (state.keys.max); the row was left out",
                    self.keys_max
                );
                errors.push(OpError::of_record(input.pos[row], codes::TOO_MANY_KEYS, message));
                return None;
            }
        }
        let group = self.table.find_or_insert(&self.scratch.key);
        self.keys.push(Key::default());
        Some(group)
    }

    /// Whether a row that begins nothing is remembered for its key.
    fn keeps_every_key(&self) -> bool {
        let automaton = &self.machine.automaton;
        !self.window_columns.is_empty()
            || self.machine.gives_unmatched
            || automaton.has_start
            || !automaton.initial_sets.is_empty()
            || automaton.state(automaton.initial).accepts
    }

    /// Looks at one row.
    fn row(&mut self, input: &Chunk, row: usize, clock: i64, pos: u32, errors: &mut Vec<OpError>) {
        let Some(group) = self.group(input, row, errors) else { return };
        let mut key = std::mem::take(&mut self.keys[group as usize]);
        let (time, stamp) = (input.time[row], self.scratch.stamps[row]);
        if self.window_columns.is_empty() {
            let source = Source::Chunk { chunk: input, derived: &self.scratch.derived, row };
            let early = Early::Chunk(&self.scratch.masks, row);
            let now = Now { source, early, time, stamp, clock, seq: key.rows + 1, pos };
            look(&mut self.machine, &mut key, group, &now, errors);
        } else {
            self.arrivals += 1;
            let width = input.columns.len();
            let value = |&column: &usize| {
                let column = if column < width {
                    &input.columns[column]
                } else {
                    &self.scratch.derived[column - width]
                };
                Scalar::of_column(column, row).into_owned()
            };
            key.window.push_back(WindowRow {
                arrival: self.arrivals,
                time,
                stamp,
                clock,
                values: self.window_columns.iter().map(value).collect(),
                fits: self.scratch.masks.iter().map(|m| m.get(row).is_none_or(|&fits| fits)).collect(),
            });
            if key.window.len() - key.past > self.machine.layout.behind {
                self.look_in_window(&mut key, group, pos, errors);
            }
        }
        self.put_back(group, key);
        self.evict(Place { pos, time: None, stamp }, errors);
    }

    /// Looks at the first row of a window that has not been looked at.
    fn look_in_window(&mut self, key: &mut Key, group: u32, pos: u32, errors: &mut Vec<OpError>) {
        let at = key.past;
        let (clock, stamp) = (key.window[at].clock, key.window[at].stamp);
        self.fire_in_window(key, group, clock, Place { pos, time: None, stamp }, errors);
        let window = std::mem::take(&mut key.window);
        let row = &window[at];
        let source = Source::Window { rows: &window, at, columns: &self.window_columns };
        let early = Early::Window(&row.fits);
        let now =
            Now { source, early, time: row.time, stamp: row.stamp, clock: row.clock, seq: key.rows + 1, pos };
        let is_in = look(&mut self.machine, key, group, &now, errors);
        key.window = window;
        if is_in {
            key.past += 1;
        } else {
            // As though it had not come: its neighbours do not see it.
            key.window.remove(at);
        }
        while key.past > self.machine.layout.before {
            key.window.pop_front();
            key.past -= 1;
        }
        if let Some(next) = key.window.get(key.past) {
            let clock = next.clock;
            self.fire_in_window(key, group, clock, Place { pos, time: None, stamp }, errors);
        }
    }

    /// Fires what was due before a row that waited for those behind it.
    fn fire_in_window(
        &mut self,
        key: &mut Key,
        group: u32,
        clock: i64,
        place: Place,
        errors: &mut Vec<OpError>,
    ) {
        loop {
            let due = key.runs.iter().map(|run| (run.due, run.number)).min();
            let Some((due, number)) = due.filter(|d| d.0 <= clock) else { return };
            if self.machine.matching == Matching::Preferred {
                self.machine.expire(key, number, due, place, group, errors);
            } else {
                self.machine.fire(key, group, number, due, due, Place { time: Some(due), ..place });
                report_skips(&mut self.machine, errors);
            }
        }
    }

    fn put_back(&mut self, group: u32, mut key: Key) {
        if self.is_gone(&key) {
            self.machine.captures.free_row(key.exemplar);
            key = Key::default();
        }
        self.keys[group as usize] = key;
    }

    /// Whether nothing of a key is left that matters.
    pub(super) fn is_gone(&self, key: &Key) -> bool {
        key.runs.is_empty()
            && !key.is_busy
            && key.window.is_empty()
            && !(self.machine.automaton.has_start && key.rows > 0)
            && !(self.machine.layout.numbers_matches && key.matches > 0)
    }

    /// Gives up the oldest partial matches while there are too many.
    fn evict(&mut self, place: Place, errors: &mut Vec<OpError>) {
        while self.machine.over_bound == OverBound::EvictOldest && self.machine.live > self.machine.runs_max {
            let Some((number, group)) = self.machine.ages.pop_front() else { return };
            let mut key = std::mem::take(&mut self.keys[group as usize]);
            if let Ok(at) = key.runs.binary_search_by_key(&number, |run| run.number) {
                let run = key.runs.remove(at);
                self.machine.given_up += 1;
                if run.holds_start {
                    key.is_busy = key.has_matched;
                }
                self.machine.drop_run(run);
                if self.machine.matching == Matching::Preferred {
                    self.machine.decide(&mut key, place, errors);
                }
            }
            self.put_back(group, key);
        }
    }

    /// Fires what is due at `until` or before.
    fn fire_until(&mut self, until: i64, time: NodeTime<'_>, errors: &mut Vec<OpError>) {
        while let Some(&Reverse((due, number, group))) = self.machine.timers.peek() {
            if due > until {
                break;
            }
            self.machine.timers.pop();
            // What was due before a row that waited for others shows up behind it.
            let pos = self.timer_position(due, time).max(self.scratch.pos);
            let stamp = time.stamps[step_row(pos)];
            self.fire(due, number, group, due, Place { pos, time: Some(due), stamp }, errors);
        }
    }

    fn timer_position(&self, due: i64, time: NodeTime<'_>) -> u32 {
        match self.waiting {
            None => position(time.first_stamp_reaching(due, 0).unwrap_or(time.last_row()), Phase::Stamp),
            Some(_) => {
                position(time.watermarks.first_reaching(due, 0).unwrap_or(time.last_row()), Phase::Watermark)
            }
        }
    }

    /// Fires what is due for a run; what begins then begins at `clock`.
    fn fire(
        &mut self,
        due: i64,
        number: u64,
        group: u32,
        clock: i64,
        place: Place,
        errors: &mut Vec<OpError>,
    ) {
        let at = group as usize;
        let is_there = |run: &super::run::Run| run.number == number && run.due == due;
        // Rows that wait for those behind them come before what is due behind them.
        let waits = |key: &Key| key.window.get(key.past).is_some_and(|row| row.clock < due);
        if !self.keys.get(at).is_some_and(|key| key.runs.iter().any(is_there) && !waits(key)) {
            return;
        }
        let mut key = std::mem::take(&mut self.keys[at]);
        if self.machine.matching == Matching::Preferred {
            // A match that is decided now ended earlier.
            let place = Place { time: None, ..place };
            self.machine.expire(&mut key, number, due, place, group, errors);
        } else {
            self.machine.fire(&mut key, group, number, due, clock, place);
            report_skips(&mut self.machine, errors);
        }
        self.put_back(group, key);
    }

    /// The input has ended: rows that wait for others have none, and time runs out.
    fn flush(&mut self, time: NodeTime<'_>, errors: &mut Vec<OpError>) {
        let (pos, stamp) = (position(time.last_row(), Phase::Flush), time.last_stamp());
        let mut left: Vec<(u64, u32)> = Vec::new();
        for (key, group) in self.keys.iter().zip(0u32..) {
            left.extend(key.window.iter().skip(key.past).map(|row| (row.arrival, group)));
        }
        left.sort_unstable();
        for (_, group) in left {
            let mut key = std::mem::take(&mut self.keys[group as usize]);
            self.look_in_window(&mut key, group, pos, errors);
            self.put_back(group, key);
            self.evict(Place { pos, time: None, stamp }, errors);
        }
        if self.machine.matching == Matching::Preferred {
            let mut keys: Vec<(u64, u32)> = Vec::new();
            for (key, group) in self.keys.iter().zip(0u32..) {
                keys.extend(key.runs.first().map(|run| (run.number, group)));
            }
            keys.sort_unstable();
            for (_, group) in keys {
                let mut key = std::mem::take(&mut self.keys[group as usize]);
                self.machine.end(&mut key, Place { pos, time: None, stamp }, errors);
                self.put_back(group, key);
            }
            return;
        }
        // What is under way comes to its end; what begins then has no time left.
        self.renumber();
        while let Some(Reverse((due, number, group))) = self.machine.timers.pop() {
            if due < END_CLOCK {
                let place = Place { pos, time: Some(due), stamp };
                self.fire(due, number, group, END_CLOCK, place, errors);
            }
        }
    }

    /// Ends a step: what is due first holds, and keys without anything are few.
    fn settle(&mut self) {
        while let Some(&Reverse((due, number, group))) = self.machine.timers.peek() {
            let is_there = |run: &super::run::Run| run.number == number && run.due == due;
            if self.keys.get(group as usize).is_some_and(|key| key.runs.iter().any(is_there)) {
                break;
            }
            self.machine.timers.pop();
        }
        if self.machine.timers.is_empty() {
            self.machine.timers.shrink_to(GONE_MIN);
        }
        self.compact(false);
        self.machine.captures.shrink();
    }

    /// Forgets keys without anything, if they are many or it is asked for.
    fn compact(&mut self, now: bool) {
        if self.keys.len() < GONE_MIN && !now {
            return;
        }
        // Looked at now and then: as often as keys have doubled or gone.
        let gone = self.keys.iter().filter(|key| self.is_gone(key)).count();
        if gone == 0 || (!now && gone * 2 < self.keys.len()) {
            return;
        }
        let is_kept: Vec<bool> = self.keys.iter().map(|key| !self.is_gone(key)).collect();
        let kept = self.table.retain(|group| is_kept[group as usize]);
        let mut old = std::mem::take(&mut self.keys);
        self.keys = kept.iter().map(|&g| std::mem::take(&mut old[g as usize])).collect();
        if self.keys.is_empty() {
            self.table = KeyTable::new();
        }
        self.renumber();
    }

    /// Makes timers and ages anew from the runs.
    pub(super) fn renumber(&mut self) {
        let Machine { timers, ages, over_bound, .. } = &mut self.machine;
        timers.clear();
        ages.clear();
        let mut numbers = Vec::new();
        for (key, group) in self.keys.iter().zip(0u32..) {
            for run in &key.runs {
                if run.due != NEVER {
                    timers.push(Reverse((run.due, run.number, group)));
                }
                numbers.push((run.number, group));
            }
        }
        if *over_bound == OverBound::EvictOldest {
            numbers.sort_unstable();
            ages.extend(numbers);
        }
    }
}

/// Gives a row to its key; whether it was taken, or left out as an error.
fn look(machine: &mut Machine, key: &mut Key, group: u32, now: &Now<'_>, errors: &mut Vec<OpError>) -> bool {
    let looked = match machine.matching {
        Matching::Preferred => machine.prefer(key, group, now, errors),
        Matching::Followed | Matching::Contiguous => machine.follow(key, group, now),
    };
    report_skips(machine, errors);
    match looked {
        Ok(()) => {
            key.rows += 1;
            if machine.keeps_exemplar && key.exemplar == NONE {
                machine.keep_row(now, &mut key.exemplar);
            }
            true
        }
        Err(refusal) => {
            errors.push(OpError::of_record(now.pos, refusal.code, refusal.message));
            false
        }
    }
}

/// Matches that were left out, as AFTER MATCH SKIP has no place in them.
fn report_skips(machine: &mut Machine, errors: &mut Vec<OpError>) {
    let bad = machine.bad_skips.drain(..);
    errors.extend(bad.map(|(pos, why)| OpError::of_result(pos, codes::BAD_SKIP, why)));
}

/// Values of expressions for all rows; those in error are noted.
fn evaluate(exprs: &mut [Compiled], source: &Input<'_>, wrong: &mut RowErrors, out: &mut Vec<Column>) {
    for (at, expr) in exprs.iter_mut().enumerate() {
        let column = expr.eval(source, Rows::All, wrong);
        if out.len() <= at {
            out.push(column.empty_like());
        }
        out[at].clear();
        out[at].append(column);
    }
}

/// The least time after which a state comes back to itself by time alone.
fn repeats(automaton: &Automaton) -> Option<i64> {
    let waits = automaton.leaves.iter().filter_map(|leaf| leaf.for_ns).min()?;
    let begins_again = automaton.states.iter().flat_map(|s| &s.timers).any(|t| !t.again.is_empty());
    begins_again.then_some(waits.max(1))
}
