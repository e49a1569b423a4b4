//! Three-valued logic.

use crate::column::{Column, Values};
use crate::expr::program::Test;
use crate::expr::view::{Reg, View};

/// A boolean column as two masks: known TRUE and known FALSE.
fn truth(view: &View<'_>, row: usize) -> Option<bool> {
    view.is_valid(row).then(|| view.bools().at(row))
}

/// AND (`or` false) or OR of boolean columns by Kleene's tables.
pub(in crate::expr) fn kleene(out: &mut Reg, rows: usize, or: bool, terms: &[View<'_>]) {
    let plain = |term: &View<'_>| !term.one && term.column.valid.is_none();
    if terms.iter().all(plain) {
        let values = out.bools();
        values.resize(rows, !or);
        for term in terms {
            let (Values::Bool(term), values) = (&term.column.values, &mut *values) else { continue };
            let pairs = values.iter_mut().zip(&term[..rows]);
            if or {
                pairs.for_each(|(v, &t)| *v |= t);
            } else {
                pairs.for_each(|(v, &t)| *v &= t);
            }
        }
        out.all_valid();
        return;
    }
    out.bools();
    out.validity();
    let (values, valid) = bools_mut(&mut out.column);
    for row in 0..rows {
        let mut result = Some(!or);
        for term in terms {
            result = combine(or, result, truth(term, row));
        }
        values.push(result.unwrap_or(false));
        valid.push(result.is_some());
    }
}

/// Merges row i of `term` into row `at[i]` of `out` by Kleene's tables.
pub(in crate::expr) fn merge(out: &mut Reg, rows: usize, or: bool, at: &[u32], term: View<'_>) {
    for (row, &at) in at.iter().enumerate() {
        let at = at as usize;
        let so_far = truth(&View::many(&out.column), at);
        match combine(or, so_far, truth(&term, row)) {
            None => out.set_null(at, rows),
            Some(result) => out.set_bool(at, result),
        }
    }
}

/// Kleene's AND and OR of two truth values.
pub(in crate::expr) fn combine(or: bool, a: Option<bool>, b: Option<bool>) -> Option<bool> {
    match (a, b) {
        // The absorbing value decides alone: TRUE for OR, FALSE for AND.
        (Some(x), _) if x == or => Some(or),
        (_, Some(y)) if y == or => Some(or),
        (Some(_), Some(_)) => Some(!or),
        _ => None,
    }
}

/// NOT; NULL stays NULL.
pub(in crate::expr) fn not(out: &mut Reg, rows: usize, a: View<'_>) {
    super::map::map1(out.bools(), rows, a.bools(), |a: bool| !a);
    out.strict_validity(rows, &[a]);
}

/// `IS [NOT] NULL | TRUE | FALSE | UNKNOWN`; never NULL.
pub(in crate::expr) fn is(out: &mut Reg, rows: usize, test: Test, negated: bool, a: View<'_>) {
    let values = out.bools();
    match test {
        Test::Null => match (&a.column.valid, &a.column.values) {
            (None, values_in) if !matches!(values_in, Values::Any(_)) => values.resize(rows, negated),
            _ => values.extend((0..rows).map(|row| a.is_valid(row) == negated)),
        },
        Test::Truth(wanted) => {
            values.extend((0..rows).map(|row| (truth(&a, row) == Some(wanted)) != negated));
        }
    }
    out.all_valid();
}

/// The boolean buffer and the validity of a column that has both.
fn bools_mut(column: &mut Column) -> (&mut Vec<bool>, &mut Vec<bool>) {
    match (&mut column.values, &mut column.valid) {
        (Values::Bool(values), Some(valid)) => (values, valid),
        _ => unreachable!("the register was made boolean with validity just before"),
    }
}
