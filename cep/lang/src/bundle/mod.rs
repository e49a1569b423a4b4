//! Bundles: metrics in PromQL and rules in CEL, written in YAML, compiled to the same plan as SQL (SPEC §7).
//!
//! Here the way through: `yaml` text to a tree with places · `keys` the table of all keys · `check`, `load` the tree
//! into the `model` · `resolve` which phase reads which · `promql` expressions · `columns` types of a source's columns
//! · `metrics` series and lanes · `rules` conditions and events · `compile` the phases into a session · `schema` the
//! JSON Schema.
//!
//! Invariants:
//! - What is written has an effect, or is an error or a warning that says so.
//! - Every diagnostic points into the YAML.
//! - The same text gives the same plan: no order depends on a hash.

mod check;
mod columns;
mod compile;
mod keys;
mod load;
mod metrics;
mod model;
mod promql;
mod resolve;
mod rules;
mod schema;
mod yaml;

pub use compile::{Compiled, compile};
pub use metrics::{LabelLanes, LaneUse};
pub use schema::json_schema;
pub use yaml::BUNDLE_BYTES_MAX;

/// Whether a text is a bundle rather than SQL: its first line that is no comment is a key of a bundle, or opens a
/// mapping in braces.
pub fn is_bundle(text: &str) -> bool {
    let text = text.trim_start_matches('\u{feff}');
    let lines = text.lines().map(str::trim_end);
    let first = lines.into_iter().find(|line| {
        let line = line.trim_start();
        !line.is_empty() && !line.starts_with('#') && line != "---" && !line.starts_with('%')
    });
    let Some(first) = first else { return false };
    let first = first.trim_start().trim_start_matches(['{', '"', '\'']).trim_start();
    ["bundle", "workflow"].iter().any(|key| {
        let rest = first.strip_prefix(key).map(|rest| rest.trim_start_matches(['"', '\'']).trim_start());
        rest.is_some_and(|rest| rest.starts_with(':'))
    })
}
