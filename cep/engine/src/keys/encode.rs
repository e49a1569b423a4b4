//! Canonical bytes of keys.
//!
//! One text column without NULLs: the text itself. Otherwise each column is a presence byte, then
//! the value: fixed-width values little-endian with NaN and −0 made canonical, text with its
//! length. Arrow values (arrays, maps, structs, intervals) element by element, as the keys of
//! aggregates hold them.

use crate::agg::put_nested_key;
use crate::column::{Column, Values};

/// Encodes the key columns of a chunk's rows, reusing its buffers.
#[derive(Debug, Default)]
pub struct KeyEncoder {
    bytes: Vec<u8>,
    offsets: Vec<u32>,
}

/// Encoded keys of a chunk.
#[derive(Debug, Clone, Copy)]
pub enum KeyRows<'a> {
    /// Slices of the text column itself.
    Text {
        /// Starts and the end.
        offsets: &'a [i32],
        /// The text.
        bytes: &'a [u8],
    },
    /// Encoded rows.
    Encoded {
        /// Starts and the end.
        offsets: &'a [u32],
        /// The bytes.
        bytes: &'a [u8],
    },
}

impl KeyRows<'_> {
    /// Bytes of row `row`.
    #[inline]
    pub fn get(&self, row: usize) -> &[u8] {
        match self {
            KeyRows::Text { offsets, bytes } => &bytes[offsets[row] as usize..offsets[row + 1] as usize],
            KeyRows::Encoded { offsets, bytes } => &bytes[offsets[row] as usize..offsets[row + 1] as usize],
        }
    }
}

impl KeyEncoder {
    /// Encodes rows `from..to` of `columns`; row 0 of the result is row `from`. `raw_text` says that
    /// the key is one text column that can never be NULL (decided by the plan, so that all chunks
    /// agree).
    pub fn encode<'a>(
        &'a mut self,
        columns: &[&'a Column],
        from: usize,
        to: usize,
        raw_text: bool,
    ) -> KeyRows<'a> {
        if raw_text
            && let [column] = columns
            && let Values::Bytes { offsets, bytes } = &column.values
        {
            return KeyRows::Text { offsets: &offsets[from..=to], bytes };
        }
        self.bytes.clear();
        self.offsets.clear();
        self.offsets.push(0);
        for row in from..to {
            for column in columns {
                encode_value(column, row, &mut self.bytes);
            }
            self.offsets.push(self.bytes.len() as u32);
        }
        KeyRows::Encoded { offsets: &self.offsets, bytes: &self.bytes }
    }
}

/// Appends the canonical bytes of one value.
pub fn encode_value(column: &Column, row: usize, out: &mut Vec<u8>) {
    if !column.is_valid(row) {
        out.push(0);
        return;
    }
    out.push(1);
    match &column.values {
        Values::Bool(v) => out.push(v[row] as u8),
        Values::I32(v) => out.extend_from_slice(&v[row].to_le_bytes()),
        Values::I64(v) => out.extend_from_slice(&v[row].to_le_bytes()),
        Values::F32(v) => out.extend_from_slice(&canonical_f64(f64::from(v[row])).to_le_bytes()),
        Values::F64(v) => out.extend_from_slice(&canonical_f64(v[row]).to_le_bytes()),
        Values::I128(v) => out.extend_from_slice(&v[row].to_le_bytes()),
        Values::Bytes { .. } => {
            let value = column.bytes_at(row);
            out.extend_from_slice(&(value.len() as u32).to_le_bytes());
            out.extend_from_slice(value);
        }
        Values::Any(array) => put_nested_key(array, row, out),
    }
}

fn canonical_f64(value: f64) -> u64 {
    if value.is_nan() {
        f64::NAN.to_bits() & !(1 << 63)
    } else if value == 0.0 {
        0
    } else {
        value.to_bits()
    }
}
