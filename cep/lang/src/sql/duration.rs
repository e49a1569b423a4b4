//! Lengths of time: `5 SECONDS`, `1 HOUR 30 MINUTES`, `INTERVAL '5' SECOND`, `'250ms'`.

use datafusion_sql::sqlparser::tokenizer::Token;

use crate::ast::{Duration, Span};
use crate::diag::{Diagnostic, Result, codes, suggest};

use super::cursor::Cursor;

/// A unit and its length in calendar months, days and nanoseconds.
struct Unit {
    /// Spellings, the one for messages first.
    names: &'static [&'static str],
    months: i64,
    days: i64,
    nanos: i64,
}

const SECOND_NS: i64 = 1_000_000_000;

#[rustfmt::skip]
const UNITS: &[Unit] = &[
    Unit { names: &["NANOSECONDS", "NANOSECOND", "NANOS", "NANO", "NS"], months: 0, days: 0, nanos: 1 },
    Unit { names: &["MICROSECONDS", "MICROSECOND", "MICROS", "US"], months: 0, days: 0, nanos: 1_000 },
    Unit { names: &["MILLISECONDS", "MILLISECOND", "MILLIS", "MILLISEC", "MS"], months: 0, days: 0, nanos: 1_000_000 },
    Unit { names: &["SECONDS", "SECOND", "SECS", "SEC", "S"], months: 0, days: 0, nanos: SECOND_NS },
    Unit { names: &["MINUTES", "MINUTE", "MINS", "MIN", "M"], months: 0, days: 0, nanos: 60 * SECOND_NS },
    Unit { names: &["HOURS", "HOUR", "HRS", "HR", "H"], months: 0, days: 0, nanos: 3_600 * SECOND_NS },
    Unit { names: &["DAYS", "DAY", "D"], months: 0, days: 1, nanos: 0 },
    Unit { names: &["WEEKS", "WEEK", "W"], months: 0, days: 7, nanos: 0 },
    Unit { names: &["MONTHS", "MONTH", "MON"], months: 1, days: 0, nanos: 0 },
    Unit { names: &["QUARTERS", "QUARTER"], months: 3, days: 0, nanos: 0 },
    Unit { names: &["YEARS", "YEAR", "Y"], months: 12, days: 0, nanos: 0 },
];

const EXAMPLE: &str = "write it as 5 SECONDS, 1 HOUR 30 MINUTES or INTERVAL '5' SECOND";

fn unit(name: &str) -> Option<&'static Unit> {
    UNITS
        .iter()
        .find(|unit| unit.names.iter().any(|n| n.eq_ignore_ascii_case(name)))
}

fn unknown_unit(span: Span, name: &str) -> Box<Diagnostic> {
    let names = UNITS.iter().map(|unit| unit.names[0]);
    let error = Diagnostic::at(
        codes::DURATION,
        span,
        format!("`{name}` is no unit of time"),
    );
    Box::new(match suggest(name, names) {
        Some(close) => error.help(format!("did you mean `{close}`?")),
        None => error.help(EXAMPLE),
    })
}

/// Why a text is no length of time.
type Reason = String;

impl Duration {
    const ZERO: Duration = Duration {
        months: 0,
        days: 0,
        nanos: 0,
    };

    /// Whether all parts are at least 0 and one is more.
    fn is_positive(self) -> bool {
        self != Self::ZERO && self.months >= 0 && self.days >= 0 && self.nanos >= 0
    }

    fn plus(self, other: Self) -> Option<Self> {
        Some(Self {
            months: self.months.checked_add(other.months)?,
            days: self.days.checked_add(other.days)?,
            nanos: self.nanos.checked_add(other.nanos)?,
        })
    }
}

/// `number` units, exactly; a fraction must come out as whole nanoseconds.
fn scaled(number: &str, unit: &Unit) -> Result<Duration, Reason> {
    let name = unit.names[0];
    let (number, negative) = match number.strip_prefix('-') {
        Some(rest) => (rest, true),
        None => (number.strip_prefix('+').unwrap_or(number), false),
    };
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let digits = |s: &str| s.bytes().all(|b| b.is_ascii_digit());
    if (whole.is_empty() && fraction.is_empty()) || !digits(whole) || !digits(fraction) {
        return Err(format!("`{number}` is no plain number of {name}"));
    }
    let too_long = || format!("{number} {name} is longer than can be counted");
    let sign = if negative { -1 } else { 1 };
    let whole: i64 = match whole {
        "" => 0,
        whole => whole.parse().map_err(|_| too_long())?,
    };
    let part = |each: i64| whole.checked_mul(each * sign).ok_or_else(too_long);
    let length = Duration {
        months: i32::try_from(part(unit.months)?).map_err(|_| too_long())?,
        days: i32::try_from(part(unit.days)?).map_err(|_| too_long())?,
        nanos: part(unit.nanos)?,
    };
    let fraction = fraction.trim_end_matches('0');
    if fraction.is_empty() {
        return Ok(length);
    }
    // A fraction of a day is a fraction of 24 hours; a fraction of a month has no length.
    if unit.months != 0 {
        return Err(format!("a fraction of {name} has no fixed length"));
    }
    let unit_ns = i128::from(unit.nanos) + i128::from(unit.days) * 86_400 * i128::from(SECOND_NS);
    let scale = u32::try_from(fraction.len())
        .ok()
        .and_then(|digits| 10_i128.checked_pow(digits))
        .ok_or_else(too_long)?;
    let numerator: i128 = fraction.parse().map_err(|_| too_long())?;
    let product = numerator.checked_mul(unit_ns).ok_or_else(too_long)?;
    if product % scale != 0 {
        return Err(format!("{number} {name} is no whole number of nanoseconds"));
    }
    let nanos = i64::try_from(product / scale).map_err(|_| too_long())? * sign;
    length
        .plus(Duration {
            months: 0,
            days: 0,
            nanos,
        })
        .ok_or_else(too_long)
}

/// Reads `'5 minutes'`, `'1h30m'`, `'250 ms'`: numbers, each with its unit.
///
/// # Errors
/// The reason, without a place.
pub fn parse_duration_text(text: &str) -> Result<Duration, String> {
    let mut rest = text.trim();
    let mut total: Option<Duration> = None;
    while !rest.is_empty() {
        let number_len = rest
            .find(|c: char| !(c.is_ascii_digit() || matches!(c, '.' | '-' | '+')))
            .unwrap_or(rest.len());
        let (number, behind) = rest.split_at(number_len);
        let behind = behind.trim_start();
        let unit_len = behind
            .find(|c: char| !c.is_alphabetic())
            .unwrap_or(behind.len());
        let (name, behind) = behind.split_at(unit_len);
        if number.is_empty() || name.is_empty() {
            return Err(format!("'{text}' is no length of time such as '5 seconds'"));
        }
        let unit = unit(name).ok_or_else(|| format!("`{name}` is no unit of time"))?;
        let part = scaled(number, unit)?;
        total = Some(match total {
            None => part,
            Some(sum) => sum
                .plus(part)
                .ok_or_else(|| format!("'{text}' is longer than can be counted"))?,
        });
        rest = behind.trim_start();
    }
    total.ok_or_else(|| "an empty text is no length of time".to_owned())
}

/// A length of time and where it stands.
#[derive(Debug, Clone, Copy)]
pub(super) struct SpannedDuration {
    pub(super) length: Duration,
    pub(super) span: Span,
}

impl Cursor<'_> {
    /// Whether a length of time starts at the next token (`5 SECONDS`, `INTERVAL …`).
    pub(super) fn at_duration(&self) -> bool {
        match self.token(0) {
            Token::Number(_, _) => self.word(1).is_some_and(|w| unit(w).is_some()),
            _ => self.is(0, "INTERVAL") && !matches!(self.token(1), Token::Comma | Token::RParen),
        }
    }

    /// Takes a length of time, positive.
    pub(super) fn duration(&mut self, what: &str) -> Result<SpannedDuration> {
        let duration = self.any_duration(what)?;
        if duration.length.is_positive() {
            return Ok(duration);
        }
        Err(Box::new(
            Diagnostic::at(
                codes::DURATION,
                duration.span,
                format!("{what} must be longer than nothing"),
            )
            .help(EXAMPLE),
        ))
    }

    /// Takes a length of time without calendar months, positive.
    pub(super) fn fixed_duration(&mut self, what: &str) -> Result<SpannedDuration> {
        let duration = self.duration(what)?;
        if duration.length.months == 0 {
            return Ok(duration);
        }
        Err(Box::new(
            Diagnostic::at(
                codes::DURATION,
                duration.span,
                format!("{what} needs a fixed length; months and years differ in theirs"),
            )
            .help("count in days or weeks instead"),
        ))
    }

    /// Takes a length of time, of any sign.
    pub(super) fn any_duration(&mut self, what: &str) -> Result<SpannedDuration> {
        let start = self.span(0);
        if self.is(0, "INTERVAL") {
            self.advance();
            return self.interval_rest(start);
        }
        if let Token::SingleQuotedString(text) = self.token(0) {
            let length = parse_duration_text(text).map_err(|reason| {
                Box::new(Diagnostic::at(codes::DURATION, start, reason).help(EXAMPLE))
            })?;
            self.advance();
            return Ok(SpannedDuration {
                length,
                span: start,
            });
        }
        let mut total = Duration::ZERO;
        loop {
            let number_span = self.span(0);
            let number = self.signed_number(what)?;
            let part = self.unit_of(&number, number_span)?;
            total = total.plus(part).ok_or_else(|| self.too_long(start))?;
            let goes_on = matches!(self.token(0), Token::Number(_, _))
                && self.word(1).is_some_and(|w| unit(w).is_some());
            if !goes_on {
                break;
            }
        }
        Ok(SpannedDuration {
            length: total,
            span: self.since(start),
        })
    }

    fn too_long(&self, start: Span) -> Box<Diagnostic> {
        Box::new(Diagnostic::at(
            codes::DURATION,
            self.since(start),
            "this is longer than can be counted",
        ))
    }

    fn signed_number(&mut self, what: &str) -> Result<String> {
        let negative = self.eat_token(&Token::Minus);
        match self.token(0) {
            Token::Number(number, _) => {
                let sign = if negative { "-" } else { "" };
                let number = format!("{sign}{number}");
                self.advance();
                Ok(number)
            }
            _ => Err(Box::new(
                self.unexpected(&format!("{what}, a length of time"))
                    .help(EXAMPLE),
            )),
        }
    }

    /// Takes the unit behind a number.
    fn unit_of(&mut self, number: &str, number_span: Span) -> Result<Duration> {
        let span = self.span(0);
        let Some(name) = self.word(0) else {
            return Err(Box::new(
                self.unexpected(&format!("a unit of time behind {number}"))
                    .help(EXAMPLE),
            ));
        };
        let name = name.to_owned();
        let unit = unit(&name).ok_or_else(|| unknown_unit(span, &name))?;
        self.advance();
        scaled(number, unit).map_err(|reason| {
            Box::new(Diagnostic::at(codes::DURATION, number_span.to(span), reason).help(EXAMPLE))
        })
    }

    /// `'5' SECOND`, `5 SECOND` or `'1 day 2 hours'` behind INTERVAL.
    fn interval_rest(&mut self, start: Span) -> Result<SpannedDuration> {
        let value_span = self.span(0);
        let length = match self.token(0) {
            Token::SingleQuotedString(text) => {
                let text = text.trim().to_owned();
                self.advance();
                if self.word(0).is_some_and(|w| unit(w).is_some()) {
                    self.interval_unit(&text, value_span)?
                } else {
                    parse_duration_text(&text).map_err(|reason| {
                        Box::new(Diagnostic::at(codes::DURATION, value_span, reason).help(EXAMPLE))
                    })?
                }
            }
            _ => {
                let number = self.signed_number("the interval")?;
                self.unit_of(&number, value_span)?
            }
        };
        Ok(SpannedDuration {
            length,
            span: self.since(start),
        })
    }

    fn interval_unit(&mut self, text: &str, value_span: Span) -> Result<Duration> {
        let length = self.unit_of(text, value_span)?;
        if self.is(0, "TO") || self.is_token(0, &Token::LParen) {
            return Err(Box::new(
                self.error(
                    codes::DURATION,
                    "intervals of several fields or with a precision are not supported",
                )
                .help("write INTERVAL '1 hour 30 minutes' instead"),
            ));
        }
        Ok(length)
    }
}
