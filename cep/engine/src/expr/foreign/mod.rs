//! What we leave to Arrow's kernels and to the function library.
//!
//! They work on whole arrays and fail as a whole; then the rows are halved until those at fault are
//! alone. A panic inside such a function is the error of its row: the functions are pure, so
//! nothing half-changed is left behind.

mod cast;
mod compare;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, LazyLock};

use arrow_arith::numeric;
use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, Datum, new_null_array};
use arrow_cast::{CastOptions, can_cast_types, cast_with_options};
use arrow_schema::{ArrowError, DataType, FieldRef};
use datafusion_common::DataFusionError;
use datafusion_common::config::ConfigOptions;
use datafusion_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDF};

use cast::{lenient, shown};
use compare::{compare, distinct};

use super::TEXT_BYTES_MAX;
use super::error::{RowErrorKind, RowErrors, RowFailure};
use super::input::Rows;
use super::kernel::cast::cast_failure;
use super::kernel::map::Failures;
use super::kernel::text::too_long;
use super::ops::{ArithOp, CmpOp};
use super::view::Reg;
use crate::column::{Column, Values};

/// The configuration functions see: DataFusion's defaults, always (R-DET-4).
static CONFIG: LazyLock<Arc<ConfigOptions>> = LazyLock::new(|| Arc::new(ConfigOptions::default()));

/// An operation on Arrow arrays.
#[derive(Debug, Clone)]
pub(super) struct Foreign {
    pub(super) op: ForeignOp,
    /// Types of the operands.
    pub(super) arg_types: Vec<DataType>,
    /// Type of the result.
    pub(super) out_type: DataType,
}

/// Which one.
#[derive(Debug, Clone)]
pub(super) enum ForeignOp {
    /// TIMESTAMP ± INTERVAL, integers of other widths, …
    Arith(ArithOp),
    Negate,
    Compare(CmpOp),
    Distinct {
        negated: bool,
    },
    /// A failed value is the error of its row, or NULL when `safe`.
    Cast {
        safe: bool,
    },
    Call {
        function: Arc<ScalarUDF>,
        arg_fields: Vec<FieldRef>,
        field: FieldRef,
    },
}

impl Foreign {
    /// Whether Arrow can do this at all: tried on no rows.
    pub(super) fn is_possible(&self) -> bool {
        match &self.op {
            ForeignOp::Call { .. } => true,
            ForeignOp::Cast { .. } => can_cast_types(&self.arg_types[0], &self.out_type),
            _ => {
                let args: Vec<ColumnarValue> =
                    self.arg_types.iter().map(|t| ColumnarValue::Array(new_null_array(t, 0))).collect();
                self.guarded(&args, 0).is_ok()
            }
        }
    }

    /// Computes `rows` rows into `out`.
    pub(super) fn run(
        &self,
        out: &mut Reg,
        rows: usize,
        args: &[ColumnarValue],
        failures: &mut Failures<'_>,
    ) {
        let mut parts = Vec::new();
        self.halve(args, 0, rows, &mut parts, failures);
        let array = match parts.len() {
            0 => new_null_array(&self.out_type, 0),
            1 => parts.swap_remove(0),
            _ => {
                let all: Vec<&dyn Array> = parts.iter().map(AsRef::as_ref).collect();
                arrow_select::concat::concat(&all).expect("every part has the type of the result")
            }
        };
        out.set_array(&array);
        canonical_nan(out);
        if let ForeignOp::Cast { safe: false } = self.op {
            self.find_failed_casts(out, rows, &args[0], failures);
        }
    }

    /// Computes one row.
    ///
    /// # Errors
    /// The row's failure.
    pub(super) fn run_row(&self, args: &[ColumnarValue]) -> Result<Column, RowFailure> {
        let mut errors = RowErrors::new();
        let mut out = Reg::default();
        self.run(&mut out, 1, args, &mut Failures { rows: Rows::All, errors: &mut errors });
        match errors.settle().first() {
            Some(error) => Err(error.failure.clone()),
            None => Ok(out.column),
        }
    }

    /// Runs rows `start..start + rows`; on failure each half apart, down to single rows.
    fn halve(
        &self,
        args: &[ColumnarValue],
        start: usize,
        rows: usize,
        parts: &mut Vec<ArrayRef>,
        failures: &mut Failures<'_>,
    ) {
        match self.guarded(args, rows) {
            Ok(array) => parts.push(array),
            Err(failure) if rows <= 1 => {
                if rows == 1 {
                    if !matches!(self.op, ForeignOp::Cast { safe: true }) {
                        failures.push(start, failure);
                    }
                    parts.push(new_null_array(&self.out_type, 1));
                }
            }
            Err(_) => {
                let half = rows / 2;
                self.halve(&slice(args, 0, half), start, half, parts, failures);
                self.halve(&slice(args, half, rows - half), start + half, rows - half, parts, failures);
            }
        }
    }

    /// Runs the operation; a panic inside it is an error.
    fn guarded(&self, args: &[ColumnarValue], rows: usize) -> Result<ArrayRef, RowFailure> {
        let result = catch_unwind(AssertUnwindSafe(|| self.invoke(args, rows)));
        let result = result.unwrap_or_else(|_| {
            let name = match &self.op {
                ForeignOp::Call { function, .. } => function.name(),
                _ => "the operation",
            };
            Err(RowFailure::new(RowErrorKind::Function, format!("{name} failed on these values")))
        });
        // Refused here, so that only the rows at fault are.
        result.and_then(|array| match longest_text(&array) {
            Some(bytes) if bytes > TEXT_BYTES_MAX => Err(too_long(bytes)),
            _ => Ok(array),
        })
    }

    fn invoke(&self, args: &[ColumnarValue], rows: usize) -> Result<ArrayRef, RowFailure> {
        let array = match &self.op {
            ForeignOp::Arith(op) => {
                let (a, b) = (datum(&args[0], rows, true)?, datum(&args[1], rows, false)?);
                let kernel = match op {
                    ArithOp::Add => numeric::add,
                    ArithOp::Sub => numeric::sub,
                    ArithOp::Mul => numeric::mul,
                    ArithOp::Div => numeric::div,
                    ArithOp::Mod => numeric::rem,
                };
                kernel(a.as_ref(), b.as_ref()).map_err(arrow_failure)?
            }
            ForeignOp::Negate => numeric::neg(array(&args[0], rows)?.as_ref()).map_err(arrow_failure)?,
            ForeignOp::Compare(op) => {
                let (a, b) = (array(&args[0], rows)?, array(&args[1], rows)?);
                compare(*op, &a, &b).map_err(arrow_failure)?
            }
            ForeignOp::Distinct { negated } => {
                let (a, b) = (array(&args[0], rows)?, array(&args[1], rows)?);
                distinct(*negated, &a, &b).map_err(arrow_failure)?
            }
            ForeignOp::Cast { .. } => {
                let input = array(&args[0], rows)?;
                lenient(&input, &self.out_type).map_err(|_| cast_failure(shown(&input, 0), &self.out_type))?
            }
            ForeignOp::Call { function, arg_fields, field } => call(function, arg_fields, field, args, rows)?,
        };
        if array.data_type() == &self.out_type {
            return Ok(array);
        }
        let options = CastOptions { safe: false, ..CastOptions::default() };
        cast_with_options(&array, &self.out_type, &options).map_err(arrow_failure)
    }

    /// Arrow's lenient cast says NULL where it failed.
    fn find_failed_casts(&self, out: &Reg, rows: usize, input: &ColumnarValue, failures: &mut Failures<'_>) {
        let Ok(input) = array(input, rows) else { return };
        for row in 0..rows {
            if input.is_valid(row) && !out.column.is_valid(row) {
                failures.push(row, cast_failure(shown(&input, row), &self.out_type));
            }
        }
    }
}

fn slice(args: &[ColumnarValue], start: usize, rows: usize) -> Vec<ColumnarValue> {
    args.iter()
        .map(|arg| match arg {
            ColumnarValue::Array(a) => ColumnarValue::Array(a.slice(start, rows)),
            ColumnarValue::Scalar(s) => ColumnarValue::Scalar(s.clone()),
        })
        .collect()
}

fn array(arg: &ColumnarValue, rows: usize) -> Result<ArrayRef, RowFailure> {
    match arg {
        ColumnarValue::Array(a) => Ok(Arc::clone(a)),
        ColumnarValue::Scalar(s) => s.to_array_of_size(rows).map_err(|e| function_failure("", &e)),
    }
}

/// An operand of Arrow's arithmetic: constants stay one value, unless the result would then be too
/// (`expand`).
fn datum(arg: &ColumnarValue, rows: usize, expand: bool) -> Result<Box<dyn Datum>, RowFailure> {
    match arg {
        ColumnarValue::Scalar(s) if !expand => {
            s.to_scalar().map(|s| Box::new(s) as Box<dyn Datum>).map_err(|e| function_failure("", &e))
        }
        other => Ok(Box::new(array(other, rows)?)),
    }
}

fn call(
    function: &Arc<ScalarUDF>,
    arg_fields: &[FieldRef],
    field: &FieldRef,
    args: &[ColumnarValue],
    rows: usize,
) -> Result<ArrayRef, RowFailure> {
    let input = ScalarFunctionArgs {
        args: args.to_vec(),
        arg_fields: arg_fields.to_vec(),
        number_rows: rows,
        return_field: Arc::clone(field),
        config_options: Arc::clone(&CONFIG),
    };
    let result = function.invoke_with_args(input).map_err(|e| function_failure(function.name(), &e))?;
    let array = match result {
        ColumnarValue::Array(a) => a,
        ColumnarValue::Scalar(s) => {
            s.to_array_of_size(rows).map_err(|e| function_failure(function.name(), &e))?
        }
    };
    if array.len() != rows {
        let text = format!("{}: returned {} values for {rows} rows", function.name(), array.len());
        return Err(RowFailure::new(RowErrorKind::Function, text));
    }
    Ok(array)
}

fn function_failure(name: &str, error: &DataFusionError) -> RowFailure {
    if let DataFusionError::ArrowError(e, _) = error
        && matches!(**e, ArrowError::DivideByZero | ArrowError::ArithmeticOverflow(_))
    {
        return arrow_failure_of(e);
    }
    let text = error.strip_backtrace();
    // DataFusion prefixes the class of the error, which says nothing to a user.
    let text = ["Execution error: ", "Arrow error: ", "This feature is not implemented: "]
        .iter()
        .fold(text.as_str(), |t, prefix| t.strip_prefix(prefix).unwrap_or(t));
    let message = if name.is_empty() { text.to_owned() } else { format!("{name}: {text}") };
    RowFailure::new(RowErrorKind::Function, message)
}

#[expect(clippy::needless_pass_by_value, reason = "the shape map_err wants")]
fn arrow_failure(error: ArrowError) -> RowFailure {
    arrow_failure_of(&error)
}

fn arrow_failure_of(error: &ArrowError) -> RowFailure {
    match error {
        ArrowError::DivideByZero => RowFailure::division_by_zero(),
        ArrowError::ArithmeticOverflow(text) => RowFailure::new(RowErrorKind::Overflow, text.clone()),
        other => RowFailure::new(RowErrorKind::Function, other.to_string()),
    }
}

/// Length in bytes of the longest text.
fn longest_text(array: &ArrayRef) -> Option<usize> {
    fn longest<'a>(values: impl Iterator<Item = Option<&'a [u8]>>) -> Option<usize> {
        values.flatten().map(<[u8]>::len).max()
    }
    match array.data_type() {
        _ if array.get_buffer_memory_size() <= TEXT_BYTES_MAX => None,
        DataType::Utf8 => longest(array.as_string::<i32>().iter().map(|v| v.map(str::as_bytes))),
        DataType::LargeUtf8 => longest(array.as_string::<i64>().iter().map(|v| v.map(str::as_bytes))),
        DataType::Utf8View => longest(array.as_string_view().iter().map(|v| v.map(str::as_bytes))),
        DataType::Binary => longest(array.as_binary::<i32>().iter()),
        DataType::LargeBinary => longest(array.as_binary::<i64>().iter()),
        DataType::BinaryView => longest(array.as_binary_view().iter()),
        _ => None,
    }
}

/// One NaN (R-DET-4), whatever the library made.
fn canonical_nan(out: &mut Reg) {
    match &mut out.column.values {
        Values::F64(v) if v.iter().any(|x| x.is_nan() && x.to_bits() != f64::NAN.to_bits()) => {
            v.to_mut().iter_mut().filter(|x| x.is_nan()).for_each(|x| *x = f64::NAN);
        }
        Values::F32(v) if v.iter().any(|x| x.is_nan() && x.to_bits() != f32::NAN.to_bits()) => {
            v.to_mut().iter_mut().filter(|x| x.is_nan()).for_each(|x| *x = f32::NAN);
        }
        _ => {}
    }
}
