//! The operators of a program in topological order, and the edges between them.
//!
//! Invariants:
//! - A node's inputs are edges written earlier in the order; the order is that of statements
//!   wherever dependencies leave a choice.
//! - Each edge is written by one node a step; a stream that several queries write is a merge node.
//! - Each edge has a watermark slot; operators share their input's, merges and streams with an
//!   event time of their own have one.

mod build;
mod due;
mod pace;
mod run;
mod state;
mod tables;

pub use build::{BuildError, Graph};
pub(crate) use build::{EdgeId, NodeKind, SlotId};
pub(crate) use run::QueryError;
