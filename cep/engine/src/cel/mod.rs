//! CEL over values: a checked expression becomes closures over typed slots.
//!
//! Here values (`value`), the functions (`library` and the files it names) and the compiler (`compile`,
//! `through` macros over lists and maps).
//!
//! Invariants:
//! - Nothing wraps and nothing is guessed: what the specification calls an error is one.
//! - No clock, no randomness, no dependence on the order of a hash: maps keep the order of their entries.
//! - A condition that fails is an error of the event it was computed for, and of nothing else.

mod arith;
mod choice;
mod compile;
mod convert;
mod format;
mod json;
mod library;
mod math;
mod text;
mod through;
mod time;
mod value;

pub use compile::{Compiled, Frame};
pub use value::{Fault, Map, Outcome, Value};
