//! Values from counts, sums and edges, as Prometheus computes them.
//!
//! Sources: Prometheus 3, functions `rate`, `increase`, `delta` (extrapolation), `quantile_over_time`,
//! and aggregation operators. Differences: sums are exact and rounded once; samples of one time are
//! several samples.

use crate::agg::exact::{ExactProducts, ExactSum};

/// A window that is extrapolated: its bounds and its first and last samples.
#[derive(Debug, Clone, Copy)]
pub(super) struct Edges {
    /// Start of the window, ns.
    pub start: i64,
    /// End of the window, ns.
    pub end: i64,
    /// Time of the first sample and its value.
    pub first: (i64, f64),
    /// Time of the last sample and its value.
    pub last: (i64, f64),
    /// Samples.
    pub count: u64,
}

/// What is done with a difference.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Slope {
    /// Per second, of a counter.
    Rate,
    /// Of a counter.
    Increase,
    /// Of a gauge.
    Delta,
}

/// Seconds between two times.
fn seconds(from: i64, to: i64) -> f64 {
    (i128::from(to) - i128::from(from)) as f64 / 1e9
}

/// `rate`, `increase` and `delta`: the difference of last and first sample, plus what `resets` lost, extrapolated
/// to the bounds of the window; none below two samples, or where all are of one time.
pub(super) fn extrapolated(slope: Slope, edges: &Edges, resets: Option<&ExactSum>) -> Option<f64> {
    let interval = seconds(edges.first.0, edges.last.0);
    if edges.count < 2 || interval == 0.0 {
        return None;
    }
    let mut total = resets.cloned().unwrap_or_default();
    total.add(edges.last.1);
    total.add(-edges.first.1);
    let total = total.value();
    let average = interval / (edges.count - 1) as f64;
    let reach = average * 1.1;
    let within = |gap: f64| if gap >= reach { average / 2.0 } else { gap };
    let mut to_start = within(seconds(edges.start, edges.first.0));
    if slope != Slope::Delta && total > 0.0 && edges.first.1 >= 0.0 {
        // A counter was never below zero.
        to_start = to_start.min(interval * (edges.first.1 / total));
    }
    let to_end = within(seconds(edges.last.0, edges.end));
    let mut factor = (interval + to_start + to_end) / interval;
    if slope == Slope::Rate {
        factor /= seconds(edges.start, edges.end);
    }
    Some(total * factor)
}

/// `stddev_over_time`: the root of (n·Σx² − (Σx)²) ÷ n², the ratio rounded once.
pub(super) fn stddev(n: u64, sum: &ExactSum, squares: &ExactProducts) -> f64 {
    if sum.has_special() {
        return f64::NAN;
    }
    let total = sum.exact();
    let scatter = squares.exact().times(u128::from(n)).sub(&total.mul(&total));
    scatter.divided_by(u128::from(n) * u128::from(n)).sqrt()
}

/// The φ-quantile of `n` samples, given those of rank `r` and `r + 1` in ascending order (NaN lowest; the last
/// stands for those beyond).
pub(super) fn quantile(phi: f64, n: u64, pair: impl FnOnce(u64) -> (f64, f64)) -> f64 {
    if n == 0 || phi.is_nan() {
        return f64::NAN;
    }
    if phi < 0.0 {
        return f64::NEG_INFINITY;
    }
    if phi > 1.0 {
        return f64::INFINITY;
    }
    let rank = phi * (n - 1) as f64;
    let weight = rank - rank.floor();
    let (low, high) = pair(rank.floor() as u64);
    super::canonical(low * (1.0 - weight) + high * weight)
}

/// The order of samples in quantiles: NaN below all.
pub(super) fn word(value: f64) -> i64 {
    if value.is_nan() { i64::MIN } else { crate::agg::value::word::from_f64(value, true) }
}

/// The sample of a word.
pub(super) fn of_word(word: i64) -> f64 {
    if word == i64::MIN { f64::NAN } else { crate::agg::value::word::to_f64(word) }
}
