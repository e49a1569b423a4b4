//! Tumbling, hopping and cumulating windows: event time, aligned to the calendar.
//!
//! Rows go into panes; a window is a run of panes, merged when it closes. A tumbling window is one
//! pane and needs no merge.
//!
//! Invariants:
//! - There are only panes that an open window needs (with `late.policy = retract`: or one that may
//!   still be corrected).
//! - `closed` is the last pane edge the watermark has passed: every window that ends at or before
//!   it has been emitted, if it had rows.

use cep_lang::diag::codes;
use cep_lang::plan::LatePolicy;

use super::bounded::Moment;
use super::content::{Content, Shape};
use super::correct::Correction;
use super::layout::{Layout, Pane};
use super::panes::{PaneContent, Panes};
use super::result::{Bounds, ResultPlan};
use crate::chunk::{Chunk, Phase, position, step_row};
use crate::codec::{DecodeError, Reader, Result, Writer};
use crate::cut::GROUPS_AT_ONCE;
use crate::ops::{CLOSE_ROWS, FEW_CLOSES, OpContext, OpError};
use crate::time::{NodeTime, WATERMARK_START};

/// An aligned window operator.
#[derive(Debug)]
pub struct AlignedWindow {
    layout: Layout,
    shape: Shape,
    result: ResultPlan,
    policy: LatePolicy,
    correction_ns: i64,
    panes: Panes,
    merged: Content,
    /// The pane that the latest row went into: its number, start and end.
    latest: Option<(Pane, i64, i64)>,
    watermark: i64,
    closed: Pane,
    /// Rows let in so far.
    seq: u64,
    /// Rows that came too late.
    late_rows: u64,
    correction: Correction,
    /// What comes behind the panes of a cut.
    cut_tail: Vec<u8>,
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
            panes: Panes::default(),
            latest: None,
            watermark: WATERMARK_START,
            closed: Pane::MIN,
            seq: 0,
            late_rows: 0,
            correction: Correction::default(),
            cut_tail: Vec::new(),
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

    /// Edge that ends the first window that has rows and is open.
    fn next_edge(&self) -> Option<Pane> {
        // Ends ascend with the panes, and panes without an open window come first.
        let live = self.panes.first_from(self.layout.first_live(self.closed));
        live.and_then(|pane| self.layout.next_end(pane, self.closed))
    }

    /// End of the first window that has rows and is open, ns.
    fn next_close(&self) -> Option<i64> {
        self.next_edge().map(|edge| self.layout.start_of(edge))
    }

    /// The least watermark that closes a window.
    pub fn due_watermark(&self) -> Option<i64> {
        self.next_close()
    }

    /// Watermark up to which about `CLOSE_ROWS` groups are emitted; `None`: there are no more.
    pub fn watermark_horizon(&self) -> Option<i64> {
        let newest = self.panes.last()?;
        let (edge, last) = (self.next_edge()?, self.layout.last_end(newest)?);
        let mut live = self.panes.from(self.layout.first_live(self.closed));
        let until = if self.layout.is_tumbling() {
            let mut groups = 0;
            let full = live.find(|(_, pane)| {
                groups += pane.content.len();
                groups > CLOSE_ROWS
            });
            full?.0 + 1
        } else {
            let oldest = live.next()?.1.content.len();
            let groups = self.panes.from(newest).next().map_or(oldest, |p| p.1.content.len().max(oldest));
            self.layout.end_after(edge, (CLOSE_ROWS / groups.max(1)) as i64)
        };
        (until < last).then(|| self.layout.start_of(until))
    }

    /// An advance of the watermark that may close more than `FEW_CLOSES` windows of one pane.
    pub fn jump_ns(&self) -> Option<i64> {
        (self.layout.windows_of_pane() > FEW_CLOSES)
            .then(|| self.layout.slide_ns().saturating_mul(FEW_CLOSES))
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
        let known = self.latest.filter(|&(_, start, end)| start <= first && first < end).or_else(|| {
            let pane = self.layout.pane_of(first);
            self.panes.get_mut(pane).map(|p| (pane, p.start, p.end))
        });
        if let Some((pane, start, end)) = known {
            self.latest = known;
            let run = times[row..limit].iter().take_while(|&&t| start <= t && t < end).count();
            let mut run = self.shape.room(input, row, row + run, self.panes.text_bytes());
            if run == 0 {
                self.shape.refuse(input, row, cx.errors);
                return (row + 1, false);
            }
            if self.is_correction(pane) {
                let before = self.watermark_before(self.shape.prepare.pos(input)[row], &cx.time);
                let last = self.layout.last_end(pane).expect("a pane with rows is in a window");
                // Panes are dropped when a window closes, which may be long after their horizon.
                if self.keep_until(last) <= before {
                    self.leave_out(input, row, cx);
                } else {
                    self.correct(pane, input, row, out, cx);
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
            self.panes.add(pane, &mut self.shape, input, (row, row + run), self.seq);
            self.seq += run as u64;
            return (row + run, false);
        }
        let pane = self.layout.pane_of(first);
        let pos = self.shape.prepare.pos(input)[row];
        let before = self.watermark_before(pos, &cx.time);
        if before > WATERMARK_START {
            self.closed = self.closed.max(self.layout.pane_of(before));
        }
        if !self.layout.fits(pane) {
            let message = "the window of the row begins or ends outside of the years 1677 to 2262; \
                           the row was left out";
            cx.errors.push(OpError::of_record(pos, codes::TIME_OUT_OF_RANGE, message));
            return (row + 1, false);
        }
        let Some(last) = self.layout.last_end(pane) else {
            // Between two windows of a hop that leaves gaps: in no window, and not late.
            return (row + 1, false);
        };
        if self.keep_until(last) <= before {
            self.leave_out(input, row, cx);
            return (row + 1, false);
        }
        if self.shape.room(input, row, row + 1, self.panes.text_bytes()) == 0 {
            self.shape.refuse(input, row, cx.errors);
            return (row + 1, false);
        }
        if self.shape.refuses(input, row, cx.errors) {
            return (row + 1, false);
        }
        self.shape.enter(input, row);
        let (start, end) = (self.layout.start_of(pane), self.layout.start_of(pane + 1));
        self.panes.open(pane, (start, end), &self.shape);
        self.latest = Some((pane, start, end));
        if self.is_correction(pane) {
            self.correct(pane, input, row, out, cx);
        } else {
            self.panes.add(pane, &mut self.shape, input, (row, row + 1), self.seq);
            self.seq += 1;
        }
        (row + 1, true)
    }

    /// Counts a row that came too late for all its windows.
    fn leave_out(&mut self, input: &Chunk, row: usize, cx: &mut OpContext<'_>) {
        self.late_rows += 1;
        cx.leave_out(input, self.shape.prepare.original(row));
    }

    /// Whether a row in `pane` corrects a window that has been emitted.
    fn is_correction(&self, pane: Pane) -> bool {
        self.policy == LatePolicy::Retract
            && self.layout.next_end(pane, Pane::MIN).is_some_and(|e| e <= self.closed)
    }

    /// Until which watermark a pane whose last window ends at `edge` is kept, ns.
    fn keep_until(&self, edge: Pane) -> i64 {
        keep_until(&self.layout, self.policy, self.correction_ns, edge)
    }

    /// Adds one row to a pane of windows that have been emitted, and emits what changes.
    fn correct(&mut self, pane: Pane, input: &Chunk, row: usize, out: &mut Chunk, cx: &mut OpContext<'_>) {
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
        self.panes.add(pane, &mut self.shape, input, (row, row + 1), self.seq);
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
        while let Some(end) = self.next_edge().filter(|&e| e <= passed) {
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
        if let Some(only) = self.panes.only(first, end) {
            self.result.compute(&mut self.shape, only, bounds, at, errors);
            return;
        }
        self.merged.clear();
        self.panes.merge(first, end, &self.shape, &mut self.merged);
        self.result.compute(&mut self.shape, &mut self.merged, bounds, at, errors);
    }

    fn drop_panes(&mut self, watermark: i64) {
        let Self { layout, policy, correction_ns, panes, .. } = self;
        let is_done = |pane| {
            let end = layout.last_end(pane);
            end.is_none_or(|edge| keep_until(layout, *policy, *correction_ns, edge) <= watermark)
        };
        if panes.drop_first(is_done) {
            self.latest = None;
        }
        // Windows before it are not merged again.
        let after = if self.policy == LatePolicy::Drop { self.closed } else { Pane::MIN };
        let next = self.panes.first().and_then(|pane| self.layout.next_end(pane, after));
        self.panes.drop_runs(next.map(|end| self.layout.first_pane(end)));
    }

    /// Contents merged so far, for tests of the complexity.
    #[cfg(test)]
    pub(crate) fn merges(&self) -> u64 {
        self.panes.merges()
    }

    fn encode_head(&self, out: &mut Writer) {
        out.i64(self.watermark);
        out.i64(self.closed);
        out.u64(self.seq);
        out.u64(self.late_rows);
        out.u64(self.panes.len() as u64);
    }

    /// Begins a cut. True if more than `out` got is to come from [`AlignedWindow::cut_next`].
    pub fn freeze(&mut self, out: &mut Writer) -> bool {
        if self.panes.groups() < GROUPS_AT_ONCE {
            self.encode(out);
            return false;
        }
        self.encode_head(out);
        self.panes.freeze();
        let mut tail = Writer::default();
        self.shape.encode(&mut tail);
        self.cut_tail = tail.bytes;
        true
    }

    /// Writes more of the cut until `out` has `until` bytes; true when all is written.
    pub fn cut_next(&mut self, out: &mut Writer, until: usize) -> bool {
        let done = self.panes.cut_next(&self.shape, out, until);
        if done {
            out.bytes.append(&mut self.cut_tail);
        }
        done
    }

    /// Gives up a cut.
    pub fn thaw(&mut self) {
        self.panes.thaw();
        self.cut_tail = Vec::new();
    }

    /// Writes the state.
    pub fn encode(&self, out: &mut Writer) {
        self.encode_head(out);
        for (number, pane) in self.panes.iter() {
            out.i64(number);
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
        self.latest = None;
        for _ in 0..input.len(8)? {
            let pane = input.i64()?;
            if !self.layout.fits(pane) {
                return Err(DecodeError("a pane outside of the times of windows".into()));
            }
            let content = Content::decode(&self.shape, input)?;
            let (start, end) = (self.layout.start_of(pane), self.layout.start_of(pane + 1));
            self.panes.insert(pane, PaneContent { start, end, content });
        }
        self.shape.decode(input)
    }
}

/// Until which watermark a pane whose last window ends at `edge` is kept, ns.
fn keep_until(layout: &Layout, policy: LatePolicy, correction_ns: i64, edge: Pane) -> i64 {
    let end = layout.start_of(edge);
    match policy {
        LatePolicy::Drop => end,
        LatePolicy::Retract => end.saturating_add(correction_ns),
    }
}
