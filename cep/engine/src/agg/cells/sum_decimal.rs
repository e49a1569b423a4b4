//! Exact sums of decimals.

use super::{AggError, Cell, Reader, RowsFor, StateSpec};
use crate::agg::codec::put_u64;
use crate::column::Values;

/// Σ of unscaled values in 192 bits, which 2^63 of them cannot overflow, and n.
#[derive(Debug, Clone, Default)]
pub(crate) struct DecimalCell {
    low: u128,
    high: i64,
    /// Number of values.
    pub n: u64,
}

impl DecimalCell {
    #[inline(always)]
    fn plus(&mut self, low: u128, high: i64) {
        let (sum, carry) = self.low.overflowing_add(low);
        self.low = sum;
        self.high = self.high.wrapping_add(high).wrapping_add(i64::from(carry));
    }

    fn minus(&mut self, low: u128, high: i64) {
        let (rest, borrow) = self.low.overflowing_sub(low);
        self.low = rest;
        self.high = self.high.wrapping_sub(high).wrapping_sub(i64::from(borrow));
    }

    fn each(rows: RowsFor, mut each: impl FnMut(usize, i128)) {
        match &rows.arg(0).values {
            Values::I128(v) => {
                let v: &[i128] = v;
                rows.each_valid::<1>(|group, row| each(group, v[row]));
            }
            other => panic!("decimal sum of a {} column", other.kind_name()),
        }
    }

    /// The unscaled sum if it has at most `precision` digits.
    pub fn sum(&self, precision: u8) -> Option<i128> {
        let sum = self.low as i128;
        let fits = self.high == (sum >> 127) as i64;
        (fits && sum.unsigned_abs() < 10u128.pow(u32::from(precision))).then_some(sum)
    }

    /// The unscaled mean with `more_digits` more digits after the point, rounded once, halves away
    /// from zero, if it has at most `precision` digits; n must not be zero.
    pub fn avg(&self, more_digits: u32, precision: u8) -> Option<i128> {
        let negative = self.high < 0;
        let mut size = DecimalCell::default();
        if negative {
            size.minus(self.low, self.high)
        } else {
            size.plus(self.low, self.high)
        }
        let mut limbs = [size.low as u64, (size.low >> 64) as u64, size.high as u64, 0, 0];
        for step in [more_digits.min(19), more_digits.saturating_sub(19)] {
            let mut carry = 0u128;
            for limb in &mut limbs {
                let t = u128::from(*limb) * u128::from(10u64.pow(step)) + carry;
                *limb = t as u64;
                carry = t >> 64;
            }
        }
        let mut rest = 0u128;
        for limb in limbs.iter_mut().rev() {
            let t = rest << 64 | u128::from(*limb);
            *limb = (t / u128::from(self.n)) as u64;
            rest = t % u128::from(self.n);
        }
        if limbs[2..] != [0, 0, 0] {
            return None;
        }
        let quotient = u128::from(limbs[0]) | u128::from(limbs[1]) << 64;
        let rounded = quotient.checked_add(u128::from(rest * 2 >= u128::from(self.n)))?;
        if rounded >= 10u128.pow(u32::from(precision)) {
            return None;
        }
        Some(if negative { -(rounded as i128) } else { rounded as i128 })
    }
}

impl Cell for DecimalCell {
    fn add(cells: &mut [Self], rows: RowsFor, _: &mut isize) {
        Self::each(rows, |group, x| {
            cells[group].plus(x as u128, (x >> 127) as i64);
            cells[group].n = cells[group].n.wrapping_add(1);
        });
    }

    fn remove(cells: &mut [Self], rows: RowsFor, _: &mut isize) {
        Self::each(rows, |group, x| {
            cells[group].minus(x as u128, (x >> 127) as i64);
            cells[group].n = cells[group].n.wrapping_sub(1);
        });
    }

    fn merge(&mut self, other: &Self, _: &StateSpec) {
        self.plus(other.low, other.high);
        self.n = self.n.wrapping_add(other.n);
    }

    /// Count `u64`, sum as 24 bytes of two's complement.
    fn encode(&self, _: &StateSpec, out: &mut Vec<u8>) {
        put_u64(out, self.n);
        out.extend(self.low.to_le_bytes());
        out.extend(self.high.to_le_bytes());
    }

    fn decode(_: &StateSpec, input: &mut Reader) -> Result<Self, AggError> {
        Ok(DecimalCell { n: input.u64()?, low: input.i128()? as u128, high: input.i64()? })
    }
}
