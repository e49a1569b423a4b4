//! A value of the config, in its one form.

use std::fmt;

use cep_types::options::{format_duration, parse_duration};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::key::{ConfigKey, Kind};
use crate::codec::written;

/// A value. How texts are read (`1.5s`) is part of the command's format: it never changes for a text that
/// was ever accepted.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Setting {
    /// A length of time, nanoseconds.
    DurationNs(#[serde(with = "written")] i64),
    /// Bytes.
    Bytes(#[serde(with = "written")] i64),
    /// A whole number.
    Count(#[serde(with = "written")] i64),
    /// A word.
    Choice(String),
}

impl Setting {
    /// The value of `key` that `value` writes.
    ///
    /// # Errors
    /// What is wrong with it, and what to write.
    pub fn read(key: &ConfigKey, value: &Value) -> Result<Setting, String> {
        match key.kind {
            Kind::Duration { min_ns, max_ns } => {
                let text =
                    value.as_str().ok_or("write a length of time as text with a unit, such as \"2s\"")?;
                let ns = parse_duration(text)?;
                let range = || format!("{} to {}", format_duration(min_ns), format_duration(max_ns));
                in_range(ns, min_ns, max_ns, range).map(Setting::DurationNs)
            }
            Kind::Bytes { min, max } => {
                let bytes = value.as_i64().or_else(|| value.as_str().and_then(parse_bytes));
                let bytes = bytes.ok_or("write bytes as a number, or as text with KiB, MiB or GiB")?;
                in_range(bytes, min, max, || format!("{min} to {max} bytes")).map(Setting::Bytes)
            }
            Kind::Count { min, max } => {
                let count = value.as_i64().ok_or("write a whole number")?;
                in_range(count, min, max, || format!("{min} to {max}")).map(Setting::Count)
            }
            Kind::Choice(words) => match value.as_str() {
                Some(word) if words.contains(&word) => Ok(Setting::Choice(word.to_owned())),
                _ => Err(format!("write one of {}", words.join(", "))),
            },
        }
    }

    /// The value as one writes it in a config document.
    pub fn document(&self) -> Value {
        match self {
            Setting::DurationNs(ns) => Value::from(format_duration(*ns)),
            Setting::Bytes(number) | Setting::Count(number) => Value::from(*number),
            Setting::Choice(word) => Value::from(word.as_str()),
        }
    }
}

impl fmt::Display for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Setting::DurationNs(ns) => f.write_str(&format_duration(*ns)),
            Setting::Bytes(number) | Setting::Count(number) => write!(f, "{number}"),
            Setting::Choice(word) => f.write_str(word),
        }
    }
}

impl ConfigKey {
    /// What holds when nothing is set.
    pub fn default_setting(&self) -> Setting {
        let value = match self.kind {
            Kind::Count { .. } => self.default.parse::<i64>().map_or(Value::Null, Value::from),
            _ => Value::from(self.default),
        };
        Setting::read(self, &value).expect("a test reads the default of every key")
    }
}

fn in_range(value: i64, min: i64, max: i64, range: impl Fn() -> String) -> Result<i64, String> {
    if (min..=max).contains(&value) { Ok(value) } else { Err(format!("out of range; it may be {}", range())) }
}

/// Whole bytes, or a whole number of KiB, MiB or GiB.
fn parse_bytes(text: &str) -> Option<i64> {
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let scale = match unit.trim_start() {
        "" | "B" => 1,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1_i64 << 30,
        _ => return None,
    };
    number.parse::<i64>().ok()?.checked_mul(scale)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_are_read_with_units_and_checked() {
        let read = |name: &str, value: Value| Setting::read(ConfigKey::find(name).unwrap(), &value);
        assert_eq!(read("watermark.lateness", json!("1.5s")), Ok(Setting::DurationNs(1_500_000_000)));
        assert_eq!(read("event.bytes_max", json!("2 MiB")), Ok(Setting::Bytes(2 << 20)));
        assert_eq!(read("event.bytes_max", json!(65536)), Ok(Setting::Bytes(65536)));
        assert_eq!(read("log.level", json!("debug")), Ok(Setting::Choice("debug".into())));
        for (name, value) in [
            ("watermark.lateness", json!(2)),
            ("watermark.lateness", json!("2")),
            ("watermark.lateness", json!("-2s")),
            ("watermark.lateness", json!("401d")),
            ("event.bytes_max", json!("9MiB")),
            ("event.bytes_max", json!(1e6)),
            ("lanes.max", json!("64")),
            ("lanes.max", json!(65)),
            ("lanes.max", json!(1.5)),
            ("log.level", json!("loud")),
            ("log.level", json!(null)),
        ] {
            assert!(read(name, value.clone()).is_err(), "{name} {value}");
        }
    }
}
