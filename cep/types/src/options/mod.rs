//! Options of `CREATE STREAM … WITH (key = value, …)`.
//!
//! Plain data and its validation; nothing here opens a file. Invariants:
//! - every key is listed once in [`OPTION_KEYS`], which documentation and `SHOW` print;
//! - a key that is accepted has an effect: [`StreamOptions::from_pairs`] refuses a key it did not
//!   use, saying what the key would need, and an unknown key with the nearest known one;
//! - what leaves this module is consistent: columns exist, patterns compile, units fit types.

mod connector;
mod dead_letter;
#[cfg(test)]
mod documentation;
mod duration;
mod error;
mod event_time;
mod fault;
mod format;
mod generator;
mod json_path;
mod key;
mod pairs;
mod stream;
mod suggest;
mod value;

#[cfg(test)]
mod tests;

pub use connector::{Compression, EmitPolicy, FileMode, Rate, Role, SinkConnector, SourceConnector};
pub use dead_letter::{DeadLetterField, dead_letter_layout};
pub use duration::{format_duration, parse_duration};
pub use error::OptionError;
pub use event_time::{ClockKind, EpochUnit, EventTime, TimeFormat};
pub use fault::{Backoff, ErrorPolicy, ErrorStrategy, LogLevel, RetryPolicy};
pub use format::{CsvField, CsvOptions, Format, JsonOptions, NoMatch, RegexOptions};
pub use generator::{GeneratorColumn, GeneratorKind, GeneratorOptions};
pub use json_path::{JsonPath, JsonStep};
pub use key::{OPTION_KEYS, OptionKey, OptionSide, options_markdown};
pub use stream::{
    LatePolicy, RECORD_BYTES_CEILING, RECORD_BYTES_DEFAULT, RECORD_BYTES_FLOOR, RowsOver, RunsOver,
    StreamOptions, WatermarkOptions,
};
pub use suggest::closest;
pub use value::OptionValue;
