//! `cargo xtask`: the one door to the repository's own checks.
//!
//! - `tidy`: house rules that neither rustc nor clippy can check, as a table of [`tidy`] rules.
//! - `gen`: code generated from FlatBuffers schemas, and the check that it is in sync.
//! - `ci`: everything that must be green, one timed step after another.
//! - `bench`: the micro benchmarks, with the conditions they ran under.
//!
//! Invariant: nothing here is linked into the product, and nothing here changes a tracked file
//! except `gen` (generated code), `bench` and `ci --deep` (figures under `perf/results/`).

#![allow(clippy::disallowed_methods, reason = "a build tool may read the clock to time its steps")]

mod bench;
mod ci;
mod codegen;
mod error;
mod host;
#[cfg(test)]
mod licences;
mod process;
mod tidy;
mod tree;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::error::XtaskError;
use crate::tree::Tree;

#[derive(Parser)]
#[command(name = "cargo xtask", about = "Checks and chores of the CEPtra repository")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Check the house rules over all tracked files.
    Tidy,
    /// Generate code from FlatBuffers schemas.
    Gen {
        /// Change nothing; fail when the checked-in code differs from what would be generated.
        #[arg(long)]
        check: bool,
    },
    /// Run every check, with the time of each.
    Ci {
        /// Full counts instead of reduced ones (CEPTRA_DEEP=1); figures go to perf/results/.
        #[arg(long)]
        deep: bool,
    },
    /// Run the micro benchmarks in release and keep their figures under perf/results/.
    Bench {
        /// Print the figures only; write no file.
        #[arg(long)]
        dry_run: bool,
    },
}

fn main() -> ExitCode {
    match run(&Cli::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: &Command) -> Result<(), XtaskError> {
    let root = tree::workspace_root();
    match command {
        Command::Tidy => tidy::run(&Tree::read(&root)?),
        Command::Gen { check } => codegen::run(&root, *check),
        Command::Ci { deep } => ci::run(&root, *deep),
        Command::Bench { dry_run } => bench::run(&root, *dry_run),
    }
}
