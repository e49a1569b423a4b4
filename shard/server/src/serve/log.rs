//! Lines on standard error: for people, or JSON for machines (R-OBS-1).

use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use clap::ValueEnum;
use serde::{Deserialize, Serialize};
use shard_node::settings::Level;

/// How lines are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// The least important lines that are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogLevel {
    /// Only what is wrong.
    Error,
    /// And what may go wrong.
    Warn,
    /// And what happens.
    Info,
    /// And details.
    Debug,
}

impl LogLevel {
    const ALL: [LogLevel; 4] = [LogLevel::Error, LogLevel::Warn, LogLevel::Info, LogLevel::Debug];

    fn of(level: Level) -> Self {
        match level {
            Level::Error => LogLevel::Error,
            Level::Warn => LogLevel::Warn,
            Level::Info => LogLevel::Info,
            Level::Debug => LogLevel::Debug,
        }
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            LogLevel::Error => "error",
            LogLevel::Warn => "warn",
            LogLevel::Info => "info",
            LogLevel::Debug => "debug",
        }
    }

    /// The level of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|level| level.name() == name)
    }
}

/// The log of the process; clones are the same.
#[derive(Debug, Clone)]
pub struct Log {
    level: Arc<AtomicU8>,
    format: LogFormat,
}

impl Log {
    /// A log of this level and format.
    pub fn new(level: LogLevel, format: LogFormat) -> Self {
        Log { level: Arc::new(AtomicU8::new(level as u8)), format }
    }

    /// What is written now.
    pub fn level(&self) -> LogLevel {
        LogLevel::ALL[usize::from(self.level.load(Ordering::Relaxed))]
    }

    /// Changes what is written.
    pub fn set_level(&self, level: LogLevel) {
        self.level.store(level as u8, Ordering::Relaxed);
    }

    /// Writes a line, if it is important enough. One that cannot be written is lost.
    pub fn line(&self, level: Level, text: &str) {
        let level = LogLevel::of(level);
        if level as u8 > self.level() as u8 {
            return;
        }
        let now_ns = crate::clock::wall_ns();
        let time = chrono::DateTime::from_timestamp_nanos(now_ns)
            .to_rfc3339_opts(chrono::SecondsFormat::Micros, true);
        let line = match self.format {
            LogFormat::Text => format!("{time} {:5} {text}\n", level.name()),
            LogFormat::Json => {
                format!("{}\n", serde_json::json!({"time": time, "level": level.name(), "message": text}))
            }
        };
        let _ = std::io::stderr().lock().write_all(line.as_bytes());
    }
}
