//! One- and two-argument functions over FLOAT and DOUBLE, on the `libm` crate.

use std::sync::Arc;

use arrow_array::types::{ArrowPrimitiveType, Float32Type, Float64Type};
use arrow_array::{ArrayRef, PrimitiveArray};
use arrow_schema::DataType;
use datafusion_common::Result;

use crate::functions::call::Call;
use crate::functions::definition::{Definition, Param, Params, Returns};
use crate::functions::nan::{canonical_nan, canonical_nan_f32};

/// FLOAT when every argument is FLOAT, DOUBLE otherwise.
pub(super) fn float_of(arg_types: &[DataType]) -> Result<DataType> {
    let all_float = !arg_types.is_empty() && arg_types.iter().all(|t| *t == DataType::Float32);
    Ok(if all_float { DataType::Float32 } else { DataType::Float64 })
}

fn map_one<T: ArrowPrimitiveType>(call: &Call<'_>, f: impl Fn(T::Native) -> T::Native) -> Result<ArrayRef> {
    let x = call.primitive::<T>(0)?;
    let result: PrimitiveArray<T> = (0..call.rows()).map(|row| x.at(row).map(&f)).collect();
    Ok(Arc::new(result))
}

fn map_two<T: ArrowPrimitiveType>(
    call: &Call<'_>,
    f: impl Fn(T::Native, T::Native) -> T::Native,
) -> Result<ArrayRef> {
    let (x, y) = (call.primitive::<T>(0)?, call.primitive::<T>(1)?);
    let result: PrimitiveArray<T> = (0..call.rows()).map(|row| Some(f(x.at(row)?, y.at(row)?))).collect();
    Ok(Arc::new(result))
}

/// A [`Definition`] of one argument from a pair of `libm` functions.
macro_rules! unary {
    ($name:literal, $double:path, $float:path, $doc:literal) => {
        Definition::new(
            $name,
            concat!($name, "(x)"),
            $doc,
            Params::exactly(&[Param::Float]),
            Returns::Of(float_of),
            |call| match call.return_type() {
                DataType::Float32 => map_one::<Float32Type>(call, |x| canonical_nan_f32($float(x))),
                _ => map_one::<Float64Type>(call, |x| canonical_nan($double(x))),
            },
        )
    };
}

/// A [`Definition`] of two arguments from a pair of `libm` functions.
macro_rules! binary {
    ($name:literal, $syntax:literal, $double:path, $float:path, $doc:literal) => {
        Definition::new(
            $name,
            $syntax,
            $doc,
            Params::exactly(&[Param::Float, Param::Float]),
            Returns::Of(float_of),
            |call| match call.return_type() {
                DataType::Float32 => map_two::<Float32Type>(call, |x, y| canonical_nan_f32($float(x, y))),
                _ => map_two::<Float64Type>(call, |x, y| canonical_nan($double(x, y))),
            },
        )
    };
}

fn cot(x: f64) -> f64 {
    1.0 / libm::tan(x)
}

fn cotf(x: f32) -> f32 {
    1.0 / libm::tanf(x)
}

pub(super) fn functions() -> Vec<Definition> {
    vec![
        unary!("acos", libm::acos, libm::acosf, "Arc cosine, radians."),
        unary!("acosh", libm::acosh, libm::acoshf, "Inverse hyperbolic cosine."),
        unary!("asin", libm::asin, libm::asinf, "Arc sine, radians."),
        unary!("asinh", libm::asinh, libm::asinhf, "Inverse hyperbolic sine."),
        unary!("atan", libm::atan, libm::atanf, "Arc tangent, radians."),
        unary!("atanh", libm::atanh, libm::atanhf, "Inverse hyperbolic tangent."),
        unary!("cbrt", libm::cbrt, libm::cbrtf, "Cube root."),
        unary!("cos", libm::cos, libm::cosf, "Cosine of radians."),
        unary!("cosh", libm::cosh, libm::coshf, "Hyperbolic cosine."),
        unary!("cot", cot, cotf, "Cotangent of radians, 1 / tan(x)."),
        unary!("erf", libm::erf, libm::erff, "Error function."),
        unary!("exp", libm::exp, libm::expf, "e to the power of x."),
        unary!("exp2", libm::exp2, libm::exp2f, "2 to the power of x."),
        unary!("expm1", libm::expm1, libm::expm1f, "exp(x) − 1, exact near 0."),
        unary!("gamma", libm::tgamma, libm::tgammaf, "Gamma function."),
        unary!("lgamma", libm::lgamma, libm::lgammaf, "Natural logarithm of |gamma(x)|."),
        unary!("ln", libm::log, libm::logf, "Natural logarithm; NaN below 0, −∞ at 0."),
        unary!("log10", libm::log10, libm::log10f, "Logarithm to base 10; NaN below 0, −∞ at 0."),
        unary!("log1p", libm::log1p, libm::log1pf, "ln(1 + x), exact near 0."),
        unary!("log2", libm::log2, libm::log2f, "Logarithm to base 2; NaN below 0, −∞ at 0."),
        unary!("sin", libm::sin, libm::sinf, "Sine of radians."),
        unary!("sinh", libm::sinh, libm::sinhf, "Hyperbolic sine."),
        unary!("tan", libm::tan, libm::tanf, "Tangent of radians."),
        unary!("tanh", libm::tanh, libm::tanhf, "Hyperbolic tangent."),
        binary!(
            "atan2",
            "atan2(y, x)",
            libm::atan2,
            libm::atan2f,
            "Angle of the point (x, y), radians in −π..=π."
        ),
        binary!(
            "hypot",
            "hypot(x, y)",
            libm::hypot,
            libm::hypotf,
            "Length of the vector (x, y), without overflow in between."
        ),
    ]
}
