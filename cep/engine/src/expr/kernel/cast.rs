//! Casts between the scalar types that matter for speed; the others are Arrow's.
//!
//! Floats become integers by truncation toward zero, like Flink; text is trimmed of ASCII blanks.

use std::fmt::{Debug, Display};

use arrow_schema::{DataType, TimeUnit};
use cep_types::sql_type::sql_type_name;

use super::map::{Failures, map1};
use crate::expr::error::{RowErrorKind, RowFailure};
use crate::expr::temporal::is_utc;
use crate::expr::view::{Arg, Reg, View};

/// A native cast.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::expr) enum CastOp {
    /// The same bits under another name.
    Same,
    BoolToI32,
    BoolToI64,
    I32ToBool,
    I64ToBool,
    I32ToI64,
    I64ToI32,
    I32ToF32,
    I32ToF64,
    I64ToF32,
    I64ToF64,
    F32ToF64,
    F64ToF32,
    F32ToI32,
    F32ToI64,
    F64ToI32,
    F64ToI64,
    TextToBool,
    TextToI32,
    TextToI64,
    TextToF32,
    TextToF64,
    BoolToText,
    I32ToText,
    I64ToText,
}

impl CastOp {
    /// The native cast for a pair of types, if there is one.
    pub(in crate::expr) fn find(from: &DataType, to: &DataType) -> Option<Self> {
        use DataType as T;
        let (from, to) = (&plain_text(from), &plain_text(to));
        if from == to {
            return Some(CastOp::Same);
        }
        let ns = |t: &T| match t {
            T::Timestamp(TimeUnit::Nanosecond, zone) => zone.as_deref().is_none_or(is_utc),
            _ => false,
        };
        Some(match (from, to) {
            _ if ns(from) && (ns(to) || *to == T::Int64) || *from == T::Int64 && ns(to) => CastOp::Same,
            (T::Date32, T::Int32) => CastOp::Same,
            (T::Boolean, T::Int32) => CastOp::BoolToI32,
            (T::Boolean, T::Int64) => CastOp::BoolToI64,
            (T::Int32, T::Boolean) => CastOp::I32ToBool,
            (T::Int64, T::Boolean) => CastOp::I64ToBool,
            (T::Int32, T::Int64) => CastOp::I32ToI64,
            (T::Int64, T::Int32) => CastOp::I64ToI32,
            (T::Int32, T::Float32) => CastOp::I32ToF32,
            (T::Int32, T::Float64) => CastOp::I32ToF64,
            (T::Int64, T::Float32) => CastOp::I64ToF32,
            (T::Int64, T::Float64) => CastOp::I64ToF64,
            (T::Float32, T::Float64) => CastOp::F32ToF64,
            (T::Float64, T::Float32) => CastOp::F64ToF32,
            (T::Float32, T::Int32) => CastOp::F32ToI32,
            (T::Float32, T::Int64) => CastOp::F32ToI64,
            (T::Float64, T::Int32) => CastOp::F64ToI32,
            (T::Float64, T::Int64) => CastOp::F64ToI64,
            (T::Utf8, T::Boolean) => CastOp::TextToBool,
            (T::Utf8, T::Int32) => CastOp::TextToI32,
            (T::Utf8, T::Int64) => CastOp::TextToI64,
            (T::Utf8, T::Float32) => CastOp::TextToF32,
            (T::Utf8, T::Float64) => CastOp::TextToF64,
            (T::Boolean, T::Utf8) => CastOp::BoolToText,
            (T::Int32, T::Utf8) => CastOp::I32ToText,
            (T::Int64, T::Utf8) => CastOp::I64ToText,
            _ => return None,
        })
    }
}

/// The type without regard to how text and bytes are encoded.
pub(in crate::expr) fn plain_text(data_type: &DataType) -> DataType {
    match data_type {
        DataType::LargeUtf8 | DataType::Utf8View => DataType::Utf8,
        DataType::LargeBinary | DataType::BinaryView => DataType::Binary,
        other => other.clone(),
    }
}

/// Why a value could not be cast.
pub(in crate::expr) fn cast_failure(value: impl Display, to: &DataType) -> RowFailure {
    RowFailure::new(RowErrorKind::Cast, format!("cannot cast {value} to {}", sql_type_name(to)))
}

/// Text as the user should see it in a message: quoted, and cut where it is long.
pub(in crate::expr) fn quoted(text: &str) -> String {
    const SHOWN_CHARS_MAX: usize = 64;
    match text.char_indices().nth(SHOWN_CHARS_MAX) {
        Some((end, _)) => format!("'{}…'", &text[..end]),
        None => format!("'{text}'"),
    }
}

/// Casts one column. A value without counterpart is its row's error, or NULL when `safe`.
pub(in crate::expr) fn cast(
    out: &mut Reg,
    rows: usize,
    (op, to, safe): (CastOp, &DataType, bool),
    a: View<'_>,
    failures: &mut Failures<'_>,
) {
    out.strict_validity(rows, &[a]);
    let mut sink = Sink { to, failures: (!safe).then_some(failures) };
    match op {
        CastOp::Same => unreachable!("compiled to a copy or to nothing"),
        CastOp::BoolToI32 => map1(out.i32s(), rows, a.bools(), i32::from),
        CastOp::BoolToI64 => map1(out.i64s(), rows, a.bools(), i64::from),
        CastOp::I32ToBool => map1(out.bools(), rows, a.i32s(), |v| v != 0),
        CastOp::I64ToBool => map1(out.bools(), rows, a.i64s(), |v| v != 0),
        CastOp::I32ToI64 => map1(out.i64s(), rows, a.i32s(), i64::from),
        CastOp::I32ToF32 => map1(out.f32s(), rows, a.i32s(), |v| v as f32),
        CastOp::I32ToF64 => map1(out.f64s(), rows, a.i32s(), f64::from),
        CastOp::I64ToF32 => map1(out.f32s(), rows, a.i64s(), |v| v as f32),
        CastOp::I64ToF64 => map1(out.f64s(), rows, a.i64s(), |v| v as f64),
        CastOp::F32ToF64 => map1(out.f64s(), rows, a.f32s(), |v| canonical_f64(f64::from(v))),
        CastOp::F64ToF32 => map1(out.f32s(), rows, a.f64s(), |v| canonical_f32(v as f32)),
        CastOp::I64ToI32 => sink.fixed(out, Reg::i32s, rows, a.i64s(), |v| i32::try_from(v).ok()),
        CastOp::F32ToI32 => sink.fixed(out, Reg::i32s, rows, a.f32s(), |v| float_to_i32(f64::from(v))),
        CastOp::F32ToI64 => sink.fixed(out, Reg::i64s, rows, a.f32s(), |v| float_to_i64(f64::from(v))),
        CastOp::F64ToI32 => sink.fixed(out, Reg::i32s, rows, a.f64s(), float_to_i32),
        CastOp::F64ToI64 => sink.fixed(out, Reg::i64s, rows, a.f64s(), float_to_i64),
        CastOp::TextToBool => sink.text(out, Reg::bools, rows, a, parse_bool),
        CastOp::TextToI32 => sink.text(out, Reg::i32s, rows, a, |t| t.parse().ok()),
        CastOp::TextToI64 => sink.text(out, Reg::i64s, rows, a, |t| t.parse().ok()),
        CastOp::TextToF32 => sink.text(out, Reg::f32s, rows, a, |t| t.parse().ok().map(canonical_f32)),
        CastOp::TextToF64 => sink.text(out, Reg::f64s, rows, a, |t| t.parse().ok().map(canonical_f64)),
        CastOp::BoolToText => print(out, rows, a.bools()),
        CastOp::I32ToText => print(out, rows, a.i32s()),
        CastOp::I64ToText => print(out, rows, a.i64s()),
    }
}

fn canonical_f32(v: f32) -> f32 {
    crate::expr::ops::Float::canonical(v)
}

fn canonical_f64(v: f64) -> f64 {
    crate::expr::ops::Float::canonical(v)
}

/// Truncation toward zero; NaN, ±∞ and what does not fit give nothing.
pub(in crate::expr) fn float_to_i64(v: f64) -> Option<i64> {
    const LIMIT: f64 = 9_223_372_036_854_775_808.0; // 2^63, exact; i64::MAX itself is not a double.
    (-LIMIT..LIMIT).contains(&v).then_some(v as i64)
}

/// As [`float_to_i64`].
pub(in crate::expr) fn float_to_i32(v: f64) -> Option<i32> {
    (-2_147_483_649.0 < v && v < 2_147_483_648.0).then_some(v as i32)
}

/// The spellings PostgreSQL takes, in any case.
pub(in crate::expr) fn parse_bool(text: &str) -> Option<bool> {
    let is = |words: &[&str]| words.iter().any(|w| text.eq_ignore_ascii_case(w));
    if is(&["true", "t", "yes", "y", "on", "1"]) {
        return Some(true);
    }
    is(&["false", "f", "no", "n", "off", "0"]).then_some(false)
}

struct Sink<'a, 'f> {
    to: &'a DataType,
    failures: Option<&'a mut Failures<'f>>,
}

impl Sink<'_, '_> {
    fn fail(&mut self, out: &mut Reg, row: usize, rows: usize, value: impl Display) {
        out.set_null(row, rows);
        if let Some(failures) = &mut self.failures {
            failures.push(row, cast_failure(value, self.to));
        }
    }

    fn fixed<A: Copy + Debug, R: Default>(
        &mut self,
        out: &mut Reg,
        values: fn(&mut Reg) -> &mut Vec<R>,
        rows: usize,
        a: Arg<'_, A>,
        f: impl Fn(A) -> Option<R>,
    ) {
        let mut any = false;
        let buffer = values(out);
        buffer.extend((0..rows).map(|row| {
            let result = f(a.at(row));
            any |= result.is_none();
            result.unwrap_or_default()
        }));
        if any {
            for row in 0..rows {
                if out.column.is_valid(row) && f(a.at(row)).is_none() {
                    // Debug prints numbers in full, with an exponent where they are long.
                    self.fail(out, row, rows, format!("{:?}", a.at(row)));
                }
            }
        }
    }

    fn text<R: Default>(
        &mut self,
        out: &mut Reg,
        values: fn(&mut Reg) -> &mut Vec<R>,
        rows: usize,
        a: View<'_>,
        f: impl Fn(&str) -> Option<R>,
    ) {
        let text = a.text();
        let parse = |row: usize| f(text.str_at(row).trim_ascii());
        let mut any = false;
        let buffer = values(out);
        buffer.extend((0..rows).map(|row| {
            let result = parse(row);
            any |= result.is_none();
            result.unwrap_or_default()
        }));
        if any {
            for row in 0..rows {
                if out.column.is_valid(row) && parse(row).is_none() {
                    self.fail(out, row, rows, quoted(text.str_at(row)));
                }
            }
        }
    }
}

fn print<A: Copy + Display>(out: &mut Reg, rows: usize, a: Arg<'_, A>) {
    use std::io::Write;
    let (offsets, bytes) = out.text();
    for row in 0..rows {
        write!(bytes, "{}", a.at(row)).expect("writing to a vector does not fail");
        offsets.push(bytes.len() as i32);
    }
}
