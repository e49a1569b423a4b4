//! Batches that are not aligned to event time: by stamp, count, column, cron, condition.
//!
//! One batch is open at a time. `window_start` and `window_end` are the bounds in stamps (TIMEBATCH,
//! CRON), in the column's time (EXTERNALTIMEBATCH), and the event times of the first and last row
//! (LENGTHBATCH, BATCH, EXPRESSIONBATCH).
//!
//! Invariant: rows that the filter behind the window leaves out are rows of the batch: they open it,
//! count, and close it.

use std::str::FromStr;

use cep_lang::diag::codes;
use cep_lang::plan::{BatchWindow, WindowCondition};
use chrono::DateTime;
use croner::Cron;

use super::bounded::Moment;
use super::content::{Content, Shape};
use super::result::{Bounds, ResultPlan};
use crate::chunk::{Chunk, Phase, position, step_row};
use crate::codec::{Reader, Result, Writer};
use crate::column::Values;
use crate::ops::condition::Condition;
use crate::ops::prepare::Prepare;
use crate::ops::{OpContext, OpError, Origin};
use crate::time::NodeTime;

const SECOND_NS: i64 = 1_000_000_000;

/// What closes a batch.
#[derive(Debug)]
enum Trigger {
    /// Stamp reaches `start + k·size`.
    Time { size_ns: i64, start_ns: Option<i64> },
    /// So many rows.
    Length { rows: u64 },
    /// The column reaches the end; or silence. Rows that the filter leaves out have a time as well.
    External { times: Box<Prepare>, size_ns: i64, start_ns: Option<i64>, timeout_ns: Option<i64> },
    /// The stamp moves on.
    Stamp,
    /// Stamp reaches a cron time.
    Cron(Box<Cron>),
    /// A condition turns false.
    Condition { condition: Box<Condition>, include_triggering: bool },
}

/// An operator of one open batch.
#[derive(Debug)]
pub struct BatchWindowOp {
    trigger: Trigger,
    shape: Shape,
    result: ResultPlan,
    content: Content,
    state: Open,
    seq: u64,
}

/// The open batch besides its content.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
struct Open {
    /// Rows in it, those the filter left out included.
    count: u64,
    /// Start of its bounds; once set it goes on from batch to batch where batches are in series.
    start: Option<i64>,
    /// End of its bounds, or time of its last row.
    end: Option<i64>,
    /// Stamp at which it closes.
    due: Option<i64>,
}

/// What a row did to the batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Taken {
    /// It is in it, or counts for nothing.
    Open,
    /// The batch is full with it.
    Full,
    /// It is in error.
    Refused,
}

impl Trigger {
    /// Rows of the chunk for which its expressions fail, ascending.
    fn failed(&self) -> &[u32] {
        match self {
            Trigger::External { times, .. } => times.failed(),
            Trigger::Condition { condition, .. } => condition.failed(),
            Trigger::Time { .. } | Trigger::Length { .. } | Trigger::Stamp | Trigger::Cron(_) => &[],
        }
    }

    /// Time of row `row` of the chunk, which did not fail, by the column of EXTERNALTIMEBATCH.
    fn external_time(&self, input: &Chunk, row: usize) -> Option<i64> {
        let Trigger::External { times, .. } = self else { return None };
        let at = times.prepared(row)?;
        let columns = times.columns(input, 0..1);
        match &columns[0].values {
            Values::I64(v) if columns[0].is_valid(at) => Some(v[at]),
            _ => None,
        }
    }
}

impl BatchWindowOp {
    /// The operator of a window that is neither aligned nor a session.
    ///
    /// # Errors
    /// The reason why it cannot be built, for the user.
    pub fn new(
        window: &BatchWindow,
        shape: Shape,
        result: ResultPlan,
        width: &[arrow_schema::DataType],
    ) -> std::result::Result<Self, String> {
        let trigger = match window {
            BatchWindow::TimeBatch { size_ns, start_ns } => {
                Trigger::Time { size_ns: *size_ns, start_ns: *start_ns }
            }
            BatchWindow::LengthBatch { rows } => Trigger::Length { rows: *rows },
            BatchWindow::ExternalTimeBatch { time, size_ns, start_ns, timeout_ns } => Trigger::External {
                times: Box::new(Prepare::new(None, &[time]).map_err(|e| e.to_string())?),
                size_ns: *size_ns,
                start_ns: *start_ns,
                timeout_ns: *timeout_ns,
            },
            BatchWindow::Batch => Trigger::Stamp,
            BatchWindow::Cron { expression } => Trigger::Cron(Box::new(cron(expression)?)),
            BatchWindow::ExpressionBatch { condition, include_triggering } => {
                let condition: &WindowCondition = condition;
                Trigger::Condition {
                    condition: Box::new(Condition::new(condition, width)?),
                    include_triggering: *include_triggering,
                }
            }
            BatchWindow::Tumbling { .. }
            | BatchWindow::Hop { .. }
            | BatchWindow::Cumulate { .. }
            | BatchWindow::Session { .. } => {
                return Err("this window has an operator of its own".to_string());
            }
        };
        Ok(BatchWindowOp { content: shape.content(), trigger, shape, result, state: Open::default(), seq: 0 })
    }

    /// Processes a step.
    pub fn process(&mut self, input: &Chunk, out: &mut Chunk, cx: &mut OpContext<'_>) {
        self.prepare(input, cx);
        let time = cx.time;
        let prepared = self.shape.prepare.rows(input);
        let (mut run_from, mut run_to) = (0, 0);
        for row in 0..input.rows() {
            let pos = input.pos[row];
            let stamp = time.stamps[step_row(pos)];
            if self.is_due(stamp) {
                self.add(input, &mut run_from, run_to, cx.errors);
                self.close_due(step_row(pos), time, out, cx.errors);
            }
            let passes = run_to < prepared && self.shape.prepare.original(run_to) as usize == row;
            let body = passes.then_some(run_to);
            if self.is_left_out(input, row, body, cx.errors) {
                self.add(input, &mut run_from, run_to, cx.errors);
                run_to += usize::from(passes);
                run_from = run_to;
                continue;
            }
            if self.closes_before(input, row, stamp) {
                self.add(input, &mut run_from, run_to, cx.errors);
                self.close(stamp, pos, out, cx.errors);
                self.begin_condition(input, row);
            }
            let taken = self.take_row(input, row, stamp, cx.errors);
            match (taken, body) {
                (Taken::Refused, Some(_)) => {
                    self.add(input, &mut run_from, run_to, cx.errors);
                    run_from += 1;
                    run_to += 1;
                }
                (Taken::Open | Taken::Full, Some(body)) => {
                    self.shape.enter(input, body);
                    run_to += 1;
                }
                (_, None) => {}
            }
            if taken == Taken::Full {
                self.add(input, &mut run_from, run_to, cx.errors);
                self.close(stamp, pos, out, cx.errors);
            }
        }
        self.add(input, &mut run_from, run_to, cx.errors);
        self.close_due(time.last_row(), time, out, cx.errors);
        if time.flush {
            self.close(time.last_stamp(), position(time.last_row(), Phase::Flush), out, cx.errors);
        }
    }

    /// Evaluates all expressions; of the errors of one row only the first is reported.
    fn prepare(&mut self, input: &Chunk, cx: &mut OpContext<'_>) {
        self.shape.prepare.run(input, cx);
        let mut errors = Vec::new();
        let mut own = OpContext {
            time: cx.time,
            origin: Origin::default(),
            errors: &mut errors,
            late: None,
            left_out: None,
            tables: &mut [],
        };
        match &mut self.trigger {
            Trigger::External { times, .. } => times.run(input, &mut own),
            Trigger::Condition { condition, .. } => condition.begin(input, &mut own),
            Trigger::Time { .. } | Trigger::Length { .. } | Trigger::Stamp | Trigger::Cron(_) => return,
        }
        let reported = self.shape.prepare.failed();
        let failed = self.trigger.failed().iter().zip(errors);
        cx.errors.extend(failed.filter(|(row, _)| reported.binary_search(row).is_err()).map(|(_, e)| e));
    }

    /// Whether row `row`, `body` of those that pass the filter, is in error and so in no batch; what
    /// has not been reported is.
    fn is_left_out(
        &mut self,
        input: &Chunk,
        row: usize,
        body: Option<usize>,
        errors: &mut Vec<OpError>,
    ) -> bool {
        let failed = |rows: &[u32]| !rows.is_empty() && rows.binary_search(&(row as u32)).is_ok();
        if failed(self.shape.prepare.failed()) || failed(self.trigger.failed()) {
            return true;
        }
        if matches!(self.trigger, Trigger::External { .. })
            && self.trigger.external_time(input, row).is_none()
        {
            let message = "the time of EXTERNALTIMEBATCH is NULL; the row was left out";
            errors.push(OpError::of_record(input.pos[row], codes::MISSING_EVENT_TIME, message));
            return true;
        }
        body.is_some_and(|body| self.shape.refuses(input, body, errors))
    }

    /// The least stamp that closes the batch without a row.
    pub fn due_stamp(&self) -> Option<i64> {
        self.state.due.filter(|_| self.state.count > 0)
    }

    fn is_due(&self, stamp: i64) -> bool {
        self.state.count > 0 && self.state.due.is_some_and(|due| due <= stamp)
    }

    /// Adds prepared rows `*from..to` to the content.
    fn add(&mut self, input: &Chunk, from: &mut usize, to: usize, errors: &mut Vec<OpError>) {
        while *from < to {
            let room = self.shape.room(input, *from, to, self.content.text_bytes());
            self.shape.add(&mut self.content, input, *from, *from + room, self.seq);
            self.seq += room as u64;
            *from += room;
            if room == 0 {
                self.shape.refuse(input, *from, errors);
                *from += 1;
            }
        }
    }

    /// Closes the batch if its stamp was reached at or before step row `step`.
    fn close_due(&mut self, step: usize, time: NodeTime<'_>, out: &mut Chunk, errors: &mut Vec<OpError>) {
        if !self.is_due(time.stamps[step]) {
            return;
        }
        let due = self.state.due.expect("it is due");
        let first = time.first_stamp_reaching(due, 0).expect("it is due by now");
        let pos = position(first, Phase::Stamp).max(out.pos.last().copied().unwrap_or(0));
        self.close(time.stamps[first], pos, out, errors);
    }

    /// Whether row `row` does not belong to the open batch any more.
    fn closes_before(&mut self, input: &Chunk, row: usize, stamp: i64) -> bool {
        let external = self.trigger.external_time(input, row);
        match &mut self.trigger {
            Trigger::External { .. } => {
                self.state.count > 0 && external.zip(self.state.end).is_some_and(|(time, end)| time >= end)
            }
            Trigger::Condition { condition, include_triggering: false } => {
                condition.add(input, row);
                self.state.count > 0 && !condition.holds(input, row, stamp)
            }
            Trigger::Condition { include_triggering: true, .. }
            | Trigger::Time { .. }
            | Trigger::Length { .. }
            | Trigger::Stamp
            | Trigger::Cron(_) => false,
        }
    }

    /// The row that did not fit is the first of the next batch.
    fn begin_condition(&mut self, input: &Chunk, row: usize) {
        if let Trigger::Condition { condition, .. } = &mut self.trigger {
            condition.add(input, row);
        }
    }

    /// Counts row `row` into the batch.
    fn take_row(&mut self, input: &Chunk, row: usize, stamp: i64, errors: &mut Vec<OpError>) -> Taken {
        let first = self.state.count == 0;
        let external = self.trigger.external_time(input, row);
        match &mut self.trigger {
            Trigger::Time { size_ns, start_ns } => {
                if first {
                    let base = self.state.start.or(*start_ns).unwrap_or(stamp);
                    let Some((start, end)) = series(base, stamp, *size_ns) else {
                        errors.push(out_of_time(input.pos[row]));
                        return Taken::Refused;
                    };
                    self.state = Open { count: 0, start: Some(start), end: Some(end), due: Some(end) };
                }
            }
            Trigger::Length { rows } => {
                self.state.start = if first { Some(input.time[row]) } else { self.state.start };
                self.state.end = Some(input.time[row]);
                self.state.count += 1;
                return if self.state.count >= *rows { Taken::Full } else { Taken::Open };
            }
            Trigger::External { times: _, size_ns, start_ns, timeout_ns } => {
                if first {
                    let time = external.expect("rows without a time are left out");
                    let base = self.state.start.or(*start_ns).unwrap_or(time);
                    let Some((start, end)) = series(base, time, *size_ns) else {
                        errors.push(out_of_time(input.pos[row]));
                        return Taken::Refused;
                    };
                    self.state.start = Some(start);
                    self.state.end = Some(end);
                }
                // Behind the end of time only the end of input closes it.
                self.state.due = timeout_ns.and_then(|t| stamp.checked_add(t));
            }
            Trigger::Stamp => {
                self.state.start = if first { Some(input.time[row]) } else { self.state.start };
                self.state.end = Some(input.time[row]);
                self.state.due = stamp.checked_add(1);
            }
            Trigger::Cron(cron) => {
                if first {
                    match cron_bounds(cron, stamp) {
                        Ok((start, end)) => {
                            self.state.start = Some(start);
                            self.state.end = Some(end);
                            self.state.due = Some(end);
                        }
                        Err(message) => {
                            errors.push(OpError::of_result(input.pos[row], codes::BAD_ARGUMENT, message))
                        }
                    }
                }
            }
            Trigger::Condition { condition, include_triggering } => {
                self.state.start = if first { Some(input.time[row]) } else { self.state.start };
                self.state.end = Some(input.time[row]);
                self.state.count += 1;
                if *include_triggering {
                    condition.add(input, row);
                    if !condition.holds(input, row, stamp) {
                        return Taken::Full;
                    }
                }
                return Taken::Open;
            }
        }
        self.state.count += 1;
        Taken::Open
    }

    fn close(&mut self, stamp: i64, pos: u32, out: &mut Chunk, errors: &mut Vec<OpError>) {
        if self.state.count == 0 {
            return;
        }
        let start = self.state.start.unwrap_or(stamp);
        let end = self.state.end.unwrap_or(stamp);
        let in_series = matches!(self.trigger, Trigger::Time { .. } | Trigger::External { .. });
        // Rows of a result lie just before an exclusive end, and at an inclusive one.
        let time =
            if in_series || matches!(self.trigger, Trigger::Cron(_)) { end.saturating_sub(1) } else { end };
        let at = Moment { time, stamp, pos };
        if !self.content.is_empty() {
            self.result.emit(&mut self.shape, &mut self.content, Bounds { start, end }, at, out, errors);
        }
        self.content.clear();
        if let Trigger::Condition { condition, .. } = &mut self.trigger {
            condition.clear();
        }
        let keep_start = in_series.then_some(start);
        self.state = Open { count: 0, start: keep_start, end: None, due: None };
    }

    /// Writes the state.
    pub fn encode(&self, out: &mut Writer) {
        out.u64(self.seq);
        out.u64(self.state.count);
        out.opt_i64(self.state.start);
        out.opt_i64(self.state.end);
        out.opt_i64(self.state.due);
        self.content.encode(&self.shape, out);
        self.shape.encode(out);
        if let Trigger::Condition { condition, .. } = &self.trigger {
            condition.encode(out);
        }
    }

    /// Reads what [`BatchWindowOp::encode`] of the same plan wrote.
    ///
    /// # Errors
    /// If the bytes are damaged.
    pub fn decode(&mut self, input: &mut Reader<'_>) -> Result<()> {
        self.seq = input.u64()?;
        self.state = Open {
            count: input.u64()?,
            start: input.opt_i64()?,
            end: input.opt_i64()?,
            due: input.opt_i64()?,
        };
        self.content = Content::decode(&self.shape, input)?;
        self.shape.decode(input)?;
        if let Trigger::Condition { condition, .. } = &mut self.trigger {
            condition.decode(input)?;
        }
        Ok(())
    }
}

/// Start and end of the batch that holds `time` in the series of batches that has one at `base`.
fn series(base: i64, time: i64, size_ns: i64) -> Option<(i64, i64)> {
    let into = (i128::from(time) - i128::from(base)).rem_euclid(i128::from(size_ns));
    let start = i64::try_from(i128::from(time) - into).ok()?;
    Some((start, start.checked_add(size_ns)?))
}

fn out_of_time(pos: u32) -> OpError {
    let message =
        "the batch of the row begins or ends outside of the years 1677 to 2262; the row was left out";
    OpError::of_record(pos, codes::TIME_OUT_OF_RANGE, message)
}

/// A cron expression that names times.
pub(crate) fn cron(expression: &str) -> std::result::Result<Cron, String> {
    let cron = Cron::from_str(expression).map_err(|e| format!("the cron expression '{expression}': {e}"))?;
    match cron.find_next_occurrence(&DateTime::UNIX_EPOCH, true) {
        Ok(_) => Ok(cron),
        Err(_) => {
            Err(format!("the cron expression '{expression}' names no time that ever comes; mend its days"))
        }
    }
}

/// The cron times around a stamp; the first is the stamp itself where no time is before it.
pub(crate) fn cron_bounds(cron: &Cron, stamp: i64) -> std::result::Result<(i64, i64), String> {
    // Cron times are whole seconds.
    let now = DateTime::from_timestamp_nanos(stamp.saturating_sub(stamp.rem_euclid(SECOND_NS)));
    let before = cron.find_previous_occurrence(&now, true).ok().and_then(|b| b.timestamp_nanos_opt());
    let next = cron
        .find_next_occurrence(&now, false)
        .map_err(|error| format!("the cron expression has no next time: {error}"))?;
    Ok((before.unwrap_or(stamp), next.timestamp_nanos_opt().unwrap_or(i64::MAX)))
}
