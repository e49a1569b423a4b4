//! One step: rows of an entry through the operators.

use std::sync::Arc;

use arrow_array::RecordBatch;
use cep_lang::diag::codes;
use cep_lang::plan::{Clock, LatePolicy, Stream};
use cep_types::{Entry, Events};

use super::time::Reach;
use super::{Behind, Partition, Scratch};
use crate::actions::{Actions, RecordError, Subject};
use crate::chunk::{Chunk, Phase, position, step_row};
use crate::column::Values;

impl Partition {
    /// Runs rows `from..from + count` of the entry, or fewer where time jumps; returns how many.
    pub(super) fn step(
        &mut self,
        events: &Events,
        from: usize,
        count: usize,
        entry: &Entry,
        actions: &mut Actions,
    ) -> usize {
        let program = Arc::clone(&self.program);
        let stream = &program.streams[events.stream.index()];
        let first_error = actions.errors.len();
        let mut chunk = std::mem::take(self.graph.input(events.stream));
        load(&events.rows, from, count, &mut chunk);
        self.scratch.stamps.clear();
        self.scratch.entry_rows.clear();
        self.scratch.refused.clear();
        self.take_times(events, from, count, entry, &mut chunk);
        match stream.time.clock {
            Clock::Event => {
                let mut stamp = self.stamp;
                self.scratch.stamps.extend(chunk.time.iter().map(|&t| {
                    stamp = stamp.max(t);
                    stamp
                }));
            }
            Clock::Ingest => {
                let stamp = self.stamp.max(entry.stamp.0);
                let limit = stamp.saturating_add(stream.time.future_skew_ns);
                if chunk.time.iter().any(|&t| t > limit) {
                    let message = "the event time is too far ahead of the clock; the row was refused";
                    self.refuse(&mut chunk, |c, r| c.time[r] > limit, codes::TIME_AHEAD, message, from);
                }
                self.scratch.stamps.resize(chunk.time.len(), stamp);
            }
        }
        let rows = chunk.time.len();
        chunk.pos.extend((0..rows).map(|r| position(r, Phase::Row)));
        if rows == 0 {
            chunk.clear();
            *self.graph.input(events.stream) = chunk;
            self.fail(from, actions.runs().len(), actions);
            return count;
        }
        let reach = self.reach(events.stream, &chunk.time);
        if reach != Reach::Rows(rows) {
            let stamp = self.scratch.stamps[0];
            let (last, jumps) = match reach {
                Reach::Rows(some) => (some - 1, false),
                Reach::Jump => (0, true),
            };
            let last = self.scratch.entry_rows.get(last).map_or(last, |&row| row as usize);
            let stops = jumps && self.stamp_horizon().is_some_and(|h| h < stamp);
            if stops || last + 1 < count {
                chunk.clear();
                self.scratch.refused.clear();
                *self.graph.input(events.stream) = chunk;
                if stops {
                    self.stamp_jumps(stamp, actions);
                    return 0;
                }
                return self.step(events, from, last + 1, entry, actions);
            }
            self.graph.hold();
            self.cursor.behind = Some(Behind { row: Some(from + last), active: Some(events.stream) });
        } else {
            self.graph.run_freely();
        }
        let mut slot = self.graph.slot_of(events.stream).take();
        if let Some(clock) = &mut self.graph.clocks[events.stream.index()] {
            clock.dense_rows(&stream.time, &chunk.time, &self.scratch.stamps, &mut slot);
        }
        self.graph.put_slot(events.stream, slot);
        if stream.time.clock == Clock::Ingest {
            self.set_behind_apart(stream, &mut chunk);
        }
        *self.graph.input(events.stream) = chunk;
        self.silence(Some(events.stream));
        self.run(Some(from), actions);
        self.tell_late(events.stream, from, actions);
        // Rows refused at the stream are told among those that failed in a query, row by row.
        actions.errors[first_error..].sort_by_key(|error| error.row);
        count
    }

    /// Rows far behind the clock are counted and late for every query: with `late.policy = drop`
    /// they leave the step for `late.stream`, with `retract` windows correct what they still can.
    pub(super) fn set_behind_apart(&mut self, stream: &Stream, chunk: &mut Chunk) {
        let at = stream.id.index();
        let stamp = *self.scratch.stamps.last().expect("a step has a row");
        let limit = stamp.saturating_sub(stream.time.past_skew_ns);
        let (behind, kept): (Vec<u32>, Vec<u32>) =
            (0..chunk.rows() as u32).partition(|&row| chunk.time[row as usize] < limit);
        self.far_behind[at] += behind.len() as u64;
        if behind.is_empty() || stream.time.late_policy == LatePolicy::Retract {
            return;
        }
        self.scratch.dropped.extend(behind.iter().map(|&row| chunk.pos[row as usize]));
        if let Some(edge) = self.graph.far_behind[at] {
            self.graph.edges[edge.0].append_gather(chunk, &behind);
        }
        let mut rest = Chunk::new(&stream.schema);
        rest.append_gather(chunk, &kept);
        *chunk = rest;
    }

    /// Event times of the step's rows; rows without one are refused.
    pub(super) fn take_times(
        &mut self,
        events: &Events,
        from: usize,
        count: usize,
        entry: &Entry,
        chunk: &mut Chunk,
    ) {
        if let Some(times) = &events.times {
            chunk.time.extend_from_slice(&times[from..from + count]);
            return;
        }
        let column = self.program.streams[events.stream.index()].time.column;
        let Some((column, Values::I64(times))) = column.map(|c| (c, &chunk.columns[c].values)) else {
            chunk.time.resize(count, entry.stamp.0.max(self.stamp));
            return;
        };
        chunk.time.extend_from_slice(times);
        if chunk.columns[column].valid.is_some() {
            let refused = |c: &Chunk, r: usize| !c.columns[column].is_valid(r);
            self.refuse(
                chunk,
                refused,
                codes::MISSING_EVENT_TIME,
                "the event time is NULL; the row was left out",
                from,
            );
        }
    }

    /// Removes rows from the step and reports each as an error of the stream's readers.
    pub(super) fn refuse(
        &mut self,
        chunk: &mut Chunk,
        refused: impl Fn(&Chunk, usize) -> bool,
        code: &'static str,
        message: &str,
        from: usize,
    ) {
        let rows = chunk.time.len();
        let earlier: Vec<u32> = if self.scratch.entry_rows.is_empty() {
            (0..rows as u32).collect()
        } else {
            std::mem::take(&mut self.scratch.entry_rows)
        };
        let keep: Vec<u32> = (0..rows as u32).filter(|&r| !refused(chunk, r as usize)).collect();
        for row in (0..rows).filter(|&r| refused(chunk, r)) {
            self.scratch.refused.push(RecordError {
                index: self.index,
                row: (from + earlier[row] as usize) as u64,
                subject: Subject::Record,
                query: None,
                code,
                message: message.to_string(),
            });
        }
        for column in &mut chunk.columns {
            let source = std::mem::replace(column, column.empty_like());
            column.gather_from(&source, &keep);
        }
        chunk.time = keep.iter().map(|&r| chunk.time[r as usize]).collect();
        self.scratch.entry_rows = keep.iter().map(|&r| earlier[r as usize]).collect();
    }

    pub(super) fn run(&mut self, from: Option<usize>, actions: &mut Actions) {
        let Scratch { stamps, errors, .. } = &mut self.scratch;
        let first_run = actions.runs().len();
        self.graph.step(stamps, &self.ended, actions, errors);
        self.stamp = *stamps.last().expect("a step has a row");
        self.fail(from.unwrap_or(0), first_run, actions);
    }

    /// Reports the errors of a step whose first row is entry row `from`.
    pub(super) fn fail(&mut self, from: usize, first_run: usize, actions: &mut Actions) {
        let Scratch { entry_rows, refused, errors, failed, .. } = &mut self.scratch;
        if refused.is_empty() && errors.is_empty() {
            return;
        }
        // A refused row has no place in the step: its error comes before the next row that has one.
        failed.extend(refused.drain(..).map(|error| {
            let next = entry_rows.partition_point(|&row| from as u64 + u64::from(row) < error.row);
            (position(next, Phase::Stamp), error)
        }));
        errors.sort_by_key(|(query, e)| (e.pos, *query));
        for (query, error) in errors.drain(..) {
            let row = step_row(error.pos);
            let row = if entry_rows.is_empty() { row } else { entry_rows[row] as usize };
            let record = RecordError {
                index: self.index,
                row: (from + row) as u64,
                subject: error.subject,
                query: Some(query),
                code: error.code,
                message: error.message,
            };
            failed.push((error.pos, record));
        }
        actions.fail(first_run, failed);
    }
}

/// Fills the columns of `chunk` from rows of a batch.
fn load(rows: &RecordBatch, from: usize, count: usize, chunk: &mut Chunk) {
    assert_eq!(rows.num_columns(), chunk.columns.len(), "rows have the stream's columns");
    for (column, array) in chunk.columns.iter_mut().zip(rows.columns()) {
        if count == rows.num_rows() {
            column.load(array);
        } else {
            column.load(&array.slice(from, count));
        }
    }
}
