//! How far watermarks go when only time passes, and when that closes something.
//!
//! While no row comes, clocks and merges are functions of the stamp. Between two stamps at which a stream
//! becomes idle each of them only rises, so the first stamp at which some operator is due is found by
//! halving; at those stamps, where a merge may begin to go by other inputs, it is looked at by itself.

use cep_lang::plan::Program;

use super::run::merge_watermarks;
use super::{Graph, NodeKind};
use crate::time::{StreamClock, Watermarks};

/// Clocks and merges on their own.
#[derive(Clone)]
struct Silence<'a> {
    graph: &'a Graph,
    program: &'a Program,
    clocks: Vec<Option<StreamClock>>,
    /// Clocks of nodes, by node.
    retimed: Vec<Option<StreamClock>>,
    floors: Vec<i64>,
    slots: Vec<Watermarks>,
}

impl Graph {
    /// The least stamp above `from` and at most `until` at which the watermark of some operator reaches
    /// what makes it emit, if only time passes.
    pub(crate) fn next_close(&self, program: &Program, from: i64, until: i64) -> Option<i64> {
        let wanted: Vec<(usize, i64)> = (self.operators())
            .filter_map(|(slot, operator)| Some((slot.0, operator.due_watermark()?)))
            .collect();
        if wanted.is_empty() || from >= until {
            return None;
        }
        let mut silence = Silence::new(self, program);
        let mut turns = silence.turns();
        turns.retain(|turn| (from.saturating_add(1)..=until).contains(turn));
        turns.push(until);
        turns.sort_unstable();
        turns.dedup();
        let mut from = from;
        for turn in turns {
            if let Some(found) = silence.first_in(from, turn - 1, &wanted) {
                return Some(found);
            }
            if turn - 1 > from {
                silence.pass(turn - 1);
            }
            silence.pass(turn);
            if silence.is_due(&wanted) {
                return Some(turn);
            }
            from = turn;
        }
        None
    }
}

impl<'a> Silence<'a> {
    fn new(graph: &'a Graph, program: &'a Program) -> Self {
        let retimed = graph.nodes.iter().map(|node| match &node.kind {
            NodeKind::Retime { clock, .. } => Some(clock.clone()),
            NodeKind::Merge { .. } | NodeKind::Operator { .. } | NodeKind::Join { .. } => None,
        });
        Silence {
            graph,
            program,
            clocks: graph.clocks.clone(),
            retimed: retimed.collect(),
            floors: graph.slot_floor.clone(),
            slots: vec![Watermarks::default(); graph.slots.len()],
        }
    }

    /// Stamps at which a stream becomes idle.
    fn turns(&self) -> Vec<i64> {
        let streams = self.program.streams.iter().zip(&self.clocks);
        let outer = streams.filter_map(|(stream, clock)| clock.as_ref()?.idle_at(&stream.time));
        let inner = self.graph.nodes.iter().zip(&self.retimed).filter_map(|(node, clock)| match &node.kind {
            NodeKind::Retime { time, .. } => clock.as_ref()?.idle_at(time),
            NodeKind::Merge { .. } | NodeKind::Operator { .. } | NodeKind::Join { .. } => None,
        });
        outer.chain(inner).collect()
    }

    /// The stamp goes on to `stamp`.
    fn pass(&mut self, stamp: i64) {
        for (stream, clock) in self.program.streams.iter().zip(&mut self.clocks) {
            if let Some(clock) = clock {
                let slot = self.graph.streams[stream.id.index()].1;
                clock.silence(&stream.time, &[stamp], &mut self.slots[slot.0]);
            }
        }
        for (node, clock) in self.graph.nodes.iter().zip(&mut self.retimed) {
            match (&node.kind, clock) {
                (NodeKind::Retime { time, .. }, Some(clock)) => {
                    clock.silence(time, &[stamp], &mut self.slots[node.slot.0]);
                }
                (NodeKind::Merge { slots, .. } | NodeKind::Join { slots, .. }, _) if slots.len() > 1 => {
                    let mut merged = self.slots[node.slot.0].take();
                    let inputs: Vec<&Watermarks> = slots.iter().map(|slot| &self.slots[slot.0]).collect();
                    merge_watermarks(&inputs, 1, self.floors[node.slot.0], &mut merged);
                    self.floors[node.slot.0] = merged.last();
                    self.slots[node.slot.0] = merged;
                }
                _ => {}
            }
        }
    }

    fn is_due(&self, wanted: &[(usize, i64)]) -> bool {
        wanted.iter().any(|&(slot, watermark)| self.slots[slot].last() >= watermark)
    }

    fn is_due_at(&self, stamp: i64, wanted: &[(usize, i64)]) -> bool {
        let mut then = self.clone();
        then.pass(stamp);
        then.is_due(wanted)
    }

    /// The first stamp above `from` and at most `to` that is due; nothing becomes idle in between.
    fn first_in(&self, from: i64, to: i64, wanted: &[(usize, i64)]) -> Option<i64> {
        if from >= to || !self.is_due_at(to, wanted) {
            return None;
        }
        let (mut early, mut due) = (from, to);
        // What is due soon is found sooner.
        let mut step = 1_000_000_i64;
        while let Some(next) = early.checked_add(step).filter(|next| *next < due) {
            if self.is_due_at(next, wanted) {
                due = next;
                break;
            }
            (early, step) = (next, step.saturating_mul(4));
        }
        while due as i128 - early as i128 > 1 {
            let middle = early + ((due as i128 - early as i128) / 2) as i64;
            if self.is_due_at(middle, wanted) { due = middle } else { early = middle }
        }
        Some(due)
    }
}
