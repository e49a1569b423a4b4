//! How many lanes an expression has at most (R-BUN-3).

use std::collections::{BTreeMap, BTreeSet};

use crate::bundle::promql::{Selector, Tree};
use crate::plan::MatchOp;

/// Lanes of an expression at most.
pub(crate) const LANES_MAX: u64 = 64;
/// Lanes from which there is a warning.
pub(crate) const LANES_WARN: u64 = 48;

/// The lanes of an expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LaneUse {
    /// Its phase.
    pub phase: String,
    /// Its name there.
    pub query: String,
    /// The labels of its result.
    pub labels: Vec<LabelLanes>,
    /// Lanes at most: the product.
    pub lanes: u64,
    /// Series that are told apart at most.
    pub series_max: u64,
}

/// Values of a label.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LabelLanes {
    /// The label.
    pub label: String,
    /// Values at most.
    pub values: u64,
    /// Whether a matcher says so, and no lane domain.
    pub by_matcher: bool,
}

/// Values of a label at most, by the matchers of a selector or its domain; `None`: nothing bounds it.
pub(crate) fn values_of(
    label: &str,
    selector: &Selector,
    domains: &BTreeMap<String, u64>,
) -> Option<LabelLanes> {
    let matched = selector.matchers.iter().filter(|m| m.label == label).filter_map(|m| match m.op {
        MatchOp::Equal => Some(1),
        MatchOp::Matches => literals(&m.value),
        MatchOp::NotEqual | MatchOp::NotMatches => None,
    });
    let matched = matched.min();
    let (values, by_matcher) = match (matched, domains.get(label).copied()) {
        (Some(matched), Some(domain)) if domain < matched => (domain, false),
        (Some(matched), _) => (matched, true),
        (None, Some(domain)) => (domain, false),
        (None, None) => return None,
    };
    Some(LabelLanes { label: label.to_owned(), values, by_matcher })
}

/// Texts that a regular expression matches, if it is nothing but a choice of them.
fn literals(regex: &str) -> Option<u64> {
    let inner = regex.strip_prefix('(').and_then(|inner| inner.strip_suffix(')')).unwrap_or(regex);
    if inner.contains(['\\', '.', '*', '+', '?', '(', ')', '[', ']', '{', '}', '^', '$']) {
        return None;
    }
    let texts: BTreeSet<&str> = inner.split('|').collect();
    u64::try_from(texts.len()).ok()
}

/// The lanes of an expression whose result has these labels.
///
/// # Errors
/// The first label that nothing bounds.
pub(crate) fn lanes_of(
    tree: &Tree,
    labels: &[String],
    domains: &BTreeMap<String, u64>,
) -> Result<(Vec<LabelLanes>, u64), String> {
    let selector = tree.selector();
    let each: Result<Vec<LabelLanes>, String> =
        labels.iter().map(|label| values_of(label, selector, domains).ok_or_else(|| label.clone())).collect();
    let each = each?;
    let lanes = each.iter().fold(1_u64, |product, label| product.saturating_mul(label.values));
    Ok((each, lanes))
}

impl std::fmt::Display for LaneUse {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let each = self.labels.iter().map(|l| {
            let why = if l.by_matcher { "matched" } else { "domain" };
            format!("{} {} ({why})", l.label, l.values)
        });
        let each: Vec<String> = each.collect();
        let labels = if each.is_empty() { "no labels".to_owned() } else { each.join(" × ") };
        write!(f, "{}.{}: {} = {}", self.phase, self.query, labels, self.lanes)
    }
}
