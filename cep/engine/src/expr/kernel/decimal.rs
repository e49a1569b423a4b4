//! Kernels of [`DecimalOp`].

use super::map::{Failures, fail_rows, map1, map2};
use crate::expr::decimal::{DecimalOp, negate_failure};
use crate::expr::view::{Reg, View};

/// `a op b`; overflow of the precision and division by zero are errors of their row.
pub(in crate::expr) fn decimal(
    out: &mut Reg,
    rows: usize,
    op: DecimalOp,
    (a, b): (View<'_>, View<'_>),
    failures: &mut Failures<'_>,
) {
    let mut failed = false;
    let (x, y) = (a.i128s(), b.i128s());
    map2(out.i128s(), rows, x, y, |a, b| {
        let result = op.eval(a, b);
        failed |= result.is_none();
        result.unwrap_or(0)
    });
    out.strict_validity(rows, &[a, b]);
    if failed {
        fail_rows(out, rows, failures, |row| {
            let (a, b) = (x.at(row), y.at(row));
            op.eval(a, b).is_none().then(|| op.failure(a, b))
        });
    }
}

/// `-x`. Only a value beyond any precision has no negative.
pub(in crate::expr) fn negate(out: &mut Reg, rows: usize, a: View<'_>, failures: &mut Failures<'_>) {
    let x = a.i128s();
    map1(out.i128s(), rows, x, i128::wrapping_neg);
    out.strict_validity(rows, &[a]);
    fail_rows(out, rows, failures, |row| (x.at(row) == i128::MIN).then(negate_failure));
}
