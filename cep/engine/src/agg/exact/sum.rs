//! Exact sums of doubles.

use std::cmp::Ordering;

use super::{Dyadic, Fixed, Wide, parts, round_to_odd, two_sum};
use crate::agg::AggError;
use crate::agg::codec::{Reader, put_u64};

/// Holds every double and the sum of 2^63 of them: 2^1024 · 2^63 over 2^−1074, and a sign.
type SumFixed = Fixed<34, -1074>;

/// The exact sum of a multiset of doubles, with removal.
///
/// The finite total is `hi + lo + spill`, exactly. Nearly all adds touch `hi` and `lo` only: an
/// error-free addition to `hi` whose error `lo` takes exactly. What it cannot goes to a fixed-point
/// number over the whole exponent range. NaN and the infinities are counted apart, so that they
/// can be removed again.
#[derive(Debug, Clone, Default)]
pub struct ExactSum {
    hi: f64,
    lo: f64,
    spill: Option<Box<Spill>>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Spill {
    fixed: SumFixed,
    nan: u64,
    pos_inf: u64,
    neg_inf: u64,
}

impl ExactSum {
    /// Adds `x`.
    #[inline(always)]
    pub fn add(&mut self, x: f64) {
        if !self.add_fast(x) {
            self.add_slowly(x);
        }
    }

    /// Adds `x` if the two components can take it, else leaves things as they are and returns
    /// false; then [`ExactSum::add_slowly`] adds it.
    #[inline(always)]
    pub fn add_fast(&mut self, x: f64) -> bool {
        let (s, e) = two_sum(self.hi, x);
        let t = self.lo + e;
        // An exact `t` passes both; of an inexact one, the test against the smaller operand is
        // Dekker's error term, which is not zero. NaN, which any overflow or special value ends
        // in, passes none.
        let exact = t - self.lo == e && t - e == self.lo;
        if exact {
            self.hi = s;
            self.lo = t;
        }
        exact
    }

    /// Removes one `x` that was added before.
    #[inline(always)]
    pub fn remove(&mut self, x: f64) {
        if !self.add_fast(-x) {
            self.remove_slowly(x);
        }
    }

    /// Removes `x`, which may be anything; returns by how many bytes the heap grew.
    #[cold]
    #[inline(never)]
    pub fn remove_slowly(&mut self, x: f64) -> isize {
        let before = self.heap_bytes() as isize;
        if x.is_finite() {
            self.add_finite(-x);
        } else {
            self.count_special(x, u64::MAX);
        }
        self.heap_bytes() as isize - before
    }

    /// Adds `x`, which may be anything; returns by how many bytes the heap grew.
    #[cold]
    #[inline(never)]
    pub fn add_slowly(&mut self, x: f64) -> isize {
        let before = self.heap_bytes() as isize;
        if x.is_finite() {
            self.add_finite(x);
        } else {
            self.count_special(x, 1);
        }
        self.heap_bytes() as isize - before
    }

    /// Wrapping, so that removal may also come before the add it undoes.
    fn count_special(&mut self, x: f64, by: u64) {
        let counter = self.spill.get_or_insert_default().counter(x);
        *counter = counter.wrapping_add(by);
        self.drop_empty_spill();
    }

    fn add_finite(&mut self, x: f64) {
        // Bits of `lo` that belong to `hi` make room below.
        let (hi, lo) = two_sum(self.hi, self.lo);
        if lo.is_finite() {
            let (s, e) = two_sum(hi, x);
            let (t, r) = two_sum(lo, e);
            if r.is_finite() {
                self.hi = s;
                self.lo = t;
                if r != 0.0 {
                    self.spill_finite(r);
                    self.drop_empty_spill();
                }
                return;
            }
        }
        for part in [self.hi, self.lo, x] {
            self.spill_finite(part);
        }
        self.hi = 0.0;
        self.lo = 0.0;
    }

    /// Back to the two components alone once what needed more was removed.
    fn drop_empty_spill(&mut self) {
        if self.spill.as_ref().is_some_and(|s| **s == Spill::default()) {
            self.spill = None;
        }
    }

    fn spill_finite(&mut self, x: f64) {
        let (negative, mantissa, exponent) = parts(x);
        self.spill.get_or_insert_default().fixed.add(negative, u128::from(mantissa), exponent);
    }

    /// Adds all of `other`.
    pub fn merge(&mut self, other: &ExactSum) {
        self.add(other.hi);
        self.add(other.lo);
        if let Some(theirs) = &other.spill {
            let ours = self.spill.get_or_insert_default();
            ours.fixed.merge(&theirs.fixed);
            ours.nan = ours.nan.wrapping_add(theirs.nan);
            ours.pos_inf = ours.pos_inf.wrapping_add(theirs.pos_inf);
            ours.neg_inf = ours.neg_inf.wrapping_add(theirs.neg_inf);
        }
    }

    /// Removes all of `other`, which was added before.
    pub fn unmerge(&mut self, other: &ExactSum) {
        self.add(-other.hi);
        self.add(-other.lo);
        if let Some(theirs) = &other.spill {
            let total = theirs.fixed.to_dyadic();
            let ours = self.spill.get_or_insert_default();
            Dyadic { negative: !total.negative, ..total }.add_to(&mut ours.fixed);
            ours.nan = ours.nan.wrapping_sub(theirs.nan);
            ours.pos_inf = ours.pos_inf.wrapping_sub(theirs.pos_inf);
            ours.neg_inf = ours.neg_inf.wrapping_sub(theirs.neg_inf);
            self.drop_empty_spill();
        }
    }

    /// Makes it empty.
    #[inline]
    pub fn clear(&mut self) {
        *self = Self::default();
    }

    /// Whether a NaN or an infinity is in it.
    #[inline]
    pub fn has_special(&self) -> bool {
        self.special().is_some()
    }

    /// The value when NaN or infinities decide it.
    #[inline]
    fn special(&self) -> Option<f64> {
        let spill = self.spill.as_ref()?;
        if spill.nan != 0 || (spill.pos_inf != 0 && spill.neg_inf != 0) {
            Some(f64::NAN)
        } else if spill.pos_inf != 0 {
            Some(f64::INFINITY)
        } else if spill.neg_inf != 0 {
            Some(f64::NEG_INFINITY)
        } else {
            None
        }
    }

    /// The total rounded once: to nearest even, ±∞ only beyond the range of doubles, ∞ − ∞ is NaN,
    /// and the sum of nothing, or of negative zeros, is +0.
    #[inline]
    pub fn value(&self) -> f64 {
        match &self.spill {
            // `hi + lo` is the exact total here, so that one IEEE addition is its one rounding.
            None => self.hi + self.lo,
            Some(_) => self.special().unwrap_or_else(|| self.exact().to_f64()),
        }
    }

    /// The total rounded once to single precision.
    pub fn value_f32(&self) -> f32 {
        if let Some(special) = self.special() {
            return special as f32;
        }
        let nearest = self.value();
        if !nearest.is_finite() {
            return nearest as f32;
        }
        let mut rest = self.clone();
        rest.remove(nearest);
        round_to_odd(nearest, rest.sign()) as f32
    }

    /// Order of the finite total to zero.
    fn sign(&self) -> Ordering {
        let exact = self.exact();
        match (exact.magnitude.is_zero(), exact.negative) {
            (true, _) => Ordering::Equal,
            (false, true) => Ordering::Less,
            (false, false) => Ordering::Greater,
        }
    }

    /// The total ÷ `n`, rounded once.
    ///
    /// # Panics
    /// If `n` is zero.
    #[inline]
    pub fn divided_by(&self, n: u64) -> f64 {
        if self.spill.is_none()
            && let Some(quotient) = divide_fast(self.hi, self.lo, n)
        {
            return quotient;
        }
        self.divide_slowly(n)
    }

    #[cold]
    #[inline(never)]
    fn divide_slowly(&self, n: u64) -> f64 {
        assert!(n != 0, "average of no values");
        self.special().unwrap_or_else(|| self.exact().divided_by(u128::from(n)))
    }

    /// The finite part, exactly.
    pub fn exact(&self) -> Dyadic {
        if self.spill.is_none()
            && let Some(narrow) = exact_narrow(self.hi, self.lo)
        {
            return narrow;
        }
        let mut all = self.spill.as_ref().map(|s| s.fixed.clone()).unwrap_or_default();
        for part in [self.hi, self.lo] {
            let (negative, mantissa, exponent) = parts(part);
            all.add(negative, u128::from(mantissa), exponent);
        }
        all.to_dyadic()
    }

    /// Appends the canonical bytes, a function of the multiset's total and specials alone:
    /// `u8` 1 when there are specials, then their counts (NaN, +∞, −∞) as `u64`, else 0; then the
    /// finite total as [`Dyadic::encode`] writes it.
    pub fn encode(&self, out: &mut Vec<u8>) {
        match &self.spill {
            Some(s) if (s.nan | s.pos_inf | s.neg_inf) != 0 => {
                out.push(1);
                for count in [s.nan, s.pos_inf, s.neg_inf] {
                    put_u64(out, count);
                }
            }
            _ => out.push(0),
        }
        self.exact().encode(out);
    }

    /// Reads what [`ExactSum::encode`] wrote.
    ///
    /// # Errors
    /// If the bytes are not canonical.
    pub fn decode(input: &mut Reader) -> Result<Self, AggError> {
        let mut out = ExactSum::default();
        if input.flag()? {
            let (nan, pos_inf, neg_inf) = (input.u64()?, input.u64()?, input.u64()?);
            if nan | pos_inf | neg_inf == 0 {
                return Err(AggError::Corrupt { what: "an exact sum" });
            }
            out.spill = Some(Box::new(Spill { nan, pos_inf, neg_inf, ..Spill::default() }));
        }
        let total = Dyadic::decode::<34, -1074>(input)?;
        out.set_finite(&total);
        Ok(out)
    }

    /// Splits a total into the two components, and a spill only if they cannot hold it.
    fn set_finite(&mut self, total: &Dyadic) {
        let mut rest = SumFixed::new();
        total.add_to(&mut rest);
        for part in [&mut self.hi, &mut self.lo] {
            let nearest = rest.to_dyadic().to_f64();
            if nearest.is_finite() {
                *part = nearest;
                let (negative, mantissa, exponent) = parts(nearest);
                rest.add(!negative, u128::from(mantissa), exponent);
            }
        }
        if !rest.is_zero() {
            self.spill.get_or_insert_default().fixed.merge(&rest);
        }
    }

    /// Bytes on the heap.
    #[inline]
    pub fn heap_bytes(&self) -> usize {
        if self.spill.is_some() { size_of::<Spill>() } else { 0 }
    }
}

impl Spill {
    fn counter(&mut self, special: f64) -> &mut u64 {
        if special.is_nan() {
            &mut self.nan
        } else if special > 0.0 {
            &mut self.pos_inf
        } else {
            &mut self.neg_inf
        }
    }
}

/// `hi + lo` as one integer of at most 127 bits, if their exponents are near.
fn exact_narrow(hi: f64, lo: f64) -> Option<Dyadic> {
    let (n1, m1, e1) = parts(hi);
    let (n2, m2, e2) = parts(lo);
    let exponent = match (m1, m2) {
        (0, 0) => return Some(Dyadic::zero()),
        (_, 0) => e1,
        (0, _) => e2,
        _ => e1.min(e2),
    };
    let scaled = |negative: bool, m: u64, e: i32| -> Option<i128> {
        let shift = if m == 0 { 0 } else { e - exponent };
        let value = if shift <= 72 { i128::from(m) << shift } else { return None };
        Some(if negative { -value } else { value })
    };
    let total = scaled(n1, m1, e1)? + scaled(n2, m2, e2)?;
    let magnitude = Wide::from_u128(total.unsigned_abs());
    Some(Dyadic { negative: total < 0, magnitude, exponent })
}

/// 2^−49.
const QUOTIENT_MARGIN: f64 = 1.0 / (1u64 << 49) as f64;

/// `(hi + lo) ÷ n` correctly rounded, or `None` when that cannot be told from a double-double
/// quotient: out of the safe exponent range, or too near to the middle of two doubles.
///
/// With q1 = RN(hi ÷ n) and an exact remainder, q1 + q2 differs from the quotient by less than
/// 2^−50·|q2| (q2 is one rounded sum and one rounded division away); if the ends of twice that
/// interval round to one double, the quotient does.
#[inline]
fn divide_fast(hi: f64, lo: f64, n: u64) -> Option<f64> {
    let (hi, lo) = two_sum(hi, lo);
    if n == 0 || n > 1 << 53 {
        return None;
    }
    let size = hi.abs();
    if !(1e-200..1e200).contains(&size) {
        return if hi == 0.0 && lo == 0.0 { Some(0.0) } else { None };
    }
    let divisor = n as f64;
    if n & (n - 1) == 0 {
        // A change of exponent, so that the rounded total stays rounded.
        return Some(hi / divisor);
    }
    let q1 = hi / divisor;
    let (p, e) = two_product(q1, divisor);
    let (rest, lost) = two_sum((hi - p) - e, lo);
    let q2 = rest / divisor;
    // The second term covers a `q2` lost to underflow.
    let margin = q2.abs() * QUOTIENT_MARGIN + size * 1e-100;
    let (low, high) = (q1 + (q2 - margin), q1 + (q2 + margin));
    if low == high {
        return Some(low);
    }
    // Half-way, as often with few values: right if q1 + q2 is the quotient without any error.
    let (p, e) = two_product(q2, divisor);
    (lost == 0.0 && p == rest && e == 0.0 && rest.abs() > 1e-200).then_some(q1 + q2)
}

/// Error-free product (Dekker, with Veltkamp's split): `a · b == p + e` exactly for operands and
/// results well inside the exponent range.
#[inline(always)]
fn two_product(a: f64, b: f64) -> (f64, f64) {
    let p = a * b;
    let (ah, al) = split(a);
    let (bh, bl) = split(b);
    (p, ((ah * bh - p) + ah * bl + al * bh) + al * bl)
}

#[inline(always)]
fn split(a: f64) -> (f64, f64) {
    let c = a * 134_217_729.0; // 2^27 + 1
    let high = c - (c - a);
    (high, a - high)
}
