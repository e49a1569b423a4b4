//! What metrics take in memory.

/// What there is, and about the bytes of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct MetricsSize {
    /// Series.
    pub series: usize,
    /// Lanes of all queries.
    pub lanes: usize,
    /// Panes with samples of all series.
    pub panes: usize,
    /// Bytes.
    pub bytes: usize,
}

use super::MetricsPlan;
use super::pane::{Parts, Slot};
use super::window::Kind;

/// Entries of a distinct sketch, about, at most.
const ENTRIES_MAX: f64 = 40_000.0;

/// What is expected of a set of series.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SizeInput {
    /// Series of each selector.
    pub series: u64,
    /// Samples of a series per second.
    pub samples_per_second: f64,
}

/// About the bytes that metrics of `plan` take once their windows are full, for `ceptra check`.
pub fn estimate(plan: &MetricsPlan, input: SizeInput) -> u64 {
    let pane_seconds = plan.pane_ns as f64 / 1e9;
    let a_pane = input.samples_per_second * pane_seconds;
    let mut total = 0.0;
    for set in &plan.sets {
        // Samples come one by one: of few, each has a pane of its own.
        let panes = set.shape.keep as f64 * (1.0 - (-a_pane).exp()).max(a_pane.min(1.0));
        // Room grows by doubling.
        let room = (panes.ceil() as u64).saturating_add(16).next_power_of_two();
        let mut bytes = room as f64 * size_of::<Slot>() as f64;
        if a_pane > 1.0 {
            bytes += panes * Slot::many_bytes(set.shape.parts, a_pane) as f64;
        }
        bytes += 160.0 + 96.0 * set.shape.windows.len() as f64;
        // Each sample is taken to be of a value of its own.
        let distinct = set.shape.windows.iter().filter(|window| window.kind == Kind::Distinct);
        let entries = distinct.map(|window| (window.range as f64 * a_pane).min(ENTRIES_MAX));
        bytes += entries.sum::<f64>() * 32.0;
        if set.shape.parts.has(Parts::ORDER) {
            bytes += set.shape.windows.len() as f64 * (panes * a_pane.max(1.0)).min(4096.0) * 8.0;
        }
        total += bytes * input.series as f64;
    }
    let lanes =
        |query: &super::plan::QueryPlan| 300.0 + (input.series as f64).min(query.lanes_max as f64) * 200.0;
    (total + plan.queries.iter().map(lanes).sum::<f64>()) as u64
}
