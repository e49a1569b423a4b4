//! Latency of entries of one event, decoded frame to actions.

use std::hint::black_box;
use std::sync::Arc;

use cep_engine::{Actions, Budget, Partition, Progress};
use serde_json::{Value, json};

use super::floor::Tumbling;
use super::input::{Trades, entry};
use super::{Floor, elapsed_ns, now, program, round};

const EVENTS: usize = 50_000;
const WARM_UP: usize = 5_000;

/// Feeds single-row entries of `trades` to `query` and reports the percentiles of apply.
pub fn measure(query: &str, trades: &Trades) -> Value {
    let rows = trades.batches.iter().flat_map(|b| (0..b.num_rows()).map(|r| b.slice(r, 1)));
    let entries: Vec<_> = rows.take(EVENTS).enumerate().map(|(n, b)| entry(n as u64 + 1, b)).collect();
    let mut partition = Partition::new(Arc::clone(&program(query)), &[]).expect("the query runs");
    let mut actions = Actions::new();
    let mut taken = Vec::with_capacity(entries.len());
    for entry in &entries {
        actions.clear();
        let start = now();
        let done = partition.apply(entry, &mut { Budget::UNLIMITED }, &mut actions);
        taken.push(elapsed_ns(start));
        assert_eq!(done, Progress::Done, "the budget is unlimited");
        black_box(&actions);
    }
    let mut taken = taken.split_off(WARM_UP);
    taken.sort_by(f64::total_cmp);
    let at = |q: f64| round(taken[((taken.len() - 1) as f64 * q) as usize]);
    let floor_trades = Trades {
        entries: Vec::new(),
        batches: entries[..1_000]
            .iter()
            .map(|e| match &e.kind {
                cep_types::EntryKind::Events(events) => events.rows.clone(),
                _ => unreachable!("all entries are events"),
            })
            .collect(),
    };
    let mut floor = Tumbling::default();
    black_box(floor.pass(&floor_trades));
    let start = now();
    black_box(floor.pass(&floor_trades));
    let by_hand = elapsed_ns(start) / 1_000.0;
    json!({
        "name": "single_event",
        "ns_per_event": at(0.5),
        "floor_ns_per_event": round(by_hand),
        "ratio": round(at(0.5) / by_hand),
        "batch_rows": 1,
        "p50_ns": at(0.5),
        "p90_ns": at(0.9),
        "p99_ns": at(0.99),
        "events": taken.len(),
    })
}
