//! `ceptra-perf`: how fast CEPtra is, beside what could be had without it, in the same run.
//!
//! `micro` feeds decoded entries straight into a partition on one thread, beside hand-written loops · `e2e`
//! measures a node over TCP, beside the disk itself. Machines are noisy: read ratios and medians, not single
//! figures.

mod e2e;
mod micro;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

#[derive(Debug, Parser)]
#[command(
    name = "ceptra-perf",
    about = "Measures CEPtra beside hand-written loops and the bare disk",
    version
)]
struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Engine only, one thread: ns per event beside a hand-written loop over the same columns
    Micro(micro::MicroArgs),
    /// A node of its own over TCP: latency, throughput, recovery, idle cost; JSON lines on standard output
    E2e(e2e::E2eArgs),
}

fn main() -> ExitCode {
    match Args::parse().command {
        Command::Micro(args) => {
            micro::run(&args);
            ExitCode::SUCCESS
        }
        Command::E2e(args) => ExitCode::from(e2e::run(&args)),
    }
}
