//! Columns of a chunk in memory: typed vectors that kernels write into and that keep their
//! allocation from chunk to chunk, with Arrow buffers taken as they are on the way in.
//!
//! Invariants:
//! - `valid`, when present, has exactly `len()` entries; a value under `valid[i] == false` is
//!   unspecified but initialised.
//! - Text columns hold valid UTF-8; offsets are monotone and start at any value ≥ 0.
//! - No kernel allocates once its output column has reached the largest chunk it saw.

mod arrow;
mod buf;
mod gather;
mod text;

pub use buf::{Buf, ByteBuf};
pub use text::row_text;

use arrow_array::{Array, ArrayRef};
use arrow_schema::DataType;

/// The physical values of a column.
#[derive(Debug, Clone)]
pub enum Values {
    /// BOOL.
    Bool(Vec<bool>),
    /// INT, DATE (days).
    I32(Buf<i32>),
    /// BIGINT, TIMESTAMP (ns UTC), TIME (ns).
    I64(Buf<i64>),
    /// FLOAT.
    F32(Buf<f32>),
    /// DOUBLE.
    F64(Buf<f64>),
    /// DECIMAL, unscaled.
    I128(Buf<i128>),
    /// STRING (UTF-8), JSON and BYTES: `offsets.len() == rows + 1`.
    Bytes {
        /// Start of each value; the last is the end.
        offsets: Buf<i32>,
        /// The text.
        bytes: ByteBuf,
    },
    /// Everything else (INTERVAL, ARRAY, MAP, STRUCT, NULL, types only functions return): an Arrow array, whose own null buffer counts.
    Any(ArrayRef),
}

/// One column of a chunk.
#[derive(Debug, Clone)]
pub struct Column {
    /// The values.
    pub values: Values,
    /// `Some`: FALSE marks a NULL. Always `None` for [`Values::Any`].
    pub valid: Option<Vec<bool>>,
    /// A mask that is not needed at the moment, kept for its allocation; always empty.
    pub(crate) spare: Vec<bool>,
}

impl Column {
    /// A column without NULLs, or of [`Values::Any`].
    pub fn dense(values: Values) -> Self {
        Column::masked(values, None)
    }

    /// A column of `values`, of which those with FALSE in `valid` are NULL.
    pub fn masked(values: Values, valid: Option<Vec<bool>>) -> Self {
        Column { values, valid, spare: Vec::new() }
    }

    /// Ends the mask of an earlier content.
    fn clear_mask(&mut self) {
        if let Some(mut mask) = self.valid.take() {
            mask.clear();
            self.spare = mask;
        }
    }

    /// Gives the column a mask of `bits`.
    fn set_mask(&mut self, bits: impl Iterator<Item = bool>) {
        self.clear_mask();
        let mut mask = std::mem::take(&mut self.spare);
        mask.extend(bits);
        self.valid = Some(mask);
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        match &self.values {
            Values::Bool(v) => v.len(),
            Values::I32(v) => v.len(),
            Values::I64(v) => v.len(),
            Values::F32(v) => v.len(),
            Values::F64(v) => v.len(),
            Values::I128(v) => v.len(),
            Values::Bytes { offsets, .. } => offsets.len().saturating_sub(1),
            Values::Any(a) => a.len(),
        }
    }

    /// Whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether row `row` holds a value.
    ///
    /// # Panics
    /// If `row` is out of range.
    pub fn is_valid(&self, row: usize) -> bool {
        match (&self.valid, &self.values) {
            (Some(v), _) => v[row],
            // Arrays of type NULL carry no mask.
            (None, Values::Any(a)) => a.is_valid(row) && *a.data_type() != DataType::Null,
            (None, _) => true,
        }
    }

    /// Row `row` as text for tests and messages: floats by their bits' shortest form, NULL as `∅`.
    ///
    /// # Panics
    /// If `row` is out of range.
    pub fn text_at(&self, row: usize) -> String {
        if !self.is_valid(row) {
            return "∅".to_string();
        }
        match &self.values {
            Values::Bool(v) => v[row].to_string(),
            Values::I32(v) => v[row].to_string(),
            Values::I64(v) => v[row].to_string(),
            Values::F32(v) => format!("{:?}", v[row]),
            Values::F64(v) => format!("{:?}", v[row]),
            Values::I128(v) => v[row].to_string(),
            Values::Bytes { .. } => String::from_utf8_lossy(self.bytes_at(row)).into_owned(),
            Values::Any(a) => {
                arrow_cast::display::array_value_to_string(a, row).unwrap_or_else(|e| e.to_string())
            }
        }
    }

    /// Bytes of text, or of arrays and structs, in rows `from..to`.
    pub fn text_bytes(&self, from: usize, to: usize) -> usize {
        match &self.values {
            Values::Bytes { offsets, .. } => (offsets[to] - offsets[from]) as usize,
            // Without rows, offsets and bitmaps of an array take room all the same.
            Values::Any(array) if from < to => {
                array.slice(from, to - from).to_data().get_slice_memory_size().unwrap_or(0)
            }
            _ => 0,
        }
    }

    /// Bytes of row `row` of a text or bytes column.
    ///
    /// # Panics
    /// If the column is of another kind or `row` is out of range.
    pub fn bytes_at(&self, row: usize) -> &[u8] {
        match &self.values {
            Values::Bytes { offsets, bytes } => &bytes[offsets[row] as usize..offsets[row + 1] as usize],
            other => panic!("bytes_at on a {} column", other.kind_name()),
        }
    }
}

impl Values {
    /// Name of the physical kind, for messages.
    pub fn kind_name(&self) -> &'static str {
        match self {
            Values::Bool(_) => "bool",
            Values::I32(_) => "i32",
            Values::I64(_) => "i64",
            Values::F32(_) => "f32",
            Values::F64(_) => "f64",
            Values::I128(_) => "i128",
            Values::Bytes { .. } => "bytes",
            Values::Any(_) => "arrow",
        }
    }
}
