//! `WITHIN … PER …`: the time that a read of an aggregation covers (R-SQL-7).

use chrono::{DateTime, Days, FixedOffset, Months, NaiveDate, NaiveDateTime, Offset, TimeDelta, TimeZone};

use crate::ast::{Grain, Span, WithinPer};
use crate::diag::{Diagnostic, Result, codes};

use super::context::Context;
use super::sqlast::{SqlExpr, string_literal};

/// A grain as users write it.
pub(crate) fn grain_text(grain: Grain) -> &'static str {
    match grain {
        Grain::Second => "seconds",
        Grain::Minute => "minutes",
        Grain::Hour => "hours",
        Grain::Day => "days",
        Grain::Week => "weeks",
        Grain::Month => "months",
        Grain::Year => "years",
    }
}

/// Whether an aggregation that keeps `grains` answers at `per`.
pub(crate) fn is_kept(grains: &[Grain], per: Grain) -> bool {
    grains.contains(&per)
}

/// From, inclusive, and to, exclusive, in nanoseconds since 1970. A start without an end is open.
///
/// # Errors
/// What is no time, an end before the start.
pub(crate) fn range(context: &Context<'_>, within: &WithinPer, zone: Option<chrono_tz::Tz>) -> Result<(i64, i64)> {
    let WithinPer { from, to, per: _, span } = within;
    let (from_ns, from_end_ns) = time(context, from, zone)?;
    let Some(to) = to else {
        return Ok((from_ns, from_end_ns.unwrap_or(i64::MAX)));
    };
    if from_end_ns.is_some() {
        return Err(wrong(context, from, "a date with stars is a range by itself", "leave the second time out"));
    }
    let (to_ns, to_end_ns) = time(context, to, zone)?;
    if to_end_ns.is_some() {
        return Err(wrong(context, to, "a date with stars is a range by itself", "leave the first time out"));
    }
    if to_ns <= from_ns {
        let message = "the range ends before it starts";
        return Err(Box::new(Diagnostic::at(codes::LITERAL, *span, message).help("write the earlier time first")));
    }
    Ok((from_ns, to_ns))
}

/// A time, and the end of its range when it has stars.
fn time(context: &Context<'_>, sql: &SqlExpr, zone: Option<chrono_tz::Tz>) -> Result<(i64, Option<i64>)> {
    match string_literal(sql) {
        Some(text) if text.contains('*') => match stars(text, zone) {
            Some((from, to)) => Ok((from, Some(to))),
            None => Err(wrong(
                context,
                sql,
                "this is no date with stars",
                "replace whole fields from the right: '2024-05-** **:**:**'",
            )),
        },
        Some(text) => match written(text, zone) {
            Some(ns) => Ok((ns, None)),
            None => Err(wrong(context, sql, "this is no time", "write '2024-05-01 12:00:00', if need be with an offset: '… +02:00'")),
        },
        None => context.constant_time(sql).map(|ns| (ns, None)),
    }
}

fn wrong(context: &Context<'_>, sql: &SqlExpr, message: &str, help: &str) -> Box<Diagnostic> {
    let span: Span = context.places.of(sql).unwrap_or_default();
    Box::new(Diagnostic::at(codes::LITERAL, span, message).help(help))
}

/// Splits `… +02:00` or `…Z` off.
fn with_offset(text: &str) -> (&str, Option<FixedOffset>) {
    let text = text.trim();
    if let Some(rest) = text.strip_suffix(['Z', 'z']) {
        return (rest.trim_end(), Some(chrono::Utc.fix()));
    }
    let Some(at) = text.rfind(['+', '-']).filter(|at| *at > "2024-05-01".len()) else {
        return (text, None);
    };
    match text[at..].parse::<FixedOffset>() {
        Ok(offset) => (text[..at].trim_end(), Some(offset)),
        Err(_) => (text, None),
    }
}

fn written(text: &str, zone: Option<chrono_tz::Tz>) -> Option<i64> {
    let (text, offset) = with_offset(text);
    let text = text.replacen('T', " ", 1);
    let formats = ["%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%d %H:%M"];
    let local = formats
        .iter()
        .find_map(|format| NaiveDateTime::parse_from_str(&text, format).ok())
        .or_else(|| NaiveDate::parse_from_str(&text, "%Y-%m-%d").ok()?.and_hms_opt(0, 0, 0))?;
    instant(local, offset, zone)
}

/// Nanoseconds of a local time; of two, the earlier; a time that the clocks skip is refused.
fn instant(local: NaiveDateTime, offset: Option<FixedOffset>, zone: Option<chrono_tz::Tz>) -> Option<i64> {
    fn nanos<Z: TimeZone>(time: Option<DateTime<Z>>) -> Option<i64> {
        time?.timestamp_nanos_opt()
    }
    match (offset, zone) {
        (Some(offset), _) => nanos(offset.from_local_datetime(&local).earliest()),
        (None, Some(zone)) => nanos(zone.from_local_datetime(&local).earliest()),
        (None, None) => local.and_utc().timestamp_nanos_opt(),
    }
}

/// `2024-05-** **:**:**`: from the first moment to the first one after.
fn stars(text: &str, zone: Option<chrono_tz::Tz>) -> Option<(i64, i64)> {
    let (text, offset) = with_offset(text);
    let fields: Vec<&str> = text.split(['-', ' ', 'T', ':']).collect();
    let known = fields.iter().position(|field| field.contains('*'))?;
    let all_stars = fields[known..].iter().all(|field| !field.is_empty() && field.chars().all(|c| c == '*'));
    if fields.len() > 6 || known == 0 || !all_stars {
        return None;
    }
    let number = |at: usize, default: u32| if at < known { fields[at].parse().ok() } else { Some(default) };
    let year: i32 = fields[0].parse().ok()?;
    let date = NaiveDate::from_ymd_opt(year, number(1, 1)?, number(2, 1)?)?;
    let start = date.and_hms_opt(number(3, 0)?, number(4, 0)?, number(5, 0)?)?;
    let end = match known {
        1 => start.checked_add_months(Months::new(12))?,
        2 => start.checked_add_months(Months::new(1))?,
        3 => start.checked_add_days(Days::new(1))?,
        4 => start.checked_add_signed(TimeDelta::hours(1))?,
        _ => start.checked_add_signed(TimeDelta::minutes(1))?,
    };
    Some((instant(start, offset, zone)?, instant(end, offset, zone)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR_NS: i64 = 3_600_000_000_000;

    #[test]
    fn stars_cover_what_they_replace() {
        let length = |text| stars(text, None).map(|(from, to)| (to - from) / HOUR_NS);
        assert_eq!(length("2024-02-** **:**:**"), Some(29 * 24));
        assert_eq!(length("2023-**-** **:**:**"), Some(365 * 24));
        assert_eq!(length("2024-02-03 **:**:**"), Some(24));
        assert_eq!(length("2024-02-03 10:**:**"), Some(1));
        for wrong in ["****-02-03 **:**:**", "2024-**-03 **:**:**", "2024-0*-** **:**:**", "2024-13-** **:**:**"] {
            assert_eq!(length(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn days_follow_the_zone() {
        let berlin = chrono_tz::Europe::Berlin;
        let (from, to) = stars("2024-03-31 **:**:**", Some(berlin)).unwrap();
        assert_eq!((to - from) / HOUR_NS, 23);
    }

    #[test]
    fn offsets_move_the_time() {
        let utc = written("2024-05-01 12:00:00", None).unwrap();
        assert_eq!(written("2024-05-01 14:00:00 +02:00", None), Some(utc));
        assert_eq!(written("2024-05-01T12:00:00Z", None), Some(utc));
        assert_eq!(written("2024-05-01", None), Some(utc - 12 * HOUR_NS));
        assert_eq!(written("soon", None), None);
    }
}
