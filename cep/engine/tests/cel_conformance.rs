//! The published cases of the CEL specification (`cel/README.md`), but for the files about protobuf messages.
//!
//! Which cases do not pass is written down in `cel/not_passed.txt`, with the reason; `UPDATE_EXPECT=1` renews it.

use std::collections::BTreeMap;

use base64::Engine as _;
use cep_engine::cel::{Compiled, Map, Value};
use cep_lang::cel::{Declared, Scope, Type, check, check_leniently};
use expect_test::expect_file;
use serde_json::Value as Json;

const CASES: &str = include_str!("cel/conformance.jsonl");
/// Files about generated message types, which rows of streams are not.
const OUT_OF_SCOPE: &[&str] = &["proto2", "proto3", "proto2_ext", "enums", "wrappers", "dynamic"];

/// The type a case declares; `None`: of messages or functions of its own.
fn type_of(json: &Json) -> Option<Type> {
    let (kind, inner) = json.as_object()?.iter().next()?;
    let part = |name: &str| inner.get(name).map_or(Some(Type::Dyn), type_of);
    Some(match kind.as_str() {
        "primitive" => match inner.as_str()? {
            "INT64" => Type::Int,
            "UINT64" => Type::Uint,
            "DOUBLE" => Type::Double,
            "BOOL" => Type::Bool,
            "STRING" => Type::String,
            "BYTES" => Type::Bytes,
            _ => return None,
        },
        "dyn" => Type::Dyn,
        "null" => Type::Null,
        "wellKnown" => match inner.as_str()? {
            "TIMESTAMP" => Type::Timestamp,
            "DURATION" => Type::Duration,
            "ANY" => Type::Dyn,
            _ => return None,
        },
        "listType" => Type::list(part("elemType")?),
        "mapType" => Type::map(part("keyType")?, part("valueType")?),
        "type" => Type::Type(Box::new(type_of(inner).unwrap_or(Type::Dyn))),
        "abstractType" if inner["name"] == "optional_type" => {
            Type::optional(type_of(&inner["parameterTypes"][0])?)
        }
        _ => return None,
    })
}

fn double_of(json: &Json) -> Option<f64> {
    json.as_f64().or_else(|| match json.as_str()? {
        "Infinity" => Some(f64::INFINITY),
        "-Infinity" => Some(f64::NEG_INFINITY),
        other => other.parse().ok(),
    })
}

/// A value of a case; `None`: a message.
fn value_of(json: &Json) -> Option<Value> {
    let (kind, inner) = json.as_object()?.iter().next()?;
    Some(match kind.as_str() {
        "int64Value" => Value::Int(inner.as_str()?.parse().ok()?),
        "uint64Value" => Value::Uint(inner.as_str()?.parse().ok()?),
        "doubleValue" => Value::Double(double_of(inner)?),
        "boolValue" => Value::Bool(inner.as_bool()?),
        "stringValue" => Value::string(inner.as_str()?),
        "bytesValue" => {
            let engine = base64::engine::general_purpose::STANDARD;
            Value::Bytes(engine.decode(inner.as_str()?).ok()?.into())
        }
        "nullValue" => Value::Null,
        "typeValue" => Value::Type(inner.as_str()?.into()),
        "listValue" => {
            let values = inner.get("values").and_then(Json::as_array).map_or(&[][..], Vec::as_slice);
            Value::list(values.iter().map(value_of).collect::<Option<_>>()?)
        }
        "mapValue" => {
            let mut map = Map::default();
            for entry in inner.get("entries").and_then(Json::as_array).into_iter().flatten() {
                map.put(value_of(&entry["key"])?, value_of(&entry["value"])?).ok()?;
            }
            Value::Map(map.into())
        }
        "objectValue" => {
            let name = match inner["@type"].as_str()?.rsplit('/').next()? {
                "google.protobuf.Timestamp" => "timestamp",
                "google.protobuf.Duration" => "duration",
                _ => return None,
            };
            let text = format!("{name}('{}')", inner["value"].as_str()?);
            Compiled::new(&check(&text, &Scope::default()).ok()?).ok()?.evaluate(&[]).ok()?
        }
        _ => return None,
    })
}

/// Whether it is the value and of its type, too.
fn same(found: &Value, wanted: &Value) -> bool {
    match (found, wanted) {
        (Value::Double(a), Value::Double(b)) => a == b || (a.is_nan() && b.is_nan()) || close(*a, *b),
        (Value::List(a), Value::List(b)) => {
            a.len() == b.len() && a.iter().zip(b.iter()).all(|(a, b)| same(a, b))
        }
        (Value::Map(a), Value::Map(b)) => {
            a.entries().len() == b.entries().len()
                && a.entries().iter().all(|(key, value)| b.get(key).is_some_and(|b| same(value, b)))
        }
        (a, b) => a.type_name() == b.type_name() && a.equals(b),
    }
}

/// The reader of the cases rounds some decimals to a neighbour.
fn close(a: f64, b: f64) -> bool {
    (a - b).abs() <= f64::EPSILON * a.abs()
}

/// Why a case does not pass; `Ok` if it does.
fn run(case: &Json) -> Result<(), String> {
    let text = case["expr"].as_str().expect("a case has an expression");
    let container = case["container"].as_str().unwrap_or_default().to_owned();
    let mut scope = Scope { container, variables: Vec::new() };
    let mut values = Vec::new();
    for declared in case["typeEnv"].as_array().into_iter().flatten() {
        let name = declared["name"].as_str().expect("it has a name").to_owned();
        let Some(ty) = type_of(&declared["ident"]["type"]) else {
            let is_function = declared.get("function").is_some();
            let what = if is_function { "a function of its own" } else { "a variable that is a message" };
            return Err(format!("declares {what}"));
        };
        let bound = case["bindings"].get(&name).map(|bound| value_of(&bound["value"]));
        values.push(Some(bound.unwrap_or(Some(Value::Null)).ok_or("binds a message")?));
        scope.variables.push(Declared { name, ty });
    }
    let lenient = case["disableCheck"] == true;
    let checked = if lenient { check_leniently(text, &scope) } else { check(text, &scope) };
    let fails = case.get("evalError").is_some();
    let node = match checked {
        Ok(node) => node,
        Err(_) if fails => return Ok(()),
        Err(error) if error.message.contains("message type") => return Err("makes a message".into()),
        Err(error) => return Err(format!("is refused: {error}")),
    };
    if let Some(typed) = case.get("typedResult") {
        let wanted = type_of(&typed["deducedType"]).ok_or("has the type of a message")?;
        if node.ty != wanted {
            return Err(format!("is {} instead of {wanted}", node.ty));
        }
    }
    if case["checkOnly"] == true {
        return Ok(());
    }
    let found = Compiled::new(&node).and_then(|compiled| compiled.evaluate(&values));
    if fails {
        return found.map_or(Ok(()), |found| Err(format!("gives {found:?} instead of an error")));
    }
    let typed = || case.get("typedResult").map(|typed| &typed["result"]).filter(|value| !value.is_null());
    let wanted = case.get("value").or_else(typed).cloned();
    let wanted = wanted.unwrap_or(serde_json::json!({"boolValue": true}));
    let wanted = value_of(&wanted).ok_or("gives a message")?;
    match found {
        Ok(found) if same(&found, &wanted) => Ok(()),
        other => Err(format!("gives {other:?} instead of {wanted:?}")),
    }
}

#[test]
fn the_published_cases_hold() {
    let mut counts: BTreeMap<String, (u32, u32)> = BTreeMap::new();
    let mut not_passed = Vec::new();
    for line in CASES.lines() {
        let case: Json = serde_json::from_str(line).unwrap();
        let suite = case["suite"].as_str().unwrap();
        let file = suite.split('/').nth(1).unwrap();
        if OUT_OF_SCOPE.contains(&file) {
            continue;
        }
        let count = counts.entry(file.to_owned()).or_default();
        count.1 += 1;
        match run(&case) {
            Ok(()) => count.0 += 1,
            Err(reason) => not_passed.push(format!("{suite}/{} {reason}", case["name"].as_str().unwrap())),
        }
    }
    let (passed, all) = counts.values().fold((0, 0), |(a, b), (c, d)| (a + c, b + d));
    let mut text = format!("{passed} of {all} cases pass.\n\n");
    for (file, (passed, all)) in &counts {
        text.push_str(&format!("{file}: {passed} of {all}\n"));
    }
    text.push_str("\nCases that do not:\n\n");
    not_passed.iter().for_each(|line| text.push_str(&format!("{line}\n")));
    expect_file!["cel/not_passed.txt"].assert_eq(&text);
}
