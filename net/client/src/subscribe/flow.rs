//! How much of a partition was delivered and taken, between the connection, the partition's task and
//! the consumer.
//!
//! Invariant: rows that were delivered and not taken are at most the allowance.

use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Mutex, PoisonError};

use net_wire::Window;
use tokio::sync::Notify;

/// One partition's flow.
pub(super) struct Flow {
    allowance: Window,
    counts: Mutex<Counts>,
    /// Told when rows were taken.
    pub(super) taken: Notify,
    watermark_ns: AtomicI64,
    /// Whether news of the watermark is on its way to the consumer: there is at most one.
    has_watermark: AtomicBool,
    /// Whether it was passed on.
    is_watermark_passed: AtomicBool,
}

#[derive(Clone, Copy, Default)]
struct Counts {
    /// Delivered in all.
    delivered: Window,
    /// Of these, passed on to the consumer.
    passed: Window,
    /// Of these, taken by it.
    taken: Window,
    /// `delivered` when the subscription that runs began.
    begun_at: Window,
    /// `taken` when the last allowance was told.
    told_at: Window,
    /// What the server was told, counted from `begun_at`.
    allowed: Window,
}

impl Flow {
    pub(super) fn new(allowance: Window) -> Self {
        Flow {
            allowance,
            counts: Mutex::default(),
            taken: Notify::new(),
            watermark_ns: AtomicI64::new(i64::MIN),
            has_watermark: AtomicBool::new(false),
            is_watermark_passed: AtomicBool::new(false),
        }
    }

    fn change<T>(&self, change: impl FnOnce(&mut Counts) -> T) -> T {
        change(&mut self.counts.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// A subscription begins: what it may send. What the one before delivered and was not passed on is
    /// forgotten: it comes again.
    pub(super) fn begin(&self) -> Window {
        self.has_watermark.store(self.is_watermark_passed.load(Ordering::Acquire), Ordering::Release);
        self.change(|counts| {
            counts.delivered = counts.passed;
            counts.begun_at = counts.delivered;
            counts.allow(self.allowance)
        })
    }

    /// What the subscription may send now, when it is worth telling: at least half of the allowance was
    /// taken since it was told.
    pub(super) fn raise(&self) -> Option<Window> {
        self.change(|counts| {
            let rows = counts.taken.events - counts.told_at.events;
            let bytes = counts.taken.bytes - counts.told_at.bytes;
            let Window { events: rows_max, bytes: bytes_max } = self.allowance;
            let is_worth = rows >= (rows_max / 2).max(1) || bytes >= (bytes_max / 2).max(1);
            is_worth.then(|| counts.allow(self.allowance))
        })
    }

    /// Rows came.
    ///
    /// # Errors
    /// When they were not allowed.
    pub(super) fn deliver(&self, rows: u64, bytes: u64) -> Result<(), String> {
        self.change(|counts| {
            let before = Window {
                events: counts.delivered.events - counts.begun_at.events,
                bytes: counts.delivered.bytes - counts.begun_at.bytes,
            };
            let Window { events, bytes: bytes_max } = counts.allowed;
            if before.events + rows > events || before.bytes >= bytes_max {
                let Window { events: rows_before, bytes } = before;
                return Err(format!(
                    "{rows} rows behind {rows_before} rows and {bytes} bytes; {events} rows and \
                     {bytes_max} bytes are allowed"
                ));
            }
            counts.delivered.events += rows;
            counts.delivered.bytes += bytes;
            Ok(())
        })
    }

    /// The consumer has these now.
    pub(super) fn take(&self, rows: u64, bytes: u64) {
        self.change(|counts| {
            counts.taken.events += rows;
            counts.taken.bytes += bytes;
        });
        self.taken.notify_one();
    }

    /// Rows that were delivered go to the consumer.
    pub(super) fn pass(&self, rows: u64, bytes: u64) {
        self.change(|counts| {
            counts.passed.events += rows;
            counts.passed.bytes += bytes;
        });
    }

    /// News of the watermark go to the consumer.
    pub(super) fn pass_watermark(&self) {
        self.is_watermark_passed.store(true, Ordering::Release);
    }

    /// News of the watermark; whether the consumer is to be told.
    pub(super) fn put_watermark(&self, watermark_ns: i64) -> bool {
        self.watermark_ns.store(watermark_ns, Ordering::Release);
        !self.has_watermark.swap(true, Ordering::AcqRel)
    }

    /// The newest watermark, for the consumer.
    pub(super) fn take_watermark(&self) -> i64 {
        self.is_watermark_passed.store(false, Ordering::Release);
        self.has_watermark.store(false, Ordering::Release);
        self.watermark_ns.load(Ordering::Acquire)
    }
}

impl Counts {
    fn allow(&mut self, allowance: Window) -> Window {
        self.told_at = self.taken;
        let of = |allowance: u64, taken: u64, begun_at: u64| {
            allowance.saturating_add(taken).saturating_sub(begun_at)
        };
        self.allowed = Window {
            events: of(allowance.events, self.taken.events, self.begun_at.events),
            bytes: of(allowance.bytes, self.taken.bytes, self.begun_at.bytes),
        };
        self.allowed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(events: u64, bytes: u64) -> Window {
        Window { events, bytes }
    }

    #[test]
    fn more_is_allowed_when_half_was_taken() {
        let flow = Flow::new(window(10, 1_000));
        assert_eq!(flow.begin(), window(10, 1_000));
        flow.deliver(8, 80).unwrap();
        assert!(flow.deliver(3, 10).is_err());
        flow.take(4, 40);
        assert_eq!(flow.raise(), None);
        flow.take(1, 10);
        assert_eq!(flow.raise(), Some(window(15, 1_050)));
        assert_eq!(flow.raise(), None);
        flow.deliver(7, 5_000).unwrap();
        assert!(flow.deliver(1, 1).is_err(), "the bytes are used up");
    }

    #[test]
    fn a_new_subscription_is_allowed_what_is_not_in_memory() {
        let flow = Flow::new(window(10, 1_000));
        flow.begin();
        flow.deliver(10, 1_500).unwrap();
        flow.pass(10, 1_500);
        flow.take(4, 400);
        assert_eq!(flow.begin(), window(4, 0));
        assert!(flow.deliver(5, 1).is_err());
        flow.take(6, 1_100);
        assert_eq!(flow.raise(), Some(window(10, 1_000)));
    }

    #[test]
    fn what_was_not_passed_on_is_forgotten() {
        let flow = Flow::new(window(10, 1_000));
        flow.begin();
        flow.deliver(6, 600).unwrap();
        flow.pass(2, 200);
        assert!(flow.put_watermark(5) && !flow.put_watermark(6));
        assert_eq!(flow.begin(), window(8, 800));
        assert!(flow.put_watermark(7), "the news before did not reach anybody");
        flow.pass_watermark();
        flow.begin();
        assert!(!flow.put_watermark(8));
        assert_eq!(flow.take_watermark(), 8);
        assert!(flow.put_watermark(9));
    }
}
