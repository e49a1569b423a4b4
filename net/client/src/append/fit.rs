//! A user's batch as the columns of a stream: by name, and without loss of any value.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::Int32Type;
use arrow_array::{Array, ArrayRef, RecordBatch, RecordBatchOptions};
use arrow_cast::CastOptions;
use arrow_schema::{DataType, Field, Schema, TimeUnit};
use cep_types::frame::ColumnId;
use cep_types::sql_type::field_type_name;
use net_wire::{Column, Stream};

use crate::error::ClientError;

/// Rows with the types and names of a stream.
pub(super) struct Fitted {
    /// The rows; their fields may be NULL, so that the server judges row by row.
    pub(super) rows: RecordBatch,
    /// Id of each column.
    pub(super) ids: Vec<ColumnId>,
}

impl Fitted {
    /// The column with that id, if the user gave it.
    pub(super) fn column(&self, id: ColumnId) -> Option<&ArrayRef> {
        let at = self.ids.iter().position(|given| *given == id)?;
        Some(self.rows.column(at))
    }
}

/// `rows` as columns of `stream`. Names match as SQL identifiers do.
///
/// # Errors
/// [`ClientError::Rows`] for a column that the stream does not have, one given twice, one that is NOT
/// NULL and part of the key and missing, and a type that may not hold the values.
pub(super) fn fit(rows: &RecordBatch, stream: &Stream) -> Result<Fitted, ClientError> {
    let refused = |reason: String| Err(ClientError::Rows { reason });
    let mut ids = Vec::with_capacity(rows.num_columns());
    let mut fields = Vec::with_capacity(rows.num_columns());
    let mut arrays = Vec::with_capacity(rows.num_columns());
    for (field, array) in rows.schema_ref().fields().iter().zip(rows.columns()) {
        let Some(column) = find(stream, field.name()) else {
            let names: Vec<&str> = stream.columns.iter().map(|column| column.field.name().as_str()).collect();
            let names = names.join(", ");
            let (name, stream) = (field.name(), &stream.name);
            return refused(format!("stream {stream} has no column {name}; it has {names}"));
        };
        if ids.contains(&column.id) {
            return refused(format!("column {} is given twice; leave one out", column.field.name()));
        }
        let array = convert(field, array, &column.field)?;
        ids.push(column.id);
        fields.push(column.field.clone().with_data_type(array.data_type().clone()).with_nullable(true));
        arrays.push(array);
    }
    for id in &stream.key {
        let missing = stream.columns.iter().find(|column| column.id == *id && !ids.contains(id));
        if let Some(Column { field, .. }) = missing.filter(|column| !column.field.is_nullable()) {
            return refused(format!("column {} of the key is missing; add it", field.name()));
        }
    }
    let options = RecordBatchOptions::new().with_row_count(Some(rows.num_rows()));
    let rows = RecordBatch::try_new_with_options(Arc::new(Schema::new(fields)), arrays, &options)
        .map_err(|error| ClientError::Rows { reason: error.to_string() })?;
    Ok(Fitted { rows, ids })
}

fn find<'a>(stream: &'a Stream, name: &str) -> Option<&'a Column> {
    let exact = stream.columns.iter().find(|column| column.field.name() == name);
    exact.or_else(|| stream.columns.iter().find(|column| column.field.name().eq_ignore_ascii_case(name)))
}

/// `array` as a column of type `to`; the same memory when the types are the same.
fn convert(from: &Field, array: &ArrayRef, to: &Field) -> Result<ArrayRef, ClientError> {
    let (given, wanted) = (from.data_type(), to.data_type());
    if given == wanted || is_dictionary_of(array, wanted) {
        return Ok(array.clone());
    }
    let reason = |why: String| ClientError::Rows { reason: format!("column {}: {why}", to.name()) };
    if !holds(given, wanted) {
        let (given, wanted) = (field_type_name(from), field_type_name(to));
        return Err(reason(format!("the rows have {given}, the stream has {wanted}; cast them")));
    }
    let options = CastOptions { safe: false, ..CastOptions::default() };
    arrow_cast::cast_with_options(array, wanted, &options).map_err(|error| reason(error.to_string()))
}

fn is_dictionary_of(array: &ArrayRef, wanted: &DataType) -> bool {
    array.as_dictionary_opt::<Int32Type>().is_some_and(|dictionary| {
        dictionary.values().data_type() == wanted && matches!(wanted, DataType::Utf8 | DataType::Binary)
    })
}

/// Whether every value of `given` is exactly one of `wanted`, or the cast refuses it.
fn holds(given: &DataType, wanted: &DataType) -> bool {
    use DataType as D;
    match (given, wanted) {
        (D::Dictionary(_, values), _) => values.as_ref() == wanted || holds(values, wanted),
        (D::Int8 | D::Int16 | D::UInt8 | D::UInt16, D::Int32) => true,
        (D::Int8 | D::Int16 | D::Int32 | D::UInt8 | D::UInt16 | D::UInt32, D::Int64 | D::Float64) => true,
        // The cast refuses a number above the largest BIGINT.
        (D::UInt64, D::Int64) => true,
        (D::Float16, D::Float32 | D::Float64) | (D::Float32, D::Float64) => true,
        (given, D::Decimal128(precision, scale)) => holds_decimal(given, *precision, *scale),
        (D::LargeUtf8 | D::Utf8View, D::Utf8) => true,
        (D::LargeBinary | D::BinaryView | D::FixedSizeBinary(_), D::Binary) => true,
        // Of an instant with a zone the instant is kept.
        (D::Timestamp(_, _), D::Timestamp(TimeUnit::Nanosecond, None)) => true,
        (D::Time32(_) | D::Time64(_), D::Time64(TimeUnit::Nanosecond)) => true,
        _ => false,
    }
}

fn holds_decimal(given: &DataType, precision: u8, scale: i8) -> bool {
    let whole = i16::from(precision) - i16::from(scale);
    match given {
        DataType::Int8 => whole >= 3,
        DataType::Int16 => whole >= 5,
        DataType::Int32 => whole >= 10,
        DataType::Int64 => whole >= 19,
        DataType::Decimal128(from, from_scale) => {
            scale >= *from_scale && whole >= i16::from(*from) - i16::from(*from_scale)
        }
        _ => false,
    }
}
