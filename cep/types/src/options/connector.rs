//! What a stream is connected to.

use super::{GeneratorOptions, OptionError};

/// Where the rows of a stream come from or go to.
#[derive(Debug, Clone, PartialEq)]
pub enum Role {
    /// Rows enter through a connector.
    Source(SourceConnector),
    /// Rows leave through a connector.
    Sink(SinkConnector),
    /// Rows are made and used by queries only.
    Internal,
}

/// Connector that makes rows.
#[derive(Debug, Clone, PartialEq)]
pub enum SourceConnector {
    /// A file, read from its beginning to its end.
    File {
        /// As written; relative paths are relative to the folder of the app file.
        path: String,
        /// How the bytes are packed.
        compression: Compression,
    },
    /// The standard input of the process.
    Stdin {
        /// How the bytes are packed.
        compression: Compression,
    },
    /// One row every interval of the caller's clock.
    Timer {
        /// Distance of two rows, nanoseconds, above 0.
        interval_ns: i64,
    },
    /// Rows of a seeded pseudo-random generator.
    Generator(GeneratorOptions),
}

/// Connector that takes rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SinkConnector {
    /// A file.
    File {
        /// As written; relative paths are relative to the folder of the app file.
        path: String,
        /// What happens to an existing file.
        mode: FileMode,
        /// Whether the bytes are packed (never `Auto`: it is decided by the path).
        gzip: bool,
    },
    /// The standard output of the process.
    Stdout,
    /// A line on standard error for each row.
    Log {
        /// Text before each row; `None`: the stream's name and `: `.
        prefix: Option<String>,
    },
    /// Counts rows and forgets them.
    Blackhole,
}

/// What happens to the rows of a sink that falls behind (R-FLOW-2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum EmitPolicy {
    /// They are kept, and appends wait.
    #[default]
    Block,
    /// The oldest are left out, and counted.
    DropOldest,
}

/// How input bytes are packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Compression {
    /// gzip when the first two bytes are gzip's, else as they are.
    #[default]
    Auto,
    /// As they are.
    None,
    /// gzip, one or more members.
    Gzip,
}

/// What a file sink does to an existing file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum FileMode {
    /// Empties it, so that running an app twice gives the same file.
    #[default]
    Truncate,
    /// Writes behind what is there.
    Append,
}

/// So many rows in so long a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// Rows, above 0.
    pub rows: u64,
    /// In this many nanoseconds, above 0.
    pub per_ns: i64,
}

impl Rate {
    /// Reads `1000` (rows a second), `1000/s`, `60/min`, `5 per 100ms`.
    pub(super) fn parse(key: &str, text: &str) -> Result<Rate, OptionError> {
        let wrong = |why: &str| {
            OptionError::new(key, format!("'{text}' is not a rate: {why}"))
                .suggest("write rows per time, such as '1000/s' or '60/min'")
        };
        let text_lower = text.to_lowercase();
        let (rows, per) = text_lower
            .split_once('/')
            .or_else(|| text_lower.split_once(" per "))
            .unwrap_or((text_lower.as_str(), "s"));
        let rows: u64 = rows
            .trim()
            .replace('_', "")
            .parse()
            .map_err(|_| wrong("the number of rows is not a whole number"))?;
        let per = per.trim();
        let spelled =
            if per.starts_with(|c: char| c.is_ascii_digit()) { per.to_owned() } else { format!("1{per}") };
        let per_ns = super::parse_duration(&spelled).map_err(|why| wrong(&why))?;
        if rows == 0 || per_ns == 0 {
            return Err(wrong("both sides must be above 0"));
        }
        Ok(Rate { rows, per_ns })
    }

    /// Time at which row `n` (from 0) is due after the first, nanoseconds, saturating.
    pub fn due_ns(&self, row: u64) -> i64 {
        let ns = i128::from(row) * i128::from(self.per_ns) / i128::from(self.rows);
        i64::try_from(ns).unwrap_or(i64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_exact_fractions() {
        let parse = |text| Rate::parse("rate.limit", text);
        let per_second = |rows| Rate { rows, per_ns: 1_000_000_000 };
        assert_eq!(parse("1000"), Ok(per_second(1000)));
        assert_eq!(parse("1_000 / s"), Ok(per_second(1000)));
        assert_eq!(parse("60 per 100ms"), Ok(Rate { rows: 60, per_ns: 100_000_000 }));
        assert_eq!(per_second(3).due_ns(3), 1_000_000_000);
        assert_eq!(per_second(3).due_ns(1), 333_333_333);
        for text in ["0", "x/s", "5/0s", "1/parsec", "-1"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
