//! Bits of a BIGINT in two's complement. Bit 0 is the least significant.

use arrow_array::ArrayRef;
use arrow_schema::DataType;
use datafusion_common::{Result, exec_err};

use super::call::Call;
use super::definition::{Definition, Param, Params, Returns};

/// A [`Definition`] over two BIGINTs from a closure.
macro_rules! binary {
    ($name:literal, $syntax:literal, $doc:literal, $of:expr) => {
        Definition::new(
            $name,
            $syntax,
            $doc,
            Params::exactly(&[Param::Int, Param::Int]),
            Returns::Type(DataType::Int64),
            |call| over_two(call, $of),
        )
    };
}

pub(super) fn functions() -> Vec<Definition> {
    vec![
        Definition::new(
            "bit_count",
            "bit_count(n)",
            "Number of one bits of n.",
            Params::exactly(&[Param::Int]),
            Returns::Type(DataType::Int64),
            |call| {
                let n = call.ints(0)?;
                call.build_int(|row| Ok(n.at(row).map(|n| i64::from(n.count_ones()))))
            },
        )
        .aliased(&["popcount"]),
        Definition::new(
            "bitnot",
            "bitnot(n)",
            "n with every bit inverted.",
            Params::exactly(&[Param::Int]),
            Returns::Type(DataType::Int64),
            |call| {
                let n = call.ints(0)?;
                call.build_int(|row| Ok(n.at(row).map(|n| !n)))
            },
        )
        .aliased(&["bit_not"]),
        binary!("bitand", "bitand(a, b)", "Bitwise AND: a & b.", |a, b| Ok(a & b)),
        binary!("bitor", "bitor(a, b)", "Bitwise OR: a | b.", |a, b| Ok(a | b)),
        binary!("bitxor", "bitxor(a, b)", "Bitwise exclusive OR.", |a, b| Ok(a ^ b)),
        binary!(
            "shift_left",
            "shift_left(n, count)",
            "n shifted left by 0 to 63 bits; bits shifted out are lost.",
            |n, count| Ok(n << bit_index(count)?)
        )
        .aliased(&["shiftleft", "bit_shift_left"]),
        binary!(
            "shift_right",
            "shift_right(n, count)",
            "n shifted right by 0 to 63 bits, keeping its sign.",
            |n, count| Ok(n >> bit_index(count)?)
        )
        .aliased(&["shiftright", "bit_shift_right"]),
        binary!("get_bit", "get_bit(n, index)", "Bit `index` (0 to 63) of n, 0 or 1.", |n, index| Ok((n
            >> bit_index(index)?)
            & 1)),
        Definition::new(
            "set_bit",
            "set_bit(n, index, bit)",
            "n with bit `index` (0 to 63) set to `bit` (0 or 1).",
            Params::exactly(&[Param::Int, Param::Int, Param::Int]),
            Returns::Type(DataType::Int64),
            set_bit,
        ),
    ]
}

fn bit_index(index: i64) -> Result<u32> {
    match u32::try_from(index) {
        Ok(index) if index < 64 => Ok(index),
        Ok(_) | Err(_) => exec_err!("a BIGINT has bits 0 to 63, not {index}"),
    }
}

fn over_two(call: &Call<'_>, of: impl Fn(i64, i64) -> Result<i64>) -> Result<ArrayRef> {
    let (a, b) = (call.ints(0)?, call.ints(1)?);
    call.build_int(|row| match (a.at(row), b.at(row)) {
        (Some(a), Some(b)) => of(a, b).map(Some),
        _ => Ok(None),
    })
}

fn set_bit(call: &Call<'_>) -> Result<ArrayRef> {
    let (n, index, bit) = (call.ints(0)?, call.ints(1)?, call.ints(2)?);
    call.build_int(|row| {
        let (Some(n), Some(index), Some(bit)) = (n.at(row), index.at(row), bit.at(row)) else {
            return Ok(None);
        };
        let mask = 1_i64 << bit_index(index)?;
        match bit {
            0 => Ok(Some(n & !mask)),
            1 => Ok(Some(n | mask)),
            other => exec_err!("a bit is 0 or 1, not {other}"),
        }
    })
}
