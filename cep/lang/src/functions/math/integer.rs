//! `mod`, `div`, tests of floats, `safe_div` and `width_bucket`.

use arrow_array::ArrayRef;
use arrow_array::types::{Float32Type, Float64Type};
use arrow_schema::DataType;
use datafusion_common::arrow::compute::kernels::numeric;
use datafusion_common::{Result, exec_err};
use datafusion_expr::binary::BinaryTypeCoercer;
use datafusion_expr::{Expr, Operator, binary_expr};

use crate::functions::call::Call;
use crate::functions::definition::{Definition, Param, Params, Returns};

pub(super) fn functions() -> Vec<Definition> {
    vec![
        Definition::new(
            "mod",
            "mod(a, b)",
            "Remainder of a / b, with the sign of a: a % b.",
            Params::exactly(&[Param::Common, Param::Common]),
            Returns::Of(remainder_type),
            |call| Ok(numeric::rem(&call.column(0)?, &call.column(1)?)?),
        )
        .rewritten(|args| {
            let [a, b] = pair("mod(a, b)", args)?;
            Ok(binary_expr(a, Operator::Modulo, b))
        }),
        Definition::new(
            "div",
            "div(a, b)",
            "Integer quotient, truncated towards zero. BIGINT; division by zero is an error.",
            Params::exactly(&[Param::Int, Param::Int]),
            Returns::Type(DataType::Int64),
            div,
        ),
        Definition::new(
            "safe_div",
            "safe_div(a, b [, otherwise])",
            "a / b as DOUBLE; NULL, or `otherwise`, when b is 0.",
            Params::with_optional(&[Param::Double, Param::Double], &[Param::Double]),
            Returns::Type(DataType::Float64),
            safe_div,
        )
        .aliased(&["safe_divide", "try_divide", "safedivide"]),
        Definition::new(
            "isinf",
            "isinf(x)",
            "True for ∞ and −∞.",
            Params::exactly(&[Param::Float]),
            Returns::Type(DataType::Boolean),
            |call| test(call, f64::is_infinite),
        )
        .aliased(&["is_inf", "is_infinite"]),
        Definition::new(
            "isfinite",
            "isfinite(x)",
            "True for a number that is neither infinite nor NaN.",
            Params::exactly(&[Param::Float]),
            Returns::Type(DataType::Boolean),
            |call| test(call, f64::is_finite),
        )
        .aliased(&["is_finite"]),
        Definition::new(
            "e",
            "e()",
            "Euler's number.",
            Params::exactly(&[]),
            Returns::Type(DataType::Float64),
            |call| call.build_double(|_| Ok(Some(std::f64::consts::E))),
        ),
        Definition::new(
            "width_bucket",
            "width_bucket(x, low, high, count)",
            "Number of the equal bucket between low and high that x falls into: 0 below, count + 1 above.",
            Params::exactly(&[Param::Double, Param::Double, Param::Double, Param::Int]),
            Returns::Type(DataType::Int64),
            width_bucket,
        ),
    ]
}

fn pair(syntax: &str, args: Vec<Expr>) -> Result<[Expr; 2]> {
    match <[Expr; 2]>::try_from(args) {
        Ok(pair) => Ok(pair),
        Err(args) => exec_err!("{} arguments where {syntax} has two", args.len()),
    }
}

fn remainder_type(arg_types: &[DataType]) -> Result<DataType> {
    match arg_types {
        [a, b] => BinaryTypeCoercer::new(a, &Operator::Modulo, b).get_result_type(),
        _ => exec_err!("mod(a, b) has two arguments"),
    }
}

fn div(call: &Call<'_>) -> Result<ArrayRef> {
    let (a, b) = (call.ints(0)?, call.ints(1)?);
    call.build_int(|row| match (a.at(row), b.at(row)) {
        (Some(_), Some(0)) => exec_err!("division by zero in div(a, b)"),
        (Some(a), Some(b)) => match a.checked_div(b) {
            Some(quotient) => Ok(Some(quotient)),
            None => exec_err!("{a} / {b} does not fit BIGINT"),
        },
        _ => Ok(None),
    })
}

fn safe_div(call: &Call<'_>) -> Result<ArrayRef> {
    let (a, b) = (call.doubles(0)?, call.doubles(1)?);
    let otherwise = if call.count() > 2 { Some(call.doubles(2)?) } else { None };
    call.build_double(|row| {
        Ok(match (a.at(row), b.at(row)) {
            (Some(_), Some(0.0)) => otherwise.as_ref().and_then(|cells| cells.at(row)),
            (Some(a), Some(b)) => Some(a / b),
            _ => None,
        })
    })
}

fn test(call: &Call<'_>, holds: fn(f64) -> bool) -> Result<ArrayRef> {
    match call.type_of(0)? {
        DataType::Float32 => {
            let floats = call.primitive::<Float32Type>(0)?;
            call.build_bool(|row| Ok(floats.at(row).map(|x| holds(x.into()))))
        }
        _ => {
            let floats = call.primitive::<Float64Type>(0)?;
            call.build_bool(|row| Ok(floats.at(row).map(holds)))
        }
    }
}

fn width_bucket(call: &Call<'_>) -> Result<ArrayRef> {
    let (x, low, high) = (call.doubles(0)?, call.doubles(1)?, call.doubles(2)?);
    let count = call.ints(3)?;
    call.build_int(|row| {
        let (Some(x), Some(low), Some(high), Some(count)) =
            (x.at(row), low.at(row), high.at(row), count.at(row))
        else {
            return Ok(None);
        };
        if count < 1 || !(low.is_finite() && high.is_finite() && low < high) {
            return exec_err!("width_bucket needs low < high and a count of at least 1");
        }
        if x.is_nan() || x >= high {
            return Ok(Some(count.saturating_add(1)));
        }
        if x < low {
            return Ok(Some(0));
        }
        let bucket = ((x - low) / (high - low) * count as f64) as i64;
        Ok(Some(bucket.min(count - 1) + 1))
    })
}
