//! Conversions between types.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};

use super::time::{duration_text, timestamp_text};
use super::value::{Fault, Outcome, Value, no_overload};

fn misfit(name: &str, args: &[Value]) -> Fault {
    no_overload(name, &args.iter().collect::<Vec<_>>())
}

fn range() -> Fault {
    Fault::new("range error")
}

/// `int(x)`: doubles lose their fraction; timestamps are seconds, durations nanoseconds.
pub(super) fn int(args: &[Value]) -> Outcome {
    Ok(Value::Int(match args {
        [Value::Int(a)] => *a,
        [Value::Uint(a)] => i64::try_from(*a).map_err(|_| range())?,
        [Value::Double(a)] if *a > -(2f64.powi(63)) && *a < 2f64.powi(63) => *a as i64,
        [Value::Double(_)] => return Err(range()),
        [Value::String(a)] => a.parse().map_err(|_| Fault::new(format!("'{a}' is no int")))?,
        [Value::Timestamp(ns)] => ns.div_euclid(1_000_000_000) as i64,
        [Value::Duration(ns)] => i64::try_from(*ns).map_err(|_| range())?,
        other => return Err(misfit("int", other)),
    }))
}

pub(super) fn uint(args: &[Value]) -> Outcome {
    Ok(Value::Uint(match args {
        [Value::Uint(a)] => *a,
        [Value::Int(a)] => u64::try_from(*a).map_err(|_| range())?,
        [Value::Double(a)] if *a >= 0.0 && *a < 2f64.powi(64) => *a as u64,
        [Value::Double(_)] => return Err(range()),
        [Value::String(a)] => a.parse().map_err(|_| Fault::new(format!("'{a}' is no uint")))?,
        other => return Err(misfit("uint", other)),
    }))
}

pub(super) fn double(args: &[Value]) -> Outcome {
    Ok(Value::Double(match args {
        [Value::Double(a)] => *a,
        [Value::Int(a)] => *a as f64,
        [Value::Uint(a)] => *a as f64,
        [Value::String(a)] => a.parse().map_err(|_| Fault::new(format!("'{a}' is no double")))?,
        other => return Err(misfit("double", other)),
    }))
}

pub(super) fn bool(args: &[Value]) -> Outcome {
    Ok(Value::Bool(match args {
        [Value::Bool(a)] => *a,
        [Value::String(a)] => match &**a {
            "1" | "t" | "T" | "true" | "TRUE" | "True" => true,
            "0" | "f" | "F" | "false" | "FALSE" | "False" => false,
            other => return Err(Fault::new(format!("'{other}' is no bool"))),
        },
        other => return Err(misfit("bool", other)),
    }))
}

pub(super) fn string(args: &[Value]) -> Outcome {
    Ok(match args {
        [Value::String(a)] => Value::String(a.clone()),
        [Value::Bytes(a)] => {
            let text = std::str::from_utf8(a);
            Value::string(text.map_err(|_| Fault::new("invalid UTF-8: the bytes are no text"))?)
        }
        [
            one @ (Value::Bool(_)
            | Value::Int(_)
            | Value::Uint(_)
            | Value::Double(_)
            | Value::Timestamp(_)
            | Value::Duration(_)),
        ] => Value::string(plain(one)),
        other => return Err(misfit("string", other)),
    })
}

/// A plain value as `string()` writes it.
pub(super) fn plain(value: &Value) -> String {
    match value {
        Value::Bool(a) => a.to_string(),
        Value::Int(a) => a.to_string(),
        Value::Uint(a) => a.to_string(),
        Value::Double(a) => double_text(*a),
        Value::Timestamp(ns) => timestamp_text(*ns),
        Value::Duration(ns) => duration_text(*ns),
        Value::String(text) | Value::Type(text) => text.to_string(),
        Value::Null => "null".to_owned(),
        other => other.type_name().to_owned(),
    }
}

/// The shortest decimal that is read as the same double; with an exponent from 10^21 on and below 10^-4.
pub(super) fn double_text(value: f64) -> String {
    if value.is_nan() {
        return "NaN".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { "+Inf" } else { "-Inf" }.to_owned();
    }
    let scientific = format!("{value:e}");
    let (mantissa, exponent) = scientific.split_once('e').expect("an exponent is written");
    let exponent: i32 = exponent.parse().expect("it is a number");
    if value == 0.0 || (-4..21).contains(&exponent) {
        return format!("{value}");
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{mantissa}e{sign}{:02}", exponent.abs())
}

pub(super) fn bytes(args: &[Value]) -> Outcome {
    match args {
        [Value::Bytes(a)] => Ok(Value::Bytes(a.clone())),
        [Value::String(a)] => Ok(Value::Bytes(a.as_bytes().into())),
        other => Err(misfit("bytes", other)),
    }
}

pub(super) fn type_of(args: &[Value]) -> Outcome {
    match args {
        [value] => Ok(Value::Type(value.type_name().into())),
        other => Err(misfit("type", other)),
    }
}

pub(super) fn dyn_of(args: &[Value]) -> Outcome {
    match args {
        [value] => Ok(value.clone()),
        other => Err(misfit("dyn", other)),
    }
}

pub(super) fn base64_encode(args: &[Value]) -> Outcome {
    match args {
        [Value::Bytes(bytes)] => Ok(Value::string(STANDARD.encode(bytes))),
        other => Err(misfit("base64.encode", other)),
    }
}

/// With or without padding.
pub(super) fn base64_decode(args: &[Value]) -> Outcome {
    let [Value::String(text)] = args else { return Err(misfit("base64.decode", args)) };
    let decoded = STANDARD.decode(&**text).or_else(|_| STANDARD_NO_PAD.decode(&**text));
    let bytes = decoded.map_err(|error| Fault::new(format!("'{text}' is no base64: {error}")))?;
    Ok(Value::Bytes(bytes.into()))
}
