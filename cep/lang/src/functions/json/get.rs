//! `json_get` and its typed relatives: one place of a document, by steps or by JSONPath.

use arrow_array::ArrayRef;
use arrow_schema::DataType;
use datafusion_common::{Result, ScalarValue, plan_err};
use datafusion_expr::ReturnFieldArgs;

use super::path::{self, Step};
use super::seek::seek;
use crate::functions::call::Call;
use crate::functions::definition::{Definition, Param, Params, Returns};

pub(super) fn functions() -> Vec<Definition> {
    let steps = Params::variadic(&[Param::Text], Param::TextOrInt);
    let json_path = Params::exactly(&[Param::Text, Param::Text]);
    vec![
        Definition::new(
            "json_get",
            "json_get(j, key or index, …)",
            "The value at a path of keys and array indexes (from 0, or −1 from the end) as JSON: j -> 'key'.",
            steps,
            Returns::Json,
            |call| by_steps(call, |call, found| call.build_text(|row| Ok(found(row)))),
        )
        .aliased(&["json_extract_path"]),
        Definition::new(
            "json_get_str",
            "json_get_str(j, key or index, …)",
            "The value at a path as STRING, a JSON string without its quotes: j ->> 'key'.",
            steps,
            Returns::Type(DataType::Utf8),
            |call| by_steps(call, |call, found| call.build_text(|row| Ok(found(row).and_then(as_text)))),
        )
        .aliased(&["json_get_text", "json_as_text", "json_extract_path_text"]),
        Definition::new(
            "json_get_int",
            "json_get_int(j, key or index, …)",
            "The number at a path as BIGINT; NULL when it is not a whole number.",
            steps,
            Returns::Type(DataType::Int64),
            |call| by_steps(call, |call, found| call.build_int(|row| Ok(found(row).and_then(as_int)))),
        ),
        Definition::new(
            "json_get_float",
            "json_get_float(j, key or index, …)",
            "The number at a path as DOUBLE; NULL when it is not a number.",
            steps,
            Returns::Type(DataType::Float64),
            |call| by_steps(call, |call, found| call.build_double(|row| Ok(found(row).and_then(as_double)))),
        )
        .aliased(&["json_get_double"]),
        Definition::new(
            "json_get_bool",
            "json_get_bool(j, key or index, …)",
            "The value at a path as BOOL; NULL when it is not true or false.",
            steps,
            Returns::Type(DataType::Boolean),
            |call| by_steps(call, |call, found| call.build_bool(|row| Ok(found(row).and_then(as_bool)))),
        ),
        Definition::new(
            "json_extract",
            "json_extract(j, path)",
            "The value at a JSONPath such as '$.a.b[0]' as JSON.",
            json_path,
            Returns::Json,
            |call| by_path(call, Some),
        )
        .aliased(&["json_query"])
        .checked(check_path),
        Definition::new(
            "json_extract_string",
            "json_extract_string(j, path)",
            "The value at a JSONPath such as '$.a.b[0]' as STRING, a JSON string without its quotes.",
            json_path,
            Returns::Type(DataType::Utf8),
            |call| by_path(call, as_text),
        )
        .aliased(&["json_value", "get_json_object", "json_extract_scalar"])
        .checked(check_path),
    ]
}

/// Refuses a bad literal JSONPath while the query is planned.
pub(super) fn check_path(args: &ReturnFieldArgs<'_>) -> Result<()> {
    if let Some(Some(ScalarValue::Utf8(Some(text)))) = args.scalar_arguments.get(1)
        && let Err(error) = path::parse(text)
    {
        return plan_err!("{}", error.strip_backtrace());
    }
    Ok(())
}

/// Steps of a call: arguments 1 and up, for one row. `None` when one is NULL.
fn steps_at(call: &Call<'_>, row: usize) -> Result<Option<Vec<Step>>> {
    (1..call.count())
        .map(|index| match call.type_of(index)? {
            DataType::Int64 => Ok(call.ints(index)?.at(row).map(Step::Index)),
            _ => Ok(call.text(index)?.at(row).map(|key| Step::Key(key.into()))),
        })
        .collect()
}

/// Runs `build` with a function that finds the verbatim text at the call's steps; JSON null is
/// nothing.
fn by_steps(
    call: &Call<'_>,
    build: impl Fn(&Call<'_>, &dyn Fn(usize) -> Option<String>) -> Result<ArrayRef>,
) -> Result<ArrayRef> {
    let documents = call.text(0)?;
    let fixed = (1..call.count()).all(|index| call.is_constant(index));
    let shared = if fixed { Some(steps_at(call, 0)?) } else { None };
    let per_row: Vec<Option<Vec<Step>>> = if fixed {
        Vec::new()
    } else {
        (0..call.rows()).map(|row| steps_at(call, row)).collect::<Result<_>>()?
    };
    build(call, &|row| {
        let steps = match &shared {
            Some(steps) => steps.as_ref()?,
            None => per_row.get(row)?.as_ref()?,
        };
        seek(documents.at(row)?, steps).filter(|text| *text != "null").map(str::to_string)
    })
}

fn by_path(call: &Call<'_>, convert: impl Fn(String) -> Option<String>) -> Result<ArrayRef> {
    let mut paths = Paths::default();
    let (documents, texts) = (call.text(0)?, call.text(1)?);
    call.build_text(|row| {
        let (Some(document), Some(text)) = (documents.at(row), texts.at(row)) else {
            return Ok(None);
        };
        Ok(seek(document, paths.get(text)?)
            .filter(|text| *text != "null")
            .map(str::to_string)
            .and_then(&convert))
    })
}

/// Parses a path once while it stays the same from row to row.
#[derive(Default)]
pub(super) struct Paths {
    last: Option<(String, Vec<Step>)>,
}

impl Paths {
    pub(super) fn get(&mut self, text: &str) -> Result<&[Step]> {
        let known = matches!(&self.last, Some((last, _)) if last == text);
        if !known {
            self.last = Some((text.to_string(), path::parse(text)?));
        }
        Ok(self.last.as_ref().map_or(&[], |(_, steps)| steps))
    }
}

/// A JSON string without its quotes, anything else as it is written.
fn as_text(json: String) -> Option<String> {
    if json.starts_with('"') {
        return serde_json::from_str(&json).ok();
    }
    Some(json)
}

fn as_int(json: String) -> Option<i64> {
    if let Ok(value) = json.parse::<i64>() {
        return Some(value);
    }
    let value = as_double(json)?;
    let in_range = (-9_223_372_036_854_775_808.0..9_223_372_036_854_775_808.0).contains(&value);
    (in_range && value == libm::trunc(value)).then_some(value as i64)
}

fn as_double(json: String) -> Option<f64> {
    // What Rust reads beyond JSON ("inf", "nan") is never the text of a JSON value.
    let starts_a_number = json.starts_with(|c: char| c == '-' || c.is_ascii_digit());
    if !starts_a_number {
        return None;
    }
    json.parse::<f64>().ok().filter(|value| value.is_finite())
}

fn as_bool(json: String) -> Option<bool> {
    match json.as_str() {
        "true" => Some(true),
        "false" => Some(false),
        _ => None,
    }
}
