//! Timestamps and durations.

use chrono::{DateTime, Datelike, FixedOffset, NaiveDateTime, Offset, TimeZone, Timelike, Utc};

use super::value::{Fault, Outcome, Value, no_overload};

const SECOND: i128 = 1_000_000_000;
/// 0001-01-01T00:00:00Z.
const TIMESTAMP_MIN: i128 = -62_135_596_800 * SECOND;
/// 9999-12-31T23:59:59.999999999Z.
const TIMESTAMP_MAX: i128 = 253_402_300_800 * SECOND - 1;

/// The time, if it is one of years 1 to 9999.
pub(super) fn in_timestamp_range(ns: i128) -> Outcome<i128> {
    if (TIMESTAMP_MIN..=TIMESTAMP_MAX).contains(&ns) { Ok(ns) } else { Err(Fault::new("range error")) }
}

/// The duration, if its nanoseconds fit 64 bits: some 292 years either way.
pub(super) fn in_duration_range(ns: i128) -> Outcome<i128> {
    if i64::try_from(ns).is_ok() { Ok(ns) } else { Err(Fault::new("range error")) }
}

/// `timestamp(x)`.
pub(super) fn timestamp(args: &[Value]) -> Outcome {
    let ns = match args {
        [Value::Timestamp(ns)] => *ns,
        [Value::Int(seconds)] => in_timestamp_range(i128::from(*seconds) * SECOND)?,
        [Value::String(text)] => {
            let parsed = DateTime::parse_from_rfc3339(text);
            let parsed = parsed.map_err(|_| Fault::new(format!("range: '{text}' is no timestamp")))?;
            let ns = i128::from(parsed.timestamp()) * SECOND + i128::from(parsed.timestamp_subsec_nanos());
            in_timestamp_range(ns)?
        }
        other => return Err(no_overload("timestamp", &other.iter().collect::<Vec<_>>())),
    };
    Ok(Value::Timestamp(ns))
}

/// `duration(x)`.
pub(super) fn duration(args: &[Value]) -> Outcome {
    let ns = match args {
        [Value::Duration(ns)] => *ns,
        [Value::Int(seconds)] => i128::from(*seconds) * SECOND,
        [Value::String(text)] => {
            read_duration(text).ok_or_else(|| Fault::new(format!("'{text}' is no duration")))?
        }
        other => return Err(no_overload("duration", &other.iter().collect::<Vec<_>>())),
    };
    Ok(Value::Duration(in_duration_range(ns)?))
}

/// Numbers with units, one behind the other: `1h15m30.5s`.
fn read_duration(text: &str) -> Option<i128> {
    let (negative, mut rest) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    if rest == "0" {
        return Some(0);
    }
    if rest.is_empty() {
        return None;
    }
    let mut total: i128 = 0;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (number, behind) = rest.split_at(digits);
        let unit_len = behind.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(behind.len());
        let (unit, next) = behind.split_at(unit_len);
        let unit: i128 = match unit {
            "h" => 3_600 * SECOND,
            "m" => 60 * SECOND,
            "s" => SECOND,
            "ms" => 1_000_000,
            "us" | "µs" | "μs" => 1_000,
            "ns" => 1,
            _ => return None,
        };
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        if whole.is_empty() && fraction.is_empty() || fraction.contains('.') {
            return None;
        }
        let whole: i128 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
        total = total.checked_add(whole.checked_mul(unit)?)?;
        let mut scale = unit;
        for digit in fraction.bytes() {
            scale /= 10;
            total += i128::from(digit - b'0') * scale;
        }
        rest = next;
    }
    Some(if negative { -total } else { total })
}

/// A timestamp as text: RFC 3339 with as many digits as it needs.
pub(super) fn timestamp_text(ns: i128) -> String {
    let Some(time) = utc(ns) else { return String::new() };
    let base = time.format("%Y-%m-%dT%H:%M:%S");
    format!("{base}{}Z", fraction(ns.rem_euclid(SECOND)))
}

/// A duration as text: seconds.
pub(super) fn duration_text(ns: i128) -> String {
    let sign = if ns < 0 { "-" } else { "" };
    let ns = ns.abs();
    format!("{sign}{}{}s", ns / SECOND, fraction(ns % SECOND))
}

fn fraction(ns: i128) -> String {
    if ns == 0 {
        return String::new();
    }
    let digits = format!("{ns:09}");
    format!(".{}", digits.trim_end_matches('0'))
}

fn utc(ns: i128) -> Option<DateTime<Utc>> {
    DateTime::from_timestamp(i64::try_from(ns.div_euclid(SECOND)).ok()?, ns.rem_euclid(SECOND) as u32)
}

/// The time of the clock in a zone: an IANA name, or an offset such as `+01:30`.
fn local(ns: i128, zone: Option<&str>) -> Outcome<NaiveDateTime> {
    let time = utc(ns).ok_or_else(|| Fault::new("range error"))?;
    let Some(zone) = zone else { return Ok(time.naive_utc()) };
    if let Ok(zone) = zone.parse::<chrono_tz::Tz>() {
        return Ok(zone.from_utc_datetime(&time.naive_utc()).naive_local());
    }
    let offset = read_offset(zone).ok_or_else(|| Fault::new(format!("unknown time zone '{zone}'")))?;
    Ok(time.with_timezone(&offset.fix()).naive_local())
}

fn read_offset(text: &str) -> Option<FixedOffset> {
    let (sign, rest) = match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    let (hours, minutes) = rest.split_once(':')?;
    let (hours, minutes): (i32, i32) = (hours.parse().ok()?, minutes.parse().ok()?);
    (minutes < 60).then_some(())?;
    FixedOffset::east_opt(sign * (hours * 3_600 + minutes * 60))
}

/// Parts of a time that only a timestamp has.
pub(super) fn date_part(name: &str, args: &[Value]) -> Outcome {
    let time = match args {
        [Value::Timestamp(ns)] => local(*ns, None)?,
        [Value::Timestamp(ns), Value::String(zone)] => local(*ns, Some(zone))?,
        other => return Err(no_overload(name, &other.iter().collect::<Vec<_>>())),
    };
    Ok(Value::Int(match name {
        "getFullYear" => i64::from(time.year()),
        "getMonth" => i64::from(time.month0()),
        "getDayOfYear" => i64::from(time.ordinal0()),
        "getDayOfMonth" => i64::from(time.day0()),
        "getDate" => i64::from(time.day()),
        _ => i64::from(time.weekday().num_days_from_sunday()),
    }))
}

/// Parts of a time of the day, or a whole duration in that unit; `getMilliseconds` of a duration is what is
/// above its seconds.
pub(super) fn clock_part(name: &str, args: &[Value]) -> Outcome {
    let time = match args {
        [Value::Duration(ns)] => {
            let unit = match name {
                "getHours" => 3_600 * SECOND,
                "getMinutes" => 60 * SECOND,
                "getSeconds" => SECOND,
                _ => return Ok(Value::Int((ns % SECOND / 1_000_000) as i64)),
            };
            return Ok(Value::Int((ns / unit) as i64));
        }
        [Value::Timestamp(ns)] => local(*ns, None)?,
        [Value::Timestamp(ns), Value::String(zone)] => local(*ns, Some(zone))?,
        other => return Err(no_overload(name, &other.iter().collect::<Vec<_>>())),
    };
    Ok(Value::Int(i64::from(match name {
        "getHours" => time.hour(),
        "getMinutes" => time.minute(),
        "getSeconds" => time.second(),
        _ => time.nanosecond() / 1_000_000,
    })))
}
