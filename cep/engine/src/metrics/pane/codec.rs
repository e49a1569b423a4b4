//! Bytes of panes.

use super::{EXACT_MAX, Many, Order, Parts, Rare, Slot, resets_of};
use crate::agg::codec::Reader as AggReader;
use crate::agg::exact::{ExactProducts, ExactSum};
use crate::agg::sketch::{Buckets, LogLog};
use crate::codec::{DecodeError, Reader, Result, Writer};

impl Slot {
    /// Writes the pane; with the samples' order if `is_open`.
    pub fn encode(&self, parts: Parts, is_open: bool, out: &mut Writer) {
        out.i64(self.pane);
        out.u64(self.count());
        let Some(many) = &self.many else {
            out.i64(self.ts);
            return out.u64(self.value.to_bits());
        };
        if let Some(open) = many.open.as_ref().filter(|_| is_open && parts.has(Parts::RESETS)) {
            open.iter().for_each(|&sample| put_sample(sample, out));
        } else {
            if parts.has(Parts::EDGES) {
                put_sample(many.first, out);
                put_sample(many.last, out);
            }
            if parts.has(Parts::RESETS) {
                many.resets.encode(&mut out.bytes);
            }
        }
        if parts.has(Parts::SUM) {
            many.sum.encode(&mut out.bytes);
        }
        if parts.has(Parts::EXTREMES) {
            out.u64(many.least.to_bits());
            out.u64(many.largest.to_bits());
        }
        let Some(rare) = &many.rare else { return };
        if parts.has(Parts::SQUARES) {
            rare.squares.encode(&mut out.bytes);
        }
        if parts.has(Parts::ORDER) {
            match &rare.order.buckets {
                None => out.i64s(&rare.order.words),
                Some(buckets) => {
                    out.u64(rare.order.nans);
                    buckets.encode(&mut out.bytes);
                }
            }
        }
        if parts.has(Parts::DISTINCT) {
            out.u32s(&rare.entries);
        }
    }

    /// Reads what [`Slot::encode`] wrote.
    pub fn decode(parts: Parts, is_open: bool, input: &mut Reader<'_>) -> Result<Self> {
        let (pane, count) = (input.i64()?, input.u64()?);
        if count == 1 {
            let (ts, value) = sample(input)?;
            return Ok(Slot::new(pane, ts, value));
        }
        if count == 0 {
            return Err(DecodeError("a pane without samples".into()));
        }
        let mut many = Many { count, ..Many::default() };
        if is_open && parts.has(Parts::RESETS) {
            many.decode_open(count, input)?;
        } else {
            if parts.has(Parts::EDGES) {
                (many.first, many.last) = (sample(input)?, sample(input)?);
            }
            if parts.has(Parts::RESETS) {
                many.resets = exact(input, ExactSum::decode)?;
            }
        }
        if parts.has(Parts::SUM) {
            many.sum = exact(input, ExactSum::decode)?;
        }
        if parts.has(Parts::EXTREMES) {
            many.least = f64::from_bits(input.u64()?);
            many.largest = f64::from_bits(input.u64()?);
        }
        let mut rare = Rare::default();
        if parts.has(Parts::SQUARES) {
            rare.squares = exact(input, ExactProducts::decode)?;
        }
        if parts.has(Parts::ORDER) {
            rare.order = Order::decode(count, input)?;
        }
        if parts.has(Parts::DISTINCT) {
            rare.entries = input.u32s()?;
            let ascends = rare.entries.is_sorted_by(|a, b| a < b) && !rare.entries.is_empty();
            if !ascends || !rare.entries.iter().all(|&e| LogLog::is_entry(e)) {
                return Err(DecodeError("entries of a distinct count out of order".into()));
            }
        }
        let has_rare = parts.has(Parts::SQUARES) || parts.has(Parts::ORDER) || parts.has(Parts::DISTINCT);
        many.rare = has_rare.then(|| Box::new(rare));
        Ok(Slot { pane, ts: 0, value: 0.0, many: Some(Box::new(many)) })
    }
}

impl Many {
    fn decode_open(&mut self, count: u64, input: &mut Reader<'_>) -> Result<()> {
        if count.saturating_mul(16) > input.left() as u64 {
            return Err(DecodeError("samples beyond the end".into()));
        }
        let samples = (0..count).map(|_| sample(input)).collect::<Result<Vec<_>>>()?;
        if !samples.is_sorted_by_key(|s| s.0) {
            return Err(DecodeError("samples of a pane out of order".into()));
        }
        self.first = samples[0];
        self.last = *samples.last().expect("a pane has samples");
        self.resets = resets_of(&samples);
        self.open = Some(samples);
        Ok(())
    }
}

impl Order {
    fn decode(count: u64, input: &mut Reader<'_>) -> Result<Self> {
        if count <= EXACT_MAX as u64 {
            let words = input.i64s()?;
            let nans = words.iter().filter(|&&w| w == i64::MIN).count() as u64;
            if words.len() as u64 != count || !words.is_sorted() {
                return Err(DecodeError("samples of a quantile out of order".into()));
            }
            return Ok(Order { nans, words, buckets: None });
        }
        let nans = input.u64()?;
        let buckets = exact(input, Buckets::decode)?;
        if buckets.count().checked_add(nans) != Some(count) {
            return Err(DecodeError("a quantile of another number of samples".into()));
        }
        Ok(Order { nans, words: Vec::new(), buckets: Some(Box::new(buckets)) })
    }
}

fn put_sample((ts, value): (i64, f64), out: &mut Writer) {
    out.i64(ts);
    out.u64(value.to_bits());
}

fn sample(input: &mut Reader<'_>) -> Result<(i64, f64)> {
    Ok((input.i64()?, f64::from_bits(input.u64()?)))
}

/// Reads a state of the aggregates' room.
fn exact<T, E: std::fmt::Display>(
    input: &mut Reader<'_>,
    decode: impl FnOnce(&mut AggReader<'_>) -> std::result::Result<T, E>,
) -> Result<T> {
    let mut inner = AggReader::new(input.rest());
    let value = decode(&mut inner).map_err(|e| DecodeError(e.to_string()))?;
    let left = inner.rest().len();
    input.take(input.left() - left)?;
    Ok(value)
}
