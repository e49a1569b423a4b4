//! Arithmetic on DECIMAL: exact, rounded half away from zero to the scale of the result, checked
//! against its precision.

use arrow_array::types::{Decimal128Type, DecimalType};
use arrow_buffer::i256;
use arrow_schema::DataType;

use super::error::{RowErrorKind, RowFailure};
use super::ops::ArithOp;

/// One operation for given scales.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct DecimalOp {
    pub(super) op: ArithOp,
    left: (u8, i32),
    right: (u8, i32),
    out: (u8, i32),
}

impl DecimalOp {
    /// The operation, if all three types are DECIMAL.
    pub(super) fn find(op: ArithOp, left: &DataType, right: &DataType, out: &DataType) -> Option<Self> {
        let decimal = |t: &DataType| match t {
            DataType::Decimal128(p, s) => Some((*p, i32::from(*s))),
            _ => None,
        };
        Some(DecimalOp { op, left: decimal(left)?, right: decimal(right)?, out: decimal(out)? })
    }

    /// Unscaled result of unscaled operands; `None` on overflow and on division by zero.
    pub(super) fn eval(&self, a: i128, b: i128) -> Option<i128> {
        let value = match self.narrow(a, b) {
            Some(value) => value,
            None => self.wide(a, b)?,
        };
        (value.unsigned_abs() < 10u128.pow(u32::from(self.out.0))).then_some(value)
    }

    /// The usual case, where everything fits 128 bits and nothing is rounded.
    fn narrow(&self, a: i128, b: i128) -> Option<i128> {
        match self.op {
            ArithOp::Add | ArithOp::Sub => {
                let a = a.checked_mul(power(self.out.1 - self.left.1)?)?;
                let b = b.checked_mul(power(self.out.1 - self.right.1)?)?;
                if self.op == ArithOp::Add { a.checked_add(b) } else { a.checked_sub(b) }
            }
            ArithOp::Mul => a.checked_mul(b)?.checked_mul(power(self.out.1 - self.left.1 - self.right.1)?),
            ArithOp::Div | ArithOp::Mod => None,
        }
    }

    fn wide(&self, a: i128, b: i128) -> Option<i128> {
        let (a, b) = (i256::from_i128(a), i256::from_i128(b));
        let (s1, s2, out) = (self.left.1, self.right.1, self.out.1);
        let common = s1.max(s2);
        let value = match self.op {
            ArithOp::Add | ArithOp::Sub => {
                let (a, b) = (scale_up(a, common - s1)?, scale_up(b, common - s2)?);
                let sum = if self.op == ArithOp::Add { a.checked_add(b)? } else { a.checked_sub(b)? };
                rescale(sum, out - common)?
            }
            ArithOp::Mul => rescale(a.checked_mul(b)?, out - s1 - s2)?,
            ArithOp::Div => {
                let shift = out + s2 - s1;
                if shift >= 0 { divide(scale_up(a, shift)?, b)? } else { divide(a, scale_up(b, -shift)?)? }
            }
            ArithOp::Mod => {
                let (a, b) = (scale_up(a, common - s1)?, scale_up(b, common - s2)?);
                rescale(a.checked_rem(b)?, out - common)?
            }
        };
        value.to_i128()
    }

    /// Why [`DecimalOp::eval`] gave nothing.
    pub(super) fn failure(&self, a: i128, b: i128) -> RowFailure {
        if b == 0 && matches!(self.op, ArithOp::Div | ArithOp::Mod) {
            return RowFailure::division_by_zero();
        }
        let text = format!(
            "DECIMAL({}, {}) overflow in {} {} {}",
            self.out.0,
            self.out.1,
            shown(a, self.left),
            self.op.symbol(),
            shown(b, self.right)
        );
        RowFailure::new(RowErrorKind::Overflow, text)
    }
}

/// Why a value has no negative.
pub(super) fn negate_failure() -> RowFailure {
    RowFailure::new(RowErrorKind::Overflow, "DECIMAL overflow in a negation")
}

fn shown(value: i128, (precision, scale): (u8, i32)) -> String {
    Decimal128Type::format_decimal(value, precision, scale as i8)
}

fn power(exponent: i32) -> Option<i128> {
    10i128.checked_pow(u32::try_from(exponent).ok()?)
}

fn scale_up(value: i256, exponent: i32) -> Option<i256> {
    let exponent = u32::try_from(exponent).ok()?;
    value.checked_mul(i256::from_i128(10).checked_pow(exponent)?)
}

/// Multiplies by 10^`exponent`, rounding where that is negative.
fn rescale(value: i256, exponent: i32) -> Option<i256> {
    if exponent >= 0 {
        scale_up(value, exponent)
    } else {
        divide(value, i256::from_i128(10).checked_pow(exponent.unsigned_abs())?)
    }
}

/// The quotient, rounded half away from zero.
fn divide(a: i256, b: i256) -> Option<i256> {
    let quotient = a.checked_div(b)?;
    let rest = a.checked_rem(b)?;
    let magnitude = |v: i256| if v.is_negative() { v.wrapping_neg() } else { v };
    // rest ≥ b − rest is 2·rest ≥ b without its overflow.
    let (rest_size, b_size) = (magnitude(rest), magnitude(b));
    if rest_size < b_size.wrapping_sub(rest_size) {
        return Some(quotient);
    }
    let one = if a.is_negative() == b.is_negative() { i256::ONE } else { i256::MINUS_ONE };
    quotient.checked_add(one)
}
