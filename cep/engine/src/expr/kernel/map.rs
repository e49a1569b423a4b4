//! Loops that kernels share.

use crate::expr::error::{RowErrors, RowFailure};
use crate::expr::input::Rows;
use crate::expr::view::{Arg, Reg};

/// Where the errors of the rows under evaluation go.
pub(in crate::expr) struct Failures<'a> {
    pub(in crate::expr) rows: Rows<'a>,
    pub(in crate::expr) errors: &'a mut RowErrors,
}

impl Failures<'_> {
    /// Row `at` of the selection failed.
    pub(in crate::expr) fn push(&mut self, at: usize, failure: RowFailure) {
        self.errors.push(self.rows.original(at), failure);
    }
}

/// `out[i] = f(a[i])`.
pub(in crate::expr) fn map1<A: Copy, R>(out: &mut Vec<R>, rows: usize, a: Arg<'_, A>, f: impl Fn(A) -> R) {
    match a {
        Arg::Many(a) => out.extend(a[..rows].iter().map(|&a| f(a))),
        Arg::One(a) => out.extend((0..rows).map(|_| f(a))),
    }
}

/// `out[i] = f(a[i], b[i])`; one loop for each of column and constant.
pub(in crate::expr) fn map2<A: Copy, B: Copy, R>(
    out: &mut Vec<R>,
    rows: usize,
    a: Arg<'_, A>,
    b: Arg<'_, B>,
    mut f: impl FnMut(A, B) -> R,
) {
    match (a, b) {
        (Arg::Many(a), Arg::Many(b)) => out.extend(a[..rows].iter().zip(&b[..rows]).map(|(&a, &b)| f(a, b))),
        (Arg::Many(a), Arg::One(b)) => out.extend(a[..rows].iter().map(|&a| f(a, b))),
        (Arg::One(a), Arg::Many(b)) => out.extend(b[..rows].iter().map(|&b| f(a, b))),
        (Arg::One(a), Arg::One(b)) => out.extend((0..rows).map(|_| f(a, b))),
    }
}

/// Makes the valid rows for which `failed` has an answer NULL and records it.
pub(in crate::expr) fn fail_rows(
    out: &mut Reg,
    rows: usize,
    failures: &mut Failures<'_>,
    failed: impl Fn(usize) -> Option<RowFailure>,
) {
    for row in 0..rows {
        if !out.column.is_valid(row) {
            continue;
        }
        if let Some(failure) = failed(row) {
            failures.push(row, failure);
            out.set_null(row, rows);
        }
    }
}
