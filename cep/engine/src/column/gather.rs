//! Moving rows between columns: gather by row numbers, append, clear.

use std::sync::LazyLock;

use arrow_array::UInt32Array;
use arrow_buffer::{ArrowNativeType, ScalarBuffer};
use arrow_select::concat::concat;
use arrow_select::take::take;

use super::{Buf, Column, Values};

/// Offsets of no texts.
static NO_TEXTS: LazyLock<ScalarBuffer<i32>> = LazyLock::new(|| ScalarBuffer::from(vec![0]));

impl Column {
    /// Removes all rows, keeping the allocation.
    pub fn clear(&mut self) {
        match &mut self.values {
            Values::Bool(v) => v.clear(),
            Values::I32(v) => v.cleared().clear(),
            Values::I64(v) => v.cleared().clear(),
            Values::F32(v) => v.cleared().clear(),
            Values::F64(v) => v.cleared().clear(),
            Values::I128(v) => v.cleared().clear(),
            Values::Bytes { offsets, bytes } => {
                match offsets {
                    Buf::Own(v) => {
                        v.clear();
                        v.push(0);
                    }
                    // Shared again: a column that only passes frames on owns nothing.
                    Buf::Arrow(_) => *offsets = Buf::Arrow(NO_TEXTS.clone()),
                }
                bytes.cleared();
            }
            Values::Any(a) => *a = a.slice(0, 0),
        }
        self.clear_mask();
    }

    /// Replaces the content by rows `rows` of `source`, in that order. A `self` of another
    /// physical kind takes on the kind of `source`.
    ///
    /// # Panics
    /// If a row number is out of range.
    pub fn gather_from(&mut self, source: &Column, rows: &[u32]) {
        self.clear();
        self.append_gather(source, rows);
    }

    /// Appends rows `rows` of `source`.
    ///
    /// # Panics
    /// If a row number is out of range.
    pub fn append_gather(&mut self, source: &Column, rows: &[u32]) {
        let before = self.len();
        match (&mut self.values, &source.values) {
            (Values::Bool(o), Values::Bool(i)) => o.extend(rows.iter().map(|&r| i[r as usize])),
            (Values::I32(o), Values::I32(i)) => append_fixed(o, i, rows),
            (Values::I64(o), Values::I64(i)) => append_fixed(o, i, rows),
            (Values::F32(o), Values::F32(i)) => append_fixed(o, i, rows),
            (Values::F64(o), Values::F64(i)) => append_fixed(o, i, rows),
            (Values::I128(o), Values::I128(i)) => append_fixed(o, i, rows),
            (Values::Bytes { offsets, bytes }, Values::Bytes { offsets: in_offsets, bytes: in_bytes }) => {
                let (in_offsets, in_bytes): (&[i32], &[u8]) = (in_offsets, in_bytes);
                let (offsets, bytes) = (offsets.to_mut(), bytes.to_mut());
                offsets.reserve(rows.len());
                for &row in rows {
                    let row = row as usize;
                    bytes
                        .extend_from_slice(&in_bytes[in_offsets[row] as usize..in_offsets[row + 1] as usize]);
                    offsets.push(offset_of(bytes.len()));
                }
            }
            (Values::Any(o), Values::Any(i)) => {
                let picked =
                    take(i, &UInt32Array::from(rows.to_vec()), None).expect("row numbers are in range");
                *o = if o.is_empty() {
                    picked
                } else {
                    concat(&[o.as_ref(), picked.as_ref()]).expect("both arrays have the column's type")
                };
            }
            (o, i) => {
                assert_eq!(before, 0, "append of a {} column to a {} column", i.kind_name(), o.kind_name());
                let mut fresh = source.empty_like();
                fresh.append_gather(source, rows);
                *self = fresh;
                return;
            }
        }
        self.append_validity(before, source, rows);
    }

    /// Appends all rows of `source`.
    pub fn append(&mut self, source: &Column) {
        self.append_range(source, 0, source.len());
    }

    /// Appends rows `from..to` of `source`.
    ///
    /// # Panics
    /// If the range is not within `source`.
    pub fn append_range(&mut self, source: &Column, from: usize, to: usize) {
        if from == to {
            return;
        }
        let before = self.len();
        match (&mut self.values, &source.values) {
            (Values::Bool(o), Values::Bool(i)) => o.extend_from_slice(&i[from..to]),
            (Values::I32(o), Values::I32(i)) => o.to_mut().extend_from_slice(&i[from..to]),
            (Values::I64(o), Values::I64(i)) => o.to_mut().extend_from_slice(&i[from..to]),
            (Values::F32(o), Values::F32(i)) => o.to_mut().extend_from_slice(&i[from..to]),
            (Values::F64(o), Values::F64(i)) => o.to_mut().extend_from_slice(&i[from..to]),
            (Values::I128(o), Values::I128(i)) => o.to_mut().extend_from_slice(&i[from..to]),
            (Values::Bytes { offsets, bytes }, Values::Bytes { offsets: in_offsets, bytes: in_bytes }) => {
                let (start, end) = (in_offsets[from], in_offsets[to]);
                let (offsets, bytes) = (offsets.to_mut(), bytes.to_mut());
                let shift = offset_of(bytes.len()) - start;
                bytes.extend_from_slice(&in_bytes[start as usize..end as usize]);
                offset_of(bytes.len());
                offsets.extend(in_offsets[from + 1..=to].iter().map(|o| o + shift));
            }
            (Values::Any(o), Values::Any(i)) => {
                let piece = i.slice(from, to - from);
                *o = if o.is_empty() {
                    piece
                } else {
                    concat(&[o.as_ref(), piece.as_ref()]).expect("both arrays have the column's type")
                };
            }
            (o, i) => {
                assert_eq!(before, 0, "append of a {} column to a {} column", i.kind_name(), o.kind_name());
                let mut fresh = source.empty_like();
                fresh.append_range(source, from, to);
                *self = fresh;
                return;
            }
        }
        match (&mut self.valid, &source.valid) {
            (None, None) => {}
            (Some(o), None) => o.resize(before + to - from, true),
            (Some(o), Some(i)) => o.extend_from_slice(&i[from..to]),
            (None, Some(i)) => {
                if i[from..to].iter().any(|v| !v) {
                    self.set_mask(std::iter::repeat_n(true, before).chain(i[from..to].iter().copied()));
                }
            }
        }
    }

    /// An empty column of the same physical kind.
    pub fn empty_like(&self) -> Column {
        let values = match &self.values {
            Values::Bool(_) => Values::Bool(Vec::new()),
            Values::I32(_) => Values::I32(Buf::new()),
            Values::I64(_) => Values::I64(Buf::new()),
            Values::F32(_) => Values::F32(Buf::new()),
            Values::F64(_) => Values::F64(Buf::new()),
            Values::I128(_) => Values::I128(Buf::new()),
            Values::Bytes { .. } => Values::Bytes { offsets: Buf::Own(vec![0]), bytes: Default::default() },
            Values::Any(a) => Values::Any(a.slice(0, 0)),
        };
        Column::dense(values)
    }

    fn append_validity(&mut self, before: usize, source: &Column, rows: &[u32]) {
        match (&mut self.valid, &source.valid) {
            (None, None) => {}
            (Some(o), None) => o.resize(before + rows.len(), true),
            (Some(o), Some(i)) => o.extend(rows.iter().map(|&r| i[r as usize])),
            (None, Some(i)) => {
                if rows.iter().all(|&r| i[r as usize]) {
                    return;
                }
                let ours = std::iter::repeat_n(true, before);
                self.set_mask(ours.chain(rows.iter().map(|&r| i[r as usize])));
            }
        }
    }
}

/// An offset in the text of a column.
///
/// # Panics
/// If it is beyond 2 GiB: operators refuse rows long before (`TEXT_BYTES_MAX`).
fn offset_of(bytes: usize) -> i32 {
    i32::try_from(bytes).expect("a column holds at most 2 GiB of text")
}

fn append_fixed<T: ArrowNativeType>(out: &mut Buf<T>, source: &[T], rows: &[u32]) {
    out.to_mut().extend(rows.iter().map(|&r| source[r as usize]));
}

/// Appends a NULL or a value to a column under construction, one row at a time.
impl Column {
    /// Appends a NULL.
    ///
    /// # Panics
    /// If the physical kind is [`Values::Any`]; build those as Arrow arrays.
    pub fn push_null(&mut self) {
        let before = self.len();
        match &mut self.values {
            Values::Bool(v) => v.push(false),
            Values::I32(v) => v.to_mut().push(0),
            Values::I64(v) => v.to_mut().push(0),
            Values::F32(v) => v.to_mut().push(0.0),
            Values::F64(v) => v.to_mut().push(0.0),
            Values::I128(v) => v.to_mut().push(0),
            Values::Bytes { offsets, .. } => {
                let end = offsets.last().copied().unwrap_or(0);
                offsets.to_mut().push(end);
            }
            Values::Any(_) => panic!("push_null on an arrow column"),
        }
        if self.valid.is_none() {
            self.set_mask(std::iter::repeat_n(true, before));
        }
        self.valid.as_mut().expect("made above").push(false);
    }

    /// Appends an integer to a column of 64-bit integers.
    ///
    /// # Panics
    /// On a column of another kind.
    pub fn push_i64(&mut self, value: i64) {
        match &mut self.values {
            Values::I64(v) => v.to_mut().push(value),
            other => panic!("push_i64 on a {} column", other.kind_name()),
        }
        self.mark_valid();
    }

    /// Appends a NULL to a column of any kind.
    pub fn append_null(&mut self) {
        if let Values::Any(array) = &self.values {
            let null = arrow_array::new_null_array(array.data_type(), 1);
            let source = Column::dense(Values::Any(null));
            self.append_range(&source, 0, 1);
        } else {
            self.push_null();
        }
    }

    /// Keeps the first `rows` rows.
    pub fn truncate(&mut self, rows: usize) {
        if rows >= self.len() {
            return;
        }
        match &mut self.values {
            Values::Bool(v) => v.truncate(rows),
            Values::I32(v) => v.to_mut().truncate(rows),
            Values::I64(v) => v.to_mut().truncate(rows),
            Values::F32(v) => v.to_mut().truncate(rows),
            Values::F64(v) => v.to_mut().truncate(rows),
            Values::I128(v) => v.to_mut().truncate(rows),
            Values::Bytes { offsets, bytes } => {
                let offsets = offsets.to_mut();
                offsets.truncate(rows + 1);
                bytes.to_mut().truncate(offsets[rows] as usize);
            }
            Values::Any(array) => *array = array.slice(0, rows),
        }
        if let Some(valid) = &mut self.valid {
            valid.truncate(rows);
        }
    }

    /// Marks the row just pushed as valid; call after pushing to `values` directly.
    pub fn mark_valid(&mut self) {
        if let Some(v) = &mut self.valid {
            v.push(true);
        }
    }
}
