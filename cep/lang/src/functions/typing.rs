//! The function that names the type of a value.

use std::sync::Arc;

use arrow_array::{ArrayRef, StringArray};
use arrow_schema::DataType;
use cep_types::sql_type::{field_type_name, sql_type_name};
use datafusion_common::Result;

use super::call::Call;
use super::definition::{Definition, Param, Params, Returns};

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
        Some(field) if !field.data_type().is_null() => field_type_name(field),
        Some(_) | None => sql_type_name(call.type_of(0)?),
    };
    Ok(Arc::new(StringArray::from(vec![name; call.rows()])))
}
