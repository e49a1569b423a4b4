//! /v1/query: one bounded SELECT on what definitions keep.

use std::sync::Arc;
use std::time::Duration;

use arrow_array::{
    ArrayRef, BooleanArray, Float64Array, Int64Array, RecordBatch, StringArray, new_null_array,
};
use arrow_schema::DataType;
use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::Response;
use cep_lang::lower::Question;
use cep_types::PartitionId;
use cep_types::sql_type::field_type_name;
use serde::Deserialize;
use serde_json::{Value, json};
use shard_node::lanes::ToShard;
use shard_node::query::{Answer, Ask, TIMEOUT_DEFAULT};

use super::Node;
use super::fail::Fail;

/// A question as it is sent.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Asked {
    /// One SELECT; parameters are `$1`, `$2`, ….
    sql: String,
    /// Their values.
    #[serde(default)]
    parameters: Vec<Value>,
    /// May be left out where there is only one.
    #[serde(default)]
    space: String,
    /// One partition; all when none is named.
    #[serde(default)]
    partition: Option<u32>,
    /// Most rows that are wanted.
    #[serde(default)]
    rows_max: Option<u32>,
    /// How long it may take.
    #[serde(default)]
    timeout_ms: Option<u32>,
}

/// Answers a question from the partitions of a space.
pub async fn query(State(node): State<Node>, Json(asked): Json<Asked>) -> Result<Response, Fail> {
    let Asked { sql, parameters, space, partition, rows_max, timeout_ms } = asked;
    let parameters = row(&parameters)?;
    let parsed = tokio::task::spawn_blocking(move || Question::parse(&sql, parameters.as_ref())).await;
    let question = parsed.map_err(|error| Fail::busy(error.to_string()))?;
    let question = question.map_err(|error| Fail::query(error.0))?;
    let ask = Ask {
        space,
        partition: partition.map(PartitionId),
        rows_max,
        timeout: timeout_ms.map_or(TIMEOUT_DEFAULT, |ms| Duration::from_millis(u64::from(ms))),
        ..Ask::new(question)
    };
    let answer = node.ask_for(ask.timeout, 0, |reply| ToShard::QueryAll(Box::new(ask), reply)).await?;
    let answer = answer.map_err(|error| Fail::unanswered(&error))?;
    let text = tokio::task::spawn_blocking(move || written(&answer)).await;
    let text = text.map_err(|error| Fail::busy(error.to_string()))??;
    let response =
        Response::builder().status(StatusCode::OK).header(header::CONTENT_TYPE, "application/json");
    response.body(Body::from(text)).map_err(|error| Fail::busy(error.to_string()))
}

/// Parameters as one row.
fn row(values: &[Value]) -> Result<Option<RecordBatch>, Fail> {
    if values.is_empty() {
        return Ok(None);
    }
    let mut columns = Vec::new();
    for (number, value) in (1..).zip(values) {
        let array: ArrayRef = match value {
            Value::Null => new_null_array(&DataType::Utf8, 1),
            Value::Bool(value) => Arc::new(BooleanArray::from(vec![*value])),
            Value::String(text) => Arc::new(StringArray::from(vec![text.as_str()])),
            Value::Number(number) => match (number.as_i64(), number.as_f64()) {
                (Some(value), _) => Arc::new(Int64Array::from(vec![value])),
                (None, Some(value)) if !number.is_u64() => Arc::new(Float64Array::from(vec![value])),
                _ => {
                    return Err(Fail::query(format!("parameter {number} is no BIGINT; send it as a string")));
                }
            },
            Value::Array(_) | Value::Object(_) => {
                return Err(Fail::query(format!("parameter {number} is not a plain value")));
            }
        };
        columns.push((format!("${number}"), array, true));
    }
    RecordBatch::try_from_iter_with_nullable(columns).map(Some).map_err(|error| Fail::bad(error.to_string()))
}

/// The answer as JSON; rows are objects, values as `ceptra run` prints them.
fn written(answer: &Answer) -> Result<Vec<u8>, Fail> {
    let columns: Vec<Value> = (answer.rows.schema_ref().fields().iter())
        .map(|field| json!({"name": field.name(), "type": field_type_name(field), "nullable": field.is_nullable()}))
        .collect();
    let read_at: Vec<Value> = (answer.read_at.iter())
        .map(|(partition, index)| json!({"partition": partition.0, "index": index.0}))
        .collect();
    let head = json!({"columns": columns, "read_at": read_at, "truncated": answer.is_truncated}).to_string();
    let lines = net_connect::json_lines(&answer.rows);
    let lines = lines.map_err(|error| Fail::query(format!("the answer cannot be written: {error}")))?;
    let mut out = head.into_bytes();
    out.pop();
    out.extend_from_slice(b",\"rows\":[");
    for (at, line) in lines.split(|&byte| byte == b'\n').filter(|line| !line.is_empty()).enumerate() {
        if at > 0 {
            out.push(b',');
        }
        out.extend_from_slice(line);
    }
    out.extend_from_slice(b"]}");
    Ok(out)
}
