//! Comparisons of types that are Arrow's: intervals, arrays, structs, small integers.
//!
//! Floats inside arrays and structs compare by IEEE's total order, which tells −0 from 0.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::IntervalMonthDayNanoType;
use arrow_array::{Array, ArrayRef, BooleanArray};
use arrow_ord::ord::make_comparator;
use arrow_schema::{ArrowError, DataType, IntervalUnit, SortOptions};

use crate::expr::ops::CmpOp;

/// An interval as PostgreSQL compares it: a month has 30 days, a day 24 hours. In ns.
fn interval_order(months: i32, days: i32, nanoseconds: i64) -> i128 {
    const DAY_NS: i128 = 86_400_000_000_000;
    (i128::from(months) * 30 + i128::from(days)) * DAY_NS + i128::from(nanoseconds)
}

type Comparator = Box<dyn Fn(usize, usize) -> std::cmp::Ordering>;

fn comparator(a: &ArrayRef, b: &ArrayRef) -> Result<Comparator, ArrowError> {
    if matches!(a.data_type(), DataType::Interval(IntervalUnit::MonthDayNano))
        && a.data_type() == b.data_type()
    {
        let order = |x: &ArrayRef| -> Vec<i128> {
            let values = x.as_primitive::<IntervalMonthDayNanoType>().values();
            values.iter().map(|v| interval_order(v.months, v.days, v.nanoseconds)).collect()
        };
        let (a, b) = (order(a), order(b));
        return Ok(Box::new(move |i, j| a[i].cmp(&b[j])));
    }
    let compare = make_comparator(a.as_ref(), b.as_ref(), SortOptions::default())?;
    Ok(Box::new(compare))
}

pub(super) fn compare(op: CmpOp, a: &ArrayRef, b: &ArrayRef) -> Result<ArrayRef, ArrowError> {
    let order = comparator(a, b)?;
    let result: BooleanArray = (0..a.len())
        .map(|row| {
            let known = !is_null(a, row) && !is_null(b, row);
            known.then(|| op.holds(order(row, row)))
        })
        .collect();
    Ok(Arc::new(result))
}

pub(super) fn distinct(negated: bool, a: &ArrayRef, b: &ArrayRef) -> Result<ArrayRef, ArrowError> {
    let order = comparator(a, b)?;
    let result: BooleanArray = (0..a.len())
        .map(|row| {
            let (null_a, null_b) = (is_null(a, row), is_null(b, row));
            let differ = if null_a || null_b { null_a != null_b } else { order(row, row).is_ne() };
            Some(differ != negated)
        })
        .collect();
    Ok(Arc::new(result))
}

/// Also for arrays of type NULL, which carry no mask.
fn is_null(array: &ArrayRef, row: usize) -> bool {
    array.is_null(row) || matches!(array.data_type(), DataType::Null)
}
