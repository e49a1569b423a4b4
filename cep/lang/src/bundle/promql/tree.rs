//! What an expression computes, by names.

use crate::plan::{MatchOp, RangeFunc, VectorOp};

/// An expression.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Tree {
    /// `rate(m{…}[5m] offset 1m)`.
    Range {
        /// The function.
        func: RangeFunc,
        /// The series.
        selector: Selector,
        /// Length, ns.
        range_ns: i64,
        /// How far back, ns.
        offset_ns: i64,
    },
    /// `m{…}`.
    Instant {
        /// The series.
        selector: Selector,
        /// How far back, ns.
        offset_ns: i64,
    },
    /// `sum by (a)(…)`.
    Aggregate {
        /// The operator.
        op: VectorOp,
        /// Labels that are kept, with their places; of `topk` those of a group.
        by: Vec<(String, (usize, usize))>,
        /// What it aggregates.
        input: Box<Tree>,
    },
}

/// Series of a metric.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Selector {
    /// The metric.
    pub metric: String,
    /// Where it stands.
    pub place: (usize, usize),
    /// All must hold; by label, then as written.
    pub matchers: Vec<Matcher>,
}

/// A condition on a label.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Matcher {
    /// The label.
    pub label: String,
    /// How it is compared.
    pub op: MatchOp,
    /// With what.
    pub value: String,
}

impl Tree {
    /// What it reads.
    pub(crate) fn selector(&self) -> &Selector {
        match self {
            Tree::Range { selector, .. } | Tree::Instant { selector, .. } => selector,
            Tree::Aggregate { input, .. } => input.selector(),
        }
    }

    /// Length of the window and how far back it ends, ns; of an instant selector, of what it looks back.
    pub(crate) fn window(&self, lookback_ns: i64) -> (i64, i64) {
        match self {
            Tree::Range { range_ns, offset_ns, .. } => (*range_ns, *offset_ns),
            Tree::Instant { offset_ns, .. } => (lookback_ns, *offset_ns),
            Tree::Aggregate { input, .. } => input.window(lookback_ns),
        }
    }

    /// Labels of the result, ascending; `None`: all that the metric has.
    pub(crate) fn labels(&self) -> Option<Vec<&str>> {
        match self {
            Tree::Range { .. } | Tree::Instant { .. } => None,
            Tree::Aggregate { op: VectorOp::TopK(_), input, .. } => input.labels(),
            Tree::Aggregate { by, .. } => {
                let mut labels: Vec<&str> = by.iter().map(|(label, _)| label.as_str()).collect();
                labels.sort_unstable();
                labels.dedup();
                Some(labels)
            }
        }
    }

    /// Labels that any part of it groups by, with their places.
    pub(crate) fn grouped(&self) -> Vec<&(String, (usize, usize))> {
        match self {
            Tree::Range { .. } | Tree::Instant { .. } => Vec::new(),
            Tree::Aggregate { by, input, .. } => by.iter().chain(input.grouped()).collect(),
        }
    }

    /// Whether the samples are only told apart, so that they need not be numbers.
    pub(crate) fn is_distinct(&self) -> bool {
        match self {
            Tree::Range { func, .. } => *func == RangeFunc::Distinct,
            Tree::Instant { .. } => false,
            Tree::Aggregate { input, .. } => input.is_distinct(),
        }
    }

    /// Labels that series must keep so that the value is right; `None`: all.
    ///
    /// What is aggregated by the same operation over samples and over series may be aggregated over all samples of
    /// a group at once: sums and counts by `sum`, minima by `min`, maxima by `max`, distinct values. All else is a
    /// value a series first, and series are told apart by all their labels.
    pub(crate) fn identity(&self) -> Option<Vec<&str>> {
        let Tree::Aggregate { op, by, input } = self else { return None };
        let merges = match (&**input, op) {
            (Tree::Range { func, .. }, op) => matches!(
                (func, op),
                (RangeFunc::Sum | RangeFunc::Count, VectorOp::Sum)
                    | (RangeFunc::Min, VectorOp::Min)
                    | (RangeFunc::Max, VectorOp::Max)
                    | (RangeFunc::Distinct, VectorOp::Distinct)
            ),
            (Tree::Instant { .. }, _) => false,
            (inner, _) => return inner.identity(),
        };
        merges.then(|| by.iter().map(|(label, _)| label.as_str()).collect())
    }

    /// Whether late samples can always correct it (R-LATE-2).
    pub(crate) fn is_retractable(&self) -> bool {
        match self {
            Tree::Range { func, .. } => {
                matches!(func, RangeFunc::Count | RangeFunc::Sum | RangeFunc::Avg | RangeFunc::Stddev)
            }
            Tree::Instant { .. } => false,
            Tree::Aggregate { op, input, .. } => {
                matches!(op, VectorOp::Sum | VectorOp::Count | VectorOp::Avg) && input.is_retractable()
            }
        }
    }
}
