//! Quantiles: exact over few samples, log buckets over many.

use super::{AggError, Cell, Reader, RowsFor, StateSpec};
use crate::agg::codec::{put_u32, put_u64};
use crate::agg::sketch::Buckets;
use crate::agg::value::word;
use crate::column::{Column, Values};

/// The double of row `row` as a canonical word: integers are rounded to the nearest double.
fn sample(column: &Column, row: usize) -> i64 {
    let x = match &column.values {
        Values::F64(v) => v[row],
        Values::F32(v) => f64::from(v[row]),
        Values::I64(v) => v[row] as f64,
        Values::I32(v) => f64::from(v[row]),
        other => panic!("quantile of a {} column", other.kind_name()),
    };
    word::from_f64(x, true)
}

/// The continuous quantile of n samples (SQL's PERCENTILE_CONT): linear between the two samples
/// around q·(n − 1), given by `pair(rank)`.
fn interpolate(q: f64, n: u64, pair: impl FnOnce(u64) -> Option<(f64, f64)>) -> Option<f64> {
    let place = q * (n.checked_sub(1)? as f64);
    let rank = place.floor();
    let part = place - rank;
    let (low, high) = pair(rank as u64)?;
    if part == 0.0 || low == high {
        return Some(low);
    }
    let step = high - low;
    // The distance of two huge samples of different sign is out of range, the result is not.
    let value = if step.is_finite() { low + step * part } else { low * (1.0 - part) + high * part };
    Some(if value.is_nan() { f64::NAN } else { value })
}

fn exact_pair(sorted: impl Fn(usize) -> Option<i64>, rank: u64) -> Option<(f64, f64)> {
    let low = sorted(rank as usize)?;
    let high = sorted(rank as usize + 1).unwrap_or(low);
    Some((word::to_f64(low), word::to_f64(high)))
}

/// Samples for windows that only grow: the values up to `exact_max` of them, then buckets. Which
/// of the two is a function of the number of values.
#[derive(Debug, Clone, Default)]
pub(crate) struct QuantileCell {
    /// Words; the first `sorted` of them are in order.
    samples: Vec<i64>,
    sorted: usize,
    buckets: Option<Box<Buckets>>,
}

impl QuantileCell {
    fn push(&mut self, word: i64, exact_max: usize) {
        if let Some(buckets) = &mut self.buckets {
            return buckets.add(word);
        }
        self.samples.push(word);
        if self.samples.len() > exact_max {
            self.buckets_mut();
        }
    }

    /// Goes over to buckets.
    fn buckets_mut(&mut self) -> &mut Buckets {
        let buckets = self.buckets.get_or_insert_default();
        for word in std::mem::take(&mut self.samples) {
            buckets.add(word);
        }
        self.sorted = 0;
        buckets
    }

    /// The quantile; NULL over nothing.
    pub fn value(&mut self, q: f64) -> Option<f64> {
        if let Some(buckets) = &self.buckets {
            return interpolate(q, buckets.count(), |rank| buckets.pair(rank));
        }
        if self.sorted < self.samples.len() {
            self.samples.sort_unstable();
            self.sorted = self.samples.len();
        }
        let samples = &self.samples;
        interpolate(q, samples.len() as u64, |rank| exact_pair(|i| samples.get(i).copied(), rank))
    }
}

impl Cell for QuantileCell {
    fn add(cells: &mut [Self], rows: RowsFor, heap: &mut isize) {
        let (column, exact_max) = (rows.arg(0), rows.spec.size);
        rows.each_valid::<1>(|group, row| {
            let cell = &mut cells[group];
            *heap -= cell.heap_bytes() as isize;
            cell.push(sample(column, row), exact_max);
            *heap += cell.heap_bytes() as isize;
        });
    }

    fn remove(_: &mut [Self], _: RowsFor, _: &mut isize) {
        unreachable!("the plan keeps all samples where rows are removed");
    }

    fn merge(&mut self, other: &Self, spec: &StateSpec) {
        if let Some(theirs) = &other.buckets {
            self.buckets_mut().merge(theirs);
        }
        other.samples.iter().for_each(|&word| self.push(word, spec.size));
    }

    fn clear(&mut self) {
        self.samples.clear();
        self.sorted = 0;
        self.buckets = None;
    }

    /// `u8` 0, number of samples `u32` and their words `u64`, ascending; or `u8` 1 and
    /// [`Buckets::encode`].
    fn encode(&self, _: &StateSpec, out: &mut Vec<u8>) {
        if let Some(buckets) = &self.buckets {
            out.push(1);
            return buckets.encode(out);
        }
        out.push(0);
        put_u32(out, self.samples.len() as u32);
        if self.sorted == self.samples.len() {
            self.samples.iter().for_each(|&w| put_u64(out, w as u64));
        } else {
            let mut samples = self.samples.clone();
            samples.sort_unstable();
            samples.iter().for_each(|&w| put_u64(out, w as u64));
        }
    }

    fn decode(spec: &StateSpec, input: &mut Reader) -> Result<Self, AggError> {
        const BAD: AggError = AggError::Corrupt { what: "quantile samples" };
        let mut cell = QuantileCell::default();
        if input.flag()? {
            let buckets = Buckets::decode(input)?;
            if buckets.count() <= spec.size as u64 {
                return Err(BAD);
            }
            cell.buckets = Some(Box::new(buckets));
            return Ok(cell);
        }
        for _ in 0..input.u32()? {
            cell.samples.push(input.i64()?);
        }
        if cell.samples.len() > spec.size || !cell.samples.is_sorted() {
            return Err(BAD);
        }
        cell.sorted = cell.samples.len();
        Ok(cell)
    }

    fn heap_bytes(&self) -> usize {
        self.samples.capacity() * 8 + self.buckets.as_ref().map_or(0, |b| b.heap_bytes())
    }
}

/// Values of a chunk of a [`SlidingQuantileCell`] before it is split.
const CHUNK_MAX: usize = 512;

/// Samples with removal: all values in sorted chunks and the buckets of them all, so that falling
/// back to `exact_max` is exact again. Its values are those of [`QuantileCell`].
#[derive(Debug, Clone, Default)]
pub(crate) struct SlidingQuantileCell {
    /// Sorted, none empty; the whole is sorted too.
    chunks: Vec<Vec<i64>>,
    buckets: Buckets,
}

impl SlidingQuantileCell {
    fn insert(&mut self, word: i64) {
        self.buckets.add(word);
        let at = self.chunks.partition_point(|c| c[0] <= word).saturating_sub(1);
        match self.chunks.get_mut(at) {
            None => self.chunks.push(vec![word]),
            Some(chunk) => {
                let place = chunk.partition_point(|&w| w <= word);
                chunk.insert(place, word);
                if chunk.len() > CHUNK_MAX {
                    let tail = chunk.split_off(CHUNK_MAX / 2);
                    self.chunks.insert(at + 1, tail);
                }
            }
        }
    }

    fn take(&mut self, word: i64) {
        self.buckets.remove(word);
        let at = self.chunks.partition_point(|c| c[0] <= word).saturating_sub(1);
        let chunk = &mut self.chunks[at];
        let place = chunk.binary_search(&word).expect("only values that were added are removed");
        chunk.remove(place);
        if chunk.is_empty() {
            self.chunks.remove(at);
        }
    }

    fn at(&self, mut index: usize) -> Option<i64> {
        for chunk in &self.chunks {
            match chunk.get(index) {
                Some(&word) => return Some(word),
                None => index -= chunk.len(),
            }
        }
        None
    }

    /// The quantile; NULL over nothing.
    pub fn value(&self, q: f64, exact_max: usize) -> Option<f64> {
        let n = self.buckets.count();
        if n > exact_max as u64 {
            return interpolate(q, n, |rank| self.buckets.pair(rank));
        }
        interpolate(q, n, |rank| exact_pair(|i| self.at(i), rank))
    }
}

impl Cell for SlidingQuantileCell {
    fn add(cells: &mut [Self], rows: RowsFor, heap: &mut isize) {
        let column = rows.arg(0);
        rows.each_valid::<1>(|group, row| {
            let cell = &mut cells[group];
            *heap -= cell.heap_bytes() as isize;
            cell.insert(sample(column, row));
            *heap += cell.heap_bytes() as isize;
        });
    }

    fn remove(cells: &mut [Self], rows: RowsFor, heap: &mut isize) {
        let column = rows.arg(0);
        rows.each_valid::<1>(|group, row| {
            let cell = &mut cells[group];
            *heap -= cell.heap_bytes() as isize;
            cell.take(sample(column, row));
            *heap += cell.heap_bytes() as isize;
        });
    }

    fn merge(&mut self, other: &Self, _: &StateSpec) {
        other.chunks.iter().flatten().for_each(|&word| self.insert(word));
    }

    /// Number of samples `u32`, then their words `u64`, ascending.
    fn encode(&self, _: &StateSpec, out: &mut Vec<u8>) {
        put_u32(out, self.buckets.count() as u32);
        self.chunks.iter().flatten().for_each(|&w| put_u64(out, w as u64));
    }

    fn decode(_: &StateSpec, input: &mut Reader) -> Result<Self, AggError> {
        let mut cell = SlidingQuantileCell::default();
        let mut last = i64::MIN;
        for _ in 0..input.u32()? {
            let word = input.i64()?;
            if word < last {
                return Err(AggError::Corrupt { what: "quantile samples" });
            }
            last = word;
            cell.insert(word);
        }
        Ok(cell)
    }

    fn heap_bytes(&self) -> usize {
        // Chunks are between a quarter and all full, but for the last few.
        self.buckets.count() as usize * 16
            + self.chunks.len() * size_of::<Vec<i64>>()
            + self.buckets.heap_bytes()
    }
}
