//! The calls of a streaming OVER, with the rows of each partition that they can still reach.
//!
//! All calls share one history of rows a partition: the values they need, newest last. Aggregates
//! follow their frame by adding and removing rows; frames that start unbounded only add. Values
//! that a frame can reach for ever (the first of a partition, the last that is not NULL) are kept by
//! themselves, not with their rows.

use std::sync::Arc;

use arrow_schema::DataType;
use cep_lang::plan::{AggCall, Expr, OverCall, OverFrame, OverFunc, OverNode};

use super::history::{History, Kept};
use crate::agg::{AggInput, AggOptions, AggPlan, AggSet, Order, Rows};
use crate::codec::{DecodeError, Reader, Result, Writer};
use crate::column::Column;

/// Frame bounds as row offsets or time offsets from the current row; `None` is unbounded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Frame {
    /// The last `preceding` rows up to `end` rows before the current one.
    Rows {
        /// Rows before the current one.
        preceding: Option<u64>,
        /// Rows before the current one at the end.
        end: u64,
    },
    /// Rows not older than `preceding` ns up to `end` ns before, peers included.
    Range {
        /// Nanoseconds before the current row.
        preceding: Option<i64>,
        /// Nanoseconds before the current row at the end.
        end: i64,
    },
}

impl Frame {
    fn is_unbounded(self) -> bool {
        matches!(self, Frame::Rows { preceding: None, .. } | Frame::Range { preceding: None, .. })
    }

    fn ends_here(self) -> bool {
        matches!(self, Frame::Rows { end: 0, .. } | Frame::Range { end: 0, .. })
    }
}

#[derive(Debug)]
enum Kind {
    /// An aggregate; its inputs.
    Aggregate {
        frame: Frame,
        inputs: std::ops::Range<usize>,
        set: AggSet,
        by: Moves,
    },
    RowNumber,
    Rank,
    DenseRank,
    /// `kept`: the last values that are not NULL.
    Lag {
        value: usize,
        default: Option<usize>,
        offset: u64,
        kept: Option<usize>,
    },
    /// First, last or nth value of a frame; nth ≥ 1 from the start, −1 the last. `kept`: of a frame
    /// that starts unbounded.
    Value {
        value: usize,
        nth: i64,
        frame: Frame,
        ignore_nulls: bool,
        kept: Option<usize>,
    },
}

/// How an aggregate follows its frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Moves {
    /// It ends at the current row and starts unbounded: rows are added as they come.
    AsRowsCome,
    /// It starts unbounded: rows are added as they enter. Number in `History::held`.
    Grows(usize),
    /// Rows are added and removed. Number in `History::held`.
    Slides(usize),
    /// Nothing can be removed: it is made anew for every row.
    Anew,
}

/// All calls with their state.
#[derive(Debug)]
pub struct StreamCalls {
    inputs: Vec<Expr>,
    types: Vec<DataType>,
    kinds: Vec<Kind>,
    histories: Vec<History>,
    /// Type of each kept value, and how many are kept.
    kept: Vec<(DataType, usize)>,
    held: usize,
    /// Rows of history that any call needs; `None`: all within `reach_ns`.
    reach_rows: Option<u64>,
    reach_ns: Option<i64>,
    keeps_history: bool,
    /// The group of rows, repeated.
    same: Vec<u32>,
    /// Rows added to and removed from aggregates, for tests of the complexity.
    moved: u64,
}

impl StreamCalls {
    /// Compiles the calls of `node`.
    ///
    /// # Errors
    /// The reason why one cannot be computed on a stream, for the user.
    pub fn new(node: &OverNode) -> std::result::Result<Self, String> {
        let mut calls = StreamCalls {
            inputs: Vec::new(),
            types: Vec::new(),
            kinds: Vec::new(),
            histories: Vec::new(),
            kept: Vec::new(),
            held: 0,
            reach_rows: Some(0),
            reach_ns: Some(0),
            keeps_history: false,
            same: Vec::new(),
            moved: 0,
        };
        for call in &node.calls {
            let kind = calls.kind(call, node.event_time_order)?;
            calls.kinds.push(kind);
        }
        calls.types = calls.inputs.iter().map(|e| e.data_type.clone()).collect();
        Ok(calls)
    }

    /// Expressions whose values calls read, evaluated for each row.
    pub fn inputs(&self) -> &[Expr] {
        &self.inputs
    }

    /// Rows added to and removed from aggregates so far, for tests of the complexity.
    #[cfg(test)]
    pub fn moved(&self) -> u64 {
        self.moved
    }

    fn kind(&mut self, call: &OverCall, event_time: bool) -> std::result::Result<Kind, String> {
        let frame = frame_of(call)?;
        Ok(match &call.func {
            OverFunc::Aggregate(agg) => self.aggregate(agg, frame, event_time)?,
            OverFunc::RowNumber => Kind::RowNumber,
            OverFunc::Rank => Kind::Rank,
            OverFunc::DenseRank => Kind::DenseRank,
            OverFunc::Lag { value, offset, default, ignore_nulls } => {
                let offset = u64::try_from(*offset).map_err(|_| {
                    "LEAD needs rows that are still to come; use it over a window's result".to_string()
                })?;
                let keeps = *ignore_nulls && offset > 0;
                self.reach(if keeps { Some(1) } else { Some(offset + 1) }, Some(0));
                let kept = keeps.then(|| self.keep(&value.data_type, offset as usize));
                let default = default.as_ref().map(|d| self.input(d));
                Kind::Lag { value: self.input(value), default, offset, kept }
            }
            OverFunc::FirstValue { value, ignore_nulls } => self.value(value, 1, frame, *ignore_nulls),
            OverFunc::LastValue { value, ignore_nulls } => self.value(value, -1, frame, *ignore_nulls),
            OverFunc::NthValue { value, n, ignore_nulls } => self.value(value, *n, frame, *ignore_nulls),
            OverFunc::PercentRank | OverFunc::CumeDist | OverFunc::Ntile(_) => {
                return Err("this function needs all rows of its partition; use it over a window's result"
                    .to_string());
            }
        })
    }

    fn input(&mut self, expr: &Expr) -> usize {
        self.inputs.push(expr.clone());
        self.inputs.len() - 1
    }

    fn aggregate(
        &mut self,
        agg: &AggCall,
        frame: Frame,
        event_time: bool,
    ) -> std::result::Result<Kind, String> {
        let order = if event_time { Order::EventTime } else { Order::Arrival };
        let grows = frame.is_unbounded();
        let plan =
            AggPlan::new(std::slice::from_ref(agg), AggOptions { removal: !grows, order, merged: false })
                .map_err(|e| e.to_string())?;
        let from = self.inputs.len();
        self.inputs.extend(plan.inputs().iter().cloned());
        let inputs = from..self.inputs.len();
        let by = if grows && frame.ends_here() {
            Moves::AsRowsCome
        } else if grows {
            Moves::Grows(self.held)
        } else if plan.is_removable() {
            Moves::Slides(self.held)
        } else {
            Moves::Anew
        };
        self.held += usize::from(matches!(by, Moves::Grows(_) | Moves::Slides(_)));
        match by {
            Moves::AsRowsCome => {}
            Moves::Grows(_) => self.reach_end(frame),
            Moves::Slides(_) | Moves::Anew => self.reach_frame(frame),
        }
        Ok(Kind::Aggregate { frame, inputs, set: AggSet::new(Arc::new(plan)), by })
    }

    fn value(&mut self, value: &Expr, nth: i64, frame: Frame, ignore_nulls: bool) -> Kind {
        let keeps = frame.is_unbounded() && nth >= -1;
        match (keeps, nth > 0) {
            (true, true) => {}
            (true, false) => self.reach_end(frame),
            (false, _) => self.reach_frame(frame),
        }
        let kept = keeps.then(|| self.keep(&value.data_type, 1));
        Kind::Value { value: self.input(value), nth, frame, ignore_nulls, kept }
    }

    fn keep(&mut self, data_type: &DataType, max: usize) -> usize {
        self.kept.push((data_type.clone(), max));
        self.kept.len() - 1
    }

    fn reach_frame(&mut self, frame: Frame) {
        match frame {
            Frame::Rows { preceding, end: _ } => self.reach(preceding.map(|p| p + 1), Some(0)),
            Frame::Range { preceding, end: _ } => self.reach(Some(0), preceding),
        }
    }

    /// Reaches the rows after the end of a frame, and the current one.
    fn reach_end(&mut self, frame: Frame) {
        match frame {
            Frame::Rows { end, .. } => self.reach(Some(end.saturating_add(1)), Some(0)),
            Frame::Range { end, .. } => self.reach(Some(1), Some(end)),
        }
    }

    fn reach(&mut self, rows: Option<u64>, ns: Option<i64>) {
        self.keeps_history = true;
        self.reach_rows = self.reach_rows.zip(rows).map(|(a, b)| a.max(b));
        self.reach_ns = self.reach_ns.zip(ns).map(|(a, b)| a.max(b));
    }

    /// Makes it `groups` partitions.
    pub fn resize(&mut self, groups: usize) {
        let kept = || self.kept.iter().map(|(data_type, _)| Kept::new(data_type)).collect();
        let fresh = || History::new(&self.types, kept(), self.held);
        self.histories.resize_with(groups, fresh);
        for kind in &mut self.kinds {
            match kind {
                Kind::Aggregate { by: Moves::Anew, set, .. } => set.resize(1),
                Kind::Aggregate { set, .. } => set.resize(groups),
                _ => {}
            }
        }
    }

    /// Adds row `row` of `values` as the newest of its partition, with no peers. `times` and `seqs`
    /// hold those of the rows of `values`.
    pub fn add(&mut self, group: u32, values: &[&Column], row: usize, times: &[i64], seqs: &[u64]) {
        self.trim(group, times[row]);
        self.update_running(group, values, row, times, seqs, |_| true);
        self.push(group, values, row, times[row], seqs[row]);
        let history = &mut self.histories[group as usize];
        history.rows += 1;
        history.rank = history.rows;
        history.dense += 1;
    }

    /// Adds rows that share one event time, each then answered by [`StreamCalls::answer_peer`], in
    /// the same order. Frames of RANGE hold all peers from the first answer on, frames of ROWS grow
    /// with each answer.
    pub fn add_peers(
        &mut self,
        rows: &[u32],
        groups: &[u32],
        values: &[&Column],
        times: &[i64],
        seqs: &[u64],
    ) {
        for &row in rows {
            let (group, time) = (groups[row as usize], times[row as usize]);
            if self.histories[group as usize].last_time != Some(time) {
                self.trim(group, time);
                let history = &mut self.histories[group as usize];
                history.last_time = Some(time);
                history.dense += 1;
                history.rank = history.rows + 1;
            }
            let row = row as usize;
            self.update_running(group, values, row, times, seqs, |f| matches!(f, Frame::Range { .. }));
            self.push(group, values, row, time, seqs[row]);
        }
    }

    /// Adds a row to the aggregates that take rows as they come, of the frames that `which` picks.
    fn update_running(
        &mut self,
        group: u32,
        values: &[&Column],
        row: usize,
        ts: &[i64],
        seq: &[u64],
        which: impl Fn(Frame) -> bool,
    ) {
        for kind in &mut self.kinds {
            match kind {
                Kind::Aggregate { by: Moves::AsRowsCome, set, inputs, frame } if which(*frame) => {
                    let columns = &values[inputs.clone()];
                    set.update(&[group], &AggInput { columns, rows: Rows::From(row), ts, seq });
                    self.moved += 1;
                }
                _ => {}
            }
        }
    }

    fn push(&mut self, group: u32, values: &[&Column], row: usize, time: i64, seq: u64) {
        let history = &mut self.histories[group as usize];
        for kind in &self.kinds {
            let Kind::Value { value, nth, ignore_nulls, kept: Some(kept), .. } = kind else { continue };
            let kept = &mut history.kept[*kept];
            if *nth > 0 && kept.place.is_none() && (!ignore_nulls || values[*value].is_valid(row)) {
                kept.seen += 1;
                if kept.seen == *nth as u64 {
                    kept.place = Some((history.pushed, time));
                    kept.column.append_range(values[*value], row, row + 1);
                }
            }
        }
        history.pushed += 1;
        if self.keeps_history {
            history.push(values, row, time, seq);
        }
    }

    /// Appends the answers for the newest row, which is row `row` of `values` at `time`; a message
    /// says why there is none.
    pub fn answer(
        &mut self,
        group: u32,
        values: &[&Column],
        row: usize,
        time: i64,
        out: &mut [Column],
    ) -> Option<String> {
        self.answer_row(group, values, row, time, out)
    }

    /// Appends the answers for row `row`, the next one of the peers just added.
    pub fn answer_peer(
        &mut self,
        group: u32,
        values: &[&Column],
        row: usize,
        (times, seqs): (&[i64], &[u64]),
        out: &mut [Column],
    ) -> Option<String> {
        self.update_running(group, values, row, times, seqs, |f| matches!(f, Frame::Rows { .. }));
        self.histories[group as usize].rows += 1;
        self.answer_row(group, values, row, times[row], out)
    }

    /// Answers the row that was counted last.
    fn answer_row(
        &mut self,
        group: u32,
        values: &[&Column],
        row: usize,
        time: i64,
        out: &mut [Column],
    ) -> Option<String> {
        let StreamCalls { kinds, histories, same, moved, .. } = self;
        let history = &mut histories[group as usize];
        let number = history.rows - 1;
        let mut failed = None;
        for (kind, out) in kinds.iter_mut().zip(out) {
            match kind {
                Kind::RowNumber => push_i64(out, history.rows as i64),
                Kind::Rank => push_i64(out, history.rank as i64),
                Kind::DenseRank => push_i64(out, history.dense as i64),
                Kind::Lag { value, default, offset, kept } => {
                    let found = match kept {
                        Some(kept) => last_valid(history, *value, *kept, number, *offset),
                        None => number
                            .checked_sub(*offset)
                            .filter(|&n| n >= history.base())
                            .map(|n| (&history.values[*value], history.at(n))),
                    };
                    match (found, default) {
                        (Some((column, at)), _) => out.append_range(column, at, at + 1),
                        (None, Some(default)) => out.append_range(values[*default], row, row + 1),
                        (None, None) => out.append_null(),
                    }
                }
                Kind::Value { value, nth, frame, ignore_nulls, kept } => {
                    let found = match kept {
                        Some(kept) if *nth > 0 => {
                            let kept = &history.kept[*kept];
                            let inside = |&(place, at): &(u64, i64)| match *frame {
                                Frame::Rows { end, .. } => place < (number + 1).saturating_sub(end),
                                Frame::Range { end, .. } => at <= time.saturating_sub(end),
                            };
                            kept.place.filter(inside).map(|_| (&kept.column, 0))
                        }
                        _ => {
                            let (from, to) = history.bounds(*frame, number, time);
                            let found = nth_value(history, *value, (from, to), *nth, *ignore_nulls);
                            let before = kept.map(|k| &history.kept[k].column).filter(|c| !c.is_empty());
                            found.or_else(|| before.map(|c| (c, c.len() - 1)))
                        }
                    };
                    match found {
                        Some((column, at)) => out.append_range(column, at, at + 1),
                        None => out.append_null(),
                    }
                }
                Kind::Aggregate { frame, inputs, set, by } => {
                    let slot = if *by == Moves::Anew { 0 } else { group };
                    if *by != Moves::AsRowsCome {
                        let bounds = history.bounds(*frame, number, time);
                        *moved += follow(history, bounds, (set, slot), inputs.clone(), *by, same);
                    }
                    let mut errors = Vec::new();
                    set.emit_all(&[slot], std::slice::from_mut(out), &mut errors);
                    failed = failed.or_else(|| errors.first().map(|e| e.error.to_string()));
                }
            }
        }
        failed
    }

    /// Drops the rows that no call can reach from a row at `time` on.
    fn trim(&mut self, group: u32, time: i64) {
        let StreamCalls { kinds, histories, kept, same, moved, .. } = self;
        let history = &mut histories[group as usize];
        let reach_rows = self.reach_rows.unwrap_or(u64::MAX);
        let mut count = 0;
        let live = history.live_times();
        while let Some(&oldest) = live.get(count) {
            let in_time = self.reach_ns.is_none_or(|ns| ns > 0 && oldest >= time.saturating_sub(ns));
            if ((live.len() - count) as u64) < reach_rows || in_time {
                break;
            }
            count += 1;
        }
        if count == 0 {
            return;
        }
        let (from, to) = (history.base(), history.base() + count as u64);
        for kind in kinds.iter_mut() {
            match kind {
                Kind::Aggregate { set, inputs, by, .. } => {
                    let (Moves::Grows(held) | Moves::Slides(held)) = *by else { continue };
                    let (first, last) = history.held[held];
                    let first = if matches!(by, Moves::Grows(_)) { from } else { first.max(to) };
                    *moved += follow(history, (first, last.max(to)), (set, group), inputs.clone(), *by, same);
                }
                Kind::Lag { value, kept: Some(slot), .. } => {
                    let (rows, max) = ((history.at(from), history.at(to)), kept[*slot].1);
                    history.kept[*slot].add_last(&history.values[*value], rows, true, max);
                }
                Kind::Value { value, nth: -1, ignore_nulls, kept: Some(slot), .. } => {
                    let rows = (history.at(from), history.at(to));
                    history.kept[*slot].add_last(&history.values[*value], rows, *ignore_nulls, 1);
                }
                _ => {}
            }
        }
        history.drop_first(count);
    }

    /// Writes the state of one partition.
    pub fn encode(&self, group: u32, out: &mut Writer) {
        let history = &self.histories[group as usize];
        history.encode(&self.types, out);
        for (kept, (data_type, max)) in history.kept.iter().zip(&self.kept) {
            kept.encode(data_type, *max, out);
        }
        for kind in &self.kinds {
            match kind {
                Kind::Aggregate { by: Moves::AsRowsCome, set, .. } => set.encode(group, &mut out.bytes),
                Kind::Aggregate { by: Moves::Grows(held), set, .. } => {
                    out.u64(history.held[*held].1);
                    set.encode(group, &mut out.bytes);
                }
                _ => {}
            }
        }
    }

    /// Reads what [`StreamCalls::encode`] wrote.
    ///
    /// # Errors
    /// If the bytes are damaged.
    pub fn decode(&mut self, group: u32, input: &mut Reader<'_>) -> Result<()> {
        let history = &mut self.histories[group as usize];
        history.decode(&self.types, self.keeps_history, input)?;
        for (kept, (data_type, _)) in history.kept.iter_mut().zip(&self.kept) {
            *kept = Kept::decode(data_type, input)?;
        }
        for kind in &mut self.kinds {
            let Kind::Aggregate { set, by, .. } = kind else { continue };
            match by {
                Moves::AsRowsCome => {}
                Moves::Grows(held) => {
                    let to = input.u64()?;
                    if to < history.base() || to > history.end() {
                        return Err(DecodeError("an aggregate of rows that are not there".into()));
                    }
                    history.held[*held] = (history.base(), to);
                }
                Moves::Slides(_) => {
                    set.forget(group);
                    continue;
                }
                Moves::Anew => continue,
            }
            set.decode(group, input.rest()).map_err(|e| DecodeError(e.to_string()))?;
        }
        Ok(())
    }
}

/// Makes an aggregate hold the rows `[from, to)`; returns how many were added and removed.
fn follow(
    history: &mut History,
    (from, to): (u64, u64),
    (set, slot): (&mut AggSet, u32),
    inputs: std::ops::Range<usize>,
    by: Moves,
    same: &mut Vec<u32>,
) -> u64 {
    let (mut first, mut last) = match by {
        Moves::Grows(held) | Moves::Slides(held) => history.held[held],
        Moves::Anew | Moves::AsRowsCome => (from, from),
    };
    if by == Moves::Anew {
        set.forget(slot);
    }
    let columns: smallvec::SmallVec<[&Column; 4]> = history.values[inputs].iter().collect();
    let rows_of = |at: u64| AggInput {
        columns: &columns,
        rows: Rows::From(history.at(at)),
        ts: &history.time,
        seq: &history.seq,
    };
    let mut moved = 0;
    let mut repeat = |same: &mut Vec<u32>, count: u64| {
        moved += count;
        same.clear();
        same.resize(count as usize, slot);
    };
    if matches!(by, Moves::Slides(_)) && first < from {
        if from >= last {
            set.forget(slot);
            last = from;
        } else {
            repeat(same, from - first);
            set.remove(same, &rows_of(first));
        }
        first = from;
    }
    if last < to {
        repeat(same, to - last);
        set.update(same, &rows_of(last));
        last = to;
    }
    if let Moves::Grows(held) | Moves::Slides(held) = by {
        history.held[held] = (first, last);
    }
    moved
}

/// The `offset`-th value before row `number` that is not NULL.
fn last_valid(
    history: &History,
    value: usize,
    kept: usize,
    number: u64,
    offset: u64,
) -> Option<(&Column, usize)> {
    let column = &history.values[value];
    let mut left = offset as usize;
    for at in (history.at(history.base())..history.at(number)).rev() {
        if column.is_valid(at) {
            left -= 1;
            if left == 0 {
                return Some((column, at));
            }
        }
    }
    let kept = &history.kept[kept].column;
    kept.len().checked_sub(left).map(|at| (kept, at))
}

/// The nth value of rows `[from, to)` that are there.
fn nth_value(
    history: &History,
    value: usize,
    (from, to): (u64, u64),
    nth: i64,
    ignore_nulls: bool,
) -> Option<(&Column, usize)> {
    let column = &history.values[value];
    let steps = nth.unsigned_abs() as usize - 1;
    let mut rows = history.at(from)..history.at(to);
    let counts = |at: &usize| column.is_valid(*at);
    let found = match (nth > 0, ignore_nulls) {
        (true, false) => rows.nth(steps),
        (false, false) => rows.nth_back(steps),
        (true, true) => rows.filter(counts).nth(steps),
        (false, true) => rows.rev().filter(counts).nth(steps),
    };
    found.map(|at| (column, at))
}

fn frame_of(call: &OverCall) -> std::result::Result<Frame, String> {
    let unordered = call.order_by.is_empty();
    let before = |bound: Option<i64>, what: &str| match bound {
        Some(v) if v <= 0 => Ok(v.unsigned_abs()),
        _ => Err(format!("a frame on a stream cannot {what} after the current row; use a window's result")),
    };
    Ok(match &call.frame {
        OverFrame::Rows { start, end } => Frame::Rows {
            preceding: start.map(|s| before(Some(s), "start")).transpose()?,
            end: before(*end, "end")?,
        },
        // Without ORDER BY all rows so far are peers in arrival order.
        OverFrame::Range { start: None, end } if unordered && end.is_none_or(|e| e == 0) => {
            Frame::Rows { preceding: None, end: 0 }
        }
        OverFrame::Range { start, end } => Frame::Range {
            preceding: start.map(|s| before(Some(s), "start").map(|v| v as i64)).transpose()?,
            end: before(*end, "end")? as i64,
        },
        OverFrame::Groups { .. } => {
            return Err("GROUPS frames work on a window's result only; use ROWS or RANGE".to_string());
        }
    })
}

fn push_i64(out: &mut Column, value: i64) {
    match &mut out.values {
        crate::column::Values::I64(v) => {
            v.to_mut().push(value);
            out.mark_valid();
        }
        other => unreachable!("ranks are BIGINT, not {}", other.kind_name()),
    }
}
