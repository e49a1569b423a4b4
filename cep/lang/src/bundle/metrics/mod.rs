//! The metrics of a phase's rows: what a row says of them, which series and lanes there are.
//!
//! `source` metrics and labels as columns · `lanes` how many lanes an expression has · `build` the plan's node.
//!
//! Invariants:
//! - A query is computed only where a rule or a sink reads it.
//! - Series are told apart by all labels of their metric, except where the value is the same without (`identity`).

mod build;
mod lanes;
mod source;

pub(crate) use build::{Bound, Consumer, MetricColumns, QueryUse, build, fixed};
pub(crate) use lanes::{LANES_MAX, LANES_WARN, lanes_of, values_of};
pub use lanes::{LabelLanes, LaneUse};
pub(crate) use source::{LabelFrom, MetricFrom, SampleFrom};

/// Age from which a sample is stale, ns: that of Prometheus.
pub(crate) const LOOKBACK_NS: i64 = 300_000_000_000;
