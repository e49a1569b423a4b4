//! A value of a parameter as SQL.

use arrow_array::cast::AsArray;
use arrow_array::types::{
    Date32Type, Decimal128Type, DecimalType, Float32Type, Float64Type, Int32Type, Int64Type,
    TimestampNanosecondType,
};
use arrow_array::{Array, ArrayRef};
use arrow_schema::{DataType, Field, TimeUnit};
use cep_types::sql_type::{field_type_name, is_json_field};
use chrono::{DateTime, NaiveDate, TimeDelta};

/// The first value of a column, as the parser reads it back.
///
/// # Errors
/// Why there is no text for it.
pub(super) fn literal(field: &Field, array: &ArrayRef) -> Result<String, String> {
    let type_name = field_type_name(field);
    let cast = |text: &str| format!("CAST({} AS {type_name})", quoted(text));
    if array.is_empty() {
        return Err("there is no row".into());
    }
    if array.is_null(0) {
        return Ok(format!("CAST(NULL AS {type_name})"));
    }
    Ok(match field.data_type() {
        DataType::Dictionary(_, values) => {
            let plain = arrow_select::take::take(
                array.as_any_dictionary().values(),
                &arrow_array::UInt32Array::from(vec![array.as_any_dictionary().normalized_keys()[0] as u32]),
                None,
            );
            let plain = plain.map_err(|error| error.to_string())?;
            let same = field.clone().with_data_type(values.as_ref().clone());
            return literal(&same, &plain);
        }
        DataType::Boolean => if array.as_boolean().value(0) { "TRUE" } else { "FALSE" }.to_owned(),
        DataType::Int32 => integer(i64::from(array.as_primitive::<Int32Type>().value(0)), cast),
        DataType::Int64 => integer(array.as_primitive::<Int64Type>().value(0), cast),
        DataType::Float32 => cast(&format!("{:?}", array.as_primitive::<Float32Type>().value(0))),
        DataType::Float64 => cast(&format!("{:?}", array.as_primitive::<Float64Type>().value(0))),
        DataType::Decimal128(precision, scale) => {
            let value = array.as_primitive::<Decimal128Type>().value(0);
            cast(&Decimal128Type::format_decimal(value, *precision, *scale))
        }
        DataType::Utf8 if is_json_field(field) => cast(array.as_string::<i32>().value(0)),
        DataType::Utf8 => quoted(array.as_string::<i32>().value(0)),
        DataType::Timestamp(TimeUnit::Nanosecond, None) => {
            let ns = array.as_primitive::<TimestampNanosecondType>().value(0);
            let time = DateTime::from_timestamp_nanos(ns).naive_utc();
            format!("TIMESTAMP '{}'", time.format("%Y-%m-%d %H:%M:%S%.9f"))
        }
        DataType::Date32 => {
            let days = i64::from(array.as_primitive::<Date32Type>().value(0));
            let date =
                TimeDelta::try_days(days).and_then(|days| NaiveDate::default().checked_add_signed(days));
            format!("DATE '{}'", date.ok_or("the date is out of range")?)
        }
        _ => return Err(format!("{type_name} is no type of a parameter; cast another one in the query")),
    })
}

/// A number that may stand where only digits do, as behind LIMIT.
fn integer(value: i64, cast: impl Fn(&str) -> String) -> String {
    if value >= 0 { value.to_string() } else { cast(&value.to_string()) }
}

/// A string; `$` is doubled, as strings may have variables in them.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''").replace('$', "$$"))
}
