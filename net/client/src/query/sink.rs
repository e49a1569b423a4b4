//! What a server says about one query.

use arrow_buffer::Buffer;
use cep_types::frame::{Frame, ReadColumn, ReadSchema};
use net_wire::{Column, Message, QueryEnd, QueryRows, ReadAt};
use tokio::sync::oneshot;

use super::{NO_STREAM, QueryResult};
use crate::connection::{Sink, Taken};
use crate::error::ClientError;
use crate::refusal::Refusal;

/// A whole result as it came, its rows not verified yet.
#[derive(Default)]
pub(super) struct RawResult {
    columns: Vec<Column>,
    frames: Vec<Buffer>,
    bytes: usize,
    parts: u32,
    rows: u64,
    is_truncated: bool,
    read_at: Vec<ReadAt>,
}

/// Gathers a result.
pub(super) struct QuerySink {
    sender: Option<oneshot::Sender<Result<RawResult, ClientError>>>,
    result: RawResult,
    bytes_max: usize,
}

impl QuerySink {
    pub(super) fn new(sender: oneshot::Sender<Result<RawResult, ClientError>>, bytes_max: usize) -> Self {
        QuerySink { sender: Some(sender), result: RawResult::default(), bytes_max }
    }

    fn end(&mut self, answer: Result<RawResult, ClientError>) -> Taken {
        if let Some(sender) = self.sender.take() {
            // Who asked may have gone.
            let _ = sender.send(answer);
        }
        Taken::Done
    }

    fn take_rows(&mut self, rows: &QueryRows<'_>) -> Result<Taken, String> {
        let result = &mut self.result;
        if rows.part != result.parts {
            return Err(format!("part {} of a result behind {} parts", rows.part, result.parts));
        }
        if rows.part == 0 {
            result.columns.clone_from(&rows.columns);
        }
        result.parts += 1;
        result.bytes += rows.rows.len();
        if result.bytes > self.bytes_max {
            let bytes_max = self.bytes_max;
            return Ok(self.end(Err(ClientError::ResultTooLarge { bytes_max })));
        }
        if !rows.rows.is_empty() {
            result.frames.push(Buffer::from(rows.rows));
        }
        Ok(Taken::More)
    }

    fn take_end(&mut self, end: &QueryEnd<'_>) -> Result<Taken, String> {
        if let Some(failure) = &end.failure {
            return Ok(self.end(Err(ClientError::Server(Refusal::of(failure).into()))));
        }
        if self.result.parts == 0 || end.parts != self.result.parts {
            return Err(format!("{} of {} parts of a result", self.result.parts, end.parts));
        }
        let mut result = std::mem::take(&mut self.result);
        result.rows = end.rows;
        result.is_truncated = end.is_truncated;
        result.read_at = end.read_at.iter().collect();
        Ok(self.end(Ok(result)))
    }
}

impl Sink for QuerySink {
    fn take(&mut self, message: &Message<'_>) -> Result<Taken, String> {
        match message {
            Message::QueryRows(rows) => self.take_rows(rows),
            Message::QueryEnd(end) => self.take_end(end),
            Message::Error(failure) => Ok(self.end(Err(ClientError::Server(Refusal::of(failure).into())))),
            other => Err(format!("{:?} for a query", other.kind())),
        }
    }

    fn lost(mut self: Box<Self>, error: &ClientError) {
        self.end(Err(error.clone()));
    }
}

impl RawResult {
    /// The result, verified.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(super) fn read(self) -> Result<QueryResult, String> {
        let columns = self.columns.into_iter().map(|Column { id, field }| ReadColumn {
            id,
            field: field.into(),
            default: None,
        });
        let schema = ReadSchema::new(columns.collect()).map_err(|error| error.to_string())?;
        let mut batches = Vec::with_capacity(self.frames.len());
        let mut rows = 0;
        for frame in &self.frames {
            let frame = Frame::open(frame).map_err(|error| error.to_string())?;
            if frame.head().stream != NO_STREAM {
                return Err(format!("rows of stream {} in a result", frame.head().stream.0));
            }
            rows += frame.rows() as u64;
            if frame.rows() > 0 {
                batches.push(frame.read(&schema).map_err(|error| error.to_string())?);
            }
        }
        if rows != self.rows {
            return Err(format!("{rows} rows of a result of {}", self.rows));
        }
        Ok(QueryResult {
            schema: schema.schema().clone(),
            batches,
            is_truncated: self.is_truncated,
            read_at: self.read_at,
        })
    }
}
