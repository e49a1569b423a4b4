//! Rows to frames.
//!
//! Three steps over one tree of [`Node`]s: describe (no bytes are copied), place (every buffer gets
//! its position), write (metadata, then each buffer once).

use std::ops::Range;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{
    Date32Type, Decimal128Type, Float32Type, Float64Type, Int32Type, Int64Type, IntervalMonthDayNanoType,
    Time64NanosecondType, TimestampNanosecondType,
};
use arrow_array::{Array, ArrayRef, ArrowPrimitiveType, RecordBatch, StructArray};
use arrow_buffer::{BooleanBuffer, Buffer, OffsetBuffer};
use arrow_schema::{DataType, Field};
use flatbuffers::{FlatBufferBuilder, WIPOffset};

use crate::frame::generated::{
    Column, ColumnArgs, Compression, Encoding, Metadata, MetadataArgs, Span, finish_metadata_buffer,
};
use crate::frame::header::{HEADER_BYTES, Header};
use crate::frame::kind::{self, Kind};
use crate::frame::{
    ColumnId, FRAME_BYTES_MAX, FRAME_COLUMNS_MAX, FRAME_ROWS_MAX, FrameError, FrameHead, NESTING_MAX, aligned,
};

/// Writes frames; keeps its scratch memory from one to the next.
#[derive(Default)]
pub struct Encoder {
    metadata: FlatBufferBuilder<'static>,
}

/// One frame of `rows` in memory of its own. Callers with many frames keep an [`Encoder`].
///
/// # Errors
/// As [`Encoder::encode_into`].
pub fn encode(head: FrameHead, ids: &[ColumnId], rows: &RecordBatch) -> Result<Vec<u8>, FrameError> {
    let mut out = Vec::new();
    Encoder::default().encode_into(head, ids, rows, &mut out)?;
    Ok(out)
}

impl Encoder {
    /// Appends one frame of `rows` to `out` and returns where it lies. `ids[i]` is the id of column
    /// `i`; they may come in any order. A dictionary (i32 indices) stays one unless it has more
    /// values than the frame has rows, or nulls among its values: then the column is written plain.
    ///
    /// # Errors
    /// [`FrameError::Ids`] when `ids` does not fit the columns, [`FrameError::Unsupported`] for a
    /// type outside R-EVT-2, [`FrameError::TooLarge`] beyond a limit. `out` is unchanged then.
    pub fn encode_into(
        &mut self,
        head: FrameHead,
        ids: &[ColumnId],
        rows: &RecordBatch,
        out: &mut Vec<u8>,
    ) -> Result<Range<usize>, FrameError> {
        let mut nodes = describe(ids, rows)?;
        let mut body_bytes = 0;
        for node in &mut nodes {
            node.place(&mut body_bytes);
        }
        self.write_metadata(head, rows.num_rows(), &nodes);
        let metadata = self.metadata.finished_data();
        let mut header = Header { meta_bytes: metadata.len(), total_bytes: 0 };
        header.total_bytes = header.body_start().saturating_add(body_bytes);
        if header.total_bytes > FRAME_BYTES_MAX {
            return Err(FrameError::TooLarge { what: format!("{} bytes", header.total_bytes) });
        }
        let start = out.len();
        let end = start + header.total_bytes;
        out.reserve(header.total_bytes);
        out.resize(start + HEADER_BYTES, 0);
        out.extend_from_slice(metadata);
        out.resize(start + header.body_start(), 0);
        for node in &nodes {
            node.write(start, out);
        }
        debug_assert_eq!(out.len(), end);
        header.seal(&mut out[start..]);
        Ok(start..end)
    }

    fn write_metadata(&mut self, head: FrameHead, rows: usize, nodes: &[Node]) {
        let builder = &mut self.metadata;
        builder.reset();
        let columns: Vec<_> = nodes.iter().map(|node| node.write_metadata(builder)).collect();
        let columns = builder.create_vector(&columns);
        let root = Metadata::create(
            builder,
            &MetadataArgs {
                stream: head.stream.0,
                schema_version: head.schema_version.0,
                rows: rows as u64,
                columns: Some(columns),
                key_id: 0,
                nonce: None,
                tag: None,
                compression: Compression::None,
            },
        );
        finish_metadata_buffer(builder, root);
    }
}

/// The columns of `rows` in ascending order of id.
fn describe(ids: &[ColumnId], rows: &RecordBatch) -> Result<Vec<Node>, FrameError> {
    if ids.len() != rows.num_columns() {
        let reason = format!("{} ids for {} columns", ids.len(), rows.num_columns());
        return Err(FrameError::Ids { reason });
    }
    if rows.num_rows() > FRAME_ROWS_MAX {
        return Err(FrameError::TooLarge { what: format!("{} rows", rows.num_rows()) });
    }
    if ids.len() > FRAME_COLUMNS_MAX {
        return Err(FrameError::TooLarge { what: format!("{} columns", ids.len()) });
    }
    let mut order: Vec<usize> = (0..ids.len()).collect();
    order.sort_by_key(|index| ids[*index]);
    if let Some(twice) = order.windows(2).find(|pair| ids[pair[0]] == ids[pair[1]]) {
        return Err(FrameError::Ids { reason: format!("id {} occurs twice", ids[twice[0]].0) });
    }
    let schema = rows.schema_ref();
    order
        .into_iter()
        .map(|index| {
            Node::describe(ids[index].0, schema.field(index), rows.column(index), 1)
                .map_err(|reason| FrameError::Unsupported { id: ids[index], reason })
        })
        .collect()
}

/// One buffer of a column, still where Arrow has it.
enum Part {
    /// Nothing: the bitmap of a column without nulls.
    Empty,
    /// Bits, from any bit position.
    Bits(BooleanBuffer),
    /// Offsets, from any first value.
    Offsets(OffsetBuffer<i32>),
    /// Exactly these bytes.
    Raw(Buffer),
}

impl Part {
    fn bytes(&self) -> usize {
        match self {
            Part::Empty => 0,
            Part::Bits(bits) => bits.len().div_ceil(8),
            Part::Offsets(offsets) => offsets.len() * 4,
            Part::Raw(buffer) => buffer.len(),
        }
    }

    fn write(&self, out: &mut Vec<u8>) {
        match self {
            Part::Empty => {}
            Part::Bits(bits) => write_bits(bits, out),
            Part::Offsets(offsets) => {
                let first = offsets[0];
                if first == 0 {
                    out.extend_from_slice(&offsets.inner().inner()[..offsets.len() * 4]);
                } else {
                    out.extend(offsets.iter().flat_map(|offset| (offset - first).to_le_bytes()));
                }
            }
            Part::Raw(buffer) => out.extend_from_slice(buffer),
        }
    }
}

fn write_bits(bits: &BooleanBuffer, out: &mut Vec<u8>) {
    let bytes = bits.len().div_ceil(8);
    if bits.offset().is_multiple_of(8) {
        let first = bits.offset() / 8;
        out.extend_from_slice(&bits.values()[first..first + bytes]);
    } else {
        out.extend_from_slice(&bits.sliced()[..bytes]);
    }
    // Bits beyond the last row may hold anything in memory; in a frame they are zero.
    let used = bits.len() % 8;
    if used != 0
        && let Some(last) = out.last_mut()
    {
        *last &= (1 << used) - 1;
    }
}

/// One column or part of a nested one.
struct Node {
    id: u32,
    kind: Kind,
    encoding: Encoding,
    rows: usize,
    nulls: usize,
    parts: Vec<Part>,
    spans: Vec<Span>,
    children: Vec<Node>,
    dictionary: Option<Box<Node>>,
}

impl Node {
    fn describe(id: u32, field: &Field, array: &ArrayRef, depth: usize) -> Result<Self, String> {
        if depth > NESTING_MAX {
            return Err(format!("nested more than {NESTING_MAX} deep"));
        }
        let Some(kind) = Kind::of(field) else {
            return Err(format!("type {} has no place in a stream", field.data_type()));
        };
        if let DataType::Dictionary(keys, values) = field.data_type() {
            return Self::describe_dictionary(id, kind, array, keys, values, depth);
        }
        let mut node = Self::new(id, kind, array);
        match field.data_type() {
            DataType::Boolean => node.parts.push(Part::Bits(array.as_boolean().values().clone())),
            DataType::Int32 => node.push_values::<Int32Type>(array),
            DataType::Int64 => node.push_values::<Int64Type>(array),
            DataType::Float32 => node.push_values::<Float32Type>(array),
            DataType::Float64 => node.push_values::<Float64Type>(array),
            DataType::Decimal128(_, _) => node.push_values::<Decimal128Type>(array),
            DataType::Timestamp(_, _) => node.push_values::<TimestampNanosecondType>(array),
            DataType::Date32 => node.push_values::<Date32Type>(array),
            DataType::Time64(_) => node.push_values::<Time64NanosecondType>(array),
            DataType::Interval(_) => node.push_values::<IntervalMonthDayNanoType>(array),
            DataType::Utf8 => {
                let text = array.as_string::<i32>();
                node.push_ranges(text.offsets(), Some(text.values()));
            }
            DataType::Binary => {
                let bytes = array.as_binary::<i32>();
                node.push_ranges(bytes.offsets(), Some(bytes.values()));
            }
            DataType::List(item) => {
                let list = array.as_list::<i32>();
                let (first, count) = node.push_ranges(list.offsets(), None);
                node.push_child(item, &list.values().slice(first, count), depth)?;
            }
            DataType::Map(_, _) => {
                let map = array.as_map();
                let (first, count) = node.push_ranges(map.offsets(), None);
                let entries = map.entries().slice(first, count);
                if entries.null_count() + entries.column(0).null_count() > 0 {
                    return Err("a map has a NULL key".to_owned());
                }
                node.push_children(&entries, depth)?;
            }
            DataType::Struct(_) => node.push_children(array.as_struct(), depth)?,
            other => return Err(format!("type {other} has no place in a stream")),
        }
        Ok(node)
    }

    fn describe_dictionary(
        id: u32,
        kind: Kind,
        array: &ArrayRef,
        keys: &DataType,
        values: &DataType,
        depth: usize,
    ) -> Result<Self, String> {
        if !kind.may_be_dictionary() {
            return Err(format!("a dictionary of {values} is not supported"));
        }
        let inner = kind::field(kind, "", values.clone());
        let small = array.as_any_dictionary_opt().is_some_and(|dictionary| {
            dictionary.values().len() <= array.len() && dictionary.values().null_count() == 0
        });
        if *keys != DataType::Int32 || !small {
            let plain = arrow_cast::cast(array, values).map_err(|error| error.to_string())?;
            return Self::describe(id, &inner, &plain, depth);
        }
        let dictionary = array.as_dictionary::<Int32Type>();
        let mut node = Self::new(id, kind, array);
        node.encoding = Encoding::Dictionary;
        let keys: ArrayRef = Arc::new(dictionary.keys().clone());
        node.push_values::<Int32Type>(&keys);
        node.dictionary = Some(Box::new(Self::describe(0, &inner, dictionary.values(), depth)?));
        Ok(node)
    }

    /// A node with its validity bitmap only.
    fn new(id: u32, kind: Kind, array: &ArrayRef) -> Self {
        let nulls = array.nulls().filter(|nulls| nulls.null_count() > 0);
        let bitmap = nulls.map_or(Part::Empty, |nulls| Part::Bits(nulls.inner().clone()));
        Self {
            id,
            kind,
            encoding: Encoding::Plain,
            rows: array.len(),
            nulls: array.null_count(),
            parts: vec![bitmap],
            spans: Vec::new(),
            children: Vec::new(),
            dictionary: None,
        }
    }

    /// Offsets, and the part of `values` that they cover. Returns first and count of what is covered.
    fn push_ranges(&mut self, offsets: &OffsetBuffer<i32>, values: Option<&Buffer>) -> (usize, usize) {
        let first = offsets[0] as usize;
        let count = offsets[offsets.len() - 1] as usize - first;
        self.parts.push(Part::Offsets(offsets.clone()));
        if let Some(values) = values {
            self.parts.push(Part::Raw(values.slice_with_length(first, count)));
        }
        (first, count)
    }

    fn push_values<T: ArrowPrimitiveType>(&mut self, array: &ArrayRef) {
        let values = array.as_primitive::<T>().values();
        let bytes = values.len() * size_of::<T::Native>();
        self.parts.push(Part::Raw(values.inner().slice_with_length(0, bytes)));
    }

    fn push_children(&mut self, record: &StructArray, depth: usize) -> Result<(), String> {
        for (field, array) in record.fields().iter().zip(record.columns()) {
            self.push_child(field, array, depth)?;
        }
        Ok(())
    }

    fn push_child(&mut self, field: &Field, array: &ArrayRef, depth: usize) -> Result<(), String> {
        let id = self.children.len() as u32;
        self.children.push(Self::describe(id, field, array, depth + 1)?);
        Ok(())
    }

    /// Gives every buffer its place from `next` on: own buffers, children, dictionary.
    fn place(&mut self, next: &mut usize) {
        for part in &self.parts {
            let bytes = part.bytes();
            let offset = if bytes == 0 { 0 } else { *next as u64 };
            self.spans.push(Span::new(offset, bytes as u64));
            *next = aligned(next.saturating_add(bytes));
        }
        for child in &mut self.children {
            child.place(next);
        }
        if let Some(dictionary) = &mut self.dictionary {
            dictionary.place(next);
        }
    }

    fn write_metadata(&self, builder: &mut FlatBufferBuilder<'static>) -> WIPOffset<Column<'static>> {
        let children: Vec<_> = self.children.iter().map(|child| child.write_metadata(builder)).collect();
        let children = (!children.is_empty()).then(|| builder.create_vector(&children));
        let dictionary = self.dictionary.as_ref().map(|values| values.write_metadata(builder));
        let spans = builder.create_vector(&self.spans);
        Column::create(
            builder,
            &ColumnArgs {
                id: self.id,
                type_: self.kind.tag,
                encoding: self.encoding,
                precision: self.kind.precision,
                scale: self.kind.scale,
                rows: self.rows as u64,
                nulls: self.nulls as u64,
                spans: Some(spans),
                children,
                dictionary,
            },
        )
    }

    /// Appends every buffer, each padded to the alignment counted from `start`.
    fn write(&self, start: usize, out: &mut Vec<u8>) {
        for part in &self.parts {
            part.write(out);
            out.resize(start + aligned(out.len() - start), 0);
        }
        for child in self.children.iter().chain(self.dictionary.as_deref()) {
            child.write(start, out);
        }
    }
}
