//! Random typed trees and chunks, drawn from a tape of bytes: an exhausted tape gives the simplest
//! choice, so a shorter tape is a simpler case.

use std::sync::Arc;

use arrow_array::types::IntervalMonthDayNano;
use arrow_array::{
    ArrayRef, BooleanArray, Decimal128Array, Float32Array, Float64Array, Int32Array, Int64Array,
    IntervalMonthDayNanoArray, StringArray, TimestampNanosecondArray,
};
use arrow_schema::{DataType, IntervalUnit, TimeUnit};
use cep_lang::plan::{BinaryOp, Expr, ExprKind, UnaryOp};
use datafusion_common::ScalarValue;

use super::function::{call_half, coalesce};
use super::{Chunk, binary, boolean, cast, col, lit, typed, unary};

pub(super) struct Tape<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Tape<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Tape { bytes, at: 0 }
    }

    fn next(&mut self) -> usize {
        let byte = self.bytes.get(self.at).copied().unwrap_or(0);
        self.at += 1;
        usize::from(byte)
    }

    pub(super) fn below(&mut self, limit: usize) -> usize {
        self.next() % limit
    }

    fn pick<T: Clone>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())].clone()
    }
}

const TS: DataType = DataType::Timestamp(TimeUnit::Nanosecond, None);
const SPAN: DataType = DataType::Interval(IntervalUnit::MonthDayNano);
const DEC: DataType = DataType::Decimal128(10, 2);

/// The columns of every generated chunk; two of each type.
pub(super) fn schema() -> Vec<DataType> {
    let types = [
        DataType::Boolean,
        DataType::Int64,
        DataType::Float64,
        DataType::Utf8,
        DataType::Int32,
        DataType::Float32,
        TS,
        DEC,
        SPAN,
    ];
    types.iter().flat_map(|t| [t.clone(), t.clone()]).collect()
}

pub(super) fn chunk(tape: &mut Tape<'_>) -> Chunk {
    let rows = 1 + tape.below(12);
    let arrays = schema().iter().map(|t| array(tape, t, rows)).collect();
    Chunk::new(arrays)
}

fn array(tape: &mut Tape<'_>, data_type: &DataType, rows: usize) -> ArrayRef {
    // Half of the columns have no NULL at all: kernels have a path for that.
    let nulls = tape.below(2) == 1;
    let values: Vec<ScalarValue> = (0..rows)
        .map(|_| {
            let null = nulls && tape.below(3) == 0;
            if null { ScalarValue::try_from(data_type).unwrap() } else { value(tape, data_type) }
        })
        .collect();
    macro_rules! build {
        ($array:ident, $variant:ident) => {
            Arc::new(
                values
                    .iter()
                    .map(|v| match v {
                        ScalarValue::$variant(v) => v.clone(),
                        _ => unreachable!(),
                    })
                    .collect::<$array>(),
            )
        };
    }
    match data_type {
        DataType::Boolean => build!(BooleanArray, Boolean),
        DataType::Int64 => build!(Int64Array, Int64),
        DataType::Int32 => build!(Int32Array, Int32),
        DataType::Float64 => build!(Float64Array, Float64),
        DataType::Float32 => build!(Float32Array, Float32),
        DataType::Utf8 => build!(StringArray, Utf8),
        DataType::Timestamp(_, _) => {
            let values = values.iter().map(|v| match v {
                ScalarValue::TimestampNanosecond(v, _) => *v,
                _ => unreachable!(),
            });
            Arc::new(values.collect::<TimestampNanosecondArray>())
        }
        DataType::Decimal128(_, _) => {
            let values = values.iter().map(|v| match v {
                ScalarValue::Decimal128(v, _, _) => *v,
                _ => unreachable!(),
            });
            Arc::new(values.collect::<Decimal128Array>().with_data_type(data_type.clone()))
        }
        DataType::Interval(_) => build!(IntervalMonthDayNanoArray, IntervalMonthDayNano),
        other => unreachable!("{other}"),
    }
}

/// A value of `data_type`: ordinary ones first, then the edges.
pub(super) fn value(tape: &mut Tape<'_>, data_type: &DataType) -> ScalarValue {
    const TEXTS: [&str; 15] = [
        "",
        "1",
        "abc",
        "abcd",
        "ab",
        " 42 ",
        "-7.5",
        "NaN",
        "true",
        "9223372036854775808",
        "é",
        "a%b",
        "S10",
        "ABC",
        "(",
    ];
    match data_type {
        DataType::Boolean => ScalarValue::from(tape.below(2) == 1),
        DataType::Int64 => ScalarValue::from(tape.pick(&[
            1i64,
            0,
            2,
            -1,
            3,
            1000,
            i64::MAX,
            i64::MIN,
            i64::MAX / 2,
            1 << 33,
        ])),
        DataType::Int32 => ScalarValue::from(tape.pick(&[1i32, 0, 2, -1, 7, i32::MAX, i32::MIN, 46_341])),
        DataType::Float64 => ScalarValue::from(tape.pick(&[
            1.0,
            0.0,
            -0.0,
            2.5,
            -3.75,
            50.0,
            f64::NAN,
            f64::INFINITY,
            f64::NEG_INFINITY,
            f64::MAX,
            f64::MIN_POSITIVE,
            9.3e18,
            -2_147_483_648.5,
        ])),
        DataType::Float32 => {
            ScalarValue::from(tape.pick(&[1.0f32, 0.0, -0.0, 2.5, f32::NAN, f32::INFINITY, f32::MAX, 0.1]))
        }
        DataType::Utf8 => ScalarValue::from(tape.pick(&TEXTS)),
        DataType::Timestamp(_, _) => {
            let ns = tape.pick(&[0i64, 1_700_000_000_000_000_000, -1, i64::MAX, i64::MIN]);
            ScalarValue::TimestampNanosecond(Some(ns), None)
        }
        DataType::Decimal128(p, s) => {
            let unscaled = tape.pick(&[100i128, 0, 1, -250, 12_345, 9_999_999_999, -9_999_999_999]);
            ScalarValue::Decimal128(Some(unscaled), *p, *s)
        }
        DataType::Interval(_) => {
            let part = |tape: &mut Tape<'_>| tape.pick(&[0, 1, -1, 13, 31]);
            let nanoseconds = tape.pick(&[0, 1_000_000_000, -1, 86_400_000_000_000, i64::MAX]);
            let interval = IntervalMonthDayNano::new(part(tape), part(tape), nanoseconds);
            ScalarValue::IntervalMonthDayNano(Some(interval))
        }
        other => unreachable!("{other}"),
    }
}

/// An expression of `data_type`, at most `depth` operators deep.
pub(super) fn expr(tape: &mut Tape<'_>, data_type: &DataType, depth: usize) -> Expr {
    if depth == 0 || tape.below(6) == 0 {
        return leaf(tape, data_type);
    }
    if tape.below(5) == 0 {
        return case(tape, data_type, depth - 1);
    }
    match data_type {
        DataType::Boolean => boolean_expr(tape, depth - 1),
        DataType::Int64 | DataType::Int32 | DataType::Float64 | DataType::Float32 => {
            number_expr(tape, data_type, depth - 1)
        }
        DataType::Utf8 if tape.below(2) == 0 => binary(
            BinaryOp::Concat,
            expr(tape, data_type, depth - 1),
            expr(tape, data_type, depth - 1),
            DataType::Utf8,
        ),
        DataType::Utf8 => {
            cast_expr(tape, data_type, &[DataType::Int64, DataType::Int32, DataType::Boolean], depth - 1)
        }
        DataType::Timestamp(_, _) if tape.below(3) > 0 => {
            let op = tape.pick(&[BinaryOp::Add, BinaryOp::Sub]);
            binary(op, expr(tape, data_type, depth - 1), expr(tape, &SPAN, depth - 1), TS)
        }
        DataType::Timestamp(_, _) => cast_expr(tape, data_type, &[DataType::Int64], depth - 1),
        DataType::Decimal128(_, _) => number_expr(tape, data_type, depth - 1),
        _ => leaf(tape, data_type),
    }
}

fn leaf(tape: &mut Tape<'_>, data_type: &DataType) -> Expr {
    let at = schema().iter().position(|t| t == data_type).unwrap();
    match tape.below(5) {
        0 | 1 => col(at, data_type.clone()),
        2 => col(at + 1, data_type.clone()),
        3 if *data_type == TS => {
            typed(if tape.below(2) == 0 { ExprKind::Stamp } else { ExprKind::EventTime }, TS)
        }
        3 if tape.below(3) == 0 => lit(ScalarValue::try_from(data_type).unwrap()),
        _ => lit(value(tape, data_type)),
    }
}

fn case(tape: &mut Tape<'_>, data_type: &DataType, depth: usize) -> Expr {
    let branches = (0..1 + tape.below(2))
        .map(|_| (expr(tape, &DataType::Boolean, depth), expr(tape, data_type, depth)))
        .collect();
    let otherwise = (tape.below(3) > 0).then(|| Box::new(expr(tape, data_type, depth)));
    typed(ExprKind::Case { branches, otherwise }, data_type.clone())
}

fn number_expr(tape: &mut Tape<'_>, data_type: &DataType, depth: usize) -> Expr {
    use DataType as T;
    match tape.below(12) {
        10 if matches!(data_type, T::Int64 | T::Int32) => {
            const BITS: [BinaryOp; 5] = [
                BinaryOp::BitAnd,
                BinaryOp::BitOr,
                BinaryOp::BitXor,
                BinaryOp::ShiftLeft,
                BinaryOp::ShiftRight,
            ];
            let op = tape.pick(&BITS);
            binary(op, expr(tape, data_type, depth), expr(tape, data_type, depth), data_type.clone())
        }
        11 if *data_type == T::Int64 && tape.below(2) == 0 => {
            coalesce((0..1 + tape.below(3)).map(|_| expr(tape, data_type, depth)).collect())
        }
        11 if *data_type == T::Int64 => call_half(expr(tape, data_type, depth)),
        0 => unary(UnaryOp::Neg, expr(tape, data_type, depth), data_type.clone()),
        1 | 2 if *data_type != DEC => {
            let all = [T::Int64, T::Int32, T::Float64, T::Float32, T::Utf8];
            let from: Vec<T> = all.into_iter().filter(|t| t != data_type).collect();
            cast_expr(tape, data_type, &from, depth)
        }
        _ => {
            let ops = [BinaryOp::Add, BinaryOp::Sub, BinaryOp::Mul, BinaryOp::Div, BinaryOp::Mod];
            let op = tape.pick(&ops);
            binary(op, expr(tape, data_type, depth), expr(tape, data_type, depth), data_type.clone())
        }
    }
}

fn cast_expr(tape: &mut Tape<'_>, to: &DataType, from: &[DataType], depth: usize) -> Expr {
    let from = tape.pick(from);
    let safe = tape.below(2) == 1;
    cast(expr(tape, &from, depth), to.clone(), safe)
}

fn boolean_expr(tape: &mut Tape<'_>, depth: usize) -> Expr {
    const COMPARISONS: [BinaryOp; 8] = [
        BinaryOp::Eq,
        BinaryOp::NotEq,
        BinaryOp::Lt,
        BinaryOp::LtEq,
        BinaryOp::Gt,
        BinaryOp::GtEq,
        BinaryOp::IsDistinct,
        BinaryOp::IsNotDistinct,
    ];
    const TESTS: [UnaryOp; 8] = [
        UnaryOp::Not,
        UnaryOp::IsTrue,
        UnaryOp::IsNotTrue,
        UnaryOp::IsFalse,
        UnaryOp::IsNotFalse,
        UnaryOp::IsUnknown,
        UnaryOp::IsNotUnknown,
        UnaryOp::Not,
    ];
    match tape.below(11) {
        8 => like(tape, depth),
        9 => {
            const PATTERNS: [&str; 5] = ["a", "^ab", "b$", "[0-9]+", "."];
            const OPS: [BinaryOp; 4] = [
                BinaryOp::RegexMatch,
                BinaryOp::RegexIMatch,
                BinaryOp::RegexNotMatch,
                BinaryOp::RegexNotIMatch,
            ];
            let input = expr(tape, &DataType::Utf8, depth);
            let pattern = match tape.below(3) {
                0 => col(schema().iter().position(|t| *t == DataType::Utf8).unwrap(), DataType::Utf8),
                _ => lit(ScalarValue::from(tape.pick(&PATTERNS))),
            };
            boolean(tape.pick(&OPS), input, pattern)
        }
        10 => {
            let data_type = tape.pick(&schema());
            let input = Box::new(expr(tape, &data_type, depth));
            let values = (0..1 + tape.below(12)).map(|_| match tape.below(9) {
                8 => lit(ScalarValue::try_from(&data_type).unwrap()),
                _ => lit(value(tape, &data_type)),
            });
            let list = values.collect();
            typed(ExprKind::InList { input, list, negated: tape.below(2) == 1 }, DataType::Boolean)
        }
        0..3 => {
            let data_type = tape.pick(&schema());
            let op = tape.pick(&COMPARISONS);
            boolean(op, expr(tape, &data_type, depth), expr(tape, &data_type, depth))
        }
        3 | 4 => {
            let op = tape.pick(&[BinaryOp::And, BinaryOp::Or]);
            boolean(op, expr(tape, &DataType::Boolean, depth), expr(tape, &DataType::Boolean, depth))
        }
        5 => unary(tape.pick(&TESTS), expr(tape, &DataType::Boolean, depth), DataType::Boolean),
        6 => {
            let data_type = tape.pick(&schema());
            let op = tape.pick(&[UnaryOp::IsNull, UnaryOp::IsNotNull]);
            unary(op, expr(tape, &data_type, depth), DataType::Boolean)
        }
        _ => {
            let data_type = tape.pick(&schema());
            let input = Box::new(expr(tape, &data_type, depth));
            let list = (0..1 + tape.below(3)).map(|_| expr(tape, &data_type, depth.min(1))).collect();
            typed(ExprKind::InList { input, list, negated: tape.below(2) == 1 }, DataType::Boolean)
        }
    }
}

fn like(tape: &mut Tape<'_>, depth: usize) -> Expr {
    const PATTERNS: [&str; 10] = ["a%", "%b", "%b%", "%", "", "a_c", "_", "%a\\%b", "abc", "a%b%"];
    let input = Box::new(expr(tape, &DataType::Utf8, depth));
    let pattern = Box::new(match tape.below(3) {
        0 => expr(tape, &DataType::Utf8, depth.min(1)),
        _ => lit(ScalarValue::from(tape.pick(&PATTERNS))),
    });
    let (negated, case_insensitive) = (tape.below(2) == 1, tape.below(3) == 1);
    typed(ExprKind::Like { input, pattern, negated, case_insensitive, escape: None }, DataType::Boolean)
}
