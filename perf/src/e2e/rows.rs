//! What is appended, and the apps that read it.

use std::sync::Arc;

use arrow_array::{ArrayRef, Float64Array, Int64Array, RecordBatch, StringArray};
use arrow_schema::{DataType, Field, Schema};
use cep_types::frame::{ColumnId, FrameHead, encode};
use cep_types::{PartitionId, ProducerId, StampNs, StreamId};
use net_wire::{Append, EventIds, Stream};

use super::error::{E2eError, Result};

/// Bytes of an event's payload, without its number.
pub const PAYLOAD_BYTES: usize = 100;
/// Symbols of trades.
pub const SYMBOLS: usize = 1_000;

/// Numbered events with a payload, each of which leads to one derived event.
pub const EVENTS_APP: &str = "CREATE STREAM events (seq BIGINT NOT NULL, payload STRING NOT NULL);\n\
     CREATE STREAM passed AS SELECT seq, payload FROM events WHERE seq >= 0;";

/// The W2 app of the micro benchmarks, over trades of 100 bytes: symbol 5, price 8, volume 8, note 79.
pub const W2_APP: &str = "CREATE STREAM trades (symbol STRING NOT NULL, price DOUBLE NOT NULL, volume BIGINT NOT NULL, \
     note STRING NOT NULL);\n\
     CREATE STREAM averages AS SELECT symbol, avg(price) AS a, sum(price) AS s, count(*) AS c \
     FROM trades WINDOW TUMBLING (SIZE 1 SECOND) GROUP BY symbol;";
const NOTE_BYTES: usize = PAYLOAD_BYTES - 5 - 8 - 8;

/// Counts by sensor, without a window: state that stays.
pub const KEYS_APP: &str = "CREATE STREAM readings (sensor BIGINT NOT NULL, payload STRING NOT NULL);\n\
     CREATE STREAM counts AS SELECT sensor, count(*) AS n FROM readings GROUP BY sensor;";

/// Writes rows of a stream, and tells who sent them.
pub struct Writer {
    stream: StreamId,
    head: FrameHead,
    ids: Vec<ColumnId>,
    schema: Arc<Schema>,
    producer: ProducerId,
    /// Number of the next row.
    pub next: u64,
    epoch: cep_types::Epoch,
}

impl Writer {
    /// For a stream, with numbers of their own.
    pub fn new(stream: &Stream, epoch: cep_types::Epoch) -> Self {
        let fields: Vec<Field> = stream.columns.iter().map(|column| column.field.clone()).collect();
        // Producers of one run must differ; the clock of a process and its number are enough for that.
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        Writer {
            stream: stream.id,
            head: FrameHead { stream: stream.id, schema_version: stream.schema_version },
            ids: stream.columns.iter().map(|column| column.id).collect(),
            schema: Arc::new(Schema::new(fields)),
            producer: ProducerId((now.as_nanos() as u64) | 1),
            next: 0,
            epoch,
        }
    }

    /// A frame of these columns.
    ///
    /// # Errors
    /// When they are not those of the stream.
    pub fn frame(&self, columns: Vec<ArrayRef>) -> Result<Vec<u8>> {
        let rows = RecordBatch::try_new(self.schema.clone(), columns);
        let rows = rows.map_err(|error| E2eError::Wrong(error.to_string()))?;
        encode(self.head, &self.ids, &rows).map_err(|error| E2eError::Wrong(error.to_string()))
    }

    /// The message that appends a frame of `rows` rows under the next numbers.
    pub fn append<'a>(&mut self, frame: &'a [u8], rows: u64) -> Append<'a> {
        let first = self.next;
        self.next += rows;
        Append {
            stream: self.stream,
            schema_version: self.head.schema_version,
            partition: PartitionId(0),
            routing_epoch: self.epoch,
            ids: EventIds::Sequence { producer: self.producer, first },
            first_sent: StampNs(wall_ns()),
            replay: false,
            timeout_ms: 0,
            rows: frame,
        }
    }
}

fn wall_ns() -> i64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(now.as_nanos()).unwrap_or(i64::MAX)
}

/// Text that does not compress into nothing; the same for the same number.
fn text(number: u64, bytes: usize) -> String {
    let mut x = number.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let letter = |_| {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        char::from(b'a' + (x % 26) as u8)
    };
    (0..bytes).map(letter).collect()
}

/// Columns of events numbered from `first` on.
pub fn events(first: u64, count: u64) -> Vec<ArrayRef> {
    let numbers = first..first + count;
    vec![
        Arc::new(Int64Array::from_iter_values(numbers.clone().map(|number| number as i64))),
        Arc::new(StringArray::from_iter_values(numbers.map(|number| text(number, PAYLOAD_BYTES)))),
    ]
}

/// Columns of trades.
pub fn trades(first: u64, count: u64) -> Vec<ArrayRef> {
    let numbers = first..first + count;
    let symbol = |number: u64| format!("S{:04}", number.wrapping_mul(7919) % SYMBOLS as u64);
    vec![
        Arc::new(StringArray::from_iter_values(numbers.clone().map(symbol))),
        Arc::new(Float64Array::from_iter_values(
            numbers.clone().map(|number| (number % 10_007) as f64 / 100.0),
        )),
        Arc::new(Int64Array::from_iter_values(numbers.clone().map(|number| (number % 997) as i64))),
        Arc::new(StringArray::from_iter_values(numbers.map(|number| text(number, NOTE_BYTES)))),
    ]
}

/// Columns of readings: keys from `first` on, around at `keys`.
pub fn readings(first: u64, count: u64, keys: u64) -> Vec<ArrayRef> {
    let numbers = first..first + count;
    vec![
        Arc::new(Int64Array::from_iter_values(numbers.clone().map(|number| (number % keys) as i64))),
        Arc::new(StringArray::from_iter_values(numbers.map(|number| text(number, PAYLOAD_BYTES)))),
    ]
}

/// The column `seq` of delivered rows.
///
/// # Errors
/// When it is not there.
pub fn sequence(rows: &RecordBatch) -> Result<&Int64Array> {
    let found = rows.column_by_name("seq").filter(|column| column.data_type() == &DataType::Int64);
    let found = found.and_then(|column| column.as_any().downcast_ref());
    found.ok_or_else(|| E2eError::Wrong("delivered rows have no column seq".into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn payloads_have_the_size_they_are_said_to_have() {
        let rows = trades(5, 3);
        let strings =
            |column: &ArrayRef| column.as_any().downcast_ref::<StringArray>().unwrap().value(0).len();
        assert_eq!(strings(&rows[0]) + 8 + 8 + strings(&rows[3]), PAYLOAD_BYTES);
        assert_eq!(strings(&events(0, 1)[1]), PAYLOAD_BYTES);
        assert_ne!(text(1, 20), text(2, 20));
    }
}
