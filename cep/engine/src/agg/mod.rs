//! Aggregates as monoids (R-DET-5): states that rows are added to and removed from, that merge,
//! and that encode to bytes which depend on the rows alone.
//!
//! # Use
//! ```ignore
//! let plan = Arc::new(AggPlan::new(&calls, AggOptions { merged: true, ..AggOptions::default() })?);
//! // Per chunk: evaluate plan.inputs() to columns, give each row its dense group id.
//! let mut set = AggSet::new(Arc::clone(&plan));
//! set.resize(groups_so_far);
//! set.update(&groups, &AggInput { columns: &columns, rows: Rows::From(0), ts: &ts, seq: &seq });
//! // Panes: window.merge(w, &panes, p).
//! // On close: one column per call.
//! let mut out: Vec<Column> = plan.result_types().map(Column::new).collect();
//! set.emit_all(&closed, &mut out, &mut errors);
//! closed.iter().for_each(|&g| set.forget(g));
//! // Checkpoint and state hash: set.encode(g, &mut bytes); set.decode(g, &mut slice)?.
//! ```
//! Sliding windows: plan with `removal: true`; where [`AggPlan::is_removable`] use
//! [`AggSet::slide`] (or [`AggSet::remove`]), else rebuild the group from the rows in the window.
//!
//! `seq` decides between rows of one ts and is part of the bytes of order-sensitive states: give
//! it a position that does not change when rows are regrouped into other entries.
//!
//! # Invariants
//! - The value and the encoded bytes of a group are functions of the multiset of its rows (with
//!   their ts and seq for order-sensitive aggregates), not of the order of adds, merges and
//!   removals; `AggPlan::is_arrival_ordered` names the exceptions.
//! - Updates never fail; what can fail (a sum beyond its type) fails at [`AggSet::emit_all`], for
//!   that group and call alone.
//! - Steady state allocates nothing for counts, sums, averages, moments and numeric min/max,
//!   except where a sum spills (`exact`).
//! - FILTER, NULLs and DISTINCT are handled here: callers pass all rows of a group.

mod cells;
pub(crate) mod codec;
mod emit;
mod error;
pub mod exact;
mod input;
mod plan;
mod set;
pub(crate) mod sketch;
mod slide;
mod states;
pub(crate) mod value;

pub use emit::EmitError;
pub use error::AggError;
pub use input::{AggInput, Rows};
pub(crate) use plan::same as same_expr;
pub use plan::{AggOptions, AggPlan, Order};
pub use set::AggSet;
pub use slide::Slides;
pub(crate) use value::put_nested_key;

#[cfg(test)]
mod tests;
