//! `string.format(list)`: `%s %d %f %e %b %o %x %X %%`.

use super::convert::double_text;
use super::time::{duration_text, timestamp_text};
use super::value::{Fault, Outcome, Value, no_overload};

/// Digits behind the point when none are written, and at most.
const PRECISION_DEFAULT: usize = 6;
const PRECISION_MAX: usize = 1_000;

pub(super) fn format(args: &[Value]) -> Outcome {
    let [Value::String(text), Value::List(values)] = args else {
        return Err(no_overload("format", &args.iter().collect::<Vec<_>>()));
    };
    let mut values = values.iter().enumerate();
    let mut out = String::new();
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        if c != '%' {
            out.push(c);
            continue;
        }
        let mut precision = None;
        if chars.peek() == Some(&'.') {
            chars.next();
            let mut digits = String::new();
            while let Some(digit) = chars.next_if(char::is_ascii_digit) {
                digits.push(digit);
            }
            let count = digits.parse().ok().filter(|count| *count <= PRECISION_MAX);
            precision = Some(count.ok_or_else(|| Fault::new("the precision of a format is no number"))?);
        }
        let clause = chars.next().ok_or_else(|| Fault::new("unexpected end of format string"))?;
        if clause == '%' {
            out.push('%');
            continue;
        }
        let (at, value) = values
            .next()
            .ok_or_else(|| Fault::new(format!("index {} out of range", text.matches('%').count())))?;
        let shown = clause_text(clause, precision, value);
        out.push_str(&shown.map_err(|fault| Fault::new(format!("argument {at}: {}", fault.0)))?);
    }
    Ok(Value::string(out))
}

fn clause_text(clause: char, precision: Option<usize>, value: &Value) -> Outcome<String> {
    let wrong = || Fault::new(format!("%{clause} cannot write {}", value.type_name()));
    match clause {
        's' => plain(value),
        'd' => match value {
            Value::Int(a) => Ok(a.to_string()),
            Value::Uint(a) => Ok(a.to_string()),
            Value::Double(a) if !a.is_finite() => Ok(unbounded(*a)),
            _ => Err(wrong()),
        },
        'f' | 'e' => {
            let number = match value {
                Value::Double(a) => *a,
                Value::Int(a) => *a as f64,
                Value::Uint(a) => *a as f64,
                _ => return Err(wrong()),
            };
            if !number.is_finite() {
                return Ok(unbounded(number));
            }
            let precision = precision.unwrap_or(PRECISION_DEFAULT);
            if clause == 'f' {
                return Ok(format!("{number:.precision$}"));
            }
            let text = format!("{number:.precision$e}");
            let (mantissa, exponent) = text.split_once('e').expect("an exponent is written");
            let exponent: i32 = exponent.parse().expect("it is a number");
            let sign = if exponent < 0 { '-' } else { '+' };
            Ok(format!("{mantissa}e{sign}{:02}", exponent.abs()))
        }
        'b' => match value {
            Value::Bool(a) => Ok(u8::from(*a).to_string()),
            Value::Int(a) => Ok(radix(i128::from(*a), |a| format!("{a:b}"))),
            Value::Uint(a) => Ok(format!("{a:b}")),
            _ => Err(wrong()),
        },
        'o' => match value {
            Value::Int(a) => Ok(radix(i128::from(*a), |a| format!("{a:o}"))),
            Value::Uint(a) => Ok(format!("{a:o}")),
            _ => Err(wrong()),
        },
        'x' | 'X' => {
            let hex = match value {
                Value::Int(a) => radix(i128::from(*a), |a| format!("{a:x}")),
                Value::Uint(a) => format!("{a:x}"),
                Value::String(a) => a.bytes().map(|byte| format!("{byte:02x}")).collect(),
                Value::Bytes(a) => a.iter().map(|byte| format!("{byte:02x}")).collect(),
                _ => return Err(wrong()),
            };
            Ok(if clause == 'X' { hex.to_uppercase() } else { hex })
        }
        other => Err(Fault::new(format!("unrecognized formatting clause \"{other}\""))),
    }
}

fn radix(value: i128, of: fn(u128) -> String) -> String {
    let sign = if value < 0 { "-" } else { "" };
    format!("{sign}{}", of(value.unsigned_abs()))
}

fn unbounded(value: f64) -> String {
    match value {
        value if value.is_nan() => "NaN",
        value if value > 0.0 => "Infinity",
        _ => "-Infinity",
    }
    .to_owned()
}

/// A value as `%s` writes it.
fn plain(value: &Value) -> Outcome<String> {
    Ok(match value {
        Value::String(a) => a.to_string(),
        Value::Bool(a) => a.to_string(),
        Value::Null => "null".to_owned(),
        Value::Int(a) => a.to_string(),
        Value::Uint(a) => a.to_string(),
        Value::Double(a) if !a.is_finite() => unbounded(*a),
        Value::Double(a) => double_text(*a),
        Value::Bytes(a) => String::from_utf8_lossy(a).into_owned(),
        Value::Timestamp(ns) => timestamp_text(*ns),
        Value::Duration(ns) => duration_text(*ns),
        Value::Type(name) => name.to_string(),
        Value::List(values) => {
            let parts = values.iter().map(plain).collect::<Outcome<Vec<_>>>()?;
            format!("[{}]", parts.join(", "))
        }
        Value::Map(map) => {
            let entry = |(key, value): &(Value, Value)| {
                let text = plain(key)?;
                Ok((text.clone(), format!("{text}: {}", plain(value)?)))
            };
            let mut parts = map.entries().iter().map(entry).collect::<Outcome<Vec<(String, String)>>>()?;
            parts.sort();
            let parts: Vec<String> = parts.into_iter().map(|(_, text)| text).collect();
            format!("{{{}}}", parts.join(", "))
        }
        Value::Record(_) | Value::Optional(_) => {
            return Err(Fault::new(format!("%s cannot write {}", value.type_name())));
        }
    })
}
