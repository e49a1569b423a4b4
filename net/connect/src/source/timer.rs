//! One row every interval of the caller's clock.

use std::sync::Arc;

use arrow_array::{
    ArrayRef, Int32Array, Int64Array, RecordBatch, RecordBatchOptions, TimestampNanosecondArray,
};
use arrow_schema::{DataType, SchemaRef};

use super::{Progress, Source, SourceChunk, Span};
use crate::ConnectError;

/// Ticks at whole multiples of the interval since 1970, the first one behind the first call, none
/// left out however late the caller comes. TIMESTAMP columns hold the tick's time, INT and BIGINT
/// columns its number from 0.
pub(super) struct Timer {
    schema: SchemaRef,
    interval_ns: i64,
    /// Time of the next tick, known from the first call on.
    due_ns: Option<i64>,
    ticks: u64,
}

impl Timer {
    pub(super) fn new(schema: &SchemaRef, interval_ns: i64) -> Timer {
        Timer { schema: schema.clone(), interval_ns: interval_ns.max(1), due_ns: None, ticks: 0 }
    }

    fn column(&self, data_type: &DataType, name: &str, times: &[i64]) -> Result<ArrayRef, ConnectError> {
        let numbers = (self.ticks..).take(times.len());
        Ok(match data_type {
            DataType::Timestamp(_, _) => {
                Arc::new(TimestampNanosecondArray::from_iter_values(times.iter().copied()))
            }
            DataType::Int64 => Arc::new(Int64Array::from_iter_values(numbers.map(|n| n as i64))),
            DataType::Int32 => {
                let numbers: Vec<i32> = numbers
                    .map(|row| {
                        i32::try_from(row).map_err(|_| ConnectError::GeneratedRange {
                            column: name.to_owned(),
                            value: row.to_string(),
                            row,
                            expected: "INT".to_owned(),
                        })
                    })
                    .collect::<Result<_, _>>()?;
                Arc::new(Int32Array::from(numbers))
            }
            other => {
                return Err(ConnectError::UnsupportedType {
                    column: name.to_owned(),
                    data_type: other.to_string(),
                });
            }
        })
    }
}

impl Source for Timer {
    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn next(&mut self, rows_max: usize, now_ns: i64) -> Result<SourceChunk, ConnectError> {
        let interval_ns = self.interval_ns;
        let first = now_ns.div_euclid(interval_ns).saturating_add(1);
        let mut due_ns = self.due_ns.unwrap_or(first.saturating_mul(interval_ns));
        let mut times = Vec::new();
        while due_ns <= now_ns && times.len() < rows_max.max(1) {
            times.push(due_ns);
            due_ns = due_ns.saturating_add(interval_ns);
        }
        self.due_ns = Some(due_ns);
        let columns = self
            .schema
            .fields()
            .iter()
            .map(|field| self.column(field.data_type(), field.name(), &times))
            .collect::<Result<Vec<_>, _>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(times.len()));
        let batch = RecordBatch::try_new_with_options(self.schema.clone(), columns, &options)
            .map_err(|error| ConnectError::Batch { stream: "timer".to_owned(), error })?;
        let before = self.ticks;
        self.ticks += times.len() as u64;
        Ok(SourceChunk {
            batch,
            row_positions: (before..self.ticks).collect(),
            records: None,
            event_time_ns: Some(times),
            span: Span {
                byte_start: before,
                byte_end: self.ticks,
                line_start: before + 1,
                line_end: self.ticks + 1,
            },
            rejects: Vec::new(),
            skipped: 0,
            end: false,
        })
    }

    fn progress(&self) -> Progress {
        Progress { done: self.ticks, total: None, rows: self.ticks, rejects: 0 }
    }

    fn due_ns(&self) -> Option<i64> {
        self.due_ns
    }

    fn is_bounded(&self) -> bool {
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow_array::Array;
    use arrow_schema::{Field, Schema, TimeUnit};

    #[test]
    fn ticks_are_multiples_of_the_interval_and_none_is_lost() {
        let timestamp = DataType::Timestamp(TimeUnit::Nanosecond, None);
        let schema = Arc::new(Schema::new(vec![
            Field::new("at", timestamp, true),
            Field::new("n", DataType::Int64, true),
        ]));
        let mut timer = Timer::new(&schema, 10);
        let mut tick = |rows_max, now| {
            let chunk = timer.next(rows_max, now).unwrap();
            assert_eq!(chunk.batch.num_rows(), chunk.row_positions.len());
            (chunk.event_time_ns.unwrap(), chunk.row_positions)
        };
        assert_eq!(tick(5, 25), (vec![], vec![]));
        assert_eq!(tick(5, 30), (vec![30], vec![0]));
        assert_eq!(tick(5, 39), (vec![], vec![]));
        assert_eq!(tick(2, 75), (vec![40, 50], vec![1, 2]));
        assert_eq!(tick(2, 75), (vec![60, 70], vec![3, 4]));
        assert_eq!(timer.due_ns(), Some(80));
        let batch = timer.next(1, 90).unwrap().batch;
        let numbers = batch.column(1).as_any().downcast_ref::<Int64Array>().unwrap();
        assert_eq!((numbers.len(), numbers.value(0)), (1, 5));
    }
}
