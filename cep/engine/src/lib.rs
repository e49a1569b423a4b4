//! CEPtra's engine: events in, actions out, nothing else.

pub mod agg;
pub mod column;
