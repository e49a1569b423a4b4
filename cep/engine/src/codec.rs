//! Bytes of checkpoints: little-endian, length-prefixed, versioned by the checkpoint header.
//!
//! What is written is canonical: two states that behave alike write the same bytes, so the state
//! hash is a hash of them (R-DET-1).

use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_buffer::Buffer;
use arrow_schema::{DataType, Field, Schema};
use cep_types::StreamId;
use cep_types::frame::{ColumnId, Frame, FrameHead, ReadSchema, SchemaVersion, encode};

use crate::column::{ByteBuf, Column, Values};

/// Columns of nested types are stored as frames of no stream.
const FRAME_HEAD: FrameHead = FrameHead { stream: StreamId(0), schema_version: SchemaVersion(0) };

/// A checkpoint that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the checkpoint is damaged or of another plan: {0}")]
pub struct DecodeError(pub String);

/// Result of decoding.
pub type Result<T> = std::result::Result<T, DecodeError>;

/// Writes values.
#[derive(Debug, Default)]
pub struct Writer {
    /// The bytes so far.
    pub bytes: Vec<u8>,
}

impl Writer {
    /// One byte.
    pub fn u8(&mut self, v: u8) {
        self.bytes.push(v);
    }
    /// Four bytes.
    pub fn u32(&mut self, v: u32) {
        self.bytes.extend_from_slice(&v.to_le_bytes());
    }
    /// Eight bytes.
    pub fn u64(&mut self, v: u64) {
        self.bytes.extend_from_slice(&v.to_le_bytes());
    }
    /// Eight bytes.
    pub fn i64(&mut self, v: i64) {
        self.bytes.extend_from_slice(&v.to_le_bytes());
    }
    /// One byte, 0 or 1.
    pub fn bool(&mut self, v: bool) {
        self.u8(v as u8);
    }
    /// A presence byte, then the value.
    pub fn opt_i64(&mut self, v: Option<i64>) {
        self.bool(v.is_some());
        if let Some(v) = v {
            self.i64(v);
        }
    }
    /// Length, then bytes.
    pub fn blob(&mut self, v: &[u8]) {
        self.u64(v.len() as u64);
        self.bytes.extend_from_slice(v);
    }
    /// Length, then UTF-8.
    pub fn str(&mut self, v: &str) {
        self.blob(v.as_bytes());
    }
    /// Length, then values.
    pub fn i64s(&mut self, v: &[i64]) {
        self.u64(v.len() as u64);
        v.iter().for_each(|&v| self.i64(v));
    }
    /// Length, then values.
    pub fn u32s(&mut self, v: &[u32]) {
        self.u64(v.len() as u64);
        v.iter().for_each(|&v| self.u32(v));
    }

    /// A column of `data_type`: values under NULL are written as zero.
    pub fn column(&mut self, column: &Column, data_type: &DataType) {
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
        let ok = |row: usize| column.is_valid(row);
        match &column.values {
            Values::Bool(v) => (0..rows).for_each(|r| self.bool(ok(r) && v[r])),
            Values::I32(v) => (0..rows).for_each(|r| self.u32(if ok(r) { v[r] as u32 } else { 0 })),
            Values::I64(v) => (0..rows).for_each(|r| self.i64(if ok(r) { v[r] } else { 0 })),
            Values::F32(v) => (0..rows).for_each(|r| self.u32(if ok(r) { v[r].to_bits() } else { 0 })),
            Values::F64(v) => (0..rows).for_each(|r| self.u64(if ok(r) { v[r].to_bits() } else { 0 })),
            Values::I128(v) => (0..rows).for_each(|r| {
                let v = if ok(r) { v[r] } else { 0 };
                self.bytes.extend_from_slice(&v.to_le_bytes());
            }),
            Values::Bytes { .. } => {
                (0..rows).for_each(|r| self.blob(if ok(r) { column.bytes_at(r) } else { &[] }));
            }
            Values::Any(_) => unreachable!("written above"),
        }
    }
}

/// Reads what a [`Writer`] wrote.
#[derive(Debug)]
pub struct Reader<'a> {
    bytes: &'a [u8],
}

impl<'a> Reader<'a> {
    /// Reads from the start of `bytes`.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { bytes }
    }

    /// Bytes not read yet.
    pub fn rest(&mut self) -> &mut &'a [u8] {
        &mut self.bytes
    }

    /// Fails unless everything has been read.
    pub fn finish(&self) -> Result<()> {
        if self.bytes.is_empty() {
            Ok(())
        } else {
            Err(DecodeError(format!("{} bytes too many", self.bytes.len())))
        }
    }

    fn take(&mut self, n: usize) -> Result<&'a [u8]> {
        let (head, tail) =
            self.bytes.split_at_checked(n).ok_or_else(|| DecodeError("it ends too early".into()))?;
        self.bytes = tail;
        Ok(head)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        Ok(self.take(N)?.try_into().expect("take returns N bytes"))
    }

    /// One byte.
    pub fn u8(&mut self) -> Result<u8> {
        Ok(self.take(1)?[0])
    }
    /// Four bytes.
    pub fn u32(&mut self) -> Result<u32> {
        Ok(u32::from_le_bytes(self.array()?))
    }
    /// Eight bytes.
    pub fn u64(&mut self) -> Result<u64> {
        Ok(u64::from_le_bytes(self.array()?))
    }
    /// Eight bytes.
    pub fn i64(&mut self) -> Result<i64> {
        Ok(i64::from_le_bytes(self.array()?))
    }
    /// One byte, 0 or 1.
    pub fn bool(&mut self) -> Result<bool> {
        match self.u8()? {
            0 => Ok(false),
            1 => Ok(true),
            v => Err(DecodeError(format!("a boolean is {v}"))),
        }
    }
    /// A presence byte, then the value.
    pub fn opt_i64(&mut self) -> Result<Option<i64>> {
        Ok(if self.bool()? { Some(self.i64()?) } else { None })
    }
    /// A length that the remaining bytes can hold at `width` bytes each.
    pub fn len(&mut self, width: usize) -> Result<usize> {
        let n = self.u64()?;
        if n.saturating_mul(width.max(1) as u64) > self.bytes.len() as u64 {
            return Err(DecodeError(format!("a length of {n} is beyond its end")));
        }
        Ok(n as usize)
    }
    /// Length, then bytes.
    pub fn blob(&mut self) -> Result<&'a [u8]> {
        let n = self.len(1)?;
        self.take(n)
    }
    /// Length, then UTF-8.
    pub fn str(&mut self) -> Result<String> {
        String::from_utf8(self.blob()?.to_vec()).map_err(|_| DecodeError("a text is not UTF-8".into()))
    }
    /// Length, then values.
    pub fn i64s(&mut self) -> Result<Vec<i64>> {
        (0..self.len(8)?).map(|_| self.i64()).collect()
    }
    /// Length, then values.
    pub fn u32s(&mut self) -> Result<Vec<u32>> {
        (0..self.len(4)?).map(|_| self.u32()).collect()
    }

    /// A column of `data_type`.
    pub fn column(&mut self, data_type: &DataType) -> Result<Column> {
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
            if rows > self.bytes.len() {
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
