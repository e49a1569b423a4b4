//! Fixed-point numbers over a whole exponent range.

use super::{Dyadic, Wide};

/// A two's complement number of `N` limbs whose lowest bit weighs `2^LOWEST`. It never overflows:
/// `N` leaves 64 bits of head-room above the largest term, and there are fewer than 2^63 terms.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fixed<const N: usize, const LOWEST: i32> {
    limbs: [u64; N],
}

impl<const N: usize, const LOWEST: i32> Fixed<N, LOWEST> {
    /// Zero.
    pub fn new() -> Self {
        Fixed { limbs: [0; N] }
    }

    /// Makes it zero.
    pub fn clear(&mut self) {
        self.limbs = [0; N];
    }

    /// Whether it is zero.
    pub fn is_zero(&self) -> bool {
        self.limbs.iter().all(|&l| l == 0)
    }

    /// Adds `±mantissa · 2^exponent`; `exponent` is not below `LOWEST`.
    pub fn add(&mut self, negative: bool, mantissa: u128, exponent: i32) {
        let shift = (exponent - LOWEST) as u32;
        let (from, bits) = ((shift / 64) as usize, shift % 64);
        let low = mantissa << bits;
        let high = if bits == 0 { 0 } else { (mantissa >> (128 - bits)) as u64 };
        let words = [low as u64, (low >> 64) as u64, high];
        let mut carry = false;
        for (i, limb) in self.limbs[from..].iter_mut().enumerate() {
            if i >= 3 && !carry {
                break;
            }
            let word = if i < 3 { words[i] } else { 0 };
            let (sum, c1, c2);
            if negative {
                (sum, c1) = limb.overflowing_sub(word);
                (*limb, c2) = sum.overflowing_sub(u64::from(carry));
            } else {
                (sum, c1) = limb.overflowing_add(word);
                (*limb, c2) = sum.overflowing_add(u64::from(carry));
            }
            carry = c1 || c2;
        }
    }

    /// Adds another number.
    pub fn merge(&mut self, other: &Self) {
        let mut carry = false;
        for (a, &b) in self.limbs.iter_mut().zip(&other.limbs) {
            let (s, c1) = a.overflowing_add(b);
            let (s, c2) = s.overflowing_add(u64::from(carry));
            *a = s;
            carry = c1 || c2;
        }
    }

    /// Sign and magnitude.
    pub fn to_dyadic(&self) -> Dyadic {
        let (negative, magnitude) = magnitude(&self.limbs);
        Dyadic { negative, magnitude, exponent: LOWEST }
    }
}

impl<const N: usize, const LOWEST: i32> Default for Fixed<N, LOWEST> {
    fn default() -> Self {
        Self::new()
    }
}

/// Sign and magnitude of two's complement limbs.
pub(super) fn magnitude<const N: usize>(limbs: &[u64; N]) -> (bool, Wide) {
    let negative = limbs[N - 1] >> 63 == 1;
    if !negative {
        return (false, Wide::from_limbs(limbs));
    }
    let mut flipped = [0u64; N];
    let mut carry = true;
    for (out, &limb) in flipped.iter_mut().zip(limbs) {
        (*out, carry) = (!limb).overflowing_add(u64::from(carry));
    }
    (true, Wide::from_limbs(&flipped))
}
