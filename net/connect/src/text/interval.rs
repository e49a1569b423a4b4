//! INTERVAL: ISO 8601 durations, read also as `1 day 2 hours`.

use arrow_buffer::IntervalMonthDayNano;

use super::Misfit;

/// Reads `P1Y2M3DT4H5M6.7S`, or numbers with units such as `1 day -2 hours`.
pub(crate) fn interval(text: &[u8]) -> Result<IntervalMonthDayNano, Misfit> {
    let text = std::str::from_utf8(text).map_err(|_| Misfit::Malformed)?;
    let mut sum = Sum::default();
    match text.strip_prefix(['P', 'p']) {
        Some(parts) => iso(parts, &mut sum)?,
        None => words(text, &mut sum)?,
    }
    sum.finish()
}

/// Months, days and nanoseconds being added up.
#[derive(Default)]
struct Sum {
    months: i128,
    days: i128,
    ns: i128,
    parts: usize,
}

impl Sum {
    fn add(&mut self, number: &str, unit: Unit) -> Result<(), Misfit> {
        let (scale, size, total) = match unit {
            Unit::Months(size) => (0, size, &mut self.months),
            Unit::Days(size) => (0, size, &mut self.days),
            Unit::Ns(size) => (9, size, &mut self.ns),
        };
        let value = super::decimal(number.as_bytes(), 30, 9)?;
        let value = value * i128::from(size);
        let billion = 1_000_000_000;
        if value % billion != 0 && (scale == 0 || size == 1) {
            return Err(Misfit::Malformed); // half a month has no length
        }
        *total += value / billion;
        self.parts += 1;
        Ok(())
    }

    fn finish(self) -> Result<IntervalMonthDayNano, Misfit> {
        if self.parts == 0 {
            return Err(Misfit::Malformed);
        }
        let fits = |_| Misfit::OutOfRange;
        Ok(IntervalMonthDayNano::new(
            i32::try_from(self.months).map_err(fits)?,
            i32::try_from(self.days).map_err(fits)?,
            i64::try_from(self.ns).map_err(fits)?,
        ))
    }
}

/// A unit and its size in months, days or nanoseconds.
#[derive(Clone, Copy)]
enum Unit {
    Months(i64),
    Days(i64),
    Ns(i64),
}

const SECOND_NS: i64 = 1_000_000_000;

fn iso(mut text: &str, sum: &mut Sum) -> Result<(), Misfit> {
    let mut in_time = false;
    if text.ends_with(['T', 't']) {
        return Err(Misfit::Malformed);
    }
    while !text.is_empty() {
        if let Some(rest) = text.strip_prefix(['T', 't']) {
            if in_time {
                return Err(Misfit::Malformed);
            }
            in_time = true;
            text = rest;
            continue;
        }
        let end = text.find(|c: char| c.is_ascii_alphabetic()).ok_or(Misfit::Malformed)?;
        let unit = match (text.as_bytes()[end].to_ascii_uppercase(), in_time) {
            (b'Y', false) => Unit::Months(12),
            (b'M', false) => Unit::Months(1),
            (b'W', false) => Unit::Days(7),
            (b'D', false) => Unit::Days(1),
            (b'H', true) => Unit::Ns(3600 * SECOND_NS),
            (b'M', true) => Unit::Ns(60 * SECOND_NS),
            (b'S', true) => Unit::Ns(SECOND_NS),
            _ => return Err(Misfit::Malformed),
        };
        sum.add(&text[..end], unit)?;
        text = &text[end + 1..];
    }
    Ok(())
}

fn words(text: &str, sum: &mut Sum) -> Result<(), Misfit> {
    let mut rest = text.trim();
    while !rest.is_empty() {
        let end = rest.find(|c: char| c.is_ascii_alphabetic() || c == ' ').ok_or(Misfit::Malformed)?;
        let (number, tail) = rest.split_at(end);
        let tail = tail.trim_start();
        let end = tail.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(tail.len());
        let (unit, tail) = tail.split_at(end);
        let unit = named_unit(unit).ok_or(Misfit::Malformed)?;
        sum.add(number, unit)?;
        rest = tail.trim_start();
    }
    Ok(())
}

fn named_unit(unit: &str) -> Option<Unit> {
    let unit = unit.to_ascii_lowercase();
    let abbreviated = match unit.as_str() {
        "h" => Unit::Ns(3600 * SECOND_NS),
        "m" => Unit::Ns(60 * SECOND_NS),
        "s" => Unit::Ns(SECOND_NS),
        "ms" => Unit::Ns(1_000_000),
        "us" => Unit::Ns(1_000),
        "ns" => Unit::Ns(1),
        _ => match unit.strip_suffix('s').unwrap_or(&unit) {
            "year" => Unit::Months(12),
            "month" | "mon" => Unit::Months(1),
            "week" => Unit::Days(7),
            "day" => Unit::Days(1),
            "hour" => Unit::Ns(3600 * SECOND_NS),
            "minute" | "min" => Unit::Ns(60 * SECOND_NS),
            "second" | "sec" => Unit::Ns(SECOND_NS),
            "millisecond" => Unit::Ns(1_000_000),
            "microsecond" => Unit::Ns(1_000),
            "nanosecond" => Unit::Ns(1),
            _ => return None,
        },
    };
    Some(abbreviated)
}

/// Writes an ISO 8601 duration; parts that are zero are left out, and `PT0S` is zero.
pub(crate) fn write_interval(value: IntervalMonthDayNano, out: &mut Vec<u8>) {
    let mut number = itoa::Buffer::new();
    let mut part = |value: i64, unit: u8, out: &mut Vec<u8>| {
        if value != 0 {
            out.extend_from_slice(number.format(value).as_bytes());
            out.push(unit);
        }
    };
    out.push(b'P');
    part(i64::from(value.months) / 12, b'Y', out);
    part(i64::from(value.months) % 12, b'M', out);
    part(i64::from(value.days), b'D', out);
    if value.nanoseconds == 0 {
        if value.months == 0 && value.days == 0 {
            out.extend_from_slice(b"T0S");
        }
        return;
    }
    out.push(b'T');
    let seconds = value.nanoseconds / SECOND_NS;
    part(seconds / 3600, b'H', out);
    part(seconds / 60 % 60, b'M', out);
    let rest = seconds % 60;
    let fraction = (value.nanoseconds % SECOND_NS).unsigned_abs();
    if fraction == 0 {
        part(rest, b'S', out);
        return;
    }
    if value.nanoseconds < 0 {
        out.push(b'-');
    }
    out.extend_from_slice(number.format(rest.unsigned_abs()).as_bytes());
    out.push(b'.');
    let digits = format!("{fraction:09}");
    out.extend_from_slice(digits.trim_end_matches('0').as_bytes());
    out.push(b'S');
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn written(value: IntervalMonthDayNano) -> String {
        let mut out = Vec::new();
        write_interval(value, &mut out);
        String::from_utf8(out).unwrap()
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(months: i32, days: i32, ns: i64) {
            let value = IntervalMonthDayNano::new(months, days, ns);
            prop_assert_eq!(interval(written(value).as_bytes()), Ok(value));
        }

        #[test]
        fn any_text_is_an_interval_or_an_error(text in "[PT0-9YMWDHS. -]{0,12}|.{0,12}") {
            let _ = interval(text.as_bytes());
        }
    }

    #[test]
    fn both_spellings_mean_the_same() {
        let cases = [
            ("P1Y2M", "1 year 2 months"),
            ("P2W", "2 weeks"),
            ("PT1H30M", "1.5 hours"),
            ("P1DT0.25S", "1 day 250 ms"),
            ("PT-2S", "-2 seconds"),
            ("PT0S", "0 days"),
            ("PT5S", "5s"),
            ("PT5M", "5m"),
            ("PT0.005S", "5ms"),
        ];
        for (iso, words) in cases {
            let value = interval(iso.as_bytes());
            assert!(value.is_ok(), "{iso}");
            assert_eq!(interval(words.as_bytes()), value, "{words}");
        }
        for text in ["", "P", "1", "P1H", "PT1D", "P0.5M", "1 parsec", "P1YT", "5", "PT1HT1M"] {
            assert!(interval(text.as_bytes()).is_err(), "{text}");
        }
    }
}
