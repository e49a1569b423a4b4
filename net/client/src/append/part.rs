//! What is sent in one append: a frame of rows of one partition.

use std::sync::Arc;

use arrow_array::RecordBatch;
use cep_types::frame::{Encoder, FRAME_ROWS_MAX, FrameHead, SchemaVersion};
use cep_types::{EventId, PartitionId, StreamId};
use net_wire::{Stream, Window};

use super::fit::Fitted;
use super::numbers::Numbers;
use super::receipt::RowsOf;
use super::split::Share;
use crate::error::ClientError;

/// Room for everything in a message that is neither rows nor ids.
const MESSAGE_BYTES_AROUND: usize = 4 << 10;

/// Ids of the rows of a part.
pub(super) enum PartIds {
    /// Numbers of a producer, given when the part is first sent.
    Sequence(Arc<Numbers>),
    /// One a row, by the user.
    Opaque(Vec<EventId>),
}

/// One frame, and whose rows it has.
pub(super) struct Part {
    pub(super) stream: StreamId,
    pub(super) schema_version: SchemaVersion,
    pub(super) partition: PartitionId,
    pub(super) frame: Arc<Vec<u8>>,
    pub(super) rows: u32,
    pub(super) ids: PartIds,
    pub(super) replay: bool,
    /// Which rows of the user's batch they are.
    pub(super) of: RowsOf,
}

impl Part {
    /// What it takes of a credit window.
    pub(super) fn size(&self) -> Window {
        Window { events: self.rows.into(), bytes: self.frame.len() as u64 }
    }

    /// Whose numbers it has.
    pub(super) fn numbers(&self) -> Option<&Arc<Numbers>> {
        match &self.ids {
            PartIds::Sequence(numbers) => Some(numbers),
            PartIds::Opaque(_) => None,
        }
    }
}

/// How parts are made.
pub(super) struct PartMaker<'a> {
    pub(super) stream: &'a Stream,
    pub(super) numbers: &'a Arc<Numbers>,
    /// Ids of all rows of the batch, when the user gives them.
    pub(super) event_ids: Option<&'a [EventId]>,
    pub(super) replay: bool,
    /// Longest message that servers take.
    pub(super) message_bytes_max: usize,
}

impl PartMaker<'_> {
    /// Frames of a share: one, or as many as its length needs.
    ///
    /// # Errors
    /// [`ClientError::Rows`] when a single row is too large, or cannot be framed.
    pub(super) fn make(&self, fitted: &Fitted, share: Share) -> Result<Vec<Part>, ClientError> {
        let mut encoder = Encoder::default();
        let mut parts = Vec::new();
        let mut todo = vec![(share.rows, share.of)];
        while let Some((rows, of)) = todo.pop() {
            let count = rows.num_rows();
            if count <= FRAME_ROWS_MAX {
                let frame = self.frame(&mut encoder, fitted, &rows)?;
                let ids_bytes = self.event_ids.map_or(0, |_| count * size_of::<EventId>());
                let bytes = frame.len() + ids_bytes + MESSAGE_BYTES_AROUND;
                if bytes <= self.message_bytes_max {
                    parts.push(self.part(share.partition, frame, of));
                    continue;
                }
                if count == 1 {
                    let max = self.message_bytes_max;
                    let reason =
                        format!("a row takes {bytes} bytes and the server takes {max}; make it smaller");
                    return Err(ClientError::Rows { reason });
                }
            }
            let half = count / 2;
            let (first, second) = of.split(half);
            // The first half comes off the stack first.
            todo.push((rows.slice(half, count - half), second));
            todo.push((rows.slice(0, half), first));
        }
        Ok(parts)
    }

    fn frame(
        &self,
        encoder: &mut Encoder,
        fitted: &Fitted,
        rows: &RecordBatch,
    ) -> Result<Vec<u8>, ClientError> {
        let head = FrameHead { stream: self.stream.id, schema_version: self.stream.schema_version };
        let mut frame = Vec::new();
        let encoded = encoder.encode_into(head, &fitted.ids, rows, &mut frame);
        encoded.map_err(|error| ClientError::Rows { reason: error.to_string() })?;
        Ok(frame)
    }

    fn part(&self, partition: PartitionId, frame: Vec<u8>, of: RowsOf) -> Part {
        let ids = match self.event_ids {
            Some(ids) => PartIds::Opaque(of.iter().map(|row| ids[row]).collect()),
            None => PartIds::Sequence(self.numbers.clone()),
        };
        Part {
            stream: self.stream.id,
            schema_version: self.stream.schema_version,
            partition,
            frame: Arc::new(frame),
            rows: u32::try_from(of.len()).expect("a frame has at most 1,048,576 rows"),
            ids,
            replay: self.replay,
            of,
        }
    }
}
