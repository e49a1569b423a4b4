//! Units of time by name.

use datafusion_common::{Result, ScalarValue, exec_err, plan_err};
use datafusion_expr::ReturnFieldArgs;

/// A unit of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unit {
    /// A number of nanoseconds, the same always.
    Fixed(i64),
    /// A number of months.
    Months(i64),
    /// Seven days, from Monday where weeks are counted.
    Week,
}

const NANOS_PER_DAY: i64 = 86_400_000_000_000;

impl Unit {
    /// The unit called `name`, in any case, singular, plural or abbreviated.
    pub(super) fn parse(name: &str) -> Result<Self> {
        match Self::find(name) {
            Some(unit) => Ok(unit),
            None => exec_err!(
                "'{name}' is not a unit of time; known are nanosecond, microsecond, millisecond, second, minute, hour, day, week, month, quarter and year"
            ),
        }
    }

    fn find(name: &str) -> Option<Self> {
        let name = name.trim().to_ascii_lowercase();
        let unit = match name.as_str() {
            "ns" | "nanosecond" | "nanoseconds" => Self::Fixed(1),
            "us" | "microsecond" | "microseconds" => Self::Fixed(1_000),
            "ms" | "msec" | "millisecond" | "milliseconds" => Self::Fixed(1_000_000),
            "s" | "sec" | "secs" | "second" | "seconds" => Self::Fixed(1_000_000_000),
            "m" | "min" | "mins" | "minute" | "minutes" => Self::Fixed(60_000_000_000),
            "h" | "hr" | "hrs" | "hour" | "hours" => Self::Fixed(3_600_000_000_000),
            "d" | "day" | "days" => Self::Fixed(NANOS_PER_DAY),
            "w" | "week" | "weeks" => Self::Week,
            "mon" | "month" | "months" => Self::Months(1),
            "q" | "quarter" | "quarters" => Self::Months(3),
            "y" | "yr" | "year" | "years" => Self::Months(12),
            _ => return None,
        };
        Some(unit)
    }

    /// Nanoseconds, for units that are always equally long.
    pub(super) fn fixed_ns(self) -> Option<i64> {
        match self {
            Self::Fixed(nanos) => Some(nanos),
            Self::Week => Some(7 * NANOS_PER_DAY),
            Self::Months(_) => None,
        }
    }
}

/// Refuses an unknown unit while the query is planned, when it is a literal first argument.
pub(super) fn check_unit(args: &ReturnFieldArgs<'_>) -> Result<()> {
    if let Some(Some(ScalarValue::Utf8(Some(name)))) = args.scalar_arguments.first()
        && let Err(error) = Unit::parse(name)
    {
        return plan_err!("{}", error.strip_backtrace());
    }
    Ok(())
}
