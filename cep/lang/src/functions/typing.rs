//! SQL names of Arrow types.

use std::sync::Arc;

use arrow_array::{ArrayRef, StringArray};
use arrow_schema::{DataType, IntervalUnit};
use datafusion_common::Result;

use super::call::Call;
use super::definition::{Definition, Param, Params, Returns};
use super::json::is_json_field;

/// The name under which a user declares `data_type` (R-EVT-2).
pub fn sql_type_name(data_type: &DataType) -> String {
    match data_type {
        DataType::Null => "NULL".into(),
        DataType::Boolean => "BOOL".into(),
        DataType::Int8 | DataType::Int16 | DataType::Int32 => "INT".into(),
        DataType::UInt8 | DataType::UInt16 => "INT".into(),
        DataType::Int64 | DataType::UInt32 | DataType::UInt64 => "BIGINT".into(),
        DataType::Float16 | DataType::Float32 => "FLOAT".into(),
        DataType::Float64 => "DOUBLE".into(),
        DataType::Decimal32(precision, scale)
        | DataType::Decimal64(precision, scale)
        | DataType::Decimal128(precision, scale)
        | DataType::Decimal256(precision, scale) => format!("DECIMAL({precision},{scale})"),
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => "STRING".into(),
        DataType::Binary
        | DataType::LargeBinary
        | DataType::BinaryView
        | DataType::FixedSizeBinary(_) => "BYTES".into(),
        DataType::Timestamp(_, None) => "TIMESTAMP".into(),
        DataType::Timestamp(_, Some(zone)) => format!("TIMESTAMP AT TIME ZONE '{zone}'"),
        DataType::Date32 | DataType::Date64 => "DATE".into(),
        DataType::Time32(_) | DataType::Time64(_) => "TIME".into(),
        DataType::Interval(
            IntervalUnit::YearMonth | IntervalUnit::DayTime | IntervalUnit::MonthDayNano,
        )
        | DataType::Duration(_) => "INTERVAL".into(),
        DataType::List(field)
        | DataType::LargeList(field)
        | DataType::ListView(field)
        | DataType::LargeListView(field)
        | DataType::FixedSizeList(field, _) => format!("ARRAY<{}>", sql_type_name(field.data_type())),
        DataType::Struct(fields) => {
            let members: Vec<String> = fields
                .iter()
                .map(|field| format!("{} {}", field.name(), sql_type_name(field.data_type())))
                .collect();
            format!("STRUCT<{}>", members.join(", "))
        }
        DataType::Map(entries, _) => match entries.data_type() {
            DataType::Struct(fields) if fields.len() == 2 => format!(
                "MAP<{}, {}>",
                sql_type_name(fields[0].data_type()),
                sql_type_name(fields[1].data_type())
            ),
            other => format!("MAP<{}>", sql_type_name(other)),
        },
        DataType::Dictionary(_, values) => sql_type_name(values),
        DataType::RunEndEncoded(_, values) => sql_type_name(values.data_type()),
        DataType::Union(_, _) => "UNION".into(),
    }
}

pub(super) fn functions() -> Vec<Definition> {
    vec![
        Definition::new(
            "typeof",
            "typeof(x)",
            "The SQL type of x, for example BIGINT or ARRAY<STRING>.",
            Params::exactly(&[Param::Any]),
            Returns::Type(DataType::Utf8),
            type_of,
        )
        .aliased(&["pg_typeof"]),
    ]
}

fn type_of(call: &Call<'_>) -> Result<ArrayRef> {
    let name = match call.field(0) {
        Some(field) if is_json_field(field) => "JSON".to_string(),
        Some(_) | None => sql_type_name(call.type_of(0)?),
    };
    Ok(Arc::new(StringArray::from(vec![name; call.rows()])))
}
