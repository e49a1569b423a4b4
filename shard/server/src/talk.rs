//! What is said to people on standard error. Data goes to standard output, never through here.

use std::io::{self, IsTerminal, Write};
use std::sync::{Arc, Mutex, PoisonError};

use cep_types::options::LogLevel;
use indicatif::ProgressBar;
use shard_node::settings::Level;

use crate::args::{Args, ColorChoice};
use crate::serve::log::Log;

/// Standard error with its colours, loudness, and a progress bar that is hidden while a line is
/// written. Clones are the same.
#[derive(Debug, Clone)]
pub struct Talk {
    color: bool,
    level: LogLevel,
    bar: Arc<Mutex<Option<ProgressBar>>>,
    /// Where messages go instead, in a node.
    log: Option<Log>,
}

impl Talk {
    /// As the command line asks.
    pub fn new(args: &Args) -> Self {
        let color = match args.color {
            ColorChoice::Always => true,
            ColorChoice::Never => false,
            ColorChoice::Auto => {
                io::stderr().is_terminal()
                    && std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty())
                    && std::env::var_os("TERM").is_none_or(|v| v != "dumb")
            }
        };
        let level = match (args.quiet, args.verbose) {
            (true, _) => LogLevel::Error,
            (false, 0) => LogLevel::Warn,
            (false, 1) => LogLevel::Info,
            (false, 2) => LogLevel::Debug,
            (false, _) => LogLevel::Trace,
        };
        Talk { color, level, bar: Arc::default(), log: None }
    }

    /// Messages as lines of a node's log.
    pub fn into_log(log: Log) -> Self {
        Talk { color: false, level: LogLevel::Trace, bar: Arc::default(), log: Some(log) }
    }

    /// Whether messages have colours.
    pub fn color(&self) -> bool {
        self.color
    }

    /// Whether only errors are wanted.
    pub fn quiet(&self) -> bool {
        self.level == LogLevel::Error
    }

    /// Whether messages of this level are shown. `Off` never is.
    pub fn shows(&self, level: LogLevel) -> bool {
        level != LogLevel::Off && level >= self.level
    }

    /// The bar to keep out of the way of; `None`: there is none any more.
    pub fn set_bar(&self, bar: Option<ProgressBar>) {
        *self.bar.lock().unwrap_or_else(PoisonError::into_inner) = bar;
    }

    /// Does something with the terminal while the bar is hidden.
    pub fn aside<T>(&self, action: impl FnOnce() -> T) -> T {
        let bar = self.bar.lock().unwrap_or_else(PoisonError::into_inner).clone();
        match bar {
            Some(bar) => bar.suspend(action),
            None => action(),
        }
    }

    /// An error, always shown.
    pub fn error(&self, message: &str) {
        if let Some(log) = &self.log {
            return log.line(Level::Error, message);
        }
        self.labelled("error", "\x1b[1;31m", message);
    }

    /// What to do about the error before it.
    pub fn help(&self, message: &str) {
        self.labelled("help", "\x1b[1;36m", message);
    }

    /// Something the user should know, although the command goes on.
    pub fn warn(&self, message: &str) {
        self.say(LogLevel::Warn, message);
    }

    /// A message of a level.
    pub fn say(&self, level: LogLevel, message: &str) {
        if !self.shows(level) {
            return;
        }
        if let Some(log) = &self.log {
            let level = match level {
                LogLevel::Error => Level::Error,
                LogLevel::Warn => Level::Warn,
                LogLevel::Info => Level::Info,
                LogLevel::Debug | LogLevel::Trace | LogLevel::Off => Level::Debug,
            };
            return log.line(level, message);
        }
        match level {
            LogLevel::Error => self.error(message),
            LogLevel::Warn => self.labelled("warning", "\x1b[1;33m", message),
            LogLevel::Info => self.labelled("info", "\x1b[1;34m", message),
            LogLevel::Debug => self.labelled("debug", "\x1b[2m", message),
            LogLevel::Trace => self.labelled("trace", "\x1b[2m", message),
            LogLevel::Off => {}
        }
    }

    /// Text as it is, with a line end.
    pub fn plain(&self, text: &str) {
        // Nobody can be told that standard error is closed.
        self.aside(|| drop(writeln!(io::stderr().lock(), "{text}")));
    }

    fn labelled(&self, label: &str, style: &str, message: &str) {
        if self.color {
            self.plain(&format!("{style}{label}:\x1b[0m {message}"));
        } else {
            self.plain(&format!("{label}: {message}"));
        }
    }
}
