//! Values written as text: one parser for each type, shared by every text format.
//!
//! Parsers take bytes, allocate nothing, and never panic; what they refuse they name as a
//! [`Misfit`], and the caller, who knows the column, makes the message.

mod base64;
mod decimal;
mod interval;
mod number;
mod time;
mod time_pattern;

pub(crate) use base64::{decode_bytes, encode_base64};
pub(crate) use decimal::{decimal, write_decimal};
pub(crate) use interval::{interval, write_interval};
pub(crate) use number::{boolean, double, float, integer};
pub(crate) use time::{DAY_NS, civil_from_days, date, time_of_day};
pub(crate) use time_pattern::TimeParser;

/// Why a text is not a value of a type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Misfit {
    /// It is not written like one.
    Malformed,
    /// It is, but too large for the type.
    OutOfRange,
}
