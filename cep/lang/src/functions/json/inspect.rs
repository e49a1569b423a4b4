//! Questions about a document: is it one, what is it, how long, which keys.

use std::sync::Arc;

use arrow_array::builder::{ListBuilder, StringBuilder};
use arrow_array::{ArrayRef, StringArray};
use arrow_schema::{DataType, Field};
use datafusion_common::Result;
use serde_json::value::RawValue;

use super::get::{Paths, check_path};
use super::seek::{is_valid, seek};
use crate::functions::call::{Call, Cells};
use crate::functions::definition::{Definition, Param, Params, Returns};

const WITH_PATH: Params = Params::with_optional(&[Param::Text], &[Param::Text]);

pub(super) fn functions() -> Vec<Definition> {
    vec![
        Definition::new(
            "json_valid",
            "json_valid(text)",
            "True when the text is well-formed JSON.",
            Params::exactly(&[Param::Text]),
            Returns::Type(DataType::Boolean),
            |call| {
                let text = call.text(0)?;
                call.build_bool(|row| Ok(text.at(row).map(is_valid)))
            },
        )
        .aliased(&["is_json", "isjson", "is_valid_json"]),
        Definition::new(
            "json_typeof",
            "json_typeof(j [, path])",
            "object, array, string, number, boolean or null.",
            WITH_PATH,
            Returns::Type(DataType::Utf8),
            |call| {
                let mut places = Places::of(call)?;
                call.build_text(|row| Ok(places.at(row)?.map(type_name)))
            },
        )
        .aliased(&["json_type"])
        .checked(check_path),
        Definition::new(
            "json_exists",
            "json_exists(j, path)",
            "True when the document has a value at the JSONPath, be it null.",
            Params::exactly(&[Param::Text, Param::Text]),
            Returns::Type(DataType::Boolean),
            |call| {
                let mut places = Places::of(call)?;
                call.build_bool(|row| {
                    Ok(if places.is_known(row) { Some(places.at(row)?.is_some()) } else { None })
                })
            },
        )
        .checked(check_path),
        Definition::new(
            "json_array_length",
            "json_array_length(j [, path])",
            "Number of elements of a JSON array; NULL when it is not one. BIGINT.",
            WITH_PATH,
            Returns::Type(DataType::Int64),
            |call| {
                let mut places = Places::of(call)?;
                call.build_int(|row| {
                    Ok(places.at(row)?.and_then(|text| {
                        let elements: Vec<&RawValue> = serde_json::from_str(text).ok()?;
                        i64::try_from(elements.len()).ok()
                    }))
                })
            },
        )
        .aliased(&["json_length"])
        .checked(check_path),
        Definition::new(
            "json_keys",
            "json_keys(j [, path])",
            "Keys of a JSON object in their order; NULL when it is not one. ARRAY<STRING>.",
            WITH_PATH,
            Returns::Of(|_| Ok(DataType::List(Arc::new(Field::new_list_field(DataType::Utf8, true))))),
            keys,
        )
        .aliased(&["json_object_keys"])
        .checked(check_path),
    ]
}

/// The places that a call with an optional JSONPath names, row by row.
struct Places<'a> {
    documents: Cells<&'a StringArray>,
    texts: Option<Cells<&'a StringArray>>,
    paths: Paths,
}

impl<'a> Places<'a> {
    fn of(call: &'a Call<'_>) -> Result<Self> {
        Ok(Self {
            documents: call.text(0)?,
            texts: if call.count() > 1 { Some(call.text(1)?) } else { None },
            paths: Paths::default(),
        })
    }

    /// Document and path of the row, unless one is NULL.
    fn arguments(&self, row: usize) -> Option<(&'a str, &'a str)> {
        let path = match &self.texts {
            Some(texts) => texts.at(row)?,
            None => "$",
        };
        Some((self.documents.at(row)?, path))
    }

    /// True when neither document nor path is NULL and the document is well-formed.
    fn is_known(&self, row: usize) -> bool {
        self.arguments(row).is_some_and(|(document, _)| is_valid(document))
    }

    /// The verbatim text at the place, if there is one.
    fn at(&mut self, row: usize) -> Result<Option<&'a str>> {
        let Some((document, path)) = self.arguments(row) else {
            return Ok(None);
        };
        Ok(seek(document, self.paths.get(path)?))
    }
}

/// The kind of a well-formed value, told by its first character.
fn type_name(json: &str) -> &'static str {
    match json.bytes().next() {
        Some(b'{') => "object",
        Some(b'[') => "array",
        Some(b'"') => "string",
        Some(b't' | b'f') => "boolean",
        Some(b'n') => "null",
        Some(_) | None => "number",
    }
}

fn keys(call: &Call<'_>) -> Result<ArrayRef> {
    let mut places = Places::of(call)?;
    let mut lists = ListBuilder::new(StringBuilder::new());
    for row in 0..call.rows() {
        let object = places
            .at(row)?
            .and_then(|text| serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(text).ok());
        match object {
            Some(object) => {
                for key in object.keys() {
                    lists.values().append_value(key);
                }
                lists.append(true);
            }
            None => lists.append_null(),
        }
    }
    Ok(Arc::new(lists.finish()))
}
