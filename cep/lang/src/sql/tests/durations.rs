//! Lengths of time in every place that takes one.

use expect_test::expect;
use proptest::prelude::*;

use crate::ast::{OptionLiteral, StatementKind};
use crate::sql::parse_duration_text;

use super::describe::duration as describe;
use super::{parsed, refused};

/// The value of an option.
fn option(value: &str) -> OptionLiteral {
    let statements = parsed(&format!("CREATE STREAM s (a INT) WITH (x = {value})"));
    match &statements[0].kind {
        StatementKind::CreateStream(create) => create.options[0].value.clone(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn texts_are_numbers_with_units() {
    let mut out = String::new();
    for text in [
        "5 seconds", "5s", "250ms", "1h30m", "1 hour 30 minutes", " 2  days ", "1w", "3 months",
        "1 year 2 mon", "0.5 s", "1.5 days", "1.000000001s", "-5 minutes", "10us", "7 ns",
        "", "5", "seconds", "5 parsecs", "1.5 months", "0.0000000001 s", "9999999999999 years",
        "1..5 s", "5s x", "٣ s",
    ] {
        let shown = match parse_duration_text(text) {
            Ok(length) => describe(length),
            Err(reason) => format!("error: {reason}"),
        };
        out.push_str(&format!("{text:?}: {shown}\n"));
    }
    expect![[r#"
        "5 seconds": 5000000000 ns
        "5s": 5000000000 ns
        "250ms": 250000000 ns
        "1h30m": 5400000000000 ns
        "1 hour 30 minutes": 5400000000000 ns
        " 2  days ": 2 d
        "1w": 7 d
        "3 months": 3 mon
        "1 year 2 mon": 14 mon
        "0.5 s": 500000000 ns
        "1.5 days": 1 d 43200000000000 ns
        "1.000000001s": 1000000001 ns
        "-5 minutes": -300000000000 ns
        "10us": 10000 ns
        "7 ns": 7 ns
        "": error: an empty text is no length of time
        "5": error: '5' is no length of time such as '5 seconds'
        "seconds": error: 'seconds' is no length of time such as '5 seconds'
        "5 parsecs": error: `parsecs` is no unit of time
        "1.5 months": error: a fraction of MONTHS has no fixed length
        "0.0000000001 s": error: 0.0000000001 SECONDS is no whole number of nanoseconds
        "9999999999999 years": error: 9999999999999 YEARS is longer than can be counted
        "1..5 s": error: `1..5` is no plain number of SECONDS
        "5s x": error: '5s x' is no length of time such as '5 seconds'
        "٣ s": error: '٣ s' is no length of time such as '5 seconds'
    "#]].assert_eq(&out);
}

#[test]
fn options_hold_fixed_lengths() {
    let second = 1_000_000_000;
    assert_eq!(option("5 SECONDS"), OptionLiteral::IntervalNs(5 * second));
    assert_eq!(option("INTERVAL '5' SECOND"), OptionLiteral::IntervalNs(5 * second));
    assert_eq!(option("INTERVAL 5 SECOND"), OptionLiteral::IntervalNs(5 * second));
    assert_eq!(option("INTERVAL '1 minute 1 second'"), OptionLiteral::IntervalNs(61 * second));
    assert_eq!(option("1 HOUR 30 MINUTES"), OptionLiteral::IntervalNs(5_400 * second));
    assert_eq!(option("2 DAYS"), OptionLiteral::IntervalNs(172_800 * second));
    assert_eq!(option("0 MS"), OptionLiteral::IntervalNs(0));
    // A quoted length stays text: only the option knows what it is.
    assert_eq!(option("'5 seconds'"), OptionLiteral::Text("5 seconds".to_owned()));
}

#[test]
fn malformed_lengths_are_refused() {
    let mut out = String::new();
    for value in [
        "INTERVAL '1' MONTH",
        "INTERVAL '1:30' MINUTE TO SECOND",
        "INTERVAL '5' SECOND (3)",
        "INTERVAL 'x'",
        "INTERVAL 'x' DAY",
        "INTERVAL SECOND",
        "5 SECONDS 3 PARSECS",
        "9999999999999 HOURS",
        "200000 DAYS",
    ] {
        let text = format!("CREATE STREAM s (a INT) WITH (x = {value})");
        out.push_str(&format!("{value}\n  {}\n", refused(&text)));
    }
    expect![[r#"
        INTERVAL '1' MONTH
          E0403 at «INTERVAL '1' MONTH»: `x` needs a fixed length of time
          help: months and years differ in length; count in days
        INTERVAL '1:30' MINUTE TO SECOND
          E0403 at «'1:30' MINUTE»: `1:30` is no plain number of MINUTES
          help: write it as 5 SECONDS, 1 HOUR 30 MINUTES or INTERVAL '5' SECOND
        INTERVAL '5' SECOND (3)
          E0403 at «(»: intervals of several fields or with a precision are not supported
          help: write INTERVAL '1 hour 30 minutes' instead
        INTERVAL 'x'
          E0403 at «'x'»: 'x' is no length of time such as '5 seconds'
          help: write it as 5 SECONDS, 1 HOUR 30 MINUTES or INTERVAL '5' SECOND
        INTERVAL 'x' DAY
          E0403 at «'x' DAY»: `x` is no plain number of DAYS
          help: write it as 5 SECONDS, 1 HOUR 30 MINUTES or INTERVAL '5' SECOND
        INTERVAL SECOND
          E0101 at «SECOND»: expected the interval, a length of time, found `SECOND`
          help: write it as 5 SECONDS, 1 HOUR 30 MINUTES or INTERVAL '5' SECOND
        5 SECONDS 3 PARSECS
          E0101 at «3»: expected `)`, found `3`
          help: -
        9999999999999 HOURS
          E0403 at «9999999999999 HOURS»: 9999999999999 HOURS is longer than can be counted
          help: write it as 5 SECONDS, 1 HOUR 30 MINUTES or INTERVAL '5' SECOND
        200000 DAYS
          E0403 at «200000 DAYS»: this is longer than can be counted
          help: -
    "#]].assert_eq(&out);
}

proptest! {
    #[test]
    fn a_sum_of_units_is_the_sum_of_its_parts(parts in prop::collection::vec((0_i64..1_000, 0_usize..4), 1..5)) {
        let units = [("ms", 1_000_000_i64), ("s", 1_000_000_000), ("minutes", 60_000_000_000), ("HOURS", 3_600_000_000_000)];
        let text: Vec<String> = parts.iter().map(|(n, u)| format!("{n} {}", units[*u].0)).collect();
        let sum: i64 = parts.iter().map(|(n, u)| n * units[*u].1).sum();
        let length = parse_duration_text(&text.join(" ")).expect("well-formed");
        prop_assert_eq!((length.months, length.days, length.nanos), (0, 0, sum));
    }

    #[test]
    fn any_text_is_a_length_or_a_reason(text in "[0-9.smhd+ -]{0,12}|.{0,12}") {
        let _ = parse_duration_text(&text);
    }
}
