//! Rows in the words of a message.

use arrow_schema::{Field, FieldRef};

use super::Column;

/// Longest text of a row, characters.
const ROW_CHARS_MAX: usize = 200;

/// Row `row` of columns for a message: `k = 'a', total = 7`.
///
/// # Panics
/// If `row` is out of range.
pub fn row_text<'a>(columns: impl Iterator<Item = (&'a FieldRef, &'a Column)>, row: usize) -> String {
    let mut text = String::new();
    for (field, column) in columns {
        if text.chars().count() > ROW_CHARS_MAX {
            text.push_str(", …");
            break;
        }
        if !text.is_empty() {
            text.push_str(", ");
        }
        text.push_str(field.name());
        text.push_str(" = ");
        text.push_str(&value_text(field, column, row));
    }
    text
}

/// A value as SQL writes it.
fn value_text(field: &Field, column: &Column, row: usize) -> String {
    if !column.is_valid(row) {
        return "NULL".to_owned();
    }
    let mut value = column.empty_like();
    value.append_range(column, row, row + 1);
    let array = value.to_arrow(field.data_type());
    let text = arrow_cast::display::array_value_to_string(&array, 0).unwrap_or_else(|e| e.to_string());
    let cut = text.char_indices().nth(ROW_CHARS_MAX / 4).map_or(text.len(), |(at, _)| at);
    let dots = if cut < text.len() { "…" } else { "" };
    if field.data_type().is_string() {
        format!("'{}{dots}'", text[..cut].escape_debug())
    } else {
        format!("{}{dots}", &text[..cut])
    }
}
