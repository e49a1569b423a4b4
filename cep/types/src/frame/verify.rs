//! The checks at the door: each column is built only from buffers that were found good.

use std::sync::Arc;

use arrow_array::types::{
    Date32Type, Decimal128Type, Float32Type, Float64Type, Int32Type, Int64Type, IntervalMonthDayNanoType,
    Time64NanosecondType, TimestampNanosecondType,
};
use arrow_array::{
    Array, ArrayRef, ArrowPrimitiveType, BinaryArray, BooleanArray, DictionaryArray, ListArray, MapArray,
    PrimitiveArray, StringArray, StructArray,
};
use arrow_buffer::{BooleanBuffer, Buffer, NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow_schema::{ArrowError, DataType, Field};

use crate::frame::generated::{Column, Encoding, Span, TypeTag};
use crate::frame::kind::{self, Kind};
use crate::frame::{ALIGNMENT, aligned};

/// Nanoseconds of a day: TIME is below.
const DAY_NS: i64 = 86_400_000_000_000;

type Built = Result<(Field, ArrayRef), String>;

/// The column bytes of a frame, handed out in their one order.
pub(super) struct Body {
    frame: Buffer,
    start: usize,
    /// Where the next buffer must begin, from `start`.
    next: usize,
    /// Where the last one ended.
    end: usize,
}

impl Body {
    /// The bytes of `frame` from `start` on. Both are multiples of the alignment.
    pub(super) fn new(frame: Buffer, start: usize) -> Self {
        Self { frame, start, next: 0, end: 0 }
    }

    /// The buffer at `span`, which must be the next one and have `bytes` bytes if given.
    fn take(&mut self, span: Span, bytes: Option<usize>) -> Result<Buffer, String> {
        let body_bytes = self.frame.len() - self.start;
        let length = usize::try_from(span.length()).unwrap_or(usize::MAX);
        if let Some(wanted) = bytes
            && wanted != length
        {
            return Err(format!("a buffer has {length} bytes where {wanted} belong"));
        }
        let wanted = if length == 0 { 0 } else { self.next as u64 };
        if span.offset() != wanted {
            return Err(format!("a buffer begins at {} where {wanted} belongs", span.offset()));
        }
        if length == 0 {
            return Ok(self.frame.slice_with_length(self.start, 0));
        }
        if length > body_bytes.saturating_sub(self.next) {
            return Err(format!("a buffer of {length} bytes goes beyond the frame"));
        }
        self.check_padding()?;
        let buffer = self.frame.slice_with_length(self.start + self.next, length);
        self.end = self.next + length;
        self.next = aligned(self.end);
        Ok(buffer)
    }

    /// The bytes between the last buffer and the next are zero.
    fn check_padding(&self) -> Result<(), String> {
        let gap = &self.frame[self.start + self.end..self.start + self.next];
        if gap.iter().any(|byte| *byte != 0) {
            return Err("padding is not zero".to_owned());
        }
        Ok(())
    }

    /// Nothing follows the last buffer but its padding.
    pub(super) fn finish(self) -> Result<(), String> {
        if self.start + self.next != self.frame.len() {
            let left = self.frame.len() as i128 - (self.start + self.next) as i128;
            return Err(format!("{left} bytes are not accounted for"));
        }
        self.check_padding()
    }

    /// Builds one column, or one part of a nested one, that must have `rows` rows and may be nested
    /// `depth_left` deep.
    pub(super) fn column(&mut self, column: Column<'_>, name: &str, rows: usize, depth_left: usize) -> Built {
        if depth_left == 0 {
            return Err("nested too deep".to_owned());
        }
        if column.rows() != rows as u64 {
            return Err(format!("{} rows where {rows} belong", column.rows()));
        }
        let kind = Kind { tag: column.type_(), precision: column.precision(), scale: column.scale() };
        if !kind.parameters_fit() {
            let Kind { tag, precision, scale } = kind;
            return Err(format!("type tag {} cannot have precision {precision}, scale {scale}", tag.0));
        }
        let mut part = Parts::of(self, column, name, kind, rows, depth_left)?;
        match column.encoding() {
            Encoding::Plain if column.dictionary().is_some() => {
                Err("a dictionary that nothing refers to".to_owned())
            }
            Encoding::Plain => part.plain(),
            Encoding::Dictionary => part.dictionary(),
            other => Err(format!("unknown encoding {}", other.0)),
        }
    }
}

/// One column while it is being built.
struct Parts<'a, 'm> {
    body: &'a mut Body,
    column: Column<'m>,
    name: &'a str,
    kind: Kind,
    rows: usize,
    depth_left: usize,
    nulls: Option<NullBuffer>,
}

impl<'a, 'm> Parts<'a, 'm> {
    /// Takes the validity bitmap.
    fn of(
        body: &'a mut Body,
        column: Column<'m>,
        name: &'a str,
        kind: Kind,
        rows: usize,
        depth_left: usize,
    ) -> Result<Self, String> {
        let mut part = Self { body, column, name, kind, rows, depth_left, nulls: None };
        let claimed = column.nulls();
        let bitmap_bytes = if claimed == 0 { 0 } else { rows.div_ceil(8) };
        let bitmap = part.take(0, Some(bitmap_bytes))?;
        if claimed > 0 {
            let nulls = NullBuffer::new(bits(bitmap, rows)?);
            if nulls.null_count() as u64 != claimed {
                return Err(format!("{} nulls where {claimed} are claimed", nulls.null_count()));
            }
            part.nulls = Some(nulls);
        }
        Ok(part)
    }

    /// The `index`-th buffer.
    fn take(&mut self, index: usize, bytes: Option<usize>) -> Result<Buffer, String> {
        let spans = self.column.spans().ok_or("no buffer list")?;
        if index >= spans.len() {
            return Err(format!("{} buffers, too few", spans.len()));
        }
        self.body.take(*spans.get(index), bytes)
    }

    /// The number of buffers and children is exactly this.
    fn shape(&self, spans: usize, children: usize) -> Result<(), String> {
        let found = (
            self.column.spans().map_or(0, |list| list.len()),
            self.column.children().map_or(0, |list| list.len()),
        );
        if found == (spans, children) {
            return Ok(());
        }
        let (has_spans, has_children) = found;
        Err(format!("{has_spans} buffers and {has_children} parts where {spans} and {children} belong"))
    }

    fn plain(&mut self) -> Built {
        match self.kind.tag {
            TypeTag::Bool => self.booleans(),
            TypeTag::Int => self.fixed::<Int32Type>(),
            TypeTag::BigInt => self.fixed::<Int64Type>(),
            TypeTag::Float => self.fixed::<Float32Type>(),
            TypeTag::Double => self.fixed::<Float64Type>(),
            TypeTag::Decimal => self.decimal(),
            TypeTag::String | TypeTag::Json | TypeTag::Bytes => self.text(),
            TypeTag::Timestamp => self.fixed::<TimestampNanosecondType>(),
            TypeTag::Date => self.fixed::<Date32Type>(),
            TypeTag::Time => self.time(),
            TypeTag::Interval => self.fixed::<IntervalMonthDayNanoType>(),
            TypeTag::Array => self.list(),
            TypeTag::Map => self.map(),
            TypeTag::Struct => self.record(),
            other => Err(format!("unknown type tag {}", other.0)),
        }
    }

    fn done(&self, data_type: DataType, array: ArrayRef) -> Built {
        Ok((kind::field(self.kind, self.name, data_type), array))
    }

    fn primitive<T: ArrowPrimitiveType>(&mut self) -> Result<PrimitiveArray<T>, String> {
        self.shape(2, 0)?;
        let values = self.take(1, Some(self.rows * size_of::<T::Native>()))?;
        let values = ScalarBuffer::new(values, 0, self.rows);
        PrimitiveArray::try_new(values, self.nulls.take()).map_err(reason)
    }

    fn fixed<T: ArrowPrimitiveType>(&mut self) -> Built {
        let array = self.primitive::<T>()?;
        self.done(T::DATA_TYPE, Arc::new(array))
    }

    fn decimal(&mut self) -> Built {
        let data_type = self.kind.decimal_type().ok_or("DECIMAL out of range")?;
        let array = self.primitive::<Decimal128Type>()?.with_data_type(data_type.clone());
        array.validate_decimal_precision(self.kind.precision).map_err(reason)?;
        self.done(data_type, Arc::new(array))
    }

    fn time(&mut self) -> Built {
        let array = self.primitive::<Time64NanosecondType>()?;
        if let Some(bad) = array.iter().flatten().find(|time_ns| !(0..DAY_NS).contains(time_ns)) {
            return Err(format!("{bad} ns is not a time of day"));
        }
        self.done(array.data_type().clone(), Arc::new(array))
    }

    fn booleans(&mut self) -> Built {
        self.shape(2, 0)?;
        let values = self.take(1, Some(self.rows.div_ceil(8)))?;
        let array = BooleanArray::new(bits(values, self.rows)?, self.nulls.take());
        self.done(DataType::Boolean, Arc::new(array))
    }

    fn text(&mut self) -> Built {
        self.shape(3, 0)?;
        let offsets = self.offsets()?;
        let bytes = self.take(2, Some(last(&offsets)))?;
        let nulls = self.nulls.take();
        if self.kind.tag == TypeTag::Bytes {
            let array = BinaryArray::try_new(offsets, bytes, nulls).map_err(reason)?;
            self.done(DataType::Binary, Arc::new(array))
        } else {
            let array = StringArray::try_new(offsets, bytes, nulls).map_err(reason)?;
            self.done(DataType::Utf8, Arc::new(array))
        }
    }

    /// The second buffer as offsets: they begin at 0 and never go back.
    fn offsets(&mut self) -> Result<OffsetBuffer<i32>, String> {
        let buffer = self.take(1, Some((self.rows + 1) * size_of::<i32>()))?;
        let offsets: ScalarBuffer<i32> = ScalarBuffer::new(buffer, 0, self.rows + 1);
        if offsets[0] != 0 {
            return Err(format!("offsets begin at {}", offsets[0]));
        }
        if let Some(at) = offsets.windows(2).position(|pair| pair[1] < pair[0]) {
            return Err(format!("offsets go back at row {at}"));
        }
        Ok(OffsetBuffer::new(offsets))
    }

    fn child(&mut self, index: usize, name: &str, rows: usize) -> Built {
        let children = self.column.children().ok_or("no parts")?;
        let child = children.get(index);
        if child.id() != index as u32 {
            return Err(format!("part {index} has id {}", child.id()));
        }
        self.body.column(child, name, rows, self.depth_left - 1)
    }

    fn list(&mut self) -> Built {
        self.shape(2, 1)?;
        let offsets = self.offsets()?;
        let (item, values) = self.child(0, "item", last(&offsets))?;
        let item = Arc::new(item);
        let array = ListArray::try_new(item.clone(), offsets, values, self.nulls.take()).map_err(reason)?;
        self.done(DataType::List(item), Arc::new(array))
    }

    fn map(&mut self) -> Built {
        self.shape(2, 2)?;
        let offsets = self.offsets()?;
        let entries_count = last(&offsets);
        let (key, keys) = self.child(0, "key", entries_count)?;
        if keys.null_count() > 0 {
            return Err("a map key is NULL".to_owned());
        }
        let (value, values) = self.child(1, "value", entries_count)?;
        let entries = kind::map_entries(key, value);
        let DataType::Struct(fields) = entries.data_type() else {
            return Err("entries of a map are a record".to_owned());
        };
        let record = StructArray::try_new(fields.clone(), vec![keys, values], None).map_err(reason)?;
        let nulls = self.nulls.take();
        let array = MapArray::try_new(entries.clone(), offsets, record, nulls, false).map_err(reason)?;
        self.done(DataType::Map(entries, false), Arc::new(array))
    }

    fn record(&mut self) -> Built {
        let count = self.column.children().map_or(0, |list| list.len());
        if count == 0 {
            return Err("a STRUCT without fields".to_owned());
        }
        self.shape(1, count)?;
        let mut fields = Vec::with_capacity(count);
        let mut arrays = Vec::with_capacity(count);
        for index in 0..count {
            let (field, array) = self.child(index, &index.to_string(), self.rows)?;
            fields.push(field);
            arrays.push(array);
        }
        let fields = arrow_schema::Fields::from(fields);
        let array = StructArray::try_new(fields.clone(), arrays, self.nulls.take()).map_err(reason)?;
        self.done(DataType::Struct(fields), Arc::new(array))
    }

    fn dictionary(&mut self) -> Built {
        if !self.kind.may_be_dictionary() {
            return Err(format!("type tag {} cannot be a dictionary", self.kind.tag.0));
        }
        let indices = self.primitive::<Int32Type>()?;
        let values = self.column.dictionary().ok_or("dictionary indices without a dictionary")?;
        let tags = (values.type_(), values.encoding(), values.nulls(), values.id());
        if tags != (self.kind.tag, Encoding::Plain, 0, 0) {
            return Err("a dictionary of another type, or with nulls".to_owned());
        }
        let count = usize::try_from(values.rows()).unwrap_or(usize::MAX);
        if count > self.rows {
            return Err(format!("a dictionary of {count} values for {} rows", self.rows));
        }
        let (field, values) = self.body.column(values, "", count, 1)?;
        let array = DictionaryArray::try_new(indices, values).map_err(reason)?;
        self.done(kind::dictionary_type(field.data_type().clone()), Arc::new(array))
    }
}

/// `rows` bits; the unused ones of the last byte must be zero.
fn bits(buffer: Buffer, rows: usize) -> Result<BooleanBuffer, String> {
    let used = rows % 8;
    if used != 0 && buffer.last().is_some_and(|byte| byte >> used != 0) {
        return Err("bits beyond the last row are set".to_owned());
    }
    Ok(BooleanBuffer::new(buffer, 0, rows))
}

/// The last offset: how many values the offsets cover.
fn last(offsets: &OffsetBuffer<i32>) -> usize {
    usize::try_from(offsets[offsets.len() - 1]).expect("offsets begin at 0 and never go back")
}

fn reason(error: ArrowError) -> String {
    error.to_string()
}

const _: () = assert!(ALIGNMENT.is_multiple_of(align_of::<i128>()));
