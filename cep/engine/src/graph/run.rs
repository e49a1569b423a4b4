//! One step through the graph.

use cep_lang::diag::codes;
use cep_types::StreamId;
use smallvec::SmallVec;

use super::pace::Pace;
use super::{EdgeId, Graph, NodeKind, SlotId};
use crate::actions::{Actions, Subject};
use crate::chunk::{Chunk, step_row};
use crate::column::{Values, row_text};
use crate::ops::{JoinContext, OpContext, OpError, Operator};
use crate::time::{NodeTime, WATERMARK_END, WATERMARK_START, Watermarks};

/// An error of an operator with the query it belongs to.
pub(crate) type QueryError = (cep_lang::plan::QueryId, OpError);

impl Graph {
    /// The edge rows of an external stream are put on before [`Graph::step`].
    pub(crate) fn input(&mut self, stream: StreamId) -> &mut Chunk {
        let (EdgeId(edge), _) = self.streams[stream.index()];
        &mut self.edges[edge]
    }

    /// The watermark slot of a stream.
    pub(crate) fn slot_of(&mut self, stream: StreamId) -> &mut Watermarks {
        let (_, SlotId(slot)) = self.streams[stream.index()];
        &mut self.slots[slot]
    }

    /// Puts a stream's watermarks in their slot, within the limits of the step.
    pub(crate) fn put_slot(&mut self, stream: StreamId, mut watermarks: Watermarks) {
        let (edge, slot) = self.streams[stream.index()];
        self.pace.clamp(slot, &mut watermarks);
        self.pace.settle(edge.0, &[], slot);
        if let Some(edge) = self.far_behind[stream.index()] {
            self.pace.settle(edge.0, &[], slot);
        }
        self.slots[slot.0] = watermarks;
    }

    /// Runs all nodes over the step whose stamps are `stamps`; the source edges and slots are
    /// filled. Rows of outputs go to `actions`.
    pub(crate) fn step(
        &mut self,
        stamps: &[i64],
        ended: &[bool],
        actions: &mut Actions,
        errors: &mut Vec<QueryError>,
    ) {
        let mut op_errors = Vec::new();
        self.left_out.clear();
        self.tables.iter_mut().for_each(|table| table.begin(stamps[0]));
        for at in 0..self.nodes.len() {
            self.run_node(at, stamps, ended, &mut op_errors);
            if !op_errors.is_empty() && self.nodes[at].detached {
                self.detach(at, &mut op_errors);
            }
            let query = self.nodes[at].query;
            errors.extend(op_errors.drain(..).map(|e| (query, e)));
        }
        let stamp = *stamps.last().expect("a step has a row");
        self.tables.iter_mut().for_each(|table| table.expire(stamp));
        let first = actions.emit_count();
        for output in &self.outputs {
            let edge = &mut self.edges[output.edge.0];
            if edge.is_empty() {
                continue;
            }
            if output.shared {
                actions.copy(output.output, edge);
            } else {
                actions.take(output.output, edge);
            }
        }
        if actions.emit_count() > first {
            actions.order(first);
        }
        self.edges.iter_mut().filter(|e| !e.is_empty()).for_each(Chunk::clear);
    }

    /// Makes errors of the input rows of node `at`, which are results themselves, errors of results,
    /// and names the rows.
    fn detach(&self, at: usize, errors: &mut [OpError]) {
        let input = match &self.nodes[at].kind {
            NodeKind::Merge { .. } | NodeKind::Join { .. } => return,
            NodeKind::Retime { input, .. } | NodeKind::Operator { input, .. } => input.0,
        };
        let (rows, schema) = (&self.edges[input], &self.schemas[input]);
        for error in errors.iter_mut().filter(|error| error.subject == Subject::Record) {
            error.subject = Subject::Result;
            let from = rows.pos.partition_point(|&p| p < error.pos);
            let to = rows.pos.partition_point(|&p| p <= error.pos);
            let shown = match to - from {
                1 => row_text(schema.fields().iter().zip(&rows.columns), from),
                count => format!("one of {count} derived rows of the same moment"),
            };
            error.message = format!("{shown}: {}", error.message);
        }
    }

    fn run_node(&mut self, at: usize, stamps: &[i64], ended: &[bool], errors: &mut Vec<OpError>) {
        let origin = self.origin;
        let Graph { nodes, pace, left_out, tables, .. } = self;
        let node = &mut nodes[at];
        let mut out = std::mem::take(&mut self.edges[node.output.0]);
        let is_over =
            !node.flushed && !node.sources.is_empty() && node.sources.iter().all(|s| ended[s.index()]);
        match &mut node.kind {
            NodeKind::Merge { inputs, merge, slots } => {
                node.flushed |= is_over;
                let chunks: Vec<&Chunk> = inputs.iter().map(|e| &self.edges[e.0]).collect();
                merge.process(&chunks, &mut out);
                if slots.len() > 1 {
                    merge_slots(&mut self.slots, slots, node.slot, &mut self.slot_floor, pace, stamps.len());
                }
                pace.settle(node.output.0, inputs, node.slot);
            }
            NodeKind::Retime { input, column, time, clock } => {
                let chunk = &self.edges[input.0];
                retime(chunk, *column, &mut out, errors);
                let rows: Vec<usize> = out.pos.iter().map(|&p| step_row(p)).collect();
                let slot = &mut self.slots[node.slot.0];
                let flush = is_over && pace.is_settled(*input);
                node.flushed |= flush;
                if flush {
                    clock.end(slot);
                } else {
                    clock.rows(time, &out.time, &rows, stamps, slot);
                }
                pace.clamp(node.slot, slot);
                pace.settle(node.output.0, &[*input], node.slot);
            }
            NodeKind::Operator { input, operator } => {
                let flush = pace.settle(node.output.0, &[*input], node.slot) && is_over;
                node.flushed |= flush;
                if let Some(late) = node.late {
                    pace.settle(late.0, &[*input], node.slot);
                }
                let time = NodeTime { stamps, watermarks: &self.slots[node.slot.0], flush };
                let mut late = node.late.map(|e| std::mem::take(&mut self.edges[e.0]));
                let mut positions = Vec::new();
                let left_out_of = Some(&mut positions);
                let mut cx =
                    OpContext { time, origin, errors, late: late.as_mut(), left_out: left_out_of, tables };
                operator.process(&self.edges[input.0], &mut out, &mut cx);
                if !node.detached {
                    left_out.extend(positions.into_iter().map(|pos| (node.query, pos)));
                }
                if let (Some(edge), Some(late)) = (node.late, late) {
                    self.edges[edge.0] = late;
                }
            }
            NodeKind::Join { inputs, slots, late, operator } => {
                if slots.len() > 1 {
                    merge_slots(&mut self.slots, slots, node.slot, &mut self.slot_floor, pace, stamps.len());
                }
                let flush = pace.settle(node.output.0, inputs, node.slot) && is_over;
                node.flushed |= flush;
                let time = NodeTime { stamps, watermarks: &self.slots[node.slot.0], flush };
                let mut taken = late.map(|edge| edge.map(|edge| std::mem::take(&mut self.edges[edge.0])));
                let mut positions = Vec::new();
                let [left, right] = &mut taken;
                let late_rows = [left.as_mut(), right.as_mut()];
                let cx = JoinContext { time, errors, late: late_rows, left_out: &mut positions };
                let chunks = inputs.map(|edge| &self.edges[edge.0]);
                match operator {
                    Operator::Join(join) => join.process(chunks, &mut out, cx),
                    Operator::AsOf(join) => join.process(chunks, &mut out, cx),
                    _ => unreachable!("it is a join"),
                }
                if !node.detached {
                    left_out.extend(positions.into_iter().map(|pos| (node.query, pos)));
                }
                for (edge, rows) in late.iter().zip(taken) {
                    if let (Some(edge), Some(rows)) = (edge, rows) {
                        pace.settle(edge.0, inputs, node.slot);
                        self.edges[edge.0] = rows;
                    }
                }
            }
        }
        debug_assert!(out.pos.is_sorted(), "rows leave a node in ascending position");
        self.edges[node.output.0] = out;
    }
}

/// Puts the minimum over `slots` into `slot`.
fn merge_slots(
    all: &mut [Watermarks],
    slots: &[SlotId],
    slot: SlotId,
    floors: &mut [i64],
    pace: &mut Pace,
    rows: usize,
) {
    let mut merged = all[slot.0].take();
    {
        let inputs: SmallVec<[&Watermarks; 4]> = slots.iter().map(|s| &all[s.0]).collect();
        merge_watermarks(&inputs, rows, floors[slot.0], &mut merged);
    }
    pace.clamp(slot, &mut merged);
    floors[slot.0] = merged.last();
    all[slot.0] = merged;
}

/// Minimum over the inputs that are not idle. When all are, over those that have had rows and have
/// not ended; the end is reached when all have ended. Never below `floor`.
pub(super) fn merge_watermarks(inputs: &[&Watermarks], rows: usize, floor: i64, out: &mut Watermarks) {
    let is_idle = |row: usize| inputs.iter().all(|w| w.is_idle(row));
    let mut reached = floor;
    let mut at = |row: usize| {
        let active = inputs.iter().filter(|w| !w.is_idle(row)).map(|w| w.after(row)).min();
        let low = active.or_else(|| {
            let all = || inputs.iter().map(|w| w.after(row));
            if all().all(|w| w == WATERMARK_END) {
                return Some(WATERMARK_END);
            }
            all().filter(|&w| w != WATERMARK_START && w != WATERMARK_END).min()
        });
        reached = reached.max(low.unwrap_or(reached));
        reached
    };
    if inputs.iter().all(|w| w.is_constant()) {
        out.set_constant(at(0), is_idle(0));
    } else {
        let (steps, idle) = out.steps_and_idle();
        steps.extend((0..rows).map(at));
        idle.extend((0..rows).map(is_idle));
    }
}

/// Gives rows the event time of a column; rows where it is NULL are errors.
fn retime(input: &Chunk, column: usize, out: &mut Chunk, errors: &mut Vec<OpError>) {
    if input.is_empty() {
        return;
    }
    let source = &input.columns[column];
    let Values::I64(times) = &source.values else {
        unreachable!("the plan checks that event time is a TIMESTAMP")
    };
    let rows: Vec<u32> = (0..input.rows() as u32).filter(|&r| source.is_valid(r as usize)).collect();
    for row in (0..input.rows()).filter(|&r| !source.is_valid(r)) {
        let message = "the event time is NULL; the row was left out";
        errors.push(OpError::of_record(input.pos[row], codes::MISSING_EVENT_TIME, message));
    }
    let from = out.rows();
    out.append_gather(input, &rows);
    for (time, &row) in out.time[from..].iter_mut().zip(&rows) {
        *time = times[row as usize];
    }
}
