//! Columns being filled row by row.
//!
//! Arrow's own builders cannot take a value back. A record that fails in its fifth cell must leave
//! no trace in the first four, so these columns can be cut back to the last whole row.

mod column_json;
mod column_text;
mod finish;

use arrow_buffer::{BooleanBufferBuilder, IntervalMonthDayNano, NullBufferBuilder};
use arrow_schema::{DataType, FieldRef, IntervalUnit, TimeUnit};
use cep_types::sql_type::is_json_field;

use crate::ConnectError;
use crate::source::reject::RejectReason;
use crate::text::TimeParser;

pub(crate) use column_json::{ColumnSeed, JsonFault};

/// One column of the rows read so far.
#[derive(Debug)]
pub(crate) struct Column {
    pub(crate) field: FieldRef,
    pub(crate) values: Values,
    valid: NullBufferBuilder,
}

/// Values of a column, by type. Offsets hold one number more than rows.
#[derive(Debug)]
pub(crate) enum Values {
    Bool(BooleanBufferBuilder),
    Int(Vec<i32>),
    BigInt(Vec<i64>),
    Float(Vec<f32>),
    Double(Vec<f64>),
    Decimal {
        values: Vec<i128>,
        precision: u8,
        scale: i8,
    },
    /// STRING, and JSON when `json`.
    Text {
        offsets: Vec<i32>,
        bytes: Vec<u8>,
        json: bool,
    },
    Bytes {
        offsets: Vec<i32>,
        bytes: Vec<u8>,
    },
    Timestamp {
        values: Vec<i64>,
        parser: TimeParser,
    },
    Date(Vec<i32>),
    Time(Vec<i64>),
    Interval(Vec<IntervalMonthDayNano>),
    Array {
        offsets: Vec<i32>,
        items: Box<Column>,
    },
    Map {
        offsets: Vec<i32>,
        keys: Box<Column>,
        entries: Box<Column>,
    },
    Struct(Vec<Column>),
}

impl Column {
    /// An empty column. `parser` reads TIMESTAMP values.
    pub(crate) fn new(field: &FieldRef, parser: TimeParser) -> Result<Column, ConnectError> {
        let nested = |field: &FieldRef| Column::new(field, TimeParser::iso());
        let values = match field.data_type() {
            DataType::Boolean => Values::Bool(BooleanBufferBuilder::new(0)),
            DataType::Int32 => Values::Int(Vec::new()),
            DataType::Int64 => Values::BigInt(Vec::new()),
            DataType::Float32 => Values::Float(Vec::new()),
            DataType::Float64 => Values::Double(Vec::new()),
            DataType::Decimal128(precision, scale) => {
                Values::Decimal { values: Vec::new(), precision: *precision, scale: *scale }
            }
            DataType::Utf8 => {
                Values::Text { offsets: vec![0], bytes: Vec::new(), json: is_json_field(field) }
            }
            DataType::Binary => Values::Bytes { offsets: vec![0], bytes: Vec::new() },
            DataType::Timestamp(TimeUnit::Nanosecond, _) => Values::Timestamp { values: Vec::new(), parser },
            DataType::Date32 => Values::Date(Vec::new()),
            DataType::Time64(TimeUnit::Nanosecond) => Values::Time(Vec::new()),
            DataType::Interval(IntervalUnit::MonthDayNano) => Values::Interval(Vec::new()),
            DataType::List(item) => Values::Array { offsets: vec![0], items: Box::new(nested(item)?) },
            DataType::Map(entry, _) => match entry.data_type() {
                DataType::Struct(fields) if fields.len() == 2 => Values::Map {
                    offsets: vec![0],
                    keys: Box::new(nested(&fields[0])?),
                    entries: Box::new(nested(&fields[1])?),
                },
                _ => return Err(unsupported(field)),
            },
            DataType::Struct(fields) => Values::Struct(fields.iter().map(nested).collect::<Result<_, _>>()?),
            _ => return Err(unsupported(field)),
        };
        Ok(Column { field: field.clone(), values, valid: NullBufferBuilder::new(0) })
    }

    /// Rows so far.
    pub(crate) fn len(&self) -> usize {
        self.valid.len()
    }

    /// Room for `rows` more, so that filling does not grow step by step.
    pub(crate) fn reserve(&mut self, rows: usize) {
        match &mut self.values {
            Values::Bool(values) => values.reserve(rows),
            Values::Int(values) | Values::Date(values) => values.reserve(rows),
            Values::BigInt(values) | Values::Timestamp { values, .. } | Values::Time(values) => {
                values.reserve(rows);
            }
            Values::Float(values) => values.reserve(rows),
            Values::Double(values) => values.reserve(rows),
            Values::Decimal { values, .. } => values.reserve(rows),
            Values::Text { offsets, .. }
            | Values::Bytes { offsets, .. }
            | Values::Array { offsets, .. }
            | Values::Map { offsets, .. } => offsets.reserve(rows),
            Values::Interval(values) => values.reserve(rows),
            Values::Struct(columns) => {
                for column in columns {
                    column.reserve(rows);
                }
            }
        }
    }

    /// Marks the value just pushed as there.
    #[inline(always)]
    pub(crate) fn set_valid(&mut self) {
        self.valid.append_non_null();
    }

    /// Appends NULL.
    #[inline]
    pub(crate) fn push_null(&mut self) -> Result<(), RejectReason> {
        if !self.field.is_nullable() {
            return Err(RejectReason::MissingValue);
        }
        self.push_placeholder();
        Ok(())
    }

    /// Appends NULL, also below a NULL parent whose children are NOT NULL.
    fn push_placeholder(&mut self) {
        match &mut self.values {
            Values::Bool(values) => values.append(false),
            Values::Int(values) | Values::Date(values) => values.push(0),
            Values::BigInt(values) | Values::Timestamp { values, .. } | Values::Time(values) => {
                values.push(0);
            }
            Values::Float(values) => values.push(0.0),
            Values::Double(values) => values.push(0.0),
            Values::Decimal { values, .. } => values.push(0),
            Values::Text { offsets, .. }
            | Values::Bytes { offsets, .. }
            | Values::Array { offsets, .. }
            | Values::Map { offsets, .. } => offsets.push(*offsets.last().unwrap_or(&0)),
            Values::Interval(values) => values.push(IntervalMonthDayNano::ZERO),
            Values::Struct(columns) => {
                for column in columns {
                    column.push_placeholder();
                }
            }
        }
        self.valid.append_null();
    }

    /// Cuts back to the first `rows` rows, also when the last row was only half pushed.
    pub(crate) fn truncate(&mut self, rows: usize) {
        let end = |offsets: &mut Vec<i32>| {
            offsets.truncate(rows + 1);
            offsets.last().map_or(0, |&end| end as usize)
        };
        match &mut self.values {
            Values::Bool(values) => values.truncate(rows),
            Values::Int(values) | Values::Date(values) => values.truncate(rows),
            Values::BigInt(values) | Values::Timestamp { values, .. } | Values::Time(values) => {
                values.truncate(rows);
            }
            Values::Float(values) => values.truncate(rows),
            Values::Double(values) => values.truncate(rows),
            Values::Decimal { values, .. } => values.truncate(rows),
            Values::Text { offsets, bytes, .. } | Values::Bytes { offsets, bytes } => {
                bytes.truncate(end(offsets));
            }
            Values::Interval(values) => values.truncate(rows),
            Values::Array { offsets, items } => items.truncate(end(offsets)),
            Values::Map { offsets, keys, entries } => {
                let end = end(offsets);
                keys.truncate(end);
                entries.truncate(end);
            }
            Values::Struct(columns) => {
                for column in columns {
                    column.truncate(rows);
                }
            }
        }
        self.valid.truncate(rows);
    }

    /// Whether the last row is NULL.
    pub(crate) fn last_is_null(&self) -> bool {
        match self.len() {
            0 => true,
            rows => !self.valid.is_valid(rows - 1),
        }
    }
}

fn unsupported(field: &FieldRef) -> ConnectError {
    ConnectError::UnsupportedType { column: field.name().clone(), data_type: field.data_type().to_string() }
}
