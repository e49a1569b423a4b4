//! Rules worth an example each.

use std::sync::Arc;

use arrow_array::{ArrayRef, Float64Array, Int64Array, StringArray};
use arrow_schema::DataType;
use cep_lang::plan::{BinaryOp, Expr, ExprKind, UnaryOp};

use super::{Chunk, binary, boolean, cast, col, filter, lit, run, typed, unary};
use crate::expr::{Compiled, DEPTH_MAX, ExprError, Rows};

fn ints(values: &[i64]) -> Chunk {
    Chunk::new(vec![Arc::new(Int64Array::from(values.to_vec()))])
}

fn texts(expr: &Expr, chunk: &Chunk) -> Vec<String> {
    run(expr, &mut Compiled::new(expr).unwrap(), chunk, 0, Rows::All)
        .into_iter()
        .map(|o| o.map_or_else(|e| format!("error: {e}"), |v| v.to_string()))
        .collect()
}

fn x() -> Expr {
    col(0, DataType::Int64)
}

#[test]
fn error_texts_say_value_and_target() {
    let chunk = ints(&[i64::MAX, 0]);
    let sum = binary(BinaryOp::Add, x(), lit(1i64.into()), DataType::Int64);
    assert_eq!(texts(&sum, &chunk), ["error: BIGINT overflow in 9223372036854775807 + 1", "1"]);
    let quotient = binary(BinaryOp::Div, lit(1i64.into()), x(), DataType::Int64);
    assert_eq!(texts(&quotient, &chunk), ["0", "error: division by zero"]);
    let narrow = cast(x(), DataType::Int32, false);
    assert_eq!(texts(&narrow, &chunk), ["error: cannot cast 9223372036854775807 to INT", "0"]);
    let words = Chunk::new(vec![Arc::new(StringArray::from(vec!["abc", "7"])) as ArrayRef]);
    let parsed = cast(col(0, DataType::Utf8), DataType::Int64, false);
    assert_eq!(texts(&parsed, &words), ["error: cannot cast 'abc' to BIGINT", "7"]);
}

#[test]
fn a_constant_that_fails_fails_its_rows_only_where_it_is_reached() {
    let failing = binary(BinaryOp::Div, lit(1i64.into()), lit(0i64.into()), DataType::Int64);
    let case = typed(
        ExprKind::Case {
            branches: vec![(boolean(BinaryOp::Gt, x(), lit(1i64.into())), failing.clone())],
            otherwise: Some(Box::new(x())),
        },
        DataType::Int64,
    );
    assert_eq!(texts(&case, &ints(&[1, 2])), ["1", "error: division by zero"]);
    assert_eq!(texts(&failing, &ints(&[1, 2])), ["error: division by zero"; 2]);
}

#[test]
fn and_absorbs_errors_of_rows_it_does_not_evaluate() {
    let safe = boolean(
        BinaryOp::And,
        boolean(BinaryOp::NotEq, x(), lit(0i64.into())),
        boolean(
            BinaryOp::Gt,
            binary(BinaryOp::Div, lit(10i64.into()), x(), DataType::Int64),
            lit(4i64.into()),
        ),
    );
    assert_eq!(texts(&safe, &ints(&[0, 2, 5])), ["false", "true", "false"]);
    assert_eq!(filter(&mut Compiled::new(&safe).unwrap(), &ints(&[0, 2, 5])), (vec![1], vec![]));
}

#[test]
fn nan_equals_nan_and_is_above_infinity() {
    let chunk = Chunk::new(vec![Arc::new(Float64Array::from(vec![f64::NAN, f64::INFINITY, -0.0]))]);
    let v = || col(0, DataType::Float64);
    let above = boolean(BinaryOp::Gt, v(), lit(f64::INFINITY.into()));
    assert_eq!(texts(&above, &chunk), ["true", "false", "false"]);
    assert_eq!(texts(&boolean(BinaryOp::Eq, v(), v()), &chunk), ["true"; 3]);
    assert_eq!(texts(&boolean(BinaryOp::Eq, v(), lit(0.0.into())), &chunk), ["false", "false", "true"]);
}

fn nested(levels: usize, mut wrap: impl FnMut(Expr) -> Expr) -> Expr {
    (0..levels).fold(x(), |inner, _| wrap(inner))
}

#[test]
fn deep_nesting_is_refused_and_what_is_accepted_runs_on_a_small_stack() {
    let negated = |e| unary(UnaryOp::Neg, e, DataType::Int64);
    assert_eq!(Compiled::new(&nested(1_000, negated)).unwrap_err(), ExprError::TooDeep);
    assert_eq!(texts(&nested(DEPTH_MAX - 2, negated), &ints(&[5])), ["5"]);
    // The worst case for the stack: every level chooses rows.
    let case = |e| {
        let condition = boolean(BinaryOp::Gt, x(), lit(0i64.into()));
        typed(ExprKind::Case { branches: vec![(condition, e)], otherwise: None }, DataType::Int64)
    };
    assert_eq!(texts(&nested(DEPTH_MAX - 2, case), &ints(&[5, -1])), ["5", "NULL"]);
}

#[test]
fn long_chains_are_not_deep() {
    let term = |i: i64| boolean(BinaryOp::Eq, x(), lit(i.into()));
    let any = (1..1_000).fold(term(0), |chain, i| boolean(BinaryOp::Or, chain, term(i)));
    assert_eq!(texts(&any, &ints(&[999, 1_000])), ["true", "false"]);
}
