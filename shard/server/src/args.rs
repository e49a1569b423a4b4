//! The command line: one struct a command, `clap` does the reading.

use std::path::PathBuf;

use clap::{ArgAction, Parser, Subcommand, ValueEnum};

use crate::run::Playback;

/// CEPtra finds patterns in streams of events, described in SQL or in bundles of metrics and rules.
#[derive(Debug, Parser)]
#[command(name = "ceptra", version, max_term_width = 100)]
pub struct Args {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
    /// Colours in messages: auto asks the terminal and NO_COLOR.
    #[arg(long, global = true, value_enum, value_name = "WHEN", default_value_t = ColorChoice::Auto)]
    pub color: ColorChoice,
    /// Say nothing but errors on standard error: no progress, warnings or summary.
    #[arg(short, long, global = true)]
    pub quiet: bool,
    /// Say more on standard error; twice or three times: even more.
    #[arg(short, long, global = true, action = ArgAction::Count, conflicts_with = "quiet")]
    pub verbose: u8,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run an app until its inputs end.
    Run(RunArgs),
    /// Validate an app without running it.
    Check(CheckArgs),
    /// Show the plan of every query.
    Explain(ExplainArgs),
    /// Lay out SQL files in one style; comments are kept.
    Fmt(FmtArgs),
    /// Run a durable node: clients append and subscribe, operators deploy apps.
    Serve(Box<ServeArgs>),
    /// Type statements and see results at once.
    Repl(ReplArgs),
    /// Print the JSON Schema of what CEPtra reads.
    Schema(SchemaArgs),
    /// Say more about an error code, or list all codes.
    ExplainError(ExplainErrorArgs),
}

/// `ceptra run`.
#[derive(Debug, clap::Args)]
pub struct RunArgs {
    /// The SQL file or bundle (.yaml); relative paths in it start at its folder. `-`: standard input.
    #[arg(value_name = "APP")]
    pub app: PathBuf,
    /// How fast rows are taken by their event time: `1x` as fast as they happened, `10x` ten times
    /// as fast, `max` as fast as possible.
    #[arg(long, value_name = "SPEED", default_value = "max")]
    pub playback: Playback,
    /// How rows are written to standard output, whether it is a terminal or not. `csv` is for apps
    /// that print one stream.
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t = OutputFormat::Table)]
    pub output: OutputFormat,
    /// Stop after this many printed rows.
    #[arg(long, value_name = "ROWS")]
    pub limit: Option<u64>,
    /// Keep a log and the state in this folder: after a crash the same command goes on exactly where it
    /// was. The folder is a node's, made when it is not there.
    #[arg(long, value_name = "DIR", conflicts_with = "limit")]
    pub data_dir: Option<PathBuf>,
}

/// `ceptra serve`.
#[derive(Debug, clap::Args)]
pub struct ServeArgs {
    /// A TOML file of settings; `CEPTRA_KEY` in the environment and the options here go over it.
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Print all settings as TOML and end.
    #[arg(long)]
    pub dump_config: bool,
    /// The settings.
    #[command(flatten)]
    pub settings: crate::serve::config::Layer,
}

/// `ceptra check`.
#[derive(Debug, clap::Args)]
pub struct CheckArgs {
    /// The SQL file or bundle (.yaml); `-`: standard input.
    #[arg(value_name = "APP")]
    pub app: PathBuf,
    /// One JSON object a diagnostic, on standard output.
    #[arg(long)]
    pub json: bool,
    /// Print how many lanes the expressions of a bundle have at most.
    #[arg(long, conflicts_with = "json")]
    pub lanes: bool,
}

/// `ceptra explain`.
#[derive(Debug, clap::Args)]
pub struct ExplainArgs {
    /// The SQL file or bundle (.yaml); `-`: standard input.
    #[arg(value_name = "APP")]
    pub app: PathBuf,
}

/// `ceptra fmt`.
#[derive(Debug, clap::Args)]
pub struct FmtArgs {
    /// The SQL files; `-`: standard input, the result goes to standard output.
    #[arg(value_name = "FILE", required = true)]
    pub files: Vec<PathBuf>,
    /// Change nothing; name the files that are laid out differently and exit with 1.
    #[arg(long, conflicts_with = "write")]
    pub check: bool,
    /// Write the result back to the files instead of standard output.
    #[arg(long)]
    pub write: bool,
}

/// `ceptra repl`.
#[derive(Debug, clap::Args)]
pub struct ReplArgs {
    /// A SQL file whose definitions are there from the start.
    #[arg(value_name = "APP.sql")]
    pub app: Option<PathBuf>,
    /// How rows are written to standard output, whether it is a terminal or not. With `csv` each
    /// statement's rows have a header.
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t = OutputFormat::Table)]
    pub output: OutputFormat,
}

/// `ceptra schema`.
#[derive(Debug, clap::Args)]
pub struct SchemaArgs {
    /// Of what.
    #[arg(value_enum)]
    pub what: SchemaOf,
}

/// What has a JSON Schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum SchemaOf {
    /// Bundles.
    Bundle,
}

/// `ceptra explain-error`.
#[derive(Debug, clap::Args)]
pub struct ExplainErrorArgs {
    /// The code, such as E0102, or `list`.
    #[arg(value_name = "CODE|list")]
    pub code: String,
}

/// When messages have colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ColorChoice {
    /// When standard error is a terminal and NO_COLOR is not set.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// How rows are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum OutputFormat {
    /// Aligned columns, for people.
    Table,
    /// One JSON object a line.
    Json,
    /// RFC 4180 with a header line.
    Csv,
}
