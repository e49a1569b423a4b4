//! How long to wait before the next try.
//!
//! Invariant: a wait is never shorter than the server asked for, and never longer than what is asked
//! for or the policy's longest, with a quarter of jitter on top.

use std::time::Duration;

use crate::options::RetryPolicy;
use crate::random;

/// Counts failures in a row.
#[derive(Debug, Clone)]
pub(crate) struct Backoff {
    policy: RetryPolicy,
    failures: u32,
}

impl Backoff {
    pub(crate) fn new(policy: RetryPolicy) -> Self {
        Backoff { policy, failures: 0 }
    }

    /// Whether nothing failed since it worked.
    pub(crate) fn is_fresh(&self) -> bool {
        self.failures == 0
    }

    /// It worked.
    pub(crate) fn reset(&mut self) {
        self.failures = 0;
    }

    /// It failed: how long to wait, and at least `asked`.
    pub(crate) fn next(&mut self, asked: Duration) -> Duration {
        let doubled = self.policy.initial.saturating_mul(2_u32.saturating_pow(self.failures));
        self.failures = self.failures.saturating_add(1);
        let wait = doubled.min(self.policy.max).max(asked);
        let jitter_us = u64::try_from(wait.as_micros() / 4).unwrap_or(u64::MAX);
        wait + Duration::from_micros(random::below(jitter_us))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_longest_with_some_jitter() {
        let ms = Duration::from_millis;
        let mut backoff = Backoff::new(RetryPolicy { initial: ms(10), max: ms(100) });
        for expected in [10, 20, 40, 80, 100, 100] {
            let wait = backoff.next(Duration::ZERO);
            assert!(wait >= ms(expected) && wait <= ms(expected) * 5 / 4, "{wait:?}");
        }
        assert!(backoff.next(ms(700)) >= ms(700));
        backoff.reset();
        assert!(backoff.next(Duration::ZERO) < ms(13));
        backoff.failures = u32::MAX;
        assert!(backoff.next(Duration::ZERO) <= ms(125));
    }
}
