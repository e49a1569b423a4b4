//! Functions of the library that look at the first row alone, and take it for all rows.
//!
//! Called for a chunk, their result would depend on which rows come together (R-DET-1). Some read an
//! argument once; some give one result when a constant stands beside a column.

use arrow_select::concat::concat;
use datafusion_common::Result;
use datafusion_expr::{ColumnarValue, ScalarFunctionArgs};

/// Whether a call must be made row by row: an argument that is read once changes from row to row.
pub(super) fn is_needed(name: &str, args: &ScalarFunctionArgs) -> bool {
    let read_once = match name {
        "array_sort" => args.args.get(1..).unwrap_or_default(),
        _ => &[],
    };
    args.number_rows > 1 && read_once.iter().any(|arg| matches!(arg, ColumnarValue::Array(_)))
}

/// The call to be made row by row should one result come back for all rows: constants stand beside
/// columns, and no NULL decides the result.
pub(super) fn doubted(args: &ScalarFunctionArgs) -> Option<ScalarFunctionArgs> {
    let is_column = |arg: &ColumnarValue| matches!(arg, ColumnarValue::Array(_));
    let is_null = |arg: &ColumnarValue| matches!(arg, ColumnarValue::Scalar(value) if value.is_null());
    let is_mixed = args.args.iter().any(is_column) && !args.args.iter().all(is_column);
    (args.number_rows > 1 && is_mixed && !args.args.iter().any(is_null)).then(|| args.clone())
}

/// Calls for each row alone.
pub(super) fn each(
    args: &ScalarFunctionArgs,
    call: impl Fn(ScalarFunctionArgs) -> Result<ColumnarValue>,
) -> Result<ColumnarValue> {
    let one = |row: usize| {
        let of_row = |arg: &ColumnarValue| match arg {
            ColumnarValue::Array(array) => ColumnarValue::Array(array.slice(row, 1)),
            scalar @ ColumnarValue::Scalar(_) => scalar.clone(),
        };
        let args = ScalarFunctionArgs {
            args: args.args.iter().map(of_row).collect(),
            number_rows: 1,
            ..args.clone()
        };
        call(args)?.into_array(1)
    };
    let rows = (0..args.number_rows).map(one).collect::<Result<Vec<_>>>()?;
    let rows: Vec<_> = rows.iter().map(|row| row.as_ref()).collect();
    Ok(ColumnarValue::Array(concat(&rows)?))
}
