//! Answers on standard output: tables for people, JSON for machines.

use std::io::{self, Write};

use comfy_table::presets::NOTHING;
use comfy_table::{CellAlignment, Table};
use serde_json::Value;

use crate::args::Output;
use crate::failure::{Failure, Result};

/// How answers are written.
pub struct Show {
    output: Output,
}

impl Show {
    /// In this format.
    pub fn new(output: Output) -> Self {
        Show { output }
    }

    /// Writes `value` as JSON, or what `table` makes of it.
    pub fn value(&self, value: &Value, table: impl FnOnce(&Value) -> String) -> Result<()> {
        match self.output {
            Output::Json => write(&format!("{value:#}\n")),
            Output::Table => write(&table(value)),
        }
    }
}

/// Writes text to standard output.
pub fn write(text: &str) -> Result<()> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()).map_err(|error| match error.kind() {
        io::ErrorKind::BrokenPipe => Failure::OutputClosed,
        _ => Failure::Found(format!("cannot write to standard output: {error}")),
    })
}

/// A table of rows that are objects: a column for each of `columns`, title and key.
pub fn table<'a>(rows: impl IntoIterator<Item = &'a Value>, columns: &[(&str, &str)]) -> String {
    let mut table = Table::new();
    table.load_preset(NOTHING);
    table.set_header(columns.iter().map(|(title, _)| title.to_uppercase()));
    let mut numeric = vec![true; columns.len()];
    for row in rows {
        for (at, (_, key)) in columns.iter().enumerate() {
            numeric[at] &= row[*key].is_number();
        }
        table.add_row(columns.iter().map(|(_, key)| text(&row[*key])));
    }
    for (at, is_number) in numeric.into_iter().enumerate() {
        if let Some(column) = table.column_mut(at).filter(|_| is_number) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table.lines().map(|line| format!("{}\n", line.trim_end())).collect()
}

/// A value as it stands in a table.
pub fn text(value: &Value) -> String {
    match value {
        Value::Null => "-".into(),
        Value::String(text) => text.clone(),
        Value::Bool(true) => "yes".into(),
        Value::Bool(false) => "no".into(),
        Value::Array(items) if items.is_empty() => "-".into(),
        Value::Array(items) => items.iter().map(text).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn numbers_stand_right_and_nothing_is_a_dash() {
        let rows = [json!({"a": 1, "b": "x", "c": []}), json!({"a": 100, "b": null, "c": ["p", "q"]})];
        let shown = table(&rows, &[("count", "a"), ("name", "b"), ("list", "c")]);
        let lines: Vec<&str> = shown.lines().map(str::trim_end).collect();
        assert_eq!(lines.len(), 3);
        assert!(
            lines[0].contains("COUNT") && lines[1].contains("  1") && lines[2].contains("100"),
            "{shown}"
        );
        assert!(lines[2].contains("p, q") && lines[1].ends_with('-'), "{shown}");
    }
}
