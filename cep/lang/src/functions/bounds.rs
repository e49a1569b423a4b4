//! Bounds on results that an argument can make arbitrarily large.
//!
//! `repeat('x', 2000000000)` is a mistake or an attack; either way the record's error is better than
//! a process without memory.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Int64Type, IntervalMonthDayNanoType, TimestampNanosecondType};
use arrow_array::{Array, ArrayRef};
use arrow_buffer::IntervalMonthDayNano;
use arrow_schema::{DataType, TimeUnit};
use datafusion_common::{Result, ScalarValue, exec_err};
use datafusion_expr::{ColumnarValue, ScalarFunctionArgs};

use super::call::Call;

/// Longest text a call may make out of shorter ones: the ceiling of an event's size (R-FLOW-3).
const TEXT_BYTES_MAX: i128 = 8 << 20;

/// Longest list a call may make.
const LIST_ITEMS_MAX: i128 = 1_000_000;

/// Largest sum of both over the rows of one call; a chunk above it is run again row by row.
const CALL_TOTAL_MAX: i128 = 256 << 20;

/// Refuses a call whose result would be too large.
pub(super) type Bound = fn(&Call<'_>) -> Result<()>;

/// The bound of the function called `name`, if its arguments can make a result of any size.
pub(super) fn of(name: &str) -> Option<Bound> {
    let bound: Bound = match name {
        "repeat" => |call| texts(call, |rows, row| Some(rows.length(0, row)? * rows.int(1, row)?)),
        "lpad" | "rpad" => |call| texts(call, |rows, row| Some(rows.int(1, row)? * pad_width(rows, row))),
        "replace" => |call| {
            texts(call, |rows, row| {
                let (text, from) = (rows.length(0, row)?, rows.length(1, row)?);
                Some(text + text / from.max(1) * rows.length(2, row)?)
            })
        },
        "array_repeat" => |call| lists(call, |rows, row| rows.int(1, row)),
        "array_resize" => |call| lists(call, |rows, row| rows.int(1, row)),
        "range" | "generate_series" => |call| lists(call, series_length),
        _ => return None,
    };
    Some(bound)
}

/// Takes negative lengths of `lpad` and `rpad` for 0, which they mean: added up over a chunk they
/// would ask for all memory.
pub(super) fn clamp_lengths(name: &str, args: &mut ScalarFunctionArgs) {
    if !matches!(name, "lpad" | "rpad") {
        return;
    }
    match args.args.get_mut(1) {
        Some(ColumnarValue::Array(lengths)) => {
            if let Some(numbers) = lengths.as_primitive_opt::<Int64Type>() {
                *lengths = Arc::new(numbers.unary::<_, Int64Type>(|length| length.max(0)));
            }
        }
        Some(ColumnarValue::Scalar(ScalarValue::Int64(Some(length)))) => *length = (*length).max(0),
        _ => {}
    }
}

/// Columns of a call, read as sizes.
struct Rows {
    columns: Vec<ArrayRef>,
}

impl Rows {
    fn of(call: &Call<'_>) -> Result<Self> {
        let columns = (0..call.count()).map(|index| call.column(index)).collect::<Result<_>>()?;
        Ok(Self { columns })
    }

    /// The integer at `row`; `None` for NULL and for columns that are not integers.
    fn int(&self, column: usize, row: usize) -> Option<i128> {
        let column = self.columns.get(column)?.as_primitive_opt::<Int64Type>()?;
        column.is_valid(row).then(|| i128::from(column.value(row)))
    }

    /// The bytes of the text at `row`; `None` for NULL.
    fn length(&self, column: usize, row: usize) -> Option<i128> {
        let column = self.columns.get(column)?;
        if column.is_null(row) {
            return None;
        }
        let bytes = match column.data_type() {
            DataType::Utf8 => column.as_string::<i32>().value(row).len(),
            DataType::LargeUtf8 => column.as_string::<i64>().value(row).len(),
            DataType::Utf8View => column.as_string_view().value(row).len(),
            _ => return None,
        };
        i128::try_from(bytes).ok()
    }
}

/// Bytes that one character of the padding may take.
fn pad_width(rows: &Rows, row: usize) -> i128 {
    if rows.length(2, row).is_some() { 4 } else { 1 }
}

fn texts(call: &Call<'_>, bytes: impl Fn(&Rows, usize) -> Option<i128>) -> Result<()> {
    check(call, bytes, TEXT_BYTES_MAX, "bytes of text")
}

fn lists(call: &Call<'_>, items: impl Fn(&Rows, usize) -> Option<i128>) -> Result<()> {
    check(call, items, LIST_ITEMS_MAX, "elements")
}

fn check(
    call: &Call<'_>,
    size: impl Fn(&Rows, usize) -> Option<i128>,
    size_max: i128,
    what: &str,
) -> Result<()> {
    let rows = Rows::of(call)?;
    let mut total: i128 = 0;
    for row in 0..call.rows() {
        let size = size(&rows, row).unwrap_or(0);
        if size > size_max {
            return exec_err!("the result would have {size} {what}; at most {size_max} are allowed");
        }
        total += size.max(0);
    }
    if total > CALL_TOTAL_MAX {
        return exec_err!("the results of one chunk would have {total} {what}");
    }
    Ok(())
}

/// At most so many elements has `range(start, stop, step)`; `None` when something is NULL.
fn series_length(rows: &Rows, row: usize) -> Option<i128> {
    let first = rows.columns.first()?;
    match first.data_type() {
        DataType::Int64 => {
            let (start, stop, step) = match rows.columns.len() {
                1 => (0, rows.int(0, row)?, 1),
                2 => (rows.int(0, row)?, rows.int(1, row)?, 1),
                _ => (rows.int(0, row)?, rows.int(1, row)?, rows.int(2, row)?),
            };
            steps(stop - start, step)
        }
        DataType::Date32 | DataType::Timestamp(_, _) => {
            let nanos = DataType::Timestamp(TimeUnit::Nanosecond, None);
            let at = |index: usize| -> Option<i128> {
                let column = arrow_cast::cast(rows.columns.get(index)?, &nanos).ok()?;
                let column = column.as_primitive::<TimestampNanosecondType>();
                column.is_valid(row).then(|| i128::from(column.value(row)))
            };
            let steps_column = rows.columns.get(2)?.as_primitive_opt::<IntervalMonthDayNanoType>()?;
            if steps_column.is_null(row) {
                return None;
            }
            steps(at(1)? - at(0)?, shortest_ns(steps_column.value(row)))
        }
        _ => None,
    }
}

fn steps(span: i128, step: i128) -> Option<i128> {
    // A step of 0 is the function's own error; a step away from the end makes an empty list.
    span.checked_div(step).map(|count| count + 1)
}

/// Nanoseconds that an interval has at least: months of 28 days.
fn shortest_ns(interval: IntervalMonthDayNano) -> i128 {
    let days = i128::from(interval.months) * 28 + i128::from(interval.days);
    days * 86_400_000_000_000 + i128::from(interval.nanoseconds)
}
