//! The JSON Schema of a bundle, from the table of keys.

use serde_json::{Map, Value as Json, json};

use super::check::option_names;
use super::keys::{Key, PHASE, PHASE_TYPES, PhaseType, ROOT, Shape, Value};

/// The JSON Schema (2020-12) of bundles, laid out for people.
pub fn json_schema() -> String {
    let mut schema = shape(&ROOT);
    if let Json::Object(object) = &mut schema {
        object.insert("$schema".to_owned(), json!("https://json-schema.org/draft/2020-12/schema"));
        object.insert("title".to_owned(), json!("CEPtra bundle"));
    }
    let mut text = serde_json::to_string_pretty(&schema).unwrap_or_default();
    text.push('\n');
    text
}

fn shape(of: &Shape) -> Json {
    let mut properties: Map<String, Json> =
        of.keys.iter().map(|key| (key.name.to_owned(), property(key))).collect();
    let mut out = Map::new();
    out.insert("type".to_owned(), json!("object"));
    out.insert("description".to_owned(), json!(of.doc));
    let required: Vec<&str> = of.keys.iter().filter(|key| key.required).map(|key| key.name).collect();
    if !required.is_empty() {
        out.insert("required".to_owned(), json!(required));
    }
    out.insert("additionalProperties".to_owned(), json!(false));
    if of.takes_options {
        add_options(&mut properties, &mut out);
    }
    out.insert("properties".to_owned(), Json::Object(properties));
    Json::Object(out)
}

/// The options of a stream: plain keys, and patterns for those with a column's name in them.
fn add_options(properties: &mut Map<String, Json>, out: &mut Map<String, Json>) {
    let mut patterns = Map::new();
    // The type of the phase says what these two would.
    for name in option_names().filter(|name| !["type", "extension"].contains(name)) {
        match name.split_once("<col>") {
            Some((before, after)) => {
                let pattern = format!("^{}.+{}$", before.replace('.', "\\."), after.replace('.', "\\."));
                patterns.insert(pattern, scalar());
            }
            None => {
                properties.entry(name.to_owned()).or_insert_with(scalar);
            }
        }
    }
    out.insert("patternProperties".to_owned(), Json::Object(patterns));
}

fn scalar() -> Json {
    json!({ "type": ["string", "number", "boolean"] })
}

fn property(key: &Key) -> Json {
    let mut out = value(key.value);
    if let Json::Object(object) = &mut out {
        object.insert("description".to_owned(), json!(key.doc));
    }
    out
}

fn value(of: Value) -> Json {
    match of {
        Value::Text => scalar(),
        Value::Name => json!({ "type": "string", "pattern": "^[A-Za-z_][A-Za-z0-9_]{0,63}$" }),
        Value::Whole(min, max) => json!({ "type": "integer", "minimum": min, "maximum": max }),
        Value::Duration => {
            json!({ "type": "string", "pattern": "^\\s*(0|(\\d+(\\.\\d+)?\\s*[A-Za-zµ]+\\s*)+)$" })
        }
        Value::Word(words) => json!({ "enum": words }),
        Value::Texts => json!({ "anyOf": [scalar(), { "type": "array", "items": scalar() }] }),
        Value::TextsOrMap => json!({ "anyOf": [
            scalar(),
            { "type": "array", "items": scalar() },
            { "type": "object", "additionalProperties": scalar() },
        ] }),
        Value::List(inner) => json!({ "type": "array", "items": value(*inner) }),
        Value::Map(inner) => json!({ "type": "object", "additionalProperties": value(*inner) }),
        Value::Shape(inner) => shape(inner),
        Value::Options => json!({ "type": "object", "additionalProperties": scalar() }),
        Value::Phase => json!({ "oneOf": PHASE_TYPES.iter().map(phase).collect::<Vec<Json>>() }),
    }
}

fn phase(of: &PhaseType) -> Json {
    let types: Vec<String> = match of.members {
        [] => vec![of.name.to_owned()],
        members => members.iter().map(|member| format!("{}.{member}", of.name)).collect(),
    };
    let mut required: Vec<&str> = PHASE.keys.iter().filter(|key| key.required).map(|key| key.name).collect();
    if of.options.keys.iter().any(|key| key.required) {
        required.push("options");
    }
    let mut properties: Map<String, Json> =
        PHASE.keys.iter().map(|key| (key.name.to_owned(), property(key))).collect();
    properties.insert("type".to_owned(), json!({ "enum": types }));
    properties.insert("options".to_owned(), shape(of.options));
    json!({
        "type": "object",
        "description": of.options.doc,
        "required": required,
        "additionalProperties": false,
        "properties": properties,
    })
}
