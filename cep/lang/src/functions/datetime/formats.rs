//! Formats of dates and times that stand in a call as a constant, judged when the call is planned.

use chrono::format::{Item, StrftimeItems};
use datafusion_common::{Result, ScalarValue, plan_err};
use datafusion_expr::ReturnFieldArgs;

/// Fields as other databases write them in patterns, longest first, and as they are written here.
const LETTERS: &[(&str, &str)] = &[
    ("yyyy", "%Y"),
    ("YYYY", "%Y"),
    ("MMMM", "%B"),
    ("EEEE", "%A"),
    ("HH24", "%H"),
    ("HH12", "%I"),
    ("SSS", "%3f"),
    ("MMM", "%b"),
    ("EEE", "%a"),
    ("yy", "%y"),
    ("YY", "%y"),
    ("MM", "%m"),
    ("dd", "%d"),
    ("DD", "%d"),
    ("HH", "%H"),
    ("hh", "%I"),
    ("MI", "%M"),
    ("mm", "%M"),
    ("ss", "%S"),
    ("SS", "%S"),
    ("a", "%p"),
];

/// Which arguments of the function called `name` are formats: all from this index on.
fn first_format(name: &str) -> Option<usize> {
    let takes_formats = [
        "to_char",
        "to_date",
        "to_time",
        "to_timestamp",
        "to_timestamp_seconds",
        "to_timestamp_millis",
        "to_timestamp_micros",
        "to_timestamp_nanos",
        "to_unixtime",
    ];
    takes_formats.contains(&name).then_some(1)
}

/// Refuses constant formats that format nothing or cannot be read.
///
/// # Errors
/// The format, what is wrong with it, and what it most likely means.
pub(in crate::functions) fn check(name: &str, args: &ReturnFieldArgs<'_>) -> Result<()> {
    let Some(first) = first_format(name) else { return Ok(()) };
    for (at, literal) in args.scalar_arguments.iter().enumerate().skip(first) {
        let Some(format) = literal.and_then(ScalarValue::try_as_str).flatten() else { continue };
        if !format.contains('%') {
            return plan_err!(
                "argument {} of {name}, '{format}', has no field such as %Y; write '{}'",
                at + 1,
                translated(format)
            );
        }
        if StrftimeItems::new(format).any(|item| item == Item::Error) {
            return plan_err!(
                "argument {} of {name}, '{format}', is no format: a field is % and a letter such as Y, m, d, H, M, S, and a percent sign is %%",
                at + 1
            );
        }
    }
    Ok(())
}

/// A pattern of letters with the fields of ours; the usual one when it has none.
fn translated(pattern: &str) -> String {
    let mut out = String::new();
    let mut rest = pattern;
    while let Some(next) = rest.chars().next() {
        match LETTERS.iter().find(|(letters, _field)| rest.starts_with(letters)) {
            Some((letters, field)) => {
                out.push_str(field);
                rest = &rest[letters.len()..];
            }
            None => {
                if next != '\'' {
                    out.push(next);
                }
                rest = &rest[next.len_utf8()..];
            }
        }
    }
    if out.contains('%') { out } else { "%Y-%m-%d %H:%M:%S".to_owned() }
}

#[cfg(test)]
mod tests {
    use super::translated;

    #[test]
    fn patterns_of_letters_are_understood() {
        assert_eq!(translated("yyyy-MM-dd"), "%Y-%m-%d");
        assert_eq!(translated("dd.MM.yyyy HH:mm:ss.SSS"), "%d.%m.%Y %H:%M:%S.%3f");
        assert_eq!(translated("YYYY-MM-DD HH24:MI"), "%Y-%m-%d %H:%M");
        assert_eq!(translated("yyyy-MM-dd'T'HH:mm"), "%Y-%m-%dT%H:%M");
        assert_eq!(translated(""), "%Y-%m-%d %H:%M:%S");
    }
}
