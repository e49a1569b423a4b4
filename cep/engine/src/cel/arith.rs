//! Arithmetic: nothing wraps, nothing is rounded but doubles.

use super::time::{in_duration_range, in_timestamp_range};
use super::value::{Fault, Outcome, Value, no_overload};

fn overflow() -> Fault {
    Fault::new("return error for overflow")
}

/// `a + b`.
pub(super) fn add(args: &[Value]) -> Outcome {
    let [a, b] = args else { return Err(no_overload("_+_", &[])) };
    Ok(match (a, b) {
        (Value::Int(a), Value::Int(b)) => Value::Int(a.checked_add(*b).ok_or_else(overflow)?),
        (Value::Uint(a), Value::Uint(b)) => Value::Uint(a.checked_add(*b).ok_or_else(overflow)?),
        (Value::Double(a), Value::Double(b)) => Value::Double(a + b),
        (Value::String(a), Value::String(b)) => Value::string(format!("{a}{b}")),
        (Value::Bytes(a), Value::Bytes(b)) => Value::Bytes([&a[..], &b[..]].concat().into()),
        (Value::List(a), Value::List(b)) => Value::List(a.iter().chain(b.iter()).cloned().collect()),
        (Value::Timestamp(a), Value::Duration(b)) | (Value::Duration(b), Value::Timestamp(a)) => {
            Value::Timestamp(in_timestamp_range(a + b)?)
        }
        (Value::Duration(a), Value::Duration(b)) => Value::Duration(in_duration_range(a + b)?),
        (a, b) => return Err(no_overload("_+_", &[a, b])),
    })
}

/// `a - b`.
pub(super) fn subtract(args: &[Value]) -> Outcome {
    let [a, b] = args else { return Err(no_overload("_-_", &[])) };
    Ok(match (a, b) {
        (Value::Int(a), Value::Int(b)) => Value::Int(a.checked_sub(*b).ok_or_else(overflow)?),
        (Value::Uint(a), Value::Uint(b)) => Value::Uint(a.checked_sub(*b).ok_or_else(overflow)?),
        (Value::Double(a), Value::Double(b)) => Value::Double(a - b),
        (Value::Timestamp(a), Value::Timestamp(b)) => Value::Duration(in_duration_range(a - b)?),
        (Value::Timestamp(a), Value::Duration(b)) => Value::Timestamp(in_timestamp_range(a - b)?),
        (Value::Duration(a), Value::Duration(b)) => Value::Duration(in_duration_range(a - b)?),
        (a, b) => return Err(no_overload("_-_", &[a, b])),
    })
}

/// `a * b`.
pub(super) fn multiply(args: &[Value]) -> Outcome {
    let [a, b] = args else { return Err(no_overload("_*_", &[])) };
    Ok(match (a, b) {
        (Value::Int(a), Value::Int(b)) => Value::Int(a.checked_mul(*b).ok_or_else(overflow)?),
        (Value::Uint(a), Value::Uint(b)) => Value::Uint(a.checked_mul(*b).ok_or_else(overflow)?),
        (Value::Double(a), Value::Double(b)) => Value::Double(a * b),
        (a, b) => return Err(no_overload("_*_", &[a, b])),
    })
}

/// `a / b`.
pub(super) fn divide(args: &[Value]) -> Outcome {
    let [a, b] = args else { return Err(no_overload("_/_", &[])) };
    Ok(match (a, b) {
        (Value::Int(_), Value::Int(0)) | (Value::Uint(_), Value::Uint(0)) => {
            return Err(Fault::new("divide by zero"));
        }
        (Value::Int(a), Value::Int(b)) => Value::Int(a.checked_div(*b).ok_or_else(overflow)?),
        (Value::Uint(a), Value::Uint(b)) => Value::Uint(a / b),
        (Value::Double(a), Value::Double(b)) => Value::Double(a / b),
        (a, b) => return Err(no_overload("_/_", &[a, b])),
    })
}

/// `a % b`; the sign is that of `a`.
pub(super) fn modulo(args: &[Value]) -> Outcome {
    let [a, b] = args else { return Err(no_overload("_%_", &[])) };
    Ok(match (a, b) {
        (Value::Int(_), Value::Int(0)) | (Value::Uint(_), Value::Uint(0)) => {
            return Err(Fault::new("modulus by zero"));
        }
        (Value::Int(a), Value::Int(b)) => Value::Int(a.checked_rem(*b).ok_or_else(overflow)?),
        (Value::Uint(a), Value::Uint(b)) => Value::Uint(a % b),
        (a, b) => return Err(no_overload("_%_", &[a, b])),
    })
}

/// `-a`.
pub(super) fn negate(args: &[Value]) -> Outcome {
    match args {
        [Value::Int(a)] => a.checked_neg().map(Value::Int).ok_or_else(overflow),
        [Value::Double(a)] => Ok(Value::Double(-a)),
        other => Err(no_overload("-_", &other.iter().collect::<Vec<_>>())),
    }
}

/// `!a`.
pub(super) fn not(args: &[Value]) -> Outcome {
    match args {
        [Value::Bool(a)] => Ok(Value::Bool(!a)),
        other => Err(no_overload("!_", &other.iter().collect::<Vec<_>>())),
    }
}
