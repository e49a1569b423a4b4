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

use arrow_schema::{Field, FieldRef};

use super::definition::Definition;

/// Arrow's own key and name of the canonical JSON extension type.
const EXTENSION_KEY: &str = "ARROW:extension:name";
const EXTENSION_NAME: &str = "arrow.json";

/// `field`, tagged as JSON.
pub(super) fn tag_json(mut field: Field) -> Field {
    field
        .metadata_mut()
        .insert(EXTENSION_KEY.into(), EXTENSION_NAME.into());
    field
}

/// A nullable JSON column: `Utf8` with Arrow's canonical extension name `arrow.json`.
pub fn json_field(name: &str) -> Field {
    tag_json(Field::new(name, arrow_schema::DataType::Utf8, true))
}

/// True when `field` carries the JSON tag.
pub fn is_json_field(field: &Field) -> bool {
    field
        .metadata()
        .get(EXTENSION_KEY)
        .is_some_and(|name| name == EXTENSION_NAME)
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
