//! Seconds since 1970-01-01 UTC: `extract(epoch FROM t)` as a DOUBLE, `to_unixtime` as a BIGINT.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int64Type, TimestampNanosecondType};
use arrow_array::{ArrayRef, Float64Array, Int64Array};
use arrow_schema::{DataType, Field, TimeUnit};
use datafusion_common::{Result, ScalarValue};
use datafusion_expr::{ColumnarValue, ScalarFunctionArgs};
use datafusion_functions::datetime::to_timestamp;

/// The result of `date_part('epoch', timestamp)`, rounded once; `None` for other calls.
///
/// The library divides nanoseconds that were rounded to a DOUBLE before, which is off by one in the
/// last place even for times that a DOUBLE can hold.
pub(crate) fn epoch_part(name: &str, args: &ScalarFunctionArgs) -> Option<ColumnarValue> {
    let [ColumnarValue::Scalar(part), time] = args.args.as_slice() else { return None };
    let part = part.try_as_str().flatten()?;
    let is_time = matches!(time.data_type(), DataType::Timestamp(TimeUnit::Nanosecond, _));
    if name != "date_part" || !part.eq_ignore_ascii_case("epoch") || !is_time {
        return None;
    }
    match time {
        ColumnarValue::Scalar(ScalarValue::TimestampNanosecond(ns, _)) => {
            Some(ColumnarValue::Scalar(ScalarValue::Float64(ns.map(seconds))))
        }
        ColumnarValue::Scalar(_) => None,
        ColumnarValue::Array(array) => {
            let times = array.as_primitive::<TimestampNanosecondType>();
            let made: Float64Array = times.unary::<_, Float64Type>(seconds);
            Some(ColumnarValue::Array(Arc::new(made) as ArrayRef))
        }
    }
}

/// The result of `to_unixtime` of a time or a text that reads as one, rounded down as by `epoch_s`;
/// `None` for other calls. The library rounds toward 1970.
///
/// # Errors
/// A text that is no time.
pub(crate) fn unix_seconds(name: &str, args: &ScalarFunctionArgs) -> Result<Option<ColumnarValue>> {
    let nanoseconds = DataType::Timestamp(TimeUnit::Nanosecond, None);
    let times = match args.args.first().map(|time| (time, time.data_type())) {
        Some((time, DataType::Timestamp(_, zone))) if name == "to_unixtime" && args.args.len() == 1 => {
            time.cast_to(&DataType::Timestamp(TimeUnit::Nanosecond, zone), None)?
        }
        Some((_, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View)) if name == "to_unixtime" => {
            let call = ScalarFunctionArgs {
                return_field: Arc::new(Field::new(name, nanoseconds.clone(), true)),
                ..args.clone()
            };
            to_timestamp(&args.config_options).invoke_with_args(call)?.cast_to(&nanoseconds, None)?
        }
        _ => return Ok(None),
    };
    let down = |ns: i64| ns.div_euclid(1_000_000_000);
    Ok(match times {
        ColumnarValue::Scalar(ScalarValue::TimestampNanosecond(ns, _)) => {
            Some(ColumnarValue::Scalar(ScalarValue::Int64(ns.map(down))))
        }
        ColumnarValue::Scalar(_) => None,
        ColumnarValue::Array(array) => {
            let seconds: Int64Array =
                array.as_primitive::<TimestampNanosecondType>().unary::<_, Int64Type>(down);
            Some(ColumnarValue::Array(Arc::new(seconds)))
        }
    })
}

/// `ns / 10^9`, rounded to nearest, ties to even.
fn seconds(ns: i64) -> f64 {
    if ns == 0 {
        return 0.0;
    }
    // A quotient of 97 bits and more, whose last bit stands for all that follow: the only rounding is
    // that of the conversion.
    let scale = u128::from(ns.unsigned_abs()).leading_zeros();
    let scaled = u128::from(ns.unsigned_abs()) << scale;
    let quotient = (scaled / 1_000_000_000) | u128::from(scaled % 1_000_000_000 != 0);
    let seconds = quotient as f64 * 2f64.powi(-(scale as i32));
    if ns < 0 { -seconds } else { seconds }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::seconds;

    proptest! {
        /// The standard library reads decimals with one rounding.
        #[test]
        fn seconds_are_those_of_the_decimal(ns in prop_oneof![any::<i64>(), -5_000_000_000i64..5_000_000_000]) {
            let sign = if ns < 0 { "-" } else { "" };
            let (whole, rest) = (ns.unsigned_abs() / 1_000_000_000, ns.unsigned_abs() % 1_000_000_000);
            let expected: f64 = format!("{sign}{whole}.{rest:09}").parse().unwrap();
            prop_assert_eq!(seconds(ns), expected);
        }
    }
}
