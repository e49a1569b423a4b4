//! Arrow types and the frame's type tags, one to one.

use std::sync::Arc;

use arrow_schema::{DataType, Field, IntervalUnit, TimeUnit};

use crate::frame::generated::TypeTag;
use crate::sql_type::{is_json_field, tag_json};

/// The scalar type of a column, or the outermost one of a nested column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Kind {
    /// The tag.
    pub(super) tag: TypeTag,
    /// Digits in all, of DECIMAL; else 0.
    pub(super) precision: u8,
    /// Digits after the point, of DECIMAL; else 0.
    pub(super) scale: i8,
}

impl Kind {
    /// The kind of `field`, dictionaries counting as their values; `None` for a type that is none
    /// of R-EVT-2's.
    pub(super) fn of(field: &Field) -> Option<Self> {
        let data_type = match field.data_type() {
            DataType::Dictionary(_, values) => values,
            plain => plain,
        };
        let tag = match data_type {
            DataType::Boolean => TypeTag::Bool,
            DataType::Int32 => TypeTag::Int,
            DataType::Int64 => TypeTag::BigInt,
            DataType::Float32 => TypeTag::Float,
            DataType::Float64 => TypeTag::Double,
            DataType::Decimal128(precision, scale) => {
                let kind = Kind { tag: TypeTag::Decimal, precision: *precision, scale: *scale };
                return kind.decimal_type().map(|_| kind);
            }
            DataType::Utf8 if is_json_field(field) => TypeTag::Json,
            DataType::Utf8 => TypeTag::String,
            DataType::Binary => TypeTag::Bytes,
            DataType::Timestamp(TimeUnit::Nanosecond, None) => TypeTag::Timestamp,
            DataType::Date32 => TypeTag::Date,
            DataType::Time64(TimeUnit::Nanosecond) => TypeTag::Time,
            DataType::Interval(IntervalUnit::MonthDayNano) => TypeTag::Interval,
            DataType::List(_) => TypeTag::Array,
            DataType::Map(_, false) => TypeTag::Map,
            DataType::Struct(fields) if !fields.is_empty() => TypeTag::Struct,
            _ => return None,
        };
        Some(Self::plain(tag))
    }

    /// A kind without parameters.
    pub(super) fn plain(tag: TypeTag) -> Self {
        Kind { tag, precision: 0, scale: 0 }
    }

    /// The Arrow type of a DECIMAL whose parameters are in range (1 ≤ precision ≤ 38,
    /// 0 ≤ scale ≤ precision).
    pub(super) fn decimal_type(self) -> Option<DataType> {
        let scale = u8::try_from(self.scale).ok()?;
        let good = (1..=38).contains(&self.precision) && scale <= self.precision;
        good.then_some(DataType::Decimal128(self.precision, self.scale))
    }

    /// Whether only DECIMAL has parameters.
    pub(super) fn parameters_fit(self) -> bool {
        if self.tag == TypeTag::Decimal {
            self.decimal_type().is_some()
        } else {
            self.precision == 0 && self.scale == 0
        }
    }

    /// Whether values of this kind may be dictionary encoded.
    pub(super) fn may_be_dictionary(self) -> bool {
        matches!(self.tag, TypeTag::String | TypeTag::Bytes | TypeTag::Json)
    }
}

/// Number of the type of `field` in event frames, as `docs/formats.md` lists it; `None` for a type
/// that is none of R-EVT-2's.
pub fn type_number(field: &Field) -> Option<u8> {
    Kind::of(field).map(|kind| kind.tag.0)
}

/// A nullable field without a name of its own, as the frame describes it.
pub(super) fn field(kind: Kind, name: &str, data_type: DataType) -> Field {
    let field = Field::new(name, data_type, true);
    if kind.tag == TypeTag::Json { tag_json(field) } else { field }
}

/// The Arrow type of a dictionary of `values`.
pub(super) fn dictionary_type(values: DataType) -> DataType {
    DataType::Dictionary(Box::new(DataType::Int32), Box::new(values))
}

/// The Arrow type of a map with the given key and value fields.
pub(super) fn map_entries(key: Field, value: Field) -> Arc<Field> {
    let key = key.with_nullable(false);
    let entries = DataType::Struct(vec![key, value].into());
    Arc::new(Field::new("entries", entries, false))
}
