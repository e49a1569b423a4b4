//! SQL names of Arrow types, and the function that tells them.

use std::sync::Arc;

use arrow_array::{ArrayRef, StringArray};
use arrow_schema::{DataType, Field};
use cep_types::options::type_name;
use datafusion_common::Result;

use super::adapted::own_type;
use super::call::Call;
use super::definition::{Definition, Param, Params, Returns};

/// The name under which a user declares `data_type` (R-EVT-2).
pub fn sql_type_name(data_type: &DataType) -> String {
    match data_type {
        DataType::Null => "NULL".into(),
        DataType::Dictionary(_, values) => sql_type_name(values),
        other => type_name(&Field::new("", own_type(other), true)),
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
        Some(field) if !field.data_type().is_null() => type_name(field),
        Some(_) | None => sql_type_name(call.type_of(0)?),
    };
    Ok(Arc::new(StringArray::from(vec![name; call.rows()])))
}
