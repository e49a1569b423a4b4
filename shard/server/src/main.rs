//! The `ceptra` program: SQL apps and bundles over streams of events.
//!
//! `args` the command line · `cmd` one file a command · `run` sources through the engine to sinks ·
//! `serve` a durable node · `repl` the interactive session · `script` text to program · `answer` tables of
//! SHOW and its like · `talk` what is said on standard
//! error · `failure` errors and exit codes · `clock` the host's clock.
//!
//! Invariants: standard output carries data, standard error talk; exit code 0 is success, 1 a
//! failed run, 2 a wrong script or command line, 130 and 143 a run that a signal ended.

mod answer;
mod args;
mod clock;
mod cmd;
mod failure;
mod repl;
mod run;
mod script;
mod serve;
mod talk;

use std::process::ExitCode;

use clap::Parser;

use args::{Args, Command};
use talk::Talk;

fn main() -> ExitCode {
    let args = Args::parse();
    let talk = Talk::new(&args);
    let done = match &args.command {
        Command::Run(command) => cmd::run(command, &talk),
        Command::Check(command) => cmd::check(command, &talk),
        Command::Explain(command) => cmd::explain(command, &talk),
        Command::Fmt(command) => cmd::fmt(command, &talk),
        Command::Repl(command) => cmd::repl(command, &talk),
        Command::Serve(command) => cmd::serve(command),
        Command::Schema(command) => cmd::schema(command),
        Command::ExplainError(command) => cmd::explain_error(command),
    };
    match done {
        Ok(code) => ExitCode::from(code),
        Err(failure) => {
            failure.report(&talk);
            ExitCode::from(failure.exit_code())
        }
    }
}
