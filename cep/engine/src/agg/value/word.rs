//! Numbers of at most eight bytes as integers of the same order.

/// The type behind a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum WordKind {
    /// 0 and 1.
    Bool,
    /// Itself.
    I32,
    /// Itself.
    I64,
    /// Bits, with the order of negative numbers turned round.
    F32,
    /// Bits, with the order of negative numbers turned round.
    F64,
}

impl WordKind {
    /// Whether `word` is a value of this kind.
    pub fn holds(self, word: i64) -> bool {
        match self {
            WordKind::Bool => (0..=1).contains(&word),
            WordKind::I32 | WordKind::F32 => i32::try_from(word).is_ok(),
            WordKind::I64 | WordKind::F64 => true,
        }
    }
}

/// Calls `$each` with a function from row to canonical word, one copy of the code per type.
macro_rules! with_words {
    ($column:expr, $word:ident => $each:expr) => {
        match &$column.values {
            $crate::column::Values::Bool(v) => {
                let $word = |row: usize| i64::from(v[row]);
                $each
            }
            $crate::column::Values::I32(v) => {
                let v: &[i32] = v;
                let $word = |row: usize| i64::from(v[row]);
                $each
            }
            $crate::column::Values::I64(v) => {
                let v: &[i64] = v;
                let $word = |row: usize| v[row];
                $each
            }
            $crate::column::Values::F32(v) => {
                let v: &[f32] = v;
                let $word = |row: usize| $crate::agg::value::word::from_f32(v[row], true);
                $each
            }
            $crate::column::Values::F64(v) => {
                let v: &[f64] = v;
                let $word = |row: usize| $crate::agg::value::word::from_f64(v[row], true);
                $each
            }
            other => panic!("words of a {} column", other.kind_name()),
        }
    };
}
pub(crate) use with_words;

#[inline(always)]
pub(crate) fn from_f64(x: f64, key: bool) -> i64 {
    let x = if key { x + 0.0 } else { x };
    let bits = if x.is_nan() { f64::NAN.to_bits() & !(1 << 63) } else { x.to_bits() } as i64;
    bits ^ ((bits >> 63) as u64 >> 1) as i64
}

#[inline(always)]
pub(crate) fn to_f64(word: i64) -> f64 {
    f64::from_bits((word ^ ((word >> 63) as u64 >> 1) as i64) as u64)
}

#[inline(always)]
pub(crate) fn from_f32(x: f32, key: bool) -> i64 {
    let x = if key { x + 0.0 } else { x };
    let bits = if x.is_nan() { f32::NAN.to_bits() & !(1 << 31) } else { x.to_bits() } as i32;
    i64::from(bits ^ ((bits >> 31) as u32 >> 1) as i32)
}

#[inline(always)]
pub(crate) fn to_f32(word: i64) -> f32 {
    let bits = word as i32;
    f32::from_bits((bits ^ ((bits >> 31) as u32 >> 1) as i32) as u32)
}

pub(crate) fn bytes_of_i128(value: i128) -> [u8; 16] {
    ((value as u128) ^ (1 << 127)).to_be_bytes()
}

pub(crate) fn i128_of_bytes(bytes: &[u8]) -> i128 {
    let bytes: [u8; 16] = bytes.try_into().expect("a decimal has sixteen bytes");
    (u128::from_be_bytes(bytes) ^ (1 << 127)) as i128
}
