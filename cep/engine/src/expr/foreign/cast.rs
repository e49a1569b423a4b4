//! Casts that are Arrow's, with the corners SQL sees differently cut off.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Date32Type, Int64Type, Time64NanosecondType};
use arrow_array::{Array, ArrayRef, StringArray};
use arrow_cast::display::{ArrayFormatter, FormatOptions};
use arrow_cast::{CastOptions, cast, cast_with_options};
use arrow_schema::{ArrowError, DataType, TimeUnit};
use chrono::NaiveDate;

use crate::expr::kernel::cast::{plain_text, quoted};

/// `input` as `to`; NULL where there is no counterpart.
///
/// # Errors
/// Where Arrow fails as a whole.
pub(super) fn lenient(input: &ArrayRef, to: &DataType) -> Result<ArrayRef, ArrowError> {
    let options = CastOptions { safe: true, ..CastOptions::default() };
    let text = plain_text(input.data_type()) == DataType::Utf8;
    let result = match to {
        // A bare number is no time and no span: Arrow would count ns or months.
        DataType::Time64(_) | DataType::Interval(_) if text => {
            cast_with_options(&without_numbers(input)?, to, &options)?
        }
        _ => cast_with_options(input, to, &options)?,
    };
    Ok(match to {
        DataType::Time64(TimeUnit::Nanosecond) => {
            let times = result.as_primitive::<Time64NanosecondType>();
            Arc::new(times.unary_opt::<_, Time64NanosecondType>(|t| (0..DAY_NS).contains(&t).then_some(t)))
        }
        DataType::Date32 => {
            let dates = result.as_primitive::<Date32Type>();
            Arc::new(dates.unary_opt::<_, Date32Type>(|d| is_date(d).then_some(d)))
        }
        _ => result,
    })
}

const DAY_NS: i64 = 86_400_000_000_000;

/// Whether a day is one of the calendar we print with (some 262,000 years around 1970).
fn is_date(days: i32) -> bool {
    NaiveDate::from_epoch_days(days).is_some()
}

fn without_numbers(input: &ArrayRef) -> Result<ArrayRef, ArrowError> {
    let texts = cast(input, &DataType::Utf8)?;
    let kept: StringArray =
        texts.as_string::<i32>().iter().map(|t| t.filter(|t| t.trim().parse::<f64>().is_err())).collect();
    Ok(Arc::new(kept))
}

/// The number behind a time that the calendar does not reach.
fn number(array: &ArrayRef, row: usize) -> String {
    let number = cast(&array.slice(row, 1), &DataType::Int64).ok();
    let number = number.filter(|n| n.is_valid(0)).map(|n| n.as_primitive::<Int64Type>().value(0));
    number.map_or_else(|| "a value that cannot be shown".to_owned(), |n| n.to_string())
}

/// A value in a message.
pub(super) fn shown(array: &ArrayRef, row: usize) -> String {
    let options = FormatOptions::default().with_display_error(false);
    let text = ArrayFormatter::try_new(array.as_ref(), &options)
        .and_then(|formatter| formatter.value(row).try_to_string())
        .unwrap_or_else(|_| number(array, row));
    if plain_text(array.data_type()) == DataType::Utf8 { quoted(&text) } else { text }
}
