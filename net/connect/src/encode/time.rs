//! Dates and times in RFC 3339, with the digits they have: none behind the second, or 3, 6 or 9.

use crate::text::{DAY_NS, civil_from_days};

/// `YYYY-MM-DD`; years outside 0 to 9999 get a sign and the digits they need.
pub(super) fn write_date(days: i64, out: &mut Vec<u8>) {
    let (year, month, day) = civil_from_days(days);
    if (0..=9999).contains(&year) {
        digits(year as u64, 4, out);
    } else {
        out.push(if year < 0 { b'-' } else { b'+' });
        let mut number = itoa::Buffer::new();
        let text = number.format(year.unsigned_abs()).as_bytes();
        out.resize(out.len() + 4_usize.saturating_sub(text.len()), b'0');
        out.extend_from_slice(text);
    }
    out.push(b'-');
    digits(month.into(), 2, out);
    out.push(b'-');
    digits(day.into(), 2, out);
}

/// `HH:MM:SS`, with a fraction when there is one.
pub(super) fn write_time(ns_of_day: i64, out: &mut Vec<u8>) {
    let ns = ns_of_day.unsigned_abs();
    let seconds = ns / 1_000_000_000;
    digits(seconds / 3600, 2, out);
    out.push(b':');
    digits(seconds / 60 % 60, 2, out);
    out.push(b':');
    digits(seconds % 60, 2, out);
    let fraction = ns % 1_000_000_000;
    if fraction == 0 {
        return;
    }
    out.push(b'.');
    match (fraction % 1_000_000, fraction % 1_000) {
        (0, _) => digits(fraction / 1_000_000, 3, out),
        (_, 0) => digits(fraction / 1_000, 6, out),
        _ => digits(fraction, 9, out),
    }
}

/// `YYYY-MM-DDTHH:MM:SSZ` of nanoseconds since 1970.
pub(super) fn write_timestamp(ns: i64, out: &mut Vec<u8>) {
    write_date(ns.div_euclid(DAY_NS), out);
    out.push(b'T');
    write_time(ns.rem_euclid(DAY_NS), out);
    out.push(b'Z');
}

/// `value` with leading zeros.
fn digits(value: u64, width: usize, out: &mut Vec<u8>) {
    let start = out.len();
    out.resize(start + width, b'0');
    let mut rest = value;
    for place in out[start..].iter_mut().rev() {
        *place = b'0' + (rest % 10) as u8;
        rest /= 10;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::{DateTime, SecondsFormat};
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn stamps_are_those_of_the_calendar_library(ns: i64, places in 0_u32..10) {
            let unit = 10_i64.pow(places);
            let ns = (ns / 2).div_euclid(unit) * unit;
            let time = DateTime::from_timestamp_nanos(ns);
            let mut out = Vec::new();
            write_timestamp(ns, &mut out);
            let theirs = time.to_rfc3339_opts(SecondsFormat::AutoSi, true);
            prop_assert_eq!(String::from_utf8(out).unwrap(), theirs);
        }
    }
}
