//! Stable hashes of keys (R-PART-1): SipHash-2-4 over a normalised form of the key.
//!
//! Invariants:
//! - Two keys have the same normalised bytes exactly when they are equal: a hash may collide, the
//!   bytes never do.
//! - The form does not depend on the width a value was stored with: INT, BIGINT and DECIMAL of the
//!   same number are one key, so are FLOAT and DOUBLE, so equal keys of different streams meet in
//!   one partition.
//! - The form is part of the log's meaning and never changes; `docs/formats.md` specifies it.

use std::num::NonZeroU32;

use arrow_array::Array;
use arrow_array::cast::AsArray;
use arrow_array::types::{
    Date32Type, Decimal128Type, Float32Type, Float64Type, Int32Type, Int64Type, IntervalMonthDayNanoType,
    Time64NanosecondType, TimestampNanosecondType,
};
use arrow_schema::{DataType, IntervalUnit, TimeUnit};
use siphasher::sip::SipHasher24;

/// Public seed of a partition space: the key of its hash. `ceptra run` uses the default, 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SpaceSeed(pub u128);

impl SpaceSeed {
    /// SipHash-2-4 of `key`, its 16-byte key being the seed in little-endian order.
    ///
    /// Source: Aumasson and Bernstein, "SipHash: a fast short-input PRF", 2012.
    pub fn hash(self, key: &[u8]) -> u64 {
        SipHasher24::new_with_key(&self.0.to_le_bytes()).hash(key)
    }

    /// The partition, of `partitions`, that owns the key with this normalised form: the hash modulo
    /// the count. Key groups take the top bits of the same hash, so the two are independent.
    pub fn partition(self, key: &[u8], partitions: NonZeroU32) -> u32 {
        let owner = self.hash(key) % u64::from(partitions.get());
        u32::try_from(owner).expect("a remainder is below its u32 divisor")
    }
}

/// A column whose type cannot be part of a key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a value of type {data_type} cannot be part of a key; use a scalar column, or cast it to STRING")]
pub struct KeyTypeError {
    /// The type, as Arrow names it.
    pub data_type: String,
}

/// Whether values of this type can be part of a key: all scalar types of R-EVT-2, and dictionaries
/// (i32 indices) of them.
pub fn is_key_type(data_type: &DataType) -> bool {
    match data_type {
        DataType::Boolean
        | DataType::Int32
        | DataType::Int64
        | DataType::Float32
        | DataType::Float64
        | DataType::Decimal128(_, _)
        | DataType::Utf8
        | DataType::Binary
        | DataType::Timestamp(TimeUnit::Nanosecond, _)
        | DataType::Date32
        | DataType::Time64(TimeUnit::Nanosecond)
        | DataType::Interval(IntervalUnit::MonthDayNano) => true,
        DataType::Dictionary(keys, values) => **keys == DataType::Int32 && is_key_type(values),
        _ => false,
    }
}

// Tags of the normalised form. Never reuse one.
const NULL: u8 = 0;
const BOOL: u8 = 1;
const INTEGER: u8 = 2;
const DECIMAL: u8 = 3;
const FLOAT: u8 = 4;
const TEXT: u8 = 5;
const BYTES: u8 = 6;
const TIMESTAMP: u8 = 7;
const DATE: u8 = 8;
const TIME: u8 = 9;
const INTERVAL: u8 = 10;

/// The one NaN of the normalised form: quiet, positive, no payload.
const NAN_BITS: u64 = 0x7ff8_0000_0000_0000;

/// Builds the normalised form of one key, value by value; keeps its memory when cleared.
///
/// Each value is a tag byte and a self-delimiting body, so keys of several columns cannot run into
/// each other: ("ab", "c") and ("a", "bc") differ.
#[derive(Debug, Clone, Default)]
pub struct KeyForm {
    bytes: Vec<u8>,
}

impl KeyForm {
    /// Forgets all values.
    pub fn clear(&mut self) {
        self.bytes.clear();
    }

    /// The form of all values so far.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    fn push(&mut self, tag: u8, body: &[u8]) {
        self.bytes.push(tag);
        self.bytes.extend_from_slice(body);
    }

    /// Adds NULL. NULLs of all types are one key.
    pub fn push_null(&mut self) {
        self.push(NULL, &[]);
    }

    /// Adds a BOOL.
    pub fn push_bool(&mut self, value: bool) {
        self.push(BOOL, &[u8::from(value)]);
    }

    /// Adds an INT or BIGINT.
    pub fn push_integer(&mut self, value: i64) {
        self.push(INTEGER, &value.to_le_bytes());
    }

    /// Adds the DECIMAL `unscaled` × 10^−`scale`, without trailing zeros; a whole number that fits
    /// BIGINT is the same key as that BIGINT.
    pub fn push_decimal(&mut self, unscaled: i128, scale: i8) {
        let (mut unscaled, mut scale) = (unscaled, i16::from(scale));
        while scale > 0 && unscaled % 10 == 0 {
            unscaled /= 10;
            scale -= 1;
        }
        // A negative scale stands for zeros before the point.
        while scale < 0 {
            let Some(more) = unscaled.checked_mul(10) else { break };
            unscaled = more;
            scale += 1;
        }
        match i64::try_from(unscaled) {
            Ok(whole) if scale == 0 => self.push_integer(whole),
            _ => {
                self.push(DECIMAL, &scale.to_le_bytes());
                self.bytes.extend_from_slice(&unscaled.to_le_bytes());
            }
        }
    }

    /// Adds a FLOAT or DOUBLE. −0 is 0, and all NaNs are one key.
    pub fn push_float(&mut self, value: f64) {
        let canonical = if value.is_nan() {
            NAN_BITS
        } else if value == 0.0 {
            0
        } else {
            value.to_bits()
        };
        self.push(FLOAT, &canonical.to_le_bytes());
    }

    /// Adds a STRING or JSON, byte by byte: no case folding, no Unicode normalisation.
    pub fn push_text(&mut self, value: &str) {
        self.push_sized(TEXT, value.as_bytes());
    }

    /// Adds BYTES.
    pub fn push_bytes(&mut self, value: &[u8]) {
        self.push_sized(BYTES, value);
    }

    fn push_sized(&mut self, tag: u8, value: &[u8]) {
        self.push(tag, &(value.len() as u64).to_le_bytes());
        self.bytes.extend_from_slice(value);
    }

    /// Adds a TIMESTAMP, in nanoseconds since 1970-01-01T00:00:00 UTC.
    pub fn push_timestamp(&mut self, value_ns: i64) {
        self.push(TIMESTAMP, &value_ns.to_le_bytes());
    }

    /// Adds a DATE, in days since 1970-01-01.
    pub fn push_date(&mut self, value_days: i32) {
        self.push(DATE, &value_days.to_le_bytes());
    }

    /// Adds a TIME, in nanoseconds since midnight.
    pub fn push_time(&mut self, value_ns: i64) {
        self.push(TIME, &value_ns.to_le_bytes());
    }

    /// Adds an INTERVAL. Its three parts are not converted into each other.
    pub fn push_interval(&mut self, months: i32, days: i32, nanoseconds: i64) {
        self.push(INTERVAL, &months.to_le_bytes());
        self.bytes.extend_from_slice(&days.to_le_bytes());
        self.bytes.extend_from_slice(&nanoseconds.to_le_bytes());
    }

    /// Adds the value of `array` at `row`; a dictionary counts as its values.
    ///
    /// # Errors
    /// When the type is nested or none of R-EVT-2's; nothing is added then.
    ///
    /// # Panics
    /// When `row` is beyond the array.
    pub fn push_cell(&mut self, array: &dyn Array, row: usize) -> Result<(), KeyTypeError> {
        if !is_key_type(array.data_type()) {
            return Err(KeyTypeError { data_type: array.data_type().to_string() });
        }
        if array.is_null(row) {
            self.push_null();
            return Ok(());
        }
        match array.data_type() {
            DataType::Dictionary(_, _) => {
                let dictionary = array.as_dictionary::<Int32Type>();
                let index = usize::try_from(dictionary.keys().value(row))
                    .expect("valid dictionary indices are not negative");
                return self.push_cell(dictionary.values().as_ref(), index);
            }
            DataType::Boolean => self.push_bool(array.as_boolean().value(row)),
            DataType::Int32 => self.push_integer(array.as_primitive::<Int32Type>().value(row).into()),
            DataType::Int64 => self.push_integer(array.as_primitive::<Int64Type>().value(row)),
            DataType::Float32 => self.push_float(array.as_primitive::<Float32Type>().value(row).into()),
            DataType::Float64 => self.push_float(array.as_primitive::<Float64Type>().value(row)),
            DataType::Decimal128(_, scale) => {
                self.push_decimal(array.as_primitive::<Decimal128Type>().value(row), *scale);
            }
            DataType::Utf8 => self.push_text(array.as_string::<i32>().value(row)),
            DataType::Binary => self.push_bytes(array.as_binary::<i32>().value(row)),
            DataType::Timestamp(TimeUnit::Nanosecond, _) => {
                self.push_timestamp(array.as_primitive::<TimestampNanosecondType>().value(row));
            }
            DataType::Date32 => self.push_date(array.as_primitive::<Date32Type>().value(row)),
            DataType::Time64(TimeUnit::Nanosecond) => {
                self.push_time(array.as_primitive::<Time64NanosecondType>().value(row));
            }
            DataType::Interval(IntervalUnit::MonthDayNano) => {
                let value = array.as_primitive::<IntervalMonthDayNanoType>().value(row);
                self.push_interval(value.months, value.days, value.nanoseconds);
            }
            other => return Err(KeyTypeError { data_type: other.to_string() }),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
