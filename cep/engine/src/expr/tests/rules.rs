//! Rules worth an example each.

use std::sync::Arc;

use arrow_array::types::{Decimal128Type, DecimalType, Int64Type, IntervalMonthDayNano};
use arrow_array::{Array, ArrayRef, Float64Array, Int64Array, ListArray, StringArray, StringViewArray};
use arrow_schema::{DataType, IntervalUnit, TimeUnit};
use cep_lang::plan::{BinaryOp, Expr, ExprKind, UnaryOp};
use datafusion_common::ScalarValue;

use super::function::{PANICS, call, call_half, call_volatile};
use super::{Chunk, binary, boolean, cast, col, filter, lit, run, run_rows, typed, unary};
use crate::column::Values;
use crate::expr::row::RowExpr;
use crate::expr::{Compiled, DEPTH_MAX, ExprError, Input, RowErrors, Rows, TEXT_BYTES_MAX};

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
    let deep = nested(DEPTH_MAX - 2, negated);
    assert_eq!(texts(&deep, &ints(&[5])), ["5"]);
    assert!(run_rows(&deep, &RowExpr::new(&deep).unwrap(), &ints(&[5]))[0].is_ok());
    // The worst case for the stack: every level chooses rows.
    let case = |e| {
        let condition = boolean(BinaryOp::Gt, x(), lit(0i64.into()));
        typed(ExprKind::Case { branches: vec![(condition, e)], otherwise: None }, DataType::Int64)
    };
    let deep = nested(DEPTH_MAX - 2, case);
    assert_eq!(texts(&deep, &ints(&[5, -1])), ["5", "NULL"]);
    assert!(run_rows(&deep, &RowExpr::new(&deep).unwrap(), &ints(&[5]))[0].is_ok());
}

#[test]
fn long_chains_are_not_deep() {
    let term = |i: i64| boolean(BinaryOp::Eq, x(), lit(i.into()));
    let any = (1..1_000).fold(term(0), |chain, i| boolean(BinaryOp::Or, chain, term(i)));
    assert_eq!(texts(&any, &ints(&[999, 1_000])), ["true", "false"]);
    assert!(run_rows(&any, &RowExpr::new(&any).unwrap(), &ints(&[999]))[0].is_ok());
}

#[test]
fn what_a_function_refuses_is_the_error_of_that_row_alone() {
    let half = call_half(x());
    let expected = ["4", "error: half: -1 is negative", "3", "error: half: -2 is negative"];
    assert_eq!(texts(&half, &ints(&[8, -1, 6, -2])), expected);
    let constant = call_half(lit((-1i64).into()));
    assert_eq!(texts(&constant, &ints(&[0])), ["error: half: -1 is negative"]);
}

#[test]
fn a_panic_in_a_function_is_the_error_of_its_row() {
    let expected = ["1", "error: half failed on these values", "2"];
    assert_eq!(texts(&call_half(x()), &ints(&[2, PANICS, 4])), expected);
}

#[test]
fn volatile_functions_are_refused() {
    let error = Compiled::new(&call_volatile(x())).unwrap_err();
    assert_eq!(error, ExprError::Volatile { name: "dice".to_owned() });
}

#[test]
fn a_constant_pattern_that_is_no_regular_expression_is_refused() {
    let matching = boolean(BinaryOp::RegexMatch, col(0, DataType::Utf8), lit("a(".into()));
    let error = Compiled::new(&matching).unwrap_err().to_string();
    assert_eq!(
        error,
        "invalid regular expression 'a(': unclosed group; a bracket or star that stands for itself takes a backslash"
    );
}

#[test]
fn operands_without_a_rule_are_refused_by_name() {
    let sum = binary(BinaryOp::Add, col(0, DataType::Utf8), lit(1i64.into()), DataType::Int64);
    let error = Compiled::new(&sum).unwrap_err().to_string();
    assert_eq!(error, "+ is not defined for STRING, BIGINT; cast the operands");
}

fn decimal(value: i128, precision: u8, scale: i8) -> Expr {
    lit(ScalarValue::Decimal128(Some(value), precision, scale))
}

#[test]
fn decimals_are_exact_and_round_half_away_from_zero() {
    let one = ints(&[0]);
    let third = "3333333333333333333333333333333333333.3";
    let cases = [
        (BinaryOp::Add, decimal(199, 3, 2), decimal(1, 3, 1), (5, 2), "2.09"),
        (BinaryOp::Mul, decimal(15, 2, 1), decimal(-15, 2, 1), (4, 1), "-2.3"),
        (BinaryOp::Div, decimal(1, 1, 0), decimal(8, 1, 0), (3, 2), "0.13"),
        (BinaryOp::Div, decimal(-2, 1, 0), decimal(3, 1, 0), (6, 5), "-0.66667"),
        (BinaryOp::Mod, decimal(-75, 2, 1), decimal(200, 3, 2), (3, 2), "-1.50"),
        (BinaryOp::Div, decimal(10i128.pow(37), 38, 0), decimal(3, 1, 0), (38, 1), third),
        (
            BinaryOp::Add,
            decimal(99, 2, 0),
            decimal(1, 1, 0),
            (2, 0),
            "error: DECIMAL(2, 0) overflow in 99 + 1",
        ),
        (BinaryOp::Div, decimal(1, 1, 0), decimal(0, 1, 0), (3, 2), "error: division by zero"),
    ];
    for (op, left, right, (p, s), expected) in cases {
        let tree = binary(op, left, right, DataType::Decimal128(p, s));
        let got = run(&tree, &mut Compiled::new(&tree).unwrap(), &one, 0, Rows::All).remove(0);
        let text = match got {
            Ok(ScalarValue::Decimal128(Some(v), p, s)) => Decimal128Type::format_decimal(v, p, s),
            Ok(other) => other.to_string(),
            Err(text) => format!("error: {text}"),
        };
        assert_eq!(text, expected, "{op:?}");
    }
}

#[test]
fn time_of_day_goes_round_the_clock_and_dates_differ_in_days() {
    let hour_ns = 3_600_000_000_000;
    let time = lit(ScalarValue::Time64Nanosecond(Some(23 * hour_ns)));
    let step = lit(ScalarValue::IntervalMonthDayNano(Some(IntervalMonthDayNano::new(1, 1, 2 * hour_ns))));
    let sum = binary(BinaryOp::Add, time, step, DataType::Time64(TimeUnit::Nanosecond));
    let one = ints(&[0]);
    let got = run(&sum, &mut Compiled::new(&sum).unwrap(), &one, 0, Rows::All);
    assert_eq!(got, [Ok(ScalarValue::Time64Nanosecond(Some(hour_ns)))]);
    let date = |days| lit(ScalarValue::Date32(Some(days)));
    assert_eq!(texts(&binary(BinaryOp::Sub, date(10), date(12), DataType::Int64), &one), ["-2"]);
}

#[test]
fn a_month_later_is_the_last_day_of_a_shorter_month() {
    let ts = lit(ScalarValue::TimestampNanosecond(Some(1_706_659_200_000_000_000), None)); // 2024-01-31
    let step = lit(ScalarValue::IntervalMonthDayNano(Some(IntervalMonthDayNano::new(1, 0, 0))));
    let sum = binary(BinaryOp::Add, ts, step, DataType::Timestamp(TimeUnit::Nanosecond, None));
    assert_eq!(texts(&sum, &ints(&[0])), ["1709164800000000000"]); // 2024-02-29
}

#[test]
fn text_is_text_in_any_encoding() {
    let long = "a text longer than twelve bytes";
    let words: ArrayRef = Arc::new(StringViewArray::from(vec![Some(long), None, Some("b")]));
    let chunk = Chunk::new(vec![words]);
    let view = || col(0, DataType::Utf8View);
    assert_eq!(texts(&boolean(BinaryOp::Eq, view(), lit("b".into())), &chunk), ["false", "NULL", "true"]);
    let both = binary(BinaryOp::Concat, view(), lit("!".into()), DataType::Utf8View);
    assert_eq!(texts(&both, &chunk), [&format!("{long}!"), "NULL", "b!"]);
}

#[test]
fn text_beyond_the_largest_event_is_the_error_of_its_row() {
    let words: ArrayRef = Arc::new(StringArray::from(vec!["x".repeat(TEXT_BYTES_MAX), "x".to_owned()]));
    let v = || col(0, DataType::Utf8);
    let both = binary(BinaryOp::Concat, v(), v(), DataType::Utf8);
    let expected = ["error: STRING overflow: 2097152 bytes, the limit is 1048576", "xx"];
    assert_eq!(texts(&both, &Chunk::new(vec![words])), expected);
}

#[test]
fn scratch_is_kept_from_chunk_to_chunk() {
    let product = binary(BinaryOp::Mul, x(), lit(2i64.into()), DataType::Int64);
    let mut compiled = Compiled::new(&binary(BinaryOp::Add, product, x(), DataType::Int64)).unwrap();
    let mut address = |values: &[i64]| {
        let columns = ints(values).columns();
        let input = Input { columns: &columns, rows: values.len(), stamp: &[], event_time: &[] };
        match &compiled.eval(&input, Rows::All, &mut RowErrors::new()).values {
            Values::I64(v) => v.as_ptr(),
            other => panic!("{}", other.kind_name()),
        }
    };
    assert_eq!(address(&[1; 100]), address(&[2; 50]));
}

#[test]
fn arrays_compare_element_by_element_and_pass_through_case() {
    let lists: ArrayRef = Arc::new(ListArray::from_iter_primitive::<Int64Type, _, _>(vec![
        Some(vec![Some(1), Some(2)]),
        Some(vec![Some(3)]),
        None,
    ]));
    let (list_type, chunk) = (lists.data_type().clone(), Chunk::new(vec![lists]));
    let v = || col(0, list_type.clone());
    let first = lit(ScalarValue::try_from_array(&chunk.arrays[0], 0).unwrap());
    let equal = || boolean(BinaryOp::Eq, v(), first.clone());
    assert_eq!(texts(&equal(), &chunk), ["true", "false", "NULL"]);
    assert_eq!(texts(&boolean(BinaryOp::Gt, v(), first.clone()), &chunk), ["false", "true", "NULL"]);
    let kind = ExprKind::Case { branches: vec![(equal(), v())], otherwise: None };
    assert_eq!(texts(&typed(kind, list_type.clone()), &chunk), ["[1, 2]", "", ""]);
}

#[test]
fn times_differ_by_an_interval() {
    let ts = |ns| lit(ScalarValue::TimestampNanosecond(Some(ns), None));
    let span = DataType::Interval(IntervalUnit::MonthDayNano);
    let difference = |a, b| binary(BinaryOp::Sub, ts(a), ts(b), span.clone());
    let one = ints(&[0]);
    let tree = difference(5, 7);
    let got = run(&tree, &mut Compiled::new(&tree).unwrap(), &one, 0, Rows::All);
    assert_eq!(got, [Ok(ScalarValue::IntervalMonthDayNano(Some(IntervalMonthDayNano::new(0, 0, -2))))]);
    assert!(texts(&difference(i64::MIN, 1), &one)[0].starts_with("error: "));
}

#[test]
fn nvl2_evaluates_the_branch_it_takes() {
    let fails = || binary(BinaryOp::Div, lit(1i64.into()), lit(0i64.into()), DataType::Int64);
    let known = call("nvl2", vec![x(), lit(1i64.into()), fails()]);
    assert_eq!(texts(&known, &ints(&[5])), ["1"]);
    let unknown = call("nvl2", vec![lit(ScalarValue::Int64(None)), lit(1i64.into()), fails()]);
    assert_eq!(texts(&unknown, &ints(&[5])), ["error: division by zero"]);
}
