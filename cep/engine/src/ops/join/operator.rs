//! Rows arrive, find partners and leave.

use std::collections::BTreeSet;

use arrow_schema::DataType;
use cep_lang::diag::codes;
use cep_lang::plan::{Expr, JoinBound, JoinNode, JoinSide, JoinWindow, OverBound};

use super::bound::Kept;
use super::emit::{Emitter, Event};
use super::side::{Arriving, EMPTY, List, NIL, NO_GROUP, Side};
use crate::chunk::{Chunk, Phase, position, step_row};
use crate::column::{Column, Values};
use crate::keys::{KeyEncoder, KeyTable};
use crate::ops::prepare::Prepare;
use crate::ops::{CLOSE_ROWS, OpContext, OpError, Origin, TEXT_BYTES_MAX};
use crate::time::{NodeTime, WATERMARK_START};

/// Pairs and rows that wait to be put out, at most.
const EVENTS_MAX: usize = 1 << 15;
/// Keys without rows that are kept at least, before they are moved out.
const STALE_KEYS_MIN: usize = 4096;

/// Bytes of text kept of one side, at most: with rows that left and those of a step, well below what a
/// column can address.
pub(super) const SIDE_TEXT_MAX: usize = TEXT_BYTES_MAX / 4;

/// What a join may use in a step besides its chunks.
#[derive(Debug)]
pub struct JoinContext<'a> {
    /// Time.
    pub time: NodeTime<'a>,
    /// Rows in error go here.
    pub errors: &'a mut Vec<OpError>,
    /// Rows of the left and the right side that came too late go here, if their streams want them.
    pub late: [Option<&'a mut Chunk>; 2],
    /// Their positions.
    pub left_out: &'a mut Vec<u32>,
}

/// A join of two streams.
#[derive(Debug)]
pub struct JoinOp {
    pub(super) sides: [Side; 2],
    triggers: [bool; 2],
    has_text: [bool; 2],
    /// Keys of each side, then the time of EXTERNALTIME.
    prepare: [Prepare; 2],
    key_count: usize,
    /// The key is one text that is never NULL.
    raw_text: bool,
    /// Least and largest time of the right row − that of the left one, ns.
    interval: Option<(i64, i64)>,
    rows_max: usize,
    over_bound: OverBound,
    pub(super) table: KeyTable,
    /// Rows of each key, left and right.
    pub(super) lists: Vec<[List; 2]>,
    /// (when it leaves, side, row) of rows of outer sides that had no partner and leave by time.
    pub(super) pending: BTreeSet<(i64, u8, u32)>,
    pub(super) watermark: i64,
    pub(super) seq: u64,
    pub(super) late_rows: u64,
    /// Rows refused or given up since too many were kept.
    pub(super) over_rows: u64,
    emitter: Emitter,
    scratch: Scratch,
}

#[derive(Debug, Default)]
struct Scratch {
    encoder: KeyEncoder,
    groups: [Vec<u32>; 2],
    fresh: Vec<u32>,
    errors: Vec<OpError>,
    /// Step row of the latest row that arrived in this step.
    step: usize,
    /// Position of the latest event.
    pos: u32,
}

/// Whether rows of a side have values of any length.
pub(super) fn has_text(side: &JoinSide) -> bool {
    let is_text = |values: &Values| matches!(values, Values::Bytes { .. } | Values::Any(_));
    let schema = side.input.schema();
    side.kept.iter().any(|&at| is_text(&Column::new(schema.field(at).data_type()).values))
}

/// Whether the key is one text that is never NULL.
pub(super) fn is_raw_text(keys: &[(Expr, Expr)]) -> bool {
    let is_text = |e: &Expr| e.data_type == DataType::Utf8 && !e.nullable;
    matches!(keys, [(left, right)] if is_text(left) && is_text(right))
}

impl JoinOp {
    /// Builds the operator of `node`.
    ///
    /// # Errors
    /// The reason why it cannot be built, for the user.
    pub fn new(node: &JoinNode) -> Result<Self, String> {
        let JoinNode { sides, keys, residual, bound, schema: _, rows_max, over_bound, span: _ } = node;
        let prepare = |side: usize| {
            let mut exprs: Vec<&Expr> = keys.iter().map(|k| if side == 0 { &k.0 } else { &k.1 }).collect();
            if let JoinBound::Windows(windows) = bound
                && let JoinWindow::ExternalTime { time, size_ns: _ } = &windows[side]
            {
                exprs.push(time);
            }
            Prepare::new(None, &exprs).map_err(|e| e.to_string())
        };
        let side = |at: usize| {
            let JoinSide { input, kept, outer, triggers: _ } = &sides[at];
            Side::new(input.schema(), kept, Kept::of(bound, at), *outer, sides[1 - at].outer)
        };
        Ok(JoinOp {
            sides: [side(0), side(1)],
            triggers: [sides[0].triggers, sides[1].triggers],
            has_text: [has_text(&sides[0]), has_text(&sides[1])],
            prepare: [prepare(0)?, prepare(1)?],
            key_count: keys.len(),
            raw_text: is_raw_text(keys),
            interval: match bound {
                JoinBound::Interval { low_ns, high_ns } => Some((*low_ns, *high_ns)),
                JoinBound::Windows(_) | JoinBound::AsOf(_) => None,
            },
            rows_max: usize::try_from(*rows_max).unwrap_or(usize::MAX).min(u32::MAX as usize / 4),
            over_bound: *over_bound,
            table: KeyTable::new(),
            lists: Vec::new(),
            pending: BTreeSet::new(),
            watermark: WATERMARK_START,
            seq: 0,
            late_rows: 0,
            over_rows: 0,
            emitter: Emitter::new(residual.as_ref(), sides[0].kept.len())?,
            scratch: Scratch::default(),
        })
    }

    /// Rows that came too late so far.
    pub fn late_rows(&self) -> u64 {
        self.late_rows
    }

    /// Rows refused, or given up before their time, since more than `join.rows.max` were kept.
    pub fn over_rows(&self) -> u64 {
        self.over_rows
    }

    /// The least watermark that lets a row out that had no partner.
    pub fn due_watermark(&self) -> Option<i64> {
        let due = self.interval.and(self.pending.first());
        due.map(|&(due, _, _)| due.saturating_add(1))
    }

    /// The same for stamps.
    pub fn due_stamp(&self) -> Option<i64> {
        match self.interval {
            None => self.pending.first().map(|&(due, _, _)| due),
            Some(_) => None,
        }
    }

    /// Watermark up to which `CLOSE_ROWS` rows come out; `None`: no more of them wait.
    pub fn watermark_horizon(&self) -> Option<i64> {
        if self.interval.is_none() || self.pending.len() <= CLOSE_ROWS {
            return None;
        }
        self.pending.iter().nth(CLOSE_ROWS - 1).map(|&(due, _, _)| due.saturating_add(1))
    }

    /// Processes a step: the rows of both sides.
    pub fn process(&mut self, inputs: [&Chunk; 2], out: &mut Chunk, mut cx: JoinContext<'_>) {
        self.scratch.step = 0;
        self.scratch.pos = 0;
        self.emitter.begin();
        for side in [0, 1] {
            self.prepare(side, inputs[side], cx.time);
        }
        let rows = [0, 1].map(|side| self.prepare[side].rows(inputs[side]));
        let mut heads = [0; 2];
        loop {
            let head = |side: usize| {
                (heads[side] < rows[side]).then(|| self.prepare[side].pos(inputs[side])[heads[side]])
            };
            let (side, pos) = match (head(0), head(1)) {
                (None, None) => break,
                (Some(left), Some(right)) if right < left => (1, right),
                (Some(left), _) => (0, left),
                (None, Some(right)) => (1, right),
            };
            self.advance(step_row(pos), cx.time);
            self.arrive(side, heads[side], inputs[side], &mut cx);
            heads[side] += 1;
            if self.emitter.events.len() >= EVENTS_MAX {
                self.put_out(inputs, out, cx.time);
            }
        }
        self.advance(cx.time.stamps.len(), cx.time);
        if cx.time.flush {
            self.end(cx.time);
        }
        self.put_out(inputs, out, cx.time);
        for (side, input) in self.sides.iter_mut().zip(inputs) {
            side.fill(&input.columns);
        }
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
        if input.is_empty() {
            // What the chunk before left must not be taken for its rows.
            self.prepare[side].run(
                input,
                &mut OpContext {
                    time,
                    origin: Origin::default(),
                    errors,
                    late: None,
                    left_out: None,
                    tables: &mut [],
                },
            );
            return;
        }
        let prepare = &mut self.prepare[side];
        prepare.run(
            input,
            &mut OpContext {
                time,
                origin: Origin::default(),
                errors,
                late: None,
                left_out: None,
                tables: &mut [],
            },
        );
        let rows = prepare.rows(input);
        let columns = prepare.columns(input, 0..self.key_count);
        fresh.clear();
        let keys = encoder.encode(&columns, 0, rows, self.raw_text);
        self.table.find_or_insert_rows(&keys, groups, fresh);
        self.lists.resize(self.table.len(), [EMPTY; 2]);
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
        if self.interval.is_some() {
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
        }
        let Some(mark) = self.mark(side, row, input, cx.time.stamps[step], pos) else { return };
        let keeps = self.sides[side].kept != Kept::Passing;
        if keeps && !self.has_room(side, pos) {
            return;
        }
        let text =
            if self.has_text[side] { self.sides[side].text_in(&input.columns, original as usize) } else { 0 };
        if self.sides[side].text_bytes() + text as usize > SIDE_TEXT_MAX {
            let message = format!("the join keeps {} MiB of text; the row was left out", SIDE_TEXT_MAX >> 20);
            self.scratch.errors.push(OpError::of_record(pos, codes::TOO_MANY_KEYS, message));
            return;
        }
        let group = self.scratch.groups[side][row];
        let arriving = Arriving { original, time, mark, seq: self.seq, group, text };
        self.seq += 1;
        let list = self.lists.get_mut(group as usize).map(|lists| &mut lists[side]);
        let row = self.sides[side].enter(arriving, list.filter(|_| keeps));
        self.make_room(side, row);
        if self.triggers[side] {
            self.find_partners(side, row, pos);
        }
        if !keeps {
            self.leave(side, row, pos);
        } else if self.sides[side].outer
            && let Some(due) = self.sides[side].kept.due(mark)
        {
            self.pending.insert((due, side as u8, row));
        }
    }

    /// What the leaving of a row goes by; `None`: it is in error.
    fn mark(&mut self, side: usize, row: usize, input: &Chunk, stamp: i64, pos: u32) -> Option<i64> {
        match self.sides[side].kept {
            Kept::Passing | Kept::Queue { .. } => Some(stamp),
            Kept::Watermark { .. } => Some(self.prepare[side].time(input)[row]),
            Kept::External { .. } => {
                let columns = self.prepare[side].columns(input, self.key_count..self.key_count + 1);
                match &columns[0].values {
                    Values::I64(times) if columns[0].is_valid(row) => Some(times[row]),
                    _ => {
                        let message = "the time of EXTERNALTIME is NULL; the row was left out";
                        let error = OpError::of_record(pos, codes::MISSING_EVENT_TIME, message);
                        self.scratch.errors.push(error);
                        None
                    }
                }
            }
        }
    }

    /// Whether one more row may be kept; makes room where the policy says so.
    fn has_room(&mut self, side: usize, pos: u32) -> bool {
        let replaces = match self.sides[side].kept {
            Kept::Queue { rows: Some(rows), .. } => self.sides[side].live() as u64 >= rows,
            _ => false,
        };
        if replaces || self.sides[0].live() + self.sides[1].live() < self.rows_max {
            return true;
        }
        self.over_rows += 1;
        match self.over_bound {
            OverBound::Reject => false,
            OverBound::EvictOldest => {
                let oldest =
                    |at: usize| self.sides[at].oldest().map(|r| (self.sides[at].seq[r as usize], at, r));
                if let Some((_, at, row)) = [oldest(0), oldest(1)].into_iter().flatten().min() {
                    self.leave(at, row, pos);
                }
                true
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

    /// Rows of a side leave for `row`, which has just entered.
    fn make_room(&mut self, side: usize, row: u32) {
        let pos = self.scratch.pos;
        match self.sides[side].kept {
            Kept::Queue { rows: Some(rows), .. } => {
                while self.sides[side].live() as u64 > rows {
                    let oldest = self.sides[side].oldest().expect("more than one row is kept");
                    self.leave(side, oldest, pos);
                }
            }
            Kept::External { size_ns } => {
                // A window that reaches before the beginning of time holds all.
                let Some(limit) = self.sides[side].mark[row as usize].checked_sub(size_ns) else { return };
                while let Some((_, old)) = self.sides[side].least().filter(|(mark, _)| *mark <= limit) {
                    self.leave(side, old, pos);
                }
            }
            Kept::Queue { rows: None, .. } | Kept::Passing | Kept::Watermark { .. } => {}
        }
    }

    /// Pairs `row` of side `side` with the rows kept of the other one.
    fn find_partners(&mut self, side: usize, row: u32, pos: u32) {
        let time = self.sides[side].time[row as usize];
        let Some(lists) = self.lists.get(self.sides[side].group[row as usize] as usize) else { return };
        let other = &self.sides[1 - side];
        let range = self.interval.map(|(low, high)| match side {
            0 => (time.saturating_add(low), time.saturating_add(high)),
            _ => (time.saturating_sub(high), time.saturating_sub(low)),
        });
        let mut at = lists[1 - side].head;
        while at != NIL {
            let is_near = range.is_none_or(|(from, to)| (from..=to).contains(&other.time[at as usize]));
            if is_near {
                let rows = if side == 0 { [row, at] } else { [at, row] };
                let later = time.max(other.time[at as usize]);
                self.emitter.events.push(Event { pos, rows, time: later, alone: None });
            }
            at = other.next(at);
        }
    }

    /// Row `row` of side `side` leaves at `pos`.
    fn leave(&mut self, side: usize, row: u32, pos: u32) {
        let Side { group, mark, time, kept, outer, .. } = &self.sides[side];
        let (group, mark, time) = (group[row as usize], mark[row as usize], time[row as usize]);
        let (kept, outer) = (*kept, *outer);
        if outer {
            let due = kept.due(mark);
            if let Some(due) = due {
                self.pending.remove(&(due, side as u8, row));
            }
            let time = match kept {
                Kept::Watermark { reach_ns } => time.max(time.saturating_add(reach_ns)),
                _ => time,
            };
            let rows = if side == 0 { [row, 0] } else { [0, row] };
            self.emitter.events.push(Event { pos, rows, time, alone: Some(side) });
        }
        let linked = group != NO_GROUP && kept != Kept::Passing;
        let list = self.lists.get_mut(group as usize).map(|lists| &mut lists[side]);
        self.sides[side].leave(row, list.filter(|_| linked));
    }

    /// Rows leave by the time of the steps before `step`; by stamp also of `step` itself.
    fn advance(&mut self, step: usize, time: NodeTime<'_>) {
        match self.interval {
            None => self.advance_stamp(step, time),
            Some(_) => self.advance_watermark(step, time),
        }
    }

    fn advance_stamp(&mut self, step: usize, time: NodeTime<'_>) {
        let last = time.stamps[step.min(time.last_row())];
        loop {
            let due = |side: usize| {
                let rows = &self.sides[side];
                let oldest = rows.oldest()?;
                let due = rows.kept.due(rows.mark[oldest as usize]).filter(|&due| due <= last)?;
                let step = time.first_stamp_reaching(due, 0)?;
                Some((step, side, oldest))
            };
            let Some((step, side, row)) = [due(0), due(1)].into_iter().flatten().min() else { return };
            self.scratch.pos = self.scratch.pos.max(position(step, Phase::Stamp));
            self.leave(side, row, self.scratch.pos);
        }
    }

    fn advance_watermark(&mut self, step: usize, time: NodeTime<'_>) {
        // What was due before this step has left; a row of this step leaves behind it at the earliest.
        if step <= self.scratch.step {
            return;
        }
        let Some(last) = step.checked_sub(1).map(|last| time.watermarks.after(last)) else { return };
        loop {
            let mut due = |side: usize| {
                let kept = self.sides[side].kept;
                let (mark, row) = self.sides[side].least()?;
                let due = kept.due(mark).filter(|&due| due < last)?;
                Some((due, side, row))
            };
            let Some((due, side, row)) = [due(0), due(1)].into_iter().flatten().min() else { return };
            let reached = time.watermarks.first_reaching(due + 1, self.scratch.step);
            let at = reached.unwrap_or(self.scratch.step);
            self.scratch.pos = self.scratch.pos.max(position(at, Phase::Watermark));
            self.leave(side, row, self.scratch.pos);
        }
    }

    /// The input has ended: all rows leave.
    fn end(&mut self, time: NodeTime<'_>) {
        self.scratch.pos = self.scratch.pos.max(position(time.last_row(), Phase::Flush));
        for side in [0, 1] {
            while let Some(row) = self.sides[side].oldest() {
                self.leave(side, row, self.scratch.pos);
            }
        }
    }

    fn put_out(&mut self, inputs: [&Chunk; 2], out: &mut Chunk, time: NodeTime<'_>) {
        if self.emitter.events.is_empty() {
            return;
        }
        for (side, input) in self.sides.iter_mut().zip(inputs) {
            side.fill(&input.columns);
        }
        let by_watermark = self.interval.is_some();
        let floor = (!by_watermark).then_some(self.watermark);
        self.emitter.judge(&self.sides, time, &mut self.scratch.errors);
        for &[left, right] in self.emitter.pairs() {
            for (side, row) in [(0, left), (1, right)] {
                let rows = &mut self.sides[side];
                if rows.outer
                    && rows.set_matched(row)
                    && let Some(due) = rows.kept.due(rows.mark[row as usize])
                {
                    self.pending.remove(&(due, side as u8, row));
                }
            }
        }
        self.emitter.emit(&self.sides, floor, time, out, &mut self.scratch.errors);
    }

    fn compact(&mut self) {
        for side in [0, 1] {
            let Some(new) = self.sides[side].compact() else { continue };
            for lists in &mut self.lists {
                let List { head, tail } = &mut lists[side];
                for end in [head, tail] {
                    *end = new.get(*end as usize).copied().unwrap_or(NIL);
                }
            }
            let renumbered = self.pending.iter().map(|&(due, of, row)| {
                if of as usize == side { (due, of, new[row as usize]) } else { (due, of, row) }
            });
            self.pending = renumbered.collect();
        }
        let live = self.sides[0].live() + self.sides[1].live();
        if self.table.len() > 2 * live + STALE_KEYS_MIN {
            self.forget_keys();
        }
    }

    /// Forgets keys without rows.
    fn forget_keys(&mut self) {
        let lists = &self.lists;
        let has_rows = |group: u32| lists[group as usize].iter().any(|list| list.head != NIL);
        let kept = self.table.retain(has_rows);
        let mut new = vec![NO_GROUP; self.lists.len()];
        kept.iter().enumerate().for_each(|(to, &from)| new[from as usize] = to as u32);
        self.lists = kept.iter().map(|&old| self.lists[old as usize]).collect();
        for side in &mut self.sides {
            for group in side.group.iter_mut().filter(|group| **group != NO_GROUP) {
                *group = new[*group as usize];
            }
        }
    }
}
