//! The extension `math`.

use std::cmp::Ordering;

use super::value::{Fault, Outcome, Value, no_overload};

/// `math.greatest` and `math.least`: of equal ones the first.
pub(super) fn extreme(greatest: bool, args: &[Value]) -> Outcome {
    let name = if greatest { "math.greatest" } else { "math.least" };
    let values: &[Value] = match args {
        [Value::List(values)] => values,
        values => values,
    };
    let wanted = if greatest { Ordering::Greater } else { Ordering::Less };
    let mut best: Option<&Value> = None;
    for value in values {
        if !value.is_number() {
            return Err(no_overload(name, &[value]));
        }
        match best {
            Some(best) if value.compare(best)? != Some(wanted) => continue,
            _ => best = Some(value),
        }
    }
    best.cloned().ok_or_else(|| Fault::new(format!("{name}: the list is empty")))
}

pub(super) fn ceil(args: &[Value]) -> Outcome {
    double("math.ceil", args, f64::ceil)
}

pub(super) fn floor(args: &[Value]) -> Outcome {
    double("math.floor", args, f64::floor)
}

/// Halves away from zero.
pub(super) fn round(args: &[Value]) -> Outcome {
    double("math.round", args, f64::round)
}

pub(super) fn trunc(args: &[Value]) -> Outcome {
    double("math.trunc", args, f64::trunc)
}

fn double(name: &str, args: &[Value], of: fn(f64) -> f64) -> Outcome {
    match args {
        [Value::Double(a)] => Ok(Value::Double(of(*a))),
        other => Err(no_overload(name, &other.iter().collect::<Vec<_>>())),
    }
}

pub(super) fn abs(args: &[Value]) -> Outcome {
    match args {
        [Value::Int(a)] => a.checked_abs().map(Value::Int).ok_or_else(|| Fault::new("integer overflow")),
        [Value::Uint(a)] => Ok(Value::Uint(*a)),
        [Value::Double(a)] => Ok(Value::Double(a.abs())),
        other => Err(no_overload("math.abs", &other.iter().collect::<Vec<_>>())),
    }
}

pub(super) fn sign(args: &[Value]) -> Outcome {
    match args {
        [Value::Int(a)] => Ok(Value::Int(a.signum())),
        [Value::Uint(a)] => Ok(Value::Uint(u64::from(*a > 0))),
        [Value::Double(a)] => Ok(Value::Double(if *a == 0.0 || a.is_nan() { *a } else { a.signum() })),
        other => Err(no_overload("math.sign", &other.iter().collect::<Vec<_>>())),
    }
}

pub(super) fn sqrt(args: &[Value]) -> Outcome {
    match args {
        [Value::Int(a)] => Ok(Value::Double((*a as f64).sqrt())),
        [Value::Uint(a)] => Ok(Value::Double((*a as f64).sqrt())),
        [Value::Double(a)] => Ok(Value::Double(a.sqrt())),
        other => Err(no_overload("math.sqrt", &other.iter().collect::<Vec<_>>())),
    }
}

pub(super) fn is_nan(args: &[Value]) -> Outcome {
    test("math.isNaN", args, f64::is_nan)
}

pub(super) fn is_inf(args: &[Value]) -> Outcome {
    test("math.isInf", args, f64::is_infinite)
}

pub(super) fn is_finite(args: &[Value]) -> Outcome {
    test("math.isFinite", args, f64::is_finite)
}

fn test(name: &str, args: &[Value], of: fn(f64) -> bool) -> Outcome {
    match args {
        [Value::Double(a)] => Ok(Value::Bool(of(*a))),
        other => Err(no_overload(name, &other.iter().collect::<Vec<_>>())),
    }
}

pub(super) fn bit_and(args: &[Value]) -> Outcome {
    bits("math.bitAnd", args, |a, b| a & b)
}

pub(super) fn bit_or(args: &[Value]) -> Outcome {
    bits("math.bitOr", args, |a, b| a | b)
}

pub(super) fn bit_xor(args: &[Value]) -> Outcome {
    bits("math.bitXor", args, |a, b| a ^ b)
}

fn bits(name: &str, args: &[Value], of: fn(u64, u64) -> u64) -> Outcome {
    match args {
        [Value::Int(a), Value::Int(b)] => Ok(Value::Int(of(*a as u64, *b as u64) as i64)),
        [Value::Uint(a), Value::Uint(b)] => Ok(Value::Uint(of(*a, *b))),
        other => Err(no_overload(name, &other.iter().collect::<Vec<_>>())),
    }
}

pub(super) fn bit_not(args: &[Value]) -> Outcome {
    match args {
        [Value::Int(a)] => Ok(Value::Int(!a)),
        [Value::Uint(a)] => Ok(Value::Uint(!a)),
        other => Err(no_overload("math.bitNot", &other.iter().collect::<Vec<_>>())),
    }
}

pub(super) fn shift_left(args: &[Value]) -> Outcome {
    shift("math.bitShiftLeft", args, |a, by| a.checked_shl(by).unwrap_or(0))
}

/// What comes in from the left is 0, of signed numbers as well.
pub(super) fn shift_right(args: &[Value]) -> Outcome {
    shift("math.bitShiftRight", args, |a, by| a.checked_shr(by).unwrap_or(0))
}

fn shift(name: &str, args: &[Value], of: fn(u64, u32) -> u64) -> Outcome {
    let by = |by: i64| {
        let by = u64::try_from(by).map_err(|_| Fault::new(format!("{name}() negative offset: {by}")))?;
        Ok(u32::try_from(by).unwrap_or(u32::MAX))
    };
    match args {
        [Value::Int(a), Value::Int(b)] => Ok(Value::Int(of(*a as u64, by(*b)?) as i64)),
        [Value::Uint(a), Value::Int(b)] => Ok(Value::Uint(of(*a, by(*b)?))),
        other => Err(no_overload(name, &other.iter().collect::<Vec<_>>())),
    }
}
