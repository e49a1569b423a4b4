//! Exact sums of products of two doubles.

use super::fixed::magnitude;
use super::{Dyadic, Fixed, parts};
use crate::agg::AggError;
use crate::agg::codec::Reader;

/// Holds every product of two doubles and the sum of 2^63 of them.
type ProductFixed = Fixed<67, -2148>;

/// Limbs of the window, and the largest shift of a product of 2 × 53 bits in it that leaves 64
/// bits of head-room: (320 − 1) − 64 − 106.
const WINDOW_LIMBS: usize = 5;
const SHIFT_MAX: i32 = 149;

/// Where the first product is put in the window, so that factors 2^±37 of it fit too.
const FIRST_SHIFT: i32 = 74;

/// Where the lowest bit of a decoded sum is put: three limbs from there stay below the head-room.
const RESTORED_SHIFT: i32 = 40;

/// The exact sum Σ x·y of finite doubles, with removal.
///
/// A product is an integer of 106 bits times a power of two. Products near the first one in size
/// are added into a fixed-point window of 320 bits anchored at it; others go to a fixed-point
/// number over the whole exponent range. The number is the sum of the two; neither the anchor nor
/// the split can be seen from outside.
#[derive(Debug, Clone, Default)]
pub struct ExactProducts {
    window: [u64; WINDOW_LIMBS],
    /// Weight of the window's lowest bit; meaningful once `anchored`.
    lowest: i32,
    anchored: bool,
    spill: Option<Box<ProductFixed>>,
}

impl ExactProducts {
    /// Adds `x · y`, both finite.
    #[inline]
    pub fn add(&mut self, x: f64, y: f64) {
        self.add_signed(x, y, false);
    }

    /// Removes one `x · y` that was added before.
    #[inline]
    pub fn remove(&mut self, x: f64, y: f64) {
        self.add_signed(x, y, true);
    }

    #[inline]
    fn add_signed(&mut self, x: f64, y: f64, removed: bool) {
        let (nx, mx, ex) = parts(x);
        let (ny, my, ey) = parts(y);
        self.add_integer((nx != ny) != removed, u128::from(mx) * u128::from(my), ex + ey);
    }

    /// Adds `±mantissa · 2^exponent`; a mantissa has at most 106 bits.
    #[inline]
    fn add_integer(&mut self, negative: bool, mantissa: u128, exponent: i32) {
        if mantissa == 0 {
            return;
        }
        if !self.anchored {
            self.lowest = exponent - FIRST_SHIFT;
            self.anchored = true;
        }
        let shift = exponent - self.lowest;
        if (0..=SHIFT_MAX).contains(&shift) {
            self.add_window(negative, mantissa, shift as u32);
        } else {
            self.spill.get_or_insert_default().add(negative, mantissa, exponent);
        }
    }

    #[inline]
    fn add_window(&mut self, negative: bool, mantissa: u128, shift: u32) {
        let (from, bits) = ((shift / 64) as usize, shift % 64);
        let low = mantissa << bits;
        let high = if bits == 0 { 0 } else { (mantissa >> (128 - bits)) as u64 };
        let mut words = [0u64; WINDOW_LIMBS];
        words[from] = low as u64;
        words[from + 1] = (low >> 64) as u64;
        words[from + 2] = high;
        let mut carry = false;
        for (limb, word) in self.window.iter_mut().zip(words) {
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

    /// Adds all of `other`.
    pub fn merge(&mut self, other: &ExactProducts) {
        if let Some(theirs) = &other.spill {
            self.spill.get_or_insert_default().merge(theirs);
        }
        if !other.anchored {
            return;
        }
        if !self.anchored {
            self.window = other.window;
            self.lowest = other.lowest;
            self.anchored = true;
            return;
        }
        let (negative, magnitude) = magnitude(&other.window);
        let total = Dyadic { negative, magnitude, exponent: other.lowest }.odd();
        for (i, &limb) in total.magnitude.limbs().iter().enumerate() {
            self.add_integer(negative, u128::from(limb), total.exponent + 64 * i as i32);
        }
    }

    /// Removes all of `other`, which was added before.
    pub fn unmerge(&mut self, other: &ExactProducts) {
        let total = other.exact();
        if total.magnitude.is_zero() {
            return;
        }
        let total = total.odd();
        for (i, &limb) in total.magnitude.limbs().iter().enumerate() {
            self.add_integer(!total.negative, u128::from(limb), total.exponent + 64 * i as i32);
        }
    }

    /// Makes it empty.
    pub fn clear(&mut self) {
        *self = Self::default();
    }

    /// The number.
    pub fn exact(&self) -> Dyadic {
        let (negative, magnitude) = magnitude(&self.window);
        let window = Dyadic { negative, magnitude, exponent: self.lowest };
        match &self.spill {
            None => window,
            Some(spill) => {
                let mut all = (**spill).clone();
                window.odd().add_to(&mut all);
                all.to_dyadic()
            }
        }
    }

    /// Appends the canonical bytes as [`Dyadic::encode`] writes them.
    pub fn encode(&self, out: &mut Vec<u8>) {
        self.exact().encode(out);
    }

    /// Reads what [`ExactProducts::encode`] wrote.
    ///
    /// # Errors
    /// If the bytes are not canonical.
    pub fn decode(input: &mut Reader) -> Result<Self, AggError> {
        let total = Dyadic::decode::<67, -2148>(input)?;
        let mut out = ExactProducts::default();
        if total.magnitude.is_zero() {
            return Ok(out);
        }
        out.lowest = total.exponent - RESTORED_SHIFT;
        out.anchored = true;
        if total.magnitude.bit_len() <= 192 {
            for (i, &limb) in total.magnitude.limbs().iter().enumerate() {
                out.add_window(total.negative, u128::from(limb), (RESTORED_SHIFT + 64 * i as i32) as u32);
            }
        } else {
            let mut spill = Box::new(ProductFixed::new());
            total.add_to(&mut spill);
            out.spill = Some(spill);
        }
        Ok(out)
    }

    /// Bytes on the heap.
    #[inline]
    pub fn heap_bytes(&self) -> usize {
        if self.spill.is_some() { size_of::<ProductFixed>() } else { 0 }
    }
}
