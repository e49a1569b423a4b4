//! What a message of the data path costs: ns for writing and reading an append of 1,000 events of 100
//! bytes, and its ack, on one thread.
//!
//! `cargo run --release -p net-wire --example append_speed`

#![allow(clippy::disallowed_methods)] // measures wall-clock time, which is its purpose

use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;

use arrow_array::{ArrayRef, RecordBatch, StringArray};
use arrow_buffer::Buffer;
use cep_types::frame::{ColumnId, Frame, FrameHead, SchemaVersion, encode};
use cep_types::{Epoch, EventId, LogIndex, PartitionId, ProducerId, StampNs, StreamId};
use net_wire::{
    Ack, Append, Decoder, Encoder, EventIds, List, MESSAGE_BYTES_DEFAULT, Message, Outcome, RequestId, Run,
    Side, Texts, Window,
};

/// The best of so many runs counts: other work on the machine only ever adds time.
const RUNS: usize = 200;
/// Times that each run does the work.
const TIMES: usize = 50;

fn measure(name: &str, mut work: impl FnMut()) {
    let mut best = f64::INFINITY;
    for _ in 0..RUNS {
        let start = Instant::now();
        (0..TIMES).for_each(|_| work());
        best = best.min(start.elapsed().as_secs_f64() * 1e9 / TIMES as f64);
    }
    println!("{name:<44} {best:>9.0} ns");
}

/// Writing, then reading.
fn both(name: &str, receiver: Side, message: &Message<'_>) -> Result<(), net_wire::WireError> {
    let mut encoder = Encoder::default();
    let mut out = Vec::new();
    encoder.encode(RequestId(1), message, &mut out)?;
    println!("{name}: {} bytes", out.len());
    measure("  write, rows apart (vectored)", || {
        out.clear();
        black_box(encoder.encode_head(RequestId(1), message, &mut out).is_ok());
    });
    measure("  write, rows copied", || {
        out.clear();
        black_box(encoder.encode(RequestId(1), message, &mut out).is_ok());
    });
    let mut decoder = Decoder::new(receiver);
    decoder.establish(MESSAGE_BYTES_DEFAULT);
    measure("  feed and read", || {
        let mut rest = out.as_slice();
        while !rest.is_empty() {
            black_box(decoder.next().is_ok());
            rest = &rest[decoder.feed(rest)..];
        }
        assert!(black_box(decoder.next()).is_ok_and(|envelope| envelope.is_some()));
    });
    Ok(())
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let events: ArrayRef = Arc::new(StringArray::from_iter_values((0..1000).map(|n| format!("{n:0>100}"))));
    let batch = RecordBatch::try_from_iter([("event", events)])?;
    let head = FrameHead { stream: StreamId(1), schema_version: SchemaVersion(1) };
    let rows = encode(head, &[ColumnId(1)], &batch)?;
    let append = Append {
        stream: StreamId(1),
        schema_version: SchemaVersion(1),
        partition: PartitionId(3),
        routing_epoch: Epoch(9),
        ids: EventIds::Sequence { producer: ProducerId(7), first: 100_000 },
        first_sent: StampNs(1),
        replay: false,
        timeout_ms: 1000,
        rows: &rows,
    };
    both("append, producer and sequence", Side::Server, &append.into())?;
    let ids: Vec<EventId> = (0..1000).map(EventId).collect();
    let opaque = Append { ids: EventIds::Opaque(List::from(ids.as_slice())), ..append };
    both("append, opaque ids", Side::Server, &opaque.into())?;
    let runs = [Run { count: 1000, outcome: Outcome::Applied, place: Some((LogIndex(8), 0)) }];
    let credits = Window { events: 10_000, bytes: 1 << 20 };
    let ack = Ack { runs: (&runs).into(), details: Texts::default(), credits, failure: None };
    both("ack", Side::Client, &ack.into())?;
    println!("for comparison, of the same rows");
    measure("  event frame: write", || {
        black_box(encode(head, &[ColumnId(1)], &batch).is_ok());
    });
    let aligned = Buffer::from(rows.as_slice());
    measure("  event frame: verify, crc32c included", || {
        black_box(Frame::open(&aligned).is_ok());
    });
    Ok(())
}
