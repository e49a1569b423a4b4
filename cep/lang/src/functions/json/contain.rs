//! `json_contains`: PostgreSQL's `@>`.

use arrow_schema::DataType;
use serde_json::{Number, Value};

use crate::functions::definition::{Definition, Param, Params, Returns};

pub(super) fn functions() -> Vec<Definition> {
    vec![Definition::new(
        "json_contains",
        "json_contains(j, part)",
        "True when every member and element of `part` is in j at the same place, arrays as sets: j @> part. NULL when one of them is not JSON.",
        Params::exactly(&[Param::Text, Param::Text]),
        Returns::Type(DataType::Boolean),
        |call| {
            let (whole, part) = (call.text(0)?, call.text(1)?);
            let fixed: Option<Option<Value>> =
                part.constant().map(|text| text.and_then(|text| serde_json::from_str(text).ok()));
            call.build_bool(|row| {
                let parsed;
                let part = match &fixed {
                    Some(part) => part.as_ref(),
                    None => {
                        parsed = part.at(row).and_then(|text| serde_json::from_str::<Value>(text).ok());
                        parsed.as_ref()
                    }
                };
                let whole: Option<Value> = whole.at(row).and_then(|text| serde_json::from_str(text).ok());
                Ok(whole.zip(part).map(|(whole, part)| {
                    // A bare value is also contained in an array, at the top only.
                    let bare_in_array = whole
                        .as_array()
                        .is_some_and(|elements| is_bare(part) && elements.iter().any(|e| contains(e, part)));
                    bare_in_array || contains(&whole, part)
                }))
            })
        },
    )]
}

fn is_bare(value: &Value) -> bool {
    !matches!(value, Value::Array(_) | Value::Object(_))
}

fn contains(whole: &Value, part: &Value) -> bool {
    match (whole, part) {
        (Value::Object(whole), Value::Object(part)) => {
            part.iter().all(|(key, part)| whole.get(key).is_some_and(|whole| contains(whole, part)))
        }
        (Value::Array(whole), Value::Array(part)) => {
            part.iter().all(|part| whole.iter().any(|whole| contains(whole, part)))
        }
        (Value::Number(a), Value::Number(b)) => same_number(a, b),
        (Value::Null, Value::Null) => true,
        (Value::Bool(a), Value::Bool(b)) => a == b,
        (Value::String(a), Value::String(b)) => a == b,
        _ => false,
    }
}

/// 1 and 1.0 are one number.
fn same_number(a: &Number, b: &Number) -> bool {
    match (a.as_i64(), b.as_i64()) {
        (Some(a), Some(b)) => a == b,
        _ => match (a.as_u64(), b.as_u64()) {
            (Some(a), Some(b)) => a == b,
            _ => a.as_f64() == b.as_f64(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn containment_as_postgresql_documents_it() {
        let yes = [
            (json!([1, 2, 3]), json!([1, 3])),
            (json!([1, 2, 3]), json!([3, 1, 3])),
            (json!({"a": 1, "b": {"c": [1, 2]}}), json!({"b": {"c": [2]}})),
            (json!({"a": 1.0}), json!({"a": 1})),
            (json!("foo"), json!("foo")),
            (json!([{"a": 1, "b": 2}]), json!([{"a": 1}])),
            (json!({}), json!({})),
        ];
        for (whole, part) in yes {
            assert!(contains(&whole, &part), "{whole} @> {part}");
        }
        let no = [
            (json!([1, 2, [1, 3]]), json!([1, 3])),
            (json!({"a": {"b": 1}}), json!({"b": 1})),
            (json!({"a": null}), json!({"a": false})),
            (json!("1"), json!(1)),
            (json!([]), json!([1])),
            (json!({"a": 1}), json!([1])),
        ];
        for (whole, part) in no {
            assert!(!contains(&whole, &part), "{whole} @> {part}");
        }
    }
}
