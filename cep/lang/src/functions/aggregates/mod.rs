//! Aggregate functions by name (R-SQL-6).
//!
//! Everything here serves the planner: names, signatures, coercions, result types. States live in
//! the engine (R-DET-5), so asking any of these for an accumulator is an error.

mod catalog;
mod declared;
mod planner;
mod regression;

pub use catalog::{AGGREGATES, AggregateDoc, Order, aggregate_doc};
pub(super) use declared::functions;
pub(super) use planner::AggregateRewritePlanner;
