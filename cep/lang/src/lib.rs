//! CEPtra's languages: text in, one typed streaming plan out, and every diagnostic on the way.
//!
//! Rooms: [`ast`] what the parser produces · [`bundle`] metrics and rules in YAML · [`cel`] conditions of rules · [`sql`] the parser · [`fmt`] the formatter · [`diag`] errors
//! with code, span and suggestion · `functions` the deterministic function library · `lower` names
//! and types resolved into [`plan`].
//!
//! Invariants: pure (no I/O, clock, threads, randomness); nothing is parsed and ignored.

pub mod ast;
pub mod bundle;
pub mod cel;
pub mod diag;
pub mod fmt;
pub mod functions;
pub mod lower;
pub mod plan;
pub mod sql;

#[cfg(test)]
mod test_support;
