//! Rows in order.

use std::cmp::Ordering;
use std::collections::VecDeque;

use super::entry::{Entries, Entry};
use super::{AggError, Cell, EwmaCell, Reader, RowsFor, StateSpec};
use crate::agg::codec::put_u32;
use crate::agg::exact::ExactSum;
use crate::agg::plan::Keep;
use crate::agg::value::{Val, ValKind, WordKind, word};

/// All rows of a group, or the first or last few, in order: first, last and nth with removal,
/// arrays, joined text, rates, and moving averages where states are merged.
#[derive(Debug, Clone, Default)]
pub(crate) struct OrderedCell {
    entries: VecDeque<Entry>,
    heap: usize,
}

impl OrderedCell {
    /// Puts a row in its place; rows mostly come in order.
    fn insert(&mut self, entry: Entry, spec: &StateSpec) {
        let (keep, by_ts) = (spec.keep, spec.by_ts);
        let at = match self.entries.back() {
            Some(last) if entry.compare(last, by_ts) == Ordering::Less => {
                self.entries.partition_point(|e| e.compare(&entry, by_ts) == Ordering::Less)
            }
            _ => self.entries.len(),
        };
        let full = |n: usize| self.entries.len() >= n;
        match keep {
            Keep::First(n) if full(n) && at >= n => return,
            Keep::Last(n) if full(n) && at == 0 => return,
            _ => {}
        }
        self.heap += entry_bytes(&entry);
        self.entries.insert(at, entry);
        let dropped = match keep {
            Keep::First(n) if self.entries.len() > n => self.entries.pop_back(),
            Keep::Last(n) if self.entries.len() > n => self.entries.pop_front(),
            _ => None,
        };
        if let Some(entry) = dropped {
            self.heap -= entry_bytes(&entry);
        }
    }

    /// Takes a row out; the oldest ones mostly leave first.
    fn take(&mut self, entry: &Entry, by_ts: bool) {
        let at = match self.entries.front() {
            Some(first) if first == entry => 0,
            _ => self.entries.partition_point(|e| e.compare(entry, by_ts) == Ordering::Less),
        };
        let gone = self.entries.remove(at).expect("only rows that were added are removed");
        debug_assert_eq!(gone.seq, entry.seq, "a row is removed with its own position");
        self.heap -= entry_bytes(&gone);
    }

    /// Values in order.
    pub fn values(&self) -> impl Iterator<Item = &Val> {
        self.entries.iter().map(|e| &e.value)
    }

    /// The n-th value from the start, from 1, or for negative `n` from the end; NULL if there is
    /// none.
    pub fn nth(&self, n: i64) -> &Val {
        let place = usize::try_from(n.unsigned_abs()).ok().and_then(|n| n.checked_sub(1));
        let entry = match place {
            Some(i) if n > 0 => self.entries.get(i),
            Some(i) => self.entries.len().checked_sub(i + 1).and_then(|i| self.entries.get(i)),
            None => None,
        };
        entry.map_or(&Val::Null, |e| &e.value)
    }

    /// Growth of a counter: last − first, plus the value before every reset (a value below the one
    /// before it), rounded once. No extrapolation to the window's edges. NULL for fewer than two
    /// samples.
    pub fn increase(&self, spec: &StateSpec) -> Option<f64> {
        (self.entries.len() >= 2).then(|| self.growth(spec).value())
    }

    /// The same per second between the first and the last sample, rounded once; NULL without time
    /// between them.
    pub fn rate(&self, spec: &StateSpec) -> Option<f64> {
        let elapsed_ns = self.entries.back()?.ts.checked_sub(self.entries.front()?.ts)?;
        if self.entries.len() < 2 || elapsed_ns <= 0 {
            return None;
        }
        let growth = self.growth(spec);
        if growth.has_special() {
            return Some(growth.value());
        }
        Some(growth.exact().times(1_000_000_000).divided_by(elapsed_ns as u128))
    }

    /// Exponentially weighted moving average of the numbers in order; NULL over nothing.
    pub fn ewma(&self, spec: &StateSpec) -> Option<f64> {
        let mut average = EwmaCell::default();
        let (kind, words) = self.words(spec);
        words.for_each(|word| average.push(number(kind, word), spec.alpha));
        average.value()
    }

    /// The numbers in order, as words of a kind.
    fn words(&self, spec: &StateSpec) -> (WordKind, impl DoubleEndedIterator<Item = i64>) {
        let ValKind::Word(kind) = spec.val_kind(0) else { unreachable!("the plan takes numbers only") };
        let words = self.entries.iter().map(|e| match e.value {
            Val::Word(w) => w,
            _ => unreachable!("NULLs are left out"),
        });
        (kind, words)
    }

    fn growth(&self, spec: &StateSpec) -> ExactSum {
        let (kind, _) = self.words(spec);
        let samples = || self.words(spec).1;
        let mut sum = ExactSum::default();
        let (Some(first), Some(last)) = (samples().next(), samples().next_back()) else { return sum };
        add_word(&mut sum, kind, last, false);
        add_word(&mut sum, kind, first, true);
        for (before, after) in samples().zip(samples().skip(1)) {
            if falls(kind, before, after) {
                add_word(&mut sum, kind, before, false);
            }
        }
        sum
    }
}

fn number(kind: WordKind, word: i64) -> f64 {
    match kind {
        WordKind::F64 => word::to_f64(word),
        WordKind::F32 => f64::from(word::to_f32(word)),
        WordKind::Bool | WordKind::I32 | WordKind::I64 => word as f64,
    }
}

/// Whether a counter that goes from `before` to `after` was reset; NaN never is.
fn falls(kind: WordKind, before: i64, after: i64) -> bool {
    match kind {
        WordKind::F64 => word::to_f64(after) < word::to_f64(before),
        WordKind::F32 => word::to_f32(after) < word::to_f32(before),
        WordKind::Bool | WordKind::I32 | WordKind::I64 => after < before,
    }
}

/// Adds ±value to a sum, exactly: an integer in two halves.
fn add_word(sum: &mut ExactSum, kind: WordKind, word: i64, negative: bool) {
    let parts = match kind {
        WordKind::F64 => [word::to_f64(word), 0.0],
        WordKind::F32 => [f64::from(word::to_f32(word)), 0.0],
        WordKind::Bool | WordKind::I32 | WordKind::I64 => {
            [(word >> 32) as f64 * 4_294_967_296.0, (word & 0xffff_ffff) as f64]
        }
    };
    for part in parts {
        sum.add(if negative { -part } else { part });
    }
}

fn entry_bytes(entry: &Entry) -> usize {
    size_of::<Entry>() + entry.heap_bytes()
}

impl Cell for OrderedCell {
    fn add(cells: &mut [Self], rows: RowsFor, heap: &mut isize) {
        Entries::new(rows, rows.spec.nulls).each(|group, entry| {
            let cell = &mut cells[group];
            *heap -= cell.heap as isize;
            cell.insert(entry, rows.spec);
            *heap += cell.heap as isize;
        });
    }

    fn remove(cells: &mut [Self], rows: RowsFor, heap: &mut isize) {
        Entries::new(rows, rows.spec.nulls).each(|group, entry| {
            let cell = &mut cells[group];
            *heap -= cell.heap as isize;
            cell.take(&entry, rows.spec.by_ts);
            *heap += cell.heap as isize;
        });
    }

    fn merge(&mut self, other: &Self, spec: &StateSpec) {
        for entry in &other.entries {
            self.insert(entry.clone(), spec);
        }
    }

    fn clear(&mut self) {
        self.entries.clear();
        self.heap = 0;
    }

    /// Number of rows `u32`, then the entries in order.
    fn encode(&self, _: &StateSpec, out: &mut Vec<u8>) {
        put_u32(out, self.entries.len() as u32);
        self.entries.iter().for_each(|e| e.encode(out));
    }

    fn decode(spec: &StateSpec, input: &mut Reader) -> Result<Self, AggError> {
        const BAD: AggError = AggError::Corrupt { what: "rows in order" };
        let mut cell = OrderedCell::default();
        for _ in 0..input.u32()? {
            let entry = Entry::decode(spec, input)?;
            let ascends =
                cell.entries.back().is_none_or(|last| last.compare(&entry, spec.by_ts) == Ordering::Less);
            if !ascends || (!spec.nulls && entry.value == Val::Null) {
                return Err(BAD);
            }
            cell.heap += entry_bytes(&entry);
            cell.entries.push_back(entry);
        }
        match spec.keep {
            Keep::First(n) | Keep::Last(n) if cell.entries.len() > n => Err(BAD),
            _ => Ok(cell),
        }
    }

    fn heap_bytes(&self) -> usize {
        self.heap
    }
}
