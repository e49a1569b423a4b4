//! Single values.

use std::borrow::Cow;
use std::cmp::Ordering;

use arrow_array::{Array, ArrayRef};
use arrow_schema::DataType;

use crate::column::{Buf, ByteBuf, Column, Values};
use crate::expr::ops::compare_floats;

/// One value, by the physical kinds of [`Values`].
#[derive(Debug, Clone)]
pub enum Scalar<'a> {
    /// NULL of any type.
    Null,
    /// BOOL.
    Bool(bool),
    /// INT, DATE (days).
    I32(i32),
    /// BIGINT, TIMESTAMP (ns UTC), TIME (ns).
    I64(i64),
    /// FLOAT.
    F32(f32),
    /// DOUBLE.
    F64(f64),
    /// DECIMAL, unscaled.
    I128(i128),
    /// STRING, JSON (UTF-8) and BYTES.
    Bytes(Cow<'a, [u8]>),
    /// Everything else: an Arrow array of one row that is not NULL.
    Any(ArrayRef),
}

impl<'a> Scalar<'a> {
    /// Row `row` of `column`.
    ///
    /// # Panics
    /// If `row` is out of range.
    pub fn of_column(column: &'a Column, row: usize) -> Self {
        if !column.is_valid(row) {
            return Scalar::Null;
        }
        match &column.values {
            Values::Bool(v) => Scalar::Bool(v[row]),
            Values::I32(v) => Scalar::I32(v[row]),
            Values::I64(v) => Scalar::I64(v[row]),
            Values::F32(v) => Scalar::F32(v[row]),
            Values::F64(v) => Scalar::F64(v[row]),
            Values::I128(v) => Scalar::I128(v[row]),
            Values::Bytes { .. } => Scalar::Bytes(Cow::Borrowed(column.bytes_at(row))),
            Values::Any(array) => Scalar::Any(array.slice(row, 1)),
        }
    }

    /// Whether this is NULL.
    pub fn is_null(&self) -> bool {
        matches!(self, Scalar::Null)
    }

    /// A truth value; NULL is unknown.
    ///
    /// # Panics
    /// If it is a value of another kind.
    pub fn truth(&self) -> Option<bool> {
        match self {
            Scalar::Null => None,
            Scalar::Bool(b) => Some(*b),
            other => panic!("{other:?} as a truth value"),
        }
    }

    /// The value without its borrow.
    pub fn into_owned(self) -> Scalar<'static> {
        match self {
            Scalar::Null => Scalar::Null,
            Scalar::Bool(v) => Scalar::Bool(v),
            Scalar::I32(v) => Scalar::I32(v),
            Scalar::I64(v) => Scalar::I64(v),
            Scalar::F32(v) => Scalar::F32(v),
            Scalar::F64(v) => Scalar::F64(v),
            Scalar::I128(v) => Scalar::I128(v),
            Scalar::Bytes(v) => Scalar::Bytes(Cow::Owned(v.into_owned())),
            Scalar::Any(v) => Scalar::Any(v),
        }
    }

    /// The same value, borrowed from this one.
    pub fn borrowed(&self) -> Scalar<'_> {
        match self {
            Scalar::Bytes(v) => Scalar::Bytes(Cow::Borrowed(v)),
            other => other.clone(),
        }
    }

    /// A column of this one row; `like` gives a NULL its kind.
    pub fn to_column(&self, like: &DataType) -> Column {
        let values = match self {
            Scalar::Null => return Column::from_arrow(&arrow_array::new_null_array(like, 1)),
            Scalar::Bool(v) => Values::Bool(vec![*v]),
            Scalar::I32(v) => Values::I32(Buf::Own(vec![*v])),
            Scalar::I64(v) => Values::I64(Buf::Own(vec![*v])),
            Scalar::F32(v) => Values::F32(Buf::Own(vec![*v])),
            Scalar::F64(v) => Values::F64(Buf::Own(vec![*v])),
            Scalar::I128(v) => Values::I128(Buf::Own(vec![*v])),
            Scalar::Bytes(v) => {
                Values::Bytes { offsets: Buf::Own(vec![0, v.len() as i32]), bytes: ByteBuf::Own(v.to_vec()) }
            }
            Scalar::Any(array) => Values::Any(array.clone()),
        };
        Column::dense(values)
    }

    /// SQL's order of two values that are not NULL and of one kind of ours.
    ///
    /// # Panics
    /// If they are of different kinds, NULL, or Arrow values.
    pub fn compare(&self, other: &Scalar<'_>) -> Ordering {
        match (self, other) {
            (Scalar::Bool(a), Scalar::Bool(b)) => a.cmp(b),
            (Scalar::I32(a), Scalar::I32(b)) => a.cmp(b),
            (Scalar::I64(a), Scalar::I64(b)) => a.cmp(b),
            (Scalar::F32(a), Scalar::F32(b)) => compare_floats(*a, *b),
            (Scalar::F64(a), Scalar::F64(b)) => compare_floats(*a, *b),
            (Scalar::I128(a), Scalar::I128(b)) => a.cmp(b),
            (Scalar::Bytes(a), Scalar::Bytes(b)) => a.cmp(b),
            (a, b) => panic!("{a:?} compared with {b:?}"),
        }
    }

    /// The text.
    ///
    /// # Panics
    /// If it is not valid UTF-8 or of another kind.
    pub(super) fn text(&self) -> &str {
        std::str::from_utf8(self.bytes()).expect("text columns hold valid UTF-8")
    }

    pub(super) fn bytes(&self) -> &[u8] {
        match self {
            Scalar::Bytes(v) => v,
            other => panic!("{other:?} as text"),
        }
    }
}

/// The value of a boolean that may be unknown.
impl From<Option<bool>> for Scalar<'_> {
    fn from(v: Option<bool>) -> Self {
        v.map_or(Scalar::Null, Scalar::Bool)
    }
}
