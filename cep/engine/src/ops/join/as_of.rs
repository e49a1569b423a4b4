//! The version in force: each row of the left side finds the last row of its key on the right side.
//!
//! Rows of both sides wait until the watermark has passed their time, and are then taken in the order of time:
//! a row of the right side becomes the version in force of its key, a row of the left side is answered with the one
//! that is in force. At equal times versions come first, then rows go by arrival.
//!
//! Invariants:
//! - What is answered was final: a version that would have changed the answer is late.
//! - Of each key one version is kept that the watermark has passed, and those it has not passed.

use std::collections::BTreeSet;

use cep_lang::diag::codes;
use cep_lang::plan::{AsOfBound, Expr, JoinNode, JoinSide, OverBound};
use cep_types::Op;

use super::bound::Kept;
use super::operator::{JoinContext, SIDE_TEXT_MAX, has_text, is_raw_text};
use super::side::{Arriving, NIL, NO_GROUP, Side};
use crate::chunk::{Chunk, Phase, position, step_row};
use crate::column::Values;
use crate::keys::{KeyEncoder, KeyTable};
use crate::ops::prepare::Prepare;
use crate::ops::{CLOSE_ROWS, OpContext, OpError, Origin, TEXT_BYTES_MAX};
use crate::time::{NodeTime, WATERMARK_START};

/// Keys without rows that are kept at least, before they are moved out.
const STALE_KEYS_MIN: usize = 4096;
/// [`Arriving::mark`] of a version that ends the one before and is none itself.
pub(super) const ENDS: i64 = 1;

const LEFT: usize = 0;
const RIGHT: usize = 1;

/// A row that the watermark has not passed, in the order in which they are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Waiting {
    /// When it is taken: its event time, of a version when it begins to count.
    due: i64,
    /// Versions come before the rows that look for them.
    is_left: bool,
    /// Number of arrival.
    seq: u64,
    row: u32,
}

/// A join of rows with the version in force at their time.
#[derive(Debug)]
pub struct AsOfOp {
    pub(super) sides: [Side; 2],
    has_text: [bool; 2],
    prepare: [Prepare; 2],
    key_count: usize,
    raw_text: bool,
    bound: AsOfBound,
    outer: bool,
    rows_max: usize,
    over_bound: OverBound,
    pub(super) table: KeyTable,
    /// The version in force of each key, or [`NIL`].
    pub(super) current: Vec<u32>,
    pub(super) waiting: BTreeSet<Waiting>,
    /// (event time, number of arrival, row) of the versions in force.
    pub(super) in_force: BTreeSet<(i64, u64, u32)>,
    pub(super) watermark: i64,
    pub(super) seq: u64,
    pub(super) late_rows: u64,
    /// Rows refused or given up since too many were kept.
    pub(super) over_rows: u64,
    found: Found,
    scratch: Scratch,
}

/// Answers of the step.
#[derive(Debug, Default)]
struct Found {
    rows: [Vec<u32>; 2],
    time: Vec<i64>,
    pos: Vec<u32>,
    /// Bytes of text.
    text: usize,
}

#[derive(Debug, Default)]
struct Scratch {
    encoder: KeyEncoder,
    groups: [Vec<u32>; 2],
    fresh: Vec<u32>,
    errors: Vec<OpError>,
    /// Step row of the latest row that arrived in this step.
    step: usize,
    /// Position of the latest answer.
    pos: u32,
}

impl AsOfOp {
    /// Builds the operator of `node`, whose bound is `bound`.
    ///
    /// # Errors
    /// The reason why it cannot be built, for the user.
    pub fn new(node: &JoinNode, bound: AsOfBound) -> Result<Self, String> {
        let JoinNode { sides, keys, residual, bound: _, schema: _, rows_max, over_bound, span: _ } = node;
        if residual.is_some() {
            return Err("the version in force is found by keys and time alone".into());
        }
        let prepare = |side: usize| {
            let exprs: Vec<&Expr> = keys.iter().map(|k| if side == LEFT { &k.0 } else { &k.1 }).collect();
            Prepare::new(None, &exprs).map_err(|e| e.to_string())
        };
        let side = |at: usize| {
            let JoinSide { input, kept, outer, triggers: _ } = &sides[at];
            Side::new(input.schema(), kept, Kept::Passing, *outer, sides[1 - at].outer)
        };
        Ok(AsOfOp {
            sides: [side(LEFT), side(RIGHT)],
            has_text: [has_text(&sides[LEFT]), has_text(&sides[RIGHT])],
            prepare: [prepare(LEFT)?, prepare(RIGHT)?],
            key_count: keys.len(),
            raw_text: is_raw_text(keys),
            bound,
            outer: sides[LEFT].outer,
            rows_max: usize::try_from(*rows_max).unwrap_or(usize::MAX).min(u32::MAX as usize / 4),
            over_bound: *over_bound,
            table: KeyTable::new(),
            current: Vec::new(),
            waiting: BTreeSet::new(),
            in_force: BTreeSet::new(),
            watermark: WATERMARK_START,
            seq: 0,
            late_rows: 0,
            over_rows: 0,
            found: Found::default(),
            scratch: Scratch::default(),
        })
    }

    /// Rows that came too late so far.
    pub fn late_rows(&self) -> u64 {
        self.late_rows
    }

    /// Rows refused, or versions given up before their time, since more than `join.rows.max` were kept.
    pub fn over_rows(&self) -> u64 {
        self.over_rows
    }

    /// The least watermark that may answer a row.
    pub fn due_watermark(&self) -> Option<i64> {
        self.waiting.first().map(|first| first.due.saturating_add(1))
    }

    /// Watermark up to which about `CLOSE_ROWS` rows come out; `None`: no more of them wait.
    pub fn watermark_horizon(&self) -> Option<i64> {
        if self.waiting.len() <= CLOSE_ROWS {
            return None;
        }
        self.waiting.iter().nth(CLOSE_ROWS - 1).map(|at| at.due.saturating_add(1))
    }

    /// Processes a step: the rows of both sides.
    pub fn process(&mut self, inputs: [&Chunk; 2], out: &mut Chunk, mut cx: JoinContext<'_>) {
        self.scratch.step = 0;
        self.scratch.pos = 0;
        self.found.text = 0;
        for side in [LEFT, RIGHT] {
            self.prepare(side, inputs[side], cx.time);
        }
        let rows = [LEFT, RIGHT].map(|side| self.prepare[side].rows(inputs[side]));
        let mut heads = [0; 2];
        loop {
            let head = |side: usize| {
                (heads[side] < rows[side]).then(|| self.prepare[side].pos(inputs[side])[heads[side]])
            };
            let (side, pos) = match (head(LEFT), head(RIGHT)) {
                (None, None) => break,
                (Some(left), Some(right)) if right < left => (RIGHT, right),
                (Some(left), _) => (LEFT, left),
                (None, Some(right)) => (RIGHT, right),
            };
            self.advance(step_row(pos), cx.time);
            self.arrive(side, heads[side], inputs[side], &mut cx);
            heads[side] += 1;
        }
        self.advance(cx.time.stamps.len(), cx.time);
        if cx.time.flush {
            self.end(cx.time);
        }
        for (side, input) in self.sides.iter_mut().zip(inputs) {
            side.fill(&input.columns);
        }
        self.put_out(out);
        self.watermark = self.watermark.max(cx.time.watermarks.last());
        self.compact();
        self.scratch.errors.sort_by_key(|error| error.pos);
        cx.errors.append(&mut self.scratch.errors);
    }

    /// Evaluates the keys of a side and finds their groups.
    fn prepare(&mut self, side: usize, input: &Chunk, time: NodeTime<'_>) {
        let Scratch { encoder, groups, fresh, errors, .. } = &mut self.scratch;
        let groups = &mut groups[side];
        groups.clear();
        let prepare = &mut self.prepare[side];
        prepare.run(
            input,
            &mut OpContext {
                time,
                errors,
                late: None,
                left_out: None,
                tables: &mut [],
                origin: Origin::default(),
            },
        );
        if input.is_empty() {
            return;
        }
        let rows = prepare.rows(input);
        let columns = prepare.columns(input, 0..self.key_count);
        fresh.clear();
        let keys = encoder.encode(&columns, 0, rows, self.raw_text);
        self.table.find_or_insert_rows(&keys, groups, fresh);
        self.current.resize(self.table.len(), NIL);
        for column in columns {
            if column.valid.is_some() || matches!(column.values, Values::Any(_)) {
                for (row, group) in groups.iter_mut().enumerate() {
                    if !column.is_valid(row) {
                        *group = NO_GROUP;
                    }
                }
            }
        }
    }

    /// A row arrives.
    fn arrive(&mut self, side: usize, row: usize, input: &Chunk, cx: &mut JoinContext<'_>) {
        let (original, pos) = (self.prepare[side].original(row), self.prepare[side].pos(input)[row]);
        let (time, step) = (self.prepare[side].time(input)[row], step_row(pos));
        self.scratch.step = step;
        self.scratch.pos = self.scratch.pos.max(pos);
        let before = match step {
            0 => self.watermark,
            step => self.watermark.max(cx.time.watermarks.after(step - 1)),
        };
        if time < before {
            self.late_rows += 1;
            if let Some(late) = cx.late[side].as_deref_mut() {
                late.append_gather(input, &[original]);
            }
            cx.left_out.push(pos);
            return;
        }
        let group = self.scratch.groups[side][row];
        if side == RIGHT && group == NO_GROUP {
            // NULL equals nothing: nobody finds it.
            return;
        }
        if !self.has_room(pos) {
            return;
        }
        let text =
            if self.has_text[side] { self.sides[side].text_in(&input.columns, original as usize) } else { 0 };
        if self.sides[side].text_bytes() + text as usize > SIDE_TEXT_MAX {
            let message = format!("the join keeps {} MiB of text; the row was left out", SIDE_TEXT_MAX >> 20);
            self.scratch.errors.push(OpError::of_record(pos, codes::TOO_MANY_KEYS, message));
            return;
        }
        let op = input.ops.get(original as usize);
        let ends = matches!(op, Some(Op::Delete | Op::UpdateBefore));
        let mark = if ends { ENDS } else { 0 };
        let seq = self.seq;
        self.seq += 1;
        let row = self.sides[side].enter(Arriving { original, time, mark, seq, group, text }, None);
        self.wait(side, row);
    }

    /// Row `row` of `side` waits for the watermark.
    pub(super) fn wait(&mut self, side: usize, row: u32) {
        let Side { time, seq, .. } = &self.sides[side];
        let (time, seq) = (time[row as usize], seq[row as usize]);
        let due = if side == LEFT { time } else { time.saturating_add(self.bound.least_age_ns) };
        self.waiting.insert(Waiting { due, is_left: side == LEFT, seq, row });
    }

    /// Version `row` is in force.
    pub(super) fn put_in_force(&mut self, row: u32) {
        let side = &mut self.sides[RIGHT];
        let at = row as usize;
        // A version's flag says in checkpoints that it is in force.
        side.set_matched(row);
        self.in_force.insert((side.time[at], side.seq[at], row));
        self.current[side.group[at] as usize] = row;
    }

    /// Whether one more row may be kept; makes room where the policy says so.
    fn has_room(&mut self, pos: u32) -> bool {
        if self.sides[LEFT].live() + self.sides[RIGHT].live() < self.rows_max {
            return true;
        }
        self.over_rows += 1;
        match self.over_bound {
            OverBound::Reject => false,
            OverBound::EvictOldest => {
                let oldest = self.in_force.first().copied();
                oldest.map(|(_, _, row)| self.forget(row)).is_some()
            }
            OverBound::Fail => {
                let message = format!(
                    "the join keeps {} rows already (join.rows.max); the row was left out",
                    self.rows_max
                );
                self.scratch.errors.push(OpError::of_record(pos, codes::TOO_MANY_KEYS, message));
                false
            }
        }
    }

    /// Version `row` is no longer in force.
    fn forget(&mut self, row: u32) {
        let side = &mut self.sides[RIGHT];
        let at = row as usize;
        self.in_force.remove(&(side.time[at], side.seq[at], row));
        self.current[side.group[at] as usize] = NIL;
        side.leave(row, None);
    }

    /// Takes the rows that the watermarks of the steps before `step` have passed.
    fn advance(&mut self, step: usize, time: NodeTime<'_>) {
        // What was due before this step was taken; a row of this step is taken behind it at the earliest.
        if step <= self.scratch.step {
            return;
        }
        let Some(last) = step.checked_sub(1).map(|last| time.watermarks.after(last)) else { return };
        while let Some(first) = self.waiting.first().copied().filter(|first| first.due < last) {
            let reached = time.watermarks.first_reaching(first.due + 1, self.scratch.step);
            let at = reached.unwrap_or(self.scratch.step);
            self.scratch.pos = self.scratch.pos.max(position(at, Phase::Watermark));
            self.take(first);
        }
        let Some(age) = self.bound.greatest_age_ns else { return };
        while let Some(&(begun, _, row)) = self.in_force.first()
            && begun.checked_add(age).is_some_and(|end| end < last)
        {
            self.forget(row);
        }
    }

    /// The input has ended: all rows are taken, and nothing is kept.
    fn end(&mut self, time: NodeTime<'_>) {
        self.scratch.pos = self.scratch.pos.max(position(time.last_row(), Phase::Flush));
        while let Some(first) = self.waiting.first().copied() {
            self.take(first);
        }
        while let Some(&(_, _, row)) = self.in_force.first() {
            self.forget(row);
        }
    }

    /// A row's turn has come.
    fn take(&mut self, waiting: Waiting) {
        self.waiting.remove(&waiting);
        let Waiting { row, is_left, .. } = waiting;
        let at = row as usize;
        if is_left {
            self.answer(row);
            self.sides[LEFT].leave(row, None);
            return;
        }
        let group = self.sides[RIGHT].group[at] as usize;
        if self.current[group] != NIL {
            self.forget(self.current[group]);
        }
        match self.sides[RIGHT].mark[at] {
            ENDS => self.sides[RIGHT].leave(row, None),
            _ => self.put_in_force(row),
        }
    }

    /// Row `row` of the left side gets the version that is in force.
    fn answer(&mut self, row: u32) {
        let (left, right) = (&self.sides[LEFT], &self.sides[RIGHT]);
        let time = left.time[row as usize];
        let version = self.current.get(left.group[row as usize] as usize).copied().unwrap_or(NIL);
        let is_old = |version: u32| {
            let begun = right.time[version as usize];
            let end = self.bound.greatest_age_ns.and_then(|age| begun.checked_add(age));
            end.is_some_and(|end| end < time)
        };
        let version = if version != NIL && is_old(version) { NIL } else { version };
        let text = left.text[row as usize] as usize;
        let (version, text) = match version {
            // Row 0 of the right side is the one of NULLs.
            NIL if self.outer => (0, text),
            NIL => return,
            version => (version, text + right.text[version as usize] as usize),
        };
        let pos = self.scratch.pos;
        self.found.text += text;
        if self.found.text > TEXT_BYTES_MAX {
            if self.scratch.errors.last().is_none_or(|error| error.pos != pos) {
                let message = "the pairs of its step have too much text; what is beyond was left out";
                self.scratch.errors.push(OpError::of_record(pos, codes::OVERFLOW, message));
            }
            return;
        }
        let Found { rows, time: times, pos: positions, text: _ } = &mut self.found;
        rows[LEFT].push(row);
        rows[RIGHT].push(version);
        times.push(time);
        positions.push(pos);
    }

    fn put_out(&mut self, out: &mut Chunk) {
        let left = self.sides[LEFT].columns.len();
        let Found { rows, time, pos, text: _ } = &mut self.found;
        if pos.is_empty() {
            return;
        }
        for (column, kept) in out.columns.iter_mut().zip(&self.sides[LEFT].columns) {
            column.append_gather(kept, &rows[LEFT]);
        }
        for (column, kept) in out.columns[left..].iter_mut().zip(&self.sides[RIGHT].columns) {
            column.append_gather(kept, &rows[RIGHT]);
        }
        out.time.append(time);
        out.pos.append(pos);
        rows.iter_mut().for_each(Vec::clear);
    }

    fn compact(&mut self) {
        for side in [LEFT, RIGHT] {
            let Some(new) = self.sides[side].compact() else { continue };
            let renumber = |waiting: &Waiting| match waiting.is_left == (side == LEFT) {
                true => Waiting { row: new[waiting.row as usize], ..*waiting },
                false => *waiting,
            };
            self.waiting = self.waiting.iter().map(renumber).collect();
            if side == RIGHT {
                let versions = self.in_force.iter();
                self.in_force = versions.map(|&(at, seq, row)| (at, seq, new[row as usize])).collect();
                for row in self.current.iter_mut().filter(|row| **row != NIL) {
                    *row = new[*row as usize];
                }
            }
        }
        let live = self.sides[LEFT].live() + self.sides[RIGHT].live();
        if self.table.len() > 2 * live + STALE_KEYS_MIN {
            self.forget_keys();
        }
    }

    /// Forgets keys without rows.
    fn forget_keys(&mut self) {
        let mut is_used = vec![false; self.table.len()];
        for side in &self.sides {
            for row in side.live_rows() {
                if let Some(used) = is_used.get_mut(side.group[row as usize] as usize) {
                    *used = true;
                }
            }
        }
        let kept = self.table.retain(|group| is_used[group as usize]);
        let mut new = vec![NO_GROUP; self.current.len()];
        kept.iter().enumerate().for_each(|(to, &from)| new[from as usize] = to as u32);
        self.current = kept.iter().map(|&old| self.current[old as usize]).collect();
        for side in &mut self.sides {
            for group in side.group.iter_mut().filter(|group| **group != NO_GROUP) {
                *group = new[*group as usize];
            }
        }
    }
}
