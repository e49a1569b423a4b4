//! The floors: what one would write by hand for exactly this query, with plain sums.

#![allow(clippy::disallowed_types)] // a hand-written loop uses the standard map

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use arrow_array::RecordBatch;
use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, TimestampNanosecondType};

use super::Floor;
use super::input::Trades;

fn columns(batch: &RecordBatch) -> (&[i64], &arrow_array::StringArray, &[f64]) {
    let ts = batch.column(0).as_primitive::<TimestampNanosecondType>().values();
    (ts, batch.column(1).as_string::<i32>(), batch.column(2).as_primitive::<Float64Type>().values())
}

/// `WHERE price > 50`, symbol and price gathered into reused vectors.
#[derive(Default)]
pub struct FilterProject {
    offsets: Vec<i32>,
    bytes: Vec<u8>,
    prices: Vec<f64>,
}

impl Floor for FilterProject {
    fn pass(&mut self, trades: &Trades) -> f64 {
        let mut check = 0.0;
        for batch in &trades.batches {
            let (_, symbols, prices) = columns(batch);
            let (in_offsets, in_bytes) = (symbols.value_offsets(), symbols.value_data());
            self.offsets.clear();
            self.bytes.clear();
            self.prices.clear();
            self.offsets.push(0);
            for (row, &price) in prices.iter().enumerate() {
                if price > 50.0 {
                    self.bytes
                        .extend_from_slice(&in_bytes[in_offsets[row] as usize..in_offsets[row + 1] as usize]);
                    self.offsets.push(self.bytes.len() as i32);
                    self.prices.push(price);
                }
            }
            check += self.prices.last().copied().unwrap_or_default() + self.bytes.len() as f64;
        }
        check
    }
}

/// A multiplicative hash over eight-byte words: what one reaches for instead of SipHash.
#[derive(Default)]
pub struct FastHasher(u64);

impl Hasher for FastHasher {
    fn write(&mut self, bytes: &[u8]) {
        for word in bytes.chunks(8) {
            let mut padded = [0; 8];
            padded[..word.len()].copy_from_slice(word);
            self.0 =
                (self.0.rotate_left(5) ^ u64::from_le_bytes(padded)).wrapping_mul(0x51_7c_c1_b7_27_22_0a_95);
        }
    }

    fn finish(&self) -> u64 {
        // The map takes slots from the low bits; those of a product are its weakest.
        self.0.rotate_left(26)
    }
}

type FastMap<V> = HashMap<Box<[u8]>, V, BuildHasherDefault<FastHasher>>;

/// Tumbling one second: count and sum by symbol, averages at the close.
#[derive(Default)]
pub struct Tumbling {
    groups: FastMap<(u64, f64)>,
}

impl Floor for Tumbling {
    fn pass(&mut self, trades: &Trades) -> f64 {
        let (mut end, mut check) = (i64::MIN, 0.0);
        self.groups.clear();
        for batch in &trades.batches {
            let (ts, symbols, prices) = columns(batch);
            for (row, &price) in prices.iter().enumerate() {
                if ts[row] >= end {
                    check += self.groups.drain().map(|(_, (n, sum))| sum / n as f64 + sum).sum::<f64>();
                    end = ts[row] - ts[row].rem_euclid(1_000_000_000) + 1_000_000_000;
                }
                let symbol = symbols.value(row).as_bytes();
                match self.groups.get_mut(symbol) {
                    Some(group) => {
                        group.0 += 1;
                        group.1 += price;
                    }
                    None => {
                        self.groups.insert(symbol.into(), (1, price));
                    }
                }
            }
        }
        check
    }
}

/// Sliding, the last `rows` rows: average of the row's symbol within them, one output a row.
pub struct SlidingLength {
    rows: usize,
    numbers: FastMap<u32>,
    groups: Vec<(u64, f64)>,
    ring: Vec<(u32, f64)>,
    out: Vec<f64>,
}

impl SlidingLength {
    /// A window of `rows` rows.
    pub fn new(rows: usize) -> Self {
        SlidingLength {
            rows,
            numbers: FastMap::default(),
            groups: Vec::new(),
            ring: Vec::new(),
            out: Vec::new(),
        }
    }
}

impl Floor for SlidingLength {
    fn pass(&mut self, trades: &Trades) -> f64 {
        self.numbers.clear();
        self.groups.clear();
        self.ring.clear();
        let (mut at, mut check) = (0, 0.0);
        for batch in &trades.batches {
            let (_, symbols, prices) = columns(batch);
            self.out.clear();
            for (row, &price) in prices.iter().enumerate() {
                let symbol = symbols.value(row).as_bytes();
                let group = match self.numbers.get(symbol) {
                    Some(&group) => group,
                    None => {
                        let group = self.groups.len() as u32;
                        self.numbers.insert(symbol.into(), group);
                        self.groups.push((0, 0.0));
                        group
                    }
                };
                if self.ring.len() < self.rows {
                    self.ring.push((group, price));
                } else {
                    let (old, value) = std::mem::replace(&mut self.ring[at], (group, price));
                    self.groups[old as usize].0 -= 1;
                    self.groups[old as usize].1 -= value;
                    at = (at + 1) % self.rows;
                }
                let state = &mut self.groups[group as usize];
                state.0 += 1;
                state.1 += price;
                self.out.push(state.1 / state.0 as f64);
            }
            check += self.out.iter().sum::<f64>();
        }
        check
    }
}
