//! Dates and times in ISO order, without a library call on the way.

use super::Misfit;

/// Nanoseconds of a day.
pub(crate) const DAY_NS: i64 = 86_400_000_000_000;
const SECOND_NS: i64 = 1_000_000_000;

/// `YYYY-MM-DD` to days since 1970 (proleptic Gregorian, years 0000 to 9999).
#[inline]
pub(crate) fn date(text: &[u8]) -> Result<i32, Misfit> {
    let &[y0, y1, y2, y3, b'-', m0, m1, b'-', d0, d1] = text else {
        return Err(Misfit::Malformed);
    };
    let year = two(y0, y1)? * 100 + two(y2, y3)?;
    let month = two(m0, m1)?;
    let day = two(d0, d1)?;
    if !(1..=12).contains(&month) || day < 1 || day > days_of_month(year, month) {
        return Err(Misfit::Malformed);
    }
    Ok(days_from_civil(year, month, day))
}

/// `HH:MM`, `HH:MM:SS` or `HH:MM:SS.f` (1 to 9 digits) to nanoseconds since midnight. A leap
/// second, `:60`, is refused.
#[inline]
pub(crate) fn time_of_day(text: &[u8]) -> Result<i64, Misfit> {
    let (hour, minute, rest) = match *text {
        [h0, h1, b':', m0, m1, ref rest @ ..] => (two(h0, h1)?, two(m0, m1)?, rest),
        _ => return Err(Misfit::Malformed),
    };
    let (second, fraction) = match *rest {
        [] => (0, 0),
        [b':', s0, s1] => (two(s0, s1)?, 0),
        [b':', s0, s1, b'.' | b',', ref digits @ ..] => (two(s0, s1)?, fraction_ns(digits)?),
        _ => return Err(Misfit::Malformed),
    };
    if hour > 23 || minute > 59 || second > 59 {
        return Err(Misfit::Malformed);
    }
    let seconds = i64::from(hour * 3600 + minute * 60 + second);
    Ok(seconds * SECOND_NS + fraction)
}

/// An ISO date, or date and time behind `T`, `t` or a space, and an offset in seconds when one is
/// written (`Z`, `+02:00`, `+0200`, `+02`, a space before it allowed).
#[inline]
pub(crate) fn date_time(text: &[u8]) -> Result<(i64, Option<i32>), Misfit> {
    if text.len() < 10 {
        return Err(Misfit::Malformed);
    }
    let (day, rest) = text.split_at(10);
    let day = date(day)?;
    let rest = match rest {
        [] => return Ok((instant(day, 0)?, None)),
        [b'T' | b't' | b' ', rest @ ..] => rest,
        _ => return Err(Misfit::Malformed),
    };
    let end =
        rest.iter().position(|byte| matches!(byte, b'Z' | b'z' | b'+' | b'-' | b' ')).unwrap_or(rest.len());
    let (clock, zone) = rest.split_at(end);
    Ok((instant(day, time_of_day(clock)?)?, offset(zone)?))
}

/// Nanoseconds since 1970. The midnight of the first day is out of range, its evening is not:
/// before 1970 the sum goes back from the next midnight.
#[inline]
fn instant(day: i32, clock_ns: i64) -> Result<i64, Misfit> {
    let (midnight, clock_ns) = if day < 0 { (day + 1, clock_ns - DAY_NS) } else { (day, clock_ns) };
    let sum = i64::from(midnight).checked_mul(DAY_NS).and_then(|ns| ns.checked_add(clock_ns));
    sum.ok_or(Misfit::OutOfRange)
}

/// Offset east of UTC in seconds; `None` when nothing is written.
#[inline]
fn offset(text: &[u8]) -> Result<Option<i32>, Misfit> {
    let text = match text {
        [] => return Ok(None),
        [b' ', rest @ ..] => rest,
        text => text,
    };
    let (sign, hours, minutes) = match *text {
        [b'Z' | b'z'] => return Ok(Some(0)),
        [sign, h0, h1] => (sign, two(h0, h1)?, 0),
        [sign, h0, h1, m0, m1] | [sign, h0, h1, b':', m0, m1] => (sign, two(h0, h1)?, two(m0, m1)?),
        _ => return Err(Misfit::Malformed),
    };
    if hours > 23 || minutes > 59 {
        return Err(Misfit::Malformed);
    }
    match sign {
        b'+' => Ok(Some(hours * 3600 + minutes * 60)),
        b'-' => Ok(Some(-(hours * 3600 + minutes * 60))),
        _ => Err(Misfit::Malformed),
    }
}

/// Two ASCII digits.
#[inline(always)]
fn two(tens: u8, ones: u8) -> Result<i32, Misfit> {
    let (tens, ones) = (tens.wrapping_sub(b'0'), ones.wrapping_sub(b'0'));
    if tens > 9 || ones > 9 {
        return Err(Misfit::Malformed);
    }
    Ok(i32::from(tens) * 10 + i32::from(ones))
}

fn fraction_ns(digits: &[u8]) -> Result<i64, Misfit> {
    if digits.is_empty() || digits.len() > 9 {
        return Err(Misfit::Malformed);
    }
    let mut value: i64 = 0;
    for place in 0..9 {
        let digit = match digits.get(place) {
            Some(byte) => byte.wrapping_sub(b'0'),
            None => 0,
        };
        if digit > 9 {
            return Err(Misfit::Malformed);
        }
        value = value * 10 + i64::from(digit);
    }
    Ok(value)
}

fn days_of_month(year: i32, month: i32) -> i32 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        _ => 31,
    }
}

/// Days since 1970-01-01 (Hinnant, "chrono-Compatible Low-Level Date Algorithms", days_from_civil).
pub(crate) fn days_from_civil(year: i32, month: i32, day: i32) -> i32 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let month = (month + 9) % 12;
    let day_of_year = (153 * month + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

/// Year, month and day of a number of days since 1970-01-01 (Hinnant, civil_from_days).
pub(crate) fn civil_from_days(days: i64) -> (i64, u32, u32) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month as u32, day as u32)
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::{Datelike, NaiveDate, TimeDelta};
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn dates_agree_with_the_calendar_library(days in -719_528_i32..2_932_896) {
            let day = NaiveDate::from_ymd_opt(1970, 1, 1).unwrap() + TimeDelta::days(days.into());
            prop_assert_eq!(date(day.to_string().as_bytes()), Ok(days));
            let civil = (i64::from(day.year()), day.month(), day.day());
            prop_assert_eq!(civil_from_days(days.into()), civil);
        }

        #[test]
        fn a_text_is_a_date_exactly_when_the_library_says_so(text in "[0-9]{4}-[0-3][0-9]-[0-4][0-9]") {
            let theirs = NaiveDate::parse_from_str(&text, "%Y-%m-%d").is_ok();
            prop_assert_eq!(date(text.as_bytes()).is_ok(), theirs);
        }

        #[test]
        fn any_bytes_are_a_time_or_an_error(bytes in proptest::collection::vec(any::<u8>(), 0..40)) {
            let _ = date_time(&bytes);
        }

        #[test]
        fn times_agree_with_the_calendar_library(
            ns in -9_000_000_000_000_000_000_i64..9_000_000_000_000_000_000,
            minutes in -1439_i32..1440,
            digits in prop::sample::select(vec![0_u32, 3, 6, 9]),
        ) {
            let unit = 10_i64.pow(9 - digits);
            let ns = ns.div_euclid(unit) * unit;
            let zone = chrono::FixedOffset::east_opt(minutes * 60).unwrap();
            let utc = chrono::DateTime::from_timestamp_nanos(ns);
            let text = utc.with_timezone(&zone).to_rfc3339();
            let (local, offset) = date_time(text.as_bytes()).unwrap();
            prop_assert_eq!(local - i64::from(offset.unwrap()) * SECOND_NS, ns);
        }
    }

    #[test]
    fn spellings_without_an_offset_and_odd_ones() {
        let read = |text: &str| date_time(text.as_bytes());
        let noon = 43_200 * SECOND_NS;
        assert_eq!(read("1970-01-01"), Ok((0, None)));
        assert_eq!(read("1970-01-01 12:00"), Ok((noon, None)));
        assert_eq!(read("1970-01-01T12:00:00.5Z"), Ok((noon + SECOND_NS / 2, Some(0))));
        assert_eq!(read("1970-01-01 12:00:00 +0100"), Ok((noon, Some(3600))));
        assert_eq!(read("1970-01-01 12:00:00-05"), Ok((noon, Some(-18_000))));
        for text in [
            "1970-01-01 24:00",
            "1970-01-01 1:00",
            "1970-02-30",
            "1970-01-01T",
            "70-01-01",
            "1970-01-01 12:00:60",
            "1970-01-01 12:00:00.",
            "1970-01-01 12:00:00.1234567891",
        ] {
            assert_eq!(read(text), Err(Misfit::Malformed), "{text}");
        }
        assert_eq!(read("9999-01-01"), Err(Misfit::OutOfRange));
    }

    #[test]
    fn the_ends_of_the_range_are_in_it() {
        let read = |text: &str| date_time(text.as_bytes());
        assert_eq!(read("1677-09-21 00:12:43.145224192"), Ok((i64::MIN, None)));
        assert_eq!(read("1677-09-21 00:12:43.145224191"), Err(Misfit::OutOfRange));
        assert_eq!(read("2262-04-11 23:47:16.854775807"), Ok((i64::MAX, None)));
        assert_eq!(read("2262-04-11 23:47:16.854775808"), Err(Misfit::OutOfRange));
    }
}
