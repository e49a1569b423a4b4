//! Choices: `if`, `coalesce` and its relatives, `clamp`, `nullifzero`, `zeroifnull`.

use arrow_array::cast::AsArray;
use arrow_array::types::{Float32Type, Float64Type};
use arrow_array::{ArrayRef, BooleanArray};
use arrow_schema::DataType;
use datafusion_common::arrow::compute::kernels::cmp;
use datafusion_common::arrow::compute::{is_not_null, is_null, nullif, or};
use datafusion_common::{Result, ScalarValue, exec_err, plan_err};
use datafusion_expr::{Expr, when};

use super::call::Call;
use super::definition::{Definition, Param, Params, Returns};

pub(super) fn functions() -> Vec<Definition> {
    vec![
        Definition::new(
            "if",
            "if(condition, a, b)",
            "a when the condition is true, otherwise b; only the chosen one is evaluated.",
            Params::exactly(&[Param::Bool, Param::Common, Param::Common]),
            Returns::Of(second_type),
            |call| {
                let condition = call.column(0)?;
                let condition = datafusion_common::cast::as_boolean_array(&condition)?;
                // NULL chooses `b`, as in CASE.
                let chosen: BooleanArray = condition.iter().map(|c| Some(c == Some(true))).collect();
                Ok(arrow_select::zip::zip(&chosen, &call.column(1)?, &call.column(2)?)?)
            },
        )
        .aliased(&["iif", "ifthenelse", "if_then_else"])
        .rewritten(|args| match <[Expr; 3]>::try_from(args) {
            Ok([condition, a, b]) => when(condition, a).otherwise(b),
            Err(_) => plan_err!("if takes a condition and two values: if(condition, a, b)"),
        }),
        Definition::new(
            "coalesce",
            "coalesce(x, …)",
            "The first argument that is not NULL; later ones are not evaluated.",
            Params::variadic(&[Param::Common], Param::Common),
            Returns::Of(first_type),
            first_known,
        )
        .aliased(&["default"])
        .rewritten(first_known_expr),
        Definition::new(
            "nvl",
            "nvl(x, otherwise)",
            "x, or `otherwise` when x is NULL.",
            Params::exactly(&[Param::Common, Param::Common]),
            Returns::Of(first_type),
            first_known,
        )
        .aliased(&["ifnull"])
        .rewritten(first_known_expr),
        Definition::new(
            "nvl2",
            "nvl2(x, a, b)",
            "a when x is not NULL, otherwise b.",
            Params::exactly(&[Param::Any, Param::Common, Param::Common]),
            Returns::Of(second_type),
            |call| {
                let known = is_not_null(&call.column(0)?)?;
                Ok(arrow_select::zip::zip(&known, &call.column(1)?, &call.column(2)?)?)
            },
        )
        .rewritten(|args| match <[Expr; 3]>::try_from(args) {
            Ok([x, a, b]) => when(x.is_not_null(), a).otherwise(b),
            Err(_) => plan_err!("nvl2 takes a value and two results: nvl2(x, a, b)"),
        }),
        not_null(),
        Definition::new(
            "clamp",
            "clamp(x, low, high)",
            "x, but not below low nor above high. NULL when an argument is NULL, NaN when x is; low above high is an error.",
            Params::exactly(&[Param::Common, Param::Common, Param::Common]),
            Returns::Of(first_type),
            clamp,
        ),
        Definition::new(
            "nullifzero",
            "nullifzero(x)",
            "NULL when x is 0, otherwise x.",
            Params::exactly(&[Param::Common]),
            Returns::Of(first_type),
            |call| {
                let x = call.column(0)?;
                let zero = ScalarValue::new_zero(x.data_type())?.to_scalar()?;
                Ok(nullif(&x, &cmp::eq(&x, &zero)?)?)
            },
        ),
        Definition::new(
            "zeroifnull",
            "zeroifnull(x)",
            "0 when x is NULL, otherwise x.",
            Params::exactly(&[Param::Common]),
            Returns::Of(first_type),
            |call| {
                let x = call.column(0)?;
                let zero = ScalarValue::new_zero(x.data_type())?.to_scalar()?;
                Ok(arrow_select::zip::zip(&is_null(&x)?, &zero, &x)?)
            },
        ),
    ]
}

/// A value that must not be NULL; INSERT checks NOT NULL columns with it.
pub(super) fn not_null() -> Definition {
    Definition::new(
        "not_null",
        "not_null(x, name)",
        "x; a NULL is an error of the row, which calls it by `name`.",
        Params::exactly(&[Param::Any, Param::Text]),
        Returns::Of(first_type),
        |call| {
            let x = call.column(0)?;
            let name = call.text(1)?;
            match (0..x.len()).find(|row| x.is_null(*row)) {
                None => Ok(x),
                Some(row) => exec_err!("{} is NULL", name.at(row).unwrap_or("the value")),
            }
        },
    )
}

fn first_known(call: &Call<'_>) -> Result<ArrayRef> {
    let mut result = call.column(0)?;
    for index in 1..call.count() {
        result = arrow_select::zip::zip(&is_null(&result)?, &call.column(index)?, &result)?;
    }
    Ok(result)
}

/// `CASE WHEN a IS NOT NULL THEN a WHEN … ELSE z END`.
fn first_known_expr(mut args: Vec<Expr>) -> Result<Expr> {
    let Some(last) = args.pop() else {
        return plan_err!("coalesce needs an argument");
    };
    let mut args = args.into_iter();
    let Some(first) = args.next() else {
        return Ok(last);
    };
    let mut case = when(first.clone().is_not_null(), first);
    for arg in args {
        case = case.when(arg.clone().is_not_null(), arg);
    }
    case.otherwise(last)
}

fn first_type(arg_types: &[DataType]) -> Result<DataType> {
    match arg_types.first() {
        Some(first) => Ok(first.clone()),
        None => plan_err!("an argument is missing"),
    }
}

fn second_type(arg_types: &[DataType]) -> Result<DataType> {
    first_type(arg_types.get(1..).unwrap_or_default())
}

fn clamp(call: &Call<'_>) -> Result<ArrayRef> {
    let (x, low, high) = (call.column(0)?, call.column(1)?, call.column(2)?);
    if x.data_type().is_null() {
        return Ok(call.nulls());
    }
    if cmp::gt(&low, &high)?.true_count() > 0 {
        return exec_err!("clamp(x, low, high) with low above high");
    }
    let not_a_number: BooleanArray = match x.data_type() {
        DataType::Float64 => BooleanArray::from_unary(x.as_primitive::<Float64Type>(), f64::is_nan),
        DataType::Float32 => BooleanArray::from_unary(x.as_primitive::<Float32Type>(), f32::is_nan),
        _ => BooleanArray::from(vec![false; call.rows()]),
    };
    let raised = arrow_select::zip::zip(&cmp::lt(&x, &low)?, &low, &x)?;
    let bounded = arrow_select::zip::zip(&cmp::gt(&raised, &high)?, &high, &raised)?;
    let result = arrow_select::zip::zip(&not_a_number, &x, &bounded)?;
    let unknown = or(&is_null(&x)?, &or(&is_null(&low)?, &is_null(&high)?)?)?;
    Ok(nullif(&result, &unknown)?)
}
