//! Operands as kernels see them, and registers that kernels write.

use arrow_array::{Array, ArrayRef, UInt32Array};
use arrow_select::take::take;

use super::input::Rows;
use crate::column::{Buf, ByteBuf, Column, Values};

/// One operand of fixed width: a value for each row, or one for all.
#[derive(Debug, Clone, Copy)]
pub(super) enum Arg<'a, T> {
    Many(&'a [T]),
    One(T),
}

impl<T: Copy> Arg<'_, T> {
    pub(super) fn at(&self, row: usize) -> T {
        match self {
            Arg::Many(v) => v[row],
            Arg::One(v) => *v,
        }
    }
}

/// Text or bytes of a column.
#[derive(Debug, Clone, Copy)]
pub(super) struct Text<'a> {
    pub(super) offsets: &'a [i32],
    pub(super) bytes: &'a [u8],
    one: bool,
}

impl<'a> Text<'a> {
    /// The offsets of `rows` rows, one more than that; `None` for a constant.
    pub(super) fn offsets_of(&self, rows: usize) -> Option<&'a [i32]> {
        (!self.one).then(|| &self.offsets[..=rows])
    }

    /// Where the text of row `row` starts and ends.
    #[inline]
    pub(super) fn range(&self, row: usize) -> (usize, usize) {
        let row = if self.one { 0 } else { row };
        (self.offsets[row] as usize, self.offsets[row + 1] as usize)
    }

    #[inline]
    pub(super) fn at(&self, row: usize) -> &'a [u8] {
        let (start, end) = self.range(row);
        &self.bytes[start..end]
    }

    /// The text of row `row`.
    pub(super) fn str_at(&self, row: usize) -> &'a str {
        std::str::from_utf8(self.at(row)).expect("text columns hold valid UTF-8")
    }
}

/// A column or a constant (a column of one row that stands for every row).
#[derive(Debug, Clone, Copy)]
pub(super) struct View<'a> {
    pub(super) column: &'a Column,
    pub(super) one: bool,
}

macro_rules! fixed_access {
    ($($name:ident: $kind:ident -> $t:ty),*) => {$(
        /// # Panics
        /// If the column is of another kind: operand types are checked when compiling.
        pub(super) fn $name(&self) -> Arg<'a, $t> {
            match &self.column.values {
                Values::$kind(v) if self.one => Arg::One(v[0]),
                Values::$kind(v) => Arg::Many(v),
                other => panic!("{} operand where {} was compiled", other.kind_name(), stringify!($kind)),
            }
        }
    )*};
}

impl<'a> View<'a> {
    pub(super) fn many(column: &'a Column) -> Self {
        View { column, one: false }
    }

    fixed_access!(bools: Bool -> bool, i32s: I32 -> i32, i64s: I64 -> i64, f32s: F32 -> f32, f64s: F64 -> f64,
        i128s: I128 -> i128);

    /// # Panics
    /// If the column is not text or bytes.
    pub(super) fn text(&self) -> Text<'a> {
        match &self.column.values {
            Values::Bytes { offsets, bytes } => Text { offsets, bytes, one: self.one },
            other => panic!("{} operand where text was compiled", other.kind_name()),
        }
    }

    /// Whether row `row` holds a value.
    pub(super) fn is_valid(&self, row: usize) -> bool {
        self.column.is_valid(if self.one { 0 } else { row })
    }

    /// Whether this is the constant NULL.
    pub(super) fn is_null_constant(&self) -> bool {
        self.one && !self.column.is_valid(0)
    }

    /// The validity of each row, where some may be NULL. Says nothing of a NULL constant.
    pub(super) fn validity(&self) -> Option<&'a [bool]> {
        if self.one { None } else { self.column.valid.as_deref() }
    }
}

/// A column that a step writes; keeps its allocations from chunk to chunk.
#[derive(Debug, Clone)]
pub(super) struct Reg {
    pub(super) column: Column,
    /// The validity buffer while no row is NULL.
    spare: Vec<bool>,
}

impl Default for Reg {
    fn default() -> Self {
        Reg { column: Column::dense(Values::Bool(Vec::new())), spare: Vec::new() }
    }
}

macro_rules! fixed_output {
    ($($name:ident: $kind:ident -> $t:ty),*) => {$(
        /// The emptied value buffer; the register takes on this kind.
        pub(super) fn $name(&mut self) -> &mut Vec<$t> {
            if !matches!(self.column.values, Values::$kind(_)) {
                self.column.values = Values::$kind(Buf::new());
            }
            match &mut self.column.values {
                Values::$kind(v) => v.cleared(),
                _ => unreachable!("set above"),
            }
        }
    )*};
}

impl Reg {
    fixed_output!(i32s: I32 -> i32, i64s: I64 -> i64, f32s: F32 -> f32, f64s: F64 -> f64,
        i128s: I128 -> i128);

    /// The emptied buffer of booleans; the register takes on this kind.
    pub(super) fn bools(&mut self) -> &mut Vec<bool> {
        if !matches!(self.column.values, Values::Bool(_)) {
            self.column.values = Values::Bool(Vec::new());
        }
        match &mut self.column.values {
            Values::Bool(v) => {
                v.clear();
                v
            }
            _ => unreachable!("set above"),
        }
    }

    /// The emptied offsets (with their first 0) and bytes; the register takes on this kind.
    pub(super) fn text(&mut self) -> (&mut Vec<i32>, &mut Vec<u8>) {
        if !matches!(self.column.values, Values::Bytes { .. }) {
            self.column.values = Values::Bytes { offsets: Buf::new(), bytes: Default::default() };
        }
        match &mut self.column.values {
            Values::Bytes { offsets, bytes } => {
                let offsets = offsets.cleared();
                offsets.push(0);
                (offsets, bytes.cleared())
            }
            _ => unreachable!("set above"),
        }
    }

    /// Takes `array` as the content.
    pub(super) fn set_array(&mut self, array: &ArrayRef) {
        self.column = Column::from_arrow(array);
        // Booleans come packed from Arrow; everything else is shared.
        debug_assert_eq!(self.column.len(), array.len());
    }

    /// No row is NULL.
    pub(super) fn all_valid(&mut self) {
        if let Some(valid) = self.column.valid.take() {
            self.spare = valid;
        }
    }

    /// The emptied validity buffer, to be filled with one entry a row.
    pub(super) fn validity(&mut self) -> &mut Vec<bool> {
        let valid = self.column.valid.get_or_insert_with(|| std::mem::take(&mut self.spare));
        valid.clear();
        valid
    }

    /// Makes row `row` of `rows` NULL.
    pub(super) fn set_null(&mut self, row: usize, rows: usize) {
        if self.column.valid.is_none() {
            self.validity().resize(rows, true);
        }
        self.column.valid.as_mut().expect("made above")[row] = false;
    }

    /// The result is NULL where an operand is.
    pub(super) fn strict_validity(&mut self, rows: usize, operands: &[View<'_>]) {
        if operands.iter().any(View::is_null_constant) {
            self.validity().resize(rows, false);
            return;
        }
        let mut masks = operands.iter().filter_map(View::validity);
        let Some(first) = masks.next() else {
            self.all_valid();
            return;
        };
        let out = self.validity();
        out.extend_from_slice(&first[..rows]);
        for mask in masks {
            for (o, &m) in out.iter_mut().zip(mask) {
                *o &= m;
            }
        }
    }

    /// Appends one text made of `parts`; the register holds text.
    pub(super) fn push_text<'p>(&mut self, parts: impl Iterator<Item = &'p [u8]>) {
        if let Values::Bytes { offsets: Buf::Own(offsets), bytes: ByteBuf::Own(bytes) } =
            &mut self.column.values
        {
            parts.for_each(|part| bytes.extend_from_slice(part));
            offsets.push(bytes.len() as i32);
        }
    }

    /// Value of row `row` of a boolean register.
    pub(super) fn bool_at(&self, row: usize) -> bool {
        matches!(&self.column.values, Values::Bool(v) if v[row])
    }

    /// NOT, in place.
    pub(super) fn flip(&mut self) {
        if let Values::Bool(values) = &mut self.column.values {
            values.iter_mut().for_each(|v| *v = !*v);
        }
    }

    /// Makes row `row` of a boolean register `value`.
    pub(super) fn set_bool(&mut self, row: usize, value: bool) {
        if let Values::Bool(values) = &mut self.column.values {
            values[row] = value;
        }
        if let Some(valid) = &mut self.column.valid {
            valid[row] = true;
        }
    }

    /// Drops a validity in which no row is NULL.
    pub(super) fn forget_full_validity(&mut self) {
        if self.column.valid.as_ref().is_some_and(|v| v.iter().all(|&valid| valid)) {
            self.all_valid();
        }
    }

    /// Rows `rows` of `times`.
    pub(super) fn copy_times(&mut self, times: &[i64], rows: Rows<'_>) {
        let values = self.i64s();
        match rows {
            Rows::All => values.extend_from_slice(times),
            Rows::Some(list) => values.extend(list.iter().map(|&row| times[row as usize])),
        }
        self.all_valid();
    }

    /// `rows` rows of `source`: a copy of a column, a constant repeated.
    pub(super) fn copy(&mut self, source: View<'_>, rows: usize) {
        macro_rules! fixed {
            ($access:ident) => {
                match source.$access() {
                    Arg::Many(v) => self.$access().extend_from_slice(&v[..rows]),
                    Arg::One(v) => self.$access().resize(rows, v),
                }
            };
        }
        match &source.column.values {
            Values::Bool(_) => fixed!(bools),
            Values::I32(_) => fixed!(i32s),
            Values::I64(_) => fixed!(i64s),
            Values::F32(_) => fixed!(f32s),
            Values::F64(_) => fixed!(f64s),
            Values::I128(_) => fixed!(i128s),
            Values::Bytes { .. } => {
                let text = source.text();
                let (offsets, bytes) = self.text();
                for row in 0..rows {
                    bytes.extend_from_slice(text.at(row));
                    offsets.push(bytes.len() as i32);
                }
            }
            Values::Any(array) => {
                let array = if source.one { repeat(array, rows) } else { array.slice(0, rows) };
                self.set_array(&array);
                self.all_valid();
                return;
            }
        }
        self.strict_validity(rows, &[source]);
    }

    /// Rows `rows` of `source`, in that order.
    pub(super) fn gather(&mut self, source: &Column, rows: &[u32]) {
        macro_rules! fixed {
            ($access:ident, $v:expr) => {{
                let v = &$v[..];
                self.$access().extend(rows.iter().map(|&row| v[row as usize]))
            }};
        }
        match &source.values {
            Values::Bool(v) => fixed!(bools, v),
            Values::I32(v) => fixed!(i32s, v),
            Values::I64(v) => fixed!(i64s, v),
            Values::F32(v) => fixed!(f32s, v),
            Values::F64(v) => fixed!(f64s, v),
            Values::I128(v) => fixed!(i128s, v),
            Values::Bytes { .. } => {
                let text = View::many(source).text();
                let (offsets, bytes) = self.text();
                for &row in rows {
                    bytes.extend_from_slice(text.at(row as usize));
                    offsets.push(bytes.len() as i32);
                }
            }
            Values::Any(_) => {
                self.column.gather_from(source, rows);
                return;
            }
        }
        match &source.valid {
            None => self.all_valid(),
            Some(valid) => self.validity().extend(rows.iter().map(|&row| valid[row as usize])),
        }
    }

    /// `rows` rows, all NULL, of the physical kind of `like`.
    pub(super) fn fill_null(&mut self, like: &Column, rows: usize) {
        match &like.values {
            Values::Bool(_) => self.bools().resize(rows, false),
            Values::I32(_) => self.i32s().resize(rows, 0),
            Values::I64(_) => self.i64s().resize(rows, 0),
            Values::F32(_) => self.f32s().resize(rows, 0.0),
            Values::F64(_) => self.f64s().resize(rows, 0.0),
            Values::I128(_) => self.i128s().resize(rows, 0),
            Values::Bytes { .. } => self.text().0.resize(rows + 1, 0),
            Values::Any(array) => {
                self.set_array(&arrow_array::new_null_array(array.data_type(), rows));
                self.all_valid();
                return;
            }
        }
        self.validity().resize(rows, false);
    }
}

/// The one row of `array`, `rows` times.
fn repeat(array: &ArrayRef, rows: usize) -> ArrayRef {
    take(array, &UInt32Array::from(vec![0; rows]), None).expect("row 0 exists")
}
