//! Exact arithmetic on doubles: sums and sums of products that lose nothing, and the one rounding
//! at the end.
//!
//! Invariants:
//! - Every accumulator is a real number: the order of adds, removals and merges cannot be seen in
//!   a value or in an encoding.
//! - A value is rounded once, to nearest even, from the exact number; it is ±∞ only where the
//!   exact number is out of range.
//! - A zero total is +0, also that of negative zeros: a real number has no sign of zero.
//! - No `mul_add`, no `libm`, no host floating-point mode: only IEEE add, subtract, multiply,
//!   divide and square root, the same bits on every host.

mod dyadic;
mod fixed;
mod products;
mod ratio;
mod sum;
mod wide;

pub use dyadic::Dyadic;
pub use fixed::Fixed;
pub use products::ExactProducts;
pub use ratio::{round, round_ratio, round_to_odd};
pub use sum::ExactSum;
pub use wide::Wide;

/// Sign, integer mantissa and exponent of a finite double: `x == ±mantissa · 2^exponent`.
pub(crate) fn parts(x: f64) -> (bool, u64, i32) {
    let bits = x.to_bits();
    let negative = bits >> 63 == 1;
    let biased = ((bits >> 52) & 0x7ff) as i32;
    let fraction = bits & ((1 << 52) - 1);
    debug_assert!(biased != 0x7ff, "parts of a number that is not finite");
    if biased == 0 { (negative, fraction, -1074) } else { (negative, fraction | 1 << 52, biased - 1075) }
}

/// Error-free sum (Knuth, TAOCP 2, 4.2.2 theorem B): `a + b == s + e` exactly, unless `s` or an
/// intermediate overflows, and then `e` is not finite.
#[inline(always)]
pub(crate) fn two_sum(a: f64, b: f64) -> (f64, f64) {
    let s = a + b;
    let bb = s - a;
    (s, (a - (s - bb)) + (b - bb))
}

#[cfg(test)]
pub(crate) mod tests;
