//! The canonical form of an exact number.

use super::{Fixed, Wide, round, round_ratio};
use crate::agg::AggError;
use crate::agg::codec::{Reader, put_u16, put_u32};

/// A signed number `±magnitude · 2^exponent`.
#[derive(Clone)]
pub struct Dyadic {
    /// Below zero.
    pub negative: bool,
    /// The integer.
    pub magnitude: Wide,
    /// Weight of its lowest bit.
    pub exponent: i32,
}

impl Dyadic {
    /// Zero.
    pub fn zero() -> Self {
        Dyadic { negative: false, magnitude: Wide::zero(), exponent: 0 }
    }

    /// The nearest double.
    pub fn to_f64(&self) -> f64 {
        round(self.negative, &self.magnitude, self.exponent, false)
    }

    /// The double nearest to this ÷ `denominator`, which is not zero.
    pub fn divided_by(&self, denominator: u128) -> f64 {
        round_ratio(self.negative, &self.magnitude, self.exponent, &Wide::from_u128(denominator))
    }

    /// The product.
    pub fn mul(&self, other: &Dyadic) -> Dyadic {
        Dyadic {
            negative: self.negative != other.negative,
            magnitude: self.magnitude.mul(&other.magnitude),
            exponent: self.exponent + other.exponent,
        }
    }

    /// The product with an integer.
    pub fn times(&self, factor: u128) -> Dyadic {
        Dyadic {
            negative: self.negative,
            magnitude: self.magnitude.mul(&Wide::from_u128(factor)),
            exponent: self.exponent,
        }
    }

    /// The difference.
    pub fn sub(&self, other: &Dyadic) -> Dyadic {
        if other.magnitude.is_zero() {
            return self.clone();
        }
        if self.magnitude.is_zero() {
            return Dyadic { negative: !other.negative, ..other.clone() };
        }
        let exponent = self.exponent.min(other.exponent);
        let a = self.magnitude.shl((self.exponent - exponent) as u32);
        let b = other.magnitude.shl((other.exponent - exponent) as u32);
        if self.negative != other.negative {
            return Dyadic { negative: self.negative, magnitude: a.add(&b), exponent };
        }
        let (less, magnitude) = a.abs_diff(&b);
        Dyadic { negative: self.negative != less, magnitude, exponent }
    }

    /// The same number with an odd magnitude, or zero.
    pub fn odd(&self) -> Dyadic {
        let zeros = self.magnitude.trailing_zeros();
        Dyadic {
            negative: self.negative,
            magnitude: self.magnitude.shr(zeros),
            exponent: self.exponent + zeros as i32,
        }
    }

    /// Appends the canonical bytes, a function of the number alone: sign `u8` (0 zero, and then
    /// nothing follows, 1 positive, 2 negative), exponent of the lowest set bit `i32`, number of
    /// magnitude bytes `u16`, magnitude shifted down to an odd number, little-endian, last byte
    /// not zero.
    pub fn encode(&self, out: &mut Vec<u8>) {
        if self.magnitude.is_zero() {
            out.push(0);
            return;
        }
        let odd = self.odd();
        out.push(if self.negative { 2 } else { 1 });
        put_u32(out, odd.exponent as u32);
        let bytes = odd.magnitude.bit_len().div_ceil(8) as usize;
        put_u16(out, bytes as u16);
        let start = out.len();
        for limb in odd.magnitude.limbs() {
            out.extend_from_slice(&limb.to_le_bytes());
        }
        out.truncate(start + bytes);
    }

    /// Reads what [`Dyadic::encode`] wrote, for a number that a `Fixed<N, LOWEST>` can hold.
    ///
    /// # Errors
    /// If the bytes are not canonical or the number is out of range.
    pub fn decode<const N: usize, const LOWEST: i32>(input: &mut Reader) -> Result<Dyadic, AggError> {
        const BAD: AggError = AggError::Corrupt { what: "an exact sum" };
        let negative = match input.u8()? {
            0 => return Ok(Dyadic::zero()),
            1 => false,
            2 => true,
            _ => return Err(BAD),
        };
        let exponent = input.u32()? as i32;
        let len = usize::from(input.u16()?);
        let bytes = input.take(len)?;
        let canonical = bytes.first().is_some_and(|b| b & 1 == 1) && bytes.last() != Some(&0);
        let top = i64::from(exponent) - i64::from(LOWEST) + 8 * len as i64;
        if !canonical || exponent < LOWEST || top >= 64 * N as i64 {
            return Err(BAD);
        }
        let mut limbs = [0u64; N];
        for (i, &byte) in bytes.iter().enumerate() {
            limbs[i / 8] |= u64::from(byte) << (8 * (i % 8));
        }
        Ok(Dyadic { negative, magnitude: Wide::from_limbs(&limbs), exponent })
    }

    /// Adds it to `into`, which must be able to hold it.
    pub fn add_to<const N: usize, const LOWEST: i32>(&self, into: &mut Fixed<N, LOWEST>) {
        for (i, &limb) in self.magnitude.limbs().iter().enumerate() {
            into.add(self.negative, u128::from(limb), self.exponent + 64 * i as i32);
        }
    }
}
