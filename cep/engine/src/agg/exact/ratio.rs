//! The one rounding: an exact number, or a ratio of two, to the nearest double.

use super::Wide;

/// Bits of quotient computed: 53, a rounding bit and a margin.
const QUOTIENT_BITS: i32 = 66;

/// `±magnitude · 2^exponent` to the nearest double, ties to even; `more` says that the exact
/// number is larger in magnitude by less than one unit of `magnitude`, which then must have at
/// least 55 bits.
pub fn round(negative: bool, magnitude: &Wide, exponent: i32, more: bool) -> f64 {
    if magnitude.is_zero() {
        return 0.0;
    }
    let top = exponent + magnitude.bit_len() as i32 - 1;
    let sign = if negative { 1 << 63 } else { 0 };
    if top > 1023 {
        return f64::from_bits(sign | 0x7ff << 52);
    }
    let lowest = (top - 52).max(-1074);
    let shift = lowest - exponent;
    let mut mantissa = if shift <= 0 {
        (magnitude.window(0) as u64) << -shift
    } else {
        magnitude.window(shift as u32) as u64
    };
    if shift > 0 && magnitude.bit(shift as u32 - 1) {
        let above_half = more || magnitude.any_below(shift as u32 - 1);
        if above_half || mantissa & 1 == 1 {
            mantissa += 1;
        }
    }
    // Carries run into the exponent field by themselves, up to infinity.
    let bits =
        if mantissa < 1 << 52 { mantissa } else { (((lowest + 1075) as u64) << 52) + (mantissa - (1 << 52)) };
    f64::from_bits(sign | bits)
}

/// `±numerator · 2^exponent ÷ denominator` to the nearest double, ties to even.
///
/// # Panics
/// If `denominator` is zero.
pub fn round_ratio(negative: bool, numerator: &Wide, exponent: i32, denominator: &Wide) -> f64 {
    assert!(!denominator.is_zero(), "division of an exact number by zero");
    if numerator.is_zero() {
        return 0.0;
    }
    let shift = denominator.bit_len() as i32 + QUOTIENT_BITS - numerator.bit_len() as i32;
    let (scaled, mut more) = if shift >= 0 {
        (numerator.shl(shift as u32), false)
    } else {
        (numerator.shr(-shift as u32), numerator.any_below(-shift as u32))
    };
    let (quotient, inexact) = if denominator.bit_len() < 128 {
        divide_narrow(&scaled, denominator.window(0))
    } else {
        divide(&scaled, denominator)
    };
    more |= inexact;
    round(negative, &Wide::from_u128(quotient), exponent - shift, more)
}

/// Quotient of at most 67 bits and whether there is a remainder; `denominator < 2^127`.
fn divide_narrow(numerator: &Wide, denominator: u128) -> (u128, bool) {
    let mut position = numerator.bit_len();
    let head = (128 - denominator.leading_zeros() - 1).min(position);
    position -= head;
    let mut rest = if head == 0 { 0 } else { numerator.window(position) & (u128::MAX >> (128 - head)) };
    let mut quotient = 0u128;
    while position > 0 {
        position -= 1;
        rest = rest << 1 | u128::from(numerator.bit(position));
        quotient <<= 1;
        if rest >= denominator {
            rest -= denominator;
            quotient |= 1;
        }
    }
    (quotient, rest != 0)
}

/// The same for any denominator.
fn divide(numerator: &Wide, denominator: &Wide) -> (u128, bool) {
    let mut position = numerator.bit_len().saturating_sub(denominator.bit_len() - 1);
    let mut rest = numerator.shr(position);
    let mut quotient = 0u128;
    while position > 0 {
        position -= 1;
        rest.double_and_add(numerator.bit(position));
        quotient <<= 1;
        if rest.compare(denominator).is_ge() {
            rest.subtract(denominator);
            quotient |= 1;
        }
    }
    (quotient, !rest.is_zero())
}

/// `nearest` moved so that a later rounding to fewer than 52 bits sees the exact number: where the
/// exact number is not `nearest` (`rest` is the sign of exact − nearest) and the last bit of
/// `nearest` is even, the neighbour towards it (Boldo & Melquiond, "Emulation of a FMA and
/// correctly rounded sums", 2008).
pub fn round_to_odd(nearest: f64, rest: std::cmp::Ordering) -> f64 {
    if rest.is_eq() || !nearest.is_finite() || nearest.to_bits() & 1 == 1 {
        return nearest;
    }
    if rest.is_gt() { nearest.next_up() } else { nearest.next_down() }
}
