//! Questions to what definitions keep.

use serde_json::{Value, json};

use crate::args::Query;
use crate::failure::Result;
use crate::http::Node;
use crate::show::{Show, table};

/// Asks, and shows the rows.
pub fn run(node: &Node, show: &Show, query: &Query) -> Result<()> {
    let mut body = json!({"sql": query.sql, "parameters": query.parameters.iter().map(|p| value(p)).collect::<Vec<_>>()});
    let optional = [
        ("space", query.space.clone().map(Value::from)),
        ("partition", query.partition.map(Value::from)),
        ("rows_max", query.rows_max.map(Value::from)),
        ("timeout_ms", query.timeout_ms.map(Value::from)),
    ];
    for (key, value) in optional {
        if let Some(value) = value {
            body[key] = value;
        }
    }
    let answer = node.post("/v1/query", &body)?;
    show.value(&answer, |answer| {
        let names: Vec<&str> =
            answer["columns"].as_array().into_iter().flatten().filter_map(|c| c["name"].as_str()).collect();
        let columns: Vec<(&str, &str)> = names.iter().map(|name| (*name, *name)).collect();
        let mut out = table(answer["rows"].as_array().into_iter().flatten(), &columns);
        if answer["truncated"] == true {
            out.push_str("… there are more rows\n");
        }
        out
    })
}

/// A parameter: a number, true, false or null as such, else a string.
fn value(text: &str) -> Value {
    match serde_json::from_str(text) {
        Ok(value @ (Value::Number(_) | Value::Bool(_) | Value::Null | Value::String(_))) => value,
        _ => Value::from(text),
    }
}
