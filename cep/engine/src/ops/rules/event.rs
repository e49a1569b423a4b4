//! What an emitted event consists of.

use std::sync::Arc;

use arrow_array::{ArrayRef, IntervalMonthDayNanoArray};
use arrow_buffer::IntervalMonthDayNano;
use arrow_schema::{DataType, IntervalUnit};
use cep_types::hash::SpaceSeed;

use crate::cel::{Fault, Outcome, Value};
use crate::column::{Column, Values};
use crate::ops::Origin;

/// The id of an event that a rule emits (R-IDEM-2): SipHash-2-4 with a key of zeros over
///
/// partition (u32) · log index (u64) · rule version (u64) · length of the rule's id (u32) and its bytes ·
/// length of the channel (u32) and its bytes · ordinal (u32), all numbers little-endian.
///
/// The rule's id is `bundle/rule`, the channel is its URI, and the ordinal counts the events of this rule for the
/// entry at that index, from 0. `docs/formats.md` has test vectors.
pub fn derived_event_id(origin: Origin, version: u64, rule: &str, channel: &str, ordinal: u32) -> u64 {
    let mut bytes = Vec::with_capacity(32 + rule.len() + channel.len());
    bytes.extend(origin.partition.to_le_bytes());
    bytes.extend(origin.index.0.to_le_bytes());
    bytes.extend(version.to_le_bytes());
    for text in [rule, channel] {
        bytes.extend((text.len() as u32).to_le_bytes());
        bytes.extend(text.as_bytes());
    }
    bytes.extend(ordinal.to_le_bytes());
    SpaceSeed(0).hash(&bytes)
}

/// Appends text.
pub(super) fn push_text(column: &mut Column, text: &str) {
    push_bytes(column, text.as_bytes());
}

fn push_bytes(column: &mut Column, value: &[u8]) {
    let Values::Bytes { offsets, bytes } = &mut column.values else {
        unreachable!("the plan gives texts a column of text")
    };
    let bytes = bytes.to_mut();
    bytes.extend_from_slice(value);
    offsets.to_mut().push(bytes.len() as i32);
    column.mark_valid();
}

/// A value of a payload, made ready for its column.
#[derive(Debug)]
pub(super) enum Cell {
    Null,
    Bool(bool),
    I64(i64),
    F64(f64),
    Bytes(Arc<[u8]>),
    Text(Arc<str>),
    Interval(i64),
}

/// Whether payload columns can have this type.
pub(super) fn is_payload_type(data_type: &DataType) -> bool {
    matches!(
        data_type,
        DataType::Boolean
            | DataType::Int64
            | DataType::Float64
            | DataType::Utf8
            | DataType::Binary
            | DataType::Timestamp(arrow_schema::TimeUnit::Nanosecond, _)
            | DataType::Interval(IntervalUnit::MonthDayNano)
    )
}

/// What `value` is in a column of `data_type`. Lists, maps and values of unknown type are JSON in a column of text.
///
/// # Errors
/// If it does not fit.
pub(super) fn cell(value: &Value, data_type: &DataType) -> Outcome<Cell> {
    let misfit = || Fault::new(format!("{} does not fit the column", value.type_name()));
    let whole = |v: i128| i64::try_from(v).map_err(|_| Fault::new(format!("{v} is out of range")));
    Ok(match (data_type, value) {
        (_, Value::Null) => Cell::Null,
        (DataType::Boolean, Value::Bool(v)) => Cell::Bool(*v),
        (DataType::Int64, Value::Int(v)) => Cell::I64(*v),
        (DataType::Int64, Value::Uint(v)) => Cell::I64(whole(i128::from(*v))?),
        (DataType::Int64, Value::Duration(v)) => Cell::I64(whole(*v)?),
        (DataType::Float64, Value::Double(v)) => Cell::F64(*v),
        (DataType::Float64, Value::Int(v)) => Cell::F64(*v as f64),
        (DataType::Float64, Value::Uint(v)) => Cell::F64(*v as f64),
        (DataType::Timestamp(_, _), Value::Timestamp(v)) => Cell::I64(whole(*v)?),
        (DataType::Interval(_), Value::Duration(v)) => Cell::Interval(whole(*v)?),
        (DataType::Binary, Value::Bytes(v)) => Cell::Bytes(Arc::clone(v)),
        (DataType::Utf8, Value::String(v)) => Cell::Text(Arc::clone(v)),
        (DataType::Utf8, other) => Cell::Text(other.to_json().ok_or_else(misfit)?.to_string().into()),
        _ => return Err(misfit()),
    })
}

/// Appends a cell.
pub(super) fn push(column: &mut Column, cell: Cell) {
    match (cell, &mut column.values) {
        (Cell::Null, _) => column.append_null(),
        (Cell::Bool(v), Values::Bool(values)) => {
            values.push(v);
            column.mark_valid();
        }
        (Cell::I64(v), _) => column.push_i64(v),
        (Cell::F64(v), Values::F64(values)) => {
            values.to_mut().push(v);
            column.mark_valid();
        }
        (Cell::Bytes(v), _) => push_bytes(column, &v),
        (Cell::Text(v), _) => push_bytes(column, v.as_bytes()),
        (Cell::Interval(ns), _) => {
            let value = IntervalMonthDayNano::new(0, 0, ns);
            let array: ArrayRef = Arc::new(IntervalMonthDayNanoArray::from(vec![value]));
            column.append(&Column::dense(Values::Any(array)));
        }
        (Cell::Bool(_) | Cell::F64(_), _) => unreachable!("cells are made for their column"),
    }
}
