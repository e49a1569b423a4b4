//! The floors: what one would write by hand for exactly this query, with plain sums.

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

/// Symbols numbered from 0 in order of arrival: open addressing over a multiplicative hash, which is
/// what one writes when a general map is too slow.
#[derive(Default)]
struct Symbols {
    /// Number of the symbol plus one, 0 for a free slot; a power of two of them.
    slots: Vec<u32>,
    hashes: Vec<u64>,
    /// Ends in `bytes`.
    ends: Vec<u32>,
    bytes: Vec<u8>,
}

/// Two to this many slots, four times the symbols at least.
const SLOT_BITS: u32 = 12;

impl Symbols {
    fn clear(&mut self) {
        self.slots.clear();
        self.slots.resize(1 << SLOT_BITS, 0);
        self.hashes.clear();
        self.ends.clear();
        self.bytes.clear();
    }

    #[inline(always)]
    fn hash(symbol: &[u8]) -> u64 {
        const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;
        let mut hash = symbol.len() as u64;
        let mut words = symbol.chunks_exact(8);
        for word in &mut words {
            hash = (hash ^ u64::from_le_bytes(word.try_into().expect("eight bytes"))).wrapping_mul(FACTOR);
        }
        let rest = words.remainder();
        if !rest.is_empty() {
            let tail = rest.iter().fold(0u64, |word, &byte| (word << 8) | u64::from(byte));
            hash = (hash ^ tail).wrapping_mul(FACTOR);
        }
        hash
    }

    #[inline(always)]
    fn text(&self, number: usize) -> &[u8] {
        let from = if number == 0 { 0 } else { self.ends[number - 1] as usize };
        &self.bytes[from..self.ends[number] as usize]
    }

    #[inline(always)]
    fn number(&mut self, symbol: &[u8]) -> u32 {
        let hash = Self::hash(symbol);
        let mut slot = (hash >> (64 - SLOT_BITS)) as usize;
        loop {
            match self.slots[slot] {
                0 => break,
                n if self.hashes[n as usize - 1] == hash && self.text(n as usize - 1) == symbol => {
                    return n - 1;
                }
                _ => slot = (slot + 1) & ((1 << SLOT_BITS) - 1),
            }
        }
        self.hashes.push(hash);
        self.bytes.extend_from_slice(symbol);
        self.ends.push(self.bytes.len() as u32);
        assert!(self.hashes.len() < 1 << (SLOT_BITS - 1), "the table is large enough for the input");
        self.slots[slot] = self.hashes.len() as u32;
        self.hashes.len() as u32 - 1
    }
}

/// Tumbling one second: count and sum by symbol, averages at the close.
#[derive(Default)]
pub struct Tumbling {
    symbols: Symbols,
    groups: Vec<(u64, f64)>,
}

impl Floor for Tumbling {
    fn pass(&mut self, trades: &Trades) -> f64 {
        let (mut end, mut check) = (i64::MIN, 0.0);
        self.symbols.clear();
        self.groups.clear();
        for batch in &trades.batches {
            let (ts, symbols, prices) = columns(batch);
            for (row, &price) in prices.iter().enumerate() {
                if ts[row] >= end {
                    check += self.groups.drain(..).map(|(n, sum)| sum / n as f64 + sum).sum::<f64>();
                    self.symbols.clear();
                    end = ts[row] - ts[row].rem_euclid(1_000_000_000) + 1_000_000_000;
                }
                let group = self.symbols.number(symbols.value(row).as_bytes()) as usize;
                if group == self.groups.len() {
                    self.groups.push((0, 0.0));
                }
                self.groups[group].0 += 1;
                self.groups[group].1 += price;
            }
        }
        check
    }
}

/// A row with a high price opens, one with a low price closes all that its symbol has open for a second
/// at most.
#[derive(Default)]
pub struct Pattern {
    symbols: Symbols,
    open: Vec<Vec<(i64, f64)>>,
}

impl Floor for Pattern {
    fn pass(&mut self, trades: &Trades) -> f64 {
        let mut check = 0.0;
        self.symbols.clear();
        self.open.iter_mut().for_each(Vec::clear);
        for batch in &trades.batches {
            let (ts, symbols, prices) = columns(batch);
            for (row, &price) in prices.iter().enumerate() {
                if (5.0..90.0).contains(&price) {
                    continue;
                }
                let symbol = self.symbols.number(symbols.value(row).as_bytes()) as usize;
                if symbol >= self.open.len() {
                    self.open.push(Vec::new());
                }
                if price >= 90.0 {
                    self.open[symbol].push((ts[row], price));
                } else {
                    let since = ts[row] - 1_000_000_000;
                    check += self.open[symbol]
                        .drain(..)
                        .filter(|o| o.0 >= since)
                        .map(|o| o.1 + price)
                        .sum::<f64>();
                }
            }
        }
        check
    }
}

/// Sliding, the last `rows` rows: average of the row's symbol within them, one output a row.
pub struct SlidingLength {
    rows: usize,
    symbols: Symbols,
    groups: Vec<(u64, f64)>,
    ring: Vec<(u32, f64)>,
    out: Vec<f64>,
}

impl SlidingLength {
    /// A window of `rows` rows.
    pub fn new(rows: usize) -> Self {
        SlidingLength {
            rows,
            symbols: Symbols::default(),
            groups: Vec::new(),
            ring: Vec::new(),
            out: Vec::new(),
        }
    }
}

impl Floor for SlidingLength {
    fn pass(&mut self, trades: &Trades) -> f64 {
        self.symbols.clear();
        self.groups.clear();
        self.ring.clear();
        let (mut at, mut check) = (0, 0.0);
        for batch in &trades.batches {
            let (_, symbols, prices) = columns(batch);
            self.out.clear();
            for (row, &price) in prices.iter().enumerate() {
                let group = self.symbols.number(symbols.value(row).as_bytes());
                if group as usize == self.groups.len() {
                    self.groups.push((0, 0.0));
                }
                if self.ring.len() < self.rows {
                    self.ring.push((group, price));
                } else {
                    let (old, value) = std::mem::replace(&mut self.ring[at], (group, price));
                    self.groups[old as usize].0 -= 1;
                    self.groups[old as usize].1 -= value;
                    at = if at + 1 == self.rows { 0 } else { at + 1 };
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
