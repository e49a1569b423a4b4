//! Rejects becoming rows of a dead-letter stream.

use std::sync::Arc;

use arrow_array::{ArrayRef, BinaryArray, Int64Array, RecordBatch, StringArray};
use arrow_schema::{DataType, Schema, SchemaRef};
use cep_types::options::{DeadLetterField, dead_letter_layout};

use super::Reject;
use crate::ConnectError;

/// Rows of the dead-letter stream `schema` for rejects of `stream`, whose columns are `source`.
/// Which columns a dead-letter stream may have is said at [`DeadLetterField`].
///
/// # Errors
/// The schema has a column that cannot be filled.
pub fn dead_letter_batch(
    schema: &SchemaRef,
    stream: &str,
    source: &Schema,
    rejects: &[Reject],
) -> Result<RecordBatch, ConnectError> {
    let layout = dead_letter_layout(schema.fields())?;
    let columns = layout
        .iter()
        .zip(schema.fields())
        .map(|(filling, field)| fill(*filling, field.data_type(), stream, source, rejects))
        .collect();
    RecordBatch::try_new(schema.clone(), columns)
        .map_err(|error| ConnectError::Batch { stream: stream.to_owned(), error })
}

fn fill(
    filling: DeadLetterField,
    data_type: &DataType,
    stream: &str,
    source: &Schema,
    rejects: &[Reject],
) -> ArrayRef {
    let each = rejects.iter();
    match filling {
        DeadLetterField::Stream => Arc::new(StringArray::from_iter_values(each.map(|_| stream))),
        DeadLetterField::Reason => {
            Arc::new(StringArray::from_iter_values(each.map(|reject| reject.reason.to_string())))
        }
        DeadLetterField::Column => Arc::new(StringArray::from_iter(each.map(|reject| {
            let field = source.fields().get(reject.column?)?;
            Some(field.name().clone())
        }))),
        DeadLetterField::Line => {
            Arc::new(Int64Array::from_iter_values(each.map(|reject| reject.position.line as i64)))
        }
        DeadLetterField::Position => {
            Arc::new(Int64Array::from_iter_values(each.map(|reject| reject.position.byte as i64)))
        }
        DeadLetterField::Original if data_type == &DataType::Binary => {
            Arc::new(BinaryArray::from_iter_values(each.map(|reject| &reject.original)))
        }
        DeadLetterField::Original => Arc::new(StringArray::from_iter_values(
            each.map(|reject| String::from_utf8_lossy(&reject.original)),
        )),
    }
}
