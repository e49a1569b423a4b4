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

pub use connector::{Compression, FileMode, Rate, Role, SinkConnector, SourceConnector};
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
    LatePolicy, RECORD_BYTES_CEILING, RECORD_BYTES_DEFAULT, RECORD_BYTES_FLOOR, StreamOptions,
    WatermarkOptions,
};
pub use suggest::closest;
pub use value::OptionValue;

/// Whether `field` is a JSON column: text that is valid JSON, tagged `ceptra.type = json`.
pub fn is_json_field(field: &arrow_schema::Field) -> bool {
    field.metadata().get("ceptra.type").map(String::as_str) == Some("json")
}

/// SQL spelling of a column type (R-EVT-2), for messages.
pub fn type_name(field: &arrow_schema::Field) -> String {
    use arrow_schema::DataType as D;
    if is_json_field(field) {
        return "JSON".to_owned();
    }
    match field.data_type() {
        D::Null => "NULL".to_owned(),
        D::Boolean => "BOOL".to_owned(),
        D::Int32 => "INT".to_owned(),
        D::Int64 => "BIGINT".to_owned(),
        D::Float32 => "FLOAT".to_owned(),
        D::Float64 => "DOUBLE".to_owned(),
        D::Decimal128(precision, scale) => format!("DECIMAL({precision},{scale})"),
        D::Utf8 => "STRING".to_owned(),
        D::Binary => "BYTES".to_owned(),
        D::Timestamp(_, _) => "TIMESTAMP".to_owned(),
        D::Date32 => "DATE".to_owned(),
        D::Time64(_) => "TIME".to_owned(),
        D::Interval(_) => "INTERVAL".to_owned(),
        D::List(item) => format!("ARRAY<{}>", type_name(item)),
        D::Map(entries, _) => match entries.data_type() {
            D::Struct(fields) if fields.len() == 2 => {
                format!("MAP<{}, {}>", type_name(&fields[0]), type_name(&fields[1]))
            }
            other => format!("MAP<{other}>"),
        },
        D::Struct(fields) => {
            let inner: Vec<String> =
                fields.iter().map(|f| format!("{} {}", f.name(), type_name(f))).collect();
            format!("STRUCT<{}>", inner.join(", "))
        }
        other => other.to_string(),
    }
}
