//! Frames to the schema of their reader.
//!
//! Columns are matched by id. What the frame lacks is filled with the column's default, or NULL;
//! what the reader does not ask for is left out (its column was dropped: ids are never reused);
//! a type may be wider at the reader, never narrower (see [`Frame::read`]).

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow_array::{Array, ArrayRef, RecordBatch, RecordBatchOptions, UInt32Array, new_null_array};
use arrow_schema::{Field, FieldRef, Schema, SchemaRef};

use crate::frame::conform::conform;
use crate::frame::kind::Kind;
use crate::frame::{ColumnId, Frame, FrameError};

/// One column that a reader wants.
#[derive(Debug, Clone)]
pub struct ReadColumn {
    /// Its id in the stream.
    pub id: ColumnId,
    /// Its name, type and nullability at the reader.
    pub field: FieldRef,
    /// One value of that type, used for rows of frames without the column; `None` means NULL.
    pub default: Option<ArrayRef>,
}

/// The columns a reader wants, checked.
#[derive(Debug, Clone)]
pub struct ReadSchema {
    schema: SchemaRef,
    columns: Vec<ReadColumn>,
}

impl ReadSchema {
    /// A schema of `columns`, in the order in which the reader wants them.
    ///
    /// # Errors
    /// [`FrameError::Ids`] when an id occurs twice or a default is not one value of its column's
    /// type, [`FrameError::Unsupported`] for a type outside R-EVT-2.
    pub fn new(columns: Vec<ReadColumn>) -> Result<Self, FrameError> {
        let mut seen = BTreeSet::new();
        for column in &columns {
            if !seen.insert(column.id) {
                return Err(FrameError::Ids { reason: format!("id {} occurs twice", column.id.0) });
            }
            if Kind::of(&column.field).is_none() {
                let reason = format!("type {} has no place in a stream", column.field.data_type());
                return Err(FrameError::Unsupported { id: column.id, reason });
            }
            if let Some(value) = &column.default
                && (value.len() != 1 || value.data_type() != column.field.data_type())
            {
                let reason = format!(
                    "default of column {} is {} value(s) of type {}, not one of {}",
                    column.id.0,
                    value.len(),
                    value.data_type(),
                    column.field.data_type()
                );
                return Err(FrameError::Ids { reason });
            }
        }
        let fields: Vec<FieldRef> = columns.iter().map(|column| column.field.clone()).collect();
        Ok(Self { schema: Arc::new(Schema::new(fields)), columns })
    }

    /// A schema without defaults: `ids[i]` is the id of field `i`.
    ///
    /// # Errors
    /// As [`ReadSchema::new`], and when there are not as many ids as fields.
    pub fn of(schema: &Schema, ids: &[ColumnId]) -> Result<Self, FrameError> {
        if schema.fields().len() != ids.len() {
            let reason = format!("{} ids for {} columns", ids.len(), schema.fields().len());
            return Err(FrameError::Ids { reason });
        }
        let pairs = schema.fields().iter().zip(ids);
        Self::new(
            pairs.map(|(field, id)| ReadColumn { id: *id, field: field.clone(), default: None }).collect(),
        )
    }

    /// The Arrow schema of every batch that is read with this.
    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }
}

impl Frame {
    /// The rows with the schema of `target`. Columns whose type is the same are the frame's own
    /// memory. Types that may differ, each being wider at the reader:
    ///
    /// - INT → BIGINT, DOUBLE, DECIMAL; BIGINT → DECIMAL; FLOAT → DOUBLE; DECIMAL → DECIMAL, when no
    ///   digit before or after the point can be lost
    /// - JSON → STRING; dictionary ↔ plain text and bytes
    /// - ARRAY, MAP and STRUCT by the same rules inside; a STRUCT may have more fields at its end
    ///
    /// # Errors
    /// [`FrameError::Narrowing`] for every other difference and for NULLs in a column that is NOT
    /// NULL at the reader, [`FrameError::Missing`] when such a column is not in the frame and has no
    /// default.
    pub fn read(&self, target: &ReadSchema) -> Result<RecordBatch, FrameError> {
        let arrays =
            target.columns.iter().map(|wanted| self.read_column(wanted)).collect::<Result<Vec<_>, _>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(self.rows()));
        RecordBatch::try_new_with_options(target.schema.clone(), arrays, &options)
            .map_err(|error| FrameError::malformed(error.to_string()))
    }

    fn read_column(&self, wanted: &ReadColumn) -> Result<ArrayRef, FrameError> {
        match self.columns().binary_search_by_key(&wanted.id, |column| column.id) {
            Ok(index) => {
                let found = &self.columns()[index];
                conform(&found.field, &found.array, &wanted.field).map_err(|reason| FrameError::Narrowing {
                    id: wanted.id,
                    name: wanted.field.name().clone(),
                    reason,
                })
            }
            Err(_) => fill(&wanted.field, wanted.default.as_ref(), self.rows())
                .ok_or_else(|| FrameError::Missing { id: wanted.id, name: wanted.field.name().clone() }),
        }
    }
}

/// `rows` times the default, or NULL; `None` when the column may not be NULL.
fn fill(field: &Field, default: Option<&ArrayRef>, rows: usize) -> Option<ArrayRef> {
    match default {
        Some(value) if value.is_null(0) && !field.is_nullable() => None,
        Some(value) => {
            let first = UInt32Array::from(vec![0; rows]);
            let repeated = arrow_select::take::take(value, &first, None);
            Some(repeated.expect("index 0 is in a default of one value"))
        }
        None => field.is_nullable().then(|| new_null_array(field.data_type(), rows)),
    }
}
