//! Bit operations on INT and BIGINT. Shifts take their distance modulo the width, as Java and
//! PostgreSQL on x86 do; `>>` keeps the sign.

use super::map::map2;
use crate::expr::ops::{BitOp, Int};
use crate::expr::program::Num;
use crate::expr::view::{Reg, View};

/// `a op b`.
pub(in crate::expr) fn bits(out: &mut Reg, rows: usize, (op, num): (BitOp, Num), a: View<'_>, b: View<'_>) {
    match num {
        Num::I32 => map2(out.i32s(), rows, a.i32s(), b.i32s(), |a, b| i32::bits(op, a, b)),
        Num::I64 => map2(out.i64s(), rows, a.i64s(), b.i64s(), |a, b| i64::bits(op, a, b)),
        Num::F32 | Num::F64 => unreachable!("bit operations are compiled for integers only"),
    }
    out.strict_validity(rows, &[a, b]);
}
