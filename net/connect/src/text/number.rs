//! Booleans, whole numbers, binary floating point.

use super::Misfit;

/// `true`, `t`, `yes`, `y`, `1` and their opposites, ignoring case.
pub(crate) fn boolean(text: &[u8]) -> Result<bool, Misfit> {
    let is = |words: &[&str]| words.iter().any(|word| text.eq_ignore_ascii_case(word.as_bytes()));
    if is(&["true", "t", "1", "yes", "y"]) {
        Ok(true)
    } else if is(&["false", "f", "0", "no", "n"]) {
        Ok(false)
    } else {
        Err(Misfit::Malformed)
    }
}

/// An optional sign and decimal digits.
#[inline]
pub(crate) fn integer(text: &[u8]) -> Result<i64, Misfit> {
    let (negative, digits) = match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        rest => (false, rest),
    };
    if digits.is_empty() {
        return Err(Misfit::Malformed);
    }
    if digits.len() > 18 {
        return long_integer(negative, digits);
    }
    // 18 digits always fit.
    let mut value: i64 = 0;
    for &byte in digits {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return Err(Misfit::Malformed);
        }
        value = value * 10 + i64::from(digit);
    }
    Ok(if negative { -value } else { value })
}

#[cold]
fn long_integer(negative: bool, digits: &[u8]) -> Result<i64, Misfit> {
    if !digits.iter().all(u8::is_ascii_digit) {
        return Err(Misfit::Malformed);
    }
    let mut value: i64 = 0;
    for &byte in digits {
        let digit = i64::from(byte - b'0');
        // Counting down reaches i64::MIN too.
        value = value.checked_mul(10).and_then(|value| value.checked_sub(digit)).ok_or(Misfit::OutOfRange)?;
    }
    if negative { Ok(value) } else { value.checked_neg().ok_or(Misfit::OutOfRange) }
}

/// The nearest double, ties to even. `NaN`, `inf` and `Infinity` (signed, any case) are values; a
/// finite text beyond the range is refused.
#[inline]
pub(crate) fn double(text: &[u8]) -> Result<f64, Misfit> {
    let value: f64 = fast_float2::parse(text).map_err(|_| Misfit::Malformed)?;
    if value.is_finite() {
        return Ok(value);
    }
    not_finite(text)?;
    // One bit pattern for every NaN (R-DET-4).
    Ok(if value.is_nan() { f64::NAN } else { value })
}

/// As [`double`], for single precision.
#[inline]
pub(crate) fn float(text: &[u8]) -> Result<f32, Misfit> {
    let value: f32 = fast_float2::parse(text).map_err(|_| Misfit::Malformed)?;
    if value.is_finite() {
        return Ok(value);
    }
    not_finite(text)?;
    Ok(if value.is_nan() { f32::NAN } else { value })
}

/// Tells a written infinity or NaN from an overflow.
#[cold]
fn not_finite(text: &[u8]) -> Result<(), Misfit> {
    if text.iter().any(u8::is_ascii_digit) { Err(Misfit::OutOfRange) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn integers_agree_with_the_standard_parser(text in "[+-]?[0-9]{0,22}|[ -~]{0,8}") {
            let ours = integer(text.as_bytes()).ok();
            prop_assert_eq!(ours, text.parse::<i64>().ok());
        }

        #[test]
        fn doubles_agree_with_the_standard_parser(value in any::<f64>()) {
            prop_assume!(value.is_finite());
            let text = format!("{value:e}");
            prop_assert_eq!(double(text.as_bytes()), Ok(value));
            let short = value as f32;
            if short.is_finite() {
                prop_assert_eq!(float(short.to_string().as_bytes()), Ok(short));
            }
        }
    }

    #[test]
    fn the_ends_of_the_range_fit_and_the_next_do_not() {
        assert_eq!(integer(b"-9223372036854775808"), Ok(i64::MIN));
        assert_eq!(integer(b"9223372036854775808"), Err(Misfit::OutOfRange));
        assert_eq!(double(b"1e999"), Err(Misfit::OutOfRange));
        assert_eq!(double(b"-Infinity"), Ok(f64::NEG_INFINITY));
        assert!(double(b"nan").unwrap().is_nan());
        assert_eq!(double(b"1x"), Err(Misfit::Malformed));
        assert_eq!(double(b""), Err(Misfit::Malformed));
    }
}
