//! Promises of whole aggregates.

mod calls;
mod large;
mod monoid;
mod refusals;
mod values;

use proptest::test_runner::Config;

/// `count` cases, a hundred times as many with `CEPTRA_DEEP=1`.
pub(super) fn cases(count: u32) -> Config {
    let deep = std::env::var("CEPTRA_DEEP").is_ok_and(|v| v == "1");
    Config { failure_persistence: None, ..Config::with_cases(if deep { count * 100 } else { count }) }
}
