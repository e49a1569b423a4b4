//! The SQL name of a type, as users write it (R-EVT-2).

use arrow_schema::DataType;

/// The SQL name of `data_type`: `BIGINT`, `DECIMAL(10, 2)`, `ARRAY<STRING>`, … Types that only
/// functions return get the name a user would expect (`Int16` is `SMALLINT`, `UInt64` is `BIGINT
/// UNSIGNED`); encodings of text and bytes are not told apart.
pub fn sql_type_name(data_type: &DataType) -> String {
    use DataType as T;
    let name = match data_type {
        T::Null => "NULL",
        T::Boolean => "BOOL",
        T::Int8 => "TINYINT",
        T::Int16 => "SMALLINT",
        T::Int32 => "INT",
        T::Int64 => "BIGINT",
        T::UInt8 => "TINYINT UNSIGNED",
        T::UInt16 => "SMALLINT UNSIGNED",
        T::UInt32 => "INT UNSIGNED",
        T::UInt64 => "BIGINT UNSIGNED",
        T::Float16 => "HALF FLOAT",
        T::Float32 => "FLOAT",
        T::Float64 => "DOUBLE",
        T::Utf8 | T::LargeUtf8 | T::Utf8View => "STRING",
        T::Binary | T::LargeBinary | T::BinaryView | T::FixedSizeBinary(_) => "BYTES",
        T::Timestamp(_, _) => "TIMESTAMP",
        T::Date32 | T::Date64 => "DATE",
        T::Time32(_) | T::Time64(_) => "TIME",
        T::Interval(_) | T::Duration(_) => "INTERVAL",
        T::Decimal32(p, s) | T::Decimal64(p, s) | T::Decimal128(p, s) | T::Decimal256(p, s) => {
            return format!("DECIMAL({p}, {s})");
        }
        T::List(item)
        | T::LargeList(item)
        | T::FixedSizeList(item, _)
        | T::ListView(item)
        | T::LargeListView(item) => return format!("ARRAY<{}>", sql_type_name(item.data_type())),
        T::Map(entries, _) => return map_name(entries.data_type()),
        T::Struct(fields) => {
            let inner: Vec<String> =
                fields.iter().map(|f| format!("{} {}", f.name(), sql_type_name(f.data_type()))).collect();
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
            format!("MAP<{}, {}>", sql_type_name(fields[0].data_type()), sql_type_name(fields[1].data_type()))
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
            (DataType::Decimal128(10, 2), "DECIMAL(10, 2)"),
            (DataType::Timestamp(TimeUnit::Nanosecond, Some("UTC".into())), "TIMESTAMP"),
            (record, "STRUCT<a BIGINT, b ARRAY<STRING>>"),
        ];
        for (data_type, name) in cases {
            assert_eq!(sql_type_name(&data_type), name);
        }
    }
}
