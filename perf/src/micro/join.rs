//! `join_window`: orders and payments of the last 10 seconds, joined by their number.
//!
//! 20,000 events a second, half of them orders; each is paid 8,192 orders later, so that 100,000 rows of
//! each side are kept and every second event gives a pair.

use std::collections::VecDeque;
use std::hint::black_box;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int64Type, TimestampNanosecondType};
use arrow_array::{ArrayRef, Float64Array, Int64Array, RecordBatch, StringArray, TimestampNanosecondArray};
use cep_engine::{Actions, Partition};
use cep_lang::lower::{CompileOptions, compile};
use cep_types::{Entry, EntryKind, Events, LogIndex, StampNs, StreamId};
use serde_json::{Value, json};

use super::input::BATCH_ROWS;
use super::{elapsed_ns, feed, median, now, round};

const QUERY: &str = "CREATE STREAM orders (ts TIMESTAMP NOT NULL, id BIGINT NOT NULL, symbol STRING NOT NULL, price DOUBLE NOT NULL) \
     WITH (clock = 'event', \"event.time\" = 'ts');\n\
     CREATE STREAM payments (ts TIMESTAMP NOT NULL, id BIGINT NOT NULL, symbol STRING NOT NULL, price DOUBLE NOT NULL) \
     WITH (clock = 'event', \"event.time\" = 'ts');\n\
     SELECT o.id, o.symbol, p.price FROM orders WINDOW TIME (10 SECONDS) AS o \
     JOIN payments WINDOW TIME (10 SECONDS) AS p ON o.id = p.id;";

const START_NS: i64 = 1_700_000_000_000_000_000;
const STEP_NS: i64 = 50_000;
const SIZE_NS: i64 = 10_000_000_000;
/// Orders between one and its payment.
const LAG: i64 = 8 * BATCH_ROWS as i64;
/// Entries, orders and payments by turns.
const ENTRIES: usize = 400;

/// Runs engine and floor by turns.
pub fn measure(passes: usize) -> Value {
    let batches: Vec<RecordBatch> = (0..ENTRIES).map(batch).collect();
    let entry = |(nth, rows): (usize, &RecordBatch)| Entry {
        index: LogIndex(nth as u64 + 1),
        stamp: StampNs(0),
        kind: EntryKind::Events(Events { stream: StreamId(nth as u32 % 2), rows: rows.clone(), times: None }),
    };
    let entries: Vec<Entry> = batches.iter().enumerate().map(entry).collect();
    let program = match compile(QUERY, &CompileOptions::default()) {
        Ok(program) => Arc::new(program),
        Err(errors) => panic!("the benchmark's own query: {errors:?}"),
    };
    let rows = (ENTRIES * BATCH_ROWS) as f64;
    let (mut engine_ns, mut floor_ns) = (Vec::new(), Vec::new());
    let (mut out_rows, mut by_hand) = (0, 0);
    for pass in 0..=passes {
        let mut partition = Partition::new(Arc::clone(&program), &[]).expect("the query runs");
        let mut actions = Actions::new();
        let start = now();
        out_rows = feed(&mut partition, &entries, &mut actions);
        let engine = elapsed_ns(start) / rows;
        let start = now();
        by_hand = black_box(floor(&batches));
        let floor = elapsed_ns(start) / rows;
        // The first pass warms caches and allocations.
        if pass > 0 {
            engine_ns.push(engine);
            floor_ns.push(floor);
        }
    }
    assert_eq!(out_rows, by_hand, "the engine and the loop find the same pairs");
    let (engine, floor) = (median(&mut engine_ns), median(&mut floor_ns));
    json!({
        "name": "join_window",
        "ns_per_event": round(engine),
        "floor_ns_per_event": round(floor),
        "ratio": round(engine / floor),
        "batch_rows": BATCH_ROWS,
        "events": rows as u64,
        "output_rows": out_rows,
        "passes": passes,
    })
}

/// The `nth` entry: orders where it is even, payments where it is odd.
fn batch(nth: usize) -> RecordBatch {
    let first = (nth / 2 * BATCH_ROWS) as i64;
    let rows = BATCH_ROWS as i64;
    // Payments of one batch come in another order than their orders; the factor is odd.
    let id = |row: i64| if nth.is_multiple_of(2) { first + row } else { first - LAG + row * 389 % rows };
    let columns: Vec<(&str, ArrayRef)> = vec![
        (
            "ts",
            Arc::new(TimestampNanosecondArray::from_iter_values(
                (0..rows).map(|row| START_NS + (nth as i64 * rows + row) * STEP_NS),
            )),
        ),
        ("id", Arc::new(Int64Array::from_iter_values((0..rows).map(id)))),
        (
            "symbol",
            Arc::new(StringArray::from_iter_values((0..rows).map(|row| format!("SYM{:04}", row % 1000)))),
        ),
        ("price", Arc::new(Float64Array::from_iter_values((0..rows).map(|row| row as f64 / 8.0)))),
    ];
    RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(name, column)| (name, column, false)))
        .expect("columns of one length")
}

/// Two to this many slots, twice the rows of a side at least.
const SLOT_BITS: u32 = 18;
const FREE: u32 = u32::MAX;

/// Rows of one side by number: linear probing, removal by shifting back.
struct Side {
    slots: Vec<(i64, u32)>,
    /// Time, number and price of the rows kept; the first one has ordinal `first`.
    rows: VecDeque<(i64, i64, f64)>,
    first: u32,
}

impl Side {
    fn new() -> Self {
        Side { slots: vec![(0, FREE); 1 << SLOT_BITS], rows: VecDeque::new(), first: 0 }
    }

    fn home(id: i64) -> usize {
        ((id as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (64 - SLOT_BITS)) as usize
    }

    fn find(&self, id: i64) -> Option<usize> {
        let mask = self.slots.len() - 1;
        let mut at = Self::home(id);
        while self.slots[at].1 != FREE {
            if self.slots[at].0 == id {
                return Some(at);
            }
            at = (at + 1) & mask;
        }
        None
    }

    fn expire(&mut self, now: i64) {
        while let Some(&(time, id, _)) = self.rows.front().filter(|row| row.0 + SIZE_NS <= now) {
            debug_assert!(time <= now, "rows are in order of time");
            self.rows.pop_front();
            self.first += 1;
            let Some(mut hole) = self.find(id) else { continue };
            let mask = self.slots.len() - 1;
            let mut at = (hole + 1) & mask;
            while self.slots[at].1 != FREE {
                let home = Self::home(self.slots[at].0);
                if (at.wrapping_sub(home) & mask) >= (at.wrapping_sub(hole) & mask) {
                    self.slots[hole] = self.slots[at];
                    hole = at;
                }
                at = (at + 1) & mask;
            }
            self.slots[hole] = (0, FREE);
        }
    }

    fn insert(&mut self, time: i64, id: i64, price: f64) {
        let mask = self.slots.len() - 1;
        let mut at = Self::home(id);
        while self.slots[at].1 != FREE {
            at = (at + 1) & mask;
        }
        self.slots[at] = (id, self.first + self.rows.len() as u32);
        self.rows.push_back((time, id, price));
    }
}

/// What one writes by hand when numbers occur once: both sides by number, pairs into vectors.
fn floor(batches: &[RecordBatch]) -> usize {
    let mut sides = [Side::new(), Side::new()];
    let (mut ids, mut offsets, mut bytes, mut prices) =
        (Vec::new(), Vec::<usize>::new(), Vec::new(), Vec::new());
    let mut pairs = 0;
    for (nth, batch) in batches.iter().enumerate() {
        let ts = batch.column(0).as_primitive::<TimestampNanosecondType>().values();
        let id = batch.column(1).as_primitive::<Int64Type>().values();
        let symbol = batch.column(2).as_string::<i32>();
        let price = batch.column(3).as_primitive::<Float64Type>().values();
        ids.clear();
        offsets.clear();
        bytes.clear();
        prices.clear();
        for row in 0..batch.num_rows() {
            sides.iter_mut().for_each(|side| side.expire(ts[row]));
            let (own, other) = (nth % 2, 1 - nth % 2);
            sides[own].insert(ts[row], id[row], price[row]);
            if let Some(at) = sides[other].find(id[row]) {
                let kept = sides[other].slots[at].1 - sides[other].first;
                ids.push(id[row]);
                bytes.extend_from_slice(symbol.value(row).as_bytes());
                offsets.push(bytes.len());
                prices.push(sides[other].rows[kept as usize].2);
                pairs += 1;
            }
        }
        black_box((&ids, &offsets, &bytes, &prices));
    }
    pairs
}
