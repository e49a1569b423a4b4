//! What operators do to single values: one definition for the kernels and for evaluation by row.

use std::cmp::Ordering;
use std::fmt::Display;

use super::error::{RowErrorKind, RowFailure};

/// The five arithmetic operators.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ArithOp {
    Add,
    Sub,
    Mul,
    Div,
    Mod,
}

impl ArithOp {
    pub(super) fn symbol(self) -> &'static str {
        match self {
            ArithOp::Add => "+",
            ArithOp::Sub => "-",
            ArithOp::Mul => "*",
            ArithOp::Div => "/",
            ArithOp::Mod => "%",
        }
    }
}

/// Bit operations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BitOp {
    And,
    Or,
    Xor,
    ShiftLeft,
    ShiftRight,
}

/// The six comparisons.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum CmpOp {
    Eq,
    NotEq,
    Lt,
    LtEq,
    Gt,
    GtEq,
}

impl CmpOp {
    /// The comparison with its operands exchanged.
    pub(super) fn flipped(self) -> Self {
        match self {
            CmpOp::Lt => CmpOp::Gt,
            CmpOp::LtEq => CmpOp::GtEq,
            CmpOp::Gt => CmpOp::Lt,
            CmpOp::GtEq => CmpOp::LtEq,
            same => same,
        }
    }

    /// Whether it holds for operands that compare as `order`.
    pub(super) fn holds(self, order: Ordering) -> bool {
        match self {
            CmpOp::Eq => order.is_eq(),
            CmpOp::NotEq => order.is_ne(),
            CmpOp::Lt => order.is_lt(),
            CmpOp::LtEq => order.is_le(),
            CmpOp::Gt => order.is_gt(),
            CmpOp::GtEq => order.is_ge(),
        }
    }
}

/// Integers that SQL calculates with.
pub(super) trait Int: Copy + Eq + Ord + Display {
    const SQL_NAME: &'static str;
    const ZERO: Self;
    /// `None` on overflow and on division by zero.
    fn checked(op: ArithOp, a: Self, b: Self) -> Option<Self>;
    fn checked_negate(self) -> Option<Self>;
    /// Shifts take their distance modulo the width.
    fn bits(op: BitOp, a: Self, b: Self) -> Self;
}

macro_rules! int {
    ($t:ty, $name:literal) => {
        impl Int for $t {
            const SQL_NAME: &'static str = $name;
            const ZERO: Self = 0;

            #[inline]
            fn checked(op: ArithOp, a: Self, b: Self) -> Option<Self> {
                match op {
                    ArithOp::Add => a.checked_add(b),
                    ArithOp::Sub => a.checked_sub(b),
                    ArithOp::Mul => a.checked_mul(b),
                    ArithOp::Div => a.checked_div(b),
                    // MIN % -1 is 0; only the quotient overflows.
                    ArithOp::Mod if b == 0 => None,
                    ArithOp::Mod => Some(a.wrapping_rem(b)),
                }
            }

            #[inline]
            fn checked_negate(self) -> Option<Self> {
                self.checked_neg()
            }

            #[inline]
            fn bits(op: BitOp, a: Self, b: Self) -> Self {
                match op {
                    BitOp::And => a & b,
                    BitOp::Or => a | b,
                    BitOp::Xor => a ^ b,
                    BitOp::ShiftLeft => a.wrapping_shl(b as u32),
                    BitOp::ShiftRight => a.wrapping_shr(b as u32),
                }
            }
        }
    };
}

int!(i32, "INT");
int!(i64, "BIGINT");

/// Why integer arithmetic gave nothing.
pub(super) fn int_failure<T: Int>(op: ArithOp, a: T, b: T) -> RowFailure {
    if b == T::ZERO && matches!(op, ArithOp::Div | ArithOp::Mod) {
        return RowFailure::division_by_zero();
    }
    RowFailure::new(RowErrorKind::Overflow, format!("{} overflow in {a} {} {b}", T::SQL_NAME, op.symbol()))
}

/// Why a negation gave nothing.
pub(super) fn negate_failure<T: Int>(a: T) -> RowFailure {
    RowFailure::new(RowErrorKind::Overflow, format!("{} overflow in -({a})", T::SQL_NAME))
}

/// Floats that SQL calculates with.
pub(super) trait Float: Copy + PartialOrd {
    fn is_not_a_number(self) -> bool;
    /// Every NaN becomes the one canonical NaN (R-DET-4): which NaN an operation gives depends on
    /// the processor.
    fn canonical(self) -> Self;
    /// IEEE arithmetic: overflow is ∞, division by zero is ∞ or NaN.
    fn arith(op: ArithOp, a: Self, b: Self) -> Self;
}

macro_rules! float {
    ($t:ty) => {
        impl Float for $t {
            #[inline]
            fn is_not_a_number(self) -> bool {
                self.is_nan()
            }

            #[inline]
            fn canonical(self) -> Self {
                if self.is_nan() { <$t>::NAN } else { self }
            }

            #[inline]
            fn arith(op: ArithOp, a: Self, b: Self) -> Self {
                let result = match op {
                    ArithOp::Add => a + b,
                    ArithOp::Sub => a - b,
                    ArithOp::Mul => a * b,
                    ArithOp::Div => a / b,
                    // Exact by definition, so the same bits everywhere.
                    ArithOp::Mod => a % b,
                };
                result.canonical()
            }
        }
    };
}

float!(f32);
float!(f64);

/// The order of floats: −0 equals 0, NaN equals NaN and is above everything else.
#[inline]
pub(super) fn compare_floats<T: Float>(a: T, b: T) -> Ordering {
    match a.partial_cmp(&b) {
        Some(order) => order,
        None => a.is_not_a_number().cmp(&b.is_not_a_number()),
    }
}
