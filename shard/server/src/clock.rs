//! The host's clock. The engine never reads it: it enters through the stamps of entries (R-DET-2).

use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Nanoseconds since 1970-01-01T00:00:00 UTC; 0 on a host that believes to be earlier.
#[expect(clippy::disallowed_methods, reason = "the run loop stamps entries, paces rows and measures itself")]
pub fn wall_ns() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_nanos()).unwrap_or(i64::MAX)
}

/// Sleeps until woken by [`thread::Thread::unpark`], at most `ns` nanoseconds.
pub fn park_ns(ns: i64) {
    thread::park_timeout(Duration::from_nanos(ns.max(0).unsigned_abs()));
}

/// Time since it was started.
#[derive(Debug, Clone, Copy)]
pub struct Stopwatch(Instant);

impl Stopwatch {
    /// Starts.
    #[expect(clippy::disallowed_methods, reason = "only for what is said about the run, never for results")]
    pub fn start() -> Self {
        Stopwatch(Instant::now())
    }

    /// Seconds since the start.
    pub fn seconds(&self) -> f64 {
        self.0.elapsed().as_secs_f64()
    }

    /// Milliseconds since the start.
    pub fn millis(&self) -> u128 {
        self.0.elapsed().as_millis()
    }
}
