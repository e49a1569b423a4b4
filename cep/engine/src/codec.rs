//! Bytes of checkpoints: the codec of `cep_types`, and columns.
//!
//! What is written is canonical: two states that behave alike write the same bytes, so the state
//! hash is a hash of them (R-DET-1).

use std::ops::Range;
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_buffer::Buffer;
use arrow_schema::{DataType, Field, Schema};
use cep_types::StreamId;
use cep_types::frame::{ColumnId, Frame, FrameHead, ReadSchema, SchemaVersion, encode};

use crate::column::{ByteBuf, Column, Values};

pub use cep_types::codec::{DecodeError, Reader, Result, Writer};

/// Columns of nested types are stored as frames of no stream.
const FRAME_HEAD: FrameHead = FrameHead { stream: StreamId(0), schema_version: SchemaVersion(0) };

/// Columns into bytes.
pub trait WriteColumn {
    /// A column of `data_type`: values under NULL are written as zero.
    fn column(&mut self, column: &Column, data_type: &DataType);

    /// The values of some rows of a column that is not of [`Values::Any`], as [`WriteColumn::column`] writes
    /// them behind its NULLs.
    fn column_values(&mut self, column: &Column, rows: Range<usize>);
}

impl WriteColumn for Writer {
    fn column(&mut self, column: &Column, data_type: &DataType) {
        let rows = column.len();
        self.u64(rows as u64);
        if let Values::Any(array) = &column.values {
            let schema = Schema::new(vec![Field::new("c", data_type.clone(), true)]);
            let batch = RecordBatch::try_new(Arc::new(schema), vec![Arc::clone(array)])
                .expect("the array has the column's type");
            // Types outside R-EVT-2 exist only inside expressions: the plan casts what it stores.
            let frame =
                encode(FRAME_HEAD, &[ColumnId(0)], &batch).expect("stored columns have types of R-EVT-2");
            return self.blob(&frame);
        }
        self.bool(column.valid.as_ref().is_some_and(|v| v.iter().any(|v| !v)));
        if let Some(valid) = column.valid.as_ref().filter(|v| v.iter().any(|v| !v)) {
            valid.iter().for_each(|&v| self.bool(v));
        }
        self.column_values(column, 0..rows);
    }

    fn column_values(&mut self, column: &Column, rows: Range<usize>) {
        let ok = |row: usize| column.is_valid(row);
        match &column.values {
            Values::Bool(v) => rows.for_each(|r| self.bool(ok(r) && v[r])),
            Values::I32(v) => rows.for_each(|r| self.u32(if ok(r) { v[r] as u32 } else { 0 })),
            Values::I64(v) => rows.for_each(|r| self.i64(if ok(r) { v[r] } else { 0 })),
            Values::F32(v) => rows.for_each(|r| self.u32(if ok(r) { v[r].to_bits() } else { 0 })),
            Values::F64(v) => rows.for_each(|r| self.u64(if ok(r) { v[r].to_bits() } else { 0 })),
            Values::I128(v) => rows.for_each(|r| {
                let v = if ok(r) { v[r] } else { 0 };
                self.bytes.extend_from_slice(&v.to_le_bytes());
            }),
            Values::Bytes { .. } => {
                rows.for_each(|r| self.blob(if ok(r) { column.bytes_at(r) } else { &[] }));
            }
            Values::Any(_) => unreachable!("nested columns are written whole"),
        }
    }
}

/// Columns from bytes.
pub trait ReadColumn {
    /// A column of `data_type`.
    ///
    /// # Errors
    /// If the bytes are damaged.
    fn column(&mut self, data_type: &DataType) -> Result<Column>;
}

impl ReadColumn for Reader<'_> {
    fn column(&mut self, data_type: &DataType) -> Result<Column> {
        let rows = self.u64()? as usize;
        let mut column = Column::new(data_type);
        if let Values::Any(array) = &mut column.values {
            let frame = self.blob()?;
            let frame = Frame::open(&Buffer::from(frame)).map_err(|e| DecodeError(e.to_string()))?;
            let target = Schema::new(vec![Field::new("c", data_type.clone(), true)]);
            let wanted = ReadSchema::of(&target, &[ColumnId(0)]).map_err(|e| DecodeError(e.to_string()))?;
            let batch = frame.read(&wanted).map_err(|e| DecodeError(e.to_string()))?;
            if batch.num_rows() != rows {
                return Err(DecodeError("a column has another length".into()));
            }
            *array = Arc::clone(batch.column(0));
            return Ok(column);
        }
        if self.bool()? {
            if rows > self.left() {
                return Err(DecodeError("a null mask is beyond its end".into()));
            }
            column.valid = Some((0..rows).map(|_| self.bool()).collect::<Result<_>>()?);
        }
        match &mut column.values {
            Values::Bool(v) => (0..rows).try_for_each(|_| self.bool().map(|x| v.push(x)))?,
            Values::I32(v) => (0..rows).try_for_each(|_| self.u32().map(|x| v.to_mut().push(x as i32)))?,
            Values::I64(v) => (0..rows).try_for_each(|_| self.i64().map(|x| v.to_mut().push(x)))?,
            Values::F32(v) => {
                (0..rows).try_for_each(|_| self.u32().map(|x| v.to_mut().push(f32::from_bits(x))))?
            }
            Values::F64(v) => {
                (0..rows).try_for_each(|_| self.u64().map(|x| v.to_mut().push(f64::from_bits(x))))?
            }
            Values::I128(v) => {
                (0..rows).try_for_each(|_| self.array().map(|x| v.to_mut().push(i128::from_le_bytes(x))))?;
            }
            Values::Bytes { offsets, bytes } => {
                for _ in 0..rows {
                    let value = self.blob()?;
                    if *data_type == DataType::Utf8 && std::str::from_utf8(value).is_err() {
                        return Err(DecodeError("a text is not UTF-8".into()));
                    }
                    push_bytes(offsets.to_mut(), bytes, value);
                }
            }
            Values::Any(_) => unreachable!("read above"),
        }
        Ok(column)
    }
}

fn push_bytes(offsets: &mut Vec<i32>, bytes: &mut ByteBuf, value: &[u8]) {
    let bytes = bytes.to_mut();
    bytes.extend_from_slice(value);
    offsets.push(bytes.len() as i32);
}
