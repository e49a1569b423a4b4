//! The entries that are fed: trades of 1,000 symbols, 10 µs apart, in order.

use std::sync::Arc;

use arrow_array::{ArrayRef, Float64Array, Int64Array, RecordBatch, StringArray, TimestampNanosecondArray};
use arrow_schema::{DataType, Field, Schema, TimeUnit};
use cep_types::{Entry, EntryKind, Events, LogIndex, StampNs, StreamId};

/// Rows of an entry.
pub const BATCH_ROWS: usize = 1024;
/// Distinct symbols.
pub const SYMBOLS: u64 = 1000;
const START_NS: i64 = 1_700_000_000_000_000_000;
const STEP_NS: i64 = 10_000;

/// Entries of trades.
pub struct Trades {
    /// In log order.
    pub entries: Vec<Entry>,
    /// The same rows, as the floors read them.
    pub batches: Vec<RecordBatch>,
}

impl Trades {
    /// `count` entries of [`BATCH_ROWS`] rows.
    pub fn new(count: usize) -> Self {
        let mut random = Random(42);
        let batches: Vec<RecordBatch> =
            (0..count).map(|nth| batch((nth * BATCH_ROWS) as i64, BATCH_ROWS, &mut random)).collect();
        let entries = batches.iter().enumerate().map(|(nth, rows)| entry(nth as u64 + 1, rows.clone())).collect();
        Trades { entries, batches }
    }
}

/// One entry of `rows`.
pub fn entry(index: u64, rows: RecordBatch) -> Entry {
    let kind = EntryKind::Events(Events { stream: StreamId(0), rows, times: None });
    Entry { index: LogIndex(index), stamp: StampNs(0), kind }
}

fn batch(first: i64, rows: usize, random: &mut Random) -> RecordBatch {
    let symbols: Vec<String> = (0..rows).map(|_| format!("SYM{:04}", random.next(SYMBOLS))).collect();
    let fields = vec![
        Field::new("ts", DataType::Timestamp(TimeUnit::Nanosecond, None), false),
        Field::new("symbol", DataType::Utf8, false),
        Field::new("price", DataType::Float64, false),
        Field::new("volume", DataType::Int64, false),
    ];
    let columns: Vec<ArrayRef> = vec![
        Arc::new(TimestampNanosecondArray::from_iter_values((0..rows as i64).map(|r| START_NS + (first + r) * STEP_NS))),
        Arc::new(StringArray::from(symbols)),
        Arc::new(Float64Array::from_iter_values((0..rows).map(|_| random.next(10_000) as f64 / 100.0))),
        Arc::new(Int64Array::from_iter_values((0..rows).map(|_| random.next(1_000) as i64))),
    ];
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).expect("columns of one length")
}

/// A fixed linear congruence: the same input in every run.
struct Random(u64);

impl Random {
    fn next(&mut self, below: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % below
    }
}
