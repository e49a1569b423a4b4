//! Rows being read: columns, event times, positions, rejects.

use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch, RecordBatchOptions, new_null_array};
use arrow_schema::{DataType, Schema, SchemaRef};
use cep_types::options::{EventTime, TimeFormat};

use super::{Position, Records, Reject, RejectReason, SourceChunk, Span};
use crate::ConnectError;
use crate::column::{Column, Values};
use crate::text::{DAY_NS, TimeParser};

/// The chunk a decoder is filling. Columns that are not wanted have no builder.
#[derive(Debug)]
pub(crate) struct Rows {
    /// Builders of the wanted columns, in the stream's order.
    pub(crate) columns: Vec<Column>,
    /// For each builder the index of its column in the stream.
    pub(crate) stream_index: Vec<usize>,
    schema: SchemaRef,
    event_time: Option<EventTimeColumn>,
    event_time_ns: Vec<i64>,
    positions: Vec<u64>,
    /// Lines and bytes of the records, when rows come from bytes.
    records: Option<Records>,
    rejects: Vec<Reject>,
    reject_bytes: usize,
    pub(crate) skipped: u64,
    rows_max: usize,
    nulls: Vec<ArrayRef>,
}

/// Where the event time comes from.
#[derive(Debug)]
struct EventTimeColumn {
    builder: usize,
    options: EventTime,
    parser: TimeParser,
}

impl Rows {
    /// No rows of a stream. `wanted` has one flag for each column; the event time is always read.
    pub(crate) fn new(
        schema: &SchemaRef,
        wanted: &[bool],
        event_time: Option<&EventTime>,
    ) -> Result<Rows, ConnectError> {
        let mut columns = Vec::new();
        let mut stream_index = Vec::new();
        let mut fields = Vec::new();
        let mut time_column = None;
        for (index, field) in schema.fields().iter().enumerate() {
            let time = event_time.filter(|time| time.column == index);
            if time.is_none() && !wanted.get(index).copied().unwrap_or(true) {
                fields.push(Arc::new(field.as_ref().clone().with_nullable(true)));
                continue;
            }
            if let Some(time) = time {
                time_column = Some(EventTimeColumn {
                    builder: columns.len(),
                    options: time.clone(),
                    parser: TimeParser::of(time),
                });
            }
            let parser = time.map_or(TimeParser::iso(), TimeParser::of);
            columns.push(Column::new(field, parser)?);
            stream_index.push(index);
            fields.push(field.clone());
        }
        Ok(Rows {
            columns,
            stream_index,
            schema: Arc::new(Schema::new_with_metadata(fields, schema.metadata().clone())),
            event_time: time_column,
            event_time_ns: Vec::new(),
            positions: Vec::new(),
            records: None,
            rejects: Vec::new(),
            reject_bytes: 0,
            skipped: 0,
            rows_max: 1,
            nulls: Vec::new(),
        })
    }

    /// The schema of the batches.
    pub(crate) fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// Remembers the line of every row, and with `keeps` the bytes of its record.
    pub(crate) fn remember_records(&mut self, keeps: bool) {
        self.records = Some(Records::new(keeps));
    }

    /// Starts a chunk of at most `rows_max` rows.
    pub(crate) fn begin(&mut self, rows_max: usize) {
        self.rows_max = rows_max.max(1);
        let rows = self.rows_max.min(1 << 16);
        for column in &mut self.columns {
            column.reserve(rows);
        }
        self.positions.reserve(rows);
        if self.event_time.is_some() {
            self.event_time_ns.reserve(rows);
        }
    }

    /// Rows so far.
    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.positions.len()
    }

    /// Whether nothing was read since the chunk began.
    pub(crate) fn is_empty(&self) -> bool {
        self.positions.is_empty() && self.rejects.is_empty()
    }

    /// Whether the chunk takes no more records.
    #[inline]
    pub(crate) fn is_full(&self) -> bool {
        self.positions.len() >= self.rows_max
            || (!self.rejects.is_empty()
                && (self.rejects.len() >= self.rows_max || self.reject_bytes >= super::CHUNK_BYTES_MAX))
    }

    /// Completes the row of the record `original`, whose values have all been pushed, or takes it
    /// back with the reason.
    #[inline]
    pub(crate) fn commit(
        &mut self,
        position: Position,
        original: &[u8],
    ) -> Result<(), (Option<usize>, RejectReason)> {
        if let Some(time) = &self.event_time {
            match time.read(&self.columns[time.builder]) {
                Ok(ns) => self.event_time_ns.push(ns),
                Err(reason) => {
                    let column = time.options.column;
                    self.roll_back();
                    return Err((Some(column), reason));
                }
            }
        }
        self.positions.push(position.byte);
        if let Some(records) = &mut self.records {
            records.push(position.line, original);
        }
        Ok(())
    }

    /// Takes back what was pushed of the row being read.
    #[cold]
    pub(crate) fn roll_back(&mut self) {
        let rows = self.positions.len();
        for column in &mut self.columns {
            column.truncate(rows);
        }
    }

    /// Records a failed record; `column` is an index into the stream's columns.
    #[cold]
    pub(crate) fn reject(
        &mut self,
        position: Position,
        column: Option<usize>,
        reason: RejectReason,
        original: &[u8],
    ) {
        self.reject_bytes += original.len();
        self.rejects.push(Reject {
            position,
            reason,
            column,
            original: original.to_vec(),
            rows_before: self.positions.len(),
        });
    }

    /// Hands the chunk out and starts anew.
    pub(crate) fn finish(&mut self, span: Span, end: bool) -> Result<SourceChunk, ConnectError> {
        let rows = self.len();
        let mut filled = self.columns.iter_mut();
        let mut next_filled = 0;
        let mut arrays: Vec<ArrayRef> = Vec::with_capacity(self.schema.fields().len());
        for index in 0..self.schema.fields().len() {
            if self.stream_index.get(next_filled) == Some(&index) {
                next_filled += 1;
                let column = filled.next().expect("one builder for each stream index");
                arrays.push(column.finish().map_err(batch_error)?);
            } else {
                arrays.push(null_rows(&mut self.nulls, self.schema.field(index).data_type(), rows));
            }
        }
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        let batch =
            RecordBatch::try_new_with_options(self.schema.clone(), arrays, &options).map_err(batch_error)?;
        self.reject_bytes = 0;
        Ok(SourceChunk {
            batch,
            event_time_ns: self.event_time.is_some().then(|| std::mem::take(&mut self.event_time_ns)),
            row_positions: std::mem::take(&mut self.positions),
            records: self.records.as_mut().map(Records::take),
            span,
            rejects: std::mem::take(&mut self.rejects),
            skipped: std::mem::take(&mut self.skipped),
            end,
        })
    }
}

fn batch_error(error: arrow_schema::ArrowError) -> ConnectError {
    ConnectError::Batch { stream: "source".to_owned(), error }
}

/// NULLs for a column that is not wanted, cut from one array kept for its type.
fn null_rows(kept: &mut Vec<ArrayRef>, data_type: &DataType, rows: usize) -> ArrayRef {
    let found = kept.iter_mut().find(|array| array.data_type() == data_type);
    let array = match found {
        Some(array) => {
            if array.len() < rows {
                *array = new_null_array(data_type, rows);
            }
            array
        }
        None => {
            kept.push(new_null_array(data_type, rows));
            kept.last().expect("just pushed")
        }
    };
    array.slice(0, rows)
}

impl EventTimeColumn {
    /// When the last row of the column happened.
    #[inline]
    fn read(&self, column: &Column) -> Result<i64, RejectReason> {
        if column.last_is_null() {
            return Err(RejectReason::NoEventTime);
        }
        let unit = self.options.unit;
        let last = |values: &[i64]| values.last().copied();
        let ns = match &column.values {
            Values::Timestamp { values, .. } => last(values),
            Values::BigInt(values) => last(values).and_then(|value| unit.to_ns(value)),
            Values::Int(values) => values.last().and_then(|&value| unit.to_ns(value.into())),
            Values::Date(values) => values.last().map(|&days| i64::from(days) * DAY_NS),
            Values::Double(values) => values.last().and_then(|&value| scaled(value, unit.ns())),
            Values::Text { offsets, bytes, .. } => {
                let [.., start, end] = offsets.as_slice() else {
                    return Err(RejectReason::NoEventTime);
                };
                let text = &bytes[*start as usize..*end as usize];
                return self.parser.parse(text).map_err(|_| RejectReason::WrongType {
                    expected: match &self.options.format {
                        TimeFormat::Strftime(pattern) => format!("a time written '{pattern}'").into(),
                        _ => "a time".into(),
                    },
                    found: super::reject::clip(text),
                });
            }
            _ => None,
        };
        ns.ok_or(RejectReason::EventTimeRange)
    }
}

/// `value × scale`, rounded to the nearest nanosecond.
fn scaled(value: f64, scale: i64) -> Option<i64> {
    let ns = (value * scale as f64).round();
    // 2^63 is a double; the greatest i64 is not.
    (ns >= -(2_f64.powi(63)) && ns < 2_f64.powi(63)).then_some(ns as i64)
}
