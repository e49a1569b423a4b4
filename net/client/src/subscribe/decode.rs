//! Frames of a subscription to rows, verified.

use arrow_array::RecordBatch;
use cep_types::frame::{Frame, ReadColumn, ReadSchema};
use cep_types::{Op, PartitionId, StreamId};
use net_wire::{Column, Position};

use super::Delivered;
use super::sink::RawRows;

/// How the rows of a subscription are read.
pub(super) struct RowReader {
    pub(super) stream: StreamId,
    pub(super) partition: PartitionId,
    pub(super) schema: ReadSchema,
}

impl RowReader {
    /// A reader of rows with these columns.
    ///
    /// # Errors
    /// When no stream may have such columns.
    pub(super) fn new(
        stream: StreamId,
        partition: PartitionId,
        columns: Vec<Column>,
    ) -> Result<Self, String> {
        let columns = columns.into_iter().map(|Column { id, field }| ReadColumn {
            id,
            field: field.into(),
            default: None,
        });
        let schema = ReadSchema::new(columns.collect()).map_err(|error| error.to_string())?;
        Ok(RowReader { stream, partition, schema })
    }

    /// The rows, which must come after `last`.
    ///
    /// # Errors
    /// What is wrong with them.
    pub(super) fn read(&self, raw: RawRows, last: Option<Position>) -> Result<Delivered, String> {
        let frame = Frame::open(&raw.frame).map_err(|error| error.to_string())?;
        if frame.head().stream != self.stream {
            return Err(format!("rows of stream {}, not {}", frame.head().stream.0, self.stream.0));
        }
        if frame.rows() as u64 != raw.count() {
            return Err(format!("{} positions for {} rows", raw.count(), frame.rows()));
        }
        let mut positions = Vec::with_capacity(frame.rows());
        let mut before = last;
        for run in &raw.runs {
            if before.is_some_and(|before| run.first <= before) {
                return Err("rows that are not in order, or came before".to_owned());
            }
            let ordinals = run.first.ordinal..run.first.ordinal + run.count;
            positions.extend(ordinals.map(|ordinal| Position { index: run.first.index, ordinal }));
            before = positions.last().copied();
        }
        let rows = frame.read(&self.schema).map_err(|error| error.to_string())?;
        let ops = if raw.ops.is_empty() { vec![Op::Insert; positions.len()] } else { raw.ops };
        Ok(Delivered {
            partition: self.partition,
            rows,
            positions,
            derived_ids: raw.derived_ids,
            ops,
            watermark_ns: raw.watermark_ns,
        })
    }

    /// News of the watermark alone.
    pub(super) fn news(&self) -> Delivered {
        Delivered {
            partition: self.partition,
            rows: RecordBatch::new_empty(self.schema.schema().clone()),
            positions: Vec::new(),
            derived_ids: Vec::new(),
            ops: Vec::new(),
            watermark_ns: None,
        }
    }
}
