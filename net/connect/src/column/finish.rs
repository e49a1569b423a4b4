//! Columns becoming Arrow arrays.

use std::sync::Arc;

use arrow_array::types::{
    Date32Type, Decimal128Type, Float32Type, Float64Type, Int32Type, Int64Type, IntervalMonthDayNanoType,
    Time64NanosecondType, TimestampNanosecondType,
};
use arrow_array::{
    Array, ArrayRef, ArrowPrimitiveType, BinaryArray, BooleanArray, ListArray, MapArray, PrimitiveArray,
    StringArray, StructArray,
};
use arrow_buffer::{Buffer, NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow_schema::{ArrowError, DataType};

use super::{Column, Values};

impl Column {
    /// The rows as an array; the column is empty afterwards, ready for the next rows.
    pub(crate) fn finish(&mut self) -> Result<ArrayRef, ArrowError> {
        let nulls = self.valid.finish();
        Ok(match &mut self.values {
            Values::Bool(values) => Arc::new(BooleanArray::new(values.finish(), nulls)),
            Values::Int(values) => primitive::<Int32Type>(values, nulls)?,
            Values::BigInt(values) => primitive::<Int64Type>(values, nulls)?,
            Values::Float(values) => primitive::<Float32Type>(values, nulls)?,
            Values::Double(values) => primitive::<Float64Type>(values, nulls)?,
            Values::Decimal { values, precision, scale } => {
                let values = ScalarBuffer::from(take(values));
                let array = PrimitiveArray::<Decimal128Type>::try_new(values, nulls)?;
                Arc::new(array.with_precision_and_scale(*precision, *scale)?)
            }
            Values::Text { offsets, bytes, .. } => {
                Arc::new(StringArray::try_new(take_offsets(offsets), Buffer::from(take(bytes)), nulls)?)
            }
            Values::Bytes { offsets, bytes } => {
                Arc::new(BinaryArray::try_new(take_offsets(offsets), Buffer::from(take(bytes)), nulls)?)
            }
            Values::Timestamp { values, .. } => {
                let values = ScalarBuffer::from(take(values));
                let array = PrimitiveArray::<TimestampNanosecondType>::try_new(values, nulls)?;
                match self.field.data_type() {
                    DataType::Timestamp(_, Some(zone)) => Arc::new(array.with_timezone(zone.clone())),
                    _ => Arc::new(array),
                }
            }
            Values::Date(values) => primitive::<Date32Type>(values, nulls)?,
            Values::Time(values) => primitive::<Time64NanosecondType>(values, nulls)?,
            Values::Interval(values) => primitive::<IntervalMonthDayNanoType>(values, nulls)?,
            Values::Array { offsets, items } => Arc::new(ListArray::try_new(
                items.field.clone(),
                take_offsets(offsets),
                items.finish()?,
                nulls,
            )?),
            Values::Map { offsets, keys, entries } => {
                let DataType::Map(entry, sorted) = self.field.data_type() else {
                    unreachable!("a map column is made from a map field only");
                };
                let DataType::Struct(fields) = entry.data_type() else {
                    unreachable!("a map column is made from a map of two fields only");
                };
                let pairs = vec![keys.finish()?, entries.finish()?];
                let pairs = StructArray::try_new(fields.clone(), pairs, None)?;
                let offsets = take_offsets(offsets);
                Arc::new(MapArray::try_new(entry.clone(), offsets, pairs, nulls, *sorted)?)
            }
            Values::Struct(columns) => {
                let DataType::Struct(fields) = self.field.data_type() else {
                    unreachable!("a struct column is made from a struct field only");
                };
                let rows = columns.first().map_or(0, Column::len);
                let children: Vec<ArrayRef> =
                    columns.iter_mut().map(Column::finish).collect::<Result<_, _>>()?;
                let rows = children.first().map_or(rows, |child| child.len());
                Arc::new(StructArray::try_new_with_length(fields.clone(), children, nulls, rows)?)
            }
        })
    }
}

fn take<T>(values: &mut Vec<T>) -> Vec<T> {
    let capacity = values.capacity();
    std::mem::replace(values, Vec::with_capacity(capacity.min(1 << 16)))
}

fn take_offsets(offsets: &mut Vec<i32>) -> OffsetBuffer<i32> {
    let mut next = Vec::with_capacity(offsets.capacity().min(1 << 16));
    next.push(0);
    OffsetBuffer::new(ScalarBuffer::from(std::mem::replace(offsets, next)))
}

fn primitive<T: ArrowPrimitiveType>(
    values: &mut Vec<T::Native>,
    nulls: Option<NullBuffer>,
) -> Result<ArrayRef, ArrowError> {
    let values = ScalarBuffer::from(take(values));
    Ok(Arc::new(PrimitiveArray::<T>::try_new(values, nulls)?))
}
