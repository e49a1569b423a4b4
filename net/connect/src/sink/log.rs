//! A line on standard error for each row.

use std::io::Write;

use arrow_array::RecordBatch;
use cep_types::op::Op;

use super::Sink;
use crate::ConnectError;
use crate::encode::{Encoder, JsonEncoder, Output};

/// Writes each row as its prefix and a JSON object. The lines of a batch go out in one write, so
/// that other messages do not come between.
pub(super) struct LogSink {
    prefix: String,
    encoder: JsonEncoder,
    target: Box<dyn Write + Send>,
    rows: u64,
}

impl LogSink {
    pub(super) fn new(prefix: String, target: Box<dyn Write + Send>) -> LogSink {
        LogSink { prefix, encoder: JsonEncoder::new(false), target, rows: 0 }
    }
}

impl Sink for LogSink {
    fn write(&mut self, batch: &RecordBatch, ops: Option<&[Op]>, stream: &str) -> Result<(), ConnectError> {
        let mut json = Vec::new();
        let rows = Output { batch, ops, stream };
        self.encoder
            .encode(&rows, &mut json)
            .map_err(|error| ConnectError::Batch { stream: stream.to_owned(), error })?;
        let mut lines = Vec::with_capacity(json.len() + self.prefix.len() * batch.num_rows());
        for line in json.split_inclusive(|&byte| byte == b'\n') {
            lines.extend_from_slice(self.prefix.as_bytes());
            lines.extend_from_slice(line);
        }
        self.rows += batch.num_rows() as u64;
        self.target
            .write_all(&lines)
            .map_err(|error| ConnectError::Write { name: "stderr".to_owned(), error })
    }

    fn flush(&mut self) -> Result<(), ConnectError> {
        Ok(())
    }

    fn close(&mut self) -> Result<(), ConnectError> {
        Ok(())
    }

    fn rows(&self) -> u64 {
        self.rows
    }
}
