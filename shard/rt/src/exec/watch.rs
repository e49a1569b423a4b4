//! The watchdog: a shard that is kept from its loop says so, with the name of the task.

use std::cell::Cell;
use std::rc::Rc;

/// What stalled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StallKind {
    /// One poll of a task took too long: the task must yield or leave the shard.
    Poll,
    /// The loop was late for its tick with no long poll in between: the host took the core away.
    Loop,
}

/// One stall.
#[derive(Clone, Copy, Debug)]
pub struct StallReport {
    /// What stalled.
    pub kind: StallKind,
    /// The task, or `"loop"`.
    pub task: &'static str,
    /// How long, in nanoseconds.
    pub took_ns: u64,
}

/// Where stalls are told. Called on the shard's thread, so it must be quick.
pub type StallSink = Rc<dyn Fn(&StallReport)>;

/// Counts of an executor since it began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ExecStats {
    /// Polls of tasks.
    pub polls: u64,
    /// Tasks that are open now.
    pub tasks_open: usize,
    /// Polls longer than the threshold.
    pub stalls_poll: u64,
    /// Ticks later than the threshold.
    pub stalls_loop: u64,
    /// The longest poll, in nanoseconds.
    pub poll_ns_max: u64,
    /// The latest tick, in nanoseconds.
    pub tick_late_ns_max: u64,
    /// Wakes that only the permanent tick found: bells that the runtime below lost.
    pub wakes_rescued: u64,
}

/// Reads a monotone clock in nanoseconds.
pub(crate) type ReadClock = Box<dyn Fn() -> u64>;

pub(crate) struct Watchdog {
    clock: ReadClock,
    threshold_ns: u64,
    sink: Option<StallSink>,
    stats: Cell<ExecStats>,
}

impl Watchdog {
    pub(crate) fn new(clock: ReadClock, threshold_ns: u64, sink: Option<StallSink>) -> Self {
        Self { clock, threshold_ns, sink, stats: Cell::default() }
    }

    #[cfg(test)]
    pub(crate) fn silent() -> Self {
        Self::new(Box::new(|| 0), u64::MAX, None)
    }

    pub(crate) fn stats(&self) -> ExecStats {
        self.stats.get()
    }

    fn change(&self, change: impl FnOnce(&mut ExecStats)) {
        let mut stats = self.stats.get();
        change(&mut stats);
        self.stats.set(stats);
    }

    /// Runs one poll under watch.
    pub(super) fn poll(&self, task: &'static str, poll: impl FnOnce() -> bool) -> bool {
        let begin = (self.clock)();
        let finished = poll();
        let took_ns = (self.clock)().saturating_sub(begin);
        let stalled = took_ns > self.threshold_ns;
        self.change(|stats| {
            stats.polls += 1;
            stats.stalls_poll += u64::from(stalled);
            stats.poll_ns_max = stats.poll_ns_max.max(took_ns);
        });
        if stalled {
            self.tell(StallKind::Poll, task, took_ns);
        }
        finished
    }

    /// A tick came this much later than it was due; `long_poll` tells whether a poll is to blame.
    #[cfg_attr(not(feature = "glommio"), allow(dead_code, reason = "virtual ticks are never late"))]
    pub(crate) fn tick(&self, late_ns: u64, long_poll: bool, rescued: bool) {
        let stalled = late_ns > self.threshold_ns && !long_poll;
        self.change(|stats| {
            stats.stalls_loop += u64::from(stalled);
            stats.tick_late_ns_max = stats.tick_late_ns_max.max(late_ns);
            stats.wakes_rescued += u64::from(rescued);
        });
        if stalled {
            self.tell(StallKind::Loop, "loop", late_ns);
        }
    }

    fn tell(&self, kind: StallKind, task: &'static str, took_ns: u64) {
        if let Some(sink) = &self.sink {
            sink(&StallReport { kind, task, took_ns });
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;

    #[test]
    fn a_long_poll_is_told_by_name_and_counted() {
        let now = Rc::new(Cell::new(0));
        let told = Rc::new(RefCell::new(Vec::new()));
        let (clock, out) = (Rc::clone(&now), Rc::clone(&told));
        let sink: StallSink = Rc::new(move |report| out.borrow_mut().push((report.task, report.took_ns)));
        let dog = Watchdog::new(Box::new(move || clock.get()), 5_000_000, Some(sink));
        dog.poll("quick", || true);
        dog.poll("slow", || {
            now.set(now.get() + 6_000_000);
            true
        });
        assert_eq!(*told.borrow(), [("slow", 6_000_000)]);
        dog.tick(9_000_000, true, false);
        dog.tick(9_000_000, false, true);
        let stats = dog.stats();
        assert_eq!((stats.polls, stats.stalls_poll, stats.stalls_loop, stats.wakes_rescued), (2, 1, 1, 1));
        assert_eq!(told.borrow().last(), Some(&("loop", 9_000_000)));
    }
}
