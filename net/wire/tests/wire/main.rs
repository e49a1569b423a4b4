//! Promises of the client protocol, seen from outside.

#![allow(clippy::unwrap_used)] // the lint knows test functions, not what they share

#[path = "../../../../cep/engine/tests/harness/cases.rs"]
mod cases;
mod contradictions;
mod damage;
mod evolution;
mod fixed;
mod framing;
mod golden;
mod hex;
mod lookup;
mod protocol;
mod round_trip;
mod sample;
mod schema;
mod stream;
