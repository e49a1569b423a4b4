//! Types of columns in CEL, and of CEL in columns.

use std::sync::Arc;

use arrow_schema::DataType;

use crate::bundle::columns::TIMESTAMP;
use crate::cel::{Record, Type};

/// What a column is in CEL; `None`: rules do not read such columns.
pub(crate) fn cel_type(data_type: &DataType) -> Option<Type> {
    Some(match data_type {
        DataType::Boolean => Type::Bool,
        DataType::Int32 | DataType::Int64 => Type::Int,
        DataType::Float32 | DataType::Float64 => Type::Double,
        DataType::Utf8 => Type::String,
        DataType::Binary => Type::Bytes,
        DataType::Timestamp(_, None) => Type::Timestamp,
        _ => return None,
    })
}

/// The column that takes a value of CEL as it is; `None`: it is written as JSON.
pub(crate) fn column_type(ty: &Type) -> Option<DataType> {
    Some(match ty {
        Type::Bool => DataType::Boolean,
        Type::Int => DataType::Int64,
        Type::Double => DataType::Float64,
        Type::String => DataType::Utf8,
        Type::Bytes => DataType::Binary,
        Type::Timestamp => TIMESTAMP,
        _ => return None,
    })
}

/// `payload` with these fields.
pub(crate) fn payload_type(fields: Vec<(String, Type)>) -> Type {
    Type::Record(Arc::new(Record { name: "payload".to_owned(), fields }))
}
