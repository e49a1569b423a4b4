//! What a dead-letter stream may hold (R-SQL-9).

use arrow_schema::{DataType, Field, FieldRef};

use super::{OptionError, closest};
use crate::sql_type::{field_type_name, is_json_field};

/// What a column of a dead-letter stream is filled with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeadLetterField {
    /// `stream` STRING: the stream that could not take the record.
    Stream,
    /// `reason` STRING: what was wrong.
    Reason,
    /// `column` STRING: the column that could not be read, if it was one.
    Column,
    /// `line` BIGINT: line of the input where the record starts, from 1.
    Line,
    /// `position` BIGINT: byte of the (unpacked) input where the record starts, from 0.
    Position,
    /// `original` BYTES or STRING (invalid UTF-8 replaced): the record as it came.
    Original,
}

const FIELDS: &[(&str, DeadLetterField)] = &[
    ("stream", DeadLetterField::Stream),
    ("reason", DeadLetterField::Reason),
    ("column", DeadLetterField::Column),
    ("line", DeadLetterField::Line),
    ("position", DeadLetterField::Position),
    ("original", DeadLetterField::Original),
];

/// The filling of each column of a dead-letter stream, by name: any of `stream`, `reason`,
/// `column`, `line`, `position`, `original`, each at most once and of the type said at
/// [`DeadLetterField`].
///
/// # Errors
/// A column of another name or type, or one that is NOT NULL and may lack a value (`column`).
pub fn dead_letter_layout(columns: &[FieldRef]) -> Result<Vec<DeadLetterField>, OptionError> {
    columns.iter().map(|field| filling(field)).collect()
}

fn filling(field: &Field) -> Result<DeadLetterField, OptionError> {
    const KEY: &str = "error.dlq.stream";
    let names = || FIELDS.iter().map(|(name, _)| *name);
    let (name, filling) =
        FIELDS.iter().find(|(name, _)| name.eq_ignore_ascii_case(field.name())).ok_or_else(|| {
            OptionError::new(
                KEY,
                format!(
                    "column '{}' is not one a dead-letter stream can fill: {}",
                    field.name(),
                    names().collect::<Vec<_>>().join(", ")
                ),
            )
            .did_you_mean(closest(field.name(), names()))
        })?;
    let fits = match (filling, field.data_type()) {
        (DeadLetterField::Line | DeadLetterField::Position, DataType::Int64) => true,
        (DeadLetterField::Line | DeadLetterField::Position, _) => false,
        (DeadLetterField::Original, DataType::Binary) => true,
        (_, DataType::Utf8) => !is_json_field(field),
        _ => false,
    };
    if !fits {
        let wanted = match filling {
            DeadLetterField::Line | DeadLetterField::Position => "BIGINT",
            DeadLetterField::Original => "BYTES or STRING",
            _ => "STRING",
        };
        return Err(OptionError::new(
            KEY,
            format!("column '{name}' is {}, not {wanted}", field_type_name(field)),
        ));
    }
    if *filling == DeadLetterField::Column && !field.is_nullable() {
        return Err(OptionError::new(
            KEY,
            "column 'column' is NOT NULL, but not every failure is of one column",
        ));
    }
    Ok(*filling)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(name: &str, data_type: DataType) -> FieldRef {
        Field::new(name, data_type, true).into()
    }

    #[test]
    fn columns_are_filled_by_name_in_any_order() {
        let layout = dead_letter_layout(&[
            field("Reason", DataType::Utf8),
            field("original", DataType::Binary),
            field("line", DataType::Int64),
        ]);
        assert_eq!(
            layout,
            Ok(vec![DeadLetterField::Reason, DeadLetterField::Original, DeadLetterField::Line])
        );
    }

    #[test]
    fn a_strange_column_and_a_wrong_type_are_refused() {
        let strange = dead_letter_layout(&[field("reson", DataType::Utf8)]).unwrap_err();
        assert_eq!(strange.suggestion.as_deref(), Some("did you mean 'reason'?"));
        let wrong = dead_letter_layout(&[field("line", DataType::Utf8)]).unwrap_err();
        assert!(wrong.reason.contains("not BIGINT"), "{wrong}");
    }
}
