//! Kernels of [`TemporalOp`].

use arrow_array::cast::AsArray;
use arrow_array::types::{IntervalMonthDayNano, IntervalMonthDayNanoType};

use super::map::{Failures, map2};
use crate::column::Values;
use crate::expr::temporal::{TemporalOp, shift_time, shift_timestamp, timestamp_failure};
use crate::expr::view::{Arg, Reg, View};

/// `a op b`; of a time and an interval `b` is the interval.
pub(in crate::expr) fn temporal(
    out: &mut Reg,
    rows: usize,
    op: TemporalOp,
    (a, b): (View<'_>, View<'_>),
    failures: &mut Failures<'_>,
) {
    out.strict_validity(rows, &[a, b]);
    match op {
        TemporalOp::DateDifference => {
            map2(out.i64s(), rows, a.i32s(), b.i32s(), |a, b| i64::from(a) - i64::from(b));
        }
        TemporalOp::Time { subtract } => {
            map2(out.i64s(), rows, a.i64s(), intervals(&b), |a, b| shift_time(a, b, subtract));
            null_intervals(out, rows, &b);
        }
        TemporalOp::Timestamp { subtract } => {
            let (times, steps) = (a.i64s(), intervals(&b));
            let mut failed = false;
            let shift = |ts, step| shift_timestamp(ts, step, subtract);
            match steps {
                // Without months it is one addition.
                Arg::One(step) if step.months == 0 => {
                    let delta = shift_timestamp(0, step, subtract);
                    let add = |ts: i64| delta.map_or_else(|| shift(ts, step), |delta| ts.checked_add(delta));
                    let values = out.i64s();
                    values.extend((0..rows).map(|row| {
                        let result = add(times.at(row));
                        failed |= result.is_none();
                        result.unwrap_or(0)
                    }));
                }
                _ => map2(out.i64s(), rows, times, steps, |ts, step| {
                    let result = shift(ts, step);
                    failed |= result.is_none();
                    result.unwrap_or(0)
                }),
            }
            null_intervals(out, rows, &b);
            if failed {
                super::map::fail_rows(out, rows, failures, |row| {
                    let ts = times.at(row);
                    shift(ts, steps.at(row)).is_none().then(|| timestamp_failure(ts, subtract))
                });
            }
        }
    }
}

fn intervals<'a>(view: &View<'a>) -> Arg<'a, IntervalMonthDayNano> {
    match &view.column.values {
        Values::Any(array) => {
            let values = array.as_primitive::<IntervalMonthDayNanoType>().values();
            if view.one { Arg::One(values[0]) } else { Arg::Many(values) }
        }
        other => panic!("{} operand where an interval was compiled", other.kind_name()),
    }
}

/// Intervals are Arrow arrays, whose NULLs are their own.
fn null_intervals(out: &mut Reg, rows: usize, b: &View<'_>) {
    if let Values::Any(array) = &b.column.values
        && array.null_count() > 0
    {
        for row in 0..rows {
            if !b.is_valid(row) {
                out.set_null(row, rows);
            }
        }
    }
}
