//! How far watermarks may go in one step.
//!
//! A row after a long silence may close a great many windows. Its watermark then catches up in steps
//! of its own, each of which emits about as much as a step of rows does: first the row itself with all
//! watermarks held, then steps without rows in which each watermark goes as far as the operators on
//! it can answer at once. The steps are a function of the state and of how far time went, so that
//! regrouped rows take the same ones.

use super::{Graph, NodeKind, SlotId};
use crate::ops::Operator;
use crate::time::Watermarks;

/// Limits of the watermarks in a step.
#[derive(Debug, Default)]
pub(crate) struct Pace {
    /// Watermarks are limited; such a step has one row or none.
    limited: bool,
    /// Largest watermark of each slot.
    caps: Vec<i64>,
    /// Watermark of each slot after the latest step.
    reached: Vec<i64>,
    /// Slots whose watermark was held back.
    clamped: Vec<bool>,
    /// Edges that will get no more rows by the watermarks of this row.
    settled: Vec<bool>,
}

impl Pace {
    /// Whether a watermark was held back in the latest step: another one is to follow.
    pub fn is_behind(&self) -> bool {
        self.clamped.contains(&true)
    }

    /// Limits a watermark.
    pub fn clamp(&mut self, slot: SlotId, watermarks: &mut Watermarks) {
        if !self.limited {
            return;
        }
        let (wanted, cap) = (watermarks.last(), self.caps[slot.0]);
        self.clamped[slot.0] = wanted > cap;
        if wanted > cap {
            watermarks.hold_at(cap);
        }
        self.reached[slot.0] = wanted.min(cap);
    }

    /// Whether an edge gets no more rows by the watermarks of this row.
    pub fn is_settled(&self, edge: super::EdgeId) -> bool {
        !self.limited || self.settled[edge.0]
    }

    /// Notes whether `edge`, written from edges `inputs` with the watermark of `slot`, is complete.
    pub fn settle(&mut self, edge: usize, inputs: &[super::EdgeId], slot: SlotId) -> bool {
        if !self.limited {
            return true;
        }
        let complete = !self.clamped[slot.0] && inputs.iter().all(|e| self.settled[e.0]);
        self.settled[edge] = complete;
        complete
    }
}

impl Graph {
    /// Operators with the slot of their watermark.
    pub(crate) fn operators(&self) -> impl Iterator<Item = (SlotId, &Operator)> {
        self.nodes.iter().filter_map(|node| match &node.kind {
            NodeKind::Operator { operator, .. } | NodeKind::Join { operator, .. } => {
                Some((node.slot, operator))
            }
            NodeKind::Merge { .. } | NodeKind::Retime { .. } => None,
        })
    }

    /// The next steps have no limits.
    pub(crate) fn run_freely(&mut self) {
        self.pace.limited = false;
    }

    /// In the next step all watermarks stay where they are.
    pub(crate) fn hold(&mut self) {
        self.limit();
        for (stream, clock) in self.clocks.iter().enumerate() {
            if let Some(clock) = clock {
                self.pace.caps[self.streams[stream].1.0] = clock.watermark();
            }
        }
        for node in &self.nodes {
            match &node.kind {
                NodeKind::Merge { slots, .. } | NodeKind::Join { slots, .. } if slots.len() > 1 => {
                    self.pace.caps[node.slot.0] = self.slot_floor[node.slot.0];
                }
                NodeKind::Retime { clock, .. } => self.pace.caps[node.slot.0] = clock.watermark(),
                NodeKind::Merge { .. } | NodeKind::Operator { .. } | NodeKind::Join { .. } => {}
            }
        }
        self.pace.reached.clone_from(&self.pace.caps);
    }

    /// In the next step watermarks go as far as the operators can answer at once.
    pub(crate) fn catch_up(&mut self) {
        let mut caps = std::mem::take(&mut self.pace.caps);
        caps.clear();
        caps.resize(self.slots.len(), i64::MAX);
        for (slot, operator) in self.operators() {
            // What another input holds back is not reached yet.
            let horizon = operator.watermark_horizon().filter(|&h| h > self.pace.reached[slot.0]);
            caps[slot.0] = caps[slot.0].min(horizon.unwrap_or(i64::MAX));
        }
        self.pace.caps = caps;
        self.pace.clamped.fill(false);
    }

    fn limit(&mut self) {
        let Graph { pace, slots, edges, .. } = self;
        pace.limited = true;
        pace.caps.clear();
        pace.caps.resize(slots.len(), i64::MAX);
        pace.clamped.clear();
        pace.clamped.resize(slots.len(), false);
        pace.settled.clear();
        pace.settled.resize(edges.len(), false);
    }
}
