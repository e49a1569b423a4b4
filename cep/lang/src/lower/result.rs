//! What running a statement gives back.

use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::{Field, Schema, SchemaRef};
use datafusion_common::ScalarValue;

use crate::ast::Span;
use crate::diag::{Diagnostic, Result, codes};

use super::error::plain_text;

/// Outcome of one statement.
#[derive(Debug, Clone, PartialEq)]
pub enum StatementResult {
    /// The object exists now.
    Created(String),
    /// A query runs now, under this name.
    Started(String),
    /// So many constant rows were inserted.
    Inserted(usize),
    /// The object is gone.
    Dropped(String),
    /// Nothing was to do: `IF NOT EXISTS`, `IF EXISTS`.
    Nothing,
    /// The row of a SELECT of constants.
    Constants(RecordBatch),
    /// A table of texts: SHOW, DESCRIBE, EXPLAIN.
    Rows {
        /// Column names.
        header: Vec<String>,
        /// Rows of as many texts as the header.
        rows: Vec<Vec<String>>,
    },
}

impl StatementResult {
    /// The row of a SELECT of constants.
    ///
    /// # Errors
    /// A value that has no column.
    pub(super) fn constants(schema: &SchemaRef, values: &[ScalarValue], span: Span) -> Result<Self> {
        let fields: Vec<Field> =
            schema.fields().iter().map(|field| field.as_ref().clone().with_nullable(true)).collect();
        let columns = values.iter().map(ScalarValue::to_array).collect::<datafusion_common::Result<_>>();
        let row =
            columns.and_then(|columns| Ok(RecordBatch::try_new(Arc::new(Schema::new(fields)), columns)?));
        row.map(StatementResult::Constants).map_err(|error| {
            let message = plain_text(&error.strip_backtrace());
            Box::new(Diagnostic::at(codes::EXPRESSION, span, message).help("cast the value to another type"))
        })
    }
}
