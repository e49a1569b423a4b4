//! What happens to a record that cannot be read or written (R-SQL-9).

use super::OptionError;
use super::pairs::Pairs;

/// Strategy and loudness.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ErrorPolicy {
    /// What happens to the record.
    pub strategy: ErrorStrategy,
    /// How loud its message is.
    pub log_level: LogLevel,
}

/// What happens to a record that failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ErrorStrategy {
    /// It is counted, reported at the log level, and left out.
    Drop,
    /// A connector's read or write error is tried again; a malformed record, which no second try
    /// would mend, is dropped as with `Drop`.
    Retry(RetryPolicy),
    /// It goes to another stream with reason, position and original bytes.
    DeadLetter {
        /// Name of that stream, as written.
        stream: String,
    },
    /// The run stops with the error.
    Fail,
}

/// Level of the message about a failed record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum LogLevel {
    /// No message; the count remains.
    Off,
    /// Shown with the most verbose setting.
    Trace,
    /// Shown when debugging.
    Debug,
    /// Shown when verbose.
    Info,
    /// Shown by default.
    Warn,
    /// Always shown.
    Error,
}

/// How the delay between tries grows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Backoff {
    /// Doubles.
    Exponential,
    /// Grows by the initial delay.
    Linear,
    /// Stays.
    Fixed,
}

/// Retries of one failed read or write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryPolicy {
    /// Tries after the first, at least 1.
    pub attempts_max: u32,
    /// Growth of the delay.
    pub backoff: Backoff,
    /// Delay before the first retry, nanoseconds.
    pub initial_delay_ns: i64,
    /// Longest delay, nanoseconds.
    pub delay_ns_max: i64,
}

impl RetryPolicy {
    /// Delay before retry `attempt` (from 1), nanoseconds; `None` when the tries are used up.
    pub fn delay_ns(&self, attempt: u32) -> Option<i64> {
        if attempt == 0 || attempt > self.attempts_max {
            return None;
        }
        let factor = match self.backoff {
            Backoff::Fixed => 1,
            Backoff::Linear => i64::from(attempt),
            Backoff::Exponential => 1_i64 << (attempt - 1).min(62),
        };
        Some(self.initial_delay_ns.saturating_mul(factor).min(self.delay_ns_max))
    }
}

impl ErrorPolicy {
    pub(super) fn take(pairs: &mut Pairs) -> Result<ErrorPolicy, OptionError> {
        let strategy = pairs.word("error.strategy", "drop", &["drop", "retry", "dlq", "fail"])?;
        let strategy = match strategy {
            "retry" => ErrorStrategy::Retry(take_retry(pairs)?),
            "dlq" => {
                let stream = pairs.text("error.dlq.stream").ok_or_else(|| {
                    OptionError::new("error.strategy", "'dlq' needs the stream that takes the failed records")
                        .suggest("add 'error.dlq.stream' = 'name'")
                })?;
                if stream.trim().is_empty() {
                    return Err(OptionError::new("error.dlq.stream", "the name is empty"));
                }
                ErrorStrategy::DeadLetter { stream }
            }
            "fail" => ErrorStrategy::Fail,
            _ => ErrorStrategy::Drop,
        };
        let log_level = match pairs.word(
            "error.log-level",
            "warn",
            &["off", "trace", "debug", "info", "warn", "error"],
        )? {
            "off" => LogLevel::Off,
            "trace" => LogLevel::Trace,
            "debug" => LogLevel::Debug,
            "info" => LogLevel::Info,
            "error" => LogLevel::Error,
            _ => LogLevel::Warn,
        };
        Ok(ErrorPolicy { strategy, log_level })
    }
}

fn take_retry(pairs: &mut Pairs) -> Result<RetryPolicy, OptionError> {
    let backoff =
        match pairs.word("error.retry.backoff", "exponential", &["exponential", "linear", "fixed"])? {
            "linear" => Backoff::Linear,
            "fixed" => Backoff::Fixed,
            _ => Backoff::Exponential,
        };
    let policy = RetryPolicy {
        attempts_max: pairs.integer("error.retry.max-attempts", 3, 1..=1_000_000)? as u32,
        backoff,
        initial_delay_ns: pairs.duration("error.retry.initial-delay", 100_000_000)?,
        delay_ns_max: pairs.duration("error.retry.max-delay", 30_000_000_000)?,
    };
    if policy.delay_ns_max < policy.initial_delay_ns {
        return Err(OptionError::new("error.retry.max-delay", "is shorter than 'error.retry.initial-delay'"));
    }
    Ok(policy)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_grow_as_named_up_to_the_cap_and_end() {
        let delays = |backoff| {
            let policy = RetryPolicy { attempts_max: 5, backoff, initial_delay_ns: 100, delay_ns_max: 450 };
            (1..=6).map(|n| policy.delay_ns(n)).collect::<Vec<_>>()
        };
        let some = |values: [i64; 5]| values.into_iter().map(Some).chain([None]).collect::<Vec<_>>();
        assert_eq!(delays(Backoff::Exponential), some([100, 200, 400, 450, 450]));
        assert_eq!(delays(Backoff::Linear), some([100, 200, 300, 400, 450]));
        assert_eq!(delays(Backoff::Fixed), some([100, 100, 100, 100, 100]));
    }
}
