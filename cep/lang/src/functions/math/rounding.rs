//! `round(x[, digits])` and `trunc(x[, digits])`: DataFusion's for integers and decimals, ours for
//! floats, where DataFusion scales by `powi`.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use arrow_array::ArrayRef;
use arrow_array::cast::AsArray;
use arrow_array::types::{Float32Type, Float64Type, Int64Type};
use arrow_array::{Array, PrimitiveArray};
use arrow_schema::{DataType, Field, FieldRef};
use datafusion_common::{Result, internal_err};
use datafusion_expr::type_coercion::functions::fields_with_udf;
use datafusion_expr::{
    ColumnarValue, Documentation, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
    Volatility,
};

use super::power::power_of_ten;
use crate::functions::call::Call;
use crate::functions::nan::{canonical_nan, canonical_nan_f32};

/// What happens to the scaled value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Mode {
    /// To the nearest, halves away from zero.
    Nearest,
    /// Towards zero.
    TowardsZero,
}

impl Mode {
    fn whole(self, x: f64) -> f64 {
        match self {
            Self::Nearest => libm::round(x),
            Self::TowardsZero => libm::trunc(x),
        }
    }

    /// `x` with `digits` decimals. Where scaling leaves the range of DOUBLE, `x` has no digits that
    /// could go (many digits) or none that could stay (many negative digits).
    fn apply(self, x: f64, digits: i64) -> f64 {
        if !x.is_finite() {
            return canonical_nan(x);
        }
        let digits = i32::try_from(digits.clamp(-400, 400)).unwrap_or(0);
        let factor = power_of_ten(digits.abs());
        if digits >= 0 {
            let scaled = x * factor;
            if !scaled.is_finite() {
                return x;
            }
            return self.whole(scaled) / factor;
        }
        if !factor.is_finite() {
            return 0.0;
        }
        self.whole(x / factor) * factor
    }

    /// As [`Mode::apply`], scaled in double precision, where every FLOAT times 10^22 is exact
    /// enough to round once.
    fn apply_f32(self, x: f32, digits: i64) -> f32 {
        canonical_nan_f32(self.apply(f64::from(x), digits) as f32)
    }
}

#[derive(Debug)]
struct Rounding {
    inner: Arc<ScalarUDF>,
    mode: Mode,
    signature: Signature,
}

impl PartialEq for Rounding {
    fn eq(&self, other: &Self) -> bool {
        self.mode == other.mode
    }
}

impl Eq for Rounding {}

impl Hash for Rounding {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.mode.hash(state);
    }
}

/// `round`.
pub(super) fn round() -> Arc<ScalarUDF> {
    Arc::new(ScalarUDF::new_from_impl(Rounding {
        inner: datafusion_functions::math::round(),
        mode: Mode::Nearest,
        signature: Signature::user_defined(Volatility::Immutable),
    }))
}

/// `trunc`.
pub(super) fn trunc() -> Arc<ScalarUDF> {
    Arc::new(ScalarUDF::new_from_impl(Rounding {
        inner: datafusion_functions::math::trunc(),
        mode: Mode::TowardsZero,
        signature: Signature::user_defined(Volatility::Immutable),
    }))
}

impl ScalarUDFImpl for Rounding {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, arg_types: &[DataType]) -> Result<DataType> {
        self.inner.return_type(arg_types)
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs) -> Result<FieldRef> {
        self.inner.return_field_from_args(args)
    }

    fn is_strict(&self) -> bool {
        self.inner.is_strict()
    }

    fn coerce_types(&self, arg_types: &[DataType]) -> Result<Vec<DataType>> {
        let fields: Vec<FieldRef> = arg_types
            .iter()
            .map(|data_type| Arc::new(Field::new("argument", data_type.clone(), true)))
            .collect();
        let mut types: Vec<DataType> = fields_with_udf(&fields, self.inner.as_ref())?
            .iter()
            .map(|field| field.data_type().clone())
            .collect();
        // A literal number of digits must stay a literal: the type of a DECIMAL result depends on it.
        if let Some(digits) = types.get_mut(1) {
            *digits = DataType::Int64;
        }
        Ok(types)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let is_float = |arg: &ColumnarValue| matches!(arg.data_type(), DataType::Float32 | DataType::Float64);
        if !args.args.first().is_some_and(is_float) {
            return self.invoke_inner(args);
        }
        let call = Call::new(self.name(), &args)?;
        let digits = digits(&call)?;
        let value = call.column(0)?;
        let result: ArrayRef = match value.data_type() {
            DataType::Float32 => Arc::new(
                rows(value.as_primitive::<Float32Type>(), &digits)
                    .map(|pair| pair.map(|(x, digits)| self.mode.apply_f32(x, digits)))
                    .collect::<PrimitiveArray<Float32Type>>(),
            ),
            DataType::Float64 => Arc::new(
                rows(value.as_primitive::<Float64Type>(), &digits)
                    .map(|pair| pair.map(|(x, digits)| self.mode.apply(x, digits)))
                    .collect::<PrimitiveArray<Float64Type>>(),
            ),
            other => return internal_err!("{} over {other}", self.name()),
        };
        call.finish(result)
    }

    fn documentation(&self) -> Option<&Documentation> {
        self.inner.documentation()
    }
}

impl Rounding {
    /// DataFusion's kernel, which wants the number of digits in a type of its own.
    fn invoke_inner(&self, mut args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let wanted = match self.mode {
            Mode::Nearest => DataType::Int32,
            Mode::TowardsZero => DataType::Int64,
        };
        if let (Some(digits), Some(field)) = (args.args.get_mut(1), args.arg_fields.get_mut(1)) {
            *digits = digits.cast_to(&wanted, None)?;
            *field = Arc::new(field.as_ref().clone().with_data_type(wanted));
        }
        self.inner.invoke_with_args(args)
    }
}

/// The digits of every row: 0 when the argument is left out.
fn digits(call: &Call<'_>) -> Result<Vec<Option<i64>>> {
    if call.count() < 2 {
        return Ok(vec![Some(0); call.rows()]);
    }
    let column = call.column(1)?;
    match column.data_type() {
        DataType::Int64 => Ok(column.as_primitive::<Int64Type>().iter().collect()),
        DataType::Null => Ok(vec![None; column.len()]),
        other => internal_err!("digits are {other} where an integer was due"),
    }
}

fn rows<'a, T: arrow_array::types::ArrowPrimitiveType>(
    values: &'a PrimitiveArray<T>,
    digits: &'a [Option<i64>],
) -> impl Iterator<Item = Option<(T::Native, i64)>> + 'a {
    values.iter().zip(digits).map(|(value, digits)| value.zip(*digits))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounding_examples() {
        let nearest = [
            (2.5, 0, 3.0),
            (-2.5, 0, -3.0),
            (2.4, 0, 2.0),
            (1.2345, 2, 1.23),
            (1234.5, -2, 1200.0),
            (1e300, 20, 1e300),
            (5.0, 400, 5.0),
            (5.0, -400, 0.0),
            (0.1 + 0.2, 15, 0.3),
        ];
        for (x, digits, expected) in nearest {
            assert_eq!(Mode::Nearest.apply(x, digits), expected, "round({x}, {digits})");
        }
        let towards_zero = [(2.9, 0, 2.0), (-2.9, 0, -2.0), (1.29, 1, 1.2), (199.0, -2, 100.0)];
        for (x, digits, expected) in towards_zero {
            assert_eq!(Mode::TowardsZero.apply(x, digits), expected, "trunc({x}, {digits})");
        }
        assert!(Mode::Nearest.apply(f64::NAN, 2).is_nan());
        assert_eq!(Mode::Nearest.apply(f64::INFINITY, 2), f64::INFINITY);
        assert_eq!(Mode::Nearest.apply_f32(1.15, 1), 1.1);
    }
}
