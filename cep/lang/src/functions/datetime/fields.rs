//! Fields of a timestamp by name: `year(t)`, `dayname(t)`, `epoch_ms(t)`, `last_day(t)`.

use std::sync::Arc;

use arrow_array::types::{Date32Type, TimestampNanosecondType};
use arrow_array::{ArrayRef, StringArray};
use arrow_schema::DataType;
use chrono::{Datelike, Months, NaiveDate};
use datafusion_common::Result;
use datafusion_common::arrow::compute::{DatePart, date_part};
use datafusion_common::cast::as_int32_array;

use super::wall_clock;
use crate::functions::call::Call;
use crate::functions::definition::{Definition, Param, Params, Returns};

/// A [`Definition`] of one field, INT.
macro_rules! field {
    ($name:literal, $part:expr, $doc:literal) => {
        Definition::new(
            $name,
            concat!($name, "(timestamp)"),
            $doc,
            Params::exactly(&[Param::Timestamp]),
            Returns::Type(DataType::Int32),
            |call| Ok(date_part(&call.column(0)?, $part)?),
        )
    };
}

/// A [`Definition`] of the time since 1970-01-01 UTC in a unit, BIGINT, rounded down.
macro_rules! epoch {
    ($name:literal, $unit_ns:literal, $doc:literal) => {
        Definition::new(
            $name,
            concat!($name, "(timestamp)"),
            $doc,
            Params::exactly(&[Param::Timestamp]),
            Returns::Type(DataType::Int64),
            |call| {
                let timestamp = call.primitive::<TimestampNanosecondType>(0)?;
                call.build_int(|row| Ok(timestamp.at(row).map(|ns| ns.div_euclid($unit_ns))))
            },
        )
    };
}

const WEEKDAYS: [&str; 7] = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

pub(super) fn functions() -> Vec<Definition> {
    vec![
        field!("year", DatePart::Year, "Year."),
        field!("quarter", DatePart::Quarter, "Quarter of the year, 1 to 4."),
        field!("month", DatePart::Month, "Month of the year, 1 to 12."),
        field!("week", DatePart::WeekISO, "ISO 8601 week of the year, 1 to 53.").aliased(&["weekofyear"]),
        field!("day", DatePart::Day, "Day of the month, 1 to 31.").aliased(&["dayofmonth", "day_of_month"]),
        field!("dayofyear", DatePart::DayOfYear, "Day of the year, 1 to 366.").aliased(&["day_of_year"]),
        field!("dayofweek", DatePart::DayOfWeekSunday0, "Day of the week, 0 (Sunday) to 6 (Saturday).")
            .aliased(&["day_of_week"]),
        Definition::new(
            "isodow",
            "isodow(timestamp)",
            "Day of the week by ISO 8601, 1 (Monday) to 7 (Sunday).",
            Params::exactly(&[Param::Timestamp]),
            Returns::Type(DataType::Int32),
            |call| {
                let monday0 = date_part(&call.column(0)?, DatePart::DayOfWeekMonday0)?;
                let monday0 = as_int32_array(&monday0)?;
                Ok(Arc::new(monday0.unary::<_, arrow_array::types::Int32Type>(|day| day + 1)))
            },
        ),
        field!("hour", DatePart::Hour, "Hour of the day, 0 to 23."),
        field!("minute", DatePart::Minute, "Minute of the hour, 0 to 59."),
        field!("second", DatePart::Second, "Second of the minute, 0 to 59."),
        epoch!("epoch_s", 1_000_000_000, "Seconds since 1970-01-01 UTC. BIGINT."),
        epoch!("epoch_ms", 1_000_000, "Milliseconds since 1970-01-01 UTC. BIGINT.")
            .aliased(&["timestampinmilliseconds", "to_unix_millis"]),
        epoch!("epoch_us", 1_000, "Microseconds since 1970-01-01 UTC. BIGINT."),
        epoch!("epoch_ns", 1, "Nanoseconds since 1970-01-01 UTC. BIGINT."),
        Definition::new(
            "dayname",
            "dayname(timestamp)",
            "English name of the weekday.",
            Params::exactly(&[Param::Timestamp]),
            Returns::Type(DataType::Utf8),
            |call| names(call, DatePart::DayOfWeekSunday0, 0, &WEEKDAYS),
        )
        .aliased(&["day_name"]),
        Definition::new(
            "monthname",
            "monthname(timestamp)",
            "English name of the month.",
            Params::exactly(&[Param::Timestamp]),
            Returns::Type(DataType::Utf8),
            |call| names(call, DatePart::Month, 1, &MONTHS),
        )
        .aliased(&["month_name"]),
        Definition::new(
            "last_day",
            "last_day(timestamp)",
            "Date of the last day of the month, UTC.",
            Params::exactly(&[Param::Timestamp]),
            Returns::Type(DataType::Date32),
            |call| {
                let timestamp = call.primitive::<TimestampNanosecondType>(0)?;
                call.build_primitive::<Date32Type>(|row| {
                    Ok(timestamp
                        .at(row)
                        .and_then(|ns| last_day(wall_clock(ns).date()))
                        .map(Date32Type::from_naive_date))
                })
            },
        ),
    ]
}

fn names(call: &Call<'_>, part: DatePart, first: i32, names: &[&str]) -> Result<ArrayRef> {
    let numbers = date_part(&call.column(0)?, part)?;
    let named: StringArray = as_int32_array(&numbers)?
        .iter()
        .map(|number| {
            let index = usize::try_from(number? - first).ok()?;
            names.get(index).copied()
        })
        .collect();
    Ok(Arc::new(named))
}

/// The last day of the month of `date`; a month of the timestamp range always has one.
fn last_day(date: NaiveDate) -> Option<NaiveDate> {
    date.with_day(1)?.checked_add_months(Months::new(1))?.pred_opt()
}
