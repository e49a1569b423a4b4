//! `ceptra-perf`: how fast the engine is, beside hand-written loops in the same run.
//!
//! `micro` feeds decoded entries straight into a partition on one thread. Machines are noisy: read
//! ratios and medians, not single figures.

mod micro;

use clap::{Parser, Subcommand};

#[derive(Debug, Parser)]
#[command(name = "ceptra-perf", about = "Measures CEPtra beside hand-written loops", version)]
struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Engine only, one thread: ns per event beside a hand-written loop over the same columns
    Micro(micro::MicroArgs),
}

fn main() {
    match Args::parse().command {
        Command::Micro(args) => micro::run(&args),
    }
}
