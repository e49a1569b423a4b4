//! Patterns: a pattern of two steps by symbol beside a loop, and what partial matches weigh.

use std::sync::Arc;

use arrow_array::{ArrayRef, Float64Array, Int64Array, RecordBatch, StringArray, TimestampNanosecondArray};
use arrow_schema::{DataType, Field, Schema, TimeUnit};
use cep_engine::{Actions, Budget, Partition, Progress};
use serde_json::{Value, json};

use super::input::entry;
use super::{program, round};

/// One event of ten begins a match, one of twenty ends those of its symbol; within a second.
pub const W4: &str = "SELECT e1.symbol AS symbol, e1.price AS p, e2.price AS q \
     FROM PATTERN (EVERY e1 = trades[price >= 90] -> e2 = trades[price < 5]) WITHIN 1 SECOND PARTITION BY symbol;";

/// Keys that each have one partial match.
const KEYS: usize = 100_000;
const ROWS: usize = 1_000;

/// Begins a partial match in each of 100,000 keys and reports what the process grew by.
pub fn resident() -> Value {
    let before = resident_bytes();
    let mut partition = Partition::new(Arc::clone(&program(W4)), &[]).expect("the query runs");
    let mut actions = Actions::new();
    for first in (0..KEYS).step_by(ROWS) {
        let done =
            partition.apply(&entry(first as u64 + 1, rows(first)), &mut { Budget::UNLIMITED }, &mut actions);
        assert_eq!(done, Progress::Done, "the budget is unlimited");
        actions.clear();
    }
    let bytes = resident_bytes().saturating_sub(before);
    json!({
        "name": "pattern_resident",
        "keys": KEYS,
        "resident_bytes": bytes,
        "resident_mb": round(bytes as f64 / 1e6),
        "bytes_per_key": round(bytes as f64 / KEYS as f64),
    })
}

/// Rows of keys `first` and on, each of which begins a match.
fn rows(first: usize) -> RecordBatch {
    let fields = vec![
        Field::new("ts", DataType::Timestamp(TimeUnit::Nanosecond, None), false),
        Field::new("symbol", DataType::Utf8, false),
        Field::new("price", DataType::Float64, false),
        Field::new("volume", DataType::Int64, false),
    ];
    let numbers = first..first + ROWS;
    let columns: Vec<ArrayRef> = vec![
        Arc::new(TimestampNanosecondArray::from_iter_values(numbers.clone().map(|n| n as i64))),
        Arc::new(StringArray::from_iter_values(numbers.clone().map(|n| format!("SYM{n:06}")))),
        Arc::new(Float64Array::from_iter_values(numbers.clone().map(|_| 95.0))),
        Arc::new(Int64Array::from_iter_values(numbers.map(|n| n as i64))),
    ];
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).expect("columns of one length")
}

/// Memory of this process in use; 0 where the system does not say.
pub(super) fn resident_bytes() -> u64 {
    let text = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    text.split(' ').nth(1).and_then(|pages| pages.parse::<u64>().ok()).unwrap_or(0) * 4096
}
