//! PromQL of bundles: text to a tree of what is computed, before columns and lanes are known.
//!
//! `token` where things stand, and `distinct` in a form that PromQL has · `read` the parser's tree into ours, with
//! reasons for what is refused · `tree` ours.
//!
//! Invariants:
//! - A tree reads one metric: nothing combines two.
//! - What is not refused is computed as Prometheus does; `distinct` is the one extension.

mod read;
mod token;
mod tree;

pub(crate) use read::read;
pub(crate) use tree::{Selector, Tree};
