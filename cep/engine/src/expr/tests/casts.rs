//! Every cast between scalar types: chunk, single rows and closures agree, TRY_CAST differs from
//! CAST only in saying NULL, and nothing panics.

use std::sync::Arc;

use arrow_array::types::IntervalMonthDayNano;
use arrow_array::{
    ArrayRef, BinaryArray, BooleanArray, Date32Array, Decimal128Array, Float32Array, Float64Array,
    Int32Array, Int64Array, IntervalMonthDayNanoArray, StringArray, Time64NanosecondArray,
    TimestampNanosecondArray,
};
use arrow_cast::can_cast_types;
use arrow_schema::{DataType, IntervalUnit, TimeUnit};
use datafusion_common::ScalarValue;

use super::{Chunk, Outcome, cast, col, run, run_rows};
use crate::expr::row::RowExpr;
use crate::expr::{Compiled, ExprError, Rows};

fn samples() -> Vec<ArrayRef> {
    let day_ns = 86_400_000_000_000;
    vec![
        Arc::new(BooleanArray::from(vec![Some(true), Some(false), None])),
        Arc::new(Int32Array::from(vec![Some(0), Some(-7), Some(i32::MAX), Some(i32::MIN), None])),
        Arc::new(Int64Array::from(vec![
            Some(1),
            Some(-1),
            Some(i64::MAX),
            Some(i64::MIN),
            Some(1 << 40),
            None,
        ])),
        Arc::new(Float32Array::from(vec![
            Some(1.5),
            Some(f32::NAN),
            Some(f32::INFINITY),
            Some(-0.0),
            Some(f32::MAX),
        ])),
        Arc::new(Float64Array::from(vec![
            Some(1e300),
            Some(f64::NAN),
            Some(-2.9),
            Some(9.3e18),
            None,
            Some(0.1),
        ])),
        Arc::new(
            Decimal128Array::from(vec![Some(12_345), Some(-1), Some(10i128.pow(19)), None])
                .with_precision_and_scale(20, 2)
                .unwrap(),
        ),
        Arc::new(StringArray::from(vec![
            Some("1"),
            Some(" -2.5 "),
            Some("2024-02-29"),
            Some("2024-02-30"),
            Some("2024-02-29T12:30:00.123456789Z"),
            Some("12:30:59.5"),
            Some("NaN"),
            Some("yes"),
            Some("99999999999999999999999"),
            Some(""),
            Some("1 day 2 hours"),
            None,
            Some("é"),
            Some("9999-12-31T00:00:00Z"),
        ])),
        Arc::new(BinaryArray::from(vec![Some(b"abc".as_slice()), Some(&[0xff, 0xfe]), None])),
        Arc::new(TimestampNanosecondArray::from(vec![
            Some(0),
            Some(-1),
            Some(i64::MAX),
            Some(i64::MIN),
            None,
        ])),
        Arc::new(
            TimestampNanosecondArray::from(vec![Some(0), Some(-1), Some(1_700_000_000_000_000_000)])
                .with_timezone("Europe/Prague"),
        ),
        Arc::new(Date32Array::from(vec![
            Some(0),
            Some(-1),
            Some(19_782),
            Some(i32::MAX),
            Some(i32::MIN),
            None,
        ])),
        Arc::new(Time64NanosecondArray::from(vec![Some(0), Some(day_ns - 1), None])),
        Arc::new(IntervalMonthDayNanoArray::from(vec![Some(IntervalMonthDayNano::new(1, 2, 3)), None])),
    ]
}

fn targets() -> Vec<DataType> {
    let mut types: Vec<DataType> = samples().iter().map(|a| a.data_type().clone()).collect();
    types.extend([DataType::Decimal128(5, 1), DataType::Utf8View, DataType::LargeUtf8, DataType::Int16]);
    types
}

fn shown(outcomes: &[Outcome]) -> Vec<String> {
    outcomes.iter().map(|o| format!("{o:?}")).collect()
}

#[test]
fn all_ways_to_cast_agree() {
    let mut pairs = 0;
    for array in samples() {
        for to in targets() {
            let chunk = Chunk::new(vec![array.clone()]);
            let tree = |safe| cast(col(0, array.data_type().clone()), to.clone(), safe);
            let mut strict = match Compiled::new(&tree(false)) {
                Ok(compiled) => compiled,
                Err(ExprError::Unsupported { .. }) => {
                    let bytes_of_number = to == DataType::Binary && array.data_type().is_numeric();
                    assert!(bytes_of_number || !can_cast_types(array.data_type(), &to), "{array:?} to {to}");
                    continue;
                }
                Err(other) => panic!("{other}"),
            };
            pairs += 1;
            let whole = run(&tree(false), &mut strict, &chunk, 0, Rows::All);
            let closures = run_rows(&tree(false), &RowExpr::new(&tree(false)).unwrap(), &chunk);
            assert_eq!(shown(&closures), shown(&whole), "{} to {to}", array.data_type());
            let lenient = run(&tree(true), &mut Compiled::new(&tree(true)).unwrap(), &chunk, 0, Rows::All);
            for (row, outcome) in whole.iter().enumerate() {
                let one = run(&tree(false), &mut strict, &chunk.slice(row, 1), row, Rows::All);
                assert_eq!(
                    shown(&one),
                    shown(std::slice::from_ref(outcome)),
                    "{} to {to}",
                    array.data_type()
                );
                let expected =
                    outcome.clone().or_else(|_| ScalarValue::try_from(&to).map_err(|e| e.to_string()));
                assert_eq!(format!("{:?}", lenient[row]), format!("{expected:?}"));
                if let Err(text) = outcome {
                    assert!(text.starts_with("cannot cast "), "{text}");
                }
            }
        }
    }
    assert!(pairs > 120, "{pairs}");
}

#[test]
fn cast_errors_name_value_and_type() {
    let chunk = Chunk::new(vec![Arc::new(StringArray::from(vec!["2024-02-30"])) as ArrayRef]);
    let ts = DataType::Timestamp(TimeUnit::Nanosecond, None);
    let cases = [
        (DataType::Date32, "cannot cast '2024-02-30' to DATE"),
        (ts, "cannot cast '2024-02-30' to TIMESTAMP"),
        (DataType::Decimal128(10, 2), "cannot cast '2024-02-30' to DECIMAL(10, 2)"),
        (DataType::Interval(IntervalUnit::MonthDayNano), "cannot cast '2024-02-30' to INTERVAL"),
        (DataType::Time64(TimeUnit::Nanosecond), "cannot cast '2024-02-30' to TIME"),
        (DataType::Boolean, "cannot cast '2024-02-30' to BOOL"),
    ];
    for (to, expected) in cases {
        let tree = cast(col(0, DataType::Utf8), to, false);
        let got = run(&tree, &mut Compiled::new(&tree).unwrap(), &chunk, 0, Rows::All);
        assert_eq!(got, [Err(expected.to_owned())]);
    }
}

#[test]
fn numbers_that_are_no_date_time_or_span_are_refused() {
    let far: ArrayRef = Arc::new(Int64Array::from(vec![90_000_000_000_000, -1]));
    let number: ArrayRef = Arc::new(StringArray::from(vec!["1", " 2.5 "]));
    let cases = [
        (far.clone(), DataType::Date32, ["cannot cast 90000000000000 to DATE", "1969-12-31"]),
        (
            far,
            DataType::Time64(TimeUnit::Nanosecond),
            ["cannot cast 90000000000000 to TIME", "cannot cast -1 to TIME"],
        ),
        (
            number.clone(),
            DataType::Time64(TimeUnit::Nanosecond),
            ["cannot cast '1' to TIME", "cannot cast ' 2.5 ' to TIME"],
        ),
        (
            number,
            DataType::Interval(IntervalUnit::MonthDayNano),
            ["cannot cast '1' to INTERVAL", "cannot cast ' 2.5 ' to INTERVAL"],
        ),
    ];
    for (array, to, expected) in cases {
        let tree = cast(col(0, array.data_type().clone()), to, false);
        let got = run(&tree, &mut Compiled::new(&tree).unwrap(), &Chunk::new(vec![array]), 0, Rows::All);
        let got: Vec<String> = got.into_iter().map(|o| o.map_or_else(|e| e, |v| v.to_string())).collect();
        assert_eq!(got, expected);
    }
}
