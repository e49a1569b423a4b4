//! `ceptra-ctl`: what operators ask a node and tell it.
//!
//! `args` the command line · `http` requests to admin HTTP · `client` the connection of rows · `show` tables and JSON · `cmd` one file a group of commands ·
//! `failure` errors and exit codes.
//!
//! Invariants: standard output carries data, standard error talk. Exit codes: 0 done, 1 the node refused or
//! something is not as it should be, 2 a wrong command line, 3 the node cannot be reached or cannot answer now.

mod args;
mod client;
mod cmd;
mod failure;
mod http;
mod show;

use std::process::ExitCode;

use clap::Parser;

use args::{Args, Command};
use failure::Result;
use http::Node;
use show::Show;

fn main() -> ExitCode {
    let args = Args::parse();
    match run(&args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            failure.report();
            ExitCode::from(failure.exit_code())
        }
    }
}

fn run(args: &Args) -> Result<()> {
    let node = Node::new(&args.admin);
    let show = Show::new(args.output);
    match &args.command {
        Command::Status => cmd::state::status(&node, &show),
        Command::Ready => cmd::state::ready(&node, &show),
        Command::Partitions => cmd::state::partitions(&node, &show),
        Command::Streams => cmd::state::streams(&node, &show),
        Command::Audit { count } => cmd::state::audit(&node, &show, *count),
        Command::Top { seconds, once } => cmd::top::top(&node, *seconds, *once),
        Command::Definitions(command) => cmd::definitions::run(&node, &show, command),
        Command::Config(command) => cmd::config::run(&node, &show, command),
        Command::Query(query) => cmd::query::run(&node, &show, query),
        Command::Loglevel { level } => cmd::config::log_level(&node, &show, level.as_deref()),
        Command::Tail(tail) => cmd::tail::run(&args.client, args.output, tail),
        Command::Append(append) => cmd::append::run(&args.client, &show, append),
        Command::End { stream } => cmd::state::end(&node, &show, stream),
        Command::Wal(command) => cmd::wal::run(&show, command),
        Command::Completions { shell } => cmd::help::completions(*shell),
        Command::Man => cmd::help::man(),
    }
}
