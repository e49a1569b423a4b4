//! What each function of the signatures does.

use std::cmp::Ordering;

use super::value::{Fault, Outcome, Value, no_overload};
use super::{arith, choice, convert, format, math, text, time};

/// A function over its arguments, the target first.
pub(super) type Function = fn(&[Value]) -> Outcome;

/// The function of a name in the table of signatures.
pub(super) fn function(name: &str) -> Option<Function> {
    Some(match name {
        "_+_" => arith::add,
        "_-_" => arith::subtract,
        "_*_" => arith::multiply,
        "_/_" => arith::divide,
        "_%_" => arith::modulo,
        "-_" => arith::negate,
        "!_" => arith::not,
        "_==_" => |args| Ok(Value::Bool(pair("_==_", args).map(|(a, b)| a.equals(b))?)),
        "_!=_" => |args| Ok(Value::Bool(pair("_!=_", args).map(|(a, b)| !a.equals(b))?)),
        "_<_" => |args| compare("_<_", args, Ordering::is_lt),
        "_<=_" => |args| compare("_<=_", args, Ordering::is_le),
        "_>_" => |args| compare("_>_", args, Ordering::is_gt),
        "_>=_" => |args| compare("_>=_", args, Ordering::is_ge),
        "@in" => within,
        "_[_]" => index,
        "_[?_]" => optional_index,
        "size" => size,
        "contains" => text::contains,
        "startsWith" => text::starts_with,
        "endsWith" => text::ends_with,
        "matches" => text::matches,
        "int" => convert::int,
        "uint" => convert::uint,
        "double" => convert::double,
        "bool" => convert::bool,
        "string" => convert::string,
        "bytes" => convert::bytes,
        "timestamp" => time::timestamp,
        "duration" => time::duration,
        "type" => convert::type_of,
        "dyn" => convert::dyn_of,
        "getFullYear" => |args| time::date_part("getFullYear", args),
        "getMonth" => |args| time::date_part("getMonth", args),
        "getDayOfYear" => |args| time::date_part("getDayOfYear", args),
        "getDayOfMonth" => |args| time::date_part("getDayOfMonth", args),
        "getDate" => |args| time::date_part("getDate", args),
        "getDayOfWeek" => |args| time::date_part("getDayOfWeek", args),
        "getHours" => |args| time::clock_part("getHours", args),
        "getMinutes" => |args| time::clock_part("getMinutes", args),
        "getSeconds" => |args| time::clock_part("getSeconds", args),
        "getMilliseconds" => |args| time::clock_part("getMilliseconds", args),
        "charAt" => text::char_at,
        "indexOf" => text::index_of,
        "lastIndexOf" => text::last_index_of,
        "join" => text::join,
        "lowerAscii" => text::lower_ascii,
        "upperAscii" => text::upper_ascii,
        "replace" => text::replace,
        "split" => text::split,
        "substring" => text::substring,
        "trim" => text::trim,
        "reverse" => text::reverse,
        "format" => format::format,
        "strings.quote" => text::quote,
        "base64.encode" => convert::base64_encode,
        "base64.decode" => convert::base64_decode,
        "math.ceil" => math::ceil,
        "math.floor" => math::floor,
        "math.round" => math::round,
        "math.trunc" => math::trunc,
        "math.abs" => math::abs,
        "math.sign" => math::sign,
        "math.sqrt" => math::sqrt,
        "math.isNaN" => math::is_nan,
        "math.isInf" => math::is_inf,
        "math.isFinite" => math::is_finite,
        "math.bitAnd" => math::bit_and,
        "math.bitOr" => math::bit_or,
        "math.bitXor" => math::bit_xor,
        "math.bitNot" => math::bit_not,
        "math.bitShiftLeft" => math::shift_left,
        "math.bitShiftRight" => math::shift_right,
        "clamp" => choice::clamp,
        "safe_div" => choice::safe_div,
        "select" => choice::select,
        "optional.of" => |args| Ok(Value::Optional(Some(one("optional.of", args)?.clone().into()))),
        "optional.ofNonZeroValue" => |args| {
            let value = one("optional.ofNonZeroValue", args)?;
            Ok(Value::Optional((!value.is_zero()).then(|| value.clone().into())))
        },
        "optional.none" => |_| Ok(Value::Optional(None)),
        "hasValue" => |args| match one("hasValue", args)? {
            Value::Optional(value) => Ok(Value::Bool(value.is_some())),
            other => Err(no_overload("hasValue", &[other])),
        },
        "value" => |args| match one("value", args)? {
            Value::Optional(Some(value)) => Ok((**value).clone()),
            Value::Optional(None) => Err(Fault::new("optional.none() dereference")),
            other => Err(no_overload("value", &[other])),
        },
        _ => return None,
    })
}

fn one<'a>(name: &str, args: &'a [Value]) -> Outcome<&'a Value> {
    match args {
        [value] => Ok(value),
        other => Err(no_overload(name, &other.iter().collect::<Vec<_>>())),
    }
}

fn pair<'a>(name: &str, args: &'a [Value]) -> Outcome<(&'a Value, &'a Value)> {
    match args {
        [a, b] => Ok((a, b)),
        other => Err(no_overload(name, &other.iter().collect::<Vec<_>>())),
    }
}

fn compare(name: &str, args: &[Value], holds: fn(Ordering) -> bool) -> Outcome {
    let (a, b) = pair(name, args)?;
    Ok(Value::Bool(a.compare(b)?.is_some_and(holds)))
}

/// `x in list` and `key in map`.
fn within(args: &[Value]) -> Outcome {
    match args {
        [value, Value::List(list)] => Ok(Value::Bool(list.iter().any(|other| other.equals(value)))),
        [key, Value::Map(map)] => Ok(Value::Bool(map.get(key).is_some())),
        other => Err(no_overload("@in", &other.iter().collect::<Vec<_>>())),
    }
}

fn size(args: &[Value]) -> Outcome {
    let count = match args {
        [Value::String(text)] => text.chars().count(),
        [Value::Bytes(bytes)] => bytes.len(),
        [Value::List(list)] => list.len(),
        [Value::Map(map)] => map.entries().len(),
        other => return Err(no_overload("size", &other.iter().collect::<Vec<_>>())),
    };
    Ok(Value::Int(count as i64))
}

/// An index of a list: a number without a fraction.
fn place(at: &Value) -> Option<Option<usize>> {
    match at {
        Value::Int(at) => Some(usize::try_from(*at).ok()),
        Value::Uint(at) => Some(usize::try_from(*at).ok()),
        Value::Double(at) if at.fract() == 0.0 => Some((*at >= 0.0 && *at < 9e15).then_some(*at as usize)),
        _ => None,
    }
}

/// What stands at an index or key; `None`: nothing.
fn find<'a>(container: &'a Value, at: &Value) -> Outcome<Option<&'a Value>> {
    match container {
        Value::List(list) => {
            let index = place(at).ok_or_else(|| no_overload("_[_]", &[container, at]))?;
            Ok(index.and_then(|index| list.get(index)))
        }
        Value::Map(map) => Ok(map.get(at)),
        _ => Err(no_overload("_[_]", &[container, at])),
    }
}

/// `container[at]`.
fn index(args: &[Value]) -> Outcome {
    let (container, at) = pair("_[_]", args)?;
    if let Value::Optional(_) = container {
        return optional_index(args);
    }
    let found = find(container, at)?;
    found.cloned().ok_or_else(|| match container {
        Value::List(_) => {
            Fault::new(format!("invalid_argument: index out of bounds: {}", convert::plain(at)))
        }
        _ => Fault::new(format!("no such key: {}", convert::plain(at))),
    })
}

/// `container[?at]`.
fn optional_index(args: &[Value]) -> Outcome {
    let (container, at) = pair("_[?_]", args)?;
    let inner = match container {
        Value::Optional(None) => return Ok(Value::Optional(None)),
        Value::Optional(Some(inner)) => inner,
        plain => plain,
    };
    Ok(Value::Optional(find(inner, at)?.map(|value| value.clone().into())))
}
