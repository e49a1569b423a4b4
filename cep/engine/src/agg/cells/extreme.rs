//! Smallest and largest values, without removal.

use super::{AggError, Cell, Reader, RowsFor, StateSpec};
use crate::agg::codec::put_u64;
use crate::agg::value::Val;
use crate::agg::value::with_words;

/// Minimum, or with `MAX` maximum, of numbers and booleans.
#[derive(Debug, Clone)]
pub(crate) struct WordExtreme<const MAX: bool> {
    word: i64,
    present: bool,
}

impl<const MAX: bool> Default for WordExtreme<MAX> {
    fn default() -> Self {
        WordExtreme { word: if MAX { i64::MIN } else { i64::MAX }, present: false }
    }
}

impl<const MAX: bool> WordExtreme<MAX> {
    #[inline(always)]
    fn see(&mut self, word: i64) {
        self.word = if MAX { self.word.max(word) } else { self.word.min(word) };
        self.present = true;
    }

    /// The value; `None` over nothing.
    pub fn value(&self) -> Option<i64> {
        self.present.then_some(self.word)
    }
}

impl<const MAX: bool> Cell for WordExtreme<MAX> {
    fn add(cells: &mut [Self], rows: RowsFor, _: &mut isize) {
        with_words!(rows.arg(0), word => {
            rows.each_valid::<1>(|group, row| cells[group].see(word(row)))
        });
    }

    fn remove(_: &mut [Self], _: RowsFor, _: &mut isize) {
        unreachable!("the plan keeps sorted values where rows are removed");
    }

    fn merge(&mut self, other: &Self, _: &StateSpec) {
        if other.present {
            self.see(other.word);
        }
    }

    /// Present `u8`, then the word `u64`.
    fn encode(&self, _: &StateSpec, out: &mut Vec<u8>) {
        out.push(u8::from(self.present));
        if self.present {
            put_u64(out, self.word as u64);
        }
    }

    fn decode(_: &StateSpec, input: &mut Reader) -> Result<Self, AggError> {
        let mut cell = Self::default();
        if input.flag()? {
            cell.see(input.i64()?);
        }
        Ok(cell)
    }
}

/// Minimum or maximum of any other type.
#[derive(Debug, Clone, Default)]
pub(crate) struct ValExtreme<const MAX: bool> {
    value: Val,
}

impl<const MAX: bool> ValExtreme<MAX> {
    /// The value; NULL over nothing.
    pub fn value(&self) -> &Val {
        &self.value
    }

    fn beats(value: &Val, other: &Val) -> bool {
        *other == Val::Null || if MAX { value > other } else { value < other }
    }
}

impl<const MAX: bool> Cell for ValExtreme<MAX> {
    fn add(cells: &mut [Self], rows: RowsFor, heap: &mut isize) {
        let column = rows.arg(0);
        let text = matches!(column.values, crate::column::Values::Bytes { .. });
        rows.each(|group, row| {
            if !column.is_valid(row) {
                return;
            }
            let best = &mut cells[group].value;
            if text && let Val::Bytes(b) = best {
                // Most rows lose: compare without a copy.
                let (old, new) = (&b[..], column.bytes_at(row));
                if if MAX { new <= old } else { new >= old } {
                    return;
                }
            }
            let value = Val::key(column, row);
            if Self::beats(&value, best) {
                *heap += value.heap_bytes() as isize - best.heap_bytes() as isize;
                *best = value;
            }
        });
    }

    fn remove(_: &mut [Self], _: RowsFor, _: &mut isize) {
        unreachable!("the plan keeps sorted values where rows are removed");
    }

    fn merge(&mut self, other: &Self, _: &StateSpec) {
        if other.value != Val::Null && Self::beats(&other.value, &self.value) {
            self.value = other.value.clone();
        }
    }

    /// The value or NULL as `Val::encode` writes it.
    fn encode(&self, _: &StateSpec, out: &mut Vec<u8>) {
        self.value.encode(out);
    }

    fn decode(spec: &StateSpec, input: &mut Reader) -> Result<Self, AggError> {
        Ok(ValExtreme { value: Val::decode(input, &spec.types[0])? })
    }

    fn heap_bytes(&self) -> usize {
        self.value.heap_bytes()
    }
}
