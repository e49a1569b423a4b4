//! Unsigned integers of some thousand bits, on the stack.

use std::cmp::Ordering;

/// Limbs of the widest number: the product of two `n·Σx² − (Σx)²` of the full exponent range
/// (2 × 70 limbs), scaled for a 66-bit quotient.
const LIMBS_MAX: usize = 144;

/// An unsigned integer; `limbs[..len]` little-endian, the highest one not zero.
#[derive(Clone)]
pub struct Wide {
    len: usize,
    limbs: [u64; LIMBS_MAX],
}

impl Wide {
    /// Zero.
    pub fn zero() -> Self {
        Wide { len: 0, limbs: [0; LIMBS_MAX] }
    }

    /// The number of little-endian limbs.
    ///
    /// # Panics
    /// If there are more than a number can have.
    pub fn from_limbs(limbs: &[u64]) -> Self {
        let mut out = Self::zero();
        out.limbs[..limbs.len()].copy_from_slice(limbs);
        out.len = limbs.len();
        out.trim();
        out
    }

    /// The number `value`.
    pub fn from_u128(value: u128) -> Self {
        Self::from_limbs(&[value as u64, (value >> 64) as u64])
    }

    /// Limbs, little-endian, the last one not zero.
    pub fn limbs(&self) -> &[u64] {
        &self.limbs[..self.len]
    }

    /// Whether it is zero.
    pub fn is_zero(&self) -> bool {
        self.len == 0
    }

    /// Position of the highest set bit plus one; 0 for zero.
    pub fn bit_len(&self) -> u32 {
        match self.limbs().last() {
            Some(top) => self.len as u32 * 64 - top.leading_zeros(),
            None => 0,
        }
    }

    /// Number of zero bits below the lowest set bit; 0 for zero.
    pub fn trailing_zeros(&self) -> u32 {
        match self.limbs().iter().position(|&l| l != 0) {
            Some(i) => i as u32 * 64 + self.limbs[i].trailing_zeros(),
            None => 0,
        }
    }

    /// Bit `index`.
    pub fn bit(&self, index: u32) -> bool {
        let limb = (index / 64) as usize;
        limb < self.len && self.limbs[limb] >> (index % 64) & 1 == 1
    }

    /// Whether any bit below `index` is set.
    pub fn any_below(&self, index: u32) -> bool {
        !self.is_zero() && self.trailing_zeros() < index
    }

    /// Bits `from..from + 128`.
    pub fn window(&self, from: u32) -> u128 {
        let limb = (from / 64) as usize;
        let at = |i: usize| if i < self.len { u128::from(self.limbs[i]) } else { 0 };
        let low = at(limb) | at(limb + 1) << 64;
        match from % 64 {
            0 => low,
            s => low >> s | at(limb + 2) << (128 - s),
        }
    }

    /// `self << bits`.
    ///
    /// # Panics
    /// If the result has too many limbs.
    pub fn shl(&self, bits: u32) -> Self {
        let mut out = Self::zero();
        if self.is_zero() {
            return out;
        }
        let (skip, shift) = ((bits / 64) as usize, bits % 64);
        for (i, &limb) in self.limbs().iter().enumerate() {
            out.limbs[i + skip] |= limb << shift;
            if shift > 0 && limb >> (64 - shift) != 0 {
                out.limbs[i + skip + 1] = limb >> (64 - shift);
            }
        }
        out.len = (self.len + skip + 1).min(LIMBS_MAX);
        out.trim();
        out
    }

    /// `self >> bits`, what falls off is lost.
    pub fn shr(&self, bits: u32) -> Self {
        let mut out = Self::zero();
        let (skip, shift) = ((bits / 64) as usize, bits % 64);
        if skip >= self.len {
            return out;
        }
        for i in skip..self.len {
            let high = if i + 1 < self.len && shift > 0 { self.limbs[i + 1] << (64 - shift) } else { 0 };
            out.limbs[i - skip] = self.limbs[i] >> shift | high;
        }
        out.len = self.len - skip;
        out.trim();
        out
    }

    /// `self · other`.
    ///
    /// # Panics
    /// If the result has too many limbs.
    pub fn mul(&self, other: &Wide) -> Self {
        let mut out = Self::zero();
        for (i, &a) in self.limbs().iter().enumerate() {
            let mut carry = 0u128;
            for (j, &b) in other.limbs().iter().enumerate() {
                let t = u128::from(a) * u128::from(b) + u128::from(out.limbs[i + j]) + carry;
                out.limbs[i + j] = t as u64;
                carry = t >> 64;
            }
            if carry > 0 {
                out.limbs[i + other.len] = carry as u64;
            }
        }
        out.len = (self.len + other.len).min(LIMBS_MAX);
        out.trim();
        out
    }

    /// `self + other`.
    ///
    /// # Panics
    /// If the result has too many limbs.
    pub fn add(&self, other: &Wide) -> Self {
        let mut out = Self::zero();
        let len = self.len.max(other.len);
        let mut carry = false;
        for i in 0..len {
            let (s, c1) = self.limbs[i].overflowing_add(other.limbs[i]);
            let (s, c2) = s.overflowing_add(u64::from(carry));
            out.limbs[i] = s;
            carry = c1 || c2;
        }
        out.len = len;
        if carry {
            out.limbs[len] = 1;
            out.len += 1;
        }
        out
    }

    /// `|self − other|` and whether `self < other`.
    pub fn abs_diff(&self, other: &Wide) -> (bool, Self) {
        let (negative, big, small) =
            if self.compare(other) == Ordering::Less { (true, other, self) } else { (false, self, other) };
        let mut out = big.clone();
        out.subtract(small);
        (negative, out)
    }

    /// `self −= other`; `other` must not be larger.
    pub fn subtract(&mut self, other: &Wide) {
        let mut borrow = false;
        for i in 0..self.len {
            let take = if i < other.len { other.limbs[i] } else { 0 };
            let (d, b1) = self.limbs[i].overflowing_sub(take);
            let (d, b2) = d.overflowing_sub(u64::from(borrow));
            self.limbs[i] = d;
            borrow = b1 || b2;
        }
        debug_assert!(!borrow, "subtract of a larger number");
        self.trim();
    }

    /// `self = 2·self + bit`.
    pub fn double_and_add(&mut self, bit: bool) {
        let mut carry = u64::from(bit);
        for limb in &mut self.limbs[..self.len] {
            let out = *limb >> 63;
            *limb = *limb << 1 | carry;
            carry = out;
        }
        if carry > 0 {
            self.limbs[self.len] = carry;
            self.len += 1;
        }
    }

    /// Order of the two numbers.
    pub fn compare(&self, other: &Wide) -> Ordering {
        self.len.cmp(&other.len).then_with(|| self.limbs().iter().rev().cmp(other.limbs().iter().rev()))
    }

    fn trim(&mut self) {
        while self.len > 0 && self.limbs[self.len - 1] == 0 {
            self.len -= 1;
        }
    }
}
