//! JSON in text (R-EVT-2: the type JSON is tagged `Utf8`).
//!
//! The `json_get` family reads one place of a document. A document that is not well-formed, a place
//! that is not there and a JSON null all give SQL NULL; none is an error. `json_valid` tells them
//! apart. When an object names a key twice the last one counts. Numbers and texts inside a JSON
//! result are verbatim. Documents nest to at most 128 levels.

mod build;
mod contain;
mod convert;
mod get;
mod inspect;
mod path;
mod seek;

use arrow_schema::{DataType, Field, FieldRef};
pub(super) use cep_types::sql_type::{is_json_field, tag_json};

use super::definition::Definition;

/// A nullable JSON column.
pub fn json_field(name: &str) -> Field {
    tag_json(Field::new(name, DataType::Utf8, true))
}

fn is_json(field: Option<&FieldRef>) -> bool {
    field.is_some_and(|field| is_json_field(field))
}

pub(super) fn functions() -> Vec<Definition> {
    let mut functions = get::functions();
    functions.extend(inspect::functions());
    functions.extend(contain::functions());
    functions.extend(build::functions());
    functions
}
