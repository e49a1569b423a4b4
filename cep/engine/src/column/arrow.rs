//! Columns from and to Arrow arrays.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{
    Date32Type, Decimal128Type, Float32Type, Float64Type, Int32Type, Int64Type, Time64NanosecondType,
    TimestampNanosecondType,
};
use arrow_array::{Array, ArrayRef, BinaryArray, BooleanArray, PrimitiveArray, StringArray, new_empty_array};
use arrow_buffer::{BooleanBuffer, Buffer, NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow_cast::cast;
use arrow_schema::{DataType, TimeUnit};

use super::{Buf, ByteBuf, Column, Values};

impl Column {
    /// An empty column of the physical kind that holds `data_type`.
    pub fn new(data_type: &DataType) -> Self {
        let values = match data_type {
            DataType::Boolean => Values::Bool(Vec::new()),
            DataType::Int32 | DataType::Date32 => Values::I32(Buf::new()),
            DataType::Int64
            | DataType::Timestamp(TimeUnit::Nanosecond, _)
            | DataType::Time64(TimeUnit::Nanosecond) => Values::I64(Buf::new()),
            DataType::Float32 => Values::F32(Buf::new()),
            DataType::Float64 => Values::F64(Buf::new()),
            DataType::Decimal128(_, _) => Values::I128(Buf::new()),
            DataType::Utf8
            | DataType::LargeUtf8
            | DataType::Utf8View
            | DataType::Binary
            | DataType::LargeBinary
            | DataType::BinaryView => Values::Bytes { offsets: Buf::Own(vec![0]), bytes: ByteBuf::default() },
            other => Values::Any(new_empty_array(other)),
        };
        Column::dense(values)
    }

    /// Whether [`Column::new`] of `data_type` has the physical kind of this column; FALSE for
    /// [`Values::Any`], whose arrays carry a type of their own.
    pub fn is_kind_of(&self, data_type: &DataType) -> bool {
        match data_type {
            DataType::Boolean => matches!(self.values, Values::Bool(_)),
            DataType::Int32 | DataType::Date32 => matches!(self.values, Values::I32(_)),
            DataType::Int64
            | DataType::Timestamp(TimeUnit::Nanosecond, _)
            | DataType::Time64(TimeUnit::Nanosecond) => matches!(self.values, Values::I64(_)),
            DataType::Float32 => matches!(self.values, Values::F32(_)),
            DataType::Float64 => matches!(self.values, Values::F64(_)),
            DataType::Decimal128(_, _) => matches!(self.values, Values::I128(_)),
            DataType::Utf8
            | DataType::LargeUtf8
            | DataType::Utf8View
            | DataType::Binary
            | DataType::LargeBinary
            | DataType::BinaryView => matches!(self.values, Values::Bytes { .. }),
            _ => false,
        }
    }

    /// The column of an Arrow array: fixed-width values and text are shared, booleans and null
    /// masks unpacked. Text and bytes in another encoding (views, 64-bit offsets) are copied into
    /// ours.
    ///
    /// # Panics
    /// If text or bytes in another encoding exceed 2 GiB.
    pub fn from_arrow(array: &ArrayRef) -> Self {
        let mut column = Column::dense(Values::Any(Arc::clone(array)));
        column.load(array);
        column
    }

    /// Replaces the content by an Arrow array of the column's type, keeping allocations.
    pub fn load(&mut self, array: &ArrayRef) {
        if let (Values::Bool(out), DataType::Boolean) = (&mut self.values, array.data_type()) {
            out.clear();
            out.extend(array.as_boolean().values().iter());
        } else {
            self.values = values_of(array);
        }
        self.clear_mask();
        // The mask of other kinds is in the array.
        let nulls = array.nulls().filter(|n| n.null_count() > 0 && !matches!(self.values, Values::Any(_)));
        if let Some(nulls) = nulls {
            self.set_mask(nulls.iter());
        }
    }

    /// The Arrow array of this column; `data_type` must be one that [`Column::new`] maps to this
    /// physical kind. Shared buffers stay shared, ours are copied (they are reused).
    ///
    /// # Panics
    /// If `data_type` does not fit the physical kind: a plan whose types are wrong.
    pub fn to_arrow(&self, data_type: &DataType) -> ArrayRef {
        let nulls = self.valid.as_ref().map(|v| NullBuffer::new(BooleanBuffer::from_iter(v.iter().copied())));
        match (&self.values, data_type) {
            (Values::Bool(v), _) => {
                Arc::new(BooleanArray::new(BooleanBuffer::from_iter(v.iter().copied()), nulls))
            }
            (Values::I32(v), DataType::Date32) => {
                Arc::new(PrimitiveArray::<Date32Type>::new(share(v), nulls))
            }
            (Values::I32(v), _) => Arc::new(PrimitiveArray::<Int32Type>::new(share(v), nulls)),
            (Values::I64(v), DataType::Timestamp(_, zone)) => Arc::new(
                PrimitiveArray::<TimestampNanosecondType>::new(share(v), nulls)
                    .with_timezone_opt(zone.clone()),
            ),
            (Values::I64(v), DataType::Time64(_)) => {
                Arc::new(PrimitiveArray::<Time64NanosecondType>::new(share(v), nulls))
            }
            (Values::I64(v), _) => Arc::new(PrimitiveArray::<Int64Type>::new(share(v), nulls)),
            (Values::F32(v), _) => Arc::new(PrimitiveArray::<Float32Type>::new(share(v), nulls)),
            (Values::F64(v), _) => Arc::new(PrimitiveArray::<Float64Type>::new(share(v), nulls)),
            (Values::I128(v), _) => Arc::new(
                PrimitiveArray::<Decimal128Type>::new(share(v), nulls).with_data_type(data_type.clone()),
            ),
            (Values::Bytes { offsets, bytes }, _) => {
                let offsets = OffsetBuffer::new(share(offsets));
                let bytes = match bytes {
                    ByteBuf::Own(v) => Buffer::from_slice_ref(v),
                    ByteBuf::Arrow(b) => b.clone(),
                };
                let array: ArrayRef = match data_type {
                    DataType::Binary | DataType::LargeBinary | DataType::BinaryView => {
                        Arc::new(BinaryArray::new(offsets, bytes, nulls))
                    }
                    _ => Arc::new(StringArray::new(offsets, bytes, nulls)),
                };
                if array.data_type() == data_type { array } else { recoded(&array, data_type) }
            }
            (Values::Any(a), _) => Arc::clone(a),
        }
    }
}

/// The same text or bytes in another encoding.
fn recoded(array: &ArrayRef, data_type: &DataType) -> ArrayRef {
    cast(array, data_type).expect("encodings of text hold the same texts up to 2 GiB")
}

fn share<T: arrow_buffer::ArrowNativeType>(values: &Buf<T>) -> ScalarBuffer<T> {
    match values {
        Buf::Own(v) => ScalarBuffer::from(v.clone()),
        Buf::Arrow(a) => a.clone(),
    }
}

/// The values of an array, NULLs aside.
fn values_of(array: &ArrayRef) -> Values {
    match array.data_type() {
        DataType::Boolean => Values::Bool(array.as_boolean().values().iter().collect()),
        DataType::Int32 => Values::I32(Buf::Arrow(array.as_primitive::<Int32Type>().values().clone())),
        DataType::Date32 => Values::I32(Buf::Arrow(array.as_primitive::<Date32Type>().values().clone())),
        DataType::Int64 => Values::I64(Buf::Arrow(array.as_primitive::<Int64Type>().values().clone())),
        DataType::Timestamp(TimeUnit::Nanosecond, _) => {
            Values::I64(Buf::Arrow(array.as_primitive::<TimestampNanosecondType>().values().clone()))
        }
        DataType::Time64(TimeUnit::Nanosecond) => {
            Values::I64(Buf::Arrow(array.as_primitive::<Time64NanosecondType>().values().clone()))
        }
        DataType::Float32 => Values::F32(Buf::Arrow(array.as_primitive::<Float32Type>().values().clone())),
        DataType::Float64 => Values::F64(Buf::Arrow(array.as_primitive::<Float64Type>().values().clone())),
        DataType::Decimal128(_, _) => {
            Values::I128(Buf::Arrow(array.as_primitive::<Decimal128Type>().values().clone()))
        }
        DataType::Utf8 => {
            let a = array.as_string::<i32>();
            Values::Bytes {
                offsets: Buf::Arrow(a.offsets().inner().clone()),
                bytes: ByteBuf::Arrow(a.values().clone()),
            }
        }
        DataType::Binary => {
            let a = array.as_binary::<i32>();
            Values::Bytes {
                offsets: Buf::Arrow(a.offsets().inner().clone()),
                bytes: ByteBuf::Arrow(a.values().clone()),
            }
        }
        DataType::LargeUtf8 | DataType::Utf8View => values_of(&recoded(array, &DataType::Utf8)),
        DataType::LargeBinary | DataType::BinaryView => values_of(&recoded(array, &DataType::Binary)),
        _ => Values::Any(Arc::clone(array)),
    }
}
