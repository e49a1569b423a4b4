//! Arithmetic on TIMESTAMP, DATE and TIME that Arrow has not, or not as SQL wants it.

use arrow_array::types::IntervalMonthDayNano;
use arrow_schema::{DataType, IntervalUnit, TimeUnit};
use chrono::{DateTime, Months};

use super::error::{RowErrorKind, RowFailure};
use super::ops::ArithOp;

const DAY_NS: i64 = 86_400_000_000_000;

/// A time with an interval added or taken away, or a difference of dates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TemporalOp {
    /// TIMESTAMP ± INTERVAL in UTC: months first (the day of the month is kept or becomes its
    /// last), then days of 24 hours, then the rest.
    Timestamp { subtract: bool },
    /// TIME ± INTERVAL: the clock goes round; months and days do not move it.
    Time { subtract: bool },
    /// DATE − DATE in days.
    DateDifference,
}

impl TemporalOp {
    /// The operation, if it is one of these, and whether the interval stands on the left.
    pub(super) fn find(
        op: ArithOp,
        left: &DataType,
        right: &DataType,
        out: &DataType,
    ) -> Option<(Self, bool)> {
        use DataType as T;
        let subtract = match op {
            ArithOp::Add => false,
            ArithOp::Sub => true,
            _ => return None,
        };
        let interval = |t: &T| matches!(t, T::Interval(IntervalUnit::MonthDayNano));
        let (time, flipped) = match (interval(left), interval(right)) {
            (false, true) => (left, false),
            (true, false) if !subtract => (right, true),
            _ if subtract && *left == T::Date32 && *right == T::Date32 && *out == T::Int64 => {
                return Some((TemporalOp::DateDifference, false));
            }
            _ => return None,
        };
        if time != out {
            return None;
        }
        match time {
            T::Timestamp(TimeUnit::Nanosecond, zone) if zone.as_deref().is_none_or(is_utc) => {
                Some((TemporalOp::Timestamp { subtract }, flipped))
            }
            T::Time64(TimeUnit::Nanosecond) => Some((TemporalOp::Time { subtract }, flipped)),
            _ => None,
        }
    }
}

/// Whether a time zone name means UTC.
pub(super) fn is_utc(zone: &str) -> bool {
    matches!(zone, "UTC" | "+00:00" | "Z" | "Etc/UTC")
}

/// `ts ± interval`, ns UTC; `None` beyond what ns in 64 bits reach.
pub(super) fn shift_timestamp(ts: i64, interval: IntervalMonthDayNano, subtract: bool) -> Option<i64> {
    let sign = if subtract { -1 } else { 1 };
    let mut result = i128::from(ts);
    if interval.months != 0 {
        let months = i64::from(interval.months) * sign;
        let count = Months::new(u32::try_from(months.unsigned_abs()).ok()?);
        let time = DateTime::from_timestamp_nanos(ts);
        let moved = if months > 0 { time.checked_add_months(count) } else { time.checked_sub_months(count) };
        result = i128::from(moved?.timestamp_nanos_opt()?);
    }
    let days = i128::from(interval.days) * i128::from(DAY_NS);
    result += (days + i128::from(interval.nanoseconds)) * i128::from(sign);
    i64::try_from(result).ok()
}

/// `time ± interval`, ns of the day.
pub(super) fn shift_time(time: i64, interval: IntervalMonthDayNano, subtract: bool) -> i64 {
    let delta = interval.nanoseconds % DAY_NS;
    let delta = if subtract { -delta } else { delta };
    (time + delta).rem_euclid(DAY_NS)
}

/// Why [`shift_timestamp`] gave nothing.
pub(super) fn timestamp_failure(ts: i64, subtract: bool) -> RowFailure {
    let (sign, shown) = (if subtract { '-' } else { '+' }, DateTime::from_timestamp_nanos(ts));
    let shown = shown.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true);
    RowFailure::new(RowErrorKind::Overflow, format!("TIMESTAMP overflow in {shown} {sign} INTERVAL"))
}
