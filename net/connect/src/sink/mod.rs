//! Rows to the outside.
//!
//! A sink buffers; [`Sink::flush`] hands over what it has, and [`Sink::close`] must be called for
//! the last rows of a file to be known to be there. What a sink writes does not depend on how
//! rows were grouped into batches, tables for people excepted.

mod log;
mod open;
mod writer;

use arrow_array::RecordBatch;
use cep_types::op::Op;

use crate::ConnectError;

pub use open::{open_sink, open_sink_at, stdout_sink, writer_sink};

/// A connector that takes rows.
pub trait Sink: Send {
    /// Takes the rows of `stream`. `ops` has one operation for each row when the stream is not
    /// append-only, and is `None` when it is.
    ///
    /// # Errors
    /// The rows could not be written; [`ConnectError::OutputClosed`] when nobody reads any more.
    fn write(&mut self, batch: &RecordBatch, ops: Option<&[Op]>, stream: &str) -> Result<(), ConnectError>;

    /// Hands over everything taken so far.
    ///
    /// # Errors
    /// As [`write`](Sink::write).
    fn flush(&mut self) -> Result<(), ConnectError>;

    /// Hands everything over and ends the output; for a file, it is on the disk afterwards.
    ///
    /// # Errors
    /// As [`write`](Sink::write).
    fn close(&mut self) -> Result<(), ConnectError>;

    /// Hands everything over and brings it to the disk; the length of the file then, at which
    /// [`open_sink_at`] goes on. `None`: it is no file, and what was handed over cannot be taken back.
    ///
    /// # Errors
    /// As [`write`](Sink::write).
    fn settle(&mut self) -> Result<Option<u64>, ConnectError> {
        self.flush()?;
        Ok(None)
    }

    /// Forgets what was taken and has not been handed over. After an error of
    /// [`write`](Sink::write) or [`flush`](Sink::flush) a further flush tries again with what is
    /// left; this gives it up.
    fn discard(&mut self) {}

    /// Rows taken so far.
    fn rows(&self) -> u64;
}

/// Takes rows, counts them and forgets them.
#[derive(Debug, Default)]
struct Blackhole {
    rows: u64,
}

impl Sink for Blackhole {
    fn write(&mut self, batch: &RecordBatch, _ops: Option<&[Op]>, _stream: &str) -> Result<(), ConnectError> {
        self.rows += batch.num_rows() as u64;
        Ok(())
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
