//! YAML with places: what was written, where, and nothing that a bundle does not need.
//!
//! `read` events of the parser into a tree, with its limits · `tree` the tree · `place` bytes of a scalar's value
//! back to bytes of the text.
//!
//! Invariants:
//! - Time and memory are bounded by the text: no aliases, so nothing is repeated; depth and nodes are limited.
//! - A mapping has each key once; keys are texts.

mod place;
mod read;
mod tree;

pub(crate) use read::read;
pub(crate) use tree::{Entry, Scalar, Yaml, YamlKind};

/// Longest bundle, in bytes.
pub const BUNDLE_BYTES_MAX: usize = 2 << 20;
/// Deepest nesting.
pub(crate) const DEPTH_MAX: usize = 32;
/// Most scalars, lists and mappings.
pub(crate) const NODES_MAX: usize = 200_000;
