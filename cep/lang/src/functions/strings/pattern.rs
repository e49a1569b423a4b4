//! Regular expressions beyond DataFusion's: the captured piece itself, all of them, and splitting.

use std::sync::Arc;

use arrow_array::ArrayRef;
use arrow_array::builder::{ListBuilder, StringBuilder};
use arrow_schema::{DataType, Field};
use datafusion_common::{Result, ScalarValue, exec_err, plan_err};
use datafusion_expr::ReturnFieldArgs;
use regex::Regex;

use crate::functions::call::Call;
use crate::functions::definition::{Definition, Param, Params, Returns};

pub(super) fn functions() -> Vec<Definition> {
    vec![
        Definition::new(
            "regexp_extract",
            "regexp_extract(text, pattern [, group])",
            "What group number `group` (0, the whole match) of the first match captured; NULL without a match.",
            Params::with_optional(&[Param::Text, Param::Text], &[Param::Int]),
            Returns::Type(DataType::Utf8),
            extract,
        )
        .aliased(&["regexp_substr"])
        .checked(check_pattern),
        Definition::new(
            "regexp_extract_all",
            "regexp_extract_all(text, pattern [, group])",
            "What group number `group` (0, the whole match) captured in every match. ARRAY<STRING>.",
            Params::with_optional(&[Param::Text, Param::Text], &[Param::Int]),
            Returns::Of(text_list),
            extract_all,
        )
        .checked(check_pattern),
        Definition::new(
            "regexp_split",
            "regexp_split(text, pattern)",
            "The pieces of a text between the matches of a pattern. ARRAY<STRING>.",
            Params::exactly(&[Param::Text, Param::Text]),
            Returns::Of(text_list),
            split,
        )
        .aliased(&["regexp_split_to_array", "string_split_regex"])
        .checked(check_pattern),
    ]
}

fn text_list(_: &[DataType]) -> Result<DataType> {
    Ok(DataType::List(Arc::new(Field::new_list_field(DataType::Utf8, true))))
}

fn check_pattern(args: &ReturnFieldArgs<'_>) -> Result<()> {
    if let Some(Some(ScalarValue::Utf8(Some(pattern)))) = args.scalar_arguments.get(1)
        && let Err(error) = Regex::new(pattern)
    {
        return plan_err!("'{pattern}' is not a regular expression: {error}");
    }
    Ok(())
}

/// Compiles a pattern once while it stays the same from row to row.
#[derive(Default)]
struct Patterns {
    last: Option<(String, Regex)>,
}

impl Patterns {
    fn get(&mut self, pattern: &str) -> Result<&Regex> {
        let known = matches!(&self.last, Some((text, _)) if text == pattern);
        if !known {
            match Regex::new(pattern) {
                Ok(regex) => self.last = Some((pattern.to_string(), regex)),
                Err(error) => {
                    return exec_err!("'{pattern}' is not a regular expression: {error}");
                }
            }
        }
        let (_, regex) = self.last.as_ref().expect("set just above when it was not");
        Ok(regex)
    }
}

fn group_index(regex: &Regex, group: i64) -> Result<usize> {
    match usize::try_from(group) {
        Ok(index) if index < regex.captures_len() => Ok(index),
        Ok(_) | Err(_) => exec_err!("'{regex}' has groups 0 to {}, not {group}", regex.captures_len() - 1),
    }
}

fn extract(call: &Call<'_>) -> Result<ArrayRef> {
    let (text, pattern) = (call.text(0)?, call.text(1)?);
    let groups = optional_group(call)?;
    let mut patterns = Patterns::default();
    call.build_text(|row| {
        let (Some(text), Some(pattern), Some(group)) = (text.at(row), pattern.at(row), groups(row)) else {
            return Ok(None);
        };
        let regex = patterns.get(pattern)?;
        let index = group_index(regex, group)?;
        Ok(regex
            .captures(text)
            .and_then(|captures| captures.get(index))
            .map(|found| found.as_str().to_string()))
    })
}

/// The group of each row, 0 when the argument is left out.
fn optional_group<'a>(call: &'a Call<'_>) -> Result<impl Fn(usize) -> Option<i64> + use<'a>> {
    let groups = if call.count() > 2 { Some(call.ints(2)?) } else { None };
    Ok(move |row| match &groups {
        Some(cells) => cells.at(row),
        None => Some(0),
    })
}

fn extract_all(call: &Call<'_>) -> Result<ArrayRef> {
    let (text, pattern) = (call.text(0)?, call.text(1)?);
    let groups = optional_group(call)?;
    let mut patterns = Patterns::default();
    let mut lists = ListBuilder::new(StringBuilder::new());
    for row in 0..call.rows() {
        let (Some(text), Some(pattern), Some(group)) = (text.at(row), pattern.at(row), groups(row)) else {
            lists.append_null();
            continue;
        };
        let regex = patterns.get(pattern)?;
        let index = group_index(regex, group)?;
        for captures in regex.captures_iter(text) {
            lists.values().append_option(captures.get(index).map(|found| found.as_str()));
        }
        lists.append(true);
    }
    Ok(Arc::new(lists.finish()))
}

fn split(call: &Call<'_>) -> Result<ArrayRef> {
    let (text, pattern) = (call.text(0)?, call.text(1)?);
    let mut patterns = Patterns::default();
    let mut lists = ListBuilder::new(StringBuilder::new());
    for row in 0..call.rows() {
        let (Some(text), Some(pattern)) = (text.at(row), pattern.at(row)) else {
            lists.append_null();
            continue;
        };
        for piece in patterns.get(pattern)?.split(text) {
            lists.values().append_value(piece);
        }
        lists.append(true);
    }
    Ok(Arc::new(lists.finish()))
}
