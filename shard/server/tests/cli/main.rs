//! The built `ceptra` binary from outside: what it prints, says and returns.

mod apps;
mod bad_inputs;
mod commands;
mod errors;
mod formats;
mod harness;
mod live;
mod order;
mod repl;
