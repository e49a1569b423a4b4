//! DataFusion's functions as the library offers them.
//!
//! Results are types of R-EVT-2 (positions and lengths are unsigned there and here BIGINT; times come
//! in many units there and here in nanoseconds), NaN is canonical, and a call whose result would be
//! far larger than its input is an error instead of an allocation.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use arrow_schema::{DataType, Field, FieldRef, IntervalUnit, TimeUnit};
use datafusion_common::{Result, ScalarValue};
use datafusion_expr::{
    ColumnarValue, Documentation, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
};

use super::bounds::{self, Bound};
use super::call::Call;
use super::datetime::{check_formats, epoch_part, unix_seconds};
use super::nan::{canonical_nan, canonical_nan_f32, canonicalize_floats};
use super::rowwise;

/// `inner`, with a result of [`own_type`], canonical NaN and a bound on its size.
#[derive(Debug)]
struct Adapted {
    inner: Arc<ScalarUDF>,
    bound: Option<Bound>,
}

impl PartialEq for Adapted {
    fn eq(&self, other: &Self) -> bool {
        self.inner == other.inner
    }
}

impl Eq for Adapted {}

impl Hash for Adapted {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.inner.hash(state);
    }
}

/// `function` as the library offers it.
pub(super) fn adapted(inner: Arc<ScalarUDF>) -> Arc<ScalarUDF> {
    let bound = bounds::of(inner.name());
    Arc::new(ScalarUDF::new_from_impl(Adapted { inner, bound }))
}

/// The Arrow type that R-EVT-2 uses for what `data_type` holds.
pub(super) fn own_type(data_type: &DataType) -> DataType {
    let list_item = |field: &FieldRef| {
        Arc::new(Field::new(field.name(), own_type(field.data_type()), field.is_nullable()))
    };
    match data_type {
        DataType::UInt8 | DataType::UInt16 | DataType::UInt32 | DataType::UInt64 => DataType::Int64,
        DataType::Utf8View | DataType::LargeUtf8 => DataType::Utf8,
        DataType::BinaryView | DataType::LargeBinary => DataType::Binary,
        DataType::Int8 | DataType::Int16 => DataType::Int32,
        DataType::Float16 => DataType::Float32,
        DataType::Decimal32(precision, scale) | DataType::Decimal64(precision, scale) => {
            DataType::Decimal128(*precision, *scale)
        }
        DataType::Date64 => DataType::Timestamp(TimeUnit::Nanosecond, None),
        DataType::Timestamp(_, zone) => DataType::Timestamp(TimeUnit::Nanosecond, zone.clone()),
        DataType::Time32(_) | DataType::Time64(_) => DataType::Time64(TimeUnit::Nanosecond),
        DataType::Interval(_) | DataType::Duration(_) => DataType::Interval(IntervalUnit::MonthDayNano),
        DataType::List(field) => DataType::List(list_item(field)),
        other => other.clone(),
    }
}

impl ScalarUDFImpl for Adapted {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn aliases(&self) -> &[String] {
        self.inner.aliases()
    }

    fn signature(&self) -> &Signature {
        self.inner.signature()
    }

    fn return_type(&self, arg_types: &[DataType]) -> Result<DataType> {
        Ok(own_type(&self.inner.return_type(arg_types)?))
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs) -> Result<FieldRef> {
        check_formats(self.name(), &args)?;
        let field = self.inner.return_field_from_args(args)?;
        let data_type = own_type(field.data_type());
        Ok(Arc::new(field.as_ref().clone().with_data_type(data_type)))
    }

    fn coerce_types(&self, arg_types: &[DataType]) -> Result<Vec<DataType>> {
        self.inner.coerce_types(arg_types)
    }

    fn is_strict(&self) -> bool {
        self.inner.is_strict()
    }

    fn short_circuits(&self) -> bool {
        self.inner.short_circuits()
    }

    fn invoke_with_args(&self, mut args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        if let Some(bound) = self.bound {
            bound(&Call::new(self.name(), &args)?)?;
        }
        if rowwise::is_needed(self.name(), &args) {
            return rowwise::each(&args, |row| self.invoke_with_args(row));
        }
        bounds::clamp_lengths(self.name(), &mut args);
        if let Some(seconds) = epoch_part(self.name(), &args) {
            return Ok(seconds);
        }
        if let Some(seconds) = unix_seconds(self.name(), &args)? {
            return Ok(seconds);
        }
        let doubted = rowwise::doubted(&args);
        let wanted = Arc::clone(&args.return_field);
        let literals: Vec<Option<&ScalarValue>> = args
            .args
            .iter()
            .map(|arg| match arg {
                ColumnarValue::Scalar(scalar) => Some(scalar),
                ColumnarValue::Array(_) => None,
            })
            .collect();
        args.return_field = self.inner.return_field_from_args(ReturnFieldArgs {
            arg_fields: &args.arg_fields,
            scalar_arguments: &literals,
        })?;
        let result = self.inner.invoke_with_args(args)?;
        if let (ColumnarValue::Scalar(_), Some(args)) = (&result, doubted) {
            return rowwise::each(&args, |row| self.invoke_with_args(row));
        }
        match result.cast_to(wanted.data_type(), None)? {
            ColumnarValue::Array(array) => Ok(ColumnarValue::Array(canonicalize_floats(array))),
            ColumnarValue::Scalar(ScalarValue::Float64(value)) => {
                Ok(ColumnarValue::Scalar(ScalarValue::Float64(value.map(canonical_nan))))
            }
            ColumnarValue::Scalar(ScalarValue::Float32(value)) => {
                Ok(ColumnarValue::Scalar(ScalarValue::Float32(value.map(canonical_nan_f32))))
            }
            scalar @ ColumnarValue::Scalar(_) => Ok(scalar),
        }
    }

    fn documentation(&self) -> Option<&Documentation> {
        self.inner.documentation()
    }
}
