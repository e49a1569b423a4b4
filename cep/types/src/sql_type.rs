//! The SQL name of a type, as users write it (R-EVT-2).

use arrow_schema::{DataType, Field};

/// The SQL name of the type of `field`, which tells JSON from STRING: `JSON`, `ARRAY<JSON>`,
/// `STRUCT<a BIGINT, b STRING>`, …
pub fn field_type_name(field: &Field) -> String {
    if is_json_field(field) { "JSON".to_owned() } else { sql_type_name(field.data_type()) }
}

/// Key and value of the metadata that tells JSON from other text.
const JSON_TAG: (&str, &str) = ("ceptra.type", "json");

/// Whether `field` is a JSON column: text that is valid JSON, tagged `ceptra.type = json`.
pub fn is_json_field(field: &Field) -> bool {
    field.metadata().get(JSON_TAG.0).is_some_and(|value| value == JSON_TAG.1)
}

/// `field`, tagged as JSON: what [`is_json_field`] looks for.
pub fn tag_json(mut field: Field) -> Field {
    let (key, value) = JSON_TAG;
    field.metadata_mut().insert(key.to_owned(), value.to_owned());
    field
}

/// The SQL name of `data_type`: `BIGINT`, `DECIMAL(10, 2)`, `ARRAY<STRING>`, … A type that only
/// functions return has the name of the type its values get in a stream (`UInt8` is `BIGINT`);
/// encodings of text and bytes are not told apart.
pub fn sql_type_name(data_type: &DataType) -> String {
    use DataType as T;
    let name = match data_type {
        T::Null => "NULL",
        T::Boolean => "BOOL",
        T::Int8 | T::Int16 | T::Int32 => "INT",
        T::Int64 | T::UInt8 | T::UInt16 | T::UInt32 | T::UInt64 => "BIGINT",
        T::Float16 | T::Float32 => "FLOAT",
        T::Float64 => "DOUBLE",
        T::Utf8 | T::LargeUtf8 | T::Utf8View => "STRING",
        T::Binary | T::LargeBinary | T::BinaryView | T::FixedSizeBinary(_) => "BYTES",
        T::Timestamp(_, _) | T::Date64 => "TIMESTAMP",
        T::Date32 => "DATE",
        T::Time32(_) | T::Time64(_) => "TIME",
        T::Interval(_) | T::Duration(_) => "INTERVAL",
        T::Decimal32(p, s) | T::Decimal64(p, s) | T::Decimal128(p, s) | T::Decimal256(p, s) => {
            return format!("DECIMAL({p}, {s})");
        }
        T::List(item)
        | T::LargeList(item)
        | T::FixedSizeList(item, _)
        | T::ListView(item)
        | T::LargeListView(item) => return format!("ARRAY<{}>", field_type_name(item)),
        T::Map(entries, _) => return map_name(entries.data_type()),
        T::Struct(fields) => {
            let inner: Vec<String> =
                fields.iter().map(|f| format!("{} {}", f.name(), field_type_name(f))).collect();
            return format!("STRUCT<{}>", inner.join(", "));
        }
        T::Union(_, _) => "UNION",
        T::Dictionary(_, value) => return sql_type_name(value),
        T::RunEndEncoded(_, value) => return sql_type_name(value.data_type()),
    };
    name.to_owned()
}

fn map_name(entries: &DataType) -> String {
    match entries {
        DataType::Struct(fields) if fields.len() == 2 => {
            format!("MAP<{}, {}>", field_type_name(&fields[0]), field_type_name(&fields[1]))
        }
        other => format!("MAP<{}>", sql_type_name(other)),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_schema::{Field, TimeUnit};

    use super::*;

    #[test]
    fn names_are_those_of_the_sql_dialect() {
        let list = DataType::List(Arc::new(Field::new("item", DataType::Utf8View, true)));
        let record = DataType::Struct(
            vec![Field::new("a", DataType::Int64, true), Field::new("b", list, true)].into(),
        );
        let cases = [
            (DataType::Int32, "INT"),
            (DataType::UInt8, "BIGINT"),
            (DataType::Decimal128(10, 2), "DECIMAL(10, 2)"),
            (DataType::Timestamp(TimeUnit::Nanosecond, Some("UTC".into())), "TIMESTAMP"),
            (record, "STRUCT<a BIGINT, b ARRAY<STRING>>"),
        ];
        for (data_type, name) in cases {
            assert_eq!(sql_type_name(&data_type), name);
        }
        let json = tag_json(Field::new("item", DataType::Utf8, true));
        assert_eq!(field_type_name(&json), "JSON");
        assert_eq!(sql_type_name(&DataType::List(Arc::new(json))), "ARRAY<JSON>");
    }
}
