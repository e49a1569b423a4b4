//! Rate limits: row `n` passes when `n` intervals have gone by since the first.

use cep_types::options::Rate;

/// The rate limits of a source or sink; none: rows pass at once.
#[derive(Debug, Default)]
pub struct RateGates {
    rates: Vec<Rate>,
    start_ns: Option<i64>,
    taken: u64,
}

impl RateGates {
    /// All of `rates` at once.
    pub fn new(rates: Vec<Rate>) -> Self {
        RateGates { rates, start_ns: None, taken: 0 }
    }

    /// How many of `wanted` rows may pass now, and the wall-clock time at which the next one may, ns.
    pub fn allowed(&mut self, wanted: usize, now_ns: i64) -> (usize, i64) {
        if self.rates.is_empty() {
            return (wanted, now_ns);
        }
        let start_ns = *self.start_ns.get_or_insert(now_ns);
        let due = |ahead: usize| {
            let row = self.taken + ahead as u64;
            let due_ns = self.rates.iter().map(|rate| rate.due_ns(row)).max().unwrap_or(0);
            start_ns.saturating_add(due_ns)
        };
        // Due times ascend: the first row that is not due ends what may pass.
        let (mut low, mut high) = (0, wanted);
        while low < high {
            let middle = low + (high - low) / 2;
            if due(middle) <= now_ns {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        (low, due(low))
    }

    /// Notes that so many rows have passed.
    pub fn take(&mut self, rows: usize) {
        self.taken += rows as u64;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_pass_at_the_slowest_of_the_rates() {
        let rate = |rows| Rate { rows, per_ns: 1_000 };
        let mut gates = RateGates::new(vec![rate(10), rate(2)]);
        assert_eq!(gates.allowed(8, 50), (1, 550));
        gates.take(1);
        assert_eq!(gates.allowed(8, 549), (0, 550));
        assert_eq!(gates.allowed(8, 2_050), (4, 2_550));
        assert_eq!(gates.allowed(3, 9_999), (3, 2_050));
        assert_eq!(RateGates::default().allowed(7, 5), (7, 5));
    }
}
