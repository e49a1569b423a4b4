//! Durations as people write them: `500ms`, `5 seconds`, `1h 30m`.

/// Units, longest first so that printing picks the largest that divides.
const UNITS: &[(i64, &[&str])] = &[
    (7 * 86_400_000_000_000, &["w", "week", "weeks"]),
    (86_400_000_000_000, &["d", "day", "days"]),
    (3_600_000_000_000, &["h", "hr", "hour", "hours"]),
    (60_000_000_000, &["m", "min", "mins", "minute", "minutes"]),
    (1_000_000_000, &["s", "sec", "secs", "second", "seconds"]),
    (1_000_000, &["ms", "msec", "millisecond", "milliseconds", "millis"]),
    (1_000, &["us", "µs", "usec", "microsecond", "microseconds", "micros"]),
    (1, &["ns", "nsec", "nanosecond", "nanoseconds", "nanos"]),
];

/// Nanoseconds of a duration: one or more `number unit` parts, spaces optional, decimals allowed
/// (`1.5s`). A bare `0` needs no unit. Negative durations are refused.
///
/// # Errors
/// A sentence saying what is wrong.
pub fn parse_duration(text: &str) -> Result<i64, String> {
    let mut rest = text.trim();
    if rest == "0" {
        return Ok(0);
    }
    if rest.is_empty() {
        return Err("an empty duration; write a number and a unit, such as '5 seconds'".to_owned());
    }
    let mut total: i64 = 0;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        let (number, tail) = rest.split_at(digits);
        let tail = tail.trim_start();
        let letters = tail.find(|c: char| !c.is_alphabetic()).unwrap_or(tail.len());
        let (unit, tail) = tail.split_at(letters);
        if number.is_empty() {
            return Err(format!(
                "'{text}' is not a duration; write a number and a unit, such as '5 seconds'"
            ));
        }
        if unit.is_empty() {
            return Err(format!("'{text}' has no unit; write for example '{number}s' or '{number}ms'"));
        }
        let scale = unit_ns(unit)
            .ok_or_else(|| format!("'{unit}' is not a unit of time; use ns, us, ms, s, m, h, d or w"))?;
        total = scaled(number, scale)
            .and_then(|ns| total.checked_add(ns))
            .ok_or_else(|| format!("'{text}' is not a number of nanoseconds that fits 64 bits"))?;
        rest = tail.trim_start();
    }
    Ok(total)
}

/// The shortest exact spelling of a duration in one unit, such as `90s` or `500ms`.
pub fn format_duration(ns: i64) -> String {
    let (scale, names) = UNITS.iter().find(|(scale, _)| ns != 0 && ns % scale == 0).unwrap_or(&UNITS[4]);
    format!("{}{}", ns / scale, names[0])
}

fn unit_ns(unit: &str) -> Option<i64> {
    let unit = unit.to_lowercase();
    UNITS.iter().find(|(_, names)| names.contains(&unit.as_str())).map(|(scale, _)| *scale)
}

/// `number × scale` without floating point; parts of a nanosecond are refused.
fn scaled(number: &str, scale: i64) -> Option<i64> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let fraction = fraction.trim_end_matches('0');
    if fraction.len() > 15 || number == "." {
        return None;
    }
    let denominator = 10_i128.pow(u32::try_from(fraction.len()).ok()?);
    let joined = format!("{whole}{fraction}");
    let digits: i128 = match joined.as_str() {
        "" => 0, // "0." or ".0" after trimming
        text => text.parse().ok()?,
    };
    let exact = digits.checked_mul(i128::from(scale))?;
    (exact % denominator == 0).then_some(())?;
    i64::try_from(exact / denominator).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn spellings_people_use_mean_what_they_say() {
        let cases = [
            ("500ms", 500_000_000),
            ("5 seconds", 5_000_000_000),
            ("1m", 60_000_000_000),
            ("1h30m", 5_400_000_000_000),
            ("1 h 30 min", 5_400_000_000_000),
            ("1.5s", 1_500_000_000),
            ("0.25 MINUTES", 15_000_000_000),
            ("2 days", 172_800_000_000_000),
            ("0", 0),
            ("7us", 7_000),
        ];
        for (text, ns) in cases {
            assert_eq!(parse_duration(text), Ok(ns), "{text}");
        }
    }

    #[test]
    fn a_number_without_a_unit_a_stranger_unit_and_overflow_are_refused() {
        for text in ["5", "", "s", "5 parsecs", "-1s", "1..5s", "99999999999999w", "0.5ns"] {
            assert!(parse_duration(text).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn printing_and_parsing_are_inverse(ns in 0..i64::MAX) {
            prop_assert_eq!(parse_duration(&format_duration(ns)), Ok(ns));
        }

        #[test]
        fn any_text_is_a_duration_or_an_error(text in ".{0,20}") {
            let _ = parse_duration(&text);
        }
    }
}
