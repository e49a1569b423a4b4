//! Promises of sources and sinks, seen from outside.

#![allow(clippy::unwrap_used)] // the lint knows test functions, not what they share

#[path = "../../../../cep/engine/tests/harness/cases.rs"]
mod cases;
mod csv;
mod files;
mod fuzz;
mod generate;
mod json;
mod regex;
mod rows;
mod sinks;
mod tables;
