//! The calls of a streaming OVER, with the rows of each partition that they can still reach.
//!
//! All calls share one history of rows a partition: the values they need, newest last. A call is
//! answered from the history; unbounded aggregates keep a running state instead.

use std::collections::VecDeque;
use std::sync::Arc;

use cep_lang::plan::{AggCall, Expr, OverCall, OverFrame, OverFunc, OverNode};

use crate::agg::{AggInput, AggOptions, AggPlan, AggSet, Rows};
use crate::codec::{DecodeError, Reader, Result, Writer};
use crate::column::Column;

/// Frame bounds as row offsets or time offsets from the current row; `None` is unbounded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Frame {
    /// The last `preceding` rows up to `end` rows before the current one.
    Rows { preceding: Option<u64>, end: u64 },
    /// Rows not older than `preceding` ns up to `end` ns before, peers included.
    Range { preceding: Option<i64>, end: i64 },
}

#[derive(Debug)]
enum Kind {
    /// An aggregate over a frame; index of its first input.
    Aggregate {
        plan: Arc<AggPlan>,
        frame: Frame,
        inputs: std::ops::Range<usize>,
        running: Option<AggSet>,
    },
    RowNumber,
    Rank,
    DenseRank,
    Lag {
        value: usize,
        default: Option<usize>,
        offset: u64,
        ignore_nulls: bool,
    },
    /// First, last or nth value of a frame; nth ≥ 1 from the start, −1 the last.
    Value {
        value: usize,
        nth: i64,
        frame: Frame,
        ignore_nulls: bool,
    },
}

/// Rows of one partition.
#[derive(Debug, Default)]
struct History {
    values: Vec<Column>,
    time: VecDeque<i64>,
    seq: VecDeque<u64>,
    /// Rows dropped from the front so far that still stand in the columns.
    skip: usize,
    /// Rows seen in all, ranks.
    rows: u64,
    rank: u64,
    dense: u64,
    last_time: Option<i64>,
}

/// All calls with their state.
#[derive(Debug)]
pub struct StreamCalls {
    inputs: Vec<Expr>,
    kinds: Vec<Kind>,
    histories: Vec<History>,
    /// Rows of history that any call needs; `None`: all within `reach_ns`.
    reach_rows: Option<u64>,
    reach_ns: Option<i64>,
    keeps_history: bool,
}

impl StreamCalls {
    /// Compiles the calls of `node`.
    ///
    /// # Errors
    /// The reason why one cannot be computed on a stream, for the user.
    pub fn new(node: &OverNode) -> std::result::Result<Self, String> {
        let mut calls = StreamCalls {
            inputs: Vec::new(),
            kinds: Vec::new(),
            histories: Vec::new(),
            reach_rows: Some(0),
            reach_ns: Some(0),
            keeps_history: false,
        };
        for call in &node.calls {
            let kind = calls.kind(call, node.event_time_order)?;
            calls.kinds.push(kind);
        }
        Ok(calls)
    }

    /// Expressions whose values calls read, evaluated for each row.
    pub fn inputs(&self) -> &[Expr] {
        &self.inputs
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
                self.reach(if *ignore_nulls { None } else { Some(offset + 1) }, Some(0));
                let default = default.as_ref().map(|d| self.input(d));
                Kind::Lag { value: self.input(value), default, offset, ignore_nulls: *ignore_nulls }
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
        let order = if event_time { crate::agg::Order::EventTime } else { crate::agg::Order::Arrival };
        let options = AggOptions { order, ..AggOptions::default() };
        let plan = Arc::new(AggPlan::new(std::slice::from_ref(agg), options).map_err(|e| e.to_string())?);
        let from = self.inputs.len();
        self.inputs.extend(plan.inputs().iter().cloned());
        let inputs = from..self.inputs.len();
        let unbounded = matches!(
            frame,
            Frame::Rows { preceding: None, end: 0 } | Frame::Range { preceding: None, end: 0 }
        );
        let running = unbounded.then(|| AggSet::new(Arc::clone(&plan)));
        if !unbounded {
            self.reach_frame(frame);
        }
        Ok(Kind::Aggregate { plan, frame, inputs, running })
    }

    fn value(&mut self, value: &Expr, nth: i64, frame: Frame, ignore_nulls: bool) -> Kind {
        self.reach_frame(frame);
        Kind::Value { value: self.input(value), nth, frame, ignore_nulls }
    }

    fn reach_frame(&mut self, frame: Frame) {
        match frame {
            Frame::Rows { preceding, end: _ } => self.reach(preceding.map(|p| p + 1), Some(0)),
            Frame::Range { preceding, end: _ } => self.reach(Some(0), preceding),
        }
    }

    fn reach(&mut self, rows: Option<u64>, ns: Option<i64>) {
        self.keeps_history = true;
        self.reach_rows = self.reach_rows.zip(rows).map(|(a, b)| a.max(b));
        self.reach_ns = self.reach_ns.zip(ns).map(|(a, b)| a.max(b));
    }

    /// Makes it `groups` partitions.
    pub fn resize(&mut self, groups: usize) {
        let fresh = || History {
            values: self.inputs.iter().map(|e| Column::new(&e.data_type)).collect(),
            ..History::default()
        };
        self.histories.resize_with(groups, fresh);
        for kind in &mut self.kinds {
            if let Kind::Aggregate { running: Some(set), .. } = kind {
                set.resize(groups);
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

    /// Adds a row to the running aggregates of the frames that `which` picks.
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
                Kind::Aggregate { running: Some(set), inputs, frame, .. } if which(*frame) => {
                    let columns = &values[inputs.clone()];
                    set.update(&[group], &AggInput { columns, rows: Rows::From(row), ts, seq });
                }
                _ => {}
            }
        }
    }

    fn push(&mut self, group: u32, values: &[&Column], row: usize, time: i64, seq: u64) {
        if self.keeps_history {
            let history = &mut self.histories[group as usize];
            for (kept, value) in history.values.iter_mut().zip(values) {
                kept.append_range(value, row, row + 1);
            }
            history.time.push_back(time);
            history.seq.push_back(seq);
        }
    }

    /// Appends the answers for the newest row, which is row `row` of `values`; a message says why
    /// there is none.
    pub fn answer(
        &mut self,
        group: u32,
        values: &[&Column],
        row: usize,
        out: &mut [Column],
    ) -> Option<String> {
        let len = self.histories[group as usize].time.len();
        self.answer_row(group, len.saturating_sub(1), values, row, out)
    }

    /// Appends the answers for row `row`, one of the peers just added.
    pub fn answer_peer(
        &mut self,
        group: u32,
        values: &[&Column],
        row: usize,
        (times, seqs): (&[i64], &[u64]),
        out: &mut [Column],
    ) -> Option<String> {
        self.update_running(group, values, row, times, seqs, |f| matches!(f, Frame::Rows { .. }));
        let seq = seqs[row];
        let history = &mut self.histories[group as usize];
        history.rows += 1;
        let at = history.seq.iter().rposition(|&s| s == seq).unwrap_or(0);
        self.answer_row(group, at, values, row, out)
    }

    fn answer_row(
        &mut self,
        group: u32,
        at: usize,
        values: &[&Column],
        row: usize,
        out: &mut [Column],
    ) -> Option<String> {
        let history = &self.histories[group as usize];
        let mut failed = None;
        for (kind, out) in self.kinds.iter_mut().zip(out) {
            match kind {
                Kind::RowNumber => push_i64(out, history.rows as i64),
                Kind::Rank => push_i64(out, history.rank as i64),
                Kind::DenseRank => push_i64(out, history.dense as i64),
                Kind::Lag { value, default, offset, ignore_nulls } => {
                    let column = &history.values[*value];
                    let found = if *ignore_nulls && *offset > 0 {
                        (0..at).rev().filter(|&r| column.is_valid(history.skip + r)).nth(*offset as usize - 1)
                    } else {
                        at.checked_sub(*offset as usize)
                    };
                    match (found, default) {
                        (Some(r), _) => out.append_range(column, history.skip + r, history.skip + r + 1),
                        (None, Some(default)) => out.append_range(values[*default], row, row + 1),
                        (None, None) => out.append_null(),
                    }
                }
                Kind::Value { value, nth, frame, ignore_nulls } => {
                    let column = &history.values[*value];
                    let (from, to) = bounds(*frame, history, at);
                    let mut rows =
                        (from..to).filter(|&r| !*ignore_nulls || column.is_valid(history.skip + r));
                    let found = if *nth > 0 {
                        rows.nth(*nth as usize - 1)
                    } else {
                        rows.rev().nth(nth.unsigned_abs() as usize - 1)
                    };
                    match found {
                        Some(r) => out.append_range(column, history.skip + r, history.skip + r + 1),
                        None => out.append_null(),
                    }
                }
                Kind::Aggregate { running: Some(set), .. } => {
                    let mut errors = Vec::new();
                    set.emit_all(&[group], std::slice::from_mut(out), &mut errors);
                    failed = failed.or_else(|| errors.first().map(|e| e.error.to_string()));
                }
                Kind::Aggregate { plan, frame, inputs, running: None } => {
                    let (from, to) = bounds(*frame, history, at);
                    let mut set = AggSet::new(Arc::clone(plan));
                    set.resize(1);
                    let columns: Vec<&Column> = history.values[inputs.clone()].iter().collect();
                    let rows: Vec<u32> = (from..to).map(|r| (history.skip + r) as u32).collect();
                    let pad = |v: &mut dyn Iterator<Item = i64>| -> Vec<i64> {
                        std::iter::repeat_n(0, history.skip).chain(v).collect()
                    };
                    let ts = pad(&mut history.time.iter().copied());
                    let seq: Vec<u64> = pad(&mut history.seq.iter().map(|&s| s as i64))
                        .into_iter()
                        .map(|s| s as u64)
                        .collect();
                    set.update(
                        &vec![0; rows.len()],
                        &AggInput { columns: &columns, rows: Rows::Pick(&rows), ts: &ts, seq: &seq },
                    );
                    let mut errors = Vec::new();
                    set.emit_all(&[0], std::slice::from_mut(out), &mut errors);
                    failed = failed.or_else(|| errors.first().map(|e| e.error.to_string()));
                }
            }
        }
        failed
    }

    /// Drops the rows that no call can reach from a row at `time` on.
    fn trim(&mut self, group: u32, time: i64) {
        let history = &mut self.histories[group as usize];
        let reach_rows = self.reach_rows.unwrap_or(u64::MAX);
        while let Some(&oldest) = history.time.front() {
            let in_time = self.reach_ns.is_none_or(|ns| ns > 0 && oldest >= time.saturating_sub(ns));
            if (history.time.len() as u64) < reach_rows || in_time {
                break;
            }
            history.time.pop_front();
            history.seq.pop_front();
            history.skip += 1;
        }
        if history.skip > 64 && history.skip > history.time.len() {
            compact(history);
        }
    }

    /// Writes the state of one partition.
    pub fn encode(&self, group: u32, out: &mut Writer) {
        let history = &self.histories[group as usize];
        out.u64(history.rows);
        out.u64(history.rank);
        out.u64(history.dense);
        out.opt_i64(history.last_time);
        out.u64(history.time.len() as u64);
        history.time.iter().for_each(|&t| out.i64(t));
        history.seq.iter().for_each(|&s| out.u64(s));
        for (column, expr) in history.values.iter().zip(&self.inputs) {
            let mut live = column.empty_like();
            live.append_range(column, history.skip, column.len());
            out.column(&live, &expr.data_type);
        }
        for kind in &self.kinds {
            if let Kind::Aggregate { running: Some(set), .. } = kind {
                set.encode(group, &mut out.bytes);
            }
        }
    }

    /// Reads what [`StreamCalls::encode`] wrote.
    ///
    /// # Errors
    /// If the bytes are damaged.
    pub fn decode(&mut self, group: u32, input: &mut Reader<'_>) -> Result<()> {
        let history = &mut self.histories[group as usize];
        history.rows = input.u64()?;
        history.rank = input.u64()?;
        history.dense = input.u64()?;
        history.last_time = input.opt_i64()?;
        history.skip = 0;
        let rows = input.len(16)?;
        history.time = (0..rows).map(|_| input.i64()).collect::<Result<_>>()?;
        history.seq = (0..rows).map(|_| input.u64()).collect::<Result<_>>()?;
        for (column, expr) in history.values.iter_mut().zip(&self.inputs) {
            *column = input.column(&expr.data_type)?;
            if column.len() != rows {
                return Err(DecodeError("a history of another length".into()));
            }
        }
        for kind in &mut self.kinds {
            if let Kind::Aggregate { running: Some(set), .. } = kind {
                set.decode(group, input.rest()).map_err(|e| DecodeError(e.to_string()))?;
            }
        }
        Ok(())
    }
}

/// Rows `[from, to)` of the history that the frame of row `at` holds.
fn bounds(frame: Frame, history: &History, at: usize) -> (usize, usize) {
    match frame {
        Frame::Rows { preceding, end } => {
            let from = preceding.map_or(0, |p| at.saturating_sub(usize::try_from(p).unwrap_or(usize::MAX)));
            let to = (at + 1).saturating_sub(usize::try_from(end).unwrap_or(usize::MAX));
            (from, to.max(from))
        }
        Frame::Range { preceding, end } => {
            let now = history.time[at];
            let low = preceding.map_or(i64::MIN, |p| now.saturating_sub(p));
            let from = history.time.partition_point(|&t| t < low);
            // A frame that ends before the beginning of time is empty.
            let high = now.checked_sub(end);
            let to = high.map_or(0, |high| history.time.partition_point(|&t| t <= high));
            (from, to.max(from))
        }
    }
}

fn compact(history: &mut History) {
    for column in &mut history.values {
        let mut live = column.empty_like();
        live.append_range(column, history.skip, column.len());
        *column = live;
    }
    history.skip = 0;
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
