//! Promises of sources and sinks, seen from outside.

mod csv;
mod files;
mod generate;
mod json;
mod regex;
mod rows;
mod sinks;
mod tables;
