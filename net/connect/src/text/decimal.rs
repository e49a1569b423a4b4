//! DECIMAL(p, s): exact decimal text to and from a scaled 128-bit integer.

use super::Misfit;

/// Reads digits with an optional sign, point and exponent. Digits beyond `scale` round half away
/// from zero, as SQL's CAST does; more than `precision` digits are out of range.
pub(crate) fn decimal(text: &[u8], precision: u8, scale: i8) -> Result<i128, Misfit> {
    let (negative, mut rest) = match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        rest => (false, rest),
    };
    let mut exponent: i64 = 0;
    if let Some(at) = rest.iter().position(|byte| matches!(byte, b'e' | b'E')) {
        exponent = super::integer(&rest[at + 1..])?;
        rest = &rest[..at];
    }
    let (whole, fraction) = match rest.iter().position(|&byte| byte == b'.') {
        Some(at) => (&rest[..at], &rest[at + 1..]),
        None => (rest, &rest[..0]),
    };
    let digits = || whole.iter().chain(fraction).copied();
    let count = whole.len() + fraction.len();
    if count == 0 || !digits().all(|byte| byte.is_ascii_digit()) {
        return Err(Misfit::Malformed);
    }
    // Digits kept: those at or above 10^-scale.
    let kept = (whole.len() as i64).saturating_add(exponent).saturating_add(i64::from(scale));
    let mut value: i128 = 0;
    for digit in digits().take(usize::try_from(kept.max(0)).unwrap_or(usize::MAX)) {
        value = value
            .checked_mul(10)
            .and_then(|value| value.checked_add(i128::from(digit - b'0')))
            .ok_or(Misfit::OutOfRange)?;
    }
    if kept >= 0 {
        if digits().nth(kept as usize).is_some_and(|d| d >= b'5') {
            value += 1;
        }
        let padding = kept.saturating_sub(count as i64);
        for _ in 0..padding.min(40) {
            value = value.checked_mul(10).ok_or(Misfit::OutOfRange)?;
        }
    }
    let limit = 10_i128.checked_pow(u32::from(precision));
    if limit.is_some_and(|limit| value >= limit) {
        return Err(Misfit::OutOfRange);
    }
    Ok(if negative { -value } else { value })
}

/// Writes `value × 10^-scale` with exactly `scale` digits behind the point.
pub(crate) fn write_decimal(value: i128, scale: i8, out: &mut Vec<u8>) {
    if value < 0 {
        out.push(b'-');
    }
    let mut buffer = itoa::Buffer::new();
    let digits = buffer.format(value.unsigned_abs()).as_bytes();
    if scale <= 0 {
        out.extend_from_slice(digits);
        if value != 0 {
            out.resize(out.len() + usize::from(scale.unsigned_abs()), b'0');
        }
        return;
    }
    let scale = usize::from(scale.unsigned_abs());
    if digits.len() <= scale {
        out.extend_from_slice(b"0.");
        out.resize(out.len() + scale - digits.len(), b'0');
        out.extend_from_slice(digits);
    } else {
        let point = digits.len() - scale;
        out.extend_from_slice(&digits[..point]);
        out.push(b'.');
        out.extend_from_slice(&digits[point..]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn written(value: i128, scale: i8) -> String {
        let mut out = Vec::new();
        write_decimal(value, scale, &mut out);
        String::from_utf8(out).unwrap()
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(value in -10_i128.pow(37)..10_i128.pow(37), scale in -5_i8..38) {
            let text = written(value, scale);
            prop_assert_eq!(decimal(text.as_bytes(), 38, scale), Ok(value));
        }

        #[test]
        fn any_text_is_a_decimal_or_an_error(text in "[-+0-9.eE]{0,12}|.{0,6}", scale in 0_i8..10) {
            if let Ok(value) = decimal(text.as_bytes(), 20, scale) {
                let plain = text.parse::<f64>().unwrap();
                let ours = written(value, scale).parse::<f64>().unwrap();
                prop_assert!((plain - ours).abs() <= 0.51 * 10_f64.powi(-i32::from(scale)) + plain.abs() * 1e-12);
            }
        }
    }

    #[test]
    fn rounding_is_half_away_from_zero_and_bounds_hold() {
        let read = |text: &str| decimal(text.as_bytes(), 5, 2);
        assert_eq!(read("1.005"), Ok(101));
        assert_eq!(read("-1.005"), Ok(-101));
        assert_eq!(read("1.0049"), Ok(100));
        assert_eq!(read("0.004"), Ok(0));
        assert_eq!(read("12e1"), Ok(12_000));
        assert_eq!(read("125e-1"), Ok(1_250));
        assert_eq!(read("5e-3"), Ok(1));
        assert_eq!(read("999.99"), Ok(99_999));
        assert_eq!(read("999.999"), Err(Misfit::OutOfRange));
        assert_eq!(read("1e9999999999"), Err(Misfit::OutOfRange));
        assert_eq!(read("0e99999"), Ok(0));
        for text in ["", ".", "-", "1.2.3", "1e", "x"] {
            assert_eq!(read(text), Err(Misfit::Malformed), "{text}");
        }
    }
}
