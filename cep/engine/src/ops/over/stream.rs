//! OVER on a stream: one output row for each input row, from the rows of its partition so far.
//!
//! In arrival order a row is answered at once. In event-time order rows wait until the watermark
//! has passed their event time, and are then answered in (event time, arrival) order; rows with one
//! event time are peers.
//!
//! Invariants:
//! - A row whose event time is below the watermark before it is late: its place in the order has
//!   been given out. A row at the watermark is not: rows of that time still wait.
//! - A partition keeps only the rows its frames and offsets can still reach.
//! - `order` names exactly the rows that wait, by (event time, arrival).

use std::collections::BTreeSet;

use cep_lang::diag::codes;
use cep_lang::plan::OverNode;

use super::calls::StreamCalls;
use crate::chunk::{Chunk, Phase, position, step_row};
use crate::codec::{DecodeError, ReadColumn, Reader, Result, WriteColumn, Writer};
use crate::column::Column;
use crate::keys::{KeyTable, encode_value};
use crate::ops::prepare::Prepare;
use crate::ops::{CLOSE_ROWS, OpContext, OpError};
use crate::time::{NodeTime, WATERMARK_START};

/// OVER on a stream.
#[derive(Debug)]
pub struct StreamOver {
    prepare: Prepare,
    key_count: usize,
    value_types: Vec<arrow_schema::DataType>,
    input_types: Vec<arrow_schema::DataType>,
    event_time_order: bool,
    keys_max: u64,
    table: KeyTable,
    calls: StreamCalls,
    waiting: Waiting,
    watermark: i64,
    seq: u64,
    late_rows: u64,
    key: Vec<u8>,
    /// Numbers of the rows of a step.
    seqs: Vec<u64>,
}

/// Rows answered that may still stand among those that wait.
const ANSWERED_MIN: usize = 1024;

/// Rows that wait for the watermark, in order of arrival, and some that have been answered.
#[derive(Debug, Default)]
struct Waiting {
    rows: Chunk,
    /// Values the calls need, by row.
    values: Vec<Column>,
    /// Partition of each row.
    group: Vec<u32>,
    seq: Vec<u64>,
    /// (event time, number of arrival, row) of the rows that wait.
    order: BTreeSet<(i64, u64, u32)>,
}

impl StreamOver {
    /// Builds the operator of `node`.
    ///
    /// # Errors
    /// The reason why it cannot be built, for the user.
    pub fn new(node: &OverNode) -> std::result::Result<Self, String> {
        let calls = StreamCalls::new(node)?;
        let keys = node.calls.first().map(|c| c.partition_by.as_slice()).unwrap_or_default();
        let mut exprs: Vec<&cep_lang::plan::Expr> = keys.iter().collect();
        exprs.extend(calls.inputs());
        let value_types: Vec<_> = calls.inputs().iter().map(|e| e.data_type.clone()).collect();
        let input_types: Vec<_> =
            node.input.schema().fields().iter().map(|f| f.data_type().clone()).collect();
        let mut over = StreamOver {
            prepare: Prepare::new(None, &exprs).map_err(|e| e.to_string())?,
            key_count: keys.len(),
            value_types,
            input_types,
            event_time_order: node.event_time_order,
            keys_max: node.keys_max,
            table: KeyTable::new(),
            calls,
            waiting: Waiting::default(),
            watermark: WATERMARK_START,
            seq: 0,
            late_rows: 0,
            key: Vec::new(),
            seqs: Vec::new(),
        };
        over.waiting = over.no_rows();
        Ok(over)
    }

    fn no_rows(&self) -> Waiting {
        Waiting {
            rows: Chunk { columns: self.input_types.iter().map(Column::new).collect(), ..Chunk::default() },
            values: self.value_types.iter().map(Column::new).collect(),
            group: Vec::new(),
            seq: Vec::new(),
            order: BTreeSet::new(),
        }
    }

    /// The least watermark that answers a waiting row.
    pub fn due_watermark(&self) -> Option<i64> {
        self.waiting.order.first().map(|&(time, _, _)| time.saturating_add(1))
    }

    /// Watermark up to which `CLOSE_ROWS` rows are answered; `None`: no more of them wait.
    pub fn watermark_horizon(&self) -> Option<i64> {
        let order = &self.waiting.order;
        if order.len() <= CLOSE_ROWS {
            return None;
        }
        order.iter().nth(CLOSE_ROWS - 1).map(|&(time, _, _)| time.saturating_add(1))
    }

    /// Rows that came too late so far.
    pub fn late_rows(&self) -> u64 {
        self.late_rows
    }

    /// Rows added to and removed from aggregates so far, for tests of the complexity.
    #[cfg(test)]
    pub(crate) fn moved(&self) -> u64 {
        self.calls.moved()
    }

    /// Processes a step.
    pub fn process(&mut self, input: &Chunk, out: &mut Chunk, cx: &mut OpContext<'_>) {
        self.prepare.run(input, cx);
        if self.event_time_order {
            self.gather_waiting(input, cx);
            self.release(cx.time, out, cx.errors);
        } else {
            self.answer_at_once(input, out, cx);
        }
        self.watermark = self.watermark.max(cx.time.watermarks.last());
    }

    /// Partition of prepared row `row`; `None` when there are too many.
    fn group(&mut self, input: &Chunk, row: usize, errors: &mut Vec<OpError>) -> Option<u32> {
        self.key.clear();
        for column in self.prepare.columns(input, 0..self.key_count) {
            encode_value(column, row, &mut self.key);
        }
        if let Some(group) = self.table.find(&self.key) {
            return Some(group);
        }
        if self.table.len() as u64 >= self.keys_max {
            let message = format!(
                "more than {} partitions of OVER (state.keys.max); the row was left out",
                self.keys_max
            );
            errors.push(OpError::of_record(self.prepare.pos(input)[row], codes::TOO_MANY_KEYS, message));
            return None;
        }
        let group = self.table.find_or_insert(&self.key);
        self.calls.resize(self.table.len());
        Some(group)
    }

    fn answer_at_once(&mut self, input: &Chunk, out: &mut Chunk, cx: &mut OpContext<'_>) {
        let rows = self.prepare.rows(input);
        let width = self.input_types.len();
        let mut answered = Vec::with_capacity(rows);
        let total = self.key_count + self.value_types.len();
        self.seqs.clear();
        self.seqs.resize(rows, 0);
        for row in 0..rows {
            let Some(group) = self.group(input, row, cx.errors) else { continue };
            let values = self.prepare.columns(input, self.key_count..total);
            self.seqs[row] = self.seq;
            self.calls.add(group, &values, row, self.prepare.time(input), &self.seqs);
            self.seq += 1;
            let time = self.prepare.time(input)[row];
            let failed = self.calls.answer(group, &values, row, time, &mut out.columns[width..]);
            match failed {
                None => answered.push(row as u32),
                Some(message) => {
                    out.columns[width..].iter_mut().for_each(|c| c.truncate(answered.len()));
                    cx.errors.push(OpError::of_record(
                        self.prepare.pos(input)[row],
                        codes::OVERFLOW,
                        message,
                    ));
                }
            }
        }
        let originals: Vec<u32> = answered.iter().map(|&r| self.prepare.original(r as usize)).collect();
        for (column, source) in out.columns[..width].iter_mut().zip(&input.columns) {
            column.append_gather(source, &originals);
        }
        out.time.extend(originals.iter().map(|&r| input.time[r as usize]));
        out.pos.extend(originals.iter().map(|&r| input.pos[r as usize]));
    }

    /// Puts the rows of the step among those that wait.
    fn gather_waiting(&mut self, input: &Chunk, cx: &mut OpContext<'_>) {
        let total = self.key_count + self.value_types.len();
        let (mut taken, mut originals) = (Vec::new(), Vec::new());
        for row in 0..self.prepare.rows(input) {
            let (time, pos) = (self.prepare.time(input)[row], self.prepare.pos(input)[row]);
            let before = match step_row(pos) {
                0 => self.watermark,
                step => self.watermark.max(cx.time.watermarks.after(step - 1)),
            };
            let original = self.prepare.original(row);
            if time < before {
                self.late_rows += 1;
                cx.leave_out(input, original);
                continue;
            }
            let Some(group) = self.group(input, row, cx.errors) else { continue };
            self.waiting.order.insert((time, self.seq, self.waiting.group.len() as u32));
            self.waiting.group.push(group);
            self.waiting.seq.push(self.seq);
            self.seq += 1;
            taken.push(row as u32);
            originals.push(original);
        }
        self.waiting.rows.append_gather(input, &originals);
        let values = self.prepare.columns(input, self.key_count..total);
        for (kept, value) in self.waiting.values.iter_mut().zip(values) {
            kept.append_gather(value, &taken);
        }
    }

    /// Answers the waiting rows that the watermark has reached.
    fn release(&mut self, time: NodeTime<'_>, out: &mut Chunk, errors: &mut Vec<OpError>) {
        let last = time.watermarks.last();
        let is_ready = |at: i64| at < last || time.flush;
        let width = self.input_types.len();
        let waiting = &mut self.waiting;
        let values: Vec<&Column> = waiting.values.iter().collect();
        let (mut peers, mut answered) = (Vec::new(), Vec::new());
        while let Some(&(at, _, _)) = waiting.order.first().filter(|w| is_ready(w.0)) {
            peers.clear();
            while let Some(&(_, _, row)) = waiting.order.first().filter(|w| w.0 == at) {
                waiting.order.pop_first();
                peers.push(row);
            }
            // Past it, as a row at the watermark is not late and may still come.
            let step = time.watermarks.first_reaching(at.saturating_add(1), 0).unwrap_or(time.last_row());
            let pos = position(step, Phase::Watermark);
            let (times, seqs) = (waiting.rows.time.as_slice(), waiting.seq.as_slice());
            self.calls.add_peers(&peers, &waiting.group, &values, times, seqs);
            for &row in &peers {
                let group = waiting.group[row as usize];
                let results = &mut out.columns[width..];
                match self.calls.answer_peer(group, &values, row as usize, (times, seqs), results) {
                    None => {
                        answered.push(row);
                        out.time.push(at);
                        out.pos.push(pos);
                    }
                    Some(message) => {
                        results.iter_mut().for_each(|c| c.truncate(answered.len()));
                        errors.push(OpError::of_result(pos, codes::OVERFLOW, message));
                    }
                }
            }
        }
        for (column, source) in out.columns[..width].iter_mut().zip(&waiting.rows.columns) {
            column.append_gather(source, &answered);
        }
        self.compact();
    }

    /// Rows that wait, in order of arrival.
    fn live(&self) -> Vec<u32> {
        let mut live: Vec<u32> = self.waiting.order.iter().map(|&(_, _, row)| row).collect();
        live.sort_unstable();
        live
    }

    /// Moves out the rows that have been answered, if they are many.
    fn compact(&mut self) {
        let (rows, live) = (self.waiting.seq.len(), self.waiting.order.len());
        if live == 0 {
            self.waiting.rows.clear();
            self.waiting.values.iter_mut().for_each(Column::clear);
            self.waiting.group.clear();
            self.waiting.seq.clear();
        }
        if live == 0 || rows - live < ANSWERED_MIN || rows - live < live {
            return;
        }
        let mut left = self.no_rows();
        self.waiting.copy_to(&self.live(), &mut left);
        self.waiting = left;
    }

    /// Writes the state.
    pub fn encode(&self, out: &mut Writer) {
        out.i64(self.watermark);
        out.u64(self.seq);
        out.u64(self.late_rows);
        out.u64(self.table.len() as u64);
        for group in 0..self.table.len() as u32 {
            out.blob(self.table.key(group));
            self.calls.encode(group, out);
        }
        let mut waiting = self.no_rows();
        self.waiting.copy_to(&self.live(), &mut waiting);
        for (column, data_type) in waiting.rows.columns.iter().zip(&self.input_types) {
            out.column(column, data_type);
        }
        for (column, data_type) in waiting.values.iter().zip(&self.value_types) {
            out.column(column, data_type);
        }
        out.i64s(&waiting.rows.time);
        out.u32s(&waiting.group);
        waiting.seq.iter().for_each(|&s| out.u64(s));
    }

    /// Reads what [`StreamOver::encode`] of the same plan wrote.
    ///
    /// # Errors
    /// If the bytes are damaged.
    pub fn decode(&mut self, input: &mut Reader<'_>) -> Result<()> {
        self.watermark = input.i64()?;
        self.seq = input.u64()?;
        self.late_rows = input.u64()?;
        self.table.clear();
        self.calls.resize(0);
        for group in 0..input.len(8)? {
            if self.table.find_or_insert(input.blob()?) as usize != group {
                return Err(DecodeError("a key twice".into()));
            }
            self.calls.resize(group + 1);
            self.calls.decode(group as u32, input)?;
        }
        let mut waiting = self.no_rows();
        for (column, data_type) in waiting.rows.columns.iter_mut().zip(&self.input_types) {
            *column = input.column(data_type)?;
        }
        for (column, data_type) in waiting.values.iter_mut().zip(&self.value_types) {
            *column = input.column(data_type)?;
        }
        waiting.rows.time = input.i64s()?;
        waiting.group = input.u32s()?;
        let rows = waiting.rows.time.len();
        waiting.rows.pos = vec![0; rows];
        waiting.seq = (0..rows).map(|_| input.u64()).collect::<Result<_>>()?;
        let columns = waiting.rows.columns.iter().chain(&waiting.values);
        let known = self.table.len() as u32;
        if waiting.group.len() != rows
            || waiting.group.iter().any(|&g| g >= known)
            || columns.into_iter().any(|c| c.len() != rows)
        {
            return Err(DecodeError("waiting rows do not fit together".into()));
        }
        let keys = waiting.rows.time.iter().zip(&waiting.seq).zip(0u32..);
        waiting.order = keys.map(|((&time, &seq), row)| (time, seq, row)).collect();
        self.waiting = waiting;
        Ok(())
    }
}

impl Waiting {
    /// Appends rows `rows`, ascending, to `out`, which has none that wait.
    fn copy_to(&self, rows: &[u32], out: &mut Waiting) {
        out.rows.append_gather(&self.rows, rows);
        for (kept, value) in out.values.iter_mut().zip(&self.values) {
            kept.append_gather(value, rows);
        }
        out.group.extend(rows.iter().map(|&r| self.group[r as usize]));
        out.seq.extend(rows.iter().map(|&r| self.seq[r as usize]));
        let keys = out.rows.time.iter().zip(&out.seq).zip(0u32..);
        out.order = keys.map(|((&time, &seq), row)| (time, seq, row)).collect();
    }
}
