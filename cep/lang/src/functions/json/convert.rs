//! Arrow values as JSON text.

use std::fmt::Write;

use arrow_array::cast::AsArray;
use arrow_array::timezone::Tz;
use arrow_array::types::{
    ArrowTimestampType, Float32Type, Float64Type, TimestampMicrosecondType, TimestampMillisecondType,
    TimestampNanosecondType, TimestampSecondType,
};
use arrow_array::{Array, ArrayRef};
use arrow_cast::display::{ArrayFormatter, FormatOptions};
use arrow_schema::{DataType, TimeUnit};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, SecondsFormat, TimeZone, Utc};
use datafusion_common::{Result, exec_err};

use super::is_json_field;
use super::seek::is_valid;

/// Appends the value at `row` to `json`; NULL is `null`.
///
/// `tagged` says that the column holds JSON: a well-formed text goes in as it is, a malformed one
/// as a string.
pub(super) fn write_value(column: &ArrayRef, row: usize, tagged: bool, json: &mut String) -> Result<()> {
    if column.data_type().is_null() || column.is_null(row) {
        json.push_str("null");
        return Ok(());
    }
    match column.data_type() {
        DataType::Boolean => json.push_str(if column.as_boolean().value(row) { "true" } else { "false" }),
        DataType::Float32 => {
            let value = column.as_primitive::<Float32Type>().value(row);
            write_float(value.is_finite(), value.into(), json, &value);
        }
        DataType::Float64 => {
            let value = column.as_primitive::<Float64Type>().value(row);
            write_float(value.is_finite(), value, json, &value);
        }
        DataType::Utf8 => write_json_or_text(column.as_string::<i32>().value(row), tagged, json),
        DataType::LargeUtf8 => {
            write_json_or_text(column.as_string::<i64>().value(row), tagged, json);
        }
        DataType::Utf8View => write_json_or_text(column.as_string_view().value(row), tagged, json),
        DataType::Binary => write_text(&STANDARD.encode(column.as_binary::<i32>().value(row)), json),
        DataType::Timestamp(unit, zone) => {
            write_timestamp(column, row, *unit, zone.as_deref(), json)?;
        }
        DataType::List(field) => {
            let tagged = is_json_field(field);
            write_array(&column.as_list::<i32>().value(row), tagged, json)?;
        }
        DataType::LargeList(field) => {
            let tagged = is_json_field(field);
            write_array(&column.as_list::<i64>().value(row), tagged, json)?;
        }
        DataType::FixedSizeList(field, _) => {
            let tagged = is_json_field(field);
            write_array(&column.as_fixed_size_list().value(row), tagged, json)?;
        }
        DataType::Struct(fields) => {
            json.push('{');
            for (index, (field, member)) in fields.iter().zip(column.as_struct().columns()).enumerate() {
                if index > 0 {
                    json.push(',');
                }
                write_text(field.name(), json);
                json.push(':');
                write_value(member, row, is_json_field(field), json)?;
            }
            json.push('}');
        }
        DataType::Map(_, _) => write_map(column, row, json)?,
        DataType::Dictionary(_, _) => {
            let values = arrow_cast::cast(column, &dictionary_values(column.data_type()))?;
            write_value(&values, row, tagged, json)?;
        }
        data_type if data_type.is_numeric() => display(column, row, json)?,
        DataType::Date32
        | DataType::Date64
        | DataType::Time32(_)
        | DataType::Time64(_)
        | DataType::Interval(_)
        | DataType::Duration(_) => {
            let mut text = String::new();
            display(column, row, &mut text)?;
            write_text(&text, json);
        }
        other => return exec_err!("{other} has no form in JSON"),
    }
    Ok(())
}

fn dictionary_values(data_type: &DataType) -> DataType {
    match data_type {
        DataType::Dictionary(_, values) => values.as_ref().clone(),
        other => other.clone(),
    }
}

/// A JSON string with its quotes and escapes.
pub(super) fn write_text(text: &str, json: &mut String) {
    json.push('"');
    for c in text.chars() {
        match c {
            '"' => json.push_str("\\\""),
            '\\' => json.push_str("\\\\"),
            '\n' => json.push_str("\\n"),
            '\r' => json.push_str("\\r"),
            '\t' => json.push_str("\\t"),
            c if c < ' ' => {
                let _ = write!(json, "\\u{:04x}", u32::from(c));
            }
            c => json.push(c),
        }
    }
    json.push('"');
}

fn write_json_or_text(text: &str, tagged: bool, json: &mut String) {
    if tagged && is_valid(text) {
        json.push_str(text);
    } else {
        write_text(text, json);
    }
}

/// The shortest digits that read back as the same float, or a string for what is not a number.
fn write_float(is_finite: bool, value: f64, json: &mut String, shortest: &dyn std::fmt::Debug) {
    if is_finite {
        let _ = write!(json, "{shortest:?}");
    } else if value.is_nan() {
        json.push_str("\"NaN\"");
    } else if value > 0.0 {
        json.push_str("\"Infinity\"");
    } else {
        json.push_str("\"-Infinity\"");
    }
}

fn display(column: &ArrayRef, row: usize, out: &mut String) -> Result<()> {
    let formatter = ArrayFormatter::try_new(column, &FormatOptions::default())?;
    formatter.value(row).write(out)?;
    Ok(())
}

fn write_array(elements: &ArrayRef, tagged: bool, json: &mut String) -> Result<()> {
    json.push('[');
    for row in 0..elements.len() {
        if row > 0 {
            json.push(',');
        }
        write_value(elements, row, tagged, json)?;
    }
    json.push(']');
    Ok(())
}

fn write_map(column: &ArrayRef, row: usize, json: &mut String) -> Result<()> {
    let map = column.as_map();
    let entries = map.value(row);
    let (keys, values) = (entries.column(0), entries.column(1));
    let tagged = entries.fields().get(1).is_some_and(|f| is_json_field(f));
    json.push('{');
    for entry in 0..entries.len() {
        if entry > 0 {
            json.push(',');
        }
        let mut key = String::new();
        display(keys, entry, &mut key)?;
        write_text(&key, json);
        json.push(':');
        write_value(values, entry, tagged, json)?;
    }
    json.push('}');
    Ok(())
}

/// RFC 3339 with as many digits as the time has, `Z` for UTC.
fn write_timestamp(
    column: &ArrayRef,
    row: usize,
    unit: TimeUnit,
    zone: Option<&str>,
    json: &mut String,
) -> Result<()> {
    let instant = match unit {
        TimeUnit::Second => instant::<TimestampSecondType>(column, row),
        TimeUnit::Millisecond => instant::<TimestampMillisecondType>(column, row),
        TimeUnit::Microsecond => instant::<TimestampMicrosecondType>(column, row),
        TimeUnit::Nanosecond => instant::<TimestampNanosecondType>(column, row),
    };
    let Some(instant) = instant else {
        return exec_err!("a timestamp is outside the years that have a form in RFC 3339");
    };
    let text = match zone {
        None => instant.to_rfc3339_opts(SecondsFormat::AutoSi, true),
        Some(zone) => {
            let zone: Tz = zone.parse()?;
            zone.from_utc_datetime(&instant.naive_utc()).to_rfc3339_opts(SecondsFormat::AutoSi, true)
        }
    };
    write_text(&text, json);
    Ok(())
}

fn instant<T: ArrowTimestampType>(column: &ArrayRef, row: usize) -> Option<DateTime<Utc>> {
    let value = column.as_primitive::<T>().value(row);
    arrow_array::temporal_conversions::as_datetime::<T>(value).map(|clock| clock.and_utc())
}
