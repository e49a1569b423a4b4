//! Test counts, read from what the test harness prints.

use std::fmt;

/// Sums over all `test result:` lines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Totals {
    pub(super) passed: u64,
    pub(super) failed: u64,
}

impl Totals {
    /// Adds the counts of one output line; other lines change nothing.
    pub(super) fn read(&mut self, line: &str) {
        let Some(counts) = line.strip_prefix("test result: ") else {
            return;
        };
        for part in counts.split(['.', ';']) {
            let mut words = part.split_whitespace();
            if let (Some(Ok(count)), Some(kind)) = (words.next().map(str::parse), words.next()) {
                self.add(count, kind);
            }
        }
    }

    fn add(&mut self, count: u64, kind: &str) {
        match kind {
            "passed" => self.passed += count,
            "failed" => self.failed += count,
            _ => {}
        }
    }

    /// Whether no test was counted.
    pub(super) fn is_empty(self) -> bool {
        self.passed == 0 && self.failed == 0
    }
}

impl fmt::Display for Totals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} passed, {} failed", self.passed, self.failed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_of_several_binaries_are_added_and_other_lines_ignored() {
        let mut totals = Totals::default();
        for line in [
            "running 3 tests",
            "test a::passed ... ok",
            "test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.00s",
            "test result: FAILED. 10 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out; finished in 1.25s",
        ] {
            totals.read(line);
        }
        assert_eq!(totals, Totals { passed: 13, failed: 2 });
    }
}
