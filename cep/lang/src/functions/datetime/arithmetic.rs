//! Adding to timestamps and counting between them.

use std::sync::Arc;

use arrow_array::ArrayRef;
use arrow_array::types::TimestampNanosecondType;
use arrow_schema::{DataType, TimeUnit};
use chrono::{Datelike, Months, NaiveDateTime};
use datafusion_common::arrow::compute::kernels::numeric;
use datafusion_common::{Result, exec_err};

use super::unit::{Unit, check_unit};
use super::{nanoseconds, wall_clock};
use crate::functions::call::Call;
use crate::functions::definition::{Definition, Param, Params, Returns};

pub(super) fn functions() -> Vec<Definition> {
    vec![
        Definition::new(
            "date_add",
            "date_add(timestamp, interval)",
            "timestamp + interval. TIMESTAMP.",
            Params::exactly(&[Param::Timestamp, Param::Interval]),
            Returns::Of(timestamp_like_first),
            |call| Ok(numeric::add(&call.column(0)?, &call.column(1)?)?),
        ),
        Definition::new(
            "date_sub",
            "date_sub(timestamp, interval)",
            "timestamp − interval. TIMESTAMP.",
            Params::exactly(&[Param::Timestamp, Param::Interval]),
            Returns::Of(timestamp_like_first),
            |call| Ok(numeric::sub(&call.column(0)?, &call.column(1)?)?),
        ),
        Definition::new(
            "dateadd",
            "dateadd('unit', count, timestamp)",
            "The timestamp moved by a number of units; the last day of a month stays in the month. TIMESTAMP.",
            Params::exactly(&[Param::Text, Param::Int, Param::Timestamp]),
            Returns::Of(timestamp_like_third),
            dateadd,
        )
        .aliased(&["timestampadd", "timestamp_add"])
        .checked(check_unit),
        Definition::new(
            "date_diff",
            "date_diff('unit', a, b)",
            "Number of unit boundaries between a and b: date_diff('day', …) of 23:59 and 00:01 is 1. BIGINT.",
            Params::exactly(&[Param::Text, Param::Timestamp, Param::Timestamp]),
            Returns::Type(DataType::Int64),
            |call| between(call, boundaries_between),
        )
        .aliased(&["datediff"])
        .checked(check_unit),
        Definition::new(
            "timestampdiff",
            "timestampdiff('unit', a, b)",
            "Number of complete units from a to b, negative when b is earlier. BIGINT.",
            Params::exactly(&[Param::Text, Param::Timestamp, Param::Timestamp]),
            Returns::Type(DataType::Int64),
            |call| between(call, complete_between),
        )
        .aliased(&["timestamp_diff"])
        .checked(check_unit),
        Definition::new(
            "make_timestamp",
            "make_timestamp(year, month, day, hour, minute, second)",
            "The timestamp of these parts, UTC; seconds may have a fraction. An error when there is no such time.",
            Params::exactly(&[
                Param::Int,
                Param::Int,
                Param::Int,
                Param::Int,
                Param::Int,
                Param::Double,
            ]),
            Returns::Type(DataType::Timestamp(TimeUnit::Nanosecond, None)),
            make_timestamp,
        ),
    ]
}

fn timestamp_like(data_type: Option<&DataType>) -> Result<DataType> {
    match data_type {
        Some(DataType::Timestamp(_, zone)) => {
            Ok(DataType::Timestamp(TimeUnit::Nanosecond, zone.as_ref().map(Arc::clone)))
        }
        _ => Ok(DataType::Timestamp(TimeUnit::Nanosecond, None)),
    }
}

fn timestamp_like_first(arg_types: &[DataType]) -> Result<DataType> {
    timestamp_like(arg_types.first())
}

fn timestamp_like_third(arg_types: &[DataType]) -> Result<DataType> {
    timestamp_like(arg_types.get(2))
}

fn dateadd(call: &Call<'_>) -> Result<ArrayRef> {
    let (unit, count) = (call.text(0)?, call.ints(1)?);
    let timestamp = call.primitive::<TimestampNanosecondType>(2)?;
    call.build_primitive::<TimestampNanosecondType>(|row| {
        let (Some(unit), Some(count), Some(timestamp)) = (unit.at(row), count.at(row), timestamp.at(row))
        else {
            return Ok(None);
        };
        add_units(timestamp, Unit::parse(unit)?, count).map(Some)
    })
}

fn add_units(timestamp_ns: i64, unit: Unit, count: i64) -> Result<i64> {
    let moved = match unit {
        Unit::Months(months) => {
            let Some(months) = count.checked_mul(months) else {
                return exec_err!("{count} units are more than a TIMESTAMP holds");
            };
            let clock = wall_clock(timestamp_ns);
            let span = u32::try_from(months.unsigned_abs()).ok().map(Months::new);
            let moved = span.and_then(|span| {
                if months >= 0 { clock.checked_add_months(span) } else { clock.checked_sub_months(span) }
            });
            moved.map(nanoseconds).transpose()?
        }
        Unit::Fixed(_) | Unit::Week => unit
            .fixed_ns()
            .and_then(|unit_ns| unit_ns.checked_mul(count))
            .and_then(|span_ns| timestamp_ns.checked_add(span_ns)),
    };
    match moved {
        Some(moved) => Ok(moved),
        None => exec_err!("{count} units are more than a TIMESTAMP holds"),
    }
}

fn between(call: &Call<'_>, count: fn(Unit, i64, i64) -> i64) -> Result<ArrayRef> {
    let unit = call.text(0)?;
    let from = call.primitive::<TimestampNanosecondType>(1)?;
    let to = call.primitive::<TimestampNanosecondType>(2)?;
    call.build_int(|row| {
        let (Some(unit), Some(from), Some(to)) = (unit.at(row), from.at(row), to.at(row)) else {
            return Ok(None);
        };
        Ok(Some(count(Unit::parse(unit)?, from, to)))
    })
}

/// Months from year 0 to the month of `clock`.
fn month_number(clock: NaiveDateTime) -> i64 {
    i64::from(clock.year()) * 12 + i64::from(clock.month0())
}

fn boundaries_between(unit: Unit, from_ns: i64, to_ns: i64) -> i64 {
    match unit {
        Unit::Fixed(1) => to_ns.saturating_sub(from_ns),
        Unit::Fixed(unit_ns) => to_ns.div_euclid(unit_ns) - from_ns.div_euclid(unit_ns),
        Unit::Week => {
            // 1970-01-01 was a Thursday: weeks from Monday begin three days earlier.
            let day_ns = 86_400_000_000_000;
            let week = |ns: i64| (ns.div_euclid(day_ns) + 3).div_euclid(7);
            week(to_ns) - week(from_ns)
        }
        Unit::Months(months) => {
            month_number(wall_clock(to_ns)).div_euclid(months)
                - month_number(wall_clock(from_ns)).div_euclid(months)
        }
    }
}

fn complete_between(unit: Unit, from_ns: i64, to_ns: i64) -> i64 {
    if let Some(unit_ns) = unit.fixed_ns() {
        let span_ns = i128::from(to_ns) - i128::from(from_ns);
        // Saturates for nanoseconds over more than 292 years.
        return i64::try_from(span_ns / i128::from(unit_ns)).unwrap_or(i64::MAX);
    }
    let Unit::Months(months) = unit else {
        return 0;
    };
    if to_ns < from_ns {
        return -complete_between(unit, to_ns, from_ns);
    }
    let (from, to) = (wall_clock(from_ns), wall_clock(to_ns));
    let mut whole = month_number(to) - month_number(from);
    let position = |clock: NaiveDateTime| (clock.day(), clock.time());
    if position(to) < position(from) {
        whole -= 1;
    }
    whole / months
}

fn make_timestamp(call: &Call<'_>) -> Result<ArrayRef> {
    let parts = [call.ints(0)?, call.ints(1)?, call.ints(2)?, call.ints(3)?, call.ints(4)?];
    let seconds = call.doubles(5)?;
    call.build_primitive::<TimestampNanosecondType>(|row| {
        let mut values = [0_i64; 5];
        for (value, cells) in values.iter_mut().zip(&parts) {
            match cells.at(row) {
                Some(part) => *value = part,
                None => return Ok(None),
            }
        }
        match seconds.at(row) {
            Some(seconds) => timestamp_of(values, seconds).map(Some),
            None => Ok(None),
        }
    })
}

fn timestamp_of(parts: [i64; 5], seconds: f64) -> Result<i64> {
    let [year, month, day, hour, minute] = parts;
    let small = |value: i64| u32::try_from(value).unwrap_or(u32::MAX);
    // Microseconds are what a fraction in DOUBLE carries reliably; more digits would be noise.
    let micros = libm::round(seconds * 1e6);
    let date = i32::try_from(year)
        .ok()
        .and_then(|year| chrono::NaiveDate::from_ymd_opt(year, small(month), small(day)));
    let clock = date.and_then(|date| date.and_hms_opt(small(hour), small(minute), 0));
    match clock {
        Some(clock) if (0.0..60_000_000.0).contains(&micros) => {
            nanoseconds(clock + chrono::TimeDelta::microseconds(micros as i64))
        }
        Some(_) | None => exec_err!("there is no time {year}-{month}-{day} {hour}:{minute}:{seconds}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(text: &str) -> i64 {
        let clock = NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f").unwrap();
        nanoseconds(clock).unwrap()
    }

    fn unit(name: &str) -> Unit {
        Unit::parse(name).unwrap()
    }

    #[test]
    fn counting_boundaries_and_complete_units() {
        let cases = [
            ("day", "2024-01-01T23:59:00", "2024-01-02T00:01:00", 1, 0),
            ("hour", "2024-01-01T10:59:59", "2024-01-01T11:00:00", 1, 0),
            ("month", "2024-01-31T00:00:00", "2024-02-29T00:00:00", 1, 0),
            ("month", "2024-01-15T00:00:00", "2024-03-15T00:00:00", 2, 2),
            ("year", "2023-12-31T00:00:00", "2024-01-01T00:00:00", 1, 0),
            ("quarter", "2024-03-31T00:00:00", "2024-04-01T00:00:00", 1, 0),
            ("week", "2024-01-07T00:00:00", "2024-01-08T00:00:00", 1, 0),
            ("week", "1969-12-28T00:00:00", "1969-12-29T00:00:00", 1, 0),
            ("second", "1969-12-31T23:59:59.5", "1970-01-01T00:00:00", 1, 0),
            ("ms", "2024-01-01T00:00:00", "2024-01-01T00:00:01", 1000, 1000),
        ];
        for (name, from, to, boundaries, complete) in cases {
            let (from, to) = (at(from), at(to));
            assert_eq!(boundaries_between(unit(name), from, to), boundaries, "{name}");
            assert_eq!(boundaries_between(unit(name), to, from), -boundaries, "{name}");
            assert_eq!(complete_between(unit(name), from, to), complete, "{name}");
            assert_eq!(complete_between(unit(name), to, from), -complete, "{name}");
        }
    }

    proptest! {
        /// Complete months: the largest count whose addition does not pass the end.
        #[test]
        fn complete_months_are_those_that_fit(from in 0_i64..2_000_000_000, span in 0_i64..400_000_000) {
            let (from, to) = (from * 1_000_000_000, (from + span) * 1_000_000_000);
            let months = complete_between(unit("month"), from, to);
            let day = wall_clock(from).day();
            prop_assume!(day <= 28);
            prop_assert!(add_units(from, unit("month"), months).unwrap() <= to);
            prop_assert!(add_units(from, unit("month"), months + 1).unwrap() > to);
        }

        #[test]
        fn adding_and_counting_are_inverse_for_fixed_units(from in -2_000_000_000_i64..2_000_000_000, count in -1000_i64..1000) {
            let from = from * 1_000_000_000;
            for name in ["s", "minute", "hour", "day", "week"] {
                let to = add_units(from, unit(name), count).unwrap();
                prop_assert_eq!(boundaries_between(unit(name), from, to), count);
                prop_assert_eq!(complete_between(unit(name), from, to), count);
            }
        }
    }

    #[test]
    fn months_end_where_months_end() {
        let moved = add_units(at("2024-01-31T12:00:00"), unit("month"), 1).unwrap();
        assert_eq!(moved, at("2024-02-29T12:00:00"));
        let moved = add_units(at("2024-05-31T12:00:00"), unit("quarter"), -1).unwrap();
        assert_eq!(moved, at("2024-02-29T12:00:00"));
        assert!(add_units(i64::MAX, unit("day"), 1).is_err());
        assert!(add_units(0, unit("year"), i64::MAX).is_err());
        assert!(Unit::parse("fortnight").is_err());
    }

    #[test]
    fn timestamps_from_parts() {
        let made = timestamp_of([2024, 2, 29, 23, 59], 59.25).unwrap();
        assert_eq!(made, at("2024-02-29T23:59:59.25"));
        for bad in [[2023, 2, 29, 0, 0], [2024, 13, 1, 0, 0], [2024, 1, 1, 24, 0]] {
            assert!(timestamp_of(bad, 0.0).is_err());
        }
        assert!(timestamp_of([2024, 1, 1, 0, 0], 60.0).is_err());
        assert!(timestamp_of([2024, 1, 1, 0, 0], f64::NAN).is_err());
        assert!(timestamp_of([9999, 1, 1, 0, 0], 0.0).is_err());
    }
}
