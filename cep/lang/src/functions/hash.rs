//! Hash functions with a fixed algorithm: the value of a hash never changes with a release.

use std::hash::Hasher;

use arrow_array::ArrayRef;
use arrow_array::cast::AsArray;
use arrow_array::types::{
    Date32Type, Decimal128Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type,
    Time64NanosecondType, TimestampNanosecondType,
};
use arrow_schema::{DataType, TimeUnit};
use datafusion_common::{Result, plan_err};
use datafusion_expr::ReturnFieldArgs;
use md5::{Digest, Md5};
use sha2::{Sha224, Sha256, Sha384, Sha512};
use siphasher::sip::SipHasher24;

use super::call::Call;
use super::definition::{Definition, Param, Params, Returns};
use super::nan::canonical_nan;
use cep_types::sql_type::sql_type_name;

/// A digest in lower-case hexadecimal, as a [`Definition`].
macro_rules! digest {
    ($name:literal, $algorithm:ty, $doc:literal) => {
        Definition::new(
            $name,
            concat!($name, "(x)"),
            $doc,
            Params::exactly(&[Param::Bytes]),
            Returns::Type(DataType::Utf8),
            |call| {
                let x = call.bytes(0)?;
                call.build_text(|row| Ok(x.at(row).map(|x| hex(&<$algorithm>::digest(x)))))
            },
        )
    };
}

pub(super) fn functions() -> Vec<Definition> {
    vec![
        Definition::new(
            "hash64",
            "hash64(x, …)",
            "SipHash-2-4 with key 0 of the values, in the encoding of docs/functions.md. BIGINT, never NULL.",
            Params::variadic(&[Param::Any], Param::Any),
            Returns::Type(DataType::Int64),
            hash64,
        )
        .aliased(&["siphash", "siphash64"])
        .checked(hashable),
        Definition::new(
            "crc32",
            "crc32(x)",
            "CRC-32 (IEEE 802.3) of a text or bytes, 0 to 4294967295. BIGINT.",
            Params::exactly(&[Param::Bytes]),
            Returns::Type(DataType::Int64),
            |call| {
                let x = call.bytes(0)?;
                call.build_int(|row| Ok(x.at(row).map(|x| i64::from(crc32fast::hash(x)))))
            },
        ),
        digest!("md5", Md5, "MD5 of a text or bytes, 32 hexadecimal digits."),
        digest!("sha224", Sha224, "SHA-224 of a text or bytes, hexadecimal."),
        digest!("sha256", Sha256, "SHA-256 of a text or bytes, hexadecimal."),
        digest!("sha384", Sha384, "SHA-384 of a text or bytes, hexadecimal."),
        digest!("sha512", Sha512, "SHA-512 of a text or bytes, hexadecimal."),
    ]
}

/// Lower-case hexadecimal digits of `bytes`.
pub(super) fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        text.push(char::from(DIGITS[usize::from(byte >> 4)]));
        text.push(char::from(DIGITS[usize::from(byte & 15)]));
    }
    text
}

fn hashable(args: &ReturnFieldArgs<'_>) -> Result<()> {
    for field in args.arg_fields {
        if !has_encoding(field.data_type()) {
            return plan_err!(
                "hash64 of {} is not defined; hash its fields, or to_json(x)",
                sql_type_name(field.data_type())
            );
        }
    }
    Ok(())
}

fn has_encoding(data_type: &DataType) -> bool {
    match data_type {
        DataType::Null
        | DataType::Boolean
        | DataType::Int8
        | DataType::Int16
        | DataType::Int32
        | DataType::Int64
        | DataType::Float32
        | DataType::Float64
        | DataType::Utf8
        | DataType::Utf8View
        | DataType::Binary
        | DataType::BinaryView
        | DataType::Decimal128(_, _)
        | DataType::Timestamp(TimeUnit::Nanosecond, _)
        | DataType::Date32
        | DataType::Time64(TimeUnit::Nanosecond) => true,
        DataType::Dictionary(_, values) => has_encoding(values),
        _ => false,
    }
}

/// One argument of `hash64` with the code of its kind.
struct Encoded {
    column: ArrayRef,
}

impl Encoded {
    /// Feeds the row's value: a code for the kind, then the value, little-endian. Integers of any
    /// width, floats of any width and decimals of any scale with equal values feed equal bytes.
    fn feed(&self, row: usize, hasher: &mut SipHasher24) -> Result<()> {
        let column = self.column.as_ref();
        if column.data_type().is_null() || column.is_null(row) {
            hasher.write_u8(0);
            return Ok(());
        }
        match column.data_type() {
            DataType::Boolean => {
                hasher.write(&[1, u8::from(column.as_boolean().value(row))]);
            }
            DataType::Int8 => integer(hasher, column.as_primitive::<Int8Type>().value(row).into()),
            DataType::Int16 => {
                integer(hasher, column.as_primitive::<Int16Type>().value(row).into());
            }
            DataType::Int32 => {
                integer(hasher, column.as_primitive::<Int32Type>().value(row).into());
            }
            DataType::Int64 => integer(hasher, column.as_primitive::<Int64Type>().value(row)),
            DataType::Float32 => {
                float(hasher, column.as_primitive::<Float32Type>().value(row).into());
            }
            DataType::Float64 => float(hasher, column.as_primitive::<Float64Type>().value(row)),
            DataType::Utf8 => bytes(hasher, 4, column.as_string::<i32>().value(row).as_bytes()),
            DataType::Binary => bytes(hasher, 5, column.as_binary::<i32>().value(row)),
            DataType::Decimal128(_, scale) => {
                let unscaled = column.as_primitive::<Decimal128Type>().value(row);
                decimal(hasher, unscaled, i32::from(*scale));
            }
            DataType::Timestamp(TimeUnit::Nanosecond, _) => {
                let nanos = column.as_primitive::<TimestampNanosecondType>().value(row);
                tagged(hasher, 7, nanos);
            }
            DataType::Date32 => {
                let days = column.as_primitive::<Date32Type>().value(row);
                tagged(hasher, 8, days.into());
            }
            DataType::Time64(TimeUnit::Nanosecond) => {
                let nanos = column.as_primitive::<Time64NanosecondType>().value(row);
                tagged(hasher, 9, nanos);
            }
            other => return plan_err!("hash64 of {} is not defined", sql_type_name(other)),
        }
        Ok(())
    }
}

fn tagged(hasher: &mut SipHasher24, code: u8, value: i64) {
    hasher.write(&[code]);
    hasher.write(&value.to_le_bytes());
}

fn integer(hasher: &mut SipHasher24, value: i64) {
    tagged(hasher, 2, value);
}

fn float(hasher: &mut SipHasher24, value: f64) {
    // −0 equals 0, and every NaN equals every other.
    let value = if value == 0.0 { 0.0 } else { canonical_nan(value) };
    hasher.write(&[3]);
    hasher.write(&value.to_bits().to_le_bytes());
}

fn bytes(hasher: &mut SipHasher24, code: u8, value: &[u8]) {
    hasher.write(&[code]);
    hasher.write(&(value.len() as u64).to_le_bytes());
    hasher.write(value);
}

fn decimal(hasher: &mut SipHasher24, mut unscaled: i128, mut scale: i32) {
    while unscaled != 0 && unscaled % 10 == 0 {
        unscaled /= 10;
        scale -= 1;
    }
    if unscaled == 0 {
        scale = 0;
    }
    hasher.write(&[6]);
    hasher.write(&unscaled.to_le_bytes());
    hasher.write(&scale.to_le_bytes());
}

fn hash64(call: &Call<'_>) -> Result<ArrayRef> {
    let columns: Vec<Encoded> =
        (0..call.count()).map(|index| Ok(Encoded { column: call.column(index)? })).collect::<Result<_>>()?;
    call.build_int(|row| {
        let mut hasher = SipHasher24::new_with_keys(0, 0);
        for column in &columns {
            column.feed(row, &mut hasher)?;
        }
        Ok(Some(hasher.finish().cast_signed()))
    })
}
