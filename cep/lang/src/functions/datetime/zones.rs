//! Wall clocks of other time zones. The zone tables are `chrono-tz`'s: part of the engine level.

use arrow_array::ArrayRef;
use arrow_array::types::TimestampNanosecondType;
use arrow_schema::{DataType, TimeUnit};
use chrono::{LocalResult, NaiveDateTime, Offset, TimeDelta, TimeZone};
use chrono_tz::Tz;
use datafusion_common::{Result, ScalarValue, exec_err, plan_err};
use datafusion_expr::ReturnFieldArgs;

use super::{nanoseconds, wall_clock};
use crate::functions::call::Call;
use crate::functions::definition::{Definition, Param, Params, Returns};

pub(super) fn functions() -> Vec<Definition> {
    vec![
        Definition::new(
            "convert_timezone",
            "convert_timezone('source zone', 'target zone', timestamp)",
            "Wall clock in the target zone when the wall clock in the source zone shows the timestamp; a time that a change to summer time skips counts from before the change, one that occurs twice is the first. TIMESTAMP.",
            Params::exactly(&[Param::Text, Param::Text, Param::Timestamp]),
            Returns::Type(DataType::Timestamp(TimeUnit::Nanosecond, None)),
            convert,
        )
        .checked(check_zones),
    ]
}

fn zone(name: &str) -> Result<Tz> {
    match name.parse::<Tz>() {
        Ok(zone) => Ok(zone),
        Err(_) => exec_err!("'{name}' is not a time zone such as 'UTC' or 'Europe/Vienna'"),
    }
}

fn check_zones(args: &ReturnFieldArgs<'_>) -> Result<()> {
    for argument in args.scalar_arguments.iter().take(2) {
        if let Some(ScalarValue::Utf8(Some(name))) = argument
            && let Err(error) = zone(name)
        {
            return plan_err!("{}", error.strip_backtrace());
        }
    }
    Ok(())
}

fn convert(call: &Call<'_>) -> Result<ArrayRef> {
    let (source, target) = (call.text(0)?, call.text(1)?);
    let timestamp = call.primitive::<TimestampNanosecondType>(2)?;
    call.build_primitive::<TimestampNanosecondType>(|row| {
        let (Some(source), Some(target), Some(timestamp)) =
            (source.at(row), target.at(row), timestamp.at(row))
        else {
            return Ok(None);
        };
        let utc = utc_of(wall_clock(timestamp), zone(source)?);
        let offset = zone(target)?.offset_from_utc_datetime(&utc).fix();
        nanoseconds(utc + TimeDelta::seconds(i64::from(offset.local_minus_utc()))).map(Some)
    })
}

/// The instant at which the wall clock of `zone` shows `clock`.
fn utc_of(clock: NaiveDateTime, zone: Tz) -> NaiveDateTime {
    let offset = match zone.offset_from_local_datetime(&clock) {
        LocalResult::Single(offset) | LocalResult::Ambiguous(offset, _) => offset.fix(),
        // Clocks were put forward over `clock`. No change skips a whole day twice in two days, so
        // the offset of two days earlier, taken as UTC, is the one before the change.
        LocalResult::None => zone.offset_from_utc_datetime(&(clock - TimeDelta::days(2))).fix(),
    };
    clock - TimeDelta::seconds(i64::from(offset.local_minus_utc()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn converted(source: &str, target: &str, clock: &str) -> String {
        let clock = NaiveDateTime::parse_from_str(clock, "%Y-%m-%d %H:%M").unwrap();
        let utc = utc_of(clock, zone(source).unwrap());
        let offset = zone(target).unwrap().offset_from_utc_datetime(&utc).fix();
        (utc + TimeDelta::seconds(i64::from(offset.local_minus_utc()))).format("%Y-%m-%d %H:%M").to_string()
    }

    #[test]
    fn wall_clocks_of_other_zones() {
        let vienna = "Europe/Vienna";
        assert_eq!(converted("UTC", vienna, "2024-07-01 12:00"), "2024-07-01 14:00");
        assert_eq!(converted(vienna, "UTC", "2024-01-01 12:00"), "2024-01-01 11:00");
        assert_eq!(converted("America/New_York", "Asia/Kolkata", "2024-01-01 00:00"), "2024-01-01 10:30");
        // Skipped: 02:30 of the change counts with winter time and reads 03:30 in summer time.
        assert_eq!(converted(vienna, "UTC", "2024-03-31 02:30"), "2024-03-31 01:30");
        assert_eq!(converted(vienna, vienna, "2024-03-31 02:30"), "2024-03-31 03:30");
        // Twice: the first, in summer time.
        assert_eq!(converted(vienna, "UTC", "2024-10-27 02:30"), "2024-10-27 00:30");
        assert!(zone("Mars/Olympus").is_err());
    }
}
