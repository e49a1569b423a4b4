//! Comparisons. Text and bytes compare by their bytes, which for UTF-8 is the order of code points;
//! FALSE is below TRUE; floats as [`compare_floats`](crate::expr::ops::compare_floats) says.
//! Constants stand on the right.

use super::map::map2;
use crate::column::Values;
use crate::expr::ops::{CmpOp, Float, compare_floats};
use crate::expr::view::{Arg, Reg, Text, View};

/// `out = a op b`, NULL where an operand is. Operands are of one of our own kinds.
pub(in crate::expr) fn compare(out: &mut Reg, rows: usize, op: CmpOp, a: View<'_>, b: View<'_>) {
    compare_values(out.bools(), rows, op, a, b);
    out.strict_validity(rows, &[a, b]);
}

/// `IS [NOT] DISTINCT FROM`: NULL is a value like any other. Never NULL.
pub(in crate::expr) fn distinct(out: &mut Reg, rows: usize, negated: bool, a: View<'_>, b: View<'_>) {
    let values = out.bools();
    if a.is_null_constant() || b.is_null_constant() {
        values.resize(rows, false);
    } else {
        compare_values(values, rows, CmpOp::NotEq, a, b);
    }
    for (row, value) in values.iter_mut().enumerate() {
        let (valid_a, valid_b) = (a.is_valid(row), b.is_valid(row));
        *value = (if valid_a && valid_b { *value } else { valid_a != valid_b }) != negated;
    }
    out.all_valid();
}

/// The comparison without regard to NULLs; appends `rows` booleans to `out`.
pub(in crate::expr) fn compare_values(out: &mut Vec<bool>, rows: usize, op: CmpOp, a: View<'_>, b: View<'_>) {
    match &a.column.values {
        Values::Bool(_) => ordered(out, rows, op, a.bools(), b.bools()),
        Values::I32(_) => ordered(out, rows, op, a.i32s(), b.i32s()),
        Values::I64(_) => ordered(out, rows, op, a.i64s(), b.i64s()),
        Values::I128(_) => ordered(out, rows, op, a.i128s(), b.i128s()),
        Values::F32(_) => floats(out, rows, op, a.f32s(), b.f32s()),
        Values::F64(_) => floats(out, rows, op, a.f64s(), b.f64s()),
        Values::Bytes { .. } => text(out, rows, op, a.text(), b.text(), b.one),
        Values::Any(_) => panic!("arrow operand where a native comparison was compiled"),
    }
}

fn ordered<T: Copy + Ord>(out: &mut Vec<bool>, rows: usize, op: CmpOp, a: Arg<'_, T>, b: Arg<'_, T>) {
    match op {
        CmpOp::Eq => map2(out, rows, a, b, |a, b| a == b),
        CmpOp::NotEq => map2(out, rows, a, b, |a, b| a != b),
        CmpOp::Lt => map2(out, rows, a, b, |a, b| a < b),
        CmpOp::LtEq => map2(out, rows, a, b, |a, b| a <= b),
        CmpOp::Gt => map2(out, rows, a, b, |a, b| a > b),
        CmpOp::GtEq => map2(out, rows, a, b, |a, b| a >= b),
    }
}

/// Against a constant that is not NaN one IEEE comparison says it all: NaN on the left is above,
/// so `>` is "not `<=`".
#[expect(clippy::neg_cmp_op_on_partial_ord, reason = "NaN is above everything")]
fn floats<T: Float>(out: &mut Vec<bool>, rows: usize, op: CmpOp, a: Arg<'_, T>, b: Arg<'_, T>) {
    match (op, b) {
        (CmpOp::Eq, Arg::One(c)) if !c.is_not_a_number() => map2(out, rows, a, b, |a, b| a == b),
        (CmpOp::NotEq, Arg::One(c)) if !c.is_not_a_number() => map2(out, rows, a, b, |a, b| a != b),
        (CmpOp::Lt, Arg::One(c)) if !c.is_not_a_number() => map2(out, rows, a, b, |a, b| a < b),
        (CmpOp::LtEq, Arg::One(c)) if !c.is_not_a_number() => map2(out, rows, a, b, |a, b| a <= b),
        (CmpOp::Gt, Arg::One(c)) if !c.is_not_a_number() => map2(out, rows, a, b, |a, b| !(a <= b)),
        (CmpOp::GtEq, Arg::One(c)) if !c.is_not_a_number() => map2(out, rows, a, b, |a, b| !(a < b)),
        (CmpOp::Eq, _) => map2(out, rows, a, b, equal),
        (CmpOp::NotEq, _) => map2(out, rows, a, b, |a, b| !equal(a, b)),
        (CmpOp::Lt, _) => map2(out, rows, a, b, below),
        (CmpOp::LtEq, _) => map2(out, rows, a, b, |a, b| !below(b, a)),
        (CmpOp::Gt, _) => map2(out, rows, a, b, |a, b| below(b, a)),
        (CmpOp::GtEq, _) => map2(out, rows, a, b, |a, b| !below(a, b)),
    }
}

#[inline]
fn equal<T: Float>(a: T, b: T) -> bool {
    (a == b) | (a.is_not_a_number() & b.is_not_a_number())
}

#[inline]
fn below<T: Float>(a: T, b: T) -> bool {
    (a < b) | (b.is_not_a_number() & !a.is_not_a_number())
}

fn text(out: &mut Vec<bool>, rows: usize, op: CmpOp, a: Text<'_>, b: Text<'_>, b_is_constant: bool) {
    match op {
        CmpOp::Eq if b_is_constant => {
            let needle = Needle::new(b.at(0));
            match a.offsets_of(rows) {
                Some(offsets) => out.extend(offsets.windows(2).map(|w| needle.found(a.bytes, w[0], w[1]))),
                None => out.resize(rows, needle.is(a, 0)),
            }
        }
        CmpOp::NotEq if b_is_constant => {
            let needle = Needle::new(b.at(0));
            match a.offsets_of(rows) {
                Some(offsets) => out.extend(offsets.windows(2).map(|w| !needle.found(a.bytes, w[0], w[1]))),
                None => out.resize(rows, !needle.is(a, 0)),
            }
        }
        CmpOp::Eq => out.extend((0..rows).map(|row| a.at(row) == b.at(row))),
        CmpOp::NotEq => out.extend((0..rows).map(|row| a.at(row) != b.at(row))),
        _ => out.extend((0..rows).map(|row| op.holds(a.at(row).cmp(b.at(row))))),
    }
}

/// A constant text to find: its length, then its first eight bytes as one word, then the rest.
struct Needle<'a> {
    text: &'a [u8],
    head: u64,
    mask: u64,
}

impl<'a> Needle<'a> {
    fn new(text: &'a [u8]) -> Self {
        let mut head = [0; 8];
        let length = text.len().min(8);
        head[..length].copy_from_slice(&text[..length]);
        let mask = if length == 8 { u64::MAX } else { (1 << (8 * length)) - 1 };
        Needle { text, head: u64::from_le_bytes(head), mask }
    }

    /// Whether row `row` of `column` is this text.
    #[inline]
    fn is(&self, column: Text<'_>, row: usize) -> bool {
        let (start, end) = column.range(row);
        self.found(column.bytes, start as i32, end as i32)
    }

    /// Whether `bytes[start..end]` is this text.
    #[inline]
    fn found(&self, bytes: &[u8], start: i32, end: i32) -> bool {
        if end.wrapping_sub(start) as usize != self.text.len() {
            return false;
        }
        let start = start as usize;
        // The eight bytes may reach into the next text; the mask leaves that out. At the very end of
        // the buffer there are fewer.
        let Some(word) = bytes.get(start..).and_then(|rest| rest.first_chunk()) else {
            return bytes[start..end as usize] == *self.text;
        };
        let same_head = u64::from_le_bytes(*word) & self.mask == self.head;
        same_head && (self.text.len() <= 8 || bytes[start + 8..end as usize] == self.text[8..])
    }
}

/// Keeps of `rows` those where column `a` has a value that compares so with constant `b`.
pub(in crate::expr) fn refine(rows: &mut Vec<u32>, op: CmpOp, a: View<'_>, b: View<'_>) {
    macro_rules! ordered {
        ($access:ident) => {{
            let (a, b) = (a.$access(), b.$access().at(0));
            match op {
                CmpOp::Eq => keep(rows, |row| a.at(row) == b),
                _ => keep(rows, |row| op.holds(a.at(row).cmp(&b))),
            }
        }};
    }
    if let Some(valid) = a.validity() {
        keep(rows, |row| valid[row]);
    }
    match &a.column.values {
        Values::Bool(_) => ordered!(bools),
        Values::I32(_) => ordered!(i32s),
        Values::I64(_) => ordered!(i64s),
        Values::I128(_) => ordered!(i128s),
        Values::F32(_) => {
            let (a, b) = (a.f32s(), b.f32s().at(0));
            keep(rows, |row| op.holds(compare_floats(a.at(row), b)));
        }
        Values::F64(_) => {
            let (a, b) = (a.f64s(), b.f64s().at(0));
            keep(rows, |row| op.holds(compare_floats(a.at(row), b)));
        }
        Values::Bytes { .. } => {
            let (a, b) = (a.text(), b.text().at(0));
            let needle = Needle::new(b);
            match op {
                CmpOp::Eq => keep(rows, |row| needle.is(a, row)),
                CmpOp::NotEq => keep(rows, |row| !needle.is(a, row)),
                _ => keep(rows, |row| op.holds(a.at(row).cmp(b))),
            }
        }
        Values::Any(_) => panic!("arrow operand where a native comparison was compiled"),
    }
}

/// Keeps the rows for which `f` holds; the cursor moves without a branch.
fn keep(rows: &mut Vec<u32>, f: impl Fn(usize) -> bool) {
    let mut kept = 0;
    for at in 0..rows.len() {
        let row = rows[at];
        rows[kept] = row;
        kept += usize::from(f(row as usize));
    }
    rows.truncate(kept);
}
