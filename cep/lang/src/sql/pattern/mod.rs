//! Patterns: `PATTERN (…)`, `SEQUENCE (…)` and `MATCH_RECOGNIZE (…)`.
//!
//! `chain` what stands in the brackets of PATTERN and SEQUENCE · `clauses` what stands behind them ·
//! `recognize` the clauses of MATCH_RECOGNIZE · `shape` its row pattern · `quantifier` how often.
//!
//! Invariants:
//! - Brackets nest at most [`DEPTH_MAX`] deep, and nothing else recurses.
//! - Where WITHIN or EVERY could be read in two ways, it is an error that shows both.

mod chain;
mod clauses;
mod quantifier;
mod recognize;
mod shape;

/// Deepest nesting of brackets in a pattern.
pub(super) const DEPTH_MAX: usize = 32;

/// Most parts of one pattern: elements, groups and quantifiers.
pub(super) const PARTS_MAX: usize = 1_000;
