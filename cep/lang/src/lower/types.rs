//! The types a column may have, and which casts are silent.

use std::sync::Arc;

use arrow_schema::{DataType, FieldRef, Fields, IntervalUnit, TimeUnit};
use datafusion_expr::type_coercion::binary::type_union_coercion;

pub(crate) use cep_types::sql_type::{field_type_name, is_json_field, sql_type_name as type_name, tag_json};

/// TIMESTAMP: UTC, nanoseconds.
pub(crate) const TIMESTAMP: DataType = DataType::Timestamp(TimeUnit::Nanosecond, None);

/// Digits that hold every INT and every BIGINT.
const INT_DIGITS: u8 = 10;
const BIGINT_DIGITS: u8 = 19;

/// The type of R-EVT-2 that a column of type `data_type` gets.
pub(crate) fn column_type(data_type: &DataType) -> DataType {
    match data_type {
        DataType::Null | DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => DataType::Utf8,
        DataType::Boolean => DataType::Boolean,
        DataType::Int8 | DataType::Int16 | DataType::Int32 | DataType::UInt8 | DataType::UInt16 => {
            DataType::Int32
        }
        DataType::Int64 | DataType::UInt32 | DataType::UInt64 => DataType::Int64,
        DataType::Float16 | DataType::Float32 => DataType::Float32,
        DataType::Float64 => DataType::Float64,
        DataType::Decimal32(p, s) | DataType::Decimal64(p, s) | DataType::Decimal128(p, s) => {
            DataType::Decimal128(*p, *s)
        }
        DataType::Decimal256(p, s) => DataType::Decimal128((*p).min(38), (*s).min(38)),
        DataType::Binary | DataType::LargeBinary | DataType::BinaryView | DataType::FixedSizeBinary(_) => {
            DataType::Binary
        }
        DataType::Timestamp(_, _) => TIMESTAMP,
        DataType::Date32 | DataType::Date64 => DataType::Date32,
        DataType::Time32(_) | DataType::Time64(_) => DataType::Time64(TimeUnit::Nanosecond),
        DataType::Interval(_) | DataType::Duration(_) => DataType::Interval(IntervalUnit::MonthDayNano),
        DataType::List(item)
        | DataType::LargeList(item)
        | DataType::FixedSizeList(item, _)
        | DataType::ListView(item)
        | DataType::LargeListView(item) => DataType::List(column_field(item)),
        DataType::Struct(fields) => DataType::Struct(fields.iter().map(column_field).collect()),
        DataType::Map(entries, _) => DataType::Map(map_entries(entries), false),
        DataType::Dictionary(_, values) => column_type(values),
        DataType::RunEndEncoded(_, values) => column_type(values.data_type()),
        DataType::Union(_, _) => data_type.clone(),
    }
}

fn column_field(field: &FieldRef) -> FieldRef {
    let data_type = column_type(field.data_type());
    if data_type == *field.data_type() {
        Arc::clone(field)
    } else {
        Arc::new(field.as_ref().clone().with_data_type(data_type))
    }
}

fn map_entries(entries: &FieldRef) -> FieldRef {
    match entries.data_type() {
        DataType::Struct(fields) => {
            let fields: Fields = fields.iter().map(column_field).collect();
            Arc::new(entries.as_ref().clone().with_data_type(DataType::Struct(fields)))
        }
        _not_a_map => Arc::clone(entries),
    }
}

/// Whether every value of `from` is one of `to` (integers may become DOUBLE, as SQL has it), so
/// that an INSERT converts without being asked.
pub(crate) fn widens(from: &DataType, to: &DataType) -> bool {
    if from == to {
        return true;
    }
    match (from, to) {
        (DataType::Null, _) => true,
        (DataType::Int32, DataType::Int64 | DataType::Float32 | DataType::Float64) => true,
        (DataType::Int64, DataType::Float64) => true,
        (DataType::Int32, DataType::Decimal128(p, s)) => digits_fit(INT_DIGITS, *p, *s),
        (DataType::Int64, DataType::Decimal128(p, s)) => digits_fit(BIGINT_DIGITS, *p, *s),
        (DataType::Float32, DataType::Float64) => true,
        (DataType::Decimal128(_, _), DataType::Float64) => true,
        (DataType::Decimal128(p, s), DataType::Decimal128(q, t)) => {
            t >= s && i16::from(*q) - i16::from(*t) >= i16::from(*p) - i16::from(*s)
        }
        (DataType::Date32, DataType::Timestamp(_, None)) => true,
        (DataType::List(a), DataType::List(b)) => widens(a.data_type(), b.data_type()),
        (DataType::Struct(a), DataType::Struct(b)) => {
            a.len() == b.len()
                && a.iter().zip(b).all(|(a, b)| a.name() == b.name() && widens(a.data_type(), b.data_type()))
        }
        (DataType::Map(a, _), DataType::Map(b, _)) => widens(a.data_type(), b.data_type()),
        _ => false,
    }
}

fn digits_fit(digits: u8, precision: u8, scale: i8) -> bool {
    i16::from(precision) - i16::from(scale) >= i16::from(digits)
}

/// The type both sides of a UNION ALL become; `None` when they have none in common.
pub(crate) fn common_type(a: &DataType, b: &DataType) -> Option<DataType> {
    if widens(a, b) {
        return Some(b.clone());
    }
    if widens(b, a) {
        return Some(a.clone());
    }
    let number = |t: &DataType| t.is_numeric();
    if number(a) && number(b) {
        return type_union_coercion(a, b).map(|t| column_type(&t));
    }
    None
}

#[cfg(test)]
mod tests {
    use arrow_schema::Field;

    use super::*;

    #[test]
    fn only_casts_that_lose_nothing_are_silent() {
        let decimal = DataType::Decimal128;
        assert!(widens(&DataType::Int32, &DataType::Int64));
        assert!(!widens(&DataType::Int64, &DataType::Int32));
        assert!(widens(&DataType::Int32, &decimal(12, 2)));
        assert!(!widens(&DataType::Int32, &decimal(11, 2)));
        assert!(widens(&decimal(10, 2), &decimal(12, 4)));
        assert!(!widens(&decimal(10, 2), &decimal(11, 4)));
        assert!(!widens(&DataType::Utf8, &DataType::Int64));
        assert!(!widens(&DataType::Float64, &DataType::Float32));
    }

    #[test]
    fn a_union_of_numbers_has_a_common_type_and_of_text_and_numbers_none() {
        assert_eq!(common_type(&DataType::Int32, &DataType::Float64), Some(DataType::Float64));
        assert_eq!(
            common_type(&DataType::Decimal128(10, 2), &DataType::Decimal128(12, 6)),
            Some(DataType::Decimal128(14, 6))
        );
        assert_eq!(common_type(&DataType::Int64, &DataType::Utf8), None);
        assert_eq!(common_type(&DataType::Null, &DataType::Utf8), Some(DataType::Utf8));
    }

    #[test]
    fn columns_have_only_the_types_of_the_dialect() {
        let duration = DataType::Duration(TimeUnit::Nanosecond);
        assert_eq!(column_type(&duration), DataType::Interval(IntervalUnit::MonthDayNano));
        assert_eq!(column_type(&DataType::UInt64), DataType::Int64);
        let zoned = DataType::Timestamp(TimeUnit::Second, Some("Europe/Berlin".into()));
        assert_eq!(column_type(&zoned), TIMESTAMP);
        let list = DataType::LargeList(Arc::new(Field::new("item", DataType::Utf8View, true)));
        let expected = DataType::List(Arc::new(Field::new("item", DataType::Utf8, true)));
        assert_eq!(column_type(&list), expected);
    }
}
