//! How far time goes in a step: silence, jumps and the watermarks that catch up behind them.

use cep_types::StreamId;

use super::{Behind, Partition, Scratch};
use crate::actions::Actions;
use crate::time::Watermarks;

/// How much of a step can be run at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reach {
    /// So many rows, at least one.
    Rows(usize),
    /// Time jumps with the first row: it is run alone, and what it closes after it.
    Jump,
}

/// Whether time that goes from `from` to `to` jumps; a first time, which comes from nowhere, does not.
pub(super) fn is_jump(from: Option<i64>, to: i64, jump_ns: i64) -> bool {
    from.is_some_and(|from| to.saturating_sub(from) > jump_ns)
}

/// A time that was reached; the beginning of time was, or nothing came yet, which `has_begun` tells.
pub(super) fn reached(time: i64, has_begun: bool) -> Option<i64> {
    (has_begun || time != i64::MIN).then_some(time)
}

impl Partition {
    /// A step without rows in which the stamp advances to `stamp`.
    pub(super) fn timers(&mut self, stamp: i64, jumps: bool, actions: &mut Actions) {
        if jumps {
            self.graph.hold();
            self.cursor.behind = Some(Behind::default());
        } else {
            self.graph.run_freely();
        }
        self.scratch.stamps.clear();
        self.scratch.entry_rows.clear();
        self.scratch.stamps.push(stamp);
        self.silence(None);
        self.run(None, actions);
    }

    /// On the way of the stamp to `stamp`: a step up to where operators have enough to emit.
    /// Whether there was one.
    pub(super) fn stamp_jumps(&mut self, stamp: i64, actions: &mut Actions) -> bool {
        let Some(horizon) = self.stamp_horizon().filter(|&h| h < stamp) else { return false };
        self.timers(self.stamp.max(horizon), true, actions);
        true
    }

    /// Whether some operator has something that time may let go.
    pub(super) fn has_begun(&self) -> bool {
        self.graph.operators().any(|(_, op)| op.stamp_horizon().is_some() || op.watermark_horizon().is_some())
    }

    pub(super) fn stamp_horizon(&self) -> Option<i64> {
        self.graph.operators().filter_map(|(_, op)| op.stamp_horizon()).min()
    }

    /// A step without rows in which the watermarks go on.
    pub(super) fn catch_up(&mut self, behind: Behind, actions: &mut Actions) {
        self.graph.catch_up();
        self.scratch.stamps.clear();
        self.scratch.entry_rows.clear();
        self.scratch.stamps.push(self.stamp);
        if let Some(stream) = behind.active {
            let mut slot = self.graph.slot_of(stream).take();
            match &self.graph.clocks[stream.index()] {
                Some(clock) => clock.stay(&mut slot),
                None => slot = Watermarks::default(),
            }
            self.graph.put_slot(stream, slot);
        }
        self.silence(behind.active);
        self.run(behind.row, actions);
        self.cursor.behind = self.graph.pace.is_behind().then_some(behind);
    }

    /// How many rows of the step, whose stamps are known, can be run at once.
    pub(super) fn reach(&mut self, stream: StreamId, times: &[i64]) -> Reach {
        let Some(jump_ns) = self.graph.jump_ns else { return Reach::Rows(times.len()) };
        let spec = &self.program.streams[stream.index()].time;
        let begun = self.has_begun();
        let Scratch { stamps, tried, .. } = &mut self.scratch;
        let first = match &self.graph.clocks[stream.index()] {
            Some(clock) => {
                clock.clone().dense_rows(spec, times, stamps, tried);
                clock.watermark()
            }
            None => return Reach::Rows(times.len()),
        };
        let idle: Vec<i64> = (self.program.streams.iter().filter(|s| s.id != stream))
            .filter_map(|s| self.graph.clocks[s.id.index()].as_ref()?.idle_at(&s.time))
            .collect();
        let (mut watermark, mut stamp) = (first, self.stamp);
        for (row, &next_stamp) in stamps.iter().enumerate() {
            let next = tried.after(row);
            let was = |time| reached(time, begun || row > 0);
            let jumps = is_jump(was(watermark), next, jump_ns)
                || is_jump(was(stamp), next_stamp, jump_ns)
                || idle.iter().any(|&at| stamp < at && at <= next_stamp);
            if jumps {
                return if row == 0 { Reach::Jump } else { Reach::Rows(row) };
            }
            let at_first = |time| reached(time, begun);
            if is_jump(at_first(first), next, jump_ns) || is_jump(at_first(self.stamp), next_stamp, jump_ns) {
                return Reach::Rows(row + 1);
            }
            (watermark, stamp) = (next, next_stamp);
        }
        Reach::Rows(times.len())
    }

    /// Moves the clocks of the streams that have no rows in this step.
    pub(super) fn silence(&mut self, active: Option<StreamId>) {
        for stream in &self.program.streams {
            if Some(stream.id) == active {
                continue;
            }
            let at = stream.id.index();
            let Some(mut clock) = self.graph.clocks[at].take() else { continue };
            let mut slot: Watermarks = self.graph.slot_of(stream.id).take();
            clock.silence(&stream.time, &self.scratch.stamps, &mut slot);
            self.graph.put_slot(stream.id, slot);
            self.graph.clocks[at] = Some(clock);
        }
    }
}
