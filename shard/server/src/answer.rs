//! Tables of SHOW, DESCRIBE, EXPLAIN and constant SELECTs on standard output.

use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch, RecordBatchOptions, StringArray};
use arrow_schema::{DataType, Field, Schema};
use cep_lang::lower::StatementResult;
use net_connect::{ConnectError, OutputFormat, Printing, stdout_sink};

use crate::failure::{Failure, Result};

/// Prints the tables among `results`.
///
/// # Errors
/// If standard output cannot be written.
pub fn print_answers(results: &[StatementResult], format: OutputFormat) -> Result<()> {
    for result in results {
        match result {
            StatementResult::Rows { header, rows } => print_table(header, rows, format)?,
            StatementResult::Constants(row) => print_batch(row, format)?,
            StatementResult::Created(_)
            | StatementResult::Started(_)
            | StatementResult::Inserted(_)
            | StatementResult::Dropped(_)
            | StatementResult::Nothing => {}
        }
    }
    Ok(())
}

/// Prints a table of texts.
///
/// # Errors
/// If standard output cannot be written.
pub fn print_table(header: &[String], rows: &[Vec<String>], format: OutputFormat) -> Result<()> {
    let fields: Vec<Field> = header.iter().map(|name| Field::new(name, DataType::Utf8, true)).collect();
    let arrays: Vec<ArrayRef> = (0..header.len())
        .map(|at| Arc::new(StringArray::from_iter_values(rows.iter().map(|row| &row[at]))) as ArrayRef)
        .collect();
    let options = RecordBatchOptions::new().with_row_count(Some(rows.len()));
    let batch = RecordBatch::try_new_with_options(Arc::new(Schema::new(fields)), arrays, &options)
        .map_err(|error| Failure::run(error.to_string()))?;
    print_batch(&batch, format)
}

fn print_batch(batch: &RecordBatch, format: OutputFormat) -> Result<()> {
    let mut sink = stdout_sink(None, Printing { format, tag_streams: false });
    sink.write(batch, None, "").and_then(|()| sink.close()).map_err(|error| match error {
        ConnectError::OutputClosed => Failure::OutputClosed,
        error => Failure::run(error.to_string()),
    })
}
