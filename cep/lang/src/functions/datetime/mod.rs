//! Dates and times beyond DataFusion's: fields by name, arithmetic with named units, zones.
//!
//! Timestamps are nanoseconds since 1970-01-01T00:00:00 UTC. Fields and units of a timestamp
//! without a zone are those of UTC; of one with a zone, fields are local and units count UTC.

mod arithmetic;
mod epoch;
mod fields;
mod formats;
mod unit;
mod zones;

use chrono::{DateTime, Datelike, NaiveDateTime};
use datafusion_common::{Result, exec_err};

use super::definition::Definition;

pub(super) use epoch::{epoch_part, unix_seconds};
pub(super) use formats::check as check_formats;

pub(super) fn functions() -> Vec<Definition> {
    let mut functions = arithmetic::functions();
    functions.extend(fields::functions());
    functions.extend(zones::functions());
    functions
}

/// The wall clock of a timestamp; every `i64` of nanoseconds is one.
fn wall_clock(timestamp_ns: i64) -> NaiveDateTime {
    DateTime::from_timestamp_nanos(timestamp_ns).naive_utc()
}

/// Nanoseconds of a wall clock.
///
/// # Errors
/// Outside 1677-09-21 to 2262-04-11 a timestamp has no nanoseconds in 64 bits.
fn nanoseconds(clock: NaiveDateTime) -> Result<i64> {
    match clock.and_utc().timestamp_nanos_opt() {
        Some(nanos) => Ok(nanos),
        None => exec_err!("the year {} is outside what a TIMESTAMP holds", clock.year()),
    }
}
