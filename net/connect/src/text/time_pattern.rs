//! Event times as the stream's options say they are written.

use cep_types::options::{EpochUnit, EventTime, TimeFormat};
use chrono::format::{Item, Parsed, StrftimeItems, parse};
use chrono::{NaiveDateTime, Offset, TimeDelta, TimeZone};
use chrono_tz::Tz;

use super::Misfit;
use super::time::date_time;

const SECOND_NS: i64 = 1_000_000_000;

/// Reads a time into nanoseconds since 1970, UTC.
#[derive(Debug, Clone)]
pub(crate) enum TimeParser {
    /// ISO date and time; without an offset it is local to the zone.
    Iso(Tz),
    /// ISO date, time and offset, none left out.
    Rfc3339,
    /// A number of units, decimals allowed.
    Epoch(EpochUnit),
    /// A strftime pattern.
    Pattern {
        /// The pattern, taken apart.
        items: Vec<Item<'static>>,
        /// Year of stamps without one.
        year: Option<i32>,
        /// Zone of stamps without an offset.
        zone: Tz,
    },
}

impl TimeParser {
    /// ISO, UTC when no offset is written: every TIMESTAMP column that is not the event time.
    pub(crate) fn iso() -> TimeParser {
        TimeParser::Iso(Tz::UTC)
    }

    /// The parser that checked options ask for.
    pub(crate) fn of(time: &EventTime) -> TimeParser {
        match &time.format {
            TimeFormat::Iso => TimeParser::Iso(time.zone),
            TimeFormat::Rfc3339 => TimeParser::Rfc3339,
            TimeFormat::Epoch => TimeParser::Epoch(time.unit),
            TimeFormat::Strftime(pattern) => TimeParser::Pattern {
                items: StrftimeItems::new(pattern).map(Item::to_owned).collect(),
                year: time.year,
                zone: time.zone,
            },
        }
    }

    /// Nanoseconds since 1970 of a text.
    #[inline]
    pub(crate) fn parse(&self, text: &[u8]) -> Result<i64, Misfit> {
        match self {
            TimeParser::Iso(zone) => {
                let (local, offset) = date_time(text)?;
                match offset {
                    Some(seconds) => at_offset(local, seconds),
                    None if *zone == Tz::UTC => Ok(local),
                    None => local_ns(local, *zone),
                }
            }
            TimeParser::Rfc3339 => match date_time(text)? {
                (local, Some(seconds)) => at_offset(local, seconds),
                (_, None) => Err(Misfit::Malformed),
            },
            TimeParser::Epoch(unit) => epoch(text, *unit),
            TimeParser::Pattern { items, year, zone } => pattern(text, items, *year, *zone),
        }
    }
}

fn at_offset(local: i64, seconds: i32) -> Result<i64, Misfit> {
    local.checked_sub(i64::from(seconds) * SECOND_NS).ok_or(Misfit::OutOfRange)
}

/// A number of units since 1970, exact to the nanosecond, digits below cut off.
fn epoch(text: &[u8], unit: EpochUnit) -> Result<i64, Misfit> {
    if let Ok(whole) = super::integer(text) {
        return unit.to_ns(whole).ok_or(Misfit::OutOfRange);
    }
    let scale = match unit {
        EpochUnit::Seconds => 9,
        EpochUnit::Millis => 6,
        EpochUnit::Micros => 3,
        EpochUnit::Nanos => 0,
    };
    let ns = super::decimal(text, 38, scale)?;
    i64::try_from(ns).map_err(|_| Misfit::OutOfRange)
}

fn pattern(text: &[u8], items: &[Item<'static>], year: Option<i32>, zone: Tz) -> Result<i64, Misfit> {
    let text = std::str::from_utf8(text).map_err(|_| Misfit::Malformed)?;
    let mut parsed = Parsed::new();
    parse(&mut parsed, text, items.iter()).map_err(|_| Misfit::Malformed)?;
    if let Some(year) = year {
        parsed.set_year(year.into()).map_err(|_| Misfit::Malformed)?;
    }
    // A pattern may say the day alone: its midnight.
    if parsed.timestamp().is_none() && parsed.hour_div_12().is_none() {
        parsed.set_hour(0).map_err(|_| Misfit::Malformed)?;
        parsed.set_minute(0).map_err(|_| Misfit::Malformed)?;
    }
    if parsed.timestamp().is_none() && parsed.minute().is_none() {
        parsed.set_minute(0).map_err(|_| Misfit::Malformed)?;
    }
    let offset = parsed.offset();
    let local = parsed.to_naive_datetime_with_offset(offset.unwrap_or(0)).map_err(|_| Misfit::Malformed)?;
    let ns = |time: NaiveDateTime| time.and_utc().timestamp_nanos_opt().ok_or(Misfit::OutOfRange);
    match offset {
        Some(seconds) => at_offset(ns(local)?, seconds),
        None if zone == Tz::UTC || parsed.timestamp().is_some() => ns(local),
        None => local_ns(ns(local)?, zone),
    }
}

/// UTC of a wall-clock time in a zone. A time that the clocks skip is taken with the offset before
/// the gap, which moves it forward; a time that they repeat is the first of the two.
fn local_ns(local: i64, zone: Tz) -> Result<i64, Misfit> {
    let wall = chrono::DateTime::from_timestamp_nanos(local).naive_utc();
    let mut probe = wall;
    // The longest gap on record is a day (Samoa, 2011).
    for _ in 0..=25 {
        if let Some(offset) = zone.offset_from_local_datetime(&probe).earliest() {
            let found = if probe == wall {
                offset
            } else {
                // The last offset before the gap.
                zone.offset_from_local_datetime(&probe).latest().unwrap_or(offset)
            };
            return at_offset(local, found.fix().local_minus_utc());
        }
        probe -= TimeDelta::hours(1);
    }
    Err(Misfit::OutOfRange)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parser(format: &str, year: Option<i32>, zone: Tz) -> TimeParser {
        TimeParser::of(&EventTime {
            column: 0,
            name: String::new(),
            format: match format {
                "iso" => TimeFormat::Iso,
                "epoch" => TimeFormat::Epoch,
                "rfc3339" => TimeFormat::Rfc3339,
                pattern => TimeFormat::Strftime(pattern.to_owned()),
            },
            unit: EpochUnit::Millis,
            year,
            zone,
        })
    }

    fn utc(parser: &TimeParser, text: &str) -> Result<String, Misfit> {
        parser.parse(text.as_bytes()).map(|ns| chrono::DateTime::from_timestamp_nanos(ns).to_rfc3339())
    }

    #[test]
    fn stamps_of_real_logs() {
        let cases = [
            ("%d/%b/%Y:%H:%M:%S %z", None, "17/May/2015:10:05:03 +0200", "2015-05-17T08:05:03+00:00"),
            ("%b %d %H:%M:%S", Some(2015), "Mar 27 13:06:56", "2015-03-27T13:06:56+00:00"),
            ("%b %e %H:%M:%S", Some(2015), "Apr  3 13:06:56", "2015-04-03T13:06:56+00:00"),
            ("%b %d %H:%M:%S", Some(2015), "Apr  3 13:06:56", "2015-04-03T13:06:56+00:00"),
            ("%Y/%m/%d %H:%M", None, "2001/01/01 00:47", "2001-01-01T00:47:00+00:00"),
            ("%d.%m.%Y", None, "31.12.1999", "1999-12-31T00:00:00+00:00"),
            ("%d.%m.%Y %H", None, "31.12.1999 07", "1999-12-31T07:00:00+00:00"),
            ("%Y-%m-%d %I:%M %p", None, "2024-02-29 11:05 PM", "2024-02-29T23:05:00+00:00"),
            ("epoch", None, "1446249499322", "2015-10-30T23:58:19.322+00:00"),
            ("epoch", None, "1446249499322.25", "2015-10-30T23:58:19.322250+00:00"),
            ("%s", None, "1446249499", "2015-10-30T23:58:19+00:00"),
        ];
        for (format, year, text, expected) in cases {
            assert_eq!(utc(&parser(format, year, Tz::UTC), text).as_deref(), Ok(expected), "{format}");
        }
    }

    #[test]
    fn zones_skip_forward_and_repeat_first() {
        let berlin = parser("iso", None, Tz::Europe__Berlin);
        let at = |text| utc(&berlin, text).unwrap();
        assert_eq!(at("2024-07-01 12:00:00"), "2024-07-01T10:00:00+00:00");
        assert_eq!(at("2024-03-31 02:30:00"), "2024-03-31T01:30:00+00:00");
        assert_eq!(at("2024-10-27 02:30:00"), "2024-10-27T00:30:00+00:00");
        assert_eq!(at("2024-07-01 12:00:00Z"), "2024-07-01T12:00:00+00:00");
        let apia = parser("iso", None, Tz::Pacific__Apia);
        assert_eq!(utc(&apia, "2011-12-30 12:00:00").unwrap(), "2011-12-30T22:00:00+00:00");
        let pattern = parser("%Y-%m-%d %H:%M", None, Tz::America__New_York);
        assert_eq!(utc(&pattern, "2024-01-01 00:00").unwrap(), "2024-01-01T05:00:00+00:00");
    }

    #[test]
    fn what_does_not_fit_the_format_is_refused() {
        let refused = |format, year, text| utc(&parser(format, year, Tz::UTC), text).unwrap_err();
        assert_eq!(refused("rfc3339", None, "2024-01-01 00:00:00"), Misfit::Malformed);
        assert_eq!(refused("%b %d %H:%M:%S", Some(2015), "Feb 29 00:00:00"), Misfit::Malformed);
        assert_eq!(refused("epoch", None, "2024-01-01"), Misfit::Malformed);
        assert_eq!(refused("epoch", None, "9300000000000000"), Misfit::OutOfRange);
        assert_eq!(refused("%Y", None, "2024x"), Misfit::Malformed);
    }
}
