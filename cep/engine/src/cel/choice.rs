//! The functions that rules of bundles have besides the standard ones (R-BUN-4).

use super::arith;
use super::value::{Fault, Outcome, Value, no_overload};

fn refused(name: &str, args: &[Value]) -> Outcome {
    Err(no_overload(name, &args.iter().collect::<Vec<_>>()))
}

/// `clamp(x, low, high)`: `x`, or the bound that it is beyond. NaN stays.
pub(super) fn clamp(args: &[Value]) -> Outcome {
    let [x, low, high] = args else { return refused("clamp", args) };
    if low.compare(high)?.is_none_or(std::cmp::Ordering::is_gt) {
        return Err(Fault::new("clamp: the lower bound is above the upper one"));
    }
    if x.compare(low)?.is_some_and(std::cmp::Ordering::is_lt) {
        return Ok(low.clone());
    }
    if x.compare(high)?.is_some_and(std::cmp::Ordering::is_gt) {
        return Ok(high.clone());
    }
    Ok(x.clone())
}

/// `safe_div(a, b, otherwise)`: `a / b`, and `otherwise` where `b` is 0, or what comes out is no number.
pub(super) fn safe_div(args: &[Value]) -> Outcome {
    match args {
        [Value::Double(a), Value::Double(b), otherwise @ Value::Double(_)] => {
            let quotient = a / b;
            if *b == 0.0 || quotient.is_nan() { Ok(otherwise.clone()) } else { Ok(Value::Double(quotient)) }
        }
        [a @ Value::Int(_), b @ Value::Int(divisor), otherwise @ Value::Int(_)] => match divisor {
            0 => Ok(otherwise.clone()),
            _ => arith::divide(&[a.clone(), b.clone()]),
        },
        [a @ Value::Uint(_), b @ Value::Uint(divisor), otherwise @ Value::Uint(_)] => match divisor {
            0 => Ok(otherwise.clone()),
            _ => arith::divide(&[a.clone(), b.clone()]),
        },
        other => refused("safe_div", other),
    }
}

/// `select(condition, a, b)`: `a` where the condition holds, else `b`; both are computed.
pub(super) fn select(args: &[Value]) -> Outcome {
    match args {
        [Value::Bool(condition), a, b] => Ok(if *condition { a.clone() } else { b.clone() }),
        other => refused("select", other),
    }
}

#[cfg(test)]
mod tests {
    use cep_lang::cel::{Scope, check};

    use super::super::{Compiled, Outcome, Value};

    fn value(text: &str) -> Outcome {
        let node = check(text, &Scope::default()).unwrap_or_else(|error| panic!("{text}: {error}"));
        Compiled::new(&node)?.evaluate(&[])
    }

    #[test]
    fn helpers_do_what_they_say() {
        let holds = [
            "coalesce(dyn(null), 'a') == 'a'",
            "coalesce('b', 'a') == 'b'",
            "coalesce(1, 2, 3) == 1",
            "clamp(5, 0, 3) == 3 && clamp(-1, 0, 3) == 0 && clamp(2, 0, 3) == 2",
            "clamp(0.5, 0.0, 1.0) == 0.5 && clamp(7u, 1u, 3u) == 3u",
            "math.isNaN(clamp(double('NaN'), 0.0, 1.0))",
            "safe_div(1.0, 4.0, 0.0) == 0.25 && safe_div(1.0, 0.0, -1.0) == -1.0",
            "safe_div(0.0, 0.0, 9.0) == 9.0 && safe_div(7, 2, 0) == 3 && safe_div(7, 0, 1) == 1",
            "safe_div(7u, 0u, 1u) == 1u && safe_div(7u, 2u, 1u) == 3u",
            "select(true, 1, 2) == 1 && select(1 > 2, 'a', 'b') == 'b'",
            "max(1, 2) == 2 && min(1.5, 0.5, 2.5) == 0.5 && max([1, 3, 2]) == 3",
        ];
        for text in holds {
            assert!(matches!(value(text), Ok(Value::Bool(true))), "{text}: {:?}", value(text));
        }
    }

    #[test]
    fn what_they_cannot_do_is_an_error() {
        assert!(value("clamp(1, 3, 0)").is_err());
        assert!(value("clamp(1.0, double('NaN'), 0.0)").is_err());
        assert!(value("safe_div(-9223372036854775807 - 1, -1, 0)").is_err());
        let refused =
            ["clamp(1, 2)", "safe_div(1.0, 2)", "select(1, 2, 3)", "select(true, 1, 'a')", "max('a')"];
        for text in refused {
            assert!(check(text, &Scope::default()).is_err(), "{text}");
        }
    }
}
