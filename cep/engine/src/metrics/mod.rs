//! Metrics (R-BUN-2, R-BUN-3): samples of series in panes, and PromQL over windows of panes.
//!
//! [`labels`] keys of label tuples and matchers · [`pane`] what is kept of the samples of one pane ·
//! [`series`] the panes of one series with its windows · [`window`] the running state of a window, [`sorted`] its samples in order ·
//! [`formula`] values from sums, counts and edges, as Prometheus has them · [`set`] the series of a
//! selector · [`level`] aggregation over series or lanes · [`query`] an expression with its lanes ·
//! [`plan`] a plan node checked and numbered · [`store`] all of it · [`size`] what it takes.
//!
//! Invariants:
//! - A pane is `floor(ts / pane)`, left-closed and right-open. A value is that of a *head*, the newest
//!   pane looked at: the samples of the panes `(head − offset − range, head − offset]`.
//! - Panes are the state. Windows and aggregates are made of them, exactly, so that those that run along
//!   and those made anew after a restart have the same values, and only panes are written.
//! - Windows go forward with the head, each pane in once and out once: the cost of a value does not
//!   grow with the length of its window. Going back makes them anew.
//! - A series is there while it has a sample that some window can still reach (or that may still be
//!   corrected); a lane while it has such a series.
//! - A sample is a double with one NaN and no −0 (R-DET-4).

mod formula;
mod labels;
mod level;
mod pane;
mod plan;
mod query;
mod series;
mod set;
mod size;
mod sorted;
mod store;
mod window;

pub use labels::{LabelTuples, put_label, split_labels};
pub use plan::MetricsPlan;
pub use size::{MetricsSize, SizeInput, estimate};
pub use store::{Metrics, Reading};

/// The sample of a value that only distinct counts read, by its bytes as part of a key.
pub fn distinct_sample(key: &[u8]) -> f64 {
    f64::from(crate::agg::sketch::LogLog::entry(crate::keys::hash_bytes(key)))
}

/// A sample as it is kept: one NaN, no −0.
pub fn canonical(value: f64) -> f64 {
    if value.is_nan() { f64::NAN } else { value + 0.0 }
}
