//! One NaN.
//!
//! IEEE 754 leaves sign and payload of a NaN result to the hardware: x86 makes a negative one, ARM
//! a positive one. A state hash sees the difference, so results pass through here (R-DET-4).

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Float32Type, Float64Type};
use arrow_array::{Array, ArrayRef};
use arrow_schema::DataType;

const NAN: f64 = f64::from_bits(0x7ff8_0000_0000_0000);
const NAN_F32: f32 = f32::from_bits(0x7fc0_0000);

/// `value`, or the one NaN (`0x7ff8_0000_0000_0000`) when it is any NaN. −0 stays −0.
pub fn canonical_nan(value: f64) -> f64 {
    if value.is_nan() { NAN } else { value }
}

/// `value`, or the one NaN (`0x7fc0_0000`) when it is any NaN. −0 stays −0.
pub fn canonical_nan_f32(value: f32) -> f32 {
    if value.is_nan() { NAN_F32 } else { value }
}

/// `array` with every NaN canonical; columns that are not FLOAT or DOUBLE come back as they are.
///
/// Copies only when a NaN is there.
pub fn canonicalize_floats(array: ArrayRef) -> ArrayRef {
    match array.data_type() {
        DataType::Float64 => {
            let floats = array.as_primitive::<Float64Type>();
            if floats.values().iter().any(|value| value.is_nan()) {
                return Arc::new(floats.unary::<_, Float64Type>(canonical_nan));
            }
            array
        }
        DataType::Float32 => {
            let floats = array.as_primitive::<Float32Type>();
            if floats.values().iter().any(|value| value.is_nan()) {
                return Arc::new(floats.unary::<_, Float32Type>(canonical_nan_f32));
            }
            array
        }
        _ => array,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow_array::Float64Array;

    #[test]
    fn every_nan_becomes_the_same_bits_and_nothing_else_changes() {
        for bits in [0x7ff8_0000_0000_0000_u64, 0xfff8_0000_0000_0000, 0x7ff0_0000_0000_0001] {
            let canonical = canonical_nan(f64::from_bits(bits)).to_bits();
            assert_eq!(canonical, 0x7ff8_0000_0000_0000);
        }
        for value in [0.0, -0.0, 1.5, f64::INFINITY, f64::NEG_INFINITY] {
            assert_eq!(canonical_nan(value).to_bits(), value.to_bits());
        }
        assert_eq!(canonical_nan_f32(f32::from_bits(0xffc0_0001)).to_bits(), 0x7fc0_0000);
    }

    #[test]
    fn a_column_keeps_nulls_and_loses_odd_nans() {
        let odd = f64::from_bits(0xfff8_0000_0000_0007);
        let column: ArrayRef = Arc::new(Float64Array::from(vec![Some(1.0), None, Some(odd)]));
        let clean = canonicalize_floats(column);
        let clean = clean.as_primitive::<Float64Type>();
        assert!(clean.is_null(1));
        assert_eq!(clean.value(2).to_bits(), NAN.to_bits());
        assert_eq!(clean.value(0), 1.0);
    }
}
