//! A function for the tests: fails for some rows, panics for one.

use std::sync::Arc;

use arrow_array::Int64Array;
use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use arrow_schema::{DataType, Field};
use cep_lang::plan::{Expr, ExprKind};
use datafusion_common::{Result, ScalarValue, exec_err};
use datafusion_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility};

use super::typed;

/// Half of a BIGINT; refuses negative numbers, and [`PANICS`] by a panic.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Half {
    name: &'static str,
    signature: Signature,
}

/// What no function should do.
pub(super) const PANICS: i64 = 77;

impl ScalarUDFImpl for Half {
    fn name(&self) -> &str {
        self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Int64)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        match &args.args[0] {
            ColumnarValue::Scalar(ScalarValue::Int64(v)) => {
                Ok(ColumnarValue::Scalar(ScalarValue::Int64(v.map(half).transpose()?)))
            }
            ColumnarValue::Array(array) => {
                let array = array.as_primitive::<Int64Type>();
                assert_eq!(array.len(), args.number_rows);
                let halves: Vec<Option<i64>> =
                    array.iter().map(|v| v.map(half).transpose()).collect::<Result<_>>()?;
                Ok(ColumnarValue::Array(Arc::new(Int64Array::from(halves))))
            }
            other => exec_err!("{other:?}"),
        }
    }
}

fn half(v: i64) -> Result<i64> {
    assert_ne!(v, PANICS, "a panic on purpose");
    if v < 0 { exec_err!("{v} is negative") } else { Ok(v / 2) }
}

fn call_as(name: &'static str, volatility: Volatility, args: Vec<Expr>) -> Expr {
    let signature = Signature::exact(vec![DataType::Int64], volatility);
    let function = Arc::new(ScalarUDF::from(Half { name, signature }));
    let field = Arc::new(Field::new(name, DataType::Int64, true));
    typed(ExprKind::Call { function, args, field }, DataType::Int64)
}

/// A function that the compiler may know by name.
pub(super) fn call(name: &'static str, args: Vec<Expr>) -> Expr {
    call_as(name, Volatility::Immutable, args)
}

pub(super) fn call_half(input: Expr) -> Expr {
    call("half", vec![input])
}

pub(super) fn call_volatile(input: Expr) -> Expr {
    call_as("dice", Volatility::Volatile, vec![input])
}

/// `coalesce`, which the compiler knows by name.
pub(super) fn coalesce(args: Vec<Expr>) -> Expr {
    call("coalesce", args)
}
