//! Values as text.
//!
//! | type | JSON | CSV and table |
//! |---|---|---|
//! | BOOL | `true` | the same |
//! | INT, BIGINT | digits | the same |
//! | FLOAT, DOUBLE | shortest digits that read back the same, `73.0`, `1e21`; `"NaN"`, `"Infinity"`, `"-Infinity"` | without quotes |
//! | DECIMAL | digits, as many behind the point as the scale | the same |
//! | STRING | JSON string | as it is |
//! | BYTES | base64 in quotes | base64 |
//! | TIMESTAMP | `"2024-05-01T12:30:00.500Z"`: UTC, no fraction or 3, 6 or 9 digits | without quotes |
//! | DATE, TIME | `"2024-05-01"`, `"12:30:00"` | without quotes |
//! | INTERVAL | ISO 8601, `"P1DT2H"` | without quotes |
//! | ARRAY, MAP, STRUCT | array, object, object | JSON |
//! | JSON | as it is, line ends dropped; a string when it is not JSON | as it is |
//! | NULL | `null` | empty, or `csv.null` |
//!
//! Types that functions return and SQL does not name (unsigned and short integers, other units of
//! time, views) are written as their nearest relative in this table.

use arrow_array::cast::AsArray;
use arrow_array::types::{
    Date32Type, Decimal128Type, DurationNanosecondType, Float32Type, Float64Type, Int32Type, Int64Type,
    IntervalMonthDayNanoType, Time64NanosecondType, TimestampNanosecondType, UInt64Type,
};
use arrow_array::{
    Array, ArrayRef, BinaryArray, BooleanArray, ListArray, MapArray, PrimitiveArray, StringArray,
};
use arrow_buffer::IntervalMonthDayNano;
use arrow_cast::cast;
use arrow_schema::{ArrowError, DataType, Field, FieldRef, IntervalUnit, TimeUnit};
use cep_types::sql_type::is_json_field;

use super::quote::json_string;
use super::time::{write_date, write_time, write_timestamp};
use crate::text::{encode_base64, write_decimal, write_interval};

/// One column of a batch, ready to be written value by value.
pub(super) struct Cells {
    array: ArrayRef,
    kind: Kind,
}

enum Kind {
    Null,
    Bool(BooleanArray),
    Int(PrimitiveArray<Int32Type>),
    BigInt(PrimitiveArray<Int64Type>),
    Unsigned(PrimitiveArray<UInt64Type>),
    Float(PrimitiveArray<Float32Type>),
    Double(PrimitiveArray<Float64Type>),
    Decimal(PrimitiveArray<Decimal128Type>, i8),
    Text(StringArray),
    Json(StringArray),
    /// Digits of a number wider than 128 bits.
    Digits(StringArray),
    Bytes(BinaryArray),
    Timestamp(PrimitiveArray<TimestampNanosecondType>),
    Date(PrimitiveArray<Date32Type>),
    Time(PrimitiveArray<Time64NanosecondType>),
    Interval(PrimitiveArray<IntervalMonthDayNanoType>),
    Duration(PrimitiveArray<DurationNanosecondType>),
    List(ListArray, Box<Cells>),
    Map(MapArray, Box<Cells>, Box<Cells>),
    Struct(Vec<(String, Cells)>),
}

impl Cells {
    /// The cells of a column.
    ///
    /// # Errors
    /// A type that has no text, or a value that the nearest written type cannot hold.
    pub(super) fn new(field: &Field, array: &ArrayRef) -> Result<Cells, ArrowError> {
        let array = nearest(array)?;
        let kind = match array.data_type() {
            DataType::Null => Kind::Null,
            DataType::Boolean => Kind::Bool(array.as_boolean().clone()),
            DataType::Int32 => Kind::Int(array.as_primitive().clone()),
            DataType::Int64 => Kind::BigInt(array.as_primitive().clone()),
            DataType::UInt64 => Kind::Unsigned(array.as_primitive().clone()),
            DataType::Float32 => Kind::Float(array.as_primitive().clone()),
            DataType::Float64 => Kind::Double(array.as_primitive().clone()),
            DataType::Decimal128(_, scale) => Kind::Decimal(array.as_primitive().clone(), *scale),
            DataType::Decimal256(_, _) => Kind::Digits(cast(&array, &DataType::Utf8)?.as_string().clone()),
            DataType::Utf8 if is_json_field(field) => Kind::Json(array.as_string().clone()),
            DataType::Utf8 => Kind::Text(array.as_string().clone()),
            DataType::Binary => Kind::Bytes(array.as_binary().clone()),
            DataType::Timestamp(_, _) => Kind::Timestamp(array.as_primitive().clone()),
            DataType::Date32 => Kind::Date(array.as_primitive().clone()),
            DataType::Time64(_) => Kind::Time(array.as_primitive().clone()),
            DataType::Interval(_) => Kind::Interval(array.as_primitive().clone()),
            DataType::Duration(_) => Kind::Duration(array.as_primitive().clone()),
            DataType::List(item) => {
                let list = array.as_list::<i32>().clone();
                let items = Cells::new(item, list.values())?;
                Kind::List(list, Box::new(items))
            }
            DataType::Map(_, _) => {
                let map = array.as_map().clone();
                let (key, value) = map.entries_fields();
                let keys = Cells::new(key, map.keys())?;
                let values = Cells::new(value, map.values())?;
                Kind::Map(map, Box::new(keys), Box::new(values))
            }
            DataType::Struct(fields) => Kind::Struct(members(fields, &array)?),
            other => {
                return Err(ArrowError::NotYetImplemented(format!(
                    "column '{}' of type {other} cannot be written",
                    field.name()
                )));
            }
        };
        Ok(Cells { array, kind })
    }

    /// Whether the value of a row is NULL.
    pub(super) fn is_null(&self, row: usize) -> bool {
        matches!(self.kind, Kind::Null) || self.array.is_null(row)
    }

    /// Whether values are numbers, which align at their right end.
    pub(super) fn is_number(&self) -> bool {
        matches!(
            self.kind,
            Kind::Int(_)
                | Kind::BigInt(_)
                | Kind::Unsigned(_)
                | Kind::Float(_)
                | Kind::Double(_)
                | Kind::Decimal(..)
                | Kind::Digits(_)
        )
    }

    /// Appends the value of a row as JSON.
    pub(super) fn write_json(&self, row: usize, out: &mut Vec<u8>) {
        if self.is_null(row) {
            out.extend_from_slice(b"null");
            return;
        }
        match &self.kind {
            Kind::Text(texts) => json_string(texts.value(row), out),
            Kind::Json(texts) => embed(texts.value(row), out),
            Kind::Double(values) if !values.value(row).is_finite() => {
                self.write_quoted(row, out);
            }
            Kind::Float(values) if !values.value(row).is_finite() => self.write_quoted(row, out),
            Kind::Bytes(_)
            | Kind::Timestamp(_)
            | Kind::Date(_)
            | Kind::Time(_)
            | Kind::Interval(_)
            | Kind::Duration(_) => self.write_quoted(row, out),
            _ => self.write_plain(row, out),
        }
    }

    fn write_quoted(&self, row: usize, out: &mut Vec<u8>) {
        out.push(b'"');
        self.write_plain(row, out);
        out.push(b'"');
    }

    /// Appends the value of a row as plain text; NULL is nothing.
    pub(super) fn write_plain(&self, row: usize, out: &mut Vec<u8>) {
        if self.is_null(row) {
            return;
        }
        let mut integer = itoa::Buffer::new();
        match &self.kind {
            Kind::Null => {}
            Kind::Bool(values) => {
                let text: &[u8] = if values.value(row) { b"true" } else { b"false" };
                out.extend_from_slice(text);
            }
            Kind::Int(values) => {
                out.extend_from_slice(integer.format(values.value(row)).as_bytes());
            }
            Kind::BigInt(values) => {
                out.extend_from_slice(integer.format(values.value(row)).as_bytes());
            }
            Kind::Unsigned(values) => {
                out.extend_from_slice(integer.format(values.value(row)).as_bytes());
            }
            Kind::Float(values) => write_float(values.value(row), out),
            Kind::Double(values) => write_float(values.value(row), out),
            Kind::Decimal(values, scale) => write_decimal(values.value(row), *scale, out),
            Kind::Text(texts) | Kind::Json(texts) | Kind::Digits(texts) => {
                out.extend_from_slice(texts.value(row).as_bytes());
            }
            Kind::Bytes(values) => encode_base64(values.value(row), out),
            Kind::Timestamp(values) => write_timestamp(values.value(row), out),
            Kind::Date(values) => write_date(values.value(row).into(), out),
            Kind::Time(values) => write_time(values.value(row), out),
            Kind::Interval(values) => write_interval(values.value(row), out),
            Kind::Duration(values) => {
                write_interval(IntervalMonthDayNano::new(0, 0, values.value(row)), out);
            }
            Kind::List(list, items) => write_list(list, items, row, out),
            Kind::Map(map, keys, values) => write_map(map, keys, values, row, out),
            Kind::Struct(members) => write_struct(members, row, out),
        }
    }
}

fn members(fields: &[FieldRef], array: &ArrayRef) -> Result<Vec<(String, Cells)>, ArrowError> {
    let columns = array.as_struct().columns();
    fields
        .iter()
        .zip(columns)
        .map(|(field, column)| Ok((field.name().clone(), Cells::new(field, column)?)))
        .collect()
}

fn write_list(list: &ListArray, items: &Cells, row: usize, out: &mut Vec<u8>) {
    out.push(b'[');
    let offsets = list.value_offsets();
    for at in offsets[row]..offsets[row + 1] {
        if at > offsets[row] {
            out.push(b',');
        }
        items.write_json(at as usize, out);
    }
    out.push(b']');
}

fn write_map(map: &MapArray, keys: &Cells, values: &Cells, row: usize, out: &mut Vec<u8>) {
    out.push(b'{');
    let offsets = map.value_offsets();
    for at in offsets[row]..offsets[row + 1] {
        if at > offsets[row] {
            out.push(b',');
        }
        // Whatever the type of a key, a key of an object is a string.
        let mut key = Vec::new();
        keys.write_plain(at as usize, &mut key);
        json_string(&String::from_utf8_lossy(&key), out);
        out.push(b':');
        values.write_json(at as usize, out);
    }
    out.push(b'}');
}

fn write_struct(members: &[(String, Cells)], row: usize, out: &mut Vec<u8>) {
    out.push(b'{');
    for (index, (name, cells)) in members.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        json_string(name, out);
        out.push(b':');
        cells.write_json(row, out);
    }
    out.push(b'}');
}

/// JSON text as it is. Line ends can only be white space in it, and would break the line.
fn embed(text: &str, out: &mut Vec<u8>) {
    if serde_json::from_str::<serde::de::IgnoredAny>(text).is_err() {
        json_string(text, out);
        return;
    }
    let kept = text.trim().bytes();
    out.extend(kept.filter(|byte| !matches!(byte, b'\n' | b'\r')));
}

fn write_float<F: ryu::Float + Into<f64> + Copy>(value: F, out: &mut Vec<u8>) {
    let wide: f64 = value.into();
    if wide.is_finite() {
        out.extend_from_slice(ryu::Buffer::new().format_finite(value).as_bytes());
    } else if wide.is_nan() {
        out.extend_from_slice(b"NaN");
    } else if wide > 0.0 {
        out.extend_from_slice(b"Infinity");
    } else {
        out.extend_from_slice(b"-Infinity");
    }
}

/// The array as a type of the table above.
fn nearest(array: &ArrayRef) -> Result<ArrayRef, ArrowError> {
    let target = match array.data_type() {
        DataType::Int8 | DataType::Int16 | DataType::UInt8 | DataType::UInt16 => DataType::Int32,
        DataType::UInt32 => DataType::Int64,
        DataType::Float16 => DataType::Float32,
        DataType::LargeUtf8 | DataType::Utf8View => DataType::Utf8,
        DataType::LargeBinary | DataType::BinaryView | DataType::FixedSizeBinary(_) => DataType::Binary,
        DataType::Timestamp(unit, zone) if *unit != TimeUnit::Nanosecond => {
            DataType::Timestamp(TimeUnit::Nanosecond, zone.clone())
        }
        DataType::Date64 => DataType::Date32,
        DataType::Time32(_) | DataType::Time64(TimeUnit::Microsecond) => {
            DataType::Time64(TimeUnit::Nanosecond)
        }
        DataType::Interval(unit) if *unit != IntervalUnit::MonthDayNano => {
            DataType::Interval(IntervalUnit::MonthDayNano)
        }
        DataType::Duration(unit) if *unit != TimeUnit::Nanosecond => DataType::Duration(TimeUnit::Nanosecond),
        DataType::Decimal32(precision, scale) | DataType::Decimal64(precision, scale) => {
            DataType::Decimal128(*precision, *scale)
        }
        DataType::Dictionary(_, values) => {
            return nearest(&cast(array, values)?);
        }
        DataType::RunEndEncoded(_, values) => {
            return nearest(&cast(array, values.data_type())?);
        }
        DataType::LargeList(item) | DataType::ListView(item) | DataType::LargeListView(item) => {
            DataType::List(item.clone())
        }
        DataType::FixedSizeList(item, _) => DataType::List(item.clone()),
        _ => return Ok(array.clone()),
    };
    let options = arrow_cast::CastOptions { safe: false, ..arrow_cast::CastOptions::default() };
    arrow_cast::cast_with_options(array, &target, &options)
}
