//! When checkpoints of a partition are made, and how old they are (R-CKP-1, R-READY-1).
//!
//! Invariant: a partition that has changed gets a full checkpoint each full interval and one of what changed each
//! incremental interval; both stretch so that all partitions of the shard can be written at the pace it has.

use std::cell::Cell;
use std::time::Duration;

use raft::{CheckpointKind, CheckpointStats};

use super::{Partition, PartitionMachine};
use crate::report::CheckpointReport;
use crate::settings::{Level, Settings};

/// What a partition knows of its checkpoints.
pub(super) struct Checkpoints {
    full_interval: Duration,
    incremental_interval: Duration,
    /// When the newest one was ordered, monotone ns.
    ordered_ns: Cell<Option<u64>>,
    /// When the newest full one was ordered, monotone ns.
    full_ns: Cell<Option<u64>>,
    /// When one last had everything, monotone ns; at first the start.
    covered_ns: Cell<u64>,
    /// The one under way: the last entry in it, and when it was ordered.
    under_way: Cell<Option<(raft::LogIndex, u64)>>,
    /// It was said that a start could not use the newest one.
    is_told: Cell<bool>,
}

impl Checkpoints {
    pub(super) fn new(settings: &Settings, now: u64) -> Self {
        Checkpoints {
            full_interval: settings.checkpoint_interval,
            incremental_interval: settings.checkpoint_incremental_interval,
            ordered_ns: Cell::new(None),
            full_ns: Cell::new(None),
            covered_ns: Cell::new(now),
            under_way: Cell::new(None),
            is_told: Cell::new(false),
        }
    }
}

impl Partition {
    /// Makes checkpoints, for ever.
    pub(super) async fn keep_checkpoints(&self) {
        let begun = self.rt.now();
        loop {
            let (full, incremental) = self.checkpoint_intervals();
            let stats = self.group.checkpoints();
            self.tell_degraded(&stats);
            let is_asked = self.rt.timeout(incremental.min(full), self.reserve.asked()).await.is_ok();
            let since_full = self.rt.now().saturating_sub(self.checkpoints.full_ns.get().unwrap_or(begun));
            let kind = if is_asked {
                CheckpointKind::Only
            } else if since_full.saturating_add(nanos(incremental) / 2) >= nanos(full) {
                CheckpointKind::Full
            } else {
                CheckpointKind::Incremental
            };
            self.checkpoint(kind).await;
        }
    }

    /// Says once that a start had to use an older checkpoint.
    fn tell_degraded(&self, stats: &CheckpointStats) {
        if let Some(reason) = &stats.degraded
            && !self.checkpoints.is_told.replace(true)
        {
            let text = format!("partition {}: checkpoint_chain_degraded: {reason}", self.id);
            (self.log)(Level::Warn, &text);
        }
    }

    /// How far apart full checkpoints and those of what changed are, as the pace of the shard allows.
    pub(super) fn checkpoint_intervals(&self) -> (Duration, Duration) {
        let (full, incremental) = (self.checkpoints.full_interval, self.checkpoints.incremental_interval);
        let needed = self.reserve.full_takes();
        if needed <= full {
            return (full, incremental);
        }
        let stretched = nanos(incremental) as f64 * (nanos(needed) as f64 / nanos(full).max(1) as f64);
        (needed, Duration::from_nanos(stretched as u64))
    }

    /// Makes a checkpoint if anything happened since the last one, or if it makes room, or if what is there
    /// cannot be used whole.
    pub(crate) async fn checkpoint(&self, kind: CheckpointKind) {
        let metrics = self.group.metrics();
        self.note_checkpoint(&metrics);
        let stats = self.group.checkpoints();
        let Some(applied) = metrics.applied.map(|at| at.index) else { return };
        let makes_room = kind == CheckpointKind::Only && (stats.older.is_some() || stats.chain.len() > 1);
        let is_new = Some(applied) > metrics.snapshot.map(|at| at.index);
        let is_degraded = stats.degraded.is_some();
        if !is_new && !makes_room && !is_degraded {
            return;
        }
        let kind =
            if is_degraded && kind == CheckpointKind::Incremental { CheckpointKind::Full } else { kind };
        if self.group.snapshot(kind).await.is_ok() {
            let now = self.rt.now();
            let checkpoints = &self.checkpoints;
            checkpoints.under_way.set(checkpoints.under_way.get().or(Some((applied, now))));
            checkpoints.ordered_ns.set(Some(now));
            // The first of a life is full, whatever was asked for.
            if kind != CheckpointKind::Incremental || stats.fulls == 0 {
                checkpoints.full_ns.set(Some(now));
            }
        }
    }

    /// Notes how far checkpoints have come.
    fn note_checkpoint(&self, metrics: &raft::Metrics) {
        let snapshot = metrics.snapshot.map(|at| at.index);
        let checkpoints = &self.checkpoints;
        if snapshot >= metrics.applied.map(|at| at.index) {
            checkpoints.covered_ns.set(self.rt.now());
            checkpoints.under_way.set(None);
        } else if let Some((_, at)) =
            checkpoints.under_way.get().filter(|(index, _)| snapshot >= Some(*index))
        {
            checkpoints.covered_ns.set(at);
            checkpoints.under_way.set(None);
        }
        self.reserve.set(self.group.machine(PartitionMachine::checkpoint_bytes));
    }

    /// Why the partition is not ready: its newest checkpoint is too old.
    pub(super) fn checkpoint_is_old(&self, metrics: &raft::Metrics) -> Option<String> {
        self.note_checkpoint(metrics);
        let uncovered = self.rt.now().saturating_sub(self.checkpoints.covered_ns.get());
        let (full, _) = self.checkpoint_intervals();
        (uncovered > 2 * nanos(full))
            .then(|| format!("its newest checkpoint is {} s behind", uncovered / 1_000_000_000))
    }

    /// How its checkpoints are.
    pub(super) fn checkpoint_report(&self) -> CheckpointReport {
        let (full, incremental) = self.checkpoint_intervals();
        let now = self.rt.now();
        CheckpointReport {
            age_ns: self.checkpoints.ordered_ns.get().map(|at| now.saturating_sub(at)),
            full_interval_ns: nanos(full),
            incremental_interval_ns: nanos(incremental),
            stats: self.group.checkpoints(),
        }
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
