//! Rows one by one.

use cep_lang::diag::codes;
use cep_lang::plan::{LatePolicy, MetricsNode, MetricsOutput};
use cep_types::Op;

use super::bound::BoundRows;
use super::finals::{Before, Place, emit_pane};
use super::inputs::{Inputs, Rows};
use crate::chunk::{Chunk, Phase, position, step_row};
use crate::codec::{Reader, Result, Writer};
use crate::metrics::{Metrics, MetricsPlan, MetricsSize};
use crate::ops::prepare::Prepare;
use crate::ops::{CLOSE_ROWS, FEW_CLOSES, OpContext, OpError};
use crate::time::{NodeTime, WATERMARK_START};

/// Metrics of a stream with the expressions over them.
#[derive(Debug)]
pub struct MetricsOp {
    prepare: Prepare,
    state: State,
}

#[derive(Debug)]
struct State {
    inputs: Inputs,
    metrics: Metrics,
    metric_count: usize,
    /// Queries that are in the output, with the metric that each reads the labels of.
    queries: Vec<usize>,
    metric_of: Vec<usize>,
    is_final: bool,
    policy: LatePolicy,
    watermark: i64,
    late_rows: u64,
    /// Of final output: the pane of the newest row; no pane before `from` has values that have not come out.
    newest: Option<i64>,
    from: i64,
    bound: BoundRows,
    /// Metrics that the row at hand has a sample of.
    sampled: Vec<(usize, f64)>,
}

impl MetricsOp {
    /// Builds the operator of `node`.
    ///
    /// # Errors
    /// The reason why it cannot be built, for the user.
    pub fn new(node: &MetricsNode) -> std::result::Result<Self, String> {
        let (is_final, queries) = match &node.output {
            MetricsOutput::Bound { queries } => (false, queries.clone()),
            MetricsOutput::Final { queries } => (true, queries.clone()),
        };
        if queries.iter().any(|&query| query >= node.queries.len()) {
            return Err("the output has a query that there is not".into());
        }
        let plan = MetricsPlan::new(node)?;
        let columns = if is_final { 6 } else { node.input.schema().fields().len() + 2 * queries.len() + 2 };
        if node.schema.fields().len() != columns {
            return Err(format!(
                "metrics give {columns} columns, the plan has {}",
                node.schema.fields().len()
            ));
        }
        let (prepare, inputs) = Inputs::new(node)?;
        let state = State {
            inputs,
            metric_of: queries.iter().map(|&query| plan.metric_of(query)).collect(),
            metrics: Metrics::new(plan),
            metric_count: node.metrics.len(),
            is_final,
            policy: node.late_policy,
            watermark: WATERMARK_START,
            late_rows: 0,
            newest: None,
            from: i64::MAX,
            bound: BoundRows::new(if is_final { 0 } else { queries.len() }),
            queries,
            sampled: Vec::new(),
        };
        Ok(MetricsOp { prepare, state })
    }

    /// Rows that came too late so far.
    pub fn late_rows(&self) -> u64 {
        self.state.late_rows
    }

    /// Samples left out so far because a lane or a series was over its limit.
    pub fn frozen_samples(&self) -> u64 {
        self.state.metrics.frozen_samples()
    }

    /// Series, lanes and panes there are, and about the bytes of them.
    pub fn size(&self) -> MetricsSize {
        self.state.metrics.size()
    }

    /// The least watermark that makes a pane final that may have values.
    pub fn due_watermark(&self) -> Option<i64> {
        self.state.due_watermark()
    }

    /// Watermark up to which about `CLOSE_ROWS` rows are emitted; `None`: there are no more.
    pub fn watermark_horizon(&self) -> Option<i64> {
        let state = &self.state;
        let next = state.next_head()?;
        let lanes: usize = state.queries.iter().map(|&query| state.metrics.lanes(query)).sum();
        let until = next.saturating_add((CLOSE_ROWS / lanes.max(1)).max(1) as i64);
        (Some(until) < state.newest).then(|| state.end_of(until))
    }

    /// An advance of the watermark that may end more than `FEW_CLOSES` panes.
    pub fn jump_ns(&self) -> Option<i64> {
        let state = &self.state;
        state.is_final.then(|| state.metrics.plan().pane_ns().saturating_mul(FEW_CLOSES))
    }

    /// Processes a step.
    pub fn process(&mut self, input: &Chunk, out: &mut Chunk, cx: &mut OpContext<'_>) {
        self.prepare.run(input, cx);
        let columns = self.prepare.columns(input, 0..self.prepare.expr_count());
        let rows = Rows { input, prepare: &self.prepare, columns };
        self.state.process(&rows, out, cx);
        self.state.bound.emit(input, out);
    }

    /// Writes the state.
    pub fn encode(&self, out: &mut Writer) {
        let state = &self.state;
        out.i64(state.watermark);
        out.u64(state.late_rows);
        out.opt_i64(state.newest);
        out.i64(state.from);
        state.metrics.encode(out);
    }

    /// Reads what [`MetricsOp::encode`] of the same plan wrote.
    ///
    /// # Errors
    /// If the bytes are damaged.
    pub fn decode(&mut self, input: &mut Reader<'_>) -> Result<()> {
        let state = &mut self.state;
        state.watermark = input.i64()?;
        state.late_rows = input.u64()?;
        state.newest = input.opt_i64()?;
        state.from = input.i64()?;
        state.metrics.decode(input)
    }
}

impl State {
    fn process(&mut self, rows: &Rows<'_>, out: &mut Chunk, cx: &mut OpContext<'_>) {
        let (count, time) = (rows.prepare.rows(rows.input), cx.time);
        let (mut row, mut from) = (0, 0);
        loop {
            let due = self.due_watermark();
            let trigger = due.and_then(|end| time.watermarks.first_reaching(end, from));
            let limit = trigger.map_or(u32::MAX, |step| position(step, Phase::Watermark));
            let mut moved = false;
            while row < count && !moved {
                let pos = rows.prepare.pos(rows.input)[row];
                if pos > limit {
                    break;
                }
                self.feed(rows, row, out, cx);
                from = from.max(step_row(pos));
                row += 1;
                moved = self.due_watermark() != due;
            }
            if moved {
                // What is due may be so before `trigger` now.
                continue;
            }
            let Some(step) = trigger else { break };
            self.close(step, time, out);
            from = step;
        }
        self.watermark = self.watermark.max(time.watermarks.last());
    }

    /// Takes a row.
    fn feed(&mut self, rows: &Rows<'_>, row: usize, out: &mut Chunk, cx: &mut OpContext<'_>) {
        let (ts, pos) = (rows.prepare.time(rows.input)[row], rows.prepare.pos(rows.input)[row]);
        let original = rows.prepare.original(row);
        let pane_ns = self.metrics.plan().pane_ns();
        let pane = ts.div_euclid(pane_ns);
        if pane.checked_add(1).and_then(|next| next.checked_mul(pane_ns)).is_none() {
            let message = "the pane of the row ends outside of the years 1677 to 2262; the row was left out";
            return cx.errors.push(OpError::of_record(pos, codes::TIME_OUT_OF_RANGE, message));
        }
        let before = match step_row(pos) {
            0 => self.watermark,
            step => self.watermark.max(cx.time.watermarks.after(step - 1)),
        };
        let open = if before == WATERMARK_START { i64::MIN } else { self.metrics.plan().first_open(before) };
        self.find_samples(rows, row);
        if pane < open {
            self.late_rows += 1;
            if self.policy == LatePolicy::Retract {
                self.sampled.iter().for_each(|&(metric, _)| {
                    self.metrics.leave_out(metric, self.inputs.labels(rows, metric, row), pane);
                });
            }
            return cx.leave_out(rows.input, original);
        }
        if self.is_final {
            self.metrics.begin_row(ts, open);
            return self.feed_final(rows, row, (ts, pane, pos), out);
        }
        self.metrics.advance(pane);
        self.metrics.begin_row(ts, open);
        self.add_samples(rows, row, (ts, pane));
        let head = self.metrics.head().unwrap_or(pane);
        self.bound.begin(original, self.end_of(head), before);
        for (nth, (&query, &metric)) in self.queries.iter().zip(&self.metric_of).enumerate() {
            let labels = self.inputs.labels(rows, metric, row);
            self.bound.answer(nth, self.metrics.read(query, labels));
        }
    }

    /// Finds what a row has samples of.
    #[inline]
    fn find_samples(&mut self, rows: &Rows<'_>, row: usize) {
        self.inputs.begin_row();
        self.sampled.clear();
        for metric in 0..self.metric_count {
            if let Some(value) = self.inputs.sample(rows, metric, row) {
                self.sampled.push((metric, value));
            }
        }
    }

    /// Takes the samples of the row at hand.
    #[inline]
    fn add_samples(&mut self, rows: &Rows<'_>, row: usize, at: (i64, i64)) {
        for &(metric, value) in &self.sampled {
            self.metrics.add(metric, self.inputs.labels(rows, metric, row), at, value);
        }
    }

    fn feed_final(&mut self, rows: &Rows<'_>, row: usize, (ts, pane, pos): (i64, i64, u32), out: &mut Chunk) {
        let corrects =
            self.policy == LatePolicy::Retract && self.metrics.head().is_some_and(|head| pane <= head);
        let before = corrects.then(|| {
            let of_row: Vec<usize> = self.sampled.iter().map(|sample| sample.0).collect();
            Before::new(&mut self.metrics, &self.queries, &of_row, pane)
        });
        self.add_samples(rows, row, (ts, pane));
        if let Some(before) = before {
            before.emit(&mut self.metrics, pos, out);
        }
        self.newest = self.newest.max(Some(pane));
        self.from = self.from.min(pane);
    }

    /// End of a pane, ns.
    fn end_of(&self, pane: i64) -> i64 {
        pane.saturating_add(1).saturating_mul(self.metrics.plan().pane_ns())
    }

    /// The next pane to become final that may have values.
    fn next_head(&self) -> Option<i64> {
        let after = self.metrics.head().map_or(i64::MIN, |head| head.saturating_add(1));
        let next = self.from.max(after);
        (self.is_final && Some(next) <= self.newest).then_some(next)
    }

    fn due_watermark(&self) -> Option<i64> {
        self.next_head().map(|head| self.end_of(head))
    }

    /// Emits the panes that the watermark after step row `step` makes final.
    fn close(&mut self, step: usize, time: NodeTime<'_>, out: &mut Chunk) {
        let watermark = time.watermarks.after(step);
        let op = (self.policy == LatePolicy::Retract).then_some(Op::Insert);
        let place = Place { pos: position(step, Phase::Watermark), op };
        while let Some(head) = self.next_head().filter(|&head| self.end_of(head) <= watermark) {
            self.metrics.advance(head);
            if emit_pane(&mut self.metrics, &self.queries, head, place, out) == 0 {
                // Panes without anything in reach are passed over.
                self.from = self.metrics.next_head().unwrap_or(i64::MAX);
            }
        }
    }
}
