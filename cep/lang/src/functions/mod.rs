//! The deterministic function library of the SQL dialect.
//!
//! Names, signatures and most kernels come from DataFusion's function crates; what must not differ
//! between hosts, or reads something that is not in the log, is replaced or refused here.
//!
//! Invariants
//! - A function found through [`FunctionRegistry`] is a pure function of its arguments, of the
//!   row's stamp and of the row's event time (R-DET-4). Names that are not are [`Refusal`]s.
//! - No kernel reaches the host's `libm`: transcendental functions run on the `libm` crate, powers
//!   of ten come from a table, NaN results are the canonical NaN.
//! - Return types are types of R-EVT-2: no unsigned integers, no string views.
//! - Aggregate and window functions are declarations only. They resolve names, coerce arguments and
//!   state the result type; the engine owns the states (R-DET-5) and never asks for an accumulator.
//! - Calls that exist only as a rewrite (`coalesce`, `if`, `current_date`, …) are expanded by
//!   [`lower_calls`] before an expression is evaluated.

mod adapted;
mod aggregates;
mod bits;
mod bounds;
mod call;
mod conditional;
mod datetime;
mod definition;
mod describe;
mod geo;
mod hash;
mod json;
mod log_time;
mod lowering;
mod math;
mod nan;
mod network;
mod planners;
mod refusal;
mod registry;
mod rowwise;
mod strings;
mod typing;
mod windows;

#[cfg(test)]
mod tests;

pub use aggregates::{AGGREGATES, AggregateDoc, Order, aggregate_doc};
pub use describe::{FunctionDoc, FunctionKind};
pub use json::json_field;
pub use lowering::{LogTime, lower_calls};
pub use nan::{canonical_nan, canonical_nan_f32, canonicalize_floats};
pub use refusal::{REFUSALS, Refusal};
pub use registry::FunctionRegistry;

/// The function `not_null(x, name)`, which fails for a row without a value.
pub(crate) fn not_null() -> std::sync::Arc<datafusion_expr::ScalarUDF> {
    conditional::not_null().into_udf()
}
