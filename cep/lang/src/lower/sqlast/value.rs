//! Literals, intervals and the small words of text and time functions.

use datafusion_sql::sqlparser::ast::{self as sql, DateTimeField, Expr, Spanned, Value};
use datafusion_sql::sqlparser::tokenizer::Span;

use crate::diag::codes;

use super::{Checked, ident, refuse, types};

/// Checks a literal. `negated`: a minus stands before it.
#[rustfmt::skip]
pub(super) fn literal(literal: &sql::ValueWithSpan, negated: bool) -> Checked {
    let sql::ValueWithSpan { value, span } = literal;
    let no = |what: &str, help: &str| Err(refuse(codes::LITERAL, *span, format!("{what} is not supported"), help));
    match value {
        Value::Number(digits, long) => number(digits, *long, negated, *span),
        Value::SingleQuotedString(_text) | Value::EscapedStringLiteral(_text) => Ok(()),
        Value::DollarQuotedString(sql::DollarQuotedString { value: _text, tag: _tag }) => Ok(()),
        Value::Boolean(_truth) => Ok(()),
        Value::Null => Ok(()),
        Value::HexStringLiteral(digits) => hex(digits, *span),
        Value::Placeholder(name) => Err(refuse(
            codes::LITERAL,
            *span,
            format!("`{name}` is a placeholder, and scripts have no parameters"),
            "write the value; `${VAR}` is replaced in the strings of WITH options only",
        )),
        Value::UnicodeStringLiteral(_text) => no("U&'…'", "strings are UTF-8: write the character itself, or E'\\u00e9'"),
        Value::NationalStringLiteral(_text) => no("N'…'", "all strings are UTF-8: leave out the N"),
        Value::DoubleQuotedString(_text) => no("a string in double quotes", "strings take single quotes"),
        Value::SingleQuotedByteStringLiteral(_text) | Value::DoubleQuotedByteStringLiteral(_text)
        | Value::TripleSingleQuotedByteStringLiteral(_text) | Value::TripleDoubleQuotedByteStringLiteral(_text) => no("B'…'", "write bytes in hexadecimal: X'00ff'"),
        Value::SingleQuotedRawStringLiteral(_text) | Value::DoubleQuotedRawStringLiteral(_text)
        | Value::TripleSingleQuotedRawStringLiteral(_text) | Value::TripleDoubleQuotedRawStringLiteral(_text) => no("R'…'", "a backslash is no escape in '…': leave out the R"),
        Value::TripleSingleQuotedString(_text) | Value::TripleDoubleQuotedString(_text) => no("a string in three quotes", "write '…', with '' for a quote inside"),
        Value::QuoteDelimitedStringLiteral(_text) | Value::NationalQuoteDelimitedStringLiteral(_text) => no("Q'…'", "write '…', with '' for a quote inside"),
    }
}

/// Whole numbers must fit BIGINT: the planner would go on with an inexact DOUBLE.
fn number(digits: &str, long: bool, negated: bool, span: Span) -> Checked {
    if long {
        return Err(refuse(
            codes::LITERAL,
            span,
            format!("the suffix of `{digits}L` is not supported"),
            "leave it out: whole numbers are BIGINT",
        ));
    }
    let is_whole = digits.bytes().all(|byte| byte.is_ascii_digit());
    let fits =
        if negated { format!("-{digits}").parse::<i64>().is_ok() } else { digits.parse::<i64>().is_ok() };
    if is_whole && !fits {
        return Err(refuse(
            codes::LITERAL,
            span,
            format!("{digits} does not fit BIGINT"),
            "write it as text and cast it: CAST('…' AS DECIMAL(38, 0)), or as DOUBLE with a point: 1e19",
        ));
    }
    if !is_whole && !digits.parse::<f64>().is_ok_and(f64::is_finite) {
        return Err(refuse(
            codes::LITERAL,
            span,
            format!("{digits} is no number that DOUBLE can hold"),
            "the largest is about 1.8e308",
        ));
    }
    Ok(())
}

fn hex(digits: &str, span: Span) -> Checked {
    if digits.len().is_multiple_of(2) && digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Ok(());
    }
    Err(refuse(
        codes::LITERAL,
        span,
        "bytes are written as pairs of hexadecimal digits",
        "for example X'00ff'",
    ))
}

/// `DATE '2024-01-31'`, `TIMESTAMP '…'`.
pub(super) fn typed_string(node: &Expr, typed: &sql::TypedString) -> Checked {
    let sql::TypedString { data_type, value, uses_odbc_syntax } = typed;
    if *uses_odbc_syntax {
        return Err(refuse(
            codes::LITERAL,
            node.span(),
            "`{d '…'}` is not supported",
            "write DATE '…', TIME '…' or TIMESTAMP '…'",
        ));
    }
    if !matches!(value.value, Value::SingleQuotedString(_)) {
        return Err(refuse(
            codes::LITERAL,
            node.span(),
            "behind a type stands a string in single quotes",
            "for example TIMESTAMP '2024-01-31 12:00:00'",
        ));
    }
    types::check_cast(node, data_type)
}

/// `INTERVAL '5' MINUTE`.
pub(super) fn interval(node: &Expr, interval: &sql::Interval) -> Checked {
    let sql::Interval { value, leading_field, leading_precision, last_field, fractional_seconds_precision } =
        interval;
    let no = |message: &str| {
        Err(refuse(
            codes::DURATION,
            node.span(),
            message,
            "write INTERVAL '5' MINUTE or INTERVAL '1 hour 30 minutes'",
        ))
    };
    if last_field.is_some() || leading_precision.is_some() || fractional_seconds_precision.is_some() {
        return no("intervals of several fields or with a precision are not supported");
    }
    if let Some(DateTimeField::Custom(_unit) | DateTimeField::Week(Some(_unit))) = leading_field {
        return no("this is no unit of time");
    }
    match interval_number(value) {
        Some(_text) => Ok(()),
        None => no("the length of an interval is a number or a string, written out"),
    }
}

/// The literal of an interval, below signs.
fn interval_number(value: &Expr) -> Option<&Value> {
    if let Expr::UnaryOp { op: sql::UnaryOperator::Minus | sql::UnaryOperator::Plus, expr } = value {
        return interval_number(expr);
    }
    let Expr::Value(literal) = value else {
        return None;
    };
    matches!(literal.value, Value::SingleQuotedString(_) | Value::Number(_, false)).then_some(&literal.value)
}

/// The right side of AT TIME ZONE: a zone's name in quotes.
pub(super) fn time_zone(node: &Expr, zone: &Expr) -> Checked {
    let literal = if let Expr::Value(literal) = zone { literal.value.clone().into_string() } else { None };
    let Some(name) = literal else {
        return Err(refuse(
            codes::ZONE,
            node.span(),
            "behind AT TIME ZONE stands a zone in quotes",
            "for example AT TIME ZONE 'Europe/Berlin'",
        ));
    };
    if is_zone(&name) {
        return Ok(());
    }
    Err(refuse(
        codes::ZONE,
        zone.span(),
        format!("'{name}' is no time zone"),
        "take a name of the IANA database such as 'Europe/Berlin', or an offset such as '+02:00'",
    ))
}

/// A name of the IANA database or an offset `±HH:MM`.
fn is_zone(name: &str) -> bool {
    if name.parse::<chrono_tz::Tz>().is_ok() {
        return true;
    }
    let Some(digits) = name.strip_prefix(['+', '-']) else {
        return false;
    };
    let Some((hours, minutes)) = digits.split_once(':') else {
        return false;
    };
    let below =
        |text: &str, limit: u8| text.len() == 2 && text.parse::<u8>().is_ok_and(|number| number < limit);
    below(hours, 24) && below(minutes, 60)
}

fn no_field(node: &Expr, field: &DateTimeField) -> Checked {
    Err(refuse(
        codes::EXPRESSION,
        node.span(),
        format!("EXTRACT({field} …) is not supported"),
        "year, quarter, month, week, day, dow, doy, hour, minute, second, milliseconds, microseconds, nanoseconds, epoch, isodow, isoyear",
    ))
}

/// The field of EXTRACT.
#[rustfmt::skip]
pub(super) fn date_field(node: &Expr, field: &DateTimeField) -> Checked {
    match field {
        DateTimeField::Year | DateTimeField::Years | DateTimeField::Month | DateTimeField::Months
        | DateTimeField::Week(None) | DateTimeField::Weeks | DateTimeField::Day | DateTimeField::Days
        | DateTimeField::DayOfWeek | DateTimeField::DayOfYear | DateTimeField::Hour | DateTimeField::Hours
        | DateTimeField::Minute | DateTimeField::Minutes | DateTimeField::Second | DateTimeField::Seconds
        | DateTimeField::Dow | DateTimeField::Doy | DateTimeField::Epoch | DateTimeField::Isodow
        | DateTimeField::Isoyear | DateTimeField::IsoWeek | DateTimeField::Microsecond | DateTimeField::Microseconds
        | DateTimeField::Millisecond | DateTimeField::Milliseconds | DateTimeField::Nanosecond
        | DateTimeField::Nanoseconds | DateTimeField::Quarter => Ok(()),
        // A quoted field: 'year'. The function itself says what it does not know.
        DateTimeField::Custom(name) => ident(&sql::Ident { value: name.value.clone(), quote_style: None, span: name.span }),
        DateTimeField::Week(Some(_first_day)) => no_field(node, field),
        DateTimeField::Date | DateTimeField::Datetime | DateTimeField::Time
        | DateTimeField::Century | DateTimeField::Decade | DateTimeField::Julian | DateTimeField::Millenium
        | DateTimeField::Millennium | DateTimeField::Timezone | DateTimeField::TimezoneAbbr
        | DateTimeField::TimezoneHour | DateTimeField::TimezoneMinute | DateTimeField::TimezoneRegion
        | DateTimeField::NoDateTime => no_field(node, field),
    }
}

/// `CEIL(x TO DAY)` and `CEIL(x, 2)`.
pub(super) fn rounding(node: &Expr, kind: &sql::CeilFloorKind) -> Checked {
    match kind {
        sql::CeilFloorKind::DateTimeField(DateTimeField::NoDateTime) => Ok(()),
        sql::CeilFloorKind::DateTimeField(field) => Err(refuse(
            codes::EXPRESSION,
            node.span(),
            format!("rounding to {field} is not supported here"),
            format!("write date_trunc('{}', ts)", field.to_string().to_lowercase()),
        )),
        sql::CeilFloorKind::Scale(_digits) => Err(refuse(
            codes::EXPRESSION,
            node.span(),
            "CEIL and FLOOR take no number of digits",
            "write round(x, digits), or ceil(x * 100) / 100",
        )),
    }
}

/// `ESCAPE 'c'`.
pub(super) fn escape(node: &Expr, escape: &sql::ValueWithSpan) -> Checked {
    if let Value::SingleQuotedString(text) = &escape.value
        && text.len() == 1
    {
        return Ok(());
    }
    Err(refuse(
        codes::LITERAL,
        node.span(),
        "ESCAPE takes one ASCII character in quotes",
        "for example LIKE '100!%' ESCAPE '!'",
    ))
}
