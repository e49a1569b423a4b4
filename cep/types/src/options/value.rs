//! The right-hand side of one option, as the parser hands it over.

use std::fmt;

/// Value of one `key = value` pair.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OptionValue {
    /// A quoted string, without its quotes.
    Str(String),
    /// A number, as its text.
    Number(String),
    /// TRUE or FALSE.
    Bool(bool),
    /// An INTERVAL literal, in nanoseconds.
    Interval(i64),
}

impl OptionValue {
    /// The text the value stands for; numbers and booleans are taken as if quoted.
    pub fn text(&self) -> String {
        match self {
            OptionValue::Str(text) | OptionValue::Number(text) => text.clone(),
            OptionValue::Bool(value) => value.to_string(),
            OptionValue::Interval(ns) => super::format_duration(*ns),
        }
    }
}

impl fmt::Display for OptionValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            OptionValue::Str(text) => write!(f, "'{}'", text.replace('\'', "''")),
            other => f.write_str(&other.text()),
        }
    }
}
