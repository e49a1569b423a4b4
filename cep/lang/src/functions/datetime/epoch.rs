//! `extract(epoch FROM t)`: seconds since 1970-01-01 UTC as a DOUBLE.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, TimestampNanosecondType};
use arrow_array::{ArrayRef, Float64Array};
use arrow_schema::{DataType, TimeUnit};
use datafusion_common::ScalarValue;
use datafusion_expr::{ColumnarValue, ScalarFunctionArgs};

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
