//! Appends readings to a stream with columns `sensor STRING, temperature BIGINT`, many at once.
//!
//! `cargo run -p net-client --example append -- 127.0.0.1:7400 readings 100000`

use std::collections::VecDeque;
use std::error::Error;
use std::sync::Arc;

use arrow_array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use net_client::{Client, ClientOptions, Pending, ProducerOptions};

/// Rows of one append.
const BATCH_ROWS: i64 = 1_000;
/// Appends under way before the oldest is waited for.
const PENDING_MAX: usize = 64;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let address = arguments.next().unwrap_or_else(|| "127.0.0.1:7400".to_owned());
    let stream = arguments.next().unwrap_or_else(|| "readings".to_owned());
    let rows: i64 = arguments.next().map_or(Ok(10_000), |rows| rows.parse())?;

    let client = Client::connect(ClientOptions::new([address])).await?;
    let producer = client.producer(&stream, ProducerOptions::default())?;
    let mut pending = VecDeque::new();
    let mut applied = 0;
    for first in (0..rows).step_by(BATCH_ROWS as usize) {
        pending.push_back(producer.append(&readings(first, BATCH_ROWS.min(rows - first))?).await?);
        if pending.len() > PENDING_MAX
            && let Some(oldest) = pending.pop_front()
        {
            applied += report(oldest).await?;
        }
    }
    for rest in pending {
        applied += report(rest).await?;
    }
    println!("{applied} of {rows} rows are applied");
    client.close().await?;
    Ok(())
}

/// Waits for an append; how many of its rows are in the log.
async fn report(pending: Pending) -> Result<usize, Box<dyn Error>> {
    let receipt = pending.await?;
    for (row, reason, text) in receipt.rejected() {
        eprintln!("row {row} was rejected: {reason:?} {text}");
    }
    Ok(receipt.applied())
}

fn readings(first: i64, count: i64) -> Result<RecordBatch, Box<dyn Error>> {
    let numbers = first..first + count;
    let sensors: ArrayRef = Arc::new(StringArray::from_iter_values(
        numbers.clone().map(|number| format!("sensor {}", number % 97)),
    ));
    let temperatures: ArrayRef = Arc::new(Int64Array::from_iter_values(numbers.map(|number| number % 40)));
    Ok(RecordBatch::try_from_iter([("sensor", sensors), ("temperature", temperatures)])?)
}
