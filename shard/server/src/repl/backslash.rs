//! Commands that are not SQL: a backslash and a word.

use std::path::Path;

/// A backslash command.
#[derive(Debug, PartialEq, Eq)]
pub enum Backslash<'a> {
    /// `\help`
    Help,
    /// `\q`
    Quit,
    /// `\d`: all objects.
    List,
    /// `\d name`
    Describe(&'a str),
    /// `\run file`
    Run(&'a Path),
    /// `\stop`: ends all live queries.
    Stop,
}

/// What `\help` prints.
pub const HELP: &str = "\
Statements end with ; and may go over several lines.
  CREATE STREAM | VIEW | AGGREGATION …   declare
  INSERT INTO s VALUES (…), …;           feed a stream by hand
  INSERT INTO s SELECT …;                connect streams
  SELECT …;                              over files, generators and timers: runs until they end or
                                         Ctrl-C; over streams fed by hand: goes on, and prints as
                                         rows are inserted
  SHOW STREAMS | VIEWS | AGGREGATIONS | QUERIES | FUNCTIONS | WINDOWS;
  DESCRIBE name;   EXPLAIN SELECT …;   DROP …;
Commands:
  \\d [name]     objects, or the columns of one
  \\run FILE     run an app, apart from this session
  \\stop         end the queries that go on; their open windows close
  \\help  \\q     this text; leave; `help`, `quit` and `exit` do the same
";

impl<'a> Backslash<'a> {
    /// Reads a line that starts with a backslash.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(line: &'a str) -> Result<Self, String> {
        let line = line.trim().trim_end_matches(';').trim_end();
        let (word, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
        let rest = rest.trim();
        match (word, rest) {
            ("\\help" | "\\h" | "\\?", "") => Ok(Backslash::Help),
            ("\\q" | "\\quit" | "\\exit", "") => Ok(Backslash::Quit),
            ("\\d", "") => Ok(Backslash::List),
            ("\\d", name) => Ok(Backslash::Describe(name.trim_matches('"'))),
            ("\\run" | "\\r", "") => Err("\\run needs the path of a SQL file".to_owned()),
            ("\\run" | "\\r", path) => Ok(Backslash::Run(Path::new(path))),
            ("\\stop", "") => Ok(Backslash::Stop),
            (word, _) => Err(format!("there is no command {word}; \\help lists them")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_read_and_others_are_refused() {
        assert_eq!(Backslash::parse("\\q;"), Ok(Backslash::Quit));
        assert_eq!(Backslash::parse("\\d  s "), Ok(Backslash::Describe("s")));
        assert_eq!(Backslash::parse("\\run a b.sql"), Ok(Backslash::Run(Path::new("a b.sql"))));
        assert!(Backslash::parse("\\run").is_err());
        assert!(Backslash::parse("\\dance").unwrap_err().contains("\\help"));
    }
}
