//! Values to Arrow arrays.

use arrow_array::cast::AsArray;
use arrow_array::{ArrayRef, new_empty_array};
use arrow_schema::DataType;
use arrow_select::concat::concat;
use datafusion_common::ScalarValue;

use super::{Val, ValKind, scalar};
use crate::agg::codec::Reader;
use crate::column::{Column, Values};

/// The array of `values`, which are of `data_type`.
///
/// # Panics
/// If one is not: states hold checked values only.
pub(crate) fn array_of<'a>(data_type: &DataType, values: impl Iterator<Item = &'a Val>) -> ArrayRef {
    if ValKind::of(data_type) != Some(ValKind::Any) {
        let mut column = Column::new(data_type);
        values.for_each(|v| v.push(&mut column));
        return column.to_arrow(data_type);
    }
    let scalars: Vec<ScalarValue> = values
        .map(|v| match v {
            Val::Bytes(b) => scalar::decode(&mut Reader::new(b), data_type).expect("encoded by a state"),
            _ => ScalarValue::try_from(data_type).expect("a supported type has a NULL"),
        })
        .collect();
    if scalars.is_empty() {
        return new_empty_array(data_type);
    }
    ScalarValue::iter_to_array(scalars).expect("values of one type")
}

/// The column of `values`, which are of `data_type`.
///
/// # Panics
/// If one is not.
pub(crate) fn column_of<'a>(data_type: &DataType, values: impl Iterator<Item = &'a Val>) -> Column {
    let mut column = Column::new(data_type);
    match &mut column.values {
        Values::Any(array) => *array = array_of(data_type, values),
        _ => values.for_each(|v| v.push(&mut column)),
    }
    column
}

/// The elements of row `row` of an array column as keys, NULLs left out.
///
/// # Panics
/// If the column is not of arrays.
pub(crate) fn elements(array: &ArrayRef, row: usize) -> Vec<Val> {
    let column = Column::from_arrow(&array.as_list::<i32>().value(row));
    (0..column.len()).map(|i| Val::key(&column, i)).filter(|v| *v != Val::Null).collect()
}

/// Appends an array to an Arrow column.
///
/// # Panics
/// If the column is of another kind or type.
pub(crate) fn push_array(out: &mut Column, array: ArrayRef) {
    match &mut out.values {
        Values::Any(old) if old.is_empty() => *old = array,
        Values::Any(old) => {
            *old = concat(&[old.as_ref(), array.as_ref()]).expect("both arrays have the column's type");
        }
        other => panic!("an arrow array for a {} column", other.kind_name()),
    }
}
