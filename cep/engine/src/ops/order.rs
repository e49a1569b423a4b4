//! Order of values: sort keys of ORDER BY, SORT windows and OVER.
//!
//! NaN is above every number and equals itself, −0 equals 0, text compares by bytes (R-DET-4).

use std::cmp::Ordering;

use arrow_ord::ord::{DynComparator, make_comparator};
use arrow_schema::SortOptions;
use cep_lang::plan::SortKey;

use crate::column::{Column, Values};
use crate::expr::{Compiled, ExprError};

/// A compiled sort key.
#[derive(Debug)]
pub struct SortSpec {
    /// The value.
    pub expr: Compiled,
    /// DESC.
    pub descending: bool,
    /// NULLS FIRST.
    pub nulls_first: bool,
}

impl SortSpec {
    /// Compiles a key.
    ///
    /// # Errors
    /// If its expression cannot be evaluated.
    pub fn new(key: &SortKey) -> Result<Self, ExprError> {
        Ok(SortSpec {
            expr: Compiled::new(&key.expr)?,
            descending: key.descending,
            nulls_first: key.nulls_first,
        })
    }
}

/// Compares rows of one column.
pub struct Comparator {
    column: Column,
    dynamic: Option<DynComparator>,
    descending: bool,
    nulls_first: bool,
}

impl Comparator {
    /// Compares rows of `column`.
    pub fn new(column: Column, descending: bool, nulls_first: bool) -> Self {
        let dynamic = match &column.values {
            Values::Any(array) => {
                make_comparator(array, array, SortOptions { descending, nulls_first }).ok()
            }
            _ => None,
        };
        Comparator { column, dynamic, descending, nulls_first }
    }

    /// The column.
    pub fn column(&self) -> &Column {
        &self.column
    }

    /// Order of rows `a` and `b`.
    pub fn compare(&self, a: usize, b: usize) -> Ordering {
        if let Some(dynamic) = &self.dynamic {
            return dynamic(a, b);
        }
        match (self.column.is_valid(a), self.column.is_valid(b)) {
            (true, true) => {}
            (false, false) => return Ordering::Equal,
            (valid, _) => return if valid == self.nulls_first { Ordering::Greater } else { Ordering::Less },
        }
        let order = compare_values(&self.column, a, &self.column, b);
        if self.descending { order.reverse() } else { order }
    }

    /// Order of rows by several keys, the first that differs.
    pub fn compare_all(keys: &[Comparator], a: usize, b: usize) -> Ordering {
        keys.iter().map(|k| k.compare(a, b)).find(|o| o.is_ne()).unwrap_or(Ordering::Equal)
    }
}

/// Order of two values that are not NULL, of columns of one kind; values without an order of ours
/// are equal.
pub fn compare_values(left: &Column, a: usize, right: &Column, b: usize) -> Ordering {
    match (&left.values, &right.values) {
        (Values::Bool(l), Values::Bool(r)) => l[a].cmp(&r[b]),
        (Values::I32(l), Values::I32(r)) => l[a].cmp(&r[b]),
        (Values::I64(l), Values::I64(r)) => l[a].cmp(&r[b]),
        (Values::F32(l), Values::F32(r)) => float_order(f64::from(l[a]), f64::from(r[b])),
        (Values::F64(l), Values::F64(r)) => float_order(l[a], r[b]),
        (Values::I128(l), Values::I128(r)) => l[a].cmp(&r[b]),
        (Values::Bytes { .. }, Values::Bytes { .. }) => left.bytes_at(a).cmp(right.bytes_at(b)),
        _ => Ordering::Equal,
    }
}

fn float_order(a: f64, b: f64) -> Ordering {
    a.partial_cmp(&b).unwrap_or_else(|| a.is_nan().cmp(&b.is_nan()))
}
