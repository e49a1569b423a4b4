//! Single values inside states: sorted, counted, kept and given back.
//!
//! Invariants:
//! - Values of one type compare as SQL sorts them: numbers by size, NaN above all, FALSE before
//!   TRUE, text and bytes by bytes, arrays and structs element by element, NULL first (callers
//!   that skip NULLs never see one).
//! - A *key* is canonical: −0 is 0 and every NaN is one NaN, so equal values are equal keys. A
//!   *payload* keeps −0.
//! - The bytes of a value depend on the value and its type only.

mod arrow;
mod scalar;
mod sort;
pub(crate) mod word;

pub(crate) use arrow::{array_of, column_of, elements, push_array};
use scalar::put_escaped;
pub(crate) use sort::{OrderKey, sort_key};
pub(crate) use word::{WordKind, with_words};

use arrow_array::ArrayRef;
use arrow_cast::display::array_value_to_string;
use arrow_schema::{DataType, TimeUnit};
use datafusion_common::ScalarValue;

use super::AggError;
use super::codec::{Reader, put_bytes, put_u64};
use crate::column::{Column, Values};

/// A value of a known type.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(crate) enum Val {
    /// NULL.
    #[default]
    Null,
    /// At most eight bytes, as an integer of the same order ([`WordKind`]).
    Word(i64),
    /// Anything else, as bytes of the same order.
    Bytes(Box<[u8]>),
}

/// How a type's values are held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ValKind {
    /// In a word.
    Word(WordKind),
    /// Sixteen big-endian bytes, sign flipped.
    Decimal,
    /// The text or bytes themselves.
    Bytes,
    /// The encoding of `scalar`.
    Any,
}

impl ValKind {
    /// How `data_type` is held; `None` if it has no place in a state.
    pub fn of(data_type: &DataType) -> Option<ValKind> {
        Some(match data_type {
            DataType::Boolean => ValKind::Word(WordKind::Bool),
            DataType::Int32 | DataType::Date32 => ValKind::Word(WordKind::I32),
            DataType::Int64
            | DataType::Timestamp(TimeUnit::Nanosecond, _)
            | DataType::Time64(TimeUnit::Nanosecond) => ValKind::Word(WordKind::I64),
            DataType::Float32 => ValKind::Word(WordKind::F32),
            DataType::Float64 => ValKind::Word(WordKind::F64),
            DataType::Decimal128(_, _) => ValKind::Decimal,
            DataType::Utf8 | DataType::Binary => ValKind::Bytes,
            other if scalar::supports(other) => ValKind::Any,
            _ => return None,
        })
    }
}

/// Appends row `row` of an Arrow column as a key: self-delimiting, equal bytes for equal values.
/// Types that only functions return, such as spans of time, go by their printed form.
pub(crate) fn put_nested_key(array: &ArrayRef, row: usize, out: &mut Vec<u8>) {
    if scalar::supports(array.data_type()) {
        return put_nested(array, row, true, out);
    }
    let text = array_value_to_string(array, row).unwrap_or_else(|error| error.to_string());
    put_bytes(out, text.as_bytes());
}

fn put_nested(array: &ArrayRef, row: usize, key: bool, out: &mut Vec<u8>) {
    let value = ScalarValue::try_from_array(array, row).expect("a valid row of a supported type");
    scalar::encode(&value, key, out);
}

impl Val {
    /// Row `row` as a key.
    pub fn key(column: &Column, row: usize) -> Val {
        Self::read(column, row, true)
    }

    /// Row `row` with the bits it has, but for NaN.
    pub fn payload(column: &Column, row: usize) -> Val {
        Self::read(column, row, false)
    }

    fn read(column: &Column, row: usize, key: bool) -> Val {
        if !column.is_valid(row) {
            return Val::Null;
        }
        match &column.values {
            Values::Bool(v) => Val::Word(i64::from(v[row])),
            Values::I32(v) => Val::Word(i64::from(v[row])),
            Values::I64(v) => Val::Word(v[row]),
            Values::F32(v) => Val::Word(word::from_f32(v[row], key)),
            Values::F64(v) => Val::Word(word::from_f64(v[row], key)),
            Values::I128(v) => Val::Bytes(Box::new(word::bytes_of_i128(v[row]))),
            Values::Bytes { .. } => Val::Bytes(column.bytes_at(row).into()),
            Values::Any(array) => {
                let mut out = Vec::new();
                put_nested(array, row, key, &mut out);
                Val::Bytes(out.into())
            }
        }
    }

    /// Bytes on the heap.
    pub fn heap_bytes(&self) -> usize {
        match self {
            Val::Bytes(b) => b.len(),
            _ => 0,
        }
    }

    /// Appends tag `u8` (0 NULL, 1 word, 2 bytes), then the word as `u64` or length `u32` and
    /// bytes.
    pub fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Val::Null => out.push(0),
            Val::Word(w) => {
                out.push(1);
                put_u64(out, *w as u64);
            }
            Val::Bytes(b) => {
                out.push(2);
                put_bytes(out, b);
            }
        }
    }

    /// Reads what [`Val::encode`] wrote for a value of `data_type`.
    ///
    /// # Errors
    /// If the bytes are not a value of the type.
    pub fn decode(input: &mut Reader, data_type: &DataType) -> Result<Val, AggError> {
        const BAD: AggError = AggError::Corrupt { what: "a value" };
        let value = match input.u8()? {
            0 => Val::Null,
            1 => Val::Word(input.i64()?),
            2 => Val::Bytes(input.bytes()?.into()),
            _ => return Err(BAD),
        };
        let fits = match (&value, ValKind::of(data_type)) {
            (Val::Null, _) => true,
            (Val::Word(w), Some(ValKind::Word(kind))) => kind.holds(*w),
            (Val::Bytes(b), Some(ValKind::Decimal)) => b.len() == 16,
            (Val::Bytes(b), Some(ValKind::Bytes)) => {
                *data_type == DataType::Binary || std::str::from_utf8(b).is_ok()
            }
            (Val::Bytes(b), Some(ValKind::Any)) => {
                let mut inner = Reader::new(b);
                scalar::decode(&mut inner, data_type).is_ok() && inner.rest().is_empty()
            }
            _ => false,
        };
        if fits { Ok(value) } else { Err(BAD) }
    }

    /// Reads what [`Val::encode`] wrote for a sort key, which may be any value.
    ///
    /// # Errors
    /// If the bytes end early.
    pub fn decode_key(input: &mut Reader) -> Result<Val, AggError> {
        match input.u8()? {
            0 => Ok(Val::Null),
            1 => Ok(Val::Word(input.i64()?)),
            2 => Ok(Val::Bytes(input.bytes()?.into())),
            _ => Err(AggError::Corrupt { what: "a sort key" }),
        }
    }

    /// Appends it to a column of `data_type` that is not an Arrow one.
    ///
    /// # Panics
    /// If the column or the value is of another kind.
    pub fn push(&self, out: &mut Column) {
        match self {
            Val::Null => return out.push_null(),
            Val::Word(w) => match &mut out.values {
                Values::Bool(v) => v.push(*w != 0),
                Values::I32(v) => v.to_mut().push(*w as i32),
                Values::I64(v) => v.to_mut().push(*w),
                Values::F32(v) => v.to_mut().push(word::to_f32(*w)),
                Values::F64(v) => v.to_mut().push(word::to_f64(*w)),
                other => panic!("a word for a {} column", other.kind_name()),
            },
            Val::Bytes(b) => match &mut out.values {
                Values::I128(v) => v.to_mut().push(word::i128_of_bytes(b)),
                Values::Bytes { offsets, bytes } => {
                    bytes.to_mut().extend_from_slice(b);
                    let end = bytes.len() as i32;
                    offsets.to_mut().push(end);
                }
                other => panic!("bytes for a {} column", other.kind_name()),
            },
        }
        out.mark_valid();
    }
}
