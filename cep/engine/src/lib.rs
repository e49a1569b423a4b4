//! CEPtra's engine: events in, actions out, nothing else.

pub mod column;
pub mod expr;
