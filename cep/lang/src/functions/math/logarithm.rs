//! `log(x)` and `log(base, x)`.

use arrow_array::types::{Float32Type, Float64Type};
use arrow_schema::DataType;

use super::elementary::float_of;
use crate::functions::definition::{Definition, Param, Params, Returns};
use crate::functions::nan::canonical_nan_f32;

/// Logarithm of `x` to `base`: the exact functions for bases 10 and 2, otherwise a quotient of
/// natural logarithms.
fn log(base: f64, x: f64) -> f64 {
    if base == 10.0 {
        libm::log10(x)
    } else if base == 2.0 {
        libm::log2(x)
    } else {
        libm::log(x) / libm::log(base)
    }
}

fn logf(base: f32, x: f32) -> f32 {
    if base == 10.0 {
        libm::log10f(x)
    } else if base == 2.0 {
        libm::log2f(x)
    } else {
        libm::logf(x) / libm::logf(base)
    }
}

pub(super) fn functions() -> Vec<Definition> {
    vec![Definition::new(
        "log",
        "log(x) | log(base, x)",
        "Logarithm to a base, 10 if none is given.",
        Params::with_optional(&[Param::Float], &[Param::Float]),
        Returns::Of(float_of),
        |call| {
            let two = call.count() == 2;
            if *call.return_type() == DataType::Float32 {
                let (first, last) =
                    (call.primitive::<Float32Type>(0)?, call.primitive::<Float32Type>(usize::from(two))?);
                return call.build_primitive::<Float32Type>(|row| {
                    let base = if two { first.at(row) } else { Some(10.0) };
                    Ok(base.zip(last.at(row)).map(|(base, x)| canonical_nan_f32(logf(base, x))))
                });
            }
            let (first, last) =
                (call.primitive::<Float64Type>(0)?, call.primitive::<Float64Type>(usize::from(two))?);
            call.build_double(|row| {
                let base = if two { first.at(row) } else { Some(10.0) };
                Ok(base.zip(last.at(row)).map(|(base, x)| log(base, x)))
            })
        },
    )]
}
