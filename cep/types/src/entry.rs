//! Log entries (DESIGN §4): the only input of a partition.

use arrow_array::RecordBatch;
use arrow_buffer::ScalarBuffer;

use crate::{LogIndex, StampNs, StreamId};

/// One entry of a partition's log.
#[derive(Debug, Clone)]
pub struct Entry {
    /// Its position.
    pub index: LogIndex,
    /// Its time, not before that of the entry before it. Ignored for the rows of streams with
    /// `clock = event`, whose stamps are the running maximum of their event time.
    pub stamp: StampNs,
    /// What it says.
    pub kind: EntryKind,
}

/// What an entry says.
#[derive(Debug, Clone)]
pub enum EntryKind {
    /// Rows of one stream.
    Events(Events),
    /// Time passes: timers and idle streams look at the stamp.
    Tick,
    /// No more rows of this stream: its windows close.
    EndOfInput(StreamId),
}

/// Rows of one stream, in log order.
#[derive(Debug, Clone)]
pub struct Events {
    /// The stream.
    pub stream: StreamId,
    /// The rows, with the stream's schema.
    pub rows: RecordBatch,
    /// Event time of each row, ns: read by the connector as `event.time` and its format say.
    /// `None`: the stream's event time column if that is a TIMESTAMP, else the stamp.
    pub times: Option<ScalarBuffer<i64>>,
}
