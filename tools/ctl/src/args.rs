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
    /// Where the node listens for clients; for `tail` and `append`.
    #[arg(
        long,
        global = true,
        env = "CEPTRA_CLIENT",
        value_name = "HOST:PORT",
        default_value = "127.0.0.1:26020"
    )]
    pub client: String,
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
    /// Print rows of a stream as they come.
    Tail(Tail),
    /// Append rows of a file to a stream, and say what became of them.
    Append(Append),
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

/// Rows of a stream as they come.
#[derive(Debug, clap::Args)]
pub struct Tail {
    /// The stream.
    pub stream: String,
    /// Where to begin, unless --after says otherwise for a partition.
    #[arg(long, value_enum, default_value_t = From::Latest)]
    pub from: From,
    /// Begin behind this row of a partition, PARTITION:INDEX.ORDINAL; may be repeated. Partitions that are not
    /// named begin with the oldest row that is kept.
    #[arg(long, value_name = "POSITION", conflicts_with = "from")]
    pub after: Vec<After>,
    /// Only this partition; may be repeated.
    #[arg(long, value_name = "NUMBER")]
    pub partition: Vec<u32>,
    /// Go on until Ctrl-C; else it ends when no row has come for --quiet-ms.
    #[arg(long, short)]
    pub follow: bool,
    /// End after so many rows.
    #[arg(long, value_name = "ROWS", value_parser = clap::value_parser!(u64).range(1..))]
    pub count: Option<u64>,
    /// Without --follow: how long to wait for a row, milliseconds.
    #[arg(long, value_name = "MS", default_value_t = 1000, conflicts_with = "follow", value_parser = clap::value_parser!(u64).range(1..=3_600_000))]
    pub quiet_ms: u64,
    /// How rows are written; as --output says unless given.
    #[arg(long, value_enum)]
    pub format: Option<RowFormat>,
    /// Write where each row is: columns _partition, _index and _ordinal.
    #[arg(long)]
    pub positions: bool,
}

/// Where rows begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum From {
    /// With the oldest row that is kept.
    Earliest,
    /// With the first row from now on.
    Latest,
}

/// How rows are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum RowFormat {
    /// Aligned columns, for people.
    Table,
    /// An object a line.
    Json,
    /// Comma-separated values with a header.
    Csv,
}

/// A row that is known already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct After {
    /// The partition.
    pub partition: u32,
    /// Log index of its entry.
    pub index: u64,
    /// Row among those that the entry led to.
    pub ordinal: u32,
}

impl std::str::FromStr for After {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parsed = || {
            let (partition, place) = text.split_once(':')?;
            let (index, ordinal) = place.split_once('.')?;
            Some(After {
                partition: partition.parse().ok()?,
                index: index.parse().ok()?,
                ordinal: ordinal.parse().ok()?,
            })
        };
        parsed().ok_or("write PARTITION:INDEX.ORDINAL, such as 0:1234.5")
    }
}

impl std::fmt::Display for After {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}.{}", self.partition, self.index, self.ordinal)
    }
}

/// Rows of a file.
#[derive(Debug, clap::Args)]
pub struct Append {
    /// The stream.
    pub stream: String,
    /// The file, plain or gzip; standard input when it is `-`.
    #[arg(default_value = "-")]
    pub file: PathBuf,
    /// What the file has; by its name (.csv, .json, .jsonl, .ndjson, each also .gz) unless given.
    #[arg(long, value_enum)]
    pub format: Option<FileFormat>,
    /// Number the rows under this producer, decimal or 0x…: the same file appended again is told apart row by
    /// row. Without it each run has its own.
    #[arg(long, value_name = "ID", value_parser = producer)]
    pub producer: Option<u64>,
    /// Rows of an append.
    #[arg(long, value_name = "ROWS", default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..=65_536))]
    pub batch_rows: u32,
    /// Rows that could not be read or were rejected that are named, at most.
    #[arg(long, value_name = "ROWS", default_value_t = 10)]
    pub name_max: u64,
}

/// What a file has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum FileFormat {
    /// Comma-separated values; the header names all columns of the stream, an empty cell is NULL.
    Csv,
    /// One object a line; a column that is left out is NULL.
    Json,
}

fn producer(text: &str) -> Result<u64, String> {
    let parsed = match text.strip_prefix("0x") {
        Some(hex) => u64::from_str_radix(hex, 16),
        None => text.parse(),
    };
    match parsed {
        Ok(0) => Err("producer 0 is nobody; choose another number".into()),
        Ok(number) => Ok(number),
        Err(error) => Err(format!("{error}; write a number of 64 bits, decimal or 0x…")),
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_holds_together() {
        <Args as clap::CommandFactory>::command().debug_assert();
    }

    #[test]
    fn positions_read_as_they_are_written() {
        let after = After { partition: 3, index: 1234, ordinal: 5 };
        assert_eq!(after.to_string(), "3:1234.5");
        assert_eq!("3:1234.5".parse(), Ok(after));
        for wrong in ["", "3", "3:4", "3.4", "3:4.x", "-1:2.3", "1:2.3.4"] {
            assert!(wrong.parse::<After>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn producers_are_numbers_but_not_nobody() {
        assert_eq!(producer("17"), Ok(17));
        assert_eq!(producer("0xFF"), Ok(255));
        assert!(producer("0").is_err() && producer("0x0").is_err() && producer("x").is_err());
    }
}
