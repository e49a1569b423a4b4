//! The slow, obvious interpreter: one row, one tree walk, single values. Shares no code with the
//! kernels.

use std::cmp::Ordering;

use arrow_schema::DataType;
use cep_lang::plan::{BinaryOp, Expr, ExprKind, UnaryOp};
use datafusion_common::ScalarValue;

use crate::expr::RowErrorKind;

pub(super) type Value = Result<ScalarValue, RowErrorKind>;

/// One row and its times.
pub(super) struct Row {
    pub(super) values: Vec<ScalarValue>,
    pub(super) stamp: i64,
    pub(super) event_time: i64,
}

pub(super) fn eval(expr: &Expr, row: &Row) -> Value {
    match &expr.kind {
        ExprKind::Column(index) => Ok(row.values[*index].clone()),
        ExprKind::Literal(value) => Ok(value.clone()),
        ExprKind::Stamp => Ok(ScalarValue::TimestampNanosecond(Some(row.stamp), None)),
        ExprKind::EventTime => Ok(ScalarValue::TimestampNanosecond(Some(row.event_time), None)),
        ExprKind::Binary(BinaryOp::And, l, r) => match truth(&eval(l, row)?) {
            Some(false) => Ok(false.into()),
            left => match (left, truth(&eval(r, row)?)) {
                (_, Some(false)) => Ok(false.into()),
                (Some(true), Some(true)) => Ok(true.into()),
                _ => Ok(ScalarValue::Boolean(None)),
            },
        },
        ExprKind::Binary(BinaryOp::Or, l, r) => match truth(&eval(l, row)?) {
            Some(true) => Ok(true.into()),
            left => match (left, truth(&eval(r, row)?)) {
                (_, Some(true)) => Ok(true.into()),
                (Some(false), Some(false)) => Ok(false.into()),
                _ => Ok(ScalarValue::Boolean(None)),
            },
        },
        ExprKind::Binary(op, l, r) => {
            let (l, r) = (eval(l, row)?, eval(r, row)?);
            binary(*op, &l, &r, &expr.data_type)
        }
        ExprKind::Unary(op, input) => unary(*op, &eval(input, row)?),
        ExprKind::Case { branches, otherwise } => {
            for (condition, value) in branches {
                if truth(&eval(condition, row)?) == Some(true) {
                    return eval(value, row);
                }
            }
            otherwise.as_ref().map_or_else(|| Ok(null(&expr.data_type)), |e| eval(e, row))
        }
        ExprKind::Cast { input, safe } => {
            let value = eval(input, row)?;
            if value.is_null() {
                return Ok(null(&expr.data_type));
            }
            match cast(&value, &expr.data_type) {
                Some(result) => Ok(result),
                None if *safe => Ok(null(&expr.data_type)),
                None => Err(RowErrorKind::Cast),
            }
        }
        ExprKind::InList { input, list, negated } => in_list(&eval(input, row)?, list, *negated, row),
        ExprKind::Like { input, pattern, negated, case_insensitive, .. } => {
            match (eval(input, row)?, eval(pattern, row)?) {
                (ScalarValue::Utf8(Some(text)), ScalarValue::Utf8(Some(pattern))) => {
                    let fold = |t: &str| if *case_insensitive { t.to_lowercase() } else { t.to_owned() };
                    let text: Vec<char> = fold(&text).chars().collect();
                    let pattern: Vec<char> = fold(&pattern).chars().collect();
                    Ok((like(&text, &pattern) != *negated).into())
                }
                _ => Ok(ScalarValue::Boolean(None)),
            }
        }
        ExprKind::Call { function, args, .. } if function.name() == "coalesce" => {
            for arg in args {
                let value = eval(arg, row)?;
                if !value.is_null() {
                    return Ok(value);
                }
            }
            Ok(null(&expr.data_type))
        }
        ExprKind::Call { args, .. } => match eval(&args[0], row)? {
            ScalarValue::Int64(Some(v)) if v < 0 => Err(RowErrorKind::Function),
            ScalarValue::Int64(v) => Ok(ScalarValue::Int64(v.map(|v| v / 2))),
            other => unreachable!("{other}"),
        },
    }
}

/// LIKE by trying everything.
fn like(text: &[char], pattern: &[char]) -> bool {
    match pattern {
        [] => text.is_empty(),
        ['%', rest @ ..] => (0..=text.len()).any(|skip| like(&text[skip..], rest)),
        ['_', rest @ ..] => !text.is_empty() && like(&text[1..], rest),
        ['\\', c, rest @ ..] | [c, rest @ ..] => text.first() == Some(c) && like(&text[1..], rest),
    }
}

fn in_list(value: &ScalarValue, list: &[Expr], negated: bool, row: &Row) -> Value {
    let mut unknown = false;
    for item in list {
        let item = eval(item, row)?;
        if value.is_null() || item.is_null() {
            unknown = true;
        } else if order(value, &item).is_eq() {
            return Ok((!negated).into());
        }
    }
    Ok(if unknown { ScalarValue::Boolean(None) } else { negated.into() })
}

fn null(data_type: &DataType) -> ScalarValue {
    ScalarValue::try_from(data_type).unwrap()
}

fn truth(value: &ScalarValue) -> Option<bool> {
    match value {
        ScalarValue::Boolean(b) => *b,
        other => panic!("{other} as a truth value"),
    }
}

fn unary(op: UnaryOp, v: &ScalarValue) -> Value {
    use ScalarValue as S;
    Ok(match op {
        UnaryOp::IsNull | UnaryOp::IsUnknown => v.is_null().into(),
        UnaryOp::IsNotNull | UnaryOp::IsNotUnknown => (!v.is_null()).into(),
        UnaryOp::IsTrue => (truth(v) == Some(true)).into(),
        UnaryOp::IsNotTrue => (truth(v) != Some(true)).into(),
        UnaryOp::IsFalse => (truth(v) == Some(false)).into(),
        UnaryOp::IsNotFalse => (truth(v) != Some(false)).into(),
        UnaryOp::Not => S::Boolean(truth(v).map(|b| !b)),
        UnaryOp::Neg => match v {
            S::Int64(None) | S::Int32(None) | S::Float64(None) | S::Float32(None) => v.clone(),
            S::Int64(Some(x)) => {
                S::Int64(Some(i64::try_from(-i128::from(*x)).map_err(|_| RowErrorKind::Overflow)?))
            }
            S::Int32(Some(x)) => {
                S::Int32(Some(i32::try_from(-i128::from(*x)).map_err(|_| RowErrorKind::Overflow)?))
            }
            S::Decimal128(x, p, s) => S::Decimal128(x.map(|x| -x), *p, *s),
            S::Float64(Some(x)) => S::Float64(Some(f64_canonical(-x))),
            S::Float32(Some(x)) => S::Float32(Some(f32_canonical(-x))),
            other => unreachable!("-{other}"),
        },
    })
}

fn binary(op: BinaryOp, l: &ScalarValue, r: &ScalarValue, to: &DataType) -> Value {
    let same = || if l.is_null() || r.is_null() { l.is_null() && r.is_null() } else { order(l, r).is_eq() };
    match op {
        BinaryOp::IsDistinct => return Ok((!same()).into()),
        BinaryOp::IsNotDistinct => return Ok(same().into()),
        _ if l.is_null() || r.is_null() => return Ok(null(to)),
        _ => {}
    }
    Ok(match op {
        BinaryOp::Eq => order(l, r).is_eq().into(),
        BinaryOp::NotEq => order(l, r).is_ne().into(),
        BinaryOp::Lt => order(l, r).is_lt().into(),
        BinaryOp::LtEq => order(l, r).is_le().into(),
        BinaryOp::Gt => order(l, r).is_gt().into(),
        BinaryOp::GtEq => order(l, r).is_ge().into(),
        BinaryOp::Concat => match (l, r) {
            (ScalarValue::Utf8(Some(a)), ScalarValue::Utf8(Some(b))) => format!("{a}{b}").into(),
            _ => unreachable!("{l} || {r}"),
        },
        BinaryOp::RegexMatch | BinaryOp::RegexIMatch | BinaryOp::RegexNotMatch | BinaryOp::RegexNotIMatch => {
            return regex(op, l, r);
        }
        _ => return arithmetic(op, l, r),
    })
}

fn regex(op: BinaryOp, l: &ScalarValue, r: &ScalarValue) -> Value {
    let (ScalarValue::Utf8(Some(text)), ScalarValue::Utf8(Some(pattern))) = (l, r) else {
        unreachable!("{l} ~ {r}")
    };
    let any_case = matches!(op, BinaryOp::RegexIMatch | BinaryOp::RegexNotIMatch);
    let pattern = if any_case { format!("(?i){pattern}") } else { pattern.clone() };
    let matches = regex::Regex::new(&pattern).map_err(|_| RowErrorKind::Pattern)?.is_match(text);
    Ok((matches == matches!(op, BinaryOp::RegexMatch | BinaryOp::RegexIMatch)).into())
}

fn arithmetic(op: BinaryOp, l: &ScalarValue, r: &ScalarValue) -> Value {
    use ScalarValue as S;
    Ok(match (l, r) {
        (S::Int64(Some(a)), S::Int64(Some(b))) => {
            if let Some(shifted) = shift(op, *a, *b, 64) {
                return Ok(S::Int64(Some(shifted)));
            }
            let wide = integers(op, (*a).into(), (*b).into())?;
            S::Int64(Some(i64::try_from(wide).map_err(|_| RowErrorKind::Overflow)?))
        }
        (S::Int32(Some(a)), S::Int32(Some(b))) => {
            if let Some(shifted) = shift(op, (*a).into(), (*b).into(), 32) {
                return Ok(S::Int32(Some(shifted as i32)));
            }
            let wide = integers(op, (*a).into(), (*b).into())?;
            S::Int32(Some(i32::try_from(wide).map_err(|_| RowErrorKind::Overflow)?))
        }
        (S::Float64(Some(a)), S::Float64(Some(b))) => S::Float64(Some(f64_canonical(match op {
            BinaryOp::Add => a + b,
            BinaryOp::Sub => a - b,
            BinaryOp::Mul => a * b,
            BinaryOp::Div => a / b,
            _ => a % b,
        }))),
        (S::Float32(Some(a)), S::Float32(Some(b))) => S::Float32(Some(f32_canonical(match op {
            BinaryOp::Add => a + b,
            BinaryOp::Sub => a - b,
            BinaryOp::Mul => a * b,
            BinaryOp::Div => a / b,
            _ => a % b,
        }))),
        (S::Decimal128(Some(a), p, s), S::Decimal128(Some(b), _, _)) => {
            // Ten digits: everything fits, and the scale is 2 throughout.
            let value = match op {
                BinaryOp::Mul => rounded(a * b, 100),
                BinaryOp::Div if *b != 0 => rounded(a * 100, *b),
                _ => integers(op, *a, *b)?,
            };
            if value.abs() >= 10_000_000_000 {
                return Err(RowErrorKind::Overflow);
            }
            S::Decimal128(Some(value), *p, *s)
        }
        (S::TimestampNanosecond(Some(ts), _), S::IntervalMonthDayNano(Some(step))) => {
            let sign = if op == BinaryOp::Sub { -1 } else { 1 };
            let moved = months_later(*ts, step.months * sign)?;
            let rest = i128::from(step.days) * 86_400_000_000_000 + i128::from(step.nanoseconds);
            let result = i128::from(moved) + rest * i128::from(sign);
            S::TimestampNanosecond(Some(i64::try_from(result).map_err(|_| RowErrorKind::Overflow)?), None)
        }
        (l, r) => unreachable!("{l} {op:?} {r}"),
    })
}

/// The quotient rounded half away from zero, by way of its sign.
fn rounded(a: i128, b: i128) -> i128 {
    let size = (2 * a.abs() + b.abs()) / (2 * b.abs());
    if (a < 0) == (b < 0) { size } else { -size }
}

/// The same time of day in another month, on the last day where that month is shorter.
fn months_later(ts: i64, months: i32) -> Result<i64, RowErrorKind> {
    use chrono::{DateTime, Datelike, NaiveDate};
    let time = DateTime::from_timestamp_nanos(ts).naive_utc();
    let month = i64::from(time.year()) * 12 + i64::from(time.month0()) + i64::from(months);
    let (year, month) = (i32::try_from(month.div_euclid(12)).unwrap(), month.rem_euclid(12) as u32 + 1);
    let day = (1..=time.day()).rev().find_map(|day| NaiveDate::from_ymd_opt(year, month, day)).unwrap();
    day.and_time(time.time()).and_utc().timestamp_nanos_opt().ok_or(RowErrorKind::Overflow)
}

/// A shift by a distance modulo `width`; bits beyond 64 fall off.
fn shift(op: BinaryOp, a: i64, b: i64, width: i64) -> Option<i64> {
    let distance = b.rem_euclid(width);
    match op {
        BinaryOp::ShiftLeft => Some(a << distance),
        BinaryOp::ShiftRight => Some(a >> distance),
        _ => None,
    }
}

fn integers(op: BinaryOp, a: i128, b: i128) -> Result<i128, RowErrorKind> {
    Ok(match op {
        BinaryOp::Add => a + b,
        BinaryOp::Sub => a - b,
        BinaryOp::Mul => a * b,
        BinaryOp::BitAnd => a & b,
        BinaryOp::BitOr => a | b,
        BinaryOp::BitXor => a ^ b,
        BinaryOp::Div | BinaryOp::Mod if b == 0 => return Err(RowErrorKind::DivisionByZero),
        BinaryOp::Div => a / b,
        _ => a % b,
    })
}

fn f64_canonical(v: f64) -> f64 {
    if v.is_nan() { f64::NAN } else { v }
}

fn f32_canonical(v: f32) -> f32 {
    if v.is_nan() { f32::NAN } else { v }
}

/// SQL's order of two values of one type.
fn order(l: &ScalarValue, r: &ScalarValue) -> Ordering {
    use ScalarValue as S;
    match (l, r) {
        (S::Boolean(a), S::Boolean(b)) => a.cmp(b),
        (S::Int64(a), S::Int64(b)) => a.cmp(b),
        (S::Int32(a), S::Int32(b)) => a.cmp(b),
        (S::Utf8(Some(a)), S::Utf8(Some(b))) => a.as_bytes().cmp(b.as_bytes()),
        (S::TimestampNanosecond(a, _), S::TimestampNanosecond(b, _)) => a.cmp(b),
        (S::Decimal128(a, _, _), S::Decimal128(b, _, _)) => a.cmp(b),
        (S::IntervalMonthDayNano(Some(a)), S::IntervalMonthDayNano(Some(b))) => {
            let size = |i: &arrow_array::types::IntervalMonthDayNano| {
                let days = i128::from(i.months) * 30 + i128::from(i.days);
                days * 24 * 3_600 * 1_000_000_000 + i128::from(i.nanoseconds)
            };
            size(a).cmp(&size(b))
        }
        (S::Float32(Some(a)), S::Float32(Some(b))) => floats((*a).into(), (*b).into()),
        (S::Float64(Some(a)), S::Float64(Some(b))) => floats(*a, *b),
        (l, r) => unreachable!("{l} compared with {r}"),
    }
}

fn floats(a: f64, b: f64) -> Ordering {
    match (a.is_nan(), b.is_nan()) {
        (true, true) => Ordering::Equal,
        (true, false) => Ordering::Greater,
        (false, true) => Ordering::Less,
        // Adding +0 makes −0 and 0 the same bits.
        (false, false) => (a + 0.0).total_cmp(&(b + 0.0)),
    }
}

fn cast(v: &ScalarValue, to: &DataType) -> Option<ScalarValue> {
    use DataType as T;
    use ScalarValue as S;
    Some(match (v, to) {
        (S::Int64(Some(x)), T::Timestamp(_, _)) => S::TimestampNanosecond(Some(*x), None),
        (S::Utf8(Some(text)), _) => return parse(text.trim_matches(|c: char| c.is_ascii_whitespace()), to),
        (S::Boolean(Some(x)), T::Utf8) => S::from(if *x { "true" } else { "false" }),
        (S::Int64(Some(x)), T::Utf8) => S::from(x.to_string()),
        (S::Int32(Some(x)), T::Utf8) => S::from(x.to_string()),
        (S::Int64(Some(x)), _) => return integer(i128::from(*x), to),
        (S::Int32(Some(x)), _) => return integer(i128::from(*x), to),
        (S::Float64(Some(x)), T::Float32) => S::Float32(Some(*x as f32)),
        (S::Float32(Some(x)), T::Float64) => S::Float64(Some(f64::from(*x))),
        (S::Float64(Some(x)), _) => return truncated(*x, to),
        (S::Float32(Some(x)), _) => return truncated(f64::from(*x), to),
        (v, to) => unreachable!("{v} to {to}"),
    })
}

fn integer(x: i128, to: &DataType) -> Option<ScalarValue> {
    Some(match to {
        DataType::Int64 => ScalarValue::from(i64::try_from(x).ok()?),
        DataType::Int32 => ScalarValue::from(i32::try_from(x).ok()?),
        DataType::Float64 => ScalarValue::from(x as f64),
        DataType::Float32 => ScalarValue::from(x as f32),
        DataType::Boolean => ScalarValue::from(x != 0),
        other => unreachable!("{other}"),
    })
}

fn truncated(x: f64, to: &DataType) -> Option<ScalarValue> {
    // i128 holds every double below 2^127; what saturates is out of range anyway.
    if x.is_finite() { integer(x.trunc() as i128, to) } else { None }
}

fn parse(text: &str, to: &DataType) -> Option<ScalarValue> {
    Some(match to {
        DataType::Int64 => ScalarValue::from(text.parse::<i64>().ok()?),
        DataType::Int32 => ScalarValue::from(text.parse::<i32>().ok()?),
        DataType::Float64 => ScalarValue::from(f64_canonical(text.parse().ok()?)),
        DataType::Float32 => ScalarValue::from(f32_canonical(text.parse().ok()?)),
        other => unreachable!("{other}"),
    })
}
