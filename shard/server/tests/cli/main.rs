//! The built `ceptra` binary from outside: what it prints, says and returns.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]
#![allow(clippy::disallowed_methods, reason = "tests look at the clock to judge paces")]

mod apps;
mod bad_inputs;
mod commands;
mod data_dir;
mod errors;
mod formats;
mod harness;
mod live;
mod order;
mod repl;
