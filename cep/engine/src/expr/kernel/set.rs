//! `x IN (constants)`.

use crate::column::{Column, Values};
use crate::expr::row::Scalar;
use crate::expr::view::{Arg, Reg, View};

/// The constants, sorted. Without NULL; that is kept apart.
#[derive(Debug, Clone)]
pub(in crate::expr) struct Set {
    values: SetValues,
    has_null: bool,
}

#[derive(Debug, Clone)]
enum SetValues {
    Bool([bool; 2]),
    I32(Vec<i32>),
    I64(Vec<i64>),
    /// Keys by [`float_key`].
    Float(Vec<u64>),
    I128(Vec<i128>),
    Bytes(Vec<Box<[u8]>>),
}

/// Up to this many values are compared one by one, without a branch.
const SCAN_MAX: usize = 8;

/// Floats that SQL finds equal have the same key: −0 is 0, every NaN is one.
fn float_key(v: f64) -> u64 {
    if v.is_nan() { f64::NAN.to_bits() } else { (v + 0.0).to_bits() }
}

macro_rules! sorted {
    ($items:ident, $access:ident, $key:expr) => {{
        let mut keys: Vec<_> =
            $items.iter().map(|c| $key(View { column: c, one: true }.$access().at(0))).collect();
        keys.sort_unstable();
        keys.dedup();
        keys
    }};
}

impl Set {
    /// The set of `items`, columns of one row and of the kind of `like`; `None` if that kind is
    /// not ours.
    pub(in crate::expr) fn new(like: &Column, items: &[&Column]) -> Option<Self> {
        let has_null = items.iter().any(|c| !c.is_valid(0));
        let items: Vec<&Column> = items.iter().copied().filter(|c| c.is_valid(0)).collect();
        let values = match &like.values {
            Values::Bool(_) => {
                let has =
                    |wanted| items.iter().any(|c| View { column: c, one: true }.bools().at(0) == wanted);
                SetValues::Bool([has(false), has(true)])
            }
            Values::I32(_) => SetValues::I32(sorted!(items, i32s, |v| v)),
            Values::I64(_) => SetValues::I64(sorted!(items, i64s, |v| v)),
            Values::I128(_) => SetValues::I128(sorted!(items, i128s, |v| v)),
            Values::F32(_) => SetValues::Float(sorted!(items, f32s, |v| float_key(f64::from(v)))),
            Values::F64(_) => SetValues::Float(sorted!(items, f64s, float_key)),
            Values::Bytes { .. } => {
                let mut texts: Vec<Box<[u8]>> = items.iter().map(|c| c.bytes_at(0).into()).collect();
                texts.sort_unstable();
                texts.dedup();
                SetValues::Bytes(texts)
            }
            Values::Any(_) => return None,
        };
        Some(Set { values, has_null })
    }

    /// Whether one value that is not NULL is in the set; `None` if that is unknown.
    pub(in crate::expr) fn holds(&self, value: &Scalar<'_>) -> Option<bool> {
        let found = match (&self.values, value) {
            (SetValues::Bool(has), Scalar::Bool(v)) => has[usize::from(*v)],
            (SetValues::I32(keys), Scalar::I32(v)) => contains(keys, v),
            (SetValues::I64(keys), Scalar::I64(v)) => contains(keys, v),
            (SetValues::I128(keys), Scalar::I128(v)) => contains(keys, v),
            (SetValues::Float(keys), Scalar::F32(v)) => contains(keys, &float_key(f64::from(*v))),
            (SetValues::Float(keys), Scalar::F64(v)) => contains(keys, &float_key(*v)),
            (SetValues::Bytes(texts), Scalar::Bytes(v)) => holds_text(texts, v),
            (_, other) => panic!("{other:?} looked up in a set of another kind"),
        };
        if found || !self.has_null { Some(found) } else { None }
    }
}

/// `a [NOT] IN set`: NULL where `a` is, and where it is not found but the set has a NULL.
pub(in crate::expr) fn in_set(out: &mut Reg, rows: usize, (set, negated): (&Set, bool), a: View<'_>) {
    out.strict_validity(rows, &[a]);
    match &set.values {
        SetValues::Bool(has) => member(out, rows, a.bools(), |v| has[usize::from(v)]),
        SetValues::I32(keys) => member(out, rows, a.i32s(), |v| contains(keys, &v)),
        SetValues::I64(keys) => member(out, rows, a.i64s(), |v| contains(keys, &v)),
        SetValues::I128(keys) => member(out, rows, a.i128s(), |v| contains(keys, &v)),
        SetValues::Float(keys) => match &a.column.values {
            Values::F32(_) => member(out, rows, a.f32s(), |v| contains(keys, &float_key(f64::from(v)))),
            _ => member(out, rows, a.f64s(), |v| contains(keys, &float_key(v))),
        },
        SetValues::Bytes(texts) => {
            let text = a.text();
            out.bools().extend((0..rows).map(|row| holds_text(texts, text.at(row))));
        }
    }
    if set.has_null {
        for row in 0..rows {
            if out.column.is_valid(row) && !out.bool_at(row) {
                out.set_null(row, rows);
            }
        }
    }
    if negated {
        out.flip();
    }
}

fn holds_text(texts: &[Box<[u8]>], value: &[u8]) -> bool {
    if texts.len() <= SCAN_MAX {
        return texts.iter().any(|t| **t == *value);
    }
    texts.binary_search_by(|t| (**t).cmp(value)).is_ok()
}

fn member<T: Copy>(out: &mut Reg, rows: usize, a: Arg<'_, T>, has: impl Fn(T) -> bool) {
    super::map::map1(out.bools(), rows, a, has);
}

fn contains<T: Ord>(keys: &[T], value: &T) -> bool {
    if keys.len() <= SCAN_MAX {
        return keys.iter().fold(false, |found, key| found | (key == value));
    }
    keys.binary_search(value).is_ok()
}
