//! Promises of the frame: it carries every batch, it refuses every damage, it never changes.

mod batches;
mod evolution;
mod golden;
mod mutation;
mod round_trip;

use arrow_array::RecordBatch;
use arrow_buffer::Buffer;

use crate::StreamId;
use crate::frame::{ColumnId, Frame, FrameHead, SchemaVersion, encode};

const HEAD: FrameHead = FrameHead { stream: StreamId(7), schema_version: SchemaVersion(3) };

/// Number of cases of a property: `reduced`, or `deep` with `CEPTRA_DEEP=1`.
fn cases(reduced: u32, deep: u32) -> proptest::test_runner::Config {
    let is_deep = std::env::var("CEPTRA_DEEP").is_ok_and(|value| value == "1");
    proptest::test_runner::Config {
        cases: if is_deep { deep } else { reduced },
        failure_persistence: None,
        ..Default::default()
    }
}

/// Ids 10, 20, 30 … for the columns of a batch.
fn ids(batch: &RecordBatch) -> Vec<ColumnId> {
    (1..=batch.num_columns() as u32).map(|number| ColumnId(number * 10)).collect()
}

fn framed(batch: &RecordBatch) -> Vec<u8> {
    encode(HEAD, &ids(batch), batch).unwrap()
}

fn opened(bytes: &[u8]) -> Frame {
    Frame::open(&Buffer::from(bytes)).unwrap()
}
