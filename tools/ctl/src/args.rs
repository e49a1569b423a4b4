//! The command line.

use std::path::PathBuf;

use clap::{Parser, Subcommand, ValueEnum};
use clap_complete::Shell;

/// Asks a node of CEPtra how it is, and tells it what to do.
#[derive(Debug, Parser)]
#[command(name = "ceptra-ctl", version, max_term_width = 100)]
pub struct Args {
    /// Where the node listens for admin HTTP.
    #[arg(
        long,
        global = true,
        env = "CEPTRA_ADMIN",
        value_name = "HOST:PORT",
        default_value = "127.0.0.1:26080"
    )]
    pub admin: String,
    /// How answers are written to standard output.
    #[arg(long, global = true, value_enum, value_name = "FORMAT", default_value_t = Output::Table)]
    pub output: Output,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// How answers are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Output {
    /// Aligned columns, for people.
    Table,
    /// What the node answered, for machines.
    Json,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// How the node is, in short.
    Status,
    /// Whether the node takes rows: exit code 0 if it does, 1 if not.
    Ready,
    /// How each partition is.
    Partitions,
    /// All streams with their columns.
    Streams,
    /// A live view of partitions and rates, until Ctrl-C.
    Top {
        /// Seconds between two views.
        #[arg(long, value_name = "SECONDS", default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..=3600))]
        seconds: u64,
        /// One view, then end.
        #[arg(long)]
        once: bool,
    },
    /// What runs.
    #[command(subcommand, visible_alias = "apps")]
    Definitions(Definitions),
    /// The cluster's config.
    #[command(subcommand)]
    Config(Config),
    /// Ask what definitions keep: one SELECT on their aggregations.
    Query(Query),
    /// What the node logs; with a level, from now on.
    Loglevel {
        /// error, warn, info or debug.
        level: Option<String>,
    },
    /// Who changed what, the newest first.
    Audit {
        /// Records at most.
        #[arg(long, default_value_t = 20)]
        count: usize,
    },
    /// Say that no more rows of a stream come: its windows close.
    End {
        /// The stream.
        stream: String,
    },
    /// Read logs of a node that does not run.
    #[command(subcommand)]
    Wal(Wal),
    /// Print completions for a shell.
    Completions {
        /// The shell.
        shell: Shell,
    },
    /// Print the manual page.
    Man,
}

/// A question.
#[derive(Debug, clap::Args)]
pub struct Query {
    /// The SELECT; parameters are $1, $2, …
    pub sql: String,
    /// Their values: numbers, true, false, null; anything else is a string, "5" in double quotes too.
    pub parameters: Vec<String>,
    /// The partition space; may be left out where there is only one.
    #[arg(long)]
    pub space: Option<String>,
    /// One partition; all when none is named.
    #[arg(long)]
    pub partition: Option<u32>,
    /// Most rows that are wanted.
    #[arg(long)]
    pub rows_max: Option<u32>,
    /// How long it may take.
    #[arg(long)]
    pub timeout_ms: Option<u32>,
}

/// What runs.
#[derive(Debug, Subcommand)]
pub enum Definitions {
    /// All definitions.
    List,
    /// One definition with its versions.
    Show {
        /// Its name.
        name: String,
        /// Its newest text alone.
        #[arg(long)]
        text: bool,
    },
    /// Store a version and run it.
    Deploy {
        /// The SQL file.
        file: PathBuf,
        #[command(flatten)]
        how: How,
        /// Store it only.
        #[arg(long)]
        no_activate: bool,
        /// Return at once; else when all partitions run it.
        #[arg(long)]
        no_wait: bool,
    },
    /// Say whether a version would be taken.
    Validate {
        /// The SQL file.
        file: PathBuf,
        #[command(flatten)]
        how: How,
    },
    /// Run a stored version.
    Activate {
        /// The definition.
        name: String,
        /// The version; the newest when none is given.
        #[arg(long)]
        version: Option<u32>,
        /// Although a partition has fenced it.
        #[arg(long)]
        despite_quarantine: bool,
        /// Why, for the audit.
        #[arg(long, default_value = "")]
        why: String,
    },
    /// Stop it in all partitions.
    Stop {
        /// The definition.
        name: String,
    },
    /// Forget one that does not run.
    Remove {
        /// The definition.
        name: String,
    },
}

/// How a definition is deployed.
#[derive(Debug, clap::Args)]
pub struct How {
    /// Its name; that of the file, or of its folder for app.sql, when none is given.
    #[arg(long)]
    pub name: Option<String>,
    /// The partition space.
    #[arg(long, default_value = "main")]
    pub space: String,
    /// Its sources are appended to by clients, its sinks subscribed to.
    #[arg(long)]
    pub connectors_off: bool,
    /// Why, for the audit.
    #[arg(long, default_value = "")]
    pub why: String,
}

/// The cluster's config.
#[derive(Debug, Subcommand)]
pub enum Config {
    /// What holds; of one key or of all.
    Get {
        /// The key.
        key: Option<String>,
    },
    /// Set a key.
    Set {
        /// The key.
        key: String,
        /// Its value; `null` takes it away.
        value: String,
        /// For this node only.
        #[arg(long)]
        node: Option<String>,
        /// Why, for the audit.
        #[arg(long, default_value = "")]
        why: String,
    },
    /// Make the config what it was in an older version.
    Rollback {
        /// The version.
        to: u64,
    },
}

/// Logs of a node that does not run.
#[derive(Debug, Subcommand)]
pub enum Wal {
    /// Check a log: exit code 0 if it is sound, 1 if not.
    Verify {
        /// The folder of a shard: DATA_DIR/shard-0.
        dir: PathBuf,
    },
    /// The records of a log.
    Dump {
        /// The folder of a shard.
        dir: PathBuf,
        /// Of one segment file only.
        #[arg(long)]
        segment: Option<String>,
    },
}
