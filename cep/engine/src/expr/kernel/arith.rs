//! Arithmetic on integers and floats. Integers are checked: the fast loop computes wrapped results
//! and one flag for the chunk; only when that is set a second loop finds the rows.

use super::map::{Failures, fail_rows, map1, map2};
use crate::expr::ops::{ArithOp, Float, Int, int_failure, negate_failure};
use crate::expr::view::{Arg, Reg, View};

macro_rules! int_kernel {
    ($name:ident, $t:ty, $access:ident) => {
        /// Integer arithmetic; overflow and division by zero are errors of their row.
        pub(in crate::expr) fn $name(
            out: &mut Reg,
            rows: usize,
            op: ArithOp,
            (a, b): (View<'_>, View<'_>),
            failures: &mut Failures<'_>,
        ) {
            let operands = [a, b];
            let (a, b) = (a.$access(), b.$access());
            let suspect = {
                let values = out.$access();
                match op {
                    // The sign bit of the test is set where the wrapped sum has a sign that the
                    // operands rule out (Hacker's Delight, 2-13).
                    ArithOp::Add => signs(values, rows, a, b, |a: $t, b: $t| {
                        let r = a.wrapping_add(b);
                        (r, (a ^ r) & (b ^ r))
                    }),
                    ArithOp::Sub => signs(values, rows, a, b, |a: $t, b: $t| {
                        let r = a.wrapping_sub(b);
                        (r, (a ^ b) & (a ^ r))
                    }),
                    ArithOp::Mul => {
                        let mut any = false;
                        map2(values, rows, a, b, |a: $t, b: $t| {
                            let (r, o) = a.overflowing_mul(b);
                            any |= o;
                            r
                        });
                        any
                    }
                    ArithOp::Div | ArithOp::Mod => {
                        let mut any = false;
                        map2(values, rows, a, b, |a: $t, b: $t| {
                            let r = <$t>::checked(op, a, b);
                            any |= r.is_none();
                            r.unwrap_or(0)
                        });
                        any
                    }
                }
            };
            out.strict_validity(rows, &operands);
            if suspect {
                fail_rows(out, rows, failures, |row| {
                    let (a, b) = (a.at(row), b.at(row));
                    <$t>::checked(op, a, b).is_none().then(|| int_failure(op, a, b))
                });
            }
        }
    };
}

int_kernel!(arith_i32, i32, i32s);
int_kernel!(arith_i64, i64, i64s);

/// Computes results and whether any test value is negative.
fn signs<T: Copy + Default + std::ops::BitOr<Output = T> + PartialOrd>(
    out: &mut Vec<T>,
    rows: usize,
    a: Arg<'_, T>,
    b: Arg<'_, T>,
    f: impl Fn(T, T) -> (T, T),
) -> bool {
    let mut test = T::default();
    map2(out, rows, a, b, |a, b| {
        let (r, t) = f(a, b);
        test = test | t;
        r
    });
    test < T::default()
}

macro_rules! float_kernel {
    ($name:ident, $neg:ident, $t:ty, $access:ident) => {
        /// IEEE arithmetic with one canonical NaN; never fails.
        pub(in crate::expr) fn $name(out: &mut Reg, rows: usize, op: ArithOp, a: View<'_>, b: View<'_>) {
            let (x, y) = (a.$access(), b.$access());
            let values = out.$access();
            match op {
                ArithOp::Add => map2(values, rows, x, y, |a, b| <$t>::arith(ArithOp::Add, a, b)),
                ArithOp::Sub => map2(values, rows, x, y, |a, b| <$t>::arith(ArithOp::Sub, a, b)),
                ArithOp::Mul => map2(values, rows, x, y, |a, b| <$t>::arith(ArithOp::Mul, a, b)),
                ArithOp::Div => map2(values, rows, x, y, |a, b| <$t>::arith(ArithOp::Div, a, b)),
                ArithOp::Mod => map2(values, rows, x, y, |a, b| <$t>::arith(ArithOp::Mod, a, b)),
            }
            out.strict_validity(rows, &[a, b]);
        }

        /// `-x`.
        pub(in crate::expr) fn $neg(out: &mut Reg, rows: usize, a: View<'_>) {
            map1(out.$access(), rows, a.$access(), |a: $t| (-a).canonical());
            out.strict_validity(rows, &[a]);
        }
    };
}

float_kernel!(arith_f32, negate_f32, f32, f32s);
float_kernel!(arith_f64, negate_f64, f64, f64s);

macro_rules! int_negate {
    ($name:ident, $t:ty, $access:ident) => {
        /// `-x`; the least integer has no negative.
        pub(in crate::expr) fn $name(out: &mut Reg, rows: usize, a: View<'_>, failures: &mut Failures<'_>) {
            let x = a.$access();
            map1(out.$access(), rows, x, |a: $t| a.wrapping_neg());
            out.strict_validity(rows, &[a]);
            fail_rows(out, rows, failures, |row| {
                let a = x.at(row);
                a.checked_negate().is_none().then(|| negate_failure(a))
            });
        }
    };
}

int_negate!(negate_i32, i32, i32s);
int_negate!(negate_i64, i64, i64s);
