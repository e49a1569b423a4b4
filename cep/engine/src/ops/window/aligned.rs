//! Tumbling, hopping and cumulating windows: event time, aligned to the calendar.
//!
//! Rows go into panes; a window is a run of panes, merged when it closes. A tumbling window is one
//! pane and needs no merge.
//!
//! Invariants:
//! - `panes` is ascending by number and holds only panes that an open window needs (with
//!   `late.policy = retract`: or one that may still be corrected).
//! - `closed` is the last pane edge the watermark has passed: every window that ends at or before
//!   it has been emitted, if it had rows.

use cep_lang::plan::LatePolicy;

use super::bounded::Moment;
use super::content::{Content, Shape};
use super::correct::Correction;
use super::layout::{Layout, Pane};
use super::result::{Bounds, ResultPlan};
use crate::chunk::{Chunk, Phase, position, step_row};
use crate::codec::{Reader, Result, Writer};
use crate::ops::OpContext;
use crate::time::{NodeTime, WATERMARK_START};

/// An aligned window operator.
#[derive(Debug)]
pub struct AlignedWindow {
    layout: Layout,
    shape: Shape,
    result: ResultPlan,
    policy: LatePolicy,
    correction_ns: i64,
    panes: Vec<PaneContent>,
    spare: Vec<Content>,
    merged: Content,
    watermark: i64,
    closed: Pane,
    /// Rows let in so far.
    seq: u64,
    /// Rows that came too late.
    late_rows: u64,
    correction: Correction,
}

#[derive(Debug)]
struct PaneContent {
    pane: Pane,
    start: i64,
    end: i64,
    content: Content,
}

impl AlignedWindow {
    /// An operator without rows.
    pub fn new(
        layout: Layout,
        shape: Shape,
        result: ResultPlan,
        policy: LatePolicy,
        correction_ns: i64,
    ) -> Self {
        AlignedWindow {
            merged: shape.content(),
            layout,
            shape,
            result,
            policy,
            correction_ns,
            panes: Vec::new(),
            spare: Vec::new(),
            watermark: WATERMARK_START,
            closed: Pane::MIN,
            seq: 0,
            late_rows: 0,
            correction: Correction::default(),
        }
    }

    /// Rows that came too late so far.
    pub fn late_rows(&self) -> u64 {
        self.late_rows
    }

    /// Processes a step.
    pub fn process(&mut self, input: &Chunk, out: &mut Chunk, cx: &mut OpContext<'_>) {
        self.shape.prepare.run(input, cx);
        let rows = self.shape.prepare.rows(input);
        let time = cx.time;
        let (mut row, mut from) = (0, 0);
        loop {
            let trigger = self.next_close().and_then(|end| time.watermarks.first_reaching(end, from));
            let limit = match trigger {
                Some(step) => {
                    let close = position(step, Phase::Watermark);
                    row + self.shape.prepare.pos(input)[row..].partition_point(|&p| p <= close)
                }
                None => rows,
            };
            let mut opened = false;
            while row < limit && !opened {
                (row, opened) = self.feed(input, row, limit, out, cx);
            }
            if opened {
                // The new pane may close before `trigger`.
                continue;
            }
            let Some(step) = trigger else { break };
            self.close(step, time, out, cx);
            from = step;
        }
        self.watermark = self.watermark.max(time.watermarks.last());
    }

    /// End of the first window that has rows and is open, ns.
    fn next_close(&self) -> Option<i64> {
        let ends = self.panes.iter().filter_map(|p| self.layout.next_end(p.pane, self.closed));
        ends.min().map(|edge| self.layout.start_of(edge))
    }

    /// Watermark just before a row at position `pos`.
    fn watermark_before(&self, pos: u32, time: &NodeTime<'_>) -> i64 {
        match step_row(pos) {
            0 => self.watermark,
            step => self.watermark.max(time.watermarks.after(step - 1)),
        }
    }

    /// Adds the run of rows from `row` on that fall into one pane. Returns the row after it and
    /// whether a pane was opened for it.
    fn feed(
        &mut self,
        input: &Chunk,
        row: usize,
        limit: usize,
        out: &mut Chunk,
        cx: &mut OpContext<'_>,
    ) -> (usize, bool) {
        let times = self.shape.prepare.time(input);
        let first = times[row];
        let known = self.panes.iter().rposition(|p| p.start <= first && first < p.end);
        if let Some(at) = known {
            let PaneContent { pane, start, end, .. } = self.panes[at];
            let mut run = times[row..limit].iter().take_while(|&&t| start <= t && t < end).count();
            if self.policy == LatePolicy::Retract
                && self.layout.next_end(pane, Pane::MIN).is_some_and(|e| e <= self.closed)
            {
                let before = self.watermark_before(self.shape.prepare.pos(input)[row], &cx.time);
                if self.is_kept(pane, before) {
                    self.correct(at, input, row, out, cx);
                } else {
                    // Panes are dropped when a window closes, which may be long after their horizon.
                    self.leave_out(input, row, cx);
                }
                return (row + 1, false);
            }
            if self.shape.has_lasting() {
                if self.shape.refuses(input, row, cx.errors) {
                    return (row + 1, false);
                }
                self.shape.enter(input, row);
                run = 1;
            }
            let pane = &mut self.panes[at];
            self.shape.add(&mut pane.content, input, row, row + run, self.seq);
            self.seq += run as u64;
            return (row + run, false);
        }
        let pane = self.layout.pane_of(first);
        let before = self.watermark_before(self.shape.prepare.pos(input)[row], &cx.time);
        if before > WATERMARK_START {
            self.closed = self.closed.max(self.layout.pane_of(before));
        }
        if self.layout.last_end(pane).is_none() {
            // Between two windows of a hop that leaves gaps: in no window, and not late.
            return (row + 1, false);
        }
        if !self.is_kept(pane, before) {
            self.leave_out(input, row, cx);
            return (row + 1, false);
        }
        if self.shape.refuses(input, row, cx.errors) {
            return (row + 1, false);
        }
        self.shape.enter(input, row);
        let at = self.panes.partition_point(|p| p.pane < pane);
        let content = self.spare.pop().unwrap_or_else(|| self.shape.content());
        let (start, end) = (self.layout.start_of(pane), self.layout.start_of(pane + 1));
        self.panes.insert(at, PaneContent { pane, start, end, content });
        if self.layout.next_end(pane, Pane::MIN).is_some_and(|e| e <= self.closed)
            && self.policy == LatePolicy::Retract
        {
            self.correct(at, input, row, out, cx);
        } else {
            self.shape.add(&mut self.panes[at].content, input, row, row + 1, self.seq);
            self.seq += 1;
        }
        (row + 1, true)
    }

    /// Whether a pane is needed at a watermark: by a window that is open, or may be corrected.
    fn is_kept(&self, pane: Pane, watermark: i64) -> bool {
        self.layout.last_end(pane).is_some_and(|edge| self.keep_until(edge) > watermark)
    }

    /// Counts a row that came too late for all its windows.
    fn leave_out(&mut self, input: &Chunk, row: usize, cx: &mut OpContext<'_>) {
        self.late_rows += 1;
        if let Some(late) = cx.late.as_deref_mut() {
            late.append_gather(input, &[self.shape.prepare.original(row)]);
        }
    }

    /// Until which watermark a pane whose last window ends at `edge` is kept, ns.
    fn keep_until(&self, edge: Pane) -> i64 {
        let end = self.layout.start_of(edge);
        match self.policy {
            LatePolicy::Drop => end,
            LatePolicy::Retract => end.saturating_add(self.correction_ns),
        }
    }

    /// Adds one row to a pane of windows that have been emitted, and emits what changes.
    fn correct(&mut self, at: usize, input: &Chunk, row: usize, out: &mut Chunk, cx: &mut OpContext<'_>) {
        let pane = self.panes[at].pane;
        let pos = self.shape.prepare.pos(input)[row];
        let before = self.watermark_before(pos, &cx.time);
        let stamp = cx.time.stamps[step_row(pos)];
        let mut ends = Vec::new();
        let mut after = Pane::MIN;
        while let Some(end) = self.layout.next_end(pane, after).filter(|&e| e <= self.closed) {
            if self.keep_until(end) > before {
                ends.push(end);
            }
            after = end;
        }
        let mut muted = Vec::new();
        let old: Vec<_> = ends
            .iter()
            .map(|&end| {
                let at = Moment { time: self.layout.start_of(end) - 1, stamp, pos };
                self.window_result(end, at, &mut muted);
                self.correction.rows_of(self.result.relation())
            })
            .collect();
        self.shape.add(&mut self.panes[at].content, input, row, row + 1, self.seq);
        self.seq += 1;
        for (end, old) in ends.into_iter().zip(old) {
            let at = Moment { time: self.layout.start_of(end) - 1, stamp, pos };
            let mut errors = Vec::new();
            self.window_result(end, at, &mut errors);
            cx.errors.append(&mut errors);
            self.correction.emit(&old, self.result.relation(), at, out);
        }
    }

    /// Emits the windows that end at or before the watermark after step row `step`.
    fn close(&mut self, step: usize, time: NodeTime<'_>, out: &mut Chunk, cx: &mut OpContext<'_>) {
        let watermark = time.watermarks.after(step);
        let passed = self.layout.pane_of(watermark);
        let pos = position(step, Phase::Watermark);
        loop {
            let next = self.panes.iter().filter_map(|p| self.layout.next_end(p.pane, self.closed)).min();
            let Some(end) = next.filter(|&e| e <= passed) else { break };
            let at =
                Moment { time: self.layout.start_of(end).saturating_sub(1), stamp: time.stamps[step], pos };
            self.window_result(end, at, cx.errors);
            let relation = self.result.relation();
            let op = (self.policy == LatePolicy::Retract).then_some(cep_types::Op::Insert);
            out.append_columns(&relation.columns, relation.rows, at.time, at.pos, op);
            self.closed = end;
        }
        self.closed = self.closed.max(passed);
        self.drop_panes(watermark);
    }

    /// Computes the result of the window that ends at edge `end`.
    fn window_result(&mut self, end: Pane, at: Moment, errors: &mut Vec<crate::ops::OpError>) {
        let first = self.layout.first_pane(end);
        let bounds = Bounds { start: self.layout.start_of(first), end: self.layout.start_of(end) };
        let from = self.panes.partition_point(|p| p.pane < first);
        let to = self.panes.partition_point(|p| p.pane < end);
        if to - from == 1 {
            self.result.compute(&mut self.shape, &mut self.panes[from].content, bounds, at, errors);
            return;
        }
        self.merged.clear();
        for pane in &self.panes[from..to] {
            self.merged.merge(&pane.content);
        }
        self.result.compute(&mut self.shape, &mut self.merged, bounds, at, errors);
    }

    fn drop_panes(&mut self, watermark: i64) {
        let mut at = 0;
        while let Some(pane) = self.panes.get(at) {
            if self.is_kept(pane.pane, watermark) {
                at += 1;
            } else {
                let mut gone = self.panes.remove(at);
                gone.content.clear();
                self.spare.push(gone.content);
            }
        }
    }

    /// Writes the state.
    pub fn encode(&self, out: &mut Writer) {
        out.i64(self.watermark);
        out.i64(self.closed);
        out.u64(self.seq);
        out.u64(self.late_rows);
        out.u64(self.panes.len() as u64);
        for pane in &self.panes {
            out.i64(pane.pane);
            pane.content.encode(&self.shape, out);
        }
        self.shape.encode(out);
    }

    /// Reads what [`AlignedWindow::encode`] of the same plan wrote.
    ///
    /// # Errors
    /// If the bytes are damaged.
    pub fn decode(&mut self, input: &mut Reader<'_>) -> Result<()> {
        self.watermark = input.i64()?;
        self.closed = input.i64()?;
        self.seq = input.u64()?;
        self.late_rows = input.u64()?;
        self.panes.clear();
        for _ in 0..input.len(8)? {
            let pane = input.i64()?;
            let content = Content::decode(&self.shape, input)?;
            let (start, end) = (self.layout.start_of(pane), self.layout.start_of(pane + 1));
            self.panes.push(PaneContent { pane, start, end, content });
        }
        self.shape.decode(input)
    }
}
