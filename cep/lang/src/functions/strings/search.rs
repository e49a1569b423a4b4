//! Positions, pieces and comparisons of texts. Positions count characters from 1.

use arrow_array::ArrayRef;
use arrow_schema::DataType;
use datafusion_common::{Result, exec_err};

use crate::functions::call::Call;
use crate::functions::definition::{Definition, Param, Params, Returns};

/// Longest text that `space` makes.
const SPACES_MAX: i64 = 1 << 20;

pub(super) fn functions() -> Vec<Definition> {
    vec![
        Definition::new(
            "locate",
            "locate(part, text [, from])",
            "Position of the first `part` in `text` at or after `from` (1), 0 when there is none.",
            Params::with_optional(&[Param::Text, Param::Text], &[Param::Int]),
            Returns::Type(DataType::Int64),
            locate,
        )
        .aliased(&["charindex"]),
        Definition::new(
            "split_index",
            "split_index(text, delimiter, index)",
            "Piece number `index`, counted from 0, of a text cut at a delimiter; NULL when there is none.",
            Params::exactly(&[Param::Text, Param::Text, Param::Int]),
            Returns::Type(DataType::Utf8),
            |call| {
                let (text, delimiter, index) = (call.text(0)?, call.text(1)?, call.ints(2)?);
                call.build_text(|row| {
                    let (Some(text), Some(delimiter), Some(index)) =
                        (text.at(row), delimiter.at(row), index.at(row))
                    else {
                        return Ok(None);
                    };
                    let Ok(index) = usize::try_from(index) else {
                        return Ok(None);
                    };
                    if delimiter.is_empty() {
                        return Ok((index == 0).then_some(text));
                    }
                    Ok(text.split(delimiter).nth(index))
                })
            },
        ),
        Definition::new(
            "space",
            "space(count)",
            "A text of `count` spaces.",
            Params::exactly(&[Param::Int]),
            Returns::Type(DataType::Utf8),
            |call| {
                let count = call.ints(0)?;
                call.build_text(|row| match count.at(row) {
                    Some(count) if count > SPACES_MAX => {
                        exec_err!("space makes at most {SPACES_MAX} spaces, not {count}")
                    }
                    // A count below 0 is an empty text, as in MySQL.
                    Some(count) => Ok(Some(" ".repeat(usize::try_from(count).unwrap_or(0)))),
                    None => Ok(None),
                })
            },
        ),
        Definition::new(
            "strcmp",
            "strcmp(a, b)",
            "−1, 0 or 1 as a is before, equal to or after b in code point order.",
            Params::exactly(&[Param::Text, Param::Text]),
            Returns::Type(DataType::Int64),
            |call| {
                let (a, b) = (call.text(0)?, call.text(1)?);
                call.build_int(|row| Ok(a.at(row).zip(b.at(row)).map(|(a, b)| a.cmp(b) as i64)))
            },
        ),
        Definition::new(
            "jaro_winkler_similarity",
            "jaro_winkler_similarity(a, b)",
            "Similarity of two texts from 0 (nothing in common) to 1 (equal), by Jaro and Winkler.",
            Params::exactly(&[Param::Text, Param::Text]),
            Returns::Type(DataType::Float64),
            |call| {
                let (a, b) = (call.text(0)?, call.text(1)?);
                call.build_double(|row| Ok(a.at(row).zip(b.at(row)).map(|(a, b)| strsim::jaro_winkler(a, b))))
            },
        ),
    ]
}

fn locate(call: &Call<'_>) -> Result<ArrayRef> {
    let (part, text) = (call.text(0)?, call.text(1)?);
    let from = if call.count() > 2 { Some(call.ints(2)?) } else { None };
    call.build_int(|row| {
        let from = match &from {
            Some(cells) => cells.at(row),
            None => Some(1),
        };
        Ok(match (part.at(row), text.at(row), from) {
            (Some(part), Some(text), Some(from)) => Some(position(part, text, from)),
            _ => None,
        })
    })
}

/// Position of `part` in `text` at or after `from`, counted in characters from 1; 0 for none.
fn position(part: &str, text: &str, from: i64) -> i64 {
    let Some(skipped) = from.checked_sub(1).and_then(|s| usize::try_from(s).ok()) else {
        return 0;
    };
    let mut ends = text.char_indices().map(|(index, _)| index).chain([text.len()]);
    let Some(start) = ends.nth(skipped) else {
        return 0;
    };
    match text[start..].find(part) {
        // A text is far shorter than 2^63 characters.
        Some(offset) => (skipped + 1 + text[start..start + offset].chars().count()) as i64,
        None => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Slow and obvious: try every position on a vector of characters.
    fn position_reference(part: &str, text: &str, from: i64) -> i64 {
        let part: Vec<char> = part.chars().collect();
        let text: Vec<char> = text.chars().collect();
        if from < 1 {
            return 0;
        }
        for start in (from as usize - 1)..=text.len() {
            if text[start..].starts_with(&part) {
                return start as i64 + 1;
            }
        }
        0
    }

    proptest! {
        #[test]
        fn position_is_the_first_match(part in "[aß]{0,2}", text in "[abß]{0,8}", from in -1_i64..10) {
            prop_assert_eq!(position(&part, &text, from), position_reference(&part, &text, from));
        }
    }
}
