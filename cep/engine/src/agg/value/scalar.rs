//! Bytes of nested and rarer values, in SQL order and self-delimiting.
//!
//! Format: marker `1`, then the value, or marker `2` for NULL (which sorts last inside arrays and
//! structs). Integers big-endian with the sign bit flipped; floats as the integers of `word`;
//! text and bytes with `00` written `00 FF` and ended by `00 00`; arrays and maps as `1` before
//! each element and `0` at the end; structs field by field.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, ListArray, MapArray, StructArray, new_empty_array};
use arrow_buffer::{IntervalDayTime, IntervalMonthDayNano, OffsetBuffer};
use arrow_schema::{DataType, FieldRef, IntervalUnit, TimeUnit};
use datafusion_common::ScalarValue;

use super::word;
use crate::agg::AggError;
use crate::agg::codec::Reader;

const VALID: u8 = 1;
const NULL: u8 = 2;
const BAD: AggError = AggError::Corrupt { what: "a nested value" };

/// Whether values of `data_type` can be encoded and decoded here.
pub(super) fn supports(data_type: &DataType) -> bool {
    match data_type {
        DataType::Null
        | DataType::Boolean
        | DataType::Int8
        | DataType::Int16
        | DataType::Int32
        | DataType::Int64
        | DataType::UInt8
        | DataType::UInt16
        | DataType::UInt32
        | DataType::UInt64
        | DataType::Float32
        | DataType::Float64
        | DataType::Decimal128(_, _)
        | DataType::Utf8
        | DataType::LargeUtf8
        | DataType::Utf8View
        | DataType::Binary
        | DataType::LargeBinary
        | DataType::BinaryView
        | DataType::Date32
        | DataType::Timestamp(_, _)
        | DataType::Interval(_) => true,
        DataType::Time64(unit) => *unit == TimeUnit::Nanosecond,
        DataType::List(field) => supports(field.data_type()),
        DataType::Map(field, _) => supports(field.data_type()),
        DataType::Struct(fields) => fields.iter().all(|f| supports(f.data_type())),
        _ => false,
    }
}

/// Appends `value`; with `key`, −0 as 0.
///
/// # Panics
/// If its type is not supported.
pub(super) fn encode(value: &ScalarValue, key: bool, out: &mut Vec<u8>) {
    if value.is_null() {
        return out.push(NULL);
    }
    out.push(VALID);
    match value {
        ScalarValue::Boolean(Some(v)) => out.push(u8::from(*v)),
        ScalarValue::Int8(Some(v)) => out.push(*v as u8 ^ 1 << 7),
        ScalarValue::Int16(Some(v)) => out.extend((*v as u16 ^ 1 << 15).to_be_bytes()),
        ScalarValue::Int32(Some(v)) | ScalarValue::Date32(Some(v)) => put_i32(out, *v),
        ScalarValue::Int64(Some(v))
        | ScalarValue::Time64Nanosecond(Some(v))
        | ScalarValue::TimestampSecond(Some(v), _)
        | ScalarValue::TimestampMillisecond(Some(v), _)
        | ScalarValue::TimestampMicrosecond(Some(v), _)
        | ScalarValue::TimestampNanosecond(Some(v), _) => put_i64(out, *v),
        ScalarValue::UInt8(Some(v)) => out.push(*v),
        ScalarValue::UInt16(Some(v)) => out.extend(v.to_be_bytes()),
        ScalarValue::UInt32(Some(v)) => out.extend(v.to_be_bytes()),
        ScalarValue::UInt64(Some(v)) => out.extend(v.to_be_bytes()),
        ScalarValue::Float32(Some(v)) => put_i32(out, word::from_f32(*v, key) as i32),
        ScalarValue::Float64(Some(v)) => put_i64(out, word::from_f64(*v, key)),
        ScalarValue::Decimal128(Some(v), _, _) => out.extend(word::bytes_of_i128(*v)),
        ScalarValue::Utf8(Some(v)) | ScalarValue::LargeUtf8(Some(v)) | ScalarValue::Utf8View(Some(v)) => {
            put_escaped(out, v.as_bytes());
        }
        ScalarValue::Binary(Some(v))
        | ScalarValue::LargeBinary(Some(v))
        | ScalarValue::BinaryView(Some(v)) => put_escaped(out, v),
        ScalarValue::IntervalYearMonth(Some(v)) => put_i32(out, *v),
        ScalarValue::IntervalDayTime(Some(v)) => {
            put_i32(out, v.days);
            put_i32(out, v.milliseconds);
        }
        ScalarValue::IntervalMonthDayNano(Some(v)) => {
            put_i32(out, v.months);
            put_i32(out, v.days);
            put_i64(out, v.nanoseconds);
        }
        ScalarValue::List(list) => encode_elements(&list.value(0), key, out),
        ScalarValue::Map(map) => encode_elements(&(Arc::new(map.value(0)) as ArrayRef), key, out),
        ScalarValue::Struct(row) => {
            for column in row.columns() {
                encode(&element(column, 0), key, out);
            }
        }
        other => panic!("no encoding for a value of type {}", other.data_type()),
    }
}

fn element(array: &ArrayRef, row: usize) -> ScalarValue {
    ScalarValue::try_from_array(array, row).expect("the type was checked when the plan was made")
}

fn encode_elements(elements: &ArrayRef, key: bool, out: &mut Vec<u8>) {
    for row in 0..elements.len() {
        out.push(1);
        encode(&element(elements, row), key, out);
    }
    out.push(0);
}

fn put_i32(out: &mut Vec<u8>, value: i32) {
    out.extend((value as u32 ^ 1 << 31).to_be_bytes());
}

fn put_i64(out: &mut Vec<u8>, value: i64) {
    out.extend((value as u64 ^ 1 << 63).to_be_bytes());
}

/// Appends `bytes` with `00` escaped and a terminator, in the order of the bytes.
pub(super) fn put_escaped(out: &mut Vec<u8>, bytes: &[u8]) {
    for &byte in bytes {
        out.push(byte);
        if byte == 0 {
            out.push(0xff);
        }
    }
    out.extend([0, 0]);
}

/// Reads what [`encode`] wrote.
///
/// # Errors
/// If the bytes are not a value of `data_type`.
pub(super) fn decode(input: &mut Reader, data_type: &DataType) -> Result<ScalarValue, AggError> {
    match input.u8()? {
        VALID => {}
        NULL => return ScalarValue::try_from(data_type).map_err(|_| BAD),
        _ => return Err(BAD),
    }
    Ok(match data_type {
        DataType::Boolean => ScalarValue::Boolean(Some(input.flag()?)),
        DataType::Int8 => ScalarValue::Int8(Some((input.u8()? ^ 1 << 7) as i8)),
        DataType::Int16 => ScalarValue::Int16(Some((u16::from_be_bytes(fixed(input)?) ^ 1 << 15) as i16)),
        DataType::Int32 => ScalarValue::Int32(Some(take_i32(input)?)),
        DataType::Date32 => ScalarValue::Date32(Some(take_i32(input)?)),
        DataType::Int64 => ScalarValue::Int64(Some(take_i64(input)?)),
        DataType::Time64(TimeUnit::Nanosecond) => ScalarValue::Time64Nanosecond(Some(take_i64(input)?)),
        DataType::Timestamp(unit, zone) => {
            let (value, zone) = (Some(take_i64(input)?), zone.clone());
            match unit {
                TimeUnit::Second => ScalarValue::TimestampSecond(value, zone),
                TimeUnit::Millisecond => ScalarValue::TimestampMillisecond(value, zone),
                TimeUnit::Microsecond => ScalarValue::TimestampMicrosecond(value, zone),
                TimeUnit::Nanosecond => ScalarValue::TimestampNanosecond(value, zone),
            }
        }
        DataType::UInt8 => ScalarValue::UInt8(Some(input.u8()?)),
        DataType::UInt16 => ScalarValue::UInt16(Some(u16::from_be_bytes(fixed(input)?))),
        DataType::UInt32 => ScalarValue::UInt32(Some(u32::from_be_bytes(fixed(input)?))),
        DataType::UInt64 => ScalarValue::UInt64(Some(u64::from_be_bytes(fixed(input)?))),
        DataType::Float32 => ScalarValue::Float32(Some(word::to_f32(i64::from(take_i32(input)?)))),
        DataType::Float64 => ScalarValue::Float64(Some(word::to_f64(take_i64(input)?))),
        DataType::Decimal128(precision, scale) => {
            ScalarValue::Decimal128(Some(word::i128_of_bytes(input.take(16)?)), *precision, *scale)
        }
        DataType::Utf8 => ScalarValue::Utf8(Some(take_text(input)?)),
        DataType::LargeUtf8 => ScalarValue::LargeUtf8(Some(take_text(input)?)),
        DataType::Utf8View => ScalarValue::Utf8View(Some(take_text(input)?)),
        DataType::Binary => ScalarValue::Binary(Some(take_escaped(input)?)),
        DataType::LargeBinary => ScalarValue::LargeBinary(Some(take_escaped(input)?)),
        DataType::BinaryView => ScalarValue::BinaryView(Some(take_escaped(input)?)),
        DataType::Interval(IntervalUnit::YearMonth) => ScalarValue::IntervalYearMonth(Some(take_i32(input)?)),
        DataType::Interval(IntervalUnit::DayTime) => ScalarValue::IntervalDayTime(Some(IntervalDayTime {
            days: take_i32(input)?,
            milliseconds: take_i32(input)?,
        })),
        DataType::Interval(IntervalUnit::MonthDayNano) => {
            ScalarValue::IntervalMonthDayNano(Some(IntervalMonthDayNano {
                months: take_i32(input)?,
                days: take_i32(input)?,
                nanoseconds: take_i64(input)?,
            }))
        }
        DataType::List(field) => {
            let (offsets, elements) = decode_elements(input, field)?;
            let list = ListArray::try_new(Arc::clone(field), offsets, elements, None).map_err(|_| BAD)?;
            ScalarValue::List(Arc::new(list))
        }
        DataType::Map(field, sorted) => {
            let (offsets, elements) = decode_elements(input, field)?;
            let entries = elements.as_struct_opt().ok_or(BAD)?.clone();
            let map = MapArray::try_new(Arc::clone(field), offsets, entries, None, *sorted);
            ScalarValue::Map(Arc::new(map.map_err(|_| BAD)?))
        }
        DataType::Struct(fields) => {
            let mut columns = Vec::with_capacity(fields.len());
            for field in fields {
                let value = decode(input, field.data_type())?;
                columns.push(value.to_array().map_err(|_| BAD)?);
            }
            let row = if fields.is_empty() {
                StructArray::new_empty_fields(1, None)
            } else {
                StructArray::try_new(fields.clone(), columns, None).map_err(|_| BAD)?
            };
            ScalarValue::Struct(Arc::new(row))
        }
        _ => return Err(BAD),
    })
}

fn decode_elements(input: &mut Reader, field: &FieldRef) -> Result<(OffsetBuffer<i32>, ArrayRef), AggError> {
    let mut values = Vec::new();
    while input.flag()? {
        values.push(decode(input, field.data_type())?);
    }
    let offsets = OffsetBuffer::from_lengths([values.len()]);
    if values.is_empty() {
        return Ok((offsets, new_empty_array(field.data_type())));
    }
    Ok((offsets, ScalarValue::iter_to_array(values).map_err(|_| BAD)?))
}

fn fixed<const N: usize>(input: &mut Reader) -> Result<[u8; N], AggError> {
    Ok(input.take(N)?.try_into().expect("take returns the length asked for"))
}

fn take_i32(input: &mut Reader) -> Result<i32, AggError> {
    Ok((u32::from_be_bytes(fixed(input)?) ^ 1 << 31) as i32)
}

fn take_i64(input: &mut Reader) -> Result<i64, AggError> {
    Ok((u64::from_be_bytes(fixed(input)?) ^ 1 << 63) as i64)
}

fn take_escaped(input: &mut Reader) -> Result<Vec<u8>, AggError> {
    let mut out = Vec::new();
    loop {
        match input.u8()? {
            0 => match input.u8()? {
                0 => return Ok(out),
                0xff => out.push(0),
                _ => return Err(BAD),
            },
            byte => out.push(byte),
        }
    }
}

fn take_text(input: &mut Reader) -> Result<String, AggError> {
    String::from_utf8(take_escaped(input)?).map_err(|_| BAD)
}
